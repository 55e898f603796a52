//! How errors and warnings look on the terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use nvmeroot_plan::{BootPlan, Origin, Warning, tidy, tidy_hint};
use nvmeroot_render::{Runtime, limits};

use crate::output;

/// More warnings than this help nobody.
const MOST_WARNINGS: usize = 100;

/// The texts that origins point into, by the name that origins give them.
#[derive(Debug, Default)]
pub(crate) struct SourceMap(BTreeMap<String, String>);

impl SourceMap {
    pub(crate) fn insert(&mut self, name: &str, text: impl Into<String>) {
        self.0.insert(name.to_owned(), text.into());
    }

    /// The same of bytes; what is no text has no lines to show.
    pub(crate) fn insert_bytes(&mut self, name: &str, bytes: &[u8]) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.insert(name, text);
        }
    }

    fn line(&self, origin: &Origin) -> Option<&str> {
        let line = usize::try_from(origin.line).ok()?.checked_sub(1)?;
        self.0.get(&*origin.file)?.lines().nth(line)
    }
}

/// All that is wrong with the input, ready to be shown.
#[derive(Debug)]
pub(crate) struct InputErrors {
    pub(crate) errors: Vec<Warning>,
    pub(crate) source_map: SourceMap,
    /// How many more there are.
    pub(crate) left_out: usize,
}

impl fmt::Display for InputErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hints = Hints::default();
        for error in &self.errors {
            write(f, "error", error, &self.source_map, &mut hints)?;
        }
        if self.left_out > 0 {
            writeln!(f, "and {} more errors", self.left_out)?;
        }
        Ok(())
    }
}

/// Hints that stand on the terminal already: twice they say nothing more.
#[derive(Debug, Default)]
pub(crate) struct Hints(BTreeSet<String>);

impl Hints {
    pub(crate) fn is_new(&mut self, hint: &str) -> bool {
        self.0.insert(hint.to_owned())
    }
}

/// Warnings that standard error has been told, for a report that repeats them.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) warnings: Vec<Warning>,
    hints: Hints,
}

impl Told {
    /// Prints warnings; of very many the first ones and how many more there are.
    pub(crate) fn warn(
        &mut self,
        warnings: impl IntoIterator<Item = Warning>,
        source_map: &SourceMap,
    ) {
        let warnings = Vec::from_iter(warnings);
        let mut text = String::new();
        // Writing to a string can't fail.
        for warning in warnings.iter().take(MOST_WARNINGS) {
            let _ = write(&mut text, "warning", warning, source_map, &mut self.hints);
        }
        if let more @ 1.. = warnings.len().saturating_sub(MOST_WARNINGS) {
            let _ = writeln!(text, "and {more} more warnings");
        }
        output::talk(&text);
        self.warnings.extend(warnings);
    }

    /// The same of what concerns the root tree as a whole.
    pub(crate) fn warn_of_tree(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        self.warn(warnings, &SourceMap::default());
    }
}

/// An error that stops nothing; its further lines are hints.
pub(crate) fn warning_of(error: &str) -> Warning {
    match error.split_once("\nhint: ") {
        Some((message, hint)) => Warning::general(message).with_hint(hint),
        None => Warning::general(error),
    }
}

/// Prints warnings that no report repeats.
pub(crate) fn print_warnings(warnings: &[Warning], source_map: &SourceMap) {
    Told::default().warn(warnings.iter().cloned(), source_map);
}

/// What the plan warns of, and what the runtime can't do of it.
pub(crate) fn warnings_of_plan(plan: &BootPlan, runtime: Runtime) -> Vec<Warning> {
    let mut warnings = plan.warnings.clone();
    warnings.extend(limits(plan, runtime));
    warnings
}

/// Says something that is no warning.
pub(crate) fn print_note(message: &str) {
    output::talk(&format!("note: {}\n", tidy(message)));
}

/// An error that has no place in the input. Its further lines are hints.
pub(crate) fn error_text(message: &str) -> String {
    let line = |line: &str| match line.starts_with("hint: ") {
        true => tidy_hint(line),
        false => tidy(line),
    };
    let lines: Vec<String> = message.split('\n').map(line).collect();
    format!("error: {}\n", lines.join("\n"))
}

fn write(
    f: &mut impl fmt::Write,
    level: &'static str,
    diagnostic: &Warning,
    source_map: &SourceMap,
    hints: &mut Hints,
) -> fmt::Result {
    let message = tidy(diagnostic.message.as_str());
    writeln!(f, "{level}: {message}")?;
    if let Some(origin) = &diagnostic.origin {
        writeln!(f, "  --> {}", tidy(origin.to_string()))?;
        if let Some(excerpt) = excerpt(origin, &message, source_map) {
            writeln!(f, "{excerpt}")?;
        }
    }
    match &diagnostic.hint {
        Some(hint) if hints.is_new(hint) => writeln!(f, "hint: {}", tidy_hint(hint.as_str())),
        _ => Ok(()),
    }
}

/// The value that the origin points at, in its place on its line, with its key
/// and a mark. Anything else on the line may be a secret, and so may the value:
/// it is shown only where the message says it as well.
fn excerpt(origin: &Origin, message: &str, source_map: &SourceMap) -> Option<String> {
    const LONGEST: usize = 160;
    let line = source_map.line(origin)?;
    if line.chars().count() > LONGEST || line.chars().any(|c| c.is_control() && c != '\t') {
        return None;
    }
    let start = line
        .char_indices()
        .nth(usize::try_from(origin.column).ok()?.checked_sub(1)?)?
        .0;
    let value = &line[start..start + value_length(&line[start..])];
    let plain = value.trim_matches(['"', '\'']);
    if plain.is_empty() || !says(message, plain) {
        return None;
    }
    let before = &line[..start];
    let key = key_before(before, origin).unwrap_or(before.len());
    let blank = " ".repeat(before[..key].chars().count());
    let key = &before[key..];
    let margin = " ".repeat(origin.line.to_string().len());
    let under = " ".repeat(before.chars().count());
    let mark = "^".repeat(value.chars().count());
    Some(format!(
        "{margin} |\n{} | {blank}{key}{value}\n{margin} | {under}{mark}",
        origin.line
    ))
}

/// The message holds the value as a word of its own.
fn says(message: &str, value: &str) -> bool {
    message.match_indices(value).any(|(at, _)| {
        let borders = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        borders(message[..at].chars().next_back())
            && borders(message[at + value.len()..].chars().next())
    })
}

/// Where the value's own key begins on the line, if the text before the value
/// ends with it: the last part of the origin's path.
fn key_before(before: &str, origin: &Origin) -> Option<usize> {
    let path = origin.key.as_deref()?;
    let name = path.rsplit('.').next()?.split('[').next()?;
    let upto = before.trim_end().strip_suffix(':')?.trim_end();
    let start = upto.strip_suffix(name)?.len();
    let is_whole = before[..start]
        .chars()
        .next_back()
        .is_none_or(|c| c.is_whitespace() || matches!(c, '{' | ','));
    (is_whole && !name.is_empty()).then_some(start)
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
    rest[..end].trim_end().trim_end_matches([',', ':']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, line: u32, column: u32, key: &str) -> String {
        let mut source_map = SourceMap::default();
        source_map.insert("c.yaml", text);
        let warning = Warning {
            origin: Some(Origin::at("c.yaml", line, column).with_key(key)),
            message: "`70000` is no TCP port".to_owned(),
            hint: Some("write a number from 1 to 65535".to_owned()),
        };
        InputErrors {
            errors: vec![warning],
            source_map,
            left_out: 0,
        }
        .to_string()
    }

    #[test]
    fn the_value_is_shown_in_its_place_and_nothing_around_it() {
        let text = "user: alice\n  {password: x, tcp_port: 70000}  # hunter2\n";
        assert_eq!(
            shown(text, 2, 27, "storage.config[0].tcp_port"),
            "error: `70000` is no TCP port\n  --> c.yaml:2:27 `storage.config[0].tcp_port`\n  |\n2 |                 tcp_port: 70000\n  |                           ^^^^^\nhint: write a number from 1 to 65535\n"
        );
        // The key on the line is not the one that the message is about.
        assert!(
            shown("  hunter2: 70000\n", 1, 12, "a.tcp_port").contains("\n1 |            70000\n")
        );
    }

    #[test]
    fn a_hint_is_said_once() {
        let error = |message: &str, hint: &str| Warning {
            origin: None,
            message: message.to_owned(),
            hint: Some(hint.to_owned()),
        };
        let errors = InputErrors {
            errors: vec![error("a", "x"), error("b", "y"), error("c", "x")],
            source_map: SourceMap::default(),
            left_out: 0,
        };
        assert_eq!(
            errors.to_string(),
            "error: a\nhint: x\nerror: b\nhint: y\nerror: c\n"
        );
    }

    #[test]
    fn a_value_that_the_message_keeps_to_itself_is_not_shown() {
        for (text, column) in [
            ("tcp_port: hunter2\n", 11),
            ("tcp_port: [70000, hunter2]\n", 11),
            ("-t tcp -S hunter2\n", 1),
            ("tcp_port: \"70000 hunter2\"\n", 11),
        ] {
            let said = shown(text, 1, column, "x.tcp_port");
            assert!(!said.contains("hunter2"), "{said}");
        }
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
            ("key:", "key"),
            ("70000  # too much", "70000"),
            ("", ""),
        ] {
            assert_eq!(&rest[..value_length(rest)], value, "{rest:?}");
        }
    }

    #[test]
    fn places_beyond_the_text_are_only_named() {
        for (line, column) in [(9, 1), (1, 99), (0, 0), (1, 0)] {
            assert!(shown("a: b\n", line, column, "a").contains("--> c.yaml"));
        }
        assert!(shown("grüße: 70000\n", 1, 8, "grüße").contains("1 | grüße: 70000\n"));
        assert!(shown("a:\n", 1, 3, "a").contains("--> c.yaml:1:3"));
    }
}
