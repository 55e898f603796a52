//! Third stage: what in the plan deserves a word, and what the path can't have.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::path::{Router, gateway_off_link};
use crate::topology::Topology;
use crate::{
    BootPlan, Controller, ControllerPath, Interface, LinkKind, Mount, MountSource, Reach, Severity,
    Warning, inserted,
};

/// What the fragments say of the sources themselves.
pub(crate) struct Sources {
    /// Some source holds a network configuration.
    pub(crate) has_network: bool,
    /// What only the boot knows is among them.
    pub(crate) is_at_boot: bool,
    /// Files with network configuration that nobody reads.
    pub(crate) passed_over: Vec<String>,
    /// What matters only where the initramfs brings up a network.
    pub(crate) notices: Vec<Warning>,
}

/// No more files than this are named.
const MOST_FILES: usize = 8;

pub(crate) fn judge(plan: &mut BootPlan, sources: Sources) {
    // Of further ways the firmware or who boots the machine knows by himself.
    if !sources.is_at_boot {
        idle_controllers(plan);
    }
    unbound_link_local(plan);
    // How the firmware reached the drive its table says, which is there at boot.
    let is_known = plan.reach != Reach::Firmware || sources.is_at_boot;
    if plan.reach != Reach::Local && is_known {
        if sources.has_network {
            missing_routes(plan);
        } else {
            plan.warnings.push(no_network(plan, &sources.passed_over));
        }
    }
    if plan.reach.is_by_initramfs() {
        plan.warnings.extend(sources.notices);
    }
    interfaces(plan);
}

fn idle_controllers(plan: &mut BootPlan) {
    let mut used = vec![false; plan.controllers.len()];
    for &controller in plan.mounts.iter().flat_map(|m| &m.controllers) {
        used[controller] = true;
    }
    let idle = plan.controllers.iter().zip(used).filter(|(_, used)| !used);
    plan.warnings.extend(idle.map(|(controller, _)| {
        let message = format!(
            "nothing is mounted from the controller at `{}`",
            controller.portal()
        );
        Warning::at(controller.origin.clone(), message)
    }));
}

/// The kernel takes no link-local destination without an interface
/// (`tcp_v6_connect`: `EINVAL`).
fn unbound_link_local(plan: &mut BootPlan) {
    let mounts = plan.mounts.iter();
    let used: BTreeSet<usize> = inserted(mounts.flat_map(|m| m.controllers.clone()));
    let controllers = plan.controllers.iter().enumerate();
    for (index, controller) in controllers.filter(|(_, one)| is_unbound_link_local(one)) {
        let message = format!(
            "`{}` is a link-local address, and nothing says which interface leads to it",
            controller.traddr
        );
        let warning = Warning::at(controller.origin.clone(), message)
            .with_hint("add `host_iface`, or use an address of wider scope");
        if plan.reach.is_by_initramfs() || used.contains(&index) {
            plan.errors.push(warning);
        } else {
            plan.warnings.push(warning);
        }
    }
}

fn no_network(plan: &BootPlan, passed_over: &[String]) -> Warning {
    let warning =
        Warning::general("there is no network configuration, so nothing leads to the controllers");
    if passed_over.is_empty() {
        let is_installer_s = plan
            .mounts
            .iter()
            .any(|one| one.source == MountSource::Installer);
        return warning.with_hint(match is_installer_s {
            true => "configure the interface that leads there in the root tree, or pass the installer's netplan file in `write_files`",
            false => "configure the interface that leads there in the root tree",
        });
    }
    let mut names: Vec<String> = passed_over
        .iter()
        .take(MOST_FILES)
        .map(|path| format!("`{path}`"))
        .collect();
    if let more @ 1.. = passed_over.len().saturating_sub(MOST_FILES) {
        names.push(format!("{more} more"));
    }
    let hint = format!(
        "no network manager of the root tree reads {}: install the one that this is for, or write the configuration for netplan (`*.yaml`)",
        names.join(", ")
    );
    warning.with_hint(hint)
}

fn missing_routes(plan: &mut BootPlan) {
    let mut mounts_on: Vec<Vec<&Mount>> = vec![Vec::new(); plan.controllers.len()];
    for mount in &plan.mounts {
        for &controller in &mount.controllers {
            mounts_on[controller].push(mount);
        }
    }
    let lost = |path: &&ControllerPath| path.interfaces.is_empty();
    if !plan.paths.iter().any(|path| lost(&path)) {
        return;
    }
    let topology = Topology::new(&plan.network);
    let router = Router::new(&plan.network, &topology);
    let mut warnings = Vec::new();
    for path in plan.paths.iter().filter(lost) {
        let controller = &plan.controllers[path.controller];
        if is_unbound_link_local(controller) {
            continue;
        }
        let needed: Vec<String> = mounts_on[path.controller]
            .iter()
            .map(|m| format!("`{}`", m.path))
            .collect();
        let mut message = format!(
            "no interface leads to the controller at `{}`",
            controller.portal()
        );
        if !needed.is_empty() {
            message = format!("{message}, which {} needs", needed.join(", "));
        }
        let hint = hint(plan, &router, controller);
        warnings.push(Warning::at(controller.origin.clone(), message).with_hint(hint));
    }
    plan.warnings.extend(warnings);
}

fn is_unbound_link_local(controller: &Controller) -> bool {
    matches!(controller.traddr, IpAddr::V6(address) if address.is_unicast_link_local())
        && controller.options.host_iface.is_none()
}

/// What most likely keeps packets from the controller.
fn hint(plan: &BootPlan, router: &Router<'_>, controller: &Controller) -> String {
    let interfaces = &plan.network.interfaces;
    if let Some(name) = &controller.options.host_iface
        && interfaces.iter().all(|one| one.name != *name)
    {
        return format!("`host_iface` names `{name}`, and no interface of that name is configured");
    }
    if let Some((at, via)) = gateway_off_link(router, controller) {
        return format!(
            "the gateway `{via}` is in no network of `{}`: if it is on that link, add `on-link: true` to the route",
            interfaces[at].name
        );
    }
    let foreign: Vec<String> = interfaces
        .iter()
        .filter_map(|one| {
            let what = unsupported(one)?;
            Some(format!("`{}` ({what})", one.id))
        })
        .take(MOST_FILES)
        .collect();
    if !foreign.is_empty() {
        return format!(
            "the initramfs does not bring up {}, which may lead there: reach the storage over a network card, or a VLAN, a bond or a bridge on one",
            foreign.join(", ")
        );
    }
    "give an interface an address in the portal's network, a route to it, or DHCP".to_owned()
}

/// What keeps an interface from being brought up in the initramfs: its kind, or
/// a key of it.
fn unsupported(interface: &Interface) -> Option<&str> {
    if let LinkKind::Foreign { section } = &interface.kind {
        return Some(section);
    }
    let mut refused = interface.diagnostics.iter();
    let refused = refused.find(|diagnostic| diagnostic.severity == Severity::Refusal)?;
    let key = refused.warning.origin.as_ref()?.key.as_deref()?;
    key.rsplit('.').next()
}

/// Says of each interface's diagnostics what matters in this plan, and which
/// interfaces the path needs and can't have.
fn interfaces(plan: &mut BootPlan) {
    let by_initramfs = plan.reach.is_by_initramfs();
    let mut diagnostics: Vec<_> = plan
        .network
        .interfaces
        .iter_mut()
        .map(|one| std::mem::take(&mut one.diagnostics))
        .collect();
    let topology = Topology::new(&plan.network);
    let path = plan.on_path(&topology);
    let mut warnings = Vec::new();
    let mut errors = Vec::new();
    for (at, interface) in plan.network.interfaces.iter().enumerate() {
        for diagnostic in std::mem::take(&mut diagnostics[at]) {
            let to = match (diagnostic.severity, path[at]) {
                (Severity::Refusal | Severity::Doubt, true) => &mut errors,
                (Severity::Note, true) | (Severity::Doubt, false) => &mut warnings,
                (Severity::Notice, _) if by_initramfs => &mut warnings,
                (Severity::Notice | Severity::Note | Severity::Refusal, _) => continue,
            };
            to.push(diagnostic.warning);
        }
        // What stands on it would only be named again.
        if path[at] && !topology.exists(at) && topology.below(at).iter().all(|p| *p >= at) {
            errors.extend(impossible(interface));
        }
    }
    plan.warnings.extend(warnings);
    plan.errors.extend(errors);
}

/// A VLAN without a parent, or on itself.
fn impossible(interface: &Interface) -> Option<Warning> {
    let LinkKind::Vlan { vlan } = &interface.kind else {
        return None;
    };
    let message = format!(
        "`{}` is a VLAN on `{}`, which is not defined or stands on the VLAN itself",
        interface.id, vlan.link
    );
    let warning = Warning::at(interface.origin.clone(), message);
    Some(warning.with_hint("correct `link`, the id of the interface below"))
}

#[cfg(test)]
mod tests;
