//! One storage action: what it is, what it lies on.

use nvmeroot_plan::{
    FilesystemType, MountPoint, Node, NodeRole, Origin, OtherRemote, Reference, Warning,
};

use super::item::Item;
use super::keys::{meant, near_miss};
use super::value::{id, is_null, misfit, misshapen, scalar, text};
use super::{controller, layer, mount};
use crate::diagnostic::{Diagnostic, Excerpt, Report, nearest};
use crate::fstab::Spec;
use crate::yaml::pyyaml::Value;
use crate::yaml::{KeyPath, Mapping, Node as YamlNode};

/// An action as a node of the graph, and what only the whole list can settle.
pub(super) struct Action {
    pub(super) node: Node,
    /// The type is unknown, so the references are guesses.
    pub(super) is_guess: bool,
    /// It must lie on something and does not say on what.
    pub(super) is_incomplete: bool,
    /// The filesystem that it makes or mounts.
    pub(super) filesystem: Option<FilesystemType>,
    /// A mount without a path, and whether it has `_netdev`.
    pub(super) pathless: Option<bool>,
    /// The name that ZFS gives this pool.
    pub(super) pool: Option<String>,
    /// A mount's `spec`.
    pub(super) spec: Option<Spec>,
    /// What udev calls this device, in the words of a `spec`; a pool's name.
    pub(super) names: Vec<String>,
    /// The dataset that this makes: a pool's own, or one in a pool.
    pub(super) dataset: Option<Box<Dataset>>,
}

impl Action {
    /// It is swap space.
    pub(super) fn is_swap(&self) -> bool {
        self.filesystem
            .as_ref()
            .is_some_and(|f| f.as_str() == "swap")
    }
}

/// A dataset of ZFS, as far as it decides where it is mounted
/// (zfsprops(7)).
pub(super) struct Dataset {
    /// Its path below its pool, without slashes at the ends; empty for the
    /// pool's own.
    pub(super) volume: String,
    /// Its own `mountpoint`; `None`: inherited.
    pub(super) mountpoint: Option<DatasetMount>,
    /// `canmount` is not `off`. It is not inherited.
    pub(super) can_mount: bool,
    /// Where its mount point is said, or the dataset itself.
    pub(super) origin: Origin,
}

/// A value of `mountpoint`.
#[derive(Clone)]
pub(super) enum DatasetMount {
    At(MountPoint),
    /// `none` and `legacy`: ZFS mounts it nowhere.
    Nowhere,
}

/// An action type: the keys by which it names what it lies on.
struct Kind {
    name: &'static str,
    /// Keys with one id.
    one: &'static [&'static str],
    /// Keys with a list of ids.
    many: &'static [&'static str],
    /// It lies on something in any case.
    lies_on: bool,
}

impl Kind {
    /// The keys by which it names others.
    fn references(&self) -> impl Iterator<Item = &'static str> {
        self.one.iter().chain(self.many).copied()
    }
}

const fn kind(
    name: &'static str,
    one: &'static [&'static str],
    many: &'static [&'static str],
    lies_on: bool,
) -> Kind {
    Kind {
        name,
        one,
        many,
        lies_on,
    }
}

/// curtin/storage_config.py, `_stype_to_deps`; curtin/commands/block_meta.py,
/// the table of handlers.
const KINDS: &[Kind] = &[
    kind("partition", &["device"], &[], true),
    kind("format", &["volume"], &[], true),
    kind("mount", &["device"], &[], false),
    kind("disk", &["nvme_controller"], &[], false),
    kind("nvme_controller", &[], &[], false),
    kind("lvm_volgroup", &[], &["devices"], true),
    kind("lvm_partition", &["volgroup"], &[], true),
    kind("raid", &["container"], &["devices", "spare_devices"], true),
    kind("dm_crypt", &["volume"], &[], true),
    kind("bcache", &["backing_device", "cache_device"], &[], true),
    kind("zpool", &[], &["vdevs"], true),
    kind("zfs", &["pool"], &[], true),
    kind("device", &[], &[], false),
    kind("dasd", &[], &[], false),
    kind("image", &[], &[], false),
];

pub(super) fn read(report: &mut Report, item: YamlNode<'_>, path: &KeyPath<'_>) -> Option<Action> {
    let Some(mapping) = item.as_mapping() else {
        let expected = "a mapping with `type` and `id`";
        let hint = is_null(item).then_some("remove the lone `-`");
        misshapen(report, item, path, "this action", expected, hint);
        return None;
    };
    let node = item;
    let item = Item {
        node,
        mapping,
        path,
    };
    let type_name = type_name(report, item);
    let own_id = match item.get("id") {
        Some(node) => id(
            report,
            node,
            &path.key("id"),
            "id",
            "a text that names the action",
        )?
        .into_owned(),
        // Nothing can refer to it then, which is no fault by itself.
        None => path.to_string(),
    };
    let type_name = type_name?;
    let known = KINDS.iter().find(|kind| kind.name == type_name);
    if known.is_none() {
        unknown_type(report, item, type_name);
    }
    let mut action = Action {
        node: Node {
            id: own_id,
            kind: type_name.to_owned(),
            on: references(report, known, item),
            role: NodeRole::Device,
            origin: item.origin(),
        },
        is_guess: known.is_none(),
        is_incomplete: false,
        filesystem: None,
        pathless: None,
        pool: None,
        spec: None,
        names: names(mapping),
        dataset: None,
    };
    if let Some(kind) = known
        && kind.lies_on
        && action.node.on.is_empty()
    {
        action.is_incomplete = true;
        incomplete(report, kind, item);
    }
    match type_name {
        "nvme_controller" => action.node.role = controller::read(report, item),
        "mount" => {
            let mount = mount::read(report, item, action.node.on.is_empty());
            action.filesystem = mount.filesystem;
            action.pathless = mount.pathless;
            action.spec = mount.spec;
            if let Some(request) = mount.request {
                action.node.role = NodeRole::Mount(request);
            }
        }
        // curtin connects it itself (`ensure_disk_connected` in
        // curtin/block/iscsi.py).
        "disk" if is_iscsi(item) => {
            action.node.role = NodeRole::OtherRemote(OtherRemote::Iscsi);
        }
        "format" => action.filesystem = mount::filesystem(mapping),
        "zpool" => {
            action.pool = item.text("pool").map(str::to_owned);
            action.names.extend(action.pool.clone());
            action.dataset = Some(Box::new(pool_dataset(report, item)));
        }
        "zfs" => action.dataset = Some(Box::new(dataset(report, item))),
        _ => {
            if let Some(layer) = layer::read(report, type_name, item) {
                action.node.role = NodeRole::Layer(layer);
            }
        }
    }
    Some(action)
}

/// As curtin's schema names such a disk (`curtin/block/schemas.py`).
fn is_iscsi(item: Item<'_, '_>) -> bool {
    let path = item.text("path");
    path.is_some_and(|path| path.starts_with("iscsi:"))
}

fn type_name<'d>(report: &mut Report, item: Item<'d, '_>) -> Option<&'d str> {
    let expected = "an action type such as `disk`, `partition`, `format` or `mount`";
    if let Some(node) = item.mapping.get("type") {
        return text(report, node, &item.path.key("type"), "type", expected);
    }
    let fault = Diagnostic::new(item.origin(), "this action has no `type`").expected(expected);
    let near = near_miss(item.mapping, "type").map(|entry| meant(entry, "type"));
    report.error(fault.maybe_hint(near));
    None
}

fn unknown_type(report: &mut Report, item: Item<'_, '_>, type_name: &str) {
    let Some(node) = item.mapping.get("type") else {
        return;
    };
    let origin = node.origin(&item.path.key("type"));
    let shown = Excerpt(type_name);
    let message = format!("`{shown}` is no action type that is known here");
    let hint = match nearest(type_name, KINDS.iter().map(|kind| kind.name)) {
        Some(near) => format!("is it meant to be `{near}`?"),
        None => "what it lies on is taken from the keys that other actions use".to_owned(),
    };
    report.warn(Warning::at(origin, message).with_hint(hint));
}

/// The ids that an action names; a guess where its type is unknown.
fn references(report: &mut Report, known: Option<&Kind>, item: Item<'_, '_>) -> Vec<Reference> {
    let mut on = Vec::new();
    for entry in item.mapping.entries() {
        let (key, value) = (entry.name(), entry.value);
        let path = item.path.key(key);
        let (one, many) = match known {
            Some(kind) => (kind.one.contains(&key), kind.many.contains(&key)),
            None => {
                let is_reference = KINDS.iter().any(|kind| kind.references().any(|k| k == key));
                (is_reference, is_reference)
            }
        };
        let mut push = |node: YamlNode<'_>, path: &KeyPath<'_>| {
            let id = match (known, scalar(node)) {
                (Some(_), _) => id(report, node, path, key, "the id of an action"),
                (None, Some(Value::Text(id))) => Some(id.into()),
                (None, _) => None,
            };
            if let Some(id) = id {
                // Most have one, and four is what a list makes room for by itself.
                on.reserve_exact(1);
                on.push(Reference {
                    id: id.into_owned(),
                    origin: node.origin(path),
                });
            }
        };
        if !one && !many {
            continue;
        }
        match value.as_sequence().filter(|_| many) {
            Some(list) => {
                for (index, item) in list.iter().enumerate() {
                    push(item, &path.index(index));
                }
            }
            None if is_null(value) => {}
            None if one => push(value, &path),
            None => misfit(report, value, &path, key, "a list of ids"),
        }
    }
    on
}

fn incomplete(report: &mut Report, kind: &Kind, item: Item<'_, '_>) {
    let keys: Vec<String> = kind.references().map(|key| format!("`{key}`")).collect();
    let message = format!(
        "this `{}` has no {}, so what it lies on is unknown",
        kind.name,
        keys.join(" or ")
    );
    let mut near = kind
        .references()
        .filter_map(|key| Some((near_miss(item.mapping, key)?, key)));
    let near = near.next().filter(|(entry, key)| entry.name() != *key);
    let hint = near.map(|(entry, key)| meant(entry, key));
    report.warn(Warning::at(item.origin(), message).maybe_hint(hint));
}

/// The pool's own dataset. `zpool_create` in curtin/block/zfs.py makes it
/// `canmount=off` unless `fs_properties` say otherwise, and the action's
/// `mountpoint` comes after theirs.
fn pool_dataset(report: &mut Report, item: Item<'_, '_>) -> Dataset {
    let properties = "fs_properties";
    let of_properties = item.property(properties, "mountpoint");
    let (mountpoint, origin) = match (item.get("mountpoint"), of_properties) {
        (Some(node), _) => mountpoint(report, node, item.path),
        (None, Some(node)) => mountpoint(report, node, &item.path.key(properties)),
        (None, None) => (None, item.origin()),
    };
    let canmount = item.property(properties, "canmount");
    Dataset {
        volume: String::new(),
        mountpoint,
        can_mount: canmount.is_some_and(|node| !is_null(node) && !is_off(Some(node))),
        origin,
    }
}

/// A dataset in a pool (`zfs_create` in curtin/block/zfs.py).
fn dataset(report: &mut Report, item: Item<'_, '_>) -> Dataset {
    let properties = "properties";
    let (mountpoint, origin) = match item.property(properties, "mountpoint") {
        Some(node) => mountpoint(report, node, &item.path.key(properties)),
        None => (None, item.origin()),
    };
    let volume = item.text("volume").unwrap_or_default();
    Dataset {
        volume: volume.trim_matches('/').to_owned(),
        mountpoint,
        can_mount: !is_off(item.property(properties, "canmount")),
        origin,
    }
}

fn mountpoint(
    report: &mut Report,
    node: YamlNode<'_>,
    path: &KeyPath<'_>,
) -> (Option<DatasetMount>, Origin) {
    let path = path.key("mountpoint");
    let origin = node.origin(&path);
    let found = match scalar(node) {
        Some(Value::Null | Value::Text("")) => None,
        Some(Value::Text("none" | "legacy")) => Some(DatasetMount::Nowhere),
        _ => {
            let expected = "an absolute path, `none` or `legacy`";
            let text = text(report, node, &path, "mountpoint", expected);
            let point = text.and_then(|text| mount::point(report, node, text, &path));
            point.map(DatasetMount::At)
        }
    };
    (found, origin)
}

/// What udev calls the device that an action makes.
fn names(mapping: Mapping<'_>) -> Vec<String> {
    // In one go: there are many actions, and few have any of it.
    let (mut type_name, mut uuid, mut label, mut part, mut path) = (None, None, None, None, None);
    for entry in mapping.entries() {
        let place = match entry.name() {
            "type" => &mut type_name,
            "uuid" => &mut uuid,
            "label" => &mut label,
            "partition_name" => &mut part,
            "path" => &mut path,
            _ => continue,
        };
        *place = entry.value.text();
    }
    let is_format = type_name == Some("format");
    let tagged = |tag: &str, text: Option<&str>| text.map(|text| format!("{tag}={text}"));
    let tags = match is_format {
        true => [tagged("UUID", uuid), tagged("LABEL", label)],
        false => [tagged("PARTUUID", uuid), tagged("PARTLABEL", part)],
    };
    let path = path.filter(|path| path.starts_with("/dev/") && !is_format);
    tags.into_iter()
        .flatten()
        .chain(path.map(str::to_owned))
        .collect()
}

/// `canmount: off`, which YAML 1.1 turns into false where it is not quoted.
fn is_off(node: Option<YamlNode<'_>>) -> bool {
    matches!(
        node.and_then(scalar),
        Some(Value::Text("off") | Value::Boolean(false))
    )
}
