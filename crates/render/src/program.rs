//! A program that a root tree must have installed.

/// A program that the files call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredProgram {
    /// Its name.
    pub name: &'static str,
    /// What it is where people don't call it, in words that stand before its name.
    pub what: &'static str,
    /// Debian's package that has it.
    pub package: &'static str,
    /// Where it may be, relative to the root tree's top.
    pub directories: &'static [&'static str],
}

/// Where programs are that people call, relative to the root tree's top.
const DIRECTORIES: &[&str] = &["usr/sbin", "usr/bin", "sbin", "bin"];

impl RequiredProgram {
    pub(crate) const fn new(name: &'static str, package: &'static str) -> Self {
        Self::within("", DIRECTORIES, name, package)
    }

    /// One that is in a directory of its own.
    pub(crate) const fn within(
        what: &'static str,
        directories: &'static [&'static str],
        name: &'static str,
        package: &'static str,
    ) -> Self {
        Self {
            name,
            what,
            package,
            directories,
        }
    }
}
