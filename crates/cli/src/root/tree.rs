//! Reading a root tree without ever leaving it.
//!
//! The kernel resolves every path within the tree (`openat2(2)` with
//! `RESOLVE_IN_ROOT`), so that an absolute symbolic link in the tree leads to
//! the tree's own file, never to the machine's. Nothing here needs `/proc`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::error::{RootError, failed};

/// A tree that holds an installed system.
#[derive(Debug)]
pub(crate) struct RootTree {
    /// Its top, opened for reading: `flock(2)` takes nothing less.
    pub(super) top: OwnedFd,
}

impl RootTree {
    pub(crate) fn open(path: &Path) -> Result<Self, RootError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = rustix::fs::open(path, flags, Mode::empty());
        top.map(|top| Self { top })
            .map_err(|source| RootError::Open {
                path: path.to_owned(),
                source: source.into(),
            })
    }

    /// The content of a file, or `None` where nothing is. At most `limit`
    /// bytes and one more are read, so that the caller sees an excess.
    ///
    /// # Errors
    /// Something else than a regular file is there: it is not opened, for a
    /// fifo never ends and a device does something. The null device counts as
    /// an empty file, as systemd's and netplan's users mask files with it.
    pub(crate) fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, RootError> {
        let Some(stat) = self.stat(path)? else {
            return Ok(None);
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::CharacterDevice if stat.st_rdev == rustix::fs::makedev(1, 3) => {
                return Ok(Some(Vec::new()));
            }
            other => return Err(obstacle(path, other, "a file")),
        }
        // It may have become something else since: not to wait is the least.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = self.resolve(path, flags).map_err(failed("read", path))?;
        let bytes = read_bounded(file.into(), size(&stat), limit).map_err(failed("read", path))?;
        Ok(Some(bytes))
    }

    /// Something is at the path (links followed inside the tree).
    pub(crate) fn exists(&self, path: &str) -> Result<bool, RootError> {
        Ok(self.stat(path)?.is_some())
    }

    /// One of these is there.
    pub(crate) fn has_any(
        &self,
        paths: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<bool, RootError> {
        for path in paths {
            if self.exists(path.as_ref())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Permission bits of what is at the path (links followed).
    pub(crate) fn mode(&self, path: &str) -> Result<Option<u32>, RootError> {
        Ok(self.stat(path)?.map(|stat| stat.st_mode & 0o7777))
    }

    /// The names in a directory, sorted; none where it does not exist.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<String>, RootError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let Some(directory) = absent(self.resolve(path, flags)).map_err(failed("list", path))?
        else {
            return Ok(Vec::new());
        };
        names(directory).map_err(failed("list", path))
    }

    fn stat(&self, path: &str) -> Result<Option<Stat>, RootError> {
        let found = absent(self.resolve(path, OFlags::PATH)).map_err(failed("look at", path))?;
        found
            .map(rustix::fs::fstat)
            .transpose()
            .map_err(failed("look at", path))
    }

    /// Opens a path inside the tree, the tree's links followed.
    pub(super) fn resolve(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        // `EAGAIN`: something was renamed meanwhile, and the kernel can't tell
        // whether `..` stays inside (openat2(2)).
        const TRIES: usize = 64;
        let path = if path.is_empty() { "." } else { path };
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let flags = flags | OFlags::CLOEXEC;
        let mut result = Err(Errno::AGAIN);
        for _ in 0..TRIES {
            result = rustix::fs::openat2(&self.top, path, flags, Mode::empty(), resolve);
            if !matches!(result, Err(Errno::AGAIN | Errno::INTR)) {
                break;
            }
        }
        result
    }
}

/// The names in an open directory, sorted; those that are no text left out.
fn names(directory: OwnedFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::new(directory)? {
        match entry?.file_name().to_str() {
            Ok("." | "..") | Err(_) => {}
            Ok(name) => names.push(name.to_owned()),
        }
    }
    names.sort();
    Ok(names)
}

/// Reads at most `limit` bytes and one more; `size` bytes are expected.
pub(super) fn read_bounded(file: File, size: u64, limit: u64) -> io::Result<Vec<u8>> {
    // Too little room for the end costs a read of its own.
    const ROOM: usize = 64;
    let expected = usize::try_from(size.min(limit)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(expected.saturating_add(ROOM));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a regular file of the machine that runs this, within `limit`.
///
/// # Errors
/// `InvalidInput` names what is there instead of a file, and a file that is
/// longer.
pub(crate) fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let refuse = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    let stat = rustix::fs::stat(path)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile {
        return Err(refuse(format!("it is {}", type_name(kind))));
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    let bytes = read_bounded(file.into(), size(&stat), limit)?;
    if bytes.len() as u64 > limit {
        return Err(refuse(format!("it is longer than {limit} bytes")));
    }
    Ok(bytes)
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Where a symbolic link leads, which is not followed.
pub(super) fn link_target(directory: &impl AsFd, name: &str) -> Result<std::path::PathBuf, Errno> {
    let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
    Ok(OsStr::from_bytes(target.to_bytes()).into())
}

/// What is at a name in a directory, not followed.
pub(super) fn stat_at(directory: &impl AsFd, name: &str) -> Result<Option<Stat>, Errno> {
    absent(rustix::fs::statat(
        directory,
        name,
        AtFlags::SYMLINK_NOFOLLOW,
    ))
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// "Nothing is there" is an answer.
pub(super) fn absent<T>(result: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is there is nothing that belongs there.
pub(super) fn obstacle(path: &str, kind: FileType, belongs: &'static str) -> RootError {
    RootError::Obstacle {
        path: path.to_owned(),
        what: type_name(kind),
        belongs,
    }
}

/// What messages call a type of file.
fn type_name(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "neither a file nor a link",
    }
}
