//! What cloud-init drops, and what nobody knows: said where it stands.

use super::*;

fn of_first(entries: &str) -> Vec<String> {
    diagnostics(&interfaces(entries)[0])
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    assert_eq!(
        of_first(
            "  - {type: physical, name: e0, mac: '52:54:00:00:00:01', mac_adress: '52:54:00:00:00:02', subnets: [{type: dhcp, metrik: 1}]}\n"
        ),
        [
            "doubt c.yaml:4:32 `network.config[0].mac`: unknown key `mac`",
            "doubt c.yaml:4:58 `network.config[0].mac_adress`: unknown key `mac_adress` (did you \
             mean `mac_address`?)",
            "doubt c.yaml:4:114 `network.config[0].subnets[0].metrik`: unknown key `metrik` (did \
             you mean `metric`?)"
        ]
    );
    let bond = |parameter: &str| {
        let entries = format!(
            "  - {{type: physical, name: e0}}\n  - {{type: bond, name: b0, bond_interfaces: [e0], params: {{{parameter}}}}}\n"
        );
        diagnostics(&interfaces(&entries)[1])
    };
    for (parameter, expected) in [
        (
            "mode: 802.3ad",
            "unknown key `mode` (did you mean `bond-mode`?)",
        ),
        (
            "bond-xmit_hash_polcy: layer2",
            "unknown key `bond-xmit_hash_polcy` (did you mean `bond-xmit-hash-policy`?)",
        ),
        ("bond-colour: red", "unknown key `bond-colour`"),
    ] {
        let found = bond(parameter);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("doubt ") && found[0].ends_with(expected),
            "{found:?}"
        );
    }
    let bridge = interfaces(
        "  - {type: bridge, name: br0, bridge_interfaces: [], params: {bridge-stp: 'on'}}\n",
    );
    assert_eq!(
        diagnostics(&bridge[0]),
        [
            "doubt c.yaml:4:63 `network.config[0].params.bridge-stp`: unknown key `bridge-stp` \
             (did you mean `bridge_stp`?)"
        ]
    );
}

#[test]
fn what_the_loopback_says_is_a_warning() {
    let text = version_1("  - {type: loopback, name: lo, adress: 10.0.0.5}\n");
    assert_eq!(
        warnings(&fragment(&text)),
        ["c.yaml:4:32 `network.config[0].adress`: unknown key `adress`"]
    );
}

#[test]
fn keys_without_a_place_in_netplans_file() {
    assert_eq!(
        of_first(
            "  - {type: physical, name: e0, optional: true, subnets: [{type: dhcp, control: manual}]}\n"
        ),
        [
            "note c.yaml:4:32 `network.config[0].optional`: `optional` is left aside: cloud-init \
             does not write it for netplan",
            "note c.yaml:4:71 `network.config[0].subnets[0].control`: `control` is left aside: \
             cloud-init does not write it for netplan"
        ]
    );
    let bond = interfaces(
        "  - {type: physical, name: e0}\n  - {type: bond, name: b0, bond_interfaces: [e0], params: {bond-slaves: none, bond-use_carrier: 1}}\n",
    );
    assert_eq!(
        diagnostics(&bond[1]),
        [
            "note c.yaml:5:79 `network.config[1].params.bond-use_carrier`: `bond-use_carrier` is \
             left aside: cloud-init does not write it for netplan"
        ]
    );
}

#[test]
fn what_only_a_static_subnet_has() {
    let entries = "
  - type: physical
    name: e0
    subnets:
    - type: dhcp4
      gateway: 10.0.0.1
      dns_nameservers: [10.0.0.1]
      routes: [{destination: 10.9.0.0/16, gateway: 10.0.0.2}]
";
    assert_eq!(all(entries), ["e0 dhcp4 (10.9.0.0/16 via 10.0.0.2)"]);
    assert_eq!(
        of_first(entries),
        [
            "note c.yaml:9:7 `network.config[0].subnets[0].gateway`: `gateway` is left aside: \
             cloud-init does not read it in a `dhcp4` subnet",
            "note c.yaml:10:7 `network.config[0].subnets[0].dns_nameservers`: `dns_nameservers` is \
             left aside: cloud-init does not read it in a `dhcp4` subnet",
            "notice c.yaml:11:7 `network.config[0].subnets[0].routes`: cloud-init does not write \
             the `routes` of a `dhcp4` subnet for netplan; the initramfs sets them (write them \
             under a `static` subnet of the interface)"
        ]
    );
}

#[test]
fn a_route_of_its_own_goes_where_its_gateway_is() {
    let entries = "
  - {type: physical, name: e0, subnets: [{type: static, address: 10.0.0.5/8}]}
  - {type: physical, name: e1, subnets: [{type: static, address: 10.1.0.5/16}]}
  - {type: route, destination: 192.168.0.0/16, gateway: 10.1.0.1, metric: 3}
";
    assert_eq!(
        all(entries),
        [
            "e0 10.0.0.5/8",
            "e1 10.1.0.5/16 (192.168.0.0/16 via 10.1.0.1 metric 3)"
        ]
    );
    assert_eq!(
        diagnostics(&interfaces(entries)[1]),
        [
            "notice c.yaml:7:5 `network.config[2]`: cloud-init does not write this route for \
             netplan; the initramfs sets it over `e1` (write it under `routes` of the subnet that \
             its gateway is in)"
        ]
    );
    let lost = version_1(
        "  - {type: physical, name: e0, subnets: [{type: dhcp}]}\n  - {type: route, destination: 192.168.0.0/16, gateway: 10.1.0.1}\n",
    );
    assert_eq!(
        warnings(&fragment(&lost)),
        [
            "c.yaml:5:5 `network.config[1]`: no subnet holds the gateway `10.1.0.1`, so this route \
             is left aside"
        ]
    );
}

#[test]
fn a_guessed_prefix_length_is_said() {
    assert_eq!(
        of_first("  - {type: physical, name: e0, subnets: [{type: static, address: 10.0.0.5}]}\n"),
        [
            "note c.yaml:4:66 `network.config[0].subnets[0].address`: `10.0.0.5` has no prefix \
             length, and cloud-init takes 24 (write `10.0.0.5/24` if that is meant)"
        ]
    );
}

#[test]
fn infiniband_is_refused_where_the_path_needs_it() {
    let mac = ["a0"; 20].join(":");
    let entries = format!("  - {{type: infiniband, name: ib0, mac_address: '{mac}'}}\n");
    let all = interfaces(&entries);
    let refusals = all[0]
        .diagnostics
        .iter()
        .filter(|r| r.severity == Severity::Refusal);
    let messages: Vec<_> = refusals.map(|r| r.warning.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "an InfiniBand address can't be matched",
            "the path to the storage can't stand on InfiniBand: the initramfs brings up none, and \
             cloud-init does not write it for netplan"
        ]
    );
}

#[test]
fn a_name_that_is_there_twice_and_name_servers_of_one_interface() {
    let text = version_1(
        "  - {type: physical, name: e0, subnets: [{type: dhcp}]}\n  - {type: physical, name: e0}\n  - {type: nameserver, address: 9.9.9.9, interface: e0}\n",
    );
    let found = fragment(&text);
    assert_eq!(
        warnings(&found),
        ["c.yaml:5:5 `network.config[1]`: `e0` is here a second time"]
    );
    let all = found.interfaces.expect("a network");
    assert_eq!(all.len(), 1);
    assert!(all[0].dhcp4.is_none());
    assert_eq!(
        diagnostics(&all[0]),
        [
            "note c.yaml:6:53 `network.config[2].interface`: cloud-init does not write the name \
             servers of one interface for netplan, so they are left aside (write \
             `dns_nameservers` in one of its static subnets)"
        ]
    );
}
