//! The network: a thread for each interface of the plan that leads to the
//! storage, from the card to addresses and routes that work.
//!
//! The threads tell each other only that something changed; whether a link, an
//! address or a route is there, each asks the kernel.

mod bond_negotiation;
mod card;
pub mod dhcp;
mod dhcp_clients;
mod duplicate_address;
mod hand_off;
mod ifupdown;
mod interface;
mod interface_task;
mod ipv6;
mod klibc;
mod lease;
mod link_local;
mod link_readiness;
mod link_table;
mod machine_id;
mod name_servers;
mod network;
mod profile;
mod told;
mod virtual_link;

pub(crate) use card::Card;
pub(crate) use hand_off::hand_off;
pub(crate) use link_table::with_what_is_below;
pub use machine_id::{MachineId, MachineIdError};
pub use network::Network;
