//! Security profile descriptors.

use alloc::vec::Vec;
use core::mem::offset_of;

use super::entry::{Entry, expect_id, expect_valid};
use crate::error::Broken;
use crate::layout::{self, id};
use crate::security::{Policy, SecurityFlags, SecurityProfile};
use crate::table::Table;
use crate::value::Unknown;

pub(super) fn read(
    entry: &mut Entry<'_, '_, layout::Security>,
    table: &mut Table,
) -> Result<(), Broken> {
    let (at, raw, source) = (entry.offset, entry.raw, entry.source);
    let flags = SecurityFlags::from_bits_retain(raw.flags.get());
    expect_valid(
        at + offset_of!(layout::Security, flags),
        flags.contains(SecurityFlags::VALID),
    )?;
    expect_id(at, raw.structure_id, id::SECURITY)?;
    // A policy that can't be read must not become a weaker one: a list that
    // counts and is broken drops the profile.
    let list = |counts: bool, field, place, reference| -> Result<Vec<u8>, Broken> {
        if !counts {
            return Ok(Vec::new());
        }
        Ok(source.object(at + place, field, reference)?.bytes.to_vec())
    };
    table.security.push(SecurityProfile {
        index: raw.index,
        flags,
        secret_type: raw.secret_type,
        channels: list(
            flags.channels() != Policy::None,
            "secure channel algorithms",
            offset_of!(layout::Security, channels),
            raw.channels,
        )?,
        protocols: list(
            flags.protocols() != Policy::None,
            "authentication protocols",
            offset_of!(layout::Security, protocols),
            raw.protocols,
        )?,
        ciphers: list(
            flags.contains(SecurityFlags::CIPHERS),
            "cipher suites",
            offset_of!(layout::Security, ciphers),
            raw.ciphers,
        )?,
        groups: list(
            flags.contains(SecurityFlags::GROUPS),
            "key exchange groups",
            offset_of!(layout::Security, groups),
            raw.groups,
        )?,
        hashes: list(
            flags.contains(SecurityFlags::HASHES),
            "hash functions",
            offset_of!(layout::Security, hashes),
            raw.hashes,
        )?,
        key_path: source.text(
            at + offset_of!(layout::Security, key_path),
            "secret key path",
            raw.key_path,
        )?,
        unknown: Unknown::gather(&[&[raw.reserved1], &raw.reserved2, entry.rest]),
    });
    Ok(())
}
