//! The interfaces that weaker sources know: a stronger one says something else of the
//! same link, and what stands on it stays.

use std::net::IpAddr;

use nvmeroot_plan::{
    DefinitionId, Fragment, Interface, InterfaceName, LinkKind, MAIN_TABLE, MacAddress, Match,
    Origin, VlanId,
};

use crate::card::Card;

/// That of an IPv6 route of which nothing is said, a router's included
/// (`IP6_RT_PRIO_USER` in the kernel's include/uapi/linux/ipv6_route.h).
const IPV6_METRIC: u32 = 1024;

/// The interfaces so far, each id once.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    interfaces: Vec<Interface>,
    cards: &'a [Card],
}

impl<'a> Known<'a> {
    pub(crate) fn new(installed: &[Fragment], cards: &'a [Card]) -> Self {
        let mut known = Self {
            interfaces: Vec::new(),
            cards,
        };
        let all = installed.iter().flat_map(|one| &one.interfaces).flatten();
        for interface in all {
            known.put(interface.clone());
        }
        known
    }

    /// What was last said of this id counts.
    pub(crate) fn put(&mut self, interface: Interface) {
        let same = |one: &&mut Interface| one.id == interface.id;
        match self.interfaces.iter_mut().find(same) {
            Some(place) => *place = interface,
            None => self.interfaces.push(interface),
        }
    }

    pub(crate) fn by_id(&self, id: &DefinitionId) -> Option<&Interface> {
        self.interfaces.iter().find(|one| one.id == *id)
    }

    pub(crate) fn by_name(&self, name: &InterfaceName) -> Option<&Interface> {
        self.interfaces.iter().find(|one| one.name == *name)
    }

    /// The card with this permanent MAC address: who says the address, else who means the
    /// card that is there by its name or driver.
    pub(crate) fn card(&self, mac: MacAddress) -> Option<&Interface> {
        let is_card = |one: &&Interface| one.kind == LinkKind::Ethernet;
        let mut cards = self.interfaces.iter().filter(is_card);
        let has = |card: &Match| card.macaddress == Some(mac);
        let found = cards.find(|one| one.matching.as_ref().is_some_and(has));
        found.or_else(|| {
            let card = self.cards.iter().find(|one| one.mac == mac)?;
            let mut others = self.interfaces.iter().filter(is_card);
            others.find(|one| self.meant_by(one) == Some(card))
        })
    }

    /// Of the cards that an interface fits the one that the agent takes: that has its name
    /// already, else the first.
    fn meant_by(&self, one: &Interface) -> Option<&'a Card> {
        let fitting = self.cards.iter().filter(|card| one.means(card.facts()));
        fitting.min_by_key(|card| card.name != one.name)
    }

    /// The interface in whose network an address is.
    pub(crate) fn next_to(&self, address: Option<IpAddr>) -> Option<&Interface> {
        let address = address?;
        self.interfaces.iter().find(|one| {
            let mut networks = one.addresses.iter();
            networks.any(|own| own.address.contains(&address))
        })
    }

    /// The metric of the main table's default route that comes last, DHCP's and routers'
    /// included; `None`: there is none.
    pub(crate) fn last_default_metric(&self, is_ipv4: bool) -> Option<u32> {
        let is_main = |table: Option<u32>| table.is_none_or(|table| table == MAIN_TABLE);
        let of = |one: &Interface| {
            let routes = one.routes.iter();
            let routes = routes.filter(|route| route.is_default_of_main(is_ipv4));
            let usual = if is_ipv4 { 0 } else { IPV6_METRIC };
            let declared = routes.map(|route| route.metric.unwrap_or(usual)).max();
            let by_itself = match is_ipv4 {
                true => {
                    let client = one.dhcp4.as_ref().filter(|_| is_main(one.table));
                    client.map(|client| client.route_metric)
                }
                false => {
                    let listens = one.listens_to_routers() && is_main(one.ra_table.or(one.table));
                    listens.then(|| one.ra_metric.unwrap_or(IPV6_METRIC))
                }
            };
            declared.max(by_itself)
        };
        self.interfaces.iter().filter_map(of).max()
    }

    /// The VLAN of this number on an interface.
    pub(crate) fn vlan(&self, link: &DefinitionId, id: VlanId) -> Option<&Interface> {
        let is_it = |one: &&Interface| matches!(&one.kind, LinkKind::Vlan { vlan } if vlan.id == id && vlan.link == *link);
        self.interfaces.iter().find(is_it)
    }

    /// The bond or bridge that an interface is a member of.
    pub(crate) fn holder(&self, id: &DefinitionId) -> Option<&Interface> {
        self.interfaces.iter().find(|one| {
            let holds = matches!(one.kind, LinkKind::Bond { .. } | LinkKind::Bridge { .. });
            holds && one.kind.parents().contains(id)
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.interfaces.is_empty()
    }

    /// The cards that are no members of anything.
    pub(crate) fn free_cards(&self) -> Vec<Interface> {
        let is_free =
            |one: &&Interface| one.kind == LinkKind::Ethernet && self.holder(&one.id).is_none();
        self.interfaces.iter().filter(is_free).cloned().collect()
    }

    /// A card that nobody has spoken of, by a name that nothing has yet.
    pub(crate) fn new_card(
        &self,
        wanted: &str,
        mac: MacAddress,
        origin: Origin,
    ) -> Option<Interface> {
        let (id, name) = self.free_name(wanted)?;
        Some(Interface {
            matching: Some(Match {
                macaddress: Some(mac),
                ..Match::default()
            }),
            ..Interface::new(id, name, LinkKind::Ethernet, origin)
        })
    }

    /// An id and a name that nothing has yet; `None` where there can't be one.
    pub(crate) fn free_name(&self, wanted: &str) -> Option<(DefinitionId, InterfaceName)> {
        let mut text = wanted.to_owned();
        loop {
            let (id, name): (DefinitionId, InterfaceName) =
                (text.parse().ok()?, text.parse().ok()?);
            if self.by_id(&id).is_none() && self.by_name(&name).is_none() {
                return Some((id, name));
            }
            text.push('_');
        }
    }

    /// The link of a name as somebody makes it anew. What is known of the addresses of such
    /// a link stays.
    pub(crate) fn made(
        &self,
        name: InterfaceName,
        kind: LinkKind,
        origin: Origin,
    ) -> Option<Interface> {
        let same =
            |one: &Interface| std::mem::discriminant(&one.kind) == std::mem::discriminant(&kind);
        match self.by_name(&name) {
            Some(known) if same(known) => Some(Interface {
                kind,
                origin,
                ..known.clone()
            }),
            known => {
                let id = known.map(|known| known.id.clone());
                let id = id.or_else(|| name.as_str().parse().ok())?;
                Some(Interface::new(id, name, kind, origin))
            }
        }
    }

    /// The interfaces that come by an address.
    pub(crate) fn configured(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().filter(|one| has_means(one))
    }

    /// The interface of a name, without addresses: the one that is known, or the card
    /// that is called so.
    pub(crate) fn named(&self, name: &InterfaceName, origin: &Origin) -> Option<Interface> {
        if let Some(known) = self.by_name(name) {
            return Some(known.clone().without_addresses(origin.clone()));
        }
        let id = name.as_str().parse().ok()?;
        let kind = LinkKind::Ethernet;
        Some(Interface::new(id, name.clone(), kind, origin.clone()))
    }
}

/// Somebody says how it comes by an address.
pub(crate) fn has_means(one: &Interface) -> bool {
    one.dhcp4.is_some() || one.listens_to_routers() || !one.addresses.is_empty()
}
