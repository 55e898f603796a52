//! Routes and routing rules.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use nvmeroot_plan::{Destination, Route, RouteScope, RouteType, Rule};

use crate::diagnostic::Excerpt;
use crate::netplan::findings::Findings;
use crate::netplan::read::Network;
use crate::netplan::value::{List, Map, Value};
use crate::yaml::KeyPath;

/// The routes of a list, each once: the kernel refuses the second of two with
/// the same destination, gateway, metric and table.
pub(super) fn routes<'d>(
    list: &List<'d>,
    vrf: Option<u32>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'d>,
) -> Vec<Route> {
    let read = |map: &Map<'d>, path: &KeyPath<'_>| {
        let mut route = route(map, path, findings)?;
        route.table = adopted(route.table, vrf, map, path, findings);
        Some(route)
    };
    let key = |one: &Route| (one.to, one.via, one.from, one.metric, one.table);
    each_once(list, path, read, key)
}

/// What the mappings of a list say; of two with one key the first.
fn each_once<'d, T, K: Ord>(
    list: &List<'d>,
    path: &KeyPath<'_>,
    mut read: impl FnMut(&Map<'d>, &KeyPath<'_>) -> Option<T>,
    key: impl Fn(&T) -> K,
) -> Vec<T> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::with_capacity(list.items.len());
    for item in &list.items {
        if let Value::Map(map) = Value::of(item.node) {
            let one = read(&map, &path.index(item.index));
            found.extend(one.filter(|one| seen.insert(key(one))));
        }
    }
    found
}

fn route<'d>(map: &Map<'d>, path: &KeyPath<'_>, findings: &mut Findings<'d>) -> Option<Route> {
    let Some(to) = map.text("to") else {
        findings.error(map.node, path, "this route has no `to`", |d| {
            d.expected("`to`, its destination")
                .hint("a default route has `to: default`")
        });
        return None;
    };
    let network = Network::parse(to);
    let mut route = Route::new(
        network.map_or(Destination::Default, Destination::from),
        map.node.origin(path),
    );
    let family = network.map(Network::is_ipv4);
    route.via = single(map, "via", family, path, findings);
    let family = family.or(route.via.map(|via| via.is_ipv4()));
    route.from = single(map, "from", family, path, findings);
    route.on_link = map.boolean("on-link") == Some(true);
    route.metric = map.number("metric");
    route.table = map.number("table");
    route.mtu = map.number("mtu");
    route.congestion_window = map.number("congestion-window");
    route.advertised_receive_window = map.number("advertised-receive-window");
    route.advertised_mss = map.number("advertised-mss");
    route.scope = word(map, "scope");
    route.kind = word(map, "type").unwrap_or_default();
    has_gateway(&route, map, path, findings).then_some(route)
}

/// Whether the route has the gateway that it needs.
fn has_gateway<'d>(
    route: &Route,
    map: &Map<'d>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'d>,
) -> bool {
    if route.via.is_some() || route.kind != RouteType::Unicast || map.entry("via").is_some() {
        return true;
    }
    let is_default = route.to == Destination::Default;
    let message = if is_default && route.from.is_none() && route.scope.is_none() {
        "this default route has no `via`"
    } else if route.scope == Some(RouteScope::Global) {
        "this route has `scope: global` and no `via`"
    } else {
        return true;
    };
    findings.error(map.node, path, message, |d| {
        d.expected("`via`, its gateway")
            .hint("where there is no gateway, write `scope: link`")
    });
    false
}

/// An address of the route's family.
fn single<'d>(
    map: &Map<'d>,
    key: &str,
    is_ipv4: Option<bool>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'d>,
) -> Option<IpAddr> {
    let text = map.text(key)?;
    let node = map.get(key)?.node();
    let network = Network::parse(text)?;
    let path = path.key(key);
    if is_ipv4.is_some_and(|v4| v4 != network.is_ipv4()) {
        let (found, wanted) = if network.is_ipv4() {
            ("IPv4", "an IPv6 address, as the rest of the route is")
        } else {
            ("IPv6", "an IPv4 address, as the rest of the route is")
        };
        let message = format!("`{}` is {found}", Excerpt(text));
        findings.misfit(node, &path, message, wanted);
        return None;
    }
    let single = network.single();
    if single.is_none() {
        let message = format!("`{}` is a network", Excerpt(text));
        findings.error(node, &path, message, |d| {
            d.expected("a single address")
                .hint(format!("write `{}`", network.address()))
        });
    }
    single
}

/// One of the plan's words, in any case.
fn word<T: FromStr>(map: &Map<'_>, key: &str) -> Option<T> {
    map.text(key)?.to_ascii_lowercase().parse().ok()
}

/// A default route to a deprecated `gateway4` or `gateway6`.
pub(super) fn gateway(value: &Value<'_>, path: &KeyPath<'_>) -> Option<Route> {
    let Value::Scalar(scalar) = value else {
        return None;
    };
    let mut route = Route::new(Destination::Default, scalar.node().origin(path));
    route.via = Some(scalar.text().parse().ok()?);
    Some(route)
}

/// The rules of a list, each once.
pub(super) fn rules<'d>(
    list: &List<'d>,
    vrf: Option<u32>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'d>,
) -> Vec<Rule> {
    let read = |map: &Map<'d>, path: &KeyPath<'_>| {
        let mut rule = rule(map, path, findings)?;
        rule.table = adopted(rule.table, vrf, map, path, findings);
        Some(rule)
    };
    let key = |one: &Rule| {
        let ways = (one.from, one.to, one.table);
        (ways, one.priority, one.mark, one.type_of_service)
    };
    each_once(list, path, read, key)
}

fn rule<'d>(map: &Map<'d>, path: &KeyPath<'_>, findings: &mut Findings<'d>) -> Option<Rule> {
    let net =
        |key: &str| -> Option<IpNet> { map.text(key).and_then(Network::parse).map(Network::net) };
    let (from, to) = (net("from"), net("to"));
    match (from, to) {
        (None, None) => {
            findings.error(map.node, path, "this rule matches nothing", |d| {
                d.expected("`from` or `to`, a network")
            });
            return None;
        }
        (Some(IpNet::V4(_)), Some(IpNet::V6(_))) | (Some(IpNet::V6(_)), Some(IpNet::V4(_))) => {
            let message = "`from` and `to` are of two families";
            findings.misfit(map.node, path, message, "IPv4 or IPv6 networks, not both");
            return None;
        }
        _ => {}
    }
    Some(Rule {
        from,
        to,
        table: map.number("table"),
        priority: map.number("priority"),
        mark: map.number("mark"),
        type_of_service: map.number("type-of-service"),
        origin: map.node.origin(path),
    })
}

/// The table of a route or rule: a VRF's own where it is one of a VRF.
fn adopted<'d>(
    said: Option<u32>,
    vrf: Option<u32>,
    map: &Map<'d>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'d>,
) -> Option<u32> {
    if let (Some(said), Some(vrf)) = (said, vrf)
        && said != vrf
        && let Some(value) = map.get("table")
    {
        let message = format!("this is table {said}, and the VRF's own is {vrf}");
        findings.error(value.node(), &path.key("table"), message, |d| {
            d.expected("the table of the VRF")
                .hint("remove this `table`")
        });
    }
    said.or(vrf)
}
