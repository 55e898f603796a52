//! Everything of a simulation. What a machine says is dealt with in `hearing`, what it is told in `telling`; who may go
//! on when is decided in `virtual_time` and `real_time`.
use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, Timespec, poll};

use crate::agenda::Agenda;
use crate::clock::{Clock, Time};
use crate::error::Error;
use crate::machine::Machine;
use crate::network::{End, Net};
use crate::poller::{Poller, Source};
use crate::scratch::Scratch;
use crate::spec::{Action, ClockKind, Settings, State};

/// A frame that was sent since the machines were last looked at.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) at: Time,
    pub(crate) from: End,
    pub(crate) frame: Vec<u8>,
}

/// The state of a simulation.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) scratch: Scratch,
    pub(crate) poller: Poller,
    pub(crate) machines: Vec<Machine>,
    pub(crate) nets: Vec<Net>,
    pub(crate) clock: Clock,
    pub(crate) actions: Agenda<Action>,
    pub(crate) now: Time,
    pub(crate) began: Instant,
    pub(crate) outbox: Vec<Sent>,
    /// Rings to look at: machine, device, ring.
    pub(crate) todo: Vec<(usize, usize, usize)>,
}

pub(crate) fn nanos(time: Duration) -> Time {
    u64::try_from(time.as_nanos())
        .unwrap_or(u64::MAX)
        .min(crate::clock::NEVER)
}

pub(crate) fn system(what: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::System { what, source }
}

impl World {
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        std::fs::create_dir_all(&settings.dir).map_err(|source| Error::File {
            what: "create",
            path: settings.dir.clone(),
            source,
        })?;
        // Short, for the sockets, and in memory, for the machines' memory.
        let scratch = Scratch::new().map_err(system("make a directory for sockets"))?;
        let clock = Clock::new(nanos(settings.latency));
        Ok(Self {
            poller: Poller::new().map_err(system("watch descriptors"))?,
            scratch,
            clock,
            settings,
            machines: Vec::new(),
            nets: Vec::new(),
            actions: Agenda::default(),
            now: 0,
            began: Instant::now(),
            outbox: Vec::new(),
            todo: Vec::new(),
        })
    }

    pub(crate) fn is_virtual(&self) -> bool {
        self.settings.clock == ClockKind::Virtual
    }

    /// Power on.
    pub(crate) fn start(&mut self, m: usize) -> Result<(), Error> {
        let machine = &mut self.machines[m];
        if machine.state == State::Running {
            let why = "it can't be started again";
            return Err(Error::State {
                name: machine.name().into(),
                state: "running",
                why,
            });
        }
        let left = self
            .scratch
            .left()
            .map_err(system("ask for the room for a machine's memory"))?
            >> 20;
        let needed = u64::from(machine.spec.memory_mib);
        if left < needed {
            return Err(Error::Room {
                name: machine.name().into(),
                needed,
                left,
                path: self.scratch.path().into(),
            });
        }
        let started = machine.start(&self.settings, self.scratch.path());
        if started.is_err() {
            let _ = self.end(m, State::Off);
            return started;
        }
        self.watch_start(m).map_err(system("watch a machine"))?;
        self.clock.power_on(m, self.now);
        Ok(())
    }

    fn watch_start(&self, m: usize) -> io::Result<()> {
        let machine = &self.machines[m];
        if let Some(process) = &machine.process {
            self.poller.watch(process.pidfd(), m, Source::Process)?;
            self.poller.watch(process.output(), m, Source::Output)?;
        }
        if let Some(listener) = &machine.clock_listener {
            self.poller.watch(listener, m, Source::ClockListener)?;
        }
        for (d, device) in machine.devices.iter().enumerate() {
            if let Some(listener) = device.listener() {
                self.poller.watch(listener, m, Source::DeviceListener(d))?;
            }
        }
        Ok(())
    }

    /// Power off, however the machine is. `state`: what it is then; for one that has ended by itself, how it did.
    pub(crate) fn end(&mut self, m: usize, state: State) -> Result<(), Error> {
        let machine = &mut self.machines[m];
        let status = machine
            .end(self.scratch.path())
            .map_err(system("wait for a machine's end"))?;
        machine.state = match (state, status) {
            (State::Running, Some(status)) => State::Exited(status),
            (State::Running, None) => State::Off,
            (state, _) => state,
        };
        let at = if self.is_virtual() {
            self.clock.line(m).time.max(self.now)
        } else {
            self.now
        };
        self.machines[m].fall_silent(Duration::from_nanos(at));
        self.clock.power_off(m);
        self.todo.retain(|(machine, ..)| *machine != m);
        Ok(())
    }

    /// Waits for one of a machine's descriptors.
    pub(crate) fn wait_for(&self, m: usize, fds: &mut [PollFd<'_>]) -> Result<(), Error> {
        let patience = self.settings.watchdog;
        let timeout = Timespec {
            tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(patience.subsec_nanos()),
        };
        match poll(fds, Some(&timeout)) {
            Ok(0) => Err(self.stuck(m, patience)),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(e) => Err(system("wait for a machine")(e.into())),
        }
    }

    /// Makes what the machines have said since the last time a part of their consoles.
    pub(crate) fn hear(&mut self) {
        let is_virtual = self.is_virtual();
        for (m, machine) in self.machines.iter_mut().enumerate() {
            let at = if is_virtual {
                self.clock.line(m).time
            } else {
                self.now
            };
            machine.hear(Duration::from_nanos(at));
        }
    }

    /// The time of the first thing that happens to any machine.
    pub(crate) fn first_due(&self) -> Time {
        self.machines
            .iter()
            .map(|m| m.agenda.first())
            .min()
            .unwrap_or(crate::clock::NEVER)
    }

    /// What is said when a machine takes too long.
    pub(crate) fn stuck(&self, m: usize, waited: Duration) -> Error {
        let machine = &self.machines[m];
        let last = machine
            .console
            .lines()
            .last()
            .map_or("nothing", |line| line.text.as_str());
        let who = format!(
            "machine `{}` computes or hangs; it said last: {last}",
            machine.name()
        );
        Error::Stuck {
            at: Duration::from_nanos(self.now),
            waited,
            who,
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for m in 0..self.machines.len() {
            let _ = self.end(m, State::Off);
        }
        for net in &self.nets {
            let _ = net.write_capture();
        }
    }
}

#[cfg(test)]
mod tests;
