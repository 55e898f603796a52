//! Security profile descriptors.

use alloc::vec::Vec;

use super::entry::Entry;
use crate::error::Broken;
use crate::layout::{self, id};
use crate::security::{Policy, SecurityFlags, SecurityProfile};
use crate::table::Table;
use crate::value::Unknown;

pub(super) fn read(
    entry: &mut Entry<'_, '_, layout::Security>,
    table: &mut Table,
) -> Result<(), Broken> {
    let (raw, source) = (entry.raw, entry.source);
    let flags = SecurityFlags::from_bits_retain(raw.flags.get());
    source.expect_valid(&raw.flags, flags.contains(SecurityFlags::VALID))?;
    source.expect_id(&raw.structure_id, id::SECURITY)?;
    // A policy that can't be read must not become a weaker one: a list that
    // counts and is broken drops the profile.
    let list = |counts, field, reference| match counts {
        true => source.object(field, reference).map(<[u8]>::to_vec),
        false => Ok(Vec::new()),
    };
    let has = |flag| flags.contains(flag);
    table.security.push(SecurityProfile {
        index: raw.index,
        flags,
        secret_type: raw.secret_type,
        channels: list(
            flags.channels() != Policy::None,
            "secure channel algorithms",
            &raw.channels,
        )?,
        protocols: list(
            flags.protocols() != Policy::None,
            "authentication protocols",
            &raw.protocols,
        )?,
        ciphers: list(has(SecurityFlags::CIPHERS), "cipher suites", &raw.ciphers)?,
        groups: list(
            has(SecurityFlags::GROUPS),
            "key exchange groups",
            &raw.groups,
        )?,
        hashes: list(has(SecurityFlags::HASHES), "hash functions", &raw.hashes)?,
        key_path: source.text("secret key path", &raw.key_path)?,
        unknown: Unknown::gather(&[&[raw.reserved1], &raw.reserved2, entry.rest]),
    });
    Ok(())
}
