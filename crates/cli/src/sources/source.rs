//! What a source gives.

use std::sync::Arc;

use nvmeroot_intake::yaml::Position;
use nvmeroot_intake::{IntakeError, netplan};

use crate::Failure;

/// A network configuration with the name that messages give it.
pub(super) struct NetworkText {
    pub(super) name: String,
    pub(super) path: Option<String>,
    pub(super) content: Vec<u8>,
    /// The file that it is a part of, and where it begins in it.
    pub(super) within: Option<(Arc<str>, Position)>,
}

impl NetworkText {
    pub(super) fn source(&self) -> netplan::Source<'_> {
        netplan::Source {
            name: self.name.clone(),
            path: self.path.clone(),
            text: &self.content,
            within: self.within.clone(),
        }
    }
}

/// Why a source can't be read.
pub(super) enum SourceError {
    Failure(Failure),
    Input(IntakeError),
}

impl From<Failure> for SourceError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<IntakeError> for SourceError {
    fn from(error: IntakeError) -> Self {
        Self::Input(error)
    }
}
