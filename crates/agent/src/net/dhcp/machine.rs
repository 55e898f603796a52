//! What both clients have in common as state machines: when the next message
//! is due, the pauses, the tries, and what comes out.

use std::collections::VecDeque;
use std::time::Duration;

use super::ParseError;
use super::error::{Event, Failure};
use super::random::{Backoff, Random};

/// The shortest wait between renewals. RFC 2131 says 60 s, and RFC 8415 10 s
/// (REN_TIMEOUT), which leases of two minutes don't bear.
const RENEW_PAUSE: Duration = Duration::from_secs(5);

/// A client as a state machine without I/O. Time is what has passed since it
/// began. Its driver sends [`Machine::outputs`], hands in what arrives, and
/// calls [`Machine::on_time`] when [`Machine::next_time`] has come.
pub trait Machine {
    /// What it has sent.
    type Output;
    /// What it asks for.
    type Lease: Clone;

    /// Its bookkeeping.
    fn book(&self) -> &Timers<Self::Output>;

    /// The same, to be written.
    fn book_mut(&mut self) -> &mut Timers<Self::Output>;

    /// The time is `now`: sends what is due.
    fn on_time(&mut self, now: Duration);

    /// The lease, while there is one.
    fn lease(&self) -> Option<&Self::Lease>;

    /// The lease ended without being renewed.
    fn expired(&self) -> bool;

    /// What is to be sent.
    fn outputs(&mut self) -> impl Iterator<Item = Self::Output> {
        self.book_mut().outputs.drain(..)
    }

    /// What has happened.
    fn events(&mut self) -> impl Iterator<Item = Event> {
        self.book_mut().events.drain(..)
    }

    /// When [`Self::on_time`] is due; `Duration::MAX`: never.
    fn next_time(&self) -> Duration {
        self.book().next
    }

    /// How many messages were sent.
    fn tries(&self) -> u32 {
        self.book().messages
    }

    /// What stands in the way of a lease.
    fn failure(&self) -> Failure {
        self.book().failure.clone()
    }
}

/// The bookkeeping of a client.
#[derive(Clone, Debug)]
pub struct Timers<O> {
    random: Random,
    backoff: Backoff,
    refusals: Backoff,
    next: Duration,
    messages: u32,
    failure: Failure,
    outputs: VecDeque<O>,
    events: VecDeque<Event>,
}

impl<O> Timers<O> {
    /// Something is due at time 0.
    pub(super) fn new(random: Random) -> Self {
        Self {
            random,
            backoff: Backoff::new(),
            refusals: Backoff::new(),
            next: Duration::ZERO,
            messages: 0,
            failure: Failure::NoAnswer,
            outputs: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    pub(super) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        now >= self.next
    }

    pub(super) fn due_at(&mut self, at: Duration) {
        self.next = at;
    }

    pub(super) fn never_due(&mut self) {
        self.next = Duration::MAX;
    }

    /// Pauses are short again.
    pub(super) fn begin(&mut self) {
        self.backoff = Backoff::new();
    }

    /// The next try comes after a pause, each longer than the one before.
    pub(super) fn pause(&mut self, now: Duration) {
        self.next = now + self.backoff.step(&mut self.random);
    }

    /// A server said no: a pause of its own, for one that always says so
    /// isn't asked without.
    pub(super) fn pause_refused(&mut self) -> Duration {
        self.refusals.step(&mut self.random)
    }

    /// A server said yes.
    pub(super) fn accepted(&mut self) {
        self.refusals = Backoff::new();
    }

    /// The next renewal comes after half of what is left until `until`
    /// (RFC 2131, section 4.4.5).
    pub(super) fn pause_renewal(&mut self, now: Duration, until: Duration) {
        self.next = until.min(now + ((until - now) / 2).max(RENEW_PAUSE));
    }

    /// A message of this name goes out.
    pub(super) fn send(&mut self, message: &'static str, output: O) {
        self.messages += 1;
        let attempt = self.messages;
        self.tell(Event::Sent { message, attempt });
        self.outputs.push_back(output);
    }

    /// Goes out beside a message, and is none itself.
    pub(super) fn put(&mut self, output: O) {
        self.outputs.push_back(output);
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(super) fn ignore(&mut self, error: ParseError) {
        self.tell(Event::Ignored { error });
    }

    pub(super) fn failed(&mut self, failure: Failure) {
        self.failure = failure;
    }

    pub(super) fn forget_events(&mut self) {
        self.events.clear();
    }
}
