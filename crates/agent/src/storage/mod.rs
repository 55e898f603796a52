//! The controllers: one pool of threads that finds a route to each portal, reads
//! discovery logs, connects, and waits for namespaces.
//!
//! Of the network it asks one question: whether a link is usable
//! ([`Network::is_usable`]).

mod connect;
mod connect_scheduler;
mod controller_table;
mod discovery;
mod discovery_registry;
pub mod fabrics;
mod ownership;
mod pool;
mod portal_route;
mod start;
mod state;

pub use controller_table::ConnectedTo;
pub use state::Storage;
