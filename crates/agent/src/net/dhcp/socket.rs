//! The clients' sockets: raw Ethernet on one link, and UDP.
//!
//! The unsafe code is here because no safe crate gives `sockaddr_ll`.

#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nvmeroot_plan::InterfaceName;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with, sockopt};

use super::{DhcpError, Link};
use crate::sys::socket::attach_filter;

/// A raw packet socket on one link (`packet(7)`): whole Ethernet frames.
#[derive(Debug)]
pub(super) struct LinkSocket(OwnedFd);

impl LinkSocket {
    /// Opens it for frames of one EtherType; `filter` picks among them.
    pub(super) fn open(
        index: u32,
        ethertype: u16,
        filter: &[libc::sock_filter],
    ) -> io::Result<Self> {
        let flags = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // Protocol 0: nothing is received, from any link, until it is bound.
        // SAFETY: socket(2) takes integers only.
        let fd = unsafe { libc::socket(libc::AF_PACKET, flags, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was opened just now and is owned by nobody else.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        attach_filter(&socket.0, filter)?;
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: ethertype.to_be(),
            sll_ifindex: i32::try_from(index)
                .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: `address` is a sockaddr_ll that outlives the call, and the
        // length is its size.
        let result = unsafe {
            libc::bind(
                socket.0.as_raw_fd(),
                (&raw const address).cast(),
                size_of_val(&address) as libc::socklen_t,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(socket)
    }

    /// Sends a frame.
    pub(super) fn send(&self, frame: &[u8]) -> io::Result<()> {
        rustix::io::write(&self.0, frame)?;
        Ok(())
    }

    /// A frame that has arrived; `WouldBlock` where none has.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let length = rustix::io::read(&self.0, &mut *buffer)?;
        Ok(buffer.get(..length).unwrap_or_default())
    }
}

impl AsFd for LinkSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Closes packet sockets without waiting for it: the kernel waits out an RCU
/// grace period for each (`packet_release`), 10 to 30 ms in which the lease
/// could already be used.
pub(super) fn close_aside(sockets: Vec<LinkSocket>) {
    // Without a thread they are closed here, which is merely slower.
    let _ = std::thread::Builder::new()
        .name("close".into())
        .stack_size(64 * 1024)
        .spawn(move || drop(sockets));
}

/// Opens a UDP socket for a port that several links' clients share.
pub(super) fn open_udp(family: AddressFamily) -> io::Result<UdpSocket> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    Ok(UdpSocket::from(socket))
}

/// Passes IPv4 UDP to port 68, unfragmented. Without it every frame of a busy
/// link would wake us.
pub(super) fn dhcp_filter() -> [libc::sock_filter; 9] {
    use libc::{
        BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX,
        BPF_MSH, BPF_RET,
    };
    let op = |code: u32, jt, jf, k| libc::sock_filter {
        // Opcodes have 16 bits.
        code: code as u16,
        jt,
        jf,
        k,
    };
    [
        op(BPF_LD | BPF_B | BPF_ABS, 0, 0, 23),
        op(BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 17),
        op(BPF_LD | BPF_H | BPF_ABS, 0, 0, 20),
        op(BPF_JMP | BPF_JSET | BPF_K, 3, 0, 0x3fff),
        op(BPF_LDX | BPF_B | BPF_MSH, 0, 0, 14),
        op(BPF_LD | BPF_H | BPF_IND, 0, 0, 16),
        op(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 68),
        op(BPF_RET | BPF_K, 0, 0, 0),
        op(BPF_RET | BPF_K, 0, 0, 0xffff),
    ]
}

/// Makes an I/O error the client's.
pub(super) fn failed(link: &Link, what: &'static str) -> impl FnOnce(io::Error) -> DhcpError {
    let link = link.name.clone();
    move |source| DhcpError::Io { link, what, source }
}

/// The moment `after` the start; a century from now stands for never.
pub(super) fn moment(start: Instant, after: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
    start + after.min(CENTURY)
}

/// The link has no carrier, as far as sysfs knows it.
pub(super) fn no_carrier(link: &InterfaceName) -> bool {
    // Reading it fails while the link is down.
    match fs::read_to_string(format!("/sys/class/net/{link}/carrier")) {
        Ok(text) => text.trim() == "0",
        Err(error) => error.raw_os_error() == Some(libc::EINVAL),
    }
}

/// An error that a link going down causes, and its coming up ends.
pub(super) fn is_link_down(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENETDOWN | libc::ENETUNREACH | libc::EHOSTUNREACH | libc::ENOBUFS)
    )
}
