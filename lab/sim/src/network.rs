//! Segments with the cards on them.
use std::path::PathBuf;
use std::time::Duration;

use crate::capture::{Capture, Limits};
use crate::error::Error;
use crate::wire::{Port, Segment};

/// A machine's device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) machine: usize,
    pub(crate) device: usize,
}

/// A frame that reaches a card.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Duration,
    pub(crate) end: End,
    pub(crate) frame: Vec<u8>,
}

/// A segment, who is on it, and what is written down.
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) wire: Segment,
    ends: Vec<End>,
    capture: Option<(Capture, PathBuf)>,
}

impl Net {
    pub(crate) fn new(latency: Duration, seed: u64) -> Self {
        Self {
            wire: Segment::new(latency, seed),
            ends: Vec::new(),
            capture: None,
        }
    }

    pub(crate) fn plug(&mut self, end: End, carrier: bool) -> Port {
        let port = self.wire.plug();
        self.ends.push(end);
        self.wire.set_carrier(port, carrier);
        port
    }

    pub(crate) fn port(&self, end: End) -> Option<Port> {
        self.ends.iter().position(|e| *e == end).map(Port)
    }

    /// Who is on it, and whether with carrier.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (End, bool)> + '_ {
        self.ends
            .iter()
            .enumerate()
            .map(|(n, end)| (*end, self.wire.carrier(Port(n))))
    }

    pub(crate) fn send(&mut self, at: Duration, from: End, frame: Vec<u8>) -> Vec<Arrival> {
        let Some(port) = self.port(from) else {
            return Vec::new();
        };
        if let Some((capture, _)) = &mut self.capture {
            capture.record(at, &frame);
        }
        let delivered: Vec<_> = self.wire.deliver(at, port, frame).collect();
        if let Some((capture, _)) = &mut self.capture {
            // What comes back to the sender was made on the wire.
            for made in delivered.iter().filter(|d| d.port == port) {
                capture.record(at, &made.frame);
            }
        }
        let arrival = |d: crate::wire::Delivery| Arrival {
            at: d.at,
            end: self.ends[d.port.0],
            frame: d.frame,
        };
        delivered.into_iter().map(arrival).collect()
    }

    pub(crate) fn start_capture(&mut self, path: PathBuf) {
        self.capture = Some((Capture::new(Limits::default()), path));
    }

    /// Writes the capture's file anew.
    pub(crate) fn write_capture(&self) -> Result<(), Error> {
        let Some((capture, path)) = &self.capture else {
            return Ok(());
        };
        let error = |source| Error::File {
            what: "write",
            path: path.clone(),
            source,
        };
        let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(error)?);
        capture.write_to(&mut file).map_err(error)?;
        std::io::Write::flush(&mut file).map_err(error)
    }
}
