//! Keeps the boot record and writes it to `/run/nvmeroot/boot.json`.
//!
//! A thread of its own writes the file, so that nothing on the way to root
//! waits for it; it replaces the file at once, so that a reader (or a program
//! that is killed) never finds half of one.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nvmeroot_plan::InterfaceName;
use nvmeroot_record::{
    BootRecord, ErrorRecord, FORMAT_VERSION, Failure, Missing, Moment, Outcome, Requirement, Scope,
    StepKind, StepRecord, StepState,
};

use crate::sys::spawn;

/// The least time between two writes; a step that ends sooner after the last
/// write is in the next one.
const PAUSE: Duration = Duration::from_millis(500);

/// Different errors kept of one step; the further ones are only counted.
const MOST_ERRORS: usize = 16;

/// Steps kept; a portal that offers thousands of subsystems makes as many.
const MOST_STEPS: usize = 2048;

/// The microseconds of the monotonic clock.
pub fn monotonic_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000
        + u64::try_from(now.tv_nsec).unwrap_or(0) / 1000
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
                version: FORMAT_VERSION,
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
                requirements: Vec::new(),
                interfaces: BTreeMap::new(),
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
        let writer = spawn("record", move || theirs.write_changes()).ok();
        Self {
            shared,
            writer: Mutex::new(writer),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.shared.change(change)
    }

    /// Says what must be there.
    pub fn requirements(&self, requirements: Vec<Requirement>) {
        self.change(|s| s.record.requirements = requirements);
    }

    /// The kernel calls the link of an interface so.
    pub(crate) fn interface(&self, name: &InterfaceName, link: &str) {
        self.change(|s| s.record.interfaces.insert(name.clone(), link.to_owned()));
    }

    /// Begins a step.
    pub fn step(
        &self,
        scope: impl Into<Scope>,
        action: StepKind,
        detail: impl Into<String>,
    ) -> OpenStep {
        let index = self.change(|s| {
            if s.record.steps.len() >= MOST_STEPS {
                s.record.steps_left_out += 1;
                return None;
            }
            let step = StepRecord {
                scope: scope.into(),
                action,
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

    /// The requirements are met or given up.
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
            // A failure here could only be told to the kernel log, which has the
            // same already.
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

    /// It went wrong and will be tried again.
    pub fn error(&self, failure: &Failure) {
        self.change(|step, at| {
            if let Some(last) = step
                .errors
                .last_mut()
                .filter(|last| last.failure == *failure)
            {
                last.times += 1;
            } else if step.errors.len() < MOST_ERRORS {
                step.errors.push(ErrorRecord {
                    at,
                    times: 1,
                    failure: failure.clone(),
                });
            } else if let Some(last) = step.errors.last_mut() {
                last.times += 1;
            }
        });
    }

    /// More is known of what it is done with.
    pub fn detail(&self, detail: impl Into<String>) {
        let detail = detail.into();
        self.change(|step, _| step.detail = detail);
    }

    /// It is done.
    pub fn done(&self) {
        self.end(StepState::Done);
    }

    /// It is given up.
    pub fn failed(&self, failure: &Failure) {
        self.error(failure);
        self.end(StepState::Failed);
    }

    fn end(&self, state: StepState) {
        self.change(|step, now| {
            step.state = state;
            step.end = Some(now);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_plan::InterfaceName;
    use nvmeroot_record::{FailureKind, Portal};

    fn eth0() -> InterfaceName {
        "eth0".parse().expect("a name")
    }

    fn read(path: &Path) -> BootRecord {
        let json = std::fs::read(path).expect("a record");
        BootRecord::parse(&json).expect("the record's form")
    }

    #[test]
    fn the_file_holds_what_happened() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("boot.json");
        let recorder = Recorder::start(path.clone(), Duration::from_secs(180), Some(-5));
        let required = Requirement {
            mounts: vec!["/".parse().expect("a path")],
            any_of: vec!["10.0.0.1:4420".parse().expect("a portal")],
        };
        recorder.requirements(vec![required.clone()]);
        let step = recorder.step(&eth0(), StepKind::Dhcp4, "");
        let refused = Failure::new(FailureKind::Refused, "no");
        let late = Failure::new(FailureKind::Timeout, "late");
        step.error(&refused);
        step.error(&refused);
        step.again();
        step.error(&late);
        step.detail("10.0.0.9/24");
        step.done();
        let portal = Portal {
            address: "10.0.0.1:4420".parse().expect("a portal"),
            host_iface: None,
            host_traddr: None,
        };
        let open = recorder.step(&portal, StepKind::Connect, "");
        recorder.interface(&eth0(), "enp1s0");
        recorder.decide(Outcome::Done);
        open.failed(&late);
        recorder.finish();

        let record = read(&path);
        assert_eq!(record, recorder.snapshot());
        assert_eq!(record.outcome, Outcome::Done);
        assert_eq!(record.requirements, [required]);
        assert_eq!(record.interfaces[&eth0()], "enp1s0");
        let step = &record.steps[0];
        assert_eq!((step.state, step.tries), (StepState::Done, 2));
        let errors: Vec<_> = step
            .errors
            .iter()
            .map(|e| (e.failure.kind, e.times))
            .collect();
        assert_eq!(
            errors,
            [(FailureKind::Refused, 2), (FailureKind::Timeout, 1)]
        );
        assert_eq!(record.steps[1].state, StepState::Failed);
        assert!(step.end.expect("an end") >= step.start);
        assert_eq!(step.start.kernel_us, Some(step.start.monotonic_us - 5));
        assert!(record.end.is_some());
    }

    #[test]
    fn errors_without_end_stay_few() {
        let dir = tempfile::tempdir().expect("a directory");
        let recorder = Recorder::start(dir.path().join("b"), Duration::from_secs(1), None);
        let step = recorder.step(&eth0(), StepKind::Carrier, "");
        for i in 0..1000 {
            step.error(&Failure::new(FailureKind::Timeout, format!("try {i}")));
        }
        step.done();
        recorder.finish();
        let errors = &recorder.snapshot().steps[0].errors;
        assert_eq!(errors.len(), MOST_ERRORS);
        assert_eq!(errors.iter().map(|e| e.times).sum::<u32>(), 1000);
    }

    #[test]
    fn steps_without_end_stay_few() {
        let dir = tempfile::tempdir().expect("a directory");
        let recorder = Recorder::start(dir.path().join("b"), Duration::from_secs(1), None);
        for _ in 0..MOST_STEPS + 3 {
            recorder.step(&eth0(), StepKind::Carrier, "").done();
        }
        recorder.finish();
        let record = recorder.snapshot();
        assert_eq!((record.steps.len(), record.steps_left_out), (MOST_STEPS, 3));
    }

    #[test]
    fn progress_is_on_disk_before_the_end() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("boot.json");
        let recorder = Recorder::start(path.clone(), Duration::from_secs(1), None);
        recorder.step(&eth0(), StepKind::LinkUp, "").done();
        let until = std::time::Instant::now() + Duration::from_secs(5);
        while !path.exists() || read(&path).steps.is_empty() {
            assert!(std::time::Instant::now() < until, "nothing was written");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(read(&path).outcome, Outcome::Running);
        recorder.finish();
    }
}
