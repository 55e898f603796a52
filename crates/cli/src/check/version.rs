//! The order of `sort -V` (coreutils; `filevercmp` of gnulib), in which dracut reads its
//! settings.

use std::cmp::Ordering;

/// Numbers in names count as numbers. Names of one place are told apart by their endings
/// (`.conf`) only where all before these is the same.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let (start, other_start) = (without_ending(one), without_ending(other));
    parts(start, other_start).then_with(|| parts(one, other))
}

/// A name without what follows its version: dots with a letter after each.
fn without_ending(name: &str) -> &str {
    let is_of_ending = |part: &str| {
        let starts = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '~');
        starts && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '~')
    };
    let mut start = name;
    while let Some((before, part)) = start.rsplit_once('.')
        && is_of_ending(part)
    {
        start = before;
    }
    start
}

/// Compares text and numbers by turns.
fn parts(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while !(one.is_empty() && other.is_empty()) {
        let (text, other_text) = (split(&mut one, false), split(&mut other, false));
        let (number, other_number) = (split(&mut one, true), split(&mut other, true));
        let by_text = || {
            // Where one has ended, `~` comes before that, and all else after it.
            let length = text.len().max(other_text.len());
            let weights = |text| (0..length).map(move |at| weight(text, at));
            weights(text).cmp(weights(other_text))
        };
        let (number, other_number) = (digits(number), digits(other_number));
        let by_length = || number.len().cmp(&other_number.len());
        let order = by_text()
            .then_with(by_length)
            .then_with(|| number.cmp(other_number));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes the digits, or what is none, off the front.
fn split<'n>(name: &mut &'n [u8], is_number: bool) -> &'n [u8] {
    let is_other = |byte: &u8| byte.is_ascii_digit() != is_number;
    let end = name.iter().position(is_other).unwrap_or(name.len());
    let (part, rest) = name.split_at(end);
    *name = rest;
    part
}

/// A number without the zeros before it, which do not count.
fn digits(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == b'0').count();
    &number[zeros..]
}

/// `~` comes first, then the end, letters, and all else.
fn weight(text: &[u8], at: usize) -> (u8, u8) {
    match text.get(at) {
        Some(b'~') => (0, 0),
        None => (1, 0),
        Some(byte) if byte.is_ascii_alphabetic() => (2, *byte),
        Some(byte) => (3, *byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_sort() {
        // As `LC_ALL=C sort -V` of coreutils 9.1 puts them.
        let names = [
            "0.conf",
            "1~.conf",
            "1~rc.conf",
            "1.conf",
            "1a.conf",
            "01-x.conf",
            "1-y.conf",
            "9-a.conf",
            "09-b.conf",
            "10-a.conf",
            "20000000000000000000000.conf",
            "100000000000000000000000.conf",
            "B.conf",
            "a~.conf",
            "a.b.conf",
            "a.conf",
            "a.conf.conf",
            "a1.conf",
            "a2.conf",
            "a10.conf",
            "ab.conf",
            "a b.conf",
            "a+b.conf",
            "a-1.conf",
            "a.1.conf",
            "a.2.conf",
            "a_b.conf",
            "ä.conf",
        ];
        for pair in names.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        for same in [("a1.conf", "a01.conf"), ("0.conf", "00.conf")] {
            assert_eq!(compare(same.0, same.1), Ordering::Equal, "{same:?}");
        }
    }
}
