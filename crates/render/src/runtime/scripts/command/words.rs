//! The words of a command.

/// A command's words while they are put together.
pub(super) struct Words(pub(super) Vec<String>);

pub(super) fn words(first: &[&str]) -> Words {
    Words(first.iter().map(|w| (*w).to_owned()).collect())
}

impl Words {
    pub(super) fn and(mut self, word: impl Into<String>) -> Self {
        self.0.push(word.into());
        self
    }

    pub(super) fn all(mut self, words: &[&str]) -> Self {
        self.0.extend(words.iter().map(|w| (*w).to_owned()));
        self
    }

    /// A name and its value, where there is one.
    pub(super) fn option(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.and(name).and(value.to_string()),
            None => self,
        }
    }

    pub(super) fn flag(self, name: &str, set: bool) -> Self {
        if set { self.and(name) } else { self }
    }
}
