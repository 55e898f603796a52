//! HFI descriptors and what they refer to.

use zerocopy::IntoBytes;

use super::entry::Entry;
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
    let (raw, source) = (entry.raw, entry.source);
    source.expect_valid(&raw.flags, raw.flags & layout::VALID != 0)?;
    source.expect_id(&raw.structure_id, id::HFI)?;
    source.expect_transport(&raw.transport)?;
    let field = "HFI transport info";
    let object = source.mandatory(field, &raw.info)?;
    let (info, rest) = source.split::<layout::HfiInfo>(field, object)?;
    let flags = HfiFlags::from_bits_retain(info.flags);
    source.expect_valid(&info.flags, flags.contains(HfiFlags::VALID))?;
    source.expect_id(&info.structure_id, id::HFI_INFO)?;
    source.expect_version(&info.version)?;
    // The index is there twice; the reference decides, as with libnvme.
    let index = source.expect_index(&info.index, RecordKind::Hfi, raw.index.into());
    entry.optional("HFI index", index);
    let host_name = source.text("host name", &info.host_name);
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
        let extended = extended(source, &info.since_2.extended, raw.index);
        hfi.extended = entry.optional("HFI extended info", extended);
    }
    table.hfis.push(hfi);
    Ok(())
}

fn extended<'s>(
    source: &Source<'s>,
    reference: &'s layout::Reference,
    index: u8,
) -> Result<Option<HfiExtended>, Broken> {
    let field = "HFI extended info";
    let object = source.object(field, reference)?;
    if object.is_empty() {
        return Ok(None);
    }
    let (raw, rest) = source.split::<layout::HfiExtended>(field, object)?;
    source.expect_id(&raw.structure_id, id::HFI_EXTENDED)?;
    source.expect_version(&raw.version)?;
    let flags = HfiExtendedFlags::from_bits_retain(raw.flags.get());
    source.expect_valid(&raw.flags, flags.contains(HfiExtendedFlags::VALID))?;
    source.expect_index(&raw.index, RecordKind::Hfi, index.into())?;
    let mut extended = HfiExtended {
        flags,
        unknown: Unknown::gather(&[rest]),
        ..HfiExtended::default()
    };
    if flags.contains(HfiExtendedFlags::CLIENT_ID) {
        let iaid = source.object("DHCP IAID", &raw.iaid)?;
        if !iaid.is_empty() {
            let (iaid, _) = source.split("DHCP IAID", iaid)?;
            extended.iaid = Some(u32::from_le_bytes(*iaid));
        }
        extended.duid = source.object("DHCP DUID", &raw.duid)?.to_vec();
    }
    Ok(Some(extended))
}
