/// The bytes of padded base64 without anything between (RFC 4648, section 4).
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, sections 4 and 10.
    #[test]
    fn padded_base64_is_read_and_nothing_else() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bytes = base64(alphabet).expect("the alphabet");
        // The digits in order are the numbers 0 to 63, of six bits each.
        let number = |digit: usize| {
            let bit = |n: usize| bytes[n / 8] >> (7 - n % 8) & 1;
            (0..6).fold(0, |value, n| value << 1 | bit(digit * 6 + n))
        };
        assert!((0..64).all(|digit| usize::from(number(digit)) == digit));
        for bad in [
            "Zg",
            "Zg=",
            "====",
            "A===",
            "AAAAA===",
            "Zm9vYg==Zg==",
            "Zm9\n",
            "Zm-_",
            "Zm 9",
        ] {
            assert_eq!(base64(bad), None, "{bad:?}");
        }
    }
}
