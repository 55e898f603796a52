//! Asking portals what they offer, and following their referrals.

use std::net::SocketAddr;
use std::sync::Arc;

use nvmeroot_plan::{Controller, Nqn};

use super::context::Context;
use super::offers::{MOST_OFFERS, MOST_REFERRALS, Referral};
use super::path::{Path, request};
use super::pool::{Next, Task};
use super::subject::{Portal, Subject, Target, portal_of};
use super::target::Connect;
use crate::fabrics::{Fabrics, Offered, SubsystemKind};
use crate::fault::{Fault, Layer};
use crate::kmsg::Level;
use crate::netlink::Netlink;
use crate::record::OpenStep;

/// Asks a portal what it offers, and has all of it connected.
pub(super) struct Discovery {
    /// The controller of the plan that led to it.
    index: usize,
    portal: Portal,
    /// The controller's index, or another number for a referral, which has to
    /// wait for the plan's own.
    turn: usize,
    path: Path,
    stage: Stage,
}

enum Stage {
    Route,
    Turn,
    Ask(OpenStep),
    Done,
}

impl Discovery {
    /// For a portal of the plan.
    pub(super) fn new(context: &Context, controller: &Controller, index: usize) -> Self {
        Self::of(context, index, portal_of(controller), index)
    }

    fn of(context: &Context, index: usize, portal: Portal, turn: usize) -> Self {
        let controller = &context.plan.controllers[index];
        let subject = Subject::Controller(index, portal.0.to_string());
        let mut path = Path::new(context, controller, index, subject);
        if turn != index {
            path.lead_to(portal.0, turn);
        }
        Self {
            index,
            portal,
            turn,
            path,
            stage: Stage::Route,
        }
    }

    /// Has all that is offered connected, and asks where it refers to.
    fn take(&self, context: &Arc<Context>, (entries, unreadable): Offered) {
        let host_iface = &self.portal.1;
        let (mut offered, mut referrals, mut too_many) = (0, 0, 0);
        for entry in entries {
            match entry.kind {
                SubsystemKind::Nvm => {
                    let target = Target {
                        traddr: entry.traddr,
                        trsvcid: entry.trsvcid,
                        nqn: entry.nqn,
                        host_iface: host_iface.clone(),
                    };
                    if context.discoveries(|d| d.offers(&self.portal, &target, self.index)) {
                        offered += 1;
                    } else {
                        too_many += 1;
                    }
                }
                SubsystemKind::Referral => {
                    referrals += 1;
                    let to = SocketAddr::new(entry.traddr, entry.trsvcid.get());
                    self.follow(context, (to, host_iface.clone()));
                }
                SubsystemKind::CurrentDiscovery => {}
            }
        }
        let mut detail = format!("{offered} offered");
        for (count, what) in [
            (referrals, "referred to"),
            (
                unreadable,
                "of other transports or address families, or unreadable, left out",
            ),
            (too_many, "left out"),
        ] {
            if count > 0 {
                detail = format!("{detail}, {count} {what}");
            }
        }
        let at = self.portal.0;
        if too_many > 0 {
            let text = format!(
                "`{at}`: its discovery log offers {too_many} subsystems more than the {MOST_OFFERS} that are connected for one controller of the plan; name the subsystems in the plan instead"
            );
            context.kmsg.say(Level::Warning, &text);
        }
        if unreadable > 0 {
            context.kmsg.say(Level::Info, &format!("`{at}`: {detail}"));
        }
        if let Stage::Ask(step) = &self.stage {
            step.detail(&detail);
            step.done();
        }
        if !connect_all(context) {
            // Nothing more comes of it.
            context.is_there(self.turn);
        }
    }

    /// Asks a portal that this one referred to.
    fn follow(&self, context: &Arc<Context>, to: Portal) {
        match context.discoveries(|d| d.refer(&self.portal, &to)) {
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
                context.submit(Self::of(context, self.index, to, turn));
            }
        }
    }
}

impl Task for Discovery {
    fn controller(&self) -> usize {
        self.index
    }

    fn step(&mut self, context: &Arc<Context>, netlink: &mut Netlink) -> Result<(), Next> {
        self.stage = match &mut self.stage {
            Stage::Route => {
                self.path.reach(context, netlink)?;
                Stage::Turn
            }
            Stage::Turn => {
                context.has_turn(self.turn)?;
                let portal = self.portal.0.to_string();
                Stage::Ask(context.recorder.step(&portal, "discover", ""))
            }
            Stage::Ask(step) => {
                let controller = &context.plan.controllers[self.index];
                let at = self.portal.0;
                let offered = ask(context, netlink, controller, at, &mut self.path, step)?;
                self.take(context, offered);
                Stage::Done
            }
            Stage::Done => return Err(Next::Done),
        };
        Ok(())
    }
}

fn ask(
    context: &Context,
    netlink: &mut Netlink,
    controller: &Controller,
    at: SocketAddr,
    path: &mut Path,
    step: &OpenStep,
) -> Result<Offered, Next> {
    let Ok(trsvcid) = at.port().to_string().parse() else {
        return Err(Next::Done);
    };
    let request = request(
        context,
        at.ip(),
        trsvcid,
        Nqn::DISCOVERY,
        &controller.options,
    );
    if Fabrics::asks_itself(&request) {
        path.ask_itself();
    }
    path.attempt(context, netlink, step, |context, patience| {
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
    })
}

/// Connects what was offered so far and nobody has claimed. False if there is
/// nothing.
fn connect_all(context: &Arc<Context>) -> bool {
    let mut any = false;
    for (target, index) in context.discoveries(|d| d.reached()) {
        if context.claim(&target, index) {
            any = true;
            context.submit(Connect::new(context, target, index));
        }
    }
    any
}
