//! The block devices of a machine: by what names they are known, and what they stand on.

use std::collections::{BTreeMap, BTreeSet};

use nvmeroot_plan::{Layer, VolumeName};

use super::{Block, Machine};
use crate::{array, fstab};

/// Finds block devices by all of their names.
#[derive(Debug)]
pub(super) struct Devices<'m> {
    machine: &'m Machine,
    by_name: BTreeMap<&'m str, usize>,
    by_number: BTreeMap<&'m str, usize>,
    /// By `UUID=…` and so on, and by paths in `/dev`: a filesystem may have more than one
    /// device, and a copy of a drive has the same UUID.
    by_spec: BTreeMap<String, BTreeSet<usize>>,
}

/// What udev knows a device by (`udev-builtin-blkid.c`), and fstab(5)'s word for it.
const TAGS: [(&str, &str); 4] = [
    ("ID_FS_UUID", "UUID"),
    ("ID_FS_LABEL_ENC", "LABEL"),
    ("ID_PART_ENTRY_UUID", "PARTUUID"),
    ("ID_PART_ENTRY_NAME", "PARTLABEL"),
];

impl<'m> Devices<'m> {
    pub(super) fn new(machine: &'m Machine) -> Self {
        let mut devices = Self {
            machine,
            by_name: BTreeMap::new(),
            by_number: BTreeMap::new(),
            by_spec: BTreeMap::new(),
        };
        for (at, block) in machine.blocks.iter().enumerate() {
            devices.by_name.insert(&block.name, at);
            devices.by_number.insert(&block.number, at);
            devices.name(format!("/dev/{}", block.name), at);
            if let Some(name) = &block.dm_name {
                devices.name(format!("/dev/mapper/{name}"), at);
            }
            let record = String::from_utf8_lossy(&block.udev);
            for line in record.lines() {
                if let Some(link) = line.strip_prefix("S:") {
                    devices.name(format!("/dev/{link}"), at);
                } else if let Some((key, value)) = line
                    .strip_prefix("E:")
                    .and_then(|entry| entry.split_once('='))
                    && let Some((_, tag)) = TAGS.iter().find(|(name, _)| *name == key)
                {
                    devices.name(spec(tag, &decoded(value)), at);
                }
            }
        }
        devices
    }

    fn name(&mut self, name: String, at: usize) {
        self.by_spec.entry(name).or_default().insert(at);
    }

    pub(super) fn block(&self, at: usize) -> &'m Block {
        &self.machine.blocks[at]
    }

    pub(super) fn by_name(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The device of a filesystem that has one of its own.
    pub(super) fn by_number(&self, number: &str) -> Option<usize> {
        self.by_number.get(number).copied()
    }

    /// The devices that a spec of fstab(5) names, ascending: parts of one filesystem, or
    /// copies of each other. `None`: nothing on this machine. They are those that udev
    /// prefers, as it does not a snapshot beside its origin. What another one of them is put together from is left out: the
    /// members of an array say its UUID too.
    pub(super) fn by_spec(&self, wanted: &str) -> Option<Vec<usize>> {
        let wanted = match wanted.split_once('=') {
            Some((tag, value)) => spec(tag, value),
            None => wanted.to_owned(),
        };
        let all = self.by_spec.get(&wanted)?;
        let is_part = |at: &usize| {
            let name = &self.block(*at).name;
            all.iter()
                .any(|other| self.block(*other).slaves.contains(name))
        };
        let mut found: Vec<usize> = all.iter().copied().filter(|at| !is_part(at)).collect();
        let rank = |at: &usize| priority(self.block(*at));
        let highest = found.iter().map(rank).max();
        found.retain(|at| Some(rank(at)) == highest);
        Some(found).filter(|found| !found.is_empty())
    }

    /// The drives of a pool of ZFS: udev knows them by its name (`zfs_extract_guid_name` in
    /// util-linux' libblkid/src/superblocks/zfs.c). Spares and caches, which the boot can do
    /// without, have no name there. `None`: none on this machine.
    pub(super) fn of_pool(&self, pool: &str) -> Option<Vec<usize>> {
        let blocks = &self.machine.blocks;
        let is_split = |number: &str| blocks.iter().any(|b| b.whole.as_deref() == Some(number));
        let all = self.by_spec.get(&spec("LABEL", pool))?.iter().copied();
        let found = all.filter(|at| {
            let block = self.block(*at);
            // A disk shows what ZFS wrote at the end of its last partition.
            zfs(block).is_some() && !is_split(&block.number) && !self.is_in_volume(*at)
        });
        Some(found.collect()).filter(|found: &Vec<usize>| !found.is_empty())
    }

    /// What is in a volume of ZFS's is a guest's, also where kpartx(8) made a device of a
    /// partition in it.
    fn is_in_volume(&self, at: usize) -> bool {
        let mut seen = BTreeSet::from([at]);
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            if self.block(at).name.starts_with("zd") {
                return true;
            }
            let below = self.put_together_from(at).into_iter();
            open.extend(below.filter(|one| seen.insert(*one)));
        }
        false
    }

    /// All devices of the pool or the btrfs that one of them is of, else itself. The kernel
    /// knows those of a btrfs that is mounted (`btrfs_sysfs_add_fs_devices` in its
    /// fs/btrfs/sysfs.c); of others the devices have one UUID, and each a second one of its
    /// own, which only a copy shares.
    pub(super) fn of_filesystem(&self, device: usize) -> Vec<usize> {
        let name = &self.block(device).name;
        let mut all = self.machine.btrfs.iter();
        if let Some(devices) = all.find(|devices| devices.contains(name)) {
            let devices = devices.iter();
            return devices.filter_map(|name| self.by_name(name)).collect();
        }
        if let Some(drives) = zfs(self.block(device)).and_then(|pool| self.of_pool(&pool)) {
            return drives;
        }
        let Some((uuid, own)) = btrfs(self.block(device)) else {
            return vec![device];
        };
        let mut found = BTreeMap::from([(own, device)]);
        for (at, block) in self.machine.blocks.iter().enumerate() {
            if let Some((other, own)) = btrfs(block)
                && other == uuid
            {
                found.entry(own).or_insert(at);
            }
        }
        let found: BTreeSet<usize> = found.into_values().collect();
        found.into_iter().collect()
    }

    /// Whether two devices are one place of one drive, which is there by two paths where
    /// nothing puts these together.
    pub(super) fn is_same(&self, one: usize, other: usize) -> bool {
        let place = |at: usize| {
            let block = self.block(at);
            // Of a SCSI disk, `ID_WWN` has the first 64 bits, which drives of one array share.
            let drive = property(block, "ID_WWN_WITH_EXTENSION");
            let drive = drive.or_else(|| property(block, "ID_WWN"))?;
            Some((drive, property(block, "ID_PART_ENTRY_NUMBER")))
        };
        one == other || (place(one).is_some() && place(one) == place(other))
    }

    /// What it stands on directly.
    pub(super) fn below(&self, at: usize) -> Vec<usize> {
        let pool = volume_of(self.block(at)).and_then(|pool| self.of_pool(&pool));
        let all = self.put_together_from(at).into_iter();
        all.chain(pool.unwrap_or_default()).collect()
    }

    /// The devices that the kernel made it of.
    fn put_together_from(&self, at: usize) -> Vec<usize> {
        let block = self.block(at);
        let whole = block.whole.as_deref();
        let whole = whole.and_then(|number| self.by_number(number));
        let slaves = block.slaves.iter().filter_map(|name| self.by_name(name));
        whole.into_iter().chain(slaves).collect()
    }
}

impl Machine {
    /// The names of the pools of ZFS whose drives udev knows.
    pub fn pools(&self) -> BTreeSet<String> {
        let devices = Devices::new(self);
        let mut named: BTreeSet<String> = self.blocks.iter().filter_map(zfs).collect();
        named.retain(|pool| devices.of_pool(pool).is_some());
        named
    }
}

/// What udev's record of a device says.
pub(super) fn property(block: &Block, key: &str) -> Option<String> {
    let record = String::from_utf8_lossy(&block.udev);
    let mut entries = record.lines().filter_map(|line| line.strip_prefix("E:"));
    entries.find_map(|entry| Some(entry.strip_prefix(key)?.strip_prefix('=')?.to_owned()))
}

/// Of devices that want one link, udev gives it to the highest (`OPTIONS="link_priority"`
/// in udev(7)).
fn priority(block: &Block) -> i32 {
    let record = String::from_utf8_lossy(&block.udev);
    let mut lines = record.lines();
    let said = lines.find_map(|line| line.strip_prefix("L:")?.parse().ok());
    said.unwrap_or(0)
}

/// The pool of ZFS that a device says it is of.
fn zfs(block: &Block) -> Option<String> {
    property(block, "ID_FS_TYPE").filter(|kind| kind == "zfs_member")?;
    property(block, "ID_FS_LABEL_ENC").map(|name| decoded(&name))
}

/// The pool of ZFS that a device is a volume of, by the link that OpenZFS has udev make
/// (60-zvol.rules).
fn volume_of(block: &Block) -> Option<String> {
    let record = String::from_utf8_lossy(&block.udev);
    let mut links = record.lines();
    let volume = links.find_map(|line| line.strip_prefix("S:zvol/"))?;
    Some(fstab::pool(volume).to_owned())
}

/// The UUIDs of a btrfs and of the part of it that a device is.
fn btrfs(block: &Block) -> Option<(String, String)> {
    property(block, "ID_FS_TYPE").filter(|kind| kind == "btrfs")?;
    Some((
        property(block, "ID_FS_UUID")?,
        property(block, "ID_FS_UUID_SUB")?,
    ))
}

/// UUIDs are compared without case (libmount asks blkid, and people write capitals).
fn spec(tag: &str, value: &str) -> String {
    match tag {
        "UUID" | "PARTUUID" => format!("{tag}={}", value.to_ascii_lowercase()),
        // The name of a link that udev makes.
        "ID" => format!("/dev/disk/by-id/{value}"),
        _ => format!("{tag}={value}"),
    }
}

/// Text without udev's escapes, `\x20` (`encode_devnode_name` in systemd's
/// src/shared/device-nodes.c).
fn decoded(value: &str) -> String {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.strip_prefix(b"x").and_then(|digits| digits.get(..2));
        let code = hex
            .filter(|_| byte == b'\\')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What a device is put together as.
pub(super) fn layer(block: &Block) -> Option<Layer> {
    if let Some(uuid) = &block.dm_uuid {
        // Both are `PREFIX-…` (`dm_build_dm_uuid` of lvm2, `dm_prepare_uuid` of cryptsetup).
        let name = block.dm_name.as_deref().unwrap_or_default();
        return match uuid.split('-').next() {
            Some("LVM") => Some(Layer::VolumeGroup {
                name: volume_group(name).parse().ok(),
            }),
            Some("CRYPT") => Some(Layer::Encrypted {
                name: name.parse().ok(),
            }),
            _ => None,
        };
    }
    let level = block.md_level.as_deref()?;
    Some(Layer::Array {
        name: array_name(block),
        can_miss: array::can_miss(level, block.slaves.len()),
    })
}

/// The group in a volume's name, in which a hyphen of its own is doubled
/// (`dm_split_lvm_name` of lvm2).
fn volume_group(name: &str) -> String {
    let mut group = String::new();
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '-' && rest.next_if_eq(&'-').is_none() {
            break;
        }
        group.push(c);
    }
    group
}

/// The name that mdadm gave the array (`/dev/md/NAME`), else the kernel's.
fn array_name(block: &Block) -> Option<VolumeName> {
    let said = property(block, "MD_DEVNAME");
    said.as_ref().unwrap_or(&block.name).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(name: &str, number: &str, udev: &str) -> Block {
        Block {
            name: name.to_owned(),
            number: number.to_owned(),
            udev: udev.as_bytes().to_vec(),
            ..Block::default()
        }
    }

    #[test]
    fn a_device_is_known_by_all_that_udev_says() {
        let record = "S:disk/by-id/nvme-x\nE:ID_FS_UUID=AB12-34CD\nE:ID_FS_LABEL=a_b\nE:ID_FS_LABEL_ENC=a\\x20b\nE:ID_PART_ENTRY_UUID=0F-01\nN:nvme0n1p1\n";
        let mut member = block("sda", "8:0", "E:ID_FS_UUID=77\n");
        member.slaves.clear();
        let mut array = block("md0", "9:0", "E:ID_FS_UUID=77\n");
        array.slaves = vec!["sda".to_owned()];
        let mut volume = block("dm-0", "254:0", "");
        volume.dm_name = Some("vg-root".to_owned());
        let machine = Machine {
            blocks: vec![block("nvme0n1p1", "259:1", record), member, array, volume],
            ..Machine::default()
        };
        let devices = Devices::new(&machine);
        for spec in [
            "/dev/nvme0n1p1",
            "/dev/disk/by-id/nvme-x",
            "UUID=ab12-34cd",
            "UUID=AB12-34CD",
            "ID=nvme-x",
            "LABEL=a b",
            "PARTUUID=0f-01",
        ] {
            assert_eq!(devices.by_spec(spec), Some(vec![0]), "{spec}");
        }
        assert_eq!(devices.by_spec("/dev/mapper/vg-root"), Some(vec![3]));
        assert_eq!(devices.by_spec("LABEL=A B"), None);
        // Of an array and its member the array is meant.
        assert_eq!(devices.by_spec("UUID=77"), Some(vec![2]));
    }

    #[test]
    fn a_volume_s_group_is_what_lvm_made_the_name_of() {
        assert_eq!(volume_group("ubuntu--vg-root--a"), "ubuntu-vg");
        assert_eq!(volume_group("vg-root"), "vg");
        assert_eq!(volume_group("a----b-c"), "a--b");
    }

    #[test]
    fn layers_are_lvm_s_mdadm_s_and_cryptsetup_s() {
        let dm = |name: &str, uuid: &str| {
            layer(&Block {
                dm_name: Some(name.to_owned()),
                dm_uuid: Some(uuid.to_owned()),
                ..Block::default()
            })
        };
        let named = |name: &str| name.parse().ok();
        assert_eq!(
            dm("ubuntu--vg-root", "LVM-0123456789"),
            Some(Layer::VolumeGroup {
                name: named("ubuntu-vg")
            })
        );
        assert_eq!(
            dm("luks", "CRYPT-LUKS2-01-luks"),
            Some(Layer::Encrypted {
                name: named("luks")
            })
        );
        assert_eq!(dm("mpatha", "mpath-36"), None);
        let mut array = block("md127", "9:127", "E:MD_DEVNAME=root\n");
        array.md_level = Some("raid1".to_owned());
        array.slaves = vec!["a".to_owned(), "b".to_owned()];
        let expected = Layer::Array {
            name: named("root"),
            can_miss: 1,
        };
        assert_eq!(layer(&array), Some(expected));
        array.md_level = Some("raid0".to_owned());
        array.udev.clear();
        let expected = Layer::Array {
            name: named("md127"),
            can_miss: 0,
        };
        assert_eq!(layer(&array), Some(expected));
    }
}
