//! Scalars as netplan reads them: libyaml's text, quotes undone and nothing
//! resolved (netplan `src/parse.c`, `src/util.c`).

/// A boolean as netplan's parser takes it: `true`, `on`, `yes`, `y` and `false`,
/// `off`, `no`, `n`, in any case; quotes make no difference.
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["true", "on", "yes", "y"].iter().any(is) {
        Some(true)
    } else if ["false", "off", "no", "n"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::boolean;

    #[test]
    fn booleans_in_any_case() {
        for text in ["true", "TRUE", "On", "yes", "y", "Y"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["false", "oFF", "No", "n", "N"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["", "1", "0", "~", "null", "tru", "yes "] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }
}
