//! Simulated Linux machines on a simulated network.
//!
//! A [`Simulation`] starts User-mode Linux machines (a Linux kernel that is a
//! program), gives them network cards and disks, joins the cards by
//! [segments](Simulation::segment), and drives all of it from one thread. In
//! [virtual time](ClockKind::Virtual) the machines and the network share one
//! clock that this crate moves: what waits costs nothing, what computes takes
//! no time, and a run with the same seed gives the same times again.
//!
//! The kernel is an unpatched one, built with `ARCH=um`; cards and disks are
//! virtio devices that this crate serves (vhost-user).
#![warn(missing_docs)]

mod agenda;
pub mod capture;
mod card;
mod clock;
pub mod console;
mod device;
mod disk;
pub mod entropy;
mod error;
mod hearing;
mod machine;
mod network;
mod overlay;
mod poller;
mod port;
mod process;
mod real_time;
mod ring;
mod scratch;
mod simulation;
pub mod spec;
mod telling;
mod vhost_user;
mod virtual_time;
pub mod wire;
mod world;

pub use console::Console;
pub use error::Error;
pub use simulation::Simulation;
pub use spec::{
    Action, CardSpec, ClockKind, DiskSpec, Kernel, Mac, MachineId, MachineSpec, SegmentId,
    Settings, State, Stopped,
};

/// The example there is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
