//! What each change would do, and whether it can be done: everything that can
//! be refused is refused here, before anything is changed.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nvmeroot_render::{Change, ChangeKind, TreePath};
use rustix::fs::{Access, AtFlags, FileType, OFlags, StatxAttributes, StatxFlags, statx};
use rustix::io::Errno;

use super::content::Found;
use super::error::{RootError, failed};
use super::tree::{RootTree, absent, obstacle, read_bounded};

/// What becomes of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created,
    Replaced,
    ModeSet,
    Unchanged,
    MovedAside(TreePath),
    Removed,
    /// What was there before nvmeroot came is there again.
    PutBack,
}

/// What is at a path now.
enum There {
    Nothing,
    File {
        same: bool,
        mode: u32,
        is_ours: bool,
    },
    Link(PathBuf),
    Other(FileType),
}

impl RootTree {
    /// What the change would do. `is_vacated`: nothing will be there any more.
    ///
    /// # Errors
    /// What is there can't be replaced.
    pub(super) fn compare(&self, change: &Change, is_vacated: bool) -> Result<Outcome, RootError> {
        let path = change.path.as_str();
        let wanted = match &change.kind {
            ChangeKind::File { bytes, .. } => Some(bytes.as_slice()),
            _ => None,
        };
        let (found, attributes) = match is_vacated {
            true => (There::Nothing, StatxAttributes::empty()),
            false => self.look(&change.path, wanted)?,
        };
        let obstacle = |kind, belongs| obstacle(path, kind, belongs);
        let outcome = match (&change.kind, found) {
            (ChangeKind::File { .. } | ChangeKind::Symlink { .. }, There::Nothing) => {
                Outcome::Created
            }
            (ChangeKind::MoveAside { .. } | ChangeKind::Absent, There::Nothing) => {
                Outcome::Unchanged
            }
            (ChangeKind::File { .. }, There::Other(kind)) => {
                return Err(obstacle(kind, "a file"));
            }
            (ChangeKind::Symlink { .. }, There::Other(kind)) => {
                return Err(obstacle(kind, "a symbolic link"));
            }
            (ChangeKind::Absent, There::Other(kind)) => {
                return Err(obstacle(kind, "nothing"));
            }
            (
                ChangeKind::File { mode: wanted, .. },
                There::File {
                    same: true,
                    mode,
                    is_ours: true,
                },
            ) => match mode == wanted.bits() {
                true => Outcome::Unchanged,
                false => Outcome::ModeSet,
            },
            (ChangeKind::Symlink { target }, There::Link(old)) if old == Path::new(target) => {
                Outcome::Unchanged
            }
            (ChangeKind::MoveAside { unless_link_to, .. }, There::Link(old))
                if old == Path::new(unless_link_to) =>
            {
                Outcome::Unchanged
            }
            (ChangeKind::File { .. } | ChangeKind::Symlink { .. }, _) => Outcome::Replaced,
            (ChangeKind::MoveAside { to, .. }, _) => Outcome::MovedAside(self.free_name(to)?),
            (ChangeKind::Absent, _) => Outcome::Removed,
            (other, _) => {
                unreachable!("a kind of change that this program does not know: {other:?}")
            }
        };
        if outcome != Outcome::Unchanged {
            refuse(attributes, path)?;
        }
        Ok(outcome)
    }

    fn look(
        &self,
        path: &TreePath,
        wanted: Option<&[u8]>,
    ) -> Result<(There, StatxAttributes), RootError> {
        let path = path.as_str();
        let Some(found) = self.entry(path).map_err(failed("look at", path))? else {
            return Ok((There::Nothing, StatxAttributes::empty()));
        };
        let stat = &found.stat;
        let there = match found.kind() {
            FileType::RegularFile => There::File {
                same: is_same(&found, wanted).map_err(failed("read", path))?,
                mode: u32::from(stat.stx_mode) & 0o7777,
                is_ours: stat.stx_uid == rustix::process::geteuid().as_raw()
                    && stat.stx_gid == rustix::process::getegid().as_raw(),
            },
            FileType::Symlink => There::Link(found.target().map_err(failed("look at", path))?),
            other => There::Other(other),
        };
        Ok((there, stat.stx_attributes))
    }

    /// What is there, if anything, may be taken away.
    pub(super) fn check_replaceable(&self, path: &TreePath) -> Result<(), RootError> {
        let (found, attributes) = self.look(path, None)?;
        match found {
            There::Nothing => Ok(()),
            There::Other(kind) => Err(obstacle(path.as_str(), kind, "a file")),
            There::File { .. } | There::Link(_) => refuse(attributes, path.as_str()),
        }
    }

    /// The directory and those above, as far as they are not there, the topmost first.
    pub(super) fn missing_directories(&self, directory: &str) -> Result<Vec<TreePath>, RootError> {
        let mut missing = Vec::new();
        let mut at = directory;
        while let Ok(path) = at.parse::<TreePath>() {
            match absent(self.resolve(at, OFlags::PATH | OFlags::DIRECTORY)) {
                Ok(None) => missing.push(path),
                Ok(Some(_)) => break,
                Err(error) => return Err(failed("look at", at)(error)),
            }
            at = TreePath::directory_of(at);
        }
        missing.reverse();
        Ok(missing)
    }

    pub(super) fn free_name(&self, to: &TreePath) -> Result<TreePath, RootError> {
        let mut name = to.clone();
        for n in 1_u32.. {
            if matches!(self.look(&name, None)?.0, There::Nothing) {
                break;
            }
            name = format!("{to}.{n}").parse().unwrap_or_else(|_| to.clone());
        }
        Ok(name)
    }

    /// The directory, or the nearest one above it that is there, can be
    /// written to. `writable`: those of which this is known.
    pub(super) fn check_directory(
        &self,
        directory: &str,
        writable: &mut BTreeSet<String>,
    ) -> Result<(), RootError> {
        let mut at = directory;
        while writable.insert(at.to_owned()) {
            match self.resolve(at, OFlags::PATH) {
                Ok(found) => return check_writable(&found, at),
                Err(Errno::NOENT) => self.check_is_missing(at)?,
                // Something above it is no directory; that is found next.
                Err(Errno::NOTDIR) => {}
                Err(error) => return Err(failed("look at", at)(error)),
            }
            at = TreePath::directory_of(at);
        }
        Ok(())
    }

    /// Nothing is at the path: not even a link, which would keep a directory
    /// from being made.
    fn check_is_missing(&self, path: &str) -> Result<(), RootError> {
        match self.entry(path) {
            Ok(Some(_)) => Err(RootError::Dangling {
                path: path.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// The file holds these bytes. One of another length is not read.
fn is_same(found: &Found, wanted: Option<&[u8]>) -> std::io::Result<bool> {
    let size = found.stat.stx_size;
    let Some(wanted) = wanted.filter(|wanted| wanted.len() as u64 == size) else {
        return Ok(false);
    };
    match found.open() {
        Ok(file) => Ok(read_bounded(file, size, size)? == wanted),
        // Whoever may replace it need not be allowed to read it.
        Err(Errno::ACCESS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What is there may be replaced, moved or removed.
fn refuse(attributes: StatxAttributes, path: &str) -> Result<(), RootError> {
    let path = path.to_owned();
    for (attribute, letter) in [
        (StatxAttributes::IMMUTABLE, "i"),
        (StatxAttributes::APPEND, "a"),
    ] {
        if attributes.contains(attribute) {
            return Err(RootError::Protected {
                path,
                attribute: letter,
            });
        }
    }
    if attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return Err(RootError::MountPoint { path });
    }
    Ok(())
}

/// Names can be made and removed in the directory.
fn check_writable(directory: &impl AsFd, path: &str) -> Result<(), RootError> {
    let shown = if path.is_empty() { "/" } else { path };
    let stat = statx(directory, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
        .map_err(failed("look at", shown))?;
    let kind = FileType::from_raw_mode(stat.stx_mode.into());
    if kind != FileType::Directory {
        return Err(obstacle(path, kind, "a directory"));
    }
    refuse(stat.stx_attributes - StatxAttributes::MOUNT_ROOT, shown)?;
    let access = Access::WRITE_OK | Access::EXEC_OK;
    let directory = match rustix::fs::accessat(directory, ".", access, AtFlags::EACCESS) {
        Ok(()) => return Ok(()),
        Err(Errno::ROFS) => RootError::ReadOnly {
            directory: shown.to_owned(),
        },
        Err(Errno::ACCESS | Errno::PERM) => RootError::Denied {
            directory: shown.to_owned(),
        },
        Err(error) => failed("write in", shown)(error),
    };
    Err(directory)
}
