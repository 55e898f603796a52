//! `nvmeroot-agent paths`: the running system's part. What the boot did without
//! is connected as soon as it is there.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cmdline::CommandLine;
use crate::events::Events;
use crate::exec::{self, Context};
use crate::fabrics::{Fabrics, Kernel};
use crate::kmsg::Kmsg;
use crate::netlink;
use crate::places::Places;
use crate::program::{StartError, io, read_plan, stop_on_signals};
use crate::record::Recorder;

/// Longer than a machine runs.
const NO_END: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Connects the plan's controllers that are not there, however long it takes;
/// the network is somebody else's. Exit status 0 when all are there or the
/// program was told to stop, 1 without a usable plan.
pub fn paths(places: &Places) -> ExitCode {
    let text = std::fs::read_to_string(&places.cmdline).unwrap_or_default();
    let line = CommandLine::parse(&text);
    if line.off {
        return ExitCode::SUCCESS;
    }
    match connect(places, &line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("nvmeroot: {e}");
            ExitCode::FAILURE
        }
    }
}

fn connect(places: &Places, line: &CommandLine) -> Result<(), StartError> {
    let plan = read_plan(places)?;
    std::fs::create_dir_all(&places.run).map_err(io("can't make the program's directory"))?;
    let events = Arc::new(Events::new().map_err(io("no file descriptor"))?);
    netlink::watch(&events)?;
    stop_on_signals(&events).map_err(io("can't take signals"))?;
    let context = Arc::new(Context::new(
        plan,
        places.clone(),
        events,
        Kmsg::open(places, line.debug),
        Recorder::start(places.paths_record(), NO_END, None),
        Fabrics::new(Box::new(Kernel::new(places.clone()))),
        Instant::now() + NO_END,
    ));
    exec::start_missing(&context)?;
    exec::wait_for_the_rest(&context);
    context.recorder.finish();
    Ok(())
}
