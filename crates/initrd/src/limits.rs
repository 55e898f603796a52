//! What an image may cost.

/// What an image may cost; one that wants more is refused. The defaults are far above
/// what any initramfs needs, which has to fit into the memory of the machine twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the image itself.
    pub image: u64,
    /// Bytes that come out of all its decoders together.
    pub unpacked: u64,
    /// Links of the chain that are compressed.
    pub members: usize,
    /// Entries of all archives together.
    pub entries: usize,
    /// Bytes of memory for a decoder's window. The kernel takes up to 128 MiB of zstd's;
    /// `xz -9` has 64 MiB. Little of it is taken where little is unpacked.
    pub window: u64,
    /// Bytes of the paths, and of what symbolic links say, in an [`crate::Image`].
    pub names: usize,
    /// Bytes of paths that are looked up to find the places of entries: all that leads to
    /// each, with the symbolic links on the way.
    pub ways: u64,
    /// Bytes of a file whose content an [`crate::Image`] keeps.
    pub kept_file: u64,
    /// Bytes of all contents that an [`crate::Image`] keeps.
    pub kept: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            image: 2 << 30,
            unpacked: 4 << 30,
            members: 64,
            entries: 200_000,
            window: 128 << 20,
            names: 16 << 20,
            ways: 256 << 20,
            kept_file: 16 << 20,
            kept: 24 << 20,
        }
    }
}
