//! How a command ends that fails.

use crate::diagnose::InputErrors;

/// Why a command ended without doing its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The input is wrong; nothing was written. Exit status 2.
    Input(InputErrors),
    /// The command was used wrongly. Exit status 2.
    Usage(String),
    /// It could not be done. Exit status 1; of `check`, whose 1 says more, 2.
    Runtime(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Runtime(error.into())
    }
}
