//! Profiles of NetworkManager's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::name::text_newtype;
use crate::{DefinitionId, NameError};

/// What the UUIDs that [`ConnectionId::of`] makes have in common (RFC 9562, section
/// 6.6); drawn by chance.
const NAME_SPACE: Uuid = Uuid::from_u128(0x7d5c_8c0e_2f0b_4d5e_9a35_0f6e_3b1c_47d2);

/// A UUID by which NetworkManager knows a profile (`connection.uuid`,
/// nm-settings-keyfile(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionId(Uuid);
text_newtype!(ConnectionId);

impl ConnectionId {
    /// That of a definition's profile where nobody has said another: the same in the
    /// initramfs and in the running system.
    pub fn of(definition: &DefinitionId) -> Self {
        Self(Uuid::new_v5(&NAME_SPACE, definition.as_str().as_bytes()))
    }
}

impl FromStr for ConnectionId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // Only the usual form has this length, and only that is one to NetworkManager
        // (`nm_uuid_parse_full` in its src/libnm-glib-aux/nm-uuid.c).
        let usual = Some(text).filter(|text| text.len() == 36);
        let parsed = usual.and_then(|text| Uuid::try_parse(text).ok());
        parsed.map(Self).ok_or_else(|| NameError::Connection {
            value: text.to_owned(),
        })
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definitions_uuid_stays_the_same() {
        let of = |id: &str| ConnectionId::of(&id.parse().expect("an id")).to_string();
        assert_eq!(of("ens3"), of("ens3"));
        assert_ne!(of("ens3"), of("ens4"));
        assert_eq!(&of("ens3")[14..15], "5", "version 5: {}", of("ens3"));
    }

    #[test]
    fn only_the_usual_form_is_taken() {
        let text = "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d";
        assert_eq!(
            text.parse::<ConnectionId>().map(|id| id.to_string()),
            Ok(text.to_owned())
        );
        for bad in [
            "",
            "8f3c4d2a5b1e4f609a7d0c1b2e3f4a5d",
            "{8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d}",
            "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5x",
        ] {
            assert_eq!(
                bad.parse::<ConnectionId>(),
                Err(NameError::Connection {
                    value: bad.to_owned()
                })
            );
        }
    }
}
