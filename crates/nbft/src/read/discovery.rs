//! Discovery descriptors.

use super::entry::Entry;
use crate::discovery::Discovery;
use crate::error::{Broken, RecordKind};
use crate::layout::{self, id};
use crate::table::Table;
use crate::value::Unknown;

pub(super) fn read(
    entry: &mut Entry<'_, '_, layout::Discovery>,
    table: &mut Table,
) -> Result<(), Broken> {
    let (raw, source) = (entry.raw, entry.source);
    source.expect_valid(&raw.flags, raw.flags & layout::VALID != 0)?;
    source.expect_id(&raw.structure_id, id::DISCOVERY)?;
    let is_there = table.hfi(raw.hfi).is_some();
    source.expect_record("HFI index", &raw.hfi, RecordKind::Hfi, is_there)?;
    let security = Some(raw.security).filter(|index| *index != 0);
    let is_there = security.is_none_or(|index| table.security_profile(index).is_some());
    let field = "security profile index";
    source.expect_record(field, &raw.security, RecordKind::Security, is_there)?;
    table.discovery.push(Discovery {
        index: raw.index,
        hfi: raw.hfi,
        security,
        uri: source.mandatory_text("discovery controller address", &raw.uri)?,
        unique_nqn: source.text("discovery controller NQN", &raw.nqn)?,
        unknown: Unknown::gather(&[
            &[raw.flags & !layout::VALID, raw.reserved1],
            &raw.reserved2,
            entry.rest,
        ]),
    });
    Ok(())
}
