//! Documents that are none of curtin's: each is named, so that it does not pass
//! for a configuration without storage.

use nvmeroot_plan::{Origin, Warning};

use crate::diagnostic::{Diagnostic, Diagnostics, Report};
use crate::yaml::{Document, KeyPath, Mapping};

const CURTINS: &str = "curtin's own configuration of an installation is in `/var/log/installer/` of the installer and of the installed system (`curtin-install/` or `curtin-install-cfg.yaml`)";

/// Keys of cloud-init's user data that curtin does not have.
const CLOUD_CONFIG: [&str; 8] = [
    "users",
    "packages",
    "runcmd",
    "bootcmd",
    "ssh_authorized_keys",
    "chpasswd",
    "datasource_list",
    "cloud_init_modules",
];

/// Some keys of curtin's that cloud-init does not have.
const CURTIN: [&str; 9] = [
    "install",
    "kernel",
    "sources",
    "early_commands",
    "late_commands",
    "curthooks_commands",
    "partitioning_commands",
    "network_commands",
    "debconf_selections",
];

/// What is to be said of a configuration without storage.
/// `root`: nothing, where the document is empty.
pub(super) fn without_storage(document: &Document, root: Option<Mapping<'_>>) -> Option<Warning> {
    let has = |key: &str| root.is_some_and(|root| root.get(key).is_some());
    if has("storage") || has("config") {
        return None;
    }
    let origin = Origin::at(document.name().clone(), 1, 1);
    Some(match root.and_then(netplan) {
        Some(_) => Warning::at(origin, "this looks like a netplan file, not like curtin's configuration: there is no `storage` in it")
            .with_hint("nvmeroot reads the root tree's netplan files by itself: pass curtin's configuration, and `--root DIR`"),
        None => Warning::at(origin, "there is no `storage` in this configuration, so nothing is known of what the root filesystem lies on")
            .with_hint(CURTINS),
    })
}

/// Reports a document of another kind.
pub(super) fn is_refused(report: &mut Report, document: &Document, root: Mapping<'_>) -> bool {
    let has = |key: &str| root.get(key).is_some();
    // `config` alone is a storage configuration of its own.
    if has("storage") || has("config") {
        return false;
    }
    let error = if let Some(entry) = root.entry("autoinstall") {
        let origin = entry.key.origin(&KeyPath::ROOT.key("autoinstall"));
        Diagnostic::new(
            origin,
            "this is an autoinstall document, not curtin's configuration",
        )
        .hint(CURTINS)
    } else if is_cloud_config(document, root) {
        let origin = Origin::at(document.name().clone(), 1, 1);
        Diagnostic::new(
            origin,
            "this is cloud-init's user data, not curtin's configuration",
        )
        .hint(CURTINS)
    } else {
        return false;
    };
    report.error(error);
    true
}

/// netplan's file has this one key. curtin's `network` may look the same, but
/// never stands alone.
fn netplan<'d>(root: Mapping<'d>) -> Option<crate::yaml::Entry<'d>> {
    let entry = root.entry("network")?;
    let network = entry.value.as_mapping()?;
    let sections = [
        "ethernets",
        "bonds",
        "bridges",
        "vlans",
        "renderer",
        "wifis",
    ];
    let is_netplan = sections.iter().any(|key| network.get(key).is_some());
    (root.entries().count() == 1 && is_netplan).then_some(entry)
}

/// MAAS marks what it gives curtin in the same way.
fn is_cloud_config(document: &Document, root: Mapping<'_>) -> bool {
    let is_marked = document.text().starts_with("#cloud-config");
    let is_curtins = CURTIN.iter().any(|key| root.get(key).is_some());
    (is_marked && !is_curtins) || CLOUD_CONFIG.iter().any(|key| root.get(key).is_some())
}

/// A table of filesystems (fstab(5)).
pub(super) fn fstab(name: &str, bytes: &[u8]) -> Option<Diagnostics> {
    let head = &bytes[..bytes.len().min(4096)];
    let text = String::from_utf8_lossy(head);
    let mut lines = (1_u32..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let (number, first) = lines.next()?;
    let fields: Vec<&str> = first.split_whitespace().collect();
    let is_entry = (4..=6).contains(&fields.len())
        && (fields[1].starts_with('/') || matches!(fields[1], "none" | "swap"))
        && !first.contains([':', '{', '[', '"'])
        || first.starts_with("UUID=") && fields.len() >= 3;
    is_entry.then(|| {
        let origin = Origin::at(name, number, 1);
        let error = Diagnostic::new(origin, "this is an fstab, not curtin's configuration");
        error.hint(CURTINS).into()
    })
}
