//! Root trees without curtin's configuration: what they lie on is what the machine that
//! has them mounted says.

mod common;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use common::{HOSTID, HOSTNQN, ProgramOutput, furnish, run, stand_in, write};

const NETPLAN: &str = "\
network:
  version: 2
  ethernets:
    ens3:
      addresses: [10.77.0.50/24]
";

/// A machine with a local disk, a remote drive, and a root tree that was copied onto that.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Self(common::work());
        furnish(&scene.at("root"));
        scene.put("agent", &stand_in(), 0o755);
        scene.tree("etc/netplan/00-lan.yaml", NETPLAN);
        scene.tree(
            "etc/fstab",
            "UUID=da7a / ext4 _netdev 0 1\nUUID=b007 /boot ext4 defaults 0 2\n",
        );
        let root = scene.at("root").canonicalize().expect("a directory");
        let root = root.display();
        scene.machine(
            "proc/self/mountinfo",
            &format!(
                "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n30 22 8:1 / /boot rw - ext4 /dev/sda1 rw\n\
                 31 22 259:1 / {root} rw - ext4 /dev/nvme0n1p1 rw\n"
            ),
        );
        let disk = "sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/block/sda";
        scene.block(disk, "sda", "8:0", "");
        scene.block(&format!("{disk}/sda1"), "sda1", "8:1", "b007");
        scene.block(&format!("{disk}/sda2"), "sda2", "8:2", "100a");
        let drive = "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1";
        scene.block(drive, "nvme0n1", "259:0", "");
        scene.block(&format!("{drive}/nvme0n1p1"), "nvme0n1p1", "259:1", "da7a");
        let controller = "sys/devices/virtual/nvme-fabrics/ctl/nvme0";
        for (file, text) in [
            ("transport", "tcp"),
            (
                "address",
                "traddr=10.77.0.1,trsvcid=4420,src_addr=10.77.0.50",
            ),
            ("subsysnqn", "nqn.2024-01.example:root"),
            ("cntrltype", "io"),
            ("hostnqn", HOSTNQN),
            ("hostid", HOSTID),
            ("nvme0c0n1/size", "8192"),
        ] {
            scene.machine(&format!("{controller}/{file}"), &format!("{text}\n"));
        }
        scene.class("nvme/nvme0", controller);
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn put(&self, path: &str, bytes: &[u8], mode: u32) {
        write(&self.at(path), bytes, mode);
    }

    fn tree(&self, path: &str, text: &str) {
        self.put(&format!("root/{path}"), text.as_bytes(), 0o644);
    }

    fn machine(&self, path: &str, text: &str) {
        self.put(&format!("machine/{path}"), text.as_bytes(), 0o644);
    }

    fn class(&self, name: &str, device: &str) {
        let link = self.at(&format!("machine/sys/class/{name}"));
        std::fs::create_dir_all(link.parent().expect("a class")).expect("a directory");
        symlink(Path::new("../../..").join(device), link).expect("a link");
    }

    /// A block device; a partition where it lies in another one's directory.
    fn block(&self, device: &str, name: &str, number: &str, uuid: &str) {
        self.machine(&format!("{device}/dev"), &format!("{number}\n"));
        if !uuid.is_empty() {
            self.machine(&format!("{device}/partition"), "1\n");
            self.machine(
                &format!("run/udev/data/b{number}"),
                &format!("E:ID_FS_UUID={uuid}\n"),
            );
        }
        self.class(&format!("block/{name}"), device);
    }

    fn nvmeroot(&self, words: &[&str]) -> ProgramOutput {
        let mut command = common::nvmeroot();
        run(command.current_dir(self.0.path()).args(words).args([
            "--root",
            "root",
            "--machine",
            "machine",
        ]))
    }

    fn configure(&self) -> ProgramOutput {
        self.nvmeroot(&["configure", "--agent", "agent"])
    }
}

#[test]
fn a_copied_tree_gets_what_it_needs_to_boot_from_the_drive() {
    let scene = Scene::new();
    let said = scene.configure();
    assert_eq!(
        (said.status, said.stderr.as_str()),
        (Some(0), ""),
        "{}",
        said.stdout
    );
    let plan = std::fs::read_to_string(scene.at("root/etc/nvmeroot/plan.json")).expect("a plan");
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!(plan["reach"], "initramfs");
    assert_eq!(plan["controllers"][0]["traddr"], "10.77.0.1");
    assert_eq!(plan["controllers"][0]["nqn"], "nqn.2024-01.example:root");
    assert_eq!(plan["controllers"][0]["options"]["ctrl_loss_tmo"], -1);
    let again = scene.configure();
    assert!(!again.stdout.contains("created"), "{}", again.stdout);
}

#[test]
fn a_tree_without_an_identity_gets_that_of_its_connections() {
    let scene = Scene::new();
    let file = |name: &str| scene.at(&format!("root/etc/nvme/{name}"));
    for name in ["hostnqn", "hostid"] {
        std::fs::remove_file(file(name)).expect("a file");
    }
    assert_eq!(scene.configure().status, Some(0));
    let text = |name: &str| std::fs::read_to_string(file(name)).expect("a file");
    assert_eq!(text("hostnqn").trim_end(), HOSTNQN);
    assert_eq!(text("hostid").trim_end(), HOSTID);
}

#[test]
fn another_identity_than_that_of_the_connections_is_told() {
    let scene = Scene::new();
    let other = HOSTID.replace("5f2a", "6f2a");
    scene.tree("etc/nvme/hostid", &other);
    let said = scene.nvmeroot(&["plan"]);
    let start = format!(
        "warning: the controllers are connected as `{HOSTNQN}` with the id `{HOSTID}`, and the root tree's identity is `{HOSTNQN}` with the id `{other}`\n"
    );
    assert!(said.stderr.starts_with(&start), "{}", said.stderr);
}

#[test]
fn the_line_of_the_old_root_is_told_with_what_to_write() {
    let scene = Scene::new();
    scene.tree("etc/fstab", "UUID=100a / ext4\nUUID=b007 /boot ext4\n");
    let said = scene.nvmeroot(&["plan"]);
    assert_eq!(
        said.stderr,
        "\
warning: `/` is `UUID=100a`, which is `sda2`, and the tree is on `nvme0n1p1`
  --> etc/fstab:1:1
hint: if it was copied, write `UUID=da7a` here
warning: `/` lies on a remote controller and lacks the option `_netdev`
  --> etc/fstab:1:1
hint: add `_netdev` to its options, so that the running system orders it after the network
"
    );
    assert!(
        said.stdout.starts_with("reach: initramfs\n"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_tree_of_another_machine_has_the_controllers_that_it_names_itself() {
    let scene = Scene::new();
    scene.tree(
        "etc/fstab",
        "UUID=0001 / ext4 _netdev\nUUID=b007 /boot ext4\n",
    );
    scene.machine("proc/self/mountinfo", "");
    let json = format!(
        r#"[{{"hostnqn": "{HOSTNQN}", "subsystems": [{{"nqn": "nqn.x",
            "ports": [{{"transport": "tcp", "traddr": "10.77.0.9"}}]}}]}}]"#
    );
    scene.tree("etc/nvme/config.json", &json);
    let said = scene.nvmeroot(&["plan", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(plan["controllers"][0]["traddr"], "10.77.0.9");
    assert_eq!(plan["controllers"].as_array().map(Vec::len), Some(1));
    assert_eq!(plan["reach"], "initramfs");
}

#[test]
fn ifupdown_s_file_leads_to_the_storage_where_ifupdown_is_there() {
    let scene = Scene::new();
    std::fs::remove_file(scene.at("root/etc/netplan/00-lan.yaml")).expect("a file");
    scene.tree(
        "etc/network/interfaces",
        "auto ens3\niface ens3 inet static\n    address 10.77.0.50/24\n    frobnicate 1\n",
    );
    let said = scene.nvmeroot(&["plan"]);
    assert!(
        said.stderr.contains(
            "hint: no network manager of the root tree reads `etc/network/interfaces`: install"
        ),
        "{}",
        said.stderr
    );
    scene.tree("usr/lib/ifupdown/wait-online.sh", "");
    let said = scene.nvmeroot(&["plan"]);
    assert_eq!(
        said.stderr,
        "\
warning: `frobnicate` is not carried out in the initramfs
  --> etc/network/interfaces:4:5
"
    );
    assert!(said.stdout.contains("ens3"), "{}", said.stdout);
    let configured = scene.configure();
    assert!(
        configured
            .stdout
            .contains("etc/network/interfaces.d/nvmeroot"),
        "{}",
        configured.stdout
    );
    // What it wrote there says nothing new.
    assert_eq!(scene.nvmeroot(&["plan"]).stdout, said.stdout);
}

#[test]
fn network_manager_s_profile_is_for_the_card_that_the_machine_has() {
    let scene = Scene::new();
    std::fs::remove_file(scene.at("root/etc/netplan/00-lan.yaml")).expect("a file");
    scene.tree("usr/sbin/NetworkManager", "");
    scene.tree(
        "etc/NetworkManager/system-connections/lan.nmconnection",
        "[connection]\nid=lan\ntype=ethernet\n[ipv4]\nmethod=auto\n",
    );
    let card = "sys/devices/pci0000:00/0000:00:03.0/net/enp0s3";
    for (file, text) in [
        ("type", "1"),
        ("address", "52:54:00:00:00:01"),
        ("device/uevent", "DRIVER=e1000"),
    ] {
        scene.machine(&format!("{card}/{file}"), &format!("{text}\n"));
    }
    scene.class("net/enp0s3", card);
    let said = scene.nvmeroot(&["plan", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let interface = &plan["network"]["interfaces"][0];
    assert_eq!(interface["name"], "enp0s3", "{}", said.stderr);
    assert_eq!(interface["dhcp4"]["identifier_mac"], true);
}

/// Of connman, say, whose files nobody reads here.
#[test]
fn where_nobody_reads_the_configuration_the_kernel_s_state_counts() {
    let scene = Scene::new();
    std::fs::remove_file(scene.at("root/etc/netplan/00-lan.yaml")).expect("a file");
    scene.machine(
        "ip/address.json",
        r#"[{"ifname":"ens3","mtu":1500,"link_type":"ether","parentbus":"pci",
            "addr_info":[{"family":"inet","local":"10.77.0.50","prefixlen":24,"scope":"global"}]}]"#,
    );
    let said = scene.configure();
    assert_eq!(
        said.stderr,
        "\
warning: nobody reads what configures the root tree's network, so the addresses and routes that this machine's kernel has now count
hint: see that the running system brings root's interfaces up the same way
"
    );
    let plan = std::fs::read_to_string(scene.at("root/etc/nvmeroot/plan.json")).expect("a plan");
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!(
        plan["network"]["interfaces"][0]["addresses"][0],
        "10.77.0.50/24"
    );
}

#[test]
fn systemd_networkd_s_own_files_lead_to_the_storage() {
    let scene = Scene::new();
    std::fs::remove_file(scene.at("root/etc/netplan/00-lan.yaml")).expect("a file");
    scene.tree(
        "etc/systemd/network/20-lan.network",
        "[Match]\nName=ens3\n[Network]\nAddress=10.77.0.50/24\n",
    );
    scene.tree(
        "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
        "",
    );
    let said = scene.configure();
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    let plan = scene.nvmeroot(&["plan"]);
    assert!(
        plan.stdout.contains("etc/systemd/network/20-lan.network:4"),
        "{}",
        plan.stdout
    );
}

#[test]
fn nvme_cli_3_s_configuration_fills_in_what_the_kernel_does_not_show() {
    let scene = Scene::new();
    scene.tree(
        "etc/nvme/nvme-fabrics.conf",
        "[I/O Controller Defaults]\nhdr-digest = on\n",
    );
    scene.tree(
        "etc/nvme/nvme-fabrics.conf.d/root.conf",
        "[Subsystem]\nnqn = nqn.2024-01.example:root\n\
         controller = transport=tcp;traddr=10.77.0.1;trsvcid=4420\n\
         controller = transport=tcp;traddr=10.77.0.2\n",
    );
    let said = scene.nvmeroot(&["plan", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(plan["controllers"][0]["options"]["hdr_digest"], true);
    // The other path to the same storage.
    assert_eq!(plan["controllers"][1]["traddr"], "10.77.0.2");
}

/// "What `/` lies on is not known" is not "nothing is remote".
#[test]
fn what_the_tree_boots_by_is_not_taken_away_by_mistake() {
    const PLAN: &str = "root/etc/nvmeroot/plan.json";
    for (fstab, why) in [
        (
            "UUID=da7a / ext4 defaults\n",
            "but what `/` lies on is not known",
        ),
        (
            "UUID=da7a / ext4 _netdev\n",
            "but what `/` lies on is not known",
        ),
        (
            "UUID=100a / ext4 _netdev\n",
            "but `/` has the option `_netdev`, and no remote drive is found for it",
        ),
        (
            "UUID=b007 /boot ext4 defaults\n",
            "but what `/` lies on is not known",
        ),
        // Somebody has put it onto a local drive.
        ("UUID=100a / ext4 defaults\n", ""),
    ] {
        let scene = Scene::new();
        assert_eq!(scene.configure().status, Some(0));
        scene.tree("etc/fstab", fstab);
        scene.machine("proc/self/mountinfo", "");
        std::fs::remove_file(scene.at("machine/sys/class/block/nvme0n1p1")).expect("a link");
        if !why.is_empty() {
            // As after the hint of `check`'s that the plan is not there.
            for is_there in [true, false] {
                if !is_there {
                    std::fs::remove_file(scene.at(PLAN)).expect("a plan");
                }
                let before = common::tree(&scene.at("root"));
                let said = scene.configure();
                assert_eq!(said.status, Some(2), "{fstab}: {}", said.stdout);
                assert!(said.stderr.contains(why), "{}", said.stderr);
                let hint = "\nhint: connect the drive, or pass curtin's whole configuration by `--curtin FILE`";
                assert!(said.stderr.contains(hint), "{}", said.stderr);
                let is_netdev = why.contains("_netdev");
                let or = said
                    .stderr
                    .contains(", or take `_netdev` away if it is local;");
                assert_eq!(or, is_netdev, "{}", said.stderr);
                assert!(common::tree(&scene.at("root")) == before, "{fstab}");
            }
        }
        let force = ["configure", "--agent", "agent", "--force"];
        let said = match why {
            "" => scene.configure(),
            _ => scene.nvmeroot(&force),
        };
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        assert!(!scene.at(PLAN).exists(), "{}", said.stdout);
    }
}

#[test]
fn a_tree_of_which_nothing_is_known_is_not_ready() {
    let scene = Scene::new();
    scene.tree("etc/fstab", "UUID=0001 / ext4 defaults\n");
    scene.machine("proc/self/mountinfo", "");
    let said = scene.nvmeroot(&["check"]);
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (
            Some(1),
            "\
fault: `/` is `UUID=0001`, and this machine has no such device
  nothing tells what the machine needs to boot from it
hint: correct the line; if the device belongs to another machine, run nvmeroot there

would not boot: 1 fault
"
        )
    );
    // Nor is one that no line speaks of; and what `plan` warns of is found.
    scene.tree("etc/fstab", "UUID=100a /home ext4 _netdev\n");
    let said = scene.nvmeroot(&["check"]);
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (
            Some(0),
            "\
warning: nothing says what `/` lies on
  so it is taken for local
hint: name it in `etc/fstab`, or pass curtin's whole configuration by `--curtin FILE`

warning: `/home` has the option `_netdev`, and there is no NVMe/TCP controller that is known here
  the input says so, at etc/fstab:1:1
hint: connect its drive where this runs, or name its portal in `etc/nvme/config.json`; if this is remote by other means (iSCSI, NFS), nvmeroot has nothing to do with it

2 warnings (reach: local; what boots it was not looked at)
"
        )
    );
}

#[test]
fn what_was_changed_since_it_was_configured_is_found() {
    let scene = Scene::new();
    let plan_other = |scene: &Scene| {
        let said = scene.nvmeroot(&["check", "--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings").iter();
        let found = findings.filter(|one| one["finding"] == "plan-other");
        let found: Vec<String> = found
            .map(|one| format!("{}: {}", one["severity"], one["what"]).replace('"', ""))
            .collect();
        found.join("\n")
    };
    for name in ["hostnqn", "hostid"] {
        std::fs::remove_file(scene.at(&format!("root/etc/nvme/{name}"))).expect("a file");
    }
    assert_eq!(scene.configure().status, Some(0));
    assert_eq!(plan_other(&scene), "");
    scene.tree("etc/netplan/00-lan.yaml", &NETPLAN.replace("0.50", "0.51"));
    assert_eq!(
        plan_other(&scene),
        "warning: `etc/nvmeroot/plan.json` is not what the tree's own files say now"
    );
    scene.tree("etc/netplan/00-lan.yaml", &NETPLAN.replace("0.50", "0.500"));
    let said = plan_other(&scene);
    assert!(said.starts_with("fault: "), "{said}");
    assert!(said.contains("(etc/netplan/00-lan.yaml:5:"), "{said}");
    scene.tree("etc/netplan/00-lan.yaml", NETPLAN);
    scene.machine("proc/self/mountinfo", "");
    std::fs::remove_file(scene.at("machine/sys/class/block/nvme0n1p1")).expect("a link");
    assert_eq!(
        plan_other(&scene),
        "warning: whether the tree's own files have changed since `configure` can't be told here"
    );
}

/// systemd boots without it.
#[test]
fn a_drive_that_may_be_absent_is_no_doubt() {
    let scene = Scene::new();
    let fstab = |root: &str, options: &str| {
        let lines = format!("UUID={root} / ext4 defaults\nUUID=0001 /var/x ext4 {options}\n");
        scene.tree("etc/fstab", &lines);
    };
    fstab("da7a", "defaults");
    assert_eq!(scene.configure().status, Some(0));
    // A changed network is found, or that it can't be told.
    scene.tree("etc/netplan/00-lan.yaml", &NETPLAN.replace("0.50", "0.51"));
    let check = || scene.nvmeroot(&["check"]).stdout;
    let told = "this machine does not have the drive that `/var/x` lies on";
    assert!(check().contains(told), "{}", check());
    fstab("da7a", "nofail");
    assert!(!check().contains(told), "{}", check());
    let changed = "`etc/nvmeroot/plan.json` is not what the tree's own files say now";
    assert!(check().contains(changed), "{}", check());
    // Root moves to the local drive.
    scene.machine("proc/self/mountinfo", "");
    fstab("100a", "defaults");
    assert_eq!(scene.configure().status, Some(2));
    fstab("100a", "noauto,_netdev");
    let said = scene.configure();
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let said = scene.nvmeroot(&["check"]);
    let start = "warning: `/var/x` ";
    assert!(said.stdout.starts_with(start), "{}", said.stdout);
    assert_eq!(said.status, Some(0), "{}", said.stdout);
}

/// An installer calls `configure` for each machine that it installs.
#[test]
fn who_needs_no_identity_is_asked_for_none() {
    let scene = Scene::new();
    let configure = ["configure", "--agent", "agent", "--host-from", "nowhere"];
    let said = scene.nvmeroot(&configure);
    assert_eq!(
        (said.status, said.stderr.as_str()),
        (
            Some(1),
            "\
error: `nowhere` holds neither `hostnqn` nor `hostid`
hint: `nvme gen-hostnqn` makes a name for `hostnqn`, whose last part goes into `hostid`; or leave `--host-from` out, where the root tree has its own
"
        )
    );
    scene.tree("etc/fstab", "UUID=100a / ext4 defaults\n");
    scene.machine("proc/self/mountinfo", "");
    let said = scene.nvmeroot(&configure);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
}

/// Its kernel knows nothing of that one's network.
#[test]
fn this_machine_s_addresses_are_not_another_tree_s() {
    let scene = Scene::new();
    std::fs::remove_file(scene.at("root/etc/netplan/00-lan.yaml")).expect("a file");
    scene.machine(
        "ip/address.json",
        r#"[{"ifname":"ens3","mtu":1500,"link_type":"ether","parentbus":"pci",
            "addr_info":[{"family":"inet","local":"10.77.0.50","prefixlen":24,"scope":"global"}]}]"#,
    );
    scene.tree(
        "etc/fstab",
        "UUID=0001 / ext4 _netdev\nUUID=b007 /boot ext4\n",
    );
    scene.machine("proc/self/mountinfo", "");
    let json = format!(
        r#"[{{"hostnqn": "{HOSTNQN}", "subsystems": [{{"nqn": "nqn.x",
            "ports": [{{"transport": "tcp", "traddr": "10.77.0.9"}}]}}]}}]"#
    );
    scene.tree("etc/nvme/config.json", &json);
    let said = scene.nvmeroot(&["plan"]);
    assert!(
        said.stderr
            .contains("there is no network configuration, so nothing leads to the controllers"),
        "{}",
        said.stderr
    );
    assert!(!said.stdout.contains("ens3"), "{}", said.stdout);
}

/// The files of a machine of the lab's that has connected a drive and copied its tree onto
/// it (`lab/guest/move.sh`), as its kernel and udev have them.
#[test]
fn a_real_machine_s_files_are_read() {
    let scene = Scene::new();
    let copy = scene.at("recorded");
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machine");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(recorded)
        .arg(&copy)
        .status();
    assert!(copied.is_ok_and(|status| status.success()));
    let table = copy.join("proc/self/mountinfo");
    let text = std::fs::read_to_string(&table).expect("a table of mounts");
    let root = scene.at("root").canonicalize().expect("a directory");
    let text = text.replace(" /mnt", &format!(" {}", root.display()));
    std::fs::write(&table, text).expect("a table of mounts");
    let id = "34d787b9-3f79-456a-aa4c-5c527215e928";
    scene.tree(
        "etc/fstab",
        &format!("UUID={id} / ext4 defaults,_netdev 0 1\nLABEL=labboot /boot ext4 defaults 0 2\n"),
    );
    let mut command = common::nvmeroot();
    let said = run(command
        .current_dir(scene.0.path())
        .args(["plan", "--format", "json"])
        .args(["--root", "root", "--machine", "recorded"]));
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(plan["reach"], "initramfs");
    assert_eq!(plan["controllers"][0]["traddr"], "10.77.0.1");
    assert_eq!(
        plan["controllers"][0]["nqn"],
        "nqn.2014-08.org.example.lab:drive"
    );
    // Without a secret, and with the kernel's own times but for that of root.
    let options = serde_json::json!({ "ctrl_loss_tmo": -1 });
    assert_eq!(plan["controllers"][0]["options"], options);
    assert_eq!(plan["mounts"][1]["controllers"], serde_json::json!([]));
}
