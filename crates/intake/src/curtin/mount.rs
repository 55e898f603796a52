//! The `mount` action.

use nvmeroot_plan::{MountRequest, NodeRole, Warning};

use super::action::{Action, filesystem, mount_point};
use super::value::{is_null, scalar, text};
use crate::diagnostic::{Report, nearest};
use crate::yaml::pyyaml::{Excerpt, Value};
use crate::yaml::{KeyPath, Mapping, Node as YamlNode};

const KEYS: &[&str] = &[
    "id", "type", "path", "device", "fstype", "options", "spec", "freq", "passno", "preserve",
];

/// Reads what is the mount's own; what it lies on is in `action` already.
pub(super) fn read(
    report: &mut Report<'_>,
    mapping: Mapping<'_>,
    path: &KeyPath<'_>,
    action: &mut Action,
) {
    unknown_keys(report, mapping, path, KEYS, "mount");
    let netdev = mapping
        .get("options")
        .is_some_and(|node| has_netdev(report, node, &path.key("options")));
    action.filesystem = filesystem(mapping);
    let unknown_device = action.node.on.is_empty();
    let point = mapping.get("path").filter(|node| !is_empty(*node));
    let Some(node) = point else {
        action.pathless = Some(netdev);
        return;
    };
    let path = path.key("path");
    let expected = "the directory that it is mounted on";
    if let Some(text) = text(report, node, &path, "path", expected)
        && let Some(point) = mount_point(report, node, text, &path)
    {
        action.node.role = NodeRole::Mount(MountRequest {
            path: point,
            netdev: Some(netdev),
            unknown_device,
            filesystem: action.filesystem.clone(),
        });
    }
}

fn is_empty(node: YamlNode<'_>) -> bool {
    is_null(node) || scalar(node) == Some(Value::Text(""))
}

fn has_netdev(report: &mut Report<'_>, node: YamlNode<'_>, path: &KeyPath<'_>) -> bool {
    if is_empty(node) {
        return false;
    }
    let expected = "options with commas between them, such as `defaults,_netdev`";
    let Some(options) = text(report, node, path, "options", expected) else {
        return false;
    };
    let has = |wanted: fn(&str) -> bool| options.split(',').any(wanted);
    let exact = has(|option| option == "_netdev");
    if !exact && has(|option| option.trim() == "_netdev") {
        report.warn(
            Warning::at(
                report.origin(node, path),
                "the white space around `_netdev` makes it another option",
            )
            .with_hint("remove the white space"),
        );
    }
    exact
}

/// Warns of keys that an action does not have.
pub(super) fn unknown_keys(
    report: &mut Report<'_>,
    mapping: Mapping<'_>,
    path: &KeyPath<'_>,
    known: &'static [&'static str],
    kind: &str,
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
        if let Some(near) = nearest(key, known.iter().copied()) {
            warning = warning.with_hint(format!("is it meant to be `{near}`?"));
        }
        report.warn(warning);
    }
}
