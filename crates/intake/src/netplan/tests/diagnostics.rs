//! What is neither wrong nor carried out.

use nvmeroot_plan::ConnectionId;

use super::*;

fn ethernet(keys: &str) -> String {
    format!("network: {{ethernets: {{e0: {{{keys}}}}}}}")
}

#[test]
fn unknown_keys_are_doubts_with_the_nearest_known_one() {
    let said = |keys| diagnostics(&only(&ethernet(keys)));
    assert_eq!(
        said("dhpc4: true"),
        ["doubt 1:28 network.ethernets.e0.dhpc4: unknown key `dhpc4` (did you mean `dhcp4`?)"]
    );
    assert_eq!(
        said("routes: [{to: default, via: 10.0.0.1, metrik: 5}]"),
        [
            "doubt 1:66 network.ethernets.e0.routes[0].metrik: unknown key `metrik` (did you \
             mean `metric`?)"
        ]
    );
    assert_eq!(
        said("addresses: [10.0.0.1/24: {lable: x}]"),
        [
            "doubt 1:54 network.ethernets.e0.addresses[0].10.0.0.1/24.lable: unknown key `lable` \
             (did you mean `label`?)"
        ]
    );
    assert_eq!(
        said("colour: blue"),
        ["doubt 1:28 network.ethernets.e0.colour: unknown key `colour`"]
    );
    assert_eq!(
        said("<<: {dhcp4: true}"),
        [
            "doubt 1:28 network.ethernets.e0[\"<<\"]: unknown key `<<` (netplan knows no merge keys: \
          write the values out)"
        ]
    );
    // A key of another kind of device is no key of this one.
    assert_eq!(
        said("interfaces: []"),
        ["doubt 1:28 network.ethernets.e0.interfaces: unknown key `interfaces`"]
    );
}

#[test]
fn keys_without_a_value_are_doubts() {
    let all = interfaces("network:\n  ethernets:\n    e0:\n      dhcp4:\n    e1:\n");
    let said: Vec<String> = all.iter().flat_map(diagnostics).collect();
    let hint = "(remove the key, or write its value; `[]` and `{}` are empty ones)";
    assert_eq!(
        said,
        [
            format!(
                "doubt 4:7 network.ethernets.e0.dhcp4: `dhcp4` has no value, and netplan refuses \
                 that {hint}"
            ),
            format!(
                "doubt 5:5 network.ethernets.e1: `e1` has no value, and netplan refuses that {hint}"
            ),
        ]
    );
}

#[test]
fn outside_of_interfaces_unknown_keys_are_warnings() {
    let said = |text: &str| -> Vec<String> {
        let warnings = fragment(text).warnings.into_iter();
        let line = |w: nvmeroot_plan::Warning| {
            let hint = w.hint.map(|h| format!(" ({h})")).unwrap_or_default();
            format!("{}: {}{hint}", w.origin.expect("a place"), w.message)
        };
        warnings.map(line).collect()
    };
    assert_eq!(
        said("network: {ethernet: {e0: {}}}"),
        ["n.yaml:1:11 `network.ethernet`: unknown key `ethernet` (did you mean `ethernets`?)"]
    );
    assert_eq!(
        said("netwrok: {}"),
        ["n.yaml:1:1 `netwrok`: unknown key `netwrok` (did you mean `network`?)"]
    );
    assert_eq!(
        said("ethernets: {e0: {}}"),
        [
            "n.yaml:1:1 `ethernets`: `ethernets` does not stand under `network` (put `network:` \
             above it and indent the rest)"
        ]
    );
    assert_eq!(
        said("network:\n"),
        [
            "n.yaml:1:1 `network`: `network` has no value, and netplan refuses that (remove the key, \
          or write its value; `[]` and `{}` are empty ones)"
        ]
    );
}

#[test]
fn one_note_per_topmost_key_at_its_place() {
    let one = only(&ethernet(
        "emit-lldp: true, ra-overrides: {use-dns: no, table: 5}, networkmanager: {name: x, uuid: y}",
    ));
    assert_eq!(
        diagnostics(&one),
        [
            "note 1:28 network.ethernets.e0.emit-lldp: `emit-lldp` is not carried out in the \
             initramfs: the running system sets it",
            "note 1:45 network.ethernets.e0.ra-overrides: in the initramfs, what routers \
             advertise goes to the main table",
            "note 1:84 network.ethernets.e0.networkmanager: `networkmanager` is not carried out \
             in the initramfs: the running system sets it",
        ]
    );
}

/// netplan's `write_nm_conf_access_point` (src/nm.c): `connection.uuid`.
#[test]
fn what_network_manager_renders_has_a_profile() {
    let text = "\
network:
  renderer: NetworkManager
  ethernets:
    renderer: networkd
    e0: {networkmanager: {uuid: 8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d}}
    e1: {renderer: NetworkManager}
    e2: {renderer: NetworkManager, networkmanager: {uuid: 8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d}}
    e3: {renderer: NetworkManager, networkmanager: {uuid: none}}
  vlans:
    v0: {id: 1, link: elsewhere}
";
    let all = interfaces(text);
    let own = |id: &str| Some(ConnectionId::of(&id.parse().expect("an id")));
    let said = "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d".parse().ok();
    let connections: Vec<_> = all.iter().map(|one| one.connection).collect();
    assert_eq!(connections, [None, own("e1"), said, own("e3"), own("v0")]);
}

#[test]
fn a_card_whose_name_nobody_knows_can_not_carry_the_path() {
    let text = "network: {ethernets: {a-very-long-opaque-id: {match: {driver: x}}}}";
    let one = only(text);
    assert_eq!(one.name.as_str(), "unnamed0");
    assert_eq!(one.diagnostics[0].severity, Severity::Refusal);

    let one = only("network: {ethernets: {a-very-long-opaque-id: {}}}");
    assert_eq!(
        diagnostics(&one),
        [
            "doubt 1:23 network.ethernets.a-very-long-opaque-id: `a-very-long-opaque-id` is no \
             interface name: it is longer than 15 bytes (say with `match` what card this is)"
        ]
    );
}

#[test]
fn different_overrides_for_one_client_are_a_doubt() {
    let both = "dhcp4: true, dhcp6: true, dhcp4-overrides: {use-dns: no}";
    let doubts = |keys: &str| {
        let one = only(&ethernet(keys));
        one.diagnostics
            .iter()
            .filter(|r| r.severity == Severity::Doubt)
            .count()
    };
    assert_eq!(doubts(both), 1);
    assert_eq!(
        doubts(&format!("{both}, dhcp6-overrides: {{use-dns: off}}")),
        0
    );
    assert_eq!(doubts(&format!("{both}, renderer: NetworkManager")), 0);
    assert_eq!(doubts("dhcp4: true, dhcp4-overrides: {use-dns: no}"), 0);
}

#[test]
fn infiniband_and_special_mac_addresses_are_not_lost() {
    let infiniband = ["11"; 20].join(":");
    let one = only(&ethernet(&format!(
        "match: {{macaddress: \"{infiniband}\"}}"
    )));
    assert_eq!(one.matching.as_ref().and_then(|m| m.macaddress), None);
    assert_eq!(one.diagnostics[0].severity, Severity::Refusal);
    for (word, severity) in [
        ("random", Severity::Refusal),
        ("stable", Severity::Doubt),
        (&format!("\"{infiniband}\""), Severity::Refusal),
        ("permanent", Severity::Note),
        ("preserve", Severity::Doubt),
    ] {
        let one = only(&ethernet(&format!("macaddress: {word}")));
        let severities: Vec<Severity> = one.diagnostics.iter().map(|r| r.severity).collect();
        assert_eq!(
            (one.mac, &severities[..]),
            (None, &[severity][..]),
            "{word}"
        );
    }
    let one = only(&ethernet("macaddress: 00:16:3e:00:00:09"));
    assert_eq!(diagnostics(&one), Vec::<String>::new());
    assert_eq!(one.mac, "00:16:3e:00:00:09".parse().ok());
}

#[test]
fn a_deprecated_gateway_is_a_default_route_after_the_others() {
    let text = ethernet(
        "addresses: [10.0.0.5/32, \"2001:db8::5/64\"], gateway4: 10.0.0.1, gateway6: fe80::1, \
         routes: [{to: 10.0.0.1/32, scope: link}, {to: \"::/0\", via: fe80::1}]",
    );
    let one = only(&text);
    let routes: Vec<String> = one
        .routes
        .iter()
        .map(|r| format!("{} {:?}", r.to, r.via.map(|via| via.to_string())))
        .collect();
    // The second one says what `gateway6` says.
    assert_eq!(
        routes,
        [
            "10.0.0.1/32 None",
            "::/0 Some(\"fe80::1\")",
            "default Some(\"10.0.0.1\")"
        ]
    );
    let severities: Vec<Severity> = one.diagnostics.iter().map(|r| r.severity).collect();
    assert_eq!(severities, [Severity::Notice, Severity::Notice]);
}

#[test]
fn words_for_addresses_are_the_renderer_s() {
    let severities = |section: &str, renderer: &str, word: &str| -> Vec<Severity> {
        let text =
            format!("network: {{{section}: {{e0: {{renderer: {renderer}, macaddress: {word}}}}}}}");
        let one = only(&text);
        let about = |diagnostic: &&nvmeroot_plan::InterfaceDiagnostic| {
            let origin = diagnostic.warning.origin.as_ref();
            origin.is_some_and(|o| o.key.as_deref().is_some_and(|k| k.ends_with("macaddress")))
        };
        one.diagnostics
            .iter()
            .filter(about)
            .map(|r| r.severity)
            .collect()
    };
    let manager = "NetworkManager";
    for (word, severity) in [
        ("random", Severity::Refusal),
        ("stable", Severity::Refusal),
        ("stable-ssid", Severity::Doubt),
        ("preserve", Severity::Note),
    ] {
        assert_eq!(severities("ethernets", manager, word), [severity], "{word}");
    }
    assert_eq!(
        severities("wifis", manager, "stable-ssid"),
        [Severity::Refusal]
    );
    assert_eq!(
        severities("ethernets", "networkd", "stable-ssid"),
        [Severity::Doubt]
    );
}

#[test]
fn what_netplan_refuses_with_network_manager_is_doubted() {
    let text = |renderer: &str| {
        format!(
            "network: {{renderer: {renderer}, ethernets: {{e0: {{match: {{driver: x}}, \
             addresses: [10.0.0.5/24: {{label: x}}], ipv6-mtu: 1400, activation-mode: off, \
             routes: [{{to: 10.9.0.0/16, type: blackhole}}]}}}}}}"
        )
    };
    let doubts = |renderer: &str| -> Vec<String> {
        let said = diagnostics(&only(&text(renderer))).into_iter();
        let doubts = said.filter_map(|text| Some(text.strip_prefix("doubt ")?.to_owned()));
        let without_place = |text: String| text.split_once(' ').expect("a key").1.to_owned();
        doubts.map(without_place).collect()
    };
    assert_eq!(doubts("networkd"), Vec::<String>::new());
    let hint = "(write `renderer: networkd` for this interface, or leave that out)";
    let at = |key: &str, what: &str| {
        format!(
            "network.ethernets.e0.{key}: netplan refuses {what} where NetworkManager renders {hint}"
        )
    };
    assert_eq!(
        doubts("NetworkManager"),
        [
            at("match", "a match by driver"),
            at("addresses", "options of addresses"),
            at("routes", "routes of a type but `unicast`"),
            at("ipv6-mtu", "`ipv6-mtu`"),
            at("activation-mode", "`activation-mode: off`"),
        ]
    );
}

/// netplan's `test_dhcp_identifier_duid` (tests/generator/test_common.py) hands the
/// word on to networkd; the policy sets it for root's interfaces.
#[test]
fn another_dhcp_identifier_than_the_mac_address_is_noted_where_dhcpv4_is_asked() {
    let said = |keys| diagnostics(&only(&ethernet(keys)));
    assert_eq!(said("dhcp4: true, dhcp-identifier: mac"), [""; 0]);
    assert_eq!(said("dhcp-identifier: duid"), [""; 0]);
    assert_eq!(
        said("dhcp4: true, dhcp-identifier: duid"),
        [
            "note 1:41 network.ethernets.e0.dhcp-identifier: `dhcp-identifier: duid` is not carried \
             out: to the DHCP server the host is its card's MAC address, in the initramfs and in \
             the running system, so that both get the same lease"
        ]
    );
}
