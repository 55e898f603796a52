//! How faults and warnings look on the terminal.

use std::collections::BTreeMap;
use std::fmt;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use nvmeroot_plan::{Origin, Warning};
use nvmeroot_render::Runtime;

/// The texts that origins point into, by the name that origins give them.
#[derive(Debug, Default)]
pub(crate) struct Texts(BTreeMap<String, String>);

impl Texts {
    pub(crate) fn insert(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), text.to_owned());
    }

    fn line(&self, origin: &Origin) -> Option<&str> {
        let line = usize::try_from(origin.line).ok()?.checked_sub(1)?;
        self.0.get(&*origin.file)?.lines().nth(line)
    }
}

/// One fault or warning.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) origin: Option<Origin>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl From<Warning> for Fault {
    fn from(warning: Warning) -> Self {
        Self {
            origin: warning.origin,
            message: warning.message,
            hint: warning.hint,
        }
    }
}

impl From<Fault> for Warning {
    fn from(fault: Fault) -> Self {
        let mut warning = Self::general(fault.message);
        (warning.hint, warning.origin) = (fault.hint, fault.origin);
        warning
    }
}

/// All that is wrong with the input, ready to be shown.
#[derive(Debug)]
pub(crate) struct Faults {
    pub(crate) faults: Vec<Fault>,
    pub(crate) texts: Texts,
    /// How many more there are.
    pub(crate) left_out: usize,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            write(f, "error", fault, &self.texts)?;
        }
        if self.left_out > 0 {
            writeln!(f, "and {} more errors", self.left_out)?;
        }
        Ok(())
    }
}

/// Prints warnings to standard error, without those that concern another
/// runtime.
pub(crate) fn print_plan_warnings(warnings: &[Warning], texts: &Texts, runtime: Runtime) {
    let warnings: Vec<Warning> = warnings
        .iter()
        .filter(|w| runtime == Runtime::Scripts || !w.scripts_only)
        .cloned()
        .collect();
    print_warnings(&warnings, texts);
}

/// Prints warnings to standard error.
pub(crate) fn print_warnings(warnings: &[Warning], texts: &Texts) {
    struct Shown<'a>(Fault, &'a Texts);
    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write(f, "warning", &self.0, self.1)
        }
    }
    for warning in warnings {
        eprint!("{}", Shown(warning.clone().into(), texts));
    }
}

fn write(
    f: &mut fmt::Formatter<'_>,
    level: &'static str,
    fault: &Fault,
    texts: &Texts,
) -> fmt::Result {
    writeln!(f, "{level}: {}", fault.message)?;
    if let Some(origin) = &fault.origin {
        writeln!(f, "  --> {origin}")?;
        if let Some(snippet) = snippet(origin, texts) {
            writeln!(f, "{snippet}")?;
        }
    }
    if let Some(hint) = &fault.hint {
        writeln!(f, "hint: {hint}")?;
    }
    Ok(())
}

/// The one line that the origin points at, with a mark. Never a neighbouring
/// line, and no line that may hold a secret.
fn snippet(origin: &Origin, texts: &Texts) -> Option<String> {
    const LONGEST: usize = 160;
    let line = texts.line(origin)?;
    if line.chars().count() > LONGEST || line.chars().any(|c| c.is_control() && c != '\t') {
        return None;
    }
    let mentions_secret = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["secret", "password", "passphrase", "psk", "dhchap"]
            .iter()
            .any(|word| text.contains(word))
    };
    if mentions_secret(line) || origin.key.as_deref().is_some_and(mentions_secret) {
        return None;
    }
    let start = line
        .char_indices()
        .nth(usize::try_from(origin.column).ok()?.checked_sub(1)?)?
        .0;
    let end = start + value_length(&line[start..]);
    let snippet = Snippet::source(line)
        .line_start(usize::try_from(origin.line).ok()?)
        .annotation(
            AnnotationKind::Primary.span(start..end.max(start + 1).min(line.len().max(start))),
        );
    let report = [Level::ERROR.no_name().primary_title("").element(snippet)];
    let text = Renderer::plain().render(&report);
    // Its own heading is replaced by ours.
    let body: Vec<&str> = text.lines().filter(|l| l.contains('|')).collect();
    Some(body.join("\n"))
}

/// How much of the rest of a line the value at its start takes: up to its
/// closing quote, or to what ends a plain scalar in block or flow style.
fn value_length(rest: &str) -> usize {
    if let Some(quote) = rest.chars().next().filter(|c| *c == '"' || *c == '\'') {
        return rest[1..].find(quote).map_or(rest.len(), |i| i + 2);
    }
    let opens = rest.starts_with(['[', '{']);
    let end = [", ", "}", "]", " #", ": "]
        .iter()
        .filter(|_| !opens)
        .filter_map(|mark| rest.find(mark))
        .min()
        .unwrap_or(rest.len());
    rest[..end].trim_end().trim_end_matches(',').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, line: u32, column: u32, key: &str) -> String {
        let mut texts = Texts::default();
        texts.insert("c.yaml", text);
        let fault = Fault {
            origin: Some(Origin::at("c.yaml", line, column).with_key(key)),
            message: "`70000` is no TCP port".to_owned(),
            hint: Some("write a number from 1 to 65535".to_owned()),
        };
        Faults {
            faults: vec![fault],
            texts,
            left_out: 0,
        }
        .to_string()
    }

    #[test]
    fn the_line_is_shown_with_a_mark_and_nothing_around_it() {
        let text = "user: alice\n  tcp_port: 70000  # too much\npassword: x\n";
        assert_eq!(
            shown(text, 2, 13, "storage.config[0].tcp_port"),
            "error: `70000` is no TCP port\n  --> c.yaml:2:13 `storage.config[0].tcp_port`\n  |\n2 |   tcp_port: 70000  # too much\n  |             ^^^^^\nhint: write a number from 1 to 65535\n"
        );
    }

    #[test]
    fn the_mark_covers_one_value() {
        for (rest, value) in [
            ("disk0}", "disk0"),
            ("srv, spec: x}", "srv"),
            ("[4420]", "[4420]"),
            ("'a, b' # c", "'a, b'"),
            ("\"open", "\"open"),
            ("key: value", "key"),
            ("70000  # too much", "70000"),
            ("", ""),
        ] {
            assert_eq!(&rest[..value_length(rest)], value, "{rest:?}");
        }
    }

    #[test]
    fn a_line_with_a_secret_is_not_shown() {
        let text = "dhchap_secret: DHHC-1:00:abc\n";
        assert!(!shown(text, 1, 16, "x").contains("DHHC"));
        assert!(!shown("a: DHHC-1\n", 1, 4, "x.password").contains("DHHC"));
    }

    #[test]
    fn places_beyond_the_text_are_only_named() {
        for (line, column) in [(9, 1), (1, 99), (0, 0), (1, 0)] {
            assert!(shown("a: b\n", line, column, "a").contains("--> c.yaml"));
        }
        assert!(shown("grüße: ä\n", 1, 8, "a").contains("1 | grüße: ä"));
        assert!(shown("a:\n", 1, 3, "a").contains("--> c.yaml:1:3"));
    }
}
