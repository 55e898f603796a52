//! What is wrong with a table, where, and what came of it.

use alloc::vec::Vec;
use core::fmt;

/// A rule of the specification that a table breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at offset {offset:#x}: {rule}")]
#[non_exhaustive]
pub struct Broken {
    /// Bytes from the table's start to the field that breaks the rule.
    pub offset: usize,
    /// The rule.
    pub rule: Rule,
}

impl Broken {
    pub(crate) fn new(offset: usize, rule: Rule) -> Self {
        Self { offset, rule }
    }
}

/// The rules. Sizes and offsets are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// Header and control descriptor have 128 bytes.
    #[error("the table has {found} bytes; it needs at least {least}")]
    TooShort {
        /// What the table has.
        found: usize,
        /// What it needs.
        least: usize,
    },
    /// A table begins with `NBFT`.
    #[error("the signature is `{}`; expected `NBFT`", .0.escape_ascii())]
    Signature([u8; 4]),
    /// The header's length is not longer than what there is.
    #[error("the header says that the table has {stated} bytes; it has {found}")]
    Length {
        /// What the header says.
        stated: u32,
        /// What there is.
        found: usize,
    },
    /// All bytes of a table add up to 0 (modulo 256).
    #[error("the checksum is wrong: the bytes add up to {0:#04x}, not to 0")]
    Checksum(u8),
    /// Only 1.0 and 1.1 exist.
    #[error("the revision is {major}.{minor}; only 1.0 and 1.1 are known")]
    Revision {
        /// The major one.
        major: u8,
        /// The minor one.
        minor: u8,
    },
    /// The heap lies within the table.
    #[error("the heap ({length} bytes at {offset:#x}) does not lie within the table")]
    Heap {
        /// Where it is said to begin.
        offset: u32,
        /// How long it is said to be.
        length: u32,
    },
    /// Each structure begins with its own identifier.
    #[error("the structure identifier is {found}; expected {expected}")]
    StructureId {
        /// The right one.
        expected: u8,
        /// What is there.
        found: u8,
    },
    /// A descriptor counts only when its flag says so.
    #[error("the structure is not marked as valid")]
    NotValid,
    /// A structure of an unknown version can't be read.
    #[error("its version is {0}; only 1 is known")]
    Version(u8),
    /// A list of descriptors lies within the table.
    #[error("the list ({count} × {length} bytes at {offset:#x}) does not lie within the table")]
    List {
        /// Where it is said to begin.
        offset: u32,
        /// The length of one entry.
        length: u16,
        /// The number of entries.
        count: u8,
    },
    /// An entry of a list is at least as long as its structure.
    #[error("an entry of the list has {found} bytes; it needs at least {least}")]
    EntryLength {
        /// What the control descriptor says.
        found: u16,
        /// The structure's size.
        least: usize,
    },
    /// A heap object lies within the heap, and the host descriptor within the
    /// table.
    #[error("`{field}` ({length} bytes at {offset:#x}) lies outside")]
    Reference {
        /// What is referred to.
        field: &'static str,
        /// Where it is said to begin.
        offset: u32,
        /// How long it is said to be.
        length: u16,
    },
    /// Some fields must be there.
    #[error("`{field}` is empty")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A heap object is at least as long as its structure.
    #[error("`{field}` has {found} bytes; it needs at least {least}")]
    Size {
        /// The object.
        field: &'static str,
        /// Its length.
        found: usize,
        /// The structure's size.
        least: usize,
    },
    /// A string has a NUL within its length or right after it.
    #[error("`{field}` does not end with a NUL")]
    Unterminated {
        /// The string.
        field: &'static str,
    },
    /// A string is UTF-8.
    #[error("`{field}` is not UTF-8")]
    NotText {
        /// The string.
        field: &'static str,
    },
    /// The one transport is TCP (3).
    #[error("the transport type is {0}; only 3 (TCP) is known")]
    Transport(u8),
    /// What a record refers to exists.
    #[error("`{field}` names {kind} {index}; there is none")]
    Dangling {
        /// The field.
        field: &'static str,
        /// What it refers to.
        kind: RecordKind,
        /// The index that no record has.
        index: u8,
    },
    /// An extension names the record that it belongs to.
    #[error("it names {kind} {found}; it belongs to {expected}")]
    Index {
        /// What it belongs to.
        kind: RecordKind,
        /// The index of that record.
        expected: u16,
        /// The index that the extension has.
        found: u16,
    },
    /// A security profile counts only when the descriptor's flag says so.
    #[error("it names security profile {0} and does not say that one is used")]
    UnusedSecurity(u8),
}

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RecordKind {
    /// The header itself.
    Header,
    /// A host fabric interface.
    Hfi,
    /// A subsystem and namespace.
    Subsystem,
    /// A security profile.
    Security,
    /// A discovery controller.
    Discovery,
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Hfi => "HFI",
            Self::Subsystem => "subsystem",
            Self::Security => "security profile",
            Self::Discovery => "discovery entry",
        })
    }
}

/// A part of a table that does not count, though the table does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// The kind of record.
    pub kind: RecordKind,
    /// Its place in its list, from 1.
    pub place: usize,
    /// What does not count.
    pub effect: Effect,
    /// Where and why.
    pub broken: Broken,
    /// The bytes of the record.
    pub bytes: Vec<u8>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            RecordKind::Header => write!(f, "header")?,
            kind => write!(f, "{kind} (number {} of its list)", self.place)?,
        }
        match self.effect {
            Effect::Dropped => write!(f, " left out")?,
            Effect::Ignored(field) => write!(f, ": `{field}` ignored")?,
        }
        write!(f, ": {}", self.broken)
    }
}

/// What does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The whole record.
    Dropped,
    /// One field of it.
    Ignored(&'static str),
}

/// Why a table can't be written.
#[cfg(feature = "write")]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A count or a length has more than its field holds.
    #[error("`{field}` has {found}; at most {most} fit")]
    TooMany {
        /// The field.
        field: &'static str,
        /// What it has.
        found: usize,
        /// What fits.
        most: usize,
    },
    /// A string ends at a NUL.
    #[error("`{field}` holds a NUL")]
    Nul {
        /// The string.
        field: &'static str,
    },
    /// A reader takes no notice of a field without its flag or version.
    #[error("`{field}` is set; {needs} says that it counts, and is not set")]
    Unread {
        /// The field.
        field: &'static str,
        /// What makes it count.
        needs: &'static str,
    },
}
