//! Changing a root tree, all or nothing.
//!
//! The order: the record ([`Manifest`]) says what is going to be done; what is to be
//! replaced for the first time is kept; every new file is written beside its place, and
//! what it replaces gets a second name there. When all that is durable, the new files are
//! put into their places by renaming, in the order of the change set. Its last file is
//! the one that makes the others live (the generator's hook or module: without it nothing
//! comes into an initramfs). Then the record says that all is done.
//!
//! A failure, or a signal, puts everything back. So does the next run after one that was
//! killed: as long as the record names steps, all of them are undone.

use std::collections::BTreeSet;
use std::io;

use nvmeroot_render::{FileSet, TreePath};
use rustix::fs::Mode;
use rustix::io::Errno;

use super::content::{FORMER, PLACE};
use super::draft::{Draft, Line, New, Operation, Terms};
use super::error::{RootError, failed};
use super::manifest::{Change, Manifest, Phase, Step};
use super::record::{self, Interrupted, MANIFEST, Recovered, Tell};
use super::staged::{NEW, OLD, hidden};
use super::stop::Stop;
use super::tree::RootTree;
use super::writer::{Writer, can_not_link};

/// What was done to a tree, or would be.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) lines: Vec<Line>,
    /// Directories that were removed.
    pub(crate) directories: Vec<TreePath>,
    /// nvmeroot had changed something in the tree before.
    pub(crate) was_configured: bool,
    /// What became of an earlier run that had been interrupted.
    pub(crate) interrupted: Option<Interrupted>,
    /// What would stand in the way of a preview's work.
    pub(crate) obstacle: Option<RootError>,
}

impl Report {
    fn of(before: &Manifest, interrupted: Option<Interrupted>) -> Self {
        let mut report = Self {
            interrupted,
            ..Self::default()
        };
        report.was_configured = report.is_finished() || !before.entries.is_empty();
        report
    }

    /// An earlier run had put all back, and did not come to say so: the image is still
    /// that of before.
    pub(crate) fn is_finished(&self) -> bool {
        self.interrupted == Some(Interrupted::Finished)
    }
}

impl RootTree {
    /// What [`apply`](Self::apply) would do, without doing it.
    ///
    /// # Errors
    /// The first change that can't be made.
    pub(crate) fn preview(&self, set: &FileSet, terms: &Terms<'_>) -> Result<Report, RootError> {
        let before = self.record()?.unwrap_or_default();
        let draft = self.draft(set, terms, &before)?;
        Ok(Report {
            directories: self.emptied(&draft)?,
            lines: draft.lines,
            obstacle: draft.obstacle,
            ..Report::of(&before, Interrupted::of(&before.phase))
        })
    }

    /// Makes the changes. Where that fails the tree is as it was.
    pub(crate) fn apply(
        &self,
        recovered: Recovered,
        set: &FileSet,
        terms: &Terms<'_>,
    ) -> Result<Report, RootError> {
        let before = recovered.manifest;
        let draft = self.draft(set, terms, &before)?;
        let mut report = Report::of(&before, recovered.interrupted);
        if draft.operations.is_empty() && draft.manifest == before {
            report.lines = draft.lines;
            return Ok(report);
        }
        let stop = Stop::watch();
        // The caller's umask must not take a directory from others.
        let umask = rustix::process::umask(Mode::from_raw_mode(0o022));
        let mut work = Transaction {
            writer: Writer::new(self),
            stop: &stop,
            before: &before,
            change: draft.change(),
            unlinked: BTreeSet::new(),
            tell: terms.tell,
        };
        let result = match work.run(&draft) {
            Ok(()) => work.finish(&draft.manifest),
            Err(cause) => Err(work.undo(cause)),
        };
        rustix::process::umask(umask);
        report.directories = result?;
        report.lines = draft.lines;
        Ok(report)
    }

    /// The directories that would be removed.
    fn emptied(&self, draft: &Draft<'_>) -> Result<Vec<TreePath>, RootError> {
        let mut emptied = Vec::new();
        if draft.manifest.phase != Phase::Reverted {
            return Ok(emptied);
        }
        let mut gone: BTreeSet<String> = BTreeSet::from([PLACE.to_owned()]);
        for operation in &draft.operations {
            match operation {
                Operation::Remove { path } => gone.insert(path.to_string()),
                Operation::Move { to, .. } => gone.remove(to.as_str()),
                Operation::Put { path, .. } => gone.remove(path.as_str()),
            };
        }
        let is_kept = |path: &TreePath| {
            draft.operations.iter().any(|operation| match operation {
                Operation::Move { to: other, .. } | Operation::Put { path: other, .. } => {
                    other.directory() == path.as_str()
                }
                Operation::Remove { .. } => false,
            })
        };
        for directory in draft.manifest.directories.iter().rev() {
            let names = self.list(directory.as_str())?;
            let mut names = names.iter().map(|name| format!("{directory}/{name}"));
            if names.all(|name| gone.contains(&name)) && !is_kept(directory) {
                gone.insert(directory.to_string());
                emptied.push(directory.clone());
            }
        }
        Ok(emptied)
    }
}

struct Transaction<'a> {
    writer: Writer<'a>,
    stop: &'a Stop,
    before: &'a Manifest,
    change: Change,
    /// What can't have a second name.
    unlinked: BTreeSet<TreePath>,
    tell: Tell<'a>,
}

impl Transaction<'_> {
    fn run(&mut self, draft: &Draft<'_>) -> Result<(), RootError> {
        self.announce()?;
        if !draft.to_keep.is_empty() {
            self.make_directory(FORMER, 0o700)?;
        }
        for (path, kept) in &draft.to_keep {
            self.stop.check()?;
            self.writer
                .duplicate(path.as_str(), &kept.path())
                .map_err(failed("keep", path.as_str()))?;
        }
        for operation in &draft.operations {
            self.stop.check()?;
            self.stage(operation)?;
        }
        let new = hidden(MANIFEST, NEW);
        self.writer
            .write(&new, 0o600, draft.manifest.text().as_bytes())
            .map_err(failed("write", MANIFEST))?;
        self.writer.sync()?;
        for operation in &draft.operations {
            self.stop.check()?;
            self.commit(operation)?;
        }
        self.writer.sync()?;
        self.writer
            .rename(&new, MANIFEST, false)
            .and_then(|()| self.writer.sync_directory(PLACE))
            .map_err(failed("write", MANIFEST))
    }

    /// The record says what will be done, before anything is.
    fn announce(&mut self) -> Result<(), RootError> {
        let directories = self.change.directories.clone();
        for directory in directories.iter().filter(|one| is_above(one, PLACE)) {
            self.make_directory(directory.as_str(), 0o755)?;
        }
        self.make_directory(PLACE, 0o700)?;
        self.writer
            .note_filesystem(PLACE)
            .map_err(failed("look at", PLACE))?;
        self.write_announcement()
            .map_err(failed("write", MANIFEST))?;
        for directory in &directories {
            self.make_directory(directory.as_str(), 0o755)?;
        }
        Ok(())
    }

    fn write_announcement(&mut self) -> io::Result<()> {
        let (new, old) = (hidden(MANIFEST, NEW), hidden(MANIFEST, OLD));
        let manifest = self.before.in_phase(Phase::Changing(self.change.clone()));
        let file = self.writer.write(&new, 0o600, manifest.text().as_bytes())?;
        // A name that is durable before its bytes are leads to none of them.
        file.sync_data()?;
        match self.writer.link(MANIFEST, &old) {
            Err(error) if error != Errno::NOENT && !can_not_link(error) => Err(error.into()),
            _ => Ok(self.writer.rename(&new, MANIFEST, false)?),
        }
    }

    fn make_directory(&mut self, path: &str, bits: u32) -> Result<(), RootError> {
        self.writer
            .make_directory(path, bits)
            .map(|_| ())
            .map_err(failed("make the directory", path))
    }

    /// Writes what is to come beside its place, and gives what is there a second name.
    fn stage(&mut self, operation: &Operation<'_>) -> Result<(), RootError> {
        let (path, new, is_there) = match operation {
            Operation::Put {
                path,
                new,
                replaces,
                ..
            } => (path, Some(*new), *replaces),
            Operation::Remove { path } => (path, None, true),
            Operation::Move { from, .. } => (from, None, false),
        };
        let directory = path.directory();
        self.writer
            .note_filesystem(directory)
            .map_err(failed("look at", directory))?;
        let path_text = path.as_str();
        let hidden_new = hidden(path_text, NEW);
        let written = match new {
            Some(New::File { bits, bytes }) => {
                self.writer.write(&hidden_new, bits, bytes).map(|_| ())
            }
            Some(New::Link { target }) => {
                self.writer.symlink(&hidden_new, target).map_err(Into::into)
            }
            Some(New::Kept(kept)) => self.writer.duplicate(&kept.path(), &hidden_new),
            None => Ok(()),
        };
        written.map_err(failed("write", path_text))?;
        if is_there {
            match self.writer.link(path_text, &hidden(path_text, OLD)) {
                Err(error) if can_not_link(error) => {
                    self.unlinked.insert(path.clone());
                }
                other => other.map_err(failed("write", path_text))?,
            }
        }
        Ok(())
    }

    fn commit(&mut self, operation: &Operation<'_>) -> Result<(), RootError> {
        match operation {
            Operation::Put { path, replaces, .. } => {
                let refused = || failed("write", path.as_str());
                if self.unlinked.contains(path) {
                    self.give_way(path).map_err(refused())?;
                }
                let path = path.as_str();
                self.writer
                    .rename(&hidden(path, NEW), path, !replaces)
                    .map_err(refused())
            }
            Operation::Remove { path } => {
                let done = match self.unlinked.contains(path) {
                    true => self.give_way(path),
                    false => self.writer.unlink(path.as_str()),
                };
                done.map_err(failed("remove", path.as_str()))
            }
            Operation::Move { from, to } => self
                .writer
                .rename(from.as_str(), to.as_str(), true)
                .map_err(failed("move aside", from.as_str())),
        }
    }

    fn give_way(&mut self, path: &TreePath) -> Result<(), Errno> {
        let path = path.as_str();
        self.writer.rename(path, &hidden(path, OLD), true)
    }

    /// Removes what is needed no more; there is no way back. Returns the directories
    /// that were removed.
    fn finish(mut self, manifest: &Manifest) -> Result<Vec<TreePath>, RootError> {
        let left = |operation: &Step| match operation {
            Step::Put { path, .. } | Step::Remove { path } => Some(hidden(path.as_str(), OLD)),
            Step::Move { .. } => None,
        };
        let left: Vec<String> = self.change.steps.iter().filter_map(left).collect();
        for path in left.iter().chain([&hidden(MANIFEST, OLD)]) {
            // The next run tries again.
            let _ = self.writer.unlink(path);
        }
        if manifest.phase == Phase::Reverted {
            return record::clean_up(&mut self.writer, manifest).map_err(|error| {
                RootError::NotCleaned {
                    cause: Box::new(error),
                }
            });
        }
        let _ = record::drop_unneeded(&mut self.writer, manifest);
        Ok(Vec::new())
    }

    /// Puts everything back, and returns the error to report.
    fn undo(mut self, cause: RootError) -> RootError {
        match record::undo(&mut self.writer, &self.change, self.before, self.tell) {
            Ok(()) => cause,
            Err(and) => RootError::NotUndone {
                cause: Box::new(cause),
                and: Box::new(and),
            },
        }
    }
}

/// The directory is one of those above the path.
fn is_above(directory: &TreePath, path: &str) -> bool {
    path.strip_prefix(directory.as_str())
        .is_some_and(|rest| rest.starts_with('/'))
}
