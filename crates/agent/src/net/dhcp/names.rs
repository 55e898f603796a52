//! Domain names in options. What a server sends ends up in files and in
//! logs, so only letters, digits, `-` and `_` pass.

/// Longest name as text (RFC 1035, section 2.3.4).
const LONGEST: usize = 253;

/// A name as text: labels of 1 to 63 characters, parted by dots.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("the name is empty");
    }
    if text.len() > LONGEST {
        return Err("the name is longer than 253 characters");
    }
    text.split('.').try_for_each(|l| label(l.as_bytes()))
}

fn label(bytes: &[u8]) -> Result<(), &'static str> {
    if bytes.is_empty() || bytes.len() > 63 {
        return Err("a label is empty or longer than 63 characters");
    }
    if bytes[0] == b'-' || bytes[bytes.len() - 1] == b'-' {
        return Err("a label starts or ends with `-`");
    }
    bytes
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        .then_some(())
        .ok_or("a label has a character that no host name has")
}

/// A list of names in RFC 1035's form. `compressed`: pointers are allowed
/// (RFC 3397); DHCPv6 has none (RFC 8415, section 10).
pub(super) fn list(bytes: &[u8], compressed: bool) -> Result<Vec<String>, &'static str> {
    let mut names = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (name, next) = one(bytes, at, compressed)?;
        // The root alone names nothing to search in.
        if !name.is_empty() {
            names.push(name);
        }
        at = next;
    }
    Ok(names)
}

/// The name at `start`, and where the next begins.
fn one(bytes: &[u8], start: usize, compressed: bool) -> Result<(String, usize), &'static str> {
    const CUT: &str = "a name is cut off";
    let mut name = String::new();
    let mut at = start;
    let mut next = None;
    loop {
        let length = usize::from(*bytes.get(at).ok_or(CUT)?);
        match length {
            0 => return Ok((name, next.unwrap_or(at + 1))),
            1..=63 => {
                let text = bytes.get(at + 1..at + 1 + length).ok_or(CUT)?;
                label(text)?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.extend(text.iter().map(|b| char::from(*b)));
                if name.len() > LONGEST {
                    return Err("a name is longer than 253 characters");
                }
                at += 1 + length;
            }
            0xc0.. if compressed => {
                let low = usize::from(*bytes.get(at + 1).ok_or(CUT)?);
                let target = (length & 0x3f) << 8 | low;
                next.get_or_insert(at + 2);
                // Only backwards; with the limit on the length, which every
                // label between two pointers eats, and pointers to pointers
                // going back each time, this ends.
                if target >= at {
                    return Err("a name points forward");
                }
                at = target;
            }
            _ => return Err("a label's length is wrong"),
        }
    }
}

/// A name in RFC 1035's form, for tests and for what we send.
#[cfg(test)]
pub(super) fn encode(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn compressed_list() {
        // RFC 3397, section 2: eng.apple.com. and marketing.apple.com.
        let mut bytes = b"\x03eng\x05apple\x03com\x00".to_vec();
        bytes.extend(b"\x09marketing\xc0\x04");
        assert_eq!(
            list(&bytes, true),
            Ok(vec!["eng.apple.com".into(), "marketing.apple.com".into()])
        );
        assert_eq!(list(&bytes, false), Err("a label's length is wrong"));
    }

    #[test]
    fn loops_and_cuts() {
        assert_eq!(list(b"\xc0\x00", true), Err("a name points forward"));
        assert_eq!(
            list(b"\x01a\xc0\x00", true),
            Err("a name is longer than 253 characters")
        );
        assert_eq!(list(b"\x05ab", true), Err("a name is cut off"));
        assert_eq!(
            list(b"\x03a\nb\x00", true),
            Err("a label has a character that no host name has")
        );
        assert_eq!(
            check("a..b"),
            Err("a label is empty or longer than 63 characters")
        );
        assert_eq!(check("-a"), Err("a label starts or ends with `-`"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            for compressed in [false, true] {
                if let Ok(names) = list(&bytes, compressed) {
                    prop_assert!(names.iter().all(|n| check(n).is_ok()));
                }
            }
        }

        #[test]
        fn round_trip(names in proptest::collection::vec("[a-z0-9]{1,20}(\\.[a-z0-9_]{1,20}){0,4}", 0..5)) {
            let bytes: Vec<u8> = names.iter().flat_map(|n| encode(n)).collect();
            prop_assert_eq!(list(&bytes, false), Ok(names));
        }
    }
}
