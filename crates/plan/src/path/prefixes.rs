//! Values by network, found by an address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

/// Values by network. A look-up takes one step for each prefix length that
/// occurs, however many networks there are.
#[derive(Debug)]
pub(super) struct Prefixes<V> {
    lengths: BTreeSet<u8>,
    by: BTreeMap<IpNet, V>,
}

impl<V> Default for Prefixes<V> {
    fn default() -> Self {
        Self {
            lengths: BTreeSet::new(),
            by: BTreeMap::new(),
        }
    }
}

impl<V: Default> Prefixes<V> {
    /// The value of a network; host bits are ignored.
    pub(super) fn entry(&mut self, network: IpNet) -> &mut V {
        self.lengths.insert(network.prefix_len());
        self.by.entry(network.trunc()).or_default()
    }
}

impl<V> Prefixes<V> {
    /// The values of the networks that hold `address`, with their prefix
    /// lengths, the longest first.
    pub(super) fn covering(&self, address: IpAddr) -> impl Iterator<Item = (u8, &V)> {
        // Of the other family's lengths, those that are too long give none.
        self.lengths.iter().rev().filter_map(move |&length| {
            let network = IpNet::new(address, length).ok()?.trunc();
            self.by.get(&network).map(|value| (length, value))
        })
    }
}
