//! Security profiles.

use alloc::string::String;
use alloc::vec::Vec;

use crate::two_bits::two_bits;
use crate::value::Unknown;

/// What a connection needs by way of authentication and encryption (Figure 23).
/// It holds no secret: `key_path` says where one is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityProfile {
    /// What other records call it.
    pub index: u8,
    /// What is required, and which lists count.
    pub flags: SecurityFlags,
    /// The kind of `key_path`: 2 is the URI of a Redfish key collection.
    pub secret_type: u8,
    /// Secure channels: security types of the NVMe/TCP transport (1: TLS 1.2, 2:
    /// TLS 1.3).
    pub channels: Vec<u8>,
    /// Authentication protocols.
    pub protocols: Vec<u8>,
    /// Cipher suites, numbered as in IANA's registry of TLS parameters.
    pub ciphers: Vec<u8>,
    /// Diffie-Hellman groups of DH-HMAC-CHAP, which later texts call key
    /// exchange groups.
    pub groups: Vec<u8>,
    /// Hash functions of DH-HMAC-CHAP.
    pub hashes: Vec<u8>,
    /// Where the key is.
    pub key_path: Option<String>,
    /// Reserved bytes.
    pub unknown: Unknown,
}

bitflags::bitflags! {
    /// Flags of a security profile (Figure 24). Fields of two bits have methods;
    /// bits that have no name are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct SecurityFlags: u16 {
        /// The descriptor counts.
        const VALID = 1;
        /// There is a list of cipher suites.
        const CIPHERS = 1 << 9;
        /// There is a list of groups.
        const GROUPS = 1 << 10;
        /// There is a list of hash functions.
        const HASHES = 1 << 11;
        const _ = !0;
    }
}

two_bits! {
    /// Whether a connection needs something.
    Requirement {
        /// The subsystem can't do it.
        NotSupported "not supported",
        /// It can be done without.
        NotRequired "not required",
        /// It can't.
        Required "required",
        /// A value without a meaning.
        Reserved "reserved",
    }
}

two_bits! {
    /// Where a list is from.
    Policy {
        /// There is no list.
        None "none",
        /// From the driver.
        Driver "driver",
        /// From an administrator.
        Administrator "administrator",
        /// A value without a meaning.
        Reserved "reserved",
    }
}

impl SecurityFlags {
    /// Authentication in band (DH-HMAC-CHAP).
    #[must_use]
    pub fn authentication(self) -> Requirement {
        Requirement::of(self.bits() >> 1)
    }

    /// The list of authentication protocols.
    #[must_use]
    pub fn protocols(self) -> Policy {
        Policy::of(self.bits() >> 3)
    }

    /// A secure channel (TLS).
    #[must_use]
    pub fn secure_channel(self) -> Requirement {
        Requirement::of(self.bits() >> 5)
    }

    /// The list of secure channels.
    #[must_use]
    pub fn channels(self) -> Policy {
        Policy::of(self.bits() >> 7)
    }
}
