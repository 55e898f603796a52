//! An Ethernet segment with numbered ports.

use std::time::Duration;

use super::faults::{Counts, Faults};
use super::lane::{Lane, Moving};

/// A port of a segment, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub usize);

/// Where faults are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the middle: every frame meets them once, whoever sends it.
    Everywhere,
    /// On what comes from this port.
    From(Port),
    /// On what goes to this port.
    To(Port),
}

/// A frame that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// When, in simulated time.
    pub at: Duration,
    /// Where.
    pub port: Port,
    /// From the destination's address on, without a checksum at the end.
    pub frame: Vec<u8>,
}

/// A cable, or a hub with a cable to each machine: what one port sends reaches all
/// others. Each frame takes the segment's latency and what the faults add.
///
/// Methods that name a port panic when the segment has no such port, as an index does.
#[derive(Debug, Clone)]
pub struct Segment {
    latency: Duration,
    seed: u64,
    cut: bool,
    /// For ports that are plugged in later.
    everywhere: Faults,
    ports: Vec<Plugged>,
}

#[derive(Debug, Clone)]
struct Plugged {
    carrier: bool,
    /// What it sent, and how much of that no port heard for want of a carrier.
    sent: u64,
    unheard: u64,
    /// On the way to this port; for ports that are plugged in later.
    to: Faults,
    from: Lane,
    everywhere: Lane,
    /// What this port sends to each one; to itself only forged answers.
    pairs: Vec<Pair>,
}

/// What one port sends to another.
#[derive(Debug, Clone)]
struct Pair {
    hears: bool,
    to: Lane,
    /// When the last frame arrived that was not held back.
    last: Duration,
    delivered: u64,
    partitioned: u64,
}

impl Segment {
    /// A segment without ports. From card to card a frame takes `latency`.
    pub fn new(latency: Duration, seed: u64) -> Segment {
        Segment {
            latency,
            seed,
            cut: false,
            everywhere: Faults::default(),
            ports: Vec::new(),
        }
    }

    /// A port more, with carrier.
    pub fn plug(&mut self) -> Port {
        let new = self.ports.len();
        let mut plugged = Plugged {
            carrier: true,
            sent: 0,
            unheard: 0,
            to: Faults::default(),
            from: self.lane(0, new, 0),
            everywhere: self.lane(1, new, 0),
            pairs: (0..=new).map(|to| self.pair(new, to)).collect(),
        };
        plugged.everywhere.set(self.everywhere.clone());
        for from in 0..new {
            let pair = self.pair(from, new);
            self.ports[from].pairs.push(pair);
        }
        self.ports.push(plugged);
        Port(new)
    }

    fn lane(&self, kind: u64, from: usize, to: usize) -> Lane {
        Lane::new(self.seed, [kind, from as u64, to as u64])
    }

    fn pair(&self, from: usize, to: usize) -> Pair {
        let mut lane = self.lane(2, from, to);
        if let Some(port) = self.ports.get(to) {
            lane.set(port.to.clone());
        }
        Pair {
            hears: true,
            to: lane,
            last: Duration::ZERO,
            delivered: 0,
            partitioned: 0,
        }
    }

    /// Every port.
    pub fn ports(&self) -> impl Iterator<Item = Port> + use<> {
        (0..self.ports.len()).map(Port)
    }

    /// Whether the cable at this port is whole: what its card shows as carrier. Frames
    /// that were under way when it was cut are the caller's to drop.
    pub fn carrier(&self, port: Port) -> bool {
        self.ports[port.0].carrier && !self.cut
    }

    /// Cuts the cable at this port, or mends it.
    pub fn set_carrier(&mut self, port: Port, carrier: bool) {
        self.ports[port.0].carrier = carrier;
    }

    /// Cuts the whole segment, so that no port has a carrier, or mends it. Ports whose
    /// own cable is cut stay without.
    pub fn set_cut(&mut self, cut: bool) {
        self.cut = cut;
    }

    /// Replaces the faults in this place. What they count begins at 0 again, what was
    /// drawn at random goes on.
    pub fn set_faults(&mut self, place: Place, faults: Faults) {
        match place {
            Place::Everywhere => {
                for port in &mut self.ports {
                    port.everywhere.set(faults.clone());
                }
                self.everywhere = faults;
            }
            Place::From(port) => self.ports[port.0].from.set(faults),
            Place::To(to) => {
                for port in &mut self.ports {
                    port.pairs[to.0].to.set(faults.clone());
                }
                self.ports[to.0].to = faults;
            }
        }
    }

    /// Lets `to` hear what `from` sends, or not. The carrier stays.
    pub fn set_hears(&mut self, from: Port, to: Port, hears: bool) {
        self.ports[from.0].pairs[to.0].hears = hears;
    }

    /// Ports hear those of their own group and no others; one that is in no group hears
    /// nobody. The carrier stays.
    pub fn partition(&mut self, groups: &[&[Port]]) {
        for from in self.ports() {
            for to in self.ports() {
                let together = |group: &&[Port]| group.contains(&from) && group.contains(&to);
                self.set_hears(from, to, groups.iter().any(together));
            }
        }
    }

    /// Every port hears every other one again.
    pub fn heal(&mut self) {
        for port in &mut self.ports {
            for pair in &mut port.pairs {
                pair.hears = true;
            }
        }
    }

    /// What has become of the frames up to now.
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for port in self.ports() {
            sum += self.counts_from(port);
        }
        sum
    }

    /// What has become of those that this port sent.
    pub fn counts_from(&self, port: Port) -> Counts {
        let port = &self.ports[port.0];
        let mut sum = Counts {
            sent: port.sent,
            cut: port.unheard,
            ..Counts::default()
        };
        sum += port.from.counts();
        sum += port.everywhere.counts();
        for pair in &port.pairs {
            sum += pair.to.counts();
            sum.delivered += pair.delivered;
            sum.partitioned += pair.partitioned;
        }
        sum
    }

    /// What becomes of a frame that `from` sends at `now`. The arrivals are not
    /// sorted by time. One port's calls come in the order of time.
    pub fn deliver(
        &mut self,
        now: Duration,
        from: Port,
        frame: Vec<u8>,
    ) -> impl Iterator<Item = Delivery> + use<> {
        let mut arrivals = Vec::new();
        self.ports[from.0].sent += 1;
        if self.carrier(from) {
            let moving = Moving {
                at: now + self.latency,
                frame,
                held_back: false,
            };
            self.travel(from, moving, &mut arrivals);
        } else {
            self.ports[from.0].unheard += 1;
        }
        arrivals.into_iter()
    }

    fn travel(&mut self, from: Port, moving: Moving, arrivals: &mut Vec<Delivery>) {
        let sent = moving.at;
        let port = &mut self.ports[from.0];
        let mut back = Vec::new();
        let mut onward = Vec::new();
        let passed = port.from.pass(moving);
        back.extend(passed.back);
        for moving in passed.onward {
            let passed = port.everywhere.pass(moving);
            back.extend(passed.back);
            onward.extend(passed.onward);
        }
        for to in self.ports().filter(|to| *to != from) {
            for moving in &onward {
                self.reach(from, to, moving, arrivals, &mut back);
            }
        }
        // It is said to come from beyond the segment.
        let own = &mut self.ports[from.0].pairs[from.0];
        arrivals.extend(back.into_iter().map(|frame| {
            let moving = Moving {
                at: sent,
                frame,
                held_back: false,
            };
            own.arrive(from, moving)
        }));
    }

    fn reach(
        &mut self,
        from: Port,
        to: Port,
        moving: &Moving,
        arrivals: &mut Vec<Delivery>,
        back: &mut Vec<Vec<u8>>,
    ) {
        if !self.carrier(to) {
            self.ports[from.0].unheard += 1;
            return;
        }
        let pair = &mut self.ports[from.0].pairs[to.0];
        if !pair.hears {
            pair.partitioned += 1;
            return;
        }
        let passed = pair.to.pass(moving.clone());
        back.extend(passed.back);
        let arrived = passed.onward.into_iter();
        arrivals.extend(arrived.map(|moving| pair.arrive(to, moving)));
    }
}

impl Pair {
    /// Only what was held back may be overtaken.
    fn arrive(&mut self, port: Port, moving: Moving) -> Delivery {
        let mut at = moving.at;
        if !moving.held_back {
            at = at.max(self.last);
            self.last = at;
        }
        self.delivered += 1;
        Delivery {
            at,
            port,
            frame: moving.frame,
        }
    }
}
