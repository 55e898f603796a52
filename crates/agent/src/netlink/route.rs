//! Routes: adding them, and which way the kernel would send a packet.

use std::io;
use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteProtocol, RouteScope,
    RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nvmeroot_plan as plan;

use super::{Link, Netlink, NetlinkError};

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
    /// Who set it (`/etc/iproute2/rt_protos`): 4 static, 16 DHCP.
    pub dhcp: bool,
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
            source: None,
            scope: None,
            kind: plan::RouteType::Unicast,
            mtu: None,
            advertised_mss: None,
            congestion_window: None,
            receive_window: None,
            dhcp: false,
        }
    }
}

impl From<&plan::Route> for NewRoute {
    fn from(route: &plan::Route) -> Self {
        let to = route
            .to
            .network()
            .map(|net| (net.network(), net.prefix_len()));
        Self {
            metric: route.metric,
            table: route.table,
            on_link: route.on_link,
            source: route.from,
            scope: route.scope,
            kind: route.kind,
            mtu: route.mtu,
            advertised_mss: route.advertised_mss,
            congestion_window: route.congestion_window,
            receive_window: route.advertised_receive_window,
            // A default without a gateway is IPv4's, as for `ip`.
            ..Self::to(to, route.via)
        }
    }
}

/// The way that the kernel would send a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Index of the link.
    pub link: u32,
    /// The address that it would come from.
    pub source: Option<IpAddr>,
    /// The gateway, where there is one.
    pub gateway: Option<IpAddr>,
}

impl Netlink {
    /// Sets a route, replacing one to the same place with the same metric.
    ///
    /// # Errors
    /// `ENETUNREACH` where the gateway is not on a link, `EINVAL` for what
    /// does not fit together.
    pub fn add_route(&mut self, link: &Link, new: &NewRoute) -> Result<(), NetlinkError> {
        self.change(
            RouteNetlinkMessage::NewRoute(message(link.index, new)),
            NLM_F_CREATE | NLM_F_REPLACE,
            || {
                let to = new
                    .to
                    .map_or_else(|| "default".to_owned(), |(a, n)| format!("{a}/{n}"));
                let via = new.via.map_or_else(String::new, |v| format!(" by `{v}`"));
                format!("can't set the route to `{to}`{via} on `{}`", link.name)
            },
        )
    }

    /// The way to an address, if there is one; only over `link` where given.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn way(&mut self, to: IpAddr, link: Option<u32>) -> Result<Option<Way>, NetlinkError> {
        let mut message = RouteMessage::default();
        message.header.address_family = family(to.is_ipv6());
        message.header.destination_prefix_length = if to.is_ipv6() { 128 } else { 32 };
        message
            .attributes
            .push(RouteAttribute::Destination(RouteAddress::from(to)));
        if let Some(link) = link {
            message.attributes.push(RouteAttribute::Oif(link));
        }
        let mut way = None;
        let answer = self.get(RouteNetlinkMessage::GetRoute(message), |message| {
            if let RouteNetlinkMessage::NewRoute(message) = message {
                way = read_way(&message);
            }
        });
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

/// Errors that mean that there is no way: none at all, or a route of type
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

fn read_way(message: &RouteMessage) -> Option<Way> {
    // What IPv6 answers where it has no way is a route of type unreachable.
    if !matches!(
        message.header.kind,
        RouteType::Unicast | RouteType::Local | RouteType::Anycast
    ) {
        return None;
    }
    let ip = |address: &RouteAddress| match address {
        RouteAddress::Inet(v4) => Some(IpAddr::V4(*v4)),
        RouteAddress::Inet6(v6) => Some(IpAddr::V6(*v6)),
        _ => None,
    };
    let mut link = None;
    let mut source = None;
    let mut gateway = None;
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Oif(index) => link = Some(*index),
            RouteAttribute::PrefSource(address) => source = ip(address),
            RouteAttribute::Gateway(address) => gateway = ip(address),
            _ => {}
        }
    }
    Some(Way {
        link: link?,
        source,
        gateway,
    })
}

fn family(ipv6: bool) -> AddressFamily {
    if ipv6 {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    }
}

fn message(link: u32, new: &NewRoute) -> RouteMessage {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = family(new.ipv6);
    header.destination_prefix_length = new.to.map_or(0, |(_, n)| n);
    header.protocol = if new.dhcp {
        RouteProtocol::Dhcp
    } else {
        RouteProtocol::Static
    };
    header.kind = kind(new.kind);
    header.scope = scope(new);
    if new.on_link {
        header.flags = RouteFlags::Onlink;
    }
    // Tables beyond 255 fit the attribute only; it alone is always right.
    let table = new.table.unwrap_or(254);
    header.table = u8::try_from(table).unwrap_or(0);
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Table(table));
    if let Some((to, _)) = new.to {
        attributes.push(RouteAttribute::Destination(to.into()));
    }
    match new.via {
        // RFC 5549: an IPv4 route by an IPv6 gateway.
        Some(IpAddr::V6(via)) if !new.ipv6 => {
            attributes.push(RouteAttribute::Via(RouteVia::Inet6(via)));
        }
        Some(via) => attributes.push(RouteAttribute::Gateway(via.into())),
        None => {}
    }
    if carries_packets(new.kind) {
        attributes.push(RouteAttribute::Oif(link));
    }
    if let Some(source) = new.source {
        attributes.push(RouteAttribute::PrefSource(source.into()));
    }
    if let Some(metric) = new.metric {
        attributes.push(RouteAttribute::Priority(metric));
    }
    let metrics: Vec<RouteMetric> = [
        new.mtu.map(RouteMetric::Mtu),
        new.advertised_mss.map(RouteMetric::Advmss),
        new.congestion_window.map(RouteMetric::InitCwnd),
        new.receive_window.map(RouteMetric::InitRwnd),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics));
    }
    message
}

/// The others end at this host and belong to no link.
fn carries_packets(kind: plan::RouteType) -> bool {
    use plan::RouteType as T;
    !matches!(kind, T::Blackhole | T::Prohibit | T::Throw | T::Unreachable)
}

/// Without a word about it, the scope that `ip` chooses (ip-route(8)): host
/// for local routes, link for those without a gateway, else global.
fn scope(new: &NewRoute) -> RouteScope {
    use plan::RouteType as T;
    match new.scope {
        Some(plan::RouteScope::Global) => RouteScope::Universe,
        Some(plan::RouteScope::Link) => RouteScope::Link,
        Some(plan::RouteScope::Host) => RouteScope::Host,
        None if new.ipv6 => RouteScope::Universe,
        None => match new.kind {
            T::Local | T::Nat => RouteScope::Host,
            T::Broadcast | T::Multicast | T::Anycast => RouteScope::Link,
            T::Unicast if new.via.is_none() => RouteScope::Link,
            _ => RouteScope::Universe,
        },
    }
}

fn kind(kind: plan::RouteType) -> RouteType {
    use plan::RouteType as T;
    match kind {
        T::Unicast => RouteType::Unicast,
        T::Anycast => RouteType::Anycast,
        T::Blackhole => RouteType::BlackHole,
        T::Broadcast => RouteType::Broadcast,
        T::Local => RouteType::Local,
        T::Multicast => RouteType::Multicast,
        T::Nat => RouteType::Nat,
        T::Prohibit => RouteType::Prohibit,
        T::Throw => RouteType::Throw,
        T::Unreachable => RouteType::Unreachable,
        T::Xresolve => RouteType::ExternalResolve,
    }
}
