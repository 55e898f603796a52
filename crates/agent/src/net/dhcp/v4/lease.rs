//! What a DHCPv4 server grants.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use nvmeroot_plan::Mtu;

use super::message::{Message, Options, code};
use crate::net::dhcp::bytes::{ParseError, Reader, seconds};
use crate::net::dhcp::names;

/// A route of option 121 or 33.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClasslessRoute {
    /// Destination.
    pub to: Ipv4Net,
    /// Gateway; 0.0.0.0: the destination is on the link itself (RFC 3442).
    pub via: Ipv4Addr,
}

/// A lease. Times count from when it was acquired; `Duration::MAX` is
/// forever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease4 {
    /// Our address with the network's prefix length.
    pub address: Ipv4Net,
    /// The server's identifier (option 54), its address.
    pub server: Ipv4Addr,
    /// When the lease ends (option 51).
    pub lease_time: Duration,
    /// When to renew with the server, T1 (option 58, or half of the lease).
    pub renew: Duration,
    /// When to renew with any server, T2 (option 59, or 7/8 of the lease).
    pub rebind: Duration,
    /// Routers (option 3), the preferred first.
    pub routers: Vec<Ipv4Addr>,
    /// Static routes (option 33), by the classes of old.
    pub static_routes: Vec<ClasslessRoute>,
    /// Classless routes (option 121); where there are any, options 3 and 33
    /// are to be ignored (RFC 3442).
    pub classless_routes: Vec<ClasslessRoute>,
    /// MTU of the link (option 26).
    pub mtu: Option<Mtu>,
    /// Broadcast address (option 28).
    pub broadcast: Option<Ipv4Addr>,
    /// Name servers (option 6).
    pub dns: Vec<Ipv4Addr>,
    /// Domain name (option 15).
    pub domain: Option<String>,
    /// Search list (option 119).
    pub search: Vec<String>,
    /// Time servers (option 42).
    pub ntp: Vec<Ipv4Addr>,
    /// Host name (option 12).
    pub host_name: Option<String>,
}

impl Lease4 {
    /// The lease in an OFFER or ACK, and what of it could not be used: a wrong
    /// value in an option that isn't vital costs only that option.
    ///
    /// # Errors
    /// There is no usable address, server identifier, lease time or mask.
    pub fn from_message(message: &Message) -> Result<(Self, Vec<ParseError>), ParseError> {
        let options = &message.options;
        let address = message.your_address;
        if !is_host(address) {
            return Err(ParseError::Field {
                what: "your address",
                offset: 16,
            });
        }
        let missing = |option: u8| ParseError::Missing {
            option: option.into(),
        };
        let server = options
            .address(code::SERVER_ID)?
            .ok_or_else(|| missing(code::SERVER_ID))?;
        let lease_time = options
            .u32(code::LEASE_TIME)?
            .ok_or_else(|| missing(code::LEASE_TIME))?;
        if lease_time == 0 {
            return Err(options.wrong(code::LEASE_TIME, "the lease ends at once"));
        }
        let mask = options
            .address(code::SUBNET_MASK)?
            .unwrap_or_else(|| class_mask(address));
        let address = Ipv4Net::with_netmask(address, mask)
            .map_err(|_| options.wrong(code::SUBNET_MASK, "it is no network mask"))?;

        let mut problems = Vec::new();
        let mut keep = Keep(&mut problems);
        let lease_time = seconds(lease_time);
        let (renew, rebind) = timers(
            lease_time,
            keep.or_default(options.u32(code::RENEWAL_TIME)),
            keep.or_default(options.u32(code::REBINDING_TIME)),
        );
        let lease = Self {
            address,
            server,
            lease_time,
            renew,
            rebind,
            routers: keep.or_default(options.addresses(code::ROUTER)),
            static_routes: keep.or_default(static_routes(options)),
            classless_routes: keep.or_default(classless_routes(options)),
            mtu: keep.or_default(mtu(options)),
            broadcast: keep.or_default(options.address(code::BROADCAST)),
            dns: keep.or_default(options.addresses(code::DNS)),
            domain: keep.or_default(name(options, code::DOMAIN_NAME)),
            search: keep.or_default(search(options)),
            ntp: keep.or_default(options.addresses(code::NTP)),
            host_name: keep.or_default(name(options, code::HOST_NAME)),
        };
        Ok((lease, problems))
    }
}

struct Keep<'a>(&'a mut Vec<ParseError>);

impl Keep<'_> {
    fn or_default<T: Default>(&mut self, value: Result<T, ParseError>) -> T {
        value.unwrap_or_else(|error| {
            self.0.push(error);
            T::default()
        })
    }
}

/// An address that a host can have.
fn is_host(address: Ipv4Addr) -> bool {
    !(address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_loopback())
}

/// The mask of the address's class (RFC 791), for servers that send none.
fn class_mask(address: Ipv4Addr) -> Ipv4Addr {
    match address.octets()[0] {
        0..=127 => Ipv4Addr::new(255, 0, 0, 0),
        128..=191 => Ipv4Addr::new(255, 255, 0, 0),
        192.. => Ipv4Addr::new(255, 255, 255, 0),
    }
}

/// T1 and T2: the server's where they are in order, else RFC 2131's, section
/// 4.4.5. T1 is a second or more, or we would ask without a pause.
fn timers(lease: Duration, t1: Option<u32>, t2: Option<u32>) -> (Duration, Duration) {
    const SHORTEST: Duration = Duration::from_secs(1);
    if lease == Duration::MAX {
        return (lease, lease);
    }
    let t2 = t2.map(seconds).filter(|t2| *t2 < lease && !t2.is_zero());
    let t2 = t2.unwrap_or_else(|| lease * 7 / 8);
    let t1 = t1.map(seconds).filter(|t1| *t1 < t2 && !t1.is_zero());
    let t1 = t1.unwrap_or_else(|| (lease / 2).min(t2));
    (t1.max(SHORTEST), t2.max(SHORTEST))
}

fn mtu(options: &Options) -> Result<Option<Mtu>, ParseError> {
    options
        .u16(code::MTU)?
        .map(|mtu| {
            Mtu::try_from(u64::from(mtu)).map_err(|_| options.wrong(code::MTU, "it is below 68"))
        })
        .transpose()
}

fn name(options: &Options, code: u8) -> Result<Option<String>, ParseError> {
    let Some(text) = options.text(code)? else {
        return Ok(None);
    };
    let text = text.strip_suffix('.').unwrap_or(text);
    names::check(text)
        .map(|()| Some(text.to_owned()))
        .map_err(|problem| options.wrong(code, problem))
}

fn search(options: &Options) -> Result<Vec<String>, ParseError> {
    names::list(options.bytes(code::DOMAIN_SEARCH).unwrap_or_default(), true)
        .map_err(|problem| options.wrong(code::DOMAIN_SEARCH, problem))
}

/// RFC 2132, section 5.8: pairs of destination and router; the prefix is the
/// destination's class. 0.0.0.0 is no legal destination there.
fn static_routes(options: &Options) -> Result<Vec<ClasslessRoute>, ParseError> {
    let (pairs, rest) = options
        .bytes(code::STATIC_ROUTES)
        .unwrap_or_default()
        .as_chunks::<8>();
    if !rest.is_empty() {
        return Err(options.wrong(code::STATIC_ROUTES, "its length is no multiple of 8"));
    }
    pairs
        .iter()
        .map(|&[a, b, c, d, e, f, g, h]| {
            let to = Ipv4Addr::new(a, b, c, d);
            let via = Ipv4Addr::new(e, f, g, h);
            if to.is_unspecified() || !is_host(via) {
                return Err(options.wrong(code::STATIC_ROUTES, "a destination or router is wrong"));
            }
            Ipv4Net::with_netmask(to, class_mask(to))
                .map(|to| ClasslessRoute {
                    to: to.trunc(),
                    via,
                })
                .map_err(|_| options.wrong(code::STATIC_ROUTES, "a destination is wrong"))
        })
        .collect()
}

/// RFC 3442: prefix length, as many bytes of the destination as it needs,
/// router.
fn classless_routes(options: &Options) -> Result<Vec<ClasslessRoute>, ParseError> {
    let wrong = |problem| options.wrong(code::CLASSLESS_ROUTES, problem);
    let cut = |_| wrong("a route is cut off");
    let mut reader = Reader::new(options.bytes(code::CLASSLESS_ROUTES).unwrap_or_default(), 0);
    let mut routes = Vec::new();
    while reader.left() > 0 {
        let prefix = reader.u8("").map_err(cut)?;
        if prefix > 32 {
            return Err(wrong("a prefix is longer than 32 bits"));
        }
        let significant = usize::from(prefix.div_ceil(8));
        let mut to = [0; 4];
        to[..significant].copy_from_slice(reader.take(significant, "").map_err(cut)?);
        let via = reader.ipv4("").map_err(cut)?;
        let to = Ipv4Net::new(to.into(), prefix).map_err(|_| wrong("a prefix is wrong"))?;
        routes.push(ClasslessRoute {
            // Bits beyond the prefix are to be cleared.
            to: to.trunc(),
            via,
        });
    }
    Ok(routes)
}

#[cfg(test)]
mod tests {
    use super::super::message::MessageType;
    use super::super::message::tests::reply;
    use super::*;

    const SERVER: &[u8] = &[10, 0, 0, 1];

    fn lease(
        address: &str,
        options: &[(u8, &[u8])],
    ) -> Result<(Lease4, Vec<ParseError>), ParseError> {
        let address = address.parse().unwrap();
        let bytes = reply(1, MessageType::Ack, address, options);
        Lease4::from_message(&Message::parse(&bytes).unwrap())
    }

    #[test]
    fn all_options() {
        let (lease, problems) = lease(
            "10.0.0.9",
            &[
                (54, SERVER),
                (51, &600_u32.to_be_bytes()),
                (1, &[255, 255, 255, 0]),
                (3, SERVER),
                (6, &[10, 0, 0, 2, 10, 0, 0, 3]),
                (12, b"host"),
                (15, b"example.org"),
                (26, &9000_u16.to_be_bytes()),
                (28, &[10, 0, 0, 255]),
                (33, &[172, 16, 5, 5, 10, 0, 0, 4]),
                (42, &[10, 0, 0, 5]),
                (119, b"\x01a\x01b\x00"),
                (
                    121,
                    &[
                        0, 10, 0, 0, 1, 20, 10, 1, 31, 10, 0, 0, 6, 32, 1, 2, 3, 4, 0, 0, 0, 0,
                    ],
                ),
            ],
        )
        .unwrap();
        assert_eq!(problems, []);
        assert_eq!(lease.address.to_string(), "10.0.0.9/24");
        assert_eq!(lease.renew, Duration::from_secs(300));
        assert_eq!(lease.rebind, Duration::from_secs(525));
        assert_eq!(lease.mtu, Mtu::try_from(9000).ok());
        assert_eq!(lease.domain.as_deref(), Some("example.org"));
        assert_eq!(lease.search, ["a.b"]);
        assert_eq!(lease.dns.len(), 2);
        let text = |routes: &[ClasslessRoute]| -> Vec<String> {
            routes
                .iter()
                .map(|r| format!("{} {}", r.to, r.via))
                .collect()
        };
        assert_eq!(text(&lease.static_routes), ["172.16.0.0/16 10.0.0.4"]);
        assert_eq!(
            text(&lease.classless_routes),
            [
                "0.0.0.0/0 10.0.0.1",
                "10.1.16.0/20 10.0.0.6",
                "1.2.3.4/32 0.0.0.0"
            ]
        );
    }

    #[test]
    fn what_is_vital() {
        let time = 60_u32.to_be_bytes();
        assert_eq!(
            lease("10.0.0.9", &[(51, &time)]),
            Err(ParseError::Missing { option: 54 })
        );
        assert_eq!(
            lease("10.0.0.9", &[(54, SERVER)]),
            Err(ParseError::Missing { option: 51 })
        );
        assert_eq!(
            lease("0.0.0.0", &[(54, SERVER), (51, &time)]),
            Err(ParseError::Field {
                what: "your address",
                offset: 16
            })
        );
        assert_eq!(
            lease(
                "10.0.0.9",
                &[(54, SERVER), (51, &time), (1, &[255, 0, 255, 0])]
            )
            .unwrap_err()
            .to_string(),
            "option 1 at byte 255: it is no network mask"
        );
    }

    #[test]
    fn what_is_not_vital() {
        let (lease, problems) = lease(
            "192.0.2.9",
            &[
                (54, SERVER),
                (51, &[255; 4]),
                (3, &[1]),
                (26, &[0, 60]),
                (15, b"a; rm"),
                (121, &[33, 1, 2, 3, 4, 5]),
                (119, b"\xc0\x00"),
            ],
        )
        .unwrap();
        assert_eq!(lease.address.prefix_len(), 24);
        assert_eq!(lease.renew, Duration::MAX);
        assert_eq!((lease.routers.len(), lease.mtu), (0, None));
        let options: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            options,
            [
                "option 3 at byte 255: its length is no multiple of 4",
                "option 121 at byte 269: a prefix is longer than 32 bits",
                "option 26 at byte 258: it is below 68",
                "option 15 at byte 262: a label has a character that no host name has",
                "option 119 at byte 277: a name points forward",
            ]
        );
    }

    #[test]
    fn timers_in_order() {
        let hour = Duration::from_secs(3600);
        let of = |t1, t2| {
            let (t1, t2) = timers(hour, t1, t2);
            (t1.as_secs(), t2.as_secs())
        };
        assert_eq!(of(Some(100), Some(200)), (100, 200));
        assert_eq!(of(Some(300), Some(200)), (200, 200));
        assert_eq!(of(Some(100), Some(4000)), (100, 3150));
        assert_eq!(of(None, None), (1800, 3150));
        assert_eq!(of(Some(0), Some(0)), (1800, 3150));
        let second = Duration::from_secs(1);
        assert_eq!(timers(second, None, None), (second, second));
    }
}
