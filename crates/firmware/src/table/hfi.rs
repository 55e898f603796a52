//! HFIs as interfaces of the plan: a card by its MAC address, and a VLAN on it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use nvmeroot_nbft::{Hfi, HfiFlags};
use nvmeroot_plan::{
    Destination, Interface, InterfaceAddress, InterfaceName, LinkKind, MacAddress, Origin, Route,
    Vlan, VlanId, Warning,
};

use super::means::Means;
use crate::known::Known;
use crate::named::NamedTable;

/// The metric of the default route that the firmware used, which is that of DHCP's routes
/// with networkd; other cards' come after it.
const FIRST_METRIC: u32 = 100;

/// More network cards than this of all tables together don't count: no machine has as
/// many, and the work for each grows with their number.
const MOST: usize = 256;

/// By an HFI's index, the interface that it is. `None`: whichever leads there.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<u8, Option<InterfaceName>>);

impl Places {
    /// `None`: it can't be had.
    pub(super) fn of(&self, hfi: u8) -> Option<&Option<InterfaceName>> {
        self.0.get(&hfi)
    }
}

/// The interfaces of all tables so far. Two HFIs may be the same card: with an address of
/// each family, or in two tables.
#[derive(Debug)]
pub(super) struct Interfaces<'a, 'k> {
    known: &'a mut Known<'k>,
    warnings: &'a mut Vec<Warning>,
    /// An installed interface keeps what it has, and the table's is added.
    adds: bool,
    found: Vec<Interface>,
    by_link: BTreeMap<(MacAddress, Option<u16>), usize>,
    /// What weaker sources say of those that they know, too.
    weaker: BTreeMap<usize, Interface>,
    /// HFIs that were looked at.
    looked_at: usize,
    /// Gateways, and whether the firmware's default route goes by each.
    gateways: Vec<(usize, IpAddr, u16, bool, Origin)>,
}

impl<'a, 'k> Interfaces<'a, 'k> {
    /// `adds`: an installed interface keeps its own addresses, too.
    pub(super) fn new(
        known: &'a mut Known<'k>,
        adds: bool,
        warnings: &'a mut Vec<Warning>,
    ) -> Self {
        Self {
            known,
            warnings,
            adds,
            found: Vec::new(),
            by_link: BTreeMap::new(),
            weaker: BTreeMap::new(),
            looked_at: 0,
            gateways: Vec::new(),
        }
    }

    /// Adds the HFIs of a table; `number` is its place among the tables.
    pub(super) fn add(&mut self, number: usize, table: &NamedTable) -> Places {
        let mut places = Places::default();
        for hfi in &table.table.hfis {
            let place = table.origin(&format!("HFI {}", hfi.index));
            if places.0.contains_key(&hfi.index) {
                continue;
            }
            self.looked_at += 1;
            if self.looked_at > MOST {
                let message = format!(
                    "this record and those after it do not count: there are more than {MOST} network cards"
                );
                self.warnings.push(Warning::at(place, message));
                break;
            }
            match self.one(number, hfi, &place) {
                Ok(interface) => {
                    places.0.insert(hfi.index, interface);
                }
                Err(why) => {
                    let message = format!("the record does not count: {why}");
                    self.warnings.push(Warning::at(place, message));
                }
            }
        }
        places
    }

    /// The interface of an HFI.
    fn one(
        &mut self,
        number: usize,
        hfi: &Hfi,
        place: &Origin,
    ) -> Result<Option<InterfaceName>, String> {
        let mac = MacAddress::new(hfi.mac.0);
        if hfi.mac.0 == [0; 6] {
            return Err("it has no MAC address, so nothing says which card it is".to_owned());
        }
        if let Some(card) = self.known.card(mac)
            && let Some(holder) = self.known.holder(&card.id)
        {
            let message = format!(
                "the card with the MAC address `{mac}` is `{}`, a member of `{}` in the installed system, which counts: the table's address does not",
                card.name, holder.name
            );
            self.warnings.push(Warning::at(place.clone(), message));
            return Ok(None);
        }
        let vlan = hfi.vlan();
        let means = Means::of(hfi);
        if let Err(why) = &means {
            self.warnings.push(Warning::at(place.clone(), why.clone()));
            // Who knows it better has an address for it.
            if let Some(known) = self.known_link(mac, vlan) {
                return Ok(Some(known.name.clone()));
            }
        }
        let name = match number {
            0 => format!("nbft{}", hfi.index),
            more => format!("nbft{more}-{}", hfi.index),
        };
        let at = match self.by_link.get(&(mac, vlan)) {
            Some(at) => *at,
            None => {
                let at = self.link(&name, mac, vlan, place)?;
                self.by_link.insert((mac, vlan), at);
                at
            }
        };
        match means {
            Ok(means) if self.adds => self.add_to(at, means, hfi, place),
            Ok(means) => self.address(at, means, hfi, place),
            Err(_) => {}
        }
        Ok(Some(self.found[at].name.clone()))
    }

    /// What weaker sources, or earlier HFIs, know of the link.
    fn known_link(&self, mac: MacAddress, vlan: Option<u16>) -> Option<&Interface> {
        let card = self.known.card(mac)?;
        let Some(vlan) = vlan else {
            return Some(card);
        };
        let id = VlanId::try_from(u64::from(vlan)).ok()?;
        self.known.vlan(&card.id, id)
    }

    /// The link, without addresses.
    fn link(
        &mut self,
        name: &str,
        mac: MacAddress,
        vlan: Option<u16>,
        place: &Origin,
    ) -> Result<usize, String> {
        let no_name = || format!("no interface can be called `{name}`");
        let known = self.known.card(mac).cloned();
        let Some(vlan) = vlan else {
            if let Some(known) = known {
                return Ok(self.replace(known, place));
            }
            let new = self.known.new_card(name, mac, place.clone());
            return Ok(self.push(new.ok_or_else(no_name)?));
        };
        let id = VlanId::try_from(u64::from(vlan)).map_err(|e| e.to_string())?;
        let parent = match known {
            Some(known) => known,
            None => {
                let new = self.known.new_card(name, mac, place.clone());
                let new = new.ok_or_else(no_name)?;
                self.push(new.clone());
                new
            }
        };
        if let Some(known) = self.known.vlan(&parent.id, id) {
            let known = known.clone();
            return Ok(self.replace(known, place));
        }
        let wanted = format!("{}.{vlan}", parent.name);
        let free = self.known.free_name(&wanted);
        let free = free.or_else(|| self.known.free_name(&format!("{name}.{vlan}")));
        let (own, name) = free.ok_or_else(no_name)?;
        let vlan = Vlan {
            id,
            link: parent.id,
        };
        let kind = LinkKind::Vlan { vlan };
        Ok(self.push(Interface::new(own, name, kind, place.clone())))
    }

    /// The same link, without its addresses where the table's count instead.
    fn replace(&mut self, known: Interface, place: &Origin) -> usize {
        let link = known.clone();
        let at = self.push(match self.adds {
            true => link,
            false => link.without_addresses(place.clone()),
        });
        self.weaker.insert(at, known);
        at
    }

    fn push(&mut self, interface: Interface) -> usize {
        self.known.put(interface.clone());
        match self.found.iter().position(|one| one.id == interface.id) {
            Some(at) => {
                self.found[at] = interface;
                at
            }
            None => {
                self.found.push(interface);
                self.found.len() - 1
            }
        }
    }

    /// Adds an HFI's address, or how to get one, to what the installed system has on this
    /// link.
    fn add_to(&mut self, at: usize, means: Means, hfi: &Hfi, place: &Origin) {
        let Some(own) = self.weaker.get(&at) else {
            return self.address(at, means, hfi, place);
        };
        // The card has an address in the network that the firmware was in.
        let is_there = || {
            let mut addresses = own.addresses.iter();
            let had = hfi.address.specified();
            had.is_some_and(|had| addresses.any(|a| a.address.contains(&had)))
        };
        let is_own = match means {
            Means::Dhcp4 => own.dhcp4.is_some() || is_there(),
            Means::Dhcp6 => own.dhcp6.is_some() || is_there(),
            Means::Announced => own.accept_ra.is_some() || own.dhcp6.is_some() || is_there(),
            Means::Fixed(network) => {
                let mut addresses = own.addresses.iter();
                addresses.any(|a| a.address.addr() == network.addr())
            }
        };
        if !is_own {
            self.found[at].origin = place.clone();
            self.address(at, means, hfi, place);
        } else if matches!(means, Means::Fixed(_)) {
            self.gateway(at, hfi, place);
        }
    }

    /// Adds an HFI's address, or how to get one.
    fn address(&mut self, at: usize, means: Means, hfi: &Hfi, place: &Origin) {
        let one = &mut self.found[at];
        // The lease may be another one now: address, routes and name servers are in it.
        // How the running system asks for it, the boot asks, too: else there are two.
        let weaker = self.weaker.get(&at);
        let network = match means {
            Means::Dhcp4 => {
                let asks = || weaker.and_then(|one| one.dhcp4.clone()).unwrap_or_default();
                one.dhcp4.get_or_insert_with(asks);
                return;
            }
            Means::Dhcp6 => {
                let asks = || weaker.and_then(|one| one.dhcp6.clone()).unwrap_or_default();
                one.dhcp6.get_or_insert_with(asks);
                return;
            }
            Means::Announced => {
                one.accept_ra = Some(true);
                return;
            }
            Means::Fixed(network) => network,
        };
        if one.addresses.iter().all(|a| a.address != network) {
            one.addresses.push(InterfaceAddress {
                origin: Some(place.clone()),
                ..InterfaceAddress::new(network)
            });
        }
        for server in hfi.name_servers() {
            if !one.name_servers.contains(&server) {
                one.name_servers.push(server);
            }
        }
        self.gateway(at, hfi, place);
    }

    fn gateway(&mut self, at: usize, hfi: &Hfi, place: &Origin) {
        if let Some(gateway) = hfi.gateway.specified() {
            let is_default = hfi.flags.contains(HfiFlags::DEFAULT_ROUTE);
            let gateway = (at, gateway, hfi.metric, is_default, place.clone());
            self.gateways.push(gateway);
        }
    }

    /// The interfaces, with their default routes: each of its own metric, because the
    /// kernel takes no second one with the same.
    pub(super) fn finish(mut self) -> Vec<Interface> {
        let is_default = |(_, _, _, is_default, _): &(_, _, _, bool, _)| *is_default;
        let (gateways, others): (Vec<_>, Vec<_>) = self.gateways.into_iter().partition(is_default);
        // What the installed system has by its default route it keeps.
        let least = [false, true].map(|is_ipv4| match self.adds {
            true => self.known.last_default_metric(is_ipv4),
            false => None,
        });
        let least = least.map(|last| last.map_or(Some(0), |last| last.checked_add(1)));
        let mut taken: Vec<(bool, u32)> = Vec::new();
        for (at, gateway, metric, _, place) in gateways.into_iter().chain(others) {
            let one = &mut self.found[at];
            let is_ipv4 = gateway.is_ipv4();
            let is_it =
                |route: &&Route| route.is_default_of_main(is_ipv4) && route.via == Some(gateway);
            if one.routes.iter().any(|route| is_it(&route)) {
                continue;
            }
            let weaker = self.weaker.get(&at);
            let weaker = weaker.and_then(|one| one.routes.iter().find(is_it));
            let metric = match (weaker, metric) {
                // Else the running system adds its own beside it.
                (Some(route), _) => route.metric.unwrap_or_default(),
                (None, 0) => FIRST_METRIC,
                (None, metric) => metric.into(),
            };
            let least = least[usize::from(is_ipv4)];
            let mut later = least
                .into_iter()
                .flat_map(|least| metric.max(least)..=u32::MAX);
            let Some(metric) = later.find(|metric| !taken.contains(&(is_ipv4, *metric))) else {
                let message = "the gateway does not count: no metric is left after that of the installed default route";
                self.warnings.push(Warning::at(place, message));
                continue;
            };
            taken.push((is_ipv4, metric));
            let is_near = |a: &InterfaceAddress| a.address.contains(&gateway);
            let is_link_local =
                matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local());
            if self.adds {
                one.origin = place.clone();
            }
            let mut route = Route::new(Destination::Default, place);
            route.via = Some(gateway);
            route.metric = Some(metric).filter(|metric| *metric != 0);
            route.on_link = !is_link_local && !one.addresses.iter().any(is_near);
            one.routes.push(route);
        }
        // Those after this know them with their addresses.
        for one in &self.found {
            self.known.put(one.clone());
        }
        self.found
    }
}
