//! How a link of the chain is compressed, and what unpacks it.

use std::fmt;
use std::io;

use crate::input::{Input, Plain, Source};
use crate::{lz4, zstd};

/// How a link of the chain is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// bzip2(1).
    Bzip2,
    /// The .xz file format.
    Xz,
    /// LZ4 in its legacy framing.
    Lz4,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// By the first two bytes, as the kernel tells them (`compressed_formats` in
    /// `lib/decompress.c`). `Err` names what the kernel reads and this crate doesn't.
    pub(crate) fn of(bytes: &[u8]) -> Result<Option<Self>, &'static str> {
        Ok(match bytes.get(..2) {
            Some([0x1f, 0x8b | 0x9e]) => Some(Self::Gzip),
            Some(b"BZ") => Some(Self::Bzip2),
            // Its decoder reads on behind the end.
            Some([0x5d, 0x00]) => return Err("lzma"),
            Some([0xfd, b'7']) => Some(Self::Xz),
            Some([0x89, b'L']) => return Err("lzo"),
            Some([0x02, 0x21]) => Some(Self::Lz4),
            Some([0x28, 0xb5]) => Some(Self::Zstd),
            _ => None,
        })
    }

    /// Unpacks one stream, and leaves the input behind it. `window`: how many bytes of
    /// memory it may take; one that wants more ends with `OutOfMemory`.
    pub(crate) fn decoder<'a>(
        self,
        input: &'a mut Input<'_>,
        window: u64,
    ) -> io::Result<Box<dyn Source + 'a>> {
        let kibibytes = u32::try_from(window >> 10).unwrap_or(u32::MAX);
        Ok(match self {
            Self::Gzip => Box::new(Plain(flate2::bufread::GzDecoder::new(input))),
            Self::Bzip2 => Box::new(Plain(bzip2::bufread::BzDecoder::new(input))),
            Self::Xz => Box::new(Plain(lzma_rust2::XzReader::new_mem_limit(
                input, false, kibibytes,
            ))),
            Self::Lz4 => Box::new(Plain(lz4::Decoder::new(input))),
            Self::Zstd => {
                let wanted = zstd_window(input.peek(18)?);
                if wanted.is_some_and(|wanted| wanted > window) {
                    return Err(io::ErrorKind::OutOfMemory.into());
                }
                Box::new(zstd::Decoder::new(input)?)
            }
        })
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The bytes of memory that a frame wants (RFC 8878, 3.1.1.1).
fn zstd_window(frame: &[u8]) -> Option<u64> {
    let descriptor = *frame.get(4)?;
    let is_single = descriptor & 0x20 != 0;
    if !is_single {
        let window = *frame.get(5)?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let at = 5 + dictionary;
    let (length, more) = match descriptor >> 6 {
        0 => (1, 0),
        1 => (2, 256),
        2 => (4, 0),
        _ => (8, 0),
    };
    let mut bytes = [0; 8];
    bytes[..length].copy_from_slice(frame.get(at..at + length)?);
    Some(u64::from_le_bytes(bytes).saturating_add(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_says_how_much_memory_it_wants() {
        let frame = |rest: &[u8]| zstd_window(&[&[0x28, 0xb5, 0x2f, 0xfd], rest].concat());
        // Exponent 13, mantissa 0: 8 MiB.
        assert_eq!(frame(&[0x00, 13 << 3]), Some(8 << 20));
        assert_eq!(frame(&[0x00, 1]), Some(1024 + 128));
        assert_eq!(frame(&[0x20, 7]), Some(7));
        assert_eq!(frame(&[0x60, 1, 0]), Some(257));
        assert_eq!(frame(&[0xa1, 9, 0, 0, 1, 0]), Some(1 << 16));
        assert_eq!(
            frame(&[0xe0, 255, 255, 255, 255, 255, 255, 255, 255]),
            Some(u64::MAX)
        );
        assert_eq!(frame(&[0xe0, 255]), None);
    }
}
