//! Entries of the type `nameserver`.

use std::collections::BTreeMap;

use nvmeroot_plan::Severity;

use super::device::Device;
use super::fields::{self, Fields, Told};
use super::schema::NAMESERVER;
use crate::diagnostic::Excerpt;
use crate::netplan::findings::Findings;
use crate::yaml::{KeyPath, Mapping, Node};

/// Checks an entry. Only the running system uses name servers, so nothing of it
/// is kept but the interface that they are meant for.
pub(super) fn interface<'d>(
    mapping: Mapping<'d>,
    node: Node<'d>,
    findings: &mut Findings<'d>,
) -> Option<Node<'d>> {
    let mut told = Told::new(findings);
    let fields = Fields::read(mapping, &[NAMESERVER], &mut told);
    let has_address = mapping.get("address").is_some();
    if !has_address {
        let message = "this name server has no `address`";
        told.misfit(node, message, "`address`, one or a list of them");
    }
    told.warn_all();
    fields.value("interface").filter(|_| has_address)
}

/// Says of name servers of one interface that cloud-init drops them.
pub(super) fn leave<'d>(
    interfaces: &[Node<'d>],
    devices: &mut [Device<'d>],
    places: &BTreeMap<&'d str, usize>,
    findings: &mut Findings<'d>,
) {
    for node in interfaces.iter().copied() {
        let name = node.text().unwrap_or_default();
        match places.get(name) {
            Some(&at) => {
                let message = "cloud-init does not write the name servers of one interface for \
                               netplan, so they are left aside";
                let hint = "write `dns_nameservers` in one of its static subnets";
                let warning = fields::at(node, message).with_hint(hint);
                let diagnostic = Severity::Note.diagnostic(warning);
                devices[at].diagnostics.push(diagnostic);
            }
            None => {
                let meant = findings.meant(name, places.keys().copied());
                let message = format!("no interface is called `{}`", Excerpt(name));
                findings.error(node, &KeyPath::ROOT, message, |d| {
                    d.expected("the `name` of an entry").maybe_hint(meant)
                });
            }
        }
    }
}
