//! What the scripts can't do of a plan.

use std::collections::BTreeSet;

use nvmeroot_plan::{
    Action, BootPlan, Dhcp4, Dhcp6, InterfaceName, Match, Scope, Step, Warning, steps,
};

/// What the scripts can't do of a plan whose root needs them, each with where
/// the input asks for it.
pub(crate) fn limits(plan: &BootPlan) -> Vec<Warning> {
    // The scripts are made of `ip`, `dhcpcd`, `ethtool` and `nvme`.
    let mut limits = Vec::new();
    let mut ethtool: BTreeSet<&InterfaceName> = BTreeSet::new();
    let steps = steps(plan, Scope::Path);
    for step in &steps {
        let at = |message: String| Warning::at(step.origin.clone(), message);
        match &step.action {
            Action::FindCard { interface, card } if literal(card) != Some(interface.as_str()) => {
                let message = format!(
                    "the boot scripts do not carry `match` out: for them, the card must be called `{interface}`"
                );
                limits.push(
                    at(message).with_hint(
                        "give the card's name, as `name` in `match`, or let the agent run",
                    ),
                );
            }
            Action::Rename { interface, card } if !is_called(interface, card, plan) => {
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
        limits.extend(of_dhcp(step));
    }
    if let Some(known) = plan.known_ports.first() {
        let message = "the boot scripts connect what a discovery controller names with the same options, not with those that this file gives each port";
        limits.push(
            Warning::at(known.origin.clone(), message)
                .with_hint("give the controller its `nqn`, or let the agent run"),
        );
    }
    limits
}

/// dhcpcd has settings of its own.
fn of_dhcp(step: &Step) -> Vec<Warning> {
    let Action::Dhcp {
        interface,
        dhcp4,
        dhcp6,
        table,
    } = &step.action
    else {
        return Vec::new();
    };
    // The scripts carry these out.
    let more4 = dhcp4.as_ref().is_some_and(|client| {
        let usual = Dhcp4 {
            identifier_mac: client.identifier_mac,
            route_metric: client.route_metric,
            ..Dhcp4::default()
        };
        *client != usual
    });
    let more6 = dhcp6.as_ref().is_some_and(|client| {
        let usual = Dhcp6 {
            link_layer_iaid: client.link_layer_iaid,
            ..Dhcp6::default()
        };
        *client != usual
    });
    let mut limits = Vec::new();
    for (key, is_more) in [("dhcp4-overrides", more4), ("dhcp6-overrides", more6)] {
        if is_more {
            limits.push(format!(
                "the boot scripts carry only `route-metric` of `{key}` out on `{interface}`"
            ));
        }
    }
    if let Some(table) = table {
        limits.push(format!(
            "the boot scripts put the routes that DHCP brings on `{interface}` into the main table, not into table {table} of its VRF"
        ));
    }
    let at = |message| Warning::at(step.origin.clone(), message);
    limits.into_iter().map(at).collect()
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
        ens3.dhcp4 = Some(Dhcp4 {
            use_mtu: false,
            ..Dhcp4::default()
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
                "the boot scripts do not carry `match` out: for them, the card must be called `ens3`",
                "the boot scripts set the offloads of `ens3` only where the program `ethtool` is installed",
                "the boot scripts carry only `route-metric` of `dhcp4-overrides` out on `ens3`",
                "the boot scripts take no IPv4 link-local address on `ens3`",
                "the boot scripts do not carry `set-name` out: for them, the card must be called `storage` already",
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
