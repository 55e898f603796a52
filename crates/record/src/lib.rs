//! The boot record: what the initramfs program did, when, and what failed.
//!
//! The program writes it to `/run/nvmeroot/boot.json` while the machine boots,
//! and it stays there for the running system. The README beside this crate
//! describes the JSON form. This crate does no input or output.

#![forbid(unsafe_code)]

mod failure;
#[cfg(test)]
mod properties;
mod record;
mod scope;
mod step;

pub use failure::{Failure, FailureKind};
pub use record::{
    BootRecord, ErrorRecord, FORMAT_VERSION, Missing, Moment, Outcome, RecordError, Requirement,
    StepRecord, StepState,
};
pub use scope::{Portal, Scope};
pub use step::StepKind;
