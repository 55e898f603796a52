//! One interface: from the card to addresses and routes that work.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use nvmeroot_plan::{
    Action, Interface, InterfaceName, LinkKind, MAIN_TABLE, MacAddress, Match, Route, Step,
};
use nvmeroot_record::{Failure, FailureKind, StepKind};

use super::bond_negotiation::is_negotiated;
use super::card::{Card, Wanted};
use super::duplicate_address::wait_for_dad;
use super::interface_task::InterfaceTask;
use super::lease::Phase;
use super::link_readiness::{wait_for_carrier, wait_for_name};
use super::network::Network;
use crate::sys::netlink::{Ethtool, Link, LinkChange, Netlink, NewAddress, NewRoute};
use crate::task::{Ended, FailureScope};

/// Milliseconds after which a neighbour is asked for again while the machine
/// boots; a second otherwise.
const NEIGHBOUR_TIME_MS: &str = "200";

impl Network {
    /// Starts a thread for each interface, which carries out its steps.
    pub(crate) fn start(self: &Arc<Self>, steps: &[Step]) {
        let mut actions: BTreeMap<&InterfaceName, Vec<Action>> = BTreeMap::new();
        for step in steps {
            if let Some(interface) = step.action.interface() {
                let its = actions.entry(interface).or_default();
                its.push(step.action.clone());
            }
        }
        for interface in self.context.plan.storage_interfaces() {
            let actions = actions.remove(&interface.name).unwrap_or_default();
            let interface = interface.clone();
            let name = interface.name.to_string();
            self.spawn(&name, move |network| {
                run(network, &interface, &actions);
            });
        }
    }
}

/// Brings an interface up, in the thread of the caller.
fn run(network: &Arc<Network>, interface: &Interface, actions: &[Action]) {
    let context = &network.context;
    let scope = FailureScope::Interface(interface.name.clone());
    if let LinkKind::Foreign { section } = &interface.kind {
        let failure = Failure::new(
            FailureKind::Unsupported,
            format!("the initramfs can't bring up links of the section `{section}`"),
        );
        return context.tell(&scope, failure);
    }
    let netlink = match Netlink::open() {
        Ok(netlink) => netlink,
        Err(e) => return context.tell(&scope, e.failure()),
    };
    let mut task = InterfaceTask {
        network,
        context,
        interface,
        scope,
        netlink,
        link: None,
        prepared: false,
    };
    // How it ended is in the record and in the table of failures.
    let _ = task.bring_up(actions);
}

impl InterfaceTask<'_> {
    fn bring_up(&mut self, actions: &[Action]) -> Result<(), Ended> {
        let is_vrf = matches!(self.interface.kind, LinkKind::Vrf { .. });
        let mut is_prepared = false;
        for action in actions {
            if !is_prepared && !comes_before_others(action, is_vrf) {
                // Those that stand on it need its link, too.
                self.link()?;
                is_prepared = true;
                self.network.is_prepared(&self.interface.name);
            }
            self.carry_out(action)?;
        }
        let link = self.link()?;
        self.network.is_prepared(&self.interface.name);
        if is_negotiated(self.interface) {
            self.negotiate(&link)?;
        }
        self.wait_for_carrier(&link)?;
        // With the carrier the kernel gives IPv6 the link's own MTU once more
        // (addrconf_notify in net/ipv6/addrconf.c).
        for action in actions.iter().filter(|action| is_ipv6_mtu(action)) {
            self.carry_out(action)?;
        }
        self.wait_for_dad(&link)
    }

    fn carry_out(&mut self, action: &Action) -> Result<(), Ended> {
        match action {
            Action::CreateLink { link, .. } => {
                let link = self.create(link)?;
                self.found(link);
                return Ok(());
            }
            Action::FindCard { card, .. } => return self.find(Some(card)).map(drop),
            Action::Rename { interface, card } => return self.rename(interface, card),
            _ => {}
        }
        let link = &self.link()?;
        match action {
            Action::SetMac { mac, .. } => self.mac(link, *mac),
            Action::SetOffloads { offloads, .. } => self.attempt(StepKind::Offloads, "", |_| {
                Ethtool::open()?.set_offloads(link, *offloads)
            }),
            Action::SetMtu { mtu, .. } => self.attempt(StepKind::Mtu, mtu.to_string(), |netlink| {
                netlink.set_link(link, LinkChange::Mtu(*mtu))
            }),
            Action::SetMaster { master, .. } => self.enslave(link, master),
            Action::SetBridgePort { port, .. } => self.attempt(StepKind::Port, "", |netlink| {
                netlink.set_bridge_port(link, *port)
            }),
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
                self.attempt(StepKind::Address, detail, |netlink| {
                    netlink.add_address(link, &new)
                })
            }
            Action::LinkUp { .. } => self.up(link),
            Action::Dhcp {
                dhcp4,
                dhcp6,
                table,
                ..
            } => {
                self.up(link)?;
                let clients = (dhcp4.as_ref(), dhcp6.as_ref());
                let network = self.network;
                network.start_dhcp(self.interface, link, clients, *table, Phase::Initramfs);
                Ok(())
            }
            Action::AddRoute { route, .. } => self.route(link, route),
            Action::AddRule { rule, .. } => {
                let table = rule.table.unwrap_or(MAIN_TABLE);
                self.attempt(StepKind::Rule, format!("table {table}"), |netlink| {
                    netlink.add_rule(rule)
                })
            }
            Action::Ipv4LinkLocal { .. } => {
                self.link_local(link);
                Ok(())
            }
            // Not one of an interface's.
            _ => Ok(()),
        }
    }

    /// The interface's link, ready for settings.
    fn link(&mut self) -> Result<Link, Ended> {
        let link = match &self.link {
            Some(link) => link.clone(),
            None => self.find(None)?,
        };
        if !std::mem::replace(&mut self.prepared, true) {
            self.network.ask_neighbours_every(&link, NEIGHBOUR_TIME_MS);
            // The kernel waits up to a second at random before it starts duplicate address
            // detection and before it asks for routers, so that a whole rack that powers up
            // does not speak at once. For the few interfaces that root stands on, root's
            // second counts more.
            self.network
                .try_ipv6(&link, "router_solicitation_delay", "0");
        }
        Ok(link)
    }

    /// Finds the card that `card` means, else the one with the interface's name.
    fn find(&mut self, card: Option<&Match>) -> Result<Link, Ended> {
        let wanted = Wanted {
            name: &self.interface.name,
            matching: card,
            renamed: false,
        };
        let link = self.wait_for_card(&wanted)?.link;
        self.found(link.clone());
        Ok(link)
    }

    fn found(&mut self, link: Link) {
        self.network.found_link(&self.interface.name, &link);
        if is_negotiated(self.interface) {
            self.network.set_negotiating(&self.interface.name, true);
        }
        self.link = Some(link);
    }

    /// A member of a bond has the bond's address, not its own.
    fn mac(&mut self, link: &Link, mac: MacAddress) -> Result<(), Ended> {
        if link.mac == Some(mac) || link.master.is_some() {
            return Ok(());
        }
        self.attempt(StepKind::Mac, mac.to_string(), |netlink| {
            netlink.set_link(link, LinkChange::Mac(mac))
        })?;
        if let Some(link) = &mut self.link {
            link.mac = Some(mac);
        }
        Ok(())
    }

    fn wait_for_card(&mut self, wanted: &Wanted<'_>) -> Result<Card, Ended> {
        let step = self.step(StepKind::Card, "");
        let context = self.context;
        let netlink = &mut self.netlink;
        let mut find = || {
            let links = netlink.links().ok()?.into_iter();
            wanted.find(links.map(|link| Card::of(link, &context.paths)))
        };
        let place = match context.only_at_boot.contains_key(&self.interface.name) {
            true => format!(", which {} names", self.interface.origin),
            false => String::new(),
        };
        let failure = || {
            let text = format!("{}{place}", wanted.describe());
            Failure::new(FailureKind::NoCard, text)
        };
        let found = context.wait_for(&self.scope, &step, failure, &mut find)?;
        // udev may give it another name yet; by index it stays the same.
        wait_for_name(context, self.interface, wanted, &found.link)?;
        let found = context.wait_for(&self.scope, &step, failure, &mut find)?;
        let mac = found.link.permanent_mac.or(found.link.mac);
        let mac = mac.map_or_else(String::new, |mac| mac.to_string());
        let driver = found.driver.as_deref();
        let driver = driver.map_or_else(String::new, |driver| format!(" {driver}"));
        step.detail(format!("{} {mac}{driver}", found.link.name));
        step.done();
        Ok(found)
    }

    fn rename(&mut self, name: &InterfaceName, card: &Match) -> Result<(), Ended> {
        let wanted = Wanted {
            name,
            matching: Some(card),
            renamed: true,
        };
        let mut link = self.wait_for_card(&wanted)?.link;
        self.network.found_link(name, &link);
        if link.name != name.as_str() {
            let step = self.step(StepKind::Rename, format!("{} to {name}", link.name));
            let netlink = &mut self.netlink;
            self.context.retry(&self.scope, &step, || {
                // The kernel refuses to rename a link that is up (before 6.3).
                // Nothing is on it yet that going down could lose.
                netlink.set_link(&link, LinkChange::Up(false))?;
                netlink.set_link(&link, LinkChange::Name(name))
            })?;
            step.done();
            link.name = name.to_string();
        }
        self.found(link);
        Ok(())
    }

    /// Without this nothing else works: tried until it does.
    fn up(&mut self, link: &Link) -> Result<(), Ended> {
        if is_negotiated(self.interface) {
            self.wait_for_member(link)?;
        }
        let step = self.step(StepKind::LinkUp, "");
        let netlink = &mut self.netlink;
        self.context.retry(&self.scope, &step, || {
            netlink.set_link(link, LinkChange::Up(true))
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
        let may_come = self.interface.asks_dhcp() || new.ipv6 || is_vrf;
        if !may_come {
            return self.attempt(StepKind::Route, detail, |netlink| {
                netlink.add_route(link, &new)
            });
        }
        let step = self.step(StepKind::Route, detail.clone());
        let Err(e) = self.netlink.add_route(link, &new) else {
            step.done();
            return Ok(());
        };
        step.failed(&e.failure());
        let scope = self.scope_of(StepKind::Route, detail.clone());
        let step = self.step(StepKind::Route, detail);
        let link = link.clone();
        self.network.spawn("route", move |network| {
            let Ok(mut netlink) = Netlink::open() else {
                return;
            };
            let waiting = || {
                let text = "a route's gateway is in no network of this link";
                Failure::new(FailureKind::NoRoute, text)
            };
            let context = &network.context;
            let set = context.wait_for(&scope, &step, waiting, || {
                netlink.add_route(&link, &new).ok()
            });
            if set.is_ok() {
                step.done();
            }
        });
        Ok(())
    }

    fn wait_for_carrier(&mut self, link: &Link) -> Result<(), Ended> {
        let step = self.step(StepKind::Carrier, "");
        let netlink = &mut self.netlink;
        wait_for_carrier(self.network, &self.scope, &step, netlink, link)?;
        step.done();
        Ok(())
    }

    /// Waits until no address is tentative any more, and tells of those that
    /// another machine has.
    fn wait_for_dad(&mut self, link: &Link) -> Result<(), Ended> {
        let addresses = self.interface.addresses.iter();
        let addresses = addresses.map(|a| a.address.addr());
        let statics: Vec<IpAddr> = addresses.filter(IpAddr::is_ipv6).collect();
        if statics.is_empty() {
            return Ok(());
        }
        let step = self.step(StepKind::Dad, "");
        let (context, netlink) = (self.context, &mut self.netlink);
        let ours = |address| statics.contains(&address);
        let duplicate = wait_for_dad(context, &self.scope, &step, netlink, link.index, ours)?;
        match duplicate {
            None => step.done(),
            Some(failure) => context.give_up(&self.scope, &step, failure),
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
        Action::FindCard { .. }
        | Action::Rename { .. }
        | Action::CreateLink { .. }
        | Action::SetMac { .. }
        | Action::SetOffloads { .. }
        | Action::SetMtu { .. } => true,
        Action::LinkUp { .. } => is_vrf,
        _ => false,
    }
}
