//! What is to be done to a root tree, before anything is done.

use nvmeroot_render::TreePath;

use super::compare::Outcome;
use super::content::{Content, Kept};
use super::error::RootError;
use super::manifest::{self, Manifest, Step};
use super::record::Tell;

/// How a tree may be changed.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// Files that were edited since are moved aside; else they are an error.
    pub(crate) force: bool,
    /// Paths that stay as an earlier run made them, also when nothing is said of them.
    pub(crate) stay: &'a [&'a str],
    /// Paths whose files are a package's by now: what is there is not nvmeroot's to take
    /// away, nor an edit of the administrator's.
    pub(crate) of_package: &'a [TreePath],
    /// That the tree is mounted read-only is told, and no error: nothing will be done.
    pub(crate) may_be_read_only: bool,
    /// Of files that somebody edits while the change is made, and has to be undone.
    pub(crate) tell: Tell<'a>,
}

impl Default for Terms<'_> {
    fn default() -> Self {
        Self {
            force: false,
            stay: &[],
            of_package: &[],
            may_be_read_only: false,
            tell: &|_| {},
        }
    }
}

/// What becomes of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) path: TreePath,
    pub(crate) outcome: Outcome,
    /// Where the file is that somebody had edited.
    pub(crate) edited_is_at: Option<TreePath>,
    pub(crate) why: &'static str,
}

/// One step, with what it needs.
pub(super) enum Operation<'a> {
    Put {
        path: TreePath,
        new: New<'a>,
        after: Content,
        replaces: bool,
    },
    Remove {
        path: TreePath,
    },
    Move {
        from: TreePath,
        to: TreePath,
    },
}

/// What is put at a path.
#[derive(Clone, Copy)]
pub(super) enum New<'a> {
    File { bits: u32, bytes: &'a [u8] },
    Link { target: &'a str },
    Kept(Kept),
}

/// All that is to be done.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub(super) lines: Vec<Line>,
    pub(super) operations: Vec<Operation<'a>>,
    /// What is to be kept, and under which number.
    pub(super) to_keep: Vec<(TreePath, Kept)>,
    /// Directories to make, those above first.
    pub(super) directories: Vec<TreePath>,
    /// What stands in the way, if it was to be done.
    pub(super) obstacle: Option<RootError>,
    /// The record when all is done.
    pub(super) manifest: Manifest,
}

impl Draft<'_> {
    /// The same as it stands in the record meanwhile.
    pub(super) fn change(&self) -> manifest::Change {
        let step = |operation: &Operation<'_>| match operation {
            Operation::Put {
                path,
                after,
                replaces,
                ..
            } => Step::Put {
                path: path.clone(),
                after: after.clone(),
                replaces: *replaces,
            },
            Operation::Remove { path } => Step::Remove { path: path.clone() },
            Operation::Move { from, to } => Step::Move {
                from: from.clone(),
                to: to.clone(),
            },
        };
        manifest::Change {
            steps: self.operations.iter().map(step).collect(),
            directories: self.directories.clone(),
        }
    }
}
