//! What a machine is told: that it may go on, that a device has something for it.
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use crate::agenda::Due;
use crate::clock::Time;
use crate::clock::link::{Message, Op};
use crate::error::Error;
use crate::network::End;
use crate::spec::State;
use crate::vhost_user::Connection;
use crate::world::{Sent, World, nanos};

/// What may be under way to one machine; further frames are lost.
const MOST_UNDER_WAY: usize = 1 << 16;

impl World {
    /// Lets a waiting machine go on.
    pub(crate) fn run(&mut self, m: usize, at: Time, free: Time) {
        self.clock.run(m, at, free);
        let Some(link) = &mut self.machines[m].link else {
            return;
        };
        let message = |op, time| Message { op, seq: 0, time };
        if link
            .tell(&[message(Op::FreeUntil, free), message(Op::Run, at)])
            .is_err()
        {
            self.lost_link(m);
        }
    }

    /// Gives the wires what was sent.
    pub(crate) fn carry(&mut self) {
        let mut sent = std::mem::take(&mut self.outbox);
        for machine in &mut self.machines {
            machine.sent = 0;
        }
        // Stable: one machine's frames stay in their order.
        sent.sort_by_key(|sent| (sent.at, sent.from.machine));
        for Sent { at, from, frame } in sent {
            let segment = self.machines[from.machine]
                .spec
                .cards
                .get(from.device)
                .map(|card| card.segment.0);
            let Some(net) = segment.and_then(|segment| self.nets.get_mut(segment)) else {
                continue;
            };
            for arrival in net.send(Duration::from_nanos(at), from, frame) {
                let End { machine, device } = arrival.end;
                let at = self.clock.earliest(machine, nanos(arrival.at));
                let machine = &mut self.machines[machine];
                if machine.state == State::Running && machine.agenda.len() < MOST_UNDER_WAY {
                    let frame = arrival.frame;
                    machine.agenda.add(at, Due::Frame { device, frame });
                } else if let Some(card) = machine.card(device) {
                    card.miss(1);
                }
            }
        }
    }

    /// Brings a machine what is due. A changed configuration space comes alone: the kernel looks only at one kind of
    /// interrupt at a time.
    pub(crate) fn deliver(&mut self, m: usize, at: Time) -> Result<(), Error> {
        let machine = &mut self.machines[m];
        if let Some(due) = machine
            .agenda
            .take_if(at, |due| matches!(due, Due::Config { .. }))
        {
            return self.interrupt(m, at, &due);
        }
        let mut filled = Vec::new();
        let mut calls = Vec::new();
        while let Some(due) = machine
            .agenda
            .take_if(at, |due| !matches!(due, Due::Config { .. }))
        {
            match due {
                Due::Frame { device, frame } => {
                    if let Some(card) = machine.card(device) {
                        card.receive(frame);
                    }
                    filled.push(device);
                }
                Due::Input { device, bytes } => {
                    machine.devices[device].input(&bytes);
                    filled.push(device);
                }
                Due::Refill { device } => filled.push(device),
                Due::Call { device, ring } => calls.push((device, ring)),
                Due::Config { .. } => {}
            }
        }
        filled.sort_unstable();
        filled.dedup();
        for device in filled {
            if machine.devices[device].refill() {
                calls.push((device, 0));
            }
        }
        calls.sort_unstable();
        calls.dedup();
        for (device, ring) in calls {
            self.interrupt(m, at, &Due::Call { device, ring })?;
        }
        Ok(())
    }

    /// Interrupts a machine. In virtual time it waits, asks for the time and requests it before it answers.
    fn interrupt(&mut self, m: usize, at: Time, due: &Due) -> Result<(), Error> {
        let (Due::Call { device: d, .. }
        | Due::Config { device: d }
        | Due::Frame { device: d, .. }
        | Due::Refill { device: d }
        | Due::Input { device: d, .. }) = *due;
        let Some(connection) = &mut self.machines[m].devices[d].connection else {
            return Ok(());
        };
        let asked = match due {
            Due::Call { ring, .. } => connection.call(*ring),
            _ => connection.config_changed(),
        };
        match asked {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(_) => {
                self.lost_device(m, d);
                return Ok(());
            }
        }
        loop {
            let machine = &self.machines[m];
            let Some(link) = &machine.link else {
                return Ok(());
            };
            let Some(channel) = machine.devices[d]
                .connection
                .as_ref()
                .and_then(Connection::channel)
            else {
                return Ok(());
            };
            let fds = [channel, link.fd()];
            let mut fds = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
            self.wait_for(m, &mut fds)?;
            let [answered, asks] = fds.map(|fd| !fd.revents().is_empty());
            if asks {
                self.clock_message(m, Some(at))?;
            } else if answered {
                let connection = &mut self.machines[m].devices[d].connection;
                if connection
                    .as_mut()
                    .is_some_and(|c| c.acknowledged().is_err())
                {
                    self.lost_device(m, d);
                }
                return Ok(());
            }
        }
    }

    /// Makes the cards of a segment show their carrier.
    pub(crate) fn show_carrier(&mut self, segment: usize) {
        let ends: Vec<_> = self.nets[segment].ends().collect();
        for (End { machine: m, device }, carrier) in ends {
            let now = self.clock.earliest(m, self.now);
            let machine = &mut self.machines[m];
            let changed = machine
                .card(device)
                .is_some_and(|card| card.set_carrier(carrier));
            if !changed {
                continue;
            }
            let lost = machine.agenda.lose_frames(device);
            if let Some(card) = machine.card(device) {
                card.miss(lost);
            }
            if machine.state == State::Running {
                machine.agenda.add(now, Due::Config { device });
            }
        }
    }

    /// A line into a machine's port.
    pub(crate) fn input(&mut self, m: usize, line: &str) -> Result<(), Error> {
        let now = self.clock.earliest(m, self.now);
        let machine = &mut self.machines[m];
        if machine.state != State::Running {
            let why = "nobody reads a line";
            return Err(Error::State {
                name: machine.name().into(),
                state: "not running",
                why,
            });
        }
        let device = machine.port();
        machine.agenda.add(
            now,
            Due::Input {
                device,
                bytes: format!("{line}\n").into_bytes(),
            },
        );
        Ok(())
    }
}
