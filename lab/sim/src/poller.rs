//! Which descriptor has something for us: epoll.
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};

/// What a descriptor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A machine connects to its clock.
    ClockListener,
    /// It says something to its clock.
    Clock,
    /// Its kernel connects to a device.
    DeviceListener(usize),
    /// It says something to a device.
    Device(usize),
    /// It kicks a device's ring.
    Kick(usize, usize),
    /// It has written to its console.
    Output,
    /// Its process has ended.
    Process,
}

impl Source {
    fn code(self) -> u64 {
        let (kind, device, ring) = match self {
            Self::ClockListener => (0, 0, 0),
            Self::Clock => (1, 0, 0),
            Self::DeviceListener(device) => (2, device, 0),
            Self::Device(device) => (3, device, 0),
            Self::Kick(device, ring) => (4, device, ring),
            Self::Output => (5, 0, 0),
            Self::Process => (6, 0, 0),
        };
        kind << 24 | (device as u64) << 8 | ring as u64
    }

    fn of(code: u64) -> Self {
        let (device, ring) = ((code >> 8 & 0xffff) as usize, (code & 0xff) as usize);
        match code >> 24 & 0xff {
            0 => Self::ClockListener,
            1 => Self::Clock,
            2 => Self::DeviceListener(device),
            3 => Self::Device(device),
            4 => Self::Kick(device, ring),
            5 => Self::Output,
            _ => Self::Process,
        }
    }
}

/// Descriptors that are watched. One that is closed is no longer.
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        })
    }

    pub(crate) fn watch(&self, fd: impl AsFd, machine: usize, source: Source) -> io::Result<()> {
        let data = epoll::EventData::new_u64((machine as u64) << 32 | source.code());
        Ok(epoll::add(&self.epoll, fd, data, epoll::EventFlags::IN)?)
    }

    pub(crate) fn forget(&self, fd: impl AsFd) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// What is ready, in no certain order; empty when the time is over.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<Vec<(usize, Source)>> {
        let timeout = timeout.map(|t| Timespec {
            tv_sec: i64::try_from(t.as_secs().min(1 << 20)).unwrap_or(1 << 20),
            tv_nsec: i64::from(t.subsec_nanos()),
        });
        let mut events = Vec::with_capacity(64);
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut events),
            timeout.as_ref(),
        ) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
            Err(e) => return Err(e.into()),
        }
        let source = |event: &epoll::Event| {
            let data = { event.data }.u64();
            ((data >> 32) as usize, Source::of(data & 0xffff_ffff))
        };
        Ok(events.iter().map(source).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_again() {
        for source in [
            Source::ClockListener,
            Source::Clock,
            Source::DeviceListener(300),
            Source::Device(7),
            Source::Kick(255, 1),
            Source::Output,
            Source::Process,
        ] {
            assert_eq!(Source::of(source.code()), source);
        }
    }
}
