//! Parameters of bonds and bridges, as netplan and networkd understand them.

use nvmeroot_plan::{Action, BondParameters, Bridge, LinkKind, NewLink};

use super::schema::actions_of;
use super::*;
use crate::netplan::schema::{ValueType, find, section};

fn links(section: &str, parameters: &str) -> Vec<Interface> {
    interfaces(&format!(
        "network: {{ethernets: {{e0: {{}}, e1: {{}}}}, {section}: {{it0: {{interfaces: [e0, e1], \
         parameters: {{{parameters}}}}}}}}}"
    ))
}

fn bond(parameters: &str) -> (nvmeroot_plan::Bond, Vec<String>) {
    let it = links("bonds", parameters).remove(2);
    let said = diagnostics(&it);
    match it.kind {
        LinkKind::Bond { bond } => (bond, said),
        other => panic!("{other:?}"),
    }
}

fn bridge(parameters: &str) -> (Bridge, Vec<String>) {
    let it = links("bridges", parameters).remove(2);
    let said = diagnostics(&it);
    match it.kind {
        LinkKind::Bridge { bridge } => (bridge, said),
        other => panic!("{other:?}"),
    }
}

/// Every key of the table, a value, what it needs beside it, and its JSON form
/// in the plan.
const BOND: &[(&str, &str, &str, &str)] = &[
    ("mode", "802.3ad", "", r#""mode":"802.3ad""#),
    (
        "lacp-rate",
        "fast",
        "mode: 802.3ad",
        r#""lacp_rate":"fast""#,
    ),
    (
        "mii-monitor-interval",
        "100",
        "",
        r#""mii_monitor_interval":100"#,
    ),
    ("min-links", "2", "", r#""min_links":2"#),
    (
        "transmit-hash-policy",
        "layer3+4",
        "mode: balance-xor",
        r#""transmit_hash_policy":"layer3+4""#,
    ),
    (
        "ad-select",
        "count",
        "mode: 802.3ad",
        r#""ad_select":"count""#,
    ),
    (
        "all-members-active",
        "yes",
        "",
        r#""all_members_active":true"#,
    ),
    (
        "all-slaves-active",
        "yes",
        "",
        r#""all_members_active":true"#,
    ),
    (
        "arp-interval",
        "1s",
        "mode: active-backup",
        r#""arp_interval":1000"#,
    ),
    (
        "arp-ip-targets",
        "[10.0.0.9, 10.0.0.8, 10.0.0.9]",
        "",
        r#""arp_ip_targets":["10.0.0.9","10.0.0.8"]"#,
    ),
    (
        "arp-validate",
        "backup",
        "mode: active-backup",
        r#""arp_validate":"backup""#,
    ),
    ("arp-all-targets", "all", "", r#""arp_all_targets":"all""#),
    (
        "up-delay",
        "0.5s",
        "mii-monitor-interval: 100",
        r#""up_delay":500"#,
    ),
    (
        "down-delay",
        "200",
        "mii-monitor-interval: 100ms",
        r#""down_delay":200"#,
    ),
    (
        "fail-over-mac-policy",
        "follow",
        "mode: active-backup",
        r#""fail_over_mac_policy":"follow""#,
    ),
    ("gratuitous-arp", "3", "", r#""gratuitous_arp":3"#),
    ("gratuitious-arp", "3", "", r#""gratuitous_arp":3"#),
    ("packets-per-member", "4", "", r#""packets_per_member":4"#),
    ("packets-per-slave", "4", "", r#""packets_per_member":4"#),
    (
        "primary-reselect-policy",
        "better",
        "mode: balance-tlb",
        r#""primary_reselect_policy":"better""#,
    ),
    ("resend-igmp", "5", "", r#""resend_igmp":5"#),
    (
        "learn-packet-interval",
        "1min",
        "",
        r#""learn_packet_interval":60"#,
    ),
    ("primary", "e1", "mode: active-backup", r#""primary":"e1""#),
];

const BRIDGE: &[(&str, &str, &str, &str)] = &[
    ("ageing-time", "50", "", r#""ageing_time":5000"#),
    ("aging-time", "1min", "", r#""ageing_time":6000"#),
    ("priority", "4096", "", r#""priority":4096"#),
    (
        "port-priority",
        "{e0: 14}",
        "",
        r#""port_priority":{"e0":14}"#,
    ),
    ("forward-delay", "4", "", r#""forward_delay":400"#),
    ("hello-time", "1500ms", "", r#""hello_time":150"#),
    ("max-age", "10s", "", r#""max_age":1000"#),
    ("path-cost", "{e1: 70}", "", r#""path_cost":{"e1":70}"#),
    ("stp", "off", "", r#""stp":false"#),
];

/// None is dropped: each is in the plan and in the steps.
#[test]
fn every_parameter_is_in_the_plan_and_in_the_steps() {
    for (section_name, table) in [("bonds", BOND), ("bridges", BRIDGE)] {
        let keys = section(section_name).expect("a section").keys;
        let ValueType::Map(groups) = &find(keys, "parameters").expect("a key").value_type else {
            panic!("no mapping");
        };
        let known: Vec<&str> = groups
            .iter()
            .flat_map(|g| g.iter().map(|k| k.name))
            .collect();
        let tried: Vec<&str> = table.iter().map(|(key, ..)| *key).collect();
        assert_eq!(tried, known);
        for (key, value, beside, json) in table {
            let without = links(section_name, beside);
            let comma = if beside.is_empty() { "" } else { ", " };
            let with = links(section_name, &format!("{beside}{comma}{key}: {value}"));
            let text = serde_json::to_string(&with[2].kind).expect("JSON");
            assert!(text.contains(json), "{key}: {text}");
            assert_eq!(diagnostics(&with[2]), Vec::<String>::new(), "{key}");
            assert_ne!(actions_of(with), actions_of(without), "{key}");
        }
    }
}

#[test]
fn a_bridge_speaks_the_spanning_tree_protocol_unless_told_otherwise() {
    assert_eq!(bridge("").0.parameters.stp, Some(true));
    let bare = interfaces("network: {bridges: {it0: {}}}");
    let created = actions_of(bare)
        .into_iter()
        .find_map(|action| match action {
            Action::CreateLink {
                link: NewLink::Bridge(parameters),
                ..
            } => Some(parameters.stp),
            _ => None,
        });
    assert_eq!(created, Some(Some(true)));
}

/// As networkd does, which would else ask the kernel for what it refuses.
#[test]
fn what_a_mode_does_not_know_is_left_out_and_noted() {
    let (bond, said) = bond(
        "lacp-rate: fast, primary: e0, up-delay: 100, arp-interval: 10, arp-validate: all, \
         mode: balance-alb, packets-per-slave: 2",
    );
    assert_eq!(
        bond.parameters,
        BondParameters {
            mode: Some(nvmeroot_plan::BondMode::BalanceAlb),
            ..BondParameters::default()
        }
    );
    assert_eq!(bond.primary.map(|id| id.to_string()).as_deref(), Some("e0"));
    let keys: Vec<&str> = said
        .iter()
        .map(|text| {
            assert!(text.starts_with("note "), "{text}");
            text.rsplit("parameters.").next().expect("a key")
        })
        .collect();
    assert_eq!(
        keys,
        [
            "lacp-rate: a bond in mode `balance-alb` knows no `lacp-rate`",
            "packets-per-slave: a bond in mode `balance-alb` knows no `packets-per-slave`",
            "arp-interval: a bond in mode `balance-alb` knows no `arp-interval`",
            "arp-validate: a bond in mode `balance-alb` knows no `arp-validate`",
            "up-delay: without `mii-monitor-interval` there is no `up-delay`",
        ]
    );
    // Without a mode it is the kernel's first one.
    let (bond, said) = self::bond("primary: e0");
    assert_eq!((bond.primary, said.len()), (None, 1));
}

#[test]
fn a_nought_is_nothing_said() {
    let (bond, said) = bond(
        "mii-monitor-interval: 0, min-links: 0, gratuitous-arp: 0, resend-igmp: 0, up-delay: 0, \
         learn-packet-interval: 0, packets-per-member: 0, arp-interval: 0ms",
    );
    assert_eq!((bond.parameters, said), Default::default());
    let (bridge, said) = bridge(
        "priority: 0, forward-delay: 0, hello-time: 0, max-age: 0, ageing-time: 0, \
         path-cost: {e0: 0}, port-priority: {e1: 0}",
    );
    let age = bridge.parameters.ageing_time.map(u64::from);
    assert_eq!((age, bridge.parameters.priority), (Some(0), None));
    assert_eq!(bridge.parameters.forward_delay, None);
    assert_eq!((bridge.path_cost.len(), bridge.port_priority.len()), (0, 0));
    assert_eq!(said, Vec::<String>::new());
    let (bridge, said) = self::bridge("forward-delay: 0, stp: no");
    let delay = bridge.parameters.forward_delay.map(u64::from);
    assert_eq!((delay, said), (Some(0), Vec::new()));
}

#[test]
fn the_last_spelling_counts() {
    let (bond, _) = bond("gratuitous-arp: 1, gratuitious-arp: 2");
    assert_eq!(bond.parameters.gratuitous_arp, Some(2));
    let (bond, _) = self::bond("all-slaves-active: no, all-members-active: yes");
    assert_eq!(bond.parameters.all_members_active, Some(true));
}

#[test]
fn what_neither_networkd_nor_the_kernel_takes_is_a_doubt() {
    let said = |parameters: &str| bond(parameters).1;
    let at = "1:89 network.bonds.it0.parameters";
    assert_eq!(
        said("up-delay: soon"),
        [format!(
            "doubt {at}.up-delay: `soon` is no time (write a number with its unit, such as \
             `100ms` or `15s`)"
        )]
    );
    assert_eq!(
        said("transmit-hash-policy: layer4"),
        [format!(
            "doubt {at}.transmit-hash-policy: `layer4` is no transmit hash policy: expected one \
             of `layer2`, `layer3+4`, `layer2+3`, `encap2+3`, `encap3+4`, `vlan+srcmac`"
        )]
    );
    assert_eq!(
        said("resend-igmp: 256"),
        [format!(
            "doubt {at}.resend-igmp: `256` is more than the kernel takes (write a number up to \
             255)"
        )]
    );
    let targets: Vec<String> = (1..=17).map(|n| format!("10.0.0.{n}")).collect();
    let said = said(&format!("arp-ip-targets: [{}]", targets.join(", ")));
    assert!(said[0].starts_with("doubt") && said.len() == 1, "{said:?}");
    let at = "1:91 network.bridges.it0.parameters";
    assert_eq!(
        bridge("hello-time: 11").1,
        [format!(
            "doubt {at}.hello-time: the kernel does not take `11` for `hello-time` (write a time \
             from 1 to 10 seconds)"
        )]
    );
    let far = bridge("forward-delay: 31").1;
    assert_eq!(far.len(), 1, "{far:?}");
    assert_eq!(bridge("forward-delay: 31, stp: no").1, Vec::<String>::new());
    let cost = bridge("path-cost: {e0: 65536}").1;
    assert!(
        cost[0].contains("path-cost.e0: `65536` is no path's cost"),
        "{cost:?}"
    );
}

#[test]
fn what_no_bond_of_the_kernel_can_do_is_refused() {
    let (_, said) = bond("mode: balance-tcp");
    assert_eq!(
        said,
        [
            "refusal 1:89 network.bonds.it0.parameters.mode: `balance-tcp` is a mode of Open \
          vSwitch's, which does not run in the initramfs (`802.3ad` and `balance-xor` are the \
          kernel's own modes nearest to it)"
        ]
    );
    let (_, said) = bond("arp-interval: 100, mii-monitor-interval: 100");
    assert!(
        said[0].starts_with("refusal") && said.len() == 1,
        "{said:?}"
    );
}

#[test]
fn what_is_said_of_a_stranger_is_noted() {
    let of = |section: &str, parameters: &str| {
        let it = interfaces(&format!(
            "network: {{ethernets: {{e0: {{}}, e1: {{}}}}, {section}: {{it0: {{interfaces: [e0], \
             parameters: {{{parameters}}}}}}}}}"
        ));
        diagnostics(&it[2])
    };
    for (section, parameters) in [
        ("bonds", "mode: active-backup, primary: e1"),
        ("bridges", "path-cost: {e0: 5, e1: 6}"),
        ("bridges", "port-priority: {e1: 6, e0: 5}"),
    ] {
        let said = of(section, parameters);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("note"), "{said:?}");
        assert!(said[0].contains("counts only of members, and `e1` is none"));
        assert_eq!(
            of(section, &parameters.replace("e1", "e0")),
            Vec::<String>::new()
        );
    }
}

#[test]
fn a_port_that_nobody_defines_is_an_error() {
    let text = "network: {bridges: {br0: {parameters: {path-cost: {e7: 5}}}}}";
    let found = refused(text).to_string();
    assert!(found.contains("no interface is defined as `e7`"), "{found}");
}
