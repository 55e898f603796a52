//! The kernel's network by rtnetlink(7): requests that are answered at once,
//! and a watch that tells when to look again.

mod address;
mod link;
mod route;
mod rule;
pub mod sysctl;
mod watch;

pub use address::{Address, NewAddress};
pub use link::{Link, LinkChange};
pub use route::{NewRoute, Way};
pub use rule::NewRule;
pub use watch::watch;

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

use crate::fault::{Fault, Layer};

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

impl NetlinkError {
    /// The kernel's errno, where there is one.
    pub fn errno(&self) -> Option<rustix::io::Errno> {
        self.source
            .raw_os_error()
            .map(rustix::io::Errno::from_raw_os_error)
    }

    /// The same as a failure of the network layer.
    pub fn fault(&self) -> Fault {
        Fault::new(Layer::Network, self.to_string())
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
        let open = || {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            socket.connect(&SocketAddr::new(0, 0))?;
            Ok(socket)
        };
        let socket = open().map_err(|source| NetlinkError {
            what: "can't open a netlink socket".to_owned(),
            source,
        })?;
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
        message: RouteNetlinkMessage,
        flags: u16,
        what: impl FnOnce() -> String,
    ) -> Result<(), NetlinkError> {
        self.exchange(message, NLM_F_ACK | flags, |_| {})
            .map_err(|source| NetlinkError {
                what: what(),
                source,
            })
    }

    /// Asks for one thing.
    fn get(
        &mut self,
        message: RouteNetlinkMessage,
        take: impl FnMut(RouteNetlinkMessage),
    ) -> io::Result<()> {
        self.exchange(message, NLM_F_ACK, take)
    }

    /// Asks for all of a kind.
    fn dump(
        &mut self,
        message: RouteNetlinkMessage,
        take: impl FnMut(RouteNetlinkMessage),
    ) -> io::Result<()> {
        self.exchange(message, NLM_F_DUMP, take)
    }

    fn exchange(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        mut take: impl FnMut(RouteNetlinkMessage),
    ) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
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

/// Reads the messages of one datagram; `Some` when the answer is complete. A
/// message that can't be read is passed over: kernels grow new ones.
fn read_answer(
    mut datagram: &[u8],
    sequence: u32,
    take: &mut impl FnMut(RouteNetlinkMessage),
) -> Option<io::Result<()>> {
    while let Some((one, rest)) = split_message(datagram) {
        datagram = rest;
        let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(one) else {
            continue;
        };
        if message.header.sequence_number != sequence {
            continue;
        }
        match message.payload {
            NetlinkPayload::InnerMessage(inner) => take(inner),
            NetlinkPayload::Error(error) if error.code.is_some() => {
                return Some(Err(error.to_io()));
            }
            NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => return Some(Ok(())),
            _ => {}
        }
    }
    None
}

/// The first message of a datagram, and the rest; `None` at its end or where
/// a length makes no sense.
fn split_message(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = datagram.get(..4)?;
    let length = u32::from_ne_bytes(length.try_into().ok()?) as usize;
    if length < 16 {
        return None;
    }
    let one = datagram.get(..length)?;
    let aligned = length.checked_add(3)? & !3;
    Some((one, datagram.get(aligned..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_datagram_ends(datagram in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_answer(&datagram, 1, &mut |_| {});
        }

        #[test]
        fn messages_are_split_where_their_length_says(
            lengths in proptest::collection::vec(16_usize..60, 0..6)
        ) {
            let mut datagram = Vec::new();
            for length in &lengths {
                datagram.extend(u32::try_from(*length).expect("small").to_ne_bytes());
                datagram.resize(datagram.len() + (length + 3) / 4 * 4 - 4, 0);
            }
            let mut found = Vec::new();
            let mut rest = datagram.as_slice();
            while let Some((one, next)) = split_message(rest) {
                found.push(one.len());
                rest = next;
            }
            prop_assert_eq!(found, lengths);
        }
    }
}
