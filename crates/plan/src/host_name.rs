//! The name that a host gives of itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NameError;
use crate::name::text_newtype;

/// A host name as a DHCP client sends it: 1 to 64 bytes (`HOST_NAME_MAX`, limits.h) of
/// ASCII letters, digits, `-` and `_`, in parts with a dot between them, none of which
/// begins or ends with `-` (systemd's src/basic/hostname-util.c, `hostname_is_valid`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);
text_newtype!(HostName);

impl HostName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refuse = |why| NameError::Host {
            value: text.to_owned(),
            why,
        };
        if text.len() > 64 {
            return Err(refuse("it is longer than 64 bytes"));
        }
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if !text.bytes().all(is_safe) {
            return Err(refuse(
                "it contains something else than ASCII letters, digits, `-`, `_` and `.`",
            ));
        }
        if text.split('.').any(str::is_empty) {
            return Err(refuse("it is empty, or a part of it is"));
        }
        let at_an_end = |part: &str| part.starts_with('-') || part.ends_with('-');
        if text.split('.').any(at_an_end) {
            return Err(refuse("a part of it begins or ends with `-`"));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_may_be_called() {
        let longest = "a".repeat(64);
        for good in ["n1", "a-b.example_net", "7", longest.as_str()] {
            let name: HostName = good.parse().expect(good);
            assert_eq!((name.as_str(), name.to_string().as_str()), (good, good));
        }
        let odd = "it contains something else than ASCII letters, digits, `-`, `_` and `.`";
        for (bad, expected) in [
            ("", "it is empty, or a part of it is"),
            ("a..b", "it is empty, or a part of it is"),
            ("a.", "it is empty, or a part of it is"),
            ("-a", "a part of it begins or ends with `-`"),
            ("b.a-", "a part of it begins or ends with `-`"),
            ("a b", odd),
            ("\u{1b}[31m", odd),
            ("a\nb", odd),
            ("é", odd),
            (&format!("{longest}a"), "it is longer than 64 bytes"),
        ] {
            let refused = bad.parse::<HostName>().map_err(|error| match error {
                NameError::Host { value, why } => (value, why),
                other => panic!("{other}"),
            });
            assert_eq!(refused, Err((bad.to_owned(), expected)), "{bad:?}");
        }
    }
}
