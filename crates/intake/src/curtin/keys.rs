//! The keys of curtin's mappings: those that are none, and what they are meant
//! to be.

use nvmeroot_plan::Warning;

use crate::diagnostic::{Report, nearest};
use crate::yaml::pyyaml::Excerpt;
use crate::yaml::{Entry, KeyPath, Mapping};

/// An entry that is meant by a key that is not there.
pub(super) fn near_miss<'d>(mapping: Mapping<'d>, key: &str) -> Option<Entry<'d>> {
    mapping
        .entries()
        .find(|entry| nearest(entry.name(), [key]).is_some())
}

/// Warns of keys that an action does not have. `elsewhere`: where that belongs which is
/// meant by a key.
pub(super) fn unknown_keys(
    report: &mut Report<'_>,
    mapping: Mapping<'_>,
    path: &KeyPath<'_>,
    known: &[&'static str],
    kind: &str,
    elsewhere: impl Fn(&str) -> Option<String>,
) {
    for entry in mapping.entries() {
        let key = entry.name();
        if known.contains(&key) {
            continue;
        }
        let mut warning = Warning::at(
            report.origin(entry.key, &path.key(key)),
            format!("`{}` is no key of a `{kind}` action", Excerpt(key)),
        );
        if let Some(hint) = elsewhere(key) {
            warning = warning.with_hint(hint);
        } else if let Some(near) = nearest(key, known.iter().copied()) {
            warning = warning.with_hint(format!("is it meant to be `{near}`?"));
        }
        report.warn(warning);
    }
}
