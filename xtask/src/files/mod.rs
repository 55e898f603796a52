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

use self::circles::Exception;
pub(crate) use self::module::Files;
use self::module::Tree;

/// Lines of code that a file may have.
const LIMIT: usize = 450;

/// Circles that are known. One that is gone from the code is a fault, too, so that
/// the table only shrinks.
const EXCEPTIONS: &[Exception] = &[
    (
        "crates/agent/src/net/dhcp/error.rs",
        "crates/agent/src/net/dhcp/v6/client.rs",
        "an event carries the lease, which belongs in a file of its own",
    ),
    (
        "crates/intake/src/netplan/lower/interface.rs",
        "crates/intake/src/netplan/lower/mod.rs",
        DEFINITION,
    ),
    (
        "crates/intake/src/netplan/lower/link.rs",
        "crates/intake/src/netplan/lower/mod.rs",
        DEFINITION,
    ),
    (
        "crates/intake/src/netplan/lower/references.rs",
        "crates/intake/src/netplan/lower/mod.rs",
        DEFINITION,
    ),
    (
        "crates/intake/src/netplan/schema/mod.rs",
        "crates/intake/src/netplan/schema/network.rs",
        "what a key is stands beside the search through all keys",
    ),
    (
        "crates/intake/src/yaml/pyyaml/number.rs",
        "crates/intake/src/yaml/pyyaml/mod.rs",
        "values and refusals stand beside what resolves them",
    ),
    (
        "crates/intake/src/yaml/tree.rs",
        "crates/intake/src/yaml/path.rs",
        "a node tells its own path",
    ),
];

const DEFINITION: &str = "an interface's definition stands beside what reads all of them";

/// The faults of one crate, by its topmost file; `needed` collects the exceptions that
/// silence a circle.
fn faults(
    files: &Files,
    root: &str,
    exceptions: &[Exception],
    needed: &mut Vec<usize>,
) -> Result<Vec<String>> {
    let tree = Tree::read(files, root)?;
    let mut faults = length::faults(&tree, LIMIT);
    faults.extend(circles::faults(&uses::all(&tree), exceptions, needed));
    Ok(faults)
}

/// The faults of all crates: their topmost files are `roots`.
pub(crate) fn check(files: &Files, roots: &[String]) -> Result<Vec<String>> {
    let mut needed = Vec::new();
    let mut all = Vec::new();
    for root in roots {
        all.extend(faults(files, root, EXCEPTIONS, &mut needed)?);
    }
    for (at, (file, used, _)) in EXCEPTIONS.iter().enumerate() {
        if !needed.contains(&at) {
            all.push(format!(
                "`{file}` and `{used}` are in no circle any more\n    hint: take them out of the exceptions"
            ));
        }
    }
    Ok(all)
}
