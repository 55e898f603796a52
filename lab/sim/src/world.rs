//! Everything of a simulation, and what each message of a machine does to it; who may go on when is decided
//! in `virtual_time` and `real_time`.
use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::agenda::{Agenda, Due};
use crate::clock::link::{Link, Message, Op};
use crate::clock::{Clock, Phase, Time};
use crate::error::Error;
use crate::machine::Machine;
use crate::network::{End, Net};
use crate::poller::{Poller, Source};
use crate::spec::{Action, ClockKind, Settings, State};
use crate::vhost_user::{Connection, Event};

/// Time of day at the beginning of virtual time: 2030-01-01 00:00:00 UTC, in nanoseconds. Later than anything that
/// a machine may hold the time against: systemd, for one, sets a clock forward that is behind its own release.
const TIME_OF_DAY: Time = 1_893_456_000_000_000_000;
/// New buffers are looked at so much later than the machine has given them.
const REFILL: Time = 1_000;

/// A frame that was sent since the machines were last looked at.
#[derive(Debug)]
struct Sent {
    at: Time,
    from: End,
    frame: Vec<u8>,
}

/// The state of a simulation.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    scratch: tempfile::TempDir,
    poller: Poller,
    pub(crate) machines: Vec<Machine>,
    pub(crate) nets: Vec<Net>,
    pub(crate) clock: Clock,
    pub(crate) actions: Agenda<Action>,
    pub(crate) now: Time,
    pub(crate) began: Instant,
    outbox: Vec<Sent>,
    /// Rings to look at: machine, device, ring.
    todo: Vec<(usize, usize, usize)>,
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
        let builder = || {
            let mut builder = tempfile::Builder::new();
            builder.prefix("machinesim-");
            builder
        };
        let scratch = builder()
            .tempdir_in("/dev/shm")
            .or_else(|_| builder().tempdir())
            .map_err(system("make a directory for sockets"))?;
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

    fn is_virtual(&self) -> bool {
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
        self.clock.power_off(m);
        self.todo.retain(|(machine, ..)| *machine != m);
        Ok(())
    }

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
                    process.read(&mut machine.unread);
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
    fn clock_message(&mut self, m: usize, at: Option<Time>) -> Result<(), Error> {
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
    fn lost_link(&mut self, m: usize) {
        if let Some(link) = self.machines[m].link.take() {
            self.poller.forget(link.fd());
        }
        let line = *self.clock.line(m);
        if line.phase == Phase::Waiting {
            self.clock.run(m, line.time, line.free);
        }
    }

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

    /// Waits for one of a machine's descriptors.
    fn wait_for(&self, m: usize, fds: &mut [PollFd<'_>]) -> Result<(), Error> {
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

    fn device_message(&mut self, m: usize, d: usize) -> Result<(), Error> {
        let in_band = self.is_virtual();
        let device = &mut self.machines[m].devices[d];
        let offer = device.offer(in_band);
        let Some(connection) = &mut device.connection else {
            return Ok(());
        };
        match connection.message(&offer) {
            Ok(None) => Ok(()),
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
                if let Some(kick) = connection.kick(ring) {
                    self.poller
                        .watch(kick, m, Source::Kick(d, ring))
                        .map_err(system("watch a ring"))?;
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
    fn lost_device(&mut self, m: usize, d: usize) {
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
            let from = End {
                machine: m,
                device: d,
            };
            self.outbox.extend(
                kicked
                    .frames
                    .into_iter()
                    .map(|frame| Sent { at, from, frame }),
            );
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

    /// Gives the wires what was sent.
    pub(crate) fn carry(&mut self) {
        let mut sent = std::mem::take(&mut self.outbox);
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
                if self.machines[machine].state == State::Running {
                    let at = self.clock.earliest(machine, nanos(arrival.at));
                    self.machines[machine].agenda.add(
                        at,
                        Due::Frame {
                            device,
                            frame: arrival.frame,
                        },
                    );
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
            machine.agenda.lose_frames(device);
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
