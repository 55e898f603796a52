//! YAML 1.1's numbers and dates, as PyYAML's resolver and constructor read
//! them.

use std::ops::RangeInclusive;

use super::value::{Integer, Notation, Refusal, Value};

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

pub(super) fn integer_notation(text: &str) -> Option<Notation> {
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
pub(super) fn forced_notation(text: &str) -> Notation {
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

pub(super) fn integer(text: &str, notation: Notation) -> Result<Value<'static>, Refusal> {
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

pub(super) fn is_float(text: &str) -> bool {
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

pub(super) fn float(text: &str) -> Option<f64> {
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

pub(super) fn is_timestamp(text: &str) -> bool {
    after_timestamp(text).is_some_and(str::is_empty)
}

/// What comes after a date, with or without a time.
fn after_timestamp(text: &str) -> Option<&str> {
    const BLANK: [char; 2] = [' ', '\t'];
    let month = after_digits(text, 4..=4)?.strip_prefix('-')?;
    let day = after_digits(month, 1..=2)?.strip_prefix('-')?;
    let time = after_digits(day, 1..=2)?;
    if time.is_empty() {
        // Alone it has all of its digits.
        return (text.len() == "2001-12-14".len()).then_some(time);
    }
    let hour = match time.strip_prefix(['T', 't']) {
        Some(hour) => hour,
        None => time.strip_prefix(BLANK)?.trim_start_matches(BLANK),
    };
    let minute = after_digits(hour, 1..=2)?.strip_prefix(':')?;
    let second = after_digits(minute, 2..=2)?.strip_prefix(':')?;
    let mut rest = after_digits(second, 2..=2)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let zone = rest.trim_start_matches(BLANK);
    if let Some(hours) = zone.strip_prefix(['+', '-']) {
        let rest = after_digits(hours, 1..=2)?;
        return match rest.strip_prefix(':') {
            Some(minutes) => after_digits(minutes, 2..=2),
            None => Some(rest),
        };
    }
    Some(zone.strip_prefix('Z').unwrap_or(zone))
}

/// What comes after that many digits.
fn after_digits(text: &str, wanted: RangeInclusive<usize>) -> Option<&str> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    wanted.contains(&count).then(|| &text[count..])
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
