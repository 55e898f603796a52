//! What routers have announced: the kernel's routes to their networks, and by
//! themselves to everywhere.

use std::net::{IpAddr, Ipv6Addr};

use rustix::io::Errno;

use super::route::{DESTINATION, FIXED, GATEWAY, OUTGOING, PRIORITY, TABLE, protocol};
use super::wire::{Message, Request, family, ip, kind, u32_at};
use super::{Link, Netlink, NetlinkError, failed};

/// linux/rtnetlink.h, `RTA_CACHEINFO`.
const CACHE_INFO: u16 = 12;

/// `RTPROT_KERNEL`.
const KERNEL: u8 = 2;

/// `USER_HZ`: ticks of `struct rta_cacheinfo` in a second, on every
/// architecture of today.
const TICKS: u32 = 100;

/// A route that is there as long as routers say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The network that it leads to; `::/0` by a router.
    pub network: (Ipv6Addr, u8),
    /// The router; `None`: the network is on the link.
    pub router: Option<Ipv6Addr>,
    /// The table that holds its route.
    pub table: u32,
    /// The route's metric.
    pub metric: u32,
    /// Seconds until it goes.
    pub expires: u32,
    link: u32,
}

impl Netlink {
    /// What routers have announced on a link.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn announced(&mut self, link: &Link) -> Result<Vec<Announced>, NetlinkError> {
        let mut fixed = [0; FIXED];
        fixed[0] = family(true);
        let mut found = Vec::new();
        self.dump(Request::new(kind::GET_ROUTE, &fixed), |message| {
            found.extend(Announced::read(message).filter(|one| one.link == link.index));
        })
        .map_err(failed(|| {
            format!("can't list the routes of `{}`", link.name)
        }))?;
        Ok(found)
    }

    /// Takes such a route away; one that is gone already is no error.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn forget(&mut self, one: &Announced) -> Result<(), NetlinkError> {
        let (network, length) = one.network;
        let mut fixed = [0; FIXED];
        (fixed[0], fixed[1]) = (family(true), length);
        fixed[4] = u8::try_from(one.table).unwrap_or(0);
        fixed[5] = one.protocol();
        let mut request = Request::new(kind::DELETE_ROUTE, &fixed);
        request.put_u32(TABLE, one.table);
        match one.router {
            Some(router) => request.put_ip(GATEWAY, IpAddr::V6(router)),
            None => request.put_ip(DESTINATION, IpAddr::V6(network)),
        }
        request.put_u32(OUTGOING, one.link);
        request.put_u32(PRIORITY, one.metric);
        let removed = self.change(request, 0, || {
            format!("can't take the route to `{network}/{length}` away")
        });
        match removed {
            Err(e) if e.errno() == Some(Errno::SRCH) => Ok(()),
            other => other,
        }
    }
}

impl Announced {
    /// Who the kernel says has set it.
    fn protocol(&self) -> u8 {
        self.router.map_or(KERNEL, |_| protocol::RA)
    }

    /// The route that a message tells of; `None`: it tells of something else, or
    /// is cut off. An address's own network has no end.
    pub fn read(message: Message<'_>) -> Option<Self> {
        if message.kind != kind::NEW_ROUTE {
            return None;
        }
        let (mut network, mut router, mut link, mut metric) = (None, None, None, None);
        let length = *message.body.get(1)?;
        let mut table = u32::from(*message.body.get(4)?);
        let mut ticks = 0;
        for (attribute, value) in message.attributes(FIXED) {
            match attribute {
                DESTINATION => network = ip(value),
                GATEWAY => router = ip(value),
                OUTGOING => link = u32_at(value, 0),
                PRIORITY => metric = u32_at(value, 0),
                TABLE => table = u32_at(value, 0)?,
                CACHE_INFO => ticks = u32_at(value, 8)?,
                _ => {}
            }
        }
        let (network, router) = match (network, router) {
            (Some(IpAddr::V6(network)), None) => (network, None),
            (None, Some(IpAddr::V6(router))) if length == 0 => {
                (Ipv6Addr::UNSPECIFIED, Some(router))
            }
            _ => return None,
        };
        let expires = ticks.cast_signed().max(0).cast_unsigned() / TICKS;
        let one = Self {
            network: (network, length),
            router,
            table,
            metric: metric?,
            expires,
            link: link?,
        };
        (expires > 0 && message.body.get(5) == Some(&one.protocol())).then_some(one)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;
    use proptest::prelude::*;

    fn route(protocol: u8, router: bool, ticks: i32) -> Vec<u8> {
        let mut fixed = [0; FIXED];
        (fixed[0], fixed[4], fixed[5]) = (family(true), 254, protocol);
        fixed[1] = if router { 0 } else { 64 };
        let mut request = Request::new(kind::NEW_ROUTE, &fixed);
        if router {
            request.put_ip(GATEWAY, "fe80::1".parse::<IpAddr>().expect("an address"));
        } else {
            request.put_ip(DESTINATION, "fd09::".parse::<IpAddr>().expect("an address"));
        }
        request.put_u32(OUTGOING, 7);
        request.put_u32(PRIORITY, 256);
        let mut cache = [0; 32];
        cache[8..12].copy_from_slice(&ticks.to_ne_bytes());
        request.put(CACHE_INFO, &cache);
        request.finish(0, 1)
    }

    fn read(datagram: &[u8]) -> io::Result<Option<Announced>> {
        let (message, _) = Message::split(datagram).ok_or(ErrorKind::UnexpectedEof)?;
        Ok(Announced::read(message))
    }

    #[test]
    fn only_what_the_kernel_set_and_what_ends_is_announced() {
        let network = Announced {
            network: ("fd09::".parse().expect("an address"), 64),
            router: None,
            table: 254,
            metric: 256,
            expires: 1800,
            link: 7,
        };
        let everywhere = Announced {
            network: (Ipv6Addr::UNSPECIFIED, 0),
            router: Some("fe80::1".parse().expect("an address")),
            ..network
        };
        let of = |protocol, router, ticks| read(&route(protocol, router, ticks)).ok().flatten();
        assert_eq!(of(KERNEL, false, 180_000), Some(network));
        assert_eq!(of(KERNEL, false, 0), None);
        assert_eq!(of(KERNEL, false, -5), None);
        assert_eq!(of(protocol::RA, false, 180_000), None);
        assert_eq!(of(protocol::RA, true, 180_000), Some(everywhere));
        assert_eq!(of(protocol::RA, true, 0), None);
        assert_eq!(of(protocol::STATIC, true, 180_000), None);
    }

    proptest! {
        #[test]
        fn any_message_is_read(body in proptest::collection::vec(any::<u8>(), 0..120)) {
            let datagram = Request::new(kind::NEW_ROUTE, &body).finish(0, 1);
            let _ = read(&datagram);
        }
    }
}
