//! Each rule, once.

use crate::testing::{bond, card, controller, root_on, vlan, vrf};
use crate::{BootPlan, Dhcp4, Dhcp6, Interface, Requirement};

fn plan(address: &str, interfaces: Vec<Interface>) -> BootPlan {
    root_on(vec![controller(address)], interfaces)
}

fn dhcp4(id: &str) -> Interface {
    let mut one = card(id);
    one.dhcp4 = Some(Dhcp4::default());
    one
}

fn dhcp6(id: &str) -> Interface {
    let mut one = card(id);
    one.dhcp6 = Some(Dhcp6::default());
    one
}

#[test]
fn root_s_controllers_are_never_given_up_unless_that_is_asked_for() {
    let mut patient = controller("10.0.0.8");
    patient.options.ctrl_loss_tmo = Some(600);
    let plan = root_on(vec![controller("10.0.0.9"), patient], vec![]);
    let told: Vec<_> = plan
        .controllers
        .iter()
        .map(|c| c.options.ctrl_loss_tmo)
        .collect();
    assert_eq!(told, [Some(600), Some(-1)]);
}

#[test]
fn advertisements_are_refused_where_root_needs_none() {
    let accepts =
        |address: &str, one: Interface| plan(address, vec![one]).network.interfaces[0].accept_ra;
    assert_eq!(accepts("10.0.0.9", dhcp4("a")), Some(false));
    assert_eq!(accepts("2001:db8::9", card("a")), None);
    let known = card("a").with_address("2001:db8::1/64");
    assert_eq!(accepts("2001:db8::9", known), Some(false));
    let routed = card("a")
        .with_address("2001:db8:1::1/64")
        .with_route("::/0", "2001:db8:1::2");
    assert_eq!(accepts("2001:db8::9", routed), Some(false));
    let mut bound = controller("fe80::9");
    bound.options.host_iface = "a".parse().ok();
    let plan = root_on(vec![bound], vec![card("a")]);
    assert_eq!(plan.network.interfaces[0].accept_ra, Some(false));
}

/// It is no host on any link.
#[test]
fn a_vrf_neither_accepts_nor_refuses_advertisements() {
    let mut domain = vrf("red", 1001, &["a"]);
    domain.accept_ra = Some(true);
    domain.dhcp4 = Some(Dhcp4::default());
    let plan = plan("10.0.0.9", vec![domain, dhcp4("a")]);
    let told: Vec<_> = plan
        .network
        .interfaces
        .iter()
        .map(|one| (one.name.as_str(), one.accept_ra, one.ra_metric))
        .collect();
    assert_eq!(
        told,
        [("a", Some(false), None), ("red", Some(true), None)],
        "{:?}",
        plan.warnings
    );
}

#[test]
fn who_asks_by_dhcpv6_listens_to_routers_unless_the_input_refuses() {
    let accepts = |input| {
        let mut asks = dhcp6("a");
        asks.accept_ra = input;
        plan("2001:db8::9", vec![asks]).network.interfaces[0].accept_ra
    };
    assert_eq!(accepts(None), Some(true));
    assert_eq!(accepts(Some(false)), Some(false));
    // Also where root itself needs none.
    let beside = plan("10.0.0.9", vec![dhcp6("a")]);
    assert_eq!(beside.network.interfaces[0].accept_ra, Some(true));
}

fn with_metric(mut one: Interface, metric: u32) -> Interface {
    let client = one.dhcp4.as_mut().expect("DHCPv4 is asked");
    client.route_metric = metric;
    one
}

#[test]
fn what_routers_announce_has_the_metric_of_what_dhcp_brings() {
    let metric = |one: Interface| plan("2001:db8::9", vec![one]).network.interfaces[0].ra_metric;
    assert_eq!(metric(dhcp6("a")), Some(100));
    assert_eq!(metric(dhcp4("a")), Some(100));
    assert_eq!(metric(with_metric(dhcp4("a"), 7)), Some(7));
    let mut said = dhcp6("a");
    said.ra_metric = Some(8);
    assert_eq!(metric(said.clone()), Some(8));
    said.dhcp4 = dhcp4("a").dhcp4;
    assert_eq!(metric(with_metric(said, 7)), Some(8));
    // The default of whoever sets them.
    assert_eq!(metric(card("a")), None);
    let mut refuses = dhcp6("a");
    refuses.accept_ra = Some(false);
    assert_eq!(metric(refuses), None);
}

#[test]
fn advertisements_that_are_asked_for_and_refused_are_told() {
    let told = |portal: &str, asks: Option<bool>, address: &str| {
        let mut one = card("a").with_address(address);
        one.accept_ra = asks;
        let plan = plan(portal, vec![one]);
        let about = |w: &&crate::Warning| w.message.contains("router advertisements on `a`");
        plan.warnings.iter().filter(about).count()
    };
    assert_eq!(told("10.0.0.9", Some(true), "10.0.0.1/24"), 1);
    assert_eq!(told("10.0.0.9", None, "10.0.0.1/24"), 0, "nobody asks");
    assert_eq!(
        told("10.0.0.9", Some(true), "192.0.2.1/24"),
        0,
        "not on the path"
    );
    assert_eq!(told("2001:db8::9", Some(true), "10.0.0.1/24"), 0);
}

#[test]
fn a_lease_of_the_path_is_asked_for_by_mac_address_and_has_netplan_s_metric() {
    let own = with_metric(dhcp4("own"), 7);
    let mut both = dhcp4("both");
    both.dhcp6 = Some(Dhcp6::default());
    let plan = plan("10.0.0.9", vec![own, both, card("none")]);
    let told: Vec<_> = plan
        .network
        .interfaces
        .iter()
        .map(|one| {
            let four = one.dhcp4.as_ref();
            (
                four.map(|client| (client.identifier_mac, client.route_metric)),
                one.dhcp6.as_ref().map(|client| client.link_layer_iaid),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some((true, 7)), None),
            (Some((true, 100)), Some(Some(1))),
            (None, None),
        ]
    );
}

#[test]
fn what_a_vrf_holds_has_its_table() {
    let member = card("a")
        .with_address("10.0.0.1/24")
        .with_route("10.1.0.0/16", "10.0.0.2");
    let mut explicit = card("b").with_route("10.2.0.0/16", "10.0.0.2");
    explicit.routes[0].table = Some(5);
    let plan = plan(
        "10.0.0.9",
        vec![member, explicit, vrf("red", 1001, &["a", "b"]), card("c")],
    );
    let tables: Vec<_> = plan
        .network
        .interfaces
        .iter()
        .map(|one| (one.table, one.routes.first().and_then(|r| r.table)))
        .collect();
    assert_eq!(
        tables,
        [
            (Some(1001), Some(1001)),
            (Some(1001), Some(5)),
            (Some(1001), None),
            (None, None),
        ]
    );
}

#[test]
fn modules_are_those_of_the_path_and_of_its_connections() {
    let mut digest = controller("10.0.0.9");
    digest.options.data_digest = true;
    let interfaces = || {
        vec![
            card("e0"),
            card("e1"),
            bond("bond0", &["e0", "e1"]),
            vlan("storage", 7, "bond0").with_address("10.0.0.1/24"),
            vrf("red", 1001, &[]),
        ]
    };
    let plain = root_on(vec![controller("10.0.0.9")], interfaces());
    assert_eq!(plain.modules, ["8021q", "bonding"]);
    let digests = root_on(vec![digest], interfaces());
    assert_eq!(digests.modules, ["8021q", "bonding", "crypto-crc32c"]);
}

#[test]
fn one_path_to_each_subsystem_is_enough_and_each_unknown_portal_is_needed() {
    let named = |address: &str, nqn: &str| {
        let mut one = controller(address);
        one.nqn = Some(nqn.parse().expect("an NQN"));
        one
    };
    let over = |name: &str| {
        let mut one = controller("10.0.0.4");
        one.options.host_iface = name.parse().ok();
        one
    };
    let plan = root_on(
        vec![
            named("10.0.0.1", "nqn.a"),
            named("10.0.0.2", "nqn.b"),
            named("10.0.0.3", "nqn.a"),
            over("ens3"),
            over("ens4"),
            controller("10.0.0.5"),
        ],
        vec![],
    );
    let root = || vec!["/".parse().expect("a mount point")];
    let discovery = |address| named(address, crate::Nqn::DISCOVERY);
    let asked = root_on(vec![discovery("10.0.0.1"), discovery("10.0.0.2")], vec![]);
    let needed: Vec<_> = asked
        .requirements
        .iter()
        .map(|r| r.any_of.clone())
        .collect();
    assert_eq!(needed, [[0], [1]], "each portal's log may name a part");
    let expected: Vec<Requirement> = [vec![0, 2], vec![1], vec![3, 4], vec![5]]
        .into_iter()
        .map(|any_of| Requirement {
            any_of,
            mounts: root(),
        })
        .collect();
    assert_eq!(plan.requirements, expected);
}

/// `/` on an array of two drives, each behind a portal of its own, in the order in which
/// the source has them.
fn mirrored(addresses: [&str; 2]) -> BootPlan {
    let node = |id: &str, on: &[&str], role| {
        let on = on.iter().map(|id| (*id).to_owned()).collect();
        crate::testing::node(id.to_owned(), on, role)
    };
    let mirror = crate::Layer::Array {
        name: None,
        can_miss: 1,
    };
    let root = crate::MountRequest {
        netdev: Some(true),
        ..crate::MountRequest::new("/".parse().expect("a mount point"))
    };
    let mut nodes = vec![
        node("m", &["md"], crate::NodeRole::Mount(root)),
        node("md", &["0", "1"], crate::NodeRole::Layer(mirror)),
    ];
    for (id, address) in ["0", "1"].into_iter().zip(addresses) {
        let role = crate::NodeRole::Controller(Box::new(controller(address)));
        nodes.push(node(id, &[], role));
    }
    let graph = crate::StorageGraph::new(nodes).expect("a graph");
    crate::resolve(vec![crate::Fragment {
        storage: Some(graph),
        ..crate::Fragment::default()
    }])
}

#[test]
fn an_array_can_do_without_a_member_and_a_plain_drive_is_needed() {
    let plan = mirrored(["10.0.0.2", "10.0.0.1"]);
    // The plan's order is not the source's.
    assert_eq!(plan.mounts[0].arrays[0].members, [[1], [0]]);
    let all: Vec<&Requirement> = plan.requirements.iter().collect();
    assert_eq!(all.len(), 2);
    assert!(plan.can_do_without(&all[..1]) && plan.can_do_without(&all[1..]));
    assert!(plan.can_do_without(&[]) && !plan.can_do_without(&all));
    let plain = root_on(vec![controller("10.0.0.1"), controller("10.0.0.2")], vec![]);
    assert!(!plain.can_do_without(&[&plain.requirements[0]]));
}

#[test]
fn nothing_is_decided_for_a_plan_that_the_initramfs_has_no_part_in() {
    let plan = crate::resolve(vec![crate::Fragment {
        interfaces: Some(vec![dhcp4("a")]),
        ..crate::Fragment::default()
    }]);
    let one = &plan.network.interfaces[0];
    assert_eq!((one.accept_ra, &one.dhcp4), (None, &dhcp4("a").dhcp4));
    assert_eq!((plan.modules.len(), plan.requirements.len()), (0, 0));
}
