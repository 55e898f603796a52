//! Shell patterns, as netplan's and networkd's matches have them (fnmatch(3) without flags).

/// `text` matches `pattern`: `*`, `?`, `[abc]`, `[a-z]`, `[!a]`, and `\` before
/// a character that stands for itself. A `[` without its `]` stands for itself.
pub fn matches_glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last star when the rest does not fit: one try
    // a character, so that no pattern takes exponential time.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            p += 1;
            retry = Some((p, t));
            continue;
        }
        match (pattern.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(_), Some(&c)) => {
                if let Some(next) = one(&pattern, p, c) {
                    p = next;
                    t += 1;
                    continue;
                }
            }
            _ => {}
        }
        match retry {
            Some((after, at)) if at < text.len() => {
                p = after;
                t = at + 1;
                retry = Some((after, t));
            }
            _ => return false,
        }
    }
}

/// The place after the pattern's part at `p` if that part fits `c`.
fn one(pattern: &[char], p: usize, c: char) -> Option<usize> {
    match pattern[p] {
        '?' => Some(p + 1),
        '\\' if p + 1 < pattern.len() => (pattern[p + 1] == c).then_some(p + 2),
        '[' => match bracket(pattern, p, c) {
            Some((hit, next)) => hit.then_some(next),
            None => (c == '[').then_some(p + 1),
        },
        literal => (literal == c).then_some(p + 1),
    }
}

fn bracket(pattern: &[char], p: usize, c: char) -> Option<(bool, usize)> {
    let mut at = p + 1;
    let negated = matches!(pattern.get(at), Some('!' | '^'));
    if negated {
        at += 1;
    }
    let first = at;
    let mut hit = false;
    loop {
        let low = *pattern.get(at)?;
        if low == ']' && at > first {
            return Some((hit != negated, at + 1));
        }
        if pattern.get(at + 1) == Some(&'-') && pattern.get(at + 2).is_some_and(|h| *h != ']') {
            hit |= (low..=pattern[at + 2]).contains(&c);
            at += 3;
        } else {
            hit |= low == c;
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_are_the_shells() {
        for (pattern, text) in [
            ("*", ""),
            ("en*s?", "enp1s0"),
            ("enp[0-9]s0", "enp3s0"),
            ("enp[!0-9]s0", "enpxs0"),
            ("[]a]", "]"),
            ("[a-]", "-"),
            ("[!]a]", "b"),
            ("[ab]c", "ac"),
            ("a[b", "a[b"),
            ("\\*", "*"),
            ("*a*b", "xaxbab"),
        ] {
            assert!(matches_glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("en?", "eno12"),
            ("enp[0-9]s0", "enpxs0"),
            ("enp[!0-9]s0", "enp3s0"),
            ("\\*", "a"),
            ("*a*b", "xaxba"),
            ("[]", "]"),
            ("[]-a]", "b"),
        ] {
            assert!(!matches_glob(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "a*".repeat(40) + "b";
        assert!(!matches_glob(&pattern, &"a".repeat(4000)));
    }

    proptest! {
        #[test]
        fn nothing_panics(pattern in "[\\[\\]!a-c*?\\\\-]{0,12}", text in "[a-c\\[-]{0,8}") {
            matches_glob(&pattern, &text);
        }

        #[test]
        fn a_name_matches_itself(name in "[a-z0-9]{1,15}") {
            prop_assert!(matches_glob(&name, &name));
            let shortened = format!("{}*", &name[..1]);
            prop_assert!(matches_glob(&shortened, &name));
        }
    }
}
