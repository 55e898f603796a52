//! A virtio ring (split virtqueue) in a machine's memory.
//!
//! What lies in that memory is the machine's: nothing here trusts it. Addresses are checked by
//! `vm-memory`, loops and lengths are bounded here and by `virtio-queue`.
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use virtio_queue::{DescriptorChain, Queue, QueueOwnedT, QueueT};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

/// `MAX_SUPPORTED_QUEUE_SIZE` of `virtio_uml`.
const SIZE: u16 = 256;

/// Buffers that belong together.
pub(crate) type Chain<'m> = DescriptorChain<&'m GuestMemoryMmap>;

/// One ring of a device.
#[derive(Debug)]
pub(crate) struct Ring {
    queue: Queue,
    kick: Option<File>,
    call: Option<UnixStream>,
    enabled: bool,
    /// Buffers were given back at once with an index moved by hand: the queue has not counted them.
    uncounted: bool,
}

impl Ring {
    #[allow(
        clippy::expect_used,
        reason = "the size is a constant and a power of two"
    )]
    pub(crate) fn new() -> Self {
        let queue = Queue::new(SIZE).expect("a valid size");
        Self {
            queue,
            kick: None,
            call: None,
            enabled: false,
            uncounted: false,
        }
    }

    /// The driver has set it up and not let go of it.
    pub(crate) fn usable(&self) -> bool {
        self.enabled && self.queue.ready()
    }

    pub(crate) fn set_event_idx(&mut self, on: bool) {
        self.queue.set_event_idx(on);
    }

    pub(crate) fn set_size(&mut self, size: u16) -> Result<(), virtio_queue::Error> {
        self.queue.try_set_size(size)
    }

    pub(crate) fn size(&self) -> usize {
        self.queue.size().into()
    }

    pub(crate) fn set_base(&mut self, base: u16) {
        self.queue.set_next_avail(base);
        self.queue.set_next_used(base);
    }

    pub(crate) fn set_addresses(
        &mut self,
        desc: GuestAddress,
        used: GuestAddress,
        avail: GuestAddress,
    ) -> Result<(), virtio_queue::Error> {
        self.queue.try_set_desc_table_address(desc)?;
        self.queue.try_set_avail_ring_address(avail)?;
        self.queue.try_set_used_ring_address(used)?;
        self.queue.set_ready(true);
        Ok(())
    }

    pub(crate) fn kick(&self) -> Option<&File> {
        self.kick.as_ref()
    }

    /// Reading it never waits: a machine may have taken its kick back.
    pub(crate) fn set_kick(&mut self, kick: Option<File>) -> io::Result<()> {
        if let Some(kick) = &kick {
            fcntl_setfl(kick, fcntl_getfl(kick)? | OFlags::NONBLOCK)?;
        }
        self.kick = kick;
        Ok(())
    }

    pub(crate) fn set_call(&mut self, call: Option<UnixStream>) -> io::Result<()> {
        if let Some(call) = &call {
            call.set_nonblocking(true)?;
        }
        self.call = call;
        Ok(())
    }

    /// Off: there is no other sign that the driver lets go of the ring.
    pub(crate) fn enable(&mut self, on: bool) {
        self.enabled = on;
        if !on {
            self.kick = None;
            self.queue.set_ready(false);
        }
    }

    /// Interrupts the machine out of band.
    pub(crate) fn call(&mut self) -> io::Result<()> {
        let Some(call) = &mut self.call else {
            return Ok(());
        };
        match call.write(&1u64.to_ne_bytes()) {
            // A full pipe: the machine has plenty to wake up for.
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(e),
            _ => Ok(()),
        }
    }

    /// The next buffers that the machine gives.
    pub(crate) fn pop<'m>(&mut self, memory: &'m GuestMemoryMmap) -> Option<Chain<'m>> {
        self.queue.pop_descriptor_chain(memory)
    }

    /// The last `count` chains were not popped.
    pub(crate) fn unpop(&mut self, count: usize) {
        for _ in 0..count {
            self.queue.go_to_previous_position();
        }
    }

    /// Gives buffers back, `len` bytes of which were written.
    pub(crate) fn give_back(&mut self, memory: &GuestMemoryMmap, head: u16, len: usize) {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        // Fails when the machine has put its ring where there is no memory: its loss.
        let _ = self.queue.add_used(memory, head, len);
    }

    /// Gives back the chains of one frame: the machine must see them all at once, so the index moves with the
    /// last.
    pub(crate) fn give_back_together(&mut self, memory: &GuestMemoryMmap, chains: &[(u16, usize)]) {
        let Some(((last, last_len), before)) = chains.split_last() else {
            return;
        };
        let first = self.queue.next_used();
        for (number, (head, len)) in (0u16..).zip(before) {
            let slot = u64::from(first.wrapping_add(number) % self.queue.size());
            let element = [
                u32::from(*head).to_le(),
                u32::try_from(*len).unwrap_or(u32::MAX).to_le(),
            ];
            let Some(at) = self.queue.used_ring().checked_add(4 + 8 * slot) else {
                return;
            };
            let _ = memory.write_obj(element, GuestAddress(at));
        }
        let moved = u16::try_from(before.len()).unwrap_or(0);
        self.queue.set_next_used(first.wrapping_add(moved));
        self.uncounted |= moved > 0;
        self.give_back(memory, *last, *last_len);
    }

    /// Whether the machine wants an interrupt for what it was given back since it was last asked.
    pub(crate) fn wants_call(&mut self, memory: &GuestMemoryMmap) -> bool {
        let uncounted = std::mem::take(&mut self.uncounted);
        self.queue.needs_notification(memory).unwrap_or(true) || uncounted
    }

    /// Asks for a kick for the next buffers. True: there are some already, and they can be popped: an index out of
    /// range promises buffers for ever.
    pub(crate) fn ask_for_kick(&mut self, memory: &GuestMemoryMmap) -> bool {
        let more =
            self.queue.enable_notification(memory).unwrap_or(false) && self.pop(memory).is_some();
        if more {
            self.unpop(1);
        }
        more
    }

    /// Asks for a kick for the first buffers after all that are there (too few for a frame). True: some have
    /// come meanwhile.
    pub(crate) fn ask_for_kick_after_all(&mut self, memory: &GuestMemoryMmap) -> bool {
        let Ok(end) = self.queue.avail_idx(memory, Ordering::Acquire) else {
            return false;
        };
        let here = self.queue.next_avail();
        self.queue.set_next_avail(end.0);
        let more = self.queue.enable_notification(memory).unwrap_or(false);
        self.queue.set_next_avail(here);
        more
    }

    /// No kicks, please: it is looked at anyway.
    pub(crate) fn refuse_kicks(&mut self, memory: &GuestMemoryMmap) {
        let _ = self.queue.disable_notification(memory);
    }
}

/// What the machine has put into a chain for us to read; None: more than `most` bytes, or not in its memory.
pub(crate) fn read(chain: Chain<'_>, memory: &GuestMemoryMmap, most: usize) -> Option<Vec<u8>> {
    let mut reader = chain.reader(memory).ok()?;
    let len = reader.available_bytes();
    if len > most {
        return None;
    }
    let mut bytes = vec![0; len];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// How much fits into a chain, as its descriptors say: nobody has looked whether they lie in the machine's memory.
pub(crate) fn room(chain: &Chain<'_>) -> usize {
    let lengths = chain.clone().writable().map(|d| d.len() as usize);
    lengths.fold(0, usize::saturating_add)
}

/// Writes into a chain what fits; how much that was.
pub(crate) fn write(chain: Chain<'_>, memory: &GuestMemoryMmap, parts: &[&[u8]]) -> usize {
    let Ok(mut writer) = chain.writer(memory) else {
        return 0;
    };
    for part in parts {
        let fits = part.len().min(writer.available_bytes());
        if writer.write_all(&part[..fits]).is_err() {
            break;
        }
    }
    writer.bytes_written()
}
