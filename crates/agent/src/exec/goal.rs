//! When the program is done: what the essential mounts need is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nvmeroot_plan::{BootPlan, MountPoint, Nqn};

use crate::fabrics::{NvmeTree, SysNamespace};

/// A namespace by one of its identifiers (NVM Express Base Specification 2.0,
/// section 4.5.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamespaceId {
    /// The number within the subsystem.
    Nsid(u32),
    /// UUID.
    Uuid(String),
    /// NGUID.
    Nguid(String),
    /// EUI-64.
    Eui(String),
}

impl NamespaceId {
    fn is(&self, namespace: &SysNamespace) -> bool {
        let same = |wanted: &str, found: &Option<String>| {
            let digits = |text: &str| -> String {
                text.chars()
                    .filter(char::is_ascii_hexdigit)
                    .map(|c| c.to_ascii_lowercase())
                    .collect()
            };
            found
                .as_deref()
                .is_some_and(|f| digits(f) == digits(wanted))
        };
        match self {
            Self::Nsid(nsid) => namespace.nsid == Some(*nsid),
            Self::Uuid(uuid) => same(uuid, &namespace.uuid),
            Self::Nguid(nguid) => same(nguid, &namespace.nguid),
            Self::Eui(eui) => same(eui, &namespace.eui),
        }
    }
}

/// One thing that must be there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// At least one of these controllers (indexes into the plan's) is
    /// connected, itself or by what its discovery log offers, and shows a
    /// namespace. For plans that know neither subsystem nor namespace.
    AnyOf(Vec<usize>),
    /// This very namespace has a block device, through whatever path.
    Namespace {
        /// The subsystem.
        nqn: Nqn,
        /// The namespace.
        id: NamespaceId,
        /// The controllers that may lead there, for the report.
        controllers: Vec<usize>,
    },
}

impl Need {
    /// The controllers that can meet it.
    pub fn controllers(&self) -> &[usize] {
        match self {
            Self::AnyOf(controllers) | Self::Namespace { controllers, .. } => controllers,
        }
    }
}

/// The device that the initramfs will mount as root, where the kernel command
/// line names one by what udev makes links of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootDevice(PathBuf);

impl RootDevice {
    /// From `root=`; `None` for what is no such device (`root=zfs:…`,
    /// `root=/dev/nfs`).
    pub fn parse(root: &str, dev: &Path) -> Option<Self> {
        let disk = |by: &str, id: &str| dev.join("disk").join(by).join(id);
        let path = match root.split_once('=') {
            Some(("UUID", id)) => disk("by-uuid", id),
            Some(("PARTUUID", id)) => disk("by-partuuid", id),
            Some(("LABEL", id)) => disk("by-label", id),
            Some(("PARTLABEL", id)) => disk("by-partlabel", id),
            _ => dev.join(root.strip_prefix("/dev/").filter(|d| *d != "nfs")?),
        };
        // A name that leads out of /dev is no device's.
        let plain = path
            .components()
            .all(|c| !matches!(c, std::path::Component::ParentDir));
        plain.then_some(Self(path))
    }

    fn is_there(&self) -> bool {
        self.0.exists()
    }
}

/// All that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    needs: BTreeMap<Need, Vec<MountPoint>>,
    root: Option<RootDevice>,
}

/// What is connected: per plan controller the subsystems that it led to.
pub type ConnectedTo = BTreeMap<usize, BTreeSet<Nqn>>;

impl Goal {
    /// What the essential mounts of the plan need. Controllers of one
    /// subsystem are ways to the same storage: one of them is enough. Of
    /// controllers whose subsystem is not known each may hold a part (the
    /// mount may lie on a RAID), so each is needed.
    pub fn of(plan: &BootPlan, root: Option<RootDevice>) -> Self {
        let mut needs: BTreeMap<Need, Vec<MountPoint>> = BTreeMap::new();
        for mount in plan.mounts.iter().filter(|m| m.essential) {
            let mut groups: BTreeMap<Nqn, Vec<usize>> = BTreeMap::new();
            let mut alone = Vec::new();
            for &index in &mount.controllers {
                let Some(controller) = plan.controllers.get(index) else {
                    continue;
                };
                match &controller.nqn {
                    Some(nqn) if nqn.as_str() != Nqn::DISCOVERY => {
                        groups.entry(nqn.clone()).or_default().push(index);
                    }
                    _ => alone.push(vec![index]),
                }
            }
            for group in groups.into_values().chain(alone) {
                let mounts = needs.entry(Need::AnyOf(group)).or_default();
                if !mounts.contains(&mount.path) {
                    mounts.push(mount.path.clone());
                }
            }
        }
        Self { needs, root }
    }

    /// Adds a namespace that is known.
    #[must_use]
    pub fn with(mut self, need: Need, mount: MountPoint) -> Self {
        self.needs.entry(need).or_default().push(mount);
        self
    }

    /// Every need.
    pub(super) fn needs(&self) -> impl Iterator<Item = &Need> {
        self.needs.keys()
    }

    /// Nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// Every need with the mounts that have it, for the record.
    pub fn describe(&self, plan: &BootPlan) -> Vec<String> {
        self.needs
            .iter()
            .map(|(need, mounts)| {
                let portals: Vec<String> = need
                    .controllers()
                    .iter()
                    .filter_map(|i| plan.controllers.get(*i))
                    .map(|c| format!("`{}`", c.portal()))
                    .collect();
                let mounts: Vec<String> = mounts.iter().map(|m| format!("`{m}`")).collect();
                format!("{} by {}", mounts.join(", "), portals.join(" or "))
            })
            .collect()
    }

    /// The needs that are not met.
    pub fn unmet(&self, connected: &ConnectedTo, tree: &NvmeTree) -> Vec<(&Need, &[MountPoint])> {
        // What will be mounted as root is what counts for root, whichever
        // controller it came from.
        let root_is_there = self.root.as_ref().is_some_and(RootDevice::is_there);
        self.needs
            .iter()
            .filter(|(need, mounts)| {
                let only_root = mounts.iter().all(|m| m.as_str() == "/");
                !(only_root && root_is_there || met(need, connected, tree))
            })
            .map(|(need, mounts)| (need, mounts.as_slice()))
            .collect()
    }
}

fn met(need: &Need, connected: &ConnectedTo, tree: &NvmeTree) -> bool {
    match need {
        Need::AnyOf(controllers) => controllers
            .iter()
            .filter_map(|index| connected.get(index))
            .flatten()
            .any(|nqn| !tree.namespaces(nqn.as_str()).is_empty()),
        Need::Namespace { nqn, id, .. } => tree
            .namespaces(nqn.as_str())
            .iter()
            .any(|namespace| id.is(namespace)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_plan::{Controller, Mount, Network, Origin, Reach, Transport};
    use std::fs;

    fn controller(last: u8, nqn: Option<&str>) -> Controller {
        Controller {
            transport: Transport::Tcp,
            traddr: std::net::Ipv4Addr::new(192, 0, 2, last).into(),
            trsvcid: "4420".parse().expect("a port"),
            nqn: nqn.map(|n| n.parse().expect("an NQN")),
            options: nvmeroot_plan::ConnectOptions::default(),
            origin: Origin::whole("test"),
        }
    }

    fn plan(controllers: Vec<Controller>, mounts: &[(&str, &[usize])]) -> BootPlan {
        BootPlan {
            reach: Reach::Initramfs,
            reasons: Vec::new(),
            host: None,
            mounts: mounts
                .iter()
                .map(|(path, controllers)| {
                    let path: MountPoint = path.parse().expect("a path");
                    Mount {
                        essential: path.is_essential(),
                        path,
                        controllers: controllers.to_vec(),
                        filesystem: None,
                        origin: Origin::whole("test"),
                    }
                })
                .collect(),
            controllers,
            network: Network::default(),
            paths: Vec::new(),
            warnings: Vec::new(),
            ..BootPlan::default()
        }
    }

    fn namespace(sys: &Path, nqn: &str, uuid: &str) {
        let dir = sys.join("class/nvme-subsystem/nvme-subsys0");
        fs::create_dir_all(dir.join("nvme0n1")).expect("a directory");
        fs::write(dir.join("subsysnqn"), format!("{nqn}\n")).expect("a file");
        fs::write(dir.join("nvme0n1/nsid"), "1\n").expect("a file");
        fs::write(dir.join("nvme0n1/uuid"), format!("{uuid}\n")).expect("a file");
    }

    fn nqn(text: &str) -> Nqn {
        text.parse().expect("an NQN")
    }

    #[test]
    fn one_way_to_a_subsystem_is_enough_and_unknown_ones_are_all_needed() {
        let a = Some("nqn.2024-01.a:a");
        let plan = plan(
            vec![
                controller(1, a),
                controller(2, a),
                controller(3, None),
                controller(4, Some(Nqn::DISCOVERY)),
            ],
            &[("/", &[0, 1]), ("/usr", &[2, 3]), ("/srv", &[2])],
        );
        let goal = Goal::of(&plan, None);
        assert_eq!(
            goal.describe(&plan),
            [
                "`/` by `192.0.2.1:4420` or `192.0.2.2:4420`",
                "`/usr` by `192.0.2.3:4420`",
                "`/usr` by `192.0.2.4:4420`",
            ]
        );
        let sys = tempfile::tempdir().expect("a directory");
        let tree = NvmeTree::new(sys.path());
        let unmet = |connected: &ConnectedTo| goal.unmet(connected, &tree).len();
        let mut connected = ConnectedTo::new();
        assert_eq!(unmet(&connected), 3);
        connected
            .entry(1)
            .or_default()
            .insert(nqn("nqn.2024-01.a:a"));
        assert_eq!(unmet(&connected), 3, "connected, no namespace yet");
        namespace(sys.path(), "nqn.2024-01.a:a", "u");
        assert_eq!(unmet(&connected), 2);
        connected
            .entry(2)
            .or_default()
            .insert(nqn("nqn.2024-01.a:a"));
        connected
            .entry(3)
            .or_default()
            .insert(nqn("nqn.2024-01.a:a"));
        assert_eq!(unmet(&connected), 0);
    }

    #[test]
    fn a_known_namespace_must_be_that_one() {
        let goal = Goal::of(&plan(Vec::new(), &[]), None).with(
            Need::Namespace {
                nqn: nqn("nqn.2024-01.a:a"),
                id: NamespaceId::Uuid("8F3C4D2A5B1E4F609A7D0C1B2E3F4A5D".to_owned()),
                controllers: Vec::new(),
            },
            "/".parse().expect("a path"),
        );
        let sys = tempfile::tempdir().expect("a directory");
        let tree = NvmeTree::new(sys.path());
        namespace(
            sys.path(),
            "nqn.2024-01.a:a",
            "00000000-5b1e-4f60-9a7d-0c1b2e3f4a5d",
        );
        assert_eq!(goal.unmet(&ConnectedTo::new(), &tree).len(), 1);
        namespace(
            sys.path(),
            "nqn.2024-01.a:a",
            "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d",
        );
        assert_eq!(goal.unmet(&ConnectedTo::new(), &tree).len(), 0);
    }

    #[test]
    fn roots_own_device_counts_for_root_alone() {
        let dev = tempfile::tempdir().expect("a directory");
        let root = RootDevice::parse("UUID=ab-cd", dev.path()).expect("a device");
        let plan = plan(
            vec![controller(1, None), controller(2, None)],
            &[("/", &[0]), ("/usr", &[1])],
        );
        let goal = Goal::of(&plan, Some(root));
        let tree = NvmeTree::new(dev.path());
        assert_eq!(goal.unmet(&ConnectedTo::new(), &tree).len(), 2);
        fs::create_dir_all(dev.path().join("disk/by-uuid")).expect("a directory");
        fs::write(dev.path().join("disk/by-uuid/ab-cd"), "").expect("a file");
        let unmet = goal.unmet(&ConnectedTo::new(), &tree);
        assert_eq!(unmet.len(), 1);
        assert_eq!(unmet[0].1[0].as_str(), "/usr");
        assert_eq!(RootDevice::parse("/dev/nfs", dev.path()), None);
        assert_eq!(RootDevice::parse("UUID=../../x", dev.path()), None);
        assert_eq!(RootDevice::parse("zfs:rpool", dev.path()), None);
    }
}
