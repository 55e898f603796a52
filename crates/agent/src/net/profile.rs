//! What NetworkManager is told: by which of its profiles a link is up already.
//!
//! At its start it looks into `/run/NetworkManager/devices/INDEX`, where it noted
//! itself what it had up before (`nm_config_device_state_load` in its
//! src/core/nm-config.c). A profile that is named there it takes over as it is, and
//! goes on with its lease (`get_existing_connection` in src/core/nm-manager.c);
//! without, it leaves the link to whoever set it up, and nobody renews the lease.

use std::collections::BTreeSet;
use std::path::Path;

use nvmeroot_plan::{ConnectionId, Interface, LinkKind, MacAddress, inserted};

use crate::sys::netlink::Link;
use crate::sys::paths::Paths;

mod keyfile;

use keyfile::Keyfile;

/// Where profiles lie in the root tree; those in `/run` come later
/// (nm-settings-keyfile(5)).
const DIRECTORIES: [&str; 2] = [
    "etc/NetworkManager/system-connections",
    "usr/lib/NetworkManager/system-connections",
];

/// The type of a card's profile, and the group that is called so; the second is its old
/// name (nm-settings-keyfile(5)).
const WIRED: [&str; 2] = ["ethernet", "802-3-ethernet"];

/// No tree has more, and the boot does not wait for one that has.
const MOST_PROFILES: usize = 1000;

/// Says by which profile each of the links is up; the names of those that no profile
/// is for.
///
/// # Errors
/// What keeps it from being written.
pub(super) fn tell<'a>(
    paths: &Paths,
    links: &'a [(&Interface, Link)],
) -> std::io::Result<Vec<&'a str>> {
    let profiles = profiles(paths);
    let mut unknown = Vec::new();
    for (interface, link) in links {
        let known = interface.connection;
        let Some(id) = known.or_else(|| best(&profiles, interface, link)) else {
            unknown.push(link.name.as_str());
            continue;
        };
        is_up_by(paths, link, id)?;
    }
    Ok(unknown)
}

/// Says by which profile a link is up.
///
/// # Errors
/// What keeps it from being written.
pub(super) fn is_up_by(paths: &Paths, link: &Link, id: ConnectionId) -> std::io::Result<()> {
    let directory = paths.run_root.join("NetworkManager/devices");
    std::fs::create_dir_all(&directory)?;
    let text = format!("[device]\nmanaged=true\nconnection-uuid={id}\n");
    std::fs::write(directory.join(link.index.to_string()), text)
}

/// One of NetworkManager's profiles, as far as it says what link it is for.
#[derive(Debug, PartialEq, Eq)]
struct Profile {
    id: ConnectionId,
    kind: String,
    name: Option<String>,
    mac: Option<MacAddress>,
    priority: i32,
}

/// Those of the root that is mounted, in the order of their files' names.
fn profiles(paths: &Paths) -> Vec<Profile> {
    let mut found = Vec::new();
    let roots = paths.new_roots.iter();
    for directory in roots.flat_map(|root| DIRECTORIES.map(|one| root.join(one))) {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        let files = entries.take(MOST_PROFILES).filter_map(Result::ok);
        let names: BTreeSet<_> = inserted(files.map(|entry| entry.file_name()));
        found.extend(
            names
                .iter()
                .filter_map(|name| profile(&directory.join(name))),
        );
    }
    found
}

/// What is no profile, or none that comes up by itself, is none.
fn profile(path: &Path) -> Option<Profile> {
    let keyfile = Keyfile::read(path).ok()?;
    let of_connection = |key| keyfile.get("connection", key);
    if of_connection("autoconnect") == Some("false") {
        return None;
    }
    let mac = WIRED.map(|group| keyfile.get(group, "mac-address"));
    let priority = of_connection("autoconnect-priority");
    Some(Profile {
        id: of_connection("uuid")?.parse().ok()?,
        kind: of_connection("type")?.to_owned(),
        name: of_connection("interface-name").map(str::to_owned),
        mac: mac
            .into_iter()
            .flatten()
            .next()
            .and_then(|mac| mac.parse().ok()),
        priority: priority.and_then(|text| text.parse().ok()).unwrap_or(0),
    })
}

/// The profile that NetworkManager would bring the link up by: one that names it
/// before one for any card, then the higher priority.
fn best(profiles: &[Profile], interface: &Interface, link: &Link) -> Option<ConnectionId> {
    let fits = profiles.iter().filter(|one| one.is_for(interface, link));
    let by = |one: &&Profile| (one.name.is_some() || one.mac.is_some(), one.priority);
    // Of equals the first.
    fits.rev().max_by_key(by).map(|one| one.id)
}

impl Profile {
    fn is_for(&self, interface: &Interface, link: &Link) -> bool {
        let is_its_kind = match &interface.kind {
            LinkKind::Ethernet => WIRED.contains(&self.kind.as_str()),
            other => other.word() == Some(&self.kind),
        };
        let mac = link.permanent_mac.or(link.mac);
        is_its_kind
            && self.name.as_ref().is_none_or(|name| *name == link.name)
            && self.mac.is_none_or(|wanted| Some(wanted) == mac)
    }
}

#[cfg(test)]
mod tests;
