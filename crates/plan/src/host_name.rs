//! The name that a host gives of itself.

use crate::name::name_type;

name_type!(
    /// A host name as a DHCP client sends it: 1 to 64 bytes (`HOST_NAME_MAX`, limits.h) of
    /// ASCII letters, digits, `-` and `_`, in parts with a dot between them, none of which
    /// begins or ends with `-` (systemd's src/basic/hostname-util.c, `hostname_is_valid`).
    HostName: "host name", check
);

fn check(text: &str) -> Result<(), &'static str> {
    if text.len() > 64 {
        return Err("it is longer than 64 bytes");
    }
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if !text.bytes().all(is_safe) {
        return Err("it contains something else than ASCII letters, digits, `-`, `_` and `.`");
    }
    if text.split('.').any(str::is_empty) {
        return Err("it is empty, or a part of it is");
    }
    let at_an_end = |part: &str| part.starts_with('-') || part.ends_with('-');
    if text.split('.').any(at_an_end) {
        return Err("a part of it begins or ends with `-`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NameError;

    #[test]
    fn what_a_host_may_be_called() {
        let longest = "a".repeat(64);
        for good in ["n1", "a-b.example_net", "7", longest.as_str()] {
            let name: HostName = good.parse().expect(good);
            assert_eq!((name.as_str(), name.to_string().as_str()), (good, good));
        }
        let odd = "it contains something else than ASCII letters, digits, `-`, `_` and `.`";
        for (bad, expected) in [
            ("", "it is empty, or a part of it is"),
            ("a..b", "it is empty, or a part of it is"),
            ("a.", "it is empty, or a part of it is"),
            ("-a", "a part of it begins or ends with `-`"),
            ("b.a-", "a part of it begins or ends with `-`"),
            ("a b", odd),
            ("\u{1b}[31m", odd),
            ("a\nb", odd),
            ("é", odd),
            (&format!("{longest}a"), "it is longer than 64 bytes"),
        ] {
            let refused = bad.parse::<HostName>().map_err(|error| match error {
                NameError::Text { value, why, .. } => (value, why),
                other => panic!("{other}"),
            });
            assert_eq!(refused, Err((bad.to_owned(), expected)), "{bad:?}");
        }
    }
}
