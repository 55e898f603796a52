//! The route to a portal, and whether the portal answers.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use nvmeroot_plan::{ConnectOptions, InterfaceName, Transport};
use nvmeroot_record::{Failure, FailureKind, Portal, StepKind};

use super::fabrics::{self, Request, classify};
use super::state::Storage;
use crate::sys::events::{Backoff, Change};
use crate::sys::netlink::{Netlink, RouteDecision};
use crate::task::{FailureScope, Next, OpenStep, backoff};

/// How long the first packet to a portal is given, and later ones at most. One
/// is easily lost while a switch port comes up, and the kernel would repeat it
/// after a second; a new connect does as well.
const FIRST_ANSWER: Duration = Duration::from_millis(300);
const SLOWEST_ANSWER: Duration = Duration::from_secs(4);

/// The least time between two tries, however long the first took.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// What is asked of the kernel for a subsystem behind a portal.
pub(super) fn request<'a>(
    storage: &'a Storage,
    at: SocketAddr,
    nqn: &'a str,
    options: &'a ConnectOptions,
) -> Request<'a> {
    Request {
        transport: Transport::Tcp,
        at,
        nqn,
        host: storage.context.plan.host.as_ref(),
        options,
    }
}

/// The route to one portal.
pub(super) struct PortalRoute {
    portal: Portal,
    /// The number under which it is scheduled.
    turn: usize,
    scope: FailureScope,
    /// The interfaces that lead there by the plan; empty: any.
    planned: Vec<InterfaceName>,
    /// The work itself shows whether the portal answers, and holds no other up.
    asks_itself: bool,
    /// The wait for a route is in the record.
    reaching: Option<OpenStep>,
    pauses: Backoff,
    /// How long the portal is given to answer.
    patience: Duration,
    /// It was tried before.
    tried: bool,
    /// What the kernel calls the link that connections are bound to: of a card that is
    /// matched and not renamed it is another name than the plan's.
    over: Option<InterfaceName>,
}

impl PortalRoute {
    /// To a portal that a controller of the plan (its index) leads to.
    pub(super) fn new(
        storage: &Storage,
        index: usize,
        portal: Portal,
        scope: FailureScope,
    ) -> Self {
        let plan = &storage.context.plan;
        // To another address than the plan knew any interface may lead.
        let is_planned = Portal::from(&plan.controllers[index]).address == portal.address;
        let paths = plan.paths.iter().filter(|p| p.controller == index);
        let leads = paths.flat_map(|p| p.interfaces.iter().map(|l| l.interface.clone()));
        Self {
            portal,
            turn: index,
            scope,
            planned: leads.filter(|_| is_planned).collect(),
            asks_itself: false,
            reaching: None,
            pauses: backoff(),
            patience: FIRST_ANSWER,
            tried: false,
            over: None,
        }
    }

    /// Is scheduled under another number than its controller's index.
    pub(super) fn with_turn(self, turn: usize) -> Self {
        Self { turn, ..self }
    }

    /// The work itself shows whether the portal answers.
    pub(super) fn ask_itself(&mut self) {
        self.asks_itself = true;
    }

    /// What the kernel calls the link that connections are bound to.
    pub(super) fn over(&self) -> Option<&InterfaceName> {
        self.over.as_ref()
    }

    /// Looks whether the kernel has a route to the portal.
    pub(super) fn reach(&mut self, storage: &Storage, netlink: &mut Netlink) -> Result<(), Next> {
        let context = &storage.context;
        let route = self.route(storage, netlink);
        let portal = &self.portal;
        let step = self
            .reaching
            .get_or_insert_with(|| context.recorder.step(portal, StepKind::Reach, ""));
        let failure = || {
            let text = format!("no route leads to `{}` yet", portal.address);
            Failure::new(FailureKind::NoRoute, text)
        };
        let (route, name) =
            context.found_or_next(&Change::ALL, &self.scope, step, failure, route)?;
        let source = route.source.map(|source| format!(" from {source}"));
        step.detail(format!("over {name}{}", source.unwrap_or_default()));
        step.done();
        self.reaching = None;
        Ok(())
    }

    /// The route that the kernel has now, if packets would get through: over a
    /// usable link, from an address that may be used (a tentative one may not)
    /// and that can be answered. With it, the link's name.
    fn route(
        &mut self,
        storage: &Storage,
        netlink: &mut Netlink,
    ) -> Option<(RouteDecision, String)> {
        let to = self.portal.address.ip();
        let bound = match &self.portal.host_iface {
            Some(name) => Some(storage.network.bound_link(name, netlink)?),
            None => None,
        };
        self.over = bound.as_ref().and_then(|link| link.name.parse().ok());
        let only = bound.map(|link| link.index);
        let route = netlink.route_to(to, only).ok()??;
        let link = netlink.link(route.link).ok()??;
        let answerable = match (to, route.source) {
            (IpAddr::V6(to), Some(IpAddr::V6(from))) => {
                to.is_unicast_link_local() || !from.is_unicast_link_local()
            }
            (_, source) => source.is_some(),
        };
        let usable = answerable && storage.network.is_usable(&link, &self.planned);
        usable.then_some((route, link.name))
    }

    /// Tries once: first whether the portal answers at all, then `work`, which
    /// learns how long it may wait for a first packet. The kernel makes one
    /// controller at a time and holds its lock while it waits for a dead portal;
    /// a live one must not wait behind it.
    pub(super) fn attempt<T>(
        &mut self,
        storage: &Storage,
        netlink: &mut Netlink,
        step: &OpenStep,
        work: impl FnOnce(Duration) -> Result<T, Failure>,
    ) -> Result<T, Next> {
        let context = &storage.context;
        let asked = Instant::now();
        if std::mem::replace(&mut self.tried, true) {
            if asked >= context.limit() {
                return Err(Next::Done);
            }
            step.again();
        }
        let answers = self.answers(storage, netlink);
        if answers.is_ok() && !self.asks_itself {
            storage.is_at_work(self.turn);
        }
        let failure = match answers.and_then(|()| work(self.patience)) {
            Ok(done) => {
                storage.lock().table.set_answered(&self.portal, true);
                context.clear_failure(&self.scope);
                return Ok(done);
            }
            Err(failure) => failure,
        };
        self.patience = if failure.kind == FailureKind::Timeout {
            (self.patience * 2).min(SLOWEST_ANSWER)
        } else {
            FIRST_ANSWER
        };
        storage.lock().table.set_answered(&self.portal, false);
        storage.stumbled(self.turn);
        context.complain(&self.scope, step, &failure);
        // A try that took its time needs no further pause.
        let pause = self.pauses.step().saturating_sub(asked.elapsed());
        Err(Next::After {
            kinds: &[],
            at: Instant::now() + pause.max(SHORTEST_PAUSE),
        })
    }

    /// The portal takes a TCP connection.
    fn answers(&mut self, storage: &Storage, netlink: &mut Netlink) -> Result<(), Failure> {
        let at = self.portal.address;
        if self.route(storage, netlink).is_none() {
            let text = format!("no route leads to `{at}` any more");
            return Err(Failure::new(FailureKind::NoRoute, text));
        }
        if self.asks_itself || storage.lock().table.has_answered(&self.portal) {
            return Ok(());
        }
        // Closed at once: it is the answer that counts.
        let (from, link) = (self.portal.host_traddr, self.over());
        fabrics::open(at, from, link, self.patience)
            .map_err(|errno| classify(errno, &[], &at.to_string(), ""))?;
        storage.lock().table.set_answered(&self.portal, true);
        Ok(())
    }
}
