//! The plan as ordered actions. The scripts runtime prints them, the agent
//! executes them: the two can't drift apart.

use crate::path::deciding_rules;
use crate::topology::{Topology, bytes};
use crate::{
    Action, BootPlan, BridgePort, Interface, InterfaceName, Ipv6Settings, LinkKind, Mtu, NewLink,
    Origin, Step,
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
    for (controller, c) in plan.controllers.iter().enumerate() {
        let portal = c.into();
        layout.push(Action::Connect { controller, portal }, &c.origin);
    }
    layout.steps
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

    /// What an interface's own definition asks for.
    fn own(&mut self, one: &Interface, action: impl FnOnce(InterfaceName) -> Action) {
        self.push(action(one.name.clone()), &one.origin);
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
        if one.kind == LinkKind::Ethernet
            && let Some(card) = one.matching.clone()
        {
            self.own(one, |interface| match one.set_name {
                true => Action::Rename { interface, card },
                false => Action::FindCard { interface, card },
            });
        }
        if let Some(link) = self.new_link(at) {
            self.own(one, |interface| Action::CreateLink { interface, link });
        }
        if let Some(mac) = one.mac {
            self.own(one, |interface| Action::SetMac { interface, mac });
        }
        if !one.offloads.is_empty() {
            self.own(one, |interface| Action::SetOffloads {
                interface,
                offloads: one.offloads,
            });
        }
        self.mtu(at);
        if matches!(one.kind, LinkKind::Vrf { .. }) {
            self.own(one, |interface| Action::LinkUp { interface });
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
            let primary = self.at(primary).name.clone();
            self.own(one, |interface| Action::SetBondPrimary {
                interface,
                primary,
            });
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
        self.set_ipv6(one, settings);
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
        let settings = Ipv6Settings {
            mtu,
            ..Ipv6Settings::default()
        };
        self.set_ipv6(one, settings);
        for rule in &one.rules {
            let action = Action::AddRule {
                interface: interface(),
                rule: Box::new(rule.clone()),
            };
            self.push(action, &rule.origin);
        }
        // The kernel refuses a route over a link that is down.
        for route in one.routes.iter().filter(|_| goes_up) {
            let action = Action::AddRoute {
                interface: interface(),
                route: Box::new(route.clone()),
            };
            self.push(action, &route.origin);
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
            self.own(one, |interface| Action::Ipv4LinkLocal { interface });
        }
    }

    fn set_ipv6(&mut self, one: &Interface, settings: Ipv6Settings) {
        if !settings.is_empty() {
            self.own(one, |interface| Action::SetIpv6 {
                interface,
                settings,
            });
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
