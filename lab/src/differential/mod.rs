//! The differential test: the same netplan text through `netplan generate` and
//! systemd-networkd in one machine, through our steps by the agent in another,
//! and what the kernel then says in each.

mod compare;
mod configuration;
mod expected;
mod facts;
mod format_error;
mod generate;
mod glob;
mod machine;
mod plan;
mod target;

pub use compare::{Comparison, compare, unused};
pub use configuration::{Configuration, all};
pub use expected::{EXPECTED, Expected};
pub use facts::{Difference, Facts, facts};
pub use format_error::FormatError;
pub use machine::{Answer, Batch, Versions, read_again, run_both};
