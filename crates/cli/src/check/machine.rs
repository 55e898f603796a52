//! What the machine says of itself, where the tree is the running one or has its `/sys`.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::Path;

use nvmeroot_intake::Card;

use super::finding::{Finding, Topic};
use crate::root::RootTree;
use crate::sources::Known;
use crate::{Failure, sources};

const CARDS: [&str; 1] = ["sys/class/net"];
const POOLS: [&str; 2] = ["sys/class/block", "run/udev/data"];

/// What was asked of it, each once.
pub(crate) struct Machine<'a> {
    root: &'a RootTree,
    path: &'a Path,
    /// The tree is the running one: what is not there was not looked at.
    is_running: bool,
    cards: OnceCell<Answer<Vec<Card>>>,
    pools: OnceCell<Answer<BTreeSet<String>>>,
}

/// What is known, and why there may be more.
#[derive(Default)]
struct Answer<T> {
    known: T,
    unread: Option<String>,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(root: &'a RootTree, path: &'a Path) -> Self {
        let real = std::fs::canonicalize(path);
        Self {
            root,
            path,
            is_running: real.is_ok_and(|path| path == Path::new("/")),
            cards: OnceCell::new(),
            pools: OnceCell::new(),
        }
    }

    /// The network cards, as far as they are known.
    pub(crate) fn cards(&self) -> &[Card] {
        let answer = || self.ask(&CARDS, sources::cards);
        &self.cards.get_or_init(answer).known
    }

    /// The pools of ZFS, as far as they are known.
    pub(crate) fn pools(&self) -> &BTreeSet<String> {
        let answer = || self.ask(&POOLS, sources::pools);
        &self.pools.get_or_init(answer).known
    }

    /// `places`: the directories that have the answer.
    fn ask<T: Default>(
        &self,
        places: &[&str],
        read: impl Fn(&Path) -> Result<Known<T>, Failure>,
    ) -> Answer<T> {
        let mut places = places.iter();
        let missing = places.find(|place| self.is_running && !self.root.is_directory(place));
        let missing = missing.map(|place| format!("`/{place}` is not there"));
        match read(self.path) {
            Ok(Known { known, unread }) => Answer {
                known,
                unread: missing.or_else(|| unread.map(|error| error.to_string())),
            },
            Err(failure) => Answer {
                known: T::default(),
                unread: Some(missing.unwrap_or_else(|| match failure {
                    Failure::Usage(why) => why,
                    Failure::Runtime(error) => error.to_string(),
                    Failure::Input(_) => "it makes no sense".to_owned(),
                })),
            },
        }
    }

    /// What was asked and not answered.
    pub(crate) fn check(&self, findings: &mut Vec<Finding>) {
        let warning = |what: &str, error: &str, mend| {
            let (error, _) = error.split_once("\nhint: ").unwrap_or((error, ""));
            Finding::warning(
                Topic::MachineUnread,
                format!("{what} can't all be looked at: {error}"),
            )
            .mend(mend)
        };
        if let Some(error) = self.cards.get().and_then(|answer| answer.unread.as_ref()) {
            findings.push(
                warning(
                    "this machine's network cards",
                    error,
                    "see that `/sys` is mounted and can be read",
                )
                .because(
                    "of a card that is not known the driver was not looked for in the initramfs",
                ),
            );
        }
        if let Some(error) = self.pools.get().and_then(|answer| answer.unread.as_ref()) {
            findings.push(
                warning("this machine's pools of ZFS", error, "see that `/sys` and `/run` are mounted and can be read, and that udev runs (`udevadm trigger`); or say `root=ZFS=POOL/DATASET`, as `findmnt /` shows it")
                    .because("where there are several, root is taken from any of them by what the boot entry says"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_machine_without_its_files_was_not_looked_at() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = RootTree::open(dir.path()).expect("a tree");
        let found = |is_running| {
            let machine = Machine {
                is_running,
                ..Machine::new(&root, dir.path())
            };
            assert_eq!((machine.cards().len(), machine.pools().len()), (0, 0));
            let mut findings = Vec::new();
            machine.check(&mut findings);
            Vec::from_iter(findings.into_iter().map(|one| one.what))
        };
        // Of a tree that is not running nothing of this is expected.
        assert_eq!(found(false), [""; 0]);
        assert_eq!(
            found(true),
            [
                "this machine's network cards can't all be looked at: `/sys/class/net` is not there",
                "this machine's pools of ZFS can't all be looked at: `/sys/class/block` is not there",
            ]
        );
        let nobody = Machine::new(&root, dir.path());
        let mut findings = Vec::new();
        nobody.check(&mut findings);
        assert_eq!(findings, [], "nobody has asked");
    }
}
