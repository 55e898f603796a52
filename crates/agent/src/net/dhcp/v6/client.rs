//! The DHCPv6 client as a state machine (RFC 8415, section 18.2), for one
//! identity association of non-temporary addresses.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::lease::{Lease6, LeasedAddress};
use super::message::{IaNa, Message, MessageType, Request, Status, StatusCode};
use crate::net::dhcp::Link;
use crate::net::dhcp::bytes::seconds;
use crate::net::dhcp::error::{Event, Failure};
use crate::net::dhcp::identity::{Duid, Iaid};
use crate::net::dhcp::machine::{Machine, Timers};
use crate::net::dhcp::random::Random;

/// REQUESTs to one server before the search starts again.
const REQUESTS: u32 = 4;
/// DECLINEs of an address (DEC_MAX_RC).
const DECLINES: u32 = 4;
/// How long a better ADVERTISE is waited for. The RFC's second is most of
/// what a boot takes; servers on one link answer within this.
const BETTER: Duration = Duration::from_millis(50);

/// What a client needs to know.
#[derive(Clone, Debug)]
pub struct V6Config {
    /// The link.
    pub link: Link,
    /// Our DUID.
    pub duid: Duid,
    /// IAID of the link's addresses.
    pub iaid: Iaid,
}

#[derive(Clone, Debug)]
enum State {
    Soliciting {
        best: Option<(u8, Box<Lease6>)>,
        /// When the next SOLICIT is due; `next` may be earlier.
        again: Duration,
    },
    Requesting {
        offer: Box<Lease6>,
        tries: u32,
    },
    Bound {
        lease: Box<Lease6>,
        since: Duration,
        rebinding: bool,
    },
    /// The addresses are another host's; the server is told.
    Declining {
        lease: Box<Lease6>,
        tries: u32,
    },
    Expired,
}

/// A DHCPv6 client.
#[derive(Clone, Debug)]
pub struct Client {
    config: V6Config,
    transaction: [u8; 3],
    /// When the present exchange began.
    began: Duration,
    state: State,
    book: Timers<Vec<u8>>,
}

/// Its outputs go to all servers.
impl Machine for Client {
    type Output = Vec<u8>;
    type Lease = Lease6;

    fn book(&self) -> &Timers<Vec<u8>> {
        &self.book
    }

    fn book_mut(&mut self) -> &mut Timers<Vec<u8>> {
        &mut self.book
    }

    fn on_time(&mut self, now: Duration) {
        if !self.book.is_due(now) {
            return;
        }
        match &mut self.state {
            State::Soliciting { best, again } => {
                if let Some((_, offer)) = best.take() {
                    self.take(now, offer);
                } else {
                    debug_assert!(now >= *again);
                    self.solicit(now);
                }
            }
            State::Requesting { tries, .. } if *tries < REQUESTS => {
                *tries += 1;
                self.request(now);
            }
            State::Requesting { .. } => {
                self.search(now, Duration::ZERO);
                self.solicit(now);
            }
            State::Bound { .. } => self.renew(now),
            State::Declining { tries, .. } if *tries < DECLINES => {
                *tries += 1;
                self.decline(now);
            }
            State::Declining { .. } | State::Expired => self.expire(),
        }
    }

    fn lease(&self) -> Option<&Lease6> {
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
    pub fn new(config: V6Config, random: Random) -> Self {
        let mut client = Self {
            config,
            transaction: [0; 3],
            began: Duration::ZERO,
            state: State::Expired,
            book: Timers::new(random),
        };
        client.search(Duration::ZERO, Duration::ZERO);
        client
    }

    /// A client that keeps a lease which was acquired at time 0.
    pub fn bound(config: V6Config, random: Random, lease: Lease6) -> Self {
        let mut client = Self::new(config, random);
        client.bind(Duration::ZERO, lease);
        client.book.forget_events();
        client
    }

    /// A client that gives a lease back at time 0, for another host has one of
    /// its addresses (RFC 8415, section 18.2.8). It expires when the server has
    /// heard it, or was told often enough.
    pub fn declining(config: V6Config, random: Random, lease: Lease6) -> Self {
        let mut client = Self::new(config, random);
        client.state = State::Declining {
            lease: Box::new(lease),
            tries: 0,
        };
        client
    }

    /// A UDP payload arrived from `server`.
    pub fn on_packet(&mut self, now: Duration, server: Ipv6Addr, payload: &[u8]) {
        if payload.get(1..4) != Some(&self.transaction) {
            return;
        }
        match Message::parse(payload) {
            Ok(message) => self.on_message(now, server, message),
            Err(error) => self.book.ignore(error),
        }
    }

    fn on_message(&mut self, now: Duration, server: Ipv6Addr, message: Message) {
        // RFC 8415, sections 16.3 and 16.10.
        if message.client.as_deref() != Some(self.config.duid.as_bytes()) {
            return;
        }
        let Some(server_id) = message.server.clone() else {
            return;
        };
        if let State::Declining { lease, .. } = &self.state {
            if message.kind == MessageType::Reply && lease.server_id == server_id {
                self.expire();
            }
            return;
        }
        let expected = match (&self.state, message.kind) {
            (State::Soliciting { .. }, MessageType::Advertise) => true,
            (State::Soliciting { .. }, MessageType::Reply) => message.rapid_commit,
            (State::Requesting { offer, .. }, MessageType::Reply) => offer.server_id == server_id,
            (
                State::Bound {
                    lease, rebinding, ..
                },
                MessageType::Reply,
            ) => *rebinding || lease.server_id == server_id,
            _ => false,
        };
        if !expected {
            return;
        }
        for error in &message.problems {
            self.book.ignore(*error);
        }
        match self.read_lease(server, server_id, &message) {
            Ok(lease) if message.kind == MessageType::Reply => {
                self.book.accepted();
                self.bind(now, lease);
            }
            Ok(offer) => self.on_offer(now, message.preference, offer),
            Err(status) => self.on_refusal(now, server, message.kind, &status),
        }
    }

    /// The lease in a message, or the server's reason for giving none.
    fn read_lease(
        &self,
        server: Ipv6Addr,
        server_id: Vec<u8>,
        message: &Message,
    ) -> Result<Lease6, Status> {
        let refused = |status: &Option<Status>| match status {
            Some(status) if status.code != StatusCode::Success => Err(status.clone()),
            _ => Ok(()),
        };
        refused(&message.status)?;
        let ours = |ia: &&IaNa| ia.iaid == self.config.iaid;
        let Some(association) = message.associations.iter().find(ours) else {
            return Err(no_address("no answer to our IA_NA"));
        };
        refused(&association.status)?;
        let mut addresses = Vec::new();
        for address in &association.addresses {
            refused(&address.status)?;
            // RFC 8415, section 21.6: preferred beyond valid is to be
            // discarded; valid 0 takes the address back.
            if address.valid > 0 && address.preferred <= address.valid {
                addresses.push(LeasedAddress {
                    address: address.address,
                    preferred: seconds(address.preferred),
                    valid: seconds(address.valid),
                });
            }
        }
        // A deprecated address is no reason to ask without a pause.
        let times = addresses.iter().map(|a| match a.preferred {
            Duration::ZERO => a.valid,
            preferred => preferred,
        });
        let Some(shortest) = times.min() else {
            return Err(no_address("no address in our IA_NA"));
        };
        let (renew, rebind) = timers(association.t1, association.t2, shortest);
        Ok(Lease6 {
            addresses,
            server_id,
            server,
            renew,
            rebind,
            dns: message.dns.clone(),
            search: message.search.clone(),
        })
    }

    fn on_offer(&mut self, now: Duration, preference: u8, offer: Lease6) {
        let (server, address) = (offer.server.into(), offer.first());
        self.book.tell(Event::Offered { address, server });
        self.book.failed(Failure::NotConfirmed { server, address });
        let State::Soliciting { best, .. } = &mut self.state else {
            return;
        };
        // RFC 8415, section 18.2.9: 255 ends the search.
        if preference == u8::MAX {
            return self.take(now, Box::new(offer));
        }
        match best {
            None => {
                *best = Some((preference, Box::new(offer)));
                self.book.due_at(now + BETTER);
            }
            Some((highest, kept)) if preference > *highest => {
                *highest = preference;
                **kept = offer;
            }
            Some(_) => {}
        }
    }

    fn on_refusal(&mut self, now: Duration, server: Ipv6Addr, kind: MessageType, status: &Status) {
        let reason = format!("`{server}` says {status}");
        self.book.tell(Event::Refused {
            reason: reason.clone(),
        });
        let failure = if status.code == StatusCode::NoAddrsAvail {
            Failure::NoAddresses { reason }
        } else {
            Failure::Refused { reason }
        };
        match &self.state {
            // Another server may still offer; the next SOLICIT is due anyway.
            State::Soliciting { best: None, .. } => self.book.failed(failure),
            State::Requesting { .. } if kind == MessageType::Reply => {
                self.book.failed(failure);
                let pause = self.book.pause_refused();
                self.search(now, pause);
            }
            // Not renewed: asks again until the lease ends.
            _ => {}
        }
    }

    /// A new exchange: a new transaction id (RFC 8415, section 16.1).
    fn exchange(&mut self, now: Duration) {
        let [a, b, c, ..] = self.book.random().bits().to_be_bytes();
        self.transaction = [a, b, c];
        self.began = now;
        self.book.begin();
    }

    fn search(&mut self, now: Duration, pause: Duration) {
        self.exchange(now);
        self.book.due_at(now + pause);
        self.state = State::Soliciting {
            best: None,
            again: now + pause,
        };
    }

    fn take(&mut self, now: Duration, offer: Box<Lease6>) {
        self.exchange(now);
        self.state = State::Requesting { offer, tries: 1 };
        self.request(now);
    }

    fn bind(&mut self, now: Duration, lease: Lease6) {
        let renewed = self.lease().is_some();
        self.book.due_at(now.saturating_add(lease.renew));
        self.book.tell(if renewed {
            Event::Renewed6(Box::new(lease.clone()))
        } else {
            Event::Bound {
                address: lease.first(),
            }
        });
        self.state = State::Bound {
            lease: Box::new(lease),
            since: now,
            rebinding: false,
        };
    }

    fn solicit(&mut self, now: Duration) {
        self.send(now, MessageType::Solicit, None, &[]);
        self.book.pause(now);
        self.state = State::Soliciting {
            best: None,
            again: self.next_time(),
        };
    }

    fn request(&mut self, now: Duration) {
        let State::Requesting { offer, .. } = &self.state else {
            return;
        };
        let (server, addresses) = (offer.server_id.clone(), offer.list());
        self.send(now, MessageType::Request, Some(&server), &addresses);
        self.book.pause(now);
    }

    fn decline(&mut self, now: Duration) {
        let State::Declining { lease, .. } = &self.state else {
            return;
        };
        let (server, addresses) = (lease.server_id.clone(), lease.list());
        self.send(now, MessageType::Decline, Some(&server), &addresses);
        self.book.pause(now);
    }

    fn expire(&mut self) {
        self.state = State::Expired;
        self.book.never_due();
    }

    fn renew(&mut self, now: Duration) {
        let State::Bound {
            lease,
            since,
            rebinding,
        } = &mut self.state
        else {
            return;
        };
        let rebind = since.saturating_add(lease.rebind);
        let end = since.saturating_add(lease.end());
        if now >= end {
            return self.expire();
        }
        let addresses = lease.list();
        let begins = now == since.saturating_add(lease.renew) || (now >= rebind && !*rebinding);
        let (kind, server, until) = if now < rebind {
            (MessageType::Renew, Some(lease.server_id.clone()), rebind)
        } else {
            *rebinding = true;
            (MessageType::Rebind, None, end)
        };
        if begins {
            self.exchange(now);
        }
        self.send(now, kind, server.as_deref(), &addresses);
        self.book.pause_renewal(now, until);
    }

    fn send(
        &mut self,
        now: Duration,
        kind: MessageType,
        server: Option<&[u8]>,
        addresses: &[Ipv6Addr],
    ) {
        let elapsed = now.saturating_sub(self.began).as_millis() / 10;
        let request = Request {
            kind,
            transaction: self.transaction,
            client: &self.config.duid,
            server,
            iaid: self.config.iaid,
            addresses,
            elapsed: u16::try_from(elapsed).unwrap_or(u16::MAX),
            rapid_commit: kind == MessageType::Solicit,
        };
        self.book.send(kind.name(), request.encode());
    }
}

fn no_address(text: &str) -> Status {
    Status {
        code: StatusCode::NoAddrsAvail,
        text: text.to_owned(),
    }
}

/// T1 and T2: the server's where they are in order, else a half and 4/5 of
/// the shortest preferred lifetime (RFC 8415, section 21.4).
fn timers(t1: u32, t2: u32, shortest: Duration) -> (Duration, Duration) {
    if t1 != 0 && t1 <= t2 {
        return (seconds(t1), seconds(t2));
    }
    if shortest == Duration::MAX {
        return (shortest, shortest);
    }
    let second = Duration::from_secs(1);
    ((shortest / 2).max(second), (shortest * 4 / 5).max(second))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
