//! NetworkManager's key files (nm-settings-keyfile(5), nm-settings(5)).

mod ip;
mod left;
mod link;
mod profile;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use nvmeroot_plan::{BOOT_PROFILE, Fragment, Severity, Warning};

use self::profile::Profile;
use crate::IntakeError;
use crate::native::ini::{self, Dialect, Entry};
use crate::native::{Card, Files, Network, bond};

/// Where profiles lie, the strongest first (`nms_keyfile_plugin_init` in NetworkManager's
/// src/core/settings/plugins/keyfile/nms-keyfile-plugin.c).
pub const DIRECTORIES: [&str; 3] = [
    "etc/NetworkManager/system-connections",
    "run/NetworkManager/system-connections",
    "usr/lib/NetworkManager/system-connections",
];

/// No tree has more.
const MOST_PROFILES: usize = 1000;

/// Reads the profiles that NetworkManager brings up by itself. `cards`: those that the
/// machine is known to have; a profile that names no card is for any of them. The texts
/// of the files come beside the fragment.
///
/// # Errors
/// What the kernel would not take.
pub fn read(
    files: &dyn Files,
    cards: &[Card],
) -> Result<(Fragment, BTreeMap<String, String>), IntakeError> {
    let mut texts = BTreeMap::new();
    let mut profiles = profiles(files, &mut texts);
    // The one that NetworkManager would take comes first.
    profiles.sort_by_key(|profile| -profile.priority());
    let names: BTreeMap<String, String> = profiles
        .iter()
        .filter_map(|profile| {
            let uuid = profile.get("connection", "uuid")?;
            Some((uuid.to_owned(), profile.name()?.to_owned()))
        })
        .collect();
    let mut network = Network::default();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for profile in &profiles {
        if let Some(Entry { key, origin, .. }) = profile.unfollowed() {
            let message = format!(
                "which cards `{}` is for is not followed: `{key}` is not looked at",
                profile.path
            );
            let warning = Warning::at(origin.clone(), message)
                .with_hint("name the interface that leads to the storage: `interface-name`");
            network.warnings.push(warning);
            continue;
        }
        for name in names_of(profile, cards, &taken) {
            if let Some(other) = taken.get(&name) {
                let message = format!("`{other}` is for `{name}` too, and comes first");
                let warning = Warning::at(profile.origin(), message).with_hint(
                    "set `autoconnect=false` in the one that is not to be used, or `autoconnect-priority`",
                );
                let link = network.link(&name, &profile.origin());
                link.say(Severity::Notice, warning);
                continue;
            }
            taken.insert(name.clone(), profile.path.clone());
            lower(&mut network, profile, &name, &names, cards.is_empty());
        }
    }
    Ok((network.finish()?, texts))
}

fn profiles(files: &dyn Files, texts: &mut BTreeMap<String, String>) -> Vec<Profile> {
    let mut found: Vec<Profile> = Vec::new();
    for directory in DIRECTORIES {
        for name in files.list(directory) {
            let is_profile = name.ends_with(".nmconnection") || directory.starts_with("etc/");
            // netplan makes those of its own files.
            let is_netplans = name.starts_with("netplan-");
            // Nor is what the boot has set up what is installed.
            let is_boots = directory.starts_with("run/") && name.starts_with(BOOT_PROFILE);
            if !is_profile || is_left_aside(&name) || is_netplans || is_boots {
                continue;
            }
            let path = format!("{directory}/{name}");
            let Some(bytes) = files.read(&path).filter(|_| found.len() < MOST_PROFILES) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let sections = ini::read(&path, &text, Dialect::KeyFile);
            let profile = Profile { sections, path };
            let uuid = profile.get("connection", "uuid");
            let is_hidden = found
                .iter()
                .any(|other| uuid.is_some() && other.get("connection", "uuid") == uuid);
            let is_off = matches!(
                profile.get("connection", "autoconnect"),
                Some("false" | "0")
            );
            // A port comes up with what holds it.
            let is_port = profile.controller().is_some();
            if is_hidden || (is_off && !is_port) || profile.kind() == "loopback" {
                continue;
            }
            texts.insert(profile.path.clone(), text);
            found.push(profile);
        }
    }
    found
}

/// `nm_utils_file_is_in_path` aside: names that editors and packages leave
/// (`nm_keyfile_utils_ignore_filename` in src/libnm-core-impl/nm-keyfile-utils.c).
fn is_left_aside(name: &str) -> bool {
    let ends = [
        "~", ".bak", ".swp", ".swx", ".pem", ".der", ".rpmsave", ".rpmorig", ".rpmnew",
    ];
    name.starts_with('.') || ends.iter().any(|end| name.ends_with(end)) || name.contains(".dpkg-")
}

/// The interfaces that a profile is for.
fn names_of(profile: &Profile, cards: &[Card], taken: &BTreeMap<String, String>) -> Vec<String> {
    let wanted = profile.wanted();
    if let Some(name) = wanted.name() {
        return vec![name.to_owned()];
    }
    let id = profile.get("connection", "id").unwrap_or(&profile.path);
    if !profile.is_wired() || cards.is_empty() {
        return vec![id.to_owned()];
    }
    let fits = cards.iter().filter(|card| wanted.fits(card));
    let fits = fits.filter(|card| !profile.denies(card));
    let free = fits.filter(|card| !taken.contains_key(&card.name));
    free.map(|card| card.name.clone()).collect()
}

fn lower(
    network: &mut Network,
    profile: &Profile,
    name: &str,
    names: &BTreeMap<String, String>,
    are_cards_unknown: bool,
) {
    let origin = profile.origin();
    let by_uuid = |value: &str| names.get(value).map_or(value, String::as_str).to_owned();
    network.link(name, &origin);
    match profile.kind() {
        "ethernet" | "802-3-ethernet" => {
            let link = network.link(name, &origin);
            if are_cards_unknown {
                link::matching(link, profile);
            }
        }
        "bond" => {
            let link = network.link(name, &origin);
            link.become_a("bonds");
            for entry in profile.entries("bond") {
                if entry.key != "interface-name"
                    && !bond(link, &entry.key, &entry.value, &entry.origin)
                {
                    link.doubt(
                        &entry.origin,
                        format!("`{}` is no parameter of a bond", entry.key),
                    );
                }
            }
        }
        "bridge" => link::of_bridge(network.link(name, &origin), profile, &origin),
        "vlan" => {
            let id = profile.get("vlan", "id").unwrap_or_default();
            match profile.get("vlan", "parent").map(by_uuid) {
                Some(parent) => network.vlan(name, id, &parent, &origin),
                None => network
                    .link(name, &origin)
                    .refuse(&origin, "this VLAN has no `parent`"),
            }
            left::of_vlan(network.link(name, &origin), profile);
        }
        "dummy" => network.link(name, &origin).become_a("dummy-devices"),
        other => network.link(name, &origin).become_foreign(other),
    }
    if let Some(entry) = profile.controller() {
        let connection = profile.section(&["connection"]);
        let kind =
            connection.and_then(|one| one.get("port-type").or_else(|| one.get("slave-type")));
        match kind {
            Some("bond") => network.hold(&by_uuid(&entry.value), "bonds", name, &entry.origin),
            Some("bridge") => {
                let bridge = by_uuid(&entry.value);
                network.hold(&bridge, "bridges", name, &entry.origin);
                link::of_port(network, &bridge, name, profile);
            }
            _ => {
                let message = "the initramfs makes no port but of a bond or a bridge";
                network
                    .link(name, &entry.origin)
                    .refuse(&entry.origin, message);
            }
        }
    }
    let link = network.link(name, &origin);
    link::of_card(link, profile);
    left::groups(link, profile);
    // To a port no addresses are given.
    if profile.controller().is_none() {
        let group = |name| profile.section(&[name]);
        ip::read(link, group("ipv4"), group("ipv6"), &origin);
    }
}
