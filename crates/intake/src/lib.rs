//! Front-ends: curtin configuration and netplan YAML to fragments of a boot plan

mod array;
mod cloud_init;
pub mod curtin;
mod diagnostic;
mod error;
pub mod fstab;
pub mod ifupdown;
pub mod kernel_state;
mod lines;
pub mod machine;
mod native;
pub mod netplan;
pub mod network_manager;
pub mod networkd;
pub mod nvme_etc;
#[cfg(test)]
mod stopwatch;
pub mod yaml;

pub use self::diagnostic::{Diagnostic, Diagnostics};
pub use self::error::IntakeError;
pub use self::native::{Card, Files};
