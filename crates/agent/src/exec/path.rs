//! The way to a portal, and whether it answers.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use nvmeroot_plan::{ConnectOptions, Controller, InterfaceName, Port, Transport};

use super::context::Context;
use super::subject::{Portal, Subject};
use super::waiting::{Ended, backoff};
use crate::fabrics::{self, Request, classify};
use crate::fault::{Fault, Layer};
use crate::netlink::{Netlink, Way};
use crate::record::OpenStep;

/// How long the first packet to a portal is given, and later ones at most. One
/// is easily lost while a switch port comes up, and the kernel would repeat it
/// after a second; a new connect does as well.
const FIRST_ANSWER: Duration = Duration::from_millis(300);
const SLOWEST_ANSWER: Duration = Duration::from_secs(4);

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
pub(super) struct Path<'a> {
    context: &'a Context,
    /// Whose turn it is: the number of its controller in the plan.
    turn: usize,
    subject: Subject,
    at: SocketAddr,
    host_iface: Option<&'a InterfaceName>,
    host_traddr: Option<IpAddr>,
    /// The interfaces that lead there by the plan; empty: any.
    leads: Vec<&'a InterfaceName>,
    netlink: Option<Netlink>,
    /// Whether the portal answers shows by itself, and nobody waits for it.
    asks_itself: bool,
}

impl<'a> Path<'a> {
    pub(super) fn new(
        context: &'a Context,
        controller: &'a Controller,
        index: usize,
        subject: Subject,
    ) -> Self {
        let leads = context
            .plan
            .paths
            .iter()
            .filter(|p| p.controller == index)
            .flat_map(|p| p.interfaces.iter().map(|l| &l.interface))
            .collect();
        Self {
            context,
            turn: index,
            subject,
            at: SocketAddr::new(controller.traddr, controller.trsvcid.get()),
            host_iface: controller.options.host_iface.as_ref(),
            host_traddr: controller.options.host_traddr,
            leads,
            netlink: Netlink::open().ok(),
            asks_itself: false,
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

    /// Waits until the kernel has a way to the portal.
    pub(super) fn reach(&mut self) -> Result<OpenStep<'a>, Ended> {
        let context = self.context;
        let subject = self.subject.clone();
        let portal = self.at.to_string();
        let step = context.recorder.step(&portal, "reach", "");
        let fault = || Fault::new(Layer::NoRoute, format!("no route leads to `{portal}` yet"));
        let (way, name) = context.wait_for(&subject, &step, fault, || self.way())?;
        let source = way
            .source
            .map_or_else(String::new, |s| format!(" from {s}"));
        step.detail(format!("over {name}{source}"));
        Ok(step)
    }

    /// The way that the kernel has now, if packets would get through: over an
    /// interface of the plan that has carrier, from an address that may be
    /// used (a tentative one may not) and that can be answered.
    fn way(&mut self) -> Option<(Way, String)> {
        let netlink = self.netlink.as_mut()?;
        let only = match self.host_iface {
            Some(name) => {
                let links = netlink.links().ok()?;
                Some(links.into_iter().find(|l| l.name == name.as_str())?.index)
            }
            None => None,
        };
        let way = netlink.way(self.at.ip(), only).ok()??;
        let link = netlink.link(way.link).ok()??;
        let context = self.context;
        let leads = |lead: &InterfaceName| {
            lead.as_str() == link.name || context.link_of(lead) == Some(way.link)
        };
        let planned = self.leads.is_empty() || self.leads.iter().any(|lead| leads(lead));
        let answerable = match (self.at.ip(), way.source) {
            (IpAddr::V6(to), Some(IpAddr::V6(from))) => {
                to.is_unicast_link_local() || !from.is_unicast_link_local()
            }
            (_, source) => source.is_some(),
        };
        let carries = link.carrier && !context.negotiates(link.index);
        (planned && answerable && carries).then_some((way, link.name))
    }

    /// Tries until it works: first whether the portal answers at all, then
    /// `work`, which learns how long it may wait for a first packet. The kernel
    /// makes one controller at a time and waits for a dead portal while it holds
    /// the lock; who comes here with a live one must not wait behind it.
    pub(super) fn attempt<T>(
        &mut self,
        step: &OpenStep<'_>,
        mut work: impl FnMut(&Context, Duration) -> Result<T, Fault>,
    ) -> Result<T, Ended> {
        let context = self.context;
        let subject = self.subject.clone();
        let mut pauses = backoff();
        let mut patience = FIRST_ANSWER;
        loop {
            let asked = Instant::now();
            let answers = self.answers(patience);
            if answers.is_ok() && !self.asks_itself {
                context.is_at_work(self.turn);
            }
            match answers.and_then(|()| work(context, patience)) {
                Ok(done) => {
                    context.set_answered(&self.portal(), true);
                    context.clear_fault(&subject);
                    return Ok(done);
                }
                Err(fault) => {
                    patience = if fault.layer == Layer::Timeout {
                        (patience * 2).min(SLOWEST_ANSWER)
                    } else {
                        FIRST_ANSWER
                    };
                    context.set_answered(&self.portal(), false);
                    context.stumbled(self.turn);
                    context.complain(&subject, step, &fault);
                }
            }
            // A try that took its time needs no further pause.
            let pause = pauses.step().saturating_sub(asked.elapsed());
            context.pause(pause.max(Duration::from_millis(50)))?;
            step.again();
        }
    }

    /// The portal takes a TCP connection.
    fn answers(&mut self, patience: Duration) -> Result<(), Fault> {
        if self.way().is_none() {
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
        if self.context.has_answered(&portal) {
            return Ok(());
        }
        // Closed at once: it is the answer that counts.
        fabrics::open(self.at, self.host_traddr, self.host_iface, patience)
            .map_err(|errno| classify(errno, &[], &self.at.to_string(), ""))?;
        self.context.set_answered(&portal, true);
        Ok(())
    }

    /// One address may be two portals: in a VRF and outside of it.
    fn portal(&self) -> Portal {
        (self.at, self.host_iface.cloned())
    }
}
