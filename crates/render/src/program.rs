//! A program that a root tree must have installed.

/// A program that the files call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredProgram {
    /// Its name; it is in one of [`RequiredProgram::DIRECTORIES`].
    pub name: &'static str,
    /// Debian's package that has it.
    pub package: &'static str,
}

impl RequiredProgram {
    /// Where programs are, relative to the root tree's top.
    pub const DIRECTORIES: [&'static str; 4] = ["usr/sbin", "usr/bin", "sbin", "bin"];

    pub(crate) const fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }
}
