//! What can be wrong with a file of configurations.

/// What is wrong with a file of configurations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// A document begins without its name.
    #[error("document {number} does not begin with `# name: title`")]
    NoName {
        /// Counted from 1.
        number: usize,
    },
    /// A document names no portal.
    #[error("`{name}` has no `# portal ADDRESS`")]
    NoPortal {
        /// The configuration.
        name: String,
    },
    /// A word that is no address or no number.
    #[error("`{name}`: `{word}` makes no sense here")]
    Word {
        /// The configuration.
        name: String,
        /// The word.
        word: String,
    },
    /// Two configurations have the same name.
    #[error("two configurations are called `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
}
