//! HFIs as interfaces of the plan: a card by its MAC address, and a VLAN on it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use nvmeroot_nbft::{Hfi, HfiFlags};
use nvmeroot_plan::{
    Destination, Interface, InterfaceAddress, InterfaceName, LinkKind, MacAddress, Origin, Route,
    Vlan, VlanId, Warning,
};

use crate::known::Known;
use crate::named::NamedTable;

/// The metric of the default route that the firmware used, which is that of DHCP's routes
/// with networkd; other cards' come after it.
const FIRST_METRIC: u32 = 100;

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
    found: Vec<Interface>,
    by_link: BTreeMap<(MacAddress, Option<u16>), usize>,
    /// What weaker sources say of those that they know, too.
    weaker: BTreeMap<usize, Interface>,
    /// Gateways, and whether the firmware's default route goes by each.
    gateways: Vec<(usize, IpAddr, u16, bool, Origin)>,
}

impl<'a, 'k> Interfaces<'a, 'k> {
    pub(super) fn new(known: &'a mut Known<'k>, warnings: &'a mut Vec<Warning>) -> Self {
        Self {
            known,
            warnings,
            found: Vec::new(),
            by_link: BTreeMap::new(),
            weaker: BTreeMap::new(),
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
        let name = match number {
            0 => format!("nbft{}", hfi.index),
            more => format!("nbft{more}-{}", hfi.index),
        };
        let vlan = hfi.vlan();
        let at = match self.by_link.get(&(mac, vlan)) {
            Some(at) => *at,
            None => {
                let at = self.link(&name, mac, vlan, place)?;
                self.by_link.insert((mac, vlan), at);
                at
            }
        };
        self.address(at, hfi, place);
        Ok(Some(self.found[at].name.clone()))
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

    /// The same link without its addresses.
    fn replace(&mut self, known: Interface, place: &Origin) -> usize {
        let at = self.push(known.clone().without_addresses(place.clone()));
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

    /// Adds an HFI's address, or how to get one.
    fn address(&mut self, at: usize, hfi: &Hfi, place: &Origin) {
        let address = hfi.address.specified();
        let one = &mut self.found[at];
        if hfi.is_dhcp() {
            // The lease may be another one now: address, routes and name servers are in
            // it. How the running system asks for it, the boot asks, too: else there are
            // two.
            let weaker = self.weaker.get(&at);
            let family = address.or_else(|| hfi.dhcp_server());
            if family.is_some_and(|address| address.is_ipv6()) {
                let asks = || weaker.and_then(|one| one.dhcp6.clone()).unwrap_or_default();
                one.dhcp6.get_or_insert_with(asks);
            } else {
                let asks = || weaker.and_then(|one| one.dhcp4.clone()).unwrap_or_default();
                one.dhcp4.get_or_insert_with(asks);
            }
            return;
        }
        if hfi.flags.contains(HfiFlags::AUTOCONFIGURED) {
            one.accept_ra = Some(true);
            return;
        }
        let Some(address) = address else {
            let message = "the firmware had no address on this card, so nothing is reached over it";
            self.warnings.push(Warning::at(place.clone(), message));
            return;
        };
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match hfi.prefix {
            0 => longest,
            prefix => prefix,
        };
        let Ok(network) = IpNet::new(address, prefix) else {
            let message = format!("`{address}/{prefix}` is no address with a prefix length");
            self.warnings.push(Warning::at(place.clone(), message));
            return;
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
        if let Some(gateway) = hfi.gateway.specified() {
            let is_default = hfi.flags.contains(HfiFlags::DEFAULT_ROUTE);
            let gateway = (at, gateway, hfi.metric, is_default, place.clone());
            self.gateways.push(gateway);
        }
    }

    /// The interfaces, with their default routes: each of its own metric, because the
    /// kernel takes no second one with the same.
    pub(super) fn finish(mut self) -> Vec<Interface> {
        // Stable: else in the order of the table.
        self.gateways
            .sort_by_key(|(_, _, _, is_default, _)| !is_default);
        let mut taken: Vec<(bool, u32)> = Vec::new();
        for (at, gateway, metric, _, place) in self.gateways {
            let one = &mut self.found[at];
            let mut routes = one.routes.iter();
            if routes.any(|route| route.via == Some(gateway)) {
                continue;
            }
            let is_it =
                |route: &&Route| route.to == Destination::Default && route.via == Some(gateway);
            let weaker = self.weaker.get(&at);
            let weaker = weaker.and_then(|one| one.routes.iter().find(is_it));
            let mut metric = match (weaker, metric) {
                // Else the running system adds its own beside it.
                (Some(route), _) => route.metric.unwrap_or_default(),
                (None, 0) => FIRST_METRIC,
                (None, metric) => metric.into(),
            };
            while taken.contains(&(gateway.is_ipv4(), metric)) {
                metric += 1;
            }
            taken.push((gateway.is_ipv4(), metric));
            let is_near = |a: &InterfaceAddress| a.address.contains(&gateway);
            let is_link_local =
                matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local());
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
