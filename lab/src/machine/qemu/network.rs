//! Ethernet segments between machines: a pair of UDP sockets on the loopback
//! interface, connected to each other and handed to QEMU.
//!
//! The lab keeps the sockets open, so a machine can be restarted without its
//! peer noticing more than silence, and no port has to be guessed. Sockets of
//! the unix domain stall under QEMU's `dgram`, and `stream` ends with its peer.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use crate::error::{Context, Result};

/// Bytes that wait for a machine. With the kernel's default a machine that does
/// not get a processor for a moment loses frames, and TCP then pauses for up to
/// half a minute.
const BUFFER: usize = 16 << 20;

/// A cable with two ends.
#[derive(Debug)]
pub(super) struct Cable {
    host: UdpSocket,
    target: UdpSocket,
}

/// One end of a [`Cable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Host,
    Target,
}

impl Cable {
    pub(super) fn new() -> Result<Self> {
        let connect = || -> std::io::Result<Cable> {
            let host = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            let target = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            host.connect(target.local_addr()?)?;
            target.connect(host.local_addr()?)?;
            for end in [&host, &target] {
                rustix::net::sockopt::set_socket_recv_buffer_size_force(end, BUFFER)?;
            }
            Ok(Cable { host, target })
        };
        connect().context("connect", std::path::Path::new("127.0.0.1"))
    }

    pub(super) fn fd(&self, end: End) -> RawFd {
        self.socket(end).as_raw_fd()
    }

    /// Lets the next program that is started inherit this end, or not.
    pub(super) fn inherit(&self, end: End, inherit: bool) -> Result<()> {
        let flags = if inherit {
            rustix::io::FdFlags::empty()
        } else {
            rustix::io::FdFlags::CLOEXEC
        };
        rustix::io::fcntl_setfd(self.socket(end), flags)
            .map_err(std::io::Error::from)
            .context("share", std::path::Path::new("127.0.0.1"))
    }

    fn socket(&self, end: End) -> &UdpSocket {
        match end {
            End::Host => &self.host,
            End::Target => &self.target,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_cross_the_cable() {
        let cable = Cable::new().unwrap();
        cable.host.send(b"ping").unwrap();
        let mut buffer = [0; 8];
        assert_eq!(cable.target.recv(&mut buffer).unwrap(), 4);
        assert_eq!(&buffer[..4], b"ping");
    }
}
