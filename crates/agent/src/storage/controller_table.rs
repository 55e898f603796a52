//! Which controllers are wanted, which are connected, and which portals answer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use nvmeroot_plan::{Nqn, inserted};
use nvmeroot_record::Portal;

use crate::task::ControllerAddress;

/// What is connected: per controller of the plan the subsystems that it led to.
pub type ConnectedTo = BTreeMap<usize, BTreeSet<Nqn>>;

/// How long a portal that took a connection is believed to take another.
const FRESH: Duration = Duration::from_secs(1);

/// The controllers, and which portals answer.
#[derive(Debug, Default)]
pub(super) struct ControllerTable {
    /// Which controllers of the plan led to each, and whether it is connected.
    all: BTreeMap<ControllerAddress, Wanted>,
    /// When portals last took a connection.
    answered: BTreeMap<Portal, Instant>,
}

/// Which controllers of the plan led to one, and whether it is connected.
#[derive(Debug, Default)]
struct Wanted {
    /// Controllers of the plan, by their index.
    by: BTreeSet<usize>,
    connected: bool,
}

impl ControllerTable {
    /// A controller of the plan leads to a controller. True if none did before:
    /// then the caller has to see to it.
    pub(super) fn claim(&mut self, address: &ControllerAddress, controller: usize) -> bool {
        let new = !self.all.contains_key(address);
        let wanted = self.all.entry(address.clone()).or_default();
        wanted.by.insert(controller);
        new
    }

    /// The controller is connected.
    pub(super) fn connected(&mut self, address: &ControllerAddress) {
        if let Some(wanted) = self.all.get_mut(address) {
            wanted.connected = true;
        }
    }

    /// Per controller of the plan, the subsystems that it led to.
    pub(super) fn connected_to(&self) -> ConnectedTo {
        let mut found = ConnectedTo::new();
        for (address, wanted) in self.all.iter().filter(|(_, wanted)| wanted.connected) {
            for controller in &wanted.by {
                let nqns = found.entry(*controller).or_default();
                nqns.insert(address.nqn.clone());
            }
        }
        found
    }

    /// The addresses of the portals that are connected.
    pub(super) fn connected_portals(&self) -> BTreeSet<IpAddr> {
        let connected = self.all.iter().filter(|(_, wanted)| wanted.connected);
        inserted(connected.map(|(address, _)| address.portal.address.ip()))
    }

    /// A controller of the plan led to this one.
    pub(super) fn leads_to(&self, controller: usize, address: &ControllerAddress) -> bool {
        let wanted = self.all.get(address);
        wanted.is_some_and(|wanted| wanted.by.contains(&controller))
    }

    /// The portal took a connection just now, or it did not.
    pub(super) fn set_answered(&mut self, portal: &Portal, answered: bool) {
        if answered {
            self.answered.insert(portal.clone(), Instant::now());
        } else {
            self.answered.remove(portal);
        }
    }

    /// The portal took a connection a moment ago.
    pub(super) fn has_answered(&self, portal: &Portal) -> bool {
        self.answered
            .get(portal)
            .is_some_and(|at| at.elapsed() < FRESH)
    }
}
