//! One boot: starts the work on the network and on the storage, waits until what
//! root needs is there or the time is up, reports, and hands the network over.
//!
//! Only this room knows both others.

mod bring_up;
pub mod command_line;
pub mod commands;
pub mod control;
mod drivers;
mod filesystems;
mod later_paths;
mod report;
mod requirements;
mod root_mount;

pub use bring_up::{Boot, Verdict};
pub use later_paths::paths;
pub use requirements::{Requirements, RootDevice};
