//! Which interface stands on which, by index.

use std::collections::BTreeMap;

use crate::{DefinitionId, Interface, LinkKind, Mtu, Network, inserted};

/// The MTU of a link that nobody sets it of.
const ETHERNET_MTU: u64 = 1500;

/// The relations between the interfaces of a network: ids looked up once,
/// everything by place in [`Network::interfaces`].
#[derive(Debug)]
pub(crate) struct Topology<'a> {
    pub(crate) interfaces: &'a [Interface],
    /// What a VLAN, bond or bridge stands on; of ids that nothing has,
    /// nothing.
    below: Vec<Vec<usize>>,
    /// The bond or bridge that an interface is a member of.
    master: Vec<Option<usize>>,
    /// The VRF that holds an interface.
    vrf: Vec<Option<usize>>,
    /// It can be there: it is a card, or all that it can't be without comes
    /// before it.
    exists: Vec<bool>,
}

impl<'a> Topology<'a> {
    /// In time linear in interfaces and references, but for the look-up of
    /// ids.
    pub(crate) fn new(network: &'a Network) -> Self {
        let interfaces = network.interfaces.as_slice();
        let count = interfaces.len();
        let places = interfaces.iter().enumerate();
        let place: BTreeMap<&DefinitionId, usize> = inserted(places.map(|(at, one)| (&one.id, at)));
        let mut this = Self {
            interfaces,
            below: Vec::with_capacity(count),
            master: vec![None; count],
            vrf: vec![None; count],
            exists: vec![false; count],
        };
        // Which interface named it last: each counts once.
        let mut named_by = vec![usize::MAX; count];
        for (at, one) in interfaces.iter().enumerate() {
            let is_holder = !matches!(one.kind, LinkKind::Vlan { .. });
            let others = one.kind.parents().iter();
            let others: Vec<usize> = others
                .filter_map(|id| place.get(id).copied())
                .filter(|other| std::mem::replace(&mut named_by[*other], at) != at)
                .filter(|other| *other != at)
                // The kernel makes no VRF a member of anything.
                .filter(|other| {
                    !is_holder || !matches!(interfaces[*other].kind, LinkKind::Vrf { .. })
                })
                .collect();
            let holder = match &one.kind {
                LinkKind::Vrf { .. } => Some(&mut this.vrf),
                LinkKind::Bond { .. } | LinkKind::Bridge { .. } => Some(&mut this.master),
                _ => None,
            };
            if let Some(holder) = holder {
                for &member in &others {
                    holder[member].get_or_insert(at);
                }
            }
            this.exists[at] = match &one.kind {
                LinkKind::Foreign { .. } => false,
                LinkKind::Vlan { .. } => others.iter().any(|p| *p < at && this.exists[*p]),
                _ => true,
            };
            let is_vrf = matches!(one.kind, LinkKind::Vrf { .. });
            this.below.push(if is_vrf { Vec::new() } else { others });
        }
        this
    }

    /// What a VLAN, bond or bridge stands on.
    pub(crate) fn below(&self, at: usize) -> &[usize] {
        &self.below[at]
    }

    /// The bond or bridge that the interface is a member of: the first one
    /// that says so, since the kernel knows only one.
    pub(crate) fn master(&self, at: usize) -> Option<usize> {
        self.master[at]
    }

    /// The VRF that holds the interface.
    pub(crate) fn vrf(&self, at: usize) -> Option<usize> {
        self.vrf[at]
    }

    /// The routing table of the VRF that it is or that holds it.
    pub(crate) fn vrf_table(&self, at: usize) -> Option<u32> {
        match &self.interfaces[self.vrf(at).unwrap_or(at)].kind {
            LinkKind::Vrf { vrf } => Some(vrf.table),
            _ => None,
        }
    }

    /// The interface can be there when its turn comes.
    pub(crate) fn exists(&self, at: usize) -> bool {
        self.exists[at]
    }

    /// Of each interface: whether it is among `from`, or one of those needs
    /// it: what they stand on, and the VRF that holds one of these.
    pub(crate) fn needed_by(&self, from: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut needed = vec![false; self.interfaces.len()];
        let mut open: Vec<usize> = from.into_iter().collect();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut needed[at], true) {
                open.extend(self.below(at));
                open.extend(self.vrf(at));
            }
        }
        needed
    }

    /// Per interface the MTU to set, and which interface asks for it: its
    /// own, or that of something which stands on it and needs more. A VLAN's
    /// packets go through its parent, a bond's through its members; the
    /// kernel refuses or drops what is longer.
    pub(crate) fn mtus(&self) -> Vec<Option<(Mtu, usize)>> {
        let said = self.interfaces.iter().enumerate();
        let mut mtus: Vec<_> = said.map(|(at, one)| Some((one.mtu?, at))).collect();
        // Children come after their parents, so from the end.
        for at in (0..self.interfaces.len()).rev() {
            let Some((mtu, asks)) = mtus[at] else {
                continue;
            };
            for &parent in self.below(at).iter().filter(|p| **p < at) {
                if u64::from(mtu) > bytes(mtus[parent]) {
                    mtus[parent] = Some((mtu, asks));
                }
            }
        }
        mtus
    }
}

/// An MTU in bytes, where none is set the one that links have.
pub(crate) fn bytes(mtu: Option<(Mtu, usize)>) -> u64 {
    mtu.map_or(ETHERNET_MTU, |(mtu, _)| mtu.into())
}
