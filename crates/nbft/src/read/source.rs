//! A table's bytes, and what is referred to in them.

use alloc::string::String;
use core::ops::Range;

use zerocopy::FromBytes;

use crate::error::{Broken, Rule};
use crate::layout::Reference;

/// The bytes of a table. Nothing outside can be asked for.
pub(super) struct Source<'s> {
    table: &'s [u8],
    heap: Range<usize>,
}

/// A heap object; empty when nothing is referred to.
#[derive(Clone, Copy, Default)]
pub(super) struct Object<'s> {
    pub(super) offset: usize,
    pub(super) bytes: &'s [u8],
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

    /// A structure in the table.
    pub(super) fn structure<T: FromBytes>(
        &self,
        start: usize,
        field: &'static str,
    ) -> Result<T, Broken> {
        let bytes = self.table.get(start..).unwrap_or_default();
        Object {
            offset: start,
            bytes,
        }
        .split(field)
        .map(|(structure, _)| structure)
    }

    /// What the reference at offset `at` refers to. Its own offset does not
    /// matter when its length is 0.
    pub(super) fn object(
        &self,
        at: usize,
        field: &'static str,
        reference: Reference,
    ) -> Result<Object<'s>, Broken> {
        let (offset, length) = (reference.offset.get(), reference.length.get());
        if length == 0 {
            return Ok(Object::default());
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(length.into());
        if start < self.heap.start || end > self.heap.end {
            let rule = Rule::Reference {
                field,
                offset,
                length,
            };
            return Err(Broken::new(at, rule));
        }
        let bytes = self.table.get(start..end).unwrap_or_default();
        Ok(Object {
            offset: start,
            bytes,
        })
    }

    /// As [`Self::object`], for one that must be there.
    pub(super) fn mandatory(
        &self,
        at: usize,
        field: &'static str,
        reference: Reference,
    ) -> Result<Object<'s>, Broken> {
        let object = self.object(at, field, reference)?;
        if object.bytes.is_empty() {
            return Err(Broken::new(at, Rule::Missing { field }));
        }
        Ok(object)
    }

    /// A string. It ends at its first NUL or at the stated length: some
    /// firmware counts the NUL, some does not.
    pub(super) fn text(
        &self,
        at: usize,
        field: &'static str,
        reference: Reference,
    ) -> Result<Option<String>, Broken> {
        let Object { offset, bytes } = self.object(at, field, reference)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let end = offset + bytes.len();
        let text = match bytes.iter().position(|byte| *byte == 0) {
            Some(nul) => &bytes[..nul],
            None if self.table.get(end) == Some(&0) => bytes,
            None => return Err(Broken::new(end, Rule::Unterminated { field })),
        };
        match core::str::from_utf8(text) {
            Ok(text) => Ok(Some(text).filter(|text| !text.is_empty()).map(Into::into)),
            Err(error) => Err(Broken::new(
                offset + error.valid_up_to(),
                Rule::NotText { field },
            )),
        }
    }

    /// As [`Self::text`], for one that must be there.
    pub(super) fn mandatory_text(
        &self,
        at: usize,
        field: &'static str,
        reference: Reference,
    ) -> Result<String, Broken> {
        self.text(at, field, reference)?
            .ok_or_else(|| Broken::new(at, Rule::Missing { field }))
    }
}

impl<'s> Object<'s> {
    /// The structure at the beginning, and what comes after it.
    pub(super) fn split<T: FromBytes>(self, field: &'static str) -> Result<(T, &'s [u8]), Broken> {
        T::read_from_prefix(self.bytes).map_err(|_| {
            let (found, least) = (self.bytes.len(), size_of::<T>());
            Broken::new(
                self.offset,
                Rule::Size {
                    field,
                    found,
                    least,
                },
            )
        })
    }
}
