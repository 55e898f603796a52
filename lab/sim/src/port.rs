//! A console port (virtio id 3, a single port): the kernel's `hvc0`.
//!
//! A serial line delivers input when the outside happens to. This one does so at a time of the simulation.
use std::collections::VecDeque;

use vm_memory::GuestMemoryMmap;

use crate::console::Unheard;
use crate::device::Served;
use crate::ring::{self, Ring};
use crate::vhost_user::BASE_FEATURES;

pub(crate) const OUTPUT: usize = 1;
/// Bytes of a buffer of the driver's; it uses a page.
const LARGEST: usize = 1 << 20;
const BATCH: usize = 256;

/// A port's state.
#[derive(Debug, Default)]
pub(crate) struct Port {
    input: VecDeque<u8>,
    output: Unheard,
}

impl Port {
    pub(crate) fn features(&self) -> u64 {
        BASE_FEATURES
    }

    /// `struct virtio_console_config`: no size, one port.
    pub(crate) fn config(&self) -> Vec<u8> {
        vec![0, 0, 0, 0, 1, 0, 0, 0]
    }

    pub(crate) fn reset(&mut self) {
        self.input.clear();
    }

    /// Bytes for the machine.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.input.extend(bytes);
    }

    /// Input waits for buffers.
    pub(crate) fn starved(&self) -> bool {
        !self.input.is_empty()
    }

    /// What the machine has written and no console has heard.
    pub(crate) fn output(&mut self) -> &mut Unheard {
        &mut self.output
    }

    /// Gives the machine its input, as far as it has buffers.
    pub(crate) fn refill(&mut self, ring: &mut Ring, memory: &GuestMemoryMmap) -> Served {
        while !self.input.is_empty() {
            let Some(chain) = ring.pop(memory) else {
                if ring.ask_for_kick(memory) {
                    continue;
                }
                break;
            };
            let head = chain.head_index();
            let written = ring::write(chain, memory, &[self.input.make_contiguous()]);
            self.input.drain(..written.min(self.input.len()));
            ring.give_back(memory, head, written);
        }
        Served {
            call: ring.wants_call(memory),
            again: false,
        }
    }

    /// Takes what the machine writes.
    pub(crate) fn transmit(&mut self, ring: &mut Ring, memory: &GuestMemoryMmap) -> Served {
        let mut taken = 0;
        let again = loop {
            while taken < BATCH
                && let Some(chain) = ring.pop(memory)
            {
                taken += 1;
                let head = chain.head_index();
                let bytes = ring::read(chain, memory, LARGEST).unwrap_or_default();
                self.output.push(&bytes);
                ring.give_back(memory, head, 0);
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
}
