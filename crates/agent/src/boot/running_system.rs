//! The running system's part. `nvmeroot-agent paths`: what the boot did without is
//! connected as soon as it is there. `nvmeroot-agent leases`: what the boot got by DHCP
//! is renewed, where no network manager of the running system does.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nvmeroot_firmware::CommandLine;

use super::bring_up::Boot;
use super::commands::{command_line, stop_on_signals};
use super::error::{StartError, io};
use super::requirements::Requirements;
use super::sources::{self, Resolved};
use crate::storage::fabrics::{Fabrics, Kernel};
use crate::sys::events::Events;
use crate::sys::kmsg::Kmsg;
use crate::sys::netlink::{self, NetlinkError};
use crate::sys::paths::Paths;
use crate::task::{Context, Recorder};

/// Longer than a machine runs.
const NO_END: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Connects the plan's controllers that are not there, however long it takes;
/// the network is somebody else's. Exit status 0 when all are there or the
/// program was told to stop, 1 without a usable plan.
pub fn paths(paths: &Paths) -> ExitCode {
    run(paths, paths.paths_record(), Boot::start_missing)
}

/// Keeps the leases of the plan's interfaces that ifupdown was told to be up, until the
/// program is told to stop; their addresses stay when it ends. Exit status 0, at once
/// where there is none; 1 without a usable plan.
pub fn leases(paths: &Paths) -> ExitCode {
    run(paths, paths.leases_record(), Boot::keep_leases)
}

type Start = fn(&Boot) -> Result<(), NetlinkError>;

fn run(paths: &Paths, record: PathBuf, start: Start) -> ExitCode {
    let line = command_line(paths);
    if line.off {
        return ExitCode::SUCCESS;
    }
    match work(paths, &line, record, start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("nvmeroot: {e}");
            ExitCode::FAILURE
        }
    }
}

fn work(
    paths: &Paths,
    line: &CommandLine,
    record: PathBuf,
    start: Start,
) -> Result<(), StartError> {
    let kmsg = Kmsg::open(paths, line.debug);
    let Resolved { plan, .. } = sources::resolved(paths, &kmsg)?;
    std::fs::create_dir_all(&paths.run).map_err(io("can't make the program's directory"))?;
    let events = Arc::new(Events::new().map_err(io("no file descriptor"))?);
    netlink::watch(&events)?;
    stop_on_signals(&events).map_err(io("can't take signals"))?;
    let requirements = Requirements::of(&plan, None);
    let context = Context::new(
        plan,
        paths.clone(),
        events,
        kmsg,
        Recorder::start(record, NO_END, None),
        Instant::now() + NO_END,
    );
    let fabrics = Fabrics::new(Box::new(Kernel::new(paths.clone())));
    let boot = Boot::new(context, requirements, fabrics);
    start(&boot)?;
    boot.wait_for_the_rest();
    boot.context.recorder.finish();
    Ok(())
}
