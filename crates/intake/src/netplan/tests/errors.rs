//! Wrong values: where, what was found, what to write instead.

use super::*;

/// The definition of `e0`, whose keys start in line 4, column 7.
fn ethernet(keys: &str) -> String {
    let mut text = "network:\n  ethernets:\n    e0:\n".to_owned();
    for line in keys.lines() {
        text.push_str("      ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The message about `e0` without the file and the path down to it.
fn fault(keys: &str) -> String {
    let found = refused(&ethernet(keys));
    assert_eq!(found.shown.len(), 1, "{found}");
    found
        .to_string()
        .replace("n.yaml:", "")
        .replace("network.ethernets.e0.", "")
}

#[test]
fn single_values() {
    let table = [
        (
            "dhcp4: maybe",
            "4:14 `dhcp4`: this is `maybe`; expected `true` or `false`",
        ),
        (
            "dhcp4: 1",
            "4:14 `dhcp4`: this is `1`; expected `true` or `false`",
        ),
        (
            "mtu: 70000",
            "4:12 `mtu`: this is `70000`; expected a whole number from 68 to 65535",
        ),
        (
            "mtu: 1500.0",
            "4:12 `mtu`: this is `1500.0`; expected a whole number from 68 to 65535",
        ),
        (
            "macaddress: 52-54-00-12-34-56",
            "4:19 `macaddress`: this is `52-54-00-12-34-56`; expected a MAC address (six pairs of \
             hexadecimal digits with colons), or `permanent`, `random`, `stable`, `stable-ssid` \
             or `preserve`",
        ),
        (
            "match: {macaddress: 5254003456}",
            "4:27 `match.macaddress`: this is `5254003456`; expected a MAC address: six pairs of \
             hexadecimal digits with colons",
        ),
        (
            "match: {macaddress: 8846009716}",
            "4:27 `match.macaddress`: this is `8846009716`; expected a MAC address: six pairs of \
             hexadecimal digits with colons\n\
             hint: YAML 1.1 made this number of `11:22:33:44:55:16`: write that, in quotes",
        ),
        (
            "match: {driver: []}",
            "4:23 `match.driver`: this list is empty; expected one value or more",
        ),
        (
            "gateway4: 2001:db8::1",
            "4:17 `gateway4`: this is `2001:db8::1`; expected an IPv4 address such as `10.0.0.1`",
        ),
        (
            "gateway4: 10.0.0.1/24",
            "4:17 `gateway4`: this is `10.0.0.1/24`; expected an IPv4 address such as \
             `10.0.0.1`\nhint: write `10.0.0.1`",
        ),
        (
            "renderer: NetworkManger",
            "4:17 `renderer`: this is `NetworkManger`; expected `networkd` or \
             `NetworkManager`\nhint: did you mean `NetworkManager`?",
        ),
        (
            "dhcp-identifier: uuid",
            "4:24 `dhcp-identifier`: this is `uuid`; expected `duid` or `mac`\nhint: did you mean \
             `duid`?",
        ),
        (
            "dhcp4-overrides: {use-domains: perhaps}",
            "4:38 `dhcp4-overrides.use-domains`: this is `perhaps`; expected `true`, `false` or \
             `route`",
        ),
        (
            "match: {name: x}\nset-name: a name of seventeen",
            "5:17 `set-name`: this is `a name of seventeen`; expected an interface's name: 1 to \
             15 bytes, no spaces, `/`, `:` or `%`",
        ),
        (
            "nameservers: {addresses: [10.0.0.300]}",
            "4:33 `nameservers.addresses[0]`: this is `10.0.0.300`; expected an IPv4 or IPv6 \
             address",
        ),
    ];
    for (keys, expected) in table {
        assert_eq!(fault(keys), expected);
    }
}

#[test]
fn addresses() {
    let expects = "expected an address with its prefix length, such as `10.0.0.5/24`";
    let table = [
        (
            "addresses: [10.0.0.5]",
            format!(
                "4:19 `addresses[0]`: this is `10.0.0.5`; {expects}\nhint: add the prefix length \
                 of its network"
            ),
        ),
        (
            "addresses:\n- 10.0.0.5/24\n- 10.0.0.5/33",
            format!("6:9 `addresses[1]`: this is `10.0.0.5/33`; {expects}"),
        ),
        (
            "addresses: [dhcp]",
            format!("4:19 `addresses[0]`: this is `dhcp`; {expects}"),
        ),
        (
            "addresses: [null]",
            format!("4:19 `addresses[0]`: there is no value; {expects}"),
        ),
        (
            "addresses: [10.0.0.5: {label: x}]",
            format!(
                "4:19 `addresses[0]`: this is `10.0.0.5`; {expects}\nhint: add the prefix length \
                 of its network"
            ),
        ),
        (
            "addresses:\n- 10.0.0.5/24:\n    lifetime: 3600",
            "6:21 `addresses[0].10.0.0.5/24.lifetime`: this is `3600`; expected `0` or \
             `forever`"
                .to_owned(),
        ),
        (
            "addresses:\n- 10.0.0.5/24: {}\n  10.0.0.6/24: {}",
            "5:9 `addresses[0]`: this mapping is not one address with its options; expected a \
             mapping with one key, the address\nhint: put `- ` before each address, and indent \
             its options below it"
                .to_owned(),
        ),
    ];
    for (keys, expected) in table {
        assert_eq!(fault(keys), expected);
    }
}

#[test]
fn shapes() {
    let table = [
        (
            "addresses: 10.0.0.5/24",
            "4:18 `addresses`: this is `10.0.0.5/24`; expected a list\nhint: write \
             `[10.0.0.5/24]`, or put each item on a line of its own after `- `",
        ),
        (
            "addresses: {10.0.0.5/24: {}}",
            "4:18 `addresses`: this is a mapping; expected a list\nhint: put `- ` before each item",
        ),
        (
            "routes: {to: default, via: 10.0.0.1}",
            "4:15 `routes`: this is a mapping; expected a list\nhint: put `- ` before each item",
        ),
        (
            "routes: [default]",
            "4:16 `routes[0]`: this is `default`; expected a mapping\nhint: check the indentation \
             of what follows",
        ),
        (
            "nameservers: [10.0.0.1]",
            "4:20 `nameservers`: this is a list; expected a mapping\nhint: write `key: value` \
             without `- ` before it",
        ),
        (
            "mtu: [1500]",
            "4:12 `mtu`: this is a list; expected a whole number from 68 to 65535\nhint: write \
             one value, without `- ` or brackets",
        ),
        (
            "dhcp4: {}",
            "4:14 `dhcp4`: this is a mapping; expected `true` or `false`",
        ),
        (
            "? [a, b]\n: 1",
            "4:9 `network.ethernets.e0[\"\"]`: this key is no single value; expected a key",
        ),
    ];
    for (keys, expected) in table {
        assert_eq!(fault(keys), expected);
    }
}

#[test]
fn routes_and_rules() {
    let default =
        "expected `via`, its gateway\nhint: where there is no gateway, write `scope: link`";
    let table = [
        (
            "routes: [{via: 10.0.0.1}]",
            "4:16 `routes[0]`: this route has no `to`; expected `to`, its destination\nhint: a \
             default route has `to: default`"
                .to_owned(),
        ),
        (
            "routes: [{to: default}]",
            format!("4:16 `routes[0]`: this default route has no `via`; {default}"),
        ),
        (
            "routes: [{to: 10.0.0.0/8, scope: global}]",
            format!("4:16 `routes[0]`: this route has `scope: global` and no `via`; {default}"),
        ),
        (
            "routes: [{to: 10.0.0.0/8, via: fe80::1}]",
            "4:38 `routes[0].via`: `fe80::1` is IPv6; expected an IPv4 address, as the rest of \
             the route is"
                .to_owned(),
        ),
        (
            "routes: [{to: default, via: fe80::1, from: 10.0.0.5}]",
            "4:50 `routes[0].from`: `10.0.0.5` is IPv4; expected an IPv6 address, as the rest of \
             the route is"
                .to_owned(),
        ),
        (
            "routes: [{to: default, via: 10.0.0.1/24}]",
            "4:35 `routes[0].via`: `10.0.0.1/24` is a network; expected a single address\nhint: \
             write `10.0.0.1`"
                .to_owned(),
        ),
        (
            "routes: [{to: everywhere, via: 10.0.0.1}]",
            "4:21 `routes[0].to`: this is `everywhere`; expected `default`, an address, or a \
             network such as `10.0.0.0/8`"
                .to_owned(),
        ),
        (
            "routes: [{to: default, via: 10.0.0.1, table: 0}]",
            "4:52 `routes[0].table`: this is `0`; expected a whole number from 1 to 4294967295"
                .to_owned(),
        ),
        (
            "routing-policy: [{table: 5}]",
            "4:24 `routing-policy[0]`: this rule matches nothing; expected `from` or `to`, a network"
                .to_owned(),
        ),
        (
            "routing-policy: [{from: 10.0.0.0/8, to: \"::/0\"}]",
            "4:24 `routing-policy[0]`: `from` and `to` are of two families; expected IPv4 or IPv6 \
             networks, not both"
                .to_owned(),
        ),
    ];
    for (keys, expected) in table {
        assert_eq!(fault(keys), expected);
    }
    // Without a gateway it is a route to the link itself.
    let one = only(&ethernet(
        "routes: [{to: 10.0.0.0/8}, {to: default, scope: LINK}, {to: 1.2.3.4, type: Blackhole}]",
    ));
    assert_eq!(one.routes.len(), 3);
    assert_eq!(one.routes[1].scope, Some(nvmeroot_plan::RouteScope::Link));
    assert_eq!(one.routes[2].kind, nvmeroot_plan::RouteType::Blackhole);
}

/// It may be a secret whose key was forgotten.
#[test]
fn what_stands_in_the_place_of_secrets_is_not_shown() {
    for text in [
        "ethernets: {e0: {auth: horse}}",
        "wifis: {w0: {auth: horse, access-points: {a: {auth: horse}}}}",
        "wifis: {w0: {access-points: {a: horse}}}",
        "wifis: {w0: {access-points: horse}}",
        "tunnels: {t0: {mode: wireguard, peers: [{keys: horse}]}}",
    ] {
        let text = format!("network: {{{text}}}");
        let error = read(&[source("n.yaml", &text)]).expect_err(&text);
        let error = error.into_diagnostics().to_string();
        let what = "this is a single value; expected a mapping";
        assert!(error.contains(what) && !error.contains("horse"), "{error}");
    }
}

#[test]
fn whole_files() {
    let table = [
        (
            "- network",
            "n.yaml:1:1: the file is no mapping; expected a mapping with the key `network`",
        ),
        (
            "network: []",
            "n.yaml:1:10 `network`: this is a list; expected a mapping\nhint: write `key: value` \
             without `- ` before it",
        ),
        (
            "network: {version: 1}",
            "n.yaml:1:20 `network.version`: this version is not netplan's; expected `2`",
        ),
        (
            "network: {ethernets: {e0: yes}}",
            "n.yaml:1:27 `network.ethernets.e0`: this is `yes`; expected a mapping\nhint: check \
             the indentation of what follows",
        ),
        (
            "network: {ethernets: {\"e 0\": {}}}",
            "n.yaml:1:23 `network.ethernets[\"e 0\"]`: `e 0` can't be an interface's id; expected \
             letters, digits and punctuation",
        ),
        (
            "network: {ethernets: {en*: {}}}",
            "n.yaml:1:23 `network.ethernets[\"en*\"]`: `en*` can't be an interface's id; expected \
             an id without patterns; those belong into its `match`",
        ),
        (
            "network: {ethernets: {e0: {set-name: e1}}}",
            "n.yaml:1:28 `network.ethernets.e0.set-name`: `set-name` stands without `match`; \
             expected `match`, which says what card is renamed",
        ),
        (
            "network: {bonds: {b0: {interfaces: [enp3s0]}}, ethernets: {enp3s1: {}}}",
            "n.yaml:1:37 `network.bonds.b0.interfaces[0]`: no interface is defined as `enp3s0`; \
             expected the id of another definition\nhint: did you mean `enp3s1`?",
        ),
        (
            "network: {vlans: {v0: {link: e0}}, ethernets: {e0: {}}}",
            "n.yaml:1:19 `network.vlans.v0`: `v0` is a VLAN without `id`; expected `id`, the \
             number of the VLAN",
        ),
        (
            "network: {ethernets: {e0: {}}, bonds: {b0: {interfaces: [e0]}}, bridges: {r0: \
             {interfaces: [e0]}}}",
            "n.yaml:1:93 `network.bridges.r0.interfaces[0]`: `e0` is already held by `b0`; \
             expected an interface that nobody else holds",
        ),
        (
            "network: {ethernets: {e0: {}}, bonds: {b0: {parameters: {primary: e0}}, b1: \
             {parameters: {primary: e0}}}}",
            "n.yaml:1:100 `network.bonds.b1.parameters.primary`: `e0` is already the primary \
             member of `b0`; expected a member that is no other bond's primary",
        ),
        (
            "network: {vrfs: {v0: {table: 5, routes: [{to: default, via: 10.0.0.1, table: 6}]}}}",
            "n.yaml:1:78 `network.vrfs.v0.routes[0].table`: this is table 6, and the VRF's own is \
             5; expected the table of the VRF\nhint: remove this `table`",
        ),
        ("network:\n\tx: 1", "n.yaml:2:2: not YAML: tabs"),
        (
            "network: {}\n---\nnetwork: {}",
            "n.yaml:2:1: a second document",
        ),
    ];
    for (text, expected) in table {
        let found = refused(text).to_string();
        assert!(found.starts_with(expected), "{found}\nand not\n{expected}");
    }
}

#[test]
fn every_error_is_found_at_once() {
    let found = refused(&ethernet(
        "mtu: 1\ndhcp4: x\naddresses: [y, 10.0.0.1/24, z]",
    ));
    let places: Vec<_> = found
        .shown
        .iter()
        .map(|d| (d.origin.line, d.origin.column))
        .collect();
    assert_eq!(places, [(4, 12), (5, 14), (6, 19), (6, 35)]);
}

#[test]
fn a_value_can_neither_flood_nor_write_to_the_terminal() {
    let found = refused(&ethernet(&format!("mtu: \"\\e[31m{}\"", "x".repeat(1000))));
    let shown = &found.shown[0].message;
    assert!(shown.chars().count() < 80, "{shown}");
    assert!(!shown.contains('\u{1b}'));
}
