//! Makes cpio archives of the format newc.

use crate::newc::{self, DIRECTORY, REGULAR, SYMLINK, padding};

/// Makes an archive, in memory. Entries are in the order in which they are added, and
/// nothing is added by itself: the kernel makes no directory that no entry names.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    inode: u32,
}

impl Writer {
    /// Adds a file with these permissions.
    pub fn file(&mut self, path: &str, permissions: u32, content: &[u8]) -> &mut Self {
        self.inode += 1;
        self.entry(self.inode, path, REGULAR | permissions, 1, content);
        self
    }

    /// Adds one file under several names. As cpio(1) and dracut do, the last name has the
    /// content.
    pub fn links(&mut self, paths: &[&str], permissions: u32, content: &[u8]) -> &mut Self {
        self.inode += 1;
        let count = u32::try_from(paths.len()).unwrap_or(u32::MAX);
        for (at, path) in paths.iter().enumerate() {
            let is_last = at + 1 == paths.len();
            let content = if is_last { content } else { &[] };
            self.entry(self.inode, path, REGULAR | permissions, count, content);
        }
        self
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: &str) -> &mut Self {
        self.inode += 1;
        self.entry(self.inode, path, DIRECTORY | 0o755, 2, &[]);
        self
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, path: &str, target: &str) -> &mut Self {
        self.inode += 1;
        self.entry(self.inode, path, SYMLINK | 0o777, 1, target.as_bytes());
        self
    }

    fn entry(&mut self, inode: u32, path: &str, mode: u32, links: u32, content: &[u8]) {
        let name_size = path.len() + 1;
        let fields = [
            inode as usize,
            mode as usize,
            0,
            0,
            links as usize,
            0,
            content.len(),
            0,
            0,
            0,
            0,
            name_size,
            0,
        ];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.pad(newc::LENGTH + name_size);
        self.bytes.extend(content);
        self.pad(content.len());
    }

    fn pad(&mut self, length: usize) {
        let zeros = padding(length as u64);
        self.bytes.extend((0..zeros).map(|_| 0));
    }

    /// The archive, with the entry that ends it.
    pub fn finish(&mut self) -> Vec<u8> {
        self.entry(0, "TRAILER!!!", 0, 1, &[]);
        std::mem::take(&mut self.bytes)
    }
}
