//! Connections that are reset on the way.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use etherparse::{LaxNetSlice, PacketBuilder, TcpSlice};

use super::packet::Packet;

/// Connections that are followed at a time, for what one port sends. With more of them
/// the oldest is forgotten, and counts anew.
const CONNECTIONS: usize = 1024;
/// Of a forged packet (`IPDEFTTL`, RFC 1700).
const TTL: u8 = 64;

/// A TCP connection is reset as soon as one side has sent too much, as a firewall or a
/// failing load balancer does: the packet is dropped, and both sides get a RST that
/// claims to come from the other one. A new connection (SYN) counts from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// Bytes of payload that one side may send; what is sent again counts again.
    pub after: u64,
    /// Only for connections from or to this port, if one is given.
    pub port: Option<u16>,
}

/// Two frames that end a connection.
pub(super) struct Resets {
    /// To where the packet was going.
    pub(super) onward: Vec<u8>,
    /// To where it came from.
    pub(super) back: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Flow {
    from: (IpAddr, u16),
    to: (IpAddr, u16),
}

/// The payload that each connection's one side has sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections {
    bytes: BTreeMap<Flow, u64>,
    oldest: VecDeque<Flow>,
}

impl Connections {
    /// What replaces `frame`, whose parts are `packet`; `None` lets it pass.
    pub(super) fn follow(
        &mut self,
        rule: Reset,
        frame: &[u8],
        packet: &Packet<'_>,
    ) -> Option<Resets> {
        let tcp = packet.tcp()?;
        let flow = flow(packet, tcp)?;
        if !rule
            .port
            .is_none_or(|port| [flow.from.1, flow.to.1].contains(&port))
        {
            return None;
        }
        if !self.bytes.contains_key(&flow) {
            self.oldest.push_back(flow);
            if self.oldest.len() > CONNECTIONS
                && let Some(oldest) = self.oldest.pop_front()
            {
                self.bytes.remove(&oldest);
            }
        }
        let bytes = self.bytes.entry(flow).or_default();
        if tcp.syn() {
            *bytes = 0;
        }
        *bytes = bytes.saturating_add(tcp.payload().len() as u64);
        // A RST is not answered (RFC 9293, 3.5.2).
        if *bytes <= rule.after || tcp.rst() {
            return None;
        }
        forge(frame, packet, tcp, flow)
    }
}

fn flow(packet: &Packet<'_>, tcp: &TcpSlice<'_>) -> Option<Flow> {
    let (from, to): (IpAddr, IpAddr) = match packet.net()? {
        LaxNetSlice::Ipv4(ip) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        LaxNetSlice::Ipv6(ip) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        LaxNetSlice::Arp(_) => return None,
    };
    Some(Flow {
        from: (from, tcp.source_port()),
        to: (to, tcp.destination_port()),
    })
}

/// A RST counts only with exactly the sequence number that is expected next (RFC 9293,
/// 3.10.7.4, and RFC 5961, section 3): onward that is the packet's own, back it is
/// what the packet acknowledges.
fn forge(frame: &[u8], packet: &Packet<'_>, tcp: &TcpSlice<'_>, flow: Flow) -> Option<Resets> {
    let link = frame.get(..packet.link_len)?;
    let mut turned = link.to_vec();
    turned[..6].copy_from_slice(&link[6..12]);
    turned[6..12].copy_from_slice(&link[..6]);
    let sent = u32::try_from(tcp.payload().len()).ok()?;
    let end = tcp
        .sequence_number()
        .wrapping_add(sent)
        .wrapping_add(u32::from(tcp.syn()))
        .wrapping_add(u32::from(tcp.fin()));
    Some(Resets {
        onward: reset(
            link.to_vec(),
            flow.from,
            flow.to,
            tcp.sequence_number(),
            tcp.acknowledgment_number(),
        )?,
        back: reset(turned, flow.to, flow.from, tcp.acknowledgment_number(), end)?,
    })
}

fn reset(
    mut frame: Vec<u8>,
    from: (IpAddr, u16),
    to: (IpAddr, u16),
    sequence: u32,
    acknowledged: u32,
) -> Option<Vec<u8>> {
    let ip = match (from.0, to.0) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), TTL),
        (IpAddr::V6(from), IpAddr::V6(to)) => PacketBuilder::ipv6(from.octets(), to.octets(), TTL),
        _ => return None,
    };
    let tcp = ip.tcp(from.1, to.1, sequence, 0).rst().ack(acknowledged);
    tcp.write(&mut frame, &[]).ok()?;
    Some(frame)
}
