//! Cables and hubs: Ethernet segments that can be cut, and that lose, delay,
//! reorder, duplicate and damage frames.
//!
//! This is pure logic on simulated time and frames, without I/O: whoever moves the
//! frames asks a [`Segment`] what becomes of each one.
//!
//! ```
//! use std::time::Duration;
//! use machinesim::wire::{Faults, Place, Segment, Share};
//!
//! let latency = Duration::from_micros(50);
//! let mut cable = Segment::new(latency, 7);
//! let (left, right) = (cable.plug(), cable.plug());
//! let frame = vec![0xff; 60];
//! let arrivals: Vec<_> = cable.deliver(Duration::ZERO, left, frame.clone()).collect();
//! assert_eq!(arrivals[0].at, latency);
//! assert_eq!(arrivals[0].port, right);
//!
//! // What goes to the right port is lost; what comes from it is not.
//! let lossy = Faults { loss: Share::ALL, ..Faults::default() };
//! cable.set_faults(Place::To(right), lossy);
//! assert_eq!(cable.deliver(latency, left, frame.clone()).count(), 0);
//! assert_eq!(cable.deliver(latency, right, frame).count(), 1);
//! assert_eq!(cable.counts().lost, 1);
//! ```
//!
//! # What stays the same in every run
//! What becomes of a frame depends on the seed, on the faults, and on what *the same
//! port* sent before. What other ports send changes nothing, so machines may compute at
//! the same time, and each run of a seed still gives the same arrivals.
//!
//! # Order
//! Frames from one port to another arrive in the order in which they were sent, also
//! with jitter and a bandwidth. Only [`Faults::reorder`] lets a frame be overtaken.

mod faults;
mod filter;
mod lane;
mod packet;
mod reset;
mod segment;
#[cfg(test)]
mod tests;

pub use faults::{Bandwidth, Counts, Faults, Reorder, Share};
pub use filter::{Filter, Kind, Which};
pub use reset::Reset;
pub use segment::{Delivery, Place, Port, Segment};
