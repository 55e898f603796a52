//! What a source says of an interface and the plan does not carry out.

use serde::{Deserialize, Serialize};

use crate::Warning;

/// Something about one interface that matters only in some plans: which, is
/// known when all fragments are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceDiagnostic {
    /// When it matters, and how much.
    pub severity: Severity,
    /// What is to be said.
    pub warning: Warning,
}

/// When a diagnostic of an interface matters. An interface is on the path if a
/// mount that is needed before init starts is reached over it, itself or as
/// another one's parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Left to the running system: a warning on the path, elsewhere nothing.
    Note,
    /// A warning wherever the initramfs brings up a network.
    Notice,
    /// Can't be carried out: an error on the path, elsewhere nothing.
    Refusal,
    /// Not understood: an error on the path, elsewhere a warning.
    Doubt,
}

impl Severity {
    /// A diagnostic of this severity.
    pub fn diagnostic(self, warning: Warning) -> InterfaceDiagnostic {
        InterfaceDiagnostic {
            severity: self,
            warning,
        }
    }
}
