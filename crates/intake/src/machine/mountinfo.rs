//! `/proc/self/mountinfo` (proc_pid_mountinfo(5)).

use std::collections::BTreeMap;

use nvmeroot_plan::{MountPoint, Origin};

use crate::fstab::plain;

/// What origins call the table.
pub(super) const NAME: &str = "/proc/self/mountinfo";

/// Below these, engines of containers mount when they start what is gone when the machine
/// boots: layers of images, volumes.
const ENGINES: [&str; 6] = [
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/containers/storage",
    "/var/lib/kubelet",
    "/var/lib/incus",
    "/var/lib/lxd",
];

/// The directory of the engine that has mounted something at a path of a tree.
pub(super) fn engine(path: &MountPoint) -> Option<&'static str> {
    let is_below = |engine: &&str| {
        let rest = path.as_str().strip_prefix(*engine);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    ENGINES.into_iter().find(is_below)
}

/// What is mounted somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    /// Major and minor number; the major one is 0 where the filesystem has no device or
    /// more than one.
    pub(super) number: String,
    pub(super) point: String,
    pub(super) filesystem: String,
    /// What was named to mount(2): for most filesystems a device.
    pub(super) source: String,
    pub(super) origin: Origin,
}

impl Mounted {
    /// A snapshot of ZFS, which the kernel mounts for as long as somebody looks at it.
    pub(super) fn is_snapshot(&self) -> bool {
        self.filesystem == "zfs" && self.source.contains('@')
    }
}

/// What is mounted at the paths of a tree; of two on one path the later one is seen.
pub(super) fn below(root: &str, bytes: &[u8]) -> BTreeMap<MountPoint, Mounted> {
    let mut found = BTreeMap::new();
    for one in read(bytes) {
        let below = match root {
            "/" => Some(one.point.as_str()),
            _ => one.point.strip_prefix(root),
        };
        let path = match below {
            Some("") => "/",
            Some(path) if path.starts_with('/') => path,
            _ => continue,
        };
        if let Ok(path) = path.parse::<MountPoint>() {
            found.insert(path, one);
        }
    }
    found
}

/// All lines. One that is cut off is left out: the kernel writes none.
fn read(bytes: &[u8]) -> Vec<Mounted> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().enumerate();
    lines.filter_map(|(i, line)| mounted(i, line)).collect()
}

fn mounted(i: usize, line: &str) -> Option<Mounted> {
    let mut fields = line.split(' ');
    let number = fields.nth(2)?.to_owned();
    let point = plain(fields.nth(1)?);
    // Optional fields end with a hyphen.
    let mut fields = fields.skip_while(|field| *field != "-").skip(1);
    Some(Mounted {
        number,
        point,
        filesystem: fields.next()?.to_owned(),
        source: plain(fields.next()?),
        origin: Origin::at(NAME, u32::try_from(i + 1).unwrap_or(u32::MAX), 1),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_has_optional_fields_and_escapes() {
        let text = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n\
            22 1 0:20 / / rw - btrfs /dev/nvme0n1p2 rw,subvol=/@\ncut off\n";
        let all = read(text.as_bytes());
        let told: Vec<_> = all
            .iter()
            .map(|one| {
                let (number, point) = (one.number.as_str(), one.point.as_str());
                (number, point, one.filesystem.as_str(), one.source.as_str())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("98:0", "/mnt 2", "ext3", "/dev/root"),
                ("0:20", "/", "btrfs", "/dev/nvme0n1p2"),
            ]
        );
        assert_eq!(all[1].origin.to_string(), "/proc/self/mountinfo:2:1");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read(&bytes);
        }
    }
}
