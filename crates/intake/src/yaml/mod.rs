//! A YAML tree that remembers where everything stood.
//!
//! [`parse`] turns one document into a [`Document`]: a flat arena of nodes, each
//! with the line and column of its first character, its text as written and its
//! quoting. Nothing is resolved while parsing, because the two readers disagree:
//! curtin reads YAML 1.1 as PyYAML does ([`pyyaml`]), netplan reads every scalar
//! as text ([`netplan`]).
//!
//! Input is hostile until proven otherwise. Size, nesting and the number of
//! nodes (aliases counted as often as they are used) are bounded, and nothing
//! here recurses, so neither depth nor an alias bomb costs more than an error.

mod build;
mod error;
mod json;
mod key_paths;
pub mod netplan;
mod parse;
mod path;
pub mod pyyaml;
mod rewrite;
mod tree;

pub use self::error::YamlError;
pub use self::key_paths::KeyPaths;
pub use self::parse::{parse, parse_json};
pub use self::path::KeyPath;
pub use self::rewrite::{Part, Rewrite, resolved};
pub use self::tree::{
    Document, Entry, Fault, Kind, Mapping, Node, Position, Scalar, Sequence, Style,
};

/// The longest document that [`parse`] takes, in bytes.
///
/// Ten thousand storage actions are about 2 MB; whoever reads a file can ask for
/// its size first and need not read more than this.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The deepest nesting of mappings and lists that [`parse`] takes.
pub const MAX_DEPTH: usize = 128;

/// The most nodes that [`parse`] takes, each aliased subtree counted as often as
/// it is used.
pub const MAX_NODES: u64 = 1_000_000;

#[cfg(test)]
mod tests;
