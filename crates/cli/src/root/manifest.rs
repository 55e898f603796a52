//! The record of what nvmeroot changed in a root tree, `manifest.json` in [`PLACE`]: for
//! each path what was there before the first change, and what nvmeroot put there last.
//!
//! [`PLACE`]: super::content::PLACE

use std::fmt;

use nvmeroot_render::TreePath;
use serde::{Deserialize, Serialize};

use super::content::{Content, Kept};

/// Grows when a program that knows the former form would misunderstand the new one.
const VERSION: u32 = 1;

/// What was at a path before nvmeroot first changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Former {
    Absent,
    /// A file or a symbolic link, which is kept.
    Kept(Kept),
}

/// A path that nvmeroot changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) path: TreePath,
    pub(super) former: Former,
    /// What nvmeroot put there last.
    pub(super) ours: Content,
    /// Where `former` was moved to, and still is for whoever looks for it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) moved_to: Option<TreePath>,
}

/// One step of a change, told before it is made so that it can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    Put {
        path: TreePath,
        after: Content,
        /// Something was there before.
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

impl Step {
    /// The path of which it takes away what is there, or where it puts something.
    pub(super) fn path(&self) -> &TreePath {
        match self {
            Self::Put { path, .. } | Self::Remove { path } => path,
            Self::Move { from, .. } => from,
        }
    }
}

/// How far nvmeroot's changes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// All is done.
    Configured,
    /// The steps are being made; the entries are those from before.
    Changing(Change),
    /// All is as before the first change, but for what was needed meanwhile.
    Reverted,
}

/// A change that is being made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    pub(super) steps: Vec<Step>,
    /// Directories that it makes, those above first.
    pub(super) directories: Vec<TreePath>,
}

/// The whole record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    version: u32,
    pub(super) phase: Phase,
    /// In the order in which they are to be there: what protects a secret before what
    /// holds it, what makes all the rest live last.
    pub(super) entries: Vec<Entry>,
    /// Directories that nvmeroot made, those above first.
    pub(super) directories: Vec<TreePath>,
}

/// Why a text is no record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is in a form that this program does not know.
    Version(u64),
    Damaged(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(found) => {
                write!(f, "it has version {found}, this program reads {VERSION}")
            }
            Self::Damaged(why) => f.write_str(why),
        }
    }
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            version: VERSION,
            phase: Phase::Configured,
            entries: Vec::new(),
            directories: Vec::new(),
        }
    }
}

impl Manifest {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        let damaged = |e: serde_json::Error| Unreadable::Damaged(e.to_string());
        let Versioned { version } = serde_json::from_slice(bytes).map_err(damaged)?;
        if version != u64::from(VERSION) {
            return Err(Unreadable::Version(version));
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// Its JSON form: text and numbers only, which can't fail.
    pub(super) fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The same in another phase.
    pub(super) fn in_phase(&self, phase: Phase) -> Self {
        Self {
            phase,
            ..self.clone()
        }
    }

    /// What is kept.
    pub(super) fn kept(&self) -> impl Iterator<Item = Kept> {
        self.entries.iter().filter_map(|entry| match entry.former {
            Former::Kept(number) => Some(number),
            Former::Absent => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::root::content::Digest;

    fn path() -> impl Strategy<Value = TreePath> {
        "[a-z.]{3,9}(/[a-z \"\\\\]{1,9}){0,3}".prop_filter_map("a path", |text| text.parse().ok())
    }

    fn content() -> impl Strategy<Value = Content> {
        prop_oneof![
            Just(Content::Absent),
            any::<Vec<u8>>().prop_map(|bytes| Content::of_file(&bytes)),
            ".*".prop_map(|target| Content::of_link(&target)),
            any::<u32>().prop_map(|number| Content::Kept {
                number: Kept(number)
            }),
        ]
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let former = proptest::option::of(any::<u32>());
        let moved_to = proptest::option::of(path());
        (path(), former, content(), moved_to).prop_map(|(path, former, ours, moved_to)| Entry {
            path,
            former: former.map_or(Former::Absent, |number| Former::Kept(Kept(number))),
            ours,
            moved_to,
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (path(), content(), any::<bool>()).prop_map(|(path, after, replaces)| Step::Put {
                path,
                after,
                replaces,
            }),
            path().prop_map(|path| Step::Remove { path }),
            (path(), path()).prop_map(|(from, to)| Step::Move { from, to }),
        ]
    }

    fn phase() -> impl Strategy<Value = Phase> {
        let change = (
            proptest::collection::vec(step(), 0..4),
            proptest::collection::vec(path(), 0..4),
        );
        prop_oneof![
            Just(Phase::Configured),
            Just(Phase::Reverted),
            change.prop_map(|(steps, directories)| Phase::Changing(Change { steps, directories })),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            phase in phase(),
            entries in proptest::collection::vec(entry(), 0..4),
            directories in proptest::collection::vec(path(), 0..4),
        ) {
            let manifest = Manifest { phase, entries, directories, ..Manifest::default() };
            prop_assert_eq!(Manifest::parse(manifest.text().as_bytes()), Ok(manifest));
        }

        /// Bytes of any kind, and records with a byte changed, are read or refused.
        #[test]
        fn no_bytes_make_it_panic(
            bytes in any::<Vec<u8>>(),
            entries in proptest::collection::vec(entry(), 0..2),
            place in any::<proptest::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let _ = Manifest::parse(&bytes);
            let manifest = Manifest { entries, ..Manifest::default() };
            let mut text = manifest.text().into_bytes();
            let place = place.index(text.len());
            text[place] = byte;
            let _ = Manifest::parse(&text);
        }
    }

    /// The form on disk: a later version must read it.
    #[test]
    fn the_form_is_the_same_for_ever() {
        let manifest = Manifest {
            entries: vec![Entry {
                path: "etc/a".parse().expect("a path"),
                former: Former::Kept(Kept(3)),
                ours: Content::of_file(b"a"),
                moved_to: None,
            }],
            phase: Phase::Changing(Change {
                steps: vec![Step::Remove {
                    path: "etc/b".parse().expect("a path"),
                }],
                directories: Vec::new(),
            }),
            ..Manifest::default()
        };
        let text = r#"{"version":1,"phase":{"changing":{"steps":[{"do":"remove","path":"etc/b"}],"directories":[]}},
            "entries":[{"path":"etc/a","former":{"kept":3},"ours":{"kind":"file","size":1,
            "sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}}],"directories":[]}"#;
        assert_eq!(Manifest::parse(text.as_bytes()), Ok(manifest));
    }

    /// Nothing that leads out of the tree is taken for a path in it.
    #[test]
    fn what_is_no_record_is_refused() {
        for (text, why) in [
            (
                r#"{"version":1,"phase":"configured","entries":[],"directories":["../etc"]}"#,
                "`../etc` is no path inside the root tree: it contains `..` at line 1 column 71",
            ),
            (
                r#"{"version":1,"phase":"configured","entries":[{"path":"a","former":"absent","ours":{"kind":"link","sha256":"00"}}],"directories":[]}"#,
                "a digest has 64 hexadecimal digits at line 1 column 112",
            ),
            (
                r#"{"version":1,"phase":"configured","entries":[]}"#,
                "missing field `directories` at line 1 column 47",
            ),
        ] {
            assert_eq!(
                Manifest::parse(text.as_bytes()),
                Err(Unreadable::Damaged(why.to_owned()))
            );
        }
        assert_eq!(
            Manifest::parse(br#"{"version":2}"#),
            Err(Unreadable::Version(2))
        );
        assert_eq!(
            String::from(Digest::of(b"")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
