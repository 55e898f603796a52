//! What all threads share.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nvmeroot_plan::{BootPlan, InterfaceName, Nqn};

use super::goal::ConnectedTo;
use super::links::Links;
use super::offers::Discoveries;
use super::order::Order;
use super::patience::Patience;
use super::pool::Pool;
use super::subject::{Portal, Subject, Target, portal_of};
use super::targets::Targets;
use crate::events::{Events, News};
use crate::fabrics::{Fabrics, NvmeTree};
use crate::fault::Fault;
use crate::kmsg::{Kmsg, Level};
use crate::netlink::{Link, sysctl};
use crate::places::Places;
use crate::record::{Missing, Recorder};

/// Longer than any initramfs lasts.
pub(super) const LONG: Duration = Duration::from_secs(24 * 3600);

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
    shared: Mutex<Shared>,
    pub(super) pool: Pool,
}

/// What changes hands.
#[derive(Debug, Default)]
struct Shared {
    faults: BTreeMap<Subject, Fault>,
    patience: Patience,
    order: Order,
    discoveries: Discoveries,
    links: Links,
    failed_connects: BTreeMap<usize, u32>,
    targets: Targets,
    /// Per link, how long the kernel waited for neighbours before.
    question_times: BTreeMap<String, String>,
    /// Threads and tasks that still have something to do.
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
            pool: Pool::default(),
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
        self.begins();
        let context = Arc::clone(self);
        let spawned = std::thread::Builder::new()
            .name(name.chars().take(15).collect())
            .stack_size(crate::STACK)
            .spawn(move || {
                work(&context);
                context.ends();
            });
        if let Err(e) = spawned {
            self.ends();
            self.kmsg
                .say(Level::Error, &format!("no thread for {name}: {e}"));
        }
    }

    /// Somebody has something to do.
    pub(super) fn begins(&self) {
        self.lock().busy += 1;
    }

    /// Somebody has nothing to do any more.
    pub(super) fn ends(&self) {
        self.lock().busy -= 1;
        self.events.raise(News::Own);
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
        self.lock().links.found(interface, index);
        self.events.raise(News::Own);
    }

    /// The index of the interface's link, when it has been found.
    pub(super) fn link_of(&self, interface: &InterfaceName) -> Option<u32> {
        self.lock().links.of(interface)
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
        self.lock().links.is_prepared(interface);
        self.events.raise(News::Own);
    }

    /// The index of the interface's link, when others may be set on it.
    pub(super) fn prepared_link(&self, interface: &InterfaceName) -> Option<u32> {
        self.lock().links.prepared(interface)
    }

    /// The bond negotiates with the other side, or has ended that.
    pub(super) fn set_negotiating(&self, bond: &InterfaceName, negotiates: bool) {
        self.lock().links.set_negotiating(bond, negotiates);
        self.events.raise(News::Own);
    }

    /// The link is a bond that negotiates, or stands on one.
    pub(super) fn negotiates(&self, link: u32) -> bool {
        let all = &self.plan.network.interfaces;
        self.lock().links.negotiates(all, link)
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

    /// This controller's portal answers, and the kernel is at work on it.
    pub(super) fn is_at_work(&self, controller: usize) {
        self.lock().order.is_at_work(controller, Instant::now());
    }

    /// How often the kernel tried to connect for this controller in vain.
    pub(super) fn failed_connects(&self, controller: usize) -> u32 {
        let shared = self.lock();
        shared
            .failed_connects
            .get(&controller)
            .copied()
            .unwrap_or(0)
    }

    /// The kernel tried once more, in vain.
    pub(super) fn connect_failed(&self, controller: usize) {
        *self.lock().failed_connects.entry(controller).or_default() += 1;
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
        self.lock().targets.set_answered(portal, answered);
    }

    /// The portal took a connection a moment ago.
    pub(super) fn has_answered(&self, portal: &Portal) -> bool {
        self.lock().targets.has_answered(portal)
    }

    /// A controller of the plan wants a target. True if nobody did before:
    /// then the caller has to see to it.
    pub(super) fn claim(&self, target: &Target, controller: usize) -> bool {
        let new = self.lock().targets.claim(target, controller);
        if !new {
            // The other one may have connected it already.
            self.events.raise(News::Own);
        }
        new
    }

    /// The target is connected.
    pub(super) fn connected(&self, target: &Target) {
        self.lock().targets.connected(target);
        self.events.raise(News::Own);
    }

    /// Per controller of the plan, the subsystems that it led to.
    pub(super) fn connected_to(&self) -> ConnectedTo {
        self.lock().targets.connected_to()
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
            || self.discoveries(|d| d.name(&portal_of(controller), index))
    }

    /// The portals that are connected.
    pub(super) fn connected_portals(&self) -> BTreeSet<IpAddr> {
        self.lock().targets.connected_portals()
    }

    /// The targets that a controller led to.
    pub(super) fn targets_of(&self, controller: usize) -> Vec<Target> {
        self.lock().targets.of(controller)
    }

    /// `fault` keeps `subject` up. True if this is worth a line in the kernel log.
    pub(super) fn is_worth_a_line(&self, subject: &Subject, fault: &Fault) -> bool {
        let mut shared = self.lock();
        shared.faults.insert(subject.clone(), fault.clone());
        shared
            .patience
            .is_over(subject, fault.layer, Instant::now())
    }

    /// When it is worth another one if nothing changes.
    pub(super) fn next_word(&self, subject: &Subject, fault: &Fault) -> Instant {
        let now = Instant::now();
        self.lock().patience.next(subject, fault.layer, now)
    }

    /// Whose turn it is.
    pub(super) fn order<T>(&self, of: impl FnOnce(&mut Order) -> T) -> T {
        of(&mut self.lock().order)
    }
}
