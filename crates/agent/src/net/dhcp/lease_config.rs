//! What a lease means for the link, under what the plan says of the client (netplan's
//! `dhcp4-overrides` and `dhcp6-overrides`): pure functions.
//!
//! Routes are chosen as systemd-networkd chooses them, so that its own
//! answer to the same lease finds them in place: option 121 excludes options
//! 3 and 33 (RFC 3442); routes have the lease's address as their source and
//! netplan's metric; the router has a route of its own, so that it is reached
//! whatever the lease's prefix says, and another gateway outside the lease's
//! own network is reached on the link itself.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;
use nvmeroot_plan::{Dhcp4, Dhcp6, HostName, Mtu};

use super::{Lease4, Lease6};

/// A route that a lease brings; of protocol `dhcp` (16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRoute {
    /// Destination.
    pub to: Ipv4Net,
    /// Gateway; `None`: the destination is on the link (scope `link`).
    pub via: Option<Ipv4Addr>,
    /// The gateway is on the link although the address's prefix doesn't say
    /// so (`onlink`).
    pub on_link: bool,
    /// Preferred source address.
    pub source: Ipv4Addr,
    /// Metric.
    pub metric: u32,
}

/// What is to be configured for a DHCPv4 lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseConfig4 {
    /// The address.
    pub address: Ipv4Net,
    /// Broadcast address; `None`: as the prefix says.
    pub broadcast: Option<Ipv4Addr>,
    /// Metric of the address's own prefix route.
    pub metric: u32,
    /// Routes, in the server's order.
    pub routes: Vec<LeaseRoute>,
    /// MTU of the link.
    pub mtu: Option<Mtu>,
    /// Name servers, for the running system.
    pub dns: Vec<Ipv4Addr>,
    /// Domains to search in; the server's domain name first.
    pub search: Vec<String>,
    /// Host name.
    pub host_name: Option<String>,
}

impl LeaseConfig4 {
    /// What `client` uses of a lease.
    pub fn new(lease: &Lease4, client: &Dhcp4) -> Self {
        let metric = client.route_metric;
        let mut routes = Vec::new();
        if client.use_routes {
            routes = lease_routes(lease, metric);
        }
        // An MTU below 1280 would take IPv6 off the link, but it is what the
        // server says of the way.
        let mtu = lease.mtu.filter(|_| client.use_mtu);
        Self {
            address: lease.address,
            broadcast: lease.broadcast,
            metric,
            routes,
            mtu,
            dns: used(client.use_dns, &lease.dns),
            search: search(client.use_domains, lease.domain.iter().chain(&lease.search)),
            host_name: lease.host_name.clone().filter(|_| client.use_hostname),
        }
    }
}

/// What is to be configured for a DHCPv6 lease, beside its addresses (each a
/// /128 with its lifetimes). Routes come from router advertisements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseConfig6 {
    /// Name servers, for the running system.
    pub dns: Vec<Ipv6Addr>,
    /// Domains to search in.
    pub search: Vec<String>,
}

impl LeaseConfig6 {
    /// What `client` uses of a lease.
    pub fn new(lease: &Lease6, client: &Dhcp6) -> Self {
        Self {
            dns: used(client.use_dns, &lease.dns),
            search: search(client.use_domains, lease.search.iter()),
        }
    }
}

/// The host name that a DHCPv4 client sends: what the plan says, else the system's
/// own unless it says nothing.
pub fn hostname_to_send(client: &Dhcp4, system: Option<&str>) -> Option<String> {
    if !client.send_hostname {
        return None;
    }
    let own = system.filter(|name| !matches!(*name, "" | "(none)" | "localhost"));
    let named = client.hostname.as_ref().map(HostName::as_str);
    named.or(own).map(ToOwned::to_owned)
}

fn used<T: Clone>(wanted: bool, values: &[T]) -> Vec<T> {
    if wanted { values.to_vec() } else { Vec::new() }
}

/// Domains in order, each once.
fn search<'a>(wanted: bool, domains: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    if wanted {
        for domain in domains {
            if !list.contains(domain) {
                list.push(domain.clone());
            }
        }
    }
    list
}

fn lease_routes(lease: &Lease4, metric: u32) -> Vec<LeaseRoute> {
    let source = lease.address.addr();
    let route = |to: Ipv4Net, via: Ipv4Addr| {
        let via = (!via.is_unspecified()).then_some(via);
        LeaseRoute {
            to,
            via,
            on_link: via.is_some_and(|via| !lease.address.contains(&via)),
            source,
            metric,
        }
    };
    let given = |routes: &[super::v4::ClasslessRoute]| -> Vec<LeaseRoute> {
        routes.iter().map(|r| route(r.to, r.via)).collect()
    };
    let mut routes = if lease.classless_routes.is_empty() {
        let mut routes = given(&lease.static_routes);
        // One default route: a second one with the same metric would be
        // refused by the kernel.
        let router = lease.routers.iter().find(|r| !r.is_unspecified());
        if let Some(&router) = router {
            routes.push(route(Ipv4Net::from(router), Ipv4Addr::UNSPECIFIED));
            routes.push(LeaseRoute {
                on_link: false,
                ..route(Ipv4Net::default(), router)
            });
        }
        routes
    } else {
        given(&lease.classless_routes)
    };
    // The kernel makes the route of the address's own prefix, and a gateway
    // that is ourselves leads nowhere.
    routes.retain(|r| {
        let own = r.via.is_none() && r.to == lease.address.trunc();
        !own && r.via != Some(source)
    });
    // What is on the link first: other routes' gateways may lie there.
    let (mut sorted, by_gateways): (Vec<_>, Vec<_>) =
        routes.into_iter().partition(|route| route.via.is_none());
    sorted.extend(by_gateways);
    sorted
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::v4::ClasslessRoute;
    use super::*;

    fn lease() -> Lease4 {
        Lease4 {
            address: "10.0.0.9/24".parse().unwrap(),
            server: Ipv4Addr::new(10, 0, 0, 1),
            lease_time: Duration::from_secs(60),
            renew: Duration::from_secs(30),
            rebind: Duration::from_secs(50),
            routers: vec![Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)],
            static_routes: vec![classless("172.16.0.0/16", [10, 0, 0, 3])],
            classless_routes: Vec::new(),
            mtu: Mtu::try_from(9000).ok(),
            broadcast: None,
            dns: vec![Ipv4Addr::new(10, 0, 0, 53)],
            domain: Some("example.org".into()),
            search: vec!["a.example".into(), "example.org".into()],
            ntp: Vec::new(),
            host_name: Some("host".into()),
        }
    }

    fn classless(to: &str, via: [u8; 4]) -> ClasslessRoute {
        ClasslessRoute {
            to: to.parse().unwrap(),
            via: via.into(),
        }
    }

    fn text(routes: &[LeaseRoute]) -> Vec<String> {
        routes
            .iter()
            .map(|r| {
                let via = r.via.map_or_else(String::new, |v| format!(" via {v}"));
                let on_link = if r.on_link { " onlink" } else { "" };
                format!("{}{via}{on_link} metric {}", r.to, r.metric)
            })
            .collect()
    }

    #[test]
    fn defaults() {
        let applied = LeaseConfig4::new(&lease(), &Dhcp4::default());
        assert_eq!(
            text(&applied.routes),
            [
                "10.0.0.1/32 metric 100",
                "172.16.0.0/16 via 10.0.0.3 metric 100",
                "0.0.0.0/0 via 10.0.0.1 metric 100"
            ]
        );
        assert_eq!(applied.mtu, Mtu::try_from(9000).ok());
        assert_eq!(applied.dns.len(), 1);
        assert_eq!(applied.search, [""; 0]);
        assert_eq!(applied.host_name.as_deref(), Some("host"));
    }

    #[test]
    fn a_router_outside_the_prefix_has_its_route_before_the_one_through_it() {
        let mut lease = lease();
        lease.address = "10.0.0.9/32".parse().unwrap();
        lease.static_routes.clear();
        assert_eq!(
            text(&LeaseConfig4::new(&lease, &Dhcp4::default()).routes),
            [
                "10.0.0.1/32 metric 100",
                "0.0.0.0/0 via 10.0.0.1 metric 100"
            ]
        );
    }

    #[test]
    fn classless_routes_exclude_the_others() {
        let mut lease = lease();
        lease.address = "10.128.0.9/32".parse().unwrap();
        lease.classless_routes = vec![
            classless("0.0.0.0/0", [10, 128, 0, 1]),
            classless("10.128.0.1/32", [0, 0, 0, 0]),
            classless("10.128.0.9/32", [0, 0, 0, 0]),
            classless("10.9.0.0/16", [10, 128, 0, 9]),
        ];
        let client = Dhcp4 {
            route_metric: 7,
            ..Dhcp4::default()
        };
        assert_eq!(
            text(&LeaseConfig4::new(&lease, &client).routes),
            [
                "10.128.0.1/32 metric 7",
                "0.0.0.0/0 via 10.128.0.1 onlink metric 7"
            ]
        );
    }

    #[test]
    fn all_off() {
        let client = Dhcp4 {
            use_dns: false,
            use_hostname: false,
            use_mtu: false,
            use_routes: false,
            use_domains: true,
            ..Dhcp4::default()
        };
        let applied = LeaseConfig4::new(&lease(), &client);
        assert_eq!(applied.routes, []);
        assert_eq!((applied.mtu, applied.host_name), (None, None));
        assert_eq!(applied.dns.len(), 0);
        assert_eq!(applied.search, ["example.org", "a.example"]);
    }

    #[test]
    fn host_names() {
        let none = Dhcp4::default();
        assert_eq!(hostname_to_send(&none, Some("a")), Some("a".into()));
        assert_eq!(hostname_to_send(&none, Some("(none)")), None);
        let named = Dhcp4 {
            hostname: "b".parse().ok(),
            ..none.clone()
        };
        assert_eq!(hostname_to_send(&named, Some("a")), Some("b".into()));
        let off = Dhcp4 {
            send_hostname: false,
            ..named
        };
        assert_eq!(hostname_to_send(&off, Some("a")), None);
    }
}
