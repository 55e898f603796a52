//! Text from outside, made safe to show: a terminal obeys control characters,
//! and characters that turn the direction of writing make one text look like
//! another.

/// Text with everything that is not visible escaped as in Rust's literals.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}

/// A JSON text with everything that is not visible escaped as JSON has it.
/// Such characters occur in strings only, line feeds apart.
pub(crate) fn shown_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\x7f' || c.escape_debug().len() == 1 {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// A URI without the user and the password that it may hold.
pub(crate) fn without_user(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{}", &rest[end..]),
        None => uri.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(shown("nqn.2014-08.org:it's-ä"), "nqn.2014-08.org:it's-ä");
        assert_eq!(shown("a\x1b[2J\n\u{9b}K"), r"a\u{1b}[2J\n\u{9b}K");
        assert_eq!(shown("b\u{202e}c\\"), r"b\u{202e}c\\");
        let json = serde_json::to_string("ä\x1b\x7f\u{9b}\u{202e}\u{e0001}").expect("a string");
        let safe = shown_json(&json);
        assert_eq!(safe, r#""ä\u001b\u007f\u009b\u202e\udb40\udc01""#);
        let again: String = serde_json::from_str(&safe).expect("JSON");
        assert_eq!(again, "ä\x1b\x7f\u{9b}\u{202e}\u{e0001}");
    }

    #[test]
    fn a_uri_loses_its_password() {
        let plain = "nvme+tcp://[2001:db8::1]:8009/a@b";
        assert_eq!(without_user(plain), plain);
        assert_eq!(without_user("/a@b"), "/a@b");
        assert_eq!(
            without_user("https://me:it@bmc.example/keys?a=b"),
            "https://…@bmc.example/keys?a=b"
        );
    }
}
