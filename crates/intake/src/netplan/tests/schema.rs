//! No key of the schema falls through: each is in the plan, or a diagnostic says
//! that it is not.

use nvmeroot_plan::ConnectionId;

use super::*;
use crate::netplan::check::fits;
use crate::netplan::schema::{
    Family, Key, Kind, NETWORK, SECTIONS, Section, SupportLevel, ValueType, find,
};

/// Values of a type, none of them what the base texts hold.
pub(super) fn samples(value_type: &ValueType) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    match value_type {
        ValueType::Bool => vec!["yes".to_owned(), "n".to_owned()],
        ValueType::Number(min, max) => vec![(*min).max(7).min(*max).to_string()],
        ValueType::Text | ValueType::TextOrMap(_) => one("words"),
        ValueType::Word(words) | ValueType::AnyCase(words) => {
            words.iter().map(|word| format!("\"{word}\"")).collect()
        }
        ValueType::BoolOr(words) => {
            let words = samples(&ValueType::Word(words));
            words.into_iter().chain(samples(&ValueType::Bool)).collect()
        }
        ValueType::Address(Family::V4 | Family::Any)
        | ValueType::Network
        | ValueType::Destination => one("192.0.2.9"),
        ValueType::Address(Family::V6) => one("\"2001:db8::9\""),
        ValueType::InterfaceAddress(_) => one("192.0.2.9/24"),
        ValueType::Mac | ValueType::MacOr(_) => one("00:16:3e:00:00:09"),
        ValueType::HostName => one("host9"),
        ValueType::InterfaceName => one("nic9"),
        ValueType::Glob => one("nic*"),
        ValueType::Id => one("other"),
        ValueType::List(item) | ValueType::OneOrList(item) => {
            samples(item).iter().map(|s| format!("[{s}]")).collect()
        }
        ValueType::Names(each) => samples(each)
            .iter()
            .map(|s| format!("{{n: {s}}}"))
            .collect(),
        ValueType::Map(groups) => {
            // Enough keys for those that need one another.
            let mut keys: Vec<String> = Vec::new();
            for key in groups.iter().flat_map(|group| group.iter()) {
                if [
                    "to", "from", "name", "use-dns", "search", "mode", "priority",
                ]
                .contains(&key.name)
                {
                    keys.push(format!("{}: {}", key.name, samples(&key.value_type)[0]));
                }
            }
            if keys.is_empty() {
                let first = &groups[0][0];
                keys.push(format!("{}: {}", first.name, samples(&first.value_type)[0]));
            }
            vec![format!("{{{}}}", keys.join(", "))]
        }
    }
}

/// Values of a key; of some not every number makes sense.
fn values(key: &Key) -> Vec<String> {
    match key.name {
        "ipv6-mtu" => vec!["1400".to_owned()],
        // What holds anyway is not in the plan.
        "dhcp4-overrides" | "dhcp6-overrides" => vec!["{use-dns: n}".to_owned()],
        "ra-overrides" => vec!["{table: 7}".to_owned()],
        _ => samples(&key.value_type),
    }
}

/// What a definition of a section can't be without.
fn base(section: &Section) -> Vec<(&'static str, &'static str)> {
    let mut base = match section.kind {
        Kind::Vlan => vec![("id", "3"), ("link", "base")],
        Kind::Vrf => vec![("table", "5")],
        _ => Vec::new(),
    };
    if section.is_physical() {
        base.push(("match", "{name: \"base?\"}"));
    }
    base
}

/// The interface `it0` with a key's value, and that without.
fn with_and_without(section: &Section, key: &str, value: &str) -> (Interface, Interface) {
    let text = |pairs: &[(&str, &str)]| {
        let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        let it = format!("it0: {{{}}}", pairs.join(", "));
        let others = "other: {}, base: {}";
        if section.name == "ethernets" {
            format!("network: {{version: 2, ethernets: {{{it}, {others}}}}}")
        } else {
            let name = section.name;
            format!("network: {{version: 2, {name}: {{{it}}}, ethernets: {{{others}}}}}")
        }
    };
    let it = |text: String| {
        let mut all = interfaces(&text).into_iter();
        all.find(|one| one.id.as_str() == "it0").expect("it0")
    };
    let mut base = base(section);
    match key {
        "dhcp-identifier" | "dhcp4-overrides" => base.push(("dhcp4", "true")),
        "dhcp6-overrides" => base.push(("dhcp6", "true")),
        _ => {}
    }
    let mut changed: Vec<_> = base.iter().copied().filter(|(k, _)| *k != key).collect();
    changed.push((key, value));
    (it(text(&changed)), it(text(&base)))
}

fn is_in_plan(with: &Interface, without: &Interface) -> bool {
    let bare = |one: &Interface| Interface {
        diagnostics: Vec::new(),
        origin: nvmeroot_plan::Origin::whole(""),
        ..one.clone()
    };
    bare(with) != bare(without)
}

fn has(severity: Severity, at_key: &str, interface: &Interface) -> bool {
    interface.diagnostics.iter().any(|diagnostic| {
        let origin = diagnostic.warning.origin.as_ref().expect("a place");
        diagnostic.severity == severity && origin.key.as_deref() == Some(at_key)
    })
}

#[test]
fn samples_fit_their_shapes() {
    for section in SECTIONS {
        for key in section.keys.iter().flat_map(|group| group.iter()) {
            let whole = matches!(
                key.value_type,
                ValueType::List(_)
                    | ValueType::OneOrList(_)
                    | ValueType::Map(_)
                    | ValueType::Names(_)
            );
            for sample in samples(&key.value_type) {
                assert!(
                    whole || fits(sample.trim_matches('"'), &key.value_type),
                    "{}: {sample}",
                    key.name
                );
            }
        }
    }
}

#[test]
fn every_key_of_every_section_is_in_the_plan_or_diagnosed() {
    let mut tried = 0;
    for section in SECTIONS {
        let all = section.keys.iter().flat_map(|group| group.iter());
        for key in all {
            // Where two groups have a key, the first one counts.
            let key = find(section.keys, key.name).expect("a key");
            judge(section, key);
            tried += 1;
        }
    }
    assert!(tried > 300, "only {tried} keys");
}

fn judge(section: &Section, key: &Key) {
    let name = key.name;
    let at = format!("network.{}.it0.{name}", section.name);
    let place = format!("`{at}`, {:?}", key.support);
    let cases: Vec<_> = values(key)
        .iter()
        .map(|value| with_and_without(section, name, value))
        .collect();
    let any_in_plan = cases
        .iter()
        .any(|(with, without)| is_in_plan(with, without));
    let all_have = |severity| cases.iter().all(|(with, _)| has(severity, &at, with));
    // What is refused as a whole needs no word on its parts.
    let whole = format!("network.{}.it0", section.name);
    let refused = cases
        .iter()
        .all(|(with, _)| has(Severity::Refusal, &whole, with));
    assert_eq!(refused, section.is_refused());
    match key.support {
        SupportLevel::Carried => assert!(any_in_plan, "{place}: not in the plan"),
        SupportLevel::Later => assert!(!any_in_plan, "{place}: in the plan all the same"),
        SupportLevel::Noted(_) => {
            assert!(!any_in_plan, "{place}: in the plan all the same");
            assert!(refused || all_have(Severity::Note), "{place}: not noted");
        }
        SupportLevel::Refused(_) => {
            assert!(!any_in_plan, "{place}: in the plan all the same");
            assert!(all_have(Severity::Refusal), "{place}: not refused");
        }
    }
}

/// Keys and values.
type Pairs = &'static [(&'static str, &'static str)];

/// A mapping inside an ethernet's definition: how its keys are written there,
/// and what they can't be without.
const INSIDE: &[(&str, &str, Pairs)] = &[
    ("match", "{KEYS}", &[("name", "\"base?\"")]),
    ("dhcp4-overrides", "{KEYS}", &[]),
    ("dhcp6-overrides", "{KEYS}", &[]),
    ("ra-overrides", "{KEYS}", &[]),
    ("addresses", "[\"192.0.2.1/24\": {KEYS}]", &[]),
    (
        "routes",
        "[{KEYS}]",
        &[("to", "198.51.100.0/24"), ("via", "192.0.2.1")],
    ),
    ("routing-policy", "[{KEYS}]", &[("from", "198.51.100.0/24")]),
];

#[test]
fn every_key_inside_what_is_in_the_plan_is_in_it_too() {
    let section = crate::netplan::schema::section("ethernets").expect("a section");
    for (outer, form, base) in INSIDE {
        let groups: Vec<&[Key]> = match &find(section.keys, outer).expect("a key").value_type {
            ValueType::Map(groups)
            | ValueType::List(ValueType::Map(groups) | ValueType::InterfaceAddress(groups)) => {
                groups.to_vec()
            }
            value_type => panic!("`{outer}` is {value_type:?}"),
        };
        let value = |pairs: &[(&str, &str)]| {
            let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}: {v}")).collect();
            form.replace("KEYS", &pairs.join(", "))
        };
        let (without, _) = with_and_without(section, outer, &value(base));
        for key in groups.iter().flat_map(|group| group.iter()) {
            let in_plan = samples(&key.value_type).iter().any(|sample| {
                let mut pairs: Vec<_> = base
                    .iter()
                    .copied()
                    .filter(|(k, _)| *k != key.name)
                    .collect();
                pairs.push((key.name, sample));
                let (with, _) = with_and_without(section, outer, &value(&pairs));
                is_in_plan(&with, &without)
            });
            let (name, support) = (key.name, key.support);
            let expected = match support {
                SupportLevel::Carried => true,
                SupportLevel::Later => false,
                other => panic!("`{outer}.{name}` is {other:?}"),
            };
            assert_eq!(in_plan, expected, "`{outer}.{name}` is {support:?}");
        }
    }
}

/// What is in the plan has no part that is not. The parameters of bonds and
/// bridges have tests of their own.
#[test]
fn no_mapping_in_the_plan_has_parts_outside_of_it() {
    let inside: Vec<&str> = INSIDE.iter().map(|(outer, ..)| *outer).collect();
    for section in SECTIONS {
        for key in section.keys.iter().flat_map(|group| group.iter()) {
            let nested = matches!(
                key.value_type,
                ValueType::Map(_)
                    | ValueType::List(ValueType::Map(_) | ValueType::InterfaceAddress(_))
                    | ValueType::Names(_)
            );
            let in_plan = key.support == SupportLevel::Carried;
            if nested && in_plan && !inside.contains(&key.name) {
                assert!(matches!(section.kind, Kind::Bond | Kind::Bridge));
                assert_eq!(key.name, "parameters");
            }
        }
    }
}

/// About ports of bridges, or the running system's alone, or it concerns the hand-off.
const NOT_IN_STEPS: &[&str] = &[
    "dhcp-identifier",
    "hairpin",
    "neigh-suppress",
    "port-mac-learning",
    "ra-overrides",
    "renderer",
];

/// The table does not promise more than the steps do, nor less.
#[test]
fn what_is_carried_is_in_the_steps() {
    let section = crate::netplan::schema::section("ethernets").expect("a section");
    for key in section.keys.iter().flat_map(|group| group.iter()) {
        // Advertisements are refused unless root needs one.
        let address = match key.name {
            "accept-ra" => "2001:db8::77",
            _ => "192.0.2.77",
        };
        let in_steps = values(key).iter().any(|value| {
            let (with, without) = with_and_without(section, key.name, value);
            actions(with, address) != actions(without, address)
        });
        let expected = key.support == SupportLevel::Carried && !NOT_IN_STEPS.contains(&key.name);
        assert_eq!(in_steps, expected, "`{}` is {:?}", key.name, key.support);
    }
}

/// What is done for an interface where root is remote.
fn actions(interface: Interface, address: &str) -> Vec<nvmeroot_plan::Action> {
    actions_towards(address, vec![interface])
}

pub(super) fn actions_of(interfaces: Vec<Interface>) -> Vec<nvmeroot_plan::Action> {
    actions_towards("192.0.2.77", interfaces)
}

fn actions_towards(address: &str, interfaces: Vec<Interface>) -> Vec<nvmeroot_plan::Action> {
    let curtin = "\
storage:
  version: 1
  config:
  - {id: c, type: nvme_controller, transport: tcp, tcp_addr: ADDRESS, tcp_port: 4420}
  - {id: d, type: disk, nvme_controller: c, path: /dev/nvme0n1}
  - {id: f, type: format, fstype: ext4, volume: d}
  - {id: m, type: mount, path: /, device: f, options: _netdev}
  - {id: l, type: disk, path: /dev/sda}
  - {id: lf, type: format, fstype: ext4, volume: l}
  - {id: lm, type: mount, path: /boot, device: lf}
";
    let curtin = curtin.replace("ADDRESS", &format!("'{address}'"));
    let storage = crate::curtin::read("c.yaml", curtin.as_bytes()).expect("a configuration");
    let network = Fragment {
        interfaces: Some(interfaces),
        ..Fragment::default()
    };
    let plan = nvmeroot_plan::resolve(vec![storage.fragment, network]);
    let steps = nvmeroot_plan::steps(&plan, nvmeroot_plan::Scope::Everything);
    assert!(!steps.is_empty());
    steps.into_iter().map(|step| step.action).collect()
}

#[test]
fn every_key_of_network_is_read_or_noticed() {
    for key in NETWORK {
        let value = match key.name {
            "version" => "2".to_owned(),
            "renderer" => "NetworkManager".to_owned(),
            _ => samples(&key.value_type).remove(0),
        };
        let text = format!(
            "network: {{{}: {value}, ethernets: {{e0: {{}}}}}}",
            key.name
        );
        let said = diagnostics(&only(&text)).join("\n");
        let noticed = notices(&text).join("\n");
        match key.name {
            "version" => assert_eq!(said, ""),
            "renderer" => {
                let id = "e0".parse().expect("an id");
                assert_eq!(only(&text).connection, Some(ConnectionId::of(&id)));
            }
            _ => {
                let notice = format!("1:11 network.{0}: `{0}` is not", key.name);
                assert!(noticed.starts_with(&notice), "{noticed}");
            }
        }
    }
    assert_eq!(
        refused("network: {version: 3}").to_string(),
        "n.yaml:1:20 `network.version`: this version is not netplan's; expected `2`"
    );
}

#[test]
fn no_two_keys_of_a_group_have_one_name() {
    for section in SECTIONS {
        for group in section.keys {
            let mut names: Vec<_> = group.iter().map(|key| key.name).collect();
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{}", section.name);
        }
    }
}
