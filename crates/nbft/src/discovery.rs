//! Discovery controllers.

use alloc::string::String;

use crate::subsystem::DISCOVERY_NQN;
use crate::value::Unknown;

/// A discovery controller that the firmware was told of (Figure 26).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// What other records call it.
    pub index: u8,
    /// The HFI that leads to it.
    pub hfi: u8,
    /// The security profile that the connection needs.
    pub security: Option<u8>,
    /// Where it is: `nvme+tcp://192.0.2.1:8009/`.
    pub uri: String,
    /// Its own NQN: see [`Discovery::nqn`].
    pub unique_nqn: Option<String>,
    /// Reserved bytes; the descriptor's flags come first.
    pub unknown: Unknown,
}

impl Discovery {
    /// A discovery controller behind an HFI.
    #[must_use]
    pub fn new(index: u8, hfi: u8, uri: impl Into<String>) -> Self {
        Self {
            index,
            hfi,
            uri: uri.into(),
            ..Self::default()
        }
    }

    /// Its NQN; the well-known one where it has none of its own.
    #[must_use]
    pub fn nqn(&self) -> &str {
        self.unique_nqn.as_deref().unwrap_or(DISCOVERY_NQN)
    }
}
