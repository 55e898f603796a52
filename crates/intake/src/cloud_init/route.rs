//! Routes: those of a subnet, and entries of their own.

use std::net::IpAddr;

use ipnet::IpNet;
use nvmeroot_plan::{InterfaceDiagnostic, Severity, Warning};

use super::address;
use super::fields::{Fields, Told, at};
use super::schema::ROUTE;
use crate::diagnostic::Excerpt;
use crate::native::ip::everything;
use crate::netplan::findings::Findings;
use crate::yaml::{Mapping, Node};

/// One route, over a gateway.
#[derive(Clone, Debug)]
pub(super) struct Route<'d> {
    /// Its mapping.
    pub(super) node: Node<'d>,
    /// As netplan has it.
    pub(super) to: String,
    pub(super) to_node: Node<'d>,
    pub(super) via: IpAddr,
    pub(super) via_node: Node<'d>,
    /// With its key.
    pub(super) metric: Option<(Node<'d>, Node<'d>)>,
}

/// A route, and diagnostics for the interface that gets it.
pub(super) fn read_global<'d>(
    mapping: Mapping<'d>,
    node: Node<'d>,
    findings: &mut Findings<'d>,
) -> Option<(Route<'d>, Vec<InterfaceDiagnostic>)> {
    let mut told = Told::new(findings);
    let route = read(mapping, node, &mut told)?;
    Some((route, told.diagnostics))
}

pub(super) fn read<'d>(
    mapping: Mapping<'d>,
    node: Node<'d>,
    told: &mut Told<'_, 'd>,
) -> Option<Route<'d>> {
    let fields = Fields::read(mapping, &[ROUTE], told);
    let Some(via_node) = fields.value("gateway") else {
        told.misfit(node, "this route has no `gateway`", "`gateway`, an address");
        return None;
    };
    // What is no address has been reported.
    let via: IpAddr = via_node.text()?.parse().ok()?;
    let key = if fields.value("destination").is_some() {
        "destination"
    } else {
        "network"
    };
    let Some(to_node) = fields.value(key) else {
        let expected = "`destination`, a network such as `10.0.0.0/8`, or `default`";
        told.misfit(node, "this route has no `destination`", expected);
        return None;
    };
    let to = if to_node.text() == Some("default") {
        everything(via).to_owned()
    } else {
        let written = address::read(&fields, key, told)?;
        if written.is_guess {
            told.say(Severity::Note, guess(written.net, to_node));
        }
        if written.net.addr().is_ipv4() != via.is_ipv4() {
            let expected = "an address of the destination's family";
            told.misfit(via_node, format!("`gateway` is `{via}`"), expected);
            return None;
        }
        written.net.to_string()
    };
    Some(Route {
        node,
        to,
        to_node,
        via,
        via_node,
        metric: fields.entry("metric"),
    })
}

/// What cloud-init takes for the length that nobody wrote.
pub(super) fn guess(net: IpNet, node: Node<'_>) -> Warning {
    let message = format!(
        "`{}` has no prefix length, and cloud-init takes {}",
        Excerpt(node.text().unwrap_or_default()),
        net.prefix_len()
    );
    let hint = format!("write `{net}` if that is meant");
    at(node, message).with_hint(hint)
}
