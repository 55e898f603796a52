//! The root tree: the only place that writes, and it stays inside.

mod compare;
mod content;
mod draft;
mod drafter;
mod edited;
mod error;
mod lock;
mod look;
mod manifest;
mod record;
mod staged;
mod stop;
mod transaction;
mod tree;
mod writer;

pub(crate) use compare::Outcome;
pub(crate) use draft::{Line, Terms};
pub(crate) use error::RootError;
pub(crate) use record::{Interrupted, MovedAside, Recovered};
pub(crate) use transaction::Report;
pub(crate) use tree::{RootTree, read_file};

#[cfg(test)]
mod tests;
