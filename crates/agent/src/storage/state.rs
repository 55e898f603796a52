//! What is known of the controllers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::connect_scheduler::ConnectScheduler;
use super::controller_table::{ConnectedTo, ControllerTable};
use super::discovery_registry::DiscoveryRegistry;
use super::fabrics::{Fabrics, NvmeTree};
use super::pool::Pool;
use crate::net::Network;
use crate::sys::events::Change;
use crate::task::{Context, ControllerAddress, Next};

/// The controllers of the plan, and those that they lead to.
#[derive(Debug)]
pub struct Storage {
    pub(super) context: Arc<Context>,
    pub(super) network: Arc<Network>,
    /// Makes controllers.
    pub(crate) fabrics: Fabrics,
    /// Controllers and namespaces as sysfs shows them.
    pub(crate) tree: NvmeTree,
    shared: Mutex<Shared>,
    pub(super) pool: Arc<Pool>,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    scheduler: ConnectScheduler,
    pub(super) registry: DiscoveryRegistry,
    pub(super) table: ControllerTable,
    /// How often the kernel tried in vain to connect for each controller of the
    /// plan.
    pub(super) failed_connects: BTreeMap<usize, u32>,
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
            pool: Pool::new(context),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Root's drive is there: the others may go, slowly enough that root is mounted
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
    pub(super) fn has_turn(&self, controller: usize) -> Result<(), Next> {
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
    pub(super) fn is_at_work(&self, controller: usize) {
        let now = Instant::now();
        self.lock().scheduler.is_at_work(controller, now);
    }

    /// This controller gets nowhere for now: those that wait behind it may go.
    pub(super) fn stumbled(&self, controller: usize) {
        let now = Instant::now();
        self.lock().scheduler.stumbled(controller, now);
        self.context.events.raise(Change::Own);
    }

    /// This controller has shown its namespaces.
    pub(super) fn is_there(&self, controller: usize) {
        let now = Instant::now();
        self.lock().scheduler.is_there(controller, now);
        self.context.events.raise(Change::Own);
    }
}
