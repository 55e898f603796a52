//! One interface: from the card to addresses and routes that work.

use std::sync::Arc;

use nvmeroot_plan::{Action, DhcpFamily, Interface, LinkKind, MAIN_TABLE, MacAddress, Route};

use super::aggregation;
use super::context::Context;
use super::keep::announced_metric;
use super::lease;
use super::ready::{wait_for_carrier, wait_for_name};
use super::subject::Subject;
use super::waiting::Ended;
use super::worker::Worker;
use crate::card::{self, Card};
use crate::fault::{Fault, Layer};
use crate::netlink::{Link, LinkChange, Netlink, NewAddress, NewRoute, NewRule, sysctl};

/// Milliseconds after which a neighbour is asked for again while the machine
/// boots; a second otherwise.
const QUESTION_TIME_MS: &str = "200";

/// Brings an interface up: its own thread.
pub(super) fn run(context: &Arc<Context>, interface: &Interface, actions: &[Action]) {
    let subject = Subject::Interface(interface.name.clone());
    if let LinkKind::Foreign { section } = &interface.kind {
        let fault = Fault::new(
            Layer::Unsupported,
            format!("links of the section `{section}` can't be brought up here"),
        );
        return context.tell(&subject, fault);
    }
    let netlink = match Netlink::open() {
        Ok(netlink) => netlink,
        Err(e) => return context.tell(&subject, e.fault()),
    };
    let mut worker = Worker {
        context,
        interface,
        subject,
        netlink,
    };
    // How it ended is in the record and on the board of faults.
    let _ = worker.bring_up(actions);
}

impl Worker<'_> {
    fn bring_up(&mut self, actions: &[Action]) -> Result<(), Ended> {
        let made = actions.iter().find_map(|action| match action {
            Action::CreateLink { link, .. } => Some(link),
            _ => None,
        });
        let link = match made {
            Some(new) => self.create(new)?,
            None => self.wait_for_card()?.link,
        };
        self.context.is_link(&self.interface.name, link.index);
        let mut link = match made {
            Some(_) => link,
            None => self.rename(link)?,
        };
        self.ask_neighbours_often(&link);
        self.prepare_ipv6(&link);
        let negotiates = aggregation::is_negotiated(self.interface);
        if negotiates {
            self.context.set_negotiating(&self.interface.name, true);
        }
        let is_vrf = matches!(self.interface.kind, LinkKind::Vrf { .. });
        let mut prepared = false;
        for action in actions {
            if !prepared && !comes_before_others(action, is_vrf) {
                prepared = true;
                self.context.is_prepared(&self.interface.name);
            }
            self.carry_out(&mut link, action)?;
        }
        self.context.is_prepared(&self.interface.name);
        if negotiates {
            self.negotiate(&link)?;
        }
        self.wait_for_carrier(&link)?;
        // With the carrier the kernel gives IPv6 the link's own MTU once more
        // (addrconf_notify in net/ipv6/addrconf.c).
        for action in actions.iter().filter(|action| is_ipv6_mtu(action)) {
            self.carry_out(&mut link, action)?;
        }
        self.wait_for_dad(&link)
    }

    fn carry_out(&mut self, link: &mut Link, action: &Action) -> Result<(), Ended> {
        match action {
            Action::SetMac { mac, .. } => self.mac(link, *mac),
            Action::SetOffloads { offloads, .. } => {
                self.ethtool("offloads", |ethtool| ethtool.set_offloads(link, *offloads))
            }
            Action::SetWakeOnLan { .. } => {
                self.ethtool("wake-on-lan", |ethtool| ethtool.set_wake_on_lan(link))
            }
            Action::SetMtu { mtu, .. } => {
                let change = LinkChange {
                    mtu: Some(*mtu),
                    ..LinkChange::default()
                };
                self.set("mtu", mtu.to_string(), link, &change)
            }
            Action::SetMaster { master, .. } => self.enslave(link, master),
            Action::SetBridgePort { port, .. } => {
                self.attempt("port", "", |netlink| netlink.set_bridge_port(link, *port))
            }
            Action::SetBondPrimary { primary, .. } => {
                self.prefer(link, primary);
                Ok(())
            }
            Action::SetIpv6 { settings, .. } => self.ipv6(link, *settings),
            Action::AddAddress { address, .. } => {
                let new = NewAddress {
                    label: address.label.clone(),
                    deprecated: address.deprecated,
                    ..NewAddress::new(address.address.addr(), address.address.prefix_len())
                };
                let detail = address.address.to_string();
                self.attempt("address", detail, |netlink| netlink.add_address(link, &new))
            }
            Action::LinkUp { .. } => self.up(link),
            Action::Dhcp { family, .. } => {
                self.up(link)?;
                self.start_dhcp(link, *family);
                Ok(())
            }
            Action::AddRoute { route, .. } => self.route(link, route),
            Action::AddRule { rule, .. } => {
                let new = NewRule::from(&**rule);
                let table = new.table.unwrap_or(MAIN_TABLE);
                self.attempt("rule", format!("table {table}"), |netlink| {
                    netlink.add_rule(&new)
                })
            }
            Action::Ipv4LinkLocal { .. } => {
                self.link_local(link);
                Ok(())
            }
            // The link is there, with its name.
            Action::Rename { .. } | Action::CreateLink { .. } => Ok(()),
            other => {
                self.cannot(
                    "step",
                    format!("this program can't carry out this step yet: {other:?}"),
                );
                Ok(())
            }
        }
    }

    /// A member of a bond has the bond's address, not its own.
    fn mac(&mut self, link: &mut Link, mac: MacAddress) -> Result<(), Ended> {
        if link.mac == Some(mac) || link.master.is_some() {
            return Ok(());
        }
        let change = LinkChange {
            mac: Some(mac),
            ..LinkChange::default()
        };
        self.set("mac", mac.to_string(), link, &change)?;
        link.mac = Some(mac);
        Ok(())
    }

    fn wait_for_card(&mut self) -> Result<Card, Ended> {
        let (context, interface) = (self.context, self.interface);
        let step = context.recorder.step(interface.name.as_str(), "card", "");
        let netlink = &mut self.netlink;
        let mut find = || {
            let links = netlink.links().ok()?;
            let cards = links
                .into_iter()
                .map(|link| Card::of(link, &context.places));
            card::find(interface, cards)
        };
        let fault = || Fault::new(Layer::NoCard, card::describe(interface));
        let mut found = context.wait_for(&self.subject, &step, fault, &mut find)?;
        // udev may give it another name yet; by index it stays the same.
        wait_for_name(context, interface, &found.link)?;
        found = context.wait_for(&self.subject, &step, fault, &mut find)?;
        step.detail(format!(
            "{} {}{}",
            found.link.name,
            found
                .link
                .permanent_mac
                .or(found.link.mac)
                .map_or_else(String::new, |mac| mac.to_string()),
            found
                .driver
                .as_deref()
                .map_or_else(String::new, |d| format!(" {d}")),
        ));
        step.done();
        Ok(found)
    }

    fn rename(&mut self, mut link: Link) -> Result<Link, Ended> {
        let name = &self.interface.name;
        if !self.interface.set_name || link.name == name.as_str() {
            return Ok(link);
        }
        let step =
            self.context
                .recorder
                .step(name.as_str(), "rename", format!("{} to {name}", link.name));
        let netlink = &mut self.netlink;
        self.context.retry(&self.subject, &step, || {
            // The kernel refuses to rename a link that is up (before 6.3).
            // Nothing is on it yet that going down could lose.
            let change = LinkChange {
                up: Some(false),
                ..LinkChange::default()
            };
            let renamed = netlink.set_link(&link, &change).and_then(|()| {
                netlink.set_link(
                    &link,
                    &LinkChange {
                        name: Some(name),
                        ..LinkChange::default()
                    },
                )
            });
            renamed.map_err(|e| e.fault())
        })?;
        step.done();
        link.name = name.to_string();
        Ok(link)
    }

    /// The first packets over a link are easily lost while the switch port comes
    /// up, and the kernel would ask for the neighbour again after a second.
    fn ask_neighbours_often(&self, link: &Link) {
        let set = sysctl::set_question_time(&self.context.places, &link.name, QUESTION_TIME_MS);
        if let Ok(before) = set {
            self.context.ask_neighbours_as_before(&link.name, before);
        }
    }

    /// The kernel waits up to a second at random before it starts duplicate
    /// address detection and before it asks for routers, so that a whole rack
    /// that powers up does not speak at once. For the few interfaces that root
    /// stands on, root's second counts more.
    fn prepare_ipv6(&self, link: &Link) {
        let set = |key: &str, value: &str| self.context.try_ipv6(link, key, value);
        set("router_solicitation_delay", "0");
        // As the running system's client sets it, which then finds its own.
        if let Some(metric) = announced_metric(self.interface) {
            set("ra_defrtr_metric", &metric.to_string());
        }
        // DHCPv6 gives addresses without a prefix; the prefix and the routes
        // come from routers (RFC 8415, section 1.2).
        if self.interface.dhcp6 && self.interface.accept_ra.is_none() {
            set("accept_ra", "1");
        }
    }

    /// Without this nothing else works: tried until it does.
    fn up(&mut self, link: &Link) -> Result<(), Ended> {
        if aggregation::is_negotiated(self.interface) {
            self.wait_for_member(link)?;
        }
        let change = LinkChange {
            up: Some(true),
            ..LinkChange::default()
        };
        let step = self
            .context
            .recorder
            .step(self.interface.name.as_str(), "link-up", "");
        let netlink = &mut self.netlink;
        self.context.retry(&self.subject, &step, || {
            netlink.set_link(link, &change).map_err(|e| e.fault())
        })?;
        step.done();
        Ok(())
    }

    /// A route whose gateway is not on the link yet can be set when the lease
    /// or the advertisement that brings the network is there: by a thread of
    /// its own, so that the others don't wait for it.
    fn route(&mut self, link: &Link, route: &Route) -> Result<(), Ended> {
        let is_vrf = matches!(self.interface.kind, LinkKind::Vrf { .. });
        let new = NewRoute {
            // A VRF's gateways are in the networks of its members.
            by_gateway: is_vrf && route.via.is_some() && !route.on_link,
            ..NewRoute::from(route)
        };
        let detail = match route.via {
            Some(via) => format!("{} by {via}", route.to),
            None => route.to.to_string(),
        };
        let may_come = self.interface.dhcp4 || self.interface.dhcp6 || new.ipv6 || is_vrf;
        if !may_come {
            return self.attempt("route", detail, |netlink| netlink.add_route(link, &new));
        }
        let step =
            self.context
                .recorder
                .step(self.interface.name.as_str(), "route", detail.clone());
        let Err(e) = self.netlink.add_route(link, &new) else {
            step.done();
            return Ok(());
        };
        step.failed(&e.fault());
        let (link, name) = (link.clone(), self.interface.name.clone());
        let subject = Subject::Setting(name.clone(), format!("route {detail}"));
        self.context.spawn("route", move |context| {
            let Ok(mut netlink) = Netlink::open() else {
                return;
            };
            let step = context.recorder.step(name.as_str(), "route", detail);
            let set = context.wait_for(
                &subject,
                &step,
                || {
                    Fault::new(
                        Layer::NoRoute,
                        "a route's gateway is in no network of this link",
                    )
                },
                || netlink.add_route(&link, &new).ok(),
            );
            if set.is_ok() {
                step.done();
            }
        });
        Ok(())
    }

    fn start_dhcp(&self, link: &Link, family: DhcpFamily) {
        let families: &[lease::Family] = match family {
            DhcpFamily::Ipv4 => &[lease::Family::V4],
            DhcpFamily::Ipv6 => &[lease::Family::V6],
            DhcpFamily::Both => &[lease::Family::V4, lease::Family::V6],
        };
        for family in families.iter().copied() {
            let (interface, link) = (self.interface.clone(), link.clone());
            self.context.spawn("dhcp", move |context| {
                if let Some(link) = as_it_asks(context, &interface, link) {
                    lease::run(context, &interface, link, family);
                }
            });
        }
    }

    fn wait_for_carrier(&mut self, link: &Link) -> Result<(), Ended> {
        let step = self
            .context
            .recorder
            .step(self.interface.name.as_str(), "carrier", "");
        let netlink = &mut self.netlink;
        wait_for_carrier(self.context, &self.subject, &step, netlink, link)?;
        step.done();
        Ok(())
    }

    /// Waits until no address is tentative any more, and tells of those that
    /// another machine has.
    fn wait_for_dad(&mut self, link: &Link) -> Result<(), Ended> {
        let statics: Vec<_> = self
            .interface
            .addresses
            .iter()
            .map(|a| a.address.addr())
            .filter(std::net::IpAddr::is_ipv6)
            .collect();
        if statics.is_empty() {
            return Ok(());
        }
        let step = self
            .context
            .recorder
            .step(self.interface.name.as_str(), "dad", "");
        let netlink = &mut self.netlink;
        let waiting = || Fault::new(Layer::Network, "duplicate address detection does not end");
        let duplicates = self.context.wait_for(&self.subject, &step, waiting, || {
            let addresses = netlink.addresses(link.index).ok()?;
            let ours = || addresses.iter().filter(|a| statics.contains(&a.address));
            let over = ours().all(|a| !a.tentative || a.duplicate);
            over.then(|| {
                ours()
                    .filter(|a| a.duplicate)
                    .map(|a| a.address)
                    .collect::<Vec<_>>()
            })
        })?;
        match duplicates.first() {
            None => step.done(),
            Some(address) => {
                let fault = Fault::new(
                    Layer::AddressInUse,
                    format!("another machine in the network has `{address}`"),
                );
                self.context.give_up(&self.subject, step, fault);
            }
        }
        Ok(())
    }
}

fn is_ipv6_mtu(action: &Action) -> bool {
    matches!(action, Action::SetIpv6 { settings, .. } if settings.mtu.is_some())
}

/// It belongs to what must be done before others stand on the interface: a
/// VLAN's MTU is at most its parent's, and a VRF has to be up.
fn comes_before_others(action: &Action, is_vrf: bool) -> bool {
    match action {
        Action::Rename { .. }
        | Action::CreateLink { .. }
        | Action::SetMac { .. }
        | Action::SetOffloads { .. }
        | Action::SetWakeOnLan { .. }
        | Action::SetMtu { .. } => true,
        Action::LinkUp { .. } => is_vrf,
        _ => false,
    }
}

/// The link as its DHCP client is to know it: a bond or a bridge may take its
/// MAC address from its first member, and what stands on it follows.
fn as_it_asks(context: &Context, interface: &Interface, link: Link) -> Option<Link> {
    if interface.kind == LinkKind::Ethernet {
        return Some(link);
    }
    let subject = Subject::Interface(interface.name.clone());
    let step = context.recorder.step(interface.name.as_str(), "lower", "");
    let mut netlink = Netlink::open().ok()?;
    wait_for_carrier(context, &subject, &step, &mut netlink, &link).ok()?;
    step.done();
    netlink.link(link.index).ok()?
}
