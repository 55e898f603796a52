//! The interfaces that weaker sources know: a stronger one says something else of the
//! same link, and what stands on it stays.

use std::net::IpAddr;

use nvmeroot_plan::{
    DefinitionId, Fragment, Interface, InterfaceName, LinkKind, MacAddress, Match, Origin, VlanId,
};

/// The interfaces so far, each id once.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    interfaces: Vec<Interface>,
    cards: &'a [(InterfaceName, MacAddress)],
}

impl<'a> Known<'a> {
    pub(crate) fn new(installed: &[Fragment], cards: &'a [(InterfaceName, MacAddress)]) -> Self {
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

    /// The card with this permanent MAC address.
    pub(crate) fn card(&self, mac: MacAddress) -> Option<&Interface> {
        let is_card = |one: &&Interface| one.kind == LinkKind::Ethernet;
        let mut cards = self.interfaces.iter().filter(is_card);
        let has = |card: &Match| card.macaddress == Some(mac);
        let found = cards.find(|one| one.matching.as_ref().is_some_and(has));
        found.or_else(|| {
            let (name, _) = self.cards.iter().find(|(_, one)| *one == mac)?;
            let is_named = |one: &&Interface| one.matching.is_none() && one.name == *name;
            self.interfaces.iter().filter(is_card).find(is_named)
        })
    }

    /// The interface in whose network an address is.
    pub(crate) fn next_to(&self, address: Option<IpAddr>) -> Option<&Interface> {
        let address = address?;
        self.interfaces.iter().find(|one| {
            let mut networks = one.addresses.iter();
            networks.any(|own| own.address.contains(&address))
        })
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
