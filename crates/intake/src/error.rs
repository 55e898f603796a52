use std::sync::Arc;

use nvmeroot_plan::Origin;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::yaml::{Position, YamlError};

/// Why an input gives no fragment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The text is no YAML document.
    #[error("`{file}` cannot be read")]
    Yaml {
        /// The file, or the name of the embedded text.
        file: Arc<str>,
        /// Where the text begins in it.
        start: Position,
        /// Why.
        source: YamlError,
    },
    /// The document says something that it must not.
    #[error("{0}")]
    Invalid(Diagnostics),
}

impl IntakeError {
    /// Every fault with its place.
    #[must_use]
    pub fn into_diagnostics(self) -> Diagnostics {
        match self {
            Self::Invalid(diagnostics) => diagnostics,
            Self::Yaml {
                file,
                start,
                source,
            } => {
                let origin = source.position().map_or_else(
                    || Origin::whole(file.clone()),
                    |at| {
                        let at = at.in_text_from(start);
                        Origin::at(file.clone(), at.line, at.column)
                    },
                );
                let fault = Diagnostic::new(origin, source.to_string());
                fault.maybe_hint(source.hint()).into()
            }
        }
    }
}

impl IntakeError {
    /// What the parser of that text says.
    pub(crate) fn of(file: &str) -> impl FnOnce(YamlError) -> Self {
        let file = file.into();
        let start = Position::START;
        move |source| Self::Yaml {
            file,
            start,
            source,
        }
    }
}

impl From<Diagnostics> for IntakeError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Invalid(diagnostics)
    }
}
