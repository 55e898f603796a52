//! What an interface's `subnets` say.

use std::net::IpAddr;

use nvmeroot_plan::Severity;

use super::address::{self, Written};
use super::fields::{Fields, Told, at, mappings};
use super::route::{self, Route};
use super::schema::SUBNET;
use crate::yaml::{Kind, Mapping, Node};

/// How a subnet's address comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Static,
    Dhcp4,
    /// DHCPv6, and what cloud-init renders as that: router advertisements.
    Dhcp6,
    /// Nothing of netplan's.
    Manual,
}

/// A subnet.
#[derive(Debug)]
pub(super) struct Subnet<'d> {
    pub(super) method: Method,
    /// The value of `type`.
    pub(super) node: Node<'d>,
    /// Of static ones.
    pub(super) address: Option<Written<'d>>,
    pub(super) gateway: Option<(IpAddr, Node<'d>)>,
    /// With its key.
    pub(super) metric: Option<(Node<'d>, Node<'d>)>,
    /// With its key, and whether it is of IPv6 alone.
    pub(super) mtu: Option<(Node<'d>, Node<'d>, bool)>,
    pub(super) nameservers: Vec<(String, Node<'d>)>,
    pub(super) search: Vec<(String, Node<'d>)>,
    pub(super) routes: Vec<Route<'d>>,
}

/// All subnets of a list.
pub(super) fn read_all<'d>(list: Node<'d>, told: &mut Told<'_, 'd>) -> Vec<Subnet<'d>> {
    mappings(list, "subnet", "a mapping with `type`", told, read)
}

fn read<'d>(mapping: Mapping<'d>, node: Node<'d>, told: &mut Told<'_, 'd>) -> Option<Subnet<'d>> {
    let fields = Fields::read(mapping, &[SUBNET], told);
    let Some(kind) = fields.value("type") else {
        let expected = "`type`, such as `static` or `dhcp4`";
        told.misfit(node, "this subnet has no `type`", expected);
        return None;
    };
    let method = match kind.text()? {
        "static" | "static6" => Method::Static,
        "dhcp" | "dhcp4" => Method::Dhcp4,
        "manual" => Method::Manual,
        // Any other word has been reported.
        _ => Method::Dhcp6,
    };
    let is_zero = |(_, value): &(Node<'_>, Node<'_>)| value.text() == Some("0");
    let mut subnet = Subnet {
        method,
        node: kind,
        address: None,
        gateway: None,
        // As in Python, 0 says nothing here.
        metric: fields.entry("metric").filter(|entry| !is_zero(entry)),
        mtu: None,
        nameservers: Vec::new(),
        search: Vec::new(),
        routes: routes(&fields, told),
    };
    if method == Method::Static {
        subnet.address = address(&fields, node, told);
        let gateway = fields.value("gateway");
        subnet.gateway = gateway.and_then(|node| Some((node.text()?.parse().ok()?, node)));
        subnet.nameservers = words(fields.value("dns_nameservers"));
        subnet.search = words(fields.value("dns_search"));
        let is_ipv6 = kind.text() == Some("static6")
            || subnet.address.is_some_and(|a| a.net.addr().is_ipv6());
        subnet.mtu = fields
            .entry("mtu")
            .filter(|entry| !is_zero(entry))
            .map(|(key, value)| (key, value, is_ipv6));
    } else {
        leave(&fields, kind, told);
    }
    Some(subnet)
}

fn address<'d>(
    fields: &Fields<'d>,
    node: Node<'d>,
    told: &mut Told<'_, 'd>,
) -> Option<Written<'d>> {
    let keys = ["address", "ip_address"];
    let Some(key) = keys.into_iter().find(|key| fields.value(key).is_some()) else {
        let message = "this static subnet has no `address`";
        told.misfit(node, message, "`address`, such as `10.0.0.5/24`");
        return None;
    };
    let written = address::read(fields, key, told)?;
    if written.is_guess {
        told.say(Severity::Note, route::guess(written.net, written.node));
    }
    Some(written)
}

fn routes<'d>(fields: &Fields<'d>, told: &mut Told<'_, 'd>) -> Vec<Route<'d>> {
    let Some(list) = fields.value("routes") else {
        return Vec::new();
    };
    let expected = "a mapping with `destination` and `gateway`";
    mappings(list, "route", expected, told, route::read)
}

/// Of a subnet without an address of its own cloud-init writes only that it is
/// asked for one.
fn leave(fields: &Fields<'_>, kind: Node<'_>, told: &mut Told<'_, '_>) {
    let kind = kind.text().unwrap_or_default();
    let keys = [
        "address",
        "gateway",
        "dns_nameservers",
        "dns_search",
        "mtu",
        "netmask",
    ];
    for (name, key) in keys
        .iter()
        .filter_map(|key| Some((*key, fields.entry(key)?.0)))
    {
        let message =
            format!("`{name}` is left aside: cloud-init does not read it in a `{kind}` subnet");
        told.say(Severity::Note, at(key, message));
    }
    if let Some((key, _)) = fields.entry("routes") {
        let message = format!(
            "cloud-init does not write the `routes` of a `{kind}` subnet for netplan; the initramfs sets them"
        );
        let hint = "write them under a `static` subnet of the interface";
        told.say(Severity::Notice, at(key, message).with_hint(hint));
    }
}

/// The words of one text, or the texts of a list.
pub(super) fn words(node: Option<Node<'_>>) -> Vec<(String, Node<'_>)> {
    let Some(node) = node else {
        return Vec::new();
    };
    let texts = |node: Node<'_>| node.text().unwrap_or_default().to_owned();
    match node.kind() {
        Kind::Sequence(items) => items.iter().map(|item| (texts(item), item)).collect(),
        Kind::Scalar(scalar) => {
            let words = scalar.text().split_whitespace();
            words.map(|word| (word.to_owned(), node)).collect()
        }
        Kind::Mapping(_) => Vec::new(),
    }
}
