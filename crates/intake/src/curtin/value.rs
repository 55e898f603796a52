//! Values as curtin's actions hold them, with a message where they don't.

use std::borrow::Cow;

use crate::diagnostic::{Diagnostic, Report};
use crate::yaml::pyyaml::{Integer, Value, describe, resolve};
use crate::yaml::{KeyPath, Kind, Node};

/// The scalar's value; `None` for a mapping, a list and what PyYAML refuses.
pub(super) fn scalar(node: Node<'_>) -> Option<Value<'_>> {
    node.as_scalar().and_then(|scalar| resolve(scalar).ok())
}

pub(super) fn is_null(node: Node<'_>) -> bool {
    scalar(node) == Some(Value::Null)
}

/// What kind of value this is, without showing it.
pub(super) fn shape(node: Node<'_>) -> &'static str {
    match node.kind() {
        Kind::Mapping(_) => "a mapping",
        Kind::Sequence(_) => "a list",
        Kind::Scalar(_) => match scalar(node) {
            Some(Value::Null) => "null",
            Some(Value::Boolean(_)) => "a boolean",
            Some(Value::Integer(_) | Value::Float(_)) => "a number",
            Some(Value::Timestamp(_)) => "a date",
            Some(Value::Bytes(_)) => "binary data",
            Some(Value::Text(_)) | None => "a text",
        },
    }
}

/// Reports that the value of `key` is none that fits.
pub(super) fn misfit(
    report: &mut Report,
    node: Node<'_>,
    path: &KeyPath<'_>,
    key: &str,
    expected: &str,
) {
    let hint = unquoted(node);
    misfit_with(report, node, path, key, expected, hint.as_deref());
}

/// The same, with another hint.
pub(super) fn misfit_with(
    report: &mut Report,
    node: Node<'_>,
    path: &KeyPath<'_>,
    key: &str,
    expected: &str,
    hint: Option<&str>,
) {
    let message = format!("`{key}` is {}", describe(node));
    let fault = Diagnostic::new(node.origin(path), message).expected(expected);
    report.error(fault.maybe_hint(hint));
}

/// Reports what has another shape than it must have, without showing it. `what` is what
/// the message calls it.
pub(super) fn misshapen(
    report: &mut Report,
    node: Node<'_>,
    path: &KeyPath<'_>,
    what: &str,
    expected: &str,
    hint: Option<&str>,
) {
    let message = format!("{what} is {}", shape(node));
    let fault = Diagnostic::new(node.origin(path), message).expected(expected);
    report.error(fault.maybe_hint(hint));
}

/// A hint for what is no text only because it lacks quotes.
fn unquoted(node: Node<'_>) -> Option<String> {
    let plain = node.as_scalar()?;
    match resolve(plain).ok()? {
        Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::Timestamp(_) => {
            Some(format!("quote it if it is a text: \"{}\"", plain.text()))
        }
        _ => None,
    }
}

/// A text that is not empty.
pub(super) fn text<'d>(
    report: &mut Report,
    node: Node<'d>,
    path: &KeyPath<'_>,
    key: &str,
    expected: &str,
) -> Option<&'d str> {
    match scalar(node) {
        Some(Value::Text(text)) if !text.is_empty() => Some(text),
        _ => {
            misfit(report, node, path, key, expected);
            None
        }
    }
}

/// An id. curtin compares ids as Python does, so that a number is as good as a
/// text.
pub(super) fn id<'d>(
    report: &mut Report,
    node: Node<'d>,
    path: &KeyPath<'_>,
    key: &str,
    expected: &str,
) -> Option<Cow<'d, str>> {
    match scalar(node) {
        Some(Value::Text(text)) if !text.is_empty() => Some(text.into()),
        Some(Value::Integer(Integer {
            value: Some(value), ..
        })) => Some(value.to_string().into()),
        _ => {
            misfit(report, node, path, key, expected);
            None
        }
    }
}
