//! The keys of curtin's mappings: those that are none, and what they are meant
//! to be.

use nvmeroot_plan::Warning;

use super::item::Item;
use crate::diagnostic::{Excerpt, Report, nearest};
use crate::yaml::{Entry, KeyPath, Mapping};

/// An entry that is meant by a key that is not there.
pub(super) fn near_miss<'d>(mapping: Mapping<'d>, key: &str) -> Option<Entry<'d>> {
    mapping
        .entries()
        .find(|entry| nearest(entry.name(), [key]).is_some())
}

/// What such an entry is meant to be.
pub(super) fn meant(entry: Entry<'_>, key: &str) -> String {
    format!("is `{}` meant to be `{key}`?", Excerpt(entry.name()))
}

/// Warns of an entry that is meant by a key that is not there.
pub(super) fn misspelt(report: &mut Report, mapping: Mapping<'_>, path: &KeyPath<'_>, key: &str) {
    if let Some(entry) = near_miss(mapping, key) {
        let name = Excerpt(entry.name());
        let message = format!("`{name}` means nothing to curtin, and there is no `{key}`");
        let origin = entry.key.origin(&path.key(entry.name()));
        let hint = format!("is it meant to be `{key}`?");
        report.warn(Warning::at(origin, message).with_hint(hint));
    }
}

/// Warns of keys that an action does not have. `elsewhere`: where that belongs which is
/// meant by a key.
pub(super) fn unknown_keys(
    report: &mut Report,
    item: Item<'_, '_>,
    known: &[&'static str],
    kind: &str,
    elsewhere: impl Fn(&str) -> Option<String>,
) {
    for entry in item.mapping.entries() {
        let key = entry.name();
        if known.contains(&key) {
            continue;
        }
        let message = format!("`{}` is no key of a `{kind}` action", Excerpt(key));
        let meant = || {
            let near = nearest(key, known.iter().copied())?;
            Some(format!("is it meant to be `{near}`?"))
        };
        let hint = elsewhere(key).or_else(meant);
        let origin = entry.key.origin(&item.path.key(key));
        report.warn(Warning::at(origin, message).maybe_hint(hint));
    }
}
