//! Ethernet frames with IPv4 UDP or ARP in them: we have no address yet, so
//! the kernel can't make or read them for us.

use std::net::Ipv4Addr;

use nvmeroot_plan::MacAddress;

use super::bytes::{ParseError, Reader};

/// Everybody on the link.
const BROADCAST: MacAddress = MacAddress::new([0xff; 6]);
/// EtherType of IPv4.
pub(super) const IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub(super) const ARP: u16 = 0x0806;
const UDP: u8 = 17;
const CLIENT_PORT: u16 = 68;
const SERVER_PORT: u16 = 67;

/// The internet checksum (RFC 1071).
fn checksum<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        // Only the last part may have an odd length.
        for pair in part.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u64::from(u16::from_be_bytes([pair[0], low]));
        }
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A broadcast frame from 0.0.0.0:68 to 255.255.255.255:67. A payload over
/// 65,507 bytes, which no DHCP message has, is cut.
pub(super) fn dhcp_broadcast(from: MacAddress, payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(65_507)];
    // Both fit: see above.
    let udp_length = 8 + payload.len() as u16;
    let ip_length = 20 + udp_length;

    let mut ip = vec![0x45, 0];
    ip.extend(ip_length.to_be_bytes());
    // Not to be fragmented; lives 64 hops.
    ip.extend([0, 0, 0x40, 0, 64, UDP, 0, 0]);
    ip.extend(Ipv4Addr::UNSPECIFIED.octets());
    ip.extend(Ipv4Addr::BROADCAST.octets());
    let sum = checksum([ip.as_slice()]);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());

    let mut udp = Vec::with_capacity(8);
    for field in [CLIENT_PORT, SERVER_PORT, udp_length, 0] {
        udp.extend(field.to_be_bytes());
    }
    let pseudo = [0, UDP, udp[4], udp[5]];
    let sum = match checksum([&ip[12..20], &pseudo, &udp, payload]) {
        // 0 would mean "none" (RFC 768).
        0 => 0xffff,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());

    let mut frame = Vec::with_capacity(14 + usize::from(ip_length));
    frame.extend(BROADCAST.octets());
    frame.extend(from.octets());
    frame.extend(IPV4.to_be_bytes());
    frame.extend(ip);
    frame.extend(udp);
    frame.extend(payload);
    frame
}

/// The UDP payload for the client's port (68) in an Ethernet frame, and the
/// address that it comes from; `None`: the frame is something else.
///
/// The UDP checksum isn't verified: between virtual machines it is left to
/// hardware that doesn't exist and arrives unfinished. The link's own
/// checksum, the transaction id and our MAC address stand for it.
///
/// # Errors
/// The frame is cut off, or its IPv4 header is damaged.
pub fn parse_udp(frame: &[u8]) -> Result<Option<(Ipv4Addr, &[u8])>, ParseError> {
    let mut reader = Reader::new(frame, 0);
    reader.take(12, "the Ethernet addresses")?;
    if reader.u16("the EtherType")? != IPV4 {
        return Ok(None);
    }
    let mut header = reader;
    let first = reader.u8("the IPv4 version")?;
    let field = |what, offset| ParseError::Field { what, offset };
    let header_length = usize::from(first & 0xf) * 4;
    if first >> 4 != 4 || header_length < 20 {
        return Err(field("the IPv4 version or header length", 14));
    }
    let header = header.take(header_length, "the IPv4 header")?;
    if checksum([header]) != 0 {
        return Err(field("the IPv4 header checksum", 24));
    }
    reader.u8("the type of service")?;
    let total = usize::from(reader.u16("the IPv4 length")?);
    reader.u16("the IPv4 identification")?;
    // More fragments, or not the first: DHCP has none.
    let fragment = reader.u16("the fragment offset")? & 0x3fff != 0;
    let [_ttl, protocol] = reader.array("the IPv4 protocol")?;
    reader.u16("the IPv4 header checksum")?;
    let from = reader.ipv4("the IPv4 source")?;
    reader.ipv4("the IPv4 destination")?;
    reader.take(header_length - 20, "the IPv4 options")?;
    if protocol != UDP || fragment {
        return Ok(None);
    }
    // Ethernet pads short frames, so what counts is the stated length.
    let inner = total
        .checked_sub(header_length)
        .ok_or_else(|| field("the IPv4 length", 16))?;
    let at = reader.offset();
    let mut reader = Reader::new(reader.take(inner, "the IPv4 packet")?, at);
    reader.u16("the UDP source port")?;
    if reader.u16("the UDP destination port")? != CLIENT_PORT {
        return Ok(None);
    }
    let length = usize::from(reader.u16("the UDP length")?);
    reader.u16("the UDP checksum")?;
    let length = length
        .checked_sub(8)
        .ok_or_else(|| field("the UDP length", at + 4))?;
    Ok(Some((from, reader.take(length, "the UDP payload")?)))
}

/// An ARP packet for IPv4 over Ethernet (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Who sends it.
    pub sender_mac: MacAddress,
    /// The sender's address; 0.0.0.0 in a probe (RFC 5227).
    pub sender: Ipv4Addr,
    /// The address in question.
    pub target: Ipv4Addr,
}

impl Arp {
    /// The packet says that another card than `ours` has `address`. A mere
    /// probe for it doesn't: some servers send one before they offer.
    pub(super) fn claims(&self, address: Ipv4Addr, ours: MacAddress) -> bool {
        self.sender_mac != ours && self.sender == address
    }
}

/// Reads an Ethernet frame; `None`: it is no ARP for IPv4 over Ethernet.
///
/// # Errors
/// It is cut off.
pub fn parse_arp(frame: &[u8]) -> Result<Option<Arp>, ParseError> {
    let mut reader = Reader::new(frame, 0);
    reader.take(12, "the Ethernet addresses")?;
    if reader.u16("the EtherType")? != ARP {
        return Ok(None);
    }
    if reader.array("the ARP header")? != [0, 1, 8, 0, 6, 4] {
        return Ok(None);
    }
    reader.u16("the ARP operation")?;
    let sender_mac = MacAddress::new(reader.array("the ARP sender's MAC")?);
    let sender = reader.ipv4("the ARP sender")?;
    reader.take(6, "the ARP target's MAC")?;
    let target = reader.ipv4("the ARP target")?;
    Ok(Some(Arp {
        sender_mac,
        sender,
        target,
    }))
}

/// A broadcast ARP request from `sender` (0.0.0.0: a probe; the address
/// itself: an announcement, RFC 5227) for `target`.
pub(super) fn arp_request(from: MacAddress, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::with_capacity(42);
    frame.extend(BROADCAST.octets());
    frame.extend(from.octets());
    frame.extend(ARP.to_be_bytes());
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(from.octets());
    frame.extend(sender.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAC: MacAddress = MacAddress::new([2, 0, 0, 0, 0, 7]);

    /// A frame to the client's port.
    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = dhcp_broadcast(MAC, payload);
        frame[36..38].copy_from_slice(&68_u16.to_be_bytes());
        frame
    }

    #[test]
    fn checksum_of_a_known_header() {
        // The header in Wikipedia's and many textbooks' example.
        let header = [
            0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,
            0xc7,
        ];
        assert_eq!(checksum([&header[..]]), 0xb861);
    }

    #[test]
    fn broadcast_frame_sums_up() {
        for payload in [&b"abc"[..], b"abcd", b""] {
            let frame = dhcp_broadcast(MAC, payload);
            assert_eq!(checksum([&frame[14..34]]), 0);
            let pseudo = [0, UDP, frame[38], frame[39]];
            assert_eq!(checksum([&frame[26..34], &pseudo, &frame[34..]]), 0);
            assert_eq!(parse_udp(&frame), Ok(None), "it is for the server's port");
        }
    }

    #[test]
    fn reads_udp() {
        let mut padded = frame(b"hello");
        padded.resize(60, 0);
        assert_eq!(
            parse_udp(&padded),
            Ok(Some((Ipv4Addr::UNSPECIFIED, &b"hello"[..])))
        );
        let mut damaged = padded.clone();
        damaged[26] = 1;
        assert_eq!(
            parse_udp(&damaged),
            Err(ParseError::Field {
                what: "the IPv4 header checksum",
                offset: 24
            })
        );
        assert_eq!(
            parse_udp(&padded[..40]),
            Err(ParseError::Truncated {
                what: "the IPv4 packet",
                offset: 34,
                needed: 13,
                have: 6
            })
        );
    }

    #[test]
    fn arp_round_trip_and_claims() {
        let address = Ipv4Addr::new(10, 0, 0, 9);
        let other = MacAddress::new([2, 0, 0, 0, 0, 8]);
        let arp = |from, sender| {
            parse_arp(&arp_request(from, sender, address))
                .unwrap()
                .unwrap()
        };
        assert!(arp(other, address).claims(address, MAC));
        assert!(!arp(MAC, address).claims(address, MAC));
        assert!(
            !arp(other, Ipv4Addr::new(10, 0, 0, 1)).claims(address, MAC),
            "somebody merely asks for it"
        );
        assert!(!arp(other, Ipv4Addr::UNSPECIFIED).claims(address, MAC));
        assert_eq!(
            parse_arp(&arp_request(MAC, address, address)[..40]),
            Err(ParseError::Truncated {
                what: "the ARP target",
                offset: 38,
                needed: 4,
                have: 2
            })
        );
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..120), at in 0..120_usize, byte: u8) {
            let _ = parse_udp(&bytes);
            let _ = parse_arp(&bytes);
            let mut damaged = frame(&bytes);
            if let Some(place) = damaged.get_mut(at) {
                *place = byte;
            }
            let _ = parse_udp(&damaged);
        }

        #[test]
        fn payload_comes_back(payload in proptest::collection::vec(any::<u8>(), 0..1472)) {
            let frame = frame(&payload);
            prop_assert_eq!(parse_udp(&frame), Ok(Some((Ipv4Addr::UNSPECIFIED, payload.as_slice()))));
        }
    }
}
