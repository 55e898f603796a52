//! Who has the network of the running system, and what of its own files counts.

use std::collections::BTreeMap;

use nvmeroot_intake::networkd::{Fit, network_fits};
use nvmeroot_plan::{BootPlan, Interface, Manager};
use nvmeroot_render::{DROP_INS, HAND_OFF_PATH, NetworkdFile, Options};

use crate::Failure;
use crate::root::RootTree;

/// Where systemd-networkd's files lie, the strongest first (systemd.network(5)).
const DIRECTORIES: [&str; 3] = [
    DROP_INS.0,
    "usr/local/lib/systemd/network",
    "usr/lib/systemd/network",
];

/// As much of a file as is looked at.
const LONGEST: u64 = 1 << 20;

/// Finds what the hand-off needs to know of the root tree.
pub(crate) fn find(root: &RootTree, plan: &BootPlan, options: &mut Options) -> Result<(), Failure> {
    options.managers = Manager::of_tree(|file| root.exists(file))?;
    options.without_netplan = !options.managers.is_empty() && !has_netplan(root)?;
    if options.managers.contains(&Manager::Networkd) {
        options.networkd_files = networkd_files(root, plan)?;
    }
    for directory in with_drop_in(root)? {
        let name = directory.strip_suffix(".d").unwrap_or(&directory);
        let known = |file: &NetworkdFile| file.name == name;
        // netplan makes these anew at each boot; the plan says what is beside them.
        let is_netplans = name.starts_with("10-netplan-");
        if !is_netplans && !options.networkd_files.iter().any(known) {
            options.networkd_files.push(NetworkdFile {
                name: name.to_owned(),
                interfaces: Vec::new(),
            });
        }
    }
    Ok(())
}

/// netplan itself, or files for it beside ours: it may still be installed.
fn has_netplan(root: &RootTree) -> Result<bool, Failure> {
    if root.has_any(["usr/sbin/netplan", "usr/share/netplan"])? {
        return Ok(true);
    }
    for directory in ["etc/netplan", "usr/lib/netplan", "lib/netplan"] {
        let names = root.list(directory)?.into_iter();
        let mut files = names.map(|name| format!("{directory}/{name}"));
        if files.any(|file| file.ends_with(".yaml") && file != HAND_OFF_PATH) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The drop-ins of an earlier run's beside systemd-networkd's files.
pub(crate) fn drop_ins(root: &RootTree) -> Result<Vec<String>, Failure> {
    let (place, _, ours) = DROP_INS;
    let directories = with_drop_in(root)?.into_iter();
    Ok(directories
        .map(|directory| format!("{place}/{directory}/{ours}"))
        .collect())
}

/// The directories in which there is one.
fn with_drop_in(root: &RootTree) -> Result<Vec<String>, Failure> {
    let (place, end, ours) = DROP_INS;
    let mut found = Vec::new();
    for name in root.list(place)? {
        if name.ends_with(end) && root.exists(&format!("{place}/{name}/{ours}"))? {
            found.push(name);
        }
    }
    Ok(found)
}

/// For each of root's interfaces the first file that is for it, and those before that
/// may be.
fn networkd_files(root: &RootTree, plan: &BootPlan) -> Result<Vec<NetworkdFile>, Failure> {
    let mut places: BTreeMap<String, &str> = BTreeMap::new();
    for directory in DIRECTORIES {
        for name in root.list(directory)? {
            if name.ends_with(".network") {
                places.entry(name).or_insert(directory);
            }
        }
    }
    let mut open: Vec<&Interface> = plan.storage_interfaces();
    let mut files = Vec::new();
    for (name, directory) in places {
        let bytes = root.read(&format!("{directory}/{name}"), LONGEST)?;
        let bytes = bytes.unwrap_or_default();
        // An empty file masks another.
        if bytes.is_empty() {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        let mut interfaces = Vec::new();
        open.retain(|one| {
            let fit = network_fits(&text, one);
            if fit != Fit::No {
                interfaces.push(one.name.clone());
            }
            fit != Fit::Yes
        });
        if !interfaces.is_empty() {
            files.push(NetworkdFile { name, interfaces });
        }
    }
    Ok(files)
}
