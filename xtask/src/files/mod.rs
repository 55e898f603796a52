//! Files against the rules for files: none is too long, and none use each other.
//!
//! What counts is code that is shipped: no tests, comments or blank lines.

mod circles;
mod length;
mod module;
#[cfg(test)]
mod tests;
mod uses;

use anyhow::Result;

pub(crate) use self::module::Files;
use self::module::Tree;

/// Lines of code that a file may have.
const LIMIT: usize = 450;

/// The faults of one crate, by its topmost file.
fn faults(files: &Files, root: &str) -> Result<Vec<String>> {
    let tree = Tree::read(files, root)?;
    let mut faults = length::faults(&tree, LIMIT);
    faults.extend(circles::faults(&uses::all(&tree)));
    Ok(faults)
}

/// The faults of all crates: their topmost files are `roots`.
pub(crate) fn check(files: &Files, roots: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for root in roots {
        all.extend(faults(files, root)?);
    }
    Ok(all)
}
