//! A virtio device of a machine: its socket, its connection, and what it is.

mod served;

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use served::Served;

use crate::card::{self, Card};
use crate::disk::Disk;
use crate::entropy::Entropy;
use crate::port::{self, Port};
use crate::vhost_user::{Connection, Offer};

/// What a device is.
#[derive(Debug)]
pub(crate) enum Kind {
    Card(Card),
    Disk(Disk),
    Port(Port),
    Entropy(Entropy),
}

/// What is to be done after a kick.
#[derive(Debug, Default)]
pub(crate) struct Kicked {
    /// What a card sends.
    pub(crate) frames: Vec<Vec<u8>>,
    /// Call the machine for this ring.
    pub(crate) call: bool,
    /// What waits for buffers can go on.
    pub(crate) refill: bool,
    /// Look at the ring again.
    pub(crate) again: bool,
}

/// A device and its connection.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) kind: Kind,
    slot: u8,
    /// Since the machine's start.
    listener: Option<(UnixListener, PathBuf)>,
    pub(crate) connection: Option<Connection>,
    /// How often the kernel has connected since the machine's start.
    pub(crate) connections: u32,
}

impl Device {
    pub(crate) fn new(kind: Kind, slot: u8) -> Self {
        Self {
            kind,
            slot,
            listener: None,
            connection: None,
            connections: 0,
        }
    }

    /// Listens for the kernel, which runs in `directory`; the argument that tells it so.
    pub(crate) fn listen(&mut self, directory: &Path, name: &str) -> io::Result<String> {
        self.unlisten();
        let id = match self.kind {
            Kind::Card(_) => 1,
            Kind::Disk(_) => 2,
            Kind::Port(_) => 3,
            Kind::Entropy(_) => 4,
        };
        let argument = format!("virtio_uml.device={name}:{id}:{}", self.slot);
        let path = directory.join(name);
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        self.listener = Some((listener, path));
        Ok(argument)
    }

    pub(crate) fn listener(&self) -> Option<&UnixListener> {
        self.listener.as_ref().map(|(listener, _)| listener)
    }

    /// The machine is off.
    pub(crate) fn unlisten(&mut self) {
        self.disconnect();
        self.connections = 0;
        if let Some((_, path)) = self.listener.take() {
            let _ = std::fs::remove_file(path);
        }
    }

    /// The kernel has let go of the device. The mapping of its memory ends too.
    pub(crate) fn disconnect(&mut self) {
        self.connection = None;
        match &mut self.kind {
            Kind::Card(card) => card.reset(),
            Kind::Port(port) => port.reset(),
            Kind::Disk(_) | Kind::Entropy(_) => {}
        }
    }

    /// Accepts the kernel's connection; false: there was none after all.
    pub(crate) fn accept(&mut self, patience: Duration) -> io::Result<bool> {
        let Some((listener, _)) = &self.listener else {
            return Ok(false);
        };
        let (socket, _) = match listener.accept() {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            accepted => accepted?,
        };
        socket.set_nonblocking(false)?;
        self.disconnect();
        self.connection = Some(Connection::new(socket, self.rings(), patience)?);
        self.connections += 1;
        Ok(true)
    }

    fn rings(&self) -> usize {
        match self.kind {
            Kind::Card(_) | Kind::Port(_) => 2,
            Kind::Disk(_) | Kind::Entropy(_) => 1,
        }
    }

    pub(crate) fn offer(&self, in_band: bool) -> Offer {
        let (features, config) = match &self.kind {
            Kind::Card(card) => (card.features(), card.config()),
            Kind::Disk(disk) => (disk.features(), disk.config()),
            Kind::Port(port) => (port.features(), port.config()),
            Kind::Entropy(entropy) => (entropy.features(), Vec::new()),
        };
        Offer {
            features,
            config,
            in_band,
        }
    }

    /// The machine has kicked a ring.
    pub(crate) fn kicked(&mut self, number: usize) -> Kicked {
        let mut kicked = Kicked::default();
        let Some((ring, memory)) = self.connection.as_mut().and_then(|c| c.ring(number)) else {
            return kicked;
        };
        let served = match &mut self.kind {
            Kind::Card(card) if number == card::TX => {
                card.transmit(ring, memory, &mut kicked.frames)
            }
            Kind::Card(card) => {
                kicked.refill = card.starved();
                return kicked;
            }
            Kind::Port(port) if number == port::OUTPUT => port.transmit(ring, memory),
            Kind::Port(port) => {
                kicked.refill = port.starved();
                return kicked;
            }
            Kind::Disk(disk) => disk.serve(ring, memory),
            Kind::Entropy(entropy) => entropy.serve(ring, memory),
        };
        (kicked.call, kicked.again) = (served.call, served.again);
        kicked
    }

    /// Gives the machine what has arrived for it. True: call it for ring 0.
    pub(crate) fn refill(&mut self) -> bool {
        let Some((ring, memory)) = self.connection.as_mut().and_then(|c| c.ring(0)) else {
            // Nobody is there: what has arrived is lost, as on a card that is down.
            if let Kind::Card(card) = &mut self.kind {
                card.reset();
            }
            return false;
        };
        match &mut self.kind {
            Kind::Card(card) => card.refill(ring, memory).call,
            Kind::Port(port) => port.refill(ring, memory).call,
            Kind::Disk(_) | Kind::Entropy(_) => false,
        }
    }

    /// Bytes for a port.
    pub(crate) fn input(&mut self, bytes: &[u8]) {
        if let Kind::Port(port) = &mut self.kind {
            port.push(bytes);
        }
    }

    /// How long it takes until the machine is told that a ring was served, in nanoseconds of virtual time.
    pub(crate) fn service(&self) -> u64 {
        match self.kind {
            Kind::Card(_) | Kind::Port(_) => 10_000,
            Kind::Disk(_) | Kind::Entropy(_) => 20_000,
        }
    }
}

#[cfg(test)]
mod tests;
