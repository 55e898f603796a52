//! JSON (RFC 8259) into the same tree, for files whose reader knows no YAML.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::build::{Builder, narrow};
use super::{Position, Style, YamlError};

/// The text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

pub(super) fn scan(text: &str) -> Result<Builder<'_>, YamlError> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(text, &error))?;
    // From here on every quote has its partner, and every bracket.
    let mut builder = Builder::new(text);
    let (mut line, mut column) = (1, 1);
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let at = Position {
            line: narrow(line),
            column: narrow(column),
        };
        let length = match first {
            b'"' => string_length(rest),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ if first.is_ascii_whitespace() => 1,
            _ => literal_length(rest),
        };
        let (token, after) = rest.split_at(length);
        let unnamed = (0, None);
        match first {
            b'{' | b'[' => builder.open(at, unnamed, first == b'{')?,
            b'}' | b']' => builder.close()?,
            b'"' => {
                let text = unescaped(&token[1..length - 1]);
                builder.scalar(at, unnamed, text, Style::Double)?;
            }
            b',' | b':' => {}
            _ if first.is_ascii_whitespace() => {}
            _ => builder.scalar(at, unnamed, token.into(), Style::Plain)?,
        }
        if first == b'\n' {
            (line, column) = (line + 1, 1);
        } else {
            column += token.chars().count();
        }
        rest = after;
    }
    Ok(builder)
}

fn not_json(text: &str, error: &serde_json::Error) -> YamlError {
    let why = error.to_string();
    let why = match text.starts_with('\u{feff}') {
        true => "it begins with a byte order mark",
        false => why.split(" at line ").next().unwrap_or_default(),
    };
    YamlError::NotJson {
        position: Position {
            line: narrow(error.line()),
            column: narrow(error.column()),
        },
        why: why.to_owned(),
    }
}

/// Bytes up to the closing quote of the string that `text` begins with.
fn string_length(text: &str) -> usize {
    let mut escaped = true;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |at| at + 1)
}

/// Bytes of the number or word that `text` begins with.
fn literal_length(text: &str) -> usize {
    let ends = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ']' | '}');
    text.find(ends).unwrap_or(text.len())
}

/// What a string stands for. Half a surrogate pair becomes U+FFFD, as json-c
/// has it (`json_tokener_parse_ex`).
fn unescaped(written: &str) -> Cow<'_, str> {
    if !written.contains('\\') {
        return written.into();
    }
    let mut units = Vec::with_capacity(written.len());
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
            continue;
        }
        units.push(match chars.next() {
            Some('b') => 0x08,
            Some('f') => 0x0c,
            Some('n') => 0x0a,
            Some('r') => 0x0d,
            Some('t') => 0x09,
            Some('u') => {
                let digits = chars.by_ref().take(4).filter_map(|c| c.to_digit(16));
                digits.fold(0, |unit, digit| unit << 4 | digit as u16)
            }
            // A quote or a slash.
            Some(c) => c as u16,
            None => continue,
        });
    }
    String::from_utf16_lossy(&units).into()
}
