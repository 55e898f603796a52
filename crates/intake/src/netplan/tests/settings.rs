//! Keys of one value.

use nvmeroot_plan::{ActivationMode, BridgePort, Ipv6AddressGeneration, LinkLocal, Offloads};

use super::*;

fn ethernet(keys: &str) -> Interface {
    only(&format!("network: {{ethernets: {{e0: {{{keys}}}}}}}"))
}

#[test]
fn offloads_are_what_was_said_and_nothing_else() {
    let one = ethernet(
        "receive-checksum-offload: yes, transmit-checksum-offload: no, \
         tcp-segmentation-offload: on, tcp6-segmentation-offload: off, \
         generic-segmentation-offload: y, generic-receive-offload: n, large-receive-offload: true",
    );
    assert_eq!(
        one.offloads,
        Offloads {
            receive_checksum: Some(true),
            transmit_checksum: Some(false),
            tcp_segmentation: Some(true),
            tcp6_segmentation: Some(false),
            generic_segmentation: Some(true),
            generic_receive: Some(false),
            large_receive: Some(true),
        }
    );
    assert!(ethernet("dhcp4: true").offloads.is_empty());
}

#[test]
fn ipv6_is_as_it_was_said() {
    let one = ethernet(
        "ipv6-mtu: 1400, ipv6-privacy: true, ipv6-address-token: \"::1a:2b\", accept-ra: no, \
         ra-overrides: {use-dns: no, use-domains: Route, table: 5}",
    );
    assert_eq!(one.ipv6_mtu.map(u64::from), Some(1400));
    assert!(one.ipv6_privacy);
    assert_eq!(one.ipv6_address_token, "::1a:2b".parse().ok());
    assert_eq!(one.accept_ra, Some(false));
    assert_eq!(one.ra_table, Some(5));
    let how = |word: &str| {
        let one = ethernet(&format!("ipv6-address-generation: {word}"));
        one.ipv6_address_generation
    };
    assert_eq!(how("eui64"), Some(Ipv6AddressGeneration::Eui64));
    let stable = Some(Ipv6AddressGeneration::StablePrivacy);
    assert_eq!(how("stable-privacy"), stable);
}

#[test]
fn what_makes_no_sense_of_ipv6_is_said() {
    let doubt = |keys| diagnostics(&ethernet(keys)).remove(0);
    assert_eq!(
        doubt("ipv6-mtu: 1279"),
        "doubt 1:28 network.ethernets.e0.ipv6-mtu: `1279` is no MTU of IPv6: expected a whole \
         number from 1280 to 65535"
    );
    let token = doubt("ipv6-address-token: \"2001:db8::\"");
    assert!(token.starts_with("doubt 1:28"), "{token}");
    let both = "network: {ethernets: {e0: {ipv6-address-generation: eui64, \
                ipv6-address-token: \"::1\"}}}";
    assert_eq!(
        refused(both).to_string(),
        "n.yaml:1:60 `network.ethernets.e0.ipv6-address-token`: `ipv6-address-generation` is \
         there too; expected one of the two, or neither"
    );
}

#[test]
fn link_local_addresses_are_of_the_families_that_are_named() {
    let of = |list: &str| {
        let LinkLocal { ipv4, ipv6 } = ethernet(list).link_local;
        (ipv4, ipv6)
    };
    assert_eq!(of("dhcp4: true"), (false, true));
    assert_eq!(of("link-local: []"), (false, false));
    assert_eq!(of("link-local: [ipv4]"), (true, false));
    assert_eq!(of("link-local: [IPv4, ipv6]"), (true, true));
}

#[test]
fn when_and_by_whom_it_is_brought_up() {
    let one = ethernet(
        "optional-addresses: [ipv4-ll, dhcp6], ignore-carrier: true, activation-mode: manual",
    );
    assert_eq!(one.activation_mode, Some(ActivationMode::Manual));
    assert_eq!(
        diagnostics(&one),
        [
            "note 1:88 network.ethernets.e0.activation-mode: the initramfs brings the link up all \
          the same"
        ]
    );
    let off = ethernet("activation-mode: off");
    assert_eq!(off.activation_mode, Some(ActivationMode::Off));
    assert_eq!(off.diagnostics[0].severity, Severity::Refusal);
}

#[test]
fn a_port_says_how_it_is_one() {
    let one = ethernet("hairpin: yes, neigh-suppress: no, port-mac-learning: no");
    assert_eq!(
        one.bridge_port,
        BridgePort {
            hairpin: Some(true),
            neigh_suppress: Some(false),
            learning: Some(false),
            ..BridgePort::default()
        }
    );
}

#[test]
fn addresses_with_options_come_behind_the_others() {
    let one = ethernet(
        "addresses: [10.0.0.1/24: {label: \"e0:a\"}, 10.0.0.2/24, 10.0.0.3/24: {lifetime: 0}, \
         10.0.0.4/24]",
    );
    let order: Vec<String> = one
        .addresses
        .iter()
        .map(|one| one.address.addr().to_string())
        .collect();
    assert_eq!(order, ["10.0.0.2", "10.0.0.4", "10.0.0.1", "10.0.0.3"]);
}
