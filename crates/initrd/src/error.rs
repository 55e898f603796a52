//! Why an image can't be read.

use std::io;

use thiserror::Error;

use crate::Compression;

/// Why an image can't be read. `at` is the byte of the image; of what is compressed, the
/// byte where that begins.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InitrdError {
    /// The file can't be read.
    #[error("it can't be read: {source}")]
    Io {
        /// What the system says.
        source: io::Error,
    },
    /// It ends within an entry.
    #[error("it is cut short: it ends within an entry of the archive at byte {at}")]
    CutShort {
        /// Where.
        at: u64,
    },
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// Neither a cpio archive, nor compressed, nor zeros.
    #[error("byte {at} begins neither a cpio archive nor compressed data")]
    Junk {
        /// Where.
        at: u64,
    },
    /// A cpio archive of another format (`070707`).
    #[error("the cpio archive at byte {at} is of another format than newc")]
    NotNewc {
        /// Where.
        at: u64,
    },
    /// A header that is none.
    #[error("an entry of the archive at byte {at} has a broken header")]
    Header {
        /// Where.
        at: u64,
    },
    /// What comes after an entry does not begin at a multiple of four bytes.
    #[error("the archive at byte {at} has broken padding")]
    Padding {
        /// Where.
        at: u64,
    },
    /// Compressed as the kernel can, and this crate can't.
    #[error("the data at byte {at} is compressed with {name}, which is not read here")]
    Unsupported {
        /// Where.
        at: u64,
        /// By what.
        name: &'static str,
    },
    /// The compressed data is damaged or cut short.
    #[error("the {compression} data at byte {at} is damaged or cut short: {source}")]
    Damaged {
        /// Where.
        at: u64,
        /// How it is compressed.
        compression: Compression,
        /// What the decoder says.
        source: io::Error,
    },
    /// A decoder wants a larger window than [`Limits::window`](crate::Limits::window).
    #[error("it has more than {limit} bytes in a decoder's window")]
    Window {
        /// How much is allowed.
        limit: u64,
    },
    /// It wants more than the other limits allow.
    #[error("it has more than {limit} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// A PE file that is no unified kernel image.
    #[error("it is a PE file and no unified kernel image: {why}")]
    Pe {
        /// What is wrong with it.
        why: &'static str,
    },
}

impl From<io::Error> for InitrdError {
    fn from(source: io::Error) -> Self {
        Self::Io { source }
    }
}
