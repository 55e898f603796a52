//! What a frame says about itself.

use etherparse::{
    EtherType, LaxLinkExtSlice, LaxNetSlice, LaxSlicedPacket, LinkSlice, TcpSlice, TransportSlice,
};

/// Destination, source, type.
const ETHERNET: usize = 14;
/// A VLAN tag (IEEE 802.1Q), or two of them.
const TAG: usize = 4;

/// A frame, taken apart as far as it makes sense.
pub(super) struct Packet<'a> {
    /// Bytes before the network layer: Ethernet's header and VLAN tags.
    pub(super) link_len: usize,
    /// The type of what follows the VLAN tags.
    pub(super) ether_type: EtherType,
    frame_len: usize,
    parts: LaxSlicedPacket<'a>,
}

impl<'a> Packet<'a> {
    /// `None` for what is no Ethernet II frame.
    pub(super) fn new(frame: &'a [u8]) -> Option<Packet<'a>> {
        let parts = LaxSlicedPacket::from_ethernet(frame).ok()?;
        let Some(LinkSlice::Ethernet2(ethernet)) = &parts.link else {
            return None;
        };
        let mut ether_type = ethernet.ether_type();
        let mut link_len = ETHERNET;
        for tag in &parts.link_exts {
            // What MACsec carries can't be told from outside.
            let LaxLinkExtSlice::Vlan(tag) = tag else {
                break;
            };
            ether_type = tag.ether_type();
            link_len += TAG;
        }
        Some(Packet {
            link_len,
            ether_type,
            frame_len: frame.len(),
            parts,
        })
    }

    /// The size of the IP packet with its header, if it is one.
    pub(super) fn ip_len(&self) -> Option<usize> {
        let ip = [EtherType::IPV4, EtherType::IPV6].contains(&self.ether_type);
        ip.then(|| self.frame_len.saturating_sub(self.link_len))
    }

    pub(super) fn net(&self) -> Option<&LaxNetSlice<'a>> {
        self.parts.net.as_ref()
    }

    pub(super) fn transport(&self) -> Option<&TransportSlice<'a>> {
        self.parts.transport.as_ref()
    }

    pub(super) fn tcp(&self) -> Option<&TcpSlice<'a>> {
        match self.transport()? {
            TransportSlice::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }
}
