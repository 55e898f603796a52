//! Asking portals what they offer, and following their referrals.

use std::net::SocketAddr;
use std::sync::Arc;

use nvmeroot_plan::Nqn;
use nvmeroot_record::{Failure, FailureKind, Portal, StepKind};

use super::discovery_registry::{MOST_OFFERS, MOST_REFERRALS, Referral};
use super::fabrics::{Fabrics, Offered, SubsystemKind};
use super::pool::Task;
use super::portal_route::{PortalRoute, request};
use super::state::Storage;
use crate::sys::kmsg::Level;
use crate::sys::netlink::Netlink;
use crate::task::{ControllerAddress, FailureScope, Next, OpenStep};

/// Asks a portal what it offers, and has all of it connected.
pub(super) struct Discovery {
    storage: Arc<Storage>,
    /// The controller of the plan that led to it.
    index: usize,
    portal: Portal,
    /// The controller's index, or another number for a referral, which has to
    /// wait for the plan's own.
    turn: usize,
    route: PortalRoute,
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
    pub(super) fn new(storage: &Arc<Storage>, index: usize, portal: Portal) -> Self {
        Self::with_turn(storage, index, portal, index)
    }

    fn with_turn(storage: &Arc<Storage>, index: usize, portal: Portal, turn: usize) -> Self {
        let scope = FailureScope::Discovery(index, portal.clone());
        let route = PortalRoute::new(storage, index, portal.clone(), scope);
        Self {
            storage: Arc::clone(storage),
            index,
            portal,
            turn,
            route: route.with_turn(turn),
            stage: Stage::Route,
        }
    }

    /// Has all that is offered connected, and asks where it refers to.
    fn take(&self, storage: &Arc<Storage>, (entries, unreadable): Offered) {
        let at = |address| Portal {
            address,
            ..self.portal.clone()
        };
        let (mut offered, mut referrals, mut too_many) = (0, 0, 0);
        for entry in entries {
            let portal = at(SocketAddr::new(entry.traddr, entry.trsvcid.get()));
            match entry.kind {
                SubsystemKind::Nvm => {
                    let nqn = entry.nqn;
                    let address = ControllerAddress { portal, nqn };
                    let registry = &mut storage.lock().registry;
                    if registry.offers(&self.portal, &address, self.index) {
                        offered += 1;
                    } else {
                        too_many += 1;
                    }
                }
                SubsystemKind::Referral => {
                    referrals += 1;
                    self.follow(storage, portal);
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
        let (at, kmsg) = (self.portal.address, &storage.context.kmsg);
        if too_many > 0 {
            let text = format!(
                "`{at}`: its discovery log offers {too_many} subsystems more than the {MOST_OFFERS} that are connected for one controller of the plan; name the subsystems that root needs in the configuration"
            );
            kmsg.say(Level::Warning, &text);
        }
        if unreadable > 0 {
            kmsg.say(Level::Info, &format!("`{at}`: {detail}"));
        }
        if let Stage::Ask(step) = &self.stage {
            step.detail(&detail);
            step.done();
        }
        if !storage.connect_offered() {
            // Nothing more comes of it.
            storage.is_there(self.turn);
        }
    }

    /// Asks a portal that this one referred to.
    fn follow(&self, storage: &Arc<Storage>, to: Portal) {
        let referral = storage.lock().registry.refer(&self.portal, &to);
        match referral {
            Referral::Known => {}
            Referral::TooMany => {
                let text = format!(
                    "`{}`: not asked, there are more than {MOST_REFERRALS} referrals; name it in the configuration if it is needed",
                    to.address
                );
                storage.context.kmsg.say(Level::Warning, &text);
            }
            Referral::Ask(number) => {
                let turn = storage.context.plan.controllers.len() + number;
                storage
                    .pool
                    .submit(Self::with_turn(storage, self.index, to, turn));
            }
        }
    }
}

impl Task for Discovery {
    fn controller(&self) -> usize {
        self.index
    }

    fn step(&mut self, netlink: &mut Netlink) -> Result<(), Next> {
        let storage = &self.storage;
        self.stage = match &mut self.stage {
            Stage::Route => {
                self.route.reach(storage, netlink)?;
                Stage::Turn
            }
            Stage::Turn => {
                storage.has_turn(self.turn)?;
                let recorder = &storage.context.recorder;
                Stage::Ask(recorder.step(&self.portal, StepKind::Discover, ""))
            }
            Stage::Ask(step) => {
                let at = self.portal.address;
                let offered = ask(storage, netlink, self.index, at, &mut self.route, step)?;
                self.take(storage, offered);
                Stage::Done
            }
            Stage::Done => return Err(Next::Done),
        };
        Ok(())
    }
}

/// Reads the portal's discovery log.
fn ask(
    storage: &Storage,
    netlink: &mut Netlink,
    index: usize,
    at: SocketAddr,
    route: &mut PortalRoute,
    step: &OpenStep,
) -> Result<Offered, Next> {
    let mut options = storage.context.plan.controllers[index].options.clone();
    options.host_iface = route.over().cloned().or(options.host_iface);
    let request = request(storage, at, Nqn::DISCOVERY, &options);
    if Fabrics::asks_itself(&request) {
        route.ask_itself();
    }
    route.attempt(storage, netlink, step, |patience| {
        let (entries, left_out) = storage.fabrics.discover(&request, patience)?;
        let leads_on = |kind| matches!(kind, SubsystemKind::Nvm | SubsystemKind::Referral);
        if entries.iter().any(|e| leads_on(e.kind)) {
            return Ok((entries, left_out));
        }
        let text = "its discovery log offers this host no subsystem";
        Err(Failure::new(FailureKind::AccessDenied, text).with_hint(
            "check that a subsystem is linked to the target's port, and that it admits the host NQN",
        ))
    })
}

impl Storage {
    /// Connects what was offered so far and is not claimed yet. False if there is
    /// nothing.
    fn connect_offered(self: &Arc<Self>) -> bool {
        let mut any = false;
        let reached = self.lock().registry.reached();
        for (address, index) in reached {
            any |= self.connect(address, index);
        }
        any
    }
}
