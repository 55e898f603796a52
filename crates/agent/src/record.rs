//! What happened when: `/run/nvmeroot/boot.json`, readable after the boot.
//!
//! A thread of its own writes the file, so that nobody on the way to root
//! waits for it; it replaces the file at once, so that a reader (or a program
//! that is killed) never leaves half of one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// The version of the record's form.
pub const RECORD_VERSION: u32 = 1;

/// The least time between two writes; a step that ends sooner after the last
/// write is in the next one.
const PAUSE: Duration = Duration::from_millis(500);

/// Different errors kept of one step; the further ones are only counted.
const MOST_ERRORS: usize = 16;

/// Steps kept; a portal that offers thousands of subsystems makes as many.
const MOST_STEPS: usize = 2048;

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// Microseconds of the monotonic clock (clock_gettime(2)).
    pub monotonic_us: u64,
    /// Microseconds of the kernel log's clock, as `dmesg` shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_us: Option<u64>,
}

/// The microseconds of the monotonic clock.
pub fn monotonic_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000
        + u64::try_from(now.tv_nsec).unwrap_or(0) / 1000
}

/// How far the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Outcome {
    /// It works on the goal.
    Running,
    /// The goal is reached; other paths may still be worked on.
    Done,
    /// It gave up.
    Failed,
    /// There was nothing to do: switched off, or nothing remote in the plan.
    Idle,
}

/// How far one step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StepState {
    /// It is being done, or tried again.
    Running,
    /// It is done.
    Done,
    /// It can't be done, or could not in time.
    Failed,
}

/// One error of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRecord {
    /// When it was seen first.
    pub at: Moment,
    /// How often it was seen in a row.
    pub times: u32,
    /// What it was.
    #[serde(flatten)]
    pub fault: Fault,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Whose step: an interface's name, or a portal.
    pub subject: String,
    /// What is done: `card`, `rename`, `mtu`, `mac`, `address`, `link-up`,
    /// `carrier`, `route`, `rule`, `dhcp4`, `dhcp6`, `dad`, `reach`,
    /// `discover`, `connect`, `namespace`.
    pub action: String,
    /// What with: an address, a route, a subsystem.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How far it is.
    pub state: StepState,
    /// When it began.
    pub start: Moment,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Moment>,
    /// How often it was tried.
    pub tries: u32,
    /// What went wrong meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorRecord>,
}

/// What is not there although the plan names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// An interface's name, or a portal.
    pub subject: String,
    /// Why.
    #[serde(flatten)]
    pub fault: Fault,
}

/// The whole record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootRecord {
    /// The form's version, [`RECORD_VERSION`].
    pub version: u32,
    /// The program's version.
    pub program: String,
    /// How far it is.
    pub outcome: Outcome,
    /// When the program started.
    pub start: Moment,
    /// When the goal was reached or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Moment>,
    /// When root was mounted, if other paths were still worked on then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<Moment>,
    /// When the program ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Moment>,
    /// Seconds after which it gives up.
    pub deadline_s: u64,
    /// What must be there, one sentence each.
    pub goal: Vec<String>,
    /// The steps, in the order in which they began.
    pub steps: Vec<StepRecord>,
    /// Steps beyond the most that are kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub steps_left_out: u32,
    /// What is left to the running system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

/// Keeps the record and has it written.
#[derive(Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    path: PathBuf,
}

#[derive(Debug)]
struct State {
    record: BootRecord,
    /// What to add to the monotonic clock for the kernel log's.
    kernel_offset_us: Option<i64>,
    dirty: bool,
    closing: bool,
}

impl State {
    fn now(&self) -> Moment {
        let monotonic_us = monotonic_us();
        Moment {
            monotonic_us,
            kernel_us: self
                .kernel_offset_us
                .and_then(|offset| monotonic_us.checked_add_signed(offset)),
        }
    }
}

/// A step that is being done.
#[derive(Debug)]
pub struct OpenStep {
    shared: Arc<Shared>,
    /// `None`: the record is full.
    index: Option<usize>,
}

impl Recorder {
    /// A record that starts now and is written to `path`.
    pub fn start(path: PathBuf, deadline: Duration, kernel_offset_us: Option<i64>) -> Self {
        let mut state = State {
            record: BootRecord {
                version: RECORD_VERSION,
                program: env!("CARGO_PKG_VERSION").to_owned(),
                outcome: Outcome::Running,
                start: Moment {
                    monotonic_us: 0,
                    kernel_us: None,
                },
                decided: None,
                mounted: None,
                end: None,
                deadline_s: deadline.as_secs(),
                goal: Vec::new(),
                steps: Vec::new(),
                steps_left_out: 0,
                missing: Vec::new(),
            },
            kernel_offset_us,
            dirty: true,
            closing: false,
        };
        state.record.start = state.now();
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            path,
        });
        let theirs = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("record".to_owned())
            .stack_size(crate::STACK)
            .spawn(move || theirs.write_changes())
            .ok();
        Self {
            shared,
            writer: Mutex::new(writer),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.shared.change(change)
    }

    /// Says what must be there.
    pub fn goal(&self, goal: Vec<String>) {
        self.change(|s| s.record.goal = goal);
    }

    /// Begins a step.
    pub fn step(&self, subject: &str, action: &str, detail: impl Into<String>) -> OpenStep {
        let index = self.change(|s| {
            if s.record.steps.len() >= MOST_STEPS {
                s.record.steps_left_out += 1;
                return None;
            }
            let step = StepRecord {
                subject: subject.to_owned(),
                action: action.to_owned(),
                detail: detail.into(),
                state: StepState::Running,
                start: s.now(),
                end: None,
                tries: 1,
                errors: Vec::new(),
            };
            s.record.steps.push(step);
            Some(s.record.steps.len() - 1)
        });
        OpenStep {
            shared: Arc::clone(&self.shared),
            index,
        }
    }

    /// The goal is reached or given up.
    pub fn decide(&self, outcome: Outcome) {
        self.change(|s| {
            s.record.outcome = outcome;
            s.record.decided = Some(s.now());
        });
    }

    /// Root is mounted.
    pub fn mounted(&self) {
        self.change(|s| s.record.mounted = Some(s.now()));
    }

    /// Says what is left to the running system.
    pub fn missing(&self, missing: Vec<Missing>) {
        self.change(|s| s.record.missing = missing);
    }

    /// Ends the record and waits until it is written.
    pub fn finish(&self) {
        self.change(|s| {
            s.record.end = Some(s.now());
            s.closing = true;
        });
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match writer {
            Some(writer) => {
                let _ = writer.join();
            }
            // No thread could be had: written once, here.
            None => self.shared.write_changes(),
        }
    }

    /// The record as it is now.
    pub fn snapshot(&self) -> BootRecord {
        self.shared.lock().record.clone()
    }
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        // Don't signal a writer that is already signalled.
        let news = !state.dirty || state.closing;
        state.dirty = true;
        drop(state);
        if news {
            self.changed.notify_all();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_changes(&self) {
        loop {
            let mut state = self.lock();
            while !state.dirty && !state.closing {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            let closing = state.closing;
            state.dirty = false;
            let record = state.record.clone();
            drop(state);
            // Nobody can be told of a failure here but the kernel log, and
            // that has the same news already.
            let _ = write_atomically(&self.path, &record);
            if closing {
                return;
            }
            let state = self.lock();
            let pause = self
                .changed
                .wait_timeout_while(state, PAUSE, |s| !s.closing);
            drop(pause.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

fn write_atomically(path: &Path, record: &BootRecord) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file = std::fs::File::create(&new)?;
    let mut text = serde_json::to_vec_pretty(record)?;
    text.push(b'\n');
    file.write_all(&text)?;
    drop(file);
    std::fs::rename(new, path)
}

impl OpenStep {
    fn change(&self, change: impl FnOnce(&mut StepRecord, Moment)) {
        let Some(index) = self.index else { return };
        self.shared.change(|s| {
            let now = s.now();
            change(&mut s.record.steps[index], now);
        });
    }

    /// It is tried once more.
    pub fn again(&self) {
        self.change(|step, _| step.tries += 1);
    }

    /// It went wrong and will be tried again. True if this is news: another
    /// layer or message than last time.
    pub fn error(&self, fault: &Fault) -> bool {
        let mut news = false;
        self.change(|step, at| {
            if let Some(last) = step.errors.last_mut().filter(|last| last.fault == *fault) {
                last.times += 1;
            } else if step.errors.len() < MOST_ERRORS {
                news = true;
                step.errors.push(ErrorRecord {
                    at,
                    times: 1,
                    fault: fault.clone(),
                });
            } else if let Some(last) = step.errors.last_mut() {
                last.times += 1;
            }
        });
        news
    }

    /// More is known of what it is done with.
    pub fn detail(&self, detail: impl Into<String>) {
        let detail = detail.into();
        self.change(|step, _| step.detail = detail);
    }

    /// It is done.
    pub fn done(&self) {
        self.change(|step, now| {
            step.state = StepState::Done;
            step.end = Some(now);
        });
    }

    /// It is given up.
    pub fn failed(&self, fault: &Fault) {
        self.error(fault);
        self.change(|step, now| {
            step.state = StepState::Failed;
            step.end = Some(now);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Layer;

    fn read(path: &Path) -> BootRecord {
        let text = std::fs::read_to_string(path).expect("a record");
        serde_json::from_str(&text).expect("the record's form")
    }

    #[test]
    fn the_file_holds_what_happened() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("boot.json");
        let recorder = Recorder::start(path.clone(), Duration::from_secs(180), Some(-5));
        recorder.goal(vec!["`/` on `10.0.0.1:4420`".to_owned()]);
        let step = recorder.step("eth0", "dhcp4", "");
        let refused = Fault::new(Layer::Refused, "no");
        let late = Fault::new(Layer::Timeout, "late");
        assert!(step.error(&refused));
        assert!(!step.error(&refused));
        step.again();
        assert!(step.error(&late));
        step.detail("10.0.0.9/24");
        step.done();
        let open = recorder.step("10.0.0.1:4420", "connect", "");
        recorder.decide(Outcome::Done);
        open.failed(&late);
        recorder.finish();

        let record = read(&path);
        assert_eq!(record, recorder.snapshot());
        assert_eq!(record.outcome, Outcome::Done);
        assert_eq!(record.goal, ["`/` on `10.0.0.1:4420`"]);
        let step = &record.steps[0];
        assert_eq!((step.state, step.tries), (StepState::Done, 2));
        let errors: Vec<_> = step
            .errors
            .iter()
            .map(|e| (e.fault.layer, e.times))
            .collect();
        assert_eq!(errors, [(Layer::Refused, 2), (Layer::Timeout, 1)]);
        assert_eq!(record.steps[1].state, StepState::Failed);
        assert!(step.end.expect("an end") >= step.start);
        assert_eq!(step.start.kernel_us, Some(step.start.monotonic_us - 5));
        assert!(record.end.is_some());
    }

    #[test]
    fn errors_without_end_stay_few() {
        let dir = tempfile::tempdir().expect("a directory");
        let recorder = Recorder::start(dir.path().join("b"), Duration::from_secs(1), None);
        let step = recorder.step("x", "reach", "");
        for i in 0..1000 {
            step.error(&Fault::new(Layer::Timeout, format!("try {i}")));
        }
        step.done();
        recorder.finish();
        let errors = &recorder.snapshot().steps[0].errors;
        assert_eq!(errors.len(), MOST_ERRORS);
        assert_eq!(errors.iter().map(|e| e.times).sum::<u32>(), 1000);
    }

    #[test]
    fn progress_is_on_disk_before_the_end() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("boot.json");
        let recorder = Recorder::start(path.clone(), Duration::from_secs(1), None);
        recorder.step("eth0", "link-up", "").done();
        let until = std::time::Instant::now() + Duration::from_secs(5);
        while !path.exists() || read(&path).steps.is_empty() {
            assert!(std::time::Instant::now() < until, "nothing was written");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(read(&path).outcome, Outcome::Running);
        recorder.finish();
    }
}
