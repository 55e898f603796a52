//! A disk (virtio id 2).
//!
//! It offers `WRITE_ZEROES`: else the kernel writes its page of zeroes, which lies in memory that it does not
//! share.
use vm_memory::GuestMemoryMmap;

use crate::device::Served;
use crate::overlay::{Overlay, SECTOR};
use crate::ring::{self, Chain, Ring};
use crate::vhost_user::BASE_FEATURES;

/// `VIRTIO_BLK_F_FLUSH`, `WRITE_ZEROES`
const FEATURES: u64 = 1 << 9 | 1 << 14;
const F_RO: u64 = 1 << 5;
/// Type, reserved, sector.
const HEADER: usize = 16;
/// Bytes of a request, either way; the kernel's are far below.
const LARGEST: usize = 32 << 20;
/// Sectors of one order to write zeroes.
const MOST_ZEROES: u32 = 1 << 22;
const BATCH: usize = 256;
const OK: u8 = 0;
const IOERR: u8 = 1;
const UNSUPPORTED: u8 = 2;

/// A disk's state. What is written lasts longer than the machine.
#[derive(Debug)]
pub(crate) struct Disk {
    overlay: Overlay,
    read_only: bool,
    serial: String,
}

impl Disk {
    pub(crate) fn new(overlay: Overlay, read_only: bool, slot: u8) -> Self {
        Self {
            overlay,
            read_only,
            serial: format!("disk-{slot}"),
        }
    }

    pub(crate) fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    pub(crate) fn features(&self) -> u64 {
        BASE_FEATURES | FEATURES | if self.read_only { F_RO } else { 0 }
    }

    /// `struct virtio_blk_config`
    pub(crate) fn config(&self) -> Vec<u8> {
        let mut bytes = self.overlay.sectors().to_le_bytes().to_vec();
        bytes.resize(60, 0);
        bytes[48..52].copy_from_slice(&MOST_ZEROES.to_le_bytes());
        bytes[52..56].copy_from_slice(&1u32.to_le_bytes());
        bytes
    }

    /// Does what the machine has asked for.
    pub(crate) fn serve(&mut self, ring: &mut Ring, memory: &GuestMemoryMmap) -> Served {
        let mut served = 0;
        let again = loop {
            ring.refuse_kicks(memory);
            while served < BATCH
                && let Some(chain) = ring.pop(memory)
            {
                served += 1;
                let head = chain.head_index();
                let written = self.request(chain, memory);
                ring.give_back(memory, head, written);
            }
            if served >= BATCH {
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

    /// Bytes written into the machine's memory.
    fn request(&mut self, chain: Chain<'_>, memory: &GuestMemoryMmap) -> usize {
        let Some(request) = ring::read(chain.clone(), memory, LARGEST) else {
            return 0;
        };
        let room = ring::room(&chain);
        // The last byte is for the status.
        let Some(space) = room.checked_sub(1).filter(|space| *space <= LARGEST) else {
            return 0;
        };
        let (answer, status) = match self.answer(&request, space) {
            Ok(answer) => (answer, OK),
            Err(status) => (Vec::new(), status),
        };
        let mut answer = answer;
        answer.resize(space, 0);
        ring::write(chain, memory, &[&answer, &[status]])
    }

    fn answer(&mut self, request: &[u8], space: usize) -> Result<Vec<u8>, u8> {
        let Some((header, data)) = request.split_first_chunk::<HEADER>() else {
            return Err(IOERR);
        };
        let kind = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let mut sector = [0; 8];
        sector.copy_from_slice(&header[8..]);
        let sector = u64::from_le_bytes(sector);
        match kind {
            // VIRTIO_BLK_T_IN
            0 => {
                let mut answer = vec![0; space];
                self.overlay.read(sector, &mut answer).map_err(|_| IOERR)?;
                Ok(answer)
            }
            // VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_WRITE_ZEROES
            1 | 13 if self.read_only => Err(IOERR),
            1 if !data.len().is_multiple_of(SECTOR as usize) => Err(IOERR),
            1 => self
                .overlay
                .write(sector, data)
                .map(|()| Vec::new())
                .map_err(|_| IOERR),
            13 => {
                // `struct virtio_blk_discard_write_zeroes`, one of them, as offered
                let segment: &[u8; 16] = data.try_into().map_err(|_| IOERR)?;
                let mut first = [0; 8];
                first.copy_from_slice(&segment[..8]);
                let count = u32::from_le_bytes([segment[8], segment[9], segment[10], segment[11]]);
                if count > MOST_ZEROES {
                    return Err(IOERR);
                }
                self.overlay
                    .zero(u64::from_le_bytes(first), u64::from(count))
                    .map(|()| Vec::new())
                    .map_err(|_| IOERR)
            }
            // VIRTIO_BLK_T_FLUSH
            4 => Ok(Vec::new()),
            // VIRTIO_BLK_T_GET_ID
            8 => Ok(self.serial.clone().into_bytes()),
            _ => Err(UNSUPPORTED),
        }
    }
}
