//! The `mount` action.

use nvmeroot_plan::{FilesystemType, MountPoint, MountRequest, NameError, Warning};

use super::item::Item;
use super::keys::unknown_keys;
use super::value::{is_null, scalar, text};
use crate::diagnostic::{Diagnostic, Report};
use crate::fstab::{self, Spec};
use crate::yaml::pyyaml::Value;
use crate::yaml::{KeyPath, Mapping, Node as YamlNode};

const KEYS: &[&str] = &[
    "id", "type", "path", "device", "fstype", "options", "spec", "freq", "passno", "preserve",
];

/// What is the mount's own.
pub(super) struct Mount {
    pub(super) filesystem: Option<FilesystemType>,
    /// What is asked for, if it has a path.
    pub(super) request: Option<MountRequest>,
    /// It has no path; whether it has `_netdev`.
    pub(super) pathless: Option<bool>,
    /// What it mounts, in fstab's words, where it names no device of the
    /// configuration: curtin takes it as it is (`mount_data` in
    /// curtin/commands/block_meta.py).
    pub(super) spec: Option<Spec>,
}

/// `unknown_device`: it does not say what it mounts.
pub(super) fn read(report: &mut Report, item: Item<'_, '_>, unknown_device: bool) -> Mount {
    unknown_keys(report, item, KEYS, "mount", |_| None);
    let mapping = item.mapping;
    let netdev = mapping
        .get("options")
        .is_some_and(|node| has_netdev(report, node, &item.path.key("options")));
    let options = item.text("options").unwrap_or_default();
    let optional = fstab::is_optional(options);
    let mut mount = Mount {
        filesystem: filesystem(mapping),
        request: None,
        pathless: None,
        spec: None,
    };
    if let Some(Value::Text(spec)) = mapping.get("spec").and_then(scalar)
        && unknown_device
        && !spec.is_empty()
    {
        mount.spec = Some(Spec::read(spec, item.text("fstype"), options));
    }
    let Some(node) = mapping.get("path").filter(|node| !is_empty(*node)) else {
        mount.pathless = Some(netdev);
        return mount;
    };
    let path = item.path.key("path");
    let expected = "the directory that it is mounted on";
    if let Some(text) = text(report, node, &path, "path", expected)
        && let Some(path) = point(report, node, text, &path)
    {
        mount.request = Some(MountRequest {
            netdev: Some(netdev),
            unknown_device,
            optional,
            filesystem: mount.filesystem.clone(),
            ..MountRequest::new(path)
        });
    }
    mount
}

/// The action's `fstype`, if it is one.
pub(super) fn filesystem(mapping: Mapping<'_>) -> Option<FilesystemType> {
    match mapping.get("fstype").and_then(scalar) {
        // curtin makes a pool and a dataset of it (`zfsroot_update_storage_config` in
        // curtin/commands/block_meta.py).
        Some(Value::Text("zfsroot")) => "zfs".parse().ok(),
        Some(Value::Text(name)) => name.parse().ok(),
        _ => None,
    }
}

/// Reads where something is mounted.
pub(super) fn point(
    report: &mut Report,
    node: YamlNode<'_>,
    text: &str,
    path: &KeyPath<'_>,
) -> Option<MountPoint> {
    text.parse()
        .map_err(|error: NameError| {
            let fault = Diagnostic::new(node.origin(path), error.to_string())
                .expected("an absolute path such as `/var/log`");
            report.error(fault);
        })
        .ok()
}

fn is_empty(node: YamlNode<'_>) -> bool {
    is_null(node) || scalar(node) == Some(Value::Text(""))
}

fn has_netdev(report: &mut Report, node: YamlNode<'_>, path: &KeyPath<'_>) -> bool {
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
        let message = "the white space around `_netdev` makes it another option";
        let warning = Warning::at(node.origin(path), message);
        report.warn(warning.with_hint("remove the white space"));
    }
    exact
}
