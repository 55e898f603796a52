//! Runs the DHCPv4 client over sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nvmeroot_plan::MacAddress;

use super::client::{Client, Output, V4Config};
use super::lease::Lease4;
use crate::dhcp::Link;
use crate::dhcp::error::{DhcpError, Event};
use crate::dhcp::frame::{self, parse_arp, parse_udp};
use crate::dhcp::random::Random;
use crate::dhcp::socket::{
    LinkSocket, Wake, bind_to_link, close_aside, dhcp_filter, failed, is_link_down, moment,
    no_carrier, wait,
};

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
    let dhcp = LinkSocket::open(link.index, frame::IPV4, &dhcp_filter())
        .map_err(failed(link, "open a packet socket for DHCP"))?;
    let arp = LinkSocket::open(link.index, frame::ARP, &[])
        .map_err(failed(link, "open a packet socket for ARP"))?;
    let start = Instant::now();
    let mut client = Client::new(config.clone(), Random::from_system());
    let mut down = false;
    let mut buffer = vec![0; 4096];
    loop {
        client.on_time(start.elapsed());
        for output in client.outputs() {
            let sent = match output {
                // Nothing is bound yet, so nothing is sent from an address.
                Output::Broadcast(message) | Output::Unicast(_, message) => {
                    dhcp.send(&frame::dhcp_broadcast(link.mac, &message))
                }
                Output::Probe(address) => arp.send(&frame::arp_request(
                    link.mac,
                    Ipv4Addr::UNSPECIFIED,
                    address,
                )),
            };
            down = note_sent(sent, link, report)?;
        }
        client.events().for_each(&mut *report);
        if let Some(lease) = client.lease() {
            close_aside(vec![dhcp, arp]);
            return Ok(lease.clone());
        }
        // Asked here, not when a wait ends in silence: on a noisy link none
        // might.
        if Instant::now() >= deadline {
            if down || no_carrier(&link.name) {
                return Err(DhcpError::LinkDown {
                    link: link.name.clone(),
                });
            }
            let (tries, waited) = (client.tries(), start.elapsed());
            return Err(client
                .failure()
                .into_error(link.name.clone(), tries, waited));
        }
        let until = moment(start, client.next_time()).min(deadline);
        match wait(&[dhcp.as_fd(), arp.as_fd()], stop, until).map_err(failed(link, "poll"))? {
            Wake::Stop => return Err(DhcpError::Stopped),
            Wake::Time | Wake::Ready => {}
        }
        // ARP first: an answer to the probe that is here with the ACK counts.
        while let Some(bytes) = received(arp.receive(&mut buffer), link, &mut down)? {
            if let Ok(Some(packet)) = parse_arp(bytes) {
                client.on_arp(&packet);
            }
        }
        while let Some(bytes) = received(dhcp.receive(&mut buffer), link, &mut down)? {
            // The filter lets nothing else through but damaged packets; on a
            // shared network they aren't worth a word.
            if let Ok(Some((_, payload))) = parse_udp(bytes) {
                client.on_packet(start.elapsed(), payload);
            }
        }
    }
}

/// A link that is down says so once per socket and comes back by itself.
fn received<'a>(
    result: io::Result<Option<&'a [u8]>>,
    link: &Link,
    down: &mut bool,
) -> Result<Option<&'a [u8]>, DhcpError> {
    match result {
        Ok(bytes) => Ok(bytes),
        Err(error) if is_link_down(&error) => {
            *down = true;
            Ok(None)
        }
        Err(error) => Err(failed(link, "receive")(error)),
    }
}

/// Whether the link is down.
fn note_sent(
    sent: io::Result<()>,
    link: &Link,
    report: &mut dyn FnMut(Event),
) -> Result<bool, DhcpError> {
    match sent {
        Ok(()) => Ok(false),
        Err(error) if is_link_down(&error) || error.kind() == io::ErrorKind::WouldBlock => {
            report(Event::NotSent {
                error: error.to_string(),
            });
            Ok(true)
        }
        Err(error) => Err(failed(link, "send")(error)),
    }
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
    match keep(config, lease, acquired, stop, report) {
        Ok(()) => DhcpError::Expired {
            link: link.name.clone(),
        },
        Err(error) => error,
    }
}

fn keep(
    config: &V4Config,
    lease: &Lease4,
    acquired: Instant,
    stop: BorrowedFd<'_>,
    report: &mut dyn FnMut(Event),
) -> Result<(), DhcpError> {
    let link = &config.link;
    let mut client = Client::bound(config.clone(), Random::from_system(), lease.clone());
    let mut socket: Option<UdpSocket> = None;
    let mut down = false;
    let mut buffer = vec![0; 4096];
    loop {
        client.on_time(acquired.elapsed());
        for output in client.outputs() {
            let (to, message) = match output {
                Output::Broadcast(message) => (Ipv4Addr::BROADCAST, message),
                Output::Unicast(server, message) => (server, message),
                Output::Probe(_) => continue,
            };
            // Opened when it is needed: the running system's client wants
            // the port too.
            if socket.is_none() {
                socket = Some(open_udp(link).map_err(failed(link, "open the client's port"))?);
            }
            if let Some(socket) = &socket {
                let sent = socket.send_to(&message, SocketAddrV4::new(to, SERVER_PORT));
                note_sent(sent.map(|_| ()), link, report)?;
            }
        }
        for event in client.events() {
            if matches!(event, Event::Renewed4(_)) {
                socket = None;
            }
            report(event);
        }
        if client.expired() {
            return Ok(());
        }
        let fds: Vec<BorrowedFd<'_>> = socket.iter().map(AsFd::as_fd).collect();
        let until = moment(acquired, client.next_time());
        if wait(&fds, stop, until).map_err(failed(link, "poll"))? == Wake::Stop {
            return Err(DhcpError::Stopped);
        }
        while let Some(socket) = &socket {
            let result = match socket.recv(&mut buffer) {
                Ok(length) => Ok(buffer.get(..length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            };
            let Some(bytes) = received(result, link, &mut down)? else {
                break;
            };
            client.on_packet(acquired.elapsed(), bytes);
        }
    }
}

fn open_udp(link: &Link) -> io::Result<UdpSocket> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)?;
    // Several links' clients share the port.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_broadcast(&socket, true)?;
    let socket = UdpSocket::from(socket);
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
/// [`DhcpError::Conflict`]: another host has the address.
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
    let until = Instant::now() + watch;
    let mut buffer = [0; 128];
    let mut down = false;
    loop {
        if Instant::now() >= until {
            return send();
        }
        if wait(&[socket.as_fd()], stop, until).map_err(failed(link, "poll"))? == Wake::Stop {
            return Err(DhcpError::Stopped);
        }
        while let Some(bytes) = received(socket.receive(&mut buffer), link, &mut down)? {
            if let Some(mac) = claimant(bytes, address, link.mac) {
                return Err(DhcpError::Conflict {
                    link: link.name.clone(),
                    address,
                    mac,
                });
            }
        }
    }
}

fn claimant(frame: &[u8], address: Ipv4Addr, ours: MacAddress) -> Option<MacAddress> {
    parse_arp(frame)
        .ok()
        .flatten()
        .filter(|arp| arp.claims(address, ours))
        .map(|arp| arp.sender_mac)
}
