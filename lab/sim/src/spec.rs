//! What a simulation is described by: settings, machines, actions.
use std::fmt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::str::FromStr;
use std::time::Duration;

use crate::wire::{Faults, Place, Port};

/// How a simulation works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A directory for the machines' reports; it is made where it is not there. Long paths are fine: sockets and the
    /// kernel's own files lie in a short temporary directory of their own.
    pub dir: PathBuf,
    /// What the machines run.
    pub kernel: Kernel,
    /// Which time passes.
    pub clock: ClockKind,
    /// From this all chance is derived: faults on the wire, the machines' entropy.
    pub seed: u64,
    /// From card to card. In virtual time machines may run ahead of each other by this much: a
    /// small value costs processor time.
    pub latency: Duration,
    /// A [`run`](crate::Simulation::run) whose virtual time has not moved for this long (our time) ends with an
    /// error.
    pub watchdog: Duration,
}

impl Settings {
    /// Settings with the defaults: virtual time, seed 0, 50 µs, 120 s.
    pub fn new(dir: impl Into<PathBuf>, kernel: Kernel) -> Self {
        Self {
            dir: dir.into(),
            kernel,
            clock: ClockKind::Virtual,
            seed: 0,
            latency: Duration::from_micros(50),
            watchdog: Duration::from_secs(120),
        }
    }
}

/// What the machines run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The program `linux`, as `make ARCH=um linux` builds it.
    pub linux: PathBuf,
    /// What [`entropy::build_shim`](crate::entropy::build_shim) built: the kernel's randomness comes from the seed.
    /// None: from the outside, and no two runs are alike.
    pub entropy_shim: Option<PathBuf>,
}

/// Which time passes in a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockKind {
    /// The simulation's own: it jumps from event to event, and the same happens again in every run.
    #[default]
    Virtual,
    /// Ours.
    Real,
}

/// A cable or hub: any number of cards that hear each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(pub(crate) usize);

/// A machine of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MachineId(pub(crate) usize);

/// A machine as it is described.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// Names its files and its process; unique in the simulation; `[a-z0-9-]`, at most 32 bytes.
    pub name: String,
    /// The initramfs.
    pub initrd: PathBuf,
    /// What the kernel's command line holds besides what the simulation adds (memory, console=ttyS0 on our
    /// pipe, devices, clock).
    pub cmdline: String,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Network cards, in the order in which the kernel finds them.
    pub cards: Vec<CardSpec>,
    /// Disks, in the order in which the kernel finds them: `vda`, `vdb`, …
    pub disks: Vec<DiskSpec>,
    /// The processor of ours on which it runs, and on no other; counted from 0. None: on any.
    pub processor: Option<usize>,
}

/// A network card.
#[derive(Debug, Clone)]
pub struct CardSpec {
    /// Its address.
    pub mac: Mac,
    /// The platform id: udev's `ID_PATH` is `platform-virtio-uml.SLOT`. Unique in the machine, over cards and
    /// disks, below 200 (the simulation's own devices lie above).
    pub slot: u8,
    /// Where it is plugged in.
    pub segment: SegmentId,
    /// Whether it has a carrier at the start.
    pub carrier: bool,
    /// As `ethtool` shows it.
    pub speed_mbit: u32,
}

/// A disk: an image that is never written to, and what the machine has written, which lasts as long as the
/// simulation.
#[derive(Debug, Clone)]
pub struct DiskSpec {
    /// The image.
    pub image: PathBuf,
    /// As in [`CardSpec::slot`].
    pub slot: u8,
    /// The machine can't write.
    pub read_only: bool,
}

/// How a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not started, or killed.
    Off,
    /// Started.
    Running,
    /// Ended by itself: power off (success), panic with `panic=-1` or worse.
    Exited(ExitStatus),
    /// It wanted to start again, and was switched off instead: a reboot is [`Simulation::start`](crate::Simulation::start).
    Rebooted,
}

/// What is done at a given time.
#[derive(Debug, Clone)]
pub enum Action {
    /// One card loses or gets its carrier.
    Carrier {
        /// The machine.
        machine: MachineId,
        /// Index in [`MachineSpec::cards`].
        card: usize,
        /// With carrier.
        up: bool,
    },
    /// All cards of a segment lose their carrier, or get it back.
    Cut {
        /// The segment.
        segment: SegmentId,
        /// Without carrier.
        cut: bool,
    },
    /// What goes wrong in one place of a segment from now on.
    Faults {
        /// The segment.
        segment: SegmentId,
        /// Where on it.
        place: Place,
        /// Instead of those there.
        faults: Faults,
    },
    /// Cards hear only those of their own group; the carrier stays.
    Partition {
        /// The segment.
        segment: SegmentId,
        /// Its ports, see [`Simulation::port`](crate::Simulation::port).
        groups: Vec<Vec<Port>>,
    },
    /// All cards hear each other again.
    Heal {
        /// The segment.
        segment: SegmentId,
    },
    /// Power on.
    Start(MachineId),
    /// Power cut.
    Kill(MachineId),
    /// A line into the machine's `hvc0`.
    Send {
        /// The machine.
        machine: MachineId,
        /// Without line feed.
        line: String,
    },
}

/// Why [`Simulation::run`](crate::Simulation::run) came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The condition was met.
    Condition,
    /// The time has come.
    Time,
}

/// A card's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Not six bytes in hexadecimal with colons between them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a MAC address")]
pub struct BadMac(String);

impl FromStr for Mac {
    type Err = BadMac;
    fn from_str(text: &str) -> Result<Self, BadMac> {
        let bad = || BadMac(text.into());
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(bad)?;
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
            let part = digits.then_some(part).ok_or_else(bad)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| bad())?;
        }
        if parts.next().is_some() {
            Err(bad())
        } else {
            Ok(Self(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_six_bytes() {
        let mac: Mac = "52:54:00:aB:cd:01".parse().expect("an address");
        assert_eq!(mac.to_string(), "52:54:00:ab:cd:01");
        for bad in [
            "",
            "52:54:00:ab:cd",
            "52:54:00:ab:cd:01:02",
            "52:54:0:ab:cd:01",
            "52-54-00-ab-cd-01",
            "52:54:00:ab:cd:0g",
        ] {
            assert_eq!(bad.parse::<Mac>(), Err(BadMac(bad.into())));
        }
        assert_eq!(
            "+1:54:00:ab:cd:01".parse::<Mac>(),
            Err(BadMac("+1:54:00:ab:cd:01".into()))
        );
    }
}
