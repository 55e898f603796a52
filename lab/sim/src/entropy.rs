//! Where a machine's randomness comes from: the seed, by two ways.
//!
//! The kernel takes its own from getrandom(2) of the outside (`arch/um/include/asm/archrandom.h`); a small
//! library in the machine's process replaces that. Besides, each machine has a virtio entropy device
//! (`CONFIG_HW_RANDOM_VIRTIO`), which is `/dev/hwrng`. For equal runs the kernel has to be built without
//! `CONFIG_UML_RANDOM`.
use std::path::{Path, PathBuf};
use std::process::Command;

use vm_memory::GuestMemoryMmap;

use crate::Error;
use crate::device::Served;
use crate::ring::{self, Ring};
use crate::vhost_user::BASE_FEATURES;

/// The library's source.
const SHIM: &str = include_str!("entropy_shim.c");
/// Its seed, as 16 hexadecimal digits.
pub(crate) const VARIABLE: &str = "MACHINESIM_SEED";

/// Compiles the library that replaces `getrandom` in a machine's process by a generator from the seed; for
/// [`Kernel::entropy_shim`](crate::Kernel::entropy_shim). `cc` is a C compiler: there is one wherever a kernel was
/// built. The file is `dir/machinesim-entropy.so`.
///
/// # Errors
/// [`Error::File`] and [`Error::System`] where files can't be written or the compiler can't be started,
/// [`Error::Compiler`] where it fails.
pub fn build_shim(cc: &Path, dir: &Path) -> Result<PathBuf, Error> {
    let source = dir.join("machinesim-entropy.c");
    let library = dir.join("machinesim-entropy.so");
    std::fs::write(&source, SHIM).map_err(|source_error| Error::File {
        what: "write",
        path: source.clone(),
        source: source_error,
    })?;
    let output = Command::new(cc)
        .args(["-O2", "-Wall", "-fPIC", "-shared", "-o"])
        .arg(&library)
        .arg(&source)
        .output()
        .map_err(|source| Error::System {
            what: "start the C compiler",
            source,
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Compiler {
            cc: cc.into(),
            output: said,
        });
    }
    Ok(library)
}

/// splitmix64: enough to tell machines and runs apart, and never for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The seed of a machine's n-th start.
pub(crate) fn seed_of(seed: u64, name: &str, start: u32) -> u64 {
    let mut random = Random::new(seed);
    for byte in name.bytes().map(u64::from).chain([u64::from(start) << 8]) {
        random.0 = random.next() ^ byte;
    }
    random.next()
}

/// Bytes for one request; the driver asks for 64.
const MOST: usize = 4096;
const BATCH: usize = 64;

/// The entropy device (virtio id 4).
#[derive(Debug)]
pub(crate) struct Entropy {
    pub(crate) random: Random,
}

impl Entropy {
    pub(crate) fn features(&self) -> u64 {
        BASE_FEATURES
    }

    pub(crate) fn serve(&mut self, ring: &mut Ring, memory: &GuestMemoryMmap) -> Served {
        let mut served = 0;
        let again = loop {
            while served < BATCH
                && let Some(chain) = ring.pop(memory)
            {
                served += 1;
                let head = chain.head_index();
                let len = ring::room(&chain).min(MOST);
                let bytes: Vec<u8> = (0..len.div_ceil(8))
                    .flat_map(|_| self.random.next().to_le_bytes())
                    .collect();
                let written = ring::write(chain, memory, &[&bytes[..len]]);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_and_starts_differ_and_repeat() {
        assert_eq!(seed_of(7, "host", 1), seed_of(7, "host", 1));
        let seeds = [
            seed_of(7, "host", 1),
            seed_of(7, "host", 2),
            seed_of(7, "target", 1),
            seed_of(8, "host", 1),
        ];
        for (n, seed) in seeds.iter().enumerate() {
            assert!(!seeds[..n].contains(seed), "{seeds:?}");
        }
    }
}
