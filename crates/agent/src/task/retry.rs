//! How work waits, retries and complains.

use std::time::{Duration, Instant};

use nvmeroot_record::Failure;

use super::context::Context;
use super::failure_scope::FailureScope;
use super::recorder::OpenStep;
use crate::sys::events::{Backoff, Change, WakeReason};
use crate::sys::kmsg::Level;

/// The first wait between two tries, and the longest.
const FIRST_RETRY: Duration = Duration::from_millis(100);
pub(crate) const SLOWEST_RETRY: Duration = Duration::from_secs(2);

/// Longer than any initramfs lasts.
pub(crate) const LONG: Duration = Duration::from_secs(24 * 3600);

/// Waiting times between tries of anything.
pub(crate) fn backoff() -> Backoff {
    Backoff::new(FIRST_RETRY, SLOWEST_RETRY)
}

/// A wait ended without what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The program is to stop.
    Stopping,
    /// The time is up.
    Late,
}

/// What becomes of work that does not wait in its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It looks again after a change of one of these kinds, or at this time.
    After {
        kinds: &'static [Change],
        at: Instant,
    },
    /// Nothing is left to do.
    Done,
}

impl Context {
    /// When to give up. Once root is there nobody waits for what is missing, and
    /// it is tried until the program is stopped.
    pub(crate) fn limit(&self) -> Instant {
        if self.lock().root_is_found {
            Instant::now() + LONG
        } else {
            self.deadline
        }
    }

    /// For a task that looked for something: what it found, or when it looks
    /// again. `failure` is what blocks `scope` until then.
    pub(crate) fn found_or_next<T>(
        &self,
        kinds: &'static [Change],
        scope: &FailureScope,
        step: &OpenStep,
        failure: impl Fn() -> Failure,
        found: Option<T>,
    ) -> Result<T, Next> {
        if let Some(found) = found {
            self.clear_failure(scope);
            return Ok(found);
        }
        let (why, limit) = (failure(), self.limit());
        self.complain_once(scope, step, &why);
        if Instant::now() >= limit {
            step.error(&why);
            return Err(Next::Done);
        }
        let at = self.next_log(scope, &why).min(limit);
        Err(Next::After { kinds, at })
    }

    /// Writes a failure and its hint to the kernel log.
    pub(crate) fn log(&self, level: Level, scope: &FailureScope, failure: &Failure) {
        self.kmsg
            .say(level, &format!("{scope}: {failure}; {}", failure.hint));
    }

    /// When to log the failure again if nothing changes.
    fn next_log(&self, scope: &FailureScope, failure: &Failure) -> Instant {
        let now = Instant::now();
        self.lock().throttle.next(scope, failure.kind, now)
    }

    /// What is waited for is not there: into the log and the record, where it is
    /// time for that.
    fn complain_once(&self, scope: &FailureScope, step: &OpenStep, why: &Failure) {
        if self.should_log(scope, why) {
            step.error(why);
            self.log(Level::Warning, scope, why);
        }
    }

    /// Waits until root's drive is there, for `time` at most; false if the program
    /// is to stop.
    pub(crate) fn wait_for_root(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            let seen = self.events.seen();
            if self.lock().root_is_found {
                return true;
            }
            match self.events.wait_past(seen, &[Change::Own], until) {
                WakeReason::Changed => {}
                WakeReason::TimedOut => return true,
                WakeReason::Stopping => return false,
            }
        }
    }

    /// Something went wrong and will be tried again: into the record, and, if
    /// it is worth it, into the kernel log.
    pub(crate) fn complain(&self, scope: &FailureScope, step: &OpenStep, failure: &Failure) {
        step.error(failure);
        if self.should_log(scope, failure) {
            self.log(Level::Warning, scope, failure);
        }
    }

    /// Logs and records a failure that waiting does not mend.
    pub(crate) fn tell(&self, scope: &FailureScope, failure: Failure) {
        self.log(Level::Error, scope, &failure);
        self.set_failure(scope, failure);
    }

    /// The same, and the step is not tried again.
    pub(crate) fn give_up(&self, scope: &FailureScope, step: &OpenStep, failure: Failure) {
        step.failed(&failure);
        self.tell(scope, failure);
    }

    /// Waits until `look` finds something, looking again after each change.
    /// `failure` is what blocks `scope` until then.
    pub(crate) fn wait_for<T>(
        &self,
        scope: &FailureScope,
        step: &OpenStep,
        failure: impl Fn() -> Failure,
        mut look: impl FnMut() -> Option<T>,
    ) -> Result<T, Ended> {
        loop {
            let seen = self.events.seen();
            if let Some(found) = look() {
                self.clear_failure(scope);
                return Ok(found);
            }
            let why = failure();
            self.complain_once(scope, step, &why);
            let until = self.next_log(scope, &why).min(self.limit());
            let ended = match self.events.wait_past(seen, &Change::ALL, until) {
                WakeReason::Stopping => Ended::Stopping,
                WakeReason::TimedOut if Instant::now() >= self.limit() => Ended::Late,
                WakeReason::Changed | WakeReason::TimedOut => continue,
            };
            step.error(&why);
            return Err(ended);
        }
    }

    /// Tries until it works, with growing pauses.
    pub(crate) fn retry<T, E: Into<Failure>>(
        &self,
        scope: &FailureScope,
        step: &OpenStep,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, Ended> {
        let mut pauses = backoff();
        loop {
            match attempt() {
                Ok(done) => {
                    self.clear_failure(scope);
                    return Ok(done);
                }
                Err(error) => self.complain(scope, step, &error.into()),
            }
            self.pause(pauses.step())?;
            step.again();
        }
    }

    /// Sleeps between two tries.
    pub(crate) fn pause(&self, time: Duration) -> Result<(), Ended> {
        if self.events.sleep(time) == WakeReason::Stopping {
            Err(Ended::Stopping)
        } else if Instant::now() >= self.limit() {
            Err(Ended::Late)
        } else {
            Ok(())
        }
    }
}
