//! Values that several records hold.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

/// An IP address as the table holds it: 16 bytes, v4-mapped for IPv4. "No
/// address" is `::` or `0.0.0.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Address(pub [u8; 16]);

impl Address {
    /// The address, `::` and `0.0.0.0` included.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        Ipv6Addr::from(self.0).to_canonical()
    }

    /// The address, unless there is none.
    #[must_use]
    pub fn specified(self) -> Option<IpAddr> {
        Some(self.ip()).filter(|ip| !ip.is_unspecified())
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self(ip.to_ipv6_mapped().octets()),
            IpAddr::V6(ip) => Self(ip.octets()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip().fmt(f)
    }
}

/// 16 bytes, shown in the byte order of RFC 4122 (as libnvme shows them).
///
/// Some firmware stores the host identifier with the first three fields
/// swapped: then the identifier in the host NQN differs from this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Uuid(pub [u8; 16]);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) {
                "-"
            } else {
                ""
            };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

/// The hardware address of a network card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// The reserved bytes of a record, in order, and what comes after the part that
/// is known. Zeros at the end don't count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unknown(Vec<u8>);

impl Unknown {
    /// Takes the bytes, without the zeros at their end.
    #[must_use]
    pub fn new(mut bytes: Vec<u8>) -> Self {
        let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        bytes.truncate(end);
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn gather(parts: &[&[u8]]) -> Self {
        Self::new(parts.concat())
    }

    /// Puts the bytes where [`Self::gather`] found them, and returns what comes
    /// after the known part.
    #[cfg(feature = "write")]
    pub(crate) fn spread(&self, parts: &mut [&mut [u8]]) -> &[u8] {
        let mut rest = self.0.as_slice();
        for part in parts {
            let (here, after) = rest.split_at(part.len().min(rest.len()));
            for (to, from) in part.iter_mut().zip(here) {
                *to |= from;
            }
            rest = after;
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_address_is_ipv4_when_it_is_mapped() {
        let four = Address::from(IpAddr::from([192, 0, 2, 1]));
        assert_eq!(four.to_string(), "192.0.2.1");
        assert_eq!(four.0[..12], *b"\0\0\0\0\0\0\0\0\0\0\xff\xff");
        assert_eq!(Address::from(IpAddr::from([0; 4])).specified(), None);
        assert_eq!(Address::default().specified(), None);
        assert_eq!(Address::default().to_string(), "::");
    }

    #[test]
    fn reserved_bytes_go_back_to_their_places() {
        let kept = Unknown::gather(&[&[0, 1], &[0, 0], &[2, 3, 0]]);
        assert_eq!(kept.bytes(), [0, 1, 0, 0, 2, 3]);
        let (mut first, mut second) = ([0; 2], [0; 2]);
        assert_eq!(kept.spread(&mut [&mut first, &mut second]), [2, 3]);
        assert_eq!((first, second), ([0, 1], [0, 0]));
    }
}
