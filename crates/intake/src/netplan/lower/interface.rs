//! One definition as an interface of the plan.

mod dhcp;
mod renderer;
mod settings;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nvmeroot_plan::{Interface, InterfaceAddress, InterfaceName, Match, Severity, Warning};

use super::definition::Definition;
use super::link;
use super::references::References;
use super::route;
use crate::diagnostic::Excerpt;
use crate::netplan::check::Check;
use crate::netplan::findings::Findings;
use crate::netplan::read;
use crate::netplan::schema::{Key, Kind, SupportLevel, find};
use crate::netplan::value::{Entry, List, Map, Value};
use crate::yaml::KeyPath;

/// `None` only where an error says why.
pub(super) fn lower<'d>(
    definition: &Definition<'_, 'd>,
    path: &KeyPath<'_>,
    references: &mut References<'d>,
    findings: &mut Findings<'d>,
) -> Option<Interface> {
    let entry = definition.entry;
    let map = match &entry.value {
        Value::Map(map) => Some(map),
        _ => None,
    };
    let mut diagnostics = Vec::new();
    let kind = link::kind(
        definition,
        map,
        path,
        references,
        &mut diagnostics,
        findings,
    );
    let mut interface = Interface::new(
        entry.name().parse().ok()?,
        stand_in(definition.number),
        kind,
        entry.key.origin(path),
    );
    interface.diagnostics = diagnostics;
    let mut lowering = Lowering {
        interface,
        definition,
        path,
        findings,
    };
    lowering.doubts(map);
    lowering.refuse_kind();
    lowering.connection(map);
    lowering.name(map);
    if let Some(map) = map {
        for entry in map.entries() {
            lowering.entry(entry, map);
        }
        lowering.gateways(map);
        lowering.address_generation(map);
        lowering.compare_overrides(map);
        lowering.doubt_what_network_manager_lacks(map);
    }
    Some(lowering.interface)
}

/// A name for what has none: no card is called so, and no other definition
/// gets the same.
fn stand_in(number: usize) -> InterfaceName {
    let name = format!("unnamed{}", number % 100_000_000);
    name.parse()
        .unwrap_or_else(|_| unreachable!("`{name}` is a name of at most 15 bytes"))
}

struct Lowering<'a, 'd> {
    interface: Interface,
    definition: &'a Definition<'a, 'd>,
    path: &'a KeyPath<'a>,
    findings: &'a mut Findings<'d>,
}

impl<'d> Lowering<'_, 'd> {
    fn diagnose(&mut self, severity: Severity, warning: Warning) {
        self.interface
            .diagnostics
            .push(severity.diagnostic(warning));
    }

    /// A warning at one of the definition's keys.
    fn at(&self, entry: &Entry<'d>, message: impl Into<String>) -> Warning {
        Warning::at(entry.key.origin(&self.path.key(entry.name())), message)
    }

    /// What netplan would not understand.
    fn doubts(&mut self, map: Option<&Map<'d>>) {
        let mut check = Check::new(self.findings);
        match map {
            Some(map) => check.map(map, self.definition.section.keys, self.path),
            None => check.empty(self.definition.entry.key, self.path),
        }
        let doubts = check.doubts;
        for doubt in doubts {
            self.diagnose(Severity::Doubt, doubt);
        }
    }

    fn refuse_kind(&mut self) {
        let section = self.definition.section;
        if !section.is_refused() {
            return;
        }
        let message = format!(
            "`{}` is {}, and the initramfs does not bring that up",
            Excerpt(self.interface.id.as_str()),
            section.noun
        );
        let warning = Warning::at(self.interface.origin.clone(), message).with_hint(
            "reach the storage over a network card, or a VLAN, a bond or a bridge on one",
        );
        self.diagnose(Severity::Refusal, warning);
    }

    /// Works out what the interface is called.
    fn name(&mut self, map: Option<&Map<'d>>) {
        let matching = map.and_then(|map| map.entry("match"));
        let set_name = map.and_then(|map| map.entry("set-name"));
        if let Some(entry) = matching {
            self.matching(entry);
        }
        let literal = self
            .interface
            .matching
            .as_ref()
            .and_then(|m| m.name.as_deref())
            .filter(|name| !name.contains(['*', '?', '[']))
            .and_then(|name| name.parse::<InterfaceName>().ok());
        let id = self.definition.entry.name().parse::<InterfaceName>();
        match (set_name, matching) {
            (Some(entry), None) => {
                let path = self.path.key("set-name");
                self.findings
                    .error(entry.key, &path, "`set-name` stands without `match`", |d| {
                        d.expected("`match`, which says what card is renamed")
                    });
            }
            (Some(entry), Some(_)) => {
                let name = map.and_then(|map| map.text(entry.name())?.parse().ok());
                let Some(name) = name else { return };
                self.interface.name = name;
                self.interface.set_name = true;
            }
            (None, Some(entry)) => match (literal, id) {
                (Some(name), _) => self.interface.name = name,
                (None, Ok(name)) => self.interface.name = name,
                (None, Err(_)) => {
                    let message = "what this card is called is not known before the machine boots";
                    let warning = self.at(entry, message).with_hint(
                        "give the card's name: `set-name` beside `match`, or `name` in it",
                    );
                    self.diagnose(Severity::Refusal, warning);
                }
            },
            (None, None) => match id {
                Ok(name) => self.interface.name = name,
                Err(why) => {
                    let mut warning = Warning::at(self.interface.origin.clone(), why.to_string());
                    if self.definition.section.is_physical() {
                        warning = warning.with_hint("say with `match` what card this is");
                    }
                    self.diagnose(Severity::Doubt, warning);
                }
            },
        }
    }

    fn matching(&mut self, entry: &Entry<'d>) {
        let Value::Map(map) = &entry.value else {
            return;
        };
        let mut matching = Match {
            name: map.text("name").map(str::to_owned),
            ..Match::default()
        };
        match map.text("macaddress").and_then(read::mac) {
            Some(Some(mac)) => matching.macaddress = Some(mac),
            Some(None) => {
                let warning = self.at(entry, "an InfiniBand address can't be matched");
                self.diagnose(Severity::Refusal, warning);
            }
            None => {}
        }
        matching.driver = match map.get("driver") {
            Some(Value::Scalar(scalar)) => vec![scalar.text().to_owned()],
            Some(Value::List(list)) => texts(list).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        self.interface.matching = Some(matching);
    }

    fn entry(&mut self, entry: &Entry<'d>, map: &Map<'d>) {
        // Unknown ones are among the doubts.
        let Some(key) = find(self.definition.section.keys, entry.name()) else {
            return;
        };
        let name = key.name;
        // Of what is refused as a whole no part is worth a note.
        let refused = self.definition.section.is_refused();
        match key.support {
            SupportLevel::Carried => self.carry(key, entry, map),
            SupportLevel::Later => {}
            SupportLevel::Noted(_) if refused => {}
            SupportLevel::Noted(why) => {
                let message = format!("`{name}` is not carried out in the initramfs: {why}");
                self.diagnose(Severity::Note, self.at(entry, message));
            }
            SupportLevel::Refused(why) => {
                let message = format!("the path to the storage can't have `{name}`: {why}");
                self.diagnose(Severity::Refusal, self.at(entry, message));
            }
        }
    }

    fn carry(&mut self, key: &Key, entry: &Entry<'d>, map: &Map<'d>) {
        let path = self.path.key(key.name);
        let one = &mut self.interface;
        let vrf = match self.definition.section.kind {
            Kind::Vrf => map.number("table"),
            _ => None,
        };
        match (key.name, &entry.value) {
            ("dhcp4", Value::Scalar(_)) => one.dhcp4 = dhcp::client4(map),
            ("dhcp6", Value::Scalar(_)) => (one.dhcp6, one.ra_metric) = dhcp::client6(map),
            ("accept-ra", Value::Scalar(_)) => one.accept_ra = map.boolean("accept-ra"),
            ("dhcp-identifier", Value::Scalar(v)) => {
                if let Some(message) = dhcp::identifier_note(map, v.text()) {
                    self.diagnose(Severity::Note, self.at(entry, message));
                }
            }
            ("mtu", Value::Scalar(_)) => one.mtu = map.number("mtu"),
            ("addresses", Value::List(list)) => one.addresses = addresses(list, &path),
            ("routes", Value::List(list)) => {
                one.routes = route::routes(list, vrf, &path, self.findings);
            }
            ("routing-policy", Value::List(list)) => {
                one.rules = route::rules(list, vrf, &path, self.findings);
            }
            // Read where the name, the kind, the renderer, the leases and the routes
            // are worked out.
            ("match" | "set-name", _)
            | ("dhcp4-overrides" | "dhcp6-overrides", Value::Map(_))
            | ("interfaces" | "parameters" | "id" | "link" | "table", _)
            | ("gateway4" | "gateway6", _) => {}
            _ if self.setting(entry) => {}
            // The schema lets nothing else come here; if it does, it is said.
            (name, _) => {
                let warning = self.at(entry, format!("`{name}` is not carried out"));
                self.diagnose(Severity::Note, warning);
            }
        }
    }

    fn compare_overrides(&mut self, map: &Map<'d>) {
        let differ = dhcp::overrides_differ(map, self.definition.section.keys);
        if differ && !self.is_network_managers() {
            let message =
                "`dhcp4-overrides` and `dhcp6-overrides` differ, and networkd has one set for both";
            let warning = Warning::at(self.interface.origin.clone(), message)
                .with_hint("write the same under both");
            self.diagnose(Severity::Doubt, warning);
        }
    }

    /// The deprecated gateways: default routes, after the others, which they
    /// may need.
    fn gateways(&mut self, map: &Map<'d>) {
        for (key, to, any) in [
            ("gateway4", "0.0.0.0/0", IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            ("gateway6", "::/0", IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        ] {
            let Some(entry) = map.entry(key) else {
                continue;
            };
            let Some(route) = route::gateway(&entry.value, &self.path.key(key)) else {
                continue;
            };
            let Some(via) = route.via else { continue };
            // The kernel takes no gateway that is on no link
            // (`fib_check_nh_v4_gw`), unless it is told so.
            let is_near = self.reaches(via);
            let on_link = if is_near { "" } else { ", on-link: true" };
            let hint = format!("write `routes: [{{to: {to}, via: \"{via}\"{on_link}}}]`");
            let same = |other: &&nvmeroot_plan::Route| {
                (other.via, other.metric, other.table) == (route.via, None, None)
                    && other.covers(any).is_some()
                    && other.to.network().is_none_or(|net| net.prefix_len() == 0)
            };
            if !self.interface.routes.iter().any(|other| same(&other)) {
                self.interface.routes.push(route);
            }
            let warning = self
                .at(entry, format!("`{key}` is deprecated"))
                .with_hint(hint);
            self.diagnose(Severity::Notice, warning);
        }
    }

    /// The address is on the interface's link, or may turn out to be.
    fn reaches(&self, address: IpAddr) -> bool {
        let one = &self.interface;
        let may_come = match address {
            IpAddr::V4(_) => one.dhcp4.is_some() || one.link_local.ipv4,
            IpAddr::V6(to) => {
                to.is_unicast_link_local() || one.dhcp6.is_some() || one.accept_ra != Some(false)
            }
        };
        may_come
            || one.addresses.iter().any(|a| a.address.contains(&address))
            || one
                .routes
                .iter()
                .any(|r| r.via.is_none() && r.covers(address).is_some())
    }
}

fn texts<'a, 'd: 'a>(list: &'a List<'d>) -> impl Iterator<Item = &'d str> + 'a {
    list.items.iter().filter_map(|item| item.node.text())
}

fn addresses(list: &List<'_>, path: &KeyPath<'_>) -> Vec<InterfaceAddress> {
    let mut seen = BTreeSet::new();
    let mut addresses = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let value = Value::of(item.node);
        let (node, options) = match &value {
            Value::Map(map) => match map.all().next() {
                Some(entry) => match &entry.value {
                    Value::Map(options) => (entry.key, Some(options)),
                    _ => (entry.key, None),
                },
                None => continue,
            },
            value => (value.node(), None),
        };
        let Some(address) = node.text().and_then(read::interface_address) else {
            continue;
        };
        if seen.insert(address) {
            let mut one = InterfaceAddress::new(address);
            one.label = options.and_then(|o| o.text("label")).map(str::to_owned);
            one.deprecated = options.and_then(|o| o.text("lifetime")) == Some("0");
            one.origin = Some(node.origin(&path.index(item.index)));
            addresses.push(one);
        }
    }
    // netplan writes those with options behind the others, and the first one in
    // a network is the kernel's choice of source.
    addresses.sort_by_key(|one| one.label.is_some() || one.deprecated);
    addresses
}
