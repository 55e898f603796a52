use crate::testing::{bond, card, controller, root_on, vlan};
use crate::{BootPlan, Interface, MOST_PASSED};

fn plan_to(to: &str, interfaces: Vec<Interface>) -> BootPlan {
    root_on(vec![controller(to)], interfaces)
}

#[test]
fn a_way_is_told_from_the_route_down_to_the_ports() {
    let plan = plan_to(
        "10.0.0.9",
        vec![
            vlan("v7", 7, "bond0").with_address("10.0.0.2/24"),
            bond("bond0", &["e0", "e1"]),
            card("e0").with_address("10.0.0.3/24"),
            card("e1"),
            card("e2")
                .with_address("192.0.2.2/24")
                .with_route("default", "192.0.2.1")
                .with_route("10.0.0.0/8", "198.51.100.1"),
        ],
    );
    let told = plan.explain();
    let name = |at: usize| plan.network.interfaces[at].name.as_str();
    let way = &told.ways[0];
    assert_eq!(way.chosen.len(), 1);
    assert_eq!(way.chosen[0].route, "10.0.0.0/24 on the link");
    assert_eq!(
        way.chosen[0].why,
        "its address `10.0.0.2/24` is in the same network"
    );
    let top = way.chosen[0].link.expect("a link");
    assert_eq!(name(told.links[top].interface), "v7");
    let below = told.links[top].needs[0];
    assert_eq!(name(told.links[below].interface), "bond0");
    let ports = &told.links[below].needs;
    let ports: Vec<&str> = ports
        .iter()
        .map(|p| name(told.links[*p].interface))
        .collect();
    assert_eq!(ports, ["e0", "e1"]);
    assert_eq!(told.links.len(), 4, "e2 is not on the path");

    let passed: Vec<(&str, &str)> = way
        .passed
        .iter()
        .map(|p| (name(p.interface), p.why.as_str()))
        .collect();
    assert_eq!(
        passed,
        [
            ("e2", "its prefix /0 is shorter than /24"),
            ("e0", "is a member of `bond0`, which gets its packets"),
            ("e2", "its gateway is on none of its networks"),
        ]
    );
    assert_eq!(way.more_passed, 0);
}

#[test]
fn what_was_not_chosen_is_bounded_and_counted() {
    let mut interfaces = vec![card("near").with_address("10.0.0.2/24")];
    for n in 0..100 {
        interfaces.push(card(&format!("e{n}")).with_address("10.0.0.3/8"));
    }
    let told = plan_to("10.0.0.9", interfaces).explain();
    assert_eq!(told.ways[0].passed.len(), MOST_PASSED);
    assert_eq!(told.ways[0].more_passed, 100 - MOST_PASSED);
    let json = serde_json::to_value(&told).expect("JSON");
    assert_eq!(json["ways"][0]["more_passed"], 100 - MOST_PASSED);
}

#[test]
fn what_a_connection_is_bound_to_or_comes_from_is_told() {
    let demand = |interface: Option<&str>, from: Option<&str>| {
        let mut one = controller("10.0.0.9");
        one.options.host_iface = interface.map(|name| name.parse().expect("a name"));
        one.options.host_traddr = from.map(|from| from.parse().expect("an address"));
        let near = card("e0").with_address("10.0.0.2/24");
        let mut told = root_on(vec![one], vec![near]).explain();
        told.ways.remove(0).demand
    };
    for (interface, from, told) in [
        (None, None, None),
        (Some("e0"), None, Some("bound to `e0`")),
        (None, Some("10.0.0.2"), Some("from `10.0.0.2`")),
        (
            Some("e0"),
            Some("10.0.0.2"),
            Some("bound to `e0`, from `10.0.0.2`"),
        ),
    ] {
        assert_eq!(demand(interface, from).as_deref(), told);
    }
}

#[test]
fn in_a_circle_nothing_stands_on_what_comes_later_or_on_itself() {
    let needs = |interfaces| {
        let told = plan_to("10.0.0.9", interfaces).explain();
        let needs: Vec<Vec<usize>> = told.links.into_iter().map(|link| link.needs).collect();
        needs
    };
    let near = |id, link| vlan(id, 7, link).with_address("10.0.0.2/24");
    assert_eq!(needs(vec![near("a", "a")]), [[0; 0]]);
    assert_eq!(
        needs(vec![near("a", "b"), vlan("b", 7, "a")]),
        [vec![], vec![0]]
    );
}

#[test]
fn a_dearer_route_and_another_table_say_so() {
    let mut dear = card("e1")
        .with_address("192.0.2.2/24")
        .with_route("default", "192.0.2.1")
        .with_route("10.9.0.0/16", "192.0.2.1");
    dear.routes[0].metric = Some(200);
    dear.routes[1].table = Some(101);
    let cheap = card("e0")
        .with_address("10.0.0.2/24")
        .with_route("default", "10.0.0.1");
    let told = plan_to("10.9.0.1", vec![cheap, dear]).explain();
    let why: Vec<&str> = told.ways[0].passed.iter().map(|p| p.why.as_str()).collect();
    assert_eq!(
        why,
        [
            "is in table 101; table 254 decided",
            "its metric 200 is more than 0",
        ]
    );
}

/// Why each of what leads to the controller was not chosen.
fn passed(one: crate::Controller, interfaces: Vec<Interface>) -> Vec<String> {
    let mut told = root_on(vec![one], interfaces).explain();
    let passed = told.ways.remove(0).passed.into_iter();
    passed.map(|choice| choice.why).collect()
}

#[test]
fn what_was_not_chosen_says_why() {
    let near = |id: &str| card(id).with_address("10.0.0.2/24");
    let to = || controller("10.0.0.9");
    let mut bound = to();
    bound.options.host_iface = "e1".parse().ok();
    assert_eq!(
        passed(bound, vec![near("e0"), near("e1")]),
        ["the connection is bound to `e1`"]
    );
    let twice = near("e0").with_address("10.0.0.3/24");
    assert_eq!(
        passed(to(), vec![twice]),
        ["says the same of the same interface"]
    );

    let mut refuses = near("e0");
    refuses.routes.push(crate::testing::route("10.0.0.9", None));
    refuses.routes[0].kind = crate::RouteType::Blackhole;
    assert_eq!(
        passed(to(), vec![refuses]),
        [
            "says that it can't be reached (`blackhole`)",
            "its prefix /24 is shorter than /32"
        ]
    );

    // One that refuses too, and is not asked.
    let mut wide = near("e0");
    wide.routes.push(crate::testing::route("10.0.0.0/8", None));
    wide.routes[0].kind = crate::RouteType::Prohibit;
    assert_eq!(
        passed(to(), vec![wide]),
        ["its prefix /8 is shorter than /24"]
    );

    let mut beside = card("e0").with_address("192.0.2.2/24");
    beside = beside.with_route("10.0.0.0/8", "192.0.2.1");
    beside.routes[0].table = Some(101);
    assert_eq!(
        passed(to(), vec![beside]),
        ["is in table 101, which nothing looks into for this connection"]
    );
}

#[test]
fn link_local_networks_have_their_prefix_lengths() {
    let mut lucky = card("e0");
    lucky.link_local.ipv4 = true;
    let host = card("e1")
        .with_address("192.0.2.2/24")
        .with_route("169.254.0.9", "192.0.2.1");
    let exact = passed(controller("169.254.0.9"), vec![lucky.clone(), host]);
    assert_eq!(exact, ["its prefix /16 is shorter than /32"]);
    let wide = card("e1")
        .with_address("192.0.2.2/24")
        .with_route("169.0.0.0/8", "192.0.2.1");
    let wide = passed(controller("169.254.0.9"), vec![lucky, wide]);
    assert_eq!(wide, ["its prefix /8 is shorter than /16"]);
    let mut six = controller("fe80::9");
    six.options.host_iface = "e0".parse().ok();
    let wide = card("e0")
        .with_address("2001:db8::2/64")
        .with_route("fe80::/10", "2001:db8::1");
    assert_eq!(
        passed(six, vec![wide]),
        ["its prefix /10 is shorter than /64"]
    );
}

#[test]
fn what_is_left_out_is_counted_of_each_kind() {
    let near = |n: usize| card(&format!("e{n}")).with_address("10.0.0.2/24");
    let told = |interfaces| {
        let way = plan_to("10.0.0.9", interfaces).explain().ways.remove(0);
        (way.chosen.len(), way.passed.len(), way.more_passed)
    };
    // Dearer routes beside the chosen one.
    let dear = |n: usize| {
        let mut one = card(&format!("d{n}")).with_address("192.0.2.2/24");
        one = one.with_route("10.0.0.0/24", "192.0.2.1");
        one.routes[0].metric = Some(100);
        one
    };
    let beside = |count| {
        std::iter::once(near(0))
            .chain((0..count).map(dear))
            .collect()
    };
    assert_eq!(told(beside(3)), (1, 3, 0));
    assert_eq!(told(beside(8)), (1, 8, 0));
    assert_eq!(told(beside(10)), (1, 8, 2));
    // Members of a bond.
    let names: Vec<String> = (1..11).map(|n| format!("e{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut held: Vec<Interface> = (0..11).map(near).collect();
    held.push(bond("bond0", &names));
    assert_eq!(told(held), (1, 8, 2));
}

#[test]
fn the_document_holds_it_only_on_demand() {
    let plan = plan_to("10.0.0.9", vec![card("e0").with_address("10.0.0.2/24")]);
    let document = crate::Document::new(plan.clone(), crate::Scope::Path);
    assert_eq!(document.explanation, None);
    let text = serde_json::to_string(&document).expect("JSON");
    assert!(!text.contains("explanation"));
    let text = serde_json::to_string(&document.explained()).expect("JSON");
    assert!(!text.contains("more_passed"), "there are none: {text}");
    let read: crate::Document = serde_json::from_str(&text).expect("the same form");
    assert_eq!(read.explanation, Some(plan.explain()));
}
