//! Reading packets: bounds-checked, with the place of what is wrong.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// What is wrong with a packet, and where. Offsets count bytes from the
/// start of the DHCP message (of the frame, for [`super::frame`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It ends early.
    #[error("{what} at byte {offset} needs {needed} bytes, {have} are left")]
    Truncated {
        /// The part that is cut.
        what: &'static str,
        /// Where it starts.
        offset: usize,
        /// What it needs.
        needed: usize,
        /// What is left.
        have: usize,
    },
    /// A fixed field isn't what this kind of packet has there.
    #[error("{what} at byte {offset} is wrong")]
    Field {
        /// The field.
        what: &'static str,
        /// Where it stands.
        offset: usize,
    },
    /// An option says that it is longer than what is left.
    #[error("option {option} at byte {offset} has length {length}, {have} bytes are left")]
    Overrun {
        /// Option code.
        option: u16,
        /// Where the option starts.
        offset: usize,
        /// The length that it states.
        length: usize,
        /// What is left.
        have: usize,
    },
    /// An option's value is wrong.
    #[error("option {option} at byte {offset}: {problem}")]
    Value {
        /// Option code.
        option: u16,
        /// Where the option starts.
        offset: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// An option is missing that this message must have.
    #[error("option {option} is missing")]
    Missing {
        /// Option code.
        option: u16,
    },
}

/// A time of a lease; all ones is forever (RFC 2132, section 9.2; RFC 8415, section 7.7).
pub(super) fn seconds(value: u32) -> Duration {
    match value {
        u32::MAX => Duration::MAX,
        value => Duration::from_secs(value.into()),
    }
}

/// A read position in a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, which start at `offset` of the packet.
    pub(super) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        self.offset += self.bytes.len();
        std::mem::take(&mut self.bytes)
    }

    pub(super) fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], ParseError> {
        let Some((head, tail)) = self.bytes.split_at_checked(n) else {
            return Err(ParseError::Truncated {
                what,
                offset: self.offset,
                needed: n,
                have: self.bytes.len(),
            });
        };
        self.bytes = tail;
        self.offset += n;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], ParseError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, ParseError> {
        self.array(what).map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, ParseError> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, ParseError> {
        self.array(what).map(u32::from_be_bytes)
    }

    pub(super) fn ipv4(&mut self, what: &'static str) -> Result<Ipv4Addr, ParseError> {
        self.array::<4>(what).map(Ipv4Addr::from)
    }

    pub(super) fn ipv6(&mut self, what: &'static str) -> Result<Ipv6Addr, ParseError> {
        self.array::<16>(what).map(Ipv6Addr::from)
    }
}
