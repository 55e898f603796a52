//! Subsystem and namespace descriptors.

use alloc::vec::Vec;

use zerocopy::FromBytes;

use super::entry::Entry;
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
    let (raw, source) = (entry.raw, entry.source);
    let flags = SubsystemFlags::from_bits_retain(raw.flags.get());
    source.expect_valid(&raw.flags, flags.contains(SubsystemFlags::VALID))?;
    source.expect_id(&raw.structure_id, id::SUBSYSTEM)?;
    source.expect_transport(&raw.transport)?;
    let traddr = source.mandatory("transport address", &raw.traddr)?;
    let (&traddr, _) = source.split("transport address", traddr)?;
    let security = security(entry, flags, table)?;
    let hfis = hfis(entry, table)?;
    let discovery = discovery(entry, table);
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
        trsvcid: source.mandatory_text("transport service identifier", &raw.trsvcid)?,
        port_id: raw.port_id.get(),
        nsid: raw.nsid.get(),
        nid: NamespaceId {
            kind: raw.nid_type.into(),
            bytes: raw.nid,
        },
        security,
        hfis,
        nqn: source.mandatory_text("subsystem NQN", &raw.nqn)?,
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
    let (place, source) = (&entry.raw.security, entry.source);
    let index = *place;
    let field = "security profile index";
    if !flags.contains(SubsystemFlags::USE_SECURITY) {
        if index != 0 {
            let broken = source.broken(place, Rule::UnusedSecurity(index));
            entry.ignored.push((field, broken));
        }
        return Ok(None);
    }
    let is_there = table.security_profile(index).is_some();
    source.expect_record(field, place, RecordKind::Security, is_there)?;
    Ok(Some(index))
}

/// The discovery entry that led here; 0 is none.
fn discovery(entry: &Descriptor<'_, '_>, table: &Table) -> Result<Option<u8>, Broken> {
    let index = &entry.raw.discovery;
    if *index == 0 {
        return Ok(None);
    }
    let is_there = table.discovery_entry(*index).is_some();
    let (field, kind) = ("discovery entry index", RecordKind::Discovery);
    entry.source.expect_record(field, index, kind, is_there)?;
    Ok(Some(*index))
}

/// The primary HFI, which must be there, then the secondary ones, each once.
fn hfis(entry: &mut Descriptor<'_, '_>, table: &Table) -> Result<Vec<u8>, Broken> {
    let (raw, source, kind) = (entry.raw, entry.source, RecordKind::Hfi);
    let primary = raw.primary_hfi;
    let is_there = table.hfi(primary).is_some();
    source.expect_record("primary HFI", &raw.primary_hfi, kind, is_there)?;
    let field = "secondary HFI";
    let secondary = source.object(field, &raw.secondary_hfis);
    // Without any the reference is empty. libnvme drops such a record; the
    // specification does not.
    let secondary = entry.optional(field, secondary);
    let mut hfis = alloc::vec![primary];
    for index in secondary {
        if hfis.contains(index) {
            continue;
        }
        let is_there = table.hfi(*index).is_some();
        if is_there {
            hfis.push(*index);
        } else if *index != 0 {
            let missing = source.expect_record(field, index, kind, is_there);
            entry.optional(field, missing);
        }
    }
    Ok(hfis)
}

fn extended(entry: &Descriptor<'_, '_>) -> Result<SubsystemExtended, Broken> {
    let field = "extended info";
    let (raw, source) = (entry.raw, entry.source);
    let object = source.mandatory(field, &raw.extended)?;
    let (info, mut rest) = source.split::<layout::SubsystemExtended>(field, object)?;
    source.expect_id(&info.structure_id, id::SUBSYSTEM_EXTENDED)?;
    source.expect_version(&info.version)?;
    source.expect_index(&info.index, RecordKind::Subsystem, raw.index.get())?;
    let flags = SubsystemExtendedFlags::from_bits_retain(info.flags.get());
    source.expect_valid(&info.flags, flags.contains(SubsystemExtendedFlags::VALID))?;
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
        root_path: source.text("DHCP root path", &info.root_path)?,
        diagnostics,
        unknown: Unknown::gather(&[rest]),
    })
}
