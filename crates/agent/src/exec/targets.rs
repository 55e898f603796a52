//! What is known of portals and of the subsystems behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::goal::ConnectedTo;
use super::subject::{Portal, Target};

/// A portal that took a connection is believed to take another so long.
const FRESH: Duration = Duration::from_secs(1);

/// The targets, and which portals answer.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// Who asked for each, and whether it is connected.
    all: BTreeMap<Target, Wanted>,
    /// When portals last took a connection.
    answered: BTreeMap<Portal, Instant>,
}

/// Who asked for a target, and whether it is connected.
#[derive(Debug, Default)]
struct Wanted {
    /// Controllers of the plan, by their index.
    by: BTreeSet<usize>,
    connected: bool,
}

impl Targets {
    /// A controller of the plan wants a target. True if nobody did before:
    /// then the caller has to see to it.
    pub(super) fn claim(&mut self, target: &Target, controller: usize) -> bool {
        let new = !self.all.contains_key(target);
        let wanted = self.all.entry(target.clone()).or_default();
        wanted.by.insert(controller);
        new
    }

    /// The target is connected.
    pub(super) fn connected(&mut self, target: &Target) {
        if let Some(wanted) = self.all.get_mut(target) {
            wanted.connected = true;
        }
    }

    /// Per controller of the plan, the subsystems that it led to.
    pub(super) fn connected_to(&self) -> ConnectedTo {
        let mut found = ConnectedTo::new();
        for (target, wanted) in self.all.iter().filter(|(_, wanted)| wanted.connected) {
            for controller in &wanted.by {
                let nqns = found.entry(*controller).or_default();
                nqns.insert(target.nqn.clone());
            }
        }
        found
    }

    /// The portals that are connected.
    pub(super) fn connected_portals(&self) -> BTreeSet<IpAddr> {
        let connected = self.all.iter().filter(|(_, wanted)| wanted.connected);
        connected.map(|(target, _)| target.traddr).collect()
    }

    /// The targets that a controller led to.
    pub(super) fn of(&self, controller: usize) -> Vec<Target> {
        let its = self.all.iter();
        let its = its.filter(|(_, wanted)| wanted.by.contains(&controller));
        its.map(|(target, _)| target.clone()).collect()
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
