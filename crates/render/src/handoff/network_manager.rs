//! The hand-off to NetworkManager: settings for root's interfaces that hold whatever
//! profile brings them up.
//!
//! The agent says which profile is already up (`crates/agent/src/net/profile.rs`).
//! Without these settings NetworkManager takes a profile down a few seconds after the
//! cable is pulled, gives up when a DHCP server is silent, and is another DHCP client
//! to the server than the initramfs was.

use std::fmt::Write as _;

use nvmeroot_plan::{BootPlan, Interface, LinkKind, Warning};

use crate::{FileSet, Mode, Runtime, TreePath};

/// One of the files that NetworkManager.conf(5) names.
const SETTINGS: TreePath = TreePath::fixed("etc/NetworkManager/conf.d/nvmeroot.conf");

const HEADER: &str = "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`.
#
# The root filesystem stands on these interfaces.
";

/// Takes the hand-off away.
pub(crate) fn remove(why: &'static str, set: &mut FileSet) {
    set.absent([SETTINGS], why);
}

/// Adds the file.
pub(crate) fn add(plan: &BootPlan, set: &mut FileSet) {
    let interfaces = plan.storage_interfaces();
    if interfaces.is_empty() {
        return remove("no interface leads to the root filesystem (any more)", set);
    }
    let why = "keeps NetworkManager from taking root's network away";
    set.file(SETTINGS, Mode::Config, why, settings(&interfaces));
}

/// What NetworkManager, or who hands over to it, can't do of a plan.
pub(crate) fn limits(plan: &BootPlan, runtime: Runtime) -> Vec<Warning> {
    let interfaces = plan.storage_interfaces();
    let carries = |id| {
        let mut all = interfaces.iter();
        all.any(|one| matches!(&one.kind, LinkKind::Vlan { vlan } if vlan.link == id))
    };
    let mut limits = Vec::new();
    for one in &interfaces {
        if one.connection.is_none() {
            continue;
        }
        let at = |message: String| Warning::at(one.origin.clone(), message);
        let hint = "let networkd render the interfaces that lead to the storage";
        if runtime == Runtime::Scripts {
            let message = format!(
                "NetworkManager takes `{}` over and does not know that it is up: the boot scripts can't tell it, and it renews no lease",
                one.name
            );
            limits.push(at(message).with_hint("let the agent run, or let networkd render"));
        } else if one.matching.is_some() && carries(one.id.clone()) {
            // write_nm_conf_access_point in netplan's src/nm.c draws one at each boot.
            let message = format!(
                "NetworkManager will not know that `{}` is up: netplan gives what is found by `match` and carries a VLAN another profile at each boot",
                one.name
            );
            limits.push(at(message).with_hint(hint));
        } else if one.asks_dhcp() {
            let message = format!(
                "NetworkManager takes `{}` over, and gives its address up when no DHCP server renews the lease, so root is lost; networkd keeps both",
                one.name
            );
            limits.push(at(message).with_hint(hint));
        }
    }
    limits
}

fn settings(interfaces: &[&Interface]) -> String {
    let mut text = HEADER.to_owned();
    for one in interfaces {
        let name = &one.name;
        // The link has been brought up for root: it is nobody else's, carrier or not.
        let _ = write!(
            text,
            "\n[device-nvmeroot-{name}]\nmatch-device=interface-name:={name}\nmanaged=1\nignore-carrier=yes\n"
        );
        let mut defaults = Vec::new();
        if let Some(client) = &one.dhcp4 {
            if client.identifier_mac {
                defaults.push("ipv4.dhcp-client-id=mac".to_owned());
            }
            defaults.push("ipv4.dhcp-timeout=2147483647".to_owned());
        }
        if let Some(client) = &one.dhcp6 {
            if let Some(iaid) = client.link_layer_iaid {
                defaults.push(format!("ipv6.dhcp-duid=ll\nipv6.dhcp-iaid={iaid}"));
            }
            defaults.push("ipv6.dhcp-timeout=2147483647".to_owned());
        }
        if !defaults.is_empty() {
            let defaults = defaults.join("\n");
            let _ = write!(
                text,
                "\n[connection-nvmeroot-{name}]\nmatch-device=interface-name:={name}\n{defaults}\n"
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use nvmeroot_plan::{ConnectionId, Dhcp4, Origin, Vlan};

    use super::*;
    use crate::testing::{controller, ethernet, initramfs_plan};

    fn of_manager(id: &str) -> Interface {
        let one = ethernet(id);
        Interface {
            connection: Some(ConnectionId::of(&one.id)),
            ..one
        }
    }

    fn plan(interfaces: Vec<Interface>) -> BootPlan {
        initramfs_plan(interfaces, vec![controller("10.0.0.9", "4420")])
    }

    fn said(interfaces: Vec<Interface>, runtime: Runtime) -> Vec<String> {
        let limits = limits(&plan(interfaces), runtime);
        limits.into_iter().map(|one| one.message).collect()
    }

    /// NetworkManager.conf(5): `ignore-carrier` of a device, the defaults of
    /// connections, and the form of `match-device`.
    #[test]
    fn every_interface_of_roots_has_its_settings() {
        let mut dhcp = ethernet("ens3");
        dhcp.dhcp4 = Some(Dhcp4::default());
        let plan = plan(vec![dhcp, ethernet("ens4")]);
        let text = settings(&plan.storage_interfaces());
        assert_eq!(
            text.strip_prefix(HEADER),
            Some(
                "
[device-nvmeroot-ens3]
match-device=interface-name:=ens3
managed=1
ignore-carrier=yes

[connection-nvmeroot-ens3]
match-device=interface-name:=ens3
ipv4.dhcp-client-id=mac
ipv4.dhcp-timeout=2147483647

[device-nvmeroot-ens4]
match-device=interface-name:=ens4
managed=1
ignore-carrier=yes
"
            )
        );
    }

    #[test]
    fn a_lease_that_network_manager_keeps_is_warned_of() {
        let mut dhcp = of_manager("ens3");
        assert_eq!(said(vec![dhcp.clone()], Runtime::Agent), [""; 0]);
        dhcp.dhcp4 = Some(Dhcp4::default());
        let said = said(vec![dhcp, ethernet("ens4")], Runtime::Agent);
        let [one] = said.as_slice() else {
            panic!("{said:?}");
        };
        assert!(
            one.starts_with("NetworkManager takes `ens3` over, and gives"),
            "{one}"
        );
    }

    #[test]
    fn the_scripts_can_not_tell_network_manager() {
        let said = said(vec![of_manager("ens3")], Runtime::Scripts);
        assert!(
            said[0].contains("the boot scripts can't tell it"),
            "{said:?}"
        );
    }

    /// netplan's `write_nm_conf_access_point` (src/nm.c).
    #[test]
    fn what_carries_a_vlan_and_is_found_by_match_has_no_lasting_profile() {
        let mut card = of_manager("ens3");
        card.matching = Some(nvmeroot_plan::Match::default());
        let mut vlan = of_manager("storage");
        vlan.kind = LinkKind::Vlan {
            vlan: Vlan {
                id: 7.try_into().expect("an id"),
                link: "ens3".parse().expect("an id"),
            },
        };
        vlan.origin = Origin::whole("network");
        let said = said(vec![card, vlan], Runtime::Agent);
        assert!(said[0].contains("another profile at each boot"), "{said:?}");
        assert_eq!(said.len(), 1, "{said:?}");
    }
}
