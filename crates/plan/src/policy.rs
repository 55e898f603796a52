//! Last stage: the rules that every runtime and the hand-off obey. Each stands
//! here and nowhere else; what it decides stands in the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::dhcp::ROUTE_METRIC;
use crate::topology::Topology;
use crate::{
    BootPlan, Interface, LinkKind, MountPoint, Nqn, Reach, Requirement, Warning, inserted,
};

/// The loss timeout of root's controllers, where none is said: root has nowhere
/// else to go, so they are never given up.
const NEVER: i32 = -1;

/// The IAID of root's DHCPv6 lease. Which number it is does not matter (RFC
/// 8415, section 4.2: it only has to be the same each time), so the initramfs
/// and the running system are told this one.
const DHCPV6_IAID: u32 = 1;

/// Applies all rules to a plan that is complete but for them. [`crate::resolve`]
/// does it last; a test that puts a plan together by hand does it too. A second
/// time changes nothing.
pub fn apply(plan: &mut BootPlan) {
    tables(plan);
    if !plan.reach.is_by_initramfs() {
        return;
    }
    for controller in &mut plan.controllers {
        controller.options.ctrl_loss_tmo.get_or_insert(NEVER);
    }
    // Before `accept_ra` is set: it is what the input says that decides.
    let on_path = plan.on_path(&Topology::new(&plan.network));
    let needs_advertisements: Vec<bool> = plan
        .network
        .interfaces
        .iter()
        .map(|one| one.dhcp6.is_some() || needs_advertisements(plan, one))
        .collect();
    let warnings = &mut plan.warnings;
    for (at, interface) in plan.network.interfaces.iter_mut().enumerate() {
        // Where nothing comes by router advertisement that root needs, routes
        // that the kernel makes of one would stay beside the running system's
        // own. A VRF is no host on any link.
        let is_host = !matches!(interface.kind, LinkKind::Vrf { .. });
        if is_host && !needs_advertisements[at] {
            if on_path[at] && interface.accept_ra == Some(true) {
                let message = format!(
                    "the initramfs accepts no router advertisements on `{}`, whatever `accept-ra` \
                     says: nothing that root needs comes by one; the running system does as it says",
                    interface.name
                );
                warnings.push(Warning::at(interface.origin.clone(), message));
            }
            interface.accept_ra = Some(false);
        }
        if interface.dhcp6.is_some() {
            // DHCPv6 gives addresses without a prefix; the prefix and the routes
            // come from routers (RFC 8415, section 1.2).
            interface.accept_ra.get_or_insert(true);
        }
        if on_path[at] {
            identify(interface);
        }
        interface.ra_metric = announced_metric(interface).filter(|_| is_host);
    }
    plan.modules = modules(plan, &on_path);
    plan.requirements = requirements(plan);
}

/// The routes of a VRF and of what it holds are in its table, as networkd has
/// it; the kernel would take the main one.
fn tables(plan: &mut BootPlan) {
    let topology = Topology::new(&plan.network);
    let places = 0..topology.interfaces.len();
    let tables: Vec<_> = places.map(|at| topology.vrf_table(at)).collect();
    for (interface, table) in plan.network.interfaces.iter_mut().zip(tables) {
        interface.table = table;
        for route in &mut interface.routes {
            route.table = route.table.or(table);
        }
    }
}

/// To DHCP servers the host is its card's MAC address, in the initramfs and in
/// the running system. Its machine id would be the other way, the default of
/// systemd-networkd; but an image that is made for many machines has none
/// before it has booted (machine-id(5)), and the initramfs is made before that.
fn identify(interface: &mut Interface) {
    if let Some(client) = &mut interface.dhcp4 {
        client.identifier_mac = true;
    }
    if let Some(client) = &mut interface.dhcp6 {
        client.link_layer_iaid = Some(DHCPV6_IAID);
    }
}

/// The metric that the running system's network manager gives what routers announce
/// on this interface, where it is not its default: NetworkManager is told it beside
/// DHCPv6, networkd for all dynamic configuration of an interface at once
/// (systemd.network(5), `[DHCP]`).
fn announced_metric(interface: &Interface) -> Option<u32> {
    let of_dhcp = match (&interface.dhcp4, &interface.dhcp6) {
        (Some(client), _) => Some(client.route_metric),
        (None, Some(_)) => Some(ROUTE_METRIC),
        (None, None) => None,
    };
    let metric = interface.ra_metric.or(of_dhcp);
    metric.filter(|_| of_dhcp.is_some() && interface.accept_ra != Some(false))
}

/// Only a router advertisement can say how to get to one of the controllers
/// that the interface leads to.
fn needs_advertisements(plan: &BootPlan, interface: &Interface) -> bool {
    let known = |to: IpAddr| {
        interface.addresses.iter().any(|a| a.address.contains(&to))
            || interface.routes.iter().any(|r| r.covers(to).is_some())
            || matches!(to, IpAddr::V6(to) if to.is_unicast_link_local())
    };
    plan.paths
        .iter()
        .filter(|path| {
            let mut interfaces = path.interfaces.iter();
            interfaces.any(|egress| egress.interface == interface.name)
        })
        .filter_map(|path| plan.controllers.get(path.controller))
        .any(|controller| controller.traddr.is_ipv6() && !known(controller.traddr))
}

/// What generators leave out of the initramfs, also those that take most of
/// the modules.
fn modules(plan: &BootPlan, on_path: &[bool]) -> Vec<String> {
    let interfaces = plan.network.interfaces.iter().zip(on_path);
    let kinds = interfaces.filter_map(|(one, on_path)| on_path.then_some(&one.kind));
    let mut modules: BTreeSet<&str> = inserted(kinds.filter_map(LinkKind::module));
    let mut options = plan.controllers.iter().map(|one| &one.options);
    if options.any(|o| o.hdr_digest || o.data_digest) {
        // nvme-tcp asks for what computes them by this name, and names no module
        // (nvme_tcp_alloc_crypto in drivers/nvme/host/tcp.c).
        modules.insert("crypto-crc32c");
    }
    if plan.reach == Reach::Firmware {
        // What the firmware's table may ask for on some machine: a VLAN, digests; and
        // what only the kernel command line can say.
        modules.extend(["8021q", "bonding", "crypto-crc32c"]);
    }
    modules.into_iter().map(str::to_owned).collect()
}

/// Controllers of one subsystem are paths to the same storage: one of them is
/// enough. Of controllers whose subsystem is not known each may hold a part
/// (the mount may lie on a RAID), so each portal is needed, over whichever card.
fn requirements(plan: &BootPlan) -> Vec<Requirement> {
    let mut found: BTreeMap<Vec<usize>, Vec<MountPoint>> = BTreeMap::new();
    for mount in plan.mounts.iter().filter(|m| m.essential) {
        let mut groups: BTreeMap<Group<'_>, Vec<usize>> = BTreeMap::new();
        for &index in &mount.controllers {
            let Some(controller) = plan.controllers.get(index) else {
                continue;
            };
            let group = match &controller.nqn {
                Some(nqn) if nqn.as_str() != Nqn::DISCOVERY => Group::Subsystem(nqn),
                _ => Group::Portal(controller.traddr, controller.trsvcid.get()),
            };
            groups.entry(group).or_default().push(index);
        }
        for group in groups.into_values() {
            let mounts = found.entry(group).or_default();
            if !mounts.contains(&mount.path) {
                mounts.push(mount.path.clone());
            }
        }
    }
    let requirement = |(any_of, mounts)| Requirement { any_of, mounts };
    found.into_iter().map(requirement).collect()
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Group<'a> {
    Subsystem(&'a Nqn),
    Portal(IpAddr, u16),
}

#[cfg(test)]
mod tests;
