//! What a kernel says, as single facts that can be held against another's:
//! a place (`link bond0: mtu`) and a value.
//!
//! Left out is what no configuration decides: indexes, counters, what is left
//! of a lifetime, and what the kernel makes of addresses by itself (the tables
//! `local`, the multicast routes).

use std::collections::BTreeMap;

use serde_json::Value;

/// Facts by place.
pub type Facts = BTreeMap<String, String>;

/// A place where the two machines differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is about: `link bond0: mtu`.
    pub place: String,
    /// What systemd-networkd's machine says; `None` if nothing.
    pub networkd: Option<String>,
    /// What the agent's machine says; `None` if nothing.
    pub agent: Option<String>,
}

/// What a link's own description says that is no configuration's.
const LINK_NOISE: &[&str] = &[
    "addrgenmode_raw",
    "altnames",
    "broadcast",
    "gro_ipv4_max_size",
    "gro_max_size",
    "gso_ipv4_max_size",
    "gso_max_segs",
    "gso_max_size",
    "ifindex",
    "link_index",
    "max_mtu",
    "min_mtu",
    "num_rx_queues",
    "num_tx_queues",
    "parentbus",
    "parentdev",
    "promiscuity",
    "qdisc",
    "tso_max_segs",
    "tso_max_size",
    "txqlen",
];

/// The same of bonds, bridges and their members: states and timers.
const STATE: &[&str] = &[
    "active_slave",
    "ad_actor_oper_port_state",
    "ad_actor_oper_port_state_str",
    "ad_aggregator_id",
    "ad_info",
    "ad_partner_oper_port_state",
    "ad_partner_oper_port_state_str",
    "bridge_id",
    "config_pending",
    "designated_bridge",
    "designated_cost",
    "designated_port",
    "fdb_n_learned",
    "forward_delay_timer",
    "gc_timer",
    "hello_timer",
    "hold_timer",
    "id",
    "link_failure_count",
    "message_age_timer",
    "mii_status",
    "no",
    "root_id",
    "root_path_cost",
    "root_port",
    "state",
    "tcn_timer",
    "topology_change",
    "topology_change_ack",
    "topology_change_detected",
    "topology_change_timer",
];

/// All facts of a dump (`lab/guest/differential.py`).
pub fn facts(dump: &Value) -> Facts {
    let mut facts = Facts::new();
    for link in items(&dump["links"]) {
        links(link, &mut facts);
    }
    for link in items(&dump["addresses"]) {
        let name = text(&link["ifname"]);
        for address in items(&link["addr_info"]) {
            addresses(&name, address, &mut facts);
        }
    }
    for (family, key) in [("4", "routes4"), ("6", "routes6")] {
        for route in items(&dump[key]) {
            routes(family, route, &mut facts);
        }
    }
    for (family, key) in [("4", "rules4"), ("6", "rules6")] {
        for rule in items(&dump[key]) {
            let place = format!("rule{family} {}", selector(rule));
            insert(
                &mut facts,
                &place,
                rule,
                &["src", "srclen", "dst", "dstlen"],
            );
        }
    }
    if let Value::Object(cards) = &dump["offloads"] {
        for (name, features) in cards {
            for (feature, value) in items(features).flat_map(Value::as_object).flatten() {
                if let Some(active) = value.get("active").and_then(Value::as_bool) {
                    let word = if active { "on" } else { "off" };
                    facts.insert(format!("offload {name}: {feature}"), word.to_owned());
                }
            }
        }
    }
    if let Value::Object(all) = &dump["sysctls"] {
        for (name, values) in all {
            insert(&mut facts, &format!("sysctl {name}"), values, &[]);
        }
    }
    facts
}

fn links(link: &Value, facts: &mut Facts) {
    let name = text(&link["ifname"]);
    if name == "lo" {
        return;
    }
    insert(facts, &format!("link {name}"), link, LINK_NOISE);
}

fn addresses(name: &str, address: &Value, facts: &mut Facts) {
    if name == "lo" {
        return;
    }
    let is = |key: &str| address[key].as_bool() == Some(true);
    let (local, length) = (text(&address["local"]), text(&address["prefixlen"]));
    // Made of a secret or of chance: only that there is one can be compared.
    let local = match local.split_once("::").or_else(|| local.rsplit_once(':')) {
        Some((prefix, _)) if is("temporary") || is("stable-privacy") => {
            let prefix: Vec<_> = prefix.split(':').take(4).collect();
            let kind = if is("temporary") {
                "temporary"
            } else {
                "stable-privacy"
            };
            format!("{}::({kind})", prefix.join(":"))
        }
        _ => local,
    };
    let place = format!("address {name} {local}/{length}");
    let noise = [
        "local",
        "prefixlen",
        "valid_life_time",
        "preferred_life_time",
    ];
    insert(facts, &place, address, &noise);
    for key in ["valid_life_time", "preferred_life_time"] {
        let life = match address[key].as_u64() {
            Some(0) => "none",
            Some(4_294_967_295) => "for ever",
            _ => "some time",
        };
        facts.insert(format!("{place}: {key}"), life.to_owned());
    }
}

fn routes(family: &str, route: &Value, facts: &mut Facts) {
    let word = |key: &str| text(&route[key]);
    let kind = word("type");
    if word("table") == "local" || kind == "multicast" || kind == "local" {
        return;
    }
    let mut place = format!("route{family} {}", word("dst"));
    for key in ["table", "gateway", "dev", "type", "src", "tos"] {
        let value = word(key);
        let usual = matches!(
            (key, value.as_str()),
            ("table", "main") | ("type", "unicast")
        );
        if !value.is_empty() && !usual {
            place.push_str(&format!(" {key} {value}"));
        }
    }
    // Two to the same destination that differ by metric.
    let mut number = 1;
    let first = place.clone();
    while facts.contains_key(&format!("{place}: metric")) {
        number += 1;
        place = format!("{first} #{number}");
    }
    let noise = [
        "dst", "table", "gateway", "dev", "type", "expires", "cache", "src", "nhid", "nh_info",
    ];
    // Without a metric it has 0.
    facts.insert(format!("{place}: metric"), "0".to_owned());
    insert(facts, &place, route, &noise);
}

/// What a rule matches, and where it leads.
fn selector(rule: &Value) -> String {
    let mut words = Vec::new();
    for (key, length) in [("src", "srclen"), ("dst", "dstlen")] {
        let (value, length) = (text(&rule[key]), text(&rule[length]));
        match (value.is_empty(), length.is_empty()) {
            (true, _) => {}
            (false, true) => words.push(format!("{key} {value}")),
            (false, false) => words.push(format!("{key} {value}/{length}")),
        }
    }
    for key in ["iif", "oif", "fwmark", "tos", "table"] {
        let value = text(&rule[key]);
        if !value.is_empty() {
            words.push(format!("{key} {value}"));
        }
    }
    if !rule["l3mdev"].is_null() {
        words.push("l3mdev".to_owned());
    }
    words.join(" ")
}

/// Every value of a tree, its keys joined by points.
fn insert(facts: &mut Facts, place: &str, value: &Value, noise: &[&str]) {
    let Value::Object(object) = value else {
        return;
    };
    for (key, value) in object {
        if !noise.contains(&key.as_str()) {
            flatten(facts, place, key, value);
        }
    }
}

fn flatten(facts: &mut Facts, place: &str, path: &str, value: &Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if !STATE.contains(&key.as_str()) {
                    flatten(facts, place, &format!("{path}.{key}"), value);
                }
            }
        }
        Value::Array(values) if values.iter().all(|v| !v.is_object()) => {
            let mut words: Vec<_> = values.iter().map(text).collect();
            words.sort();
            facts.insert(format!("{place}: {path}"), words.join(","));
        }
        Value::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                flatten(facts, place, &format!("{path}.{number}"), value);
            }
        }
        other => {
            facts.insert(format!("{place}: {path}"), text(other));
        }
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
