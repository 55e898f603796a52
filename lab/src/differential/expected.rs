//! The differences that remain, each with its reason.

use super::facts::Difference;
use super::glob::matches;

/// A difference that is expected. In all texts `*` is any text; a value `-` is
/// that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The configurations.
    pub configurations: &'static [&'static str],
    /// The places.
    pub place: &'static str,
    /// What systemd-networkd's machine says.
    pub networkd: &'static str,
    /// What the agent's machine says.
    pub agent: &'static str,
    /// Why that is so, and right.
    pub reason: &'static str,
    /// A race decides: that it does not occur is no news.
    pub sometimes: bool,
}

const LEASED: &str = "a leased address has no end in the initramfs: root must not go with it before the running system renews it";
const KERNEL: &str = "in the initramfs the kernel takes up router advertisements, in the running system systemd-networkd does it by itself";
const LINK_LOCAL: &str = "systemd-networkd's choice of an IPv4 link-local address is made of udev's properties of the card, the agent's of its MAC address; each sees first that nobody has it";
const STABLE: &str = "the agent has a secret of its own and has the kernel make all addresses of it; netplan 1.1 asks systemd-networkd for advertised ones only";
const VRF: &str = "netplan's route has the VRF for its device and the gateway on that; the agent's leaves by the member in whose network the gateway is";
const MEMBER_MTU: &str = "a bond gives its own MTU to a member; the agent gives the member the one that was asked for again";
const SMALL: &str = "systemd-networkd raises the MTU for the sake of IPv6; the agent does what was asked for, and the kernel takes IPv6 off the link";

const IDENTITY: &str = "to DHCP servers root's interfaces are known by their MAC address, which the hand-off tells the running system; here netplan's own files are generated, without the hand-off";
const REFUSED: &str = "where nothing that root needs comes by router advertisements, the initramfs takes none: routes that the kernel made of one would stay beside the running system's own";
const BY_DUID: &[&str] = &["dhcp6", "dhcp6-beside", "dhcp6-metric"];

const ADVERTISED: &[&str] = &["advertised*", "dhcp6*", "dhcp-both", "privacy", "token"];
const STABLE_ONES: &[&str] = &["generation-stable", "advertised-stable"];

const IPV6_MTU: &str = "the kernel gives IPv6 the link's MTU again when the carrier comes; systemd-networkd set another before that and loses it, the agent sets it again";
const MAIN_TABLE: &str = "the kernel puts what routers advertise into the main table, and `nvmeroot plan` says so; the running system moves it";
const BALANCED: &[&str] = &["bond-tlb", "bond-alb"];
const EXCHANGE: &str = "in these modes the kernel exchanges its members' MAC addresses as one or the other comes first";

/// All of them.
pub const EXPECTED: &[Expected] = &[
    difference(&["dhcp4-mac"], "address ens3 10.77.0.*", "*", "-", IDENTITY),
    difference(&["dhcp4-mac"], "address ens3 10.77.0.*", "-", "*", IDENTITY),
    difference(
        &["dhcp4-mac"],
        "route4 *: prefsrc",
        "10.77.0.*",
        "10.77.0.*",
        IDENTITY,
    ),
    difference(
        BY_DUID,
        "address ens5 fd77:2::1*/128: *",
        "*",
        "-",
        IDENTITY,
    ),
    difference(
        BY_DUID,
        "address ens5 fd77:2::1*/128: *",
        "-",
        "*",
        IDENTITY,
    ),
    difference(
        &["advertised-by-default"],
        "address ens4 fd77:1::5054*",
        "*",
        "-",
        REFUSED,
    ),
    difference(
        &["advertised-by-default"],
        "route6 default gateway fe80:* dev ens4: *",
        "*",
        "-",
        REFUSED,
    ),
    difference(&["*dhcp*"], "address *: dynamic", "true", "-", LEASED),
    difference(
        &["*dhcp*"],
        "address *_life_time",
        "some time",
        "for ever",
        LEASED,
    ),
    difference(ADVERTISED, "address *: noprefixroute", "true", "-", KERNEL),
    difference(ADVERTISED, "address *: protocol", "-", "kernel_ra", KERNEL),
    difference(
        ADVERTISED,
        "route6 fd77:*/64 dev ens*: metric",
        "*",
        "256",
        KERNEL,
    ),
    difference(
        ADVERTISED,
        "route6 fd77:*/64 dev ens*: protocol",
        "ra",
        "kernel",
        KERNEL,
    ),
    difference(
        ADVERTISED,
        "route6 default *: metrics.0.hoplimit",
        "-",
        "64",
        KERNEL,
    ),
    difference(
        &["advertised-table"],
        "route6 fd77:1::/64 dev ens4: *",
        "-",
        "*",
        MAIN_TABLE,
    ),
    difference(
        &["advertised-table"],
        "route6 fd77:1::/64 table 200 dev ens4: *",
        "*",
        "-",
        MAIN_TABLE,
    ),
    difference(
        &["advertised-table"],
        "route6 default * dev ens4: *",
        "-",
        "*",
        MAIN_TABLE,
    ),
    difference(
        &["advertised-table"],
        "route6 default table 200 *",
        "*",
        "-",
        MAIN_TABLE,
    ),
    difference(
        &["advertised-by-default", "dhcp6-beside"],
        "route6 fd77:*/64 dev ens* #2: *",
        "*",
        "-",
        "systemd-networkd sets the advertised prefix's route beside the address's own",
    ),
    difference(
        &["link-local4"],
        "address ens3 169.254.*",
        "*",
        "-",
        LINK_LOCAL,
    ),
    difference(
        &["link-local4"],
        "address ens3 169.254.*",
        "-",
        "*",
        LINK_LOCAL,
    ),
    difference(
        &["link-local4"],
        "route4 169.254.0.0/16 dev ens3: prefsrc",
        "169.254.*",
        "169.254.*",
        LINK_LOCAL,
    ),
    difference(
        STABLE_ONES,
        "address ens* *(stable-privacy)/64: *",
        "-",
        "*",
        STABLE,
    ),
    difference(STABLE_ONES, "address ens* f*/64: *", "*", "-", STABLE),
    difference(
        STABLE_ONES,
        "link ens*: inet6_addr_gen_mode",
        "eui64",
        "stable_secret",
        STABLE,
    ),
    difference(
        &["bond-*", "*-on-bond"],
        "link ens*: inet6_addr_gen_mode",
        "none",
        "eui64",
        "the kernel makes no IPv6 addresses on a bond's member, whatever its mode",
    ),
    difference(
        &["vrf*"],
        "link blue: inet6_addr_gen_mode",
        "none",
        "eui64",
        "a VRF has no link-local address, whatever its mode",
    ),
    difference(
        &["vrf"],
        "route4 default table 1000 gateway 10.77.0.1 dev blue: *",
        "*",
        "-",
        VRF,
    ),
    difference(
        &["vrf"],
        "route4 default table 1000 gateway 10.77.0.1 dev ens3: *",
        "-",
        "*",
        VRF,
    ),
    difference(
        &["vrf"],
        "rule4 src 10.77.0.50 table 1000: priority",
        "32765",
        "999",
        "the kernel chooses the priority of a rule without one by the rules that it has at that moment, and the VRFs' own comes with the first VRF",
    ),
    difference(
        &["bond-tlb"],
        "link bond0: linkinfo.info_data.lp_interval",
        "1",
        "5",
        "systemd-networkd 257 does not pass `learn-packet-interval` on",
    ),
    difference(
        &["bond-members-mtu"],
        "link ens*: mtu",
        "1500",
        "9000",
        MEMBER_MTU,
    ),
    difference(
        &["bond-members-mtu"],
        "sysctl ens*: ipv6.mtu",
        "1500",
        "9000",
        MEMBER_MTU,
    ),
    difference(&["mtu-small"], "link ens3: mtu", "1280", "1200", SMALL),
    difference(
        &["mtu-small"],
        "link ens3: inet6_addr_gen_mode",
        "eui64",
        "-",
        SMALL,
    ),
    difference(&["mtu-small"], "address ens3 fe80:*", "*", "-", SMALL),
    difference(
        &["mtu-small"],
        "route6 fe80::/64 dev ens3: *",
        "*",
        "-",
        SMALL,
    ),
    difference(&["mtu-small"], "sysctl ens3: ipv6.*", "*", "-", SMALL),
    by_chance(
        &["mtu-ipv6"],
        "sysctl ens3: ipv6.mtu",
        "9000",
        "4000",
        IPV6_MTU,
    ),
    by_chance(BALANCED, "link ens*: address", "*", "*", EXCHANGE),
    by_chance(BALANCED, "link ens*: permaddr", "-", "*", EXCHANGE),
    by_chance(BALANCED, "link ens*: permaddr", "*", "-", EXCHANGE),
];

const fn difference(
    configurations: &'static [&'static str],
    place: &'static str,
    networkd: &'static str,
    agent: &'static str,
    reason: &'static str,
) -> Expected {
    Expected {
        configurations,
        place,
        networkd,
        agent,
        reason,
        sometimes: false,
    }
}

const fn by_chance(
    configurations: &'static [&'static str],
    place: &'static str,
    networkd: &'static str,
    agent: &'static str,
    reason: &'static str,
) -> Expected {
    Expected {
        sometimes: true,
        ..difference(configurations, place, networkd, agent, reason)
    }
}

impl Expected {
    /// Whether it is about that one.
    pub(super) fn is_about(&self, configuration: &str) -> bool {
        let mut names = self.configurations.iter();
        names.any(|pattern| matches(pattern, configuration))
    }

    /// Whether this is that difference.
    pub(super) fn covers(&self, configuration: &str, difference: &Difference) -> bool {
        let fits = |pattern: &str, value: &Option<String>| match value {
            Some(value) => pattern != "-" && matches(pattern, value),
            None => pattern == "-",
        };
        self.is_about(configuration)
            && matches(self.place, &difference.place)
            && fits(self.networkd, &difference.networkd)
            && fits(self.agent, &difference.agent)
    }
}
