//! The order of the steps.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::testing::{bond, bridge, card, controller, origin, root_on, vlan, vrf};
use crate::{ActivationMode, BondMode, Dhcp4, Dhcp6, InterfaceName, Match, Offloads, Rule};

/// A step in a few words.
fn word(action: &Action) -> String {
    let kind = serde_json::to_value(action).expect("JSON")["kind"].clone();
    let kind = kind.as_str().expect("a kind").to_owned();
    let Some(interface) = action.interface() else {
        return kind;
    };
    let detail = match action {
        Action::SetMaster { master, .. } => format!(" {master}"),
        Action::SetBondPrimary { primary, .. } => format!(" {primary}"),
        Action::SetMtu { mtu, .. } => format!(" {mtu}"),
        Action::AddAddress { address, .. } => format!(" {}", address.address),
        Action::AddRoute { route, .. } => match route.table {
            Some(table) => format!(" {} table {table}", route.to),
            None => format!(" {}", route.to),
        },
        _ => String::new(),
    };
    format!("{kind} {interface}{detail}")
}

fn words(plan: &BootPlan, scope: Scope) -> Vec<String> {
    steps(plan, scope).iter().map(|s| word(&s.action)).collect()
}

/// Root is at 10.0.0.9.
fn plan(interfaces: Vec<Interface>) -> BootPlan {
    root_on(vec![controller("10.0.0.9")], interfaces)
}

#[test]
fn a_vlan_on_a_bond_comes_up_from_the_ports() {
    let mut storage = vlan("storage", 7, "bond0").with_address("10.0.0.2/24");
    storage = storage.with_mtu(9000);
    let mut ports = bond("bond0", &["e0", "e1"]);
    let LinkKind::Bond { bond } = &mut ports.kind else {
        panic!("a bond");
    };
    bond.parameters.mode = Some(BondMode::ActiveBackup);
    bond.primary = Some("e1".parse().expect("an id"));
    ports.mac = Some("02:00:00:00:00:01".parse().expect("a MAC address"));
    let mut first = card("e0");
    first.set_name = true;
    first.matching = Some(Match::default());
    first.offloads.large_receive = Some(false);
    let other = card("other").with_address("192.0.2.2/24");
    let plan = plan(vec![
        storage,
        ports,
        other,
        first,
        card("e1").with_mtu(1400),
    ]);
    assert_eq!(
        words(&plan, Scope::Path),
        [
            "rename e0",
            "set_offloads e0",
            "set_mtu e0 9000",
            "set_mtu e1 9000",
            "create_link bond0",
            "set_mac bond0",
            "set_mtu bond0 9000",
            "set_master e0 bond0",
            "set_ipv6 e0",
            "link_up e0",
            "set_master e1 bond0",
            "set_ipv6 e1",
            "link_up e1",
            "set_bond_primary bond0 e1",
            "set_ipv6 bond0",
            "link_up bond0",
            "create_link storage",
            "set_mtu storage 9000",
            "set_ipv6 storage",
            "add_address storage 10.0.0.2/24",
            "link_up storage",
            "connect",
        ]
    );
    let everything = words(&plan, Scope::Everything);
    assert!(everything.contains(&"link_up other".to_owned()));
    let bond = steps(&plan, Scope::Path).remove(4);
    assert_eq!(
        serde_json::to_value(&bond.action).expect("JSON"),
        serde_json::json!({
            "kind": "create_link",
            "interface": "bond0",
            "link": {"type": "bond", "mode": "active-backup"},
        })
    );
}

#[test]
fn a_member_goes_up_by_itself_where_its_bond_is_not_needed() {
    let tagged = vlan("v7", 7, "e0").with_address("10.0.0.2/24");
    let plan = plan(vec![card("e0"), bond("bond0", &["e0"]), tagged]);
    assert_eq!(
        words(&plan, Scope::Path),
        [
            "set_ipv6 e0",
            "link_up e0",
            "create_link v7",
            "set_ipv6 v7",
            "add_address v7 10.0.0.2/24",
            "link_up v7",
            "connect",
        ]
    );
}

#[test]
fn a_step_says_which_other_interface_it_can_t_do_without() {
    let mut ports = bond("bond0", &["e0"]);
    let LinkKind::Bond { bond } = &mut ports.kind else {
        panic!("a bond");
    };
    bond.primary = Some("e0".parse().expect("an id"));
    let storage = vlan("v7", 7, "bond0").with_address("10.0.0.2/24");
    let plan = plan(vec![storage, ports, card("e0")]);
    let needs = |step: Step| Some((word(&step.action), step.action.needs()?.to_string()));
    let needs: Vec<_> = steps(&plan, Scope::Path)
        .into_iter()
        .filter_map(needs)
        .collect();
    let needs: Vec<_> = needs
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert_eq!(
        needs,
        [
            ("set_master e0 bond0", "bond0"),
            ("set_bond_primary bond0 e0", "e0"),
            ("create_link v7", "bond0"),
        ]
    );
}

#[test]
fn a_member_that_needs_more_than_its_bond_gets_it_again() {
    let ports = bond("bond0", &["e0", "e1"]).with_address("10.0.0.2/24");
    let plan = plan(vec![ports, card("e0").with_mtu(9000), card("e1")]);
    let mtus: Vec<String> = words(&plan, Scope::Path)
        .into_iter()
        .filter(|w| w.contains("e0"))
        .collect();
    assert_eq!(
        mtus,
        [
            "set_mtu e0 9000",
            "set_master e0 bond0",
            "set_mtu e0 9000",
            "set_ipv6 e0",
            "link_up e0"
        ]
    );
}

#[test]
fn a_bridge_s_ports_have_no_addresses_of_their_own() {
    let mut switch = bridge("br0", &["e0"]).with_address("10.0.0.2/24");
    let LinkKind::Bridge { bridge } = &mut switch.kind else {
        panic!("a bridge");
    };
    let cost = 100_u64.try_into().expect("a cost");
    let priority = 7_u64.try_into().expect("a priority");
    bridge.path_cost.insert("e0".parse().expect("an id"), cost);
    bridge
        .port_priority
        .insert("e0".parse().expect("an id"), priority);
    let mut port = card("e0");
    port.bridge_port.hairpin = Some(true);
    let plan = plan(vec![switch, port]);
    assert_eq!(
        words(&plan, Scope::Path),
        [
            "create_link br0",
            "set_master e0 br0",
            "set_bridge_port e0",
            "set_ipv6 e0",
            "link_up e0",
            "set_ipv6 br0",
            "add_address br0 10.0.0.2/24",
            "link_up br0",
            "connect",
        ]
    );
    let steps = steps(&plan, Scope::Path);
    let Action::SetBridgePort { port, .. } = &steps[2].action else {
        panic!("{:?}", steps[2]);
    };
    assert_eq!((port.path_cost, port.hairpin), (Some(cost), Some(true)));
    assert_eq!(port.priority, Some(priority));
    let Action::SetIpv6 { settings, .. } = &steps[3].action else {
        panic!("{:?}", steps[3]);
    };
    assert!(settings.no_link_local);
}

#[test]
fn a_vrf_is_there_before_its_members_addresses_and_its_routes_come_last() {
    let member = card("e0")
        .with_address("10.0.0.2/24")
        .with_route("10.8.0.0/16", "10.0.0.1");
    let domain = vrf("vrf5", 5, &["e0", "v1"]).with_route("default", "10.0.0.1");
    let mut plan = plan(vec![domain, member, vlan("v1", 1, "e0")]);
    // A connection that is bound to the interface uses the VRF's table.
    plan.paths[0].interfaces = vec![crate::EgressInterface {
        interface: "e0".parse().expect("a name"),
        why: "the test says so".to_owned(),
        origin: origin(1),
    }];
    assert_eq!(
        words(&plan, Scope::Path),
        [
            "create_link vrf5",
            "link_up vrf5",
            "set_master e0 vrf5",
            "set_ipv6 e0",
            "add_address e0 10.0.0.2/24",
            "link_up e0",
            "add_route e0 10.8.0.0/16 table 5",
            "add_route vrf5 default table 5",
            "connect",
        ]
    );
}

#[test]
fn a_step_says_which_card_is_meant_and_how_a_lease_is_asked_for() {
    let mut one = card("lan");
    one.name = "ens3".parse().expect("a name");
    let meant = Match {
        driver: vec!["virtio*".to_owned()],
        ..Match::default()
    };
    one.matching = Some(meant.clone());
    let client = Dhcp4 {
        use_routes: false,
        route_metric: 7,
        ..Dhcp4::default()
    };
    one.dhcp4 = Some(client);
    one.dhcp6 = Some(Dhcp6::default());
    let mut domain = vrf("vrf5", 5, &["lan"]);
    domain.name = "vrf5".parse().expect("a name");
    let plan = plan(vec![domain, one]);
    let steps = steps(&plan, Scope::Path);
    let json = |kind: &str| {
        let mut all = steps.iter().map(|step| &step.action);
        let of = |action: &&Action| word(action).starts_with(kind);
        serde_json::to_value(all.find(of)).expect("JSON")
    };
    assert_eq!(
        json("find_card"),
        serde_json::json!({"kind": "find_card", "interface": "ens3", "card": {"driver": ["virtio*"]}})
    );
    assert_eq!(
        json("dhcp"),
        serde_json::json!({
            "kind": "dhcp",
            "interface": "ens3",
            "dhcp4": {"identifier_mac": true, "use_routes": false, "route_metric": 7},
            "dhcp6": {"link_layer_iaid": 1},
            "table": 5,
        })
    );
    assert_eq!(json("set_ipv6")["settings"]["ra_metric"], 7);
}

#[test]
fn rules_come_before_routes_and_link_local_after_the_link() {
    let mut one = card("e0").with_address("10.0.0.2/24");
    one = one.with_route("default", "10.0.0.1");
    one.rules.push(Rule {
        from: Some("10.0.0.2/32".parse().expect("a network")),
        to: None,
        table: Some(100),
        priority: None,
        mark: None,
        type_of_service: None,
        origin: origin(12),
    });
    one.link_local.ipv4 = true;
    one.ipv6_privacy = true;
    assert_eq!(
        words(&plan(vec![one]), Scope::Path),
        [
            "set_ipv6 e0",
            "add_address e0 10.0.0.2/24",
            "link_up e0",
            "ipv4_link_local e0",
            "add_rule e0",
            "add_route e0 default",
            "connect",
        ]
    );
}

#[test]
fn ipv6s_own_mtu_comes_after_the_link_is_up() {
    let mut one = card("e0").with_address("10.0.0.2/24").with_mtu(9000);
    one.ipv6_mtu = Some(4000.try_into().expect("an MTU"));
    one.ipv6_privacy = true;
    let plan = plan(vec![one]);
    assert_eq!(
        words(&plan, Scope::Path),
        [
            "set_mtu e0 9000",
            "set_ipv6 e0",
            "add_address e0 10.0.0.2/24",
            "link_up e0",
            "set_ipv6 e0",
            "connect",
        ]
    );
    let steps = steps(&plan, Scope::Path);
    let mtu = |at: usize| match &steps[at].action {
        Action::SetIpv6 { settings, .. } => (settings.mtu.map(u64::from), settings.privacy),
        other => panic!("{other:?}"),
    };
    assert_eq!((mtu(1), mtu(4)), ((None, true), (Some(4000), false)));
}

#[test]
fn a_link_has_ipv6_s_link_local_address_unless_the_input_says_none() {
    let none = |ipv6| {
        let mut one = card("e0").with_address("10.0.0.2/24");
        one.link_local.ipv6 = ipv6;
        let steps = steps(&plan(vec![one]), Scope::Path);
        match &steps[0].action {
            Action::SetIpv6 { settings, .. } => settings.no_link_local,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((none(true), none(false)), (false, true));
}

#[test]
fn an_mtu_comes_from_who_needs_more_than_the_link_s_own() {
    let asks = |own: u64, above: u64| {
        let mut tagged = vlan("v7", 7, "e0").with_address("10.0.0.2/24");
        tagged.origin = origin(20);
        let plan = plan(vec![card("e0").with_mtu(own), tagged.with_mtu(above)]);
        let steps = steps(&plan, Scope::Path).into_iter();
        let mtus = steps.filter(|step| matches!(step.action, Action::SetMtu { .. }));
        let told = mtus.map(|step| format!("{} of {}", word(&step.action), step.origin.line));
        told.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(
        asks(2000, 9000),
        "set_mtu e0 9000 of 20, set_mtu v7 9000 of 20"
    );
    assert_eq!(
        asks(9000, 9000),
        "set_mtu e0 9000 of 9, set_mtu v7 9000 of 20"
    );
    assert_eq!(
        asks(9000, 2000),
        "set_mtu e0 9000 of 9, set_mtu v7 2000 of 20"
    );
}

#[test]
fn what_the_administrator_brings_up_stays_down_off_the_path() {
    let mut asleep = card("e1").with_address("192.0.2.2/24");
    asleep.activation_mode = Some(ActivationMode::Manual);
    asleep = asleep.with_route("default", "192.0.2.1");
    let mut storage = card("e0").with_address("10.0.0.2/24");
    storage.activation_mode = Some(ActivationMode::Manual);
    let plan = plan(vec![storage, asleep]);
    assert_eq!(
        words(&plan, Scope::Everything),
        [
            "set_ipv6 e0",
            "add_address e0 10.0.0.2/24",
            "link_up e0",
            "set_ipv6 e1",
            "add_address e1 192.0.2.2/24",
            "connect",
        ]
    );
}

#[test]
fn what_cannot_be_there_has_no_steps_and_is_a_fault_on_the_path() {
    let lost = vlan("v7", 7, "nowhere").with_address("10.0.0.2/24");
    let above = vlan("v8", 8, "v7").with_address("10.0.0.3/24");
    let plan = plan(vec![lost, above]);
    assert_eq!(words(&plan, Scope::Everything), ["connect"]);
    let faults: Vec<&str> = plan.errors.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(
        faults,
        ["`v7` is a VLAN on `nowhere`, which is not defined or stands on the VLAN itself"]
    );
}

/// A definition of any kind on any others, circles and gaps included.
fn any_interface(at: usize, count: usize) -> impl Strategy<Value = Interface> {
    let others = proptest::collection::vec(0..count + 1, 0..4);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let mtu = proptest::option::of(1280..9000_u64);
    (0..7_u8, others, flags, mtu).prop_map(move |(kind, others, (dhcp, set_name, off), mtu)| {
        let id = format!("i{at}");
        let names: Vec<String> = others.iter().map(|n| format!("i{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let parent = names.first().copied().unwrap_or("none");
        let mut one = match kind {
            0 | 1 => card(&id),
            2 => vlan(&id, 5, parent),
            3 => bond(&id, &names),
            4 => bridge(&id, &names),
            5 => vrf(&id, 1000, &names),
            _ => crate::testing::of_kind(
                &id,
                LinkKind::Foreign {
                    section: "wifis".to_owned(),
                },
            ),
        };
        if let LinkKind::Bond { bond } = &mut one.kind {
            bond.primary = bond.members.last().cloned();
        }
        one = one.with_address(&format!("10.0.{at}.2/8"));
        one = one.with_route("default", "10.0.0.1");
        one.dhcp4 = dhcp.then(Dhcp4::default);
        one.set_name = set_name;
        one.matching = (set_name || dhcp).then(Match::default);
        one.activation_mode = off.then_some(ActivationMode::Off);
        one.offloads = Offloads::default();
        if let Some(mtu) = mtu {
            one = one.with_mtu(mtu);
        }
        one
    })
}

fn any_interfaces() -> impl Strategy<Value = Vec<Interface>> {
    (1..12_usize).prop_flat_map(|count| {
        (0..count)
            .map(|at| any_interface(at, count))
            .collect::<Vec<_>>()
    })
}

/// What a step does to an interface must be possible when its turn comes.
fn check(plan: &BootPlan, scope: Scope) -> Result<(), TestCaseError> {
    let kinds: BTreeMap<&InterfaceName, &LinkKind> = plan
        .network
        .interfaces
        .iter()
        .map(|one| (&one.name, &one.kind))
        .collect();
    let mut there: BTreeSet<InterfaceName> = kinds
        .iter()
        .filter(|(_, kind)| ***kind == LinkKind::Ethernet)
        .map(|(name, _)| (*name).clone())
        .collect();
    let mut up = BTreeSet::new();
    let mut addressed = BTreeSet::new();
    let mut enslaved: BTreeMap<InterfaceName, InterfaceName> = BTreeMap::new();
    let mut mtus: BTreeMap<InterfaceName, u64> = BTreeMap::new();
    for step in steps(plan, scope) {
        let action = &step.action;
        let Some(name) = action.interface().cloned() else {
            continue;
        };
        if let Action::CreateLink { .. } = action {
            prop_assert!(there.insert(name.clone()), "{name} is created twice");
        }
        prop_assert!(there.contains(&name), "{name} is not there: {action:?}");
        if let Some(other) = action.needs() {
            prop_assert!(there.contains(other), "{other} is not there: {action:?}");
        }
        match action {
            Action::SetIpv6 { settings, .. } if settings.mtu.is_some() => {}
            Action::FindCard { .. }
            | Action::Rename { .. }
            | Action::SetMac { .. }
            | Action::SetIpv6 { .. } => {
                prop_assert!(!up.contains(&name), "{name} is up: {action:?}");
            }
            Action::CreateLink {
                link: NewLink::Vlan { parent, .. },
                ..
            } => {
                let mtu = plan.network.interfaces.iter().find(|i| i.name == name);
                let mtu = mtu.and_then(|i| i.mtu).map_or(0, u64::from);
                let parents = mtus.get(parent).copied().unwrap_or(1500);
                prop_assert!(mtu <= parents, "{name} of {mtu} on {parent} of {parents}");
            }
            Action::SetMtu { mtu, .. } => {
                prop_assert!(!addressed.contains(&name), "{action:?}");
                mtus.insert(name.clone(), (*mtu).into());
            }
            Action::SetMaster { master, .. } => {
                prop_assert!(!up.contains(&name), "{action:?}");
                prop_assert!(!addressed.contains(&name), "{action:?}");
                let before = enslaved.insert(name.clone(), master.clone());
                prop_assert_eq!(before, None, "{:?}", action);
                if !matches!(kinds[master], LinkKind::Vrf { .. }) {
                    prop_assert!(!up.contains(master), "{master} is up: {action:?}");
                }
            }
            Action::SetBondPrimary { primary, .. } => {
                prop_assert_eq!(enslaved.get(primary), Some(&name));
            }
            Action::AddAddress { .. } => {
                addressed.insert(name.clone());
            }
            Action::LinkUp { .. } | Action::Dhcp { .. } => {
                up.insert(name.clone());
            }
            Action::AddRoute { .. } => prop_assert!(up.contains(&name), "{action:?}"),
            _ => {}
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_step_is_possible_when_its_turn_comes(interfaces in any_interfaces()) {
        let plan = plan(interfaces);
        check(&plan, Scope::Everything)?;
        check(&plan, Scope::Path)?;
    }

    /// The path's steps are among all steps, but for what is up only there.
    #[test]
    fn the_path_is_a_part(interfaces in any_interfaces()) {
        let plan = plan(interfaces);
        let all: BTreeSet<String> = words(&plan, Scope::Everything).into_iter().collect();
        for step in words(&plan, Scope::Path) {
            prop_assert!(all.contains(&step), "{step} is not among {all:?}");
        }
    }
}

/// By the time that this thread computes, and against a smaller network in the
/// same run. What else runs there takes caches away, so the shortest times count, and
/// are looked for again before the answer is no: what is linear takes 4, a square 16.
#[test]
fn planning_grows_with_the_interfaces_and_not_with_their_square() {
    let (mut small, mut fourfold) = (planned(1_000), planned(4_000));
    for _ in 0..8 {
        if fourfold < small * 9 {
            return;
        }
        small = small.min(planned(1_000));
        fourfold = fourfold.min(planned(4_000));
    }
    panic!("{small:?}, then {fourfold:?}");
}

/// Plans so many VLANs, each on a bond of two cards, all in one VRF.
fn planned(count: u64) -> std::time::Duration {
    let mut interfaces = Vec::new();
    for n in 0..count {
        let (first, second) = (format!("a{n}"), format!("b{n}"));
        let (ports, tagged) = (format!("bond{n}"), format!("v{n}"));
        interfaces.push(vlan(&tagged, n % 4094, &ports).with_address("10.0.0.2/24"));
        interfaces.push(bond(&ports, &[&first, &second]).with_mtu(9000));
        interfaces.push(card(&first));
        interfaces.push(card(&second));
    }
    let names: Vec<String> = (0..count).map(|n| format!("v{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    interfaces.push(vrf("domain", 1000, &names));
    let now = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let seconds = u64::try_from(now.tv_sec).expect("since the thread began");
        std::time::Duration::new(seconds, u32::try_from(now.tv_nsec).expect("below a second"))
    };
    let began = now();
    let plan = plan(interfaces);
    let steps = steps(&plan, Scope::Path).len();
    assert!(steps as u64 > 10 * count, "{steps}");
    now() - began
}
