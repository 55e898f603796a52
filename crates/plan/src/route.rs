//! Routes and routing rules.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::Origin;
use crate::json::is_default;
use crate::name::{NameError, text_newtype};
use crate::string_enum::string_enum;

/// The main routing table, which is meant where none is named (`RT_TABLE_MAIN`,
/// include/uapi/linux/rtnetlink.h).
pub const MAIN_TABLE: u32 = 254;

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Destination {
    /// Everywhere, in the address family of the gateway.
    Default,
    /// A network with its prefix length.
    Network(IpNet),
    /// A single address, written without a prefix length.
    Host(IpAddr),
}
text_newtype!(Destination);

impl Destination {
    /// The network that it stands for; `None` for [`Destination::Default`],
    /// which has a family only through the gateway.
    pub fn network(self) -> Option<IpNet> {
        match self {
            Self::Default => None,
            Self::Network(net) => Some(net),
            Self::Host(address) => Some(IpNet::from(address)),
        }
    }
}

impl FromStr for Destination {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == "default" {
            return Ok(Self::Default);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Host(address));
        }
        let expected = "expected `default`, an address or a network such as `10.0.0.0/8`";
        let network = text.parse().map(Self::Network);
        network.map_err(|_| NameError::text(text, "destination", expected))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Network(net) => net.fmt(f),
            Self::Host(address) => address.fmt(f),
        }
    }
}

string_enum! {
    /// A route's scope (rtnetlink(7)).
    RouteScope, "a route's scope" {
        /// Beyond a gateway.
        Global = 0 "global",
        /// Directly on the link.
        Link = 253 "link",
        /// On this host.
        Host = 254 "host",
    }
}

string_enum! {
    /// A route's type (rtnetlink(7)).
    #[derive(Default)]
    #[allow(missing_docs, reason = "the names are rtnetlink's own")]
    RouteType, "a route's type" {
        #[default]
        Unicast = 1 "unicast",
        Anycast = 4 "anycast",
        Blackhole = 6 "blackhole",
        Broadcast = 3 "broadcast",
        Local = 2 "local",
        Multicast = 5 "multicast",
        Nat = 10 "nat",
        Prohibit = 8 "prohibit",
        Throw = 9 "throw",
        Unreachable = 7 "unreachable",
        Xresolve = 11 "xresolve",
    }
}

impl RouteType {
    /// The others end at this host and belong to no link.
    pub fn carries_packets(self) -> bool {
        !matches!(
            self,
            Self::Blackhole | Self::Prohibit | Self::Throw | Self::Unreachable
        )
    }
}

/// A route of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Destination.
    pub to: Destination,
    /// Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<IpAddr>,
    /// Metric; less is preferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// Routing table; `None` is the main table (254).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// The gateway is on the link although no address says so.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_link: bool,
    /// Preferred source address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// Scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<RouteScope>,
    /// Type.
    #[serde(rename = "type", default, skip_serializing_if = "is_default")]
    pub kind: RouteType,
    /// Path MTU in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Initial congestion window in segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub congestion_window: Option<u32>,
    /// Initial advertised receive window in segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertised_receive_window: Option<u32>,
    /// Advertised maximum segment size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertised_mss: Option<u32>,
    /// Where it was said.
    pub origin: Origin,
}

impl Route {
    /// A route with only a destination.
    pub fn new(to: Destination, origin: Origin) -> Self {
        Self {
            to,
            via: None,
            metric: None,
            table: None,
            on_link: false,
            from: None,
            scope: None,
            kind: RouteType::default(),
            mtu: None,
            congestion_window: None,
            advertised_receive_window: None,
            advertised_mss: None,
            origin,
        }
    }

    /// The table that it is in.
    pub fn table(&self) -> u32 {
        self.table.unwrap_or(MAIN_TABLE)
    }

    /// Both lead to the same by the same gateway, in the same table.
    pub fn leads_as(&self, other: &Self) -> bool {
        let way = |one: &Self| (one.to, one.via, one.table());
        way(self) == way(other)
    }

    /// It is the main table's default route of an address family.
    pub fn is_default_of_main(&self, is_ipv4: bool) -> bool {
        let is_of = |via: IpAddr| via.is_ipv4() == is_ipv4;
        self.to == Destination::Default && self.table() == MAIN_TABLE && self.via.is_none_or(is_of)
    }

    /// Prefix length with which the route covers `address`, or `None`.
    pub fn covers(&self, address: IpAddr) -> Option<u8> {
        match self.to.network() {
            Some(net) => net.contains(&address).then(|| net.prefix_len()),
            // Without a gateway `ip` and networkd take the default for IPv4.
            None => (self
                .via
                .map_or(address.is_ipv4(), |via| via.is_ipv4() == address.is_ipv4()))
            .then_some(0),
        }
    }
}

/// A routing rule (ip-rule(8)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Source network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpNet>,
    /// Destination network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<IpNet>,
    /// Table that is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// Priority; less comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Firewall mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// Type of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_of_service: Option<u8>,
    /// Where it was said.
    pub origin: Origin,
}

impl Rule {
    /// It is one of IPv6. With neither network it is one of IPv4, as networkd's `Family=`
    /// has it.
    pub fn is_ipv6(&self) -> bool {
        let network = self.from.or(self.to);
        network.is_some_and(|network| network.addr().is_ipv6())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(to: &str, via: Option<&str>) -> Route {
        let mut route = Route::new(to.parse().expect("a destination"), Origin::whole("test"));
        route.via = via.map(|v| v.parse().expect("an address"));
        route
    }

    #[test]
    fn destinations_are_shown_as_written() {
        for text in [
            "default",
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.1.2.3",
            "2001:db8::/32",
            "::/0",
        ] {
            assert_eq!(
                text.parse::<Destination>().map(String::from).as_deref(),
                Ok(text)
            );
        }
        for bad in ["", "10.0.0.0/33", "anywhere", "10.0.0"] {
            let expected = "expected `default`, an address or a network such as `10.0.0.0/8`";
            let error = NameError::text(bad, "destination", expected);
            assert_eq!(bad.parse::<Destination>(), Err(error));
        }
    }

    #[test]
    fn four_types_of_route_end_at_this_host() {
        let ends: Vec<&str> = RouteType::ALL
            .iter()
            .filter(|kind| !kind.carries_packets())
            .map(|kind| kind.as_str())
            .collect();
        assert_eq!(ends, ["blackhole", "prohibit", "throw", "unreachable"]);
    }

    #[test]
    fn routes_of_other_tables_are_others() {
        let main = route("default", Some("192.0.2.1"));
        let in_table = |table| Route {
            table: Some(table),
            ..main.clone()
        };
        assert!(main.leads_as(&in_table(MAIN_TABLE)) && !main.leads_as(&in_table(100)));
        assert!(in_table(MAIN_TABLE).is_default_of_main(true));
        assert!(!main.is_default_of_main(false) && !in_table(100).is_default_of_main(true));
        assert!(!route("192.0.2.0/24", None).is_default_of_main(true));
    }

    #[test]
    fn the_default_takes_its_family_from_the_gateway() {
        let v4: IpAddr = "192.0.2.7".parse().expect("an address");
        let v6: IpAddr = "2001:db8::7".parse().expect("an address");
        let six = route("default", Some("fe80::1"));
        assert_eq!((six.covers(v4), six.covers(v6)), (None, Some(0)));
        let four = route("default", Some("192.0.2.1"));
        assert_eq!((four.covers(v4), four.covers(v6)), (Some(0), None));
        assert_eq!(route("192.0.2.0/24", None).covers(v4), Some(24));
        let none = route("default", None);
        assert_eq!((none.covers(v4), none.covers(v6)), (Some(0), None));
    }
}
