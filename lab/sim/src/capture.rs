//! What crossed a segment, as a pcap file in simulated time.
//!
//! The format is classic pcap with nanoseconds and Ethernet frames
//! (draft-ietf-opsawg-pcap, sections 4 and 5): tcpdump and Wireshark read it. The
//! seconds are those since the simulation began.
//!
//! The size is bounded. Of each frame the head is kept, as many bytes as
//! [`Limits::snap`] says. Of the frames the first and the last ones are kept; what lies
//! between is left out and [counted](Capture::left_out). A boot that fails shows its
//! reason mostly at its beginning or at its end.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

/// Nanosecond timestamps.
const MAGIC: u32 = 0xa1b2_3c4d;
/// `LINKTYPE_ETHERNET`.
const ETHERNET: u32 = 1;
/// Of a record: seconds, nanoseconds, two lengths.
const RECORD: usize = 16;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of each frame.
    pub snap: usize,
    /// Bytes of the file for the first frames.
    pub head: usize,
    /// Bytes of the file for the last frames.
    pub tail: usize,
}

impl Default for Limits {
    /// At most 8 MiB, with 256 bytes of each frame: all headers, and the commands and
    /// answers of most protocols.
    fn default() -> Self {
        Limits {
            snap: 256,
            head: 4 << 20,
            tail: 4 << 20,
        }
    }
}

/// The frames of a segment, kept in memory till they are written.
#[derive(Debug, Clone)]
pub struct Capture {
    limits: Limits,
    head: Vec<u8>,
    /// No frame fits into the head any more.
    full: bool,
    tail: VecDeque<Vec<u8>>,
    tail_bytes: usize,
    left_out: u64,
}

impl Capture {
    /// An empty one.
    pub fn new(limits: Limits) -> Capture {
        Capture {
            limits,
            head: Vec::new(),
            full: false,
            tail: VecDeque::new(),
            tail_bytes: 0,
            left_out: 0,
        }
    }

    /// Notes a frame. Frames come in the order in which they shall stand in the file.
    pub fn record(&mut self, at: Duration, frame: &[u8]) {
        let kept = frame.len().min(self.limits.snap);
        let mut record = Vec::with_capacity(RECORD + kept);
        // 32 bits of seconds last for 136 years.
        record.extend(number(at.as_secs().try_into()));
        record.extend(at.subsec_nanos().to_le_bytes());
        record.extend(number(kept.try_into()));
        record.extend(number(frame.len().try_into()));
        record.extend(&frame[..kept]);
        if !self.full && self.head.len() + record.len() <= self.limits.head {
            self.head.extend(record);
            return;
        }
        self.full = true;
        self.tail_bytes += record.len();
        self.tail.push_back(record);
        while self.tail_bytes > self.limits.tail {
            let Some(oldest) = self.tail.pop_front() else {
                break;
            };
            self.tail_bytes -= oldest.len();
            self.left_out += 1;
        }
    }

    /// Frames between the first and the last ones that are not kept.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let mut header = Vec::new();
        header.extend(MAGIC.to_le_bytes());
        // Version 2.4.
        header.extend(2u16.to_le_bytes());
        header.extend(4u16.to_le_bytes());
        header.extend([0; 8]);
        header.extend(number(self.limits.snap.try_into()));
        header.extend(ETHERNET.to_le_bytes());
        out.write_all(&header)?;
        out.write_all(&self.head)?;
        for record in &self.tail {
            out.write_all(record)?;
        }
        Ok(())
    }
}

/// A number too large is the largest one.
fn number<E>(number: Result<u32, E>) -> [u8; 4] {
    number.unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(capture: &Capture) -> Vec<u8> {
        let mut out = Vec::new();
        capture.write_to(&mut out).unwrap();
        out
    }

    /// Each record's first byte of data, and its two lengths.
    fn records(mut file: &[u8]) -> Vec<(u8, usize, usize)> {
        let word = |bytes: &[u8], at: usize| {
            u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
        };
        file = &file[24..];
        let mut records = Vec::new();
        while !file.is_empty() {
            let (kept, len) = (word(file, 8), word(file, 12));
            records.push((file[RECORD], kept, len));
            file = &file[RECORD + kept..];
        }
        records
    }

    #[test]
    fn the_file_is_what_the_draft_says() {
        let mut capture = Capture::new(Limits {
            snap: 4,
            ..Limits::default()
        });
        capture.record(Duration::new(41, 140_000_050), &[0xaa; 6]);
        let expected = [
            0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0,
            0, //
            41, 0, 0, 0, 0x32, 0x3b, 0x58, 0x08, 4, 0, 0, 0, 6, 0, 0, 0, 0xaa, 0xaa, 0xaa, 0xaa,
        ];
        assert_eq!(bytes(&capture), expected);
    }

    #[test]
    fn the_first_and_the_last_frames_are_kept() {
        let mut capture = Capture::new(Limits {
            snap: 100,
            head: 2 * (RECORD + 10),
            tail: 3 * (RECORD + 10) + 5,
        });
        for number in 0..10 {
            capture.record(Duration::ZERO, &[number; 10]);
        }
        let kept: Vec<u8> = records(&bytes(&capture))
            .iter()
            .map(|(first, ..)| *first)
            .collect();
        assert_eq!(kept, [0, 1, 7, 8, 9]);
        assert_eq!(capture.left_out(), 5);
    }

    #[test]
    fn no_small_frame_slips_into_the_head_behind_a_large_one() {
        let mut capture = Capture::new(Limits {
            snap: 100,
            head: RECORD + 10,
            tail: 1000,
        });
        capture.record(Duration::ZERO, &[1; 50]);
        capture.record(Duration::ZERO, &[2; 5]);
        assert_eq!(records(&bytes(&capture)), [(1, 50, 50), (2, 5, 5)]);
        assert_eq!(capture.left_out(), 0);
    }

    #[test]
    fn of_a_long_frame_the_head_is_kept_and_its_length() {
        let mut capture = Capture::new(Limits::default());
        capture.record(Duration::ZERO, &[7; 1500]);
        assert_eq!(records(&bytes(&capture)), [(7, 256, 1500)]);
    }
}
