//! HFI descriptors and what they refer to.

use core::mem::offset_of;

use zerocopy::IntoBytes;

use super::entry::{
    Entry, expect_id, expect_index, expect_transport, expect_valid, expect_version,
};
use super::source::Source;
use crate::error::{Broken, RecordKind};
use crate::hfi::{Hfi, HfiExtended, HfiExtendedFlags, HfiFlags, PciLocation};
use crate::layout::{self, id};
use crate::table::Table;
use crate::value::{Address, Mac, Unknown};

pub(super) fn read(
    entry: &mut Entry<'_, '_, layout::Hfi>,
    table: &mut Table,
) -> Result<(), Broken> {
    let (at, raw, source) = (entry.offset, entry.raw, entry.source);
    expect_valid(
        at + offset_of!(layout::Hfi, flags),
        raw.flags & layout::VALID != 0,
    )?;
    expect_id(at, raw.structure_id, id::HFI)?;
    expect_transport(at + offset_of!(layout::Hfi, transport), raw.transport)?;
    let at = at + offset_of!(layout::Hfi, info);
    let object = source.mandatory(at, "HFI transport info", raw.info)?;
    let at = object.offset;
    let (info, rest) = object.split::<layout::HfiInfo>("HFI transport info")?;
    let flags = HfiFlags::from_bits_retain(info.flags);
    expect_valid(
        at + offset_of!(layout::HfiInfo, flags),
        flags.contains(HfiFlags::VALID),
    )?;
    expect_id(at, info.structure_id, id::HFI_INFO)?;
    expect_version(at + offset_of!(layout::HfiInfo, version), info.version)?;
    // The index is there twice; the reference decides, as with libnvme.
    let index = expect_index(
        at + offset_of!(layout::HfiInfo, index),
        RecordKind::Hfi,
        raw.index.into(),
        info.index.get(),
    );
    entry.optional("HFI index", index);
    let host_name = source.text(
        at + offset_of!(layout::HfiInfo, host_name),
        "host name",
        info.host_name,
    );
    let mut hfi = Hfi {
        index: raw.index,
        flags,
        pci: PciLocation {
            sbdf: info.pci.get(),
            segment: 0,
        },
        mac: Mac(info.mac),
        vlan: info.vlan.get(),
        origin: info.origin,
        address: Address(info.address),
        prefix: info.prefix,
        gateway: Address(info.gateway),
        metric: info.metric.get(),
        dns: info.dns.map(Address),
        dhcp_server: Address(info.dhcp_server),
        host_name: entry.optional("host name", host_name),
        info_version: info.info_version,
        extended: None,
        unknown: Unknown::gather(&[
            &[raw.flags & !layout::VALID],
            &raw.reserved1,
            &raw.reserved2,
            entry.rest,
        ]),
        info_unknown: Unknown::gather(&[&[info.reserved1], info.since_2.as_bytes(), rest]),
    };
    if info.info_version >= 2 {
        hfi.pci.segment = info.since_2.segment;
        hfi.info_unknown = Unknown::gather(&[&[info.reserved1], &info.since_2.reserved, rest]);
        let at = at + offset_of!(layout::HfiInfo, since_2);
        let extended = extended(source, at, info.since_2.extended, raw.index);
        hfi.extended = entry.optional("HFI extended info", extended);
    }
    table.hfis.push(hfi);
    Ok(())
}

fn extended(
    source: &Source<'_>,
    at: usize,
    reference: layout::Reference,
    index: u8,
) -> Result<Option<HfiExtended>, Broken> {
    let field = "HFI extended info";
    let object = source.object(at, field, reference)?;
    if object.bytes.is_empty() {
        return Ok(None);
    }
    let at = object.offset;
    let (raw, rest) = object.split::<layout::HfiExtended>(field)?;
    expect_id(at, raw.structure_id, id::HFI_EXTENDED)?;
    expect_version(at + offset_of!(layout::HfiExtended, version), raw.version)?;
    let flags = HfiExtendedFlags::from_bits_retain(raw.flags.get());
    expect_valid(
        at + offset_of!(layout::HfiExtended, flags),
        flags.contains(HfiExtendedFlags::VALID),
    )?;
    expect_index(
        at + offset_of!(layout::HfiExtended, index),
        RecordKind::Hfi,
        index.into(),
        raw.index.get(),
    )?;
    let mut extended = HfiExtended {
        flags,
        unknown: Unknown::gather(&[rest]),
        ..HfiExtended::default()
    };
    if flags.contains(HfiExtendedFlags::CLIENT_ID) {
        let iaid = source.object(
            at + offset_of!(layout::HfiExtended, iaid),
            "DHCP IAID",
            raw.iaid,
        )?;
        if !iaid.bytes.is_empty() {
            let (iaid, _) = iaid.split::<[u8; 4]>("DHCP IAID")?;
            extended.iaid = Some(u32::from_le_bytes(iaid));
        }
        let at = at + offset_of!(layout::HfiExtended, duid);
        extended.duid = source.object(at, "DHCP DUID", raw.duid)?.bytes.to_vec();
    }
    Ok(Some(extended))
}
