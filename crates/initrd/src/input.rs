//! A reader with its own buffer: it looks ahead, counts, and stops at a limit.

use std::io::{self, BufRead, Read};

const BUFFER: usize = 128 << 10;

/// What an [`Input`] reads from.
pub(crate) trait Source: Read {
    /// Passes over some of as many bytes, where that costs less than to read them; gives how
    /// many. 0 says nothing: they are to be read.
    fn pass_over(&mut self, _count: u64) -> io::Result<u64> {
        Ok(0)
    }
}

/// A source that has to be read.
pub(crate) struct Plain<R>(pub(crate) R);

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl<R: Read> Source for Plain<R> {}

/// A counted, bounded, buffered reader.
pub(crate) struct Input<'a> {
    inner: &'a mut dyn Source,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes consumed.
    at: u64,
    /// Bytes that may still be read from `inner`.
    left: u64,
    is_over: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn new(inner: &'a mut dyn Source, limit: u64) -> Self {
        Self {
            inner,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            at: 0,
            left: limit,
            is_over: false,
        }
    }

    /// Bytes consumed so far.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Bytes that may still come.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// It ended because of its limit.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next bytes: `wanted` of them, at most 4 KiB, fewer at the end.
    pub(crate) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.end - self.start < wanted {
            if self.buffer.len() - self.start < wanted {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.refill()? == 0 {
                break;
            }
        }
        let end = self.end.min(self.start + wanted);
        Ok(&self.buffer[self.start..end])
    }

    /// Passes over zeros.
    pub(crate) fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.fill_buf()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let is_all = zeros == bytes.len();
            if zeros == 0 {
                return Ok(());
            }
            self.consume(zeros);
            if !is_all {
                return Ok(());
            }
        }
    }

    /// Passes over as many bytes; gives how many were not there.
    pub(crate) fn skip(&mut self, mut count: u64) -> io::Result<u64> {
        while count > 0 {
            if self.start == self.end {
                let passed = self.inner.pass_over(count.min(self.left))?;
                self.left -= passed;
                self.at += passed;
                count -= passed;
                if passed > 0 {
                    continue;
                }
            }
            let there = self.fill_buf()?.len();
            if there == 0 {
                break;
            }
            let now = usize::try_from(count).map_or(there, |count| count.min(there));
            self.consume(now);
            count -= now as u64;
        }
        Ok(count)
    }

    fn refill(&mut self) -> io::Result<usize> {
        let room = self.buffer.len() - self.end;
        let room = usize::try_from(self.left).map_or(room, |left| left.min(room));
        if room == 0 {
            // One byte more tells an end from a limit.
            let mut one = [0];
            self.is_over |= self.left == 0 && self.inner.read(&mut one)? > 0;
            return Ok(0);
        }
        let target = &mut self.buffer[self.end..self.end + room];
        let count = loop {
            match self.inner.read(target) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += count;
        self.left -= count as u64;
        Ok(count)
    }
}

impl Read for Input<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.refill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.at += count as u64;
    }
}
