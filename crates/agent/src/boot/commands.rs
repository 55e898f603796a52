//! The subcommands.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nvmeroot_firmware::CommandLine;
use nvmeroot_record::Outcome;

use super::bring_up::{Boot, Verdict};
use super::control::{self, AskError, Control, Lock};
use super::error::{StartError, io};
use super::requirements::{Requirements, RootDevice};
use super::sources::{self, Resolved};
use crate::storage::fabrics::{Fabrics, Kernel};
use crate::sys::events::Events;
use crate::sys::kmsg::{KernelLog, Kmsg, Level};
use crate::sys::netlink;
use crate::sys::paths::Paths;
use crate::sys::priority::Priority;
use crate::sys::{spawn, udev};
use crate::task::{Context, Recorder, monotonic_us};

/// Exit status of `wait` where no `run` is at work, or it went without a result.
const ABSENT: u8 = 3;

/// How much longer `wait` waits than `run` tries: `run` may have started later.
const WAIT_LONGER: Duration = Duration::from_secs(10);

/// How long `wait` gives `run` to appear.
const START: Duration = Duration::from_secs(5);

/// `stop` does not hold the boot up longer than this.
const STOP: Duration = Duration::from_secs(3);

pub(crate) fn command_line(paths: &Paths) -> CommandLine {
    CommandLine::parse(&std::fs::read_to_string(&paths.cmdline).unwrap_or_default())
}

/// `nvmeroot-agent run`: carries the plan out. Exit status 0 when the goal was
/// reached (or there was nothing to do), 1 when not.
pub fn run(paths: &Paths) -> ExitCode {
    let line = command_line(paths);
    if line.off {
        Kmsg::open(paths, false).say(Level::Info, "off, by the kernel command line");
        return ExitCode::SUCCESS;
    }
    let kmsg = Kmsg::open(paths, line.debug);
    // Held to the end: the lock goes with the process.
    let _lock = match take_turn(paths, &line, &kmsg) {
        Ok(lock) => lock,
        Err(code) => return code,
    };
    // For all threads to come.
    Priority::Urgent.take();
    let offset = start_line(paths, &kmsg);
    for complaint in &line.complaints {
        kmsg.say(Level::Warning, &format!("kernel command line: {complaint}"));
    }
    match begin(paths, &line, kmsg, offset) {
        Ok(code) => code,
        Err((e, kmsg)) => {
            kmsg.say(Level::Error, &e.to_string());
            let _ = std::fs::write(paths.failed(), format!("failed\n{e}\n"));
            ExitCode::FAILURE
        }
    }
}

/// The right to work, or the result of the one that works already. One that
/// goes without a result is replaced.
fn take_turn(paths: &Paths, line: &CommandLine, kmsg: &Kmsg) -> Result<Lock, ExitCode> {
    let cant = |e: std::io::Error| {
        let path = paths.lock();
        kmsg.say(
            Level::Error,
            &format!("can't lock `{}`: {e}", path.display()),
        );
        ExitCode::FAILURE
    };
    std::fs::create_dir_all(&paths.run).map_err(cant)?;
    let mut told = false;
    loop {
        if let Some(lock) = Lock::take(paths).map_err(cant)? {
            return Ok(lock);
        }
        if !told {
            told = true;
            let text = "another `nvmeroot-agent run` is at work, waiting for its result";
            kmsg.say(Level::Info, text);
        }
        match wait_for_result(paths, line) {
            Err(NoResult::Ask(AskError::Absent | AskError::Ended)) => {}
            Ok(()) => return Err(ExitCode::SUCCESS),
            Err(_) => return Err(ExitCode::FAILURE),
        }
    }
}

/// Says that it starts, and takes from that line what the kernel log's clock
/// has more than ours.
fn start_line(paths: &Paths, kmsg: &Kmsg) -> Option<i64> {
    let mut log = KernelLog::from_now(paths);
    let before = monotonic_us();
    let text = concat!("agent ", env!("CARGO_PKG_VERSION"), " starts");
    kmsg.say(Level::Info, text);
    let lines = log.as_mut()?.lines();
    let ours = lines.iter().find(|line| line.text.contains(text))?;
    i64::try_from(i128::from(ours.microseconds) - i128::from(before)).ok()
}

fn begin(
    paths: &Paths,
    line: &CommandLine,
    kmsg: Kmsg,
    offset: Option<i64>,
) -> Result<ExitCode, (StartError, Kmsg)> {
    let started = Instant::now();
    let prepared = prepare(paths, &kmsg);
    let (events, control, resolved) = match prepared {
        Ok(prepared) => prepared,
        Err(e) => return Err((e, kmsg)),
    };
    let Resolved {
        plan,
        only_at_boot,
        remarks,
        hopeless,
    } = resolved;
    // The reason of a failure is in the first record, not in that of a run which
    // the initramfs starts as it gives up. There is mostly none.
    let _ = std::fs::rename(paths.record(), paths.former_record());
    let recorder = Recorder::start(paths.record(), line.deadline, offset);
    let root = line
        .root
        .as_deref()
        .and_then(|root| RootDevice::parse(root, &paths.dev));
    let requirements = Requirements::of(&plan, root);
    let nothing_to_do = requirements.is_empty();
    let mut context = Context::new(
        plan,
        paths.clone(),
        events,
        kmsg,
        recorder,
        started + line.deadline,
    );
    context.only_at_boot = only_at_boot;
    let fabrics = Fabrics::new(Box::new(Kernel::new(paths.clone())));
    let boot = Boot::new(context, requirements, fabrics);
    let prospect = match (nothing_to_do, hopeless) {
        (true, _) => Prospect::Nothing,
        (_, true) => Prospect::Hopeless,
        _ => Prospect::Work,
    };
    let code = work(&boot, prospect, &remarks, &control, line, started);
    boot.hand_off();
    boot.context.recorder.finish();
    control.ended.set(());
    // A thread that hangs in the kernel must not hold us up; the answer to
    // `stop` must get out.
    std::thread::sleep(Duration::from_millis(20));
    Ok(code)
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prospect {
    /// What the plan says.
    Work,
    /// Nothing essential is remote.
    Nothing,
    /// Nothing that could come of it: better said at once than after minutes.
    Hopeless,
}

type Prepared = (Arc<Events>, Arc<Control>, Resolved);

fn prepare(paths: &Paths, kmsg: &Kmsg) -> Result<Prepared, StartError> {
    // What a run left behind that gave up, or crashed.
    for old in [paths.done(), paths.failed()] {
        let _ = std::fs::remove_file(old);
    }
    let events = Arc::new(Events::new().map_err(io("no file descriptor"))?);
    // Before the first look at anything, so that no change is missed.
    netlink::watch(&events)?;
    stop_on_signals(&events).map_err(io("can't take signals"))?;
    let control = Arc::new(Control::default());
    control::serve(&paths.socket(), &events, &control).map_err(io("can't listen"))?;
    Ok((events, control, sources::resolved(paths, kmsg)?))
}

/// SIGTERM and SIGINT are as good as `stop`.
pub(crate) fn stop_on_signals(events: &Arc<Events>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let (mut caught, told) = UnixStream::pair()?;
    for signal in [SIGTERM, SIGINT] {
        signal_hook::low_level::pipe::register(signal, told.try_clone()?)?;
    }
    let events = Arc::clone(events);
    spawn("signals", move || {
        if caught.read_exact(&mut [0]).is_ok() {
            events.stop();
        }
    })?;
    Ok(())
}

fn work(
    boot: &Boot,
    prospect: Prospect,
    remarks: &[String],
    control: &Control,
    line: &CommandLine,
    started: Instant,
) -> ExitCode {
    let context = &boot.context;
    let paths = &context.paths;
    let decide = |outcome: Outcome, text: String| {
        context.recorder.decide(outcome);
        let file = match outcome {
            Outcome::Failed => paths.failed(),
            _ => paths.done(),
        };
        let _ = std::fs::write(file, &text);
        control.decided.set(text);
    };
    if prospect == Prospect::Hopeless {
        let text = remarks.join("; ");
        context.kmsg.say(Level::Error, &text);
        decide(Outcome::Failed, format!("failed\n{text}\n"));
        return ExitCode::FAILURE;
    }
    if prospect == Prospect::Nothing || !context.plan.reach.is_by_initramfs() {
        context.kmsg.say(
            Level::Info,
            "nothing essential is remote, so there is nothing to do",
        );
        decide(Outcome::Idle, "done\n".to_owned());
        return ExitCode::SUCCESS;
    }
    if context.plan.host.is_none() {
        let text = "the plan has no host NQN; the kernel makes one up, which targets may refuse; write one to /etc/nvme/hostnqn, run `nvmeroot configure` and regenerate the initramfs";
        context.kmsg.say(Level::Warning, text);
    }
    udev::wait_until_it_listens(paths, started + line.deadline, context.events.stop_fd());
    boot.start();
    match boot.wait_for_requirements() {
        Verdict::Done => {
            let took = started.elapsed().as_millis();
            context
                .kmsg
                .say(Level::Info, &format!("storage is there after {took} ms"));
            decide(Outcome::Done, "done\n".to_owned());
            boot.watch_for_root();
            boot.wait_for_the_rest();
            ExitCode::SUCCESS
        }
        Verdict::Failed(report) => {
            context.recorder.missing(context.missing());
            let head = format!("gave up after {} s", line.deadline.as_secs());
            context.kmsg.say(Level::Error, &head);
            let report = [remarks, &report].concat();
            for line in &report {
                context.kmsg.say(Level::Error, line.trim_start());
            }
            decide(
                Outcome::Failed,
                format!("failed\n{head}\n{}\n", report.join("\n")),
            );
            context.events.stop();
            ExitCode::FAILURE
        }
        Verdict::Stopped => {
            context.recorder.missing(context.missing());
            context
                .kmsg
                .say(Level::Warning, "stopped before the storage was there");
            decide(Outcome::Failed, "failed\nstopped\n".to_owned());
            ExitCode::FAILURE
        }
    }
}

/// `nvmeroot-agent wait`: exit status 0 when the goal is reached, 1 when it was
/// given up (then the report goes to standard error), 3 when nobody is at work,
/// or has gone without a result.
pub fn wait(paths: &Paths) -> ExitCode {
    let line = command_line(paths);
    if line.off {
        return ExitCode::SUCCESS;
    }
    match wait_for_result(paths, &line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("nvmeroot: {e}");
            match e {
                NoResult::Ask(AskError::Absent | AskError::Ended) => ExitCode::from(ABSENT),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// Why the goal is not reached, as far as somebody else knows.
#[derive(Debug, thiserror::Error)]
enum NoResult {
    /// It was given up; this is the report.
    #[error("{0}")]
    GivenUp(String),
    #[error("an answer that makes no sense")]
    Nonsense,
    #[error("{0}")]
    Ask(#[from] AskError),
}

/// Waits for the result of the program at work.
fn wait_for_result(paths: &Paths, line: &CommandLine) -> Result<(), NoResult> {
    let answer = control::wait_for_decision(paths, START, line.deadline + WAIT_LONGER)?;
    match answer.split_once('\n') {
        Some(("done", _)) => Ok(()),
        Some(("failed", report)) => Err(NoResult::GivenUp(report.trim_end().to_owned())),
        _ => Err(NoResult::Nonsense),
    }
}

/// `nvmeroot-agent stop`: returns when the program at work has ended; nobody
/// at work is no error.
pub fn stop(paths: &Paths) -> ExitCode {
    match control::ask(&paths.socket(), "stop", STOP) {
        Ok(_) | Err(AskError::Absent | AskError::Ended) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("nvmeroot: {e}");
            ExitCode::FAILURE
        }
    }
}
