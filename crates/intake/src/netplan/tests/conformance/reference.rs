//! Our tables against netplan's reference and its parser's own tables.

use std::collections::BTreeSet;
use std::fs;

use super::cases::source;
use crate::netplan::schema::{Key, NETWORK, SECTIONS, ValueType};

/// A heading of the reference and the section that has its keys. Those that
/// are no device type's own are looked for where all of them are.
const HEADINGS: &[(&str, &str)] = &[
    ("Properties for physical device types", "ethernets"),
    ("DHCP Overrides", "ethernets"),
    ("IPv6 Router Advertisement Overrides", "ethernets"),
    ("Routing", "ethernets"),
    ("Default routes", "ethernets"),
    ("Authentication", "ethernets"),
    ("Back end-specific configuration parameters", "ethernets"),
];

/// A key of the reference: its heading, and its path below that.
type Documented = (String, Vec<String>);

/// The headings ``- **`key`** (type)``, nested by their indentation.
fn documented(text: &str) -> Vec<Documented> {
    let mut heading = String::new();
    let mut path: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ").or(line.strip_prefix("### ")) {
            heading = title.replace('`', "");
            path.clear();
            continue;
        }
        let item = line.trim_start();
        let depth = (line.len() - item.len()) / 2;
        let Some(item) = item.strip_prefix("- ") else {
            continue;
        };
        if !item.starts_with("**`") && !item.starts_with("[**`") {
            continue;
        }
        path.truncate(depth);
        let names = item.split("**`").skip(1);
        let names: Vec<&str> = names
            .filter_map(|rest| rest.split_once("`**"))
            .map(|n| n.0)
            .collect();
        for name in &names {
            let mut path = path.clone();
            path.push((*name).to_owned());
            found.push((heading.clone(), path));
        }
        path.extend(names.last().map(|name| (*name).to_owned()));
    }
    found
}

/// The key that a path leads to.
fn found<'k>(keys: &'k [&'k [Key]], path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    let key = keys
        .iter()
        .flat_map(|group| group.iter())
        .find(|key| key.name == first);
    key.is_some_and(|key| rest.is_empty() || inside(&key.value_type, rest))
}

fn inside(value_type: &ValueType, path: &[String]) -> bool {
    match value_type {
        ValueType::Map(groups)
        | ValueType::TextOrMap(groups)
        | ValueType::InterfaceAddress(groups) => found(groups, path),
        ValueType::List(each) | ValueType::OneOrList(each) | ValueType::Names(each) => {
            inside(each, path)
        }
        _ => false,
    }
}

fn is_ours((heading, path): &Documented) -> bool {
    if heading.starts_with("Top-level") {
        let name = path[0].as_str();
        return NETWORK.iter().any(|key| key.name == name)
            || SECTIONS.iter().any(|section| section.name == name);
    }
    if heading == "Properties for all device types" {
        return SECTIONS.iter().all(|section| found(section.keys, path));
    }
    let table = HEADINGS.iter().find(|(title, _)| title == heading);
    let name = table.map(|(_, section)| *section);
    let name = name.or(heading.strip_prefix("Properties for device type "));
    // Open vSwitch has keys of devices and keys of `network` in one list.
    let section = SECTIONS.iter().find(|section| Some(section.name) == name);
    section.is_some_and(|section| found(section.keys, path)) || found(&[NETWORK], path)
}

/// Every key of all tables, whatever it stands in.
fn ours() -> BTreeSet<&'static str> {
    fn add(keys: &'static [Key], names: &mut BTreeSet<&'static str>) {
        for key in keys {
            names.insert(key.name);
            add_of(&key.value_type, names);
        }
    }
    fn add_of(value_type: &'static ValueType, names: &mut BTreeSet<&'static str>) {
        match value_type {
            ValueType::Map(groups)
            | ValueType::TextOrMap(groups)
            | ValueType::InterfaceAddress(groups) => {
                groups.iter().for_each(|group| add(group, names));
            }
            ValueType::List(each) | ValueType::OneOrList(each) | ValueType::Names(each) => {
                add_of(each, names);
            }
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    add(NETWORK, &mut names);
    for section in SECTIONS {
        names.insert(section.name);
        section.keys.iter().for_each(|group| add(group, &mut names));
    }
    names
}

/// The keys of netplan's parser: `{"mtu", YAML_SCALAR_NODE, …`.
fn parsed(source: &str) -> BTreeSet<&str> {
    let entries = source.lines().filter_map(|line| {
        let (key, rest) = line.trim_start().strip_prefix("{\"")?.split_once('"')?;
        rest.trim_start_matches(',')
            .trim_start()
            .starts_with("YAML_")
            .then_some(key)
    });
    entries.collect()
}

#[test]
#[ignore = "needs netplan's source: cargo xtask conformance"]
fn every_key_of_netplans_reference_and_parser_is_in_the_tables() {
    let source = source().join("source");
    let reference = fs::read_to_string(source.join("doc/netplan-yaml.md")).expect("a reference");
    let documented = documented(&reference);
    assert!(
        documented.len() > 200,
        "{} keys in the reference",
        documented.len()
    );
    let missing: Vec<_> = documented.iter().filter(|one| !is_ours(one)).collect();
    assert!(missing.is_empty(), "not in the tables: {missing:#?}");

    let parser = fs::read_to_string(source.join("src/parse.c")).expect("a parser");
    let mut parsed = parsed(&parser);
    assert!(parsed.remove("network"), "the root of all");
    assert!(parsed.len() > 180, "{} keys in the parser", parsed.len());
    let ours = ours();
    let missing: Vec<_> = parsed.iter().filter(|key| !ours.contains(**key)).collect();
    assert!(
        missing.is_empty(),
        "netplan reads, and the tables lack: {missing:?}"
    );
    let more: Vec<_> = ours.iter().filter(|key| !parsed.contains(**key)).collect();
    assert!(
        more.is_empty(),
        "in the tables, and netplan does not read: {more:?}"
    );
    println!(
        "{} keys in the reference, {} names in the parser's tables: all are ours",
        documented.len(),
        parsed.len()
    );
}

#[test]
fn headings_are_read_with_their_nesting() {
    let text = "## Routing\n\n- **`a`**, **`b`** (scalar)\n\n  > text\n\n  - **`c`** (x)\n\n- plain\n\
                ## Top\n- [**`d`**](#d) (mapping)\n";
    let found: Vec<String> = documented(text)
        .iter()
        .map(|(heading, path)| format!("{heading}: {}", path.join(".")))
        .collect();
    assert_eq!(
        found,
        ["Routing: a", "Routing: b", "Routing: b.c", "Top: d"]
    );
    assert!(!is_ours(&(
        "Routing".to_owned(),
        vec!["routes".to_owned(), "nonesuch".to_owned()]
    )));
    assert_eq!(
        parsed("  {\"mtu\", YAML_SCALAR_NODE, {}},\n {\"any\", NETPLAN_X},\n").len(),
        1
    );
}
