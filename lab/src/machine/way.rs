//! What runs the machines, and which scenario needs which.

use std::fmt;

/// A kind of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// User-mode Linux: a kernel that is a program, with simulated cards, drives
    /// and time.
    Uml,
    /// QEMU: an emulated computer with Debian's own kernel.
    Qemu,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Uml => "uml",
            Kind::Qemu => "qemu",
        })
    }
}

/// What only an emulated computer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Cards in slots, from which udev makes names.
    PciSlot,
    /// Cards that come while the machine runs.
    HotPlug,
    /// Debian's own kernel: its modules and their order.
    DebianKernel,
    /// Tables of the firmware.
    AcpiTable,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Need::PciSlot => "a PCI slot",
            Need::HotPlug => "hot plug",
            Need::DebianKernel => "Debian's kernel",
            Need::AcpiTable => "an ACPI table",
        })
    }
}

/// Which time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// Simulated: what waits takes no time of ours, and the same happens in each
    /// run.
    #[default]
    Virtual,
    /// Ours.
    Real,
}

/// From which chance comes, where nobody says another.
pub const SEED: u64 = 1;

/// How a scenario is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// What runs its machines.
    pub kind: Kind,
    /// Which time passes; emulated machines know ours alone.
    pub clock: Clock,
    /// From this comes all chance in a simulated world.
    pub seed: u64,
}

impl Way {
    /// Emulated machines, in our time.
    pub const EMULATED: Way = Way {
        kind: Kind::Qemu,
        clock: Clock::Real,
        seed: SEED,
    };

    /// Simulated machines.
    pub fn simulated(clock: Clock, seed: u64) -> Way {
        Way {
            kind: Kind::Uml,
            clock,
            seed,
        }
    }
}

impl Way {
    /// Whether what computes takes no time.
    pub fn is_virtual(&self) -> bool {
        self.clock == Clock::Virtual
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.clock) {
            (Kind::Qemu, _) => f.write_str("qemu"),
            (Kind::Uml, Clock::Virtual) => write!(f, "uml, seed {}", self.seed),
            (Kind::Uml, Clock::Real) => f.write_str("uml, real time"),
        }
    }
}
