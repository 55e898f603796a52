//! The heap: what has no fixed length.

use alloc::vec::Vec;

use zerocopy::little_endian::{U16, U32};

use crate::error::WriteError;
use crate::layout::Reference;

/// Collects heap objects, each with a NUL after it.
pub(super) struct Heap {
    start: usize,
    bytes: Vec<u8>,
}

impl Heap {
    /// `start`: where the heap begins in the table.
    pub(super) fn new(start: usize) -> Self {
        Self {
            start,
            bytes: Vec::new(),
        }
    }

    /// Nothing refers to an empty object.
    pub(super) fn object(
        &mut self,
        field: &'static str,
        bytes: &[u8],
    ) -> Result<Reference, WriteError> {
        if bytes.is_empty() {
            return Ok(Reference {
                offset: U32::ZERO,
                length: U16::ZERO,
            });
        }
        let offset = offset(field, self.start + self.bytes.len())?;
        let length = narrow(field, bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        self.bytes.push(0);
        Ok(Reference { offset, length })
    }

    pub(super) fn text(
        &mut self,
        field: &'static str,
        text: Option<&str>,
    ) -> Result<Reference, WriteError> {
        let text = text.unwrap_or_default();
        if text.contains('\0') {
            return Err(WriteError::Nul { field });
        }
        self.object(field, text.as_bytes())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// A length as the table holds it.
pub(super) fn narrow(field: &'static str, found: usize) -> Result<U16, WriteError> {
    let most = u16::MAX.into();
    let length = u16::try_from(found);
    Ok(length
        .map_err(|_| WriteError::TooMany { field, found, most })?
        .into())
}

/// An offset or a length of the whole as the table holds it.
pub(super) fn offset(field: &'static str, found: usize) -> Result<U32, WriteError> {
    let most = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
    let offset = u32::try_from(found);
    Ok(offset
        .map_err(|_| WriteError::TooMany { field, found, most })?
        .into())
}
