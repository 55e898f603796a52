//! Profiles of NetworkManager's.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::DefinitionId;
use crate::name::{NameError, shown_as_content, text_newtype, usual_uuid};

/// What the UUIDs that [`ConnectionId::of`] makes have in common (RFC 9562, section
/// 6.6); drawn by chance.
const NAME_SPACE: Uuid = Uuid::from_u128(0x7d5c_8c0e_2f0b_4d5e_9a35_0f6e_3b1c_47d2);

/// A UUID by which NetworkManager knows a profile (`connection.uuid`,
/// nm-settings-keyfile(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionId(Uuid);
text_newtype!(ConnectionId);
shown_as_content!(ConnectionId);

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
        let expected = "expected one such as `8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d`";
        let id = usual_uuid(text).map(Self);
        id.ok_or_else(|| NameError::text(text, "UUID of a profile", expected))
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
            let refused = bad.parse::<ConnectionId>().expect_err(bad).to_string();
            let expected = "expected one such as `8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d`";
            assert_eq!(
                refused,
                format!("`{bad}` is no UUID of a profile: {expected}")
            );
        }
    }
}
