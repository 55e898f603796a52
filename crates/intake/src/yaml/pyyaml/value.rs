//! What a scalar may be to PyYAML, and why it may be nothing.

/// A resolved scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'d> {
    /// `~`, `null`, `Null`, `NULL`, or nothing at all.
    Null,
    /// `yes`, `no`, `true`, `false`, `on`, `off` in lower case, capitalised or
    /// upper case.
    Boolean(bool),
    /// An integer in any of YAML 1.1's notations.
    Integer(Integer),
    /// A number with a point, `.inf` or `.nan`.
    Float(f64),
    /// A date, with or without a time; its text, unchecked.
    Timestamp(&'d str),
    /// Text.
    Text(&'d str),
    /// The bytes of a `!!binary`.
    Bytes(Vec<u8>),
}

/// An integer and how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// The value; `None` where it has more than 127 bits (PyYAML has no limit).
    pub value: Option<i128>,
    /// How it was written.
    pub notation: Notation,
}

/// The notations that YAML 1.1 knows for integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// `1_000`
    Decimal,
    /// `0600`, without the `o` of YAML 1.2 (which makes it text here)
    Octal,
    /// `0x1f`
    Hexadecimal,
    /// `0b101`
    Binary,
    /// `11:22:33`, base 60
    Sexagesimal,
}

/// Why PyYAML would not have read a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The text of an explicitly tagged scalar, or of a number without digits,
    /// is not what the tag says.
    #[error("this cannot be read as `{as_tag}`")]
    BadScalar {
        /// The tag without its namespace, such as `int`.
        as_tag: &'static str,
    },
    /// A tag that `SafeLoader` has no constructor for.
    #[error("the tag `{tag}` has no meaning here")]
    UnknownTag {
        /// The tag, resolved.
        tag: Box<str>,
    },
    /// The tag belongs to another shape of node.
    #[error("the tag `{tag}` does not fit this value")]
    TagMismatch {
        /// The tag, resolved.
        tag: Box<str>,
    },
    /// `=` or `<<` where no key is.
    #[error("a plain `{text}` has no value; quote it")]
    NoValue {
        /// The text.
        text: &'static str,
    },
    /// See [`Fault::MergeValue`](crate::yaml::Fault::MergeValue).
    #[error("the value of a merge key `<<` must be a mapping or a list of mappings")]
    MergeValue,
    /// See [`Fault::CollectionKey`](crate::yaml::Fault::CollectionKey).
    #[error("a mapping or a list cannot be a key")]
    CollectionKey,
}
