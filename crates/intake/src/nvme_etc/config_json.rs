//! `/etc/nvme/config.json`: hosts, subsystems and ports as libnvme keeps them
//! (its doc/config-schema.json and src/nvme/json.c).
//!
//! It may speak of much that root has nothing to do with. So a bad value is a
//! fault only of the port that it belongs to, and that counts only where root's
//! controller is at this port.

use nvmeroot_plan::{
    CONNECT_OPTIONS, ConnectOption, Fragment, HostSelector, HostSettings, Nqn, Origin,
    PortSettings, Warning,
};

use super::option;
use crate::diagnostic::{Diagnostic, Excerpt, Report, nearest};
use crate::error::IntakeError;
use crate::yaml::{Entry, KeyPath, Mapping, Node, Scalar, Sequence, parse_json};

const HOST_KEYS: [&str; 6] = [
    "hostnqn",
    "hostid",
    "dhchap_key",
    "hostsymname",
    "persistent_discovery_ctrl",
    "subsystems",
];

/// A port's keys beside the options' own names.
const PORT_KEYS: [&str; 12] = [
    "transport",
    "traddr",
    "trsvcid",
    "persistent",
    "discovery",
    "duplicate_connect",
    "disable_sqflow",
    "tls",
    "concat",
    "tls_key",
    "tls_key_identity",
    "keyring",
];

/// Reads the file: what it says of TCP portals. `name` is what messages call it.
///
/// # Errors
/// A text that is no JSON, or not a list of hosts.
pub fn config_json(name: &str, bytes: &[u8]) -> Result<Fragment, IntakeError> {
    let document = parse_json(name, bytes).map_err(IntakeError::of(name))?;
    let mut report = Report::default();
    let mut fragment = Fragment::default();
    let root = document.root();
    // The schema wraps the list into a mapping, libnvme's reader does not.
    let hosts = match root.as_mapping().and_then(|mapping| mapping.get("hosts")) {
        Some(hosts) => hosts.as_sequence(),
        None => root.as_sequence(),
    };
    match hosts {
        Some(hosts) => {
            for (i, host) in hosts.iter().enumerate() {
                read_host(&mut report, host, &KeyPath::ROOT.index(i), &mut fragment);
            }
        }
        None => {
            let origin = root.origin(&KeyPath::ROOT);
            let found = "this is no list of hosts";
            report.error(Diagnostic::new(origin, found).expected("`[{\"hostnqn\": …}]`"));
        }
    }
    fragment.warnings = report.finish()?;
    Ok(fragment)
}

fn is_null(scalar: Scalar<'_>) -> bool {
    scalar.is_plain() && scalar.text() == "null"
}

fn items<'d>(
    mapping: Mapping<'d>,
    key: &str,
) -> impl Iterator<Item = (usize, Node<'d>, Mapping<'d>)> {
    let list = mapping.get(key).and_then(Node::as_sequence);
    list.into_iter()
        .flat_map(Sequence::iter)
        .enumerate()
        .filter_map(|(i, item)| Some((i, item, item.as_mapping()?)))
}

fn read_host(report: &mut Report, host: Node<'_>, path: &KeyPath<'_>, fragment: &mut Fragment) {
    // As `json_parse_host` in libnvme does: no host without a name.
    let all = host.as_mapping();
    let name = all.and_then(|all| all.get("hostnqn")?.text());
    let (Some(mapping), Some(name)) = (all, name) else {
        return report.warn(nameless(host, path, "host", "hostnqn"));
    };
    let selector = match option::host(Some(name), mapping.get("hostid").and_then(Node::text)) {
        Ok(selector) => selector,
        // No host has such a name or id, so this is for none.
        Err(error) => return report.warn(Warning::at(host.origin(path), error.to_string())),
    };
    for entry in mapping.entries() {
        if let Some(warning) = unknown_key(entry, path, &HOST_KEYS, &[]) {
            report.warn(warning);
        }
    }
    if let Some(entry) = mapping.entry("dhchap_key") {
        fragment.hosts.push(host_secret(entry, path, &selector));
    }
    for (i, node, subsystem) in items(mapping, "subsystems") {
        let path = path.key("subsystems");
        let path = path.index(i);
        // `json_parse_subsys` likewise.
        let Some(nqn) = subsystem.get("nqn").and_then(Node::text) else {
            report.warn(nameless(node, &path, "subsystem", "nqn"));
            continue;
        };
        for (i, _, port) in items(subsystem, "ports") {
            let path = path.key("ports");
            if let Some(mut settings) = read_port(report, port, &path.index(i), nqn) {
                settings.host = selector.clone();
                fragment.ports.push(settings);
            }
        }
    }
}

/// What libnvme leaves out without a word.
fn nameless(node: Node<'_>, path: &KeyPath<'_>, what: &str, key: &str) -> Warning {
    let message = format!("this {what} has no `{key}`, so nothing of it counts");
    Warning::at(node.origin(path), message).with_hint(format!("write its NQN as `\"{key}\"`"))
}

/// The secret that a host proves to every controller.
fn host_secret(entry: Entry<'_>, path: &KeyPath<'_>, host: &HostSelector) -> HostSettings {
    let origin = origin_of(entry, path);
    let mut settings = HostSettings {
        host: host.clone(),
        dhchap_secret: None,
        errors: Vec::new(),
        origin: origin.clone(),
    };
    if entry.value.as_scalar().is_some_and(is_null) {
        return settings;
    }
    match entry.value.text().map(str::parse) {
        Some(Ok(secret)) => settings.dhchap_secret = Some(secret),
        Some(Err(error)) => {
            let error: nvmeroot_plan::NameError = error;
            settings.errors.push(Warning::at(origin, error.to_string()));
        }
        None => {
            let message = "`dhchap_key` is a list or a mapping";
            settings.errors.push(Warning::at(origin, message));
        }
    }
    settings
}

/// A TCP port with an address; all others have nothing to do with root.
fn read_port(
    report: &mut Report,
    port: Mapping<'_>,
    path: &KeyPath<'_>,
    nqn: &str,
) -> Option<PortSettings> {
    if port.get("transport").and_then(Node::text) != Some("tcp") {
        return None;
    }
    let address = port.get("traddr")?;
    let text = address.text()?;
    let origin = address.origin(&path.key("traddr"));
    let trsvcid = match port.get("trsvcid") {
        None => "4420",
        Some(node) => node.text().unwrap_or_default(),
    };
    let mut settings = match option::portal(text, trsvcid, origin.clone()) {
        Ok(settings) => settings,
        Err(message) => {
            report.warn(Warning::at(origin, message));
            return None;
        }
    };
    let discovery = port.get("discovery").and_then(Node::text) == Some("true");
    if discovery || nqn == Nqn::DISCOVERY {
        let message = "what is said of a discovery controller is not carried out";
        settings.warnings.push(Warning::at(origin, message));
        return Some(settings);
    }
    match nqn.parse() {
        Ok(nqn) => {
            settings.nqn = Some(nqn);
            settings.is_connected = true;
        }
        Err(error) => settings.errors.push(Warning::at(origin, error.to_string())),
    }
    for entry in port.entries() {
        if let Some(warning) = unknown_key(entry, path, &PORT_KEYS, CONNECT_OPTIONS) {
            settings.warnings.push(warning);
        } else if entry.value.as_scalar().is_none_or(|s| !is_null(s)) {
            port_entry(&mut settings, entry, &origin_of(entry, path));
        }
    }
    Some(settings)
}

fn port_entry(settings: &mut PortSettings, entry: Entry<'_>, origin: &Origin) {
    let (name, text) = (entry.name(), entry.value.text());
    let mut all = CONNECT_OPTIONS.iter();
    let Some(known) = all.find(|option| option.json_key == name) else {
        return option::beside(settings, name, text.unwrap_or_default(), origin);
    };
    let set = match text {
        Some(text) => option::set(&mut settings.options, known, text),
        None => Err(format!("`{name}` is a list or a mapping")),
    };
    if let Err(message) = set {
        settings.errors.push(Warning::at(origin.clone(), message));
    }
}

fn origin_of(entry: Entry<'_>, path: &KeyPath<'_>) -> Origin {
    entry.value.origin(&path.key(entry.name()))
}

/// A warning about a key that libnvme does not know.
fn unknown_key(
    entry: Entry<'_>,
    path: &KeyPath<'_>,
    keys: &[&str],
    options: &'static [ConnectOption],
) -> Option<Warning> {
    let name = entry.name();
    let options: Vec<&str> = options.iter().map(|option| option.json_key).collect();
    let near = match name {
        // The kernel's names.
        "dhchap_secret" => Some("dhchap_key"),
        "dhchap_ctrl_secret" => Some("dhchap_ctrl_key"),
        _ if keys.contains(&name) || options.contains(&name) => return None,
        _ => nearest(name, keys.iter().chain(&options).copied()),
    };
    let message = format!("`{}` is no key that libnvme knows here", Excerpt(name));
    let hint = near.map(|near| format!("is it meant to be `{near}`?"));
    Some(Warning::at(origin_of(entry, path), message).maybe_hint(hint))
}

#[cfg(test)]
mod tests;
