//! zstd (RFC 8878): one frame.

use std::io::{self, Read, Write};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::input::{Input, Source};

/// Unpacks a frame. What is passed over is not copied out of the decoder's window.
pub(crate) struct Decoder<'a, 'i> {
    frame: FrameDecoder,
    input: &'a mut Input<'i>,
}

impl<'a, 'i> Decoder<'a, 'i> {
    pub(crate) fn new(input: &'a mut Input<'i>) -> io::Result<Self> {
        let mut frame = FrameDecoder::new();
        frame.init(&mut *input).map_err(io::Error::other)?;
        Ok(Self { frame, input })
    }

    /// Unpacks until something can be had, or the frame ends.
    fn advance(&mut self) -> io::Result<()> {
        while self.frame.can_collect() == 0 && !self.frame.is_finished() {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            let is_last = self.frame.decode_blocks(&mut *self.input, one);
            is_last.map_err(io::Error::other)?;
        }
        Ok(())
    }
}

impl Read for Decoder<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.advance()?;
        self.frame.read(into)
    }
}

impl Source for Decoder<'_, '_> {
    fn pass_over(&mut self, count: u64) -> io::Result<u64> {
        self.advance()?;
        let mut rest = Rest(count);
        let passed = self.frame.collect_to_writer(&mut rest)?;
        Ok(passed as u64)
    }
}

/// Takes so many bytes, and does nothing with them.
struct Rest(u64);

impl Write for Rest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = usize::try_from(self.0).map_or(bytes.len(), |rest| rest.min(bytes.len()));
        self.0 -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
