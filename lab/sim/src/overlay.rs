//! An image that is never written to, and what was written over it, in memory.
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of a block of the overlay.
const BLOCK: usize = 4096;
/// Bytes of a sector, as disks count.
pub(crate) const SECTOR: u64 = 512;

/// Base image and overlay.
#[derive(Debug)]
pub(crate) struct Overlay {
    image: File,
    sectors: u64,
    /// None: zeroes.
    written: BTreeMap<u64, Option<Box<[u8; BLOCK]>>>,
}

/// Beyond the end of the image, or the image can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Overlay {
    pub(crate) fn open(image: &Path) -> io::Result<Self> {
        let image = File::open(image)?;
        let sectors = image.metadata()?.len() / SECTOR;
        Ok(Self {
            image,
            sectors,
            written: BTreeMap::new(),
        })
    }

    pub(crate) fn sectors(&self) -> u64 {
        self.sectors
    }

    /// The place in bytes, if `len` bytes from `sector` on lie on the disk.
    fn place(&self, sector: u64, len: u64) -> Result<u64, Unreadable> {
        let at = sector.checked_mul(SECTOR).ok_or(Unreadable)?;
        let end = at.checked_add(len).ok_or(Unreadable)?;
        if end <= self.sectors * SECTOR {
            Ok(at)
        } else {
            Err(Unreadable)
        }
    }

    fn block(&self, number: u64) -> Result<[u8; BLOCK], Unreadable> {
        match self.written.get(&number) {
            Some(Some(block)) => return Ok(**block),
            Some(None) => return Ok([0; BLOCK]),
            None => {}
        }
        let mut block = [0; BLOCK];
        let mut got = 0;
        // The last block of an image may be a part of one.
        while got < BLOCK {
            match self
                .image
                .read_at(&mut block[got..], number * BLOCK as u64 + got as u64)
            {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Unreadable),
            }
        }
        Ok(block)
    }

    pub(crate) fn read(&self, sector: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        let mut at = self.place(sector, into.len() as u64)?;
        let mut rest = into;
        while !rest.is_empty() {
            let from = (at % BLOCK as u64) as usize;
            let len = (BLOCK - from).min(rest.len());
            let (now, later) = rest.split_at_mut(len);
            now.copy_from_slice(&self.block(at / BLOCK as u64)?[from..from + len]);
            (at, rest) = (at + len as u64, later);
        }
        Ok(())
    }

    /// All of it as a file, with holes for blocks of zeroes.
    pub(crate) fn copy_to(&self, to: &Path) -> io::Result<()> {
        let file = File::create(to)?;
        let len = self.sectors * SECTOR;
        file.set_len(len)?;
        for number in 0..len.div_ceil(BLOCK as u64) {
            let block = self
                .block(number)
                .map_err(|Unreadable| io::ErrorKind::UnexpectedEof)?;
            if block.iter().any(|byte| *byte != 0) {
                let at = number * BLOCK as u64;
                let part = usize::try_from((len - at).min(BLOCK as u64)).unwrap_or(BLOCK);
                file.write_all_at(&block[..part], at)?;
            }
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, sector: u64, bytes: &[u8]) -> Result<(), Unreadable> {
        let mut at = self.place(sector, bytes.len() as u64)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let from = (at % BLOCK as u64) as usize;
            let len = (BLOCK - from).min(rest.len());
            let number = at / BLOCK as u64;
            let mut block = if len == BLOCK {
                [0; BLOCK]
            } else {
                self.block(number)?
            };
            block[from..from + len].copy_from_slice(&rest[..len]);
            self.written.insert(number, Some(Box::new(block)));
            (at, rest) = (at + len as u64, &rest[len..]);
        }
        Ok(())
    }

    pub(crate) fn zero(&mut self, sector: u64, sectors: u64) -> Result<(), Unreadable> {
        let len = sectors.checked_mul(SECTOR).ok_or(Unreadable)?;
        let mut at = self.place(sector, len)?;
        let end = at + len;
        while at < end {
            let from = at % BLOCK as u64;
            let len = (BLOCK as u64 - from).min(end - at);
            if len == BLOCK as u64 {
                self.written.insert(at / BLOCK as u64, None);
            } else {
                self.write(at / SECTOR, &vec![0; len as usize])?;
            }
            at += len;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    const SECTORS: u64 = 40;

    fn image() -> (tempfile::NamedTempFile, Vec<u8>) {
        let bytes: Vec<u8> = (0..SECTORS * SECTOR).map(|n| (n / 7 % 251) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&bytes).expect("written");
        (file, bytes)
    }

    proptest! {
        #[test]
        fn it_reads_what_was_written(
            steps in proptest::collection::vec((0u64..SECTORS + 2, 1u64..20, 0u8..3, any::<u8>()), 1..20)
        ) {
            let (file, mut model) = image();
            let original = model.clone();
            let mut overlay = Overlay::open(file.path()).expect("opened");
            for (sector, count, what, fill) in steps {
                let (from, len) = ((sector * SECTOR) as usize, (count * SECTOR) as usize);
                let fits = sector + count <= SECTORS;
                let expected = if fits { Ok(()) } else { Err(Unreadable) };
                match what {
                    0 => {
                        let mut got = vec![0; len];
                        prop_assert_eq!(overlay.read(sector, &mut got), expected);
                        if fits {
                            prop_assert_eq!(&got[..], &model[from..from + len]);
                        }
                    }
                    1 => {
                        prop_assert_eq!(overlay.write(sector, &vec![fill; len]), expected);
                        if fits {
                            model[from..from + len].fill(fill);
                        }
                    }
                    _ => {
                        prop_assert_eq!(overlay.zero(sector, count), expected);
                        if fits {
                            model[from..from + len].fill(0);
                        }
                    }
                }
            }
            prop_assert_eq!(std::fs::read(file.path()).expect("read"), original);
        }
    }

    #[test]
    fn no_number_is_too_large_for_it() {
        let (file, _) = image();
        let mut overlay = Overlay::open(file.path()).expect("opened");
        assert_eq!(overlay.read(u64::MAX, &mut [0; 512]), Err(Unreadable));
        assert_eq!(overlay.zero(1, u64::MAX / 512), Err(Unreadable));
        assert_eq!(overlay.write(u64::MAX / 512, &[0; 1024]), Err(Unreadable));
    }
}
