//! The controllers: one pool of threads that finds a route to each portal, reads
//! discovery logs, connects, and waits for namespaces.
//!
//! Of the network it asks one question: whether a link is usable
//! ([`Network::is_usable`]).

mod connect;
mod connect_scheduler;
mod controller_table;
mod discovery;
mod discovery_registry;
pub mod fabrics;
mod pool;
mod portal_route;

pub use controller_table::ConnectedTo;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nvmeroot_plan::{Action, Nqn, Step};
use nvmeroot_record::Portal;

use self::connect::Connect;
use self::connect_scheduler::ConnectScheduler;
use self::controller_table::ControllerTable;
use self::discovery::Discovery;
use self::discovery_registry::DiscoveryRegistry;
use self::fabrics::{Fabrics, NvmeTree};
use self::pool::Pool;
use crate::net::Network;
use crate::sys::events::Change;
use crate::task::{Context, ControllerAddress, Next};

/// The controllers of the plan, and those that they lead to.
#[derive(Debug)]
pub struct Storage {
    context: Arc<Context>,
    network: Arc<Network>,
    /// Makes controllers.
    pub(crate) fabrics: Fabrics,
    /// Controllers and namespaces as sysfs shows them.
    pub(crate) tree: NvmeTree,
    shared: Mutex<Shared>,
    pool: Pool,
}

#[derive(Debug, Default)]
struct Shared {
    scheduler: ConnectScheduler,
    registry: DiscoveryRegistry,
    table: ControllerTable,
    /// How often the kernel tried in vain to connect for each controller of the
    /// plan.
    failed_connects: BTreeMap<usize, u32>,
}

impl Storage {
    /// `requirements` says of each controller of the plan that root needs which
    /// requirement it may meet, by number.
    pub fn new(
        context: &Arc<Context>,
        network: &Arc<Network>,
        fabrics: Fabrics,
        requirements: BTreeMap<usize, usize>,
    ) -> Self {
        Self {
            context: Arc::clone(context),
            network: Arc::clone(network),
            fabrics,
            tree: NvmeTree::new(&context.paths.sys),
            shared: Mutex::new(Shared {
                scheduler: ConnectScheduler::new(requirements),
                ..Shared::default()
            }),
            pool: Pool::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts on the controllers of these steps.
    pub(crate) fn start(self: &Arc<Self>, steps: &[Step]) {
        for step in steps {
            if let Action::Connect { controller, .. } = &step.action {
                self.begin(*controller);
            }
        }
    }

    /// Starts on those that are not connected.
    pub(crate) fn start_missing(self: &Arc<Self>, steps: &[Step]) {
        let there = self.tree.controllers();
        let is_there = |step: &&Step| {
            let Action::Connect { controller, .. } = &step.action else {
                return false;
            };
            let wanted = &self.context.plan.controllers[*controller];
            let over = wanted.options.host_iface.as_ref();
            there.iter().any(|found| {
                found.traddr == Some(wanted.traddr)
                    && found.trsvcid == Some(wanted.trsvcid.get())
                    && over.is_none_or(|over| found.host_iface.as_deref() == Some(over.as_str()))
            })
        };
        let missing = steps.iter().filter(|step| !is_there(step));
        self.start(&missing.cloned().collect::<Vec<_>>());
    }

    /// Starts on a controller of the plan.
    fn begin(self: &Arc<Self>, index: usize) {
        let Some(controller) = self.context.plan.controllers.get(index) else {
            return;
        };
        let portal = Portal::from(controller);
        match &controller.nqn {
            Some(nqn) if nqn.as_str() != Nqn::DISCOVERY => {
                let nqn = nqn.clone();
                self.connect(ControllerAddress { portal, nqn }, index);
            }
            // Several controllers may name one discovery portal.
            _ if self.lock().registry.name(&portal, index) => {
                self.submit(Discovery::new(self, index, portal));
            }
            _ => {}
        }
    }

    /// Connects what a controller of the plan leads to, unless somebody does
    /// already; returns whether it was new.
    fn connect(self: &Arc<Self>, address: ControllerAddress, index: usize) -> bool {
        let new = self.lock().table.claim(&address, index);
        if new {
            self.submit(Connect::new(self, address, index));
        } else {
            // The other one may have connected it already.
            self.context.events.raise(Change::Own);
        }
        new
    }

    /// Per controller of the plan, the subsystems that it led to.
    pub(crate) fn connected_to(&self) -> ConnectedTo {
        self.lock().table.connected_to()
    }

    /// The addresses of the connected portals.
    pub(crate) fn connected_portals(&self) -> BTreeSet<IpAddr> {
        self.lock().table.connected_portals()
    }

    /// A controller of the plan led to this one.
    pub(crate) fn leads_to(&self, index: usize, address: &ControllerAddress) -> bool {
        self.lock().table.leads_to(index, address)
    }

    /// Root's drive is there: the others may go, in such a way that root is mounted
    /// as soon as without them.
    pub(crate) fn release_all(&self) {
        self.fabrics.slow_down();
        self.let_all_go();
    }

    /// Root is mounted: the others may go, as fast as they can.
    pub(crate) fn root_is_mounted(&self) {
        self.fabrics.speed_up();
        self.let_all_go();
    }

    fn let_all_go(&self) {
        self.lock().scheduler.release_all();
        self.context.root_found();
    }

    /// Whether it is this controller's turn to go to its portal.
    fn has_turn(&self, controller: usize) -> Result<(), Next> {
        let now = Instant::now();
        let Err(again) = self.lock().scheduler.may_go(controller, now) else {
            return Ok(());
        };
        let limit = self.context.limit();
        if now >= limit {
            return Err(Next::Done);
        }
        Err(Next::After {
            kinds: &[Change::Own],
            at: again.min(limit),
        })
    }

    /// This controller's portal answers, and the kernel works on it.
    fn is_at_work(&self, controller: usize) {
        let now = Instant::now();
        self.lock().scheduler.is_at_work(controller, now);
    }

    /// This controller gets nowhere for now: those that wait behind it may go.
    fn stumbled(&self, controller: usize) {
        let now = Instant::now();
        self.lock().scheduler.stumbled(controller, now);
        self.context.events.raise(Change::Own);
    }

    /// This controller has shown its namespaces.
    fn is_there(&self, controller: usize) {
        let now = Instant::now();
        self.lock().scheduler.is_there(controller, now);
        self.context.events.raise(Change::Own);
    }
}
