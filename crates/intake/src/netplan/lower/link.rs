//! What kind of link a definition is.

use nvmeroot_plan::{
    Bond, Bridge, Dummy, InterfaceDiagnostic, LinkKind, Severity, Vlan, VlanId, Vrf,
};

use super::definition::Definition;
use super::parameters::Parameters;
use super::references::References;
use crate::diagnostic::Excerpt;
use crate::netplan::findings::Findings;
use crate::netplan::schema::Kind;
use crate::netplan::value::{Map, Value};
use crate::yaml::KeyPath;

/// The kind, with what only that kind has. Where something that it can't be
/// without is missing, that is an error and the kind nothing in particular.
pub(super) fn kind<'d>(
    definition: &Definition<'_, 'd>,
    map: Option<&Map<'d>>,
    path: &KeyPath<'_>,
    references: &mut References<'d>,
    diagnostics: &mut Vec<InterfaceDiagnostic>,
    findings: &mut Findings<'d>,
) -> LinkKind {
    let foreign = || LinkKind::Foreign {
        section: definition.section.name.to_owned(),
    };
    let get = |key: &str| map.and_then(|map| map.get(key));
    let mut members = |findings: &mut Findings<'d>| match get("interfaces") {
        Some(Value::List(list)) => {
            let path = path.key("interfaces");
            for item in &list.items {
                let refused = references.not_a_vrf(item.node, &path.index(item.index));
                diagnostics.extend(refused.map(|warning| Severity::Refusal.diagnostic(warning)));
            }
            references.members(definition, list, &path, findings)
        }
        _ => Vec::new(),
    };
    let parameters = match get("parameters") {
        Some(Value::Map(map)) => Some(map),
        _ => None,
    };
    let own = path.key("parameters");
    let missing = |key: &str, expected: &str, findings: &mut Findings<'d>| {
        let message = format!(
            "`{}` is {} without `{key}`",
            Excerpt(definition.entry.name()),
            definition.section.noun
        );
        findings.misfit(definition.entry.key, path, message, expected);
    };
    match definition.section.kind {
        Kind::Ethernet => LinkKind::Ethernet,
        Kind::Dummy => LinkKind::Dummy(Dummy {}),
        Kind::Foreign => foreign(),
        Kind::Bond => {
            let members = members(findings);
            let mut bond = Bond {
                members,
                ..Bond::default()
            };
            if let Some(map) = parameters {
                let id = definition.entry.name();
                let parameters = Parameters::new(map, &own, diagnostics);
                parameters.bond(id, &mut bond, references, findings);
            }
            LinkKind::Bond { bond }
        }
        Kind::Bridge => {
            let members = members(findings);
            let mut bridge = Bridge {
                members,
                ..Bridge::default()
            };
            // netplan's default, not the kernel's.
            bridge.parameters.stp = Some(true);
            if let Some(map) = parameters {
                Parameters::new(map, &own, diagnostics).bridge(&mut bridge, references);
            }
            LinkKind::Bridge { bridge }
        }
        Kind::Vrf => {
            let members = members(findings);
            match map.and_then(|map| map.number("table")) {
                Some(table) => LinkKind::Vrf {
                    vrf: Vrf { table, members },
                },
                None => {
                    let expected = "`table`, the number of its routing table";
                    missing("table", expected, findings);
                    foreign()
                }
            }
        }
        Kind::Vlan => {
            let id: Option<VlanId> = map.and_then(|map| map.number("id"));
            // NetworkManager creates a VLAN on what it does not know.
            let networkd = definition
                .renderer
                .is_none_or(|node| node.text() != Some("NetworkManager"));
            let link = get("link").and_then(|v| references.one(v, &path.key("link"), networkd));
            if let Some(value) = get("link") {
                let refused = references.not_a_vrf(value.node(), &path.key("link"));
                diagnostics.extend(refused.map(|warning| Severity::Refusal.diagnostic(warning)));
            }
            if id.is_none() {
                missing("id", "`id`, the number of the VLAN", findings);
            }
            if link.is_none() {
                missing("link", "`link`, the id of the interface below", findings);
            }
            match (id, link) {
                (Some(id), Some(link)) => LinkKind::Vlan {
                    vlan: Vlan { id, link },
                },
                _ => foreign(),
            }
        }
    }
}
