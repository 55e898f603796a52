//! A table's bytes, what is referred to in them, and the rules that all structures share.

use alloc::string::String;
use core::ops::Range;
use core::ptr;

use zerocopy::little_endian::U16;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::error::{Broken, RecordKind, Rule};
use crate::layout::{Reference, TCP};

/// What can be looked at where it lies, so that each of its fields has a place in the table.
pub(super) trait Structure: FromBytes + Immutable + KnownLayout + Unaligned {}

impl<T: FromBytes + Immutable + KnownLayout + Unaligned> Structure for T {}

/// The bytes of a table. Nothing outside can be asked for.
pub(super) struct Source<'s> {
    table: &'s [u8],
    heap: Range<usize>,
}

impl<'s> Source<'s> {
    /// `None` if the heap (offset, length) lies outside the table.
    pub(super) fn new(table: &'s [u8], (offset, length): (u32, u32)) -> Option<Self> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        table.get(start..end)?;
        Some(Self {
            table,
            heap: start..end,
        })
    }

    /// Bytes of the table.
    pub(super) fn range(&self, start: usize, length: usize) -> Option<&'s [u8]> {
        self.table.get(start..start.checked_add(length)?)
    }

    /// What lies between the end of a known part and the end that the table
    /// says; nothing where that is no range of the table.
    pub(super) fn after(&self, start: usize, end: usize) -> &'s [u8] {
        self.table.get(start..end).unwrap_or_default()
    }

    /// Where a part of the table begins. A copy of it would not live as long as the table.
    pub(super) fn at<T: ?Sized>(&self, part: &'s T) -> usize {
        let start = self.table.as_ptr().addr();
        ptr::from_ref(part).addr().wrapping_sub(start)
    }

    /// A part of the table breaks a rule.
    pub(super) fn broken<T: ?Sized>(&self, part: &'s T, rule: Rule) -> Broken {
        Broken::new(self.at(part), rule)
    }

    /// A structure in the table.
    pub(super) fn structure<T: Structure>(
        &self,
        start: usize,
        field: &'static str,
    ) -> Result<&'s T, Broken> {
        let bytes = &self.table[start.min(self.table.len())..];
        self.split(field, bytes).map(|(structure, _)| structure)
    }

    /// The structure at the beginning of some bytes, and what comes after it.
    pub(super) fn split<T: Structure>(
        &self,
        field: &'static str,
        bytes: &'s [u8],
    ) -> Result<(&'s T, &'s [u8]), Broken> {
        T::ref_from_prefix(bytes).map_err(|_| {
            let (found, least) = (bytes.len(), size_of::<T>());
            let rule = Rule::Size {
                field,
                found,
                least,
            };
            self.broken(bytes, rule)
        })
    }

    /// The heap object that is referred to; empty when nothing is. The offset does not
    /// matter when the length is 0.
    pub(super) fn object(
        &self,
        field: &'static str,
        reference: &'s Reference,
    ) -> Result<&'s [u8], Broken> {
        let (offset, length) = (reference.offset.get(), reference.length.get());
        if length == 0 {
            return Ok(&[]);
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(length.into());
        if start < self.heap.start || end > self.heap.end {
            let rule = Rule::Reference {
                field,
                offset,
                length,
            };
            return Err(self.broken(reference, rule));
        }
        Ok(self.after(start, end))
    }

    /// As [`Self::object`], for one that must be there.
    pub(super) fn mandatory(
        &self,
        field: &'static str,
        reference: &'s Reference,
    ) -> Result<&'s [u8], Broken> {
        let object = self.object(field, reference)?;
        self.expect(!object.is_empty(), reference, Rule::Missing { field })?;
        Ok(object)
    }

    /// A string. It ends at its first NUL or at the stated length: some
    /// firmware counts the NUL, some does not.
    pub(super) fn text(
        &self,
        field: &'static str,
        reference: &'s Reference,
    ) -> Result<Option<String>, Broken> {
        let bytes = self.object(field, reference)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let start = self.at(bytes);
        let end = start + bytes.len();
        let text = match bytes.iter().position(|byte| *byte == 0) {
            Some(nul) => &bytes[..nul],
            None if self.table.get(end) == Some(&0) => bytes,
            None => return Err(Broken::new(end, Rule::Unterminated { field })),
        };
        let text = core::str::from_utf8(text)
            .map_err(|error| Broken::new(start + error.valid_up_to(), Rule::NotText { field }))?;
        Ok(Some(text).filter(|text| !text.is_empty()).map(Into::into))
    }

    /// As [`Self::text`], for one that must be there.
    pub(super) fn mandatory_text(
        &self,
        field: &'static str,
        reference: &'s Reference,
    ) -> Result<String, Broken> {
        self.text(field, reference)?
            .ok_or_else(|| self.broken(reference, Rule::Missing { field }))
    }

    fn expect<T>(&self, holds: bool, part: &'s T, rule: Rule) -> Result<(), Broken> {
        match holds {
            true => Ok(()),
            false => Err(self.broken(part, rule)),
        }
    }

    pub(super) fn expect_id(&self, id: &'s u8, expected: u8) -> Result<(), Broken> {
        let found = *id;
        self.expect(found == expected, id, Rule::StructureId { expected, found })
    }

    pub(super) fn expect_valid<T>(&self, flags: &'s T, is_valid: bool) -> Result<(), Broken> {
        self.expect(is_valid, flags, Rule::NotValid)
    }

    pub(super) fn expect_version(&self, version: &'s u8) -> Result<(), Broken> {
        self.expect(*version == 1, version, Rule::Version(*version))
    }

    pub(super) fn expect_transport(&self, transport: &'s u8) -> Result<(), Broken> {
        self.expect(*transport == TCP, transport, Rule::Transport(*transport))
    }

    /// The index in an extension is that of the record that it belongs to.
    pub(super) fn expect_index(
        &self,
        index: &'s U16,
        kind: RecordKind,
        expected: u16,
    ) -> Result<(), Broken> {
        let found = index.get();
        let rule = Rule::Index {
            kind,
            expected,
            found,
        };
        self.expect(found == expected, index, rule)
    }

    /// A record that is referred to is there.
    pub(super) fn expect_record(
        &self,
        field: &'static str,
        index: &'s u8,
        kind: RecordKind,
        is_there: bool,
    ) -> Result<(), Broken> {
        let (place, index) = (index, *index);
        self.expect(is_there, place, Rule::Dangling { field, kind, index })
    }
}
