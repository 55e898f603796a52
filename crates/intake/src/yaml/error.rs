use granit_parser::ScanError;

use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES, Position};

/// Why a text is no YAML document that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum YamlError {
    /// The text is longer than [`MAX_BYTES`].
    #[error("the file is longer than the {MAX_BYTES} bytes that are read")]
    TooLarge {
        /// Length of the text in bytes.
        size: usize,
    },
    /// The bytes are not UTF-8.
    #[error("byte 0x{byte:02x} is not UTF-8")]
    NotUtf8 {
        /// Where the first such byte stands.
        position: Position,
        /// Its value.
        byte: u8,
    },
    /// A character that no YAML text may hold as it is (PyYAML's
    /// `Reader.check_printable`, libyaml's `yaml_parser_update_buffer`).
    #[error("the character U+{:04X} is not allowed in YAML", u32::from(*character))]
    Character {
        /// Where it stands.
        position: Position,
        /// The character.
        character: char,
    },
    /// The text breaks JSON's grammar.
    #[error("this is no JSON: {why}")]
    NotJson {
        /// Where the parser gave up.
        position: Position,
        /// What it missed.
        why: String,
    },
    /// The text breaks YAML's grammar.
    #[error("not YAML: {}", source.info())]
    Syntax {
        /// Where the parser gave up.
        position: Position,
        /// It is JSON all the same: a key is too long for YAML, or its colon
        /// stands in another line (PyYAML's `stale_possible_simple_keys`,
        /// libyaml's `yaml_parser_stale_simple_keys`).
        is_json: bool,
        /// What it missed.
        source: Box<ScanError>,
    },
    /// Mappings and lists are nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep {
        /// Where the first level too many begins.
        position: Position,
    },
    /// More nodes than [`MAX_NODES`], aliases counted as often as used.
    #[error("more than {MAX_NODES} values")]
    TooManyNodes {
        /// The value or alias that exceeded the limit.
        position: Position,
        /// Whether an alias or a merge key did it.
        by_alias: bool,
    },
    /// An alias inside the very node that it refers to.
    #[error("an alias refers to the value that it is part of")]
    AliasInItself {
        /// Where the alias stands.
        position: Position,
    },
    /// A second document in the stream.
    #[error("a second document starts here")]
    SecondDocument {
        /// Where it starts.
        position: Position,
    },
}

impl YamlError {
    /// Where the fault lies; `None` where it is the file as a whole.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::TooLarge { .. } => None,
            Self::NotUtf8 { position, .. }
            | Self::Character { position, .. }
            | Self::NotJson { position, .. }
            | Self::Syntax { position, .. }
            | Self::TooDeep { position }
            | Self::TooManyNodes { position, .. }
            | Self::AliasInItself { position }
            | Self::SecondDocument { position } => Some(*position),
        }
    }

    /// What would help, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotUtf8 { .. } => Some("save the file as UTF-8"),
            Self::Character { .. } => {
                Some("remove it, or write it in double quotes as `\\u` and four digits")
            }
            Self::Syntax { is_json: true, .. } => Some(
                "this is JSON, but YAML takes a key only if it is shorter than 1024 characters and its colon stands in the same line",
            ),
            Self::TooManyNodes { by_alias: true, .. } => {
                Some("aliases multiply the values that they stand for")
            }
            Self::SecondDocument { .. } => Some("one document a file: remove the `---`"),
            _ => None,
        }
    }
}
