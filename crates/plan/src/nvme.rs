//! Hosts, controllers and how to connect them.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::{NameError, text_newtype};
use crate::{InterfaceName, Origin, Secret};

/// An NVMe qualified name: `nqn.` and at most 223 bytes in all, printable
/// (NVM Express Base Specification 2.0, section 4.5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nqn(String);
text_newtype!(Nqn);

impl Nqn {
    /// The well-known name of the discovery subsystem.
    pub const DISCOVERY: &'static str = "nqn.2014-08.org.nvmexpress.discovery";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Nqn {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refuse = |why| {
            Err(NameError::Nqn {
                value: text.to_owned(),
                why,
            })
        };
        if !text.starts_with("nqn.") {
            return refuse("it does not start with `nqn.`");
        }
        if text.len() > 223 {
            return refuse("it is longer than 223 bytes");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return refuse("it contains white space or a control character");
        }
        // The kernel's option string is split at commas (nvmf_parse_options).
        if text.contains(',') {
            return refuse("it contains a comma, which Linux can't pass on");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Nqn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host identifier: 16 bytes, written as a UUID (RFC 9562).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostId([u8; 16]);
text_newtype!(HostId);

impl HostId {
    /// Its bytes, in the order in which the UUID is written.
    pub const fn octets(self) -> [u8; 16] {
        self.0
    }
}

impl FromStr for HostId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::HostId {
            value: text.to_owned(),
        };
        let groups: Vec<&str> = text.split('-').collect();
        if groups.iter().map(|g| g.len()).ne([8, 4, 4, 4, 12]) {
            return Err(bad());
        }
        let digits = groups.concat();
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let value = u128::from_str_radix(&digits, 16).map_err(|_| bad())?;
        // The specification reserves zero: it means that there is none.
        if value == 0 {
            Err(bad())
        } else {
            Ok(Self(value.to_be_bytes()))
        }
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = u128::from_be_bytes(self.0);
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            v >> 96,
            (v >> 80) & 0xffff,
            (v >> 64) & 0xffff,
            (v >> 48) & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}

/// The identity of the host: hostnqn and hostid, always a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostIdentity {
    /// The host's qualified name (`/etc/nvme/hostnqn`).
    pub nqn: Nqn,
    /// The host's identifier (`/etc/nvme/hostid`).
    pub id: HostId,
}

/// A TCP port (the transport service identifier of NVMe/TCP), 1 to 65535.
/// Text in JSON, as in the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Port(NonZeroU16);
text_newtype!(Port);

impl Port {
    /// The port as a number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl FromStr for Port {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::Port {
            value: text.to_owned(),
        };
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        text.parse().ok().map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a controller is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Transport {
    /// NVMe/TCP.
    Tcp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.write_str("tcp"),
        }
    }
}

/// A remote controller, or the discovery portal that knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// The transport.
    pub transport: Transport,
    /// The portal's address.
    pub traddr: IpAddr,
    /// The portal's port.
    pub trsvcid: Port,
    /// The subsystem; without it the portal's discovery log says which there
    /// are, and all of them are connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nqn: Option<Nqn>,
    /// What the connection is made with.
    #[serde(default, skip_serializing_if = "ConnectOptions::is_default")]
    pub options: ConnectOptions,
    /// Where it is defined.
    pub origin: Origin,
}

impl Controller {
    /// The portal as `ADDRESS:PORT`, IPv6 in brackets.
    pub fn portal(&self) -> String {
        match self.traddr {
            IpAddr::V4(a) => format!("{a}:{}", self.trsvcid),
            IpAddr::V6(a) => format!("[{a}]:{}", self.trsvcid),
        }
    }

    /// The order of controllers: address, then port, compared as text.
    pub fn sort_key(&self) -> (String, String, Option<&Nqn>) {
        (
            self.traddr.to_string(),
            self.trsvcid.to_string(),
            self.nqn.as_ref(),
        )
    }
}

/// The options of a connection, named as in the kernel's
/// drivers/nvme/host/fabrics.c (`opt_tokens`). Seconds and counts; what is
/// `None` is left to the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectOptions {
    /// Interface that the connection is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_iface: Option<InterfaceName>,
    /// Source address of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_traddr: Option<IpAddr>,
    /// Seconds after which a lost controller is given up; -1: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctrl_loss_tmo: Option<i32>,
    /// Seconds between two tries to reconnect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconnect_delay: Option<u32>,
    /// Seconds after which I/O on a lost path fails; -1: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fast_io_fail_tmo: Option<i32>,
    /// Keep-alive timeout in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive_tmo: Option<u32>,
    /// Number of I/O queues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nr_io_queues: Option<u32>,
    /// Number of queues for writes only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nr_write_queues: Option<u32>,
    /// Number of polled queues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nr_poll_queues: Option<u32>,
    /// Entries per queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_size: Option<u32>,
    /// Header digests.
    #[serde(skip_serializing_if = "is_false")]
    pub hdr_digest: bool,
    /// Data digests.
    #[serde(skip_serializing_if = "is_false")]
    pub data_digest: bool,
    /// Type of service of the connection's packets, 0 to 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// What the host proves to the controller that it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dhchap_secret: Option<Secret>,
    /// What the controller proves to the host that it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dhchap_ctrl_secret: Option<Secret>,
}

impl ConnectOptions {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over from `other` what is not said here.
    pub(crate) fn fill_from(&mut self, other: &Self) {
        fn fill<T: Clone>(own: &mut Option<T>, other: &Option<T>) {
            if own.is_none() {
                own.clone_from(other);
            }
        }
        // By name, so that a new option can't be forgotten.
        let Self {
            host_iface,
            host_traddr,
            ctrl_loss_tmo,
            reconnect_delay,
            fast_io_fail_tmo,
            keep_alive_tmo,
            nr_io_queues,
            nr_write_queues,
            nr_poll_queues,
            queue_size,
            hdr_digest,
            data_digest,
            tos,
            dhchap_secret,
            dhchap_ctrl_secret,
        } = self;
        fill(host_iface, &other.host_iface);
        fill(host_traddr, &other.host_traddr);
        fill(ctrl_loss_tmo, &other.ctrl_loss_tmo);
        fill(reconnect_delay, &other.reconnect_delay);
        fill(fast_io_fail_tmo, &other.fast_io_fail_tmo);
        fill(keep_alive_tmo, &other.keep_alive_tmo);
        fill(nr_io_queues, &other.nr_io_queues);
        fill(nr_write_queues, &other.nr_write_queues);
        fill(nr_poll_queues, &other.nr_poll_queues);
        fill(queue_size, &other.queue_size);
        *hdr_digest |= other.hdr_digest;
        *data_digest |= other.data_digest;
        fill(tos, &other.tos);
        fill(dhchap_secret, &other.dhchap_secret);
        fill(dhchap_ctrl_secret, &other.dhchap_ctrl_secret);
    }
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_ids_are_uuids_in_written_order() {
        let id: HostId = "8F3C4D2A-5b1e-4f60-9a7d-0c1b2e3f4a5d"
            .parse()
            .expect("a UUID");
        assert_eq!(id.octets()[..4], [0x8f, 0x3c, 0x4d, 0x2a]);
        assert_eq!(id.to_string(), "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d");
        for bad in [
            "",
            "8f3c4d2a5b1e4f609a7d0c1b2e3f4a5d",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert_eq!(
                bad.parse::<HostId>(),
                Err(NameError::HostId {
                    value: bad.to_owned()
                })
            );
        }
    }

    #[test]
    fn qualified_names_keep_the_specification() {
        let refused = |text: &str| match text.parse::<Nqn>() {
            Err(NameError::Nqn { why, .. }) => why,
            other => panic!("{text:?} gave {other:?}"),
        };
        assert!(
            "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
                .parse::<Nqn>()
                .is_ok()
        );
        assert_eq!(refused("iqn.2014"), "it does not start with `nqn.`");
        assert_eq!(
            refused(&format!("nqn.{}", "a".repeat(220))),
            "it is longer than 223 bytes"
        );
        assert_eq!(
            refused("nqn.a b"),
            "it contains white space or a control character"
        );
        assert_eq!(
            refused("nqn.a,b"),
            "it contains a comma, which Linux can't pass on"
        );
    }

    #[test]
    fn ports_are_ports() {
        assert_eq!("4420".parse::<Port>().map(Port::get), Ok(4420));
        for bad in ["", "0", "70000", "-1", "+5", "44 20", "0x10"] {
            assert_eq!(
                bad.parse::<Port>(),
                Err(NameError::Port {
                    value: bad.to_owned()
                })
            );
        }
    }
}
