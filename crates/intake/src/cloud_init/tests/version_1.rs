//! What each type of entry becomes.

use super::*;
use crate::stopwatch::{limit, timed};

#[test]
fn a_physical_card_is_matched_by_its_mac_address_and_named() {
    let all = interfaces(
        "  - {type: physical, name: lan0, mac_address: '52:54:00:AB:CD:EF', mtu: 9000, accept-ra: no}\n",
    );
    let one = &all[0];
    let matching = one.matching.as_ref().expect("a match");
    assert_eq!(
        matching.macaddress.expect("an address").to_string(),
        "52:54:00:ab:cd:ef"
    );
    assert!(one.set_name);
    assert_eq!(one.name.to_string(), "lan0");
    assert_eq!(one.mtu.map(u64::from), Some(9000));
    assert_eq!(one.accept_ra, Some(false));
    assert_eq!(one.origin.to_string(), "c.yaml:4:5 `network.config[0]`");
    let plain = &interfaces("  - {type: physical, name: ens3}\n")[0];
    assert!(plain.matching.is_none() && !plain.set_name);
}

#[test]
fn prefix_lengths_come_from_slash_mask_key_or_nowhere() {
    let subnet = |rest: &str| {
        let entry = format!(
            "  - {{type: physical, name: e0, subnets: [{{type: static, address: {rest}}}]}}\n"
        );
        all(&entry).remove(0)
    };
    for (written, expected) in [
        ("10.0.0.5/22", "10.0.0.5/22"),
        ("10.0.0.5/255.255.252.0", "10.0.0.5/22"),
        ("10.0.0.5, netmask: 255.255.255.128", "10.0.0.5/25"),
        ("10.0.0.5, netmask: 20", "10.0.0.5/20"),
        ("10.0.0.5, prefix: 21, netmask: 20", "10.0.0.5/21"),
        ("10.0.0.5/22, netmask: 20", "10.0.0.5/22"),
        ("10.0.0.5", "10.0.0.5/24"),
        ("'2001:db8::5/56'", "2001:db8::5/56"),
        ("'2001:db8::5', netmask: 'ffff:ffff::'", "2001:db8::5/32"),
        ("'2001:db8::5'", "2001:db8::5/64"),
    ] {
        assert_eq!(subnet(written), format!("e0 {expected}"), "{written}");
    }
}

#[test]
fn a_gateway_is_a_default_route_and_on_link_outside_its_subnet() {
    let entries = "
  - type: physical
    name: e0
    subnets:
    - {type: static, address: 10.0.0.5/24, gateway: 10.0.0.1, metric: 50}
    - {type: static6, address: '2001:db8::5', gateway: 'fe80::1'}
    - {type: static, address: 192.0.2.5/32, gateway: 192.0.2.1}
";
    assert_eq!(
        all(entries),
        [
            "e0 10.0.0.5/24 2001:db8::5/64 192.0.2.5/32 (default via 10.0.0.1 metric 50) \
             (default via fe80::1 onlink) (default via 192.0.2.1 onlink)"
        ]
    );
    let one = &interfaces(entries)[0];
    assert_eq!(
        one.routes[0].origin.to_string(),
        "c.yaml:8:53 `network.config[0].subnets[0].gateway`"
    );
    let address = one.addresses[1].origin.as_ref().expect("a place");
    assert_eq!(
        address.to_string(),
        "c.yaml:9:32 `network.config[0].subnets[1].address`"
    );
}

#[test]
fn every_type_of_subnet_that_asks_for_an_address() {
    let entry = |kind: &str| {
        let entry = format!("  - {{type: physical, name: e0, subnets: [{{type: {kind}}}]}}\n");
        all(&entry).remove(0)
    };
    for (kind, expected) in [
        ("dhcp", "e0 dhcp4"),
        ("dhcp4", "e0 dhcp4"),
        ("dhcp6", "e0 dhcp6"),
        ("ipv6_dhcpv6-stateful", "e0 dhcp6"),
        ("ipv6_dhcpv6-stateless", "e0 dhcp6"),
        ("ipv6_slaac", "e0 dhcp6"),
        ("manual", "e0"),
    ] {
        assert_eq!(entry(kind), expected, "{kind}");
    }
    let all = interfaces(
        "  - {type: physical, name: e0, subnets: [{type: dhcp, metric: 99}, {type: ipv6_slaac, metric: 200}]}\n",
    );
    let metric = all[0].dhcp4.as_ref().map(|client| client.route_metric);
    assert_eq!((metric, all[0].ra_metric), (Some(99), Some(200)));
}

#[test]
fn routes_of_a_subnet_in_every_spelling() {
    let entries = "
  - type: physical
    name: e0
    subnets:
    - type: static
      address: 10.0.0.5/24
      metric: 9
      routes:
      - {destination: 192.168.0.0/16, gateway: 10.0.0.2, metric: 0}
      - {network: 172.16.0.0, netmask: 255.240.0.0, gateway: 10.0.0.3}
      - {network: 172.17.0.0, prefix: 17, gateway: 10.0.0.3}
      - {destination: default, gateway: 10.0.0.4}
    - type: static6
      address: '2001:db8::5/64'
      routes:
      - {network: '2001:db8:1::', netmask: 48, gateway: 'fe80::2'}
";
    assert_eq!(
        all(entries),
        [
            "e0 10.0.0.5/24 2001:db8::5/64 (192.168.0.0/16 via 10.0.0.2 metric 0) \
             (172.16.0.0/12 via 10.0.0.3 metric 9) (172.17.0.0/17 via 10.0.0.3 metric 9) \
             (0.0.0.0/0 via 10.0.0.4 metric 9) (2001:db8:1::/48 via fe80::2)"
        ]
    );
}

#[test]
fn vlan_on_bond_on_two_cards() {
    let entries = "
  - {type: vlan, name: bond0.7, vlan_link: bond0, vlan_id: 7, mtu: 1400, mac_address: '02:00:00:00:00:07', subnets: [{type: dhcp4}]}
  - {type: physical, name: e1, mac_address: '52:54:00:00:00:01'}
  - {type: physical, name: e0, mac_address: '52:54:00:00:00:02'}
  - {type: bond, name: bond0, bond_interfaces: [e1, e0], params: {bond_mode: active-backup, bond-miimon: 100}}
";
    let all = interfaces(entries);
    let names: Vec<_> = all.iter().map(|one| one.name.to_string()).collect();
    assert_eq!(names, ["e1", "e0", "bond0", "bond0.7"]);
    let nvmeroot_plan::LinkKind::Bond { bond } = &all[2].kind else {
        panic!("{:?}", all[2].kind)
    };
    let members: Vec<_> = bond
        .members
        .iter()
        .map(nvmeroot_plan::DefinitionId::as_str)
        .collect();
    assert_eq!(members, ["e0", "e1"]);
    let nvmeroot_plan::LinkKind::Vlan { vlan } = &all[3].kind else {
        panic!("{:?}", all[3].kind)
    };
    assert_eq!(format!("{} {}", vlan.id, vlan.link.as_str()), "7 bond0");
    assert_eq!(all[3].mtu.map(u64::from), Some(1400));
    assert!(all[3].mac.is_some() && all[3].matching.is_none());
}

/// What the other front-end says of parameters shows under which names they
/// arrive there, and where they were written.
#[test]
fn parameters_have_netplans_names_and_shapes() {
    let rendered = |entries: &str| {
        let text = version_1(entries);
        let document = crate::yaml::parse("c.yaml", &text).expect("YAML");
        let mut files = crate::cloud_init::Files::default();
        files.add(&document, false);
        let rendered = files.render();
        assert!(rendered.faults.shown.is_empty(), "{}", rendered.faults);
        let document = rendered.document.expect("a file");
        text_of(document.root())
    };
    assert_eq!(
        rendered(
            "  - {type: physical, name: e0}\n  - {type: bond, name: b0, bond_interfaces: [e0], params: {bond-xmit-hash-policy: layer3+4, \
             bond_lacp_rate: fast, bond-num_grat_arp: 3, bond_arp_ip_target: '10.0.0.1,10.0.0.2'}}\n"
        ),
        "{network: {version: 2, ethernets: {e0: {}}, bonds: {b0: {interfaces: [e0], parameters: \
         {transmit-hash-policy: layer3+4, lacp-rate: fast, gratuitous-arp: 3, arp-ip-targets: \
         [10.0.0.1, 10.0.0.2]}}}}}"
    );
    assert_eq!(
        rendered(
            "  - {type: physical, name: e0}\n  - {type: bridge, name: br0, bridge_interfaces: [e0], params: {bridge_stp: 'off', \
             bridge_fd: 15, bridge_pathcost: [e0 50], bridge_portprio: [e0 28], bridge_ageing: 250}}\n"
        ),
        "{network: {version: 2, ethernets: {e0: {}}, bridges: {br0: {interfaces: [e0], parameters: \
         {stp: false, forward-delay: 15, path-cost: {e0: 50}, port-priority: {e0: 28}, \
         ageing-time: 250}}}}}"
    );
}

fn text_of(node: crate::yaml::Node<'_>) -> String {
    match node.kind() {
        crate::yaml::Kind::Scalar(scalar) => scalar.text().to_owned(),
        crate::yaml::Kind::Sequence(items) => {
            let items: Vec<_> = items.iter().map(text_of).collect();
            format!("[{}]", items.join(", "))
        }
        crate::yaml::Kind::Mapping(mapping) => {
            let entries = mapping.entries();
            let entries: Vec<_> = entries
                .map(|entry| format!("{}: {}", entry.name(), text_of(entry.value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[test]
fn a_subnets_mtu_comes_over_the_interfaces_and_that_of_ipv6_beside_it() {
    let entries = "
  - type: physical
    name: e0
    mtu: 1500
    subnets:
    - {type: static, address: 10.0.0.5/24, mtu: 9000}
    - {type: static6, address: '2001:db8::5/64', mtu: 1400}
  - {type: physical, name: e1, mtu: 0}
";
    let all = interfaces(entries);
    assert_eq!(all[0].mtu.map(u64::from), Some(9000));
    assert_eq!(all[1].mtu, None);
    assert_eq!(
        diagnostics(&all[1]),
        ["note c.yaml:11:37 `network.config[1].mtu`: `mtu: 0` says nothing (remove it)"]
    );
}

#[test]
fn the_loopback_is_nobodys_business() {
    let entries = "
  - {type: loopback, name: lo, subnets: [{type: loopback, address: 10.9.9.9/32}]}
  - {type: physical, name: e0, keep_configuration: true, subnets: [{type: dhcp}]}
";
    let all = interfaces(entries);
    assert_eq!(all.len(), 1);
}

#[test]
fn five_thousand_interfaces_are_read_in_time() {
    use std::fmt::Write as _;
    let mut entries = String::new();
    for at in 0..5000 {
        let (high, low) = (at / 250, at % 250);
        let _ = writeln!(
            entries,
            "  - {{type: physical, name: e{at}, mac_address: '52:54:00:00:{:02x}:{:02x}', subnets: [{{type: static, address: 10.{high}.{low}.5/24, gateway: 10.{high}.{low}.1}}]}}\n  - {{type: route, destination: 172.16.{low}.0/24, gateway: 10.{high}.{low}.2}}",
            at / 256,
            at % 256
        );
    }
    let text = version_1(&entries);
    let (found, taken) = timed(|| fragment(&text).interfaces.expect("a network"));
    assert_eq!(found.len(), 5000);
    assert_eq!(found[4999].routes.len(), 2);
    assert!(taken < limit(200), "{taken:?}");
}
