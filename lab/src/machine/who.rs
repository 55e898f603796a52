//! The machines of a world.

use std::fmt;

/// A machine of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The machine that boots.
    Host,
    /// The machine that exports the drive.
    Target,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Who::Host => "host",
            Who::Target => "target",
        })
    }
}
