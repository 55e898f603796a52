//! What can't be meant: where it stands, and what helps.

use super::*;

#[test]
fn entries_and_types() {
    for (entries, expected) in [
        (
            "  - {type: phsical, name: e0}\n",
            "c.yaml:4:12 `network.config[0].type`: no entry has the type `phsical`; expected \
             `physical`, `bond`, `bridge`, `vlan`, `nameserver`, `route`, `infiniband` or \
             `loopback`\nhint: did you mean `physical`?",
        ),
        (
            "  - {name: e0}\n",
            "c.yaml:4:5 `network.config[0]`: this entry has no `type`; expected `physical`, `bond`, \
             `bridge`, `vlan`, `nameserver`, `route`, `infiniband` or `loopback`",
        ),
        (
            "  - e0\n",
            "c.yaml:4:5 `network.config[0]`: this entry is no mapping; expected a mapping with `type`",
        ),
        (
            "  - {type: physical}\n",
            "c.yaml:4:5 `network.config[0]`: this entry has no `name`, and cloud-init leaves it \
             aside; expected `name`",
        ),
        (
            "  - {type: physical, name: a/b}\n",
            "c.yaml:4:28 `network.config[0].name`: this is `a/b`; expected an interface's name: 1 \
             to 15 bytes, no spaces, `/`, `:` or `%`",
        ),
        (
            "  - {type: physical, name: e0, mac_address: 11:22:33:44:55:16}\n",
            "c.yaml:4:45 `network.config[0].mac_address`: this is `8846009716`; expected a MAC \
             address: six pairs of hexadecimal digits with colons\nhint: YAML 1.1 made this number \
             of `11:22:33:44:55:16`: write that, in quotes",
        ),
        (
            "  - {type: bond, name: b0, bond_interfaces: []}\n",
            "c.yaml:4:5 `network.config[0]`: this bond has no `params`, and cloud-init leaves it \
             aside; expected `params`, such as `{bond-mode: active-backup}`",
        ),
        (
            "  - {type: physical, name: eth0}\n  - {type: vlan, name: v, vlan_id: 7, vlan_link: eht0}\n",
            "c.yaml:5:50 `network.config[1].vlan_link`: no interface is called `eht0`; expected \
             the `name` of an entry\nhint: did you mean `eth0`?",
        ),
        (
            "  - {type: bridge, name: br0, bridge_interfaces: [other], params: {}}\n",
            "c.yaml:4:51 `network.config[0].bridge_interfaces[0]`: no interface is called `other`; \
             expected the `name` of an entry\nhint: add `- {type: physical, name: other}` to the \
             list",
        ),
        (
            "  - {type: vlan, name: v, vlan_id: 4095, vlan_link: v}\n",
            "c.yaml:4:36 `network.config[0].vlan_id`: this is `4095`; expected a whole number from \
             0 to 4094",
        ),
        (
            "  - {type: nameserver, search: a.test}\n",
            "c.yaml:4:5 `network.config[0]`: this name server has no `address`; expected \
             `address`, one or a list of them",
        ),
        (
            "  - {type: nameserver, address: 9.9.9.9, interface: e0}\n",
            "c.yaml:4:53 `network.config[0].interface`: no interface is called `e0`; expected the \
             `name` of an entry",
        ),
    ] {
        assert_eq!(refused(&version_1(entries)), expected, "{entries}");
    }
}

#[test]
fn subnets_and_routes() {
    for (subnet, expected) in [
        (
            "{address: 10.0.0.5/24}",
            "c.yaml:7:7 `network.config[0].subnets[0]`: this subnet has no `type`; expected \
             `type`, such as `static` or `dhcp4`",
        ),
        (
            "{type: dhcp5}",
            "c.yaml:7:14 `network.config[0].subnets[0].type`: this is `dhcp5`; expected `dhcp4`, \
             `dhcp`, `dhcp6`, `static`, `static6`, `ipv6_dhcpv6-stateful`, \
             `ipv6_dhcpv6-stateless`, `ipv6_slaac` or `manual`\nhint: did you mean `dhcp4`?",
        ),
        (
            "{type: static}",
            "c.yaml:7:7 `network.config[0].subnets[0]`: this static subnet has no `address`; \
             expected `address`, such as `10.0.0.5/24`",
        ),
        (
            "{type: static, address: 10.0.0/24}",
            "c.yaml:7:31 `network.config[0].subnets[0].address`: `address` is `10.0.0/24`; \
             expected an address, such as `10.0.0.5/24` or `2001:db8::5/64`",
        ),
        (
            "{type: static, address: 10.0.0.5, netmask: 255.0.255.0}",
            "c.yaml:7:50 `network.config[0].subnets[0].netmask`: this is `255.0.255.0`; expected a \
             prefix length such as `24`, or a mask such as `255.255.255.0`",
        ),
        (
            "{type: static, address: 10.0.0.5/24, gateway: 10.0.0.1/24}",
            "c.yaml:7:53 `network.config[0].subnets[0].gateway`: this is `10.0.0.1/24`; expected \
             an IPv4 or IPv6 address\nhint: write `10.0.0.1`",
        ),
        (
            "{type: static, address: 10.0.0.5/24, routes: [{destination: 10.1.0.0/16}]}",
            "c.yaml:7:53 `network.config[0].subnets[0].routes[0]`: this route has no `gateway`; \
             expected `gateway`, an address",
        ),
        (
            "{type: static, address: 10.0.0.5/24, routes: [{gateway: 10.0.0.1}]}",
            "c.yaml:7:53 `network.config[0].subnets[0].routes[0]`: this route has no \
             `destination`; expected `destination`, a network such as `10.0.0.0/8`, or `default`",
        ),
        (
            "{type: static, address: 10.0.0.5/24, routes: [{destination: 'fd00::/8', gateway: 10.0.0.1}]}",
            "c.yaml:7:88 `network.config[0].subnets[0].routes[0].gateway`: `gateway` is \
             `10.0.0.1`; expected an address of the destination's family",
        ),
        (
            "{type: static, address: 10.0.0.5/24, dns_nameservers: [dns]}",
            "c.yaml:7:62 `network.config[0].subnets[0].dns_nameservers[0]`: this is `dns`; \
             expected an IPv4 or IPv6 address",
        ),
    ] {
        let entries = format!("  - type: physical\n    name: e0\n    subnets:\n    - {subnet}\n");
        assert_eq!(refused(&version_1(&entries)), expected, "{subnet}");
    }
}

#[test]
fn parameters() {
    for (kind, parameter, expected) in [
        (
            "bond",
            "bond-mode: fast",
            "c.yaml:5:71 `network.config[1].params.bond-mode`: this is `fast`; expected \
             `balance-rr`, `active-backup`, `balance-xor`, `broadcast`, `802.3ad`, `balance-tlb`, \
             `balance-alb`, `balance-tcp` or `balance-slb`",
        ),
        (
            "bond",
            "bond-miimon: {a: 1}",
            "c.yaml:5:73 `network.config[1].params.bond-miimon`: this is no single value; \
             expected a single value",
        ),
        (
            "bridge",
            "bridge_stp: maybe",
            "c.yaml:5:76 `network.config[1].params.bridge_stp`: this is `maybe`; expected `on` or \
             `off`",
        ),
        (
            "bridge",
            "bridge_pathcost: [e0]",
            "c.yaml:5:82 `network.config[1].params.bridge_pathcost[0]`: this is `e0`; expected a \
             list of texts such as `eth0 50`: a port and its number",
        ),
    ] {
        let entries = format!(
            "  - {{type: physical, name: e0}}\n  - {{type: {kind}, name: m0, {kind}_interfaces: [e0], params: {{{parameter}}}}}\n"
        );
        assert_eq!(refused(&version_1(&entries)), expected, "{parameter}");
    }
}

#[test]
fn versions_and_shapes() {
    for (text, expected) in [
        (
            "network: {version: 3}\n",
            "c.yaml:1:20 `network.version`: this version is unknown; expected `1` or `2`",
        ),
        (
            "network: [1]\n",
            "c.yaml:1:10 `network`: `network` is a list; expected a mapping with `version`",
        ),
        (
            "network: {version: 1, config: {type: physical}}\n",
            "c.yaml:1:31 `network.config`: this is a mapping; expected a list\nhint: put `- ` \
             before each item",
        ),
        (
            "network: {version: 2, ethernets: {e0: {dhcp4: maybe}}}\n",
            "c.yaml:1:47 `network.ethernets.e0.dhcp4`: this is `maybe`; expected `true` or `false`",
        ),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
}
