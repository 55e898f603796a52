//! Names and numbers that can't hold a bad value.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is no name of the wanted kind.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Not an interface name that Linux accepts.
    #[error("`{value}` is no interface name: {why}")]
    Interface {
        /// The text.
        value: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// Not a host name.
    #[error("`{value}` is no host name: {why}")]
    Host {
        /// The text.
        value: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// Not a MAC address.
    #[error("`{value}` is no MAC address: expected six pairs of hexadecimal digits with colons")]
    Mac {
        /// The text.
        value: String,
    },
    /// Not an NVMe qualified name.
    #[error("`{value}` is no NVMe qualified name: {why}")]
    Nqn {
        /// The text.
        value: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// Not a host identifier.
    #[error(
        "`{value}` is no host identifier: expected a UUID such as `8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d`"
    )]
    HostId {
        /// The text.
        value: String,
    },
    /// Not the UUID of a profile.
    #[error(
        "`{value}` is no UUID of a profile: expected one such as `8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d`"
    )]
    Connection {
        /// The text.
        value: String,
    },
    /// Not the name of a file of networkd's.
    #[error("`{value}` is no name of a `.network` file")]
    NetworkFile {
        /// The text.
        value: String,
    },
    /// Not a TCP port.
    #[error("`{value}` is no TCP port: expected a whole number from 1 to 65535")]
    Port {
        /// The text.
        value: String,
    },
    /// Not a secret; its text is not kept, for it may nearly be one.
    #[error("this is no secret of DH-HMAC-CHAP: {why}")]
    Secret {
        /// The rule that it breaks.
        why: &'static str,
    },
    /// Not a definition's id.
    #[error("a definition's id can't be empty")]
    EmptyId,
    /// Not the name of a filesystem.
    #[error("`{value}` is no filesystem: expected lower-case letters and digits, such as `ext4`")]
    Filesystem {
        /// The text.
        value: String,
    },
    /// Not the name of a volume.
    #[error(
        "`{value}` is no name of a volume: expected letters, digits and `+`, `_`, `.`, `-`, as in `vg0`"
    )]
    Volume {
        /// The text.
        value: String,
    },
    /// Not an MTU.
    #[error("`{value}` is no MTU: expected a whole number from 68 to 65535")]
    Mtu {
        /// The number.
        value: u64,
    },
    /// Not a VLAN id.
    #[error("`{value}` is no VLAN id: expected a whole number from 0 to 4094")]
    Vlan {
        /// The number.
        value: u64,
    },
    /// A number that is out of its bounds.
    #[error("`{value}` is no {what}: expected a whole number from {min} to {max}")]
    Number {
        /// The number.
        value: u64,
        /// What it should be.
        what: &'static str,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// Not one of a few words.
    #[error("`{value}` is no {what}: expected one of `{}`", .words.join("`, `"))]
    Word {
        /// The text.
        value: String,
        /// What it should be.
        what: &'static str,
        /// The words.
        words: &'static [&'static str],
    },
    /// Not an IPv6 token.
    #[error("`{value}` is no IPv6 token: expected an address such as `::1a:2b`")]
    Token {
        /// The text.
        value: String,
    },
    /// More ARP targets than a bond can watch.
    #[error("a bond can watch 16 addresses, and these are {count}")]
    ArpTargets {
        /// How many there are.
        count: usize,
    },
    /// Not a mount point.
    #[error("`{value}` is no mount point: {why}")]
    MountPoint {
        /// The text.
        value: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// Not a route's destination.
    #[error(
        "`{value}` is no destination: expected `default`, an address or a network such as `10.0.0.0/8`"
    )]
    Destination {
        /// The text.
        value: String,
    },
}

/// Gives a newtype its `TryFrom<String>`, `From<…> for String` and serde form
/// from its `FromStr` and `Display`.
macro_rules! text_newtype {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = $crate::NameError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    };
}
pub(crate) use text_newtype;

/// The name of a network interface.
///
/// 1 to 15 bytes (`dev_valid_name` in the kernel's net/core/dev.c), and only
/// ASCII letters, digits and `_`, `-`, `.`, `+`, `@`: nothing that a shell, a
/// udev rule, a connect option or a file that initramfs-tools sources reads as
/// more than a name. As in systemd (`ifname_valid_full` in its
/// src/basic/socket-util.c), neither a number alone nor `all` and `default`,
/// which are directories of sysctl.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);
text_newtype!(InterfaceName);

impl InterfaceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InterfaceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refuse = |why| {
            Err(NameError::Interface {
                value: text.to_owned(),
                why,
            })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > 15 {
            return refuse("it is longer than 15 bytes");
        }
        if matches!(text, "." | ".." | "all" | "default") {
            return refuse("Linux reserves it");
        }
        if text.starts_with('-') {
            return refuse("it starts with `-`");
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return refuse("it is a number, which tools take for an interface's index");
        }
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"_-.+@".contains(&b);
        if !text.bytes().all(is_safe) {
            return refuse("it contains something else than ASCII letters, digits and `_-.+@`");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id under which netplan defines an interface: its name, or an opaque
/// word where `match` selects the card. Any text that isn't empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DefinitionId(String);
text_newtype!(DefinitionId);

impl DefinitionId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DefinitionId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            Err(NameError::EmptyId)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for DefinitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An Ethernet MAC address; shown in lower case with colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);
text_newtype!(MacAddress);

impl MacAddress {
    /// From its six bytes.
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// Its six bytes.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for MacAddress {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::Mac {
            value: text.to_owned(),
        };
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(bad)?;
            // from_str_radix takes a sign, an address doesn't.
            if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(bad());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| bad())?;
        }
        if parts.next().is_some() {
            Err(bad())
        } else {
            Ok(Self(bytes))
        }
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A link's MTU in bytes, 68 (RFC 791) to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Mtu(u16);

impl TryFrom<u64> for Mtu {
    type Error = NameError;

    fn try_from(value: u64) -> Result<Self, NameError> {
        u16::try_from(value)
            .ok()
            .filter(|v| *v >= 68)
            .map(Self)
            .ok_or(NameError::Mtu { value })
    }
}

impl From<Mtu> for u64 {
    fn from(mtu: Mtu) -> u64 {
        mtu.0.into()
    }
}

impl fmt::Display for Mtu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An IEEE 802.1Q VLAN id, 0 to 4094.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct VlanId(u16);

impl TryFrom<u64> for VlanId {
    type Error = NameError;

    fn try_from(value: u64) -> Result<Self, NameError> {
        u16::try_from(value)
            .ok()
            .filter(|v| *v <= 4094)
            .map(Self)
            .ok_or(NameError::Vlan { value })
    }
}

impl From<VlanId> for u64 {
    fn from(id: VlanId) -> u64 {
        id.0.into()
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> &'static str {
        match text.parse::<InterfaceName>() {
            Err(NameError::Interface { why, .. }) => why,
            other => panic!("{text:?} gave {other:?}"),
        }
    }

    #[test]
    fn interface_names_follow_the_kernel() {
        for good in [
            "lo",
            "enp0s31f6",
            "eth0.100",
            "a23456789012345",
            "br-lan",
            "veth0@if2",
            "a_b+c",
            "0a",
        ] {
            assert_eq!(
                good.parse::<InterfaceName>().map(String::from).as_deref(),
                Ok(good)
            );
        }
        assert_eq!(why(""), "it is empty");
        assert_eq!(why("a234567890123456"), "it is longer than 15 bytes");
        assert_eq!(why("-4"), "it starts with `-`");
        for reserved in ["..", "all", "default"] {
            assert_eq!(why(reserved), "Linux reserves it");
        }
        assert_eq!(
            why("42"),
            "it is a number, which tools take for an interface's index"
        );
    }

    /// Everything that a shell, a sourced file, a udev rule or the fabrics
    /// device takes for more than a letter of the name.
    #[test]
    fn a_name_is_safe_wherever_it_is_written() {
        for c in " \t\n\0/:%,;'\"\\$`&|<>(){}[]*?!#~=^\u{e4}\u{7f}".chars() {
            assert_eq!(
                why(&format!("e{c}0")),
                "it contains something else than ASCII letters, digits and `_-.+@`",
                "{c:?}"
            );
        }
    }

    #[test]
    fn mac_addresses_keep_their_bytes() {
        let mac: MacAddress = "52:54:00:AB:cd:0f".parse().expect("a MAC address");
        assert_eq!(mac.octets(), [0x52, 0x54, 0, 0xab, 0xcd, 0x0f]);
        assert_eq!(mac.to_string(), "52:54:00:ab:cd:0f");
        for bad in [
            "",
            "52:54:00:ab:cd",
            "52:54:00:ab:cd:0f:01",
            "+2:54:00:ab:cd:0f",
            "52-54-00-ab-cd-0f",
        ] {
            assert_eq!(
                bad.parse::<MacAddress>(),
                Err(NameError::Mac {
                    value: bad.to_owned()
                })
            );
        }
    }

    #[test]
    fn numbers_keep_their_bounds() {
        assert_eq!(Mtu::try_from(67), Err(NameError::Mtu { value: 67 }));
        assert_eq!(Mtu::try_from(9000).map(u64::from), Ok(9000));
        assert_eq!(Mtu::try_from(65_536), Err(NameError::Mtu { value: 65_536 }));
        let (mtu, vlan) = (Mtu::try_from(68), VlanId::try_from(4094));
        assert_eq!(mtu.expect("an MTU").to_string(), "68");
        assert_eq!(vlan.expect("a VLAN id").to_string(), "4094");
        assert_eq!(VlanId::try_from(4094).map(u64::from), Ok(4094));
        assert_eq!(VlanId::try_from(4095), Err(NameError::Vlan { value: 4095 }));
    }
}
