//! Variables of the environment.

use std::path::PathBuf;

/// A variable of the environment that holds a path; an empty one counts as
/// absent.
pub(crate) fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
}
