//! What is wrong with an input, and where.

use std::fmt;

use nvmeroot_plan::{Origin, Warning, tidy, tidy_hint};

/// More errors than this are counted, not shown.
const MAX_SHOWN: usize = 20;

/// More warnings than this about one file help nobody.
pub(crate) const MAX_WARNINGS: usize = 100;

/// What a message shows of a text that may stand in a document a million times: `tidy`
/// would go through the whole of it each time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Excerpt<'d>(pub(crate) &'d str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 60;
        match self.0.char_indices().nth(LONGEST) {
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

/// One fault of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where.
    pub origin: Origin,
    /// What was found, without a capital or a full stop.
    pub message: String,
    /// What was expected instead.
    pub expected: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A fault at a place.
    pub fn new(origin: Origin, message: impl Into<String>) -> Self {
        Self {
            origin,
            message: tidy(message),
            expected: None,
            hint: None,
        }
    }

    /// The same, with what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(tidy(expected));
        self
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        self.maybe_hint(Some(hint))
    }

    /// The same, with a hint where there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(tidy_hint).or(self.hint);
        self
    }

    /// What was found and what was expected, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match &self.expected {
            Some(expected) => format!("{}; expected {expected}", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.sentence())?;
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with one input, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// The first faults.
    pub shown: Vec<Diagnostic>,
    /// How many more there are.
    pub left_out: usize,
    /// What else the user should know about the input.
    pub warnings: Vec<Warning>,
}

impl Diagnostics {
    /// Adds what another input says.
    pub(crate) fn append(&mut self, more: Self) {
        self.shown.extend(more.shown);
        self.left_out += more.left_out;
        self.warnings.extend(more.warnings);
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(fault: Diagnostic) -> Self {
        Self {
            shown: vec![fault],
            ..Self::default()
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, diagnostic) in self.shown.iter().enumerate() {
            if count > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        if self.left_out > 0 {
            write!(f, "\n{} more errors", self.left_out)?;
        }
        Ok(())
    }
}

/// Gathers what is found while one document is read.
#[derive(Debug, Default)]
pub(crate) struct Report {
    errors: Vec<Diagnostic>,
    left_out: usize,
    warnings: Vec<Warning>,
}

impl Report {
    pub(crate) fn error(&mut self, diagnostic: Diagnostic) {
        // Errors come in nearly the order of the file; sorting a few more than
        // are shown is order enough.
        if self.errors.len() < 4 * MAX_SHOWN {
            self.errors.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings, or everything where there are errors.
    pub(crate) fn finish(self) -> Result<Vec<Warning>, Diagnostics> {
        let Self {
            mut errors,
            mut left_out,
            warnings,
        } = self;
        if errors.is_empty() {
            return Ok(warnings);
        }
        errors.sort_by_key(|error| (error.origin.line, error.origin.column));
        left_out += errors.len().saturating_sub(MAX_SHOWN);
        errors.truncate(MAX_SHOWN);
        Err(Diagnostics {
            shown: errors,
            left_out,
            warnings,
        })
    }
}

/// Among more words that are this alike, the nearest is chance.
const MAX_CANDIDATES: usize = 1_000;

/// The known word that a wrong one was most likely meant to be.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // No typo turns a text this long into a key.
    if word.len() > 64 {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let word = plain(word);
    let limit = match word.chars().count() {
        0 => return None,
        // Two words of two letters each are too often one letter apart.
        1..=2 => 0,
        3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .filter(|known| known.len().abs_diff(word.len()) <= limit)
        .filter(|known| (letters(known) ^ letters(&word)).count_ones() <= 2 * limit as u32)
        .take(MAX_CANDIDATES)
        .map(|known| (strsim::osa_distance(&word, &plain(known)), known))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, known)| known)
}

/// The letters of a word as bits, without case: a typo changes at most two.
fn letters(word: &str) -> u32 {
    word.bytes()
        .map(|byte| if byte == b'-' { b'_' } else { byte })
        .fold(0, |bits, byte| bits | 1 << (byte & 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_one_that_a_typo_explains() {
        let known = ["tcp_addr", "tcp_port", "transport", "id"];
        assert_eq!(nearest("tcp_prt", known), Some("tcp_port"));
        assert_eq!(nearest("tcp-addr", known), Some("tcp_addr"));
        assert_eq!(nearest("Transprot", known), Some("transport"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("ip", known), None);
        assert_eq!(nearest("ID", known), Some("id"));
        assert_eq!(nearest(&"tcp_port".repeat(50), known), None);
    }

    #[test]
    fn a_sentence_says_what_was_found_expected_and_to_be_done() {
        let origin = Origin::at("c.yaml", 3, 5).with_key("a.b");
        let diagnostic = Diagnostic::new(origin, "this is a list")
            .expected("a mapping")
            .hint("write a mapping");
        assert_eq!(
            diagnostic.to_string(),
            "c.yaml:3:5 `a.b`: this is a list; expected a mapping\nhint: write a mapping"
        );
    }

    #[test]
    fn errors_are_sorted_and_capped() {
        let mut report = Report::default();
        for column in (1..=100).rev() {
            report.error(Diagnostic::new(Origin::at("t", 2, column), "bad"));
        }
        report.warn(Warning::general("careful"));
        let found = report.finish().unwrap_err();
        assert_eq!(found.shown.len(), 20);
        assert_eq!(found.left_out, 80);
        assert!(found.shown.is_sorted_by_key(|fault| fault.origin.column));
        assert_eq!(found.warnings.len(), 1);
    }
}
