//! How threads wait, retry and complain.

use std::time::{Duration, Instant};

use super::context::Context;
use super::pool::Next;
use super::subject::Subject;
use crate::events::{Backoff, News, Woken};
use crate::fault::Fault;
use crate::kmsg::Level;
use crate::record::OpenStep;

/// The first wait between two tries, and the longest.
const FIRST_RETRY: Duration = Duration::from_millis(100);
pub(super) const SLOWEST_RETRY: Duration = Duration::from_secs(2);

/// Waiting times between tries of anything.
pub(super) fn backoff() -> Backoff {
    Backoff::new(FIRST_RETRY, SLOWEST_RETRY)
}

/// A wait ended without what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The program is to stop.
    Stopping,
    /// The time is up.
    Late,
}

impl Context {
    /// Whether it is this controller's turn to go to its portal.
    pub(super) fn has_turn(&self, controller: usize) -> Result<(), Next> {
        let Err(again) = self.order(|order| order.may_go(controller, Instant::now())) else {
            return Ok(());
        };
        let limit = self.limit();
        if Instant::now() >= limit {
            return Err(Next::Done);
        }
        Err(Next::After {
            kinds: &[News::Own],
            at: again.min(limit),
        })
    }

    /// For a task that looked for something: what it found, or when it looks
    /// again. `fault` is what stands in the way until then.
    pub(super) fn found_or_next<T>(
        &self,
        kinds: &'static [News],
        subject: &Subject,
        step: &OpenStep,
        fault: impl Fn() -> Fault,
        found: Option<T>,
    ) -> Result<T, Next> {
        if let Some(found) = found {
            self.clear_fault(subject);
            return Ok(found);
        }
        let (why, limit) = (fault(), self.limit());
        self.complain_once(subject, step, &why);
        if Instant::now() >= limit {
            step.error(&why);
            return Err(Next::Done);
        }
        let at = self.next_word(subject, &why).min(limit);
        Err(Next::After { kinds, at })
    }

    /// What is waited for is not there: said, and into the record, when it is
    /// worth it.
    fn complain_once(&self, subject: &Subject, step: &OpenStep, why: &Fault) {
        if self.is_worth_a_line(subject, why) {
            step.error(why);
            self.kmsg.fault(Level::Warning, &subject.to_string(), why);
        }
    }

    /// Waits until root's drive is there, at most so long; false if the program is to
    /// stop.
    pub(super) fn wait_till_all_may_go(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            let seen = self.events.seen();
            if self.order(|order| order.all_may_go()) {
                return true;
            }
            match self.events.wait_past(seen, &[News::Own], until) {
                Woken::Changed => {}
                Woken::TimedOut => return true,
                Woken::Stopping => return false,
            }
        }
    }

    /// Something went wrong and will be tried again: into the record, and, if
    /// it is worth it, into the kernel log.
    pub(super) fn complain(&self, subject: &Subject, step: &OpenStep, fault: &Fault) {
        step.error(fault);
        if self.is_worth_a_line(subject, fault) {
            self.kmsg.fault(Level::Warning, &subject.to_string(), fault);
        }
    }

    /// Something stands in the way that waiting does not mend.
    pub(super) fn tell(&self, subject: &Subject, fault: Fault) {
        self.kmsg.fault(Level::Error, &subject.to_string(), &fault);
        self.set_fault(subject, fault);
    }

    /// The same, and the step is not tried again.
    pub(super) fn give_up(&self, subject: &Subject, step: OpenStep, fault: Fault) {
        step.failed(&fault);
        self.tell(subject, fault);
    }

    /// Waits until `look` finds something, looking again after each change.
    /// `fault` is what stands in the way until then.
    pub(super) fn wait_for<T>(
        &self,
        subject: &Subject,
        step: &OpenStep,
        fault: impl Fn() -> Fault,
        look: impl FnMut() -> Option<T>,
    ) -> Result<T, Ended> {
        self.wait_for_news(&News::ALL, subject, step, fault, look)
    }

    /// The same, looking again only after changes of these kinds.
    pub(super) fn wait_for_news<T>(
        &self,
        news: &[News],
        subject: &Subject,
        step: &OpenStep,
        fault: impl Fn() -> Fault,
        mut look: impl FnMut() -> Option<T>,
    ) -> Result<T, Ended> {
        loop {
            let seen = self.events.seen();
            if let Some(found) = look() {
                self.clear_fault(subject);
                return Ok(found);
            }
            let why = fault();
            self.complain_once(subject, step, &why);
            let until = self.next_word(subject, &why).min(self.limit());
            let ended = match self.events.wait_past(seen, news, until) {
                Woken::Stopping => Ended::Stopping,
                Woken::TimedOut if Instant::now() >= self.limit() => Ended::Late,
                Woken::Changed | Woken::TimedOut => continue,
            };
            step.error(&why);
            return Err(ended);
        }
    }

    /// Tries until it works, with growing pauses.
    pub(super) fn retry<T>(
        &self,
        subject: &Subject,
        step: &OpenStep,
        mut attempt: impl FnMut() -> Result<T, Fault>,
    ) -> Result<T, Ended> {
        let mut pauses = backoff();
        loop {
            match attempt() {
                Ok(done) => {
                    self.clear_fault(subject);
                    return Ok(done);
                }
                Err(fault) => self.complain(subject, step, &fault),
            }
            self.pause(pauses.step())?;
            step.again();
        }
    }

    /// Sleeps between two tries.
    pub(super) fn pause(&self, time: Duration) -> Result<(), Ended> {
        if self.events.sleep(time) == Woken::Stopping {
            Err(Ended::Stopping)
        } else if Instant::now() >= self.limit() {
            Err(Ended::Late)
        } else {
            Ok(())
        }
    }
}
