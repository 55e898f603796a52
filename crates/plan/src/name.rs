//! Names and numbers that can't hold a bad value.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// Why a text is no name of the wanted kind.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Not a text of the wanted kind.
    #[error("`{value}` is no {what}: {why}")]
    Text {
        /// The text.
        value: String,
        /// What it should be.
        what: &'static str,
        /// The rule that it breaks, or what is expected.
        why: &'static str,
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
    /// More ARP targets than a bond can watch.
    #[error("a bond can watch 16 addresses, and these are {count}")]
    ArpTargets {
        /// How many there are.
        count: usize,
    },
}

impl NameError {
    pub(crate) fn text(value: &str, what: &'static str, why: &'static str) -> Self {
        Self::Text {
            value: value.to_owned(),
            what,
            why,
        }
    }
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

/// Shows a newtype as what it holds.
macro_rules! shown_as_content {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}
pub(crate) use shown_as_content;

/// A newtype of a text, with `as_str`, `Display` and the serde form as text. Its `FromStr`
/// is written beside it, or made of what it should be and of what says why a text is none.
macro_rules! name_type {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);
        $crate::name::text_newtype!($name);
        $crate::name::shown_as_content!($name);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
    ($(#[$meta:meta])* $name:ident: $what:literal, $check:path) => {
        $crate::name::name_type!($(#[$meta])* $name);

        impl std::str::FromStr for $name {
            type Err = $crate::NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.to_owned())),
                    Err(why) => Err($crate::NameError::text(text, $what, why)),
                }
            }
        }
    };
}
pub(crate) use name_type;

/// A UUID in its usual form (RFC 9562, section 4), which alone has this length. No other is
/// one to NetworkManager (`nm_uuid_parse_full` in its src/libnm-glib-aux/nm-uuid.c).
pub(crate) fn usual_uuid(text: &str) -> Option<Uuid> {
    let usual = Some(text).filter(|text| text.len() == 36)?;
    Uuid::try_parse(usual).ok()
}

name_type!(
    /// The name of a network interface.
    ///
    /// 1 to 15 bytes (`dev_valid_name` in the kernel's net/core/dev.c), and only
    /// ASCII letters, digits and `_`, `-`, `.`, `+`, `@`: nothing that a shell, a
    /// udev rule, a connect option or a file that initramfs-tools sources reads as
    /// more than a name. As in systemd (`ifname_valid_full` in its
    /// src/basic/socket-util.c), neither a number alone nor `all` and `default`,
    /// which are directories of sysctl.
    InterfaceName: "interface name", check_interface_name
);

fn check_interface_name(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > 15 {
        return Err("it is longer than 15 bytes");
    }
    if matches!(text, "." | ".." | "all" | "default") {
        return Err("Linux reserves it");
    }
    if text.starts_with('-') {
        return Err("it starts with `-`");
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("it is a number, which tools take for an interface's index");
    }
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"_-.+@".contains(&b);
    if !text.bytes().all(is_safe) {
        return Err("it contains something else than ASCII letters, digits and `_-.+@`");
    }
    Ok(())
}

name_type!(
    /// The id under which netplan defines an interface: its name, or an opaque
    /// word where `match` selects the card. Any text that isn't empty.
    DefinitionId
);

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
        const WHY: &str = "expected six pairs of hexadecimal digits with colons";
        let bad = || NameError::text(text, "MAC address", WHY);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> &'static str {
        match text.parse::<InterfaceName>() {
            Err(NameError::Text { why, .. }) => why,
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
            let refused = bad.parse::<MacAddress>().expect_err(bad).to_string();
            assert_eq!(
                refused,
                format!(
                    "`{bad}` is no MAC address: expected six pairs of hexadecimal digits with colons"
                )
            );
        }
    }
}
