use super::*;
use crate::testing::{controller, ethernet, initramfs_plan};

fn read(plan: &BootPlan) -> Document {
    let text = document(plan, &[]).expect("a document");
    serde_json::from_str(&text).expect("the agent reads it")
}

#[test]
fn the_agent_reads_what_was_planned() {
    let mut ens3 = ethernet("ens3");
    ens3.addresses = vec![nvmeroot_plan::InterfaceAddress::new(
        "10.0.0.5/24".parse().expect("an address"),
    )];
    let mut plan = initramfs_plan(vec![ens3], vec![controller("10.0.0.9", "4420")]);
    // It leads nowhere near root: no step, and nothing is told.
    plan.network.interfaces.push(ethernet("ens4"));
    let document = read(&plan);
    assert_eq!(document.plan, plan);
    assert_eq!(document.steps, nvmeroot_plan::steps(&plan, Scope::Path));
    let kinds = ["set_ipv6", "add_address", "link_up", "connect"];
    let found = serde_json::to_value(&document.steps).expect("JSON");
    let found = found.as_array().expect("steps").iter();
    let found: Vec<_> = found.map(|step| step["kind"].clone()).collect();
    assert_eq!(found, kinds);
}

/// Both sides of switch-root are the same DHCP client.
#[test]
fn the_agent_and_the_running_system_are_told_the_same_identity() {
    let mut four = ethernet("ens3");
    four.dhcp4 = Some(nvmeroot_plan::Dhcp4::default());
    let mut six = ethernet("ens4");
    six.dhcp6 = Some(nvmeroot_plan::Dhcp6::default());
    let both = vec![four.clone(), six.clone()];
    let mut plan = initramfs_plan(both, vec![controller("10.0.0.9", "4420")]);
    let mut other = ethernet("ens5");
    (other.dhcp4, other.dhcp6) = (four.dhcp4.clone(), six.dhcp6.clone());
    plan.network.interfaces.push(other);
    nvmeroot_plan::apply_policy(&mut plan);
    let told = read(&plan).plan.network.interfaces;
    let identities: Vec<_> = told
        .iter()
        .map(|i| {
            let four = i.dhcp4.as_ref().map(|client| client.identifier_mac);
            let six = i.dhcp6.as_ref().map(|client| client.link_layer_iaid);
            (four, six)
        })
        .collect();
    // The last one is left to the running system altogether.
    let expected = [
        (Some(true), None),
        (None, Some(Some(1))),
        (Some(false), Some(None)),
    ];
    assert_eq!(identities, expected);

    let mut set = FileSet::default();
    crate::handoff::netplan::add(&plan, &mut set).expect("files");
    let text: String = set
        .into_iter()
        .filter_map(|change| match &change.kind {
            ChangeKind::File { bytes, .. } => Some(String::from_utf8_lossy(bytes)),
            _ => None,
        })
        .collect();
    assert_eq!(text.matches("dhcp-identifier: mac").count(), 1);
    assert!(text.contains("[DHCPv6]\nDUIDType=link-layer\nIAID=1\n"));
}

/// OpenZFS' units of dracut's images look for pools once, and not after `cryptsetup-pre`.
#[test]
fn who_puts_root_together_begins_when_the_drives_are_there() {
    let unit = include_str!("nvmeroot-wait.service");
    let lines = unit.lines().filter_map(|line| line.strip_prefix("Before="));
    let after: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    for one in [
        "cryptsetup-pre.target",
        "zfs-import-cache.service",
        "zfs-import-scan.service",
    ] {
        assert!(after.contains(&one), "{one}: {after:?}");
    }
}
