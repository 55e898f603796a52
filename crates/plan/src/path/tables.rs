//! The routing tables that the input makes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::prefixes::Prefixes;
use crate::topology::Topology;
use crate::{Interface, LinkKind, MAIN_TABLE, Route, RouteType};

/// IPv6's metrics where none is said: `IP6_RT_PRIO_USER` and
/// `IP6_RT_PRIO_ADDRCONF` of the kernel's `ipv6_route.h` and `addrconf.h`.
const IPV6_METRIC: u32 = 1024;
const IPV6_CONNECTED_METRIC: u32 = 256;

/// The metric that systemd-networkd gives the route to 169.254.0.0/16
/// (`IPV4LL_ROUTE_METRIC`): whatever is configured comes before it.
const IPV4_LINK_LOCAL_METRIC: u32 = 2048;

/// The networks of link-local addresses.
pub(super) const IPV4_LINK_LOCAL: IpNet = IpNet::V4(Ipv4Net::new_assert(
    std::net::Ipv4Addr::new(169, 254, 0, 0),
    16,
));
pub(super) const IPV6_LINK_LOCAL: IpNet = IpNet::V6(Ipv6Net::new_assert(
    std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
    64,
));

/// What of an interface makes an entry of a routing table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteSource {
    /// The network of this address of its.
    Address(usize),
    /// This route of its.
    Route(usize),
    /// The prefix that every link with link-local addresses has: 169.254.0.0/16
    /// (RFC 3927) or fe80::/64 (RFC 4291).
    LinkLocal,
}

/// An entry of a routing table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Place of the interface that packets leave by.
    pub(crate) at: usize,
    /// Place of the interface that says it: that one, or its VRF.
    pub(crate) by: usize,
    /// What makes it.
    pub(crate) said: RouteSource,
    pub(super) metric: u32,
    pub(super) kind: RouteType,
}

impl Entry {
    fn new(at: usize, said: RouteSource, metric: u32, kind: RouteType) -> Self {
        Self {
            at,
            by: at,
            said,
            metric,
            kind,
        }
    }
}

/// What may come at boot: of which interface, into which table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dynamic {
    pub(super) at: usize,
    pub(super) table: u32,
    pub(super) why: &'static str,
}

/// Why an entry is in no table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Excluded {
    /// Its interface is a member of this one.
    Member(usize),
    /// Its gateway is on no link.
    NoGateway,
}

/// The entries of all tables, and what may come at boot.
#[derive(Debug, Default)]
pub(super) struct Tables {
    by: BTreeMap<u32, Prefixes<Vec<Entry>>>,
    /// What gets into none, and why.
    pub(super) kept: Prefixes<Vec<(Entry, Excluded)>>,
    pub(super) dynamic4: Vec<Dynamic>,
    pub(super) dynamic6: Vec<Dynamic>,
    /// The tables that these go into.
    into4: BTreeSet<u32>,
    into6: BTreeSet<u32>,
}

impl Tables {
    /// All that interfaces put in tables, but for members of bonds and
    /// bridges: the kernel takes packets of these to be their master's.
    pub(super) fn new(topology: &Topology<'_>) -> Self {
        let mut this = Self::default();
        let gateways = Gateways::new(topology);
        for at in 0..topology.interfaces.len() {
            match topology.master(at) {
                None => this.add(at, &gateways),
                Some(master) => this.keep(at, &topology.interfaces[at], Excluded::Member(master)),
            }
        }
        this
    }

    fn add(&mut self, at: usize, gateways: &Gateways<'_, '_>) {
        let topology = gateways.topology;
        let (one, table) = (&topology.interfaces[at], table_of(topology, at));
        for (place, address) in one.addresses.iter().enumerate() {
            let ipv6 = address.address.addr().is_ipv6();
            let metric = if ipv6 { IPV6_CONNECTED_METRIC } else { 0 };
            let entry = Entry::new(at, RouteSource::Address(place), metric, RouteType::Unicast);
            self.push(table, address.address, entry);
        }
        self.add_link_local(at, table, one);
        let gateways = gateways.of(at);
        for (place, route) in one.routes.iter().enumerate() {
            let network = network_of(route);
            let Some(out) = gateways.out(route) else {
                let entry = Entry::new(at, RouteSource::Route(place), 0, route.kind);
                self.kept.entry(network).push((entry, Excluded::NoGateway));
                continue;
            };
            let metric = match (route.metric.unwrap_or(0), network) {
                (0, IpNet::V6(_)) => IPV6_METRIC,
                (metric, _) => metric,
            };
            let entry = Entry {
                at: out,
                ..Entry::new(at, RouteSource::Route(place), metric, route.kind)
            };
            self.push(route.table.unwrap_or(table), network, entry);
        }
        let dynamic = |why| Dynamic { at, table, why };
        if one.dhcp4.is_some() {
            self.dynamic4.push(dynamic("DHCPv4 may bring a route"));
            self.into4.insert(table);
        }
        let why = match (one.dhcp6.is_some(), one.accept_ra) {
            (true, _) => "DHCPv6 and router advertisements may bring a route",
            (false, Some(true)) => ADVERTISED,
            _ => return,
        };
        let table = one.ra_table.unwrap_or(table);
        self.dynamic6.push(Dynamic { at, table, why });
        self.into6.insert(table);
    }

    /// The prefixes that come with link-local addresses. A VRF has none of its
    /// own.
    fn add_link_local(&mut self, at: usize, table: u32, one: &Interface) {
        if matches!(one.kind, LinkKind::Vrf { .. }) {
            return;
        }
        for (has, network, metric) in [
            (one.link_local.ipv4, IPV4_LINK_LOCAL, IPV4_LINK_LOCAL_METRIC),
            (one.link_local.ipv6, IPV6_LINK_LOCAL, IPV6_CONNECTED_METRIC),
        ] {
            if has {
                let entry = Entry::new(at, RouteSource::LinkLocal, metric, RouteType::Unicast);
                self.push(table, network, entry);
            }
        }
    }

    /// The table covers the address, or will perhaps at boot.
    pub(super) fn may_lead(&self, table: u32, to: IpAddr) -> bool {
        let comes = match to {
            IpAddr::V4(_) => &self.into4,
            IpAddr::V6(_) => &self.into6,
        };
        let known = self.by.get(&table);
        comes.contains(&table) || known.is_some_and(|known| known.covering(to).next().is_some())
    }

    /// Remembers what a member of a bond or a bridge says.
    fn keep(&mut self, at: usize, one: &Interface, kept: Excluded) {
        let addresses = one.addresses.iter().enumerate();
        let addresses = addresses.map(|(place, a)| (a.address, RouteSource::Address(place)));
        let routes = one.routes.iter().enumerate();
        let routes = routes.map(|(place, r)| (network_of(r), RouteSource::Route(place)));
        for (network, said) in addresses.chain(routes) {
            let entry = Entry::new(at, said, 0, RouteType::Unicast);
            self.kept.entry(network).push((entry, kept));
        }
    }

    /// All entries that cover an address: table by table, the longest prefix
    /// first.
    pub(super) fn all_covering(&self, to: IpAddr) -> impl Iterator<Item = (u32, u8, &[Entry])> {
        self.by.iter().flat_map(move |(table, networks)| {
            let covering = networks.covering(to);
            covering.map(|(length, entries)| (*table, length, entries.as_slice()))
        })
    }

    fn push(&mut self, table: u32, network: IpNet, entry: Entry) {
        let table = self.by.entry(table).or_default();
        table.entry(network).push(entry);
    }

    /// The best entries for an address among those that `usable` lets pass:
    /// the longest prefix, of these the least metric. With the prefix length.
    ///
    /// What refuses packets does so on every link.
    pub(super) fn best(
        &self,
        table: u32,
        to: IpAddr,
        usable: impl Fn(usize) -> bool,
    ) -> Option<(u8, Vec<Entry>)> {
        let table = self.by.get(&table)?;
        table.covering(to).find_map(|(length, entries)| {
            let usable = entries.iter().filter(|e| match e.kind {
                RouteType::Unicast => usable(e.at),
                kind => !kind.carries_packets(),
            });
            let least = usable.clone().map(|e| e.metric).min()?;
            let best = usable.filter(|e| e.metric == least).copied().collect();
            Some((length, best))
        })
    }
}

/// Why an interface leads where only a router can say how to go on.
pub(super) const ADVERTISED: &str = "router advertisements may bring a route";

/// The kernel answers that it can't be reached.
pub(super) fn refuses(kind: RouteType) -> bool {
    matches!(
        kind,
        RouteType::Blackhole | RouteType::Prohibit | RouteType::Unreachable
    )
}

/// The table of an interface's own networks, and of its routes where they
/// name none.
pub(super) fn table_of(topology: &Topology<'_>, at: usize) -> u32 {
    topology.vrf_table(at).unwrap_or(MAIN_TABLE)
}

pub(super) fn network_of(route: &Route) -> IpNet {
    route.to.network().unwrap_or(match route.via {
        Some(IpAddr::V6(_)) => IpNet::V6(Ipv6Net::default()),
        _ => IpNet::V4(Ipv4Net::default()),
    })
}

/// Which interfaces each interface's gateways may be on.
struct Gateways<'t, 'a> {
    topology: &'t Topology<'a>,
    /// Of each VRF, what it holds.
    held: Vec<Vec<usize>>,
}

impl<'t, 'a> Gateways<'t, 'a> {
    fn new(topology: &'t Topology<'a>) -> Self {
        let mut held = vec![Vec::new(); topology.interfaces.len()];
        for at in 0..topology.interfaces.len() {
            if let Some(vrf) = topology.vrf(at) {
                held[vrf].push(at);
            }
        }
        Self { topology, held }
    }

    fn of(&self, at: usize) -> OnLink {
        let mut networks: Prefixes<Option<usize>> = Prefixes::default();
        let places = std::iter::once(at).chain(self.held[at].iter().copied());
        let interfaces = self.topology.interfaces;
        for place in places.clone() {
            let one = &interfaces[place];
            let links = one.routes.iter().filter(|r| r.via.is_none());
            let reached = one.addresses.iter().map(|a| a.address);
            for network in reached.chain(links.map(network_of)) {
                networks.entry(network).get_or_insert(place);
            }
        }
        // A VRF gets nothing at boot but what its members get.
        let coming = |wanted: fn(&Interface) -> bool| {
            let mut places = places
                .clone()
                .filter(|p| *p != at || self.held[at].is_empty());
            places.find(|place| wanted(&interfaces[*place]))
        };
        OnLink {
            at,
            networks,
            ipv4: coming(|one| one.dhcp4.is_some() || one.link_local.ipv4),
            ipv6: coming(|one| one.dhcp6.is_some() || one.accept_ra != Some(false)),
            link_local: coming(|_| true),
        }
    }
}

/// What an interface, or a VRF with all that it holds, reaches without a
/// gateway.
struct OnLink {
    at: usize,
    networks: Prefixes<Option<usize>>,
    /// Of whose networks some are known only at boot.
    ipv4: Option<usize>,
    ipv6: Option<usize>,
    /// Where an IPv6 link-local gateway is.
    link_local: Option<usize>,
}

impl OnLink {
    /// The interface that a route's packets leave by. The kernel lets nobody
    /// set a route by a gateway that is not on a link (`fib_check_nh`,
    /// `ip6_route_check_nh`), then `None`; of networks that come at boot it
    /// may be.
    fn out(&self, route: &Route) -> Option<usize> {
        let Some(via) = route.via.filter(|_| !route.on_link) else {
            return Some(self.at);
        };
        let mut known = self.networks.covering(via);
        let known = known.find_map(|(_, place)| *place);
        known.or_else(|| match via {
            IpAddr::V4(_) => self.ipv4,
            IpAddr::V6(via) if via.is_unicast_link_local() => self.link_local,
            IpAddr::V6(_) => self.ipv6,
        })
    }
}
