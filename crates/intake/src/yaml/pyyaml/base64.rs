/// Decodes base64 as Python's `base64.decodebytes` does: characters outside the
/// alphabet are skipped, what follows the padding is ignored. `None` where the
/// padding is wrong or the text is not ASCII.
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let mut digits = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '=' if digits.len() % 4 >= 2 => {
                // Padding counts wherever it stands.
                let given = text.matches('=').count();
                let missing = 4 - digits.len() % 4;
                digits.extend(std::iter::repeat_n('=', missing.min(given)));
                break;
            }
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' => digits.push(c),
            _ => {}
        }
    }
    text.is_ascii().then(|| nvmeroot_plan::base64(&digits))?
}
