//! The lists of descriptors.

use alloc::vec::Vec;
use core::slice::from_mut;

use zerocopy::{FromZeros, IntoBytes};

use super::heap::{Heap, narrow, offset};
use crate::discovery::Discovery;
use crate::error::WriteError;
use crate::hfi::{Hfi, HfiExtended, HfiExtendedFlags, HfiFlags};
use crate::layout::{self, List, Reference, id};
use crate::security::{Policy, SecurityFlags, SecurityProfile};
use crate::subsystem::{Subsystem, SubsystemExtended, SubsystemExtendedFlags, SubsystemFlags};
use crate::value::Unknown;

/// How many of a record's unknown bytes have a place in its structure. An
/// entry's flags hold the first of them where the descriptor has no flags of
/// its own.
trait Known {
    const RESERVED: usize;
}
impl Known for layout::Hfi {
    const RESERVED: usize = 1 + 12 + 10;
}
impl Known for layout::Subsystem {
    const RESERVED: usize = 2 + 62;
}
impl Known for layout::Security {
    const RESERVED: usize = 1 + 22;
}
impl Known for layout::Discovery {
    const RESERVED: usize = 2 + 14;
}

/// Makes room for a list; all entries are as long as the longest. `at` moves to
/// its end.
#[expect(private_bounds, reason = "the four structures above")]
pub(super) fn list<'u, T: Known>(
    field: &'static str,
    unknown: impl Iterator<Item = &'u Unknown>,
    version: u8,
    at: &mut usize,
) -> Result<List, WriteError> {
    let lengths: Vec<usize> = unknown
        .map(|one| one.bytes().len().saturating_sub(T::RESERVED))
        .collect();
    let (found, most) = (lengths.len(), u8::MAX.into());
    let count = u8::try_from(found).map_err(|_| WriteError::TooMany { field, found, most })?;
    let mut list = List::new_zeroed();
    list.version = version;
    if let Some(longest) = lengths.into_iter().max() {
        let length = size_of::<T>() + longest;
        list.offset = offset(field, *at)?;
        list.length = narrow(field, length)?;
        list.count = count;
        *at += length * found;
    }
    Ok(list)
}

/// Adds an entry of a list.
fn add(body: &mut Vec<u8>, list: List, known: &[u8], rest: &[u8]) {
    let end = body.len() + usize::from(list.length.get());
    body.extend_from_slice(known);
    body.extend_from_slice(rest);
    body.resize(end, 0);
}

pub(super) fn hfis(
    hfis: &[Hfi],
    list: List,
    body: &mut Vec<u8>,
    heap: &mut Heap,
) -> Result<(), WriteError> {
    for hfi in hfis {
        let mut raw = layout::Hfi::new_zeroed();
        raw.structure_id = id::HFI;
        raw.index = hfi.index;
        raw.flags = layout::VALID;
        raw.transport = layout::TCP;
        raw.info = hfi_info(hfi, heap)?;
        let rest = hfi.unknown.spread(&mut [
            from_mut(&mut raw.flags),
            &mut raw.reserved1,
            &mut raw.reserved2,
        ]);
        add(body, list, raw.as_bytes(), rest);
    }
    Ok(())
}

fn hfi_info(hfi: &Hfi, heap: &mut Heap) -> Result<Reference, WriteError> {
    let mut raw = layout::HfiInfo::new_zeroed();
    raw.structure_id = id::HFI_INFO;
    raw.version = 1;
    raw.transport = layout::TCP;
    raw.info_version = hfi.info_version;
    raw.index = u16::from(hfi.index).into();
    raw.flags = (hfi.flags | HfiFlags::VALID).bits();
    raw.pci = hfi.pci.sbdf.into();
    raw.mac = hfi.mac.0;
    raw.vlan = hfi.vlan.into();
    raw.origin = hfi.origin;
    raw.address = hfi.address.0;
    raw.prefix = hfi.prefix;
    raw.gateway = hfi.gateway.0;
    raw.metric = hfi.metric.into();
    raw.dns = hfi.dns.map(|dns| dns.0);
    raw.dhcp_server = hfi.dhcp_server.0;
    raw.host_name = heap.text("host name", hfi.host_name.as_deref())?;
    let reserved1 = from_mut(&mut raw.reserved1);
    let rest = if hfi.info_version >= 2 {
        raw.since_2.segment = hfi.pci.segment;
        raw.since_2.extended = match &hfi.extended {
            Some(extended) => hfi_extended(hfi.index, extended, heap)?,
            None => Reference::new_zeroed(),
        };
        let reserved = raw.since_2.reserved.as_mut_slice();
        hfi.info_unknown.spread(&mut [reserved1, reserved])
    } else {
        let needs = "version 2 of the transport information";
        if hfi.extended.is_some() {
            let field = "HFI extended info";
            return Err(WriteError::Unread { field, needs });
        }
        if hfi.pci.segment != 0 {
            let field = "PCI segment";
            return Err(WriteError::Unread { field, needs });
        }
        let since_2 = raw.since_2.as_mut_bytes();
        hfi.info_unknown.spread(&mut [reserved1, since_2])
    };
    heap.object("HFI transport info", &[raw.as_bytes(), rest].concat())
}

fn hfi_extended(
    index: u8,
    extended: &HfiExtended,
    heap: &mut Heap,
) -> Result<Reference, WriteError> {
    let has_client = extended.flags.contains(HfiExtendedFlags::CLIENT_ID);
    if !has_client && (extended.iaid.is_some() || !extended.duid.is_empty()) {
        return Err(WriteError::Unread {
            field: "DHCP IAID and DUID",
            needs: "`CLIENT_ID`",
        });
    }
    let mut raw = layout::HfiExtended::new_zeroed();
    raw.structure_id = id::HFI_EXTENDED;
    raw.version = 1;
    raw.index = u16::from(index).into();
    raw.flags = (extended.flags | HfiExtendedFlags::VALID).bits().into();
    if let Some(iaid) = extended.iaid {
        raw.iaid = heap.object("DHCP IAID", &iaid.to_le_bytes())?;
    }
    raw.duid = heap.object("DHCP DUID", &extended.duid)?;
    let bytes = [raw.as_bytes(), extended.unknown.bytes()].concat();
    heap.object("HFI extended info", &bytes)
}

pub(super) fn subsystems(
    subsystems: &[Subsystem],
    list: List,
    body: &mut Vec<u8>,
    heap: &mut Heap,
) -> Result<(), WriteError> {
    for one in subsystems {
        let mut raw = layout::Subsystem::new_zeroed();
        let mut flags = one.flags | SubsystemFlags::VALID;
        flags.set(SubsystemFlags::USE_SECURITY, one.security.is_some());
        if one.extended.is_some() {
            flags |= SubsystemFlags::EXTENDED;
        }
        raw.structure_id = id::SUBSYSTEM;
        raw.index = one.index.into();
        raw.flags = flags.bits().into();
        raw.transport = layout::TCP;
        raw.transport_flags = one.transport_flags.bits().into();
        raw.discovery = one.discovery.unwrap_or_default();
        raw.traddr = heap.object("transport address", &one.traddr.0)?;
        raw.trsvcid = heap.text("transport service identifier", Some(&one.trsvcid))?;
        raw.port_id = one.port_id.into();
        raw.nsid = one.nsid.into();
        raw.nid_type = one.nid.kind.into();
        raw.nid = one.nid.bytes;
        raw.security = one.security.unwrap_or_default();
        let (primary, secondary) = match one.hfis.as_slice() {
            [] => (0, &[] as &[u8]),
            // libnvme drops a record whose secondary reference is empty; EDK II
            // names the primary one again.
            [primary] => (*primary, one.hfis.as_slice()),
            [primary, secondary @ ..] => (*primary, secondary),
        };
        raw.primary_hfi = primary;
        raw.secondary_hfis = heap.object("secondary HFI", secondary)?;
        raw.nqn = heap.text("subsystem NQN", Some(&one.nqn))?;
        if let Some(extended) = &one.extended {
            raw.extended = subsystem_extended(one.index, extended, heap)?;
        }
        let rest = one.unknown.spread(&mut [
            from_mut(&mut raw.reserved1),
            from_mut(&mut raw.reserved2),
            &mut raw.reserved3,
        ]);
        add(body, list, raw.as_bytes(), rest);
    }
    Ok(())
}

fn subsystem_extended(
    index: u16,
    extended: &SubsystemExtended,
    heap: &mut Heap,
) -> Result<Reference, WriteError> {
    let mut raw = layout::SubsystemExtended::new_zeroed();
    raw.structure_id = id::SUBSYSTEM_EXTENDED;
    raw.version = 1;
    raw.index = index.into();
    raw.flags = (extended.flags | SubsystemExtendedFlags::VALID)
        .bits()
        .into();
    raw.controller_id = extended.controller_id.into();
    raw.asqsz = extended.asqsz.into();
    raw.root_path = heap.text("DHCP root path", extended.root_path.as_deref())?;
    let mut bytes = raw.as_bytes().to_vec();
    if let Some(why) = extended.diagnostics {
        let raw = layout::Diagnostics {
            availability: why.availability,
            connect: why.connect,
            timeout: why.timeout.into(),
            network: why.network,
        };
        bytes.extend_from_slice(raw.as_bytes());
    } else if extended.unknown.bytes().len() >= size_of::<layout::Diagnostics>() {
        return Err(WriteError::Unread {
            field: "bytes after the extended info",
            needs: "`diagnostics`",
        });
    }
    bytes.extend_from_slice(extended.unknown.bytes());
    heap.object("extended info", &bytes)
}

pub(super) fn security(
    profiles: &[SecurityProfile],
    list: List,
    body: &mut Vec<u8>,
    heap: &mut Heap,
) -> Result<(), WriteError> {
    for one in profiles {
        let flags = one.flags | SecurityFlags::VALID;
        let mut object = |field, needs, counts: bool, bytes: &[u8]| {
            if !counts && !bytes.is_empty() {
                return Err(WriteError::Unread { field, needs });
            }
            heap.object(field, bytes)
        };
        let mut raw = layout::Security::new_zeroed();
        raw.structure_id = id::SECURITY;
        raw.index = one.index;
        raw.flags = flags.bits().into();
        raw.secret_type = one.secret_type;
        raw.channels = object(
            "secure channel algorithms",
            "the security policy list (bits 7 and 8)",
            flags.channels() != Policy::None,
            &one.channels,
        )?;
        raw.protocols = object(
            "authentication protocols",
            "the authentication policy list (bits 3 and 4)",
            flags.protocols() != Policy::None,
            &one.protocols,
        )?;
        raw.ciphers = object(
            "cipher suites",
            "`CIPHERS`",
            flags.contains(SecurityFlags::CIPHERS),
            &one.ciphers,
        )?;
        raw.groups = object(
            "key exchange groups",
            "`GROUPS`",
            flags.contains(SecurityFlags::GROUPS),
            &one.groups,
        )?;
        raw.hashes = object(
            "hash functions",
            "`HASHES`",
            flags.contains(SecurityFlags::HASHES),
            &one.hashes,
        )?;
        raw.key_path = heap.text("secret key path", one.key_path.as_deref())?;
        let rest = one
            .unknown
            .spread(&mut [from_mut(&mut raw.reserved1), &mut raw.reserved2]);
        add(body, list, raw.as_bytes(), rest);
    }
    Ok(())
}

pub(super) fn discovery(
    entries: &[Discovery],
    list: List,
    body: &mut Vec<u8>,
    heap: &mut Heap,
) -> Result<(), WriteError> {
    for one in entries {
        let mut raw = layout::Discovery::new_zeroed();
        raw.structure_id = id::DISCOVERY;
        raw.flags = layout::VALID;
        raw.index = one.index;
        raw.hfi = one.hfi;
        raw.security = one.security.unwrap_or_default();
        raw.uri = heap.text("discovery controller address", Some(&one.uri))?;
        raw.nqn = heap.text("discovery controller NQN", one.unique_nqn.as_deref())?;
        let rest = one.unknown.spread(&mut [
            from_mut(&mut raw.flags),
            from_mut(&mut raw.reserved1),
            &mut raw.reserved2,
        ]);
        add(body, list, raw.as_bytes(), rest);
    }
    Ok(())
}
