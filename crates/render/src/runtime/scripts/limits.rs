//! What the scripts can't do of a plan.

use std::collections::BTreeSet;

use nvmeroot_plan::{
    Action, BootPlan, DhcpOverrides, Interface, InterfaceName, Match, Scope, Warning, steps,
};

/// What the scripts can't do of a plan whose root needs them, each with where
/// the input asks for it.
pub(crate) fn limits(plan: &BootPlan) -> Vec<Warning> {
    Scripts { plan }.limits()
}

/// The scripts runtime is made of `ip`, `dhcpcd`, `ethtool` and `nvme`.
struct Scripts<'a> {
    plan: &'a BootPlan,
}

impl Scripts<'_> {
    fn limits(&self) -> Vec<Warning> {
        let mut limits = Vec::new();
        let mut ethtool: BTreeSet<&InterfaceName> = BTreeSet::new();
        let steps = steps(self.plan, Scope::Path);
        for step in &steps {
            let at = |message: String| Warning::at(step.origin.clone(), message);
            match &step.action {
                Action::Rename { interface, card } if !is_called(interface, card, self.plan) => {
                    limits.push(at(format!(
                        "the boot scripts do not carry `set-name` out: for them, the card must be called `{interface}` already"
                    )));
                }
                Action::Ipv4LinkLocal { interface } => limits.push(at(format!(
                    "the boot scripts take no IPv4 link-local address on `{interface}`"
                ))),
                Action::SetOffloads { interface, .. } if ethtool.insert(interface) => {
                    limits.push(at(format!(
                        "the boot scripts set the offloads of `{interface}` only where the program `ethtool` is installed"
                    )));
                }
                _ => {}
            }
        }
        for interface in self.plan.storage_interfaces() {
            limits.extend(self.of_interface(interface));
        }
        if let Some(known) = self.plan.known_ports.first() {
            let message = "the boot scripts connect what a discovery controller names with the same options, not with those that this file gives each port";
            limits.push(
                Warning::at(known.origin.clone(), message)
                    .with_hint("give the controller its `nqn`, or let the agent run"),
            );
        }
        limits
    }

    fn of_interface(&self, interface: &Interface) -> Vec<Warning> {
        let at = |message: String| Warning::at(interface.origin.clone(), message);
        let name = &interface.name;
        let mut limits = Vec::new();
        if let Some(card) = &interface.matching
            && !interface.set_name
            && literal(card) != Some(name.as_str())
        {
            let message = format!(
                "the boot scripts do not carry `match` out: for them, the card must be called `{name}`"
            );
            limits.push(
                at(message)
                    .with_hint("give the card's name, as `name` in `match`, or let the agent run"),
            );
        }
        for (key, asks, overrides) in [
            (
                "dhcp4-overrides",
                interface.dhcp4,
                &interface.dhcp4_overrides,
            ),
            (
                "dhcp6-overrides",
                interface.dhcp6,
                &interface.dhcp6_overrides,
            ),
        ] {
            let without_metric = overrides.clone().map(|overrides| DhcpOverrides {
                route_metric: None,
                ..overrides
            });
            let is_more = without_metric.is_some_and(|more| more != DhcpOverrides::default());
            if asks && is_more {
                let message = format!(
                    "the boot scripts carry only `route-metric` of `{key}` out on `{name}`"
                );
                limits.push(at(message));
            }
        }
        if (interface.dhcp4 || interface.dhcp6)
            && let Some(table) = interface.table
        {
            limits.push(at(format!(
                "the boot scripts put the routes that DHCP brings on `{name}` into the main table, not into table {table} of its VRF"
            )));
        }
        limits
    }
}

/// An installer that writes the name which the card has anyway as the name to
/// set asks for nothing.
fn is_called(interface: &InterfaceName, card: &Match, plan: &BootPlan) -> bool {
    let mut all = plan.network.interfaces.iter();
    let id = all.find(|one| one.name == *interface).map(|one| &one.id);
    match literal(card) {
        Some(name) => name == interface.as_str(),
        None => id.is_some_and(|id| id.as_str() == interface.as_str()),
    }
}

/// The name that a card is found by, where it is no pattern.
fn literal(card: &Match) -> Option<&str> {
    card.name
        .as_deref()
        .filter(|name| !name.contains(['*', '?', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Runtime;
    use crate::testing::{controller, ethernet, initramfs_plan};

    fn messages(plan: &BootPlan) -> Vec<String> {
        limits(plan)
            .into_iter()
            .map(|limit| limit.message)
            .collect()
    }

    #[test]
    fn the_scripts_say_what_they_can_t_and_the_agent_can() {
        let mut ens3 = ethernet("ens3");
        ens3.matching = Some(Match {
            driver: vec!["virtio_net".to_owned()],
            ..Match::default()
        });
        ens3.link_local.ipv4 = true;
        ens3.offloads.large_receive = Some(false);
        ens3.dhcp4 = true;
        ens3.dhcp4_overrides = Some(DhcpOverrides {
            use_mtu: Some(false),
            ..DhcpOverrides::default()
        });
        let mut renamed = ethernet("storage");
        renamed.set_name = true;
        renamed.matching = Some(Match {
            name: Some("ens9".to_owned()),
            ..Match::default()
        });
        let plan = initramfs_plan(vec![ens3, renamed], vec![controller("10.0.0.9", "4420")]);
        assert_eq!(
            messages(&plan),
            [
                "the boot scripts set the offloads of `ens3` only where the program `ethtool` is installed",
                "the boot scripts take no IPv4 link-local address on `ens3`",
                "the boot scripts do not carry `set-name` out: for them, the card must be called `storage` already",
                "the boot scripts do not carry `match` out: for them, the card must be called `ens3`",
                "the boot scripts carry only `route-metric` of `dhcp4-overrides` out on `ens3`",
            ]
        );
        assert_eq!(crate::limits(&plan, Runtime::Agent), []);
    }

    #[test]
    fn a_name_that_the_card_has_anyway_is_no_limit() {
        let mut ens3 = ethernet("ens3");
        ens3.set_name = true;
        ens3.matching = Some(Match::default());
        let plan = initramfs_plan(vec![ens3], vec![controller("10.0.0.9", "4420")]);
        assert_eq!(messages(&plan), Vec::<String>::new());
    }
}
