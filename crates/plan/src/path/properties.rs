//! The path compared with one that looks at everything, one by one.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use proptest::prelude::*;

use crate::testing::{bond, card, controller, origin, root_on, route, vrf};
use crate::{Interface, Route, Rule};

/// What a table holds, written out.
struct Line {
    table: u32,
    network: IpNet,
    metric: u32,
    out: String,
}

fn lines(interfaces: &[Interface], members: &[String]) -> Vec<Line> {
    let mut lines = Vec::new();
    for one in interfaces
        .iter()
        .filter(|i| !members.contains(&i.id.to_string()))
    {
        let line = |table, network, metric| Line {
            table,
            network,
            metric,
            out: one.name.to_string(),
        };
        for address in &one.addresses {
            lines.push(line(254, address.address.trunc(), 0));
        }
        for r in &one.routes {
            let via = r.via.expect("a gateway");
            if one.addresses.iter().any(|a| a.address.contains(&via)) {
                let any = "0.0.0.0/0".parse().expect("a network");
                let network = r.to.network().unwrap_or(any);
                lines.push(line(r.table.unwrap_or(254), network, r.metric.unwrap_or(0)));
            }
        }
    }
    lines
}

/// The tables in the order in which they are asked for `to`.
fn tables(interfaces: &[Interface], to: IpAddr) -> Vec<u32> {
    let mut list: Vec<(u32, u32, Option<IpNet>)> = vec![(0, 255, None), (32766, 254, None)];
    for rule in interfaces.iter().flat_map(|i| &i.rules) {
        let priority = rule.priority.unwrap_or_else(|| list[1].0.saturating_sub(1));
        let place = list.iter().position(|(other, ..)| *other > priority);
        let place = place.unwrap_or(list.len());
        list.insert(place, (priority, rule.table.expect("a table"), rule.to));
    }
    let asked = list
        .iter()
        .filter(|r| r.2.is_none_or(|net| net.contains(&to)));
    asked.map(|r| r.1).collect()
}

/// The names of the interfaces that lead to `to`.
fn reference(interfaces: &[Interface], members: &[String], to: IpAddr) -> Vec<String> {
    let lines = lines(interfaces, members);
    for table in tables(interfaces, to) {
        let covers = |l: &&Line| l.table == table && l.network.contains(&to);
        let rank = |l: &Line| (l.network.prefix_len(), std::cmp::Reverse(l.metric));
        if let Some(best) = lines.iter().filter(covers).map(rank).max() {
            let best = lines.iter().filter(covers).filter(|l| rank(l) == best);
            let mut names: Vec<String> = best.map(|l| l.out.clone()).collect();
            names.dedup();
            return names;
        }
    }
    Vec::new()
}

fn any_route() -> impl Strategy<Value = Route> {
    let table = prop_oneof![Just(None), Just(Some(7)), Just(Some(8))];
    let metric = prop_oneof![Just(None), Just(Some(50)), Just(Some(100))];
    (0u8..4, 0u8..3, 0u8..4, table, metric).prop_map(|(net, kind, near, table, metric)| {
        let to = match kind {
            0 => "default".to_owned(),
            1 => "10.0.0.0/8".to_owned(),
            _ => format!("10.0.{net}.0/24"),
        };
        let mut route = route(&to, Some(&format!("10.0.{near}.1")));
        (route.table, route.metric) = (table, metric);
        route
    })
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let priority = prop_oneof![
        Just(None),
        (0u32..4).prop_map(|n| Some(n * 100)),
        Just(Some(40_000))
    ];
    let to = prop_oneof![Just(None), (0u8..4).prop_map(Some)];
    let table = prop_oneof![Just(7), Just(8), Just(254)];
    (priority, to, table).prop_map(|(priority, to, table)| Rule {
        from: None,
        to: to.map(|n| format!("10.0.{n}.0/24").parse().expect("a network")),
        table: Some(table),
        priority,
        mark: None,
        type_of_service: None,
        origin: origin(3),
    })
}

fn any_interface() -> impl Strategy<Value = Interface> {
    let addresses = prop::collection::vec((0u8..4, prop_oneof![Just(8), Just(24), Just(32)]), 0..3);
    let routes = prop::collection::vec(any_route(), 0..4);
    let rules = prop::collection::vec(any_rule(), 0..2);
    (addresses, routes, rules).prop_map(|(addresses, routes, rules)| {
        let mut one = card("e");
        for (net, length) in addresses {
            one = one.with_address(&format!("10.0.{net}.2/{length}"));
        }
        (one.routes, one.rules) = (routes, rules);
        one
    })
}

proptest! {
    #[test]
    fn leads_are_those_of_looking_at_everything(
        mut interfaces in prop::collection::vec(any_interface(), 1..6),
        is_bonded in any::<bool>(),
        net in 0u8..5,
    ) {
        for (n, one) in interfaces.iter_mut().enumerate() {
            one.name = format!("e{n}").parse().expect("a name");
            one.id = format!("e{n}").parse().expect("an id");
        }
        let mut members = Vec::new();
        if is_bonded {
            members.push("e0".to_owned());
            interfaces.push(bond("bond0", &["e0"]).with_address("10.0.1.3/24"));
        }
        let to = IpAddr::V4(Ipv4Addr::new(10, 0, net, 9));
        let plan = root_on(vec![controller(&to.to_string())], interfaces);
        let leads = plan.paths[0].interfaces.iter();
        let leads: Vec<String> = leads.map(|l| l.interface.to_string()).collect();
        prop_assert_eq!(leads, reference(&plan.network.interfaces, &members, to));
        for one in plan.storage_interfaces() {
            let is_bond_s = members.contains(&one.id.to_string());
            let leads = plan.paths[0].interfaces.iter().any(|l| l.interface == one.name);
            prop_assert!(leads || is_bond_s, "{} is not needed", one.name);
        }
    }

    /// What the controller was told leads where the plan says; nothing that
    /// leads is missing from the storage's interfaces, nothing of the
    /// explanation from the path.
    #[test]
    fn planning_again_decides_the_same(
        mut interfaces in prop::collection::vec((any_interface(), any::<bool>(), 0u8..8), 1..6),
        held in prop::collection::vec(any::<bool>(), 6),
        net in 0u8..5,
    ) {
        let mut members = Vec::new();
        for (n, (one, leased, from)) in interfaces.iter_mut().enumerate() {
            let name = format!("e{n}");
            one.name = name.parse().expect("a name");
            one.id = name.parse().expect("an id");
            one.dhcp4 = (*leased && *from % 2 == 0).then(crate::Dhcp4::default);
            for rule in &mut one.rules {
                let from = format!("10.0.{from}.0/24").parse().expect("a network");
                rule.from = (rule.priority.is_none()).then_some(from);
            }
            if held[n] {
                members.push(name);
            }
        }
        let mut interfaces: Vec<Interface> = interfaces.into_iter().map(|i| i.0).collect();
        let ids: Vec<&str> = members.iter().map(String::as_str).collect();
        interfaces.push(vrf("vrf", 9, &ids));
        let first = root_on(vec![controller(&format!("10.0.{net}.9"))], interfaces);
        let again = root_on(first.controllers.clone(), first.network.interfaces.clone());
        prop_assert_eq!(&again.paths, &first.paths);
        prop_assert_eq!(&again.controllers, &first.controllers);
        let storage = first.storage_interfaces();
        let told = first.explain();
        let links: Vec<_> = told.links.iter().map(|l| &first.network.interfaces[l.interface]).collect();
        prop_assert_eq!(links, storage);
        let chosen = told.ways[0].chosen.iter();
        let chosen: Vec<_> = chosen.map(|c| &first.network.interfaces[c.interface].name).collect();
        let leads: Vec<_> = first.paths[0].interfaces.iter().map(|l| &l.interface).collect();
        prop_assert_eq!(chosen, leads);
    }
}
