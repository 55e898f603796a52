//! Whatever the text: a fragment or errors, each with a place.

use proptest::prelude::*;

use super::*;

const WORDS: &[&str] = &[
    "network: ",
    "version: 1",
    "config: ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\n",
    "  ",
    "- ",
    "type: ",
    "physical",
    "bond",
    "bridge",
    "vlan",
    "route",
    "nameserver",
    "name: ",
    "e0",
    "subnets: ",
    "static",
    "dhcp",
    "address: ",
    "10.0.0.5/24",
    "'fe80::1'",
    "gateway: ",
    "destination: ",
    "params: ",
    "bond-mode: ",
    "bridge_pathcost: ",
    "bond_interfaces: ",
    "bridge_interfaces: ",
    "vlan_id: 7",
    "vlan_link: ",
    "mtu: ",
    "0",
    "null",
    "&a ",
    "*a",
    "<<: ",
];

proptest! {
    #[test]
    fn any_words_give_a_fragment_or_errors(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..80),
        whole in any::<bool>(),
    ) {
        let text = words.concat();
        let text = if whole { text } else { version_1(&format!("  - {{{text}}}\n")) };
        if let Err(error) = read(&text) {
            prop_assert!(!error.into_diagnostics().shown.is_empty());
        }
    }

    /// Entries of the right type with any values.
    #[test]
    fn any_values_give_a_fragment_or_errors(
        kind in prop::sample::select(vec!["physical", "bond", "bridge", "vlan", "route", "nameserver"]),
        entries in prop::collection::vec((
            prop::sample::select(vec![
                "name", "mac_address", "mtu", "params", "bond_interfaces", "bridge_interfaces",
                "vlan_id", "vlan_link", "subnets", "address", "search", "destination", "gateway",
                "netmask", "metric", "interface", "accept-ra",
            ]),
            prop::sample::select(vec![
                "e0", "7", "0", "null", "''", "[]", "{}", "[e0]", "[[]]", "{bond-mode: x}", "on",
                "10.0.0.5", "10.0.0.0/8", "'fd00::/8'", "52:54:00:12:34:56", "11:22:33:44:55:16",
                "[{type: static, address: 10.0.0.5}]", "[{type: static, routes: [{}]}]",
                "[{type: dhcp, metric: []}]", "{bridge_stp: {}}", "{bridge_pathcost: [a 1, a 2]}",
            ]),
        ), 0..8),
    ) {
        let entries: Vec<_> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let text = version_1(&format!(
            "  - {{type: physical, name: e0}}\n  - {{type: {kind}, {}}}\n",
            entries.join(", ")
        ));
        match read(&text) {
            Ok(fragment) => prop_assert!(fragment.interfaces.is_some()),
            Err(error) => {
                let found = error.into_diagnostics();
                prop_assert!(!found.shown.is_empty());
                prop_assert!(found.shown.iter().all(|fault| fault.origin.line > 0));
            }
        }
    }
}
