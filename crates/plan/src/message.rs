//! What every message goes through before anybody sees it.
//!
//! A message quotes values of the input: values of any length, with any
//! character in it, and a value in the wrong place may be a key. This is the
//! one home of the three rules.

use std::borrow::Cow;

use crate::insert_by_key;

/// A quoted value longer than this (characters) is cut.
const LONGEST_VALUE: usize = 80;

/// A message longer than this (characters) is cut.
const LONGEST: usize = 1000;

/// The longest command in a hint (bytes): two paths of the kernel's, and room for words.
const LONGEST_COMMAND: usize = 10_000;

/// What stands for a key.
const MASK: &str = "(secret)";

/// How keys begin, in lower case: a secret of DH-HMAC-CHAP and a TLS PSK in
/// the interchange format (NVM Express Base Specification 2.1, section
/// 8.3.5.5.8; NVMe/TCP Transport Specification 1.1, section 3.6.1.5).
const STEMS: [&str; 2] = ["dhhc-", "nvmetlskey-"];

/// Fewer characters than this after a stem are no key: messages name the
/// prefix `DHHC-1:` itself.
const SHORTEST_KEY: usize = 6;

/// A base64 text that is this long, and its padding, is a key of 32 bytes or
/// more, such as WireGuard's.
const BASE64_KEY: usize = 43;

/// A text for one line of a message: keys masked, control characters and those
/// that turn the direction of text escaped, quoted values and the whole cut to
/// a bounded length.
pub fn tidy(text: impl Into<String>) -> String {
    tidied(text.into(), shorten)
}

/// The same for a hint. What it quotes may be a command, which is there as a whole or not
/// at all.
pub fn tidy_hint(text: impl Into<String>) -> String {
    tidied(text.into(), |hint| {
        let bounded = with_quotes_up_to(hint, LONGEST_COMMAND);
        match bounded.len() <= 2 * LONGEST_COMMAND {
            true => bounded,
            false => shorten(&with_quotes_up_to(hint, LONGEST_VALUE)),
        }
    })
}

/// Longer quotes are left out.
fn with_quotes_up_to(text: &str, longest: usize) -> String {
    let parts = text.split('`').enumerate();
    let kept = parts.map(|(n, part)| match n % 2 == 1 && part.len() > longest {
        true => "…",
        false => part,
    });
    kept.collect::<Vec<_>>().join("`")
}

fn tidied(text: String, shorten: impl Fn(&str) -> String) -> String {
    match is_plain(&text) {
        true => text,
        false => by_all_rules(text, shorten),
    }
}

fn by_all_rules(mut text: String, shorten: impl Fn(&str) -> String) -> String {
    if let Cow::Owned(masked) = mask(&text) {
        text = masked;
    }
    if has_long_word(&text) {
        text = mask_bare(&text);
    }
    if text.len() > LONGEST || text.split('`').any(|part| part.len() > LONGEST_VALUE) {
        text = shorten(&text);
    }
    if !text.bytes().all(|b| matches!(b, b' '..=b'~')) && text.contains(is_unprintable) {
        text = escape(&text);
    }
    text
}

/// None of the rules can concern it. That is told in one look: a list of ten thousand
/// actions has four times as many such texts.
fn is_plain(text: &str) -> bool {
    let has_no_key = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'-' | b'=');
    if text.len() < BASE64_KEY && text.bytes().all(has_no_key) {
        return true;
    }
    let (mut word, mut part) = (0, 0);
    text.len() <= LONGEST
        && text.bytes().enumerate().all(|(at, b)| {
            word = if is_base64(b) || b == b'=' {
                word + 1
            } else {
                0
            };
            part = if b == b'`' { 0 } else { part + 1 };
            let is_short = word < BASE64_KEY && part <= LONGEST_VALUE;
            let is_stem = b == b'-' && stem_before(text.as_bytes(), at).is_some();
            matches!(b, b' '..=b'~') && is_short && !is_stem
        })
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unprintable(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Control characters, and those that change how their neighbours are shown
/// (Unicode Bidirectional Algorithm, table 1; zero width).
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Cuts what stands between backticks, and then the whole.
fn shorten(text: &str) -> String {
    let mut short = String::with_capacity(text.len().min(4 * LONGEST));
    for (n, part) in text.split('`').enumerate() {
        if n > 0 {
            short.push('`');
        }
        match part.char_indices().nth(LONGEST_VALUE) {
            Some((end, _)) if n % 2 == 1 => {
                short.push_str(&part[..end]);
                short.push('…');
            }
            _ => short.push_str(part),
        }
    }
    if let Some((end, _)) = short.char_indices().nth(LONGEST) {
        short.truncate(end);
        short.push('…');
    }
    short
}

/// The text with everything that looks like a key replaced: what begins as one
/// does, to the end of the word or of the quotes around it, and long base64.
pub fn mask(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut done = 0;
    for (start, end) in keys(text) {
        if start >= done {
            masked.push_str(&text[done..start]);
            masked.push_str(MASK);
        }
        done = done.max(end);
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}

/// The text without keys that have lost their padding. A message can do with
/// one word less; data can't, in which a path may look like that.
fn mask_bare(text: &str) -> String {
    let is_digit = |c: char| u8::try_from(c).is_ok_and(is_base64);
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_digit) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !is_digit(c)).unwrap_or(from.len()));
        masked.push_str(before);
        let has = |kind: fn(&u8) -> bool| run.as_bytes().iter().any(kind);
        let is_key = run.len() >= BASE64_KEY
            && !is_path(run)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_digit);
        masked.push_str(if is_key { MASK } else { run });
        rest = after;
    }
    masked + rest
}

/// One key in 64 begins with `/`, too; of these one in 20 has no long name.
fn is_path(run: &str) -> bool {
    run.starts_with('/') && run.split('/').all(|name| name.len() < BASE64_KEY / 2)
}

fn is_base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')
}

/// A word is as long as a key.
fn has_long_word(text: &str) -> bool {
    text.len() >= BASE64_KEY
        && text
            .as_bytes()
            .split(|b| !is_base64(*b))
            .any(|word| word.len() >= BASE64_KEY)
}

/// Where keys are, in order; they may overlap.
fn keys(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    // Every stem has a hyphen, every base64 key ends with `=`; both are rare.
    let is_rare = |b: &u8| matches!(b, b'-' | b'=');
    let places = bytes.chunks(64).enumerate().filter_map(|(n, chunk)| {
        // Without a way out, so that the compiler looks at many bytes at once.
        let has = chunk.iter().fold(false, |has, b| has | is_rare(b));
        has.then_some((n * 64, chunk))
    });
    for at in places.flat_map(|(start, chunk)| {
        let rare = chunk.iter().enumerate().filter(|(_, b)| is_rare(b));
        rare.map(move |(at, _)| start + at)
    }) {
        let key = match bytes[at] {
            b'-' => stem_before(bytes, at).and_then(|start| {
                let end = end_of_key(text, start, at + 1);
                (end > at + SHORTEST_KEY).then_some((start, end))
            }),
            _ => base64_before(bytes, at).map(|start| (start, at + 1)),
        };
        if let Some(key) = key {
            insert_by_key(&mut found, key, |key| *key);
        }
    }
    found
}

/// The start of a stem that ends with the hyphen at `at`.
fn stem_before(bytes: &[u8], at: usize) -> Option<usize> {
    let upto = &bytes[..=at];
    STEMS
        .iter()
        .find(|stem| {
            upto.len() >= stem.len()
                && upto[upto.len() - stem.len()..].eq_ignore_ascii_case(stem.as_bytes())
        })
        .map(|stem| upto.len() - stem.len())
}

/// The end of a key that starts at `start`: its closing mark where it stands
/// in one, else the first character that no key holds.
fn end_of_key(text: &str, start: usize, from: usize) -> usize {
    let rest = &text[from..];
    let opening = text[..start].chars().next_back();
    let end = match opening {
        Some(mark @ ('`' | '"' | '\'')) => rest.find([mark, '\n']),
        _ => rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+/=:-_.\\".contains(c))),
    };
    from + end.unwrap_or(rest.len())
}

/// The start of a long base64 text that ends with the `=` at `at`.
fn base64_before(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes[..at]
        .iter()
        .rev()
        .take_while(|&&b| is_base64(b) || b == b'=')
        .count();
    (digits >= BASE64_KEY - 1).then_some(at - digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR";

    #[test]
    fn what_looks_like_a_key_is_masked_however_it_stands_there() {
        for (text, shown) in [
            (format!("a DHHC-1:00:{KEY}: b"), "a (secret) b"),
            (format!("x=dhhc-1:00:{KEY}"), "x=(secret)"),
            (format!("`DHHC-1:00:{KEY} {KEY}` b"), "`(secret)` b"),
            (format!("\"NVMeTLSkey-1:01:{KEY}:\", 2"), "\"(secret)\", 2"),
            (format!("DHHC-1:00:{}", &KEY[..9]), "(secret)"),
            ("DHHC-123456".to_owned(), "(secret)"),
            (
                "key: 2Jv0OVcMdJxHZb1mWm5oC5yxYq6Nm0FgB1bPfVdS9k4=".to_owned(),
                "key: (secret)",
            ),
        ] {
            assert_eq!(mask(&text), shown, "{text}");
            // Wherever it begins, also in a long text.
            for length in [1, 63, 64, 65, 128, 200] {
                let before = "x ".repeat(length)[..length].to_owned() + " ";
                assert_eq!(mask(&(before.clone() + &text)), before + shown, "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_key_stays() {
        for text in [
            "it does not start with `DHHC-1:`",
            "DHHC-12345",
            "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d",
            "etc/initramfs-tools/scripts/init-premount/nvmeroot",
            "controller = transport=tcp;traddr=192.0.2.1;trsvcid=4420",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn in_a_message_a_key_without_its_padding_is_masked_too() {
        let key = "2Jv0OVcMdJxHZb1mWm5oC5yxYq6Nm0FgB1bPfVdS9k4";
        assert_eq!(tidy(format!("`{key}` is no port")), "`(secret)` is no port");
        assert_eq!(tidy(key), "(secret)");
        assert_eq!(tidy(format!("`/{}`", &key[1..])), "`(secret)`");
        // 42 digits and padding are masked anywhere, fewer are no key.
        assert_eq!(mask(&format!("{}=", &key[..42])), "(secret)");
        let short = format!("{}=", &key[..41]);
        assert_eq!(mask(&short), short);
        for plain in [
            "/usr/lib/Aa1/bbbbbbbbbbbbbbbbbbbb/cccccccccccccccccccc",
            "a100000000000000000000000000000000000000000000",
        ] {
            assert_eq!(tidy(plain), plain);
        }
    }

    #[test]
    fn long_values_are_cut_and_nothing_reaches_the_terminal_raw() {
        assert_eq!(tidy("`a` is `b`"), "`a` is `b`");
        assert_eq!(tidy("a\u{1b}[2J\n\u{202e}"), "a\\u{1b}[2J\\n\\u{202e}");
        let long = tidy(format!("`{}` is long", "x".repeat(1_000_000)));
        assert_eq!(long, format!("`{}…` is long", "x".repeat(80)));
        assert_eq!(tidy("ä".repeat(5000)).chars().count(), 1001);
    }

    #[test]
    fn a_command_in_a_hint_is_whole_or_not_there() {
        let hint = |path: usize| {
            let path = "/d".repeat(path / 2);
            format!("run `nvmeroot configure --curtin {path} --root {path}`, then `update-grub`")
        };
        assert_eq!(tidy_hint(hint(100)), hint(100));
        assert_eq!(tidy_hint(hint(4096)), hint(4096));
        assert_eq!(tidy_hint(hint(6000)), "run `…`, then `update-grub`");
        let many = hint(4096).repeat(50);
        assert!(tidy_hint(many).chars().count() <= LONGEST + 1);
        assert_eq!(tidy_hint("a `DHHC-1:00:AAECAwQF:`\n"), "a `(secret)`\\n");
    }

    #[test]
    fn a_value_of_80_characters_and_a_message_of_1000_are_whole() {
        for around in ["", &"long text ".repeat(20)] {
            let quoted = |n| format!("{around}`{}`{around}", "x".repeat(n));
            let cut = format!("{around}`{}…`{around}", "x".repeat(80));
            assert_eq!(tidy(quoted(80)), quoted(80));
            assert_eq!(tidy(quoted(81)), cut);
        }
        let values = |n| "`value` + ".repeat(n);
        assert_eq!(tidy(values(100)), values(100));
        assert_eq!(tidy(values(101)), values(100) + "…");
    }

    proptest::proptest! {
        #[test]
        fn no_rule_concerns_what_is_plain_at_first_sight(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "a", "Zz09", "+/", "`", " ", "=", "-", "dhhc", "DHHC-", "nvmetlskey", "1:00:",
                    "AAECAwQFBgcICQoLDA0ODxAREhMU", "the running system can connect it", "\n", "ä",
                ]),
                0..8,
            ),
        ) {
            let text = parts.concat();
            if is_plain(&text) {
                proptest::prop_assert_eq!(by_all_rules(text.clone(), shorten), text);
            }
        }
    }
}
