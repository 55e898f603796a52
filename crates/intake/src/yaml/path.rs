use std::fmt::{self, Write as _};

/// The way from the document's root to a value, such as
/// `storage.config[3].tcp_port`.
///
/// Each step borrows the one before, so that walking down costs nothing; text is
/// made by `Display`, when there is something to report.
#[derive(Clone, Copy)]
pub struct KeyPath<'a> {
    parent: Option<&'a KeyPath<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> KeyPath<'a> {
    /// The document itself; displayed, it is the empty text.
    pub const ROOT: KeyPath<'static> = KeyPath {
        parent: None,
        step: Step::Root,
    };

    /// The value of the mapping's `key`.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// The list's item, counted from 0.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    /// Whether this is the document itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }
}

impl KeyPath<'_> {
    /// The path as text. Each of ten thousand actions asks for several.
    pub(crate) fn to_text(self) -> String {
        // Longer ones are rare, and grow.
        const USUAL: usize = 40;
        let mut text = String::with_capacity(USUAL);
        self.push_to(&mut text);
        text
    }

    /// As deep as the calls by which the path was made.
    fn push_to(&self, text: &mut String) {
        if let Some(parent) = self.parent {
            parent.push_to(text);
        }
        push_step(text, self.step);
    }
}

impl fmt::Display for KeyPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// Appends a step to those before.
pub(super) fn push_step(path: &mut String, step: Step<'_>) {
    // Writing to a String does not fail.
    let _ = match step {
        Step::Root => Ok(()),
        Step::Index(index) => write!(path, "[{index}]"),
        Step::Key(key) if is_plain(key) => {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
            Ok(())
        }
        // Debug quoting keeps line breaks and escape sequences of a
        // hostile key out of the terminal.
        Step::Key(key) => write!(path, "[{key:?}]"),
    };
}

impl fmt::Debug for KeyPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPath({self})")
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:/@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::KeyPath;

    #[test]
    fn steps_are_joined_as_the_reader_would_write_them() {
        let storage = KeyPath::ROOT.key("storage");
        let config = storage.key("config");
        let item = config.index(3);
        assert_eq!(
            item.key("tcp_port").to_string(),
            "storage.config[3].tcp_port"
        );
        assert_eq!(KeyPath::ROOT.index(0).key("id").to_string(), "[0].id");
        assert_eq!(KeyPath::ROOT.to_string(), "");
    }

    #[test]
    fn odd_keys_are_quoted() {
        let path = KeyPath::ROOT.key("a\u{1b}[31m\n");
        assert_eq!(path.to_string(), r#"["a\u{1b}[31m\n"]"#);
        assert_eq!(KeyPath::ROOT.key("").to_string(), r#"[""]"#);
    }
}
