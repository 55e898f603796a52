//! Who has the network of the running system, and what of its own files counts.

use std::collections::BTreeMap;

use nvmeroot_intake::networkd::{Fit, network_fits};
use nvmeroot_plan::{BootPlan, Interface, Manager};
use nvmeroot_render::{DROP_INS, NetworkdFile, Options};

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
    if options.managers.contains(&Manager::Networkd) {
        options.networkd_files = networkd_files(root, plan)?;
    }
    for name in drop_ins(root)? {
        let known = |file: &NetworkdFile| file.name == name;
        if !options.networkd_files.iter().any(known) {
            let interfaces = Vec::new();
            options
                .networkd_files
                .push(NetworkdFile { name, interfaces });
        }
    }
    Ok(())
}

/// The files beside which there is a drop-in of an earlier run's, but those that netplan
/// makes anew at each boot.
fn drop_ins(root: &RootTree) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let (place, directory, ours) = DROP_INS;
    for name in root.list(place)? {
        let is_netplans = name.starts_with("10-netplan-");
        if name.ends_with(directory)
            && !is_netplans
            && root.exists(&format!("{place}/{name}/{ours}"))?
        {
            found.extend(name.strip_suffix(".d").map(str::to_owned));
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
