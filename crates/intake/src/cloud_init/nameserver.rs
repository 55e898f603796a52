//! Entries of the type `nameserver`.

use std::collections::BTreeMap;

use nvmeroot_plan::{Severity, Warning};

use super::device::Device;
use super::fields::{Fields, warn_all};
use super::schema::NAMESERVER;
use super::subnet::words;
use crate::netplan::check::shown;
use crate::netplan::findings::Findings;
use crate::yaml::{KeyPath, Mapping, Node};

/// Name servers and search domains, of all interfaces or of one.
#[derive(Debug)]
pub(super) struct Nameserver<'d> {
    pub(super) addresses: Vec<(String, Node<'d>)>,
    pub(super) search: Vec<(String, Node<'d>)>,
    interface: Option<Node<'d>>,
}

pub(super) fn read<'d>(
    mapping: Mapping<'d>,
    node: Node<'d>,
    findings: &mut Findings<'d>,
) -> Option<Nameserver<'d>> {
    let mut diagnostics = Vec::new();
    let fields = Fields::read(mapping, &[NAMESERVER], findings, &mut diagnostics);
    warn_all(diagnostics, findings);
    if mapping.get("address").is_none() {
        let message = "this name server has no `address`";
        findings.error(node, &KeyPath::ROOT, message, |d| {
            d.expected("`address`, one or a list of them")
        });
        return None;
    }
    Some(Nameserver {
        addresses: words(fields.value("address")),
        search: words(fields.value("search")),
        interface: fields.value("interface"),
    })
}

/// Those of all interfaces. cloud-init drops those of one.
pub(super) fn of_all<'d>(
    servers: Vec<Nameserver<'d>>,
    devices: &mut [Device<'d>],
    places: &BTreeMap<&'d str, usize>,
    findings: &mut Findings<'d>,
) -> Vec<Nameserver<'d>> {
    let (own, general): (Vec<_>, Vec<_>) = servers
        .into_iter()
        .partition(|server| server.interface.is_some());
    for node in own.iter().filter_map(|server| server.interface) {
        let name = node.text().unwrap_or_default();
        match places.get(name) {
            Some(&at) => {
                let message = "cloud-init does not write the name servers of one interface for \
                               netplan, so they are left aside";
                let warning = Warning::at(node.origin(&KeyPath::ROOT), message);
                let hint = "write `dns_nameservers` in one of its static subnets";
                let diagnostic = Severity::Note.diagnostic(warning.with_hint(hint));
                devices[at].diagnostics.push(diagnostic);
            }
            None => {
                let near = findings.nearest(name, places.keys().copied());
                let message = format!("no interface is called `{}`", shown(name));
                findings.error(node, &KeyPath::ROOT, message, |d| {
                    d.expected("the `name` of an entry")
                        .maybe_hint(near.map(|near| format!("did you mean `{near}`?")))
                });
            }
        }
    }
    general
}
