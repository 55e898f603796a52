//! Files of systemd-networkd's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NameError;
use crate::name::text_newtype;

/// The name of a `.network` file (systemd.network(5)), without its directory: what the boot
/// calls a directory after, below `/run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkFile(String);
text_newtype!(NetworkFile);

impl FromStr for NetworkFile {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_name = text.len() <= 255 && !text.starts_with('.') && !text.contains(['/', '\0']);
        match is_name && text.ends_with(".network") {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError::NetworkFile {
                value: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for NetworkFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_out_of_no_directory() {
        let file: NetworkFile = "20-san.network".parse().expect("a name");
        assert_eq!(file.to_string(), "20-san.network");
        for bad in [
            "",
            ".network",
            "20-san.conf",
            "../a.network",
            "a/b.network",
            "a\0.network",
        ] {
            let value = bad.to_owned();
            assert_eq!(
                bad.parse::<NetworkFile>(),
                Err(NameError::NetworkFile { value })
            );
        }
    }
}
