//! Subsystem and namespace descriptors.

use alloc::vec::Vec;
use core::mem::offset_of;

use zerocopy::FromBytes;

use super::entry::{
    Entry, expect_id, expect_index, expect_record, expect_transport, expect_valid, expect_version,
};
use crate::error::{Broken, RecordKind, Rule};
use crate::layout::{self, id};
use crate::subsystem::{
    Diagnostics, NamespaceId, Subsystem, SubsystemExtended, SubsystemExtendedFlags, SubsystemFlags,
    TransportFlags,
};
use crate::table::Table;
use crate::value::{Address, Unknown};

type Descriptor<'r, 's> = Entry<'r, 's, layout::Subsystem>;

pub(super) fn read(entry: &mut Descriptor<'_, '_>, table: &mut Table) -> Result<(), Broken> {
    let (at, raw, source) = (entry.offset, entry.raw, entry.source);
    let flags = SubsystemFlags::from_bits_retain(raw.flags.get());
    expect_valid(
        at + offset_of!(layout::Subsystem, flags),
        flags.contains(SubsystemFlags::VALID),
    )?;
    expect_id(at, raw.structure_id, id::SUBSYSTEM)?;
    expect_transport(at + offset_of!(layout::Subsystem, transport), raw.transport)?;
    let traddr = source.mandatory(
        at + offset_of!(layout::Subsystem, traddr),
        "transport address",
        raw.traddr,
    )?;
    let (traddr, _) = traddr.split::<[u8; 16]>("transport address")?;
    let security = security(entry, flags, table)?;
    let hfis = hfis(entry, table)?;
    let discovery = discovery(at, raw.discovery, table);
    let discovery = entry.optional("discovery entry index", discovery);
    let extended = match flags.contains(SubsystemFlags::EXTENDED) {
        true => extended(entry).map(Some),
        false => Ok(None),
    };
    table.subsystems.push(Subsystem {
        index: raw.index.get(),
        flags,
        transport_flags: TransportFlags::from_bits_retain(raw.transport_flags.get()),
        discovery,
        traddr: Address(traddr),
        trsvcid: source.mandatory_text(
            at + offset_of!(layout::Subsystem, trsvcid),
            "transport service identifier",
            raw.trsvcid,
        )?,
        port_id: raw.port_id.get(),
        nsid: raw.nsid.get(),
        nid: NamespaceId {
            kind: raw.nid_type.into(),
            bytes: raw.nid,
        },
        security,
        hfis,
        nqn: source.mandatory_text(
            at + offset_of!(layout::Subsystem, nqn),
            "subsystem NQN",
            raw.nqn,
        )?,
        extended: entry.optional("extended info", extended),
        unknown: Unknown::gather(&[&[raw.reserved1, raw.reserved2], &raw.reserved3, entry.rest]),
    });
    Ok(())
}

/// The security profile, which counts only with its flag.
fn security(
    entry: &mut Descriptor<'_, '_>,
    flags: SubsystemFlags,
    table: &Table,
) -> Result<Option<u8>, Broken> {
    let index = entry.raw.security;
    let at = entry.offset + offset_of!(layout::Subsystem, security);
    let field = "security profile index";
    if !flags.contains(SubsystemFlags::USE_SECURITY) {
        if index != 0 {
            let broken = Broken::new(at, Rule::UnusedSecurity(index));
            entry.ignored.push((field, broken));
        }
        return Ok(None);
    }
    expect_record(
        at,
        field,
        (RecordKind::Security, index),
        table.security_profile(index).is_some(),
    )?;
    Ok(Some(index))
}

/// The discovery entry that led here; 0 is none.
fn discovery(at: usize, index: u8, table: &Table) -> Result<Option<u8>, Broken> {
    if index == 0 {
        return Ok(None);
    }
    expect_record(
        at + offset_of!(layout::Subsystem, discovery),
        "discovery entry index",
        (RecordKind::Discovery, index),
        table.discovery_entry(index).is_some(),
    )?;
    Ok(Some(index))
}

/// The primary HFI, which must be there, then the secondary ones, each once.
fn hfis(entry: &mut Descriptor<'_, '_>, table: &Table) -> Result<Vec<u8>, Broken> {
    let (at, raw) = (entry.offset, entry.raw);
    let primary = raw.primary_hfi;
    expect_record(
        at + offset_of!(layout::Subsystem, primary_hfi),
        "primary HFI",
        (RecordKind::Hfi, primary),
        table.hfi(primary).is_some(),
    )?;
    let field = "secondary HFI";
    let place = at + offset_of!(layout::Subsystem, secondary_hfis);
    let secondary = entry.source.object(place, field, raw.secondary_hfis);
    // Without any the reference is empty. libnvme drops such a record; the
    // specification does not.
    let secondary = entry.optional(field, secondary);
    let mut hfis = alloc::vec![primary];
    for (at, &index) in (secondary.offset..).zip(secondary.bytes) {
        if hfis.contains(&index) {
            continue;
        }
        let is_there = table.hfi(index).is_some();
        if is_there {
            hfis.push(index);
        } else if index != 0 {
            let missing = expect_record(at, field, (RecordKind::Hfi, index), is_there);
            entry.optional(field, missing);
        }
    }
    Ok(hfis)
}

fn extended(entry: &Descriptor<'_, '_>) -> Result<SubsystemExtended, Broken> {
    let field = "extended info";
    let (raw, source) = (&entry.raw, entry.source);
    let at = entry.offset + offset_of!(layout::Subsystem, extended);
    let object = source.mandatory(at, field, raw.extended)?;
    let at = object.offset;
    let (info, mut rest) = object.split::<layout::SubsystemExtended>(field)?;
    expect_id(at, info.structure_id, id::SUBSYSTEM_EXTENDED)?;
    expect_version(
        at + offset_of!(layout::SubsystemExtended, version),
        info.version,
    )?;
    expect_index(
        at + offset_of!(layout::SubsystemExtended, index),
        RecordKind::Subsystem,
        raw.index.get(),
        info.index.get(),
    )?;
    let flags = SubsystemExtendedFlags::from_bits_retain(info.flags.get());
    expect_valid(
        at + offset_of!(layout::SubsystemExtended, flags),
        flags.contains(SubsystemExtendedFlags::VALID),
    )?;
    let mut diagnostics = None;
    if let Ok((raw, after)) = layout::Diagnostics::read_from_prefix(rest) {
        rest = after;
        diagnostics = Some(Diagnostics {
            availability: raw.availability,
            connect: raw.connect,
            timeout: raw.timeout.get(),
            network: raw.network,
        });
    }
    Ok(SubsystemExtended {
        flags,
        controller_id: info.controller_id.get(),
        asqsz: info.asqsz.get(),
        root_path: source.text(
            at + offset_of!(layout::SubsystemExtended, root_path),
            "DHCP root path",
            info.root_path,
        )?,
        diagnostics,
        unknown: Unknown::gather(&[rest]),
    })
}
