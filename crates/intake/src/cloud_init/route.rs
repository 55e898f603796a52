//! Routes: those of a subnet, and entries of their own.

use std::net::IpAddr;

use ipnet::IpNet;
use nvmeroot_plan::{InterfaceDiagnostic, Severity};

use super::address;
use super::fields::{Fields, at};
use super::schema::ROUTE;
use crate::diagnostic::Excerpt;
use crate::native::ip::everything;
use crate::netplan::findings::Findings;
use crate::yaml::{KeyPath, Mapping, Node};

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
    let mut diagnostics = Vec::new();
    let route = read(mapping, node, findings, &mut diagnostics)?;
    Some((route, diagnostics))
}

pub(super) fn read<'d>(
    mapping: Mapping<'d>,
    node: Node<'d>,
    findings: &mut Findings<'d>,
    diagnostics: &mut Vec<InterfaceDiagnostic>,
) -> Option<Route<'d>> {
    let root = &KeyPath::ROOT;
    let fields = Fields::read(mapping, &[ROUTE], findings, diagnostics);
    let Some(via_node) = fields.value("gateway") else {
        findings.error(node, root, "this route has no `gateway`", |d| {
            d.expected("`gateway`, an address")
        });
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
        findings.error(node, root, "this route has no `destination`", |d| {
            d.expected("`destination`, a network such as `10.0.0.0/8`, or `default`")
        });
        return None;
    };
    let to = if to_node.text() == Some("default") {
        everything(via).to_owned()
    } else {
        let written = address::read(&fields, key, findings)?;
        if written.is_guess {
            diagnostics.push(guess(written.net, to_node));
        }
        if written.net.addr().is_ipv4() != via.is_ipv4() {
            let message = format!("`gateway` is `{via}`");
            findings.error(via_node, root, message, |d| {
                d.expected("an address of the destination's family")
            });
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
pub(super) fn guess(net: IpNet, node: Node<'_>) -> InterfaceDiagnostic {
    let message = format!(
        "`{}` has no prefix length, and cloud-init takes {}",
        Excerpt(node.text().unwrap_or_default()),
        net.prefix_len()
    );
    let hint = format!("write `{net}` if that is meant");
    Severity::Note.diagnostic(at(node, message).with_hint(hint))
}
