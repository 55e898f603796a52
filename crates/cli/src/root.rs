//! The root tree: the only place that writes, and it stays inside.
//!
//! Every path is resolved within the tree by the kernel (`openat2(2)` with
//! `RESOLVE_IN_ROOT`, through pathrs), so that an absolute symbolic link in
//! the tree leads to the tree's own file, never to the machine's.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nvmeroot_render::{Change, ChangeKind, FileSet, TreePath};
use pathrs::error::ErrorKind;
use pathrs::flags::{OpenFlags, RenameFlags};
use pathrs::{InodeType, Root};
use thiserror::Error;

/// Why the tree could not be read or written.
#[derive(Debug, Error)]
pub(crate) enum RootError {
    #[error("can't open the root tree `{}`: {}", .path.display(), os_reason(.source))]
    Open {
        path: PathBuf,
        source: Box<pathrs::error::Error>,
    },
    #[error("can't {action} `{path}` in the root tree: {}", os_reason(.source))]
    Inside {
        action: &'static str,
        path: String,
        source: Box<pathrs::error::Error>,
    },
    #[error("can't {action} `{path}` in the root tree: {source}")]
    Io {
        action: &'static str,
        path: String,
        source: std::io::Error,
    },
    #[error("`{path}` in the root tree is {what}, where a file belongs\nhint: move it away")]
    Obstacle { path: String, what: &'static str },
}

/// pathrs says how it resolved the path; the user wants the system's word.
fn os_reason(error: &pathrs::error::Error) -> String {
    match error.kind() {
        ErrorKind::OsError(Some(errno)) => std::io::Error::from_raw_os_error(errno).to_string(),
        _ => error.to_string(),
    }
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created,
    Replaced,
    ModeSet,
    Unchanged,
    MovedAside(TreePath),
    Removed,
}

/// A tree that holds an installed system.
#[derive(Debug)]
pub(crate) struct RootTree {
    root: Root,
}

/// What is at a path now.
enum Found {
    Nothing,
    File { bytes: Vec<u8>, mode: u32 },
    Link(PathBuf),
    Other(&'static str),
}

/// A change that is still to be made; files already lie beside their place.
enum Pending {
    Nothing,
    Place { staged: String, replaces: bool },
    SetMode(u32),
    MoveAside(TreePath),
    Remove,
}

impl RootTree {
    pub(crate) fn open(path: &Path) -> Result<Self, RootError> {
        let root = Root::open(path).map_err(|source| RootError::Open {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        Ok(Self { root })
    }

    /// The content of a file, or `None` where nothing is. At most `limit`
    /// bytes and one more are read, so that the caller sees an excess.
    pub(crate) fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, RootError> {
        let Some(handle) = absent(self.root.resolve(path), "read", path)? else {
            return Ok(None);
        };
        let file = handle
            .reopen(OpenFlags::O_RDONLY)
            .map_err(inside("read", path))?;
        let mut bytes = Vec::new();
        file.take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(io("read", path))?;
        Ok(Some(bytes))
    }

    /// Something is at the path (links followed inside the tree).
    pub(crate) fn exists(&self, path: &str) -> Result<bool, RootError> {
        Ok(absent(self.root.resolve(path), "look for", path)?.is_some())
    }

    /// The names in a directory, sorted; none where it does not exist.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<String>, RootError> {
        let Some(handle) = absent(self.root.resolve(path), "list", path)? else {
            return Ok(Vec::new());
        };
        let dir = handle
            .reopen(OpenFlags::O_DIRECTORY)
            .map_err(inside("list", path))?;
        let entries = rustix::fs::Dir::read_from(&dir).map_err(|e| io("list", path)(e.into()))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| io("list", path)(e.into()))?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        names.sort();
        Ok(names)
    }

    /// What each change would do, without doing it.
    pub(crate) fn preview(&self, set: &FileSet) -> Result<Vec<Outcome>, RootError> {
        set.into_iter().map(|change| self.compare(change)).collect()
    }

    /// Makes the changes: first every new file is written beside its place,
    /// then all are put there by renaming. Where the first part fails, the
    /// tree is as it was.
    pub(crate) fn apply(&self, set: &FileSet) -> Result<Vec<Outcome>, RootError> {
        let outcomes = self.preview(set)?;
        // The caller's umask must not take a directory from others; to set a
        // mode afterwards costs more than all else about it.
        let umask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let result = self.make(set, &outcomes);
        rustix::process::umask(umask);
        result.map(|()| outcomes)
    }

    fn make(&self, set: &FileSet, outcomes: &[Outcome]) -> Result<(), RootError> {
        let mut undo = Undo {
            root: &self.root,
            files: Vec::new(),
            directories: Vec::new(),
            known: BTreeSet::new(),
        };
        let mut pending = Vec::with_capacity(outcomes.len());
        for (change, outcome) in set.into_iter().zip(outcomes) {
            pending.push(self.stage(change, outcome, &mut undo)?);
        }
        for (change, step) in set.into_iter().zip(pending) {
            self.commit(change, step)?;
        }
        undo.files.clear();
        undo.directories.clear();
        Ok(())
    }

    fn compare(&self, change: &Change) -> Result<Outcome, RootError> {
        let path = change.path.as_str();
        let found = self.look(path)?;
        Ok(match (&change.kind, found) {
            (ChangeKind::File { .. }, Found::Other(what)) => {
                return Err(RootError::Obstacle {
                    path: path.to_owned(),
                    what,
                });
            }
            (ChangeKind::File { .. } | ChangeKind::Symlink { .. }, Found::Nothing) => {
                Outcome::Created
            }
            (
                ChangeKind::File { mode, bytes },
                Found::File {
                    bytes: old,
                    mode: old_mode,
                },
            ) => match (old == *bytes, old_mode == mode.bits()) {
                (true, true) => Outcome::Unchanged,
                (true, false) => Outcome::ModeSet,
                (false, _) => Outcome::Replaced,
            },
            (ChangeKind::Symlink { target }, Found::Link(old)) if old == Path::new(target) => {
                Outcome::Unchanged
            }
            (ChangeKind::File { .. } | ChangeKind::Symlink { .. }, _) => Outcome::Replaced,
            (ChangeKind::MoveAside { .. } | ChangeKind::Absent, Found::Nothing) => {
                Outcome::Unchanged
            }
            (ChangeKind::MoveAside { unless_link_to, .. }, Found::Link(old))
                if old == Path::new(unless_link_to) =>
            {
                Outcome::Unchanged
            }
            (ChangeKind::MoveAside { to, .. }, _) => Outcome::MovedAside(self.free_name(to)?),
            (ChangeKind::Absent, _) => Outcome::Removed,
            (other, _) => {
                unreachable!("a kind of change that this program does not know: {other:?}")
            }
        })
    }

    fn stage(
        &self,
        change: &Change,
        outcome: &Outcome,
        undo: &mut Undo<'_>,
    ) -> Result<Pending, RootError> {
        let path = change.path.as_str();
        Ok(match (outcome, &change.kind) {
            (Outcome::Unchanged, _) => Pending::Nothing,
            (Outcome::ModeSet, ChangeKind::File { mode, .. }) => Pending::SetMode(mode.bits()),
            (Outcome::MovedAside(to), _) => Pending::MoveAside(to.clone()),
            (Outcome::Removed, _) => Pending::Remove,
            (_, kind) => {
                self.make_directories(change.path.directory(), undo)?;
                let staged = staging_name(&change.path);
                match kind {
                    ChangeKind::File { mode, bytes } => {
                        self.write_new(&staged, mode.bits(), bytes, path, undo)?;
                    }
                    ChangeKind::Symlink { target } => {
                        let link = InodeType::Symlink(target.into());
                        self.replacing_left_over(&staged, || self.root.create(&staged, &link))?;
                        undo.files.push(staged.clone());
                    }
                    ChangeKind::MoveAside { .. } | ChangeKind::Absent => {}
                    other => {
                        unreachable!("a kind of change that this program does not know: {other:?}")
                    }
                }
                Pending::Place {
                    staged,
                    replaces: *outcome != Outcome::Created,
                }
            }
        })
    }

    fn commit(&self, change: &Change, step: Pending) -> Result<(), RootError> {
        let path = change.path.as_str();
        match step {
            Pending::Nothing => Ok(()),
            Pending::Place { staged, replaces } => {
                let flags = if replaces {
                    RenameFlags::empty()
                } else {
                    RenameFlags::RENAME_NOREPLACE
                };
                self.root
                    .rename(staged, path, flags)
                    .map_err(inside("write", path))
            }
            Pending::SetMode(bits) => {
                let handle = self
                    .root
                    .resolve_nofollow(path)
                    .map_err(inside("set the mode of", path))?;
                let file = handle
                    .reopen(OpenFlags::O_RDONLY)
                    .map_err(inside("set the mode of", path))?;
                file.set_permissions(PermissionsExt::from_mode(bits))
                    .map_err(io("set the mode of", path))
            }
            Pending::MoveAside(to) => self
                .root
                .rename(path, to.as_str(), RenameFlags::RENAME_NOREPLACE)
                .map_err(inside("move aside", path)),
            Pending::Remove => self.root.remove_file(path).map_err(inside("remove", path)),
        }
    }

    fn look(&self, path: &str) -> Result<Found, RootError> {
        let Some(handle) = absent(self.root.resolve_nofollow(path), "look at", path)? else {
            return Ok(Found::Nothing);
        };
        let stat = rustix::fs::fstat(&handle).map_err(|e| io("look at", path)(e.into()))?;
        match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
            rustix::fs::FileType::Symlink => self
                .root
                .readlink(path)
                .map(Found::Link)
                .map_err(inside("look at", path)),
            rustix::fs::FileType::RegularFile => {
                let mut file = handle
                    .reopen(OpenFlags::O_RDONLY)
                    .map_err(inside("read", path))?;
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(io("read", path))?;
                let mode = file.metadata().map_err(io("read", path))?.mode() & 0o7777;
                Ok(Found::File { bytes, mode })
            }
            rustix::fs::FileType::Directory => Ok(Found::Other("a directory")),
            _ => Ok(Found::Other("neither a file nor a link")),
        }
    }

    fn free_name(&self, to: &TreePath) -> Result<TreePath, RootError> {
        let mut name = to.clone();
        for n in 1_u32.. {
            if matches!(self.look(name.as_str())?, Found::Nothing) {
                break;
            }
            name = format!("{to}.{n}").parse().unwrap_or_else(|_| to.clone());
        }
        Ok(name)
    }

    fn make_directories(&self, directory: &str, undo: &mut Undo<'_>) -> Result<(), RootError> {
        if undo.known.contains(directory) {
            return Ok(());
        }
        let mut upto = String::new();
        for part in directory.split('/').filter(|p| !p.is_empty()) {
            if !upto.is_empty() {
                upto.push('/');
            }
            upto.push_str(part);
            if !undo.known.insert(upto.clone()) {
                continue;
            }
            if absent(self.root.resolve(&upto), "look at", &upto)?.is_none() {
                let mode = PermissionsExt::from_mode(0o755);
                self.root
                    .create(&upto, &InodeType::Directory(mode))
                    .map_err(inside("make the directory", &upto))?;
                undo.directories.push(upto.clone());
            }
        }
        Ok(())
    }

    /// Makes a staged file; one that a killed run left goes first.
    fn replacing_left_over<T>(
        &self,
        staged: &str,
        create: impl Fn() -> Result<T, pathrs::error::Error>,
    ) -> Result<T, RootError> {
        const EEXIST: i32 = 17;
        match create() {
            Err(error) if error.kind() == ErrorKind::OsError(Some(EEXIST)) => {
                self.root
                    .remove_file(staged)
                    .map_err(inside("remove", staged))?;
                create()
            }
            other => other,
        }
        .map_err(inside("write", staged))
    }

    fn write_new(
        &self,
        staged: &str,
        bits: u32,
        bytes: &[u8],
        path: &str,
        undo: &mut Undo<'_>,
    ) -> Result<(), RootError> {
        let flags = OpenFlags::O_WRONLY | OpenFlags::O_EXCL;
        // Nobody else may read it before its mode is set.
        let create = || {
            let mode = PermissionsExt::from_mode(0o600);
            self.root.create_file(staged, flags, &mode)
        };
        let mut file = self.replacing_left_over(staged, create)?;
        undo.files.push(staged.to_owned());
        file.write_all(bytes).map_err(io("write", path))?;
        file.set_permissions(PermissionsExt::from_mode(bits))
            .map_err(io("write", path))
    }
}

/// Takes back what was staged, newest first, unless it is emptied.
struct Undo<'a> {
    root: &'a Root,
    files: Vec<String>,
    directories: Vec<String>,
    /// Directories that were looked for already: looking is what costs most.
    known: BTreeSet<String>,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        // The error that led here is the one to report; these can't be.
        for file in self.files.drain(..).rev() {
            let _ = self.root.remove_file(file);
        }
        for directory in self.directories.drain(..).rev() {
            let _ = self.root.remove_dir(directory);
        }
    }
}

/// initramfs-tools and netplan pass over hidden names, so that a staged file
/// is never taken for a real one.
fn staging_name(path: &TreePath) -> String {
    let name = format!(".{}.nvmeroot-new", path.file_name());
    match path.directory() {
        "" => name,
        directory => format!("{directory}/{name}"),
    }
}

fn inside(action: &'static str, path: &str) -> impl FnOnce(pathrs::error::Error) -> RootError {
    move |source| RootError::Inside {
        action,
        path: path.to_owned(),
        source: Box::new(source),
    }
}

fn io(action: &'static str, path: &str) -> impl FnOnce(std::io::Error) -> RootError {
    move |source| RootError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

fn absent<T>(
    result: Result<T, pathrs::error::Error>,
    action: &'static str,
    path: &str,
) -> Result<Option<T>, RootError> {
    const ENOENT: i32 = 2;
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::OsError(Some(ENOENT))) => Ok(None),
        Err(error) => Err(inside(action, path)(error)),
    }
}

#[cfg(test)]
mod tests;
