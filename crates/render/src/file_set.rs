//! Changes to a root tree, as data.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::RenderError;

/// A path inside a root tree: relative to the tree's top, without empty
/// parts, `.`, `..` and NUL bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct TreePath(Cow<'static, str>);

impl TreePath {
    /// A path known when the program is built; a bad one does not compile
    /// where the result is a constant.
    pub(crate) const fn fixed(text: &'static str) -> Self {
        assert!(fault(text.as_bytes()).is_none(), "no path inside a tree");
        Self(Cow::Borrowed(text))
    }

    /// The path as text, without a leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory that holds it; empty at the top of the tree.
    pub fn directory(&self) -> &str {
        Self::directory_of(&self.0)
    }

    /// The directory that holds a path; empty at the top of the tree.
    pub fn directory_of(path: &str) -> &str {
        path.rsplit_once('/').map_or("", |(directory, _)| directory)
    }

    /// Its last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }
}

/// The rule that a text breaks as a path inside a tree.
const fn fault(text: &[u8]) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    let mut start = 0;
    let mut i = 0;
    while i <= text.len() {
        if i == text.len() || text[i] == b'/' {
            match i - start {
                0 if start == 0 => return Some("it starts with `/`"),
                0 => return Some("it has an empty part"),
                1 if text[start] == b'.' => return Some("it contains `.`"),
                2 if text[start] == b'.' && text[start + 1] == b'.' => {
                    return Some("it contains `..`");
                }
                _ => start = i + 1,
            }
        } else if text[i] == 0 {
            return Some("it contains a NUL byte");
        }
        i += 1;
    }
    None
}

impl FromStr for TreePath {
    type Err = RenderError;

    fn from_str(text: &str) -> Result<Self, RenderError> {
        match fault(text.as_bytes()) {
            None => Ok(Self(Cow::Owned(text.to_owned()))),
            Some(why) => Err(RenderError::TreePath {
                value: text.to_owned(),
                why,
            }),
        }
    }
}

impl TryFrom<String> for TreePath {
    type Error = RenderError;

    fn try_from(text: String) -> Result<Self, RenderError> {
        text.parse()
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who may do what with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 0644: configuration that everybody may read.
    Config,
    /// 0600: what only the administrator may read; netplan asks for it.
    Private,
    /// 0755: something to run.
    Program,
}

impl Mode {
    /// The permission bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Config => 0o644,
            Self::Private => 0o600,
            Self::Program => 0o755,
        }
    }
}

/// What is to be at a path, or is to happen to what is there.
///
/// Each kind says a final state, so that a writer can compare it with what is
/// on disk and leave what is right alone: a second run changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// A regular file.
    File {
        /// Its permissions.
        mode: Mode,
        /// Its content.
        bytes: Vec<u8>,
    },
    /// A symbolic link.
    Symlink {
        /// What it says, relative to its own directory.
        target: &'static str,
    },
    /// What somebody else put there is moved aside, whatever it is. Nothing
    /// happens where nothing is, nor where there is a symbolic link that says
    /// `unless_link_to`, for that is ours. What already bears the name `to`
    /// stays; then the first free one of `to.1`, `to.2`, … is taken.
    MoveAside {
        /// The name that it gets.
        to: TreePath,
        /// What our own link there says.
        unless_link_to: &'static str,
    },
    /// Nothing is there. Only for paths that are nvmeroot's alone.
    Absent,
}

/// One change of a root tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: TreePath,
    /// One clause that says what it is for, without a capital or a full stop.
    pub why: &'static str,
    /// What.
    pub kind: ChangeKind,
}

/// Changes of a root tree, in the order in which they are to be made.
///
/// Directories that lead to a path are made as needed, mode 0755.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSet {
    changes: Vec<Change>,
}

impl FileSet {
    /// The changes, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// There is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn file(&mut self, path: TreePath, mode: Mode, why: &'static str, text: String) {
        let bytes = text.into_bytes();
        self.push(path, why, ChangeKind::File { mode, bytes });
    }

    pub(crate) fn link(&mut self, path: TreePath, why: &'static str, target: &'static str) {
        self.push(path, why, ChangeKind::Symlink { target });
    }

    pub(crate) fn absent(&mut self, paths: impl IntoIterator<Item = TreePath>, why: &'static str) {
        for path in paths {
            self.push(path, why, ChangeKind::Absent);
        }
    }

    pub(crate) fn push(&mut self, path: TreePath, why: &'static str, kind: ChangeKind) {
        self.changes.push(Change { path, why, kind });
    }
}

impl FromIterator<Change> for FileSet {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self {
            changes: changes.into_iter().collect(),
        }
    }
}

impl<'a> IntoIterator for &'a FileSet {
    type Item = &'a Change;
    type IntoIter = std::slice::Iter<'a, Change>;

    fn into_iter(self) -> Self::IntoIter {
        self.changes.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_paths_stay_inside_the_tree() {
        let path: TreePath = "etc/stas/stafd.conf".parse().expect("a path");
        assert_eq!(
            (path.directory(), path.file_name()),
            ("etc/stas", "stafd.conf")
        );
        let top: TreePath = "...".parse().expect("a path");
        assert_eq!((top.directory(), top.file_name()), ("", "..."));
        for (text, rule) in [
            ("", "it is empty"),
            ("/etc", "it starts with `/`"),
            ("etc//stas", "it has an empty part"),
            ("etc/", "it has an empty part"),
            ("./etc", "it contains `.`"),
            ("etc/..", "it contains `..`"),
            ("etc/../../x", "it contains `..`"),
            ("etc\0", "it contains a NUL byte"),
        ] {
            match text.parse::<TreePath>() {
                Err(RenderError::TreePath { why, .. }) => assert_eq!(why, rule, "{text:?}"),
                other => panic!("{text:?} gave {other:?}"),
            }
        }
    }
}
