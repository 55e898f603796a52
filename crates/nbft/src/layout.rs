//! The structures as they lie in memory: packed, little-endian. Figures are
//! those of the NVM Express Boot Specification 1.3.

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What every structure here is.
macro_rules! structure {
    ($(#[$doc:meta])* $name:ident, $size:literal { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
        #[repr(C)]
        pub(crate) struct $name { $(pub(crate) $field: $type,)* }
        const _: () = assert!(size_of::<$name>() == $size);
    };
}

/// Structure identifiers (Figure 6).
pub(crate) mod id {
    pub(crate) const CONTROL: u8 = 1;
    pub(crate) const HOST: u8 = 2;
    pub(crate) const HFI: u8 = 3;
    pub(crate) const SUBSYSTEM: u8 = 4;
    pub(crate) const SECURITY: u8 = 5;
    pub(crate) const DISCOVERY: u8 = 6;
    pub(crate) const HFI_INFO: u8 = 7;
    pub(crate) const SUBSYSTEM_EXTENDED: u8 = 9;
    pub(crate) const HFI_EXTENDED: u8 = 0xa;
}

/// NVMe/TCP, the one transport that has a number (Figure 8).
pub(crate) const TCP: u8 = 3;
/// A descriptor's bit that says that it counts.
pub(crate) const VALID: u8 = 1;

structure! {
    /// Where a heap object lies: offset from the table's start, and length.
    Reference, 6 {
        offset: U32,
        length: U16,
    }
}

structure! {
    /// Figure 9.
    Header, 64 {
        signature: [u8; 4],
        length: U32,
        major: u8,
        checksum: u8,
        oem_id: [u8; 6],
        oem_table_id: [u8; 8],
        oem_revision: U32,
        creator_id: U32,
        creator_revision: U32,
        heap_offset: U32,
        heap_length: U32,
        driver_signature: Reference,
        minor: u8,
        reserved: [u8; 13],
    }
}

structure! {
    /// One of the control descriptor's lists.
    List, 8 {
        offset: U32,
        length: U16,
        version: u8,
        count: u8,
    }
}

structure! {
    /// Figure 10.
    Control, 64 {
        structure_id: u8,
        major: u8,
        minor: u8,
        reserved1: u8,
        length: U16,
        flags: u8,
        reserved2: u8,
        host: Reference,
        host_version: u8,
        reserved3: u8,
        hfis: List,
        subsystems: List,
        security: List,
        discovery: List,
        reserved4: [u8; 16],
    }
}

structure! {
    /// Figure 11.
    Host, 32 {
        structure_id: u8,
        flags: u8,
        id: [u8; 16],
        nqn: Reference,
        reserved: [u8; 8],
    }
}

structure! {
    /// Figure 12.
    Hfi, 32 {
        structure_id: u8,
        index: u8,
        flags: u8,
        transport: u8,
        reserved1: [u8; 12],
        info: Reference,
        reserved2: [u8; 10],
    }
}

structure! {
    /// Figure 14.
    HfiInfo, 128 {
        structure_id: u8,
        version: u8,
        transport: u8,
        info_version: u8,
        index: U16,
        flags: u8,
        pci: U32,
        mac: [u8; 6],
        vlan: U16,
        origin: u8,
        address: [u8; 16],
        prefix: u8,
        gateway: [u8; 16],
        reserved1: u8,
        metric: U16,
        dns: [[u8; 16]; 2],
        dhcp_server: [u8; 16],
        host_name: Reference,
        since_2: HfiInfo2,
    }
}

structure! {
    /// The end of [`HfiInfo`], which version 1 of the information reserves.
    HfiInfo2, 18 {
        extended: Reference,
        segment: u8,
        reserved: [u8; 11],
    }
}

structure! {
    /// Figure 15.
    HfiExtended, 20 {
        structure_id: u8,
        version: u8,
        index: U16,
        flags: U32,
        iaid: Reference,
        duid: Reference,
    }
}

structure! {
    /// Figure 17.
    Subsystem, 128 {
        structure_id: u8,
        index: U16,
        flags: U16,
        transport: u8,
        transport_flags: U16,
        discovery: u8,
        reserved1: u8,
        traddr: Reference,
        trsvcid: Reference,
        port_id: U16,
        nsid: U32,
        nid_type: u8,
        nid: [u8; 16],
        security: u8,
        primary_hfi: u8,
        reserved2: u8,
        secondary_hfis: Reference,
        nqn: Reference,
        extended: Reference,
        reserved3: [u8; 62],
    }
}

structure! {
    /// Figure 21 as far as the Boot Specification 1.0 had it.
    SubsystemExtended, 18 {
        structure_id: u8,
        version: u8,
        index: U16,
        flags: U32,
        controller_id: U16,
        asqsz: U16,
        root_path: Reference,
    }
}

structure! {
    /// What 1.1 added at the end of [`SubsystemExtended`].
    Diagnostics, 5 {
        availability: u8,
        connect: u8,
        timeout: U16,
        network: u8,
    }
}

structure! {
    /// Figure 23.
    Security, 64 {
        structure_id: u8,
        index: u8,
        flags: U16,
        secret_type: u8,
        reserved1: u8,
        channels: Reference,
        protocols: Reference,
        ciphers: Reference,
        groups: Reference,
        hashes: Reference,
        key_path: Reference,
        reserved2: [u8; 22],
    }
}

structure! {
    /// Figure 26.
    Discovery, 32 {
        structure_id: u8,
        flags: u8,
        index: u8,
        hfi: u8,
        security: u8,
        reserved1: u8,
        uri: Reference,
        nqn: Reference,
        reserved2: [u8; 14],
    }
}
