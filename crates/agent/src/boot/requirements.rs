//! What must be there before root can be mounted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use nvmeroot_plan::{BootPlan, Requirement};

use crate::storage::ConnectedTo;
use crate::storage::fabrics::NvmeTree;

/// At least one of the controllers is connected, itself or by what its discovery
/// log offers, and shows a namespace.
fn is_met(requirement: &Requirement, connected: &ConnectedTo, tree: &NvmeTree) -> bool {
    let led_to = |index| connected.get(index);
    let nqns = requirement.any_of.iter().filter_map(led_to).flatten();
    nqns.into_iter()
        .any(|nqn| !tree.namespaces(nqn.as_str()).is_empty())
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
}

/// All that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements {
    all: Vec<Requirement>,
    root: Option<RootDevice>,
}

impl Requirements {
    /// Those of the plan, and the device that will be root.
    pub fn of(plan: &BootPlan, root: Option<RootDevice>) -> Self {
        let all = plan.requirements.clone();
        Self { all, root }
    }

    /// Of each controller that something essential needs the number of the
    /// requirement that it may meet.
    pub(super) fn by_controller(&self) -> BTreeMap<usize, usize> {
        let mut found = BTreeMap::new();
        for (number, one) in self.all.iter().enumerate() {
            for controller in &one.any_of {
                found.entry(*controller).or_insert(number);
            }
        }
        found
    }

    /// Nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// As the record has them.
    pub fn record(&self, plan: &BootPlan) -> Vec<nvmeroot_record::Requirement> {
        let portal = |index: &usize| {
            let controller = plan.controllers.get(*index)?;
            Some(SocketAddr::new(controller.traddr, controller.trsvcid.get()))
        };
        let all = self.all.iter();
        all.map(|one| nvmeroot_record::Requirement {
            mounts: one.mounts.clone(),
            any_of: one.any_of.iter().filter_map(portal).collect(),
        })
        .collect()
    }

    /// Those that are not met.
    pub(super) fn unmet(&self, connected: &ConnectedTo, tree: &NvmeTree) -> Vec<&Requirement> {
        // What will be mounted as root is what counts for root, whichever
        // controller it came from.
        let root_is_there = self.root.as_ref().is_some_and(|root| root.0.exists());
        let is_met = |one: &Requirement| {
            let only_root = one.mounts.iter().all(|m| m.as_str() == "/");
            only_root && root_is_there || is_met(one, connected, tree)
        };
        self.all.iter().filter(|one| !is_met(one)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_plan::{Controller, Mount, MountPoint, Network, Nqn, Origin, Reach, Transport};
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
        let mut plan = BootPlan {
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
                        layers: Vec::new(),
                        arrays: Vec::new(),
                        source: nvmeroot_plan::MountSource::Installer,
                        origin: Origin::whole("test"),
                    }
                })
                .collect(),
            controllers,
            network: Network::default(),
            paths: Vec::new(),
            warnings: Vec::new(),
            ..BootPlan::default()
        };
        nvmeroot_plan::apply_policy(&mut plan);
        plan
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
        let all = Requirements::of(&plan, None);
        let record = all.record(&plan).into_iter().map(|one| {
            let any_of = one.any_of.iter().map(ToString::to_string);
            (one.mounts[0].to_string(), any_of.collect::<Vec<_>>())
        });
        assert_eq!(
            record.collect::<Vec<_>>(),
            [
                (
                    "/".to_owned(),
                    vec!["192.0.2.1:4420".to_owned(), "192.0.2.2:4420".to_owned()]
                ),
                ("/usr".to_owned(), vec!["192.0.2.3:4420".to_owned()]),
                ("/usr".to_owned(), vec!["192.0.2.4:4420".to_owned()]),
            ]
        );
        assert_eq!(all.by_controller(), [(0, 0), (1, 0), (2, 1), (3, 2)].into());
        let sys = tempfile::tempdir().expect("a directory");
        let tree = NvmeTree::new(sys.path());
        let unmet = |connected: &ConnectedTo| all.unmet(connected, &tree).len();
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
    fn roots_own_device_counts_for_root_alone() {
        let dev = tempfile::tempdir().expect("a directory");
        let root = RootDevice::parse("UUID=ab-cd", dev.path()).expect("a device");
        let plan = plan(
            vec![controller(1, None), controller(2, None)],
            &[("/", &[0]), ("/usr", &[1])],
        );
        let all = Requirements::of(&plan, Some(root));
        let tree = NvmeTree::new(dev.path());
        assert_eq!(all.unmet(&ConnectedTo::new(), &tree).len(), 2);
        fs::create_dir_all(dev.path().join("disk/by-uuid")).expect("a directory");
        fs::write(dev.path().join("disk/by-uuid/ab-cd"), "").expect("a file");
        let unmet = all.unmet(&ConnectedTo::new(), &tree);
        assert_eq!(unmet.len(), 1);
        assert_eq!(unmet[0].mounts[0].as_str(), "/usr");
    }

    #[test]
    fn root_is_named_as_udev_names_it() {
        for (root, path) in [
            ("UUID=ab-cd", Some("/dev/disk/by-uuid/ab-cd")),
            ("PARTUUID=ab-1", Some("/dev/disk/by-partuuid/ab-1")),
            ("LABEL=root", Some("/dev/disk/by-label/root")),
            ("PARTLABEL=root", Some("/dev/disk/by-partlabel/root")),
            ("/dev/nvme0n1p1", Some("/dev/nvme0n1p1")),
            ("/dev/mapper/vg-root", Some("/dev/mapper/vg-root")),
            ("/dev/nfs", None),
            ("UUID=../../x", None),
            ("zfs:rpool", None),
            ("OTHER=x", None),
        ] {
            let device = path.map(|path| RootDevice(path.into()));
            assert_eq!(RootDevice::parse(root, Path::new("/dev")), device, "{root}");
        }
    }

    #[test]
    fn a_plan_without_essential_mounts_needs_nothing() {
        let needs = |path| {
            let plan = plan(vec![controller(1, None)], &[(path, &[0])]);
            !Requirements::of(&plan, None).is_empty()
        };
        assert_eq!((needs("/"), needs("/srv")), (true, false));
    }
}
