//! Machines: what they are made of, the world in which they run, and the kinds
//! of it. Who plays a scenario knows [`World`] alone.

mod parts;
mod qemu;
mod way;
mod world;

use std::path::Path;

use crate::error::{Error, Result};
use crate::platform::Platform;

pub(crate) use parts::{Card, Machine, SecondPort};
pub use parts::{Line, Processors};
pub use way::{Clock, Kind, Need, SEED, Way};
pub use world::Who;
pub(crate) use world::{Condition, World, met, missed, wait};

/// A world with so many cables between a host and its target.
pub(crate) fn world(
    way: &Way,
    _platform: &Platform,
    cables: usize,
    _dir: &Path,
) -> Result<Box<dyn World>> {
    match way.kind {
        Kind::Qemu => Ok(Box::new(qemu::Emulated::new(cables)?)),
        Kind::Uml => Err(Error::Unavailable {
            reason: "there are no such machines yet".to_owned(),
            hint: "use `--machine qemu`".to_owned(),
        }),
    }
}
