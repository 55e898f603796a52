//! `.network` files: what an interface carries, and what stands on it.

use nvmeroot_plan::Origin;

use super::address;
use super::file::{File, Wanted, bytes, is_true};
use crate::native::ini::{Entry, boolean};
use crate::native::{Family, Link, Network, Word, bridge_port, ip};

/// The metric of the routes that DHCP brings (systemd.network(5), `RouteMetric=`).
const DHCP_METRIC: &str = "1024";

/// What makes no difference to who reaches the storage.
const IGNORED: [&str; 28] = [
    "Description",
    "DNS",
    "Domains",
    "DNSDefaultRoute",
    "DNSSEC",
    "DNSOverTLS",
    "DNSSECNegativeTrustAnchors",
    "NTP",
    "LLMNR",
    "MulticastDNS",
    "LLDP",
    "EmitLLDP",
    "KeepConfiguration",
    "ConfigureWithoutCarrier",
    "IgnoreCarrierLoss",
    "BindCarrier",
    "IPv6DuplicateAddressDetection",
    "RequiredForOnline",
    "RequiredFamilyForOnline",
    "Unmanaged",
    "IPv6LinkLocalAddressGenerationMode",
    "DHCPServer",
    "IPForward",
    "IPMasquerade",
    "IPv4Forwarding",
    "IPv6Forwarding",
    "IPv6SendRA",
    "Multicast",
];

/// Of `[DHCPv6]` likewise.
const IGNORED6: [&str; 15] = [
    "Hostname",
    "MUDURL",
    "NFTSet",
    "NetLabel",
    "PrefixDelegationHint",
    "RapidCommit",
    "SendHostname",
    "SendRelease",
    "UseCaptivePortal",
    "UseDNR",
    "UseDNS",
    "UseDelegatedPrefix",
    "UseDomains",
    "UseHostname",
    "UseNTP",
];

/// Of `[Bridge]`, which is about a bridge's port, likewise.
const IGNORED_OF_PORT: [&str; 6] = [
    "FastLeave",
    "MulticastFlood",
    "MulticastRouter",
    "MulticastToUnicast",
    "ProxyARP",
    "ProxyARPWiFi",
];

/// The sections that are read, and those that make no difference to who reaches the
/// storage: what is announced to others.
const SECTIONS: [&str; 21] = [
    "Match",
    "Link",
    "Network",
    "Address",
    "Route",
    "RoutingPolicyRule",
    "DHCP",
    "DHCPv4",
    "DHCPv6",
    "IPv6AcceptRA",
    "Bridge",
    "DHCPServer",
    "DHCPServerStaticLease",
    "IPv6AddressLabel",
    "IPv6PREF64Prefix",
    "IPv6Prefix",
    "IPv6PrefixDelegation",
    "IPv6RoutePrefix",
    "IPv6SendRA",
    "LLDP",
    "MobileNetwork",
];

pub(super) fn read(network: &mut Network, name: &str, file: &File, wanted: &Wanted) {
    let origin = file.origin();
    let own = wanted.is_for_one().then(|| file.name.parse());
    network.link(name, &origin).networkd_file = own.and_then(Result::ok);
    for entry in file.entries("Network") {
        stands_on(network, name, entry);
    }
    let link = network.link(name, &origin);
    for entry in file.entries("Link") {
        of_link(link, entry);
    }
    address::read(link, file);
    let mut asks = (false, false);
    for entry in file.entries("Network") {
        of_network(link, entry, &mut asks);
    }
    clients(link, file, asks, &origin);
    for section in &file.sections {
        match section.name.as_str() {
            "BridgeVLAN" => {
                let message = "`[BridgeVLAN]` is not carried out in the initramfs";
                link.refuse(&section.origin, message);
            }
            // systemd leaves the latter aside.
            name if SECTIONS.contains(&name) || name.starts_with("X-") => {}
            name => link.not_carried_out(&format!("[{name}]"), &section.origin),
        }
    }
    let bridge = file.get("Network", "Bridge");
    for entry in file.entries("Bridge") {
        of_port(network, bridge, name, entry);
    }
}

/// What a bridge's port is told.
fn of_port(network: &mut Network, bridge: Option<&str>, port: &str, entry: &Entry) {
    let Entry { key, value, origin } = entry;
    let link = network.link(port, origin);
    let (bridge, name) = match (key.as_str(), bridge) {
        ("HairPin", _) => return link.plain("hairpin", origin, is_true(value)),
        ("Learning", _) => return link.plain("port-mac-learning", origin, is_true(value)),
        ("NeighborSuppression", _) => return link.plain("neigh-suppress", origin, is_true(value)),
        ("Cost", Some(bridge)) => (bridge, "path-cost"),
        ("Priority", Some(bridge)) => (bridge, "port-priority"),
        (key, _) if IGNORED_OF_PORT.contains(&key) => return,
        (key, _) => return link.not_carried_out(key, origin),
    };
    bridge_port(
        network.link(bridge, origin),
        name,
        (port, key, value),
        origin,
    );
}

fn stands_on(network: &mut Network, name: &str, entry: &Entry) {
    let origin = &entry.origin;
    match entry.key.as_str() {
        "VLAN" => {
            for vlan in entry.value.split_whitespace() {
                let link = network.link(vlan, origin);
                link.become_a("vlans");
                link.text("link", origin, name);
            }
        }
        "Bond" => network.hold(&entry.value, "bonds", name, origin),
        "Bridge" => network.hold(&entry.value, "bridges", name, origin),
        "VRF" => network.hold(&entry.value, "vrfs", name, origin),
        "PrimarySlave" if is_true(&entry.value) => {
            // The bond is named beside it; which one is known when all is read.
            let link = network.link(name, origin);
            link.not_carried_out("PrimarySlave", origin);
        }
        _ => {}
    }
}

fn of_link(link: &mut Link, entry: &Entry) {
    let (value, origin) = (entry.value.as_str(), &entry.origin);
    match entry.key.as_str() {
        "MTUBytes" => link.mtu(origin, bytes(value)),
        "MACAddress" => link.mac(origin, value),
        "ActivationPolicy" => match value {
            "up" | "always-up" | "bound" => {}
            "manual" => link.plain("activation-mode", origin, "manual"),
            "down" | "always-down" => link.plain("activation-mode", origin, "off"),
            _ => link.misfit(&entry.key, origin),
        },
        key if IGNORED.contains(&key) => {}
        key => link.not_carried_out(key, origin),
    }
}

fn of_network(link: &mut Link, entry: &Entry, asks: &mut (bool, bool)) {
    let (value, origin) = (entry.value.as_str(), &entry.origin);
    match entry.key.as_str() {
        "DHCP" => {
            *asks = match value {
                "ipv4" | "v4" => (true, false),
                "ipv6" | "v6" => (false, true),
                "both" => (true, true),
                value if is_true(value) => (true, true),
                _ => (false, false),
            };
        }
        "LinkLocalAddressing" => {
            let families: &[&str] = match value {
                "ipv4" => &["ipv4"],
                "ipv6" => &["ipv6"],
                value if is_true(value) => &["ipv4", "ipv6"],
                _ => &[],
            };
            let word = |one: &&str| (origin.clone(), Word::Text((*one).to_owned()));
            let list = families.iter().map(word).collect();
            link.words.set("link-local", origin, Word::List(list));
        }
        "IPv6AcceptRA" => link.plain("accept-ra", origin, boolean(value) != Some(false)),
        "IPv6PrivacyExtensions" => link.plain("ipv6-privacy", origin, is_true(value)),
        "IPv6MTUBytes" => match bytes::<u32>(value) {
            Some(mtu) => link.plain("ipv6-mtu", origin, mtu),
            None => link.doubt(origin, "this is no MTU"),
        },
        "VLAN" | "Bond" | "Bridge" | "VRF" | "PrimarySlave" | "Address" | "Gateway" => {}
        key if IGNORED.contains(&key) => {}
        key => link.not_carried_out(key, origin),
    }
}

fn clients(link: &mut Link, file: &File, (v4, v6): (bool, bool), whole: &Origin) {
    if v4 {
        link.dhcp(Family::V4, whole, Some(DHCP_METRIC));
        // networkd's defaults, where netplan's differ.
        let words = link.words.map("dhcp4-overrides", whole);
        words.plain("use-mtu", whole, "false");
        // The older name of the section counts too.
        for entry in file
            .entries("DHCP")
            .into_iter()
            .chain(file.entries("DHCPv4"))
        {
            client4(link, entry);
        }
    }
    if v6 {
        link.dhcp(Family::V6, whole, None);
        link.plain("accept-ra", whole, "true");
        for Entry { key, origin, .. } in file.entries("DHCPv6") {
            match key.as_str() {
                "DUIDType" | "DUIDRawData" | "IAID" => link.client_identifier(key, origin),
                key if IGNORED6.contains(&key) => {}
                key => link.not_carried_out(key, origin),
            }
        }
    }
    for entry in file.entries("IPv6AcceptRA") {
        let origin = &entry.origin;
        match entry.key.as_str() {
            "Token" => {
                let token = entry.value.strip_prefix("static:").unwrap_or(&entry.value);
                match token {
                    "eui64" => {}
                    "prefixstable" => {
                        link.text("ipv6-address-generation", origin, "stable-privacy");
                    }
                    token => link.text("ipv6-address-token", origin, token),
                }
            }
            "RouteTable" => match ip::table(&entry.value) {
                Some(table) => link
                    .words
                    .map("ra-overrides", origin)
                    .plain("table", origin, table),
                None => link.misfit("RouteTable", origin),
            },
            "UseDNS" | "UseDomains" | "DHCPv6Client" | "UseMTU" | "UseCaptivePortal" | "UseDNR"
            | "UsePREF64" => {}
            key => link.not_carried_out(key, origin),
        }
    }
}

fn client4(link: &mut Link, entry: &Entry) {
    let (value, origin) = (entry.value.as_str(), &entry.origin);
    let boolean = || Word::Plain(is_true(value).to_string());
    let (key, word) = match entry.key.as_str() {
        "RouteMetric" => match value.parse::<u32>() {
            Ok(metric) => ("route-metric", Word::Plain(metric.to_string())),
            Err(_) => return link.doubt(origin, "this is no metric"),
        },
        "UseRoutes" => ("use-routes", boolean()),
        "UseMTU" => ("use-mtu", boolean()),
        "UseDNS" => ("use-dns", boolean()),
        "UseDomains" => ("use-domains", boolean()),
        "UseHostname" => ("use-hostname", boolean()),
        "SendHostname" => ("send-hostname", boolean()),
        "Hostname" => ("hostname", Word::Text(value.to_owned())),
        "ClientIdentifier" if value == "mac" => {
            return link.text("dhcp-identifier", origin, "mac");
        }
        key @ ("ClientIdentifier" | "DUIDType" | "DUIDRawData" | "IAID") => {
            return link.client_identifier(key, origin);
        }
        "UseNTP" | "UseSIP" | "UseTimezone" | "UseCaptivePortal" | "Anonymize" | "SendRelease" => {
            return;
        }
        key => return link.not_carried_out(key, origin),
    };
    link.words
        .map("dhcp4-overrides", origin)
        .set(key, origin, word);
}
