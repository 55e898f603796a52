//! Simulated machines: User-mode Linux on the network, the drives and the clock of
//! [`machinesim`].

mod firmware;
mod pin;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use machinesim::wire::{self, Place};
use machinesim::{
    CardSpec, ClockKind, DiskSpec, MachineId, MachineSpec, SegmentId, Settings, Simulation, State,
};

use self::pin::{PINS, Pin};
use super::parts::plain;
use super::way::{Clock, Way};
use super::world::Condition;
use super::{Line, Machine, Processors, Who, World};
use crate::error::{Error, Result};
use crate::platform::Platform;
use crate::report::Report;
use crate::trouble::Direction;

/// Drives come after all slots that cards have.
const FIRST_DRIVE: u8 = 100;

/// How often is looked where nothing tells.
const LOOK: Duration = Duration::from_millis(50);

/// As virtio cards of an emulated machine say.
const SPEED_MBIT: u32 = 10_000;

/// The world of a host and its target.
#[derive(Debug)]
pub(super) struct Simulated {
    simulation: Simulation,
    cables: Vec<SegmentId>,
    machines: BTreeMap<Who, Known>,
    /// Last: what it holds together ends before it.
    _pin: Option<Pin<'static>>,
}

/// A machine that was switched on at least once.
#[derive(Debug)]
struct Known {
    id: MachineId,
    began: Duration,
    /// The number of its console's first line since then.
    first: usize,
}

impl Simulated {
    pub(super) fn new(way: &Way, platform: &Platform, cables: usize, dir: &Path) -> Result<Self> {
        let kernel = machinesim::Kernel {
            linux: platform.kernel.clone(),
            entropy_shim: platform.library.clone(),
        };
        let (clock, pin) = match way.clock {
            Clock::Virtual => (ClockKind::Virtual, PINS.take()),
            Clock::Real => (ClockKind::Real, None),
        };
        let mut simulation = Simulation::new(Settings {
            clock,
            seed: way.seed,
            ..Settings::new(dir, kernel)
        })?;
        let mut segments = Vec::new();
        for number in 0..cables {
            let segment = simulation.segment();
            simulation.capture(segment, &dir.join(format!("cable{number}.pcap")));
            segments.push(segment);
        }
        Ok(Simulated {
            simulation,
            cables: segments,
            machines: BTreeMap::new(),
            _pin: pin,
        })
    }

    /// What `condition` is about.
    fn watch<'a>(&self, condition: &Condition<'a>, watched: &mut Vec<Watch<'a>>) {
        if let Condition::Either(first, second) = *condition {
            self.watch(first, watched);
            self.watch(second, watched);
            return;
        }
        let Some(known) = condition.who().and_then(|who| self.machines.get(&who)) else {
            return;
        };
        let id = known.id;
        watched.push(match *condition {
            Condition::Says { texts, from, .. } => Watch::Says {
                id,
                texts,
                next: known.first + from,
            },
            Condition::News(_, count) => Watch::More {
                id,
                lines: known.first + count,
            },
            Condition::Reports(_) => Watch::Report { id, looked: None },
            // That a machine ends is seen in any case.
            Condition::Ends(_) | Condition::Nothing | Condition::Either(..) => return,
        });
    }

    fn known(&self, who: Who) -> Result<&Known> {
        self.machines.get(&who).ok_or_else(|| Error::Ended {
            vm: who.to_string(),
            what: "switching on".to_owned(),
        })
    }

    fn described(&self, machine: &Machine, dir: &Path) -> Result<MachineSpec> {
        let fault = |what: String| Error::Monitor {
            vm: machine.who.to_string(),
            what,
        };
        let mut cards = Vec::new();
        for (card, segment) in machine.cards.iter().zip(&self.cables) {
            if !card.plugged {
                return Err(fault("its cards are there from the start".to_owned()));
            }
            cards.push(CardSpec {
                mac: card.mac.parse().map_err(|_| fault(card.mac.clone()))?,
                slot: card.slot,
                segment: *segment,
                carrier: true,
                speed_mbit: SPEED_MBIT,
            });
        }
        let disks = machine.drives.iter().zip(FIRST_DRIVE..);
        let disks = disks.map(|(image, slot)| DiskSpec {
            image: image.clone(),
            slot,
            read_only: false,
        });
        let (initrd, cmdline) = started_with(machine, dir);
        Ok(MachineSpec {
            name: machine.who.to_string(),
            initrd,
            cmdline,
            memory_mib: machine.memory_mib,
            cards,
            disks: disks.collect(),
            processor: (machine.processors == Processors::Pinned).then_some(match machine.who {
                Who::Host => 0,
                Who::Target => 1,
            }),
        })
    }
}

/// The initial ramdisk and the command line, with what its firmware adds.
fn started_with(machine: &Machine, dir: &Path) -> (PathBuf, String) {
    let (initrd, cmdline) = (machine.initrd.clone(), machine.cmdline.clone());
    match machine.firmware {
        None => (initrd, cmdline),
        Some(_) => {
            let cmdline = format!("{cmdline} rdinit={}", firmware::FIRST);
            (firmware::path(machine, dir), cmdline)
        }
    }
}

fn runs(simulation: &Simulation, id: MachineId) -> bool {
    simulation.state(id) == State::Running
}

fn is_complete(simulation: &Simulation, id: MachineId) -> bool {
    Report::is_complete(&text(&simulation.report(id)))
}

fn text(report: &[u8]) -> String {
    String::from_utf8_lossy(report).replace('\r', "")
}

/// Something that is waited for, and how far it was looked for.
enum Watch<'a> {
    Says {
        id: MachineId,
        texts: &'a [&'a str],
        next: usize,
    },
    More {
        id: MachineId,
        lines: usize,
    },
    Report {
        id: MachineId,
        looked: Option<Duration>,
    },
}

impl Watch<'_> {
    fn holds(&mut self, simulation: &Simulation) -> bool {
        match self {
            Watch::Says { id, texts, next } => {
                let console = simulation.console(*id);
                let has = |line: &str| texts.iter().any(|text| line.contains(text));
                let lines = console.lines().get(*next..).unwrap_or_default();
                let found = lines.iter().any(|line| has(&line.text)) || has(&console.partial());
                *next = console.lines().len().max(*next);
                found
            }
            Watch::More { id, lines } => {
                let console = simulation.console(*id);
                let partial = usize::from(!console.partial().is_empty());
                console.lines().len() + partial > *lines
            }
            // It is a file, which says nothing when it grows.
            Watch::Report { id, looked } => {
                let now = simulation.now();
                let due = looked.is_none_or(|at| now >= at + LOOK);
                if due {
                    *looked = Some(now);
                }
                due && is_complete(simulation, *id)
            }
        }
    }
}

impl World for Simulated {
    fn start(&mut self, machine: &Machine, dir: &Path) -> Result<()> {
        if let Some(left) = &machine.firmware {
            firmware::write(machine, left, dir)?;
        }
        let id = match self.machines.get(&machine.who) {
            Some(known) => known.id,
            None => {
                let described = self.described(machine, dir)?;
                self.simulation.machine(described)?
            }
        };
        if runs(&self.simulation, id) {
            self.simulation.kill(id);
        }
        let (initrd, cmdline) = started_with(machine, dir);
        self.simulation.boot_with(id, initrd, cmdline);
        let known = Known {
            id,
            began: self.simulation.now(),
            first: self.simulation.console(id).lines().len(),
        };
        self.simulation.start(id)?;
        self.machines.insert(machine.who, known);
        Ok(())
    }

    fn kill(&mut self, who: Who) {
        if let Some(known) = self.machines.get(&who) {
            self.simulation.kill(known.id);
        }
    }

    fn began(&self, who: Who) -> Option<Duration> {
        Some(self.machines.get(&who)?.began)
    }

    fn runs(&mut self, who: Who) -> bool {
        let known = self.machines.get(&who);
        known.is_some_and(|known| runs(&self.simulation, known.id))
    }

    fn console(&self, who: Who, from: usize) -> Vec<Line> {
        let Some(known) = self.machines.get(&who) else {
            return Vec::new();
        };
        let console = self.simulation.console(known.id);
        let line = |at: Duration, text: &str| Line {
            at: at.saturating_sub(known.began),
            text: plain(text.as_bytes()),
        };
        let lines = console.lines().get(known.first + from..);
        let lines = lines.unwrap_or_default().iter();
        let mut all: Vec<Line> = lines.map(|said| line(said.at, &said.text)).collect();
        let partial = console.partial();
        if !partial.is_empty() {
            all.push(line(self.simulation.now(), &partial));
        }
        all
    }

    fn report(&self, who: Who) -> Result<String> {
        let known = self.machines.get(&who);
        Ok(known.map_or_else(String::new, |known| text(&self.simulation.report(known.id))))
    }

    fn send(&mut self, who: Who, line: &str) -> Result<()> {
        let id = self.known(who)?.id;
        Ok(self.simulation.send(id, line)?)
    }

    fn asked(&self, who: Who) -> String {
        let Some(known) = self.machines.get(&who) else {
            return String::new();
        };
        let console = self.simulation.port_console(known.id);
        let lines = console.lines().iter().map(|line| line.text.as_str());
        let mut all: String = lines.map(|line| format!("{line}\n")).collect();
        all.push_str(&console.partial());
        all
    }

    fn set_carrier(&mut self, who: Who, card: usize, up: bool) -> Result<()> {
        let id = self.known(who)?.id;
        Ok(self.simulation.set_carrier(id, card, up)?)
    }

    fn read_drive(&self, who: Who, drive: usize, to: &Path) -> Result<()> {
        Ok(self.simulation.read_disk(self.known(who)?.id, drive, to)?)
    }

    fn plug_card(&mut self, who: Who, card: usize) -> Result<()> {
        Err(Error::Monitor {
            vm: who.to_string(),
            what: format!("card {card} is there from the start"),
        })
    }

    fn now(&self) -> Duration {
        self.simulation.now()
    }

    fn run(&mut self, until: Duration, condition: &Condition<'_>) -> Result<()> {
        let must_run = condition.who().and_then(|who| self.machines.get(&who));
        let must_run = must_run.map(|known| known.id);
        let mut watched = Vec::new();
        self.watch(condition, &mut watched);
        let mut stop = |simulation: &Simulation| {
            must_run.is_some_and(|id| !runs(simulation, id))
                || watched.iter_mut().any(|watch| watch.holds(simulation))
        };
        self.simulation.run(until, &mut stop)?;
        Ok(())
    }

    fn set_faults(
        &mut self,
        cable: usize,
        direction: Direction,
        faults: wire::Faults,
    ) -> Result<()> {
        let segment = self.cables.get(cable).ok_or_else(|| Error::Monitor {
            vm: "network".to_owned(),
            what: format!("there is no cable {cable}"),
        })?;
        let place = match direction {
            Direction::Both => Place::Everywhere,
            Direction::From(who) => Place::From(self.simulation.port(self.known(who)?.id, cable)?),
        };
        self.simulation.set_faults(*segment, place, faults);
        Ok(())
    }

    fn frames(&self, cable: usize, from: Who) -> Option<wire::Counts> {
        let Some(known) = self.machines.get(&from) else {
            return Some(wire::Counts::default());
        };
        self.simulation.counts_of(known.id, cable).ok()
    }
}
