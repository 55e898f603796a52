//! An entry of a list while it is read.

use alloc::vec::Vec;

use super::source::Source;
use crate::error::Broken;

/// An entry of a list.
pub(super) struct Entry<'r, 's, T> {
    pub(super) source: &'r Source<'s>,
    pub(super) raw: &'s T,
    /// What comes after the known part.
    pub(super) rest: &'s [u8],
    /// Fields that don't count.
    pub(super) ignored: Vec<(&'static str, Broken)>,
}

impl<T> Entry<'_, '_, T> {
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
