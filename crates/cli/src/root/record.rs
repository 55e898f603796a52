//! nvmeroot's record in a root tree: reading it, and putting right what a run left that
//! was interrupted.

use std::io;

use nvmeroot_render::TreePath;

use super::content::{Content, FORMER, Kept, PLACE};
use super::error::{RootError, failed};
use super::manifest::{Change, Manifest, Phase, Step, Unreadable};
use super::staged::{NEW, OLD, clear_left_over, hidden};
use super::tree::RootTree;
use super::writer::Writer;

pub(super) const MANIFEST: &str = "var/lib/nvmeroot/manifest.json";

/// A thousand bytes for each path, and as much again while they change.
const LONGEST: u64 = 64 << 20;

impl RootTree {
    /// The record, where there is one.
    pub(super) fn record(&self) -> Result<Option<Manifest>, RootError> {
        let Some(bytes) = self.read(MANIFEST, LONGEST)? else {
            return Ok(None);
        };
        Manifest::parse(&bytes)
            .map(Some)
            .map_err(|why| RootError::Record {
                path: MANIFEST,
                why: why.to_string(),
                hint: match why {
                    Unreadable::Version(_) => "use the nvmeroot that wrote it",
                    Unreadable::Damaged(_) => {
                        "restore the file from a backup; without one, move `var/lib/nvmeroot` away and run `nvmeroot configure`: what was there before nvmeroot came is then yours to put back from what you moved"
                    }
                },
            })
    }
}

/// The record of a tree that is between no two states. `true`: an earlier run was
/// interrupted, and what it had done is undone.
pub(super) fn recover(root: &RootTree) -> Result<(Manifest, bool), RootError> {
    let mut writer = Writer::new(root);
    let Some(mut manifest) = root.record()? else {
        // A run that was killed before it said what it would do; it did nothing else.
        let _ = writer.unlink(&hidden(MANIFEST, NEW));
        for directory in [FORMER, PLACE] {
            let _ = writer.remove_directory(directory);
        }
        return Ok((Manifest::default(), false));
    };
    match std::mem::replace(&mut manifest.phase, Phase::Configured) {
        Phase::Configured => Ok((manifest, false)),
        Phase::Changing(change) => {
            undo(&mut writer, &change, &manifest)?;
            Ok((manifest, true))
        }
        Phase::Reverted => {
            // What is not empty stays.
            clear_left_over(root)?;
            clean_up(&mut writer, &manifest)?;
            Ok((Manifest::default(), true))
        }
    }
}

/// Undoes what has been done of a change. It asks the tree at each step how far that
/// came, so that it can be done again.
pub(super) fn undo(
    writer: &mut Writer<'_>,
    change: &Change,
    before: &Manifest,
) -> Result<(), RootError> {
    let mut result = Ok(());
    for step in change.steps.iter().rev() {
        result = result.and(undo_step(writer, step));
    }
    // The record of the change stays as long as something is left to undo.
    result?;
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

fn undo_step(writer: &mut Writer<'_>, step: &Step) -> Result<(), RootError> {
    match step {
        Step::Put {
            path,
            after,
            replaces,
        } => put_back(writer, path.as_str(), after, *replaces),
        Step::Remove { path } => put_back(writer, path.as_str(), &Content::Absent, true),
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

/// What somebody else put there meanwhile stays.
fn put_back(
    writer: &mut Writer<'_>,
    path: &str,
    after: &Content,
    replaces: bool,
) -> Result<(), RootError> {
    let (new, old) = (hidden(path, NEW), hidden(path, OLD));
    let is_after = writer.root.holds(path, after)?;
    let mut work = || {
        if !replaces && is_after {
            writer.unlink(path)?;
        }
        if replaces && writer.exists(&old)? {
            if is_after || !writer.exists(path)? {
                writer.rename(&old, path, false)?;
            }
            // Two names of one file stay two when one is renamed to the other.
            writer.unlink(&old)?;
        }
        writer.unlink(&new)
    };
    work().map_err(failed("put back", path))
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
    for kept in kept(writer.root) {
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
pub(super) fn kept(root: &RootTree) -> Vec<Kept> {
    let names = root.list(FORMER).unwrap_or_default();
    let number = |name: &String| name.parse().ok().map(Kept);
    names.iter().filter_map(number).collect()
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
