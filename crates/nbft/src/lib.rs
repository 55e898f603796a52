#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod diagnostics;
mod discovery;
mod error;
mod hfi;
mod layout;
mod read;
mod security;
mod subsystem;
mod table;
mod two_bits;
mod value;
#[cfg(feature = "write")]
mod write;

pub use discovery::Discovery;
#[cfg(feature = "write")]
pub use error::WriteError;
pub use error::{Broken, Effect, Note, RecordKind, Rule};
pub use hfi::{Hfi, HfiExtended, HfiExtendedFlags, HfiFlags, PciLocation};
pub use read::{Parsed, parse};
pub use security::{Policy, Requirement, SecurityFlags, SecurityProfile};
pub use subsystem::{
    Availability, DISCOVERY_NQN, Diagnostics, NamespaceId, NamespaceIdKind, Subsystem,
    SubsystemExtended, SubsystemExtendedFlags, SubsystemFlags, TransportFlags,
};
pub use table::{Header, Host, HostFlags, Primary, Table};
pub use value::{Address, Mac, Unknown, Uuid};
#[cfg(feature = "write")]
pub use write::fix_checksum;
