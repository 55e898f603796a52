//! `/etc/nvme/config.json`: hosts, subsystems and ports as libnvme keeps them
//! (its doc/config-schema.json and src/nvme/json.c).
//!
//! It may speak of much that root has nothing to do with. So a bad value is a
//! fault only of the port that it belongs to, and that counts only where root's
//! controller is at this port.

use std::net::IpAddr;

use nvmeroot_plan::{
    CONNECT_OPTIONS, ConnectOption, ConnectOptions, Fragment, HostId, HostSelector, HostSettings,
    Nqn, Origin, Port, PortSettings, Transport, Warning,
};

use super::option;
use crate::diagnostic::{Diagnostic, Report, nearest};
use crate::error::IntakeError;
use crate::yaml::pyyaml::Excerpt;
use crate::yaml::{Entry, KeyPath, Mapping, Node, Position, Scalar, Sequence, parse_json};

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
    let document = parse_json(name, bytes).map_err(|source| IntakeError::Yaml {
        file: name.into(),
        start: Position::START,
        source,
    })?;
    let mut report = Report::new(&document);
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
            let origin = report.origin(root, &KeyPath::ROOT);
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

fn items<'d>(mapping: Mapping<'d>, key: &str) -> impl Iterator<Item = (usize, Mapping<'d>)> {
    let list = mapping.get(key).and_then(Node::as_sequence);
    list.into_iter()
        .flat_map(Sequence::iter)
        .enumerate()
        .filter_map(|(i, item)| Some((i, item.as_mapping()?)))
}

fn read_host(report: &mut Report<'_>, host: Node<'_>, path: &KeyPath<'_>, fragment: &mut Fragment) {
    // As libnvme does: no host without a name.
    let Some(mapping) = host.as_mapping() else {
        return;
    };
    let Some(name) = mapping.get("hostnqn").and_then(Node::text) else {
        return;
    };
    let hostnqn = match name.parse::<Nqn>() {
        Ok(nqn) => nqn,
        Err(error) => {
            report.warn(Warning::at(report.origin(host, path), error.to_string()));
            return;
        }
    };
    let hostid = match mapping.get("hostid").and_then(Node::text) {
        Some(text) => match text.parse::<HostId>() {
            Ok(id) => Some(id),
            Err(error) => {
                // No host has such an id, so this is for none.
                report.warn(Warning::at(report.origin(host, path), error.to_string()));
                return;
            }
        },
        None => None,
    };
    for entry in mapping.entries() {
        if let Some(message) = unknown_key(entry.name(), &HOST_KEYS, &[]) {
            let origin = report.origin(entry.value, &path.key(entry.name()));
            report.warn(message.at(origin));
        }
    }
    let selector = HostSelector {
        nqn: Some(hostnqn),
        id: hostid,
    };
    if let Some(entry) = mapping.entry("dhchap_key") {
        let settings = host_secret(report, entry, path, &selector);
        fragment.hosts.push(settings);
    }
    for (i, subsystem) in items(mapping, "subsystems") {
        let path = path.key("subsystems");
        let path = path.index(i);
        let Some(nqn) = subsystem.get("nqn").and_then(Node::text) else {
            continue;
        };
        for (i, port) in items(subsystem, "ports") {
            let path = path.key("ports");
            let path = path.index(i);
            let mut reader = Reader {
                report,
                path: &path,
                warnings: Vec::new(),
                errors: Vec::new(),
            };
            if let Some(mut settings) = reader.port(port, nqn) {
                settings.host = selector.clone();
                settings.warnings = reader.warnings;
                settings.errors = reader.errors;
                fragment.ports.push(settings);
            }
        }
    }
}

/// The secret that a host proves to every controller.
fn host_secret(
    report: &Report<'_>,
    entry: Entry<'_>,
    path: &KeyPath<'_>,
    host: &HostSelector,
) -> HostSettings {
    let origin = report.origin(entry.value, &path.key(entry.name()));
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

struct Reader<'r, 'd, 'p> {
    report: &'r mut Report<'d>,
    path: &'r KeyPath<'p>,
    warnings: Vec<Warning>,
    errors: Vec<Warning>,
}

impl Reader<'_, '_, '_> {
    /// A TCP port with an address; all others have nothing to do with root.
    fn port(&mut self, port: Mapping<'_>, nqn: &str) -> Option<PortSettings> {
        if port.get("transport").and_then(Node::text) != Some("tcp") {
            return None;
        }
        let address = port.get("traddr")?;
        let text = address.text()?;
        let origin = self.report.origin(address, &self.path.key("traddr"));
        let Ok(traddr) = text.parse::<IpAddr>() else {
            let message = option::misfit("traddr", text, "an IPv4 or IPv6 address");
            self.report.warn(Warning::at(origin, message));
            return None;
        };
        let trsvcid = match port.get("trsvcid") {
            None => "4420".parse(),
            Some(node) => node.text().unwrap_or_default().parse::<Port>(),
        };
        let trsvcid = match trsvcid {
            Ok(port) => port,
            Err(error) => {
                self.report.warn(Warning::at(origin, error.to_string()));
                return None;
            }
        };
        let mut settings = PortSettings {
            transport: Transport::Tcp,
            traddr,
            trsvcid,
            host: HostSelector::default(),
            nqn: None,
            is_connected: false,
            options: ConnectOptions::default(),
            warnings: Vec::new(),
            errors: Vec::new(),
            origin,
        };
        let discovery = port.get("discovery").and_then(Node::text) == Some("true");
        if discovery || nqn == Nqn::DISCOVERY {
            let message = "what is said of a discovery controller is not carried out";
            self.warnings
                .push(Warning::at(settings.origin.clone(), message));
            return Some(settings);
        }
        match nqn.parse() {
            Ok(nqn) => {
                settings.nqn = Some(nqn);
                settings.is_connected = true;
            }
            Err(error) => self
                .errors
                .push(Warning::at(settings.origin.clone(), error.to_string())),
        }
        for entry in port.entries() {
            if let Some(unknown) = unknown_key(entry.name(), &PORT_KEYS, CONNECT_OPTIONS) {
                let warning = unknown.at(self.origin(entry));
                self.warnings.push(warning);
            } else if entry.value.as_scalar().is_none_or(|s| !is_null(s)) {
                self.port_entry(&mut settings, entry);
            }
        }
        Some(settings)
    }

    fn port_entry(&mut self, settings: &mut PortSettings, entry: Entry<'_>) {
        let text = entry.value.text().unwrap_or_default();
        match entry.name() {
            name @ ("tls" | "concat" | "tls_key") if !matches!(text, "" | "false") => {
                let message = format!("`{name}` asks for TLS, which is not carried out yet");
                let origin = self.origin(entry);
                self.errors.push(
                    Warning::at(origin, message)
                        .with_hint("let root's controller be reached without TLS"),
                );
            }
            name @ ("duplicate_connect" | "disable_sqflow") if text == "true" => {
                let origin = self.origin(entry);
                let message = format!("`{name}` is not carried out in the initramfs");
                self.warnings.push(Warning::at(origin, message));
            }
            name => {
                let mut all = CONNECT_OPTIONS.iter();
                if let Some(known) = all.find(|option| option.json_key == name) {
                    self.option(settings, known, entry);
                }
            }
        }
    }

    fn option(&mut self, settings: &mut PortSettings, option: &ConnectOption, entry: Entry<'_>) {
        let value = entry.value.text();
        let set = match value {
            Some(text) => option::set(&mut settings.options, option, text),
            None => Err(format!("`{}` is a list or a mapping", entry.name())),
        };
        if let Err(message) = set {
            let origin = self.origin(entry);
            self.errors.push(Warning::at(origin, message));
        }
    }

    fn origin(&self, entry: Entry<'_>) -> Origin {
        self.report
            .origin(entry.value, &self.path.key(entry.name()))
    }
}

struct UnknownKey<'k> {
    name: &'k str,
    near: Option<&'k str>,
}

impl UnknownKey<'_> {
    fn at(self, origin: Origin) -> Warning {
        let message = format!("`{}` is no key that libnvme knows here", Excerpt(self.name));
        let warning = Warning::at(origin, message);
        match self.near {
            Some(near) => warning.with_hint(format!("is it meant to be `{near}`?")),
            None => warning,
        }
    }
}

fn unknown_key<'k>(
    name: &'k str,
    keys: &[&'k str],
    options: &'static [ConnectOption],
) -> Option<UnknownKey<'k>> {
    let options: Vec<&str> = options.iter().map(|option| option.json_key).collect();
    let near = match name {
        // The kernel's names.
        "dhchap_secret" => Some("dhchap_key"),
        "dhchap_ctrl_secret" => Some("dhchap_ctrl_key"),
        _ if keys.contains(&name) || options.contains(&name) => return None,
        _ => nearest(name, keys.iter().chain(&options).copied()),
    };
    Some(UnknownKey { name, near })
}

#[cfg(test)]
mod tests;
