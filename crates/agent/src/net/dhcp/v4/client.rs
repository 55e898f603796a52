//! The DHCPv4 client as a state machine (RFC 2131, section 4.4).
//!
//! The transaction id stays the same for the whole run: an answer that is
//! slower than our next try still counts.

use std::net::Ipv4Addr;
use std::time::Duration;

use nvmeroot_plan::MacAddress;

use super::lease::Lease4;
use super::message::{Message, MessageType, Request, code};
use crate::net::dhcp::error::{Event, Failure};
use crate::net::dhcp::identity::ClientId;
use crate::net::dhcp::machine::{Machine, Timers};
use crate::net::dhcp::random::Random;
use crate::net::dhcp::{Arp, Link, ParseError};

/// REQUESTs to one server before the search starts again.
const REQUESTS: u32 = 4;
/// From this DISCOVER on, every second one asks for a broadcast answer: we
/// read unicast ones without having the address, but something between the
/// server and us may not deliver them.
const BROADCAST_FROM: u32 = 4;
/// After a DECLINE. RFC 2131 wants 10 s against a loop; the first time a
/// shorter pause does no harm.
const DECLINED_ONCE: Duration = Duration::from_secs(1);
const DECLINED_AGAIN: Duration = Duration::from_secs(10);

/// What a client needs to know.
#[derive(Clone, Debug)]
pub struct V4Config {
    /// The link.
    pub link: Link,
    /// Client identifier; `None`: identified by the MAC address.
    pub client_id: Option<ClientId>,
    /// The host name to send.
    pub host_name: Option<String>,
}

/// What the driver shall send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// This DHCP message, to everybody.
    Broadcast(Vec<u8>),
    /// This DHCP message, to the server, from the leased address.
    Unicast(Ipv4Addr, Vec<u8>),
    /// An ARP probe: who has this address?
    Probe(Ipv4Addr),
}

#[derive(Clone, Debug)]
enum State {
    Selecting,
    Requesting {
        offer: Box<Lease4>,
        tries: u32,
        taken_by: Option<MacAddress>,
    },
    /// Declined; waits before searching again.
    Pausing,
    Bound {
        lease: Box<Lease4>,
        since: Duration,
    },
    /// The lease ended.
    Expired,
}

/// A DHCPv4 client.
#[derive(Clone, Debug)]
pub struct Client {
    config: V4Config,
    xid: u32,
    state: State,
    discovers: u32,
    declined: bool,
    book: Timers<Output>,
}

impl Machine for Client {
    type Output = Output;
    type Lease = Lease4;

    fn book(&self) -> &Timers<Output> {
        &self.book
    }

    fn book_mut(&mut self) -> &mut Timers<Output> {
        &mut self.book
    }

    fn on_time(&mut self, now: Duration) {
        if !self.book.is_due(now) {
            return;
        }
        match &mut self.state {
            State::Requesting { tries, .. } if *tries < REQUESTS => {
                *tries += 1;
                self.request(now);
            }
            State::Selecting => self.discover(now),
            State::Requesting { .. } | State::Pausing => {
                self.state = State::Selecting;
                self.book.begin();
                self.discover(now);
            }
            State::Bound { .. } => self.renew(now),
            State::Expired => self.book.never_due(),
        }
    }

    fn lease(&self) -> Option<&Lease4> {
        match &self.state {
            State::Bound { lease, .. } => Some(lease),
            _ => None,
        }
    }

    fn expired(&self) -> bool {
        matches!(self.state, State::Expired)
    }
}

impl Client {
    /// A client that searches for a server; its first message goes out at
    /// time 0.
    pub fn new(config: V4Config, mut random: Random) -> Self {
        Self {
            // The upper half of a 64-bit number fits.
            xid: (random.bits() >> 32) as u32,
            config,
            state: State::Selecting,
            discovers: 0,
            declined: false,
            book: Timers::new(random),
        }
    }

    /// A client that keeps a lease which was acquired at time 0.
    pub fn bound(config: V4Config, random: Random, lease: Lease4) -> Self {
        let mut client = Self::new(config, random);
        client.bind(Duration::ZERO, lease);
        client.book.forget_events();
        client
    }

    /// A UDP payload arrived on the client's port.
    pub fn on_packet(&mut self, now: Duration, payload: &[u8]) {
        match Message::parse(payload) {
            Ok(message) => self.on_message(now, &message),
            Err(error) => {
                // What isn't for us is no news, however broken it is.
                let xid = payload.get(4..8) == Some(&self.xid.to_be_bytes());
                let mac = payload.get(28..34) == Some(&self.config.link.mac.octets());
                if xid && mac {
                    self.book.ignore(error);
                }
            }
        }
    }

    fn on_message(&mut self, now: Duration, message: &Message) {
        let ours = message.xid == self.xid && message.client_mac == self.config.link.mac;
        // RFC 6842: an answer to another client behind the same address.
        let other = match (
            message.options.bytes(code::CLIENT_ID),
            &self.config.client_id,
        ) {
            (Some(theirs), Some(ours)) => theirs != ours.as_bytes(),
            _ => false,
        };
        if !ours || other {
            return;
        }
        match (message.kind, &self.state) {
            (MessageType::Offer, State::Selecting) => self.on_offer(now, message),
            // RFC 4039: only with the option is it more than a stray.
            (MessageType::Ack, State::Selecting)
                if message.options.bytes(code::RAPID_COMMIT).is_some() =>
            {
                self.on_ack(now, message);
            }
            (MessageType::Ack, State::Requesting { .. } | State::Bound { .. }) => {
                self.on_ack(now, message);
            }
            (MessageType::Nak, State::Requesting { .. } | State::Bound { .. }) => {
                self.on_nak(now, message);
            }
            _ => {}
        }
    }

    /// An ARP packet arrived.
    pub fn on_arp(&mut self, arp: &Arp) {
        let mac = self.config.link.mac;
        if let State::Requesting {
            offer, taken_by, ..
        } = &mut self.state
            && arp.claims(offer.address.addr(), mac)
            && taken_by.is_none()
        {
            *taken_by = Some(arp.sender_mac);
            self.book.tell(Event::Conflict {
                address: offer.address.addr(),
                mac: arp.sender_mac,
            });
        }
    }

    fn read_lease(&mut self, message: &Message) -> Option<Lease4> {
        match Lease4::from_message(message) {
            Ok((lease, problems)) => {
                for error in problems {
                    self.book.ignore(error);
                }
                Some(lease)
            }
            Err(error) => {
                self.book.ignore(error);
                None
            }
        }
    }

    fn on_offer(&mut self, now: Duration, message: &Message) {
        // The first usable offer is taken: at boot a second opinion isn't
        // worth a wait.
        let Some(offer) = self.read_lease(message) else {
            return;
        };
        let (address, server) = (offer.address.addr(), offer.server);
        self.book.tell(Event::Offered {
            address: address.into(),
            server: server.into(),
        });
        self.book.failed(Failure::NotConfirmed {
            server: server.into(),
            address: address.into(),
        });
        self.state = State::Requesting {
            offer: Box::new(offer),
            tries: 1,
            taken_by: None,
        };
        self.book.begin();
        // Asked at the same time as the server, so that it costs no time. A
        // host that has the address and is on this link mostly answers first.
        self.book.put(Output::Probe(address));
        self.request(now);
    }

    fn on_ack(&mut self, now: Duration, message: &Message) {
        let Some(lease) = self.read_lease(message) else {
            return;
        };
        match &self.state {
            State::Requesting {
                taken_by, offer, ..
            } => {
                // RFC 2131, section 4.4.1: another server's ACK isn't for us.
                if lease.server != offer.server {
                    return;
                }
                if let Some(mac) = *taken_by {
                    return self.decline(now, &lease, mac);
                }
            }
            State::Bound { lease: old, .. } if old.address.addr() != lease.address.addr() => {
                return self.book.ignore(ParseError::Field {
                    what: "your address (another than the leased one)",
                    offset: 16,
                });
            }
            _ => {}
        }
        self.bind(now, lease);
    }

    fn bind(&mut self, now: Duration, lease: Lease4) {
        let renewed = self.lease().is_some();
        self.book.due_at(now.saturating_add(lease.renew));
        self.book.tell(if renewed {
            Event::Renewed4(Box::new(lease.clone()))
        } else {
            Event::Bound {
                address: lease.address.addr().into(),
            }
        });
        self.state = State::Bound {
            lease: Box::new(lease),
            since: now,
        };
    }

    fn on_nak(&mut self, now: Duration, message: &Message) {
        let server = message.options.address(code::SERVER_ID).ok().flatten();
        if let (State::Requesting { offer, .. }, Some(server)) = (&self.state, server)
            && offer.server != server
        {
            return;
        }
        let text = message.options.text(code::ERROR_TEXT).ok().flatten();
        let reason = format!(
            "`{}` sent a NAK: {}",
            server.map_or_else(|| "a server".to_owned(), |s| s.to_string()),
            text.filter(|t| !t.is_empty()).unwrap_or("without a reason")
        );
        self.book.tell(Event::Refused {
            reason: reason.clone(),
        });
        self.book.failed(Failure::Refused { reason });
        if self.lease().is_some() {
            self.state = State::Expired;
            self.book.never_due();
        } else {
            // A server that always says no isn't asked without a pause.
            self.state = State::Selecting;
            self.book.begin();
            let pause = self.book.pause_refused();
            self.book.due_at(now + pause);
        }
    }

    fn decline(&mut self, now: Duration, lease: &Lease4, mac: MacAddress) {
        let address = lease.address.addr();
        self.book.failed(Failure::Conflict { address, mac });
        let request = Request {
            requested: Some(address),
            server: Some(lease.server),
            ..self.blank(now, MessageType::Decline)
        };
        let message = Output::Broadcast(request.encode());
        self.book.send(MessageType::Decline.name(), message);
        let pause = if self.declined {
            DECLINED_AGAIN
        } else {
            DECLINED_ONCE
        };
        self.declined = true;
        self.state = State::Pausing;
        self.book.due_at(now + pause);
    }

    fn discover(&mut self, now: Duration) {
        self.discovers += 1;
        let request = Request {
            rapid_commit: true,
            broadcast: self.discovers >= BROADCAST_FROM && self.discovers.is_multiple_of(2),
            ..self.blank(now, MessageType::Discover)
        };
        let message = Output::Broadcast(request.encode());
        self.book.send(MessageType::Discover.name(), message);
        self.book.pause(now);
    }

    fn request(&mut self, now: Duration) {
        let State::Requesting { offer, .. } = &self.state else {
            return;
        };
        let request = Request {
            requested: Some(offer.address.addr()),
            server: Some(offer.server),
            ..self.blank(now, MessageType::Request)
        };
        let message = Output::Broadcast(request.encode());
        self.book.send(MessageType::Request.name(), message);
        self.book.pause(now);
    }

    fn renew(&mut self, now: Duration) {
        let State::Bound { lease, since } = &self.state else {
            return;
        };
        let (server, address) = (lease.server, lease.address.addr());
        let rebind = since.saturating_add(lease.rebind);
        let end = since.saturating_add(lease.lease_time);
        if now >= end {
            self.state = State::Expired;
            self.book.never_due();
            return;
        }
        let request = Request {
            address,
            ..self.blank(now, MessageType::Request)
        };
        let (output, until) = if now < rebind {
            (Output::Unicast(server, request.encode()), rebind)
        } else {
            (Output::Broadcast(request.encode()), end)
        };
        self.book.send(MessageType::Request.name(), output);
        self.book.pause_renewal(now, until);
    }

    fn blank(&self, now: Duration, kind: MessageType) -> Request<'_> {
        Request {
            kind,
            xid: self.xid,
            seconds: u16::try_from(now.as_secs()).unwrap_or(u16::MAX),
            broadcast: false,
            address: Ipv4Addr::UNSPECIFIED,
            mac: self.config.link.mac,
            client_id: self.config.client_id.as_ref(),
            requested: None,
            server: None,
            host_name: self.config.host_name.as_deref(),
            rapid_commit: false,
        }
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
