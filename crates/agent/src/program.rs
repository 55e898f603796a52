//! The subcommands.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nvmeroot_plan::{BootPlan, FORMAT_VERSION, Reach};

use crate::cmdline::CommandLine;
use crate::control::{self, AskError, Control, Lock};
use crate::events::Events;
use crate::exec::{self, Context, Goal, RootDevice, Verdict};
use crate::fabrics::{Fabrics, Kernel};
use crate::kmsg::{KernelLog, Kmsg, Level};
use crate::netlink;
use crate::places::Places;
use crate::priority::Priority;
use crate::record::{Outcome, Recorder, monotonic_us};
use crate::udev;

/// Exit status of `wait` where nobody is at work.
const ABSENT: u8 = 3;

/// `wait` waits so much longer than `run` tries, for `run` may have started
/// later.
const WAIT_LONGER: Duration = Duration::from_secs(10);

/// `wait` gives `run` so long to appear.
const START: Duration = Duration::from_secs(5);

/// `stop` does not hold the boot up longer than this.
const STOP: Duration = Duration::from_secs(3);

fn command_line(places: &Places) -> CommandLine {
    CommandLine::parse(&std::fs::read_to_string(&places.cmdline).unwrap_or_default())
}

/// Why `run` can't even begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("can't read the plan `{path}`: {source}")]
    Read {
        path: std::path::PathBuf,
        source: std::io::Error,
    },
    #[error("the plan `{path}` makes no sense: {source}")]
    Parse {
        path: std::path::PathBuf,
        source: serde_json::Error,
    },
    #[error(
        "the plan `{path}` has version {version}, this program reads {FORMAT_VERSION}; make the initramfs anew"
    )]
    Version {
        path: std::path::PathBuf,
        version: u32,
    },
    #[error("{0}")]
    Netlink(#[from] netlink::NetlinkError),
    #[error("{what}: {source}")]
    Io {
        what: &'static str,
        source: std::io::Error,
    },
}

pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> StartError {
    move |source| StartError::Io { what, source }
}

pub(crate) fn read_plan(places: &Places) -> Result<BootPlan, StartError> {
    let path = || places.plan.clone();
    let text = std::fs::read(&places.plan).map_err(|source| StartError::Read {
        path: path(),
        source,
    })?;
    // The version first: a newer plan may hold what this one can't read.
    let parse = |source| StartError::Parse {
        path: path(),
        source,
    };
    let Form { version } = serde_json::from_slice(&text).map_err(parse)?;
    if version != FORMAT_VERSION {
        return Err(StartError::Version {
            path: path(),
            version,
        });
    }
    // The steps beside it are for people: they follow from the plan, and what
    // would read them here weighs as much as a DHCP client.
    serde_json::from_slice(&text).map_err(parse)
}

/// What every version of the plan's form says of itself.
#[derive(serde::Deserialize)]
struct Form {
    version: u32,
}

/// `nvmeroot-agent run`: carries the plan out. Exit status 0 when the goal was
/// reached (or there was nothing to do), 1 when not.
pub fn run(places: &Places) -> ExitCode {
    let line = command_line(places);
    if line.off {
        Kmsg::open(places, false).say(Level::Info, "off, by the kernel command line");
        return ExitCode::SUCCESS;
    }
    let kmsg = Kmsg::open(places, line.debug);
    // Held to the end: the lock goes with the process.
    let _lock = match take_turn(places, &line, &kmsg) {
        Ok(lock) => lock,
        Err(code) => return code,
    };
    // For all threads to come.
    Priority::Urgent.take();
    let offset = start_line(places, &kmsg);
    for complaint in &line.complaints {
        kmsg.say(Level::Warning, &format!("kernel command line: {complaint}"));
    }
    match begin(places, &line, kmsg, offset) {
        Ok(code) => code,
        Err((e, kmsg)) => {
            kmsg.say(Level::Error, &e.to_string());
            let _ = std::fs::write(places.failed(), format!("failed\n{e}\n"));
            ExitCode::FAILURE
        }
    }
}

/// The right to work, or the result of the one that works already. One that
/// goes without a result is replaced.
fn take_turn(places: &Places, line: &CommandLine, kmsg: &Kmsg) -> Result<Lock, ExitCode> {
    let cant = |e: std::io::Error| {
        let path = places.lock();
        kmsg.say(
            Level::Error,
            &format!("can't lock `{}`: {e}", path.display()),
        );
        ExitCode::FAILURE
    };
    std::fs::create_dir_all(&places.run).map_err(cant)?;
    let mut told = false;
    loop {
        if let Some(lock) = Lock::take(places).map_err(cant)? {
            return Ok(lock);
        }
        if !told {
            told = true;
            let text = "another `nvmeroot-agent run` is at work, waiting for its result";
            kmsg.say(Level::Info, text);
        }
        match wait_for_result(places, line) {
            Err(NoResult::Ask(AskError::Absent | AskError::Ended)) => {}
            Ok(()) => return Err(ExitCode::SUCCESS),
            Err(_) => return Err(ExitCode::FAILURE),
        }
    }
}

/// Says that it starts, and takes from that line what the kernel log's clock
/// has more than ours.
fn start_line(places: &Places, kmsg: &Kmsg) -> Option<i64> {
    let mut log = KernelLog::from_now(places);
    let before = monotonic_us();
    let text = concat!("agent ", env!("CARGO_PKG_VERSION"), " starts");
    kmsg.say(Level::Info, text);
    let lines = log.as_mut()?.lines();
    let ours = lines.iter().find(|line| line.text.contains(text))?;
    i64::try_from(i128::from(ours.microseconds) - i128::from(before)).ok()
}

fn begin(
    places: &Places,
    line: &CommandLine,
    kmsg: Kmsg,
    offset: Option<i64>,
) -> Result<ExitCode, (StartError, Kmsg)> {
    let started = Instant::now();
    let prepared = prepare(places);
    let (events, control, plan) = match prepared {
        Ok(prepared) => prepared,
        Err(e) => return Err((e, kmsg)),
    };
    // Whoever looks for the reason finds it in the first record, not in that of
    // a run which the initramfs starts as it gives up. There is mostly none.
    let _ = std::fs::rename(places.record(), places.former_record());
    let recorder = Recorder::start(places.record(), line.deadline, offset);
    let root = line
        .root
        .as_deref()
        .and_then(|root| RootDevice::parse(root, &places.dev));
    let goal = Goal::of(&plan, root);
    recorder.goal(goal.describe(&plan));
    let context = Arc::new(Context::new(
        plan,
        places.clone(),
        events,
        kmsg,
        recorder,
        Fabrics::new(Box::new(Kernel::new(places.clone()))),
        started + line.deadline,
    ));
    let code = work(&context, &goal, &control, line, started);
    exec::leave(&context);
    context.recorder.finish();
    control.ended.set(());
    // A thread that hangs in the kernel must not hold us up; the answer to
    // `stop` must get out.
    std::thread::sleep(Duration::from_millis(20));
    Ok(code)
}

type Prepared = (Arc<Events>, Arc<Control>, BootPlan);

fn prepare(places: &Places) -> Result<Prepared, StartError> {
    // What a run left behind that gave up, or crashed.
    for old in [places.done(), places.failed()] {
        let _ = std::fs::remove_file(old);
    }
    let events = Arc::new(Events::new().map_err(io("no file descriptor"))?);
    // Before the first look at anything, so that no change is missed.
    netlink::watch(&events)?;
    stop_on_signals(&events).map_err(io("can't take signals"))?;
    let control = Arc::new(Control::default());
    control::serve(&places.socket(), &events, &control).map_err(io("can't listen"))?;
    Ok((events, control, read_plan(places)?))
}

/// SIGTERM and SIGINT are as good as `stop`.
pub(crate) fn stop_on_signals(events: &Arc<Events>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let (mut caught, told) = UnixStream::pair()?;
    for signal in [SIGTERM, SIGINT] {
        signal_hook::low_level::pipe::register(signal, told.try_clone()?)?;
    }
    let events = Arc::clone(events);
    std::thread::Builder::new()
        .name("signals".to_owned())
        .stack_size(crate::STACK)
        .spawn(move || {
            if caught.read_exact(&mut [0]).is_ok() {
                events.stop();
            }
        })?;
    Ok(())
}

fn work(
    context: &Arc<Context>,
    goal: &Goal,
    control: &Control,
    line: &CommandLine,
    started: Instant,
) -> ExitCode {
    let places = &context.places;
    let decide = |outcome: Outcome, text: String| {
        context.recorder.decide(outcome);
        let file = match outcome {
            Outcome::Failed => places.failed(),
            _ => places.done(),
        };
        let _ = std::fs::write(file, &text);
        control.decided.set(text);
    };
    if context.plan.reach == Reach::Firmware {
        // Better at once than after minutes of waiting for nothing.
        let text =
            "the plan needs the firmware's connections (NBFT), which this program can't take up";
        context.kmsg.say(Level::Error, text);
        decide(Outcome::Failed, format!("failed\n{text}\n"));
        return ExitCode::FAILURE;
    }
    if goal.is_empty() || context.plan.reach != Reach::Initramfs {
        context
            .kmsg
            .say(Level::Info, "nothing essential is remote, nothing to do");
        decide(Outcome::Idle, "done\n".to_owned());
        return ExitCode::SUCCESS;
    }
    if context.plan.host.is_none() {
        let text = "the plan has no host NQN; the kernel makes one up, which targets may refuse";
        context.kmsg.say(Level::Warning, text);
    }
    udev::wait_until_it_listens(places, started + line.deadline, context.events.stop_fd());
    exec::start(context);
    match exec::wait_for_goal(context, goal) {
        Verdict::Done => {
            let took = started.elapsed().as_millis();
            context
                .kmsg
                .say(Level::Info, &format!("storage is there after {took} ms"));
            decide(Outcome::Done, "done\n".to_owned());
            exec::watch_for_root(context);
            exec::wait_for_the_rest(context);
            ExitCode::SUCCESS
        }
        Verdict::Failed(report) => {
            context.recorder.missing(context.missing());
            let head = format!("gave up after {} s", line.deadline.as_secs());
            context.kmsg.say(Level::Error, &head);
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
/// given up (then the report goes to standard error), 3 when nobody is at work.
pub fn wait(places: &Places) -> ExitCode {
    let line = command_line(places);
    if line.off {
        return ExitCode::SUCCESS;
    }
    match wait_for_result(places, &line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("nvmeroot: {e}");
            match e {
                NoResult::Ask(AskError::Absent) => ExitCode::from(ABSENT),
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
fn wait_for_result(places: &Places, line: &CommandLine) -> Result<(), NoResult> {
    let answer = control::wait_for_decision(places, START, line.deadline + WAIT_LONGER)?;
    match answer.split_once('\n') {
        Some(("done", _)) => Ok(()),
        Some(("failed", report)) => Err(NoResult::GivenUp(report.trim_end().to_owned())),
        _ => Err(NoResult::Nonsense),
    }
}

/// `nvmeroot-agent stop`: returns when the program at work has ended; nobody
/// at work is no error.
pub fn stop(places: &Places) -> ExitCode {
    match control::ask(&places.socket(), "stop", STOP) {
        Ok(_) | Err(AskError::Absent | AskError::Ended) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("nvmeroot: {e}");
            ExitCode::FAILURE
        }
    }
}
