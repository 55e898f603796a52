//! Files that use each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

use super::uses::Uses;

/// So many names of a use are told.
const NAMES: usize = 6;

/// A fault for each circle, the shortest through every file.
pub(super) fn faults(uses: &Uses) -> Vec<String> {
    let mut told = BTreeSet::new();
    let mut faults = Vec::new();
    for file in uses.keys() {
        let Some(circle) = shortest(uses, file) else {
            continue;
        };
        if told.insert(circle.iter().cloned().collect::<BTreeSet<_>>()) {
            faults.push(tell(uses, &circle));
        }
    }
    faults
}

/// The shortest circle through a file; it begins and ends with the file.
fn shortest(uses: &Uses, file: &str) -> Option<Vec<String>> {
    let from = uses.get(file)?.keys();
    let mut circle = from
        .filter_map(|used| way(uses, used, file))
        .min_by_key(Vec::len)?;
    circle.insert(0, file.to_owned());
    Some(circle)
}

/// The shortest way from a file to another, both included.
fn way(uses: &Uses, from: &str, to: &str) -> Option<Vec<String>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(file) = queue.pop_front() {
        if file == to {
            let mut way = vec![file.to_owned()];
            let mut at = file;
            while at != from {
                at = before.get(at)?;
                way.insert(0, at.to_owned());
            }
            return Some(way);
        }
        for next in uses.get(file).into_iter().flat_map(BTreeMap::keys) {
            if next != from && !before.contains_key(next.as_str()) {
                before.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

fn tell(uses: &Uses, circle: &[String]) -> String {
    let mut text = "files use each other:".to_owned();
    for pair in circle.windows(2) {
        let names = &uses[&pair[0]][&pair[1]];
        let mut told: Vec<_> = names
            .iter()
            .take(NAMES)
            .map(|name| format!("`{name}`"))
            .collect();
        if names.len() > NAMES {
            told.push(format!("{} more", names.len() - NAMES));
        }
        // Writing to a text can't fail.
        let _ = write!(
            text,
            "\n    `{}` uses {} of `{}`",
            pair[0],
            told.join(", "),
            pair[1]
        );
    }
    text + "\n    hint: move what both need into a file of its own"
}
