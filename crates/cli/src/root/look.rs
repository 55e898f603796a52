//! Looking at a root tree, and at what of a set of files is not there.

use std::collections::BTreeSet;
use std::fs::File;

use nvmeroot_render::{ChangeKind, FileSet};
use rustix::fs::{FileType, OFlags};

use super::compare::Outcome;
use super::error::{RootError, failed};
use super::manifest::Phase;
use super::tree::{RootTree, absent, obstacle};

impl RootTree {
    /// A regular file, opened for reading, or `None` where nothing is.
    ///
    /// # Errors
    /// Something else than a regular file is there.
    pub(crate) fn open_file(&self, path: &str) -> Result<Option<File>, RootError> {
        // A pipe would be waited for.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let Some(file) = absent(self.resolve(path, flags)).map_err(failed("read", path))? else {
            return Ok(None);
        };
        let stat = rustix::fs::fstat(&file).map_err(failed("look at", path))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(Some(file.into())),
            other => Err(obstacle(path, other, "a file")),
        }
    }

    /// Whether a directory is at the path, links followed inside the tree.
    pub(crate) fn is_directory(&self, path: &str) -> bool {
        self.resolve(path, OFlags::PATH | OFlags::DIRECTORY).is_ok()
    }

    /// What the symbolic link at the path says; `None`: there is none.
    pub(crate) fn link(&self, path: &str) -> Option<String> {
        let link = self.resolve(path, OFlags::PATH | OFlags::NOFOLLOW).ok()?;
        let target = rustix::fs::readlinkat(link, "", Vec::new()).ok()?;
        target.into_string().ok()
    }

    /// Bytes that the administrator may still write to the filesystem of a directory.
    pub(crate) fn free_bytes(&self, directory: &str) -> Option<u64> {
        let directory = self.resolve(directory, OFlags::PATH).ok()?;
        let stat = rustix::fs::fstatvfs(directory).ok()?;
        Some(stat.f_bfree.saturating_mul(stat.f_frsize))
    }

    /// A run that changed the tree was interrupted, and nobody has put that right yet.
    ///
    /// # Errors
    /// The record is damaged.
    pub(crate) fn is_interrupted(&self) -> Result<bool, RootError> {
        let record = self.record()?;
        Ok(record.is_some_and(|record| record.phase != Phase::Configured))
    }

    /// The paths that nvmeroot has changed and not put back.
    ///
    /// # Errors
    /// The record is damaged.
    pub(crate) fn recorded(&self) -> Result<Vec<String>, RootError> {
        let entries = self.record()?.map(|record| record.entries);
        let entries = entries.unwrap_or_default().into_iter();
        Ok(entries.map(|entry| entry.path.to_string()).collect())
    }

    /// What each change would do, whether or not it could be made.
    pub(crate) fn differences(&self, set: &FileSet) -> Vec<Result<Outcome, RootError>> {
        let mut vacated = BTreeSet::new();
        set.into_iter()
            .map(|change| {
                let outcome = self.compare(change, vacated.contains(&change.path));
                if matches!(change.kind, ChangeKind::MoveAside { .. })
                    && matches!(outcome, Ok(Outcome::MovedAside(_)))
                {
                    vacated.insert(&change.path);
                }
                outcome
            })
            .collect()
    }
}
