//! The header of an entry: cpio's format newc
//! (`Documentation/driver-api/early-userspace/buffer-format.rst`; `parse_header` in
//! `init/initramfs.c`).

/// Its length in bytes.
pub(crate) const LENGTH: usize = 110;

/// Longest name with its NUL byte, and longest text of a symbolic link (`PATH_MAX`).
pub(crate) const PATH_MAX: u32 = 4096;

/// The name of the entry that ends an archive.
pub(crate) const TRAILER: &[u8] = b"TRAILER!!!";

/// Type bits of a mode (inode(7)).
pub(crate) const TYPE: u32 = 0o170_000;
pub(crate) const REGULAR: u32 = 0o100_000;
pub(crate) const DIRECTORY: u32 = 0o040_000;
pub(crate) const SYMLINK: u32 = 0o120_000;

/// What of the header matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) inode: u32,
    pub(crate) mode: u32,
    pub(crate) links: u32,
    pub(crate) size: u32,
    pub(crate) device: (u32, u32),
    pub(crate) name_size: u32,
}

/// Why it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// The older format with binary or octal numbers.
    NotNewc,
    /// Anything else.
    Broken,
}

impl Header {
    /// Reads one. Where the kernel takes a digit that is none for the number's end, a
    /// header is refused here: nobody writes such a thing on purpose.
    pub(crate) fn parse(bytes: &[u8; LENGTH]) -> Result<Self, HeaderError> {
        match &bytes[..6] {
            // The second has a checksum, which the kernel looks at by an option only.
            b"070701" | b"070702" => {}
            b"070707" => return Err(HeaderError::NotNewc),
            _ => return Err(HeaderError::Broken),
        }
        let mut fields = [0_u32; 13];
        for (field, digits) in fields.iter_mut().zip(bytes[6..].chunks_exact(8)) {
            for digit in digits {
                let value = char::from(*digit).to_digit(16).ok_or(HeaderError::Broken)?;
                *field = (*field << 4) | value;
            }
        }
        let [
            inode,
            mode,
            _,
            _,
            links,
            _,
            size,
            major,
            minor,
            _,
            _,
            name_size,
            _,
        ] = fields;
        Ok(Self {
            inode,
            mode,
            links,
            size,
            device: (major, minor),
            name_size,
        })
    }

    pub(crate) fn is(&self, kind: u32) -> bool {
        self.mode & TYPE == kind
    }
}

/// How many bytes of zeros follow `length` bytes, so that the next field begins at a
/// multiple of four.
pub(crate) const fn padding(length: u64) -> u64 {
    length.wrapping_neg() & 3
}
