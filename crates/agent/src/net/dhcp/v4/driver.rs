//! Runs the DHCPv4 client over sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::client::{Client, Output, V4Config};
use super::lease::Lease4;
use crate::net::dhcp::Link;
use crate::net::dhcp::error::{DhcpError, Event, Failure};
use crate::net::dhcp::frame::{self, Arp, parse_arp, parse_udp};
use crate::net::dhcp::random::Random;
use crate::net::dhcp::runner::{Runner, Sending, Transport, arrived};
use crate::net::dhcp::socket::{LinkSocket, close_aside, dhcp_filter, failed, open_udp};
use crate::sys::socket::{Wake, bind_to_link, wait};

const CLIENT_PORT: u16 = 68;
const SERVER_PORT: u16 = 67;

/// Asks for a lease until there is one, `deadline` comes, or `stop` is
/// readable. The link is up; nothing is configured on it here.
///
/// `report` gets what happens. Two raw sockets are open meanwhile (IPv4 and
/// ARP); `CAP_NET_RAW` is needed.
///
/// # Errors
/// [`DhcpError`] says what stood in the way when the deadline came. A socket
/// that can't be opened, or a link that vanishes, is an error at once.
pub fn run_v4(
    config: &V4Config,
    deadline: Instant,
    stop: BorrowedFd<'_>,
    report: &mut dyn FnMut(Event),
) -> Result<Lease4, DhcpError> {
    let link = &config.link;
    let wire = Frames {
        link,
        dhcp: LinkSocket::open(link.index, frame::IPV4, &dhcp_filter())
            .map_err(failed(link, "open a packet socket for DHCP"))?,
        arp: LinkSocket::open(link.index, frame::ARP, &[])
            .map_err(failed(link, "open a packet socket for ARP"))?,
        buffer: vec![0; 4096],
    };
    let drive = Runner {
        link,
        client: Client::new(config.clone(), Random::from_system()),
        wire,
        start: Instant::now(),
        stop,
        report,
    };
    let (lease, wire) = drive.acquire(deadline)?;
    close_aside(vec![wire.dhcp, wire.arp]);
    Ok(lease)
}

/// Renews `lease`, whose address is configured on the link, until it ends or
/// `stop` is readable; never returns otherwise. `acquired` is when
/// [`run_v4`] returned it. Each renewal is an [`Event::Renewed4`]: lifetimes
/// of the address on the link are to be set anew then.
pub fn keep_v4(
    config: &V4Config,
    lease: &Lease4,
    acquired: Instant,
    stop: BorrowedFd<'_>,
    report: &mut dyn FnMut(Event),
) -> DhcpError {
    let link = &config.link;
    let drive = Runner {
        link,
        client: Client::bound(config.clone(), Random::from_system(), lease.clone()),
        wire: Udp {
            link,
            socket: None,
            buffer: vec![0; 4096],
        },
        start: acquired,
        stop,
        report,
    };
    drive.keep()
}

/// Whole frames: there is no address yet to send from.
struct Frames<'a> {
    link: &'a Link,
    dhcp: LinkSocket,
    arp: LinkSocket,
    buffer: Vec<u8>,
}

impl Transport for Frames<'_> {
    type Client = Client;

    fn send(&mut self, output: Output) -> Result<Sending, DhcpError> {
        let mac = self.link.mac;
        let sent = match output {
            // Nothing is bound yet, so nothing is sent from an address.
            Output::Broadcast(message) | Output::Unicast(_, message) => {
                self.dhcp.send(&frame::dhcp_broadcast(mac, &message))
            }
            Output::Probe(address) => {
                let probe = frame::arp_request(mac, Ipv4Addr::UNSPECIFIED, address);
                self.arp.send(&probe)
            }
        };
        Sending::of(sent, self.link)
    }

    fn sockets(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.dhcp.as_fd(), self.arp.as_fd()]
    }

    fn receive(
        &mut self,
        client: &mut Client,
        since: impl Fn() -> Duration,
    ) -> Result<(), DhcpError> {
        // ARP first: an answer to the probe that is here with the ACK counts.
        while let Some(bytes) = arrived(self.arp.receive(&mut self.buffer), self.link)? {
            if let Ok(Some(packet)) = parse_arp(bytes) {
                client.on_arp(&packet);
            }
        }
        while let Some(bytes) = arrived(self.dhcp.receive(&mut self.buffer), self.link)? {
            // The filter lets nothing else through but damaged packets; on a
            // shared network they aren't worth a word.
            if let Ok(Some((_, payload))) = parse_udp(bytes) {
                client.on_packet(since(), payload);
            }
        }
        Ok(())
    }
}

/// An ordinary socket, from the leased address. It is opened when it is
/// needed: the running system's client wants the port too.
struct Udp<'a> {
    link: &'a Link,
    socket: Option<UdpSocket>,
    buffer: Vec<u8>,
}

impl Transport for Udp<'_> {
    type Client = Client;

    fn send(&mut self, output: Output) -> Result<Sending, DhcpError> {
        let (to, message) = match output {
            Output::Broadcast(message) => (Ipv4Addr::BROADCAST, message),
            Output::Unicast(server, message) => (server, message),
            Output::Probe(_) => return Ok(Sending::Done),
        };
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => open(self.link).map_err(failed(self.link, "open the client's port"))?,
        };
        let sent = socket.send_to(&message, SocketAddrV4::new(to, SERVER_PORT));
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
            let Some(length) = arrived(socket.recv(&mut self.buffer), self.link)? else {
                break;
            };
            client.on_packet(since(), self.buffer.get(..length).unwrap_or_default());
        }
        Ok(())
    }

    fn rest(&mut self) {
        self.socket = None;
    }
}

fn open(link: &Link) -> io::Result<UdpSocket> {
    use rustix::net::{AddressFamily, bind, sockopt};
    let socket = open_udp(AddressFamily::INET)?;
    sockopt::set_socket_broadcast(&socket, true)?;
    bind_to_link(&socket, &link.name)?;
    bind(
        &socket,
        &SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT),
    )?;
    Ok(socket)
}

/// Announces `address`, which is configured on the link now, to everybody
/// (RFC 5227, section 2.3), so that who remembers another card for it learns
/// ours. Then asks who else has it, takes answers for `watch`, and announces
/// it once more; with a zero `watch` it only announces. To be run beside
/// whatever else boots.
///
/// # Errors
/// [`Failure::Conflict`]: another host has the address.
/// [`DhcpError::Stopped`], or a socket error.
pub fn announce(
    link: &Link,
    address: Ipv4Addr,
    watch: Duration,
    stop: BorrowedFd<'_>,
) -> Result<(), DhcpError> {
    let socket = LinkSocket::open(link.index, frame::ARP, &[])
        .map_err(failed(link, "open a packet socket for ARP"))?;
    let announcement = frame::arp_request(link.mac, address, address);
    let send = || socket.send(&announcement).map_err(failed(link, "send"));
    send()?;
    if watch.is_zero() {
        return Ok(());
    }
    // Many hosts, Linux among them, answer a probe but no announcement.
    let probe = frame::arp_request(link.mac, Ipv4Addr::UNSPECIFIED, address);
    socket.send(&probe).map_err(failed(link, "send"))?;
    let is = |arp: &Arp| arp.claims(address, link.mac);
    match heard(&socket, link, watch, stop, is)? {
        None => send(),
        Some(arp) => Err(DhcpError::Failed {
            link: link.name.clone(),
            why: Failure::Conflict {
                address,
                mac: arp.sender_mac,
            },
            tries: 1,
            waited: watch,
        }),
    }
}

/// The first ARP packet that is such a one; `None` where none comes in time.
pub(super) fn heard(
    socket: &LinkSocket,
    link: &Link,
    time: Duration,
    stop: BorrowedFd<'_>,
    is: impl Fn(&Arp) -> bool,
) -> Result<Option<Arp>, DhcpError> {
    let until = Instant::now() + time;
    let mut buffer = [0; 128];
    while Instant::now() < until {
        if wait(&[socket.as_fd()], stop, until).map_err(failed(link, "poll"))? == Wake::Stop {
            return Err(DhcpError::Stopped);
        }
        while let Some(bytes) = arrived(socket.receive(&mut buffer), link)? {
            if let Some(arp) = parse_arp(bytes).ok().flatten().filter(&is) {
                return Ok(Some(arp));
            }
        }
    }
    Ok(None)
}
