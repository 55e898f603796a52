//! The calls by which a root tree is changed, each for a path inside the tree.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::rc::Rc;

use nvmeroot_render::TreePath;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

use super::error::{RootError, failed};
use super::tree::{RootTree, absent, file_name, link_target, stat_at};

/// Directories that are kept open: a program may have a thousand files open, and a
/// drop-in of each interface has a directory of its own.
const MOST_OPEN: usize = 64;

/// Writes in a root tree, and knows which filesystems it wrote to.
pub(super) struct Writer<'a> {
    pub(super) root: &'a RootTree,
    /// By device, the filesystems in which something changes: one of the
    /// directories, open since before the first file is made.
    filesystems: BTreeMap<u64, (String, Rc<OwnedFd>)>,
    /// Directories by path.
    open: BTreeMap<String, Rc<OwnedFd>>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(root: &'a RootTree) -> Self {
        Self {
            root,
            filesystems: BTreeMap::new(),
            open: BTreeMap::new(),
        }
    }

    /// Something is at the path, which is not followed.
    pub(super) fn exists(&mut self, path: &str) -> Result<bool, Errno> {
        let found = self.at(path, stat_at);
        Ok(absent(found)?.flatten().is_some())
    }

    /// Writes a file that is not there yet.
    pub(super) fn write(&mut self, path: &str, bits: u32, bytes: &[u8]) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        // It is never open to more people than it is in the end.
        let mode = Mode::from_raw_mode(bits);
        let file = self.at(path, |directory, name| {
            rustix::fs::openat(directory, name, flags, mode)
        })?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        let stat = rustix::fs::fstat(&file)?;
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        // A directory with the set-group-ID bit gives its own group.
        if (stat.st_uid, stat.st_gid) != (uid.as_raw(), gid.as_raw()) {
            rustix::fs::fchown(&file, Some(uid), Some(gid))?;
        }
        if stat.st_mode & 0o7777 != bits {
            rustix::fs::fchmod(&file, mode)?;
        }
        Ok(file)
    }

    pub(super) fn symlink(&mut self, path: &str, target: &str) -> Result<(), Errno> {
        self.at(path, |directory, name| {
            rustix::fs::symlinkat(target, directory, name)
        })
    }

    /// Gives what is at a path a second name, which is free.
    pub(super) fn link(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let target = self.directory(TreePath::directory_of(to))?;
        self.at(from, |directory, name| {
            rustix::fs::linkat(directory, name, &target, file_name(to), AtFlags::empty())
        })
    }

    /// Makes what is at a path a second time: by a link where the filesystem allows it,
    /// else by a copy with the same mode, owner, time and attributes.
    pub(super) fn duplicate(&mut self, from: &str, to: &str) -> io::Result<()> {
        match self.link(from, to) {
            Err(error) if can_not_link(error) || error == Errno::XDEV => {}
            other => return Ok(other?),
        }
        let target = self.directory(TreePath::directory_of(to))?;
        let stat = self.at(from, stat_at)?;
        let stat = stat.ok_or(Errno::NOENT)?;
        let from = (
            self.directory(TreePath::directory_of(from))?,
            file_name(from),
        );
        copy((&from.0, from.1), &stat, (&target, file_name(to)))
    }

    /// Renames; `is_free`: nothing is at the new name.
    pub(super) fn rename(&mut self, from: &str, to: &str, is_free: bool) -> Result<(), Errno> {
        let target = self.directory(TreePath::directory_of(to))?;
        let to = file_name(to);
        self.at(from, |directory, name| {
            let plain = || rustix::fs::renameat(directory, name, &target, to);
            if !is_free {
                return plain();
            }
            let flags = RenameFlags::NOREPLACE;
            match rustix::fs::renameat_with(directory, name, &target, to, flags) {
                // Not every filesystem can promise it.
                Err(Errno::INVAL) => plain(),
                other => other,
            }
        })
    }

    /// Removes a file, if it is there.
    pub(super) fn unlink(&mut self, path: &str) -> Result<(), Errno> {
        let removed = self.at(path, |directory, name| {
            rustix::fs::unlinkat(directory, name, AtFlags::empty())
        });
        absent(removed).map(|_| ())
    }

    /// Makes a directory; `false`: it is there already.
    pub(super) fn make_directory(&mut self, path: &str, bits: u32) -> Result<bool, Errno> {
        let made = self.at(path, |directory, name| {
            rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(bits))
        });
        match made {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => self.directory(path).map(|_| false),
            Err(error) => Err(error),
        }
    }

    /// Removes a directory, if it is there and nothing is in it.
    pub(super) fn remove_directory(&mut self, path: &str) -> Result<bool, Errno> {
        self.open.remove(path);
        let removed = self.at(path, |directory, name| {
            rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR)
        });
        match removed {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Of a directory that was made, the filesystem is the one of those above.
    pub(super) fn note_filesystem(&mut self, directory: &str) -> Result<(), Errno> {
        let open = self.directory(directory)?;
        let device = rustix::fs::fstat(&open)?.st_dev;
        self.filesystems
            .entry(device)
            .or_insert_with(|| (directory.to_owned(), open));
        Ok(())
    }

    /// Makes all that was done durable. One call for a filesystem waits for the
    /// disk once, where `fsync(2)` waits for each file and each directory.
    /// Since Linux 5.8 it tells of every write that failed (syncfs(2)).
    pub(super) fn sync(&self) -> Result<(), RootError> {
        for (directory, open) in self.filesystems.values() {
            rustix::fs::syncfs(open).map_err(failed("make durable", directory))?;
        }
        Ok(())
    }

    /// Makes the names in a directory durable.
    pub(super) fn sync_directory(&mut self, path: &str) -> Result<(), Errno> {
        rustix::fs::fsync(self.directory(path)?)
    }

    /// Does something to a name in its directory.
    fn at<T>(
        &mut self,
        path: &str,
        work: impl FnOnce(&OwnedFd, &str) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let directory = self.directory(TreePath::directory_of(path))?;
        work(&directory, file_name(path))
    }

    /// A directory that is there.
    pub(super) fn directory(&mut self, path: &str) -> Result<Rc<OwnedFd>, Errno> {
        if let Some(open) = self.open.get(path) {
            return Ok(Rc::clone(open));
        }
        let open = Rc::new(
            self.root
                .resolve(path, OFlags::RDONLY | OFlags::DIRECTORY)?,
        );
        if self.open.len() >= MOST_OPEN {
            self.open.clear();
        }
        self.open.insert(path.to_owned(), Rc::clone(&open));
        Ok(open)
    }
}

/// No filesystem must have hard links, and no file any number.
pub(super) fn can_not_link(error: Errno) -> bool {
    matches!(error, Errno::PERM | Errno::OPNOTSUPP | Errno::MLINK)
}

/// Copies a file or a symbolic link, with all that belongs to it.
fn copy(
    (from, name): (&OwnedFd, &str),
    stat: &Stat,
    (to, new): (&OwnedFd, &str),
) -> io::Result<()> {
    let owner = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => {
            let target = link_target(from, name)?;
            rustix::fs::symlinkat(target.as_os_str().as_bytes(), to, new)?;
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(to, new, Some(owner.0), Some(owner.1), flags)?;
            Ok(())
        }
        FileType::RegularFile => {
            let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let mut source = File::from(rustix::fs::openat(from, name, read, Mode::empty())?);
            let write = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let private = Mode::from_raw_mode(0o600);
            let mut copy = File::from(rustix::fs::openat(to, new, write, private)?);
            io::copy(&mut source, &mut copy)?;
            copy_attributes(&source, &copy)?;
            rustix::fs::fchown(&copy, Some(owner.0), Some(owner.1))?;
            // After the owner: a change of that takes the set-user-ID bit away.
            rustix::fs::fchmod(&copy, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
            let time = |seconds, nanoseconds: u64| Timespec {
                tv_sec: seconds,
                tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
            };
            let times = Timestamps {
                last_access: time(stat.st_atime, stat.st_atime_nsec),
                last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
            };
            rustix::fs::futimens(&copy, &times)?;
            Ok(())
        }
        _ => Err(Errno::INVAL.into()),
    }
}

/// Access control lists and the like (xattr(7)), as far as the filesystem of the copy
/// takes them.
fn copy_attributes(from: &impl AsFd, to: &impl AsFd) -> Result<(), Errno> {
    let mut names = vec![0; 1 << 16];
    let length = match rustix::fs::flistxattr(from, &mut names[..]) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(error) => return Err(error),
    };
    for name in names[..length].split(|byte| *byte == 0) {
        if name.is_empty() {
            continue;
        }
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::fgetxattr(from, name, &mut value[..])?;
        match rustix::fs::fsetxattr(to, name, &value[..length], XattrFlags::empty()) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::PERM) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
