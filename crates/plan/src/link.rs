//! Interfaces of every kind.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::json::is_default;
use crate::string_enum::string_enum;
use crate::{
    Bond, Bridge, BridgePort, ConnectionId, DefinitionId, Dhcp4, Dhcp6, InterfaceAddress,
    InterfaceDiagnostic, InterfaceName, Ipv6AddressGeneration, Ipv6Mtu, Ipv6Token, LinkLocal,
    MacAddress, Mtu, NetworkFile, Offloads, Origin, Route, Rule, VlanId, matches_glob,
};

/// One interface: which card or virtual link it is, and what it carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The id under which netplan defines it; other definitions refer to it
    /// by this.
    pub id: DefinitionId,
    /// Its name in the running system, as far as the input says it: `set-name`
    /// if there is one, else the id.
    pub name: InterfaceName,
    /// Kind, with what only that kind has.
    #[serde(flatten)]
    pub kind: LinkKind,
    /// Which card it is; `None`: the one with that name.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
    /// The card is renamed to [`Interface::name`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub set_name: bool,
    /// MAC address to set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// MTU to set, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Mtu>,
    /// Addresses, in declared order.
    #[serde(flatten, with = "crate::address::list")]
    pub addresses: Vec<InterfaceAddress>,
    /// DHCPv4 is asked for an address, by this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp4: Option<Dhcp4>,
    /// DHCPv6 is asked for an address, by this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp6: Option<Dhcp6>,
    /// Router advertisements are accepted; `None` leaves it to the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_ra: Option<bool>,
    /// The table that the running system puts the routes into which routers
    /// announce; `None` is the main table (254), or the VRF's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_table: Option<u32>,
    /// Metric of the routes that routers announce; `None`: the default of whoever
    /// sets them. The plan's rules have the last word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_metric: Option<u32>,
    /// IPv6's own MTU, bytes; at most [`Interface::mtu`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_mtu: Option<Ipv6Mtu>,
    /// Temporary IPv6 addresses are made and preferred.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ipv6_privacy: bool,
    /// What addresses from router advertisements are made of; `None` is
    /// networkd's default, [`Ipv6AddressGeneration::Eui64`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_address_generation: Option<Ipv6AddressGeneration>,
    /// The lower half of addresses from router advertisements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_address_token: Option<Ipv6Token>,
    /// Its link-local addresses. A member of a bond or a bridge has none,
    /// whatever is said here.
    #[serde(default, skip_serializing_if = "is_default")]
    pub link_local: LinkLocal,
    /// The routing table of its networks, and of what DHCP and routers bring:
    /// that of the VRF which it is or which holds it; `None` is the main table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// Routes, in declared order.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Routing rules, in declared order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Name servers that are asked over it, as far as the firmware's table or the kernel
    /// command line says them: those of its own configuration the running system knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name_servers: Vec<IpAddr>,
    /// Who brings it up; `None`: it comes up by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_mode: Option<ActivationMode>,
    /// What the card does in the kernel's stead.
    #[serde(default, skip_serializing_if = "Offloads::is_empty")]
    pub offloads: Offloads,
    /// What it is as a port of a bridge, as far as it says so itself: costs
    /// and priorities are the bridge's to say.
    #[serde(default, skip_serializing_if = "BridgePort::is_empty")]
    pub bridge_port: BridgePort,
    /// The profile by which NetworkManager keeps it in the running system, where the
    /// input hands it to NetworkManager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// The running system has it by its manager's own files, or by nobody's, and not by
    /// netplan's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub native: bool,
    /// The name of the `.network` file of systemd-networkd's own by which the running
    /// system has it, where that is for this link alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networkd_file: Option<NetworkFile>,
    /// What the input says and nobody carries out; in a plan it is judged, and
    /// none is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<InterfaceDiagnostic>,
    /// Where it is defined.
    pub origin: Origin,
}

impl Interface {
    /// An interface with nothing said of it but its id.
    pub fn new(id: DefinitionId, name: InterfaceName, kind: LinkKind, origin: Origin) -> Self {
        Self {
            id,
            name,
            kind,
            matching: None,
            set_name: false,
            mac: None,
            mtu: None,
            addresses: Vec::new(),
            dhcp4: None,
            dhcp6: None,
            accept_ra: None,
            ra_table: None,
            ra_metric: None,
            ipv6_mtu: None,
            ipv6_privacy: false,
            ipv6_address_generation: None,
            ipv6_address_token: None,
            link_local: LinkLocal::default(),
            table: None,
            routes: Vec::new(),
            rules: Vec::new(),
            name_servers: Vec::new(),
            activation_mode: None,
            offloads: Offloads::default(),
            bridge_port: BridgePort::default(),
            connection: None,
            native: false,
            networkd_file: None,
            diagnostics: Vec::new(),
            origin,
        }
    }

    /// The same link, and nothing said of its addresses and routes: a stronger source
    /// says all of these.
    #[must_use]
    pub fn without_addresses(self, origin: Origin) -> Self {
        Self {
            matching: self.matching,
            set_name: self.set_name,
            mac: self.mac,
            mtu: self.mtu,
            activation_mode: self.activation_mode,
            offloads: self.offloads,
            bridge_port: self.bridge_port,
            connection: self.connection,
            native: self.native,
            networkd_file: self.networkd_file,
            diagnostics: self.diagnostics,
            ..Self::new(self.id, self.name, self.kind, origin)
        }
    }

    /// Both say the same, wherever they say it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let nowhere = |one: &Self| {
            let mut one = one.clone();
            one.origin = Origin::whole("");
            one.addresses.iter_mut().for_each(|a| a.origin = None);
            let routes = one.routes.iter_mut().map(|route| &mut route.origin);
            let rules = one.rules.iter_mut().map(|rule| &mut rule.origin);
            routes
                .chain(rules)
                .for_each(|origin| *origin = Origin::whole(""));
            one
        };
        nowhere(self) == nowhere(other)
    }

    /// It has all addresses and routes that `other` has, and comes by more as that does.
    pub fn keeps(&self, other: &Self) -> bool {
        let mut addresses = other.addresses.iter();
        let has = |one: &InterfaceAddress| self.addresses.iter().any(|a| a.address == one.address);
        let mut routes = other.routes.iter();
        let leads = |one: &Route| self.routes.iter().any(|own| own.leads_as(one));
        addresses.all(has)
            && routes.all(leads)
            && (other.dhcp4.is_none() || self.dhcp4.is_some())
            && (other.dhcp6.is_none() || self.dhcp6.is_some())
            && (other.accept_ra != Some(true) || self.accept_ra == Some(true))
    }

    /// It asks for a lease.
    pub fn asks_dhcp(&self) -> bool {
        self.dhcp4.is_some() || self.dhcp6.is_some()
    }

    /// Routers are listened to. DHCPv6 gives addresses without a prefix: that comes from
    /// them.
    pub fn listens_to_routers(&self) -> bool {
        self.accept_ra == Some(true) || self.dhcp6.is_some()
    }

    /// It means this card, as far as the card is known.
    pub fn means(&self, card: CardFacts<'_>) -> bool {
        match &self.matching {
            Some(wanted) => wanted.fits(card, self.set_name.then_some(&self.name)),
            None => card.name == self.name.as_str(),
        }
    }
}

/// What a card is known by.
#[derive(Clone, Copy, Debug)]
pub struct CardFacts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its permanent MAC address.
    pub mac: Option<MacAddress>,
    /// The name of its driver.
    pub driver: Option<&'a str>,
}

/// What kind of link an interface is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum LinkKind {
    /// A network card.
    Ethernet,
    /// An IEEE 802.1Q VLAN on another interface.
    Vlan {
        /// Its parameters.
        vlan: Vlan,
    },
    /// Several interfaces as one.
    Bond {
        /// Its parameters.
        bond: Bond,
    },
    /// A switch in software.
    Bridge {
        /// Its parameters.
        bridge: Bridge,
    },
    /// A routing domain of its own.
    Vrf {
        /// Its parameters.
        vrf: Vrf,
    },
    /// A link to nowhere that can carry addresses.
    Dummy(Dummy),
    /// A link of a kind that only the running system can bring up.
    Foreign {
        /// The source's own word for the kind (`wifis`, `tunnels`, …).
        section: String,
    },
}

impl LinkKind {
    /// The kernel module that makes such links; a card brings its own.
    pub fn module(&self) -> Option<&'static str> {
        Some(match self.word()? {
            "vlan" => "8021q",
            "bond" => "bonding",
            word => word,
        })
    }

    /// The kernel's word for a virtual link (`IFLA_INFO_KIND`), which networkd and
    /// NetworkManager use too.
    pub const fn word(&self) -> Option<&'static str> {
        match self {
            Self::Ethernet | Self::Foreign { .. } => None,
            Self::Vlan { .. } => Some("vlan"),
            Self::Bond { .. } => Some("bond"),
            Self::Bridge { .. } => Some("bridge"),
            Self::Vrf { .. } => Some("vrf"),
            Self::Dummy(_) => Some("dummy"),
        }
    }

    /// The interfaces that it stands on or holds, by id.
    pub fn parents(&self) -> &[DefinitionId] {
        match self {
            Self::Ethernet | Self::Dummy(_) | Self::Foreign { .. } => &[],
            Self::Vlan { vlan } => std::slice::from_ref(&vlan.link),
            Self::Bond { bond } => &bond.members,
            Self::Bridge { bridge } => &bridge.members,
            Self::Vrf { vrf } => &vrf.members,
        }
    }
}

string_enum! {
    /// Who brings an interface up, where it does not come up by itself. The
    /// numbers mean nothing to the kernel.
    ActivationMode, "activation mode" {
        /// The administrator: the running system leaves it up or down, as it
        /// finds it.
        Manual = 0 "manual",
        /// Nobody: the running system takes it down.
        Off = 1 "off",
    }
}

/// Which card an interface is; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Shell pattern of the kernel's or udev's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The permanent MAC address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macaddress: Option<MacAddress>,
    /// Shell patterns of the driver's name, any of which may hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub driver: Vec<String>,
}

impl Match {
    /// All that is given holds for the card; nothing given is no card. `renamed`: the name
    /// that the card is to get, and may have already.
    pub fn fits(&self, card: CardFacts<'_>, renamed: Option<&InterfaceName>) -> bool {
        if *self == Self::default() {
            return false;
        }
        let name = self.name.as_ref().is_none_or(|pattern| {
            matches_glob(pattern, card.name) || renamed.is_some_and(|to| to.as_str() == card.name)
        });
        let mac = self.macaddress.is_none_or(|mac| card.mac == Some(mac));
        let is_driver = |driver: &str| {
            let mut patterns = self.driver.iter();
            patterns.any(|pattern| matches_glob(pattern, driver))
        };
        name && mac && (self.driver.is_empty() || card.driver.is_some_and(is_driver))
    }
}

/// A VLAN's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vlan {
    /// The VLAN id.
    pub id: VlanId,
    /// The interface that carries it.
    pub link: DefinitionId,
}

/// A VRF's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vrf {
    /// Its routing table.
    pub table: u32,
    /// The interfaces that it holds, by id, in declared order.
    pub members: Vec<DefinitionId>,
}

/// A dummy device has no parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dummy {}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{InterfaceAddress, RouteType, testing};

    /// The key's value in the interface's JSON form, from which it can be read back.
    fn written(key: &str, change: impl FnOnce(&mut Interface)) -> Value {
        let mut one = testing::card("e0")
            .with_address("10.0.0.2/24")
            .with_route("default", "10.0.0.1");
        change(&mut one);
        let value = serde_json::to_value(&one).expect("JSON");
        let read: Interface = serde_json::from_value(value.clone()).expect("an interface");
        assert_eq!(read, one);
        value[key].clone()
    }

    #[test]
    fn who_says_something_is_not_what_it_says() {
        let place = || Origin::whole("NBFT");
        let installed = testing::card("e0")
            .with_address("10.0.0.2/24")
            .with_route("default", "10.0.0.1");
        let mut now = installed.clone();
        now.origin = place();
        now.addresses[0].origin = Some(place());
        now.routes[0].origin = place();
        assert!(now.says_the_same(&installed) && now != installed);
        let more = now.clone().with_address("10.9.0.2/24");
        assert!(!more.says_the_same(&installed) && more.keeps(&installed));
        assert!(!installed.keeps(&more));
        for change in [
            |one: &mut Interface| one.routes.clear(),
            |one: &mut Interface| one.addresses.clear(),
        ] {
            let mut less = now.clone();
            change(&mut less);
            assert!(!less.keeps(&installed) && installed.keeps(&less));
        }
        for change in [
            |one: &mut Interface| one.dhcp4 = Some(Dhcp4::default()),
            |one: &mut Interface| one.dhcp6 = Some(Dhcp6::default()),
            |one: &mut Interface| one.accept_ra = Some(true),
        ] {
            let mut asking = installed.clone();
            change(&mut asking);
            assert!(!now.keeps(&asking) && asking.keeps(&now));
        }
    }

    #[test]
    fn a_card_is_meant_where_all_that_is_given_holds() {
        let ours: MacAddress = "02:00:00:00:00:01".parse().expect("an address");
        let other = "02:00:00:00:00:02".parse().expect("an address");
        let card = CardFacts {
            name: "enp1s0",
            mac: Some(ours),
            driver: Some("virtio_net"),
        };
        let by = |name: Option<&str>, macaddress, driver: &[&str]| Match {
            name: name.map(str::to_owned),
            macaddress,
            driver: driver.iter().map(|one| (*one).to_owned()).collect(),
        };
        for fits in [
            by(Some("enp*"), None, &[]),
            by(None, Some(ours), &[]),
            by(None, None, &["e1000", "virtio*"]),
            by(Some("enp1s0"), Some(ours), &["virtio_net"]),
        ] {
            assert!(fits.fits(card, None), "{fits:?}");
        }
        for misfits in [
            Match::default(),
            by(Some("eth*"), Some(ours), &["virtio_net"]),
            by(Some("enp1s0"), Some(other), &["virtio_net"]),
            by(Some("enp1s0"), Some(ours), &["e1000"]),
        ] {
            assert!(!misfits.fits(card, None), "{misfits:?}");
        }
        let mut lan = testing::card("lan0");
        assert!(!lan.means(card) && testing::card("enp1s0").means(card));
        lan.matching = Some(by(Some("eth0"), None, &[]));
        assert!(!lan.means(card));
        let renamed = CardFacts {
            name: "lan0",
            ..card
        };
        assert!(!lan.means(renamed), "it is not to get that name");
        lan.set_name = true;
        assert!(lan.means(renamed) && !lan.means(card));
    }

    #[test]
    fn who_gives_an_address_is_asked_or_listened_to() {
        let card = || testing::card("e0");
        let asks = |one: &Interface| (one.asks_dhcp(), one.listens_to_routers());
        assert_eq!(asks(&card()), (false, false));
        let mut one = card();
        one.dhcp4 = Some(Dhcp4::default());
        assert_eq!(asks(&one), (true, false));
        let mut one = card();
        one.dhcp6 = Some(Dhcp6::default());
        assert_eq!(asks(&one), (true, true));
        for (accepts, listens) in [(true, true), (false, false)] {
            let mut one = card();
            one.accept_ra = Some(accepts);
            assert_eq!(asks(&one), (false, listens));
        }
    }

    #[test]
    fn the_link_stays_as_it_is_when_another_source_says_its_addresses() {
        let place = || Origin::whole("NBFT");
        let link = Interface {
            matching: Some(Match {
                name: Some("en*".to_owned()),
                ..Match::default()
            }),
            set_name: true,
            mac: Some("02:00:00:00:00:01".parse().expect("an address")),
            mtu: Some(9000_u64.try_into().expect("an MTU")),
            activation_mode: Some(ActivationMode::Manual),
            offloads: Offloads {
                tcp_segmentation: Some(true),
                ..Offloads::default()
            },
            bridge_port: BridgePort {
                hairpin: Some(true),
                ..BridgePort::default()
            },
            connection: Some(ConnectionId::of(&"e0".parse().expect("an id"))),
            native: true,
            networkd_file: Some("e0.network".parse().expect("a file's name")),
            diagnostics: vec![InterfaceDiagnostic {
                severity: crate::Severity::Note,
                warning: crate::Warning::general("a word"),
            }],
            ..Interface::new(
                "e0".parse().expect("an id"),
                "e0".parse().expect("a name"),
                LinkKind::Ethernet,
                place(),
            )
        };
        let mut addressed = link
            .clone()
            .with_address("10.0.0.2/24")
            .with_route("default", "10.0.0.1");
        addressed.origin = Origin::whole("netplan");
        addressed.dhcp4 = Some(Dhcp4::default());
        assert_eq!(addressed.without_addresses(place()), link);
    }

    #[test]
    fn an_interface_of_which_nothing_is_said_has_a_short_json_form() {
        let value = serde_json::to_value(testing::card("e0")).expect("JSON");
        let origin = json!({ "file": "test.yaml", "line": 9, "column": 1 });
        let expected = json!({
            "id": "e0", "name": "e0", "kind": "ethernet",
            "addresses": [], "routes": [], "origin": origin,
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn the_json_form_has_what_is_said_and_not_what_is_usual() {
        let dhcp4 = |change: fn(&mut Dhcp4)| {
            written("dhcp4", |one| {
                change(one.dhcp4.get_or_insert(Dhcp4::default()));
            })
        };
        assert_eq!(dhcp4(|_| ()), json!({}));
        assert_eq!(dhcp4(|c| c.route_metric = 7), json!({ "route_metric": 7 }));
        assert_eq!(dhcp4(|c| c.use_mtu = false), json!({ "use_mtu": false }));
        assert_eq!(
            dhcp4(|c| c.use_domains = true),
            json!({ "use_domains": true })
        );

        let link_local = |ipv4, ipv6| {
            written("link_local", |one| {
                one.link_local = LinkLocal { ipv4, ipv6 }
            })
        };
        assert_eq!(link_local(false, true), Value::Null);
        assert_eq!(
            link_local(true, true),
            json!({ "ipv4": true, "ipv6": true })
        );
        assert_eq!(
            link_local(false, false),
            json!({ "ipv4": false, "ipv6": false })
        );

        let port = written("bridge_port", |one| one.bridge_port.hairpin = Some(false));
        assert_eq!(port, json!({ "hairpin": false }));
        let card = written("offloads", |one| one.offloads.tcp_segmentation = Some(true));
        assert_eq!(card, json!({ "tcp_segmentation": true }));

        let route = |kind| {
            let routes = written("routes", |one| one.routes[0].kind = kind);
            routes[0]["type"].clone()
        };
        assert_eq!(route(RouteType::Unicast), Value::Null);
        assert_eq!(route(RouteType::Throw), "throw");
    }

    #[test]
    fn what_is_said_of_an_address_stands_beside_the_list() {
        let options = |change: fn(&mut InterfaceAddress)| {
            written("address_options", |one| change(&mut one.addresses[0]))
        };
        assert_eq!(options(|_| ()), Value::Null);
        assert_eq!(
            options(|a| a.label = Some("e0:x".to_owned())),
            json!([{ "index": 0, "label": "e0:x" }])
        );
        assert_eq!(
            options(|a| a.deprecated = true),
            json!([{ "index": 0, "deprecated": true }])
        );
    }

    #[test]
    fn each_kind_has_the_kernel_s_module() {
        let section = "wifis".to_owned();
        let kinds = [
            testing::card("a"),
            testing::vlan("a", 7, "b"),
            testing::bond("a", &[]),
            testing::bridge("a", &[]),
            testing::vrf("a", 7, &[]),
            testing::of_kind("a", LinkKind::Dummy(Dummy {})),
            testing::of_kind("a", LinkKind::Foreign { section }),
        ];
        let modules = kinds.map(|one| one.kind.module().unwrap_or("none"));
        assert_eq!(
            modules,
            ["none", "8021q", "bonding", "bridge", "vrf", "dummy", "none"]
        );
    }
}
