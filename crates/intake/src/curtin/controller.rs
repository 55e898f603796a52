//! The `nvme_controller` action.

use std::net::IpAddr;
use std::str::FromStr;

use nvmeroot_plan::{ConnectOptions, Controller, NodeRole, Port, Transport, Warning};

use super::keys::{near_miss, unknown_keys};
use super::value::{is_null, misfit, scalar, text};
use crate::diagnostic::{Diagnostic, Report, nearest};
use crate::yaml::pyyaml::{Excerpt, Integer, Notation, Value, describe};
use crate::yaml::{KeyPath, Mapping, Node as YamlNode};

/// curtin's own keys, then the connect options by the kernel's names, which
/// curtin does not know.
const KEYS: &[&str] = &[
    "id",
    "type",
    "transport",
    "tcp_addr",
    "tcp_port",
    "name",
    "path",
    "preserve",
    "nqn",
    "host_iface",
    "host_traddr",
    "ctrl_loss_tmo",
    "reconnect_delay",
    "fast_io_fail_tmo",
    "keep_alive_tmo",
    "nr_io_queues",
    "nr_write_queues",
    "nr_poll_queues",
    "queue_size",
    "hdr_digest",
    "data_digest",
];

const PORT: &str = "a whole number from 1 to 65535";
const ADDRESS: &str = "an IPv4 or IPv6 address";

/// Reads a controller. Where it reports an error, what it returns stands in
/// for the controller, so that nothing that refers to it is reported too.
pub(super) fn read(
    report: &mut Report<'_>,
    item: YamlNode<'_>,
    mapping: Mapping<'_>,
    path: &KeyPath<'_>,
) -> NodeRole {
    unknown_keys(report, mapping, path, KEYS, "nvme_controller");
    tcp(report, item, mapping, path).map_or(NodeRole::LocalController, |controller| {
        NodeRole::Controller(Box::new(controller))
    })
}

fn tcp(
    report: &mut Report<'_>,
    item: YamlNode<'_>,
    mapping: Mapping<'_>,
    path: &KeyPath<'_>,
) -> Option<Controller> {
    let mut reader = Reader {
        report,
        item,
        mapping,
        path,
    };
    let transport = reader.required("transport", "`tcp` or `pcie`", "transport: tcp")?;
    if !reader.is_tcp(transport)? {
        return None;
    }
    // Both, so that both are reported.
    let address = reader
        .required("tcp_addr", ADDRESS, "tcp_addr: 192.0.2.1")
        .and_then(|node| reader.address(node, "tcp_addr"));
    let port = reader
        .required("tcp_port", PORT, "tcp_port: 4420")
        .and_then(|node| reader.port(node));
    let nqn = reader.parsed("nqn", "an NVMe qualified name");
    let options = reader.options();
    let controller = Controller {
        transport: Transport::Tcp,
        traddr: address?,
        trsvcid: port?,
        nqn,
        options,
        origin: report.origin(item, path),
    };
    if let IpAddr::V6(address) = controller.traddr
        && address.is_unicast_link_local()
        && controller.options.host_iface.is_none()
    {
        let message = format!(
            "`{address}` is a link-local address, and nothing says which interface leads to it"
        );
        report.warn(
            Warning::at(controller.origin.clone(), message)
                .with_hint("add `host_iface`, or use an address of wider scope"),
        );
    }
    Some(controller)
}

struct Reader<'r, 'd, 'p> {
    report: &'r mut Report<'p>,
    item: YamlNode<'d>,
    mapping: Mapping<'d>,
    path: &'r KeyPath<'r>,
}

impl<'d> Reader<'_, 'd, '_> {
    /// The value of a key that must be there.
    fn required(&mut self, key: &str, expected: &str, example: &str) -> Option<YamlNode<'d>> {
        let found = self.mapping.get(key);
        if let Some(node) = found
            && !is_null(node)
        {
            return Some(node);
        }
        let fault = match found {
            Some(node) => Diagnostic::new(
                self.report.origin(node, &self.path.key(key)),
                format!("`{key}` is null"),
            ),
            None => Diagnostic::new(
                self.report.origin(self.item, self.path),
                format!("this controller has no `{key}`"),
            ),
        };
        let near = near_miss(self.mapping, key).filter(|entry| !KEYS.contains(&entry.name()));
        let hint = match near {
            Some(entry) => format!("is `{}` meant to be `{key}`?", Excerpt(entry.name())),
            None => format!("add `{example}` with the right value"),
        };
        self.report.error(fault.expected(expected).hint(hint));
        None
    }

    /// The value of a key that may be left out or null.
    fn optional(&self, key: &str) -> Option<YamlNode<'d>> {
        self.mapping.get(key).filter(|node| !is_null(*node))
    }

    fn fault(&mut self, node: YamlNode<'d>, key: &str, expected: &str, hint: Option<String>) {
        let fault = Diagnostic::new(
            self.report.origin(node, &self.path.key(key)),
            format!("`{key}` is {}", describe(node)),
        );
        self.report.error(fault.expected(expected).maybe_hint(hint));
    }

    fn is_tcp(&mut self, node: YamlNode<'d>) -> Option<bool> {
        match scalar(node) {
            Some(Value::Text("tcp")) => Some(true),
            Some(Value::Text("pcie")) => Some(false),
            Some(Value::Text(other)) => {
                let hint = match nearest(other, ["tcp", "pcie"]) {
                    Some(near) => format!("is it meant to be `{near}`?"),
                    None => "only NVMe/TCP controllers and local ones are handled".to_owned(),
                };
                self.fault(node, "transport", "`tcp` or `pcie`", Some(hint));
                None
            }
            _ => {
                self.fault(node, "transport", "`tcp` or `pcie`", None);
                None
            }
        }
    }

    fn address(&mut self, node: YamlNode<'d>, key: &str) -> Option<IpAddr> {
        let path = self.path.key(key);
        let text = text(self.report, node, &path, key, ADDRESS)?;
        match text.parse::<IpAddr>() {
            Ok(address) if names_a_host(address) => Some(address),
            Ok(_) => {
                let hint = "it is no address of a single machine".to_owned();
                self.fault(node, key, ADDRESS, Some(hint));
                None
            }
            Err(_) => {
                self.fault(node, key, ADDRESS, address_hint(text));
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
                    let origin = self.report.origin(node, &self.path.key("tcp_port"));
                    let message = format!("`tcp_port` is {}", describe(node));
                    self.report.warn(
                        Warning::at(origin, message)
                            .with_hint(format!("write `tcp_port: {port}` if that is meant")),
                    );
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

    fn parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        let node = self.optional(key)?;
        let path = self.path.key(key);
        let text = text(self.report, node, &path, key, expected)?;
        text.parse()
            .map_err(|error: T::Err| {
                let origin = self.report.origin(node, &path);
                self.report
                    .error(Diagnostic::new(origin, error.to_string()).expected(expected));
            })
            .ok()
    }

    fn number<T: TryFrom<i128>>(&mut self, key: &str, expected: &str) -> Option<T> {
        let node = self.optional(key)?;
        let number = match scalar(node) {
            Some(Value::Integer(Integer { value, .. })) => value,
            Some(Value::Text(text)) => text.parse().ok(),
            _ => None,
        };
        let number = number.and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            misfit(self.report, node, &self.path.key(key), key, expected);
        }
        number
    }

    /// Seconds, or -1 for ever.
    fn seconds_or_never(&mut self, key: &str) -> Option<i32> {
        let expected = "seconds, or -1 for ever";
        let seconds = self.number::<i32>(key, expected)?;
        if seconds < -1 {
            let node = self.optional(key)?;
            misfit(self.report, node, &self.path.key(key), key, expected);
        }
        Some(seconds)
    }

    fn boolean(&mut self, key: &str) -> bool {
        let Some(node) = self.optional(key) else {
            return false;
        };
        if let Some(Value::Boolean(value)) = scalar(node) {
            return value;
        }
        misfit(
            self.report,
            node,
            &self.path.key(key),
            key,
            "`true` or `false`",
        );
        false
    }

    fn options(&mut self) -> ConnectOptions {
        const COUNT: &str = "a whole number";
        const SECONDS: &str = "a whole number of seconds";
        ConnectOptions {
            host_iface: self.parsed("host_iface", "the name of an interface"),
            host_traddr: self
                .optional("host_traddr")
                .and_then(|node| self.address(node, "host_traddr")),
            ctrl_loss_tmo: self.seconds_or_never("ctrl_loss_tmo"),
            reconnect_delay: self.number("reconnect_delay", SECONDS),
            fast_io_fail_tmo: self.seconds_or_never("fast_io_fail_tmo"),
            keep_alive_tmo: self.number("keep_alive_tmo", SECONDS),
            nr_io_queues: self.number("nr_io_queues", COUNT),
            nr_write_queues: self.number("nr_write_queues", COUNT),
            nr_poll_queues: self.number("nr_poll_queues", COUNT),
            queue_size: self.number("queue_size", COUNT),
            hdr_digest: self.boolean("hdr_digest"),
            data_digest: self.boolean("data_digest"),
            ..ConnectOptions::default()
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
