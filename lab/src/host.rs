//! The host: a Debian tree, configured by nvmeroot, as a drive and an initramfs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, Key, remove, write};
use crate::command::Program;
use crate::error::{Context, Result};
use crate::tree::Tree;

const CONFIGURE: &str = include_str!("../guest/configure.sh");
const BUILD: &str = include_str!("../guest/build-host.sh");
const HEARTBEAT: &str = include_str!("../guest/heartbeat.py");
const REPORT: &str = include_str!("../guest/report.sh");
const BEFORE: &str = include_str!("../guest/before.sh");
const SLIM_INIT: &str = include_str!("../guest/slim-init.sh");

/// The label of the root filesystem.
pub(crate) const ROOT_LABEL: &str = "labroot";
/// The label of the filesystem for `/home`.
pub(crate) const HOME_LABEL: &str = "labhome";

/// The identity that the installer would have given the host.
pub const HOST_ID: &str = "11111111-2222-4333-8444-555555555555";

/// The NQN that goes with [`HOST_ID`].
pub const HOST_NQN: &str = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-555555555555";

/// What runs once root is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostKind {
    /// Debian with systemd, networkd, netplan and nvme-stas.
    #[default]
    Debian,
    /// The same kernel and initramfs, and a root that reports and powers off:
    /// for what happens before root is mounted.
    Slim,
}

/// What the installer would have left in the host's tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostSpec {
    /// The image's name; scenarios with the same inputs share it.
    pub name: String,
    /// What runs once root is mounted.
    pub kind: HostKind,
    /// The configuration that the installer gave to curtin, YAML.
    pub curtin: String,
    /// `/etc/netplan/00-installer-config.yaml`.
    pub netplan: Option<String>,
    /// `/home` is a filesystem of its own.
    pub home: bool,
    /// nvme-stas and nvme-cli's own service run. They take long to start under
    /// emulation; where they are not what is tried, they stay off.
    pub storage_services: bool,
    /// Arguments of `nvmeroot configure` beside `--curtin` and `--root`.
    pub configure_args: Vec<String>,
}

/// A host that can be started.
#[derive(Debug, Clone)]
pub struct HostImage {
    /// The kernel.
    pub kernel: PathBuf,
    /// The initial ramdisk.
    pub initrd: PathBuf,
    /// The root filesystem.
    pub drive: PathBuf,
    /// What `nvmeroot configure` wrote, changed or removed, below the root.
    pub written: Vec<PathBuf>,
    /// What `nvmeroot configure` printed.
    pub talk: String,
}

impl HostImage {
    /// Size of the initial ramdisk in bytes.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) when it is gone.
    pub fn initrd_bytes(&self) -> Result<u64> {
        let meta = fs::metadata(&self.initrd).context("inspect", &self.initrd)?;
        Ok(meta.len())
    }
}

/// Builds the image of `spec`, or finds it: `nvmeroot configure` runs each
/// time (it takes milliseconds), and what it writes is part of the key.
pub(crate) fn image(
    cache: &Cache,
    tree: &Tree,
    nvmeroot: &Path,
    spec: &HostSpec,
) -> Result<HostImage> {
    let scratch = cache.scratch(&format!("configure-{}", spec.name))?;
    let result = configure(cache, tree, nvmeroot, spec, &scratch);
    remove(&scratch)?;
    result
}

fn configure(
    cache: &Cache,
    tree: &Tree,
    nvmeroot: &Path,
    spec: &HostSpec,
    scratch: &Path,
) -> Result<HostImage> {
    let overlay = Overlay::new(tree, scratch)?;
    write_inputs(spec, &overlay.upper)?;
    write_guest_files(spec, &overlay.upper)?;
    let before = contents(&overlay.upper)?;
    let curtin = scratch.join("curtin.yaml");
    write(&curtin, 0o600, &spec.curtin)?;
    let log = scratch.join("configure.log");
    overlay
        .program()
        .arg(nvmeroot)
        .args(["configure", "--curtin"])
        .arg(&curtin)
        .arg("--root")
        .arg(&overlay.merged)
        .args(&spec.configure_args)
        .run(&log)?;
    let talk = fs::read_to_string(&log).context("read", &log)?;
    let after = contents(&overlay.upper)?;
    let written = changes(&before, &after);

    let key = Key::new("host 1")
        .key(&tree.key)
        .text(BUILD)
        .text(&format!("{:?}", spec.kind))
        .text(SLIM_INIT)
        .tree(&overlay.upper)?;
    let dir = cache.get(&format!("host-{}", spec.name), &key, |dir| {
        let content = match spec.kind {
            HostKind::Debian => overlay.merged.clone(),
            HostKind::Slim => slim_root(tree, &scratch.join("slim"))?,
        };
        write(&dir.join("build.sh"), 0o755, BUILD)?;
        overlay
            .program()
            .arg("sh")
            .arg(dir.join("build.sh"))
            .arg(dir)
            .arg(&tree.release)
            .arg(&overlay.merged)
            .arg(content)
            .run(&dir.join("log"))
    })?;
    Ok(HostImage {
        kernel: tree.kernel(),
        initrd: dir.join("initrd"),
        drive: dir.join("drive"),
        written,
        talk,
    })
}

/// The cached tree with a layer of its own on top.
struct Overlay {
    lower: PathBuf,
    upper: PathBuf,
    work: PathBuf,
    merged: PathBuf,
    script: PathBuf,
}

impl Overlay {
    fn new(tree: &Tree, scratch: &Path) -> Result<Self> {
        let overlay = Overlay {
            lower: tree.root.clone(),
            upper: scratch.join("upper"),
            work: scratch.join("work"),
            merged: scratch.join("merged"),
            script: scratch.join("configure.sh"),
        };
        for dir in [&overlay.upper, &overlay.work, &overlay.merged] {
            fs::create_dir_all(dir).context("create", dir)?;
        }
        write(&overlay.script, 0o755, CONFIGURE)?;
        Ok(overlay)
    }

    /// A program to be run with the merged tree mounted; its name and
    /// arguments are to be added.
    fn program(&self) -> Program {
        Program::new("unshare")
            .args(["--mount", "--propagation", "private", "sh"])
            .args([
                &self.script,
                &self.lower,
                &self.upper,
                &self.work,
                &self.merged,
            ])
    }
}

fn write_inputs(spec: &HostSpec, upper: &Path) -> Result<()> {
    if let Some(netplan) = &spec.netplan {
        write(
            &upper.join("etc/netplan/00-installer-config.yaml"),
            0o600,
            netplan,
        )?;
    }
    let remote_root = if spec.home { "" } else { ",_netdev" };
    let mut fstab = format!("LABEL={ROOT_LABEL} / ext4 defaults{remote_root} 0 1\n");
    if spec.home {
        fstab.push_str(&format!(
            "LABEL={HOME_LABEL} /home ext4 defaults,_netdev 0 2\n"
        ));
    }
    write(&upper.join("etc/fstab"), 0o644, fstab)?;
    write(&upper.join("etc/hostname"), 0o644, "labhost\n")?;
    write(
        &upper.join("etc/nvme/hostnqn"),
        0o644,
        format!("{HOST_NQN}\n"),
    )?;
    write(
        &upper.join("etc/nvme/hostid"),
        0o644,
        format!("{HOST_ID}\n"),
    )?;
    write(
        &upper.join("etc/machine-id"),
        0o444,
        "0123456789abcdef0123456789abcdef\n",
    )
}

/// Units that only cost time in a machine that lives for two minutes.
const MASKED: &[&str] = &[
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "dpkg-db-backup.timer",
    "fstrim.timer",
    "getty@tty1.service",
    "ldconfig.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "proc-sys-fs-binfmt_misc.automount",
    "serial-getty@ttyS0.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-binfmt.service",
    "systemd-firstboot.service",
    "systemd-hwdb-update.service",
    "systemd-hostnamed.socket",
    "systemd-journal-catalog-update.service",
    "systemd-logind.service",
    "systemd-networkd-persistent-storage.service",
    "systemd-pstore.service",
    "systemd-random-seed.service",
    "systemd-tpm2-setup.service",
    "systemd-update-done.service",
    "systemd-user-sessions.service",
    "uuidd.socket",
];

/// Generators that look for what these machines don't have.
const MASKED_GENERATORS: &[&str] = &[
    "systemd-cryptsetup-generator",
    "systemd-debug-generator",
    "systemd-getty-generator",
    "systemd-gpt-auto-generator",
    "systemd-hibernate-resume-generator",
    "systemd-integritysetup-generator",
    "systemd-rc-local-generator",
    "systemd-ssh-generator",
    "systemd-system-update-generator",
    "systemd-sysv-generator",
    "systemd-tpm2-generator",
    "systemd-veritysetup-generator",
];

/// Masked unless [`HostSpec::storage_services`].
const STORAGE_SERVICES: &[&str] = &[
    "nvmefc-boot-connections.service",
    "nvmf-autoconnect.service",
    "stacd.service",
    "stafd.service",
];

/// Drivers that udev would load for the emulated chipset, one by one.
const UNUSED_DRIVERS: &[&str] = &[
    "cfg80211",
    "floppy",
    "i2c_piix4",
    "kvm",
    "kvm_amd",
    "pcspkr",
    "powernow_k8",
    "psmouse",
];

/// The lab's own part of the tree: the heartbeat, the report, and less to do.
fn write_guest_files(spec: &HostSpec, upper: &Path) -> Result<()> {
    let programs = upper.join("usr/local/lib/lab");
    write(&programs.join("heartbeat.py"), 0o755, HEARTBEAT)?;
    write(&programs.join("report.sh"), 0o755, REPORT)?;
    write(&programs.join("before.sh"), 0o755, BEFORE)?;
    let units = upper.join("etc/systemd/system");
    let early = |program: &str| {
        format!(
            "[Unit]\nDefaultDependencies=no\nAfter=systemd-remount-fs.service\n\
             Before=systemd-networkd.service\n[Service]\nExecStart={program}\n"
        )
    };
    // It beats on what is remote.
    let heartbeat = if spec.home {
        "[Unit]\nRequiresMountsFor=/home\n[Service]\n\
         ExecStart=/usr/local/lib/lab/heartbeat.py /home\n"
            .to_owned()
    } else {
        early("/usr/local/lib/lab/heartbeat.py /root")
    };
    write(&units.join("lab-heartbeat.service"), 0o644, heartbeat)?;
    let before = early("/usr/local/lib/lab/before.sh");
    write(&units.join("lab-before.service"), 0o644, before)?;
    write(
        &units.join("lab-report.service"),
        0o644,
        "[Unit]\nAfter=multi-user.target\n[Service]\nExecStart=/usr/local/lib/lab/report.sh\n",
    )?;
    // nvme-stas opens a bus connection while it ends, and its units don't
    // order themselves after dbus.service: at power-off, with the bus already
    // gone, each waits out its 90 s.
    for unit in ["stafd", "stacd"] {
        let path = units.join(format!("{unit}.service.d/lab.conf"));
        write(&path, 0o644, "[Unit]\nAfter=dbus.service\n")?;
    }
    let when = if spec.home { "multi-user" } else { "sysinit" };
    let wanted = units.join(format!("{when}.target.wants/lab-heartbeat.service"));
    link("../lab-heartbeat.service", &wanted)?;
    link(
        "../lab-before.service",
        &units.join("sysinit.target.wants/lab-before.service"),
    )?;
    link(
        "../lab-report.service",
        &units.join("multi-user.target.wants/lab-report.service"),
    )?;
    link(
        "/usr/lib/systemd/system/systemd-networkd.service",
        &units.join("multi-user.target.wants/systemd-networkd.service"),
    )?;
    link(
        "/usr/lib/systemd/system/multi-user.target",
        &units.join("default.target"),
    )?;
    let storage = STORAGE_SERVICES.iter().filter(|_| !spec.storage_services);
    for unit in MASKED.iter().chain(storage) {
        link("/dev/null", &units.join(unit))?;
    }
    for name in MASKED_GENERATORS {
        link(
            "/dev/null",
            &upper.join("etc/systemd/system-generators").join(name),
        )?;
    }
    let drivers: String = UNUSED_DRIVERS
        .iter()
        .map(|driver| format!("blacklist {driver}\n"))
        .collect();
    write(&upper.join("etc/modprobe.d/lab.conf"), 0o644, drivers)?;
    // Speed over size: the same for every image, so differences stay true.
    write(
        &upper.join("etc/initramfs-tools/conf.d/lab"),
        0o644,
        "COMPRESSLEVEL=1\n",
    )?;
    write(&upper.join("etc/.updated"), 0o644, "")?;
    write(&upper.join("var/.updated"), 0o644, "")
}

fn link(to: &str, at: &Path) -> Result<()> {
    if let Some(parent) = at.parent() {
        fs::create_dir_all(parent).context("create", parent)?;
    }
    symlink(to, at).context("link", at)
}

/// A root that holds busybox, `ip`, and the report.
fn slim_root(tree: &Tree, root: &Path) -> Result<PathBuf> {
    for name in [
        "bin", "sbin", "proc", "sys", "dev", "run", "tmp", "lab", "etc",
    ] {
        let dir = root.join(name);
        fs::create_dir_all(&dir).context("create", &dir)?;
    }
    tree.copy_programs(
        &["/usr/bin/busybox", "/usr/bin/ip", "/usr/bin/findmnt"],
        root,
    )?;
    let busybox = root.join("bin/busybox");
    fs::rename(root.join("usr/bin/busybox"), &busybox).context("move", &busybox)?;
    write(&root.join("lab/report.sh"), 0o755, REPORT)?;
    write(&root.join("sbin/init"), 0o755, SLIM_INIT)?;
    Ok(root.to_owned())
}

/// Every file below `dir` with a hash of its type, mode and content.
fn contents(dir: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(path) = pending.pop() {
        for entry in fs::read_dir(&path).context("list", &path)? {
            let path = entry.context("list", &path)?.path();
            if fs::symlink_metadata(&path)
                .context("inspect", &path)?
                .is_dir()
            {
                pending.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap_or(&path).to_owned();
                let key = Key::new("file").tree(&path)?;
                found.insert(name, format!("{key:?}"));
            }
        }
    }
    Ok(found)
}

fn changes(before: &BTreeMap<PathBuf, String>, after: &BTreeMap<PathBuf, String>) -> Vec<PathBuf> {
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let new = after
        .iter()
        .filter(|(path, hash)| before.get(*path) != Some(hash));
    let mut all: Vec<PathBuf> = gone.chain(new.map(|(path, _)| path)).cloned().collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        write(&path("a/same"), 0o644, "x").unwrap();
        write(&path("a/edited"), 0o644, "x").unwrap();
        write(&path("a/gone"), 0o644, "x").unwrap();
        let before = contents(dir.path()).unwrap();
        write(&path("a/edited"), 0o644, "y").unwrap();
        write(&path("b/new"), 0o644, "x").unwrap();
        fs::remove_file(path("a/gone")).unwrap();
        let after = contents(dir.path()).unwrap();
        let expected: Vec<PathBuf> = ["a/edited", "a/gone", "b/new"]
            .into_iter()
            .map(PathBuf::from)
            .collect();
        assert_eq!(changes(&before, &after), expected);
    }
}
