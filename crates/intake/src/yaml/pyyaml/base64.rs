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
