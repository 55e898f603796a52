//! Several places that say something of the network: which of them count in the
//! running system.

use super::*;

fn names(text: &str) -> Vec<String> {
    let interfaces = fragment(text).interfaces.unwrap_or_default();
    interfaces.iter().map(shown).collect()
}

fn with_files(network: &str, files: &[(&str, &str)]) -> String {
    let mut text = format!("{network}write_files:\n");
    for (at, (path, content)) in files.iter().enumerate() {
        text.push_str(&format!(
            "  f{at}: {{path: {path}, content: \"{content}\"}}\n"
        ));
    }
    text
}

const NETWORK: &str =
    "network: {version: 1, config: [{type: physical, name: e0, subnets: [{type: dhcp}]}]}\n";

#[test]
fn version_2_is_netplans_own_content_read_as_yaml_1_1() {
    let text = "
network:
  version: 2
  ethernets:
    defaults: &d {dhcp4: yes, match: {macaddress: 52:54:00:12:34:5f}, set-name: e1}
    e0:
      <<: *d
      set-name: e0
";
    let all = fragment(text).interfaces.expect("a network");
    assert_eq!(
        all.iter().map(shown).collect::<Vec<_>>(),
        ["e1 dhcp4", "e0 dhcp4"]
    );
    assert!(
        all[1]
            .diagnostics
            .iter()
            .all(|r| r.severity != Severity::Doubt)
    );
    assert_eq!(
        all[1].origin.to_string(),
        "c.yaml:6:5 `network.ethernets.e0`"
    );
}

#[test]
fn curtins_network_counts_beside_netplans_files_in_the_place_of_cloud_inits() {
    let file = |name: &str, interface: &str| {
        (
            format!("etc/netplan/{name}.yaml"),
            format!(
                "network: {{version: 2, ethernets: {{{interface}: {{addresses: [10.0.0.5/24]}}}}}}"
            ),
        )
    };
    let (before, after) = (file("00-installer", "e9"), file("90-late", "e0"));
    let files = [
        (before.0.as_str(), before.1.as_str()),
        (after.0.as_str(), after.1.as_str()),
    ];
    assert_eq!(
        names(&with_files(NETWORK, &files)),
        ["e9 10.0.0.5/24", "e0 dhcp4 10.0.0.5/24"]
    );
}

#[test]
fn what_cloud_init_writes_over_does_not_count() {
    let mine = "network: {version: 2, ethernets: {e9: {dhcp6: true}}}";
    let text = with_files(NETWORK, &[("etc/netplan/50-cloud-init.yaml", mine)]);
    assert_eq!(names(&text), ["e0 dhcp4"]);
    assert_eq!(
        warnings(&fragment(&text)),
        [
            "c.yaml, write_files.f0.content: cloud-init writes `etc/netplan/50-cloud-init.yaml` \
             anew when the machine first boots, so what it says now does not count"
        ]
    );
    // curtin writes its own `network` when the files are there already.
    let path = "etc/cloud/cloud.cfg.d/50-curtin-networking.cfg";
    assert_eq!(names(&with_files(NETWORK, &[(path, mine)])), ["e0 dhcp4"]);
    assert_eq!(names(&with_files("", &[(path, mine)])), ["e9 dhcp6"]);
}

#[test]
fn cloud_inits_files_go_by_name_and_only_mappings_merge() {
    let disabled = (
        "etc/cloud/cloud.cfg.d/subiquity-disable-cloudinit-networking.cfg",
        "network: {config: disabled}",
    );
    let installer = (
        "etc/netplan/00-installer-config.yaml",
        "network: {version: 2, ethernets: {e9: {dhcp6: true}}}",
    );
    assert_eq!(
        names(&with_files(NETWORK, &[disabled, installer])),
        ["e9 dhcp6"]
    );
    let own_file = (
        "etc/netplan/50-cloud-init.yaml",
        "network: {version: 2, ethernets: {e9: {dhcp6: true}}}",
    );
    assert_eq!(
        names(&with_files(NETWORK, &[disabled, own_file])),
        ["e9 dhcp6"],
        "cloud-init leaves the file alone"
    );
    let stronger = (
        "etc/cloud/cloud.cfg.d/90-installer-network.cfg",
        "network: {version: 2, ethernets: {e0: {addresses: [10.0.0.6/24]}, e1: {dhcp4: true}}}",
    );
    let weaker = (
        "etc/cloud/cloud.cfg.d/10-x.cfg",
        "network: {version: 2, ethernets: {e0: {dhcp4: true, addresses: [10.0.0.5/24]}}}",
    );
    assert_eq!(
        names(&with_files("", &[stronger, weaker])),
        ["e0 dhcp4 10.0.0.6/24", "e1 dhcp4"]
    );
    let both = fragment(&with_files(NETWORK, &[stronger]));
    assert_eq!(
        warnings(&both),
        ["c.yaml:1:23 `network.config`: unknown key `config`"]
    );
    assert_eq!(both.interfaces.expect("a network").len(), 2);
}

#[test]
fn a_seed_counts_where_the_system_says_nothing() {
    let seed = (
        "var/lib/cloud/seed/nocloud/network-config",
        "version: 1\\nconfig: [{type: physical, name: e5, subnets: [{type: dhcp}]}]\\n",
    );
    let cfg = (
        "etc/cloud/cloud.cfg.d/99-x.cfg",
        "network: {version: 2, ethernets: {e6: {dhcp4: true}}}",
    );
    assert_eq!(names(&with_files("", &[seed])), ["e5 dhcp4"]);
    assert_eq!(names(&with_files("", &[seed, cfg])), ["e6 dhcp4"]);
    assert_eq!(names(&with_files(NETWORK, &[seed])), ["e0 dhcp4"]);
}

#[test]
fn nothing_and_disabled_say_nothing() {
    for text in [
        "network: null\n",
        "network: {config: disabled}\n",
        "network: {version: 1, config: disabled}\n",
        "network: {version: 1, config: []}\n",
    ] {
        let found = fragment(text);
        let count = found.interfaces.map_or(0, |all| all.len());
        assert_eq!((count, found.warnings.len()), (0, 0), "{text}");
    }
    assert_eq!(
        warnings(&fragment("network: {}\n")),
        ["c.yaml:1:10 `network`: `network` is empty, and curtin refuses that"]
    );
}
