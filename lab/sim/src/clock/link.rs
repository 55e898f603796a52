//! The clock's messages with a machine's kernel: `include/uapi/linux/um_timetravel.h`.
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{RecvFlags, recv};

use super::Time;

const SIZE: usize = 16;

/// `enum um_timetravel_ops`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Ack,
    Start,
    Request,
    Wait,
    Get,
    Update,
    Run,
    FreeUntil,
    GetTimeOfDay,
    Broadcast,
}

const OPS: [Op; 10] = [
    Op::Ack,
    Op::Start,
    Op::Request,
    Op::Wait,
    Op::Get,
    Op::Update,
    Op::Run,
    Op::FreeUntil,
    Op::GetTimeOfDay,
    Op::Broadcast,
];

/// `struct um_timetravel_msg`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) op: Op,
    pub(crate) seq: u32,
    pub(crate) time: Time,
}

impl Message {
    fn parse(bytes: &[u8; SIZE]) -> Option<Self> {
        let (op, rest) = bytes.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (time, _) = rest.split_first_chunk()?;
        let op = *OPS.get(u32::from_ne_bytes(*op) as usize)?;
        Some(Self {
            op,
            seq: u32::from_ne_bytes(*seq),
            time: u64::from_ne_bytes(*time),
        })
    }

    fn bytes(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..4].copy_from_slice(&(self.op as u32).to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.seq.to_ne_bytes());
        bytes[8..].copy_from_slice(&self.time.to_ne_bytes());
        bytes
    }
}

/// A machine's connection to the clock.
#[derive(Debug)]
pub(crate) struct Link {
    socket: UnixStream,
}

impl Link {
    pub(crate) fn new(socket: UnixStream, patience: Duration) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        Ok(Self { socket })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The next message; None: there is none yet.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Message>> {
        let mut bytes = [0; SIZE];
        let got = match recv(&self.socket, &mut bytes, RecvFlags::DONTWAIT) {
            Err(e) if e == rustix::io::Errno::AGAIN || e == rustix::io::Errno::INTR => {
                return Ok(None);
            }
            Ok((_, 0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok((_, got)) => got,
            Err(e) => return Err(e.into()),
        };
        self.socket.read_exact(&mut bytes[got..])?;
        let known = Message::parse(&bytes);
        known
            .map(Some)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unknown clock message"))
    }

    pub(crate) fn acknowledge(&mut self, seq: u32, time: Time) -> io::Result<()> {
        self.tell(&[Message {
            op: Op::Ack,
            seq,
            time,
        }])
    }

    pub(crate) fn tell(&mut self, messages: &[Message]) -> io::Result<()> {
        let bytes: Vec<u8> = messages.iter().flat_map(|m| m.bytes()).collect();
        self.socket.write_all(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_was_said() {
        let message = Message {
            op: Op::GetTimeOfDay,
            seq: 7,
            time: u64::MAX,
        };
        assert_eq!(Message::parse(&message.bytes()), Some(message));
        let mut bytes = message.bytes();
        bytes[..4].copy_from_slice(&10u32.to_ne_bytes());
        assert_eq!(Message::parse(&bytes), None);
    }
}
