//! One boot: starts the work on the network and on the storage, waits until what
//! root needs is there or the time is up, reports, and hands the network over.
//!
//! Only this room knows both others.

mod bring_up;
mod cards;
pub mod commands;
pub mod control;
mod drivers;
mod error;
mod filesystems;
mod reads;
mod report;
mod requirements;
mod root_mount;
mod running_system;
mod sources;
mod tables;

pub use bring_up::{Boot, Verdict};
pub use reads::reads;
pub use requirements::{Requirements, RootDevice};
pub use running_system::{leases, paths};
