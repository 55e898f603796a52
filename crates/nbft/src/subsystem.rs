//! Subsystems and namespaces.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use crate::two_bits::two_bits;
use crate::value::{Address, Unknown, Uuid};

/// The NQN by which every discovery controller can be reached.
pub const DISCOVERY_NQN: &str = "nqn.2014-08.org.nvmexpress.discovery";

/// A subsystem, a way to it, and a namespace in it (Figure 17).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subsystem {
    /// What other records call it.
    pub index: u16,
    /// What is known of it.
    pub flags: SubsystemFlags,
    /// Digests on the way to it.
    pub transport_flags: TransportFlags,
    /// The discovery entry that led to it.
    pub discovery: Option<u8>,
    /// The address of the port.
    pub traddr: Address,
    /// The TCP port, as text.
    pub trsvcid: String,
    /// The subsystem's own number for the port.
    pub port_id: u16,
    /// The namespace's number in the subsystem; 0 if only `nid` is known.
    pub nsid: u32,
    /// The namespace's identifier.
    pub nid: NamespaceId,
    /// The security profile that the connection needs.
    pub security: Option<u8>,
    /// The HFIs that lead to it, the primary one first, each once.
    pub hfis: Vec<u8>,
    /// The subsystem's NQN.
    pub nqn: String,
    /// More of it, and why it was not reached.
    pub extended: Option<SubsystemExtended>,
    /// Reserved bytes.
    pub unknown: Unknown,
}

impl Subsystem {
    /// A subsystem behind one HFI.
    #[must_use]
    pub fn new(index: u16, hfi: u8, traddr: IpAddr, port: u16, nqn: impl Into<String>) -> Self {
        Self {
            index,
            flags: SubsystemFlags::VALID | SubsystemFlags::AVAILABLE,
            traddr: traddr.into(),
            trsvcid: alloc::format!("{port}"),
            hfis: alloc::vec![hfi],
            nqn: nqn.into(),
            ..Self::default()
        }
    }

    /// The record names the well-known discovery NQN: it stands for a discovery
    /// that failed and holds no namespace.
    #[must_use]
    pub fn is_discovery(&self) -> bool {
        self.nqn == DISCOVERY_NQN
    }
}

bitflags::bitflags! {
    /// Flags of a subsystem (Figure 18). Bits that have no name are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct SubsystemFlags: u16 {
        /// The descriptor counts.
        const VALID = 1;
        /// The firmware does not boot from it; the system may need it.
        const NOT_BOOTABLE = 1 << 1;
        /// The security profile counts.
        const USE_SECURITY = 1 << 2;
        /// The record is from DHCP's root path.
        const DHCP_ROOT_PATH = 1 << 3;
        /// There is extended information.
        const EXTENDED = 1 << 4;
        /// The discovery controller has another address.
        const SEPARATE_DISCOVERY = 1 << 5;
        /// The record is from a discovery; else it was configured.
        const DISCOVERED = 1 << 6;
        /// The firmware reached the namespace.
        const AVAILABLE = 1 << 7;
        /// The firmware did not reach the namespace, or did not try.
        const UNAVAILABLE = 1 << 8;
        const _ = !0;
    }

    /// Flags of the connection (Figure 19). Bits that have no name are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct TransportFlags: u16 {
        /// The flags are in use.
        const VALID = 1;
        /// Use header digests.
        const HEADER_DIGEST = 1 << 1;
        /// Use data digests.
        const DATA_DIGEST = 1 << 2;
        const _ = !0;
    }

    /// Flags of the extended information. Bits that have no name are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct SubsystemExtendedFlags: u32 {
        /// The structure counts.
        const VALID = 1;
        /// An administrator gave the queue's size.
        const ASQSZ_CONFIGURED = 1 << 1;
        const _ = !0;
    }
}

two_bits! {
    /// Whether the firmware reached a namespace: a hint about the past.
    Availability {
        /// The driver says nothing.
        NotIndicated "not indicated",
        /// It was reached.
        Available "available",
        /// It was not reached, or not tried: a failed connect is no error.
        Unavailable "unavailable",
        /// A value without a meaning.
        Reserved "reserved",
    }
}

impl SubsystemFlags {
    /// The hint of bits 7 and 8.
    #[must_use]
    pub fn availability(self) -> Availability {
        Availability::of(self.bits() >> 7)
    }
}

/// What identifies a namespace anywhere (NVM Express Base Specification,
/// Namespace Identification Descriptor).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NamespaceId {
    /// The kind of identifier.
    pub kind: NamespaceIdKind,
    /// The identifier; the first 8 bytes for EUI-64.
    pub bytes: [u8; 16],
}

/// Kinds of namespace identifiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NamespaceIdKind {
    /// None is given.
    #[default]
    None,
    /// IEEE extended unique identifier, 8 bytes.
    Eui64,
    /// Namespace globally unique identifier, 16 bytes.
    Nguid,
    /// A UUID.
    Uuid,
    /// A type without a name.
    Other(u8),
}

impl From<u8> for NamespaceIdKind {
    fn from(number: u8) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Eui64,
            2 => Self::Nguid,
            3 => Self::Uuid,
            other => Self::Other(other),
        }
    }
}

impl From<NamespaceIdKind> for u8 {
    fn from(kind: NamespaceIdKind) -> Self {
        match kind {
            NamespaceIdKind::None => 0,
            NamespaceIdKind::Eui64 => 1,
            NamespaceIdKind::Nguid => 2,
            NamespaceIdKind::Uuid => 3,
            NamespaceIdKind::Other(number) => number,
        }
    }
}

impl fmt::Display for NamespaceId {
    /// A UUID with dashes, anything else as hexadecimal digits, nothing for
    /// none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match self.kind {
            NamespaceIdKind::Uuid => return Uuid(self.bytes).fmt(f),
            NamespaceIdKind::None => &[],
            NamespaceIdKind::Eui64 => &self.bytes[..8],
            NamespaceIdKind::Nguid | NamespaceIdKind::Other(_) => &self.bytes[..],
        };
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The extended information (Figure 21).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubsystemExtended {
    /// What counts.
    pub flags: SubsystemExtendedFlags,
    /// The first controller that the firmware got; 0 if it says none.
    pub controller_id: u16,
    /// The size of the admin submission queue.
    pub asqsz: u16,
    /// DHCP's root path.
    pub root_path: Option<String>,
    /// Since 1.1.
    pub diagnostics: Option<Diagnostics>,
    /// Bytes after the known ones.
    pub unknown: Unknown,
}

/// Why a namespace was not reached (Boot Specification 1.1, Figure 21). The
/// texts are in the methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Diagnostics {
    /// Namespace availability enhanced diagnostic.
    pub availability: u8,
    /// Connect invalid parameters extended error.
    pub connect: u8,
    /// How many seconds the firmware waited; 0xffff if it says nothing.
    pub timeout: u16,
    /// Network and connection extended error.
    pub network: u8,
}
