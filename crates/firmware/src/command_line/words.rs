//! The words of the kernel command line.

/// The words up to `--` (what follows is for init), as name and value.
///
/// Split as the kernel splits them (lib/cmdline.c, `next_arg`): at white space outside
/// double quotes, the quotes themselves not being part of the value.
pub fn words(text: &str) -> Words<'_> {
    Words {
        chars: text.chars().peekable(),
        ended: false,
    }
}

/// See [`words`].
#[derive(Clone, Debug)]
pub struct Words<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    ended: bool,
}

impl Iterator for Words<'_> {
    type Item = (String, Option<String>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.chars.next_if(|c| c.is_whitespace()).is_some() {}
        if self.ended || self.chars.peek().is_none() {
            return None;
        }
        let mut word = String::new();
        let mut quoted = false;
        let mut equals = None;
        for c in self.chars.by_ref() {
            match c {
                '"' => quoted = !quoted,
                c if c.is_whitespace() && !quoted => break,
                c => {
                    if c == '=' && equals.is_none() {
                        equals = Some(word.len());
                    }
                    word.push(c);
                }
            }
        }
        if word == "--" {
            self.ended = true;
            return None;
        }
        Some(match equals {
            Some(at) => (word[..at].to_owned(), Some(word[at + 1..].to_owned())),
            None => (word, None),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together_and_init_has_its_own() {
        let line = " a=\"x b=1\" \"root=LABEL=my root\"\tquiet  -- b=2\n";
        let read: Vec<_> = words(line).collect();
        let word = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        assert_eq!(
            read,
            [
                word("a", Some("x b=1")),
                word("root", Some("LABEL=my root")),
                word("quiet", None),
            ]
        );
        assert_eq!(words("").count(), 0);
    }
}
