//! Machines: what they are made of, the world in which they run, and the kinds
//! of it. Who plays a scenario knows [`World`] alone.

mod parts;
mod qemu;
mod uml;
mod way;
mod who;
mod world;

use std::path::Path;

use crate::error::Result;
use crate::platform::Platform;

pub(crate) use parts::{Card, Machine, SecondPort};
pub use parts::{Line, Processors};
pub use way::{Clock, Kind, Need, SEED, Way};
pub use who::Who;
pub(crate) use world::{Condition, World, met, missed, wait};

/// A world with so many cables between a host and its target; what it leaves
/// goes to `dir`.
pub(crate) fn world(
    way: &Way,
    platform: &Platform,
    cables: usize,
    dir: &Path,
) -> Result<Box<dyn World>> {
    Ok(match way.kind {
        Kind::Qemu => Box::new(qemu::Emulated::new(cables)?),
        Kind::Uml => Box::new(uml::Simulated::new(way, platform, cables, dir)?),
    })
}
