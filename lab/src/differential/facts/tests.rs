//! Facts of dumps.

use super::*;
use serde_json::json;

#[test]
fn links_lose_their_indexes_and_states() {
    let facts = facts(&json!({ "links": [
        { "ifname": "lo", "mtu": 65536 },
        { "ifname": "bond0", "ifindex": 7, "mtu": 1500, "flags": ["UP", "BROADCAST"],
          "linkinfo": { "info_kind": "bond",
                        "info_data": { "mode": "active-backup", "active_slave": "ens5" } } },
    ] }));
    let expected = [
        ("link bond0: flags", "BROADCAST,UP"),
        ("link bond0: ifname", "bond0"),
        ("link bond0: linkinfo.info_data.mode", "active-backup"),
        ("link bond0: linkinfo.info_kind", "bond"),
        ("link bond0: mtu", "1500"),
    ];
    let expected: Facts = expected
        .into_iter()
        .map(|(place, value)| (place.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(facts, expected);
}

#[test]
fn addresses_of_chance_are_one_place_and_lifetimes_three_words() {
    let facts = facts(&json!({ "addresses": [{ "ifname": "ens4", "addr_info": [
        { "family": "inet6", "local": "fd77:1::aaaa:1:2:3", "prefixlen": 64,
          "temporary": true, "valid_life_time": 3600, "preferred_life_time": 0 },
        { "family": "inet6", "local": "fd77:1:0:0:5054:ff:fe4c:2", "prefixlen": 64,
          "stable-privacy": true, "valid_life_time": 4_294_967_295_u64,
          "preferred_life_time": 4_294_967_295_u64 },
    ] }] }));
    let of = |place: &str| facts.get(place).map(String::as_str);
    let temporary = "address ens4 fd77:1::(temporary)/64";
    assert_eq!(
        of(&format!("{temporary}: valid_life_time")),
        Some("some time")
    );
    assert_eq!(
        of(&format!("{temporary}: preferred_life_time")),
        Some("none")
    );
    let stable = facts
        .keys()
        .find(|place| place.contains("(stable-privacy)"));
    assert!(
        stable.is_some_and(|place| !place.contains("5054")),
        "{stable:?}"
    );
}

#[test]
fn routes_are_named_by_where_they_lead() {
    let facts = facts(&json!({ "routes4": [
        { "type": "local", "dst": "10.77.0.50", "table": "local", "dev": "ens3" },
        { "type": "unicast", "dst": "default", "gateway": "10.77.0.1", "dev": "ens3",
          "protocol": "static", "flags": ["onlink"] },
        { "type": "unicast", "dst": "default", "gateway": "10.77.0.1", "dev": "ens3",
          "protocol": "dhcp", "metric": 100, "flags": [] },
    ] }));
    let of = |place: &str| facts.get(place).map(String::as_str);
    let first = "route4 default gateway 10.77.0.1 dev ens3";
    assert_eq!(of(&format!("{first}: metric")), Some("0"));
    assert_eq!(of(&format!("{first}: flags")), Some("onlink"));
    assert_eq!(of(&format!("{first} #2: metric")), Some("100"));
    assert!(!facts.keys().any(|place| place.contains("local")));
}

#[test]
fn rules_are_named_by_what_they_match() {
    let facts = facts(&json!({ "rules4": [
        { "priority": 100, "src": "10.77.0.0", "srclen": 24, "table": "7" },
    ] }));
    let place = "rule4 src 10.77.0.0/24 table 7: priority";
    assert_eq!(facts.get(place).map(String::as_str), Some("100"));
}
