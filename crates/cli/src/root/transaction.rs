//! Changing a root tree, all or nothing.
//!
//! First every new file is written beside its place; when all are durable they
//! are put there by renaming, in the order of the change set, while what was
//! there stays beside them; then that is removed. A failure, or a signal,
//! before that last part puts everything back. A program that is killed leaves
//! at each place either the former or the new file, and hidden files beside
//! them, which the next run removes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use nvmeroot_render::{Change, ChangeKind, FileSet, TreePath};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::compare::Outcome;
use super::error::{RootError, failed};
use super::stop::Stop;
use super::tree::{RootTree, absent};

/// Ends of the names of files that are to come and of those that were there.
/// The names begin with a dot: initramfs-tools, netplan and systemd pass over
/// hidden files.
const NEW: &str = ".nvmeroot-new";
const OLD: &str = ".nvmeroot-old";

/// Directories that are kept open: a program may have a thousand files open, and a
/// drop-in of each interface has a directory of its own.
const MOST_OPEN: usize = 64;

impl RootTree {
    /// Makes the changes. Where that fails the tree is as it was.
    pub(crate) fn apply(&self, set: &FileSet) -> Result<Vec<Outcome>, RootError> {
        self.clear_left_over();
        let outcomes = self.preview(set)?;
        if outcomes.iter().all(|one| *one == Outcome::Unchanged) {
            return Ok(outcomes);
        }
        let stop = Stop::watch();
        // The caller's umask must not take a directory from others.
        let umask = rustix::process::umask(Mode::from_raw_mode(0o022));
        let mut work = Transaction {
            root: self,
            stop: &stop,
            done: Vec::new(),
            filesystems: BTreeMap::new(),
            open: BTreeMap::new(),
        };
        let result = match work.run(set, &outcomes) {
            Ok(()) => {
                work.forget();
                Ok(outcomes)
            }
            Err(cause) => Err(work.undo(cause)),
        };
        rustix::process::umask(umask);
        result
    }

    /// Removes what a killed run left beside the files of any runtime. What
    /// can't be removed is in nobody's way, or is refused later.
    fn clear_left_over(&self) {
        let mut directories: Vec<String> = nvmeroot_render::DIRECTORIES.map(str::to_owned).into();
        let (parent, end, _) = nvmeroot_render::DROP_INS;
        for name in self.list(parent).unwrap_or_default() {
            if name.ends_with(end) {
                directories.push(format!("{parent}/{name}"));
            }
        }
        for directory in directories {
            for name in self.list(&directory).unwrap_or_default() {
                let is_ours = name.starts_with('.') && (name.ends_with(NEW) || name.ends_with(OLD));
                if is_ours && let Ok(directory) = self.directory(&directory) {
                    let _ = rustix::fs::unlinkat(&directory, &name, AtFlags::empty());
                }
            }
        }
    }

    fn directory(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }
}

/// One thing that was done, and can be undone.
enum Done {
    MadeDirectory(String),
    /// A hidden file beside its place: new, or a second link to the former.
    Hidden(String),
    /// Nothing was at the place.
    Created(String),
    /// What was at the place is at `old` as well, or instead.
    Replaced {
        path: String,
        old: String,
    },
    Moved {
        from: String,
        to: String,
    },
}

struct Transaction<'a> {
    root: &'a RootTree,
    stop: &'a Stop,
    done: Vec<Done>,
    /// By device, the filesystems in which something changes: one of the
    /// directories, open since before the first file is made.
    filesystems: BTreeMap<u64, (String, Rc<OwnedFd>)>,
    /// Directories by path.
    open: BTreeMap<String, Rc<OwnedFd>>,
}

impl Transaction<'_> {
    fn run(&mut self, set: &FileSet, outcomes: &[Outcome]) -> Result<(), RootError> {
        let changes = || {
            set.into_iter()
                .zip(outcomes)
                .filter(|(_, outcome)| **outcome != Outcome::Unchanged)
        };
        for (change, _) in changes() {
            self.stop.check()?;
            self.stage(change)?;
        }
        self.sync()?;
        for (change, outcome) in changes() {
            self.stop.check()?;
            self.commit(change, outcome)?;
        }
        self.sync()
    }

    /// Writes what is to come beside its place.
    fn stage(&mut self, change: &Change) -> Result<(), RootError> {
        let (path, directory) = (change.path.as_str(), change.path.directory());
        if matches!(
            change.kind,
            ChangeKind::File { .. } | ChangeKind::Symlink { .. }
        ) {
            self.make_directories(directory)?;
        }
        self.note_filesystem(directory)
            .map_err(failed("look at", directory))?;
        let new = hidden(path, NEW);
        match &change.kind {
            ChangeKind::File { mode, bytes } => self
                .write(&new, mode.bits(), bytes)
                .map_err(failed("write", path)),
            ChangeKind::Symlink { target } => {
                self.at(&new, |directory, name| {
                    rustix::fs::symlinkat(*target, directory, name)
                })
                .map_err(failed("write", path))?;
                self.done.push(Done::Hidden(new));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Of a directory that was made, the filesystem is the one of those above.
    fn note_filesystem(&mut self, directory: &str) -> Result<(), Errno> {
        let open = self.directory(directory)?;
        let device = rustix::fs::fstat(&open)?.st_dev;
        self.filesystems
            .entry(device)
            .or_insert_with(|| (directory.to_owned(), open));
        Ok(())
    }

    fn write(&mut self, new: &str, bits: u32, bytes: &[u8]) -> Result<(), std::io::Error> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        // It is never open to more people than it is in the end.
        let mode = Mode::from_raw_mode(bits);
        let file = self.at(new, |directory, name| {
            rustix::fs::openat(directory, name, flags, mode)
        })?;
        self.done.push(Done::Hidden(new.to_owned()));
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
        Ok(())
    }

    fn make_directories(&mut self, directory: &str) -> Result<(), RootError> {
        if absent(self.directory(directory))
            .map_err(failed("look at", directory))?
            .is_some()
        {
            return Ok(());
        }
        let parent = TreePath::directory_of(directory);
        self.make_directories(parent)?;
        self.at(directory, |parent, name| {
            rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755))
        })
        .map_err(failed("make the directory", directory))?;
        self.done.push(Done::MadeDirectory(directory.to_owned()));
        Ok(())
    }

    fn commit(&mut self, change: &Change, outcome: &Outcome) -> Result<(), RootError> {
        let path = change.path.as_str();
        let (new, old) = (hidden(path, NEW), hidden(path, OLD));
        match outcome {
            Outcome::Unchanged => {}
            Outcome::Created => {
                self.rename(&new, path, true)
                    .map_err(failed("write", path))?;
                self.done.push(Done::Created(path.to_owned()));
            }
            Outcome::Replaced | Outcome::ModeSet => {
                self.keep(path, &old).map_err(failed("write", path))?;
                self.rename(&new, path, false)
                    .map_err(failed("write", path))?;
                self.done.push(Done::Replaced {
                    path: path.to_owned(),
                    old,
                });
            }
            Outcome::MovedAside(to) => {
                self.rename(path, to.as_str(), true)
                    .map_err(failed("move aside", path))?;
                self.done.push(Done::Moved {
                    from: path.to_owned(),
                    to: to.to_string(),
                });
            }
            Outcome::Removed => {
                self.rename(path, &old, true)
                    .map_err(failed("remove", path))?;
                self.done.push(Done::Replaced {
                    path: path.to_owned(),
                    old,
                });
            }
        }
        Ok(())
    }

    /// Gives what is at `path` the second name `old`.
    fn keep(&mut self, path: &str, old: &str) -> Result<(), Errno> {
        let linked = self.at(path, |directory, name| {
            let old = old.rsplit_once('/').map_or(old, |(_, name)| name);
            rustix::fs::linkat(directory, name, directory, old, AtFlags::empty())
        });
        match linked {
            Ok(()) => {
                self.done.push(Done::Hidden(old.to_owned()));
                Ok(())
            }
            // No filesystem must have hard links, and no file any number.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::MLINK) => {
                self.rename(path, old, true)?;
                self.done.push(Done::Moved {
                    from: path.to_owned(),
                    to: old.to_owned(),
                });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Renames within one directory, or from a path to another.
    fn rename(&mut self, from: &str, to: &str, is_free: bool) -> Result<(), Errno> {
        let to_directory = self.directory(TreePath::directory_of(to))?;
        let to = to.rsplit_once('/').map_or(to, |(_, name)| name);
        self.at(from, |directory, name| {
            let plain = || rustix::fs::renameat(directory, name, &to_directory, to);
            if !is_free {
                return plain();
            }
            let flags = RenameFlags::NOREPLACE;
            match rustix::fs::renameat_with(directory, name, &to_directory, to, flags) {
                // Not every filesystem can promise it.
                Err(Errno::INVAL) => plain(),
                other => other,
            }
        })
    }

    /// Does something to a name in its directory.
    fn at<T>(
        &mut self,
        path: &str,
        work: impl FnOnce(&OwnedFd, &str) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let directory = self.directory(TreePath::directory_of(path))?;
        work(
            &directory,
            path.rsplit_once('/').map_or(path, |(_, name)| name),
        )
    }

    /// A directory that is there.
    fn directory(&mut self, path: &str) -> Result<Rc<OwnedFd>, Errno> {
        if let Some(open) = self.open.get(path) {
            return Ok(Rc::clone(open));
        }
        let open = Rc::new(self.root.directory(path)?);
        if self.open.len() >= MOST_OPEN {
            self.open.clear();
        }
        self.open.insert(path.to_owned(), Rc::clone(&open));
        Ok(open)
    }

    /// Makes all that was done durable. One call for a filesystem waits for the
    /// disk once, where `fsync(2)` waits for each file and each directory.
    /// Since Linux 5.8 it tells of every write that failed (syncfs(2)).
    fn sync(&self) -> Result<(), RootError> {
        for (directory, open) in self.filesystems.values() {
            rustix::fs::syncfs(open).map_err(failed("make durable", directory))?;
        }
        Ok(())
    }

    /// Removes what was kept; from here on there is no way back.
    fn forget(mut self) {
        for done in std::mem::take(&mut self.done) {
            if let Done::Replaced { old, .. } = done {
                // The next run tries again.
                let _ = self.unlink(&old);
            }
        }
    }

    /// Puts everything back, newest first, and returns the error to report.
    fn undo(mut self, cause: RootError) -> RootError {
        let mut first = None;
        while let Some(done) = self.done.pop() {
            let (result, path) = match &done {
                Done::MadeDirectory(path) => {
                    let removed = self.at(path, |directory, name| {
                        rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR)
                    });
                    (removed, path)
                }
                Done::Hidden(path) | Done::Created(path) => (self.unlink(path), path),
                Done::Replaced { path, old } => (self.rename(old, path, false), path),
                // It may be back already: see `keep`.
                Done::Moved { from, to } => {
                    (absent(self.rename(to, from, false)).map(|_| ()), from)
                }
            };
            if let Err(error) = result {
                first.get_or_insert((path.clone(), error));
            }
        }
        match first {
            None => cause,
            Some((path, source)) => RootError::NotUndone {
                cause: Box::new(cause),
                path,
                source: source.into(),
            },
        }
    }

    /// Removes a file, if it is there.
    fn unlink(&mut self, path: &str) -> Result<(), Errno> {
        let removed = self.at(path, |directory, name| {
            rustix::fs::unlinkat(directory, name, AtFlags::empty())
        });
        absent(removed).map(|_| ())
    }
}

/// The name beside a place.
fn hidden(path: &str, end: &str) -> String {
    match path.rsplit_once('/') {
        Some((directory, name)) => format!("{directory}/.{name}{end}"),
        None => format!(".{path}{end}"),
    }
}
