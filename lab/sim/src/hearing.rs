//! What a machine says: to its clock, to its devices.
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use crate::agenda::Due;
use crate::clock::link::{Link, Message, Op};
use crate::clock::{Phase, Time};
use crate::device::Kind;
use crate::error::Error;
use crate::network::End;
use crate::poller::Source;
use crate::spec::State;
use crate::vhost_user::Event;
use crate::world::{Sent, World, system};

/// Time of day at the beginning of virtual time: 2030-01-01 00:00:00 UTC, in nanoseconds. Later than anything that
/// a machine may hold the time against: systemd, for one, sets a clock forward that is behind its own release.
const TIME_OF_DAY: Time = 1_893_456_000_000_000_000;
/// New buffers are looked at so much later than the machine has given them.
const REFILL: Time = 1_000;
/// Frames that one machine sends before all machines wait; further ones are lost.
const MOST_SENT: usize = 1 << 16;

impl World {
    /// Waits for messages and deals with them.
    pub(crate) fn poll(&mut self, timeout: Duration) -> Result<(), Error> {
        for (m, source) in self
            .poller
            .wait(Some(timeout))
            .map_err(system("wait for the machines"))?
        {
            self.handle(m, source)?;
        }
        Ok(())
    }

    fn handle(&mut self, m: usize, source: Source) -> Result<(), Error> {
        match source {
            Source::ClockListener => self.accept_clock(m),
            Source::Clock => self.clock_message(m, None),
            Source::DeviceListener(d) => self.accept_device(m, d),
            Source::Device(d) => self.device_message(m, d),
            Source::Kick(d, ring) => {
                let mut count = [0; 8];
                let kick = self.machines[m].devices[d]
                    .connection
                    .as_ref()
                    .and_then(|c| c.kick(ring));
                if let Some(kick) = kick
                    && rustix::io::read(kick, &mut count).is_ok()
                {
                    self.kicked(m, d, ring)?;
                }
                Ok(())
            }
            Source::Output => {
                let machine = &mut self.machines[m];
                if let Some(process) = &mut machine.process {
                    process.read(&mut machine.unheard);
                    // Its end stays readable; the process says when it has ended.
                }
                Ok(())
            }
            Source::Process if self.machines[m].process.is_some() => self.end(m, State::Running),
            Source::Process => Ok(()),
        }
    }

    fn accept_clock(&mut self, m: usize) -> Result<(), Error> {
        let machine = &mut self.machines[m];
        let Some(listener) = &machine.clock_listener else {
            return Ok(());
        };
        let Ok((socket, _)) = listener.accept() else {
            return Ok(());
        };
        if machine.link.is_some() || machine.acks > 0 {
            return self.end(m, State::Rebooted);
        }
        let link = Link::new(socket, self.settings.watchdog)
            .map_err(system("set up a machine's clock"))?;
        self.poller
            .watch(link.fd(), m, Source::Clock)
            .map_err(system("watch a machine"))?;
        machine.link = Some(link);
        Ok(())
    }

    fn accept_device(&mut self, m: usize, d: usize) -> Result<(), Error> {
        let machine = &mut self.machines[m];
        let port = machine.port();
        let device = &mut machine.devices[d];
        let accepted = device
            .accept(self.settings.watchdog)
            .map_err(system("accept a driver"))?;
        if !accepted {
            return Ok(());
        }
        // Nobody binds the port's driver anew: this is the kernel's next life.
        if d == port && device.connections > 1 {
            return self.end(m, State::Rebooted);
        }
        if let Some(connection) = &device.connection {
            self.poller
                .watch(connection.fd(), m, Source::Device(d))
                .map_err(system("watch a device"))?;
        }
        Ok(())
    }

    /// Reads a message of the clock and answers it. `at`: the time to which a waiting machine is told that it is.
    pub(crate) fn clock_message(&mut self, m: usize, at: Option<Time>) -> Result<(), Error> {
        let machine = &mut self.machines[m];
        let Some(link) = &mut machine.link else {
            return Ok(());
        };
        let message = match link.receive() {
            Ok(None) => return Ok(()),
            Ok(Some(message)) => message,
            Err(_) => {
                self.lost_link(m);
                return Ok(());
            }
        };
        let line = *self.clock.line(m);
        let mut answer = 0;
        match message.op {
            Op::Ack => {
                machine.acks += 1;
                return Ok(());
            }
            // Told twice, by a kernel that has kept its connection into the next life.
            Op::Start if machine.acks > 0 => return self.end(m, State::Rebooted),
            Op::Request => self.clock.request(m, message.time),
            Op::Wait => self.clock.wait(m),
            Op::Get => answer = at.unwrap_or(line.time),
            Op::Update => self.clock.update(m, message.time),
            Op::GetTimeOfDay => answer = TIME_OF_DAY + line.time,
            Op::Start | Op::Run | Op::FreeUntil | Op::Broadcast => {}
        }
        if link.acknowledge(message.seq, answer).is_err() {
            self.lost_link(m);
        }
        Ok(())
    }

    /// The machine ends: its process says when it has.
    pub(crate) fn lost_link(&mut self, m: usize) {
        if let Some(link) = self.machines[m].link.take() {
            self.poller.forget(link.fd());
        }
        let line = *self.clock.line(m);
        if line.phase == Phase::Waiting {
            self.clock.run(m, line.time, line.free);
        }
    }

    /// Tells a machine that awaits an answer of ours until when it may go on, and waits until it knows.
    fn shorten(&mut self, m: usize, free: Time) -> Result<(), Error> {
        let before = self.machines[m].acks;
        if let Some(link) = &mut self.machines[m].link
            && link
                .tell(&[Message {
                    op: Op::FreeUntil,
                    seq: 0,
                    time: free,
                }])
                .is_err()
        {
            self.lost_link(m);
        }
        while self.machines[m].acks == before {
            let Some(link) = &self.machines[m].link else {
                break;
            };
            let mut fds = [PollFd::from_borrowed_fd(link.fd(), PollFlags::IN)];
            self.wait_for(m, &mut fds)?;
            self.clock_message(m, None)?;
        }
        Ok(())
    }

    fn device_message(&mut self, m: usize, d: usize) -> Result<(), Error> {
        let in_band = self.is_virtual();
        let device = &mut self.machines[m].devices[d];
        let offer = device.offer(in_band);
        let Some(connection) = &mut device.connection else {
            return Ok(());
        };
        match connection.message(&offer) {
            Ok(None) => Ok(()),
            Ok(Some(Event::ConfigRead)) => {
                if let Kind::Card(card) = &mut device.kind {
                    card.seen();
                }
                Ok(())
            }
            // The machine goes on at once, at a time that is not known: it is looked at when all wait.
            Ok(Some(Event::Kicked(ring))) => {
                self.todo.push((m, d, ring));
                Ok(())
            }
            Ok(Some(Event::KickedInBand(ring))) => {
                self.kicked(m, d, ring)?;
                let connection = &mut self.machines[m].devices[d].connection;
                if let Some(connection) = connection
                    && connection.answer_kick().is_err()
                {
                    self.lost_device(m, d);
                }
                Ok(())
            }
            Ok(Some(Event::NewKick(ring))) => {
                let watched = connection.kick(ring).map_or(Ok(()), |kick| {
                    self.poller.watch(kick, m, Source::Kick(d, ring))
                });
                // It is whatever the machine has sent: epoll refuses files, for one.
                if watched.is_err() {
                    self.lost_device(m, d);
                }
                Ok(())
            }
            Err(_) => {
                self.lost_device(m, d);
                Ok(())
            }
        }
    }

    /// The kernel has closed the connection, or it talks nonsense.
    pub(crate) fn lost_device(&mut self, m: usize, d: usize) {
        let machine = &mut self.machines[m];
        machine.agenda.forget(d);
        machine.devices[d].disconnect();
    }

    /// Looks at a ring.
    fn kicked(&mut self, m: usize, d: usize, ring: usize) -> Result<(), Error> {
        let (is_virtual, now) = (self.is_virtual(), self.now);
        let line = *self.clock.line(m);
        // A machine that waits is looked at later than it has kicked.
        let at = match line.phase {
            _ if !is_virtual => now,
            Phase::Running => line.time,
            Phase::Waiting | Phase::Off => line.time.max(line.free).max(now),
        };
        let mut sent = false;
        loop {
            let machine = &mut self.machines[m];
            let device = &mut machine.devices[d];
            let kicked = device.kicked(ring);
            let service = if is_virtual { device.service() } else { 0 };
            if kicked.call {
                machine
                    .agenda
                    .add(at + service, Due::Call { device: d, ring });
            }
            if kicked.refill {
                machine.agenda.add(
                    at + if is_virtual { REFILL } else { 0 },
                    Due::Refill { device: d },
                );
            }
            sent |= !kicked.frames.is_empty();
            let mut frames = kicked.frames;
            let room = MOST_SENT.saturating_sub(machine.sent);
            machine.sent += frames.len();
            if frames.len() > room {
                let lost = frames.len() - room;
                frames.truncate(room);
                if let Some(card) = machine.card(d) {
                    card.miss(lost);
                }
            }
            let from = End {
                machine: m,
                device: d,
            };
            let sent = frames.into_iter().map(|frame| Sent { at, from, frame });
            self.outbox.extend(sent);
            if !kicked.again {
                break;
            }
            // In virtual time the machine stands still meanwhile.
            if !is_virtual {
                self.todo.push((m, d, ring));
                break;
            }
        }
        if is_virtual
            && let Some(free) = self.clock.shorten(m, sent, self.machines[m].agenda.first())
        {
            self.shorten(m, free)?;
        }
        Ok(())
    }

    /// Looks at the rings that could not be looked at before. True: there are some again.
    pub(crate) fn catch_up(&mut self) -> Result<bool, Error> {
        let mut todo = std::mem::take(&mut self.todo);
        todo.sort_unstable();
        for (m, d, ring) in todo {
            self.kicked(m, d, ring)?;
        }
        Ok(!self.todo.is_empty())
    }
}
