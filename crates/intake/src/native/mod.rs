//! Network managers' own files, and the kernel's state, in netplan's words.
//!
//! Each reader puts together what netplan would be told for the same network, and the
//! `netplan` front-end checks and lowers that like any other. Every word keeps the place
//! that it comes from. What netplan has no word for is a diagnostic on its interface.

mod card;
pub(crate) mod ini;
pub(crate) mod ip;
mod parameters;
#[cfg(test)]
pub(crate) mod testing;
mod words;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use nvmeroot_plan::{
    Fragment, Interface, InterfaceDiagnostic, InterfaceName, LinkKind, MacAddress, NetworkFile,
    Origin, Severity, Warning,
};

pub use self::card::Card;
pub(crate) use self::card::Wanted;
pub(crate) use self::parameters::{bond, bridge, bridge_port, vlan_filtering, vlan_protocol};
pub(crate) use self::words::{Map, Word};
use crate::IntakeError;
use crate::netplan;

/// The files of a root tree, as a reader asks for them. A path is relative to the top of
/// the tree.
pub trait Files {
    /// The content of a file; `None` where there is none.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// The names in a directory, sorted.
    fn list(&self, directory: &str) -> Vec<String>;
}

/// The sections in which netplan has links, those that others stand on first.
const SECTIONS: [&str; 6] = [
    "ethernets",
    "dummy-devices",
    "bonds",
    "bridges",
    "vlans",
    "vrfs",
];

/// A network in the making.
#[derive(Debug, Default)]
pub(crate) struct Network {
    links: Vec<Link>,
    by_name: BTreeMap<String, usize>,
    pub(crate) warnings: Vec<Warning>,
}

/// An interface in the making.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    /// netplan's section; empty for a kind that it has none for that counts here.
    section: &'static str,
    /// The source's word for a kind that only the running system can bring up.
    foreign: Option<String>,
    pub(crate) words: Map,
    diagnostics: Vec<InterfaceDiagnostic>,
    /// systemd-networkd's file that is for it alone.
    pub(crate) networkd_file: Option<NetworkFile>,
    pub(crate) origin: Origin,
}

impl Network {
    /// The interface of that name, a card until something else is said.
    pub(crate) fn link(&mut self, name: &str, origin: &Origin) -> &mut Link {
        let at = match self.by_name.get(name) {
            Some(&at) => at,
            None => {
                self.links.push(Link {
                    name: name.to_owned(),
                    section: SECTIONS[0],
                    foreign: None,
                    words: Map::default(),
                    diagnostics: Vec::new(),
                    networkd_file: None,
                    origin: origin.clone(),
                });
                self.by_name.insert(name.to_owned(), self.links.len() - 1);
                self.links.len() - 1
            }
        };
        &mut self.links[at]
    }

    /// Makes an interface hold another one.
    pub(crate) fn hold(
        &mut self,
        master: &str,
        section: &'static str,
        member: &str,
        origin: &Origin,
    ) {
        self.link(member, origin);
        let master = self.link(master, origin);
        master.become_a(section);
        let member = Word::Text(member.to_owned());
        if !master.words.list("interfaces", origin).contains(&member) {
            master.words.push("interfaces", origin, member);
        }
    }

    /// Makes an interface a VLAN on another one.
    pub(crate) fn vlan(&mut self, name: &str, id: &str, lower: &str, origin: &Origin) {
        self.link(lower, origin);
        let link = self.link(name, origin);
        match id.parse::<u16>() {
            Ok(id @ 0..=4094) => {
                link.become_a("vlans");
                link.plain("id", origin, id);
                link.text("link", origin, lower);
            }
            _ => link.doubt(origin, "the id of a VLAN is a number from 0 to 4094"),
        }
    }

    /// What netplan would make of it; no interfaces at all where there are none.
    ///
    /// # Errors
    /// What netplan would refuse.
    pub(crate) fn finish(self) -> Result<Fragment, IntakeError> {
        let Self {
            mut links,
            warnings,
            ..
        } = self;
        links.iter_mut().for_each(Link::settle_clients);
        let Some(whole) = links.first().map(|link| link.origin.clone()) else {
            return Ok(Fragment {
                warnings,
                ..Fragment::default()
            });
        };
        let mut network = Map::default();
        network.plain("version", &whole, 2);
        for section in SECTIONS {
            let mut members = Map::default();
            for link in &links {
                if link.section == section && link.foreign.is_none() {
                    let words = Word::Map(link.words.clone());
                    members.add(&link.name, link.origin.clone(), words);
                }
            }
            network.set_map(section, members);
        }
        let document = network.into_document(&whole);
        let mut fragment = netplan::lowered(&document).map_err(without_keys_in_error)?;
        let mut interfaces = fragment.interfaces.take().unwrap_or_default();
        for link in links {
            if let Some(foreign) = &link.foreign {
                interfaces.extend(link.foreign(foreign));
            } else if let Some(one) = interfaces
                .iter_mut()
                .find(|one| one.id.as_str() == link.name)
            {
                one.diagnostics.extend(link.diagnostics);
                one.networkd_file = link.networkd_file;
            }
        }
        interfaces.iter_mut().for_each(without_keys);
        interfaces.iter_mut().for_each(|one| one.native = true);
        fragment.interfaces = Some(interfaces);
        fragment.warnings.splice(0..0, warnings);
        let notes = fragment.warnings.iter_mut().chain(&mut fragment.notices);
        notes.for_each(|one| one.origin.iter_mut().for_each(without_key));
        Ok(fragment)
    }
}

impl Link {
    pub(crate) fn become_a(&mut self, section: &'static str) {
        self.section = section;
    }

    /// Says that it is of a kind that only the running system can bring up.
    pub(crate) fn become_foreign(&mut self, kind: impl Into<String>) {
        self.foreign = Some(kind.into());
    }

    fn foreign(&self, kind: &str) -> Option<Interface> {
        let id = self.name.parse().ok()?;
        let name: InterfaceName = self.name.parse().ok()?;
        let section = kind.to_owned();
        let kind = LinkKind::Foreign { section };
        let mut one = Interface::new(id, name, kind, self.origin.clone());
        let message = format!(
            "`{}` is of a kind that the initramfs does not bring up",
            self.name
        );
        let warning = Warning::at(self.origin.clone(), message).with_hint(
            "reach the storage over a network card, or a VLAN, a bond or a bridge on one",
        );
        one.diagnostics.push(Severity::Refusal.diagnostic(warning));
        one.diagnostics.extend(self.diagnostics.iter().cloned());
        Some(one)
    }

    pub(crate) fn address(&mut self, origin: &Origin, address: IpNet) {
        self.address_with(origin, address, Map::default());
    }

    pub(crate) fn address_with(&mut self, origin: &Origin, address: IpNet, options: Map) {
        let mut word = Word::Text(address.to_string());
        if !options.is_empty() {
            let mut one = Map::default();
            one.set(&address.to_string(), origin, Word::Map(options));
            word = Word::Map(one);
        }
        self.words.push("addresses", origin, word);
    }

    /// A number, a boolean or a word.
    pub(crate) fn plain(&mut self, name: &str, origin: &Origin, value: impl ToString) {
        self.words.plain(name, origin, value);
    }

    pub(crate) fn text(&mut self, name: &str, origin: &Origin, value: &str) {
        self.words.text(name, origin, value);
    }

    pub(crate) fn route(&mut self, origin: &Origin, route: Map) {
        self.words.push("routes", origin, Word::Map(route));
    }

    /// A route of `ip`, and what of it is left to the running system.
    pub(crate) fn ip_route(&mut self, origin: &Origin, route: ip::Route) {
        for left in &route.left {
            self.not_carried_out(left, origin);
        }
        self.route(origin, route.words);
    }

    pub(crate) fn rule(&mut self, origin: &Origin, rule: Map) {
        self.words.push("routing-policy", origin, Word::Map(rule));
    }

    pub(crate) fn mtu(&mut self, origin: &Origin, mtu: Option<u16>) {
        match mtu {
            Some(mtu) => self.plain("mtu", origin, mtu),
            None => self.doubt(origin, "this is no MTU"),
        }
    }

    /// The address that the link is to have.
    pub(crate) fn mac(&mut self, origin: &Origin, text: &str) {
        match text.parse::<MacAddress>() {
            Ok(mac) => self.text("macaddress", origin, &mac.to_string()),
            Err(_) => self.refuse(origin, "the initramfs sets no such hardware address"),
        }
    }

    /// The default route to a gateway, which is on the link whatever the addresses say.
    pub(crate) fn gateway(&self, origin: &Origin, via: IpAddr, metric: Option<&str>) -> Map {
        let mut route = ip::default_route(via, origin);
        if !self.has_network_of(via) {
            route.plain("on-link", origin, true);
        }
        if let Some(metric) = metric {
            route.plain("metric", origin, metric);
        }
        route
    }

    pub(crate) fn has_network_of(&self, address: IpAddr) -> bool {
        let addresses = self.words.get_list("addresses");
        addresses.iter().any(|word| {
            let text = match word {
                Word::Text(text) => Some(text.as_str()),
                Word::Map(map) => map.first_name(),
                _ => None,
            };
            let network = text.and_then(|text| text.parse::<IpNet>().ok());
            network.is_some_and(|network| network.contains(&address))
        })
    }

    /// It asks for an address, with routes of that metric.
    pub(crate) fn dhcp(&mut self, family: Family, origin: &Origin, metric: Option<&str>) {
        let (name, overrides) = match family {
            Family::V4 => ("dhcp4", "dhcp4-overrides"),
            Family::V6 => ("dhcp6", "dhcp6-overrides"),
        };
        self.plain(name, origin, "true");
        if let Some(metric) = metric {
            let words = self.words.map(overrides, origin);
            words.plain("route-metric", origin, metric);
        }
    }

    /// netplan wants the same said of both clients, which networkd has one set for.
    fn settle_clients(&mut self) {
        let said = self.words.get_map("dhcp4-overrides");
        if let (Some(said), true) = (said, self.words.has("dhcp6")) {
            let origin = self.origin.clone();
            self.words.set("dhcp6-overrides", &origin, Word::Map(said));
        }
    }

    pub(crate) fn not_carried_out(&mut self, key: &str, origin: &Origin) {
        let message = format!("`{key}` is not carried out in the initramfs");
        self.note(origin, message);
    }

    /// A key by which a DHCP server is to know the host.
    pub(crate) fn client_identifier(&mut self, key: &str, origin: &Origin) {
        let message = format!(
            "`{key}` is not carried out: to the DHCP server the host is its card's MAC address"
        );
        self.note(origin, message);
    }

    pub(crate) fn misfit(&mut self, key: &str, origin: &Origin) {
        self.doubt(origin, format!("this is no value of `{key}`"));
    }

    /// A method by which an interface comes by its addresses.
    pub(crate) fn unknown_method(&mut self, method: &str, origin: &Origin) {
        let message = format!("the initramfs brings up nothing by the method `{method}`");
        self.refuse(origin, message);
    }

    /// The running system does it alone.
    pub(crate) fn note(&mut self, origin: &Origin, message: impl Into<String>) {
        self.diagnose(Severity::Note, origin, message);
    }

    /// It is not understood.
    pub(crate) fn doubt(&mut self, origin: &Origin, message: impl Into<String>) {
        self.diagnose(Severity::Doubt, origin, message);
    }

    /// The path can't have it.
    pub(crate) fn refuse(&mut self, origin: &Origin, message: impl Into<String>) {
        self.diagnose(Severity::Refusal, origin, message);
    }

    fn diagnose(&mut self, severity: Severity, origin: &Origin, message: impl Into<String>) {
        self.say(severity, Warning::at(origin.clone(), message));
    }

    pub(crate) fn say(&mut self, severity: Severity, warning: Warning) {
        self.diagnostics.push(severity.diagnostic(warning));
    }
}

/// A family of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// The paths of keys are netplan's, and no user has written them.
fn without_key(origin: &mut Origin) {
    origin.key = None;
}

fn without_keys(interface: &mut Interface) {
    without_key(&mut interface.origin);
    let addresses = interface.addresses.iter_mut();
    addresses.for_each(|one| one.origin.iter_mut().for_each(without_key));
    let routes = interface.routes.iter_mut().map(|one| &mut one.origin);
    let rules = interface.rules.iter_mut().map(|one| &mut one.origin);
    routes.chain(rules).for_each(without_key);
    let diagnostics = interface.diagnostics.iter_mut();
    diagnostics.for_each(|one| one.warning.origin.iter_mut().for_each(without_key));
}

fn without_keys_in_error(error: IntakeError) -> IntakeError {
    let mut found = error.into_diagnostics();
    let origins = found.shown.iter_mut().map(|one| &mut one.origin);
    origins.for_each(without_key);
    found.into()
}
