//! An entry of a list while it is read, and the rules that all entries share.

use alloc::vec::Vec;

use super::source::Source;
use crate::error::{Broken, RecordKind, Rule};

/// An entry of a list.
pub(super) struct Entry<'r, 's, T> {
    pub(super) source: &'r Source<'s>,
    /// Where it begins.
    pub(super) offset: usize,
    pub(super) raw: T,
    /// What comes after the known part.
    pub(super) rest: &'s [u8],
    /// Fields that don't count.
    pub(super) ignored: Vec<(&'static str, Broken)>,
}

impl<'r, 's, T> Entry<'r, 's, T> {
    pub(super) fn new(source: &'r Source<'s>, offset: usize, raw: T, rest: &'s [u8]) -> Self {
        Self {
            source,
            offset,
            raw,
            rest,
            ignored: Vec::new(),
        }
    }

    /// The value of a field that the record can do without.
    pub(super) fn optional<V: Default>(
        &mut self,
        field: &'static str,
        value: Result<V, Broken>,
    ) -> V {
        value.unwrap_or_else(|broken| {
            self.ignored.push((field, broken));
            V::default()
        })
    }
}

pub(super) fn expect_id(offset: usize, found: u8, expected: u8) -> Result<(), Broken> {
    expect(
        found == expected,
        offset,
        Rule::StructureId { expected, found },
    )
}

pub(super) fn expect_valid(offset: usize, is_valid: bool) -> Result<(), Broken> {
    expect(is_valid, offset, Rule::NotValid)
}

pub(super) fn expect_version(offset: usize, found: u8) -> Result<(), Broken> {
    expect(found == 1, offset, Rule::Version(found))
}

pub(super) fn expect_transport(offset: usize, found: u8) -> Result<(), Broken> {
    expect(found == crate::layout::TCP, offset, Rule::Transport(found))
}

/// The index in an extension is that of the record that it belongs to.
pub(super) fn expect_index(
    offset: usize,
    kind: RecordKind,
    expected: u16,
    found: u16,
) -> Result<(), Broken> {
    let rule = Rule::Index {
        kind,
        expected,
        found,
    };
    expect(found == expected, offset, rule)
}

/// A record that is referred to is there.
pub(super) fn expect_record(
    offset: usize,
    field: &'static str,
    (kind, index): (RecordKind, u8),
    is_there: bool,
) -> Result<(), Broken> {
    expect(is_there, offset, Rule::Dangling { field, kind, index })
}

fn expect(holds: bool, offset: usize, rule: Rule) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken::new(offset, rule))
    }
}
