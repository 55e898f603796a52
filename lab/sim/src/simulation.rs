//! The public face.
#![allow(
    clippy::todo,
    unused_variables,
    reason = "the next landing fills the bodies"
)]
use std::path::Path;
use std::time::Duration;

use crate::wire::Faults;
use crate::{Action, Console, Error, MachineId, MachineSpec, SegmentId, Settings, State, Stopped};

/// Machines, the segments between them and their clock. One thread drives it; in virtual time nothing moves
/// while [`run`](Self::run) is not called. Dropping it kills all machines and removes what they left.
#[derive(Debug)]
pub struct Simulation {
    settings: Settings,
}

impl Simulation {
    /// An empty simulation.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Ok(Self { settings })
    }
    /// A new cable or hub.
    pub fn segment(&mut self) -> SegmentId {
        todo!()
    }
    /// What goes wrong on a segment; a change takes effect for frames sent from now on.
    pub fn faults(&mut self, segment: SegmentId) -> &mut Faults {
        todo!()
    }
    /// Describes a machine; it is off.
    pub fn machine(&mut self, spec: MachineSpec) -> Result<MachineId, Error> {
        todo!()
    }
    /// Power on, the first time or again. Disks keep what was written; report and console go on.
    pub fn start(&mut self, machine: MachineId) -> Result<(), Error> {
        todo!()
    }
    /// Power cut: SIGKILL to its process group.
    pub fn kill(&mut self, machine: MachineId) {
        todo!()
    }
    /// How a machine is.
    pub fn state(&self, machine: MachineId) -> State {
        todo!()
    }
    /// What a machine has said, with the simulation's time of each line.
    pub fn console(&self, machine: MachineId) -> &Console {
        todo!()
    }
    /// What a machine has written to ttyS1 since its last start.
    pub fn report(&self, machine: MachineId) -> Vec<u8> {
        todo!()
    }
    /// A line into a machine's hvc0, now; the line feed is added.
    pub fn send(&mut self, machine: MachineId, line: &str) -> Result<(), Error> {
        todo!()
    }
    /// The carrier of one card.
    pub fn set_carrier(&mut self, machine: MachineId, card: usize, up: bool) -> Result<(), Error> {
        todo!()
    }
    /// Cuts a segment, so that all its cards lose their carrier, or mends it.
    pub fn cut(&mut self, segment: SegmentId, cut: bool) {
        todo!()
    }
    /// Writes what is sent on a segment to a pcap file, from now on.
    pub fn capture(&mut self, segment: SegmentId, path: &Path) -> Result<(), Error> {
        todo!()
    }
    /// Schedules an action; a time in the past means now.
    pub fn at(&mut self, when: Duration, action: Action) {
        todo!()
    }
    /// The simulation's time since [`new`](Self::new).
    pub fn now(&self) -> Duration {
        todo!()
    }
    /// Lets time pass until `until` (since [`new`](Self::new)) or until `stop` says so. `stop` is asked after every
    /// step of the clock, when all machines wait.
    pub fn run(
        &mut self,
        until: Duration,
        stop: &mut dyn FnMut(&Simulation) -> bool,
    ) -> Result<Stopped, Error> {
        let _ = &self.settings;
        todo!()
    }
}
