//! What all threads share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nvmeroot_plan::{BootPlan, Interface, InterfaceName};
use nvmeroot_record::{Failure, Missing};

use super::failure_scope::FailureScope;
use super::log_throttle::LogThrottle;
use super::recorder::Recorder;
use crate::sys::events::{Change, Events};
use crate::sys::kmsg::{Kmsg, Level};
use crate::sys::paths::Paths;
use crate::sys::spawn;

/// What all threads share.
#[derive(Debug)]
pub struct Context {
    /// The plan.
    pub plan: BootPlan,
    /// Where files are.
    pub paths: Paths,
    /// The interfaces that the installed system has not been told of, because only the
    /// boot knows them; with what that says of them, where all of it counts.
    pub only_at_boot: BTreeMap<InterfaceName, Option<Interface>>,
    /// Changes.
    pub events: Arc<Events>,
    /// The kernel log.
    pub kmsg: Kmsg,
    /// The boot record.
    pub recorder: Recorder,
    /// When to give up on what root needs.
    pub(super) deadline: Instant,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    /// What blocks whom.
    failures: BTreeMap<FailureScope, Failure>,
    pub(super) throttle: LogThrottle,
    /// Root's drive is there.
    pub(super) root_is_found: bool,
    /// Threads and tasks that still have something to do.
    busy: usize,
}

impl Context {
    /// For a plan, until `deadline`.
    pub fn new(
        plan: BootPlan,
        paths: Paths,
        events: Arc<Events>,
        kmsg: Kmsg,
        recorder: Recorder,
        deadline: Instant,
    ) -> Self {
        Self {
            plan,
            only_at_boot: BTreeMap::new(),
            paths,
            events,
            kmsg,
            recorder,
            deadline,
            shared: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in a thread of its own. The program does not end before.
    pub(crate) fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce() + Send + 'static) {
        self.begin_work();
        let context = Arc::clone(self);
        let short: String = name.chars().take(15).collect();
        let spawned = spawn(&short, move || {
            work();
            context.end_work();
        });
        if let Err(e) = spawned {
            self.end_work();
            let text = format!(
                "can't start a thread for `{name}`: {e}; check that the machine has enough memory"
            );
            self.kmsg.say(Level::Error, &text);
        }
    }

    /// Somebody has something to do.
    pub(crate) fn begin_work(&self) {
        self.lock().busy += 1;
    }

    /// That is done.
    pub(crate) fn end_work(&self) {
        self.lock().busy -= 1;
        self.events.raise(Change::Own);
    }

    /// Nobody has anything to do any more.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().busy == 0
    }

    /// Root's drive is there: from now on nobody waits for what is missing.
    pub(crate) fn root_found(&self) {
        self.lock().root_is_found = true;
        self.events.raise(Change::Own);
    }

    /// Records that `failure` blocks `scope`.
    pub(crate) fn set_failure(&self, scope: &FailureScope, failure: Failure) {
        self.lock().failures.insert(scope.clone(), failure);
    }

    /// The same, unless something is recorded already, which says more.
    pub(crate) fn set_failure_if_none(&self, scope: &FailureScope, failure: Failure) {
        self.lock().failures.entry(scope.clone()).or_insert(failure);
    }

    /// Nothing blocks `scope` any more.
    pub(crate) fn clear_failure(&self, scope: &FailureScope) {
        let mut shared = self.lock();
        shared.failures.remove(scope);
        shared.throttle.forget(scope);
    }

    /// All failures that block something.
    pub(crate) fn failures(&self) -> BTreeMap<FailureScope, Failure> {
        self.lock().failures.clone()
    }

    /// The same, as the record has them.
    pub fn missing(&self) -> Vec<Missing> {
        let failures = self.failures().into_iter();
        failures
            .map(|(scope, failure)| scope.missing(failure))
            .collect()
    }

    /// Records that `failure` blocks `scope`; returns whether to log it now.
    pub(super) fn should_log(&self, scope: &FailureScope, failure: &Failure) -> bool {
        let mut shared = self.lock();
        shared.failures.insert(scope.clone(), failure.clone());
        let throttle = &mut shared.throttle;
        throttle.should_log(scope, failure.kind, Instant::now())
    }
}
