//! Scalars as PyYAML's `SafeLoader` resolves them: YAML 1.1, which is how curtin
//! reads its configuration (PyYAML `resolver.py`, `constructor.py`).
//!
//! Only plain scalars are resolved; quoted and block scalars are text. Values
//! keep the notation that they were written in, so that an unquoted MAC that
//! turned into a base-60 number can be called by its name.

mod base64;
mod found;
mod number;
mod value;

pub use self::base64::base64;
pub use self::found::{Found, describe};
pub use self::number::base60_mac;
pub use self::value::{Integer, Notation, Refusal, Value};

use nvmeroot_plan::Warning;

use self::number::{float, forced_notation, integer, integer_notation, is_float, is_timestamp};
use super::{Document, Fault, KeyPaths, Kind, Node, Scalar, Style};
use crate::diagnostic::Excerpt;

const CORE: &str = "tag:yaml.org,2002:";

/// The scalar's value.
///
/// # Errors
/// A [`Refusal`] where PyYAML would have raised an exception.
pub fn resolve(scalar: Scalar<'_>) -> Result<Value<'_>, Refusal> {
    let text = scalar.text();
    match scalar.node().tag() {
        None if scalar.style() != Style::Plain => Ok(Value::Text(text)),
        // The bare `!` should make it text; PyYAML resolves it instead, even
        // in quotes.
        None | Some("!") => plain(text),
        Some(tag) => tagged(tag, text),
    }
}

/// Whether PyYAML would take the whole document: tags, merge keys and keys.
/// Returns the offending nodes; values are looked at by [`resolve`] when they
/// are used.
pub fn refusals(document: &Document) -> Vec<(Node<'_>, Refusal)> {
    let tagged = document
        .tagged()
        .filter_map(|node| tag_fits(node).err().map(|refusal| (node, refusal)));
    let faults = document.faults().filter_map(|fault| match fault {
        Fault::DuplicateKey { .. } => None,
        Fault::MergeValue { value } => Some((value, Refusal::MergeValue)),
        Fault::CollectionKey { key } => Some((key, Refusal::CollectionKey)),
    });
    tagged.chain(faults).collect()
}

/// Warnings of keys that are there twice: of those PyYAML takes the last.
pub fn duplicates<'d>(document: &'d Document, paths: &KeyPaths<'d>) -> Vec<Warning> {
    let twice = document.faults().filter_map(|fault| match fault {
        Fault::DuplicateKey { first, again } => Some((first, again)),
        Fault::MergeValue { .. } | Fault::CollectionKey { .. } => None,
    });
    let warning = |(first, again): (Node<'d>, Node<'d>)| {
        let message = format!(
            "the key `{}` is here twice, first in line {}; the last one counts",
            Excerpt(again.text().unwrap_or_default()),
            first.position().line
        );
        Warning::at(paths.origin(again), message).with_hint("keep one of the two")
    };
    twice.map(warning).collect()
}

fn tag_fits(node: Node<'_>) -> Result<(), Refusal> {
    let Some(tag) = node.tag() else {
        return Ok(());
    };
    if let Kind::Scalar(scalar) = node.kind() {
        return resolve(scalar).map(drop);
    }
    let is_list = matches!(node.kind(), Kind::Sequence(_));
    match tag.strip_prefix(CORE) {
        _ if tag == "!" => Ok(()),
        Some("seq" | "omap" | "pairs") if is_list => Ok(()),
        Some("map" | "set") if !is_list => Ok(()),
        Some(
            "seq" | "omap" | "pairs" | "map" | "set" | "str" | "int" | "float" | "bool" | "null"
            | "binary" | "timestamp",
        ) => Err(Refusal::TagMismatch { tag: tag.into() }),
        _ => Err(Refusal::UnknownTag { tag: tag.into() }),
    }
}

fn plain(text: &str) -> Result<Value<'_>, Refusal> {
    if !begins_as_more_than_text(text) {
        return Ok(Value::Text(text));
    }
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "=" => return Err(Refusal::NoValue { text: "=" }),
        "<<" => return Err(Refusal::NoValue { text: "<<" }),
        _ => {
            if let Some(value) = boolean(text) {
                Value::Boolean(value)
            } else if is_float(text) {
                Value::Float(float(text).ok_or(Refusal::BadScalar { as_tag: "float" })?)
            } else if let Some(notation) = integer_notation(text) {
                integer(text, notation)?
            } else if is_timestamp(text) {
                Value::Timestamp(text)
            } else {
                Value::Text(text)
            }
        }
    })
}

/// PyYAML too looks at the first character first (`yaml_implicit_resolvers` in
/// `resolver.py`).
fn begins_as_more_than_text(text: &str) -> bool {
    text.bytes().next().is_none_or(|first| {
        matches!(
            first,
            b'0'..=b'9'
                | b'+'
                | b'-'
                | b'.'
                | b'~'
                | b'='
                | b'<'
                | b'y'
                | b'Y'
                | b'n'
                | b'N'
                | b't'
                | b'T'
                | b'f'
                | b'F'
                | b'o'
                | b'O'
        )
    })
}

fn tagged<'d>(tag: &str, text: &'d str) -> Result<Value<'d>, Refusal> {
    let bad = |as_tag| Refusal::BadScalar { as_tag };
    match tag.strip_prefix(CORE) {
        Some("str") => Ok(Value::Text(text)),
        Some("null") => Ok(Value::Null),
        Some("bool") => boolean_word(&text.to_ascii_lowercase())
            .map(Value::Boolean)
            .ok_or(bad("bool")),
        Some("float") => float(text).map(Value::Float).ok_or(bad("float")),
        Some("int") => integer(text, forced_notation(text)),
        Some("binary") => base64(text).map(Value::Bytes).ok_or(bad("binary")),
        Some("timestamp") if is_timestamp(text) => Ok(Value::Timestamp(text)),
        Some("timestamp") => Err(bad("timestamp")),
        Some("map" | "seq" | "set" | "omap" | "pairs") => {
            Err(Refusal::TagMismatch { tag: tag.into() })
        }
        _ => Err(Refusal::UnknownTag { tag: tag.into() }),
    }
}

fn boolean(text: &str) -> Option<bool> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let rest = chars.as_str();
    let lower = |s: &str| s.bytes().all(|b| b.is_ascii_lowercase());
    let upper = |s: &str| s.bytes().all(|b| b.is_ascii_uppercase());
    let spelled = lower(rest) || (first.is_ascii_uppercase() && upper(rest));
    // Five letters are the longest; anything longer need not be copied.
    if !spelled || text.len() > 5 {
        return None;
    }
    boolean_word(&text.to_ascii_lowercase())
}

fn boolean_word(lower: &str) -> Option<bool> {
    match lower {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
