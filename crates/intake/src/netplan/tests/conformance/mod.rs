//! netplan's own examples and the texts of its generator tests, used in place:
//! each is planned or refused with its place, and nothing of it is dropped in
//! silence.
//!
//! `cargo xtask conformance` gets netplan's source, has its tests' texts
//! written down, and runs these tests with [`SOURCE`] set.

mod cases;
mod differences;
mod mutation;
mod outcome;
mod reference;
mod tree;

/// The directory with `source`, netplan's, and `snippets.json`.
const SOURCE: &str = "NVMEROOT_NETPLAN_SOURCE";
