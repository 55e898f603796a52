//! A network card (virtio id 1), without its wire.
//!
//! No checksum offload: some of what the kernel would leave to us lies in memory that it does not share, and
//! captures show real frames.
use std::collections::VecDeque;

use vm_memory::GuestMemoryMmap;

use crate::device::Served;
use crate::ring::{self, Ring};
use crate::spec::Mac;
use crate::vhost_user::BASE_FEATURES;

pub(crate) const TX: usize = 1;
/// `VIRTIO_NET_F_MAC`, `MRG_RXBUF`, `STATUS`, `SPEED_DUPLEX`
const FEATURES: u64 = 1 << 5 | 1 << 15 | 1 << 16 | 1 << 63;
/// `struct virtio_net_hdr_mrg_rxbuf`
const HEADER: usize = 12;
/// Two addresses and a type.
const SHORTEST: usize = 14;
const LONGEST: usize = 65_550;
/// Frames that wait for the machine's buffers.
const BACKLOG: usize = 2048;
/// Frames taken at once, before others have their turn.
const BATCH: usize = 256;
/// So often a machine may give buffers just when it was seen to have none; then it has to kick.
const ATTEMPTS: usize = 16;

/// A card's state.
#[derive(Debug)]
pub(crate) struct Card {
    mac: Mac,
    speed_mbit: u32,
    carrier: bool,
    backlog: VecDeque<Vec<u8>>,
    /// Frames that have arrived and that the machine does not get.
    missed: u64,
    /// How often the machine saw that there is no carrier.
    dark: u64,
}

impl Card {
    pub(crate) fn new(mac: Mac, speed_mbit: u32, carrier: bool) -> Self {
        Self {
            mac,
            speed_mbit,
            carrier,
            backlog: VecDeque::new(),
            missed: 0,
            dark: 0,
        }
    }

    pub(crate) fn features(&self) -> u64 {
        BASE_FEATURES | FEATURES
    }

    /// `struct virtio_net_config`
    pub(crate) fn config(&self) -> Vec<u8> {
        let mut bytes = self.mac.0.to_vec();
        bytes.extend(u16::from(self.carrier).to_le_bytes());
        // pairs of queues, then the MTU, which is not offered
        bytes.extend(1u16.to_le_bytes());
        bytes.extend(1500u16.to_le_bytes());
        bytes.extend(
            if self.carrier {
                self.speed_mbit
            } else {
                u32::MAX
            }
            .to_le_bytes(),
        );
        bytes.push(if self.carrier { 1 } else { 0xff });
        bytes
    }

    /// True: this is news for the machine, and what waited for buffers is lost.
    pub(crate) fn set_carrier(&mut self, carrier: bool) -> bool {
        let changed = std::mem::replace(&mut self.carrier, carrier) != carrier;
        if changed {
            self.reset();
        }
        changed
    }

    /// The machine is off or has let go of the card.
    pub(crate) fn reset(&mut self) {
        self.miss(self.backlog.len());
        self.backlog.clear();
    }

    /// So many frames more have arrived for nothing.
    pub(crate) fn miss(&mut self, frames: usize) {
        self.missed += frames as u64;
    }

    pub(crate) fn missed(&self) -> u64 {
        self.missed
    }

    /// The machine has read the configuration space.
    pub(crate) fn seen(&mut self) {
        self.dark += u64::from(!self.carrier);
    }

    pub(crate) fn dark(&self) -> u64 {
        self.dark
    }

    /// Frames wait for buffers.
    pub(crate) fn starved(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Takes what the machine sends.
    pub(crate) fn transmit(
        &mut self,
        ring: &mut Ring,
        memory: &GuestMemoryMmap,
        frames: &mut Vec<Vec<u8>>,
    ) -> Served {
        let mut taken = 0;
        let again = loop {
            ring.refuse_kicks(memory);
            while taken < BATCH
                && let Some(chain) = ring.pop(memory)
            {
                taken += 1;
                let head = chain.head_index();
                let frame = ring::read(chain, memory, HEADER + LONGEST);
                ring.give_back(memory, head, 0);
                if let Some(mut frame) = frame
                    && frame.len() >= HEADER + SHORTEST
                    && self.carrier
                {
                    frame.drain(..HEADER);
                    frames.push(frame);
                }
            }
            if taken >= BATCH {
                break true;
            }
            if !ring.ask_for_kick(memory) {
                break false;
            }
        };
        Served {
            call: ring.wants_call(memory),
            again,
        }
    }

    /// A frame arrives. It waits where the machine has no buffers.
    pub(crate) fn receive(&mut self, frame: Vec<u8>) {
        if self.carrier && self.backlog.len() < BACKLOG {
            self.backlog.push_back(frame);
        } else {
            self.miss(1);
        }
    }

    /// Gives the machine what has arrived, as far as it has buffers.
    pub(crate) fn refill(&mut self, ring: &mut Ring, memory: &GuestMemoryMmap) -> Served {
        let mut failed = 0;
        while let Some(frame) = self.backlog.pop_front() {
            if put(ring, memory, &frame) {
                continue;
            }
            self.backlog.push_front(frame);
            failed += 1;
            if !ring.ask_for_kick_after_all(memory) || failed == ATTEMPTS {
                break;
            }
        }
        Served {
            call: ring.wants_call(memory),
            again: false,
        }
    }
}

/// Puts a frame into the machine, in as many buffers as it takes; false: there are too few.
fn put(ring: &mut Ring, memory: &GuestMemoryMmap, frame: &[u8]) -> bool {
    let most = ring.size();
    let chains = match gather(HEADER + frame.len(), most, || ring.pop(memory), ring::room) {
        Ok(chains) => chains,
        Err(popped) => {
            ring.unpop(popped);
            return false;
        }
    };
    let mut header = [0; HEADER];
    header[10..].copy_from_slice(
        &u16::try_from(chains.len())
            .unwrap_or(u16::MAX)
            .to_le_bytes(),
    );
    let mut rest = frame;
    let mut given = Vec::with_capacity(chains.len());
    for (number, chain) in chains.into_iter().enumerate() {
        let head = chain.head_index();
        let first: &[u8] = if number == 0 { &header } else { &[] };
        let written = ring::write(chain, memory, &[first, rest]);
        rest = &rest[written.saturating_sub(first.len()).min(rest.len())..];
        given.push((head, written));
    }
    ring.give_back_together(memory, &given);
    true
}

/// So many chains that they have room for `needed` bytes; or how many were taken in vain.
fn gather<C>(
    needed: usize,
    most: usize,
    mut pop: impl FnMut() -> Option<C>,
    room_of: impl Fn(&C) -> usize,
) -> Result<Vec<C>, usize> {
    let mut chains = Vec::new();
    let mut room = 0usize;
    while room < needed {
        // No ring holds more, but a machine may give buffers without room for ever.
        let more = chains.len() < most;
        let Some(chain) = more.then(&mut pop).flatten() else {
            return Err(chains.len());
        };
        room = room.saturating_add(room_of(&chain));
        chains.push(chain);
    }
    Ok(chains)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a machine does that gives buffers while we take them.
    #[test]
    fn buffers_without_room_are_not_taken_for_ever() {
        assert_eq!(gather(72, 8, || Some(0), |room| *room), Err(8));
        assert_eq!(gather(72, 8, || Some(8), |room| *room), Err(8));
        assert_eq!(gather(72, 9, || Some(8), |room| *room), Ok(vec![8; 9]));
        assert_eq!(
            gather(72, 8, || Some(usize::MAX), |room| *room),
            Ok(vec![usize::MAX])
        );
        let mut few = vec![40, 30];
        assert_eq!(gather(72, 8, || few.pop(), |room| *room), Err(2));
    }
}
