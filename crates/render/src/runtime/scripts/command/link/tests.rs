use nvmeroot_plan::{
    Action, ArpTargets, Bond, BootPlan, Bridge, BridgePort, Dummy, Interface, Ipv6Settings,
    LinkKind, Offloads, Step, Vlan, Vrf,
};

use crate::commands_text;
use crate::runtime::scripts::command::link;
use crate::testing::{controller, ethernet, initramfs_plan, vlan_on_bond};

fn text(plan: &BootPlan) -> String {
    commands_text(plan).expect("commands")
}

/// The network's commands where root lies behind each of the interfaces.
fn network(interfaces: Vec<Interface>) -> String {
    let plan = initramfs_plan(interfaces, vec![controller("10.0.0.9", "4420")]);
    let connect =
        "nvme connect-all --transport tcp --traddr 10.0.0.9 --trsvcid 4420 --ctrl-loss-tmo -1\n";
    let text = text(&plan);
    text.strip_suffix(connect).expect("it connects").to_owned()
}

fn lines(action: &Action) -> Vec<String> {
    let all = link::commands(action).into_iter();
    all.map(|words| words.0.join(" ")).collect()
}

fn of_kind(id: &str, kind: LinkKind) -> Interface {
    Interface {
        kind,
        ..ethernet(id)
    }
}

fn id(text: &str) -> nvmeroot_plan::DefinitionId {
    text.parse().expect("an id")
}

#[test]
fn a_vlan_on_a_bond_of_two_cards() {
    let mut plan = vlan_on_bond();
    plan.network.interfaces[0].mac = Some("00:16:3e:00:00:01".parse().expect("an address"));
    assert_eq!(
        text(&plan),
        "\
ip link set ens3 address 00:16:3e:00:00:01
ip link set ens3 mtu 9000
ip link set ens4 mtu 9000
ip link add name bond0 type bond mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer3+4
ip link set bond0 mtu 9000
ip link set ens3 master bond0
ip link set ens3 up
ip link set ens4 master bond0
ip link set ens4 up
sysctl -w 'net/ipv6/conf/bond0/accept_ra=0'
ip link set bond0 up
ip link add link bond0 name bond0.7 type vlan id 7
ip link set bond0.7 mtu 9000
sysctl -w 'net/ipv6/conf/bond0.7/accept_ra=0'
ip address add 10.7.0.5/24 dev bond0.7
ip link set bond0.7 up
ip route add 10.8.0.0/16 via 10.7.0.1 dev bond0.7
nvme connect-all --transport tcp --traddr 10.7.0.9 --trsvcid 4420 --ctrl-loss-tmo -1
"
    );
}

#[test]
fn a_bond_has_all_its_parameters_from_the_start() {
    let bond: Bond = serde_json::from_str(
        r#"{"mode":"active-backup","lacp_rate":"slow","mii_monitor_interval":100,"min_links":1,
        "transmit_hash_policy":"vlan+srcmac","ad_select":"count","all_members_active":true,
        "arp_interval":200,"arp_validate":"backup","arp_all_targets":"all","up_delay":300,
        "down_delay":400,"fail_over_mac_policy":"follow","gratuitous_arp":3,
        "packets_per_member":4,"primary_reselect_policy":"better","resend_igmp":5,
        "learn_packet_interval":6,"members":["ens3"],"primary":"ens3"}"#,
    )
    .expect("a bond");
    let mut bond0 = of_kind("bond0", LinkKind::Bond { bond });
    let LinkKind::Bond { bond } = &mut bond0.kind else {
        unreachable!("it was made one");
    };
    let targets = ["10.0.0.1", "10.0.0.2"].map(|a| a.parse().expect("an address"));
    bond.parameters.arp_ip_targets = ArpTargets::try_from(targets.to_vec()).expect("two");
    let text = network(vec![ethernet("ens3"), bond0]);
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "ip link add name bond0 type bond mode active-backup miimon 100 updelay 300 \
             downdelay 400 arp_interval 200 arp_ip_target '10.0.0.1,10.0.0.2' arp_validate backup \
             arp_all_targets all lacp_rate slow ad_select count xmit_hash_policy vlan+srcmac \
             min_links 1 all_slaves_active 1 fail_over_mac follow num_grat_arp 3 \
             packets_per_slave 4 primary_reselect better resend_igmp 5 lp_interval 6"
        )
    );
    assert!(
        text.contains("\nip link set ens3 up\nip link set bond0 type bond primary ens3\n"),
        "{text}"
    );
}

#[test]
fn a_bridge_its_ports_a_vrf_and_a_dummy() {
    let bridge: Bridge = serde_json::from_str(
        r#"{"ageing_time":30000,"priority":4096,"forward_delay":400,"hello_time":200,
        "max_age":2000,"stp":true,"members":["ens3"],"path_cost":{"ens3":50},
        "port_priority":{"ens3":7}}"#,
    )
    .expect("a bridge");
    let mut ens3 = ethernet("ens3");
    ens3.bridge_port = BridgePort {
        hairpin: Some(true),
        neigh_suppress: Some(false),
        learning: Some(true),
        ..BridgePort::default()
    };
    let br0 = of_kind("br0", LinkKind::Bridge { bridge });
    let dummy0 = of_kind("dummy0", LinkKind::Dummy(Dummy {}));
    let vrf = Vrf {
        table: 1005,
        members: vec![id("br0")],
    };
    let mut vrf5 = of_kind("vrf5", LinkKind::Vrf { vrf });
    let mut route = nvmeroot_plan::Route::new(
        "default".parse().expect("a destination"),
        vrf5.origin.clone(),
    );
    route.via = Some("10.0.0.1".parse().expect("an address"));
    vrf5.routes.push(route);
    assert_eq!(
        network(vec![ens3, br0, dummy0, vrf5]),
        "\
ip link add name br0 type bridge forward_delay 400 hello_time 200 max_age 2000 ageing_time 30000 \
priority 4096 stp_state 1
ip link set ens3 master br0
ip link set ens3 type bridge_slave cost 50 priority 7 hairpin on neigh_suppress off learning on
ip link set ens3 addrgenmode none
ip link set ens3 up
ip link add name vrf5 type vrf table 1005
ip link set vrf5 up
ip link set br0 master vrf5
sysctl -w 'net/ipv6/conf/br0/accept_ra=0'
ip link set br0 up
ip link add name dummy0 type dummy
sysctl -w 'net/ipv6/conf/dummy0/accept_ra=0'
ip link set dummy0 up
ip route add default via 10.0.0.1 table 1005
"
    );
}

#[test]
fn a_card_s_own_settings() {
    let mut ens3 = ethernet("ens3");
    ens3.offloads = Offloads {
        receive_checksum: Some(true),
        transmit_checksum: Some(false),
        tcp_segmentation: Some(true),
        tcp6_segmentation: Some(false),
        generic_segmentation: Some(true),
        generic_receive: Some(false),
        large_receive: Some(true),
    };
    assert_eq!(
        network(vec![ens3]),
        "\
ethtool -K ens3 rx on tx off tx-tcp-segmentation on tx-tcp6-segmentation off gso on gro off lro on
ip link set ens3 up
"
    );
}

#[test]
fn ipv6_settings_come_in_the_kernels_order() {
    let set = |settings: &str| {
        let settings: Ipv6Settings = serde_json::from_str(settings).expect("settings");
        lines(&Action::SetIpv6 {
            interface: "eth0.5".parse().expect("a name"),
            settings,
        })
    };
    let all = r#"{"mtu":1400,"accept_ra":true,"address_generation":"eui64","token":"::1a:2b",
        "privacy":true}"#;
    assert_eq!(
        set(all),
        [
            "sysctl -w net/ipv6/conf/eth0.5/mtu=1400",
            "sysctl -w net/ipv6/conf/eth0.5/accept_ra=1",
            "ip link set eth0.5 addrgenmode eui64",
            "ip token set ::1a:2b dev eth0.5",
            "sysctl -w net/ipv6/conf/eth0.5/use_tempaddr=2",
        ]
    );
    assert_eq!(
        set(r#"{"address_generation":"stable-privacy"}"#),
        ["ip link set eth0.5 addrgenmode random"]
    );
    assert_eq!(
        set(r#"{"no_link_local":true,"address_generation":"eui64"}"#),
        ["ip link set eth0.5 addrgenmode none"]
    );
}

#[test]
fn rules_are_of_their_family() {
    let rules: Vec<nvmeroot_plan::Rule> = serde_json::from_str(
        r#"[{"from":"10.1.2.3/8","to":"10.9.0.0/16","table":100,"priority":7,"mark":5,
        "type_of_service":16,"origin":{"file":"n","line":1,"column":1}},
        {"to":"2001:db8::/32","table":5,"origin":{"file":"n","line":2,"column":1}}]"#,
    )
    .expect("rules");
    let mut ens3 = ethernet("ens3");
    ens3.rules = rules;
    assert_eq!(
        network(vec![ens3]),
        "\
ip link set ens3 up
ip rule add from 10.0.0.0/8 to 10.9.0.0/16 tos 0x10 fwmark 5 priority 7 table 100
ip -6 rule add to 2001:db8::/32 table 5
"
    );
}

/// A card off the path is brought up as the original does, and nothing else
/// is.
#[test]
fn off_the_path_only_cards_are_brought_up() {
    let mut plan = vlan_on_bond();
    let bridge = Bridge {
        members: vec![id("ens5")],
        ..Bridge::default()
    };
    let mut ens5 = ethernet("ens5");
    ens5.mac = Some("00:16:3e:00:00:05".parse().expect("an address"));
    ens5.dhcp4 = Some(nvmeroot_plan::Dhcp4::default());
    let vlan = Vlan {
        id: 9.try_into().expect("an id"),
        link: id("br0"),
    };
    let network = &mut plan.network.interfaces;
    let before = network.len();
    network.push(ens5);
    network.push(of_kind("br0", LinkKind::Bridge { bridge }));
    network.push(of_kind("br0.9", LinkKind::Vlan { vlan }));
    assert_eq!(before, 4);
    let with = text(&plan);
    let more: Vec<&str> = {
        let without = text(&vlan_on_bond());
        let without: Vec<&str> = without.lines().collect();
        with.lines().filter(|l| !without.contains(l)).collect()
    };
    assert_eq!(more, ["dhcpcd -4 ens5"]);
}

/// What the front-ends say that the scripts pass over.
#[test]
fn names_and_ipv4_link_local_addresses_are_not_for_scripts() {
    let mut ens3 = ethernet("ens3");
    ens3.set_name = true;
    ens3.matching = Some(nvmeroot_plan::Match::default());
    ens3.link_local.ipv4 = true;
    let plan = initramfs_plan(vec![ens3], vec![controller("10.0.0.9", "4420")]);
    let kinds: Vec<Step> = nvmeroot_plan::steps(&plan, nvmeroot_plan::Scope::Path);
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    assert_eq!(text(&plan).lines().count(), 2);
}
