//! The root tree: the only place that writes, and it stays inside.

mod compare;
mod error;
mod lock;
mod stop;
mod transaction;
mod tree;

pub(crate) use compare::Outcome;
pub(crate) use error::RootError;
pub(crate) use tree::{RootTree, read_file};

#[cfg(test)]
mod tests;
