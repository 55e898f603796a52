//! The whole table, its header and the host.

use alloc::string::String;
use alloc::vec::Vec;

use crate::discovery::Discovery;
use crate::hfi::Hfi;
use crate::security::SecurityProfile;
use crate::subsystem::Subsystem;
use crate::two_bits::two_bits;
use crate::value::{Unknown, Uuid};

/// An NVMe Boot Firmware Table. Records refer to each other by index; the
/// methods follow these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Who made the table.
    pub header: Header,
    /// The host's identity.
    pub host: Host,
    /// Host fabric interfaces: the network cards as the firmware set them up.
    pub hfis: Vec<Hfi>,
    /// Subsystems and namespaces (SSNS).
    pub subsystems: Vec<Subsystem>,
    /// Security profiles.
    pub security: Vec<SecurityProfile>,
    /// Discovery controllers that the firmware asked.
    pub discovery: Vec<Discovery>,
}

impl Table {
    /// A table with nothing but a host.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self {
            host,
            ..Self::default()
        }
    }

    /// The first HFI with this index.
    #[must_use]
    pub fn hfi(&self, index: u8) -> Option<&Hfi> {
        self.hfis.iter().find(|hfi| hfi.index == index)
    }

    /// The first security profile with this index.
    #[must_use]
    pub fn security_profile(&self, index: u8) -> Option<&SecurityProfile> {
        self.security.iter().find(|one| one.index == index)
    }

    /// The first discovery entry with this index.
    #[must_use]
    pub fn discovery_entry(&self, index: u8) -> Option<&Discovery> {
        self.discovery.iter().find(|one| one.index == index)
    }

    /// The subsystems that can hold a namespace: a record that names the
    /// discovery NQN stands for a discovery that failed.
    pub fn storage(&self) -> impl Iterator<Item = &Subsystem> {
        self.subsystems.iter().filter(|one| !one.is_discovery())
    }

    /// The discovery entries that no storage record refers to: the firmware got
    /// nothing from these, so the operating system asks them again.
    pub fn unanswered(&self) -> impl Iterator<Item = &Discovery> {
        self.discovery
            .iter()
            .filter(|entry| self.storage().all(|one| one.discovery != Some(entry.index)))
    }
}

/// The table's header and control descriptor (Figures 9 and 10), without
/// lengths and offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The minor revision; the major one is 1.
    pub minor: u8,
    /// Who sold the machine, in ASCII, padded with NUL.
    pub oem_id: [u8; 6],
    /// That vendor's name for the table.
    pub oem_table_id: [u8; 8],
    /// That vendor's revision of the table.
    pub oem_revision: u32,
    /// The vendor of the program that made the table.
    pub creator_id: u32,
    /// That program's revision.
    pub creator_revision: u32,
    /// The pre-boot driver's signature; with EDK II its UEFI device path as
    /// text.
    pub driver_signature: Vec<u8>,
    /// The control descriptor's minor revision.
    pub control_minor: u8,
    /// The versions of host, HFI, subsystem, security and discovery descriptors.
    pub versions: [u8; 5],
    /// Reserved bytes of the header.
    pub unknown: Unknown,
    /// Reserved bytes of the control descriptor; its flags come first.
    pub control_unknown: Unknown,
}

/// The host descriptor (Figure 11).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// The host identifier, as stored.
    pub id: Uuid,
    /// The host NQN.
    pub nqn: String,
    /// What is known of the two.
    pub flags: HostFlags,
    /// Reserved bytes.
    pub unknown: Unknown,
}

impl Host {
    /// A host with the identity that an administrator gave it.
    #[must_use]
    pub fn new(nqn: impl Into<String>, id: [u8; 16]) -> Self {
        Self {
            id: Uuid(id),
            nqn: nqn.into(),
            flags: HostFlags::VALID | HostFlags::ID_CONFIGURED | HostFlags::NQN_CONFIGURED,
            unknown: Unknown::default(),
        }
    }
}

bitflags::bitflags! {
    /// Flags of the host descriptor. Bits that have no name are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct HostFlags: u8 {
        /// The descriptor counts.
        const VALID = 1;
        /// An administrator gave the identifier; else it is the driver's own.
        const ID_CONFIGURED = 1 << 1;
        /// An administrator gave the NQN; else it is the driver's own.
        const NQN_CONFIGURED = 1 << 2;
        /// Of several tables, this one's host is the platform's.
        const PRIMARY_SELECTED = 1 << 4;
        /// Of several tables, this one's host is not the platform's.
        const PRIMARY_UNSELECTED = 1 << 3;
        const _ = !0;
    }
}

two_bits! {
    /// Which of several tables names the platform's own identity: a hint.
    Primary {
        /// The driver says nothing.
        NotIndicated "not indicated",
        /// Not this one.
        Unselected "unselected",
        /// This one.
        Selected "selected",
        /// A value without a meaning.
        Reserved "reserved",
    }
}

impl HostFlags {
    /// The hint of bits 3 and 4.
    #[must_use]
    pub fn primary(self) -> Primary {
        Primary::of(self.bits() >> 3)
    }
}
