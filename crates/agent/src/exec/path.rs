//! The way to a portal, and whether it answers.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use nvmeroot_plan::{ConnectOptions, Controller, InterfaceName, Port, Transport};

use super::context::Context;
use super::pool::Next;
use super::subject::{Portal, Subject};
use super::waiting::backoff;
use crate::events::{Backoff, News};
use crate::fabrics::{self, Request, classify};
use crate::fault::{Fault, Layer};
use crate::netlink::{Netlink, Way};
use crate::record::OpenStep;

/// How long the first packet to a portal is given, and later ones at most. One
/// is easily lost while a switch port comes up, and the kernel would repeat it
/// after a second; a new connect does as well.
const FIRST_ANSWER: Duration = Duration::from_millis(300);
const SLOWEST_ANSWER: Duration = Duration::from_secs(4);

/// The least time between two tries, however long the first took.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

pub(super) fn request<'a>(
    context: &'a Context,
    traddr: IpAddr,
    trsvcid: Port,
    nqn: &'a str,
    options: &'a ConnectOptions,
) -> Request<'a> {
    Request {
        transport: Transport::Tcp,
        traddr,
        trsvcid,
        nqn,
        host: context.plan.host.as_ref(),
        options,
    }
}

/// The way to one portal.
pub(super) struct Path {
    /// Whose turn it is: the number of its controller in the plan.
    turn: usize,
    subject: Subject,
    at: SocketAddr,
    host_iface: Option<InterfaceName>,
    host_traddr: Option<IpAddr>,
    /// The interfaces that lead there by the plan; empty: any.
    leads: Vec<InterfaceName>,
    /// Whether the portal answers shows by itself, and nobody waits for it.
    asks_itself: bool,
    /// The wait for a route is in the record.
    reaching: Option<OpenStep>,
    pauses: Backoff,
    /// How long the portal is given to answer.
    patience: Duration,
    /// It was tried before.
    tried: bool,
}

impl Path {
    pub(super) fn new(
        context: &Context,
        controller: &Controller,
        index: usize,
        subject: Subject,
    ) -> Self {
        let leads = context
            .plan
            .paths
            .iter()
            .filter(|p| p.controller == index)
            .flat_map(|p| p.interfaces.iter().map(|l| l.interface.clone()))
            .collect();
        Self {
            turn: index,
            subject,
            at: SocketAddr::new(controller.traddr, controller.trsvcid.get()),
            host_iface: controller.options.host_iface.clone(),
            host_traddr: controller.options.host_traddr,
            leads,
            asks_itself: false,
            reaching: None,
            pauses: backoff(),
            patience: FIRST_ANSWER,
            tried: false,
        }
    }

    /// Needs not be told that the portal answers, before it is asked.
    pub(super) fn ask_itself(&mut self) {
        self.asks_itself = true;
    }

    /// Leads to another portal than the plan's, over any interface.
    pub(super) fn lead_to(&mut self, at: SocketAddr, turn: usize) {
        self.at = at;
        self.turn = turn;
        self.leads.clear();
    }

    /// Looks whether the kernel has a way to the portal.
    pub(super) fn reach(&mut self, context: &Context, netlink: &mut Netlink) -> Result<(), Next> {
        let way = self.way(context, netlink);
        let portal = self.at;
        let step = self
            .reaching
            .get_or_insert_with(|| context.recorder.step(&portal.to_string(), "reach", ""));
        let fault = || Fault::new(Layer::NoRoute, format!("no route leads to `{portal}` yet"));
        let (way, name) = context.found_or_next(&News::ALL, &self.subject, step, fault, way)?;
        let source = way
            .source
            .map_or_else(String::new, |s| format!(" from {s}"));
        step.detail(format!("over {name}{source}"));
        if let Some(step) = self.reaching.take() {
            step.done();
        }
        Ok(())
    }

    /// The way that the kernel has now, if packets would get through: over an
    /// interface of the plan that has carrier, from an address that may be
    /// used (a tentative one may not) and that can be answered.
    fn way(&self, context: &Context, netlink: &mut Netlink) -> Option<(Way, String)> {
        let only = match &self.host_iface {
            Some(name) => {
                let links = netlink.links().ok()?;
                Some(links.into_iter().find(|l| l.name == name.as_str())?.index)
            }
            None => None,
        };
        let way = netlink.way(self.at.ip(), only).ok()??;
        let link = netlink.link(way.link).ok()??;
        let leads = |lead: &InterfaceName| {
            lead.as_str() == link.name || context.link_of(lead) == Some(way.link)
        };
        let planned = self.leads.is_empty() || self.leads.iter().any(leads);
        let answerable = match (self.at.ip(), way.source) {
            (IpAddr::V6(to), Some(IpAddr::V6(from))) => {
                to.is_unicast_link_local() || !from.is_unicast_link_local()
            }
            (_, source) => source.is_some(),
        };
        let carries = link.carrier && !context.negotiates(link.index);
        (planned && answerable && carries).then_some((way, link.name))
    }

    /// Tries once: first whether the portal answers at all, then `work`, which
    /// learns how long it may wait for a first packet. The kernel makes one
    /// controller at a time and holds its lock while it waits for a dead portal;
    /// a live one must not wait behind it.
    pub(super) fn attempt<T>(
        &mut self,
        context: &Context,
        netlink: &mut Netlink,
        step: &OpenStep,
        work: impl FnOnce(&Context, Duration) -> Result<T, Fault>,
    ) -> Result<T, Next> {
        let asked = Instant::now();
        if std::mem::replace(&mut self.tried, true) {
            if asked >= context.limit() {
                return Err(Next::Done);
            }
            step.again();
        }
        let answers = self.answers(context, netlink);
        if answers.is_ok() && !self.asks_itself {
            context.is_at_work(self.turn);
        }
        let fault = match answers.and_then(|()| work(context, self.patience)) {
            Ok(done) => {
                context.set_answered(&self.portal(), true);
                context.clear_fault(&self.subject);
                return Ok(done);
            }
            Err(fault) => fault,
        };
        self.patience = if fault.layer == Layer::Timeout {
            (self.patience * 2).min(SLOWEST_ANSWER)
        } else {
            FIRST_ANSWER
        };
        context.set_answered(&self.portal(), false);
        context.stumbled(self.turn);
        context.complain(&self.subject, step, &fault);
        // A try that took its time needs no further pause.
        let pause = self.pauses.step().saturating_sub(asked.elapsed());
        Err(Next::After {
            kinds: &[],
            at: Instant::now() + pause.max(SHORTEST_PAUSE),
        })
    }

    /// The portal takes a TCP connection.
    fn answers(&self, context: &Context, netlink: &mut Netlink) -> Result<(), Fault> {
        if self.way(context, netlink).is_none() {
            let portal = self.at;
            return Err(Fault::new(
                Layer::NoRoute,
                format!("no route leads to `{portal}` any more"),
            ));
        }
        if self.asks_itself {
            return Ok(());
        }
        let portal = self.portal();
        if context.has_answered(&portal) {
            return Ok(());
        }
        // Closed at once: it is the answer that counts.
        let link = self.host_iface.as_ref();
        fabrics::open(self.at, self.host_traddr, link, self.patience)
            .map_err(|errno| classify(errno, &[], &self.at.to_string(), ""))?;
        context.set_answered(&portal, true);
        Ok(())
    }

    /// One address may be two portals: in a VRF and outside of it.
    fn portal(&self) -> Portal {
        (self.at, self.host_iface.clone())
    }
}
