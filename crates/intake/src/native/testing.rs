//! Files and short forms of interfaces for the tests.

use std::collections::BTreeMap;

use nvmeroot_plan::{Fragment, Interface, LinkKind, Severity};

use super::{Card, Files};

/// Files of a tree by their paths.
#[derive(Debug, Default)]
pub(crate) struct Tree(BTreeMap<String, Vec<u8>>);

impl Tree {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        Self(files.iter().map(file).collect())
    }
}

impl Tree {
    /// Files of one directory, by their names without the end.
    pub(crate) fn inside(directory: &str, files: &[(&str, &str)], end: &str) -> Self {
        let file = |(name, text): &(&str, &str)| {
            let path = format!("{directory}/{name}{end}");
            (path, text.as_bytes().to_vec())
        };
        Self(files.iter().map(file).collect())
    }
}

/// A card with that address.
pub(crate) fn card(name: &str, mac: &str) -> Card {
    Card {
        name: name.to_owned(),
        mac: mac.parse().ok(),
        driver: Some("virtio_net".to_owned()),
    }
}

impl Files for Tree {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).cloned()
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let inside = format!("{directory}/");
        let names = self.0.keys().filter_map(|path| path.strip_prefix(&inside));
        let names = names.filter(|name| !name.contains('/'));
        names.map(str::to_owned).collect()
    }
}

/// An interface a line: name, kind, and what leads to the storage.
pub(crate) fn shown(fragment: &Fragment) -> Vec<String> {
    let interfaces = fragment.interfaces.iter().flatten();
    interfaces.map(line).collect()
}

fn line(one: &Interface) -> String {
    let mut words = vec![one.name.to_string()];
    match &one.kind {
        LinkKind::Ethernet => {}
        LinkKind::Vlan { vlan } => {
            words.push(format!("vlan {} on {}", u64::from(vlan.id), vlan.link));
        }
        LinkKind::Bond { bond } => {
            let mode = bond.parameters.mode.map_or("no mode", |mode| mode.as_str());
            let members: Vec<&str> = bond
                .members
                .iter()
                .map(nvmeroot_plan::DefinitionId::as_str)
                .collect();
            words.push(format!("bond {mode} of {}", members.join("+")));
        }
        LinkKind::Bridge { bridge } => {
            let members: Vec<&str> = bridge
                .members
                .iter()
                .map(nvmeroot_plan::DefinitionId::as_str)
                .collect();
            words.push(format!("bridge of {}", members.join("+")));
            for (port, cost) in &bridge.path_cost {
                words.push(format!("{port} costs {}", cost.get()));
            }
        }
        LinkKind::Foreign { section } => words.push(format!("foreign {section}")),
        other => words.push(format!("{other:?}")),
    }
    let mac = one.matching.as_ref().and_then(|card| card.macaddress);
    words.extend(mac.map(|mac| format!("is {mac}")));
    words.extend(one.addresses.iter().map(|one| one.address.to_string()));
    if let Some(client) = &one.dhcp4 {
        words.push(format!("dhcp4 {}", client.route_metric));
    }
    words.extend(one.dhcp6.is_some().then(|| "dhcp6".to_owned()));
    words.extend(one.accept_ra.map(|on| format!("ra {on}")));
    words.extend(one.mtu.map(|mtu| format!("mtu {}", u64::from(mtu))));
    words.extend(one.mac.map(|mac| format!("mac {mac}")));
    for route in &one.routes {
        let mut text = format!("route {}", route.to);
        if !route.kind.carries_packets() {
            text.push_str(&format!(" {}", route.kind));
        }
        text.extend(route.via.map(|via| format!(" via {via}")));
        text.extend(route.metric.map(|metric| format!(" metric {metric}")));
        text.extend(route.table.map(|table| format!(" table {table}")));
        text.push_str(if route.on_link { " onlink" } else { "" });
        text.extend(route.scope.map(|scope| format!(" scope {scope}")));
        let metrics = [
            ("mtu", route.mtu),
            ("cwnd", route.congestion_window),
            ("rwnd", route.advertised_receive_window),
            ("mss", route.advertised_mss),
        ];
        for (name, value) in metrics {
            text.extend(value.map(|value| format!(" {name} {value}")));
        }
        words.push(text);
    }
    for rule in &one.rules {
        let from = rule.from.map_or("all".to_owned(), |from| from.to_string());
        let mut text = format!("rule from {from} table {:?}", rule.table);
        text.extend(rule.mark.map(|mark| format!(" mark {mark}")));
        text.extend(rule.type_of_service.map(|tos| format!(" tos {tos}")));
        words.push(text);
    }
    words.join(", ")
}

/// What is said of the interfaces, with the severity and the place.
pub(crate) fn said(fragment: &Fragment) -> Vec<String> {
    let interfaces = fragment.interfaces.iter().flatten();
    let all = interfaces.flat_map(|one| &one.diagnostics);
    all.map(|one| {
        let severity = match one.severity {
            Severity::Note => "note",
            Severity::Notice => "notice",
            Severity::Refusal => "refusal",
            Severity::Doubt => "doubt",
        };
        let origin = one.warning.origin.as_ref().map(ToString::to_string);
        format!(
            "{severity} {}: {}",
            origin.unwrap_or_default(),
            one.warning.message
        )
    })
    .collect()
}
