//! Asking portals what they offer, and following their referrals.

use std::net::SocketAddr;
use std::sync::Arc;

use nvmeroot_plan::{Controller, Nqn};

use super::context::Context;
use super::offers::{MOST_REFERRALS, Referral};
use super::path::{Path, request};
use super::subject::{Portal, Subject, Target, portal_of};
use super::target::connect_target;
use super::waiting::Ended;
use crate::fabrics::{Fabrics, SubsystemKind};
use crate::fault::{Fault, Layer};
use crate::kmsg::Level;

/// Asks a portal of the plan what it offers, and has all of it connected.
pub(super) fn run(context: &Arc<Context>, controller: &Controller, index: usize) {
    let portal = portal_of(controller);
    // How it ended is in the record and on the board of faults.
    let _ = ask(context, controller, index, &portal, index);
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
