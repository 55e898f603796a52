//! Runs the DHCPv6 client over a UDP socket on the link-local address.

use std::fs;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use netlink_sys::{Socket, SocketAddr as NetlinkAddress, protocols::NETLINK_ROUTE};

use super::client::{Client, V6Config};
use super::lease::Lease6;
use crate::net::dhcp::Link;
use crate::net::dhcp::error::{DhcpError, Event};
use crate::net::dhcp::random::Random;
use crate::net::dhcp::runner::{Runner, Sending, Transport, arrived};
use crate::net::dhcp::socket::{failed, open_udp};
use crate::sys::socket::{Wake, wait};

const CLIENT_PORT: u16 = 546;
const SERVER_PORT: u16 = 547;
/// All DHCP relay agents and servers on the link (RFC 8415, section 7.1).
const SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// `RTMGRP_IPV6_IFADDR` (`linux/rtnetlink.h`).
const ADDRESS_CHANGES: u32 = 0x100;
/// How long a renewal waits for a link-local address that has gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks for a lease until there is one, `deadline` comes, or `stop` is
/// readable. The link is up; first its link-local address is waited for
/// until duplicate address detection is through. Nothing is configured here.
///
/// # Errors
/// [`DhcpError`] says what stood in the way when the deadline came:
/// [`DhcpError::NoLinkLocal`] where it never got to ask. A link-local address
/// that another host has, or a socket that can't be opened, is an error at
/// once.
pub fn run_v6(
    config: &V6Config,
    deadline: Instant,
    stop: BorrowedFd<'_>,
    report: &mut dyn FnMut(Event),
) -> Result<Lease6, DhcpError> {
    let link = &config.link;
    let from = wait_for_link_local(link, deadline, stop)?;
    let drive = Runner {
        link,
        client: Client::new(config.clone(), Random::from_system()),
        wire: Udp {
            link,
            stop,
            socket: Some(open(link, from)?),
            buffer: vec![0; 4096],
        },
        start: Instant::now(),
        stop,
        report,
    };
    let (lease, _) = drive.acquire(deadline)?;
    Ok(lease)
}

/// Renews `lease`, whose addresses are configured on the link, until it ends
/// or `stop` is readable; never returns otherwise. `acquired` is when
/// [`run_v6`] returned it. Each renewal is an [`Event::Renewed6`]: lifetimes
/// of the addresses on the link are to be set anew then.
pub fn keep_v6(
    config: &V6Config,
    lease: &Lease6,
    acquired: Instant,
    stop: BorrowedFd<'_>,
    report: &mut dyn FnMut(Event),
) -> DhcpError {
    let client = Client::bound(config.clone(), Random::from_system(), lease.clone());
    drive_kept(config, client, acquired, stop, report)
}

/// Drives a client that has a lease until it has none.
fn drive_kept(
    config: &V6Config,
    client: Client,
    start: Instant,
    stop: BorrowedFd<'_>,
    report: &mut dyn FnMut(Event),
) -> DhcpError {
    let link = &config.link;
    let drive = Runner {
        link,
        client,
        wire: Udp {
            link,
            stop,
            socket: None,
            buffer: vec![0; 4096],
        },
        start,
        stop,
        report,
    };
    drive.keep()
}

/// Gives `lease` back, for another host has one of its addresses; tries for a
/// few seconds, until the server has heard it.
///
/// # Errors
/// [`DhcpError::Stopped`], or a socket error.
pub fn decline_v6(
    config: &V6Config,
    lease: &Lease6,
    stop: BorrowedFd<'_>,
    report: &mut dyn FnMut(Event),
) -> Result<(), DhcpError> {
    let client = Client::declining(config.clone(), Random::from_system(), lease.clone());
    match drive_kept(config, client, Instant::now(), stop, report) {
        DhcpError::Expired { .. } => Ok(()),
        error => Err(error),
    }
}

/// A socket on the link-local address. For a renewal it is opened when it is
/// needed: the running system's client wants the port too.
struct Udp<'a> {
    link: &'a Link,
    stop: BorrowedFd<'a>,
    socket: Option<UdpSocket>,
    buffer: Vec<u8>,
}

impl Transport for Udp<'_> {
    type Client = Client;

    fn send(&mut self, message: Vec<u8>) -> Result<Sending, DhcpError> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => match wait_for_link_local(self.link, Instant::now() + PATIENCE, self.stop) {
                Ok(from) => open(self.link, from)?,
                Err(DhcpError::Stopped) => return Err(DhcpError::Stopped),
                // It may come back before the lease ends.
                Err(error) => {
                    return Ok(Sending::Not {
                        down: false,
                        error: error.to_string(),
                    });
                }
            },
        };
        let to = SocketAddrV6::new(SERVERS, SERVER_PORT, 0, self.link.index);
        let sent = socket.send_to(&message, to);
        self.socket = Some(socket);
        Sending::of(sent, self.link)
    }

    fn sockets(&self) -> Vec<BorrowedFd<'_>> {
        self.socket.iter().map(AsFd::as_fd).collect()
    }

    fn receive(
        &mut self,
        client: &mut Client,
        since: impl Fn() -> Duration,
    ) -> Result<(), DhcpError> {
        while let Some(socket) = &self.socket {
            match arrived(socket.recv_from(&mut self.buffer), self.link)? {
                Some((length, SocketAddr::V6(from))) => {
                    let bytes = self.buffer.get(..length).unwrap_or_default();
                    client.on_packet(since(), *from.ip(), bytes);
                }
                Some((_, SocketAddr::V4(_))) => {}
                None => break,
            }
        }
        Ok(())
    }

    fn rest(&mut self) {
        self.socket = None;
    }
}

fn open(link: &Link, from: Ipv6Addr) -> Result<UdpSocket, DhcpError> {
    use rustix::net::{AddressFamily, bind};
    let opened = || -> io::Result<UdpSocket> {
        let socket = open_udp(AddressFamily::INET6)?;
        // A link-local address with its scope binds to the link as well.
        bind(
            &socket,
            &SocketAddrV6::new(from, CLIENT_PORT, 0, link.index),
        )?;
        Ok(socket)
    };
    opened().map_err(failed(link, "open the DHCPv6 client's port"))
}

/// What is known of a link's link-local address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkLocal {
    Missing,
    Tentative,
    Duplicate(Ipv6Addr),
    Ready(Ipv6Addr),
}

/// Waits for a link-local address that duplicate address detection is
/// through with. The kernel says when addresses change; what they are stands
/// in `/proc/net/if_inet6`.
fn wait_for_link_local(
    link: &Link,
    deadline: Instant,
    stop: BorrowedFd<'_>,
) -> Result<Ipv6Addr, DhcpError> {
    let start = Instant::now();
    let changes = subscribe().map_err(failed(link, "open a netlink socket"))?;
    loop {
        // Of this thread, which may be in another network namespace.
        let table = fs::read_to_string("/proc/thread-self/net/if_inet6");
        // Without IPv6 in the kernel there is no such file.
        match find_link_local(&table.unwrap_or_default(), link.index) {
            LinkLocal::Ready(address) => return Ok(address),
            LinkLocal::Duplicate(address) => {
                return Err(DhcpError::DuplicateLinkLocal {
                    link: link.name.clone(),
                    address,
                });
            }
            LinkLocal::Missing | LinkLocal::Tentative => {}
        }
        match wait(&[changes.as_fd()], stop, deadline).map_err(failed(link, "poll"))? {
            Wake::Stop => return Err(DhcpError::Stopped),
            Wake::Time => {
                return Err(DhcpError::NoLinkLocal {
                    link: link.name.clone(),
                    waited: start.elapsed(),
                });
            }
            // An overrun (ENOBUFS) is drained like a message: the table is
            // read again in any case.
            Wake::Ready => while drained(&changes) {},
        }
    }
}

fn subscribe() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind(&NetlinkAddress::new(0, ADDRESS_CHANGES))?;
    socket.set_non_blocking(true)?;
    Ok(socket)
}

fn drained(socket: &Socket) -> bool {
    let mut buffer = vec![0_u8; 4096];
    match socket.recv(&mut buffer.as_mut_slice(), 0) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

/// Reads `/proc/net/if_inet6` (kernel, `net/ipv6/addrconf.c`): address,
/// index, prefix length, scope, flags, all in hexadecimal, and the name.
fn find_link_local(table: &str, index: u32) -> LinkLocal {
    const LINK_SCOPE: u32 = 0x20;
    const DAD_FAILED: u32 = 0x08;
    const OPTIMISTIC: u32 = 0x04;
    const TENTATIVE: u32 = 0x40;
    let mut found = LinkLocal::Missing;
    for line in table.lines() {
        let mut fields = line.split_ascii_whitespace();
        let address = fields.next().and_then(|f| u128::from_str_radix(f, 16).ok());
        let mut number = || fields.next().and_then(|f| u32::from_str_radix(f, 16).ok());
        let (Some(address), Some(at), Some(_prefix), Some(scope), Some(flags)) =
            (address, number(), number(), number(), number())
        else {
            continue;
        };
        if at != index || scope != LINK_SCOPE {
            continue;
        }
        let address = Ipv6Addr::from(address);
        if flags & DAD_FAILED != 0 {
            found = LinkLocal::Duplicate(address);
        } else if flags & TENTATIVE == 0 || flags & OPTIMISTIC != 0 {
            return LinkLocal::Ready(address);
        } else if found == LinkLocal::Missing {
            found = LinkLocal::Tentative;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_states() {
        let line = |flags: &str| {
            format!(
                "00000000000000000000000000000001 01 80 10 80       lo\n\
                 fd000000000000000000000000000001 03 40 00 80     eth1\n\
                 fe80000000000000000000fffe000007 03 40 20 {flags}     eth1\n"
            )
        };
        let address: Ipv6Addr = "fe80::ff:fe00:7".parse().unwrap();
        for (flags, state) in [
            ("80", LinkLocal::Ready(address)),
            ("c0", LinkLocal::Tentative),
            ("c4", LinkLocal::Ready(address)),
            ("c8", LinkLocal::Duplicate(address)),
        ] {
            assert_eq!(find_link_local(&line(flags), 3), state, "flags {flags}");
        }
        assert_eq!(find_link_local(&line("80"), 2), LinkLocal::Missing);
        assert_eq!(find_link_local("garbage\nfe80 zz", 3), LinkLocal::Missing);
    }
}
