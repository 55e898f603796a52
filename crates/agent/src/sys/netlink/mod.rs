//! The kernel's network by rtnetlink(7): requests that are answered at once,
//! and a watch that tells when to look again.

mod address;
mod announced;
mod create;
mod ethtool;
mod filter;
mod inet6;
mod link;
mod member;
mod route;
mod rule;
pub mod sysctl;
#[cfg(test)]
mod testing;
mod watch;
mod wire;

pub use address::{Address, NewAddress};
pub use announced::Announced;
pub use create::kind_of;
pub use ethtool::Ethtool;
pub use inet6::LinkAddresses;
pub use link::{Link, LinkChange};
pub use route::{NewRoute, RouteDecision, protocol};
pub use watch::watch;
pub use wire::Message;

use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

use wire::{Request, flag, kind};

use nvmeroot_record::{Failure, FailureKind};

/// Larger than any message: the kernel fits dumps to what it is offered, up
/// to 32 kB (netlink(7), `NLMSG_GOODSIZE`).
const BUFFER: usize = 64 * 1024;

/// Why the kernel did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct NetlinkError {
    /// What was asked for.
    pub what: String,
    /// The kernel's answer.
    pub source: io::Error,
}

/// The error of what was to be done.
pub(crate) fn failed(what: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> NetlinkError {
    move |source| NetlinkError {
        what: what(),
        source,
    }
}

impl NetlinkError {
    /// The kernel's errno, where there is one.
    pub fn errno(&self) -> Option<rustix::io::Errno> {
        self.source
            .raw_os_error()
            .map(rustix::io::Errno::from_raw_os_error)
    }

    /// The same as a failure of the network layer.
    pub fn failure(&self) -> Failure {
        Failure::new(FailureKind::Network, self.to_string())
    }
}

impl From<NetlinkError> for Failure {
    fn from(error: NetlinkError) -> Self {
        error.failure()
    }
}

/// A socket for requests. Each thread has its own.
#[derive(Debug)]
pub struct Netlink {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netlink {
    /// Opens a socket.
    ///
    /// # Errors
    /// When the kernel has no rtnetlink, or memory is short.
    pub fn open() -> Result<Self, NetlinkError> {
        Self::open_protocol(NETLINK_ROUTE)
    }

    fn open_protocol(protocol: isize) -> Result<Self, NetlinkError> {
        let open = || {
            let mut socket = Socket::new(protocol)?;
            socket.bind_auto()?;
            socket.connect(&SocketAddr::new(0, 0))?;
            Ok(socket)
        };
        let socket = open().map_err(failed(|| "can't open a netlink socket".to_owned()))?;
        // Strict checking makes the kernel honour the filters of a dump.
        let _ = socket.set_netlink_get_strict_chk(true);
        Ok(Self {
            socket,
            sequence: 0,
            buffer: Vec::with_capacity(BUFFER),
        })
    }

    /// Asks for a change and waits for the acknowledgement.
    fn change(
        &mut self,
        request: Request,
        flags: u16,
        what: impl FnOnce() -> String,
    ) -> Result<(), NetlinkError> {
        self.exchange(request, flag::ACK | flags, |_| {})
            .map_err(failed(what))
    }

    /// Asks for one thing.
    fn get(&mut self, request: Request, take: impl FnMut(Message<'_>)) -> io::Result<()> {
        self.exchange(request, flag::ACK, take)
    }

    /// Asks for all of a kind.
    fn dump(&mut self, request: Request, take: impl FnMut(Message<'_>)) -> io::Result<()> {
        self.exchange(request, flag::DUMP, take)
    }

    fn exchange(
        &mut self,
        request: Request,
        flags: u16,
        mut take: impl FnMut(Message<'_>),
    ) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = request.finish(flag::REQUEST | flags, self.sequence);
        self.socket.send(&bytes, 0)?;
        loop {
            self.buffer.clear();
            match self.socket.recv(&mut self.buffer, 0) {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            if let Some(result) = read_answer(&self.buffer, self.sequence, &mut take) {
                return result;
            }
        }
    }
}

/// Reads the messages of one datagram; `Some` when the answer is complete.
fn read_answer(
    mut datagram: &[u8],
    sequence: u32,
    take: &mut impl FnMut(Message<'_>),
) -> Option<io::Result<()>> {
    while let Some((message, rest)) = Message::split(datagram) {
        datagram = rest;
        if message.sequence != sequence {
            continue;
        }
        match message.kind {
            // A negative errno, or 0 for an acknowledgement.
            kind::ERROR => {
                let code = wire::u32_at(message.body, 0)?.cast_signed();
                return Some(match code {
                    0 => Ok(()),
                    code => Err(io::Error::from_raw_os_error(code.wrapping_neg())),
                });
            }
            kind::DONE => return Some(Ok(())),
            _ => take(message),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_end_with_their_errno() {
        let answer = |code: i32| Request::new(kind::ERROR, &code.to_ne_bytes()).finish(0, 5);
        let read = |datagram: &[u8]| read_answer(datagram, 5, &mut |_| {});
        assert!(matches!(read(&answer(0)), Some(Ok(()))));
        let refused = read(&answer(-17))
            .expect("an answer")
            .expect_err("an errno");
        assert_eq!(refused.raw_os_error(), Some(17));
        // Somebody else's answer.
        assert!(read_answer(&answer(-17), 6, &mut |_| {}).is_none());
    }

    proptest! {
        #[test]
        fn any_datagram_is_read(datagram in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_answer(&datagram, 1, &mut |_| {});
        }
    }
}
