//! Asking portals what they offer, and following their referrals.
//!
//! Each portal is asked once, whoever leads there: several controllers of the
//! plan may name it, and discovery services may refer to one another in
//! circles.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use nvmeroot_plan::{Controller, InterfaceName, Nqn};

use super::context::{Context, Ended, Subject, Target};
use super::portal::{Path, connect_target, request};
use crate::fabrics::{Fabrics, SubsystemKind};
use crate::fault::{Fault, Layer};
use crate::kmsg::Level;

/// Portals that referrals may add to the plan's.
const MOST_REFERRALS: usize = 32;

/// A portal that is asked, and over which interface.
pub(super) type Portal = (SocketAddr, Option<InterfaceName>);

/// Who asked which portals, and what they offer.
#[derive(Debug, Default)]
pub(super) struct Discoveries {
    asked: BTreeMap<Portal, Asked>,
    referrals: usize,
}

#[derive(Debug, Default)]
struct Asked {
    controllers: BTreeSet<usize>,
    offered: Vec<Target>,
    refers_to: BTreeSet<Portal>,
}

/// What to do about a portal that was referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Referral {
    /// Ask it; it is the n-th that the plan does not name.
    Ask(usize),
    /// It is being asked or was.
    Known,
    /// There are too many.
    TooMany,
}

impl Discoveries {
    /// A controller of the plan names the portal. True if nobody did before:
    /// then the caller has to ask it.
    pub(super) fn name(&mut self, portal: &Portal, controller: usize) -> bool {
        let new = !self.asked.contains_key(portal);
        let asked = self.asked.entry(portal.clone()).or_default();
        asked.controllers.insert(controller);
        new
    }

    /// `from` refers to `to`: who asked the one gets what the other offers.
    fn refer(&mut self, from: &Portal, to: &Portal) -> Referral {
        let known = self.asked.contains_key(to);
        if !known && self.referrals >= MOST_REFERRALS {
            return Referral::TooMany;
        }
        if let Some(asked) = self.asked.get_mut(from) {
            asked.refers_to.insert(to.clone());
        }
        if known {
            return Referral::Known;
        }
        self.asked.insert(to.clone(), Asked::default());
        self.referrals += 1;
        Referral::Ask(self.referrals)
    }

    fn offers(&mut self, portal: &Portal, target: &Target) {
        self.asked
            .entry(portal.clone())
            .or_default()
            .offered
            .push(target.clone());
    }

    /// What each controller of the plan leads to, by itself and by referrals.
    fn reached(&self) -> BTreeSet<(Target, usize)> {
        let mut all = BTreeSet::new();
        for (start, asked) in &self.asked {
            for controller in &asked.controllers {
                let mut seen = BTreeSet::from([start]);
                let mut next = vec![start];
                while let Some(one) = next.pop().and_then(|portal| self.asked.get(portal)) {
                    all.extend(one.offered.iter().map(|t| (t.clone(), *controller)));
                    next.extend(one.refers_to.iter().filter(|to| seen.insert(*to)));
                }
            }
        }
        all
    }
}

/// Asks a portal of the plan what it offers, and has all of it connected.
pub(super) fn run(context: &Arc<Context>, controller: &Controller, index: usize) {
    let portal = portal_of(controller);
    // How it ended is in the record and on the board of faults.
    let _ = ask(context, controller, index, &portal, index);
}

/// The portal that a controller of the plan names.
pub(super) fn portal_of(controller: &Controller) -> Portal {
    (
        SocketAddr::new(controller.traddr, controller.trsvcid.get()),
        controller.options.host_iface.clone(),
    )
}

/// `turn` is the controller's index, or another number for a referral, which
/// has to wait for the plan's own.
fn ask(
    context: &Arc<Context>,
    controller: &Controller,
    index: usize,
    portal: &Portal,
    turn: usize,
) -> Result<(), Ended> {
    let (at, _) = portal;
    let subject = Subject::Controller(index, at.to_string());
    let mut path = Path::new(context, controller, index, subject);
    if turn != index {
        path.lead_to(*at, turn);
    }
    path.reach()?.done();
    context.wait_for_turn(turn)?;
    let step = context.recorder.step(&at.to_string(), "discover", "");
    let Ok(trsvcid) = at.port().to_string().parse() else {
        return Ok(());
    };
    let options = &controller.options;
    let request = request(context, at.ip(), trsvcid, Nqn::DISCOVERY, options);
    if Fabrics::asks_itself(&request) {
        path.ask_itself();
    }
    let (entries, left_out) = path.attempt(&step, |context, patience| {
        let asked = context.fabrics.discover(&request, patience);
        let (entries, left_out) = asked.map_err(|e| e.0)?;
        let leads_on = |kind| matches!(kind, SubsystemKind::Nvm | SubsystemKind::Referral);
        if !entries.iter().any(|e| leads_on(e.kind)) {
            return Err(Fault::new(
                Layer::AccessDenied,
                "its discovery log offers this host no subsystem",
            )
            .with_hint(
                "check that a subsystem is linked to the target's port, and that it admits the host NQN",
            ));
        }
        Ok((entries, left_out))
    })?;
    let (mut offered, mut referrals) = (0, 0);
    for entry in entries {
        match entry.kind {
            SubsystemKind::Nvm => {
                offered += 1;
                let target = Target {
                    traddr: entry.traddr,
                    trsvcid: entry.trsvcid,
                    nqn: entry.nqn,
                    host_iface: options.host_iface.clone(),
                };
                context.discoveries(|d| d.offers(portal, &target));
            }
            SubsystemKind::Referral => {
                referrals += 1;
                let to = SocketAddr::new(entry.traddr, entry.trsvcid.get());
                follow(context, index, portal, (to, options.host_iface.clone()));
            }
            SubsystemKind::CurrentDiscovery => {}
        }
    }
    let mut detail = format!("{offered} offered");
    for (count, what) in [
        (referrals, "referred to"),
        (
            left_out,
            "of other transports or address families, or unreadable, left out",
        ),
    ] {
        if count > 0 {
            detail = format!("{detail}, {count} {what}");
        }
    }
    step.detail(&detail);
    step.done();
    if left_out > 0 {
        context.kmsg.say(Level::Info, &format!("`{at}`: {detail}"));
    }
    if !connect_all(context) {
        // Nothing more comes of it.
        context.is_there(turn);
    }
    Ok(())
}

/// Asks a portal that another one referred to.
fn follow(context: &Arc<Context>, index: usize, from: &Portal, to: Portal) {
    match context.discoveries(|d| d.refer(from, &to)) {
        Referral::Known => {}
        Referral::TooMany => {
            let text = format!(
                "`{}`: more than {MOST_REFERRALS} referrals, not followed",
                to.0
            );
            context.kmsg.say(Level::Warning, &text);
        }
        Referral::Ask(number) => {
            let turn = context.plan.controllers.len() + number;
            context.spawn("referral", move |context| {
                let controller = &context.plan.controllers[index];
                let _ = ask(context, controller, index, &to, turn);
            });
        }
    }
}

/// Connects what was offered so far and nobody has claimed. False if there is
/// nothing.
fn connect_all(context: &Arc<Context>) -> bool {
    let mut any = false;
    for (target, index) in context.discoveries(|d| d.reached()) {
        if context.claim(&target, index) {
            any = true;
            context.spawn("connect", move |context| {
                connect_target(context, target, index);
            });
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portal(last: u8) -> Portal {
        (SocketAddr::from(([192, 0, 2, last], 8009)), None)
    }

    fn target(last: u8) -> Target {
        Target {
            traddr: portal(last).0.ip(),
            trsvcid: "4420".parse().expect("a port"),
            nqn: "nqn.2024-01.a:b".parse().expect("an NQN"),
            host_iface: None,
        }
    }

    #[test]
    fn each_portal_is_asked_once_and_circles_end() {
        let mut all = Discoveries::default();
        assert!(all.name(&portal(1), 0));
        assert!(!all.name(&portal(1), 1), "the plan names it twice");
        assert!(all.name(&portal(2), 2));
        assert_eq!(all.refer(&portal(1), &portal(2)), Referral::Known);
        assert_eq!(all.refer(&portal(1), &portal(3)), Referral::Ask(1));
        assert_eq!(all.refer(&portal(3), &portal(1)), Referral::Known);
        assert_eq!(all.refer(&portal(2), &portal(3)), Referral::Known);
        all.offers(&portal(3), &target(9));
        all.offers(&portal(2), &target(8));
        let both = |target: Target| [0, 1, 2].map(|index| (target.clone(), index));
        let wanted: Vec<_> = [both(target(8)), both(target(9))].concat();
        assert_eq!(
            all.reached().into_iter().collect::<Vec<_>>(),
            wanted,
            "whoever leads there gets all of it"
        );
    }

    #[test]
    fn referrals_have_a_bound() {
        let mut all = Discoveries::default();
        all.name(&portal(0), 0);
        let asked = (1..200)
            .filter(|n| all.refer(&portal(n - 1), &portal(*n)) != Referral::TooMany)
            .count();
        assert_eq!(asked, MOST_REFERRALS);
    }
}
