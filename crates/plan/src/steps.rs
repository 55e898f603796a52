//! The plan as ordered actions. The scripts runtime prints them, the agent
//! executes them: the two can't drift apart.

use crate::path::deciding_rules;
use crate::topology::{Topology, bytes};
use crate::{
    Action, BootPlan, BridgePort, Interface, Ipv6Settings, LinkKind, Mtu, NewLink, Origin, Step,
};

/// Which interfaces are brought up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every interface of the input, as the original does.
    Everything,
    /// Only those that lead to what must be there before init starts, and
    /// those that they stand on.
    Path,
}

/// Lays the plan out as steps: the network interface by interface in bring-up
/// order, then the controllers. Where the
/// initramfs connects nothing ([`Reach::is_by_initramfs`](crate::Reach::is_by_initramfs)) there are
/// none.
///
/// Within an interface: what can only be set while it is down (name, link,
/// MAC address, MTU), its members, then addresses, DHCP or link up, rules,
/// routes. A member of a bond or a bridge goes up when it is enslaved; a VRF
/// is there and up before its first member gets an address, and its routes
/// come after all members'. What can't be there (a VLAN on what is not there)
/// has no steps.
///
/// Where an interface says who brings it up ([`Interface::activation_mode`]),
/// it stays down, unless the storage is reached over it.
pub fn steps(plan: &BootPlan, scope: Scope) -> Vec<Step> {
    if !plan.reach.is_by_initramfs() {
        return Vec::new();
    }
    let topology = Topology::new(&plan.network);
    let on_path = plan.on_path(&topology);
    let mut layout = Layout {
        in_scope: match scope {
            Scope::Everything => vec![true; on_path.len()],
            Scope::Path => on_path.clone(),
        },
        on_path,
        mtus: topology.mtus(),
        created: vec![false; topology.interfaces.len()],
        topology: &topology,
        steps: Vec::new(),
    };
    for at in 0..topology.interfaces.len() {
        layout.interface(at);
    }
    layout.rules_of_others(plan);
    let mut steps = layout.steps;
    for (controller, c) in plan.controllers.iter().enumerate() {
        let action = Action::Connect {
            controller,
            portal: c.into(),
        };
        steps.push(Step {
            action,
            origin: c.origin.clone(),
        });
    }
    steps
}

struct Layout<'a> {
    topology: &'a Topology<'a>,
    in_scope: Vec<bool>,
    on_path: Vec<bool>,
    mtus: Vec<Option<(Mtu, usize)>>,
    /// The steps that make the link are laid out.
    created: Vec<bool>,
    steps: Vec<Step>,
}

impl<'a> Layout<'a> {
    fn at(&self, at: usize) -> &'a Interface {
        &self.topology.interfaces[at]
    }

    fn is_ours(&self, at: usize) -> bool {
        self.in_scope[at] && self.topology.exists(at)
    }

    fn push(&mut self, action: Action, origin: &Origin) {
        self.steps.push(Step {
            action,
            origin: origin.clone(),
        });
    }

    fn interface(&mut self, at: usize) {
        if !self.is_ours(at) {
            return;
        }
        self.create(at);
        let topology = self.topology;
        if matches!(
            self.at(at).kind,
            LinkKind::Bond { .. } | LinkKind::Bridge { .. }
        ) {
            for &member in topology.below(at) {
                // Only in a circle is one not there yet.
                if topology.master(member) == Some(at) && self.created[member] {
                    self.enslave(member, at);
                }
            }
            self.primary(at);
        }
        let master = topology.master(at).filter(|m| self.is_ours(*m) && *m > at);
        if master.is_none() {
            self.configure(at);
        }
    }

    /// Rules that the way to a controller needs and an interface says that
    /// isn't brought up: rules belong to no link.
    fn rules_of_others(&mut self, plan: &BootPlan) {
        let needed = deciding_rules(&plan.controllers, &plan.network, self.topology);
        for ((at, place), interface) in needed {
            if !self.is_ours(at) {
                let rule = Box::new(self.at(at).rules[place].clone());
                let origin = rule.origin.clone();
                self.push(Action::AddRule { interface, rule }, &origin);
            }
        }
    }

    /// The link itself, down, with what does not depend on other links but
    /// its parent.
    fn create(&mut self, at: usize) {
        if std::mem::replace(&mut self.created[at], true) {
            return;
        }
        let one = self.at(at);
        let interface = || one.name.clone();
        if one.kind == LinkKind::Ethernet
            && let Some(card) = one.matching.clone()
        {
            let interface = interface();
            let action = match one.set_name {
                true => Action::Rename { interface, card },
                false => Action::FindCard { interface, card },
            };
            self.push(action, &one.origin);
        }
        if let Some(link) = self.new_link(at) {
            let interface = interface();
            self.push(Action::CreateLink { interface, link }, &one.origin);
        }
        if let Some(mac) = one.mac {
            let interface = interface();
            self.push(Action::SetMac { interface, mac }, &one.origin);
        }
        if !one.offloads.is_empty() {
            let (interface, offloads) = (interface(), one.offloads);
            let action = Action::SetOffloads {
                interface,
                offloads,
            };
            self.push(action, &one.origin);
        }
        self.mtu(at);
        if matches!(one.kind, LinkKind::Vrf { .. }) {
            let interface = interface();
            self.push(Action::LinkUp { interface }, &one.origin);
        }
    }

    fn new_link(&self, at: usize) -> Option<NewLink> {
        Some(match &self.at(at).kind {
            LinkKind::Ethernet | LinkKind::Foreign { .. } => return None,
            LinkKind::Vlan { vlan } => {
                let parent = *self.topology.below(at).first()?;
                NewLink::Vlan {
                    id: vlan.id,
                    parent: self.at(parent).name.clone(),
                }
            }
            LinkKind::Bond { bond } => NewLink::Bond(Box::new(bond.parameters.clone())),
            LinkKind::Bridge { bridge } => NewLink::Bridge(bridge.parameters),
            LinkKind::Vrf { vrf } => NewLink::Vrf { table: vrf.table },
            LinkKind::Dummy(_) => NewLink::Dummy {},
        })
    }

    fn mtu(&mut self, at: usize) {
        if let Some((mtu, asks)) = self.mtus[at] {
            let interface = self.at(at).name.clone();
            let origin = &self.at(asks).origin;
            self.push(Action::SetMtu { interface, mtu }, origin);
        }
    }

    fn enslave(&mut self, member: usize, master: usize) {
        let (one, holder) = (self.at(member), self.at(master));
        let action = Action::SetMaster {
            interface: one.name.clone(),
            master: holder.name.clone(),
        };
        self.push(action, &holder.origin);
        match &holder.kind {
            LinkKind::Bridge { bridge } => {
                let port = BridgePort {
                    path_cost: bridge.path_cost.get(&one.id).copied(),
                    priority: bridge.port_priority.get(&one.id).copied(),
                    ..one.bridge_port
                };
                if !port.is_empty() {
                    let interface = one.name.clone();
                    self.push(Action::SetBridgePort { interface, port }, &holder.origin);
                }
            }
            // A bond gives its own MTU to each new member.
            LinkKind::Bond { .. } if bytes(self.mtus[member]) != bytes(self.mtus[master]) => {
                self.mtu(member);
            }
            _ => {}
        }
        self.configure(member);
    }

    fn primary(&mut self, at: usize) {
        let one = self.at(at);
        let LinkKind::Bond { bond } = &one.kind else {
            return;
        };
        let Some(id) = &bond.primary else {
            return;
        };
        let members = self.topology.below(at).iter();
        let primary = members
            .filter(|m| self.created[**m] && self.topology.master(**m) == Some(at))
            .find(|m| self.at(**m).id == *id);
        if let Some(&primary) = primary {
            let action = Action::SetBondPrimary {
                interface: one.name.clone(),
                primary: self.at(primary).name.clone(),
            };
            self.push(action, &one.origin);
        }
    }

    /// All that makes a link carry packets.
    fn configure(&mut self, at: usize) {
        let one = self.at(at);
        let interface = || one.name.clone();
        let holder = self.topology.master(at);
        let master = holder.filter(|m| self.created[*m]);
        let vrf = self.topology.vrf(at).filter(|v| self.is_ours(*v));
        // A bond's member without its bond (a VLAN on it leads there) is no
        // more in the VRF than with it.
        if let (None, Some(vrf)) = (holder, vrf) {
            self.create(vrf);
            let action = Action::SetMaster {
                interface: interface(),
                master: self.at(vrf).name.clone(),
            };
            self.push(action, &self.at(vrf).origin);
        }
        let goes_up = one.activation_mode.is_none() || self.on_path[at];
        let mut settings = self.ipv6(one, master);
        // The kernel gives it the link's own MTU again when the link goes up.
        let mtu = settings.mtu.take_if(|_| goes_up);
        if !settings.is_empty() {
            let interface = interface();
            let action = Action::SetIpv6 {
                interface,
                settings,
            };
            self.push(action, &one.origin);
        }
        for address in &one.addresses {
            let origin = address.origin.as_ref().unwrap_or(&one.origin);
            let action = Action::AddAddress {
                interface: interface(),
                address: address.clone(),
            };
            self.push(action, origin);
        }
        if goes_up {
            self.up(one, master);
        }
        if mtu.is_some() {
            let action = Action::SetIpv6 {
                interface: interface(),
                settings: Ipv6Settings {
                    mtu,
                    ..Ipv6Settings::default()
                },
            };
            self.push(action, &one.origin);
        }
        for rule in &one.rules {
            let action = Action::AddRule {
                interface: interface(),
                rule: Box::new(rule.clone()),
            };
            self.push(action, &rule.origin);
        }
        // The kernel refuses a route over a link that is down.
        for route in one.routes.iter().filter(|_| goes_up) {
            let origin = &route.origin;
            let route = Box::new(route.clone());
            let action = Action::AddRoute {
                interface: interface(),
                route,
            };
            self.push(action, origin);
        }
    }

    fn up(&mut self, one: &Interface, master: Option<usize>) {
        let interface = one.name.clone();
        let action = match (&one.dhcp4, &one.dhcp6) {
            (None, None) if matches!(one.kind, LinkKind::Vrf { .. }) => None,
            (None, None) => Some(Action::LinkUp { interface }),
            (dhcp4, dhcp6) => Some(Action::Dhcp {
                interface,
                dhcp4: dhcp4.clone(),
                dhcp6: dhcp6.clone(),
                table: one.table,
            }),
        };
        if let Some(action) = action {
            self.push(action, &one.origin);
        }
        if one.link_local.ipv4 && master.is_none() {
            let interface = one.name.clone();
            self.push(Action::Ipv4LinkLocal { interface }, &one.origin);
        }
    }

    fn ipv6(&self, one: &Interface, master: Option<usize>) -> Ipv6Settings {
        let is_port = master.is_some_and(|m| matches!(self.at(m).kind, LinkKind::Bridge { .. }));
        Ipv6Settings {
            mtu: one.ipv6_mtu,
            no_link_local: is_port || !one.link_local.ipv6,
            accept_ra: one.accept_ra,
            ra_metric: one.ra_metric,
            address_generation: one.ipv6_address_generation,
            token: one.ipv6_address_token,
            privacy: one.ipv6_privacy,
        }
    }
}

#[cfg(test)]
mod tests;
