//! The public face.
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::card::Card;
use crate::clock::Time;
use crate::device::Kind;
use crate::entropy;
use crate::machine::Machine;
use crate::network::{End, Net};
use crate::spec::{Action, ClockKind, MachineId, MachineSpec, SegmentId, Settings, State, Stopped};
use crate::virtual_time::Step;
use crate::wire::{Counts, Faults, Place, Port};
use crate::world::{World, nanos};
use crate::{Console, Error, real_time, virtual_time};

/// Machines, the segments between them and their clock. One thread drives it, and makes it: when that thread
/// ends, the machines end too. In virtual time nothing moves while [`run`](Self::run) is not called. Dropping it
/// kills all machines, writes the captures and removes what the machines left.
#[derive(Debug)]
pub struct Simulation {
    world: World,
    /// Machines die with the thread that has started them (`PR_SET_PDEATHSIG`).
    stays: PhantomData<*const ()>,
}

impl Simulation {
    /// An empty simulation.
    ///
    /// # Errors
    /// [`Error::File`] where [`Settings::dir`] can't be made.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Ok(Self {
            world: World::new(settings)?,
            stays: PhantomData,
        })
    }

    /// A new cable or hub.
    pub fn segment(&mut self) -> SegmentId {
        let number = self.world.nets.len();
        let latency = match self.world.settings.clock {
            ClockKind::Virtual => self.world.settings.latency.max(Duration::from_nanos(1)),
            // The processor takes its time already.
            ClockKind::Real => Duration::ZERO,
        };
        let seed = entropy::seed_of(
            self.world.settings.seed,
            "segment",
            u32::try_from(number).unwrap_or(u32::MAX),
        );
        self.world.nets.push(Net::new(latency, seed));
        SegmentId(number)
    }

    /// Describes a machine; it is off.
    ///
    /// # Errors
    /// [`Error::Spec`] for a description that can't be used, [`Error::File`] for an image that can't be opened.
    pub fn machine(&mut self, spec: MachineSpec) -> Result<MachineId, Error> {
        let number = self.world.machines.len();
        let wrong = |why: &str| {
            Err(Error::Spec {
                name: spec.name.clone(),
                why: why.into(),
            })
        };
        if self.world.machines.iter().any(|m| m.name() == spec.name) {
            return wrong("there is one of this name");
        }
        if spec
            .cards
            .iter()
            .any(|card| card.segment.0 >= self.world.nets.len())
        {
            return wrong("a card on a segment of another simulation");
        }
        let machine = Machine::new(spec, number, &self.world.settings)?;
        for (device, card) in machine.spec.cards.iter().enumerate() {
            self.world.nets[card.segment.0].plug(
                End {
                    machine: number,
                    device,
                },
                card.carrier,
            );
        }
        let segments: Vec<usize> = machine
            .spec
            .cards
            .iter()
            .map(|card| card.segment.0)
            .collect();
        self.world.machines.push(machine);
        self.world.clock.add();
        // One may be cut.
        for segment in segments {
            self.world.show_carrier(segment);
        }
        Ok(MachineId(number))
    }

    /// Power on, the first time or again. Disks keep what was written, consoles go on, the report starts anew.
    ///
    /// # Errors
    /// [`Error::State`] for a machine that runs; what the system says.
    pub fn start(&mut self, machine: MachineId) -> Result<(), Error> {
        self.now_is();
        self.world.start(machine.0)
    }

    /// What a machine boots with from its next start on; all else of it stays.
    pub fn boot_with(&mut self, machine: MachineId, initrd: PathBuf, cmdline: String) {
        let spec = &mut self.world.machines[machine.0].spec;
        (spec.initrd, spec.cmdline) = (initrd, cmdline);
    }

    /// Copies what a disk of a machine holds (0 is the first) into a file, with holes for zeroes.
    ///
    /// # Errors
    /// [`Error::Spec`] where there is no such disk; [`Error::File`].
    pub fn read_disk(&self, machine: MachineId, disk: usize, to: &Path) -> Result<(), Error> {
        let machine = &self.world.machines[machine.0];
        let overlay = machine.disks().nth(disk).ok_or_else(|| Error::Spec {
            name: machine.name().to_owned(),
            why: format!("there is no disk {disk}"),
        })?;
        overlay.copy_to(to).map_err(|source| Error::File {
            what: "copy a disk to",
            path: to.to_owned(),
            source,
        })
    }

    /// Power cut: SIGKILL to its process group. What it has written to its disks is there.
    pub fn kill(&mut self, machine: MachineId) {
        self.now_is();
        // Fails only for a child that somebody else has waited for: then it has ended too.
        let _ = self.world.end(machine.0, State::Off);
    }

    /// How a machine is.
    pub fn state(&self, machine: MachineId) -> State {
        self.world.machines[machine.0].state
    }

    /// What a machine has said on ttyS0, with the simulation's time of each line.
    pub fn console(&self, machine: MachineId) -> &Console {
        &self.world.machines[machine.0].console
    }

    /// What a machine has written to hvc0, with the simulation's time of each line. Unlike a serial line this one
    /// takes part in the clock: lines are exact to the nanosecond.
    pub fn port_console(&self, machine: MachineId) -> &Console {
        &self.world.machines[machine.0].port_console
    }

    /// What a machine has written to ttyS1 since its last start; it is the file `NAME.report` in the simulation's
    /// directory.
    pub fn report(&self, machine: MachineId) -> Vec<u8> {
        self.world.machines[machine.0].report()
    }

    /// A line into a machine's hvc0, now; the line feed is added.
    ///
    /// # Errors
    /// [`Error::State`] for a machine that does not run.
    pub fn send(&mut self, machine: MachineId, line: &str) -> Result<(), Error> {
        self.now_is();
        self.world.input(machine.0, line)
    }

    /// The carrier of one card. Frames under way to it are lost with it.
    ///
    /// # Errors
    /// [`Error::Spec`] where there is no such card.
    pub fn set_carrier(&mut self, machine: MachineId, card: usize, up: bool) -> Result<(), Error> {
        self.now_is();
        let (segment, port) = self.port_of(machine, card)?;
        self.world.nets[segment].wire.set_carrier(port, up);
        self.world.show_carrier(segment);
        Ok(())
    }

    /// Cuts a segment, so that all its cards lose their carrier, or mends it.
    pub fn cut(&mut self, segment: SegmentId, cut: bool) {
        self.now_is();
        self.world.nets[segment.0].wire.set_cut(cut);
        self.world.show_carrier(segment.0);
    }

    /// What goes wrong in one place of a segment from now on, instead of what went wrong there.
    pub fn set_faults(&mut self, segment: SegmentId, place: Place, faults: Faults) {
        self.world.nets[segment.0].wire.set_faults(place, faults);
    }

    /// Cards of a segment hear those of their own group and no others; the carrier stays.
    pub fn partition(&mut self, segment: SegmentId, groups: &[Vec<Port>]) {
        let groups: Vec<&[Port]> = groups.iter().map(Vec::as_slice).collect();
        self.world.nets[segment.0].wire.partition(&groups);
    }

    /// All cards of a segment hear each other again.
    pub fn heal(&mut self, segment: SegmentId) {
        self.world.nets[segment.0].wire.heal();
    }

    /// Which port of its segment a card is in, for [`Place`] and [`partition`](Self::partition).
    ///
    /// # Errors
    /// [`Error::Spec`] where there is no such card.
    pub fn port(&self, machine: MachineId, card: usize) -> Result<Port, Error> {
        self.port_of(machine, card).map(|(_, port)| port)
    }

    fn port_of(&self, machine: MachineId, card: usize) -> Result<(usize, Port), Error> {
        let spec = &self.world.machines[machine.0].spec;
        let end = End {
            machine: machine.0,
            device: card,
        };
        let found = spec.cards.get(card).and_then(|card| {
            let segment = card.segment.0;
            self.world.nets[segment]
                .port(end)
                .map(|port| (segment, port))
        });
        found.ok_or_else(|| Error::Spec {
            name: spec.name.clone(),
            why: format!("there is no card {card}"),
        })
    }

    /// What has become of the frames on a segment.
    pub fn counts(&self, segment: SegmentId) -> Counts {
        let net = &self.world.nets[segment.0];
        let mut counts = net.wire.counts();
        for card in net.ends().filter_map(|(end, _)| self.card(end)) {
            counts.missed += card.missed();
            counts.dark += card.dark();
        }
        counts
    }

    /// What has become of the frames that a card sent, what that card missed, and how often its
    /// machine saw it without a carrier.
    ///
    /// # Errors
    /// [`Error::Spec`] where there is no such card.
    pub fn counts_of(&self, machine: MachineId, card: usize) -> Result<Counts, Error> {
        let (segment, port) = self.port_of(machine, card)?;
        let end = End {
            machine: machine.0,
            device: card,
        };
        let mut counts = self.world.nets[segment].wire.counts_from(port);
        if let Some(card) = self.card(end) {
            counts.missed = card.missed();
            counts.dark = card.dark();
        }
        Ok(counts)
    }

    fn card(&self, end: End) -> Option<&Card> {
        let machine = self.world.machines.get(end.machine)?;
        match &machine.devices.get(end.device)?.kind {
            Kind::Card(card) => Some(card),
            _ => None,
        }
    }

    /// Notes what is sent on a segment, from now on. The file is written by
    /// [`write_captures`](Self::write_captures), and when the simulation is dropped.
    pub fn capture(&mut self, segment: SegmentId, path: &Path) {
        self.world.nets[segment.0].start_capture(path.into());
    }

    /// Writes the captures' files, with what was sent up to now.
    ///
    /// # Errors
    /// [`Error::File`]
    pub fn write_captures(&self) -> Result<(), Error> {
        self.world.nets.iter().try_for_each(Net::write_capture)
    }

    /// Schedules an action, which [`run`](Self::run) carries out; a time in the past means now.
    pub fn at(&mut self, when: Duration, action: Action) {
        self.world.actions.add(nanos(when), action);
    }

    /// The simulation's time since [`new`](Self::new).
    pub fn now(&self) -> Duration {
        match self.world.settings.clock {
            ClockKind::Virtual => Duration::from_nanos(self.world.now),
            ClockKind::Real => self.world.began.elapsed(),
        }
    }

    fn now_is(&mut self) {
        self.world.now = nanos(self.now());
    }

    /// Lets time pass until `until` (since [`new`](Self::new)) or until `stop` says so. `stop` is asked first, and
    /// after every step of the clock; in virtual time all machines wait then.
    ///
    /// # Errors
    /// [`Error::Stuck`] where virtual time does not move, and what an action meets.
    pub fn run(
        &mut self,
        until: Duration,
        stop: &mut dyn FnMut(&Simulation) -> bool,
    ) -> Result<Stopped, Error> {
        let until = nanos(until);
        match self.world.settings.clock {
            ClockKind::Virtual => self.run_virtual(until, stop),
            ClockKind::Real => self.run_real(until, stop),
        }
    }

    fn run_virtual(
        &mut self,
        until: Time,
        stop: &mut dyn FnMut(&Simulation) -> bool,
    ) -> Result<Stopped, Error> {
        let (mut moved, mut then) = (Instant::now(), self.world.now);
        loop {
            virtual_time::settle(&mut self.world, moved)?;
            if stop(self) {
                return Ok(Stopped::Condition);
            }
            if self.world.now > then {
                (moved, then) = (Instant::now(), self.world.now);
            }
            let limit = until.min(self.world.actions.first().max(self.world.now));
            if virtual_time::step(&mut self.world, limit)? == Step::Limit
                && !self.act()?
                && self.world.now >= until
            {
                return Ok(Stopped::Time);
            }
        }
    }

    fn run_real(
        &mut self,
        until: Time,
        stop: &mut dyn FnMut(&Simulation) -> bool,
    ) -> Result<Stopped, Error> {
        loop {
            real_time::settle(&mut self.world)?;
            self.act()?;
            if stop(self) {
                return Ok(Stopped::Condition);
            }
            if self.world.now >= until {
                return Ok(Stopped::Time);
            }
            let limit = until.min(self.world.actions.first());
            real_time::step(&mut self.world, limit)?;
        }
    }

    /// Carries out what is due. True: something was.
    fn act(&mut self) -> Result<bool, Error> {
        let mut acted = false;
        while let Some(action) = self.world.actions.take(self.world.now) {
            acted = true;
            match action {
                Action::Carrier { machine, card, up } => self.set_carrier(machine, card, up)?,
                Action::Cut { segment, cut } => self.cut(segment, cut),
                Action::Faults {
                    segment,
                    place,
                    faults,
                } => self.set_faults(segment, place, faults),
                Action::Partition { segment, groups } => self.partition(segment, &groups),
                Action::Heal { segment } => self.heal(segment),
                Action::Start(machine) => self.start(machine)?,
                Action::Kill(machine) => self.kill(machine),
                Action::Send { machine, line } => self.send(machine, &line)?,
            }
        }
        Ok(acted)
    }
}
