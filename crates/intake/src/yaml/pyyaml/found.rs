//! What messages call a value.

use std::fmt;

use super::{Integer, Notation, Value, resolve};
use crate::diagnostic::Excerpt;
use crate::yaml::{Kind, Node};

/// What a message calls the value: `the number 70000`, `a mapping`, `null`.
///
/// Names the value itself, so it must not be used where that may be a secret.
#[must_use]
pub fn describe(node: Node<'_>) -> Found<'_> {
    Found(node)
}

/// See [`describe`].
#[derive(Clone, Copy, Debug)]
pub struct Found<'d>(Node<'d>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scalar = match self.0.kind() {
            Kind::Mapping(_) => return f.write_str("a mapping"),
            Kind::Sequence(_) => return f.write_str("a list"),
            Kind::Scalar(scalar) => scalar,
        };
        let text = Excerpt(scalar.text());
        match resolve(scalar) {
            Ok(Value::Null) => f.write_str("null"),
            Ok(Value::Boolean(value)) if text.0 == if value { "true" } else { "false" } => {
                write!(f, "the boolean `{text}`")
            }
            Ok(Value::Boolean(value)) => write!(f, "`{text}`, which YAML reads as {value}"),
            Ok(Value::Integer(Integer {
                value: Some(value),
                notation,
            })) if notation != Notation::Decimal => {
                write!(f, "`{text}`, which YAML reads as the number {value}")
            }
            Ok(Value::Integer(_) | Value::Float(_)) => write!(f, "the number {text}"),
            Ok(Value::Timestamp(_)) => write!(f, "`{text}`, which YAML reads as a date"),
            Ok(Value::Bytes(_)) => f.write_str("binary data"),
            Ok(Value::Text("")) => f.write_str("an empty text"),
            Ok(Value::Text(_)) | Err(_) => write!(f, "`{text}`"),
        }
    }
}
