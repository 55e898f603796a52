//! `ip=`, `rd.route=` and `nameserver=`.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use nvmeroot_plan::{
    Destination, Dhcp4, Dhcp6, Interface, InterfaceAddress, LinkKind, MacAddress, Match, Mtu,
    Route, Warning,
};

use super::Network;
use super::fields::fields;
use super::option::BootOption;
use crate::known::has_means;

/// What `ip=` says of an interface.
#[derive(Debug, Default)]
struct Ip<'a> {
    client: &'a str,
    peer: &'a str,
    gateway: &'a str,
    mask: &'a str,
    hostname: &'a str,
    interface: &'a str,
    how: &'a str,
    mtu: &'a str,
    mac: String,
    dns: Vec<&'a str>,
}

/// Ways to an address that make the second field of the short form.
const BY_ITSELF: [&str; 7] = ["dhcp", "on", "any", "dhcp6", "auto6", "either6", "link6"];

impl<'a> Ip<'a> {
    /// The three forms (`ip_to_var` in dracut's net-lib.sh).
    fn read(text: &'a str) -> Self {
        let all = fields(text);
        let field = |n: usize| all.get(n).copied().unwrap_or_default();
        // A MAC address has colons of its own.
        let rest = |from: usize| all.get(from..).unwrap_or_default().join(":");
        if let [how] = all.as_slice() {
            return Self {
                how,
                ..Self::default()
            };
        }
        let mut ways = field(1).split(',');
        if !field(1).is_empty() && ways.all(|way| BY_ITSELF.contains(&way)) {
            return Self {
                interface: field(0),
                how: field(1),
                mtu: field(2),
                mac: rest(3),
                ..Self::default()
            };
        }
        let mut ip = Self {
            client: field(0),
            peer: field(1),
            gateway: field(2),
            mask: field(3),
            hostname: field(4),
            interface: field(5),
            how: field(6),
            ..Self::default()
        };
        if field(7).parse::<IpAddr>().is_ok() {
            let servers = all.get(7..9).or_else(|| all.get(7..8));
            ip.dns = servers.unwrap_or_default().to_vec();
            ip.dns.retain(|server| !server.is_empty());
        } else {
            ip.mtu = field(7);
            ip.mac = rest(8);
        }
        ip
    }
}

impl Network<'_, '_> {
    pub(super) fn ip(&mut self, option: &BootOption) {
        let mut ip = Ip::read(&option.value);
        match (ip.how, ip.client) {
            // The kernel's words for nothing to do (nfsroot.rst).
            ("off" | "none" | "", "") => return,
            ("ibft", _) => {
                return self.warn(
                    option,
                    "an iBFT is a table for iSCSI, which nvmeroot does not read",
                );
            }
            // As the kernel has it: who gives an address wants no other.
            ("", _) => ip.how = "none",
            _ if ip.client.is_empty() && ip.how.parse::<IpAddr>().is_ok() => {
                let why = "an address alone does not say enough: `ip=ADDRESS::GATEWAY:PREFIX::INTERFACE:none`";
                return self.warn(option, why);
            }
            _ => {}
        }
        let targets = self.targets(option, &ip);
        for target in targets {
            if let Some(interface) = self.addressed(target, option, &ip) {
                self.put(interface);
            }
        }
    }

    /// The interfaces that are meant, without addresses. Where none is named, dracut asks
    /// on every card; here it is those that other sources know without saying how they
    /// come by an address, and where nothing is known, the first card that there is.
    fn targets(&mut self, option: &BootOption, ip: &Ip<'_>) -> Vec<Interface> {
        if !ip.interface.is_empty() {
            let name = self.interface_name(option, ip.interface);
            let named = name.and_then(|name| self.known.named(&name, &option.place));
            return named.into_iter().collect();
        }
        let mut cards = self.known.free_cards();
        if ip.client.is_empty() {
            let configured: Vec<Interface> = cards.extract_if(.., |one| has_means(one)).collect();
            if cards.is_empty() && !configured.is_empty() {
                let names = names(&configured);
                let why = format!(
                    "it names no interface and changes nothing; already configured: {names}"
                );
                self.warn_unnamed(option, why);
                return Vec::new();
            }
        } else {
            cards.truncate(1);
        }
        if cards.is_empty() && !self.known.is_empty() {
            let why = "it names no interface and changes nothing: every card that is known is a member of something";
            self.warn_unnamed(option, why.to_owned());
            return Vec::new();
        }
        if cards.is_empty() {
            self.warn(
                option,
                "it names no interface: taken for the first card that there is",
            );
            let any = self.known.free_name("any");
            return any
                .map(|(id, name)| Interface {
                    matching: Some(Match {
                        name: Some("*".to_owned()),
                        ..Match::default()
                    }),
                    ..Interface::new(id, name, LinkKind::Ethernet, option.place.clone())
                })
                .into_iter()
                .collect();
        }
        let why = format!("it names no interface: taken for {}", names(&cards));
        self.warn(option, &why);
        let cards = cards.into_iter();
        cards
            .map(|one| one.without_addresses(option.place.clone()))
            .collect()
    }

    fn warn_unnamed(&mut self, option: &BootOption, why: String) {
        let hint = "name the interface, as in `ip=INTERFACE:dhcp`";
        let warning = Warning::at(option.place.clone(), why).with_hint(hint);
        self.warnings.push(warning);
    }

    fn addressed(
        &mut self,
        mut one: Interface,
        option: &BootOption,
        ip: &Ip<'_>,
    ) -> Option<Interface> {
        let mut is_static = false;
        for way in ip.how.split(',') {
            match way {
                "none" | "off" => is_static = true,
                "dhcp" | "on" | "any" | "single-dhcp" => {
                    let client = one.dhcp4.get_or_insert_with(Dhcp4::default);
                    client.hostname = ip.hostname.parse().ok();
                }
                "dhcp6" => one.dhcp6 = Some(Dhcp6::default()),
                "auto6" => one.accept_ra = Some(true),
                "either6" => {
                    one.accept_ra = Some(true);
                    one.dhcp6 = Some(Dhcp6::default());
                }
                "link6" => one.accept_ra = Some(false),
                other => {
                    self.warn(option, &format!("`{other}` is no way to an address"));
                    return None;
                }
            }
        }
        if is_static {
            self.fixed(&mut one, option, ip)?;
        } else if !ip.client.is_empty() {
            // parse-ip-opts.sh of dracut dies here.
            let why = format!(
                "the address `{}` does not count beside `{}`",
                ip.client, ip.how
            );
            self.warn(option, &why);
        }
        if !ip.peer.is_empty() {
            self.warn(
                option,
                "the other end's address does not count: nvmeroot makes no point-to-point links",
            );
        }
        self.link(&mut one, option, ip);
        for server in &ip.dns {
            one.name_servers
                .extend(self.value::<IpAddr>(option, server, "an IP address"));
        }
        Some(one)
    }

    /// An address, its network, and the gateway.
    fn fixed(&mut self, one: &mut Interface, option: &BootOption, ip: &Ip<'_>) -> Option<()> {
        let address: IpAddr = self.value(option, ip.client, "an IP address")?;
        let Some(prefix) = prefix(ip.mask, address) else {
            let why = format!("`{}` is no netmask and no prefix length", ip.mask);
            self.warn(option, &why);
            return None;
        };
        let network = IpNet::new(address, prefix).ok()?;
        one.addresses.push(InterfaceAddress {
            origin: Some(option.place.clone()),
            ..InterfaceAddress::new(network)
        });
        // do_static of dracut's ifup.sh listens to routers beside an IPv6 address.
        one.accept_ra = address.is_ipv6().then_some(true);
        if !ip.gateway.is_empty() {
            let gateway: IpAddr = self.value(option, ip.gateway, "an IP address")?;
            let is_link_local =
                matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local());
            let mut route = Route::new(Destination::Default, option.place.clone());
            route.via = Some(gateway);
            route.on_link = !is_link_local && !network.contains(&gateway);
            one.routes.push(route);
        }
        Some(())
    }

    fn link(&mut self, one: &mut Interface, option: &BootOption, ip: &Ip<'_>) {
        if !ip.mtu.is_empty() {
            let mtu = self.value::<u64>(option, ip.mtu, "an MTU");
            match mtu.map(Mtu::try_from) {
                Some(Ok(mtu)) => one.mtu = Some(mtu),
                Some(Err(e)) => self.warn(option, &e.to_string()),
                None => {}
            }
        }
        if !ip.mac.is_empty() {
            let mac = self.value::<MacAddress>(option, &ip.mac, "a MAC address");
            one.mac = mac.or(one.mac);
        }
    }

    fn value<T: FromStr>(&mut self, option: &BootOption, text: &str, what: &str) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            self.warn(option, &format!("`{text}` is not {what}"));
        }
        value
    }

    /// `rd.route=NETWORK:GATEWAY[:INTERFACE]` (`route_to_var` in dracut's net-lib.sh).
    pub(super) fn route(&mut self, option: &BootOption) {
        let all = fields(&option.value);
        let (to, gateway, name) = match all.as_slice() {
            [to, gateway] => (*to, *gateway, ""),
            [to, gateway, name] => (*to, *gateway, *name),
            _ => {
                let why = "expected a network, a gateway and an interface: `rd.route=NET/PREFIX:GATEWAY:INTERFACE`";
                return self.warn(option, why);
            }
        };
        let Some(to) = self.value::<Destination>(option, to, "a network") else {
            return;
        };
        let mut route = Route::new(to, option.place.clone());
        if !gateway.is_empty() {
            route.via = self.value(option, gateway, "an IP address");
            if route.via.is_none() {
                return;
            }
        }
        let own = if name.is_empty() {
            self.known.next_to(route.via)
        } else {
            let name = self.interface_name(option, name);
            name.and_then(|name| self.known.by_name(&name))
        };
        let Some(mut one) = own.cloned() else {
            let why = "no interface of the command line, the firmware's table or the installed plan leads to this gateway";
            return self.warn(option, why);
        };
        one.routes.push(route);
        self.put(one);
    }

    /// `nameserver=ADDRESS`: known to each interface that the line gives addresses, else to
    /// those that have some.
    pub(super) fn name_server(&mut self, option: &BootOption) {
        let Some(server) = self.value::<IpAddr>(option, &option.value, "an IP address") else {
            return;
        };
        let own = self.found.iter().filter(|one| has_means(one));
        let mut asked: Vec<Interface> = own.cloned().collect();
        if asked.is_empty() {
            asked.extend(self.known.configured().cloned());
        }
        if asked.is_empty() {
            let why = "no interface is known over which it could be asked";
            self.warn(option, why);
        }
        for mut one in asked {
            if !one.name_servers.contains(&server) {
                one.name_servers.push(server);
                self.put(one);
            }
        }
    }
}

fn names(all: &[Interface]) -> String {
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    format!("`{}`", names.join("`, `"))
}

/// The length of a netmask, or a length; without either an IPv6 address stands alone, and
/// an IPv4 address is none (dracut calculates no netmask).
fn prefix(mask: &str, address: IpAddr) -> Option<u8> {
    if mask.is_empty() {
        return address.is_ipv6().then_some(128);
    }
    if let Ok(IpAddr::V4(mask)) = mask.parse() {
        let mask = ipnet::ipv4_mask_to_prefix(mask).ok();
        return mask.filter(|_| address.is_ipv4());
    }
    mask.parse().ok()
}
