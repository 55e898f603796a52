//! TCP connections to portals.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nvmeroot_plan::InterfaceName;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};

use crate::sys::socket::bind_to_link;

/// Opens a connection: from this address, over this link, where they are
/// given. The socket does not block.
///
/// # Errors
/// As the kernel answers; `ETIMEDOUT` after `patience`.
pub fn open(
    to: SocketAddr,
    from: Option<IpAddr>,
    link: Option<&InterfaceName>,
    patience: Duration,
) -> Result<OwnedFd, Errno> {
    let family = if to.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket: OwnedFd = socket_with(family, SocketType::STREAM, flags, None)?;
    // First: in a VRF, an address is this host's own only there.
    if let Some(link) = link {
        bind_to_link(&socket, link).map_err(|e| errno(&e))?;
    }
    if let Some(from) = from {
        bind(&socket, &SocketAddr::new(from, 0))?;
    }
    match connect(&socket, &to) {
        Ok(()) => return Ok(socket),
        Err(Errno::INPROGRESS) => {}
        Err(e) => return Err(e),
    }
    let until = Instant::now() + patience;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        let mut ready = [PollFd::new(&socket, PollFlags::OUT)];
        match poll(&mut ready, Some(&timeout)) {
            Ok(0) => return Err(Errno::TIMEDOUT),
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(e) => return Err(e),
        }
    }
    sockopt::socket_error(&socket)??;
    Ok(socket)
}

/// The kernel's number of an error; an end where none was expected is the
/// other side's.
pub(super) fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::CONNRESET)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn a_listener_answers_and_a_closed_port_refuses() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("its address");
        let lo = "lo".parse().expect("a name");
        for (from, link) in [(None, None), (Some(at.ip()), None), (None, Some(&lo))] {
            let opened = open(at, from, link, PATIENCE);
            assert!(opened.is_ok(), "{from:?} {link:?}: {opened:?}");
        }
        let none = "none-such".parse().expect("a name");
        let refused = open(at, None, Some(&none), PATIENCE);
        assert_eq!(refused.err(), Some(Errno::NODEV));
        drop(listener);
        let refused = open(at, None, None, PATIENCE);
        assert_eq!(refused.err(), Some(Errno::CONNREFUSED));
    }
}
