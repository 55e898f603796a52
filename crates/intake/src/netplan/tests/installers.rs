//! What installers and cloud-init write.

use super::*;

/// An interface as `name mac dhcp4/dhcp6 [addresses] [routes]`.
fn shown(one: &Interface) -> String {
    let mac = one.matching.as_ref().and_then(|m| m.macaddress);
    let mac = mac.map_or_else(|| "-".to_owned(), |mac| mac.to_string());
    let addresses: Vec<String> = one
        .addresses
        .iter()
        .map(|a| a.address.to_string())
        .collect();
    let routes: Vec<String> = one
        .routes
        .iter()
        .map(|r| match r.via {
            Some(via) => format!("{} via {via}", r.to),
            None => r.to.to_string(),
        })
        .collect();
    format!(
        "{} {mac} {}/{} [{}] [{}]",
        one.name,
        u8::from(one.dhcp4.is_some()),
        u8::from(one.dhcp6.is_some()),
        addresses.join(", "),
        routes.join(", ")
    )
}

fn all(text: &str) -> Vec<String> {
    interfaces(text).iter().map(shown).collect()
}

#[test]
fn subiquity_with_dhcp_and_the_version_last() {
    let text = "\
# This is the network config written by 'subiquity'
network:
  ethernets:
    ens3:
      dhcp4: true
  version: 2
";
    assert_eq!(all(text), ["ens3 - 1/0 [] []"]);
    assert!(diagnostics(&only(text)).is_empty());
}

#[test]
fn subiquity_with_a_static_address() {
    let text = "\
# This is the network config written by 'subiquity'
network:
  ethernets:
    enp0s31f6:
      addresses:
      - 10.20.30.40/24
      nameservers:
        addresses:
        - 10.20.30.1
        - 2001:db8::53
        search:
        - example.com
      routes:
      - to: default
        via: 10.20.30.1
  version: 2
";
    assert_eq!(
        all(text),
        ["enp0s31f6 - 0/0 [10.20.30.40/24] [default via 10.20.30.1]"]
    );
    let one = only(text);
    assert_eq!(one.routes[0].origin.line, 14);
    assert!(diagnostics(&one).is_empty());
}

#[test]
fn subiquity_of_the_days_of_gateway4() {
    let text = "\
# This is the network config written by 'subiquity'
network:
  ethernets:
    ens3:
      addresses: [192.168.122.10/24]
      gateway4: 192.168.122.1
      nameservers:
        addresses: [192.168.122.1]
        search: []
  version: 2
";
    assert_eq!(
        all(text),
        ["ens3 - 0/0 [192.168.122.10/24] [default via 192.168.122.1]"]
    );
    assert_eq!(
        diagnostics(&only(text)),
        [
            "notice 6:7 network.ethernets.ens3.gateway4: `gateway4` is deprecated \
          (write `routes: [{to: 0.0.0.0/0, via: \"192.168.122.1\"}]`)"
        ]
    );
}

#[test]
fn subiquity_with_a_second_card_that_is_not_needed() {
    let text = "\
network:
  version: 2
  renderer: networkd
  ethernets:
    ens3:
      dhcp4: true
      critical: true
    ens4:
      dhcp4: true
      dhcp6: true
      optional: true
";
    assert_eq!(all(text), ["ens3 - 1/0 [] []", "ens4 - 1/1 [] []"]);
    // What only the running system uses needs no word.
    assert!(
        interfaces(text)
            .iter()
            .all(|one| one.diagnostics.is_empty())
    );
}

#[test]
fn cloud_init_matches_by_mac_and_sets_the_name() {
    let text = "\
# This file is generated from information provided by the datasource.  Changes
# to it will not persist across an instance reboot.
network:
    ethernets:
        ens3:
            dhcp4: true
            dhcp6: false
            match:
                macaddress: 52:54:00:12:34:56
            set-name: ens3
    version: 2
";
    assert_eq!(all(text), ["ens3 52:54:00:12:34:56 1/0 [] []"]);
    assert!(only(text).set_name);
    assert!(
        diagnostics(&only(text)).is_empty(),
        "the card has that name anyway"
    );
    let renamed = text.replace("set-name: ens3", "set-name: lan0");
    assert_eq!(
        (only(&renamed).name.as_str(), only(&renamed).set_name),
        ("lan0", true)
    );
}

#[test]
fn a_mac_address_that_yaml_1_1_takes_for_a_number_stays_one() {
    let text = "\
network:
 version: 2
 ethernets:
  ens3:
   match: {macaddress: 52:54:00:12:34:56}
   set-name: ens3
   macaddress: 02:00:00:00:00:01
   dhcp4: yes
";
    let one = only(text);
    let mac = one
        .matching
        .and_then(|m| m.macaddress)
        .expect("a MAC address");
    assert_eq!(mac.to_string(), "52:54:00:12:34:56");
    assert_eq!(
        one.mac.map(|m| m.to_string()).as_deref(),
        Some("02:00:00:00:00:01")
    );
}

#[test]
fn maas_with_labels_jumbo_frames_and_an_idle_card() {
    let text = "\
network:
    ethernets:
        enp1s0f0:
            addresses:
            - 10.0.0.15/24:
                label: \"enp1s0f0:maas\"
                lifetime: 0
            - 2001:db8:1::15/64
            match:
                macaddress: aa:bb:cc:dd:ee:01
            mtu: 9000
            nameservers:
                addresses:
                - 10.0.0.2
                search:
                - maas
            routes:
            -   on-link: true
                to: 0.0.0.0/0
                via: 192.0.2.1
                metric: 100
            set-name: enp1s0f0
        enp1s0f1:
            match:
                macaddress: aa:bb:cc:dd:ee:02
            mtu: 1500
            optional: true
            set-name: enp1s0f1
    version: 2
";
    assert_eq!(
        all(text),
        [
            "enp1s0f0 aa:bb:cc:dd:ee:01 0/0 [2001:db8:1::15/64, 10.0.0.15/24] [0.0.0.0/0 via 192.0.2.1]",
            "enp1s0f1 aa:bb:cc:dd:ee:02 0/0 [] []"
        ]
    );
    let first = &interfaces(text)[0];
    assert_eq!(first.addresses[1].label.as_deref(), Some("enp1s0f0:maas"));
    assert!(first.addresses[1].deprecated && !first.addresses[0].deprecated);
    assert_eq!(first.mtu.map(u64::from), Some(9000));
    assert!(first.routes[0].on_link);
    assert_eq!(first.routes[0].metric, Some(100));
    let origin = first.addresses[0].origin.as_ref().expect("a place");
    assert_eq!(
        origin.to_string(),
        "n.yaml:8:15 `network.ethernets.enp1s0f0.addresses[1]`"
    );
}

#[test]
fn maas_with_bond_and_vlan() {
    let text = "\
network:
    bonds:
        bond0:
            interfaces: [ens3, ens4]
            macaddress: aa:bb:cc:dd:ee:01
            mtu: 1500
            parameters: {down-delay: 0, lacp-rate: fast, mii-monitor-interval: 100, mode: 802.3ad, transmit-hash-policy: layer3+4, up-delay: 0}
    ethernets:
        ens3: {match: {macaddress: aa:bb:cc:dd:ee:01}, mtu: 1500, set-name: ens3}
        ens4: {match: {macaddress: aa:bb:cc:dd:ee:02}, mtu: 1500, set-name: ens4}
    version: 2
    vlans:
        bond0.100:
            addresses: [10.100.0.15/24]
            id: 100
            link: bond0
            mtu: 1500
";
    assert_eq!(
        all(text),
        [
            "bond0 - 0/0 [] []",
            "ens3 aa:bb:cc:dd:ee:01 0/0 [] []",
            "ens4 aa:bb:cc:dd:ee:02 0/0 [] []",
            "bond0.100 - 0/0 [10.100.0.15/24] []"
        ]
    );
}

#[test]
fn curtin_with_an_opaque_id_and_a_driver() {
    let text = "\
network:
  version: 2
  ethernets:
    id0:
      match: {name: \"enp*\", driver: [virtio_net, \"mlx5*\"]}
      dhcp4: on
    id1:
      match: {name: ens9}
      dhcp6: On
";
    assert_eq!(all(text), ["id0 - 1/0 [] []", "ens9 - 0/1 [] []"]);
    let both = interfaces(text);
    let matching = both[0].matching.as_ref().expect("a match");
    assert_eq!(matching.name.as_deref(), Some("enp*"));
    assert_eq!(matching.driver, ["virtio_net", "mlx5*"]);
    // What a runtime can't do of it, the runtime says.
    assert!(diagnostics(&both[0]).is_empty() && diagnostics(&both[1]).is_empty());
}

#[test]
fn ipv6_only_with_router_advertisements() {
    let text = "\
network:
  version: 2
  ethernets:
    ens3:
      dhcp4: no
      dhcp6: true
      accept-ra: true
      link-local: [ipv6]
      routes:
        - {to: \"2001:db8:9::/48\", via: fe80::1, metric: 10}
        - to: \"::/0\"
          via: fe80::1
";
    assert_eq!(
        all(text),
        ["ens3 - 0/1 [] [2001:db8:9::/48 via fe80::1, ::/0 via fe80::1]"]
    );
    assert_eq!(only(text).accept_ra, Some(true));
}

#[test]
fn dhcp_with_overrides() {
    let text = "\
network:
  version: 2
  ethernets:
    ens3:
      dhcp4: true
      dhcp-identifier: mac
      dhcp4-overrides: {route-metric: 7, use-domains: route, use-dns: off, hostname: n1}
";
    let one = only(text);
    let client = nvmeroot_plan::Dhcp4 {
        identifier_mac: true,
        hostname: "n1".parse().ok(),
        route_metric: 7,
        use_dns: false,
        ..nvmeroot_plan::Dhcp4::default()
    };
    assert_eq!(one.dhcp4, Some(client));
}

/// `combine_dhcp_overrides` in netplan's src/networkd.c.
#[test]
fn both_families_have_the_same_overrides_however_they_are_spelled() {
    let differs = |four: &str, six: &str| {
        let text = format!(
            "network: {{ethernets: {{e0: {{dhcp4: true, dhcp6: true, dhcp4-overrides: {four}, \
             dhcp6-overrides: {six}}}}}}}"
        );
        diagnostics(&only(&text)).len() == 1
    };
    let all = "{use-dns: no, use-ntp: no, use-domains: Route, route-metric: 10, hostname: a}";
    let again = "{use-dns: false, use-ntp: n, use-domains: route, route-metric: 10, hostname: a}";
    assert!(!differs(all, again));
    for six in [
        "{use-ntp: no}",
        "{use-mtu: no}",
        "{hostname: a}",
        "{use-domains: yes}",
        "{route-metric: 10}",
    ] {
        assert!(differs("{use-domains: route}", six), "{six}");
    }
}

#[test]
fn a_file_of_json_is_yaml() {
    let text = r#"{"network": {"version": 2, "ethernets": {"ens3": {"addresses": ["10.0.0.5/24"], "dhcp4": false}}}}"#;
    assert_eq!(all(text), ["ens3 - 0/0 [10.0.0.5/24] []"]);
}

#[test]
fn an_installer_without_any_interface_says_so() {
    for text in [
        "network: {version: 2}",
        "network:\n  version: 2\n  renderer: networkd\n",
    ] {
        assert!(interfaces(text).is_empty());
    }
    for text in ["", "# nothing\n", "network: null\n", "null"] {
        assert_eq!(fragment(text).interfaces, None, "{text:?}");
    }
}

fn cloud_init(files: &[(&str, &str)]) -> Fragment {
    let sources: Vec<_> = files
        .iter()
        .map(|(path, text)| source(path, text))
        .collect();
    match read(&sources) {
        Ok(fragment) => fragment,
        Err(error) => panic!("{}", error.into_diagnostics()),
    }
}

#[test]
fn cloud_inits_own_file_has_other_keys_and_may_lack_the_wrapper() {
    let wrapped =
        "datasource_list: [None]\nnetwork: {version: 2, ethernets: {ens3: {dhcp4: true}}}\n";
    let bare = "version: 2\nethernets: {ens3: {dhcp4: true}}\n";
    for text in [wrapped, bare] {
        let fragment = cloud_init(&[("etc/cloud/cloud.cfg.d/50-curtin-networking.cfg", text)]);
        assert!(fragment.warnings.is_empty(), "{:?}", fragment.warnings);
        let all = fragment.interfaces.expect("a network");
        assert_eq!(
            all.iter().map(shown).collect::<Vec<_>>(),
            ["ens3 - 1/0 [] []"]
        );
    }
}

#[test]
fn cloud_init_goes_by_the_last_of_its_files_and_may_be_disabled() {
    let dhcp = "network: {version: 2, ethernets: {ens3: {dhcp4: true}}}";
    let disabled = "network: {config: disabled}";
    let installer = "network: {version: 2, ethernets: {ens9: {dhcp4: true}}}";
    let fragment = cloud_init(&[
        ("etc/cloud/cloud.cfg.d/50-net.cfg", dhcp),
        ("etc/cloud/cloud.cfg.d/99-disable.cfg", disabled),
        ("etc/netplan/00-installer-config.yaml", installer),
    ]);
    let all = fragment.interfaces.expect("a network");
    assert_eq!(
        all.iter().map(shown).collect::<Vec<_>>(),
        ["ens9 - 1/0 [] []"]
    );
}

#[test]
fn version_1_is_cloud_inits_and_not_netplans() {
    let text = "network:\n  version: 1\n  config:\n  - {type: physical, name: ens3}\n";
    let fragment = cloud_init(&[("etc/cloud/cloud.cfg.d/50-curtin-networking.cfg", text)]);
    let all = fragment.interfaces.expect("a network");
    assert_eq!(
        all.iter().map(shown).collect::<Vec<_>>(),
        ["ens3 - 0/0 [] []"]
    );
    assert_eq!(
        refused(text).to_string(),
        "n.yaml:2:12 `network.version`: this version is not netplan's; expected `2`"
    );
}
