//! Routes and rules, as `ip -json` prints them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use nvmeroot_plan::{MAIN_TABLE, Origin, Warning};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::native::{Network, ip};

pub(super) const ROUTES: &str = "ip route";
pub(super) const RULES: &str = "ip rule";

#[derive(Debug, Deserialize)]
pub(super) struct Route {
    #[serde(default, rename = "type")]
    kind: String,
    dst: String,
    gateway: Option<IpAddr>,
    pub(super) dev: Option<String>,
    table: Option<Value>,
    protocol: Option<Value>,
    scope: Option<String>,
    pub(super) metric: Option<u32>,
    prefsrc: Option<IpAddr>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    metrics: Vec<Map<String, Value>>,
    nexthops: Option<Value>,
    /// What routers say of themselves; routes of IPv6 alone have it.
    pref: Option<Value>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// What else is said of a route and no packet goes another way for: the object that its
/// gateway stands in, and the realm, which accounts have.
const IGNORED: [&str; 3] = ["nhid", "nh_info", "flow"];

#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    priority: u32,
    src: Option<String>,
    srclen: Option<u8>,
    dst: Option<String>,
    dstlen: Option<u8>,
    table: Option<Value>,
    fwmark: Option<String>,
    fwmask: Option<String>,
    tos: Option<String>,
    /// Who set it.
    #[serde(rename = "protocol")]
    _protocol: Option<Value>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

fn table_of(table: Option<&Value>) -> Option<u32> {
    match table {
        None => Some(MAIN_TABLE),
        Some(Value::Number(number)) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
        Some(Value::String(name)) => ip::table(name),
        Some(_) => None,
    }
}

impl Route {
    /// Whether that is who set it (`/etc/iproute2/rt_protos`).
    pub(super) fn is_from(&self, protocol: &str) -> bool {
        self.protocol.as_ref().and_then(Value::as_str) == Some(protocol)
    }

    /// Tables that a device's routes stand in are told to `of_table`, for the rules.
    pub(super) fn add(&self, network: &mut Network, of_table: &mut BTreeMap<u32, String>) {
        let origin = Origin::whole(ROUTES);
        let table = table_of(self.table.as_ref());
        // The kernel's own, and what comes again by a lease or an advertisement.
        let comes_again = ["kernel", "dhcp", "ra", "redirect"];
        if comes_again.iter().any(|from| self.is_from(from)) {
            return self.tell_of_metrics(network, &origin);
        }
        let is_unicast = matches!(self.kind.as_str(), "" | "unicast");
        match &self.dev {
            _ if !is_unicast || table == Some(255) => {
                let kind = if is_unicast { "local" } else { &self.kind };
                let message = format!("the {kind} route to `{}` is not carried over", self.dst);
                network.warnings.push(Warning::at(origin, message));
            }
            None => self.several(network, &origin),
            Some(device) if device == "lo" => {}
            Some(device) => {
                let link = network.link(device, &origin);
                let said = table.and_then(|table| Some((table, self.words(table)?)));
                let route = said.and_then(|(table, words)| {
                    let route = ip::route(&words, &origin)?;
                    of_table.entry(table).or_insert_with(|| device.clone());
                    Some(route)
                });
                match route {
                    Some(route) => link.ip_route(&origin, route),
                    None => {
                        let message = format!("the route to `{}` can't be carried over", self.dst);
                        link.doubt(&origin, message);
                    }
                }
            }
        }
    }

    /// The words that `ip` would be told for it.
    fn words(&self, table: u32) -> Option<String> {
        if !self.more.keys().all(|key| IGNORED.contains(&key.as_str())) {
            return None;
        }
        let is_ipv6 = self.pref.is_some() || self.dst.contains(':');
        let mut words = vec![match self.dst.as_str() {
            "default" if is_ipv6 => "::/0".to_owned(),
            to => to.to_owned(),
        }];
        words.extend(self.gateway.map(|via| format!("via {via}")));
        let metric = self.metric.filter(|metric| *metric != 0);
        words.extend(metric.map(|metric| format!("metric {metric}")));
        words.extend(self.prefsrc.map(|from| format!("src {from}")));
        if table != MAIN_TABLE {
            words.push(format!("table {table}"));
        }
        // What a route has where nothing is said (ip-route(8)) is not said.
        let usual = if is_ipv6 || self.gateway.is_some() {
            "global"
        } else {
            "link"
        };
        let scope = self.scope.as_deref().filter(|scope| *scope != usual);
        words.extend(scope.map(|scope| format!("scope {scope}")));
        words.extend(self.flags.iter().find(|flag| *flag == "onlink").cloned());
        for (name, value) in self.metrics.iter().flatten() {
            words.push(match value {
                Value::Number(number) => format!("{name} {number}"),
                Value::String(text) => format!("{name} {text}"),
                _ => format!("features {name}"),
            });
        }
        Some(words.join(" "))
    }

    /// What comes again comes without what was made of it by hand. Routers tell some
    /// themselves.
    fn tell_of_metrics(&self, network: &mut Network, origin: &Origin) {
        let is_made = self.is_from("dhcp") || self.is_from("kernel");
        if let Some(device) = self.dev.as_deref().filter(|device| *device != "lo")
            && is_made
            && self.metrics.iter().any(|metrics| !metrics.is_empty())
        {
            let message = format!(
                "the metrics of the route to `{}` are not carried over",
                self.dst
            );
            network.link(device, origin).note(origin, message);
        }
    }

    /// A route over several interfaces at once.
    fn several(&self, network: &mut Network, origin: &Origin) {
        let hops = self.nexthops.as_ref().and_then(Value::as_array);
        let devices = hops.into_iter().flatten();
        for device in devices.filter_map(|hop| hop.get("dev").and_then(Value::as_str)) {
            let message = "a route over several interfaces can't be carried over";
            network.link(device, origin).doubt(origin, message);
        }
    }
}

impl Rule {
    pub(super) fn add(&self, network: &mut Network, of_table: &BTreeMap<u32, String>) {
        let table = table_of(self.table.as_ref());
        if self.is_usual(table) {
            return;
        }
        let origin = Origin::whole(RULES);
        let device = table.and_then(|table| of_table.get(&table));
        let (Some(table), Some(device)) = (table, device) else {
            let message = format!("the rule of priority {} is not carried over", self.priority);
            network.warnings.push(Warning::at(origin, message));
            return;
        };
        let link = network.link(device, &origin);
        let said = ip::rule(&self.words(table), &origin);
        match said.filter(|_| self.more.is_empty()) {
            Some(said) => link.rule(&origin, said),
            None => {
                let priority = self.priority;
                let message = format!("the rule of priority {priority} can't be carried over");
                link.doubt(&origin, message);
            }
        }
    }

    /// It is one of those that are always there, or that of VRFs.
    fn is_usual(&self, table: Option<u32>) -> bool {
        let of_priority = match self.priority {
            0 => ip::table("local"),
            32766 => ip::table("main"),
            32767 => ip::table("default"),
            _ => None,
        };
        let is_for_all = self.src.as_deref() == Some("all") && self.dst.is_none();
        let is_marked = self.fwmark.is_some() || self.tos.is_some();
        let is_of_vrfs = self.more.len() == 1 && self.more.contains_key("l3mdev");
        let is_plain = self.more.is_empty() && of_priority.is_some() && of_priority == table;
        is_for_all && !is_marked && (is_plain || is_of_vrfs)
    }

    fn words(&self, table: u32) -> String {
        let mut words = vec![format!("table {table} priority {}", self.priority)];
        let with = |text: &Option<String>, length: Option<u8>| {
            let text = text.as_deref().filter(|text| *text != "all")?;
            Some(length.map_or(text.to_owned(), |length| format!("{text}/{length}")))
        };
        words.extend(with(&self.src, self.srclen).map(|from| format!("from {from}")));
        words.extend(with(&self.dst, self.dstlen).map(|to| format!("to {to}")));
        if let Some(mark) = &self.fwmark {
            let mask = self.fwmask.as_deref().unwrap_or("0xffffffff");
            words.push(format!("fwmark {mark}/{mask}"));
        }
        words.extend(self.tos.as_ref().map(|tos| format!("tos {tos}")));
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{KernelState, read};
    use crate::native::testing::{said, shown};

    const ADDRESSES: &[u8] =
        br#"[{"ifname":"ens3","mtu":1500,"link_type":"ether","parentbus":"pci",
        "addr_info":[{"family":"inet","local":"10.0.0.5","prefixlen":24,"scope":"global"}]}]"#;

    /// The interfaces, what is said of them, and the warnings.
    fn of(routes: &str, rules: &str) -> [Vec<String>; 3] {
        let state = KernelState {
            addresses: ADDRESSES.to_vec(),
            routes: vec![routes.as_bytes().to_vec()],
            rules: vec![rules.as_bytes().to_vec()],
        };
        let fragment = read(&state).expect("a network");
        let warnings = fragment.warnings.iter();
        let warnings = warnings.map(|one| one.message.clone()).collect();
        [shown(&fragment), said(&fragment), warnings]
    }

    /// As iproute2 6.1 printed what `ip route add` had been told.
    #[test]
    fn metrics_of_a_route_are_carried_over_or_told_of() {
        let routes = r#"[
            {"type":"unicast","dst":"10.1.0.0/16","gateway":"10.0.0.1","dev":"ens3","table":"main","protocol":"boot","scope":"global","flags":[],"flow":{"to":"4"},
             "metrics":[{"mtu":1400,"window":6000,"advmss":1360,"initcwnd":20,"ecn":null,"rto_min":20,"initrwnd":30,"quickack":1,"congestion":"cubic"}]},
            {"type":"unicast","dst":"fd01::/64","gateway":"fd00::1","dev":"ens3","table":"main","protocol":"boot","scope":"global","metric":1024,"flags":[],"metrics":[{"mtu":1300}],"pref":"medium"},
            {"type":"unicast","dst":"10.0.0.0/24","dev":"ens3","table":"main","protocol":"kernel","scope":"link","flags":[],"metrics":[{"mtu":1400}]}]"#;
        let [shown, said, _] = of(routes, "");
        assert_eq!(
            shown,
            [
                "ens3, 10.0.0.5/24, route 10.1.0.0/16 via 10.0.0.1 mtu 1400 cwnd 20 rwnd 30 mss 1360, route fd01::/64 via fd00::1 metric 1024 mtu 1300"
            ]
        );
        let left = ["congestion", "features", "quickack", "rto_min", "window"];
        let left =
            left.map(|one| format!("note ip route: `{one}` is not carried out in the initramfs"));
        let last = "note ip route: the metrics of the route to `10.0.0.0/24` are not carried over";
        assert_eq!(said, [left.as_slice(), &[last.to_owned()]].concat());
    }

    #[test]
    fn routes_of_a_link_have_their_scope() {
        let routes = r#"[
            {"type":"unicast","dst":"default","dev":"ens3","table":"main","protocol":"static","scope":"link","metric":5,"flags":[]},
            {"type":"unicast","dst":"default","dev":"ens3","table":"main","protocol":"static","scope":"global","metric":9,"flags":[],"pref":"medium"},
            {"type":"unicast","dst":"10.8.0.0/16","gateway":"10.0.0.1","dev":"ens3","table":"main","scope":"link","flags":[]},
            {"type":"unicast","dst":"10.7.0.0/16","dev":"ens3","table":"main","scope":"global","flags":[]},
            {"type":"unicast","dst":"10.9.0.0/16","gateway":"10.0.0.1","dev":"ens3","table":"main","scope":"site","flags":[]}]"#;
        let [shown, said, _] = of(routes, "");
        assert_eq!(
            shown,
            [
                "ens3, 10.0.0.5/24, route default metric 5 scope link, route ::/0 metric 9, route 10.8.0.0/16 via 10.0.0.1 scope link, route 10.7.0.0/16"
            ]
        );
        assert_eq!(
            said,
            [
                "note ip route: `scope global` is not carried out in the initramfs",
                "doubt ip route: the route to `10.9.0.0/16` can't be carried over",
            ]
        );
    }

    #[test]
    fn a_route_that_something_more_is_said_of_is_a_doubt_and_one_without_a_link_a_warning() {
        let routes = r#"[
            {"type":"unicast","dst":"10.8.0.0/16","tos":"0x10","dev":"ens3","scope":"link","flags":[]},
            {"type":"unicast","dst":"fd02::/64","gateway":"fd00::1","dev":"ens3","expires":600,"flags":[],"pref":"medium"},
            {"type":"blackhole","dst":"10.7.0.0/16","table":"main","protocol":"boot","scope":"global","flags":[]},
            {"type":"local","dst":"10.9.0.0/16","dev":"lo","table":"local","protocol":"boot","scope":"host","flags":[]},
            {"type":"unreachable","dst":"fd09::/64","dev":"lo","table":"main","protocol":"kernel","metric":1024,"flags":[],"pref":"medium"}]"#;
        let [shown, said, warnings] = of(routes, "");
        assert_eq!(shown, ["ens3, 10.0.0.5/24"]);
        assert_eq!(
            said,
            [
                "doubt ip route: the route to `10.8.0.0/16` can't be carried over",
                "doubt ip route: the route to `fd02::/64` can't be carried over",
            ]
        );
        assert_eq!(
            warnings,
            [
                "the blackhole route to `10.7.0.0/16` is not carried over",
                "the local route to `10.9.0.0/16` is not carried over",
            ]
        );
    }

    #[test]
    fn a_rule_is_a_usual_one_by_all_that_it_says() {
        let routes = r#"[{"dst":"default","gateway":"10.0.0.1","dev":"ens3","table":"7","protocol":"static","flags":[]}]"#;
        let rules = r#"[{"priority":0,"src":"all","table":"local","protocol":"kernel"},
            {"priority":1000,"src":"all","l3mdev":null},
            {"priority":1000,"src":"10.0.0.5","tos":"0x10","fwmark":"0x5","table":"7"},
            {"priority":1001,"src":"10.0.0.6","fwmark":"0x5","fwmask":"0xff","table":"7"},
            {"priority":32766,"src":"all","table":"7"},
            {"priority":32767,"src":"all","table":"default"}]"#;
        let [shown, said, _] = of(routes, rules);
        assert_eq!(
            shown,
            [
                "ens3, 10.0.0.5/24, route 0.0.0.0/0 via 10.0.0.1 table 7, rule from 10.0.0.5/32 table Some(7) mark 5 tos 16"
            ]
        );
        assert_eq!(
            said,
            [
                "doubt ip rule: the rule of priority 1001 can't be carried over",
                "doubt ip rule: the rule of priority 32766 can't be carried over",
            ]
        );
    }
}
