use std::net::IpAddr;

use nvmeroot_plan::{BootPlan, Layer, Reach, resolve};

use super::*;
use crate::IntakeError;
use crate::fstab;

/// A block device: its name, its number, the number of the whole disk or nothing, and
/// its slaves.
fn block(name: &str, number: &str, whole: &str, slaves: &[&str], uuid: &str) -> Block {
    Block {
        name: name.to_owned(),
        number: number.to_owned(),
        whole: Some(whole.to_owned()).filter(|number| !number.is_empty()),
        slaves: slaves.iter().map(|name| (*name).to_owned()).collect(),
        udev: format!("E:DEVTYPE=disk\nE:ID_FS_UUID={uuid}\n").into_bytes(),
        ..Block::default()
    }
}

fn controller(name: &str, address: &str, namespaces: &[&str]) -> NvmeController {
    let (transport, address) = match address {
        "" => ("pcie", "0000:00:03.0".to_owned()),
        address => (
            "tcp",
            format!("traddr={address},trsvcid=4420,src_addr=10.0.0.9"),
        ),
    };
    NvmeController {
        name: name.to_owned(),
        transport: transport.to_owned(),
        address,
        subsysnqn: "nqn.2024-01.example:data".to_owned(),
        kind: Some("io".to_owned()),
        hostnqn: Some(
            "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d".to_owned(),
        ),
        hostid: Some("8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d".to_owned()),
        namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
        ..NvmeController::default()
    }
}

/// `/` and `/boot` on a local disk; a remote drive with two paths at `/mnt`.
fn live() -> Machine {
    Machine {
        mountinfo: b"\
22 1 8:2 / / rw - ext4 /dev/sda2 rw\n\
30 22 8:1 / /boot rw - ext4 /dev/sda1 rw\n\
31 22 259:1 / /mnt rw - ext4 /dev/nvme0n1p1 rw\n\
32 31 8:1 / /mnt/boot rw - ext4 /dev/sda1 rw\n\
33 22 0:21 / /proc rw - proc proc rw\n"
            .to_vec(),
        blocks: vec![
            block("sda", "8:0", "", &[], "none"),
            block("sda1", "8:1", "8:0", &[], "b007"),
            block("sda2", "8:2", "8:0", &[], "100a"),
            block("nvme0n1", "259:0", "", &[], "none"),
            block("nvme0n1p1", "259:1", "259:0", &[], "da7a"),
        ],
        controllers: vec![
            controller("nvme0", "10.0.0.1", &["nvme0c0n1"]),
            controller("nvme1", "10.1.0.1", &["nvme0c1n1"]),
        ],
        btrfs: Vec::new(),
    }
}

fn fragment(
    path: &str,
    fstab: &str,
    machine: &Machine,
) -> Result<nvmeroot_plan::Fragment, IntakeError> {
    let (entries, warnings) = fstab::read("etc/fstab", fstab.as_bytes());
    assert_eq!(warnings, []);
    let tree = RootTree {
        path,
        fstab: Some(&entries),
        named: &[],
    };
    storage(tree, machine)
}

fn plan(path: &str, fstab: &str, machine: &Machine) -> BootPlan {
    resolve(vec![fragment(path, fstab, machine).expect("a fragment")])
}

/// The addresses of the controllers that a path lies on.
fn on(plan: &BootPlan, path: &str) -> Vec<String> {
    let mut mounts = plan.mounts.iter();
    let mount = mounts
        .find(|mount| mount.path.as_str() == path)
        .expect(path);
    let address = |at: &usize| plan.controllers[*at].traddr.to_string();
    mount.controllers.iter().map(address).collect()
}

fn told(plan: &BootPlan) -> Vec<&str> {
    plan.warnings
        .iter()
        .map(|one| one.message.as_str())
        .collect()
}

#[test]
fn a_copied_tree_lies_on_the_drive_and_its_boot_files_on_the_disk() {
    let machine = live();
    let plan = plan(
        "/mnt",
        "UUID=DA7A / ext4 defaults,_netdev 0 1\nUUID=b007 /boot ext4 defaults 0 2\n",
        &machine,
    );
    assert_eq!(plan.reach, Reach::Initramfs);
    assert_eq!(on(&plan, "/"), ["10.0.0.1", "10.1.0.1"]);
    assert_eq!(on(&plan, "/boot"), [""; 0]);
    assert_eq!(plan.mounts[0].filesystem, "ext4".parse().ok());
    let host = plan.host.expect("the identity of the connections");
    assert_eq!(host.id.to_string(), "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d");
    let address: IpAddr = "10.0.0.1".parse().expect("an address");
    assert_eq!(plan.controllers[0].traddr, address);
}

#[test]
fn the_running_tree_keeps_its_local_root_and_its_controllers() {
    let plan = plan("/", "UUID=100a / ext4\nUUID=b007 /boot ext4\n", &live());
    assert_eq!(plan.reach, Reach::Userspace);
    assert_eq!(plan.controllers.len(), 2);
    // Another tree has nothing to do with what this one has mounted.
    let other = Machine {
        mountinfo: b"40 22 8:2 / /srv rw - ext4 /dev/sda2 rw\n".to_vec(),
        ..live()
    };
    let (reach, controllers) = {
        let plan = resolve(vec![
            fragment("/srv", "UUID=100a / ext4\n", &other).expect("a tree"),
        ]);
        (plan.reach, plan.controllers.len())
    };
    assert_eq!((reach, controllers), (Reach::Local, 0));
}

#[test]
fn a_line_that_was_copied_with_the_tree_is_told_and_does_not_count() {
    let plan = plan("/mnt", "UUID=100a / ext4\nUUID=b007 /boot ext4\n", &live());
    assert_eq!(plan.reach, Reach::Initramfs);
    assert_eq!(on(&plan, "/"), ["10.0.0.1", "10.1.0.1"]);
    let message = "`/` is `UUID=100a`, which is `sda2`, and the tree is on `nvme0n1p1`";
    let warning = plan.warnings.iter().find(|one| one.message == message);
    let warning = warning.unwrap_or_else(|| panic!("{:?}", plan.warnings));
    assert_eq!(
        warning.hint.as_deref(),
        Some("if it was copied, write `UUID=da7a` here")
    );
    assert_eq!(
        warning.origin,
        Some(nvmeroot_plan::Origin::at("etc/fstab", 1, 1))
    );
}

#[test]
fn without_a_line_the_mounted_root_counts() {
    let plan = plan("/mnt", "UUID=b007 /boot ext4\n", &live());
    assert_eq!(on(&plan, "/"), ["10.0.0.1", "10.1.0.1"]);
    // The kernel's command line names it, so it has no options to be judged.
    assert!(told(&plan).iter().all(|one| !one.contains("_netdev")));
}

#[test]
fn a_device_of_another_machine_is_told_where_the_boot_needs_it() {
    let plan = plan(
        "/srv/tree",
        "UUID=0123 / ext4\nUUID=4567 /srv ext4 nofail\n",
        &live(),
    );
    assert_eq!(
        told(&plan),
        ["`/` is `UUID=0123`, and this machine has no such device"]
    );
}

#[test]
fn what_another_file_names_counts_where_no_drive_is_known() {
    let (entries, _) = fstab::read(
        "etc/fstab",
        b"UUID=0123 / ext4 _netdev\nUUID=b007 /boot ext4\n",
    );
    let named = resolve(vec![fragment("/", "", &live()).expect("controllers")]).controllers;
    let tree = RootTree {
        path: "/srv/tree",
        fstab: Some(&entries),
        named: &named[1..],
    };
    let plan = resolve(vec![storage(tree, &live()).expect("a tree")]);
    assert_eq!(plan.reach, Reach::Initramfs);
    assert_eq!(on(&plan, "/"), ["10.1.0.1"]);
}

#[test]
fn two_drives_with_one_uuid_are_an_error() {
    let mut machine = live();
    machine.blocks.push(block("sdb1", "8:17", "", &[], "da7a"));
    let error = fragment("/", "UUID=da7a /var ext4\n", &machine).expect_err("a copy");
    let shown = error.into_diagnostics().shown;
    assert_eq!(
        shown[0].message,
        "`UUID=da7a` is `nvme0n1p1` and `sdb1` at once, so nobody can tell which of them is mounted when the machine boots"
    );
}

#[test]
fn a_copy_beside_what_is_mounted_is_an_error() {
    let copy = |udev: &str| {
        let mut machine = live();
        let mut copy = block("sdb1", "8:17", "", &[], "da7a");
        copy.udev.extend(udev.as_bytes());
        machine.blocks.push(copy);
        fragment(
            "/mnt",
            "UUID=da7a / ext4 _netdev\nUUID=b007 /boot ext4\n",
            &machine,
        )
    };
    let error = copy("").expect_err("a copy");
    let shown = error.into_diagnostics().shown;
    assert!(
        shown[0]
            .message
            .starts_with("`UUID=da7a` is `nvme0n1p1` and `sdb1` at once"),
        "{shown:?}"
    );
    // LVM says so of snapshots.
    assert!(copy("L:-100\n").is_ok());
}

#[test]
fn another_path_to_the_same_drive_is_no_copy() {
    let mut machine = live();
    machine
        .blocks
        .push(block("nvme1n1p1", "259:9", "", &[], "da7a"));
    let both = |machine: &mut Machine, drives: [&str; 2]| {
        for (name, drive) in ["nvme0n1p1", "nvme1n1p1"].iter().zip(drives) {
            let mut blocks = machine.blocks.iter_mut();
            let block = blocks.find(|block| block.name == *name).expect("a block");
            let record = format!("E:ID_FS_UUID=da7a\nE:ID_WWN={drive}\n");
            block.udev = record.into_bytes();
        }
        fragment(
            "/mnt",
            "UUID=da7a / ext4 _netdev\nUUID=b007 /boot ext4\n",
            machine,
        )
    };
    assert!(both(&mut machine, ["uuid.1", "uuid.1"]).is_ok());
    assert!(both(&mut machine, ["uuid.1", "uuid.2"]).is_err());
    let [one, other] = ["1", "2"]
        .map(|lun| format!("0x600a0b8000000001\nE:ID_WWN_WITH_EXTENSION=0x600a0b8000000001{lun}"));
    assert!(both(&mut machine, [&one, &one]).is_ok());
    assert!(both(&mut machine, [&one, &other]).is_err());
}

#[test]
fn a_controller_with_tls_stops_nothing_that_is_not_on_it() {
    let tls = |fstab: &str| {
        let mut machine = live();
        machine
            .blocks
            .push(block("nvme2n1", "259:9", "", &[], "715"));
        let mut controller = controller("nvme2", "10.2.0.1", &["nvme2n1"]);
        controller.tls_key = Some("1f2e3d4c".to_owned());
        controller.hostnqn = Some("nqn.2014-08.org.nvmexpress:other".to_owned());
        machine.controllers.push(controller);
        fragment("/", fstab, &machine)
    };
    let message = "`nvme2` is connected with TLS, which is not carried out yet";
    for fstab in [
        "UUID=da7a / ext4 _netdev\n",
        "UUID=da7a / ext4 _netdev\nUUID=715 /srv ext4 _netdev\n",
    ] {
        let plan = resolve(vec![tls(fstab).expect("a plan")]);
        assert!(told(&plan).contains(&message), "{:?}", plan.warnings);
        assert!(plan.errors.is_empty(), "{:?}", plan.errors);
        assert!(plan.host.is_some());
        assert_eq!(plan.controllers.len(), 2);
    }
    let error = tls("UUID=100a / ext4\nUUID=715 /var ext4 _netdev\n").expect_err("root's");
    let shown = error.into_diagnostics().shown;
    assert_eq!(shown[0].message, message);
    assert_eq!(
        shown[0].hint.as_deref(),
        Some("let root's controller be reached without TLS")
    );
}

#[test]
fn layers_are_followed_down_to_the_controllers() {
    let mut machine = live();
    let mut array = block("md127", "9:127", "", &["nvme0n1p1", "nvme2n1"], "none");
    array.md_level = Some("raid1".to_owned());
    let mut crypt = block("dm-0", "254:0", "", &["md127"], "none");
    crypt.dm_name = Some("luks-x".to_owned());
    crypt.dm_uuid = Some("CRYPT-LUKS2-00-luks-x".to_owned());
    let mut volume = block("dm-1", "254:1", "", &["dm-0"], "0001");
    volume.dm_name = Some("vg--0-root".to_owned());
    volume.dm_uuid = Some("LVM-0001".to_owned());
    machine.blocks.extend([
        block("nvme2n1", "259:9", "", &[], "none"),
        array,
        crypt,
        volume,
    ]);
    machine
        .controllers
        .push(controller("nvme2", "10.2.0.1", &["nvme2n1"]));
    let plan = plan(
        "/srv",
        "/dev/mapper/vg--0-root / xfs _netdev\nUUID=b007 /boot ext4\n",
        &machine,
    );
    assert_eq!(on(&plan, "/"), ["10.0.0.1", "10.1.0.1", "10.2.0.1"]);
    let named = |name: &str| name.parse().ok();
    assert_eq!(
        plan.mounts[0].layers,
        [
            Layer::VolumeGroup {
                name: named("vg-0")
            },
            Layer::Array {
                name: named("md127"),
                can_miss: 1
            },
            Layer::Encrypted {
                name: named("luks-x")
            },
        ]
    );
    assert_eq!(plan.mounts[0].arrays[0].members, [vec![0, 1], vec![2]]);
}

#[test]
fn a_btrfs_lies_on_all_of_its_devices() {
    let mut machine = live();
    machine
        .blocks
        .push(block("nvme2n1", "259:9", "", &[], "da7a"));
    machine
        .controllers
        .push(controller("nvme2", "10.2.0.1", &["nvme2n1"]));
    machine.btrfs = vec![vec!["nvme0n1p1".to_owned(), "nvme2n1".to_owned()]];
    machine.mountinfo = b"31 22 0:40 /@ /mnt rw - btrfs /dev/nvme0n1p1 rw,subvol=/@\n".to_vec();
    let fstab = "UUID=da7a / btrfs subvol=@,_netdev\nUUID=da7a /home btrfs subvol=@home,_netdev\nUUID=b007 /boot ext4\n";
    let plan = plan("/mnt", fstab, &machine);
    let all = ["10.0.0.1", "10.1.0.1", "10.2.0.1"];
    assert_eq!(
        (on(&plan, "/"), on(&plan, "/home")),
        (
            all.map(str::to_owned).to_vec(),
            all.map(str::to_owned).to_vec()
        )
    );
    assert_eq!(told(&plan).len(), 1, "{:?}", plan.warnings);
    assert!(told(&plan)[0].starts_with("there is no network configuration"));
}

#[test]
fn a_btrfs_that_is_not_mounted_lies_on_all_of_its_devices() {
    let mut machine = live();
    let mut part = |name: &str, number: &str, own: &str| {
        let mut block = block(name, number, "", &[], "b7f5");
        let more = format!("E:ID_FS_TYPE=btrfs\nE:ID_FS_UUID_SUB={own}\n");
        block.udev.extend(more.into_bytes());
        machine.blocks.push(block);
    };
    part("nvme2n1", "259:9", "1");
    part("nvme3n1", "259:10", "2");
    for (name, address) in [("nvme2", "10.2.0.1"), ("nvme3", "10.3.0.1")] {
        let namespace = format!("{name}n1");
        machine
            .controllers
            .push(controller(name, address, &[&namespace]));
    }
    let fstab = "UUID=b7f5 / btrfs _netdev\nUUID=b007 /boot ext4\n";
    let plan = plan("/srv", fstab, &machine);
    assert_eq!(on(&plan, "/"), ["10.2.0.1", "10.3.0.1"]);
    let mut copy = machine.blocks[machine.blocks.len() - 1].clone();
    (copy.name, copy.number) = ("sdb".to_owned(), "8:16".to_owned());
    machine.blocks.push(copy);
    let error = fragment("/srv", fstab, &machine).expect_err("a copy");
    let shown = error.into_diagnostics().shown;
    assert!(shown[0].message.starts_with("`UUID=b7f5` is "), "{shown:?}");
}

#[test]
fn a_directory_that_is_mounted_twice_lies_where_it_lies() {
    let fstab = "UUID=da7a / ext4 _netdev\nUUID=100a /old ext4\n/old/boot /boot none bind\n";
    let plan = plan("/mnt", fstab, &live());
    assert_eq!(on(&plan, "/boot"), [""; 0]);
    assert_eq!(plan.reach, Reach::Initramfs);
}

/// What udev has of a drive of a pool, and of its first partition (libblkid 2.39).
fn member(pool: &str, id: &str, own: &str) -> Vec<u8> {
    format!(
        "S:disk/by-label/{pool}\nS:disk/by-uuid/{id}\nI:4318523\nE:ID_PART_ENTRY_NUMBER=1\n\
E:ID_FS_VERSION=5000\nE:ID_FS_LABEL={pool}\nE:ID_FS_LABEL_ENC={pool}\nE:ID_FS_UUID={id}\n\
E:ID_FS_UUID_ENC={id}\nE:ID_FS_UUID_SUB={own}\nE:ID_FS_UUID_SUB_ENC={own}\n\
E:ID_FS_TYPE=zfs_member\nE:ID_FS_USAGE=filesystem\nG:systemd\nQ:systemd\nV:1\n"
    )
    .into_bytes()
}

const RPOOL: &str = "12590398935543668673";

/// Ubuntu's layout (zsys): a mirror of a partition and an encrypted one, both remote, and a
/// local pool for `/boot`.
fn with_pools() -> Machine {
    let mut machine = live();
    machine.mountinfo = b"\
29 1 0:27 / / rw,relatime shared:1 - zfs rpool/ROOT/ubuntu_znaqup rw,xattr,posixacl,casesensitive\n\
46 29 0:36 / /home/jo rw,relatime shared:40 - zfs rpool/USERDATA/jo_8b2c1x rw,xattr,posixacl,casesensitive\n\
49 29 0:39 / /usr/local rw,relatime shared:46 - zfs rpool/ROOT/ubuntu_znaqup/usr/local rw,xattr,posixacl,casesensitive\n\
52 29 0:42 / /var/log rw,relatime shared:56 - zfs rpool/ROOT/ubuntu_znaqup/var/log rw,xattr,posixacl,casesensitive\n\
53 52 0:43 / /var/log/.zfs/snapshot/old ro,relatime shared:58 - zfs rpool/ROOT/ubuntu_znaqup/var/log@old ro,xattr,posixacl,casesensitive\n\
55 29 0:45 / /boot rw,relatime shared:62 - zfs bpool/BOOT/ubuntu_znaqup rw,xattr,posixacl,casesensitive\n"
        .to_vec();
    let mut crypt = block("dm-0", "254:0", "", &["nvme2n1"], "none");
    crypt.dm_name = Some("rpool-1".to_owned());
    crypt.dm_uuid = Some("CRYPT-LUKS2-00-rpool-1".to_owned());
    crypt.udev = member("rpool", RPOOL, "6404851235433018523");
    // The disk shows an older pool's label, and its last partition nothing.
    let mut rest = block("nvme0n1p9", "259:2", "259:0", &[], "none");
    rest.udev = b"E:ID_PART_ENTRY_NUMBER=9\nE:ID_PART_ENTRY_SIZE=16384\n".to_vec();
    // A guest's disk, which lies in the pool.
    let mut volume = block("zd0", "230:0", "", &[], "none");
    volume.udev = b"S:zvol/rpool/vm-100-disk-0\nE:DEVTYPE=disk\n".to_vec();
    let mut guest = block("zd0p1", "230:1", "230:0", &[], "none");
    guest.udev = member("rpool", "77", "78");
    let mut other_guest = block("zd0p2", "230:2", "230:0", &[], "none");
    other_guest.udev = member("guest", "79", "80");
    // By kpartx(8).
    let mut by_kpartx = block("dm-1", "254:1", "", &["zd0"], "none");
    by_kpartx.udev = member("rpool", "77", "78");
    // A spare says neither its pool nor its name.
    let mut spare = block("sdb", "8:16", "", &[], "none");
    spare.udev = b"E:ID_FS_VERSION=5000\nE:ID_FS_UUID_SUB=99\nE:ID_FS_TYPE=zfs_member\n".to_vec();
    machine.blocks[1].udev = member("bpool", "3", "4");
    machine.blocks[3].udev = member("rpool", "1", "2");
    machine.blocks[4].udev = member("rpool", RPOOL, "7809435738165038086");
    machine.blocks.extend([
        block("nvme2n1", "259:9", "", &[], "none"),
        crypt,
        rest,
        volume,
        guest,
        other_guest,
        by_kpartx,
        spare,
    ]);
    let mut other = controller("nvme2", "10.2.0.1", &["nvme2n1"]);
    other.subsysnqn = "nqn.2024-01.example:other".to_owned();
    machine.controllers.push(other);
    machine
}

const BOTH_SIDES: [&str; 3] = ["10.0.0.1", "10.1.0.1", "10.2.0.1"];

#[test]
fn datasets_lie_on_all_drives_of_their_pool() {
    let machine = with_pools();
    assert_eq!(
        Vec::from_iter(machine.pools()),
        ["bpool", "rpool"].map(str::to_owned)
    );
    let fstab = "/dev/zd0 swap swap\n/home/jo/x /var/x none bind\n/boot/x /var/y none bind\n";
    let plan = plan("/", fstab, &machine);
    assert_eq!(plan.reach, Reach::Initramfs);
    assert_eq!(on(&plan, "/var/y"), [""; 0]);
    for path in ["/", "/usr/local", "/var/log", "/var/x", "swap"] {
        assert_eq!(on(&plan, path), BOTH_SIDES, "{path}");
    }
    assert_eq!(on(&plan, "/boot"), [""; 0]);
    let mut paths = plan.mounts.iter().map(|one| one.path.as_str());
    assert!(paths.all(|path| !path.contains(".zfs")), "of snapshots");
    let root = plan.mounts.iter().find(|one| one.path.as_str() == "/");
    let root = root.expect("root");
    assert!(root.is_zfs());
    let name = "rpool-1".parse().ok();
    assert_eq!(root.layers, [Layer::Encrypted { name }]);
    assert_eq!(root.arrays, [], "a mirror is waited for as a whole");
    let told = told(&plan);
    assert!(told.iter().all(|one| !one.contains("pool")), "{told:?}");
    // One way to each of both drives is needed.
    let needs = plan.requirements.iter().map(|one| one.any_of.clone());
    assert_eq!(Vec::from_iter(needs), [vec![0, 1], vec![2]]);
}

#[test]
fn datasets_of_fstab_lie_where_their_pool_does() {
    let mut machine = with_pools();
    machine.mountinfo.clear();
    let fstab = "rpool/ROOT/debian / zfs _netdev\nbpool/BOOT/debian /boot zfs nodev,relatime\ntank/x /var zfs _netdev\n";
    let plan = plan("/srv/tree", fstab, &machine);
    assert_eq!(on(&plan, "/"), BOTH_SIDES);
    assert_eq!(on(&plan, "/boot"), [""; 0]);
    let message = "udev knows no drive of the pool `tank`, so what `/var` lies on is unknown";
    let warning = plan.warnings.iter().find(|one| one.message == message);
    let warning = warning.unwrap_or_else(|| panic!("{:?}", plan.warnings));
    assert_eq!(
        warning.origin,
        Some(nvmeroot_plan::Origin::at("etc/fstab", 3, 1))
    );
}

#[test]
fn a_line_of_zfs_that_names_no_pool_is_told() {
    let mut machine = with_pools();
    machine.mountinfo.clear();
    let fstab = format!("UUID={RPOOL} / zfs\n/tank/x /var zfs\n\\040 /var/y zfs\n");
    let plan = plan("/srv/tree", &fstab, &machine);
    // mount.zfs(8) finds the pool by a drive of it.
    assert_eq!(on(&plan, "/"), BOTH_SIDES);
    let is_neither =
        "which is neither a dataset of ZFS (`POOL/DATASET`) nor a drive of this machine";
    let told = told(&plan).into_iter().filter(|one| one.contains("ZFS"));
    assert_eq!(
        Vec::from_iter(told),
        [
            format!("`/var` is `/tank/x`, {is_neither}"),
            format!("`/var/y` is ` `, {is_neither}"),
        ]
    );
}

#[test]
fn a_mounted_pool_whose_drives_nobody_knows_is_told_once() {
    let mut machine = with_pools();
    for block in &mut machine.blocks {
        block.udev.clear();
    }
    let fragment = fragment("/", "", &machine).expect("a fragment");
    let nodes = fragment.storage.as_ref().expect("a graph").nodes();
    let is_unknown = |role: &nvmeroot_plan::NodeRole| matches!(role, nvmeroot_plan::NodeRole::Mount(one) if one.path.as_str() == "/" && one.unknown_device);
    assert!(nodes.iter().any(|node| is_unknown(&node.role)));
    let plan = resolve(vec![fragment]);
    let of_pools = told(&plan).into_iter().filter(|one| one.contains("pool"));
    assert_eq!(
        Vec::from_iter(of_pools),
        [
            "udev knows no drive of the pool `rpool`, so what `/` lies on is unknown",
            "udev knows no drive of the pool `bpool`, so what `/boot` lies on is unknown",
        ]
    );
}

#[test]
fn what_engines_of_containers_mount_does_not_count() {
    let mut machine = live();
    machine.blocks[4].udev = member("tank", "1", "2");
    let containers = "\
40 22 0:45 / /var/lib/docker/zfs/graph/5d3a rw - zfs tank/docker/5d3a rw\n\
41 22 0:46 / /var/lib/docker/zfs/graph/77c0 rw - zfs tank/docker/77c0 rw\n\
42 22 0:47 / /var/lib/docker/overlay2/9f/merged rw - overlay overlay rw,lowerdir=l\n\
43 22 0:48 / /var/lib/containers/storage/zfs/graph/b1 rw - zfs tank/podman/b1 rw\n";
    let local = "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n";
    machine.mountinfo = format!("{local}{containers}").into_bytes();
    let running = plan("/", "", &machine);
    let paths = |plan: &BootPlan| {
        let mounts = plan.mounts.iter();
        Vec::from_iter(mounts.map(|mount| mount.path.to_string()))
    };
    assert_eq!(
        (running.reach, paths(&running)),
        (Reach::Userspace, vec!["/".to_owned()])
    );
    let is_left = |path: &str, engine: &str| {
        format!(
            "`{path}` does not count: what is mounted below `{engine}` is taken for an engine's of containers, which mounts it anew after boot"
        )
    };
    let left = |plan: &BootPlan| {
        let all = told(plan).into_iter();
        Vec::from_iter(all.filter(|one| one.contains("count")).map(str::to_owned))
    };
    assert_eq!(
        left(&running),
        [
            is_left(
                "/var/lib/containers/storage/zfs/graph/b1",
                "/var/lib/containers/storage"
            ),
            is_left("/var/lib/docker/zfs/graph/5d3a", "/var/lib/docker"),
        ]
    );
    // A line counts, and so does what the engine finds there when it starts.
    let said = plan(
        "/",
        "tank/podman/b1 /var/lib/containers/storage/zfs/graph/b1 zfs\n",
        &machine,
    );
    assert_eq!(said.reach, Reach::Initramfs);
    assert_eq!(left(&said), [""; 0]);
    machine
        .mountinfo
        .extend(b"44 22 0:49 / /var/lib/docker rw - zfs tank/docker rw\n");
    let own = plan("/", "", &machine);
    assert_eq!(paths(&own), ["/", "/var/lib/docker"]);
    assert_eq!((own.reach, left(&own)), (Reach::Initramfs, vec![]));
}

#[test]
fn two_pools_of_one_name_are_told_and_both_count() {
    let mut machine = with_pools();
    machine.blocks[2].udev = member("rpool", "42", "43");
    let plan = plan("/", "", &machine);
    let message = "`sda2` and `nvme0n1p1` and `dm-0` are of different pools that are all named `rpool`; `/` is taken to need them all";
    assert!(told(&plan).contains(&message), "{:?}", plan.warnings);
    assert_eq!(on(&plan, "/"), BOTH_SIDES);
}

#[test]
fn a_line_that_was_copied_into_a_pool_is_told() {
    let plan = plan("/", "UUID=100a / ext4\n", &with_pools());
    let message = "`/` is `UUID=100a`, which is `sda2`, and the tree is on `nvme0n1p1` and `dm-0`";
    let warning = plan.warnings.iter().find(|one| one.message == message);
    let warning = warning.unwrap_or_else(|| panic!("{:?}", plan.warnings));
    assert_eq!(
        warning.hint.as_deref(),
        Some(
            "if it was copied, take the line out: the kernel command line names root (`root=ZFS=rpool/ROOT/ubuntu_znaqup`)"
        )
    );
    assert_eq!(on(&plan, "/"), BOTH_SIDES);
}

#[test]
fn a_controller_that_knows_of_others_is_none_of_the_plan_s() {
    let mut machine = live();
    let mut discovery = controller("nvme7", "10.0.0.1", &[]);
    discovery.subsysnqn = nvmeroot_plan::Nqn::DISCOVERY.to_owned();
    machine.controllers = vec![discovery, controller("nvme8", "", &["nvme0n1"])];
    let plan = plan("/", "UUID=da7a / ext4\n", &machine);
    assert_eq!((plan.reach, plan.controllers.len()), (Reach::Local, 0));
}
