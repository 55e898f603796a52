//! A network, as an installer is told it.

/// A host's network: cards, perhaps a bond of all of them, perhaps a VLAN on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) cards: &'static [&'static str],
    /// An active-backup bond, watched by carrier.
    pub(crate) bond: Option<&'static str>,
    /// Its name and its number.
    pub(crate) vlan: Option<(&'static str, u16)>,
    /// What the topmost interface gets.
    pub(crate) address: Address,
}

/// How an interface gets its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// `10.77.0.50/24`, and the default route's router.
    Static(&'static str, Option<&'static str>),
    Dhcp4,
    /// By router advertisements.
    Advertised,
}

impl Network {
    /// What stands on the cards.
    pub(super) fn lower(&self) -> &'static str {
        self.bond.unwrap_or(self.cards[0])
    }

    /// The interface that has the address.
    pub(super) fn top(&self) -> &'static str {
        self.vlan.map_or_else(|| self.lower(), |(name, _)| name)
    }
}
