//! The `nvme_controller` action.

use std::net::IpAddr;

use nvmeroot_plan::{
    CONNECT_OPTIONS, ConnectOption, ConnectOptions, Controller, NameError, NodeRole, Nqn,
    OptionError, OptionKind, OtherRemote, Port, Transport, Warning,
};

use super::item::Item;
use super::keys::{meant, near_miss, unknown_keys};
use super::value::{misfit, misfit_with, scalar, text};
use crate::diagnostic::{Diagnostic, Excerpt, Report, nearest};
use crate::yaml::Node as YamlNode;
use crate::yaml::pyyaml::{Integer, Notation, Value, describe};

/// curtin's own keys, and the subsystem. The connect options come by the
/// kernel's names, which curtin does not know.
const KEYS: [&str; 9] = [
    "id",
    "type",
    "transport",
    "tcp_addr",
    "tcp_port",
    "name",
    "path",
    "preserve",
    "nqn",
];

/// The options that this file may hold: it is for everybody to read.
fn options() -> impl Iterator<Item = &'static ConnectOption> {
    CONNECT_OPTIONS.iter().filter(|option| !option.is_secret())
}

/// What some write here by the names that nvme-cli, libnvme or the kernel have for it.
fn elsewhere(key: &str) -> Option<String> {
    let key = key.to_ascii_lowercase().replace('-', "_");
    let secrets = CONNECT_OPTIONS.iter().filter(|option| option.is_secret());
    let mut secrets = secrets.map(|option| (option.name, option.json_key));
    if key.starts_with("dhchap") {
        let is_it = |(name, json): &(&str, &str)| [*name, *json].contains(&&*key);
        let (_, json) = secrets.find(is_it).unwrap_or(("", "dhchap_key"));
        return Some(format!(
            "everybody can read curtin's file: write the secret into `etc/nvme/config.json` of the root tree, mode 0600, as the key `{json}` of this port"
        ));
    }
    ["tls", "tls_key", "tls_key_identity", "keyring", "concat"]
        .contains(&&*key)
        .then(|| {
            "nvmeroot connects without TLS: let the target take this host so, and take the key away"
                .to_owned()
        })
}

const PORT: &str = "a whole number from 1 to 65535";
const ADDRESS: &str = "an IPv4 or IPv6 address";

/// Reads a controller. Where it reports an error, what it returns stands in
/// for the controller, so that nothing that refers to it is reported too.
pub(super) fn read(report: &mut Report, item: Item<'_, '_>) -> NodeRole {
    let known: Vec<&'static str> = KEYS
        .iter()
        .copied()
        .chain(options().map(|o| o.name))
        .collect();
    unknown_keys(report, item, &known, "nvme_controller", elsewhere);
    let mut reader = Reader { report, item };
    match reader.transport() {
        Some(Wanted::Tcp) => reader
            .tcp()
            .map_or(NodeRole::LocalController, |controller| {
                NodeRole::Controller(Box::new(controller))
            }),
        Some(Wanted::Other(name)) => NodeRole::OtherRemote(OtherRemote::NvmeOver(name)),
        Some(Wanted::Pcie) | None => NodeRole::LocalController,
    }
}

/// How a controller is reached.
enum Wanted {
    Tcp,
    Pcie,
    /// curtin's schema takes any text, and nothing of curtin looks at others
    /// than `tcp` (`_iter_nvme_tcp_controllers` in curtin/nvme_tcp.py).
    Other(String),
}

struct Reader<'r, 'd> {
    report: &'r mut Report,
    item: Item<'d, 'r>,
}

impl<'d> Reader<'_, 'd> {
    fn tcp(&mut self) -> Option<Controller> {
        // Both, so that both are reported.
        let address = self
            .required("tcp_addr", ADDRESS, "tcp_addr: 192.0.2.1")
            .and_then(|node| self.address(node, "tcp_addr"));
        let port = self
            .required("tcp_port", PORT, "tcp_port: 4420")
            .and_then(|node| self.port(node));
        let nqn = self.nqn();
        let mut found = ConnectOptions::default();
        for option in options() {
            self.option(&mut found, option);
        }
        Some(Controller {
            transport: Transport::Tcp,
            traddr: address?,
            trsvcid: port?,
            nqn,
            options: found,
            origin: self.item.origin(),
        })
    }

    /// The value of a key that must be there.
    fn required(&mut self, key: &str, expected: &str, example: &str) -> Option<YamlNode<'d>> {
        if let Some(node) = self.item.get(key) {
            return Some(node);
        }
        let (origin, message) = match self.item.mapping.get(key) {
            Some(node) => (
                node.origin(&self.item.path.key(key)),
                format!("`{key}` is null"),
            ),
            None => {
                let message = format!("this controller has no `{key}`");
                (self.item.origin(), message)
            }
        };
        let near = near_miss(self.item.mapping, key).filter(|entry| !KEYS.contains(&entry.name()));
        let add = || format!("add `{example}` with the right value");
        let hint = near.map_or_else(add, |entry| meant(entry, key));
        let fault = Diagnostic::new(origin, message).expected(expected);
        self.report.error(fault.hint(hint));
        None
    }

    fn fault(&mut self, node: YamlNode<'d>, key: &str, expected: &str, hint: Option<&str>) {
        let path = self.item.path.key(key);
        misfit_with(self.report, node, &path, key, expected, hint);
    }

    fn transport(&mut self) -> Option<Wanted> {
        let expected = "`tcp` or `pcie`";
        let node = self.required("transport", expected, "transport: tcp")?;
        match scalar(node) {
            Some(Value::Text("tcp")) => Some(Wanted::Tcp),
            Some(Value::Text("pcie")) => Some(Wanted::Pcie),
            Some(Value::Text(other)) if !other.is_empty() => {
                let Some(near) = nearest(other, ["tcp", "pcie"]) else {
                    return Some(Wanted::Other(Excerpt(other).to_string()));
                };
                let hint = format!("is it meant to be `{near}`?");
                self.fault(node, "transport", expected, Some(&hint));
                None
            }
            _ => {
                self.fault(node, "transport", expected, None);
                None
            }
        }
    }

    fn address(&mut self, node: YamlNode<'d>, key: &str) -> Option<IpAddr> {
        let path = self.item.path.key(key);
        let text = text(self.report, node, &path, key, ADDRESS)?;
        match text.parse::<IpAddr>() {
            Ok(address) if names_a_host(address) => Some(address),
            Ok(_) => {
                let hint = "it is no address of a single machine";
                self.fault(node, key, ADDRESS, Some(hint));
                None
            }
            Err(_) => {
                self.fault(node, key, ADDRESS, address_hint(text).as_deref());
                None
            }
        }
    }

    fn port(&mut self, node: YamlNode<'d>) -> Option<Port> {
        let port = match scalar(node) {
            Some(Value::Text(text)) => text.parse().ok(),
            Some(Value::Integer(Integer {
                value: Some(value),
                notation,
            })) => {
                let port = value.to_string().parse::<Port>().ok();
                if let (Some(port), false) = (port, notation == Notation::Decimal) {
                    let origin = node.origin(&self.item.path.key("tcp_port"));
                    let message = format!("`tcp_port` is {}", describe(node));
                    let hint = format!("write `tcp_port: {port}` if that is meant");
                    self.report
                        .warn(Warning::at(origin, message).with_hint(hint));
                }
                port
            }
            _ => None,
        };
        if port.is_none() {
            self.fault(node, "tcp_port", PORT, None);
        }
        port
    }

    fn nqn(&mut self) -> Option<Nqn> {
        let (node, path) = (self.item.get("nqn")?, self.item.path.key("nqn"));
        let expected = "an NVMe qualified name";
        let nqn = text(self.report, node, &path, "nqn", expected)?.parse::<Nqn>();
        let wrong = |error: NameError| {
            let fault = Diagnostic::new(node.origin(&path), error.to_string());
            self.report.error(fault.expected(expected));
        };
        nqn.map_err(wrong).ok()
    }

    fn option(&mut self, found: &mut ConnectOptions, option: &ConnectOption) {
        let Some(node) = self.item.get(option.name) else {
            return;
        };
        if option.kind == OptionKind::Address {
            // With better hints than the text alone gives.
            let address = self.address(node, option.name);
            found.host_traddr = address.or(found.host_traddr);
            return;
        }
        let is_switch = option.kind == OptionKind::Switch;
        let text = match scalar(node) {
            Some(Value::Boolean(value)) if is_switch => value.to_string(),
            Some(Value::Integer(Integer {
                value: Some(value), ..
            })) if option.kind != OptionKind::Interface => value.to_string(),
            Some(Value::Text(text)) if !is_switch => text.to_owned(),
            _ => String::new(),
        };
        let path = self.item.path.key(option.name);
        match option.set(found, &text) {
            Ok(()) => {}
            Err(OptionError::Value(error)) if !text.is_empty() => {
                let origin = node.origin(&path);
                let expected = option.kind.expected();
                let error = Diagnostic::new(origin, error.to_string());
                self.report.error(error.expected(expected));
            }
            Err(_) => {
                let expected = option.kind.expected();
                misfit(self.report, node, &path, option.name, expected);
            }
        }
    }
}

fn names_a_host(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !address.is_unspecified() && !address.is_multicast() && !broadcast
}

fn address_hint(text: &str) -> Option<String> {
    if let Some((address, zone)) = text.split_once('%')
        && address.parse::<IpAddr>().is_ok()
    {
        return Some(format!(
            "leave out `%{}`: the interface goes into `host_iface`",
            Excerpt(zone)
        ));
    }
    let bare = text.strip_prefix('[').and_then(|t| t.split_once(']'));
    if let Some((address, _)) = bare
        && address.parse::<IpAddr>().is_ok()
    {
        return Some(format!("write it without brackets: {address}"));
    }
    if let Some((address, _)) = text.split_once('/')
        && address.parse::<IpAddr>().is_ok()
    {
        return Some(format!("leave out the prefix length: {address}"));
    }
    if let Some((address, port)) = text.rsplit_once(':')
        && address.parse::<IpAddr>().is_ok()
        && port.parse::<u16>().is_ok()
    {
        return Some(format!("the port goes into `tcp_port: {port}`"));
    }
    let is_name = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && text.bytes().any(|b| b.is_ascii_alphabetic());
    is_name.then(|| "names are not resolved before root is there: write the address".to_owned())
}
