//! Where something was said.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{tidy, tidy_hint};

/// The place in an input that a value, a warning or a step comes from.
///
/// Lines and columns count from 1, columns in characters. A line of 0 stands
/// for the source as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The file as the user named it, or the name of an embedded text
    /// (`etc_netplan_installer`).
    pub file: Arc<str>,
    /// Line, from 1; 0 where the whole source is meant.
    pub line: u32,
    /// Column in characters, from 1; 0 where the whole source is meant.
    pub column: u32,
    /// The key's path, such as `storage.config[3].tcp_port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Origin {
    /// A place in a text.
    pub fn at(file: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self {
            file: file.into(),
            line,
            column,
            key: None,
        }
    }

    /// A source as a whole.
    pub fn whole(file: impl Into<Arc<str>>) -> Self {
        Self::at(file, 0, 0)
    }

    /// The same place, with the key's path.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(tidy(key));
        self
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if let Some(key) = &self.key {
            write!(f, " `{key}`")?;
        }
        Ok(())
    }
}

/// Something that the user should know and that does not stop the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What was found, without a capital or a full stop.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Warning {
    /// A warning about one place of the input.
    pub fn at(origin: Origin, message: impl Into<String>) -> Self {
        Self {
            message: tidy(message),
            hint: None,
            origin: Some(origin),
        }
    }

    /// A warning about the input as a whole.
    pub fn general(message: impl Into<String>) -> Self {
        Self {
            message: tidy(message),
            hint: None,
            origin: None,
        }
    }

    /// The same warning, with what to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        self.maybe_hint(Some(hint))
    }

    /// The same warning, with what to do about it where that is known.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(tidy_hint).or(self.hint);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_file_line_column_and_key() {
        let origin = Origin::at("etc_netplan_installer", 4, 7).with_key("network.ethernets.ens3");
        assert_eq!(
            origin.to_string(),
            "etc_netplan_installer:4:7 `network.ethernets.ens3`"
        );
        assert_eq!(Origin::whole("NBFT").to_string(), "NBFT");
    }
}
