//! Discovery descriptors.

use core::mem::offset_of;

use super::entry::{Entry, expect_id, expect_record, expect_valid};
use crate::discovery::Discovery;
use crate::error::{Broken, RecordKind};
use crate::layout::{self, id};
use crate::table::Table;
use crate::value::Unknown;

pub(super) fn read(
    entry: &mut Entry<'_, '_, layout::Discovery>,
    table: &mut Table,
) -> Result<(), Broken> {
    let (at, raw, source) = (entry.offset, entry.raw, entry.source);
    expect_valid(
        at + offset_of!(layout::Discovery, flags),
        raw.flags & layout::VALID != 0,
    )?;
    expect_id(at, raw.structure_id, id::DISCOVERY)?;
    expect_record(
        at + offset_of!(layout::Discovery, hfi),
        "HFI index",
        (RecordKind::Hfi, raw.hfi),
        table.hfi(raw.hfi).is_some(),
    )?;
    let security = Some(raw.security).filter(|index| *index != 0);
    expect_record(
        at + offset_of!(layout::Discovery, security),
        "security profile index",
        (RecordKind::Security, raw.security),
        security.is_none_or(|index| table.security_profile(index).is_some()),
    )?;
    table.discovery.push(Discovery {
        index: raw.index,
        hfi: raw.hfi,
        security,
        uri: source.mandatory_text(
            at + offset_of!(layout::Discovery, uri),
            "discovery controller address",
            raw.uri,
        )?,
        unique_nqn: source.text(
            at + offset_of!(layout::Discovery, nqn),
            "discovery controller NQN",
            raw.nqn,
        )?,
        unknown: Unknown::gather(&[
            &[raw.flags & !layout::VALID, raw.reserved1],
            &raw.reserved2,
            entry.rest,
        ]),
    });
    Ok(())
}
