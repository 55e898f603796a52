//! Trees that would boot, of both generators, to be broken by tests.
//!
//! `configure` writes into them; their kernel and its modules are stand-ins, and so are
//! their initramfs images: cpio archives with what `configure` has written, in the places
//! where the generators put it (usr-merged paths; scripts and their order for
//! initramfs-tools, units and the list of modules for dracut). `NVMEROOT_CHECK_INITRDS=DIR`
//! takes the images `DIR/initramfs-tools` and `DIR/dracut` instead, made by the real
//! generators of a tree with LVM that is configured for `golden/agent_vlan_on_bond`: all
//! that is in them stays, but the agent and its plan, which are the test's.

#![allow(dead_code, reason = "each test program uses its own part of this")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use nvmeroot_initrd::{Image, Limits, Writer, open_initrd, walk};

use crate::common::{self, STAND_INS, furnish, run, stand_in, write};

/// The stand-ins' kernel.
const RELEASE: &str = "6.12.9-test";

/// What makes the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generator {
    InitramfsTools,
    Dracut,
}

/// What the tree is configured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A VLAN on a bond.
    Vlan,
    /// An interface that asks for its address.
    Dhcp,
    /// The same, and its card is named by its MAC address.
    Mac,
    /// The same, and its card is known by its driver alone.
    Driver,
    /// LVM on the drive.
    Lvm,
    /// A pool of ZFS on the drive, with datasets for `/` and `/var`.
    Zfs,
    /// A target that wants a secret.
    Secret,
    /// An essential mount beside root.
    Var,
    /// The firmware's table says how root is reached; nothing else does.
    Firmware,
}

#[derive(Clone, Debug)]
pub(crate) struct InitrdEntry {
    pub(crate) mode: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A tree, and what its image is made of.
pub(crate) struct Machine {
    dir: tempfile::TempDir,
    pub(crate) generator: Generator,
    pub(crate) release: String,
    /// By path; a symbolic link's bytes are what it says.
    pub(crate) initrd: BTreeMap<String, InitrdEntry>,
}

/// Types of files (inode(7)).
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;

pub(crate) const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

impl Machine {
    /// One that would boot, its image included.
    pub(crate) fn new(generator: Generator, input: Input) -> Self {
        let mut machine = Self {
            dir: common::work(),
            generator,
            release: RELEASE.to_owned(),
            initrd: BTreeMap::new(),
        };
        // No ZFS is in those.
        let real = machine.real().filter(|_| input != Input::Zfs);
        if let Some(real) = &real {
            machine.initrd = entries(real);
            machine.release = release_of(&machine.initrd);
        }
        let root = machine.root();
        furnish(&root);
        if generator == Generator::Dracut {
            for program in STAND_INS.iter().filter(|p| p.contains("initramfs")) {
                fs::remove_file(root.join(program)).expect("a stand-in");
            }
            machine.put("usr/bin/dracut", "");
        }
        machine.put("usr/sbin/lvm", "");
        for zfs in [
            "usr/share/initramfs-tools/hooks/zfs",
            "usr/lib/dracut/modules.d/90zfs/module-setup.sh",
        ] {
            machine.put(zfs, "");
        }
        machine.furnish_kernel();
        if input == Input::Zfs {
            machine.put("etc/fstab", "");
            machine.edit("boot/grub/grub.cfg", "UUID=1-2", "ZFS=rpool/ROOT/debian");
        }
        let (curtin, netplan) = texts(input);
        if input == Input::Secret {
            machine.put("etc/nvme/config.json", &config_json());
            machine.mode("etc/nvme/config.json", 0o600);
        }
        machine.put("../curtin.yaml", &curtin);
        machine.put("etc/netplan/00-installer-config.yaml", &netplan);
        write(&machine.path("../agent"), &stand_in(), 0o755);
        machine.configure();
        if real.is_none() {
            machine.stand_in_initrd();
        }
        machine.copy_in("usr/lib/nvmeroot/nvmeroot-agent", 0o755);
        machine.copy_in("etc/nvmeroot/plan.json", 0o600);
        machine.write_initrd();
        machine
    }

    fn real(&self) -> Option<PathBuf> {
        let dir = std::env::var_os("NVMEROOT_CHECK_INITRDS")?;
        Some(PathBuf::from(dir).join(match self.generator {
            Generator::InitramfsTools => "initramfs-tools",
            Generator::Dracut => "dracut",
        }))
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        write(&self.path(path), text.as_bytes(), 0o644);
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).expect(path);
    }

    pub(crate) fn mode(&self, path: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let mode = PermissionsExt::from_mode(mode);
        fs::set_permissions(self.path(path), mode).expect(path);
    }

    /// Replaces a text in a file.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).expect(path);
        assert!(text.contains(from), "{path} has no `{from}`: {text}");
        fs::write(self.path(path), text.replace(from, to)).expect(path);
    }

    pub(crate) fn image(&self) -> String {
        format!("boot/initrd.img-{}", self.release)
    }

    pub(crate) fn modules(&self) -> String {
        format!("usr/lib/modules/{}", self.release)
    }

    /// Takes a kernel module out of the image, whatever it is compressed with.
    pub(crate) fn take_module(&mut self, name: &str) {
        let begin = format!("/{name}.ko");
        let before = self.initrd.len();
        self.initrd.retain(|path, _| !path.contains(&begin));
        assert!(self.initrd.len() < before, "no module `{name}`");
        self.write_initrd();
    }

    /// Takes a file out of the image.
    pub(crate) fn take(&mut self, path: &str) {
        assert!(self.initrd.remove(path).is_some(), "no `{path}`");
        self.write_initrd();
    }

    /// Puts a file into the image, which is then to be written.
    pub(crate) fn add(&mut self, path: &str, mode: u32, bytes: &[u8]) {
        self.add_entry(path, REGULAR | mode, bytes);
    }

    fn link(&mut self, path: &str, target: &str) {
        self.add_entry(path, SYMLINK | 0o777, target.as_bytes());
    }

    fn add_entry(&mut self, path: &str, mode: u32, bytes: &[u8]) {
        let mut at = 0;
        while let Some(slash) = path[at..].find('/') {
            let directory = path[..at + slash].to_owned();
            self.initrd.entry(directory).or_insert(InitrdEntry {
                mode: DIRECTORY | 0o755,
                bytes: Vec::new(),
            });
            at += slash + 1;
        }
        let bytes = bytes.to_vec();
        self.initrd
            .insert(path.to_owned(), InitrdEntry { mode, bytes });
    }

    /// Copies a file of the tree into the image, which is then to be written.
    pub(crate) fn copy_in(&mut self, path: &str, mode: u32) {
        let bytes = fs::read(self.path(path)).expect(path);
        self.add(path, mode, &bytes);
    }

    /// The image as an archive.
    pub(crate) fn archive(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        for (path, entry) in &self.initrd {
            match entry.mode & TYPE {
                SYMLINK => writer.symlink(path, &String::from_utf8_lossy(&entry.bytes)),
                DIRECTORY => writer.directory(path),
                REGULAR => writer.file(path, entry.mode & 0o7777, &entry.bytes),
                // Devices say nothing here.
                _ => &mut writer,
            };
        }
        writer.finish()
    }

    /// Writes the image into `/boot`.
    pub(crate) fn write_initrd(&self) {
        let mode = match self.generator {
            Generator::InitramfsTools => 0o644,
            Generator::Dracut => 0o600,
        };
        let is_private = self.path("etc/initramfs-tools/conf.d/nvmeroot").exists();
        let mode = if is_private { 0o600 } else { mode };
        write(&self.path(&self.image()), &self.archive(), mode);
    }

    pub(crate) fn configure(&self) {
        let mut command = common::nvmeroot();
        let said = run(command
            .current_dir(self.dir.path())
            .args(["configure", "--curtin", "curtin.yaml", "--root", "root"])
            .args(["--agent", "agent"]));
        assert_eq!(said.status, Some(0), "{}", said.stderr);
    }

    /// What `check` finds, and its exit status.
    pub(crate) fn check(&self, more: &[&str]) -> (Option<i32>, Vec<(String, String)>) {
        let (status, findings, talk) = self.findings(more);
        assert_eq!(talk, "");
        (status, findings)
    }

    /// The same, with the portals asked.
    pub(crate) fn check_online(&self) -> (Option<i32>, Vec<(String, String)>) {
        let (status, findings, talk) = self.findings(&["--online"]);
        assert!(talk.starts_with("asking `"), "{talk}");
        (status, findings)
    }

    fn findings(&self, more: &[&str]) -> (Option<i32>, Vec<(String, String)>, String) {
        let mut command = common::nvmeroot();
        let said = run(command
            .current_dir(self.dir.path())
            .args(["check", "--root", "root", "--format", "json"])
            .args(more));
        let report: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings").iter();
        let findings = findings.map(|one| {
            for key in ["what", "why"] {
                let text = one[key].as_str().expect("a text");
                assert!(!text.is_empty() && !text.ends_with('.'), "{one}");
                assert!(!text.contains(SECRET), "{one}");
            }
            assert!(one["mend"].as_str().is_some_and(|m| !m.is_empty()), "{one}");
            let word = |key: &str| one[key].as_str().expect("a word").to_owned();
            (word("severity"), word("finding"))
        });
        (said.status, findings.collect(), said.stderr)
    }

    /// The same for people.
    pub(crate) fn says(&self, more: &[&str]) -> String {
        let mut command = common::nvmeroot();
        let command = command.current_dir(self.dir.path());
        run(command.args(["check", "--root", "root"]).args(more)).stdout
    }

    /// The kernel, its modules' indexes, fstab and a menu.
    fn furnish_kernel(&self) {
        let release = &self.release;
        self.put(&format!("boot/vmlinuz-{release}"), "");
        for name in ["modules.dep", "modules.builtin", "modules.alias"] {
            let path = format!("{}/{name}", self.modules());
            let real = self.initrd.get(&path).map(|entry| entry.bytes.clone());
            let bytes = real.unwrap_or_else(|| index(name).into_bytes());
            write(&self.path(&path), &bytes, 0o644);
        }
        self.put(
            "etc/fstab",
            "# <file system> <mount point>\nUUID=1-2 / ext4 defaults 0 1\n",
        );
        self.put(
            "boot/grub/grub.cfg",
            &format!(
                "menuentry 'Debian' {{\n\tlinux /vmlinuz-{release} root=UUID=1-2 ro quiet\n\tinitrd /initrd.img-{release}\n}}\n"
            ),
        );
    }

    fn stand_in_initrd(&mut self) {
        for name in ["bin", "lib", "sbin"] {
            self.link(name, &format!("usr/{name}"));
        }
        let modules = self.modules();
        self.add("usr/bin/sh", 0o755, b"");
        self.add("usr/sbin/lvm", 0o755, b"");
        self.add("usr/sbin/zpool", 0o755, b"");
        for line in index("modules.dep").lines() {
            let path = line.split(':').next().expect("a path");
            self.add(&format!("{modules}/{path}"), 0o644, b"module");
        }
        for name in ["modules.dep", "modules.builtin", "modules.alias"] {
            self.add(&format!("{modules}/{name}"), 0o644, index(name).as_bytes());
        }
        match self.generator {
            Generator::InitramfsTools => {
                for stage in ["init-top", "init-premount", "local-block", "init-bottom"] {
                    let source =
                        self.path(&format!("etc/initramfs-tools/scripts/{stage}/nvmeroot"));
                    let bytes = fs::read(source).expect("a boot script");
                    self.add(&format!("scripts/{stage}/nvmeroot"), 0o755, &bytes);
                    let order = format!(
                        "/scripts/{stage}/nvmeroot \"$@\"\n[ -e /conf/param.conf ] && . /conf/param.conf\n"
                    );
                    self.add(&format!("scripts/{stage}/ORDER"), 0o644, order.as_bytes());
                }
            }
            Generator::Dracut => {
                self.add("usr/lib/systemd/systemd", 0o755, b"");
                self.add(
                    "usr/lib/dracut/modules.txt",
                    0o644,
                    b"systemd\nnvmeroot\nbase\n",
                );
                for unit in ["nvmeroot.service", "nvmeroot-wait.service"] {
                    let source = self.path(&format!("usr/lib/dracut/modules.d/90nvmeroot/{unit}"));
                    let bytes = fs::read(source).expect("a unit");
                    self.add(&format!("usr/lib/systemd/system/{unit}"), 0o644, &bytes);
                    self.link(
                        &format!("etc/systemd/system/initrd.target.wants/{unit}"),
                        &format!("/usr/lib/systemd/system/{unit}"),
                    );
                }
            }
        }
    }
}

/// The indexes of the stand-ins' modules. Debian compresses modules, Ubuntu too.
fn index(name: &str) -> String {
    match name {
        "modules.dep" => "\
kernel/drivers/nvme/host/nvme-core.ko.xz:
kernel/drivers/nvme/host/nvme-fabrics.ko.xz: kernel/drivers/nvme/host/nvme-core.ko.xz
kernel/drivers/nvme/host/nvme-tcp.ko.xz: kernel/drivers/nvme/host/nvme-fabrics.ko.xz kernel/drivers/nvme/host/nvme-core.ko.xz
kernel/drivers/net/bonding/bonding.ko.xz:
kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko.xz:
kernel/drivers/md/dm-mod.ko.xz:
kernel/fs/ext4/ext4.ko.xz:
kernel/net/8021q/8021q.ko.xz:
kernel/net/packet/af_packet.ko.xz:
kernel/zfs/spl.ko.zst:
kernel/zfs/zfs.ko.zst: kernel/zfs/spl.ko.zst
"
        .to_owned(),
        "modules.builtin" => "kernel/fs/proc/proc.ko\nkernel/lib/crc/crc32c.ko\n".to_owned(),
        "modules.alias" => "alias fs-ext4 ext4\nalias pci:v00008086d* e1000e\n".to_owned(),
        other => panic!("{other}"),
    }
}

/// curtin's configuration and netplan's file of an input.
fn texts(input: Input) -> (String, String) {
    if input == Input::Firmware {
        let golden = include_str!("../golden/agent_firmware/input/curtin.yaml");
        let (storage, _) = golden.split_once("write_files:\n").expect("netplan");
        return (storage.to_owned(), "network: {version: 2}\n".to_owned());
    }
    let golden = match input {
        Input::Dhcp | Input::Mac | Input::Driver => {
            include_str!("../golden/agent_dhcp/input/curtin.yaml")
        }
        _ => include_str!("../golden/agent_vlan_on_bond/input/curtin.yaml"),
    };
    let mut curtin = golden.to_owned();
    let matched = match input {
        Input::Mac => {
            "            match: {macaddress: \"52:54:00:00:00:01\"}\n            set-name: enp1s0\n"
        }
        Input::Driver => "            match: {driver: igb}\n",
        _ => "",
    };
    if !matched.is_empty() {
        let dhcp = "            dhcp4: true\n";
        assert!(curtin.contains(dhcp));
        curtin = curtin.replace(dhcp, &format!("{matched}{dhcp}"));
    }
    if input == Input::Lvm {
        let format = "    - {id: fs-root, type: format, volume: part-root, fstype: ext4}\n";
        assert!(curtin.contains(format));
        let lvm = "    - {id: vg, type: lvm_volgroup, name: vg0, devices: [part-root]}\n    \
                   - {id: lv, type: lvm_partition, name: root, volgroup: vg, size: 1G}\n    \
                   - {id: fs-root, type: format, volume: lv, fstype: ext4}\n";
        curtin = curtin.replace(format, lvm);
    }
    if input == Input::Zfs {
        let (before, rest) = curtin.split_once("    - {id: fs-root,").expect("root");
        let (_, after) = rest.split_once("'defaults,_netdev'}\n").expect("a mount");
        let zfs = "    - {id: pool, type: zpool, pool: rpool, vdevs: [part-root], mountpoint: /}\n    \
                   - {id: root, type: zfs, pool: pool, volume: /ROOT/debian, properties: {canmount: noauto, mountpoint: /}}\n    \
                   - {id: var, type: zfs, pool: pool, volume: /ROOT/debian/var}\n";
        curtin = format!("{before}{zfs}{after}");
    }
    if input == Input::Var {
        let boot = "    - {id: disk-boot,";
        assert!(curtin.contains(boot));
        let var = "    - {id: disk-var, type: disk, serial: Rvar, nvme_controller: portal}\n    \
                   - {id: fs-var, type: format, volume: disk-var, fstype: ext4}\n    \
                   - {id: mount-var, type: mount, device: fs-var, path: /var, options: _netdev}\n";
        curtin = curtin.replace(boot, &format!("{var}{boot}"));
    }
    let indented = curtin.split_once("    content: |\n").expect("netplan").1;
    let netplan: String = indented
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("      ").unwrap_or(line)))
        .collect();
    (curtin, netplan)
}

fn config_json() -> String {
    format!(
        r#"[{{"hostnqn": "{}", "hostid": "{}", "dhchap_key": "{SECRET}",
  "subsystems": [{{"nqn": "nqn.2024-01.com.example:root",
    "ports": [{{"transport": "tcp", "traddr": "192.0.2.10", "trsvcid": "4420"}}]}}]}}]"#,
        common::HOSTNQN,
        common::HOSTID
    )
}

/// What is in a real image.
fn entries(path: &PathBuf) -> BTreeMap<String, InitrdEntry> {
    let open = || {
        let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        open_initrd(file).expect("an image")
    };
    let mut found = BTreeMap::new();
    let limits = Limits {
        kept_file: 64 << 20,
        kept: 1 << 30,
        ..Limits::default()
    };
    let image = Image::read(&mut open(), &limits, &mut |_| true).expect("an image");
    walk(&mut open(), &limits, &mut |entry| {
        let path = String::from_utf8_lossy(entry.path).into_owned();
        let bytes = match entry.target {
            Some(target) => target.to_vec(),
            // Hard links have their content elsewhere.
            None => image
                .file(&path)
                .and_then(|file| file.content.clone())
                .unwrap_or_default(),
        };
        let mode = entry.mode;
        if path != "." && !path.is_empty() {
            found.insert(path, InitrdEntry { mode, bytes });
        }
        Ok(())
    })
    .expect("an image");
    found
}

fn release_of(initrd: &BTreeMap<String, InitrdEntry>) -> String {
    let mut paths = initrd.keys();
    let path = paths.find(|path| path.ends_with("/modules.dep"));
    let directory = path.and_then(|path| path.strip_suffix("/modules.dep"));
    let release = directory.and_then(|directory| directory.rsplit('/').next());
    release.expect("modules.dep").to_owned()
}
