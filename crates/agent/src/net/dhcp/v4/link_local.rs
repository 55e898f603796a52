//! An IPv4 link-local address (RFC 3927): chosen by the link itself, asked for
//! by ARP before it is taken.

use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nvmeroot_plan::MacAddress;

use super::driver::heard;
use crate::net::dhcp::Link;
use crate::net::dhcp::error::DhcpError;
use crate::net::dhcp::frame::{self, Arp};
use crate::net::dhcp::random::Random;
use crate::net::dhcp::socket::{LinkSocket, failed};
use crate::sys::socket::{Wake, wait};

/// Section 9, but for the random waits before and between probes: nobody
/// powers up as many machines on one link-local network as on a routed one.
const PROBES: u32 = 3;
const BETWEEN_PROBES: Duration = Duration::from_secs(1);
const AFTER_PROBES: Duration = Duration::from_secs(2);
const CONFLICTS: u32 = 10;
const AFTER_CONFLICTS: Duration = Duration::from_secs(60);

/// Finds an address that nobody on the link has. The link is up and has
/// carrier. The same card comes to the same address at each boot, as long as
/// that is free.
///
/// # Errors
/// [`DhcpError::Stopped`], or a socket error.
pub fn find_link_local(link: &Link, stop: BorrowedFd<'_>) -> Result<Ipv4Addr, DhcpError> {
    let socket = LinkSocket::open(link.index, frame::ARP, &[])
        .map_err(failed(link, "open a packet socket for ARP"))?;
    let mut random = Random::seeded(seed(link.mac));
    let mut conflicts = 0;
    loop {
        let address = candidate(&mut random);
        if is_free(&socket, link, address, stop)? {
            return Ok(address);
        }
        conflicts += 1;
        if conflicts >= CONFLICTS {
            let until = Instant::now() + AFTER_CONFLICTS;
            if wait(&[], stop, until).map_err(failed(link, "poll"))? == Wake::Stop {
                return Err(DhcpError::Stopped);
            }
        }
    }
}

fn seed(mac: MacAddress) -> u64 {
    let octets = mac.octets();
    octets.iter().fold(0, |seed, o| seed << 8 | u64::from(*o))
}

/// From 169.254.1.0 to 169.254.254.255 (section 2.1).
fn candidate(random: &mut Random) -> Ipv4Addr {
    let number = random.bits() % (254 * 256);
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(169, 254, high + 1, low)
}

/// Asks who has the address, and waits for answers, or for somebody else's
/// question (section 2.2.1).
fn is_free(
    socket: &LinkSocket,
    link: &Link,
    address: Ipv4Addr,
    stop: BorrowedFd<'_>,
) -> Result<bool, DhcpError> {
    let probe = frame::arp_request(link.mac, Ipv4Addr::UNSPECIFIED, address);
    for number in 1..=PROBES {
        socket.send(&probe).map_err(failed(link, "send"))?;
        let pause = if number == PROBES {
            AFTER_PROBES
        } else {
            BETWEEN_PROBES
        };
        let is = |arp: &Arp| is_wanted(arp, address, link.mac);
        if heard(socket, link, pause, stop, is)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Another card has the address, or is about to take it.
fn is_wanted(arp: &Arp, address: Ipv4Addr, ours: MacAddress) -> bool {
    let asks = arp.sender.is_unspecified() && arp.target == address && arp.sender_mac != ours;
    asks || arp.claims(address, ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_the_card_s_own_and_within_the_range() {
        let mac = |last| MacAddress::new([2, 0, 0, 0, 0, last]);
        let of = |last| -> Vec<Ipv4Addr> {
            let mut random = Random::seeded(seed(mac(last)));
            (0..1000).map(|_| candidate(&mut random)).collect()
        };
        assert_eq!(of(7), of(7));
        assert_ne!(of(7)[0], of(8)[0]);
        for address in of(7) {
            let [a, b, c, _] = address.octets();
            assert!((a, b) == (169, 254) && (1..=254).contains(&c), "{address}");
        }
    }

    #[test]
    fn another_s_question_counts_and_our_own_does_not() {
        let (ours, theirs) = (
            MacAddress::new([2, 0, 0, 0, 0, 7]),
            MacAddress::new([2, 0, 0, 0, 0, 8]),
        );
        let address = Ipv4Addr::new(169, 254, 7, 7);
        let arp = |sender_mac, sender, target| Arp {
            sender_mac,
            sender,
            target,
        };
        let none = Ipv4Addr::UNSPECIFIED;
        assert!(is_wanted(&arp(theirs, none, address), address, ours));
        assert!(is_wanted(&arp(theirs, address, none), address, ours));
        assert!(!is_wanted(&arp(ours, none, address), address, ours));
        let other = Ipv4Addr::new(169, 254, 7, 8);
        assert!(!is_wanted(&arp(theirs, other, address), address, ours));
    }
}
