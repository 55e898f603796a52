//! Whole texts in, fragments or located errors out.

use nvmeroot_plan::{Fragment, Interface, Severity};

use super::{Source, read};
use crate::Diagnostics;

mod conformance;
mod diagnostics;
mod errors;
mod installers;
mod kinds;
mod merging;
mod parameters;
mod properties;
mod schema;
mod settings;

fn source<'a>(path: &str, text: &'a str) -> Source<'a> {
    Source {
        name: path.to_owned(),
        path: path.contains('/').then(|| path.to_owned()),
        text: text.as_bytes(),
        ..Source::default()
    }
}

fn fragment(text: &str) -> Fragment {
    match read(&[source("n.yaml", text)]) {
        Ok(fragment) => fragment,
        Err(error) => panic!("{}\nin:\n{text}", error.into_diagnostics()),
    }
}

fn interfaces(text: &str) -> Vec<Interface> {
    fragment(text).interfaces.expect("a network")
}

/// What is about no interface more than another, as `line:column key: message`.
fn notices(text: &str) -> Vec<String> {
    let shown = |warning: &nvmeroot_plan::Warning| {
        let origin = warning.origin.as_ref().expect("a place");
        let key = origin.key.as_deref().unwrap_or_default();
        format!(
            "{}:{} {key}: {}",
            origin.line, origin.column, warning.message
        )
    };
    fragment(text).notices.iter().map(shown).collect()
}

/// The only interface, of a text of ethernets.
fn only(text: &str) -> Interface {
    let mut all = interfaces(text);
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

fn refused(text: &str) -> Diagnostics {
    match read(&[source("n.yaml", text)]) {
        Ok(fragment) => panic!("read as {fragment:?}\nfrom:\n{text}"),
        Err(error) => error.into_diagnostics(),
    }
}

/// Diagnostics as `severity line:column key: message (hint)`.
fn diagnostics(interface: &Interface) -> Vec<String> {
    interface
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let severity = format!("{:?}", diagnostic.severity).to_lowercase();
            let warning = &diagnostic.warning;
            let origin = warning.origin.as_ref().expect("a place");
            let key = origin.key.as_deref().unwrap_or_default();
            let hint = warning.hint.as_ref().map(|h| format!(" ({h})"));
            format!(
                "{severity} {}:{} {key}: {}{}",
                origin.line,
                origin.column,
                warning.message,
                hint.unwrap_or_default()
            )
        })
        .collect()
}
