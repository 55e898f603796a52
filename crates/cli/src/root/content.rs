//! What a path holds, in a form that is small enough to be remembered.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use nvmeroot_render::TreePath;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Statx, StatxFlags, statx};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::{RootError, failed};
use super::tree::{RootTree, absent, file_name, link_target};

/// nvmeroot's own directory in a root tree: what it changed, and what was there before.
pub(super) const PLACE: &str = "var/lib/nvmeroot";

/// In it, what was in the places of nvmeroot's files before.
pub(super) const FORMER: &str = "var/lib/nvmeroot/former";

/// As much is compared at once.
const PART: usize = 1 << 16;

/// The SHA-256 digest of some bytes, written as sha256sum(1) does.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    fn of_file(mut file: impl Read) -> io::Result<Self> {
        let mut digest = Sha256::new();
        let mut part = vec![0; PART];
        loop {
            match file.read(&mut part)? {
                0 => return Ok(Self(digest.finalize().into())),
                read => digest.update(&part[..read]),
            }
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "a digest has 64 hexadecimal digits";
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(WRONG);
        }
        let mut bytes = [0; 32];
        for (byte, two) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let two = std::str::from_utf8(two).map_err(|_| WRONG)?;
            *byte = u8::from_str_radix(two, 16).map_err(|_| WRONG)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

/// The number under which something is kept in [`FORMER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Kept(pub(super) u32);

impl Kept {
    pub(super) fn path(self) -> String {
        format!("{FORMER}/{}", self.0)
    }
}

/// What a path holds. Modes and owners are put right, not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Content {
    Absent,
    File {
        size: u64,
        sha256: Digest,
    },
    /// A symbolic link; the digest is of what it says.
    Link {
        sha256: Digest,
    },
    /// The very thing that is kept under that number.
    Kept {
        number: Kept,
    },
}

impl Content {
    pub(super) fn of_file(bytes: &[u8]) -> Self {
        Self::File {
            size: bytes.len() as u64,
            sha256: Digest::of(bytes),
        }
    }

    pub(super) fn of_link(target: &str) -> Self {
        Self::Link {
            sha256: Digest::of(target.as_bytes()),
        }
    }
}

impl RootTree {
    /// This is what the path holds now.
    pub(super) fn holds(&self, path: &str, content: &Content) -> Result<bool, RootError> {
        let found = self.entry(path).map_err(failed("look at", path))?;
        let Some(found) = found else {
            return Ok(*content == Content::Absent);
        };
        match content {
            Content::Absent => Ok(false),
            Content::File { size, sha256 } => {
                if found.kind() != FileType::RegularFile || found.stat.stx_size != *size {
                    return Ok(false);
                }
                let digest = || Digest::of_file(found.open()?);
                Ok(digest().map_err(failed("read", path))? == *sha256)
            }
            Content::Link { .. } if found.kind() != FileType::Symlink => Ok(false),
            Content::Link { sha256 } => {
                let target = found.target().map_err(failed("look at", path))?;
                Ok(Digest::of(target.as_os_str().as_bytes()) == *sha256)
            }
            Content::Kept { number } => {
                let kept = number.path();
                let Some(kept) = self.entry(&kept).map_err(failed("look at", &kept))? else {
                    return Ok(false);
                };
                found.is_same(&kept).map_err(failed("read", path))
            }
        }
    }

    /// Both are names of the same file, which are not followed.
    pub(super) fn is_one_file(&self, one: &str, other: &str) -> Result<bool, Errno> {
        let place = |path| {
            let found = self.entry(path)?;
            Ok(found.map(|found| found.place()))
        };
        Ok(place(one)? == place(other)?)
    }

    /// What is at a path, not followed; nothing, too, where its directory is not there.
    pub(super) fn entry(&self, path: &str) -> Result<Option<Found>, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let directory = match self.resolve(TreePath::directory_of(path), flags) {
            Err(Errno::NOTDIR) => None,
            other => absent(other)?,
        };
        let Some(directory) = directory else {
            return Ok(None);
        };
        let name = file_name(path).to_owned();
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = absent(statx(&directory, &name, flags, StatxFlags::BASIC_STATS))?;
        Ok(stat.map(|stat| Found {
            directory,
            name,
            stat,
        }))
    }
}

/// Something that is at a path.
pub(super) struct Found {
    directory: OwnedFd,
    name: String,
    pub(super) stat: Statx,
}

impl Found {
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.stx_mode.into())
    }

    /// Which file it is.
    fn place(&self) -> (u32, u32, u64) {
        let stat = &self.stat;
        (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino)
    }

    pub(super) fn open(&self) -> Result<File, Errno> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, &self.name, flags, Mode::empty())?;
        Ok(file.into())
    }

    /// Where a symbolic link leads.
    pub(super) fn target(&self) -> Result<PathBuf, Errno> {
        link_target(&self.directory, &self.name)
    }

    /// The same file, or one of the same kind, mode, owner and content.
    fn is_same(&self, other: &Self) -> io::Result<bool> {
        let (a, b) = (&self.stat, &other.stat);
        if self.place() == other.place() {
            return Ok(true);
        }
        if (a.stx_mode, a.stx_uid, a.stx_gid) != (b.stx_mode, b.stx_uid, b.stx_gid) {
            return Ok(false);
        }
        match self.kind() {
            FileType::RegularFile if a.stx_size == b.stx_size => {
                is_equal(self.open()?, other.open()?)
            }
            FileType::Symlink => Ok(self.target()? == other.target()?),
            _ => Ok(false),
        }
    }
}

fn is_equal(mut one: File, mut other: File) -> io::Result<bool> {
    let (mut a, mut b) = (vec![0; PART], vec![0; PART]);
    loop {
        let (read_a, read_b) = (fill(&mut one, &mut a)?, fill(&mut other, &mut b)?);
        if a[..read_a] != b[..read_b] {
            return Ok(false);
        }
        if read_a == 0 {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full, or nothing is left.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut full = 0;
    while full < buffer.len() {
        match from.read(&mut buffer[full..])? {
            0 => break,
            read => full += read,
        }
    }
    Ok(full)
}
