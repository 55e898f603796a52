//! The way of one controller in small networks.

use crate::testing::{bond, bridge, card, controller, root_on, route, vlan, vrf};
use crate::{Action, BootPlan, Dhcp4, Dhcp6, Interface, RouteType, Rule, Scope, steps};

fn rule(from: Option<&str>, to: Option<&str>, table: u32) -> Rule {
    Rule {
        from: from.map(|net| net.parse().expect("a network")),
        to: to.map(|net| net.parse().expect("a network")),
        table: Some(table),
        priority: None,
        mark: None,
        type_of_service: None,
        origin: crate::testing::origin(11),
    }
}

impl Interface {
    fn in_table(mut self, table: u32) -> Self {
        self.routes.last_mut().expect("a route").table = Some(table);
        self
    }

    fn with_rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

fn plan_to(to: &str, interfaces: Vec<Interface>) -> BootPlan {
    root_on(vec![controller(to)], interfaces)
}

fn leads(plan: &BootPlan) -> Vec<&str> {
    let leads = plan.paths[0].interfaces.iter();
    leads.map(|l| l.interface.as_str()).collect()
}

fn storage(plan: &BootPlan) -> Vec<&str> {
    let interfaces = plan.storage_interfaces();
    interfaces.iter().map(|i| i.name.as_str()).collect()
}

/// Two networks, of which the second has a default route in table 101.
fn two() -> [Interface; 2] {
    [
        card("e0").with_address("10.0.0.2/24"),
        card("e1")
            .with_address("10.0.1.2/24")
            .with_route("default", "10.0.1.1")
            .in_table(101),
    ]
}

#[test]
fn members_don_t_lead_by_their_own_addresses() {
    let port = card("e0").with_address("10.0.0.2/24");
    let plan = plan_to("10.0.0.9", vec![bond("bond0", &["e0"]), port.clone()]);
    assert_eq!(leads(&plan), Vec::<&str>::new());
    let master = bridge("br0", &["e0"]).with_address("10.0.0.3/24");
    let plan = plan_to("10.0.0.9", vec![master, port]);
    assert_eq!(leads(&plan), ["br0"]);
}

#[test]
fn a_vlan_on_a_bond_stands_on_both_ports() {
    let plan = plan_to(
        "10.0.0.9",
        vec![
            vlan("v7", 7, "bond0").with_address("10.0.0.2/24"),
            bond("bond0", &["e0", "e1"]),
            card("e0"),
            card("e1"),
            card("e2").with_address("192.0.2.2/24"),
        ],
    );
    assert_eq!(leads(&plan), ["v7"]);
    assert_eq!(storage(&plan), ["e0", "e1", "bond0", "v7"]);
}

#[test]
fn a_rule_of_the_destination_leads_to_its_table() {
    let [e0, e1] = two();
    let by_rule = || e0.clone().with_rule(rule(None, Some("10.9.0.0/16"), 101));
    let plan = plan_to("10.9.0.1", vec![by_rule(), e1.clone()]);
    assert_eq!(leads(&plan), ["e1"]);
    assert_eq!(plan.controllers[0].options.host_traddr, None);
    // The rule comes along although its interface does not.
    assert_eq!(storage(&plan), ["e1"]);
    let is_rule = |a: &&Action| matches!(a, Action::AddRule { .. });
    let steps = steps(&plan, Scope::Path);
    let mut rules = steps.iter().map(|s| &s.action).filter(is_rule);
    let Some(Action::AddRule { interface, rule }) = rules.next() else {
        panic!("{steps:?}");
    };
    assert_eq!(interface.as_str(), "e1");
    assert_eq!(rule.to, Some("10.9.0.0/16".parse().expect("a network")));
    assert!(rules.next().is_none());

    // A more exact route of the main table is not asked for.
    let main = by_rule().with_route("10.9.0.1", "10.0.0.1");
    assert_eq!(leads(&plan_to("10.9.0.1", vec![main, e1.clone()])), ["e1"]);
    // But for one whose rule comes later than the main table's.
    let mut late = rule_late();
    late.priority = Some(40_000);
    let main = e0.with_route("10.9.0.1", "10.0.0.1").with_rule(late);
    assert_eq!(leads(&plan_to("10.9.0.1", vec![main, e1])), ["e0"]);
}

fn rule_late() -> Rule {
    rule(None, Some("10.9.0.0/16"), 101)
}

#[test]
fn a_rule_of_the_source_needs_the_source() {
    let [e0, e1] = two();
    let e1 = e1.with_rule(rule(Some("10.0.1.2/32"), None, 101));
    let plan = plan_to("10.9.0.1", vec![e0.clone(), e1.clone()]);
    assert_eq!(leads(&plan), ["e1"]);
    let source = plan.controllers[0].options.host_traddr;
    assert_eq!(source, Some("10.0.1.2".parse().expect("an address")));

    // Who is told a way without it keeps that.
    let plan = plan_to("10.9.0.1", vec![e0.with_route("default", "10.0.0.1"), e1]);
    assert_eq!(leads(&plan), ["e0"]);
    assert_eq!(plan.controllers[0].options.host_traddr, None);
}

#[test]
fn the_source_that_goes_with_the_first_answer_is_asked_with() {
    let e0 = card("e0")
        .with_address("10.0.0.2/24")
        .with_route("default", "10.0.0.1")
        .with_rule(rule(Some("10.0.0.0/24"), None, 101));
    let [_, e1] = two();
    assert_eq!(leads(&plan_to("10.9.0.1", vec![e0, e1])), ["e1"]);
}

#[test]
fn rules_for_other_packets_don_t_count() {
    let [e0, e1] = two();
    let mut marked = rule(None, None, 101);
    marked.mark = Some(7);
    let mut urgent = rule(None, None, 101);
    urgent.type_of_service = Some(16);
    let e1 = e1.with_rule(marked).with_rule(urgent);
    let interfaces = vec![e0.with_route("default", "10.0.0.1"), e1];
    assert_eq!(leads(&plan_to("10.9.0.1", interfaces.clone())), ["e0"]);
    let mut controller = controller("10.9.0.1");
    controller.options.tos = Some(16);
    assert_eq!(leads(&root_on(vec![controller], interfaces)), ["e1"]);
}

#[test]
fn what_only_a_vrf_has_is_bound_to_it() {
    let domain = || vrf("vrf5", 5, &["e1"]);
    let member = || card("e1").with_address("10.0.1.2/24");
    let other = || card("e0").with_address("10.0.0.2/24");
    let bound = |plan: &BootPlan| plan.controllers[0].options.host_iface.clone();

    let with_default = other().with_route("default", "10.0.0.1");
    let plan = plan_to("10.0.1.9", vec![domain(), member(), with_default]);
    assert_eq!(leads(&plan), ["e1"]);
    assert_eq!(bound(&plan), Some("vrf5".parse().expect("a name")));
    assert_eq!(storage(&plan), ["e1", "vrf5"]);

    // The VRF's own route leaves by the member that has the gateway.
    let routed = domain().with_route("10.9.0.0/16", "10.0.1.1");
    let plan = plan_to("10.9.0.1", vec![routed, member(), other()]);
    assert_eq!(leads(&plan), ["e1"]);

    // A VRF that refuses it is none to be bound to.
    let mut refusing = domain();
    refusing.routes.push(route("10.9.0.0/16", None));
    refusing.routes[0].kind = RouteType::Blackhole;
    let with_default = other().with_route("default", "10.0.0.1");
    let plan = plan_to("10.9.0.1", vec![refusing, member(), with_default]);
    assert_eq!((leads(&plan), bound(&plan)), (vec!["e0"], None));

    let main = other().with_address("10.0.1.3/24");
    let plan = plan_to("10.0.1.9", vec![domain(), member(), main]);
    assert_eq!((leads(&plan), bound(&plan)), (vec!["e0"], None));
}

#[test]
fn who_is_bound_asks_only_there_and_who_is_bound_to_a_vrf_all_its_members() {
    let near = |id: &str| card(id).with_address("10.0.0.2/24");
    let over = |name: &str, interfaces| {
        let mut bound = controller("10.0.0.9");
        bound.options.host_iface = name.parse().ok();
        leads(&root_on(vec![bound], interfaces)).join(" ")
    };
    assert_eq!(over("e1", vec![near("e0"), near("e1")]), "e1");
    let domain = || vrf("vrf5", 5, &["e1", "e2"]);
    let held = || vec![near("e0"), near("e1"), near("e2"), domain()];
    assert_eq!(over("vrf5", held()), "e1 e2");
    assert_eq!(over("e2", held()), "e2");
    assert_eq!(over("e0", held()), "e0");
    assert_eq!(over("e3", held()), "", "which is not configured");
    // What nothing is known of leads there where it is asked for.
    assert_eq!(over("e3", vec![near("e0"), card("e3")]), "e3");
}

#[test]
fn a_gateway_that_is_on_no_link_leads_nowhere() {
    let lost = card("e0")
        .with_address("10.0.0.2/32")
        .with_route("default", "10.0.0.1");
    assert!(leads(&plan_to("10.9.0.1", vec![lost.clone()])).is_empty());

    let mut on_link = lost.clone();
    on_link.routes[0].on_link = true;
    assert_eq!(leads(&plan_to("10.9.0.1", vec![on_link])), ["e0"]);
    let mut known = lost.clone();
    known.routes.push(route("10.0.0.1", None));
    assert_eq!(leads(&plan_to("10.9.0.1", vec![known])), ["e0"]);
    let mut leased = lost;
    leased.dhcp4 = Some(crate::Dhcp4::default());
    let plan = plan_to("10.9.0.1", vec![leased]);
    assert_eq!(
        plan.paths[0].interfaces[0].why,
        "its route to `default` by `10.0.0.1` covers the portal"
    );
}

#[test]
fn a_route_that_refuses_refuses_and_one_that_throws_asks_the_next_rule() {
    let refusing = |kind| {
        let mut e0 = card("e0").with_address("10.0.0.2/24");
        e0 = e0.with_route("default", "10.0.0.1");
        e0.routes.push(route("10.9.0.0/16", None));
        e0.routes[1].kind = kind;
        e0
    };
    let leads_of = |interfaces| leads(&plan_to("10.9.0.1", interfaces)).join(" ");
    assert_eq!(leads_of(vec![refusing(RouteType::Blackhole)]), "");
    assert_eq!(leads_of(vec![refusing(RouteType::Unreachable)]), "");

    let [near, mut thrown] = two();
    let near = near.with_route("default", "10.0.0.1");
    thrown.routes.clear();
    thrown.routes.push(route("10.9.0.0/16", None));
    thrown.routes[0].kind = RouteType::Throw;
    thrown.routes[0].table = Some(101);
    let thrown = thrown.with_rule(rule(None, Some("10.0.0.0/8"), 101));
    assert_eq!(leads_of(vec![near, thrown]), "e0");
}

#[test]
fn ipv6_compares_the_metrics_that_the_kernel_takes() {
    let own = card("e0").with_address("2001:db8::2/64");
    let mut routed = card("e1").with_address("2001:db8:1::2/64");
    routed.routes.push(route("2001:db8::/64", None));
    let leads_of = |routed: &Interface| {
        let plan = plan_to("2001:db8::9", vec![own.clone(), routed.clone()]);
        leads(&plan).join(" ")
    };
    assert_eq!(leads_of(&routed), "e0");
    routed.routes[0].metric = Some(256);
    assert_eq!(leads_of(&routed), "e0 e1");
    routed.routes[0].metric = Some(100);
    assert_eq!(leads_of(&routed), "e1");
}

/// Of an interface with a default route by that gateway and nothing else: whether
/// the kernel takes the route (`fib_check_nh`, `ip6_route_check_nh`).
#[test]
fn a_gateway_is_on_a_link_whose_networks_are_known_or_come_at_boot() {
    let takes = |via: &str, change: fn(&mut Interface)| {
        let to = if via.contains(':') {
            "2001:db8:9::1"
        } else {
            "10.9.0.1"
        };
        let mut one = card("e0").with_route("default", via);
        one.accept_ra = Some(false);
        change(&mut one);
        let plan = plan_to(to, vec![one]);
        plan.paths[0]
            .interfaces
            .first()
            .is_some_and(|way| way.why.starts_with("its route"))
    };
    assert!(!takes("10.0.0.1", |_| ()));
    assert!(takes("10.0.0.1", |one| one.dhcp4 = Some(Dhcp4::default())));
    assert!(takes("169.254.0.1", |one| one.link_local.ipv4 = true));
    assert!(!takes("2001:db8::1", |_| ()));
    assert!(takes("2001:db8::1", |one| one.accept_ra = None));
    assert!(takes("2001:db8::1", |one| one.accept_ra = Some(true)));
    assert!(takes("2001:db8::1", |one| one.dhcp6 = Some(Dhcp6::default())));
    assert!(
        takes("fe80::1", |_| ()),
        "every link has a network of these"
    );
}

/// What a VRF gets at boot its members get.
#[test]
fn a_vrf_s_gateway_may_be_on_what_a_member_gets_at_boot() {
    let leads_of = |leased: bool, own: bool| {
        let mut domain = vrf("vrf5", 5, &["e0"]).with_route("default", "10.0.0.1");
        domain.dhcp4 = own.then(Dhcp4::default);
        let mut member = card("e0");
        member.dhcp4 = leased.then(Dhcp4::default);
        let mut bound = controller("10.9.0.1");
        bound.options.host_iface = "vrf5".parse().ok();
        let plan = root_on(vec![bound], vec![domain, member]);
        let ways = plan.paths[0].interfaces.iter();
        let ways: Vec<String> = ways
            .map(|w| format!("{}: {}", w.interface, w.why))
            .collect();
        ways.join(", ")
    };
    let route = "its route to `default` by `10.0.0.1` covers the portal";
    assert_eq!(leads_of(true, false), format!("e0: {route}"));
    assert!(
        !leads_of(false, true).contains(route),
        "{}",
        leads_of(false, true)
    );
}

#[test]
fn where_nothing_is_said_those_lead_that_routers_configure_by_default() {
    let mut refuses = card("e4");
    refuses.accept_ra = Some(false);
    let interfaces = || {
        vec![
            card("e0"),
            card("e1"),
            bond("bond0", &["e1"]),
            card("e2"),
            vrf("vrf5", 5, &["e2"]),
            refuses.clone(),
        ]
    };
    let plan = plan_to("2001:db8::9", interfaces());
    assert_eq!(leads(&plan), ["e0", "bond0"]);
    assert_eq!(
        plan.paths[0].interfaces[0].why,
        "router advertisements may bring a route"
    );
    assert_eq!(
        leads(&plan_to("10.0.0.9", interfaces())),
        Vec::<&str>::new()
    );
}

#[test]
fn who_asks_at_boot_leads_there_and_says_by_what() {
    let why = |to: &str, change: fn(&mut Interface)| {
        let mut one = card("e0");
        change(&mut one);
        let plan = plan_to(to, vec![one]);
        let ways = plan.paths[0].interfaces.iter();
        ways.map(|way| way.why.clone())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let four = |one: &mut Interface| one.dhcp4 = Some(Dhcp4::default());
    let six = |one: &mut Interface| one.dhcp6 = Some(Dhcp6::default());
    assert_eq!(why("10.0.0.9", four), "DHCPv4 may bring a route");
    assert_eq!(why("10.0.0.9", six), "");
    assert_eq!(
        why("2001:db8::9", six),
        "DHCPv6 and router advertisements may bring a route"
    );
    let refused = |one: &mut Interface| {
        one.dhcp4 = Some(Dhcp4::default());
        one.accept_ra = Some(false);
    };
    assert_eq!(why("2001:db8::9", refused), "");
}

#[test]
fn the_source_is_of_the_portal_s_family_and_near_its_gateway() {
    let source = |address: &[&str], from: &str| {
        let mut one = card("e0");
        for address in address {
            one = one.with_address(address);
        }
        one = one
            .with_route("default", "10.0.0.1")
            .with_route("default", "2001:db8::1");
        let asks = one.with_rule(rule(Some(from), None, 101));
        let other = card("e1")
            .with_address("192.0.2.2/24")
            .with_route("default", "192.0.2.1")
            .in_table(101);
        leads(&plan_to("10.9.0.1", vec![asks, other])).join(" ")
    };
    let both = ["2001:db8::2/64", "198.51.100.2/24", "10.0.0.2/24"];
    assert_eq!(source(&both, "10.0.0.2/32"), "e1");
    assert_eq!(source(&both, "198.51.100.2/32"), "e0");
    assert_eq!(
        source(&["2001:db8::2/64", "10.0.0.2/24"], "10.0.0.2/32"),
        "e1"
    );
}

#[test]
fn a_refusal_is_the_answer_whatever_a_rule_of_the_source_would_say() {
    let [mut e0, e1] = two();
    e0.routes.push(route("10.9.0.0/16", None));
    e0.routes[0].kind = RouteType::Prohibit;
    let e1 = e1.with_rule(rule(Some("10.0.1.2/32"), None, 101));
    let plan = plan_to("10.9.0.1", vec![e0, e1]);
    assert_eq!(leads(&plan), Vec::<&str>::new());
    assert_eq!(plan.controllers[0].options.host_traddr, None);
}

#[test]
fn what_comes_at_boot_into_a_table_that_is_asked_first_may_be_better() {
    let mut advertised = card("e1").with_rule(rule(None, Some("2001:db8::/32"), 7));
    advertised.accept_ra = Some(true);
    advertised.ra_table = Some(7);
    let own = card("e0").with_address("2001:db8::2/64");
    let plan = plan_to("2001:db8::9", vec![own.clone(), advertised.clone()]);
    assert_eq!(leads(&plan), ["e0", "e1"]);
    advertised.rules.clear();
    let plan = plan_to("2001:db8::9", vec![own, advertised]);
    assert_eq!(leads(&plan), ["e0"]);
}

#[test]
fn planning_again_decides_the_same() {
    let [e0, e1] = two();
    let e1 = e1.with_rule(rule(Some("10.0.1.2/32"), None, 101));
    let first = plan_to("10.9.0.1", vec![e0, e1]);
    let again = root_on(first.controllers.clone(), first.network.interfaces.clone());
    assert_eq!(again.paths, first.paths);
    assert_eq!(again.controllers, first.controllers);
}
