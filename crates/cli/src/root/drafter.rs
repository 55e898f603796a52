//! Working out what is to be done to a root tree: from what is to be there, what the record
//! says of earlier runs, and what is there.

use std::collections::{BTreeMap, BTreeSet};

use nvmeroot_render::{Change, ChangeKind, FileSet, TreePath};

use super::compare::Outcome;
use super::content::{Content, FORMER, Kept, PLACE};
use super::draft::{Draft, Line, New, Operation, Terms};
use super::edited::difference;
use super::error::{EditedFile, RootError};
use super::manifest::{Entry, Former, Manifest, Phase, Step};
use super::record;
use super::staged;
use super::tree::RootTree;

/// As much of a file is searched for nvmeroot's mark.
const LONGEST: u64 = 1 << 20;

impl RootTree {
    /// Those of the changes that concern files of a version of nvmeroot that kept no
    /// record. What an interrupted run has put there is none of them.
    pub(crate) fn without_record(&self, set: &FileSet) -> Result<FileSet, RootError> {
        let record = self.record()?.unwrap_or_default();
        let mut known: BTreeSet<&TreePath> = record.entries.iter().map(|one| &one.path).collect();
        if let Phase::Changing(change) = &record.phase {
            known.extend(change.steps.iter().map(Step::path));
        }
        let mut found = Vec::new();
        for change in set {
            if !known.contains(&change.path) && self.is_marked(&change.path)? {
                found.push(change.clone());
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Whether nvmeroot wrote what is there, or what a link there leads to.
    ///
    /// # Errors
    /// None that comes of what is there.
    pub(crate) fn is_marked(&self, path: &TreePath) -> Result<bool, RootError> {
        match self.read(path.as_str(), LONGEST) {
            Ok(Some(bytes)) => Ok(nvmeroot_render::is_marked(path, &bytes)),
            // A link may lead in a circle, or its file be nobody's to read.
            Ok(None) | Err(RootError::Obstacle { .. } | RootError::Io { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Works out what makes the tree so. What earlier runs changed and nothing is said
    /// of any more becomes as it was before the first of them.
    ///
    /// # Errors
    /// The first thing that can't be done.
    pub(super) fn draft<'a>(
        &self,
        set: &'a FileSet,
        terms: &Terms<'_>,
        before: &'a Manifest,
    ) -> Result<Draft<'a>, RootError> {
        let used = before.kept().chain(record::kept(self)?).max();
        let mut drafter = Drafter {
            root: self,
            terms,
            running: match &before.phase {
                Phase::Changing(change) => &change.steps,
                _ => &[],
            },
            before: before.entries.iter().map(|one| (&one.path, one)).collect(),
            draft: Draft::default(),
            placed: BTreeMap::new(),
            vacated: BTreeSet::new(),
            moved_before: BTreeMap::new(),
            writable: BTreeSet::new(),
            edited: Vec::new(),
            next_kept: used.map_or(0, |Kept(number)| number.saturating_add(1)),
        };
        let said: BTreeSet<&TreePath> = set.into_iter().map(|change| &change.path).collect();
        let (former, staying): (Vec<&Entry>, Vec<&Entry>) = before
            .entries
            .iter()
            .filter(|entry| !said.contains(&entry.path))
            .partition(|entry| !terms.stay.contains(&entry.path.as_str()));
        for entry in former.into_iter().rev() {
            drafter.put_back(entry)?;
        }
        let staying = staying.into_iter().cloned().collect();
        drafter.draft.manifest.entries = staying;
        for change in set {
            drafter.change(change)?;
        }
        drafter.end(before)
    }
}

struct Drafter<'a, 'b> {
    root: &'b RootTree,
    terms: &'b Terms<'b>,
    /// Steps of an interrupted run, any of which may have been made.
    running: &'a [Step],
    before: BTreeMap<&'a TreePath, &'a Entry>,
    draft: Draft<'a>,
    /// Where the new record has an entry for a path.
    placed: BTreeMap<&'a TreePath, usize>,
    /// Paths whose file will have been moved aside.
    vacated: BTreeSet<TreePath>,
    /// Where an earlier version, which kept no record, moved what was at a path.
    moved_before: BTreeMap<&'a TreePath, &'a TreePath>,
    /// Directories of which it is known that they can be written to.
    writable: BTreeSet<String>,
    edited: Vec<EditedFile>,
    next_kept: u32,
}

impl<'a> Drafter<'a, '_> {
    /// A path becomes as it was before nvmeroot came.
    fn put_back(&mut self, entry: &'a Entry) -> Result<(), RootError> {
        let path = &entry.path;
        if self.is_of_package(path) {
            return Ok(());
        }
        let former = match entry.former {
            Former::Absent => Content::Absent,
            Former::Kept(number) => Content::Kept { number },
        };
        if let (Some(to), Former::Kept(_)) = (&entry.moved_to, entry.former)
            && self.root.holds(to.as_str(), &former)?
        {
            self.check(to)?;
            self.draft
                .operations
                .push(Operation::Remove { path: to.clone() });
            self.tell(to, Outcome::Removed, None, "it is in its own place again");
        }
        if self.root.holds(path.as_str(), &former)? {
            return Ok(());
        }
        if let Former::Kept(number) = entry.former
            && self.root.holds(&number.path(), &Content::Absent)?
        {
            return Err(RootError::Lost {
                path: path.to_string(),
                kept: number.path(),
            });
        }
        let is_absent = self.root.holds(path.as_str(), &Content::Absent)?;
        let is_edited = !is_absent && self.is_edited(entry)?;
        self.check(path)?;
        let mut edited_is_at = None;
        if is_edited {
            self.edited.push(edited(path, None));
            edited_is_at = Some(self.move_aside(path)?);
        }
        let replaces = !is_absent && !is_edited;
        let outcome = match entry.former {
            Former::Absent => {
                if replaces {
                    let path = path.clone();
                    self.draft.operations.push(Operation::Remove { path });
                }
                Outcome::Removed
            }
            Former::Kept(number) => {
                if is_absent {
                    self.make_directories(path.directory())?;
                }
                self.draft.operations.push(Operation::Put {
                    path: path.clone(),
                    new: New::Kept(number),
                    after: former,
                    replaces,
                });
                Outcome::PutBack
            }
        };
        let why = match outcome {
            Outcome::PutBack => "as it was before nvmeroot",
            _ => "nvmeroot had put it there",
        };
        self.tell(path, outcome, edited_is_at, why);
        Ok(())
    }

    /// A path becomes as it is said to be.
    fn change(&mut self, change: &'a Change) -> Result<(), RootError> {
        let path = &change.path;
        let is_vacated = self.vacated.contains(path);
        let outcome = self.root.compare(change, is_vacated)?;
        if outcome != Outcome::Unchanged {
            self.check_directory(path)?;
        }
        let mut edited_is_at = None;
        if matches!(outcome, Outcome::Replaced | Outcome::Removed)
            && let Some(entry) = self.entry(path)
            && !self.is_of_package(path)
            && self.is_edited(&entry)?
        {
            self.edited
                .push(edited(path, difference(self.root, change)));
            edited_is_at = Some(self.move_aside(path)?);
        } else if outcome == Outcome::Removed
            && self.entry(path).is_none()
            && self.root.is_marked(path)?
        {
            // Without a record nobody knows whether somebody has edited it.
            edited_is_at = Some(self.move_aside(path)?);
        }
        let after = match &change.kind {
            ChangeKind::File { bytes, .. } => Content::of_file(bytes),
            ChangeKind::Symlink { target } => Content::of_link(target),
            _ => Content::Absent,
        };
        self.note(change, &outcome, &after)?;
        let replaces = edited_is_at.is_none() && outcome != Outcome::Created;
        match &outcome {
            Outcome::Created | Outcome::Replaced | Outcome::ModeSet => {
                self.make_directories(path.directory())?;
                let new = match &change.kind {
                    ChangeKind::File { mode, bytes } => New::File {
                        bits: mode.bits(),
                        bytes,
                    },
                    ChangeKind::Symlink { target } => New::Link { target },
                    other => unreachable!("nothing is put there: {other:?}"),
                };
                self.draft.operations.push(Operation::Put {
                    path: path.clone(),
                    new,
                    after,
                    replaces,
                });
            }
            Outcome::Removed if replaces => {
                let path = path.clone();
                self.draft.operations.push(Operation::Remove { path });
            }
            Outcome::MovedAside(to) => {
                self.vacated.insert(path.clone());
                self.draft.operations.push(Operation::Move {
                    from: path.clone(),
                    to: to.clone(),
                });
            }
            Outcome::Removed | Outcome::Unchanged | Outcome::PutBack => {}
        }
        let is_there = matches!(
            change.kind,
            ChangeKind::File { .. } | ChangeKind::Symlink { .. }
        );
        // That nothing is where nothing should be is no news.
        if is_there || outcome != Outcome::Unchanged {
            self.tell(path, outcome, edited_is_at, change.why);
        }
        Ok(())
    }

    /// What the record will say of the path.
    fn note(
        &mut self,
        change: &'a Change,
        outcome: &Outcome,
        after: &Content,
    ) -> Result<(), RootError> {
        let path = &change.path;
        if let (ChangeKind::MoveAside { to, .. }, Outcome::Unchanged) = (&change.kind, outcome) {
            self.moved_before.insert(path, to);
            return Ok(());
        }
        let entry = match (self.entry(path), outcome) {
            // Nothing of it is new, but perhaps its place in the order.
            (Some(entry), Outcome::MovedAside(_)) => entry,
            (Some(entry), _) => Entry {
                ours: after.clone(),
                ..entry
            },
            (None, Outcome::Unchanged) => match self.earlier_version_s(change, after)? {
                Some(entry) => entry,
                None => return Ok(()),
            },
            (None, Outcome::Created) => self.new_entry(path, Former::Absent, after),
            (None, Outcome::MovedAside(to)) => {
                let former = Former::Kept(self.keep(path));
                Entry {
                    moved_to: Some(to.clone()),
                    ..self.new_entry(path, former, after)
                }
            }
            (None, _) => {
                let former = match self.root.is_marked(path)? {
                    true => {
                        self.take_directory_over(path);
                        Former::Absent
                    }
                    false => Former::Kept(self.keep(path)),
                };
                self.new_entry(path, former, after)
            }
        };
        let entries = &mut self.draft.manifest.entries;
        match self.placed.get(path) {
            Some(&index) => entries[index] = entry,
            None => {
                self.placed.insert(path, entries.len());
                entries.push(entry);
            }
        }
        Ok(())
    }

    fn new_entry(&self, path: &TreePath, former: Former, ours: &Content) -> Entry {
        Entry {
            path: path.clone(),
            former,
            ours: ours.clone(),
            moved_to: None,
        }
    }

    /// What is there already, as it is to be: put there by a version of nvmeroot that
    /// kept no record, or by somebody else, which is then not nvmeroot's to take away.
    fn earlier_version_s(
        &mut self,
        change: &'a Change,
        ours: &Content,
    ) -> Result<Option<Entry>, RootError> {
        let path = &change.path;
        if *ours == Content::Absent || !self.root.is_marked(path)? {
            return Ok(None);
        }
        self.take_directory_over(path);
        let mut entry = self.new_entry(path, Former::Absent, ours);
        if let Some(to) = self.moved_before.get(path).copied()
            && !self.root.holds(to.as_str(), &Content::Absent)?
        {
            entry.former = Former::Kept(self.keep(to));
            entry.moved_to = Some(to.clone());
        }
        Ok(Some(entry))
    }

    /// A version that kept no record made these directories too, and nobody else does.
    fn take_directory_over(&mut self, path: &TreePath) {
        let directory = path.directory();
        if nvmeroot_render::OWN_DIRECTORIES.contains(&directory)
            && let Ok(directory) = directory.parse()
            && !self.draft.manifest.directories.contains(&directory)
        {
            self.draft.manifest.directories.push(directory);
        }
    }

    fn keep(&mut self, path: &TreePath) -> Kept {
        let number = Kept(self.next_kept);
        self.next_kept = self.next_kept.saturating_add(1);
        self.draft.to_keep.push((path.clone(), number));
        number
    }

    fn entry(&self, path: &TreePath) -> Option<Entry> {
        let placed = self.placed.get(path);
        let placed = placed.map(|&index| &self.draft.manifest.entries[index]);
        placed.or(self.before.get(path).copied()).cloned()
    }

    /// What is there is neither what nvmeroot put there, nor what an interrupted run did.
    fn is_edited(&self, entry: &Entry) -> Result<bool, RootError> {
        let path = entry.path.as_str();
        if self.root.holds(path, &entry.ours)? {
            return Ok(false);
        }
        for step in self.running {
            if let Step::Put {
                path: of, after, ..
            } = step
                && *of == entry.path
                && self.root.holds(path, after)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_of_package(&self, path: &TreePath) -> bool {
        self.terms.of_package.contains(path)
    }

    /// Has an edited file moved to a free name beside it, which nobody reads.
    fn move_aside(&mut self, path: &TreePath) -> Result<TreePath, RootError> {
        let to = self.root.free_name(&staged::edited(path))?;
        self.vacated.insert(path.clone());
        self.draft.operations.push(Operation::Move {
            from: path.clone(),
            to: to.clone(),
        });
        Ok(to)
    }

    fn tell(
        &mut self,
        path: &TreePath,
        outcome: Outcome,
        edited_is_at: Option<TreePath>,
        why: &'static str,
    ) {
        self.draft.lines.push(Line {
            path: path.clone(),
            outcome,
            edited_is_at,
            why,
        });
    }

    /// What is there can be taken away.
    fn check(&mut self, path: &TreePath) -> Result<(), RootError> {
        self.root.check_replaceable(path)?;
        self.check_directory(path)
    }

    fn check_directory(&mut self, path: &TreePath) -> Result<(), RootError> {
        self.check_writable(path.directory())
    }

    fn check_writable(&mut self, directory: &str) -> Result<(), RootError> {
        match self.root.check_directory(directory, &mut self.writable) {
            Err(error @ RootError::ReadOnly { .. }) if self.terms.may_be_read_only => {
                self.draft.obstacle.get_or_insert(error);
                Ok(())
            }
            other => other,
        }
    }

    /// Has the directory made, and those above, where they are not there.
    fn make_directories(&mut self, directory: &str) -> Result<(), RootError> {
        let mut missing = self.root.missing_directories(directory)?;
        missing.retain(|one| !self.draft.directories.contains(one));
        self.draft.directories.append(&mut missing);
        Ok(())
    }

    fn end(mut self, before: &Manifest) -> Result<Draft<'a>, RootError> {
        if !self.edited.is_empty() && !self.terms.force {
            return Err(RootError::Edited(self.edited));
        }
        let manifest = &mut self.draft.manifest;
        // Nothing was there, and nothing is.
        manifest
            .entries
            .retain(|entry| entry.former != Former::Absent || entry.ours != Content::Absent);
        let is_any = !before.entries.is_empty() || !self.draft.operations.is_empty();
        if manifest.entries.is_empty() && is_any {
            manifest.phase = Phase::Reverted;
        }
        let own = std::mem::take(&mut manifest.directories);
        let is_work = !self.draft.operations.is_empty() || !self.draft.to_keep.is_empty();
        if is_work || self.draft.manifest.entries != before.entries {
            for directory in [PLACE, FORMER] {
                self.check_writable(directory)?;
            }
            self.make_directories(TreePath::directory_of(PLACE))?;
        }
        let directories = &mut self.draft.manifest.directories;
        directories.clone_from(&before.directories);
        for directory in own.iter().chain(&self.draft.directories) {
            if !directories.contains(directory) {
                directories.push(directory.clone());
            }
        }
        // Those above first: a name is shorter than what is below it.
        directories.sort_by_key(|directory| directory.as_str().len());
        Ok(self.draft)
    }
}

fn edited(path: &TreePath, difference: Option<String>) -> EditedFile {
    EditedFile {
        path: path.to_string(),
        difference,
    }
}
