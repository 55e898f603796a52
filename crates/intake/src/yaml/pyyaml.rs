//! Scalars as PyYAML's `SafeLoader` resolves them: YAML 1.1, which is how curtin
//! reads its configuration (PyYAML `resolver.py`, `constructor.py`).
//!
//! Only plain scalars are resolved; quoted and block scalars are text. Values
//! keep the notation that they were written in, so that an unquoted MAC that
//! turned into a base-60 number can be called by its name.

use std::fmt;

use super::{Fault, Kind, Node, Scalar, Style};

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
    /// See [`Fault::MergeValue`].
    #[error("the value of a merge key `<<` must be a mapping or a list of mappings")]
    MergeValue,
    /// See [`Fault::CollectionKey`].
    #[error("a mapping or a list cannot be a key")]
    CollectionKey,
}

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
pub fn refusals(document: &super::Document) -> Vec<(Node<'_>, Refusal)> {
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

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn all_in(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

/// `[0-9][0-9_]*`
fn is_digits(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

/// `[0-5]?[0-9]`
fn is_base60_digit(text: &str) -> bool {
    match text.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    }
}

fn integer_notation(text: &str) -> Option<Notation> {
    let digits = unsigned(text);
    if let Some(rest) = digits.strip_prefix("0b")
        && all_in(rest, |b| matches!(b, b'0' | b'1' | b'_'))
    {
        Some(Notation::Binary)
    } else if let Some(rest) = digits.strip_prefix("0x")
        && all_in(rest, |b| b.is_ascii_hexdigit() || b == b'_')
    {
        Some(Notation::Hexadecimal)
    } else if let Some(rest) = digits.strip_prefix('0') {
        (rest.is_empty() || all_in(rest, |b| matches!(b, b'0'..=b'7' | b'_'))).then_some(
            if rest.is_empty() {
                Notation::Decimal
            } else {
                Notation::Octal
            },
        )
    } else if is_digits(digits) {
        Some(Notation::Decimal)
    } else {
        let (first, rest) = digits.split_once(':')?;
        (is_digits(first) && rest.split(':').all(is_base60_digit)).then_some(Notation::Sexagesimal)
    }
}

/// How PyYAML's constructor takes a text that was forced to be an integer.
fn forced_notation(text: &str) -> Notation {
    let text = text.trim_start_matches('_');
    let digits = unsigned(text);
    if digits.starts_with("0b") {
        Notation::Binary
    } else if digits.starts_with("0x") {
        Notation::Hexadecimal
    } else if digits.starts_with('0') && digits.len() > 1 {
        Notation::Octal
    } else if digits.contains(':') {
        Notation::Sexagesimal
    } else {
        Notation::Decimal
    }
}

fn integer(text: &str, notation: Notation) -> Result<Value<'static>, Refusal> {
    const BAD: Refusal = Refusal::BadScalar { as_tag: "int" };
    let bare: String = text.chars().filter(|&c| c != '_').collect();
    let bare = bare.trim();
    let negative = bare.starts_with('-');
    let digits = unsigned(bare);
    let (digits, radix) = match notation {
        Notation::Decimal => (digits, 10),
        // `0o17` under an explicit tag is what Python itself accepts.
        Notation::Octal => (digits.strip_prefix("0o").unwrap_or(digits), 8),
        Notation::Hexadecimal => (digits.strip_prefix("0x").unwrap_or(digits), 16),
        Notation::Binary => (digits.strip_prefix("0b").unwrap_or(digits), 2),
        Notation::Sexagesimal => {
            let mut value = Some(0_i128);
            for part in digits.split(':') {
                let part = magnitude(part, 10).ok_or(BAD)?;
                value = value
                    .and_then(|value| value.checked_mul(60))
                    .and_then(|value| value.checked_add(part?));
            }
            return Ok(signed(value, negative, notation));
        }
    };
    Ok(signed(
        magnitude(digits, radix).ok_or(BAD)?,
        negative,
        notation,
    ))
}

/// `None` for what is no number, `Some(None)` for one that does not fit.
fn magnitude(digits: &str, radix: u32) -> Option<Option<i128>> {
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    is_number.then(|| i128::from_str_radix(digits, radix).ok())
}

fn signed(value: Option<i128>, negative: bool, notation: Notation) -> Value<'static> {
    Value::Integer(Integer {
        value: value.map(|value| if negative { -value } else { value }),
        notation,
    })
}

fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let bare = unsigned(text);
    if matches!(bare, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some((whole, rest)) = bare.split_once('.') else {
        return false;
    };
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        exponent
            .strip_prefix(['+', '-'])
            .is_some_and(|digits| all_in(digits, |b| b.is_ascii_digit()))
    });
    let fraction_fits = fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if !exponent_fits || !fraction_fits {
        return false;
    }
    if whole.is_empty() {
        // No sign before a bare point.
        return bare.len() == text.len() && is_digits(fraction);
    }
    match whole.split_once(':') {
        None => is_digits(whole),
        Some((first, rest)) => {
            exponent.is_none() && is_digits(first) && rest.split(':').all(is_base60_digit)
        }
    }
}

fn float(text: &str) -> Option<f64> {
    let bare: String = text.chars().filter(|&c| c != '_').collect();
    let bare = bare.trim().to_ascii_lowercase();
    let sign = if bare.starts_with('-') { -1.0 } else { 1.0 };
    let digits = unsigned(&bare);
    let magnitude = match digits {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ => digits.split(':').try_fold(0.0, |sum, part| {
            part.parse::<f64>().ok().map(|part| sum * 60.0 + part)
        })?,
    };
    Some(sign * magnitude)
}

fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from.min(bytes.len())..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let byte = |at: usize| bytes.get(at).copied();
    if digits(0) != 4 || byte(4) != Some(b'-') {
        return false;
    }
    let month = digits(5);
    let mut at = 5 + month;
    if !(1..=2).contains(&month) || byte(at) != Some(b'-') {
        return false;
    }
    let day = digits(at + 1);
    at += 1 + day;
    if !(1..=2).contains(&day) {
        return false;
    }
    if at == bytes.len() {
        return month == 2 && day == 2;
    }
    match byte(at) {
        Some(b'T' | b't') => at += 1,
        Some(b' ' | b'\t') => {
            while matches!(byte(at), Some(b' ' | b'\t')) {
                at += 1;
            }
        }
        _ => return false,
    }
    let hour = digits(at);
    at += hour;
    if !(1..=2).contains(&hour) {
        return false;
    }
    for _ in 0..2 {
        if byte(at) != Some(b':') || digits(at + 1) != 2 {
            return false;
        }
        at += 3;
    }
    if byte(at) == Some(b'.') {
        at += 1 + digits(at + 1);
    }
    while matches!(byte(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    match byte(at) {
        Some(b'Z') => at += 1,
        Some(b'+' | b'-') => {
            let hours = digits(at + 1);
            at += 1 + hours;
            if !(1..=2).contains(&hours) {
                return false;
            }
            if byte(at) == Some(b':') {
                if digits(at + 1) != 2 {
                    return false;
                }
                at += 3;
            }
        }
        _ => {}
    }
    at == bytes.len()
}

/// The MAC address that an unquoted one was before YAML 1.1 took it for a
/// number in base 60, such as `11:22:33:44:55:16` for 8846009716.
///
/// Six groups of decimal digits below 60, the first from 10, are the MAC
/// addresses that this happens to; `None` for any other number.
#[must_use]
pub fn base60_mac(number: i128) -> Option<String> {
    let mut groups = [0_i128; 6];
    let mut rest = number;
    for group in groups.iter_mut().rev() {
        *group = rest.rem_euclid(60);
        rest = rest.div_euclid(60);
    }
    // Only the first group of a base-60 number may exceed 59.
    groups[0] += rest * 60;
    (10..=99)
        .contains(&groups[0])
        .then(|| groups.map(|group| format!("{group:02}")).join(":"))
}

/// Decodes base64 as Python's `base64.decodebytes` does: characters outside the
/// alphabet are skipped, what follows the padding is ignored. `None` where the
/// padding is wrong or the text is not ASCII.
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut filled) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if filled >= 2 => {
                let needed = if filled == 2 { 2 } else { 1 };
                let given = text.bytes().filter(|&b| b == b'=').count();
                return (given >= needed).then_some(bytes);
            }
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        filled += 1;
        // The second, third and fourth character of a group each finish a byte
        // and leave four, two and no bits over.
        if filled > 1 {
            bytes.push((bits >> (8 - 2 * filled)) as u8);
        }
        if filled == 4 {
            (bits, filled) = (0, 0);
        }
    }
    (filled == 0).then_some(bytes)
}

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

/// A short, printable form of a text for a message: control characters escaped,
/// cut after 60 characters.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'d>(pub &'d str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 60;
        for (count, c) in self.0.chars().enumerate() {
            if count == LONGEST {
                return f.write_str("…");
            }
            if c.is_control() {
                write!(f, "{}", c.escape_debug())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}
