//! Routes: adding them, and the route decision for a destination.

use std::io;
use std::net::IpAddr;

use nvmeroot_plan as plan;

use super::wire::{Message, Request, family, flag, ip, kind, u32_at};
use super::{Link, Netlink, NetlinkError};

/// `struct rtmsg`: family, destination's and source's prefix lengths, type of
/// service, table, protocol, scope, type, flags (u32).
pub(super) const FIXED: usize = 12;

/// linux/rtnetlink.h, `RTA_…`.
pub(super) const DESTINATION: u16 = 1;
pub(super) const OUTGOING: u16 = 4;
pub(super) const GATEWAY: u16 = 5;
pub(super) const PRIORITY: u16 = 6;
const PREFERRED_SOURCE: u16 = 7;
const METRICS: u16 = 8;
pub(super) const TABLE: u16 = 15;
const VIA: u16 = 18;
const EXPIRES: u16 = 23;

/// `RTAX_…`.
const METRIC_MTU: u16 = 2;
const METRIC_MSS: u16 = 8;
const METRIC_CONGESTION_WINDOW: u16 = 11;
const METRIC_RECEIVE_WINDOW: u16 = 14;

/// Who set a route (`RTPROT_…`, `/etc/iproute2/rt_protos`).
pub mod protocol {
    /// An administrator.
    pub const STATIC: u8 = 4;
    /// Router advertisements.
    pub const RA: u8 = 9;
    /// A DHCP client.
    pub const DHCP: u8 = 16;
}

/// `RTNH_F_ONLINK`.
const ON_LINK: u32 = 4;

/// `RTN_…`.
const UNICAST: u8 = plan::RouteType::Unicast.number();
const LOCAL: u8 = plan::RouteType::Local.number();
const ANYCAST: u8 = plan::RouteType::Anycast.number();

/// A route to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRoute {
    /// Destination network; `None`: everywhere.
    pub to: Option<(IpAddr, u8)>,
    /// IPv6 rather than IPv4, for a default route without a gateway.
    pub ipv6: bool,
    /// Gateway.
    pub via: Option<IpAddr>,
    /// Metric.
    pub metric: Option<u32>,
    /// Table; `None` is the main one.
    pub table: Option<u32>,
    /// The gateway is on the link whatever the addresses say.
    pub on_link: bool,
    /// The link is the one that leads to the gateway, not the one given.
    pub by_gateway: bool,
    /// Preferred source.
    pub source: Option<IpAddr>,
    /// Scope.
    pub scope: Option<plan::RouteScope>,
    /// Type.
    pub kind: plan::RouteType,
    /// Path MTU.
    pub mtu: Option<u32>,
    /// Advertised maximum segment size.
    pub advertised_mss: Option<u32>,
    /// Initial congestion window.
    pub congestion_window: Option<u32>,
    /// Initial receive window.
    pub receive_window: Option<u32>,
    /// Who sets it.
    pub protocol: u8,
    /// Seconds after which it goes by itself (IPv6 only).
    pub expires: Option<u32>,
}

impl NewRoute {
    /// A route with a destination only.
    pub fn to(to: Option<(IpAddr, u8)>, via: Option<IpAddr>) -> Self {
        let ipv6 = to.map(|(a, _)| a).or(via).is_some_and(|a| a.is_ipv6());
        Self {
            to,
            ipv6,
            via,
            metric: None,
            table: None,
            on_link: false,
            by_gateway: false,
            source: None,
            scope: None,
            kind: plan::RouteType::Unicast,
            mtu: None,
            advertised_mss: None,
            congestion_window: None,
            receive_window: None,
            protocol: protocol::STATIC,
            expires: None,
        }
    }
}

impl From<&plan::Route> for NewRoute {
    fn from(route: &plan::Route) -> Self {
        let &plan::Route {
            to,
            via,
            metric,
            table,
            on_link,
            from,
            scope,
            kind,
            mtu,
            congestion_window,
            advertised_receive_window,
            advertised_mss,
            origin: _,
        } = route;
        let to = to.network().map(|net| (net.network(), net.prefix_len()));
        Self {
            metric,
            table,
            on_link,
            source: from,
            scope,
            kind,
            mtu,
            advertised_mss,
            congestion_window,
            receive_window: advertised_receive_window,
            // A default without a gateway is IPv4's, as for `ip`.
            ..Self::to(to, via)
        }
    }
}

/// The kernel's route decision for a packet, as `ip route get` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteDecision {
    /// Index of the link.
    pub link: u32,
    /// The address that it would come from.
    pub source: Option<IpAddr>,
    /// The gateway, where there is one.
    pub gateway: Option<IpAddr>,
    /// Who set the route that it follows.
    pub protocol: u8,
}

impl Netlink {
    /// Sets a route, replacing one to the same place with the same metric.
    ///
    /// # Errors
    /// `ENETUNREACH` where the gateway is not on a link, `EINVAL` for what
    /// does not fit together.
    pub fn add_route(&mut self, link: &Link, new: &NewRoute) -> Result<(), NetlinkError> {
        self.change(
            request(link.index, new),
            flag::CREATE | flag::REPLACE,
            || {
                let to = new
                    .to
                    .map_or_else(|| "default".to_owned(), |(a, n)| format!("{a}/{n}"));
                let via = new.via.map_or_else(String::new, |v| format!(" by `{v}`"));
                format!("can't set the route to `{to}`{via} on `{}`", link.name)
            },
        )
    }

    /// The route decision for an address, if there is one; only over `link` where given.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn route_to(
        &mut self,
        to: IpAddr,
        link: Option<u32>,
    ) -> Result<Option<RouteDecision>, NetlinkError> {
        let length = if to.is_ipv6() { 128 } else { 32 };
        let mut fixed = [0; FIXED];
        (fixed[0], fixed[1]) = (family(to.is_ipv6()), length);
        let mut request = Request::new(kind::GET_ROUTE, &fixed);
        request.put_ip(DESTINATION, to);
        request.put_u32(OUTGOING, link);
        let mut way = None;
        let answer = self.get(request, |message| way = RouteDecision::read(message));
        match answer {
            Ok(()) => Ok(way),
            Err(e) if no_way(&e) => Ok(None),
            Err(source) => Err(NetlinkError {
                what: format!("can't ask for the way to `{to}`"),
                source,
            }),
        }
    }
}

/// Errors that mean that there is no route: none at all, or one of type
/// unreachable, prohibit or blackhole (`fib_props` in net/ipv4/fib_semantics.c).
fn no_way(error: &io::Error) -> bool {
    use rustix::io::Errno;
    error.raw_os_error().is_some_and(|e| {
        [
            Errno::NETUNREACH,
            Errno::HOSTUNREACH,
            Errno::ACCESS,
            Errno::INVAL,
            Errno::NODEV,
            Errno::NETDOWN,
            Errno::AGAIN,
        ]
        .map(Errno::raw_os_error)
        .contains(&e)
    })
}

impl RouteDecision {
    /// The route decision that a message tells of; `None`: it tells of something
    /// else, of no route, or is cut off.
    pub fn read(message: Message<'_>) -> Option<Self> {
        // Where IPv6 has no route, it answers with one of type unreachable.
        if message.kind != kind::NEW_ROUTE
            || !matches!(message.body.get(7)?, &(UNICAST | LOCAL | ANYCAST))
        {
            return None;
        }
        let protocol = *message.body.get(5)?;
        let mut link = None;
        let mut source = None;
        let mut gateway = None;
        for (attribute, value) in message.attributes(FIXED) {
            match attribute {
                OUTGOING => link = u32_at(value, 0),
                PREFERRED_SOURCE => source = ip(value),
                GATEWAY => gateway = ip(value),
                _ => {}
            }
        }
        Some(Self {
            link: link?,
            source,
            gateway,
            protocol,
        })
    }
}

fn request(link: u32, new: &NewRoute) -> Request {
    // All of them, so that one without a line below does not compile.
    let &NewRoute {
        to,
        ipv6,
        via,
        metric,
        table,
        on_link,
        by_gateway,
        source,
        // `scope` reads it, with others.
        scope: _,
        kind,
        mtu,
        advertised_mss,
        congestion_window,
        receive_window,
        protocol,
        expires,
    } = new;
    let table = table.unwrap_or(plan::MAIN_TABLE);
    let mut fixed = [0; FIXED];
    fixed[0] = family(ipv6);
    fixed[1] = to.map_or(0, |(_, n)| n);
    // Tables beyond 255 fit the attribute only; it alone is always right.
    fixed[4] = u8::try_from(table).unwrap_or(0);
    fixed[5] = protocol;
    fixed[6] = scope(new);
    fixed[7] = kind.number();
    let flags = if on_link { ON_LINK } else { 0 };
    fixed[8..].copy_from_slice(&flags.to_ne_bytes());
    let mut request = Request::new(kind::NEW_ROUTE, &fixed);
    request.put_u32(TABLE, table);
    request.put_ip(DESTINATION, to.map(|(to, _)| to));
    match via {
        // RFC 5549: an IPv4 route by an IPv6 gateway (`struct rtvia`).
        Some(IpAddr::V6(via)) if !ipv6 => {
            let mut value = u16::from(family(true)).to_ne_bytes().to_vec();
            value.extend(via.octets());
            request.put(VIA, &value);
        }
        Some(via) => request.put_ip(GATEWAY, via),
        None => {}
    }
    if kind.carries_packets() && !by_gateway {
        request.put_u32(OUTGOING, link);
    }
    request.put_ip(PREFERRED_SOURCE, source);
    request.put_u32(PRIORITY, metric);
    request.put_u32(EXPIRES, expires);
    request.nest(METRICS, |metrics| {
        metrics.put_u32(METRIC_MTU, mtu);
        metrics.put_u32(METRIC_MSS, advertised_mss);
        metrics.put_u32(METRIC_CONGESTION_WINDOW, congestion_window);
        metrics.put_u32(METRIC_RECEIVE_WINDOW, receive_window);
    });
    request
}

/// Without a word about it, the scope that `ip` chooses (ip-route(8)): host
/// for local routes, link for those without a gateway, else global.
fn scope(new: &NewRoute) -> u8 {
    use plan::RouteType as T;
    let chosen = match new.kind {
        _ if new.ipv6 => plan::RouteScope::Global,
        T::Local | T::Nat => plan::RouteScope::Host,
        T::Broadcast | T::Multicast | T::Anycast => plan::RouteScope::Link,
        T::Unicast if new.via.is_none() => plan::RouteScope::Link,
        _ => plan::RouteScope::Global,
    };
    new.scope.unwrap_or(chosen).number()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{attributes, hex};
    use super::*;
    use proptest::prelude::*;

    fn planned(json: &str) -> NewRoute {
        let route: plan::Route = serde_json::from_str(json).expect("a route");
        NewRoute::from(&route)
    }

    /// What iproute2 6.1 sends for the same, but for `RTPROT_STATIC` where `ip`
    /// says `boot`, the table's number in an attribute always, and the order.
    #[test]
    fn routes_are_what_ip_sends() {
        let origin = r#""origin": {"file": "test", "line": 1, "column": 1}"#;
        // ip route add 10.55.0.0/16 dev v1 scope link table 1077 metric 33 \
        //   mtu 1400 advmss 1300 cwnd 20 initrwnd 30 src 10.0.0.9
        // but that netplan's congestion window is the initial one.
        let all = planned(&format!(
            r#"{{"to": "10.55.0.0/16", "scope": "link", "table": 1077, "metric": 33,
                "mtu": 1400, "advertised_mss": 1300, "congestion_window": 20,
                "advertised_receive_window": 30, "from": "10.0.0.9", {origin}}}"#
        ));
        let sent = hex(request(2, &all));
        assert_eq!(&sent[..24], "021000000004fd0100000000");
        let mut found = attributes(&sent[24..]);
        found.sort();
        assert_eq!(
            found,
            [
                "080001000a370000",
                "0800040002000000",
                "0800060021000000",
                "080007000a000009",
                "08000f0035040000",
                "240008000800020078050000080008001405000008000b001400000008000e001e000000",
            ]
        );
        // ip route add blackhole 10.44.0.0/16 table 77
        let hole = planned(&format!(
            r#"{{"to": "10.44.0.0/16", "type": "blackhole", "table": 77, {origin}}}"#
        ));
        assert_eq!(
            hex(request(2, &hole)),
            "021000004d0400060000000008000f004d000000080001000a2c0000"
        );
        // ip route add default via 10.0.0.1 dev v1 onlink
        let gateway = planned(&format!(
            r#"{{"to": "default", "via": "10.0.0.1", "on_link": true, {origin}}}"#
        ));
        assert_eq!(
            hex(request(2, &gateway)),
            "02000000fe0400010400000008000f00fe000000080005000a0000010800040002000000"
        );
    }

    proptest! {
        #[test]
        fn what_the_kernel_says_comes_back(
            link: u32, source: Option<IpAddr>, gateway: Option<IpAddr>, kind in 0_u8..16
        ) {
            let mut fixed = [0; FIXED];
            fixed[7] = kind;
            let mut told = Request::new(kind::NEW_ROUTE, &fixed);
            told.put_u32(OUTGOING, link);
            for (attribute, address) in [(PREFERRED_SOURCE, source), (GATEWAY, gateway)] {
                if let Some(address) = address {
                    told.put_ip(attribute, address);
                }
            }
            let bytes = told.finish(0, 1);
            let (message, _) = Message::split(&bytes).expect("a message");
            let way = [UNICAST, LOCAL, ANYCAST].contains(&kind).then_some(RouteDecision { link, source, gateway, protocol: fixed[5] });
            prop_assert_eq!(RouteDecision::read(message), way);
        }

        #[test]
        fn any_body_is_read(body in proptest::collection::vec(any::<u8>(), 0..120)) {
            let bytes = Request::new(kind::NEW_ROUTE, &body).finish(0, 1);
            let (message, _) = Message::split(&bytes).expect("a message");
            prop_assert!(RouteDecision::read(message).is_none() || body.len() >= FIXED);
        }
    }
}
