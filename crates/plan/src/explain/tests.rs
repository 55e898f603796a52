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
