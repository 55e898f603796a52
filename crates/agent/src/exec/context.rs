//! What all threads share, and how they wait, retry and complain.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nvmeroot_plan::{BootPlan, InterfaceName, Nqn, Port};

use super::discovery::{self, Discoveries, Portal};
use super::goal::ConnectedTo;
use super::layer::with_what_is_below;
use super::order::Order;
use super::patience::Patience;
use crate::events::{Backoff, Events, News, Woken};
use crate::fabrics::{Fabrics, NvmeTree};
use crate::fault::Fault;
use crate::kmsg::{Kmsg, Level};
use crate::netlink::{Link, sysctl};
use crate::places::Places;
use crate::record::{Missing, OpenStep, Recorder};

/// The first wait between two tries, and the longest.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const SLOWEST_RETRY: Duration = Duration::from_secs(2);

/// A portal that took a connection is believed to take another so long.
const FRESH: Duration = Duration::from_secs(1);

/// Longer than any initramfs lasts.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// Waiting times between tries of anything.
pub(super) fn backoff() -> Backoff {
    Backoff::new(FIRST_RETRY, SLOWEST_RETRY)
}

/// Whom a failure belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// An interface.
    Interface(InterfaceName),
    /// One setting of an interface.
    Setting(InterfaceName, String),
    /// A DHCP client on an interface.
    Dhcp(InterfaceName, &'static str),
    /// A controller of the plan, by its index.
    Controller(usize, String),
    /// A subsystem behind a portal.
    Target(Target),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "`{name}`"),
            Self::Setting(name, what) => write!(f, "`{name}` {what}"),
            Self::Dhcp(name, family) => write!(f, "`{name}` {family}"),
            Self::Controller(_, portal) => write!(f, "`{portal}`"),
            Self::Target(target) => write!(f, "`{}`", target.portal()),
        }
    }
}

/// A subsystem behind a portal: what one connect makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) traddr: IpAddr,
    pub(super) trsvcid: Port,
    pub(super) nqn: Nqn,
    pub(super) host_iface: Option<InterfaceName>,
}

impl Target {
    pub(super) fn portal(&self) -> String {
        SocketAddr::new(self.traddr, self.trsvcid.get()).to_string()
    }
}

/// A wait ended without what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The program is to stop.
    Stopping,
    /// The time is up.
    Late,
}

/// What the threads share.
#[derive(Debug)]
pub struct Context {
    /// The plan.
    pub plan: BootPlan,
    /// Where things are.
    pub places: Places,
    /// Changes.
    pub events: Arc<Events>,
    /// The kernel log.
    pub kmsg: Kmsg,
    /// The boot record.
    pub recorder: Recorder,
    /// The way to make controllers.
    pub fabrics: Fabrics,
    /// Controllers and namespaces.
    pub tree: NvmeTree,
    /// When to give up on what root needs.
    limit: Instant,
    pub(super) shared: Mutex<Shared>,
}

/// What changes hands.
#[derive(Debug, Default)]
pub(super) struct Shared {
    faults: BTreeMap<Subject, Fault>,
    patience: Patience,
    order: Order,
    discoveries: Discoveries,
    /// Per link, how long the kernel waited for neighbours before.
    question_times: BTreeMap<String, String>,
    /// When portals last took a connection.
    answered: BTreeMap<Portal, Instant>,
    /// Who asked for each target, and whether it is connected.
    targets: BTreeMap<Target, (BTreeSet<usize>, bool)>,
    /// The links of the plan's interfaces, by index: one that is matched and
    /// not renamed has another name than the plan's.
    links: BTreeMap<InterfaceName, u32>,
    /// Those that others may be set on.
    prepared: BTreeSet<InterfaceName>,
    /// Bonds that have carrier and lose what they are given: they negotiate.
    negotiating: BTreeSet<InterfaceName>,
    /// Threads that still have something to do.
    busy: usize,
}

impl Context {
    /// All that the threads need.
    #[allow(clippy::too_many_arguments, reason = "made once")]
    pub fn new(
        plan: BootPlan,
        places: Places,
        events: Arc<Events>,
        kmsg: Kmsg,
        recorder: Recorder,
        fabrics: Fabrics,
        limit: Instant,
    ) -> Self {
        let tree = NvmeTree::new(&places.sys);
        let shared = Mutex::new(Shared {
            order: Order::of(&plan),
            ..Shared::default()
        });
        Self {
            plan,
            places,
            events,
            kmsg,
            recorder,
            fabrics,
            tree,
            limit,
            shared,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in a thread of its own. The program is not at its end
    /// before it is.
    pub(super) fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) {
        self.lock().busy += 1;
        let context = Arc::clone(self);
        let spawned = std::thread::Builder::new()
            .name(name.chars().take(15).collect())
            .stack_size(crate::STACK)
            .spawn(move || {
                work(&context);
                context.lock().busy -= 1;
                context.events.raise(News::Own);
            });
        if let Err(e) = spawned {
            self.lock().busy -= 1;
            self.kmsg
                .say(Level::Error, &format!("no thread for {name}: {e}"));
        }
    }

    /// At the end the link gets this waiting time for neighbours again.
    pub(super) fn ask_neighbours_as_before(&self, link: &str, time: String) {
        self.lock()
            .question_times
            .entry(link.to_owned())
            .or_insert(time);
    }

    /// Gives back what was changed only while the machine boots.
    pub(super) fn give_back(&self) {
        for (link, time) in std::mem::take(&mut self.lock().question_times) {
            // A link that is gone needs nothing back.
            let _ = sysctl::set_question_time(&self.places, &link, &time);
        }
    }

    /// Nobody works any more.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().busy == 0
    }

    /// The interface is this link.
    pub(super) fn is_link(&self, interface: &InterfaceName, index: u32) {
        self.lock().links.insert(interface.clone(), index);
        self.events.raise(News::Own);
    }

    /// The index of the interface's link, when it has been found.
    pub(super) fn link_of(&self, interface: &InterfaceName) -> Option<u32> {
        self.lock().links.get(interface).copied()
    }

    /// Sets one of a link's IPv6 settings that is of use, and no more than that.
    pub(super) fn try_ipv6(&self, link: &Link, key: &str, value: &str) {
        if let Err(e) = sysctl::set_ipv6(&self.places, &link.name, key, value) {
            let text = format!("`{}`: can't set `{key}` to {value}: {e}", link.name);
            self.kmsg.say(Level::Debug, &text);
        }
    }

    /// All that has to come before others stand on the interface is done.
    pub(super) fn is_prepared(&self, interface: &InterfaceName) {
        self.lock().prepared.insert(interface.clone());
        self.events.raise(News::Own);
    }

    /// The index of the interface's link, when others may be set on it.
    pub(super) fn prepared_link(&self, interface: &InterfaceName) -> Option<u32> {
        let shared = self.lock();
        let index = shared.links.get(interface)?;
        shared.prepared.contains(interface).then_some(*index)
    }

    /// The bond negotiates with the other side, or has ended that.
    pub(super) fn set_negotiating(&self, bond: &InterfaceName, negotiates: bool) {
        let mut shared = self.lock();
        if negotiates {
            shared.negotiating.insert(bond.clone());
        } else {
            shared.negotiating.remove(bond);
        }
        drop(shared);
        self.events.raise(News::Own);
    }

    /// The link is a bond that negotiates, or stands on one.
    pub(super) fn negotiates(&self, link: u32) -> bool {
        let shared = self.lock();
        if shared.negotiating.is_empty() {
            return false;
        }
        let all = &self.plan.network.interfaces;
        let these = shared.links.iter().filter(|(_, index)| **index == link);
        let below = with_what_is_below(all, these.map(|(name, _)| name));
        below
            .into_iter()
            .any(|name| shared.negotiating.contains(name))
    }

    /// Something stands in the way of `subject`.
    pub(super) fn set_fault(&self, subject: &Subject, fault: Fault) {
        self.lock().faults.insert(subject.clone(), fault);
    }

    /// The same for what may end well: what stands in the way already says more.
    pub(super) fn suspect(&self, subject: &Subject, fault: Fault) {
        self.lock().faults.entry(subject.clone()).or_insert(fault);
    }

    /// Nothing does any more.
    pub(super) fn clear_fault(&self, subject: &Subject) {
        let mut shared = self.lock();
        shared.faults.remove(subject);
        shared.patience.forget(subject);
    }

    /// All that stands in the way of anybody.
    pub(super) fn faults(&self) -> BTreeMap<Subject, Fault> {
        self.lock().faults.clone()
    }

    /// The same, as the record has it.
    pub fn missing(&self) -> Vec<Missing> {
        self.faults()
            .into_iter()
            .map(|(subject, fault)| Missing {
                subject: subject.to_string().replace('`', ""),
                fault,
            })
            .collect()
    }

    /// When to give up. Once root is there nobody waits for what is missing, and
    /// it is tried until the program is stopped.
    pub(super) fn limit(&self) -> Instant {
        if self.lock().order.all_may_go() {
            Instant::now() + LONG
        } else {
            self.limit
        }
    }

    /// Waits until it is this controller's turn to go to its portal.
    pub(super) fn wait_for_turn(&self, controller: usize) -> Result<(), Ended> {
        loop {
            let seen = self.events.seen();
            let Err(again) = self.lock().order.may_go(controller, Instant::now()) else {
                return Ok(());
            };
            let until = again.min(self.limit());
            match self.events.wait_past(seen, &[News::Own], until) {
                Woken::Stopping => return Err(Ended::Stopping),
                Woken::TimedOut if Instant::now() >= self.limit() => return Err(Ended::Late),
                Woken::Changed | Woken::TimedOut => {}
            }
        }
    }

    /// Waits until root's drive is there, at most so long; false if the program is to
    /// stop.
    pub(super) fn wait_till_all_may_go(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            let seen = self.events.seen();
            if self.lock().order.all_may_go() {
                return true;
            }
            match self.events.wait_past(seen, &[News::Own], until) {
                Woken::Changed => {}
                Woken::TimedOut => return true,
                Woken::Stopping => return false,
            }
        }
    }

    /// This controller's portal answers, and the kernel is at work on it.
    pub(super) fn is_at_work(&self, controller: usize) {
        self.lock().order.is_at_work(controller, Instant::now());
    }

    /// This controller gets nowhere for now: whoever waits behind it may go.
    pub(super) fn stumbled(&self, controller: usize) {
        self.lock().order.stumbled(controller, Instant::now());
        self.events.raise(News::Own);
    }

    /// This controller has shown its namespaces.
    pub(super) fn is_there(&self, controller: usize) {
        self.lock().order.is_there(controller, Instant::now());
        self.events.raise(News::Own);
    }

    /// Root's drive is there: whoever waits behind others may go, in such a way that
    /// root is mounted as soon as without them.
    pub(super) fn let_all_go(&self) {
        self.fabrics.calm();
        self.lock().order.let_all_go();
        self.events.raise(News::Own);
    }

    /// Root is mounted: whoever waits may go, and fast.
    pub(super) fn root_is_mounted(&self) {
        self.fabrics.go_on();
        self.lock().order.let_all_go();
        self.events.raise(News::Own);
    }

    /// The portal took a connection just now, or it did not.
    pub(super) fn set_answered(&self, portal: &Portal, answered: bool) {
        let mut shared = self.lock();
        if answered {
            shared.answered.insert(portal.clone(), Instant::now());
        } else {
            shared.answered.remove(portal);
        }
    }

    /// The portal took a connection a moment ago.
    pub(super) fn has_answered(&self, portal: &Portal) -> bool {
        self.lock()
            .answered
            .get(portal)
            .is_some_and(|at| at.elapsed() < FRESH)
    }

    /// A controller of the plan wants a target. True if nobody did before:
    /// then the caller has to see to it.
    pub(super) fn claim(&self, target: &Target, controller: usize) -> bool {
        let mut shared = self.lock();
        let known = shared.targets.contains_key(target);
        let entry = shared.targets.entry(target.clone()).or_default();
        entry.0.insert(controller);
        drop(shared);
        if known {
            // The other one may have connected it already.
            self.events.raise(News::Own);
        }
        !known
    }

    /// The target is connected.
    pub(super) fn connected(&self, target: &Target) {
        if let Some(entry) = self.lock().targets.get_mut(target) {
            entry.1 = true;
        }
        self.events.raise(News::Own);
    }

    /// Per controller of the plan, the subsystems that it led to.
    pub(super) fn connected_to(&self) -> ConnectedTo {
        let mut all = ConnectedTo::new();
        for (target, (controllers, connected)) in &self.lock().targets {
            for controller in controllers.iter().filter(|_| *connected) {
                all.entry(*controller)
                    .or_default()
                    .insert(target.nqn.clone());
            }
        }
        all
    }

    /// What is known of discovery.
    pub(super) fn discoveries<T>(&self, of: impl FnOnce(&mut Discoveries) -> T) -> T {
        of(&mut self.lock().discoveries)
    }

    /// The controller is worth going to: where it is a discovery portal, none
    /// before it in the plan was the same.
    pub(super) fn is_first_to_name(&self, index: usize) -> bool {
        let Some(controller) = self.plan.controllers.get(index) else {
            return false;
        };
        controller
            .nqn
            .as_ref()
            .is_some_and(|nqn| nqn.as_str() != Nqn::DISCOVERY)
            || self.discoveries(|d| d.name(&discovery::portal_of(controller), index))
    }

    /// The portals that are connected.
    pub(super) fn connected_portals(&self) -> BTreeSet<IpAddr> {
        self.lock()
            .targets
            .iter()
            .filter(|(_, (_, connected))| *connected)
            .map(|(target, _)| target.traddr)
            .collect()
    }

    /// The targets that a controller led to.
    pub(super) fn targets_of(&self, controller: usize) -> Vec<Target> {
        self.lock()
            .targets
            .iter()
            .filter(|(_, (controllers, _))| controllers.contains(&controller))
            .map(|(target, _)| target.clone())
            .collect()
    }

    /// Something went wrong and will be tried again: into the record, and, if
    /// it is worth it, into the kernel log.
    pub(super) fn complain(&self, subject: &Subject, step: &OpenStep<'_>, fault: &Fault) {
        step.error(fault);
        if self.is_worth_a_line(subject, fault) {
            self.kmsg.fault(Level::Warning, &subject.to_string(), fault);
        }
    }

    fn is_worth_a_line(&self, subject: &Subject, fault: &Fault) -> bool {
        let mut shared = self.lock();
        shared.faults.insert(subject.clone(), fault.clone());
        shared
            .patience
            .is_over(subject, fault.layer, Instant::now())
    }

    /// Waits until `look` finds something, looking again after each change.
    /// `fault` is what stands in the way until then.
    pub(super) fn wait_for<T>(
        &self,
        subject: &Subject,
        step: &OpenStep<'_>,
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
        step: &OpenStep<'_>,
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
            if self.is_worth_a_line(subject, &why) {
                step.error(&why);
                self.kmsg.fault(Level::Warning, &subject.to_string(), &why);
            }
            let word = self
                .lock()
                .patience
                .next(subject, why.layer, Instant::now());
            let until = word.min(self.limit());
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
        step: &OpenStep<'_>,
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
