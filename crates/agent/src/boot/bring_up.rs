//! One boot, from its start to the hand-off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nvmeroot_plan::{Requirement, Scope, steps};

use super::requirements::Requirements;
use super::{drivers, filesystems, report, root_mount};
use crate::net::{self, Network};
use crate::storage::Storage;
use crate::storage::fabrics::Fabrics;
use crate::sys::events::{Change, WakeReason};
use crate::sys::kmsg::Level;
use crate::sys::netlink::NetlinkError;
use crate::task::Context;

/// How long a drive is waited for that an array can do without: as long as the running
/// system's mdadm-last-resort@.timer waits.
const MEMBER_PATIENCE: Duration = Duration::from_secs(30);

/// How the work on the requirements ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that the essential mounts need is there; a drive may be missing that an
    /// array can do without.
    Done,
    /// It is not, and the time is up: what is missing and why, a line each.
    Failed(Vec<String>),
    /// The program was told to stop before.
    Stopped,
}

/// One boot.
#[derive(Debug)]
pub struct Boot {
    /// What all threads share.
    pub context: Arc<Context>,
    requirements: Requirements,
    network: Arc<Network>,
    storage: Arc<Storage>,
}

impl Boot {
    /// Nothing is started yet.
    pub fn new(context: Context, requirements: Requirements, fabrics: Fabrics) -> Self {
        let context = Arc::new(context);
        context
            .recorder
            .requirements(requirements.record(&context.plan));
        let network = Arc::new(Network::new(&context));
        let storage = Storage::new(&context, &network, fabrics, requirements.by_controller());
        Self {
            context,
            requirements,
            network,
            storage: Arc::new(storage),
        }
    }

    /// Starts all work.
    pub fn start(&self) {
        let storage = Arc::clone(&self.storage);
        let context = Arc::clone(&self.context);
        self.context.spawn("modules", move || {
            storage.fabrics.prepare();
            filesystems::load_in_time(&context);
        });
        let context = Arc::clone(&self.context);
        self.context
            .spawn("drivers", move || drivers::load(&context.paths));
        let steps = steps(&self.context.plan, Scope::Path);
        self.network.start(&steps);
        self.storage.start(&steps);
    }

    /// Starts on the controllers that are not there, in a system whose network is
    /// up, or will be without us.
    ///
    /// # Errors
    /// When the kernel does not list the links.
    pub fn start_missing(&self) -> Result<(), NetlinkError> {
        self.network.find_links()?;
        self.storage.root_is_mounted();
        self.storage
            .start_missing(&steps(&self.context.plan, Scope::Path));
        Ok(())
    }

    /// Goes on with the leases, in a system whose network is up.
    ///
    /// # Errors
    /// When the kernel does not list the links.
    pub fn keep_leases(&self) -> Result<(), NetlinkError> {
        self.network
            .keep_leases(&steps(&self.context.plan, Scope::Path))
    }

    /// Waits until the requirements are met, the time is up, or the program is
    /// told to stop. For a drive that an array can do without it waits for a while only.
    pub fn wait_for_requirements(&self) -> Verdict {
        let events = &self.context.events;
        // Since when nothing else is missing.
        let mut enough_since = None;
        loop {
            let seen = events.seen();
            let connected = self.storage.connected_to();
            let unmet = self.requirements.unmet(&connected, &self.storage.tree);
            let now = Instant::now();
            let is_enough = self.context.plan.can_do_without(&unmet);
            enough_since = is_enough.then(|| enough_since.unwrap_or(now));
            let limit = self.context.limit();
            let goes_on_at = enough_since.map(|since| limit.min(since + MEMBER_PATIENCE));
            if unmet.is_empty() || goes_on_at.is_some_and(|at| at <= now) {
                self.tell_what_is_done_without(&unmet);
                self.storage.release_all();
                return Verdict::Done;
            }
            let changes = [Change::Devices, Change::Own];
            match events.wait_past(seen, &changes, goes_on_at.unwrap_or(limit)) {
                WakeReason::Stopping => return Verdict::Stopped,
                WakeReason::TimedOut if goes_on_at.is_none() => {
                    return Verdict::Failed(self.report());
                }
                WakeReason::Changed | WakeReason::TimedOut => {}
            }
        }
    }

    fn tell_what_is_done_without(&self, unmet: &[&Requirement]) {
        let what = "does without a drive of an array";
        for line in report::report(&self.context, &self.storage, unmet, what) {
            self.context.kmsg.say(Level::Warning, line.trim_start());
        }
    }

    /// Sees that root is mounted, beside what else is done. Until then there is
    /// something to do: who takes over from us shows in root.
    pub fn watch_for_root(&self) {
        let (context, storage) = (Arc::clone(&self.context), Arc::clone(&self.storage));
        self.context.spawn("mount", move || {
            if root_mount::wait(&context.paths, context.events.stop_fd()) {
                context.recorder.mounted();
                storage.root_is_mounted();
            }
        });
    }

    /// Waits until nobody has anything to do any more, or the program is told to
    /// stop. What is missing then is put into the record.
    pub fn wait_for_the_rest(&self) {
        let events = &self.context.events;
        loop {
            let seen = events.seen();
            if self.context.is_idle() {
                break;
            }
            let limit = self.context.limit();
            if events.wait_past(seen, &[Change::Own], limit) == WakeReason::Stopping {
                break;
            }
        }
        self.context.recorder.missing(self.context.missing());
    }

    /// Leaves the network so that it lasts until the running system has taken it
    /// over. To be called at the end.
    pub fn hand_off(&self) {
        net::hand_off(&self.network, &self.storage.connected_portals());
    }

    fn report(&self) -> Vec<String> {
        let connected = self.storage.connected_to();
        let unmet = self.requirements.unmet(&connected, &self.storage.tree);
        report::report(&self.context, &self.storage, &unmet, "has no storage")
    }
}
