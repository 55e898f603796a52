//! Hosts, controllers and how to connect them.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::json::is_default;
use crate::name::{NameError, name_type, shown_as_content, text_newtype, usual_uuid};
use crate::{ConnectOptions, InterfaceName, Origin};

name_type!(
    /// An NVMe qualified name: `nqn.` and at most 223 bytes in all, printable
    /// (NVM Express Base Specification 2.0, section 4.5).
    Nqn: "NVMe qualified name", check_nqn
);

impl Nqn {
    /// The well-known name of the discovery subsystem.
    pub const DISCOVERY: &'static str = "nqn.2014-08.org.nvmexpress.discovery";
}

fn check_nqn(text: &str) -> Result<(), &'static str> {
    if !text.starts_with("nqn.") {
        return Err("it does not start with `nqn.`");
    }
    if text.len() > 223 {
        return Err("it is longer than 223 bytes");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("it contains white space or a control character");
    }
    // The kernel's option string is split at commas (nvmf_parse_options).
    if text.contains(',') {
        return Err("it contains a comma, which Linux can't pass on");
    }
    Ok(())
}

/// A host identifier: 16 bytes, written as a UUID (RFC 9562).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostId(Uuid);
text_newtype!(HostId);
shown_as_content!(HostId);

impl HostId {
    /// Its bytes, in the order in which the UUID is written.
    pub const fn octets(self) -> [u8; 16] {
        self.0.into_bytes()
    }
}

impl FromStr for HostId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let expected = "expected a UUID such as `8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d`";
        // The specification reserves zero: it means that there is none.
        let id = usual_uuid(text).filter(|id| !id.is_nil()).map(Self);
        id.ok_or_else(|| NameError::text(text, "host identifier", expected))
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
shown_as_content!(Port);

impl Port {
    /// The port as a number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl FromStr for Port {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        const WHY: &str = "expected a whole number from 1 to 65535";
        let bad = || NameError::text(text, "TCP port", WHY);
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        text.parse().ok().map(Self).ok_or_else(bad)
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
    #[serde(default, skip_serializing_if = "is_default")]
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

    /// The order of controllers, and what makes two of them one connection:
    /// transport, address, port (both compared as text), subsystem, source
    /// address and interface (`_tcp_match_ctrl` in libnvme's src/nvme/tree.c,
    /// `nvmf_ip_options_match` in the kernel's drivers/nvme/host/fabrics.c).
    pub fn identity(&self) -> ConnectionIdentity {
        ConnectionIdentity {
            traddr: self.traddr.to_string(),
            trsvcid: self.trsvcid.to_string(),
            transport: self.transport,
            nqn: self.nqn.clone(),
            host_traddr: self.options.host_traddr,
            host_iface: self.options.host_iface.clone(),
        }
    }
}

/// What makes two controllers one connection; see [`Controller::identity`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionIdentity {
    traddr: String,
    trsvcid: String,
    transport: Transport,
    nqn: Option<Nqn>,
    host_traddr: Option<IpAddr>,
    host_iface: Option<InterfaceName>,
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
                Err(NameError::text(
                    bad,
                    "host identifier",
                    "expected a UUID such as `8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d`"
                ))
            );
        }
    }

    #[test]
    fn qualified_names_keep_the_specification() {
        let refused = |text: &str| match text.parse::<Nqn>() {
            Err(NameError::Text { why, .. }) => why,
            other => panic!("{text:?} gave {other:?}"),
        };
        assert!(
            "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
                .parse::<Nqn>()
                .is_ok()
        );
        assert_eq!(refused("iqn.2014"), "it does not start with `nqn.`");
        let long = |bytes: usize| format!("nqn.{}", "a".repeat(bytes - 4));
        assert_eq!(
            long(223).parse().map(|one: Nqn| one.to_string()),
            Ok(long(223))
        );
        assert_eq!(refused(&long(224)), "it is longer than 223 bytes");
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
    fn the_transport_has_the_kernel_s_word() {
        assert_eq!(Transport::Tcp.to_string(), "tcp");
        assert_eq!(serde_json::to_value(Transport::Tcp).expect("JSON"), "tcp");
    }

    #[test]
    fn ports_are_ports() {
        assert_eq!("4420".parse::<Port>().map(Port::get), Ok(4420));
        for bad in ["", "0", "70000", "-1", "+5", "44 20", "0x10"] {
            let refused = bad.parse::<Port>().expect_err(bad).to_string();
            assert_eq!(
                refused,
                format!("`{bad}` is no TCP port: expected a whole number from 1 to 65535")
            );
        }
    }
}
