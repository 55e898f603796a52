//! Several files as one.

use super::*;

fn merged(files: &[(&str, &str)]) -> Vec<Interface> {
    let sources: Vec<_> = files
        .iter()
        .map(|(path, text)| source(path, text))
        .collect();
    match read(&sources) {
        Ok(fragment) => fragment.interfaces.expect("a network"),
        Err(error) => panic!("{}", error.into_diagnostics()),
    }
}

fn addresses(one: &Interface) -> Vec<String> {
    one.addresses
        .iter()
        .map(|a| a.address.to_string())
        .collect()
}

const BASE: &str = "\
network:
  version: 2
  ethernets:
    a: {dhcp4: true, mtu: 1400, addresses: [10.0.0.1/24], nameservers: {search: [x]}}
    b: {dhcp4: true}
";

#[test]
fn scalars_overwrite_lists_append_and_mappings_recurse() {
    let later = "\
network:
  ethernets:
    c: {}
    a:
      mtu: 9000
      addresses: [10.0.0.2/24, 10.0.0.1/24]
      nameservers: {addresses: [10.0.0.3], search: [y]}
";
    let all = merged(&[("etc/netplan/9.yaml", later), ("etc/netplan/1.yaml", BASE)]);
    let ids: Vec<_> = all.iter().map(|i| i.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let a = &all[0];
    assert!(a.dhcp4.is_some());
    assert_eq!(a.mtu.map(u64::from), Some(9000));
    // What is there already is not added again.
    assert_eq!(addresses(a), ["10.0.0.1/24", "10.0.0.2/24"]);
    let origins: Vec<String> = a
        .addresses
        .iter()
        .map(|one| one.origin.as_ref().expect("a place").to_string())
        .collect();
    assert_eq!(
        origins,
        [
            "etc/netplan/1.yaml:4:45 `network.ethernets.a.addresses[0]`",
            "etc/netplan/9.yaml:6:19 `network.ethernets.a.addresses[0]`"
        ]
    );
    assert_eq!(
        a.origin.to_string(),
        "etc/netplan/1.yaml:4:5 `network.ethernets.a`"
    );
}

#[test]
fn null_takes_back_what_was_said() {
    let later = "\
network:
  ethernets:
    a: {dhcp4: null, addresses: ~, mtu: Null, nameservers: {search: NULL}}
    b: null
    d: null
";
    let all = merged(&[("etc/netplan/1.yaml", BASE), ("etc/netplan/2.yaml", later)]);
    assert_eq!(all.len(), 1);
    let a = &all[0];
    assert!(a.dhcp4.is_none() && a.mtu.is_none() && a.addresses.is_empty());
    assert!(a.diagnostics.is_empty());

    // And a third file can say it anew, in the first one's place.
    let third = "network: {ethernets: {b: {dhcp6: true}, a: {mtu: 1300}}}";
    let all = merged(&[
        ("etc/netplan/1.yaml", BASE),
        ("etc/netplan/2.yaml", later),
        ("etc/netplan/3.yaml", third),
    ]);
    assert_eq!(
        all.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert!(all[1].dhcp6.is_some() && all[1].dhcp4.is_none());
    assert_eq!(all[0].mtu.map(u64::from), Some(1300));
}

#[test]
fn run_hides_etc_hides_lib() {
    let dhcp = |id: &str| format!("network: {{ethernets: {{{id}: {{dhcp4: true}}}}}}");
    let (run, etc, lib) = (dhcp("run"), dhcp("etc"), dhcp("lib"));
    let all = merged(&[
        ("run/netplan/50-x.yaml", &run),
        ("etc/netplan/50-x.yaml", &etc),
        ("lib/netplan/50-x.yaml", &lib),
        ("lib/netplan/10-y.yaml", &lib),
    ]);
    assert_eq!(
        all.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(),
        ["lib", "run"]
    );
}

#[test]
fn a_hidden_file_may_be_broken() {
    let all = merged(&[
        ("etc/netplan/50-x.yaml", "network: ["),
        ("run/netplan/50-x.yaml", "network: {ethernets: {a: {}}}"),
    ]);
    assert_eq!(all.len(), 1);
}

#[test]
fn the_hand_off_makes_critical_and_changes_nothing_else() {
    let hand_off = "network: {ethernets: {a: {critical: true}}}";
    let before = merged(&[("etc/netplan/1.yaml", BASE)]);
    let after = merged(&[
        ("etc/netplan/1.yaml", BASE),
        ("etc/netplan/99-h.yaml", hand_off),
    ]);
    assert_eq!(before, after);
}

#[test]
fn a_definition_can_be_finished_by_a_later_file() {
    let all = merged(&[
        (
            "etc/netplan/1.yaml",
            "network: {ethernets: {a: {set-name: nic0}}, vlans: {v: {id: 5}}}",
        ),
        (
            "etc/netplan/2.yaml",
            "network: {ethernets: {a: {match: {name: x}}}, vlans: {v: {link: a}}}",
        ),
    ]);
    assert_eq!(all[0].name.as_str(), "nic0");
    assert_eq!(all[1].kind.parents()[0].as_str(), "a");
}

#[test]
fn a_definition_that_changes_its_kind_is_named_at_both_places() {
    let sources = [
        source("etc/netplan/1.yaml", "network: {ethernets: {x0: {}}}"),
        source("etc/netplan/2.yaml", "network: {bridges: {x0: {}}}"),
    ];
    let error = read(&sources).expect_err("two kinds").into_diagnostics();
    assert_eq!(
        error.to_string(),
        "etc/netplan/2.yaml:1:21 `network.bridges.x0`: `x0` is already defined in `ethernets`; \
         expected an id of its own\nhint: the other one is at etc/netplan/1.yaml:1:23"
    );
}

#[test]
fn a_key_that_is_there_twice_counts_as_in_two_files() {
    let text = "\
network:
  ethernets: {a: {addresses: [10.0.0.1/24], mtu: 1400}}
  ethernets: {a: {addresses: [10.0.0.2/24], mtu: 1500}}
";
    let one = only(text);
    assert_eq!(addresses(&one), ["10.0.0.1/24", "10.0.0.2/24"]);
    assert_eq!(one.mtu.map(u64::from), Some(1500));
    let warnings = fragment(text).warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].message,
        "`ethernets` is here a second time, first in line 2; netplan reads both, one over the other"
    );
}

#[test]
fn a_file_that_netplan_does_not_read_is_named() {
    let sources = [source("etc/netplan/1.yml", BASE)];
    let fragment = read(&sources).expect("a fragment");
    assert_eq!(fragment.warnings.len(), 1);
    assert!(
        fragment.warnings[0]
            .message
            .starts_with("netplan reads only files whose name ends")
    );
}
