//! What the user should know of what a tree's filesystems stand on.

use std::collections::BTreeSet;

use nvmeroot_plan::{MountPoint, Origin, Warning};

use super::super::devices::property;
use super::super::mountinfo::{self, Mounted};
use super::Reader;
use crate::fstab::{Entry, Spec};

impl Reader<'_> {
    pub(super) fn warn(
        &mut self,
        origin: &Origin,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let warning = Warning::at(origin.clone(), message);
        self.warnings.push(warning.with_hint(hint));
    }

    /// Devices by their names.
    pub(super) fn named(&self, devices: &[usize]) -> String {
        let name = |at: &usize| format!("`{}`", self.devices.block(*at).name);
        devices.iter().map(name).collect::<Vec<_>>().join(" and ")
    }

    pub(super) fn warn_of_unknown(&mut self, entry: &Entry, spec: &str) {
        // Of a pool it is said already.
        if !entry.path.is_essential() || matches!(entry.spec, Spec::Pool(_)) {
            return;
        }
        let path = &entry.path;
        let message = match entry.spec {
            Spec::PoolMember(_) => format!(
                "`{path}` is `{spec}`, which is neither a dataset of ZFS (`POOL/DATASET`) nor a drive of this machine"
            ),
            _ => format!("`{path}` is `{spec}`, and this machine has no such device"),
        };
        let hint = "correct the line; if the device belongs to another machine, run nvmeroot there";
        self.warn(&entry.origin, message, hint);
    }

    pub(super) fn warn_of_another_root(
        &mut self,
        entry: &Entry,
        spec: &str,
        found: Option<Vec<usize>>,
        now: &[usize],
    ) {
        let names = self.named(now);
        let found = match found {
            Some(all) => format!("is `{}`", self.devices.block(all[0]).name),
            None => "no device of this machine is".to_owned(),
        };
        let message = format!("`/` is `{spec}`, which {found}, and the tree is on {names}");
        let uuid = now
            .first()
            .and_then(|at| property(self.devices.block(*at), "ID_FS_UUID"));
        let mounted = self.mounted.get(&entry.path);
        let dataset = mounted.filter(|one| one.filesystem == "zfs");
        let hint = match (dataset, uuid) {
            (Some(one), _) => format!(
                "if it was copied, take the line out: the kernel command line names root (`root=ZFS={}`)",
                one.source
            ),
            (None, Some(uuid)) => format!("if it was copied, write `UUID={uuid}` here"),
            (None, None) => format!("if it was copied, name {names} here"),
        };
        self.warn(&entry.origin, message, hint);
    }

    /// What can't be known of a pool, once for all that lies in it.
    pub(super) fn warn_of_pool(&mut self, path: &MountPoint, pool: &str, origin: &Origin) {
        if !path.is_essential() && !path.is_read_by_firmware() {
            return;
        }
        let drives = self.devices.of_pool(pool).unwrap_or_default();
        let guid = |at: &usize| property(self.devices.block(*at), "ID_FS_UUID");
        let guids: BTreeSet<String> = drives.iter().filter_map(guid).collect();
        let (message, hint) = match guids.len() {
            _ if drives.is_empty() => (
                format!(
                    "udev knows no drive of the pool `{pool}`, so what `{path}` lies on is unknown"
                ),
                "run nvmeroot where the pool's drives are connected and udev has looked at them (`udevadm trigger`)",
            ),
            0 | 1 => return,
            _ => (
                format!(
                    "{} are of different pools that are all named `{pool}`; `{path}` is taken to need them all",
                    self.named(&drives)
                ),
                "clear the drives of a pool that is no more (`zpool labelclear`), or give one another name (`zpool import ID NAME`): by its name none of them is imported",
            ),
        };
        if self.warned.insert(pool.to_owned()) {
            self.warn(origin, message, hint);
        }
    }

    /// What engines of containers mount is left out. Where nothing else lies on its drive,
    /// somebody may miss that.
    pub(super) fn warn_of_engines(&mut self, mounted: &[(MountPoint, Mounted)]) {
        let mut warned = BTreeSet::new();
        for (path, one) in mounted {
            let devices = self.holding(one).unwrap_or_default();
            let is_new = devices.iter().any(|at| !self.blocks.contains_key(at));
            if let Some(engine) = mountinfo::engine(path).filter(|_| is_new)
                && warned.insert(engine)
            {
                let message = format!(
                    "`{path}` does not count: what is mounted below `{engine}` is taken for an engine's of containers, which mounts it anew after boot"
                );
                let hint = "if the system needs it to boot, give it a line in `etc/fstab`";
                self.warn(&one.origin, message, hint);
            }
        }
    }
}
