//! Frames that are dropped for what they are.

use etherparse::{EtherType, TransportSlice};

use super::packet::Packet;

/// Which frames are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// What they are.
    pub kind: Kind,
    /// Which of those, in the order in which one port sends them.
    pub which: Which,
}

impl Filter {
    /// Every frame of this kind.
    pub const fn all(kind: Kind) -> Filter {
        Filter {
            kind,
            which: Which::All,
        }
    }
}

/// A kind of frame, VLAN-tagged or not. Fragments of IP packets but the first have no
/// port and match no kind of a higher layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Every frame.
    Any,
    /// The type behind the VLAN tags: 0x0806 is ARP, 0x8809 LACP.
    EtherType(u16),
    /// UDP to this port: 67 are a DHCPv4 client's messages, 547 a DHCPv6 client's.
    UdpTo(u16),
    /// TCP from or to this port, if one is given.
    Tcp(Option<u16>),
    /// The first packet of a TCP connection (SYN without ACK), to this port if one is
    /// given.
    TcpSyn(Option<u16>),
    /// ICMPv6 of this type: 133 solicits routers, 134 advertises one, 135 solicits
    /// neighbours, 136 advertises one (RFC 4861).
    Icmp6(u8),
}

impl Kind {
    /// Address resolution for IPv4 (RFC 826).
    pub const ARP: Kind = Kind::EtherType(0x0806);
    /// Link aggregation control (IEEE 802.1AX), and the other slow protocols.
    pub const LACP: Kind = Kind::EtherType(0x8809);

    fn matches(self, packet: &Packet<'_>) -> bool {
        match self {
            Kind::Any => true,
            Kind::EtherType(number) => packet.ether_type == EtherType(number),
            Kind::UdpTo(port) => {
                matches!(packet.transport(), Some(TransportSlice::Udp(udp)) if udp.destination_port() == port)
            }
            Kind::Tcp(port) => packet.tcp().is_some_and(|tcp| {
                port.is_none_or(|port| [tcp.source_port(), tcp.destination_port()].contains(&port))
            }),
            Kind::TcpSyn(port) => packet.tcp().is_some_and(|tcp| {
                tcp.syn() && !tcp.ack() && port.is_none_or(|port| tcp.destination_port() == port)
            }),
            Kind::Icmp6(kind) => {
                matches!(packet.transport(), Some(TransportSlice::Icmpv6(icmp)) if icmp.type_u8() == kind)
            }
        }
    }
}

/// Which of several frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Every one.
    All,
    /// The n-th, the 2n-th, and so on; 0 is none.
    Every(u64),
    /// The first so many.
    First(u64),
    /// All but the first so many.
    After(u64),
    /// The n-th alone.
    Only(u64),
}

impl Which {
    /// Whether the frame of this number, counted from 1, is one of them.
    fn includes(self, number: u64) -> bool {
        match self {
            Which::All => true,
            Which::Every(n) => n != 0 && number.is_multiple_of(n),
            Which::First(n) => number <= n,
            Which::After(n) => number > n,
            Which::Only(n) => number == n,
        }
    }
}

/// Filters, and how many frames each has seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Filters(Vec<(Filter, u64)>);

impl Filters {
    pub(super) fn new(filters: &[Filter]) -> Filters {
        Filters(filters.iter().map(|filter| (*filter, 0)).collect())
    }

    /// Each filter counts, also when another one drops.
    pub(super) fn drops(&mut self, packet: &Packet<'_>) -> bool {
        let mut drops = false;
        for (filter, seen) in &mut self.0 {
            if filter.kind.matches(packet) {
                *seen += 1;
                drops |= filter.which.includes(*seen);
            }
        }
        drops
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_of_six() {
        let included =
            |which: Which| -> Vec<u64> { (1..=6).filter(|n| which.includes(*n)).collect() };
        assert_eq!(included(Which::All), [1, 2, 3, 4, 5, 6]);
        assert_eq!(included(Which::Every(3)), [3, 6]);
        assert_eq!(included(Which::Every(0)), [] as [u64; 0]);
        assert_eq!(included(Which::First(2)), [1, 2]);
        assert_eq!(included(Which::After(4)), [5, 6]);
        assert_eq!(included(Which::Only(2)), [2]);
    }
}
