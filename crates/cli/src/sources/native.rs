//! The files of the network managers that the root tree has, beside netplan's.

use std::cell::RefCell;
use std::collections::BTreeSet;

use nvmeroot_intake::{Card, Files, ifupdown, network_manager, networkd};
use nvmeroot_plan::{Fragment, Manager};

use super::SourceError;
use crate::Failure;
use crate::diagnose::SourceMap;
use crate::root::{RootError, RootTree};

/// As long as a configuration file is at most.
const LONGEST: u64 = 1 << 20;

/// What the files of each manager that is there say, the weakest first. `cards`: those
/// that the machine is known to have.
pub(super) fn network(
    root: &RootTree,
    managers: &BTreeSet<Manager>,
    cards: &[Card],
    source_map: &mut SourceMap,
) -> Result<Vec<Fragment>, SourceError> {
    let files = TreeFiles {
        root,
        error: RefCell::default(),
    };
    let mut fragments = Vec::new();
    for (format, _) in READ {
        if !is_read(managers, format) {
            continue;
        }
        let read = match format {
            Manager::NetworkManager => network_manager::read(&files, cards),
            Manager::Networkd => networkd::read(&files, cards),
            _ => ifupdown::read(&files),
        };
        let (fragment, texts) = files.whole(read)?;
        for (name, text) in texts {
            source_map.insert(&name, text);
        }
        fragments.push(fragment);
    }
    Ok(fragments)
}

/// The formats that are read, each by the manager that it is from, and all that go by it.
const READ: [(Manager, &[Manager]); 3] = [
    (
        Manager::Ifupdown,
        &[Manager::Ifupdown, Manager::Ifupdown2, Manager::IfupdownNg],
    ),
    (Manager::NetworkManager, &[Manager::NetworkManager]),
    (Manager::Networkd, &[Manager::Networkd]),
];

/// The files of that manager are read: it, or another that goes by them, is there.
pub(super) fn is_read(managers: &BTreeSet<Manager>, by: Manager) -> bool {
    let mut all = READ.iter().filter(|(format, _)| *format == by);
    all.any(|(_, readers)| readers.iter().any(|one| managers.contains(one)))
}

/// The files of the tree; the first error is kept.
struct TreeFiles<'a> {
    root: &'a RootTree,
    error: RefCell<Option<RootError>>,
}

impl TreeFiles<'_> {
    fn kept<T>(&self, result: Result<T, RootError>) -> Option<T> {
        result
            .map_err(|error| {
                self.error.borrow_mut().get_or_insert(error);
            })
            .ok()
    }

    /// What was read, if all could be.
    fn whole<T, E: Into<SourceError>>(&self, read: Result<T, E>) -> Result<T, SourceError> {
        match self.error.take() {
            Some(error) => Err(Failure::from(error).into()),
            None => read.map_err(Into::into),
        }
    }
}

impl Files for TreeFiles<'_> {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.kept(self.root.read(path, LONGEST)).flatten()
    }

    fn list(&self, directory: &str) -> Vec<String> {
        self.kept(self.root.list(directory)).unwrap_or_default()
    }
}
