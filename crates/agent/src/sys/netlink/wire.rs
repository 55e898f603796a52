//! The form of rtnetlink's messages (netlink(7), rtnetlink(7)): a header, a
//! fixed part by the kind of message, attributes. Written by hand, for a crate
//! that knows every attribute of every kind adds more to the program than all
//! else in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// linux/netlink.h and linux/rtnetlink.h.
pub(super) mod kind {
    pub(in super::super) const ERROR: u16 = 2;
    pub(in super::super) const DONE: u16 = 3;
    pub(in super::super) const NEW_LINK: u16 = 16;
    pub(in super::super) const GET_LINK: u16 = 18;
    pub(in super::super) const SET_LINK: u16 = 19;
    pub(in super::super) const NEW_ADDRESS: u16 = 20;
    pub(in super::super) const DELETE_ADDRESS: u16 = 21;
    pub(in super::super) const GET_ADDRESS: u16 = 22;
    pub(in super::super) const NEW_ROUTE: u16 = 24;
    pub(in super::super) const DELETE_ROUTE: u16 = 25;
    pub(in super::super) const GET_ROUTE: u16 = 26;
    pub(in super::super) const NEW_RULE: u16 = 32;
}

/// `NLM_F_…`.
pub(super) mod flag {
    pub(in super::super) const REQUEST: u16 = 1;
    pub(in super::super) const ACK: u16 = 4;
    pub(in super::super) const DUMP: u16 = 0x300;
    pub(in super::super) const REPLACE: u16 = 0x100;
    pub(in super::super) const EXCLUSIVE: u16 = 0x200;
    pub(in super::super) const CREATE: u16 = 0x400;
}

/// The length of the header.
const HEADER: usize = 16;

/// The length of an attribute's header.
const ATTRIBUTE: usize = 4;

/// `AF_INET` or `AF_INET6`.
pub(super) const fn family(ipv6: bool) -> u8 {
    if ipv6 { 10 } else { 2 }
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Request(Vec<u8>);

impl Request {
    /// Of this kind, with this fixed part (a multiple of four bytes).
    pub(super) fn new(kind: u16, fixed: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes.extend(fixed);
        Self(bytes)
    }

    /// Adds an attribute.
    pub(super) fn put(&mut self, attribute: u16, value: &[u8]) {
        // Names, addresses and numbers: nothing comes near 64 kB.
        let length = u16::try_from(ATTRIBUTE + value.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(attribute.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    pub(super) fn put_u32(&mut self, attribute: u16, value: impl Into<Option<u32>>) {
        if let Some(value) = value.into() {
            self.put(attribute, &value.to_ne_bytes());
        }
    }

    /// Text, with the NUL that the kernel expects.
    pub(super) fn put_text(&mut self, attribute: u16, text: &str) {
        let mut value = text.as_bytes().to_vec();
        value.push(0);
        self.put(attribute, &value);
    }

    pub(super) fn put_ip(&mut self, attribute: u16, ip: impl Into<Option<IpAddr>>) {
        match ip.into() {
            Some(IpAddr::V4(v4)) => self.put(attribute, &v4.octets()),
            Some(IpAddr::V6(v6)) => self.put(attribute, &v6.octets()),
            None => {}
        }
    }

    /// Attributes nested in one.
    pub(super) fn nest(&mut self, attribute: u16, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self(Vec::new());
        fill(&mut inner);
        if !inner.0.is_empty() {
            self.put(attribute, &inner.0);
        }
    }

    /// The bytes to send.
    pub(super) fn finish(mut self, flags: u16, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0[..4].copy_from_slice(&length.to_ne_bytes());
        self.0[6..8].copy_from_slice(&flags.to_ne_bytes());
        self.0[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.0
    }
}

/// A message of the kernel's: a header and a body of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub(super) kind: u16,
    pub(super) sequence: u32,
    /// Fixed part and attributes.
    pub(super) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The first message of a datagram, and the rest; `None` at its end or
    /// where a length makes no sense.
    pub fn split(datagram: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = usize::try_from(u32_at(datagram, 0)?).ok()?;
        let one = datagram.get(..length)?;
        let message = Self {
            kind: u16_at(one, 4)?,
            sequence: u32_at(one, 8)?,
            body: one.get(HEADER..)?,
        };
        let rest = datagram.get(length.next_multiple_of(4)..);
        Some((message, rest.unwrap_or_default()))
    }

    /// The attributes after a fixed part of `fixed` bytes.
    pub(super) fn attributes(self, fixed: usize) -> Attributes<'a> {
        Attributes(self.body.get(fixed..).unwrap_or_default())
    }
}

/// Attributes: kind and value, up to the first that makes no sense.
#[derive(Clone, Debug)]
pub(super) struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// Those nested in a value.
    pub(super) fn nested(value: &'a [u8]) -> Self {
        Self(value)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16_at(self.0, 0)?);
        // The two highest bits say how the value is formed.
        let kind = u16_at(self.0, 2)? & 0x3fff;
        let value = self.0.get(ATTRIBUTE..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// An address of either family, by its length.
pub(super) fn ip(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => <[u8; 4]>::try_from(value)
            .ok()
            .map(|v4| Ipv4Addr::from(v4).into()),
        16 => <[u8; 16]>::try_from(value)
            .ok()
            .map(|v6| Ipv6Addr::from(v6).into()),
        _ => None,
    }
}

/// Text up to its NUL.
pub(super) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_is_as_the_kernel_has_it() {
        let mut request = Request::new(kind::SET_LINK, &[0; 16]);
        request.put_text(3, "lan0");
        request.nest(8, |inner| {
            inner.put_u32(2, Some(1400));
            inner.put_u32(3, None);
        });
        request.nest(8, |_| {});
        let bytes = request.finish(flag::REQUEST | flag::ACK, 7);
        // Header 16, fixed 16, name 4 + 5 padded to 12, nested 4 + 8.
        assert_eq!(bytes.len(), 16 + 16 + 12 + 12);
        let (message, rest) = Message::split(&bytes).expect("a message");
        assert_eq!((message.kind, message.sequence), (kind::SET_LINK, 7));
        assert_eq!(rest, [0_u8; 0]);
        let attributes: Vec<_> = message.attributes(16).collect();
        assert_eq!(attributes[0], (3, &b"lan0\0"[..]));
        let inner: Vec<_> = Attributes(attributes[1].1).collect();
        assert_eq!(inner, [(2, &1400_u32.to_ne_bytes()[..])]);
    }

    proptest! {
        #[test]
        fn any_datagram_ends(datagram in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut rest = datagram.as_slice();
            let mut count = 0;
            while let Some((message, next)) = Message::split(rest) {
                count += message.attributes(12).count() + 1;
                rest = next;
            }
            prop_assert!(count <= datagram.len());
        }

        #[test]
        fn what_is_put_comes_back(
            values in proptest::collection::vec(
                (1_u16..100, proptest::collection::vec(any::<u8>(), 0..20)), 0..6)
        ) {
            let mut request = Request::new(kind::NEW_ROUTE, &[0; 12]);
            for (attribute, value) in &values {
                request.put(*attribute, value);
            }
            let bytes = request.finish(0, 1);
            let (message, _) = Message::split(&bytes).expect("a message");
            let found: Vec<_> = message.attributes(12).map(|(k, v)| (k, v.to_vec())).collect();
            prop_assert_eq!(found, values);
        }
    }
}
