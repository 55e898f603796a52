//! NVMe over TCP from user space: enough of it to ask a target what it offers and whether
//! it admits this host, without the kernel making a controller.
//!
//! | module | holds |
//! |---|---|
//! | [`pdu`] | what a target says: bytes → values |
//! | [`command`] | what the host says: values → bytes |
//! | [`conversation`] | a connection on which both is said, in bounded time |
//! | [`auth`] | DH-HMAC-CHAP: messages and responses |
//! | [`group`] | its Diffie-Hellman groups |
//! | [`log_page`] | the discovery log |
//! | [`answers`] | what a target says, as bytes: for tests |
//!
//! Not spoken: digests, TLS, the controller's own authentication by a secret, and data
//! transfers to a namespace.

#![forbid(unsafe_code)]

#[cfg(feature = "write")]
pub mod answers;
pub mod auth;
pub mod command;
pub mod conversation;
pub mod group;
pub mod log_page;
pub mod pdu;
