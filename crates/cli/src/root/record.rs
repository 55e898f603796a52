//! nvmeroot's record in a root tree: reading it, and putting right what a run left that
//! was interrupted.

use std::io;

use nvmeroot_render::TreePath;
use rustix::io::Errno;

use super::content::{Content, FORMER, Kept, PLACE};
use super::error::{RootError, failed};
use super::manifest::{Change, Manifest, Phase, Step, Unreadable};
use super::staged::{NEW, OLD, clear_left_over, edited, hidden};
use super::tree::{RootTree, absent};
use super::writer::Writer;

pub(super) const MANIFEST: &str = "var/lib/nvmeroot/manifest.json";

/// The way out without it. A package that is being purged goes it, too.
const LOST: &str = "restore the file from a backup; without one, move `var/lib/nvmeroot` away: then `nvmeroot revert --force`, or the purge again, moves nvmeroot's files aside, and what was there before is yours to put back from what you moved";

/// A thousand bytes for each path, and as much again while they change.
const LONGEST: u64 = 64 << 20;

impl RootTree {
    /// The record, where there is one.
    ///
    /// # Errors
    /// It can't be read, or is gone while what it knows the places of is still there.
    pub(super) fn record(&self) -> Result<Option<Manifest>, RootError> {
        let refused = |why: &Unreadable| RootError::Record {
            path: MANIFEST,
            why: why.to_string(),
            hint: match why {
                Unreadable::Version(_) => "use the nvmeroot that wrote it",
                Unreadable::Damaged(_) => LOST,
            },
        };
        let Some(bytes) = self.read(MANIFEST, LONGEST)? else {
            let gone = || Unreadable::Damaged(format!("it is gone, and files are in `{FORMER}`"));
            return match kept(self)?.is_empty() {
                true => Ok(None),
                false => Err(refused(&gone())),
            };
        };
        Manifest::parse(&bytes)
            .map(Some)
            .map_err(|why| refused(&why))
    }
}

/// What became of a run that was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// What it had done is undone.
    Undone,
    /// It had put all back; what it left to tidy up is gone.
    Finished,
}

impl Interrupted {
    /// By the record that it left.
    pub(super) fn of(phase: &Phase) -> Option<Self> {
        match phase {
            Phase::Configured => None,
            Phase::Changing(_) => Some(Self::Undone),
            Phase::Reverted => Some(Self::Finished),
        }
    }
}

/// A tree that is between no two states.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(super) manifest: Manifest,
    pub(crate) interrupted: Option<Interrupted>,
}

/// A file that somebody had edited, and where it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MovedAside {
    pub(crate) path: TreePath,
    pub(crate) to: TreePath,
}

/// Told of each file that is moved aside, at once: what follows may fail.
pub(crate) type Tell<'a> = &'a dyn Fn(&MovedAside);

impl RootTree {
    /// Puts right what an interrupted run left. What is asked of the tree before that is
    /// an answer about half a change.
    ///
    /// # Errors
    /// It can't be put right.
    pub(crate) fn recover(&self, tell: Tell<'_>) -> Result<Recovered, RootError> {
        let recovered = recover(self, tell)?;
        clear_left_over(self)?;
        Ok(recovered)
    }
}

fn recover(root: &RootTree, tell: Tell<'_>) -> Result<Recovered, RootError> {
    let mut writer = Writer::new(root);
    let Some(mut manifest) = root.record()? else {
        // A run that was killed before it said what it would do; it did nothing else.
        let _ = writer.unlink(&hidden(MANIFEST, NEW));
        for directory in [FORMER, PLACE] {
            let _ = writer.remove_directory(directory);
        }
        return Ok(Recovered::default());
    };
    let interrupted = Interrupted::of(&manifest.phase);
    match std::mem::replace(&mut manifest.phase, Phase::Configured) {
        Phase::Configured => {}
        Phase::Changing(change) => undo(&mut writer, &change, &manifest, tell)?,
        Phase::Reverted => {
            // What is not empty stays.
            clear_left_over(root)?;
            clean_up(&mut writer, &manifest)?;
            manifest = Manifest::default();
        }
    }
    Ok(Recovered {
        manifest,
        interrupted,
    })
}

/// Undoes what has been done of a change. It asks the tree at each step how far that
/// came, so that it can be done again.
pub(super) fn undo(
    writer: &mut Writer<'_>,
    change: &Change,
    before: &Manifest,
    tell: Tell<'_>,
) -> Result<(), RootError> {
    let mut result = Ok(());
    for step in change.steps.iter().rev() {
        let undone = undo_step(writer, step, change, tell);
        result = result.and(undone);
    }
    // The record of the change stays as long as something is left to undo, and until that
    // it is undone outlasts a loss of power.
    result?;
    absent(writer.note_filesystem(PLACE)).map_err(failed("look at", PLACE))?;
    writer.sync()?;
    let is_first = before.entries.is_empty() && before.directories.is_empty();
    remove_directories(writer, &change.directories)?;
    if is_first {
        remove_place(writer)?;
    } else {
        restore_record(writer, before).map_err(failed("put back", MANIFEST))?;
        drop_unneeded(writer, before)?;
    }
    remove_directories(writer, &change.directories)?;
    Ok(())
}

fn undo_step(
    writer: &mut Writer<'_>,
    step: &Step,
    change: &Change,
    tell: Tell<'_>,
) -> Result<(), RootError> {
    let of = step.path();
    match absent(writer.note_filesystem(of.directory())) {
        Ok(Some(())) => {}
        // Then nothing was done there.
        Ok(None) | Err(Errno::NOTDIR) => return Ok(()),
        Err(error) => return Err(failed("look at", of.directory())(error)),
    }
    match step {
        Step::Put {
            path,
            after,
            replaces,
        } => put_back(writer, path, after, *replaces, change, tell),
        Step::Remove { path } => put_back(writer, path, &Content::Absent, true, change, tell),
        Step::Move { from, to } => {
            let (from, to) = (from.as_str(), to.as_str());
            let mut work = || match writer.exists(to)? && !writer.exists(from)? {
                true => writer.rename(to, from, true),
                false => Ok(()),
            };
            work().map_err(failed("put back", from))
        }
    }
}

/// What somebody edited after the step was made is moved aside, as an edited file always
/// is: what was there before comes back to its place.
fn put_back(
    writer: &mut Writer<'_>,
    path: &TreePath,
    after: &Content,
    replaces: bool,
    change: &Change,
    tell: Tell<'_>,
) -> Result<(), RootError> {
    let root = writer.root;
    let name = path.as_str();
    let (new, old) = (hidden(name, NEW), hidden(name, OLD));
    let is_after = root.holds(name, after)?;
    let refused = || failed("put back", name);
    let has_old = writer.exists(&old).map_err(refused())?;
    let is_there = writer.exists(name).map_err(refused())?;
    let is_foreign = is_there
        && !is_after
        && is_made(writer, path, change).map_err(refused())?
        && match replaces {
            true => has_old && !root.is_one_file(name, &old).map_err(refused())?,
            false => true,
        };
    if is_foreign {
        let to = root.free_name(&edited(path))?;
        writer.rename(name, to.as_str(), true).map_err(refused())?;
        tell(&MovedAside {
            path: path.clone(),
            to,
        });
    }
    if !replaces && is_after {
        writer.unlink(name).map_err(refused())?;
    }
    if replaces && has_old {
        if is_after || is_foreign || !is_there {
            writer.rename(&old, name, false).map_err(refused())?;
        }
        // Two names of one file stay two when one is renamed to the other.
        writer.unlink(&old).map_err(refused())?;
    }
    writer.unlink(&new).map_err(refused())
}

/// The path's step may have been made, and is not undone. Before that what is there is not
/// the change's, whatever it is.
fn is_made(writer: &mut Writer<'_>, path: &TreePath, change: &Change) -> Result<bool, Errno> {
    let is_begun = writer.exists(&hidden(MANIFEST, NEW))?;
    let is_staged = writer.exists(&hidden(path.as_str(), NEW))?;
    // What was there goes away before, and comes back after.
    let moved = change.steps.iter().find_map(|step| match step {
        Step::Move { from, to } if from == path => Some(to),
        _ => None,
    });
    let is_vacated = match moved {
        Some(to) => writer.exists(to.as_str())?,
        None => true,
    };
    Ok(is_begun && !is_staged && is_vacated)
}

/// The record from before the change is in its place again.
fn restore_record(writer: &mut Writer<'_>, before: &Manifest) -> io::Result<()> {
    let (new, old) = (hidden(MANIFEST, NEW), hidden(MANIFEST, OLD));
    writer.unlink(&new)?;
    if writer.exists(&old)? {
        // Nothing is to be written: the disk may be full.
        writer.rename(&old, MANIFEST, false)?;
        return Ok(writer.unlink(&old)?);
    }
    // The change may not have been announced yet.
    let is_there = writer.root.record();
    if is_there.is_ok_and(|found| found.is_some_and(|found| found.phase == Phase::Configured)) {
        return Ok(());
    }
    let configured = before.in_phase(Phase::Configured);
    let file = writer.write(&new, 0o600, configured.text().as_bytes())?;
    file.sync_data()?;
    Ok(writer.rename(&new, MANIFEST, false)?)
}

/// Removes what is kept for nobody any more.
pub(super) fn drop_unneeded(writer: &mut Writer<'_>, needed: &Manifest) -> Result<(), RootError> {
    let needed: Vec<Kept> = needed.kept().collect();
    for kept in kept(writer.root)? {
        if !needed.contains(&kept) {
            let path = kept.path();
            writer.unlink(&path).map_err(failed("remove", &path))?;
        }
    }
    writer
        .remove_directory(FORMER)
        .map_err(failed("remove", FORMER))?;
    Ok(())
}

/// The numbers under which something is kept.
pub(super) fn kept(root: &RootTree) -> Result<Vec<Kept>, RootError> {
    let names = root.list(FORMER)?;
    let number = |name: &String| name.parse().ok().map(Kept);
    Ok(names.iter().filter_map(number).collect())
}

/// After all was put back: removes the directories that nvmeroot made, as far as they are
/// empty, and its own. Returns those that it removed.
pub(super) fn clean_up(
    writer: &mut Writer<'_>,
    manifest: &Manifest,
) -> Result<Vec<TreePath>, RootError> {
    let mut removed = remove_directories(writer, &manifest.directories)?;
    remove_place(writer)?;
    removed.extend(remove_directories(writer, &manifest.directories)?);
    Ok(removed)
}

fn remove_directories(
    writer: &mut Writer<'_>,
    directories: &[TreePath],
) -> Result<Vec<TreePath>, RootError> {
    let mut removed = Vec::new();
    for directory in directories.iter().rev() {
        let path = directory.as_str();
        if writer
            .remove_directory(path)
            .map_err(failed("remove", path))?
        {
            removed.push(directory.clone());
        }
    }
    Ok(removed)
}

/// Removes nvmeroot's own directory, the record last.
fn remove_place(writer: &mut Writer<'_>) -> Result<(), RootError> {
    drop_unneeded(writer, &Manifest::default())?;
    for path in [&*hidden(MANIFEST, NEW), &*hidden(MANIFEST, OLD), MANIFEST] {
        writer.unlink(path).map_err(failed("remove", path))?;
    }
    writer
        .remove_directory(PLACE)
        .map_err(failed("remove", PLACE))?;
    Ok(())
}

#[cfg(test)]
mod tests;
