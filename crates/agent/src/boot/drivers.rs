//! The drivers of the network cards, before udev comes to them.
//!
//! udev asks for one driver after the other in the order of the devices, disks
//! and graphics among them; on a small machine root's card waits seconds for
//! its turn. What is loaded here, udev finds loaded.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::sys::modprobe::load_aliases;
use crate::sys::paths::Paths;

/// A bus, and the attribute and its beginning by which it marks network cards:
/// PCI base class 2 (PCI Code and ID Assignment Specification, section 1.3),
/// virtio device type 1 (VIRTIO 1.2, section 5).
const BUSES: [(&str, &str, &str); 2] = [("pci", "class", "0x02"), ("virtio", "device", "0x0001")];

/// What modprobe calls the drivers of the network cards that have none.
fn wanted(sys: &Path) -> BTreeSet<String> {
    let mut aliases = BTreeSet::new();
    for (bus, attribute, start) in BUSES {
        let Ok(devices) = fs::read_dir(sys.join("bus").join(bus).join("devices")) else {
            continue;
        };
        for device in devices.flatten().map(|entry| entry.path()) {
            let read = |name| fs::read_to_string(device.join(name)).unwrap_or_default();
            let alias = read("modalias").trim_end().to_owned();
            let network = read(attribute).starts_with(start);
            // modprobe takes words that start with a dash for options.
            if network && !device.join("driver").exists() && alias.starts_with(bus) {
                aliases.insert(alias);
            }
        }
    }
    aliases
}

/// Loads the drivers of the network cards that have none; a driver may bring
/// further devices, and each is asked for once. Returns when there are no more.
pub(super) fn load(paths: &Paths) {
    let mut asked = BTreeSet::new();
    loop {
        let new: Vec<String> = wanted(&paths.sys)
            .into_iter()
            .filter(|alias| asked.insert(alias.clone()))
            .collect();
        // Without modprobe, or without a driver, udev has the last word.
        if new.is_empty() || load_aliases(&new).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_network_cards_without_a_driver_are_asked_for() {
        let root = tempfile::tempdir().expect("a directory");
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        };
        let pci = |slot: &str, class: &str| {
            put(&format!("bus/pci/devices/{slot}/class"), class);
            let alias = format!("pci:{slot}\n");
            put(&format!("bus/pci/devices/{slot}/modalias"), &alias);
        };
        pci("card", "0x020000\n");
        pci("disk", "0x010802\n");
        pci("driven", "0x020000\n");
        put("bus/pci/devices/driven/driver/bind", "");
        put("bus/virtio/devices/virtio0/device", "0x0001\n");
        put("bus/virtio/devices/virtio0/modalias", "virtio:d00000001v\n");
        put("bus/virtio/devices/virtio1/device", "0x0002\n");
        put("bus/virtio/devices/virtio1/modalias", "virtio:d00000002v\n");
        let wanted: Vec<String> = wanted(root.path()).into_iter().collect();
        assert_eq!(wanted, ["pci:card", "virtio:d00000001v"]);
    }
}
