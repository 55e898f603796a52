//! LZ4 in its legacy framing, the one that the kernel reads (`lib/decompress_unlz4.c`;
//! `lz4 -l`): a magic number, then blocks, each with its length, till the end of the
//! image or a length of zero. What is between two such streams is another magic number.

use std::io::{self, BufRead, Read};

use crate::input::Input;

/// It begins each stream.
const MAGIC: u32 = 0x184c_2102;

/// What a block holds at most, unpacked.
const BLOCK: usize = 8 << 20;

/// What it takes at most, packed (`LZ4_compressBound`).
const PACKED: usize = BLOCK + BLOCK / 255 + 16;

/// Unpacks a stream and those that follow.
pub(crate) struct Decoder<'a, 'i> {
    inner: &'a mut Input<'i>,
    packed: Vec<u8>,
    block: Vec<u8>,
    start: usize,
    end: usize,
}

impl<'a, 'i> Decoder<'a, 'i> {
    pub(crate) fn new(inner: &'a mut Input<'i>) -> Self {
        Self {
            inner,
            packed: Vec::new(),
            block: Vec::new(),
            start: 0,
            end: 0,
        }
    }

    /// Four bytes; `None` at the end, which zeros are for the kernel's `unlz4`, too. They
    /// are left to whoever reads what comes behind.
    fn word(&mut self) -> io::Result<Option<u32>> {
        let bytes = self.inner.peek(4)?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let Ok(word) = <[u8; 4]>::try_from(bytes) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        self.inner.consume(4);
        Ok(Some(u32::from_le_bytes(word)))
    }

    /// Unpacks the next block; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        let broken = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let mut size = self.word()?;
        while size == Some(MAGIC) {
            size = self.word()?;
        }
        let Some(size) = size else {
            return Ok(false);
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > PACKED {
            return Err(broken(format!("a block of {size} bytes")));
        }
        self.packed.clear();
        let mut rest = Read::take(&mut *self.inner, size as u64);
        if rest.read_to_end(&mut self.packed)? < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.block.is_empty() {
            self.block = vec![0; BLOCK];
        }
        self.start = 0;
        self.end = lz4_flex::block::decompress_into(&self.packed, &mut self.block)
            .map_err(|e| broken(e.to_string()))?;
        Ok(true)
    }
}

impl Read for Decoder<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.start == self.end {
            if !self.next()? {
                return Ok(0);
            }
        }
        let count = into.len().min(self.end - self.start);
        into[..count].copy_from_slice(&self.block[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}
