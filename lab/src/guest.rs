//! The lab's own part of a host's tree: the heartbeat, the report, and fewer
//! services.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::axes::NETWORKD;
use crate::cache::write;
use crate::error::{Context, Result};
use crate::host_spec::{Generator, HostSpec, Under};

const HEARTBEAT: &str = include_str!("../guest/heartbeat.py");
const BEFORE: &str = include_str!("../guest/before.sh");
const STOPPED: &str = include_str!("../guest/stopped.sh");
const DRACUT: &str = include_str!("../guest/dracut-module.sh");

/// Prints what the machine looks like to its second serial port.
pub(crate) const REPORT: &str = include_str!("../guest/report.sh");

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
pub(crate) fn write_files(spec: &HostSpec, upper: &Path) -> Result<()> {
    let programs = upper.join("usr/local/lib/lab");
    write(&programs.join("heartbeat.py"), 0o755, HEARTBEAT)?;
    write(&programs.join("report.sh"), 0o755, REPORT)?;
    write(&programs.join("before.sh"), 0o755, BEFORE)?;
    let units = upper.join("etc/systemd/system");
    let manager = spec.manager.unit();
    let early = |service: &str| {
        format!(
            "[Unit]\nDefaultDependencies=no\nAfter=systemd-remount-fs.service\n\
             Before={manager}\n[Service]\n{service}"
        )
    };
    // It beats on what is remote.
    let heartbeat = if spec.home {
        "[Unit]\nRequiresMountsFor=/home\n[Service]\n\
         ExecStart=/usr/local/lib/lab/heartbeat.py /home\n"
            .to_owned()
    } else {
        early("ExecStart=/usr/local/lib/lab/heartbeat.py /root\n")
    };
    write(&units.join("lab-heartbeat.service"), 0o644, heartbeat)?;
    // The network manager starts when the snapshot is taken and the monitor runs.
    let before = early(
        "Type=exec\nExecStartPre=/usr/local/lib/lab/before.sh\n\
         ExecStart=/bin/sh -c 'exec ip -ts monitor link address route >/run/lab/monitor'\n",
    );
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
    // Others are enabled by their packages.
    if manager == NETWORKD {
        link(
            &format!("/usr/lib/systemd/system/{manager}"),
            &units.join(format!("multi-user.target.wants/{manager}")),
        )?;
    }
    link(
        "/usr/lib/systemd/system/multi-user.target",
        &units.join("default.target"),
    )?;
    let storage = STORAGE_SERVICES.iter().filter(|_| !spec.storage_services);
    for unit in MASKED.iter().chain(storage) {
        link("/dev/null", &units.join(unit))?;
    }
    let is_wanted =
        |name: &&str| spec.under == Under::Luks && **name == *"systemd-cryptsetup-generator";
    for name in MASKED_GENERATORS.iter().filter(|name| !is_wanted(name)) {
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
    // Speed over size: the same for every image, so differences stay true. dracut takes
    // 20 s of a processor for its own `zstd -15`.
    write(
        &upper.join("etc/initramfs-tools/conf.d/lab"),
        0o644,
        "COMPRESSLEVEL=1\n",
    )?;
    write(
        &upper.join("etc/initramfs-tools/scripts/panic/lab"),
        0o755,
        STOPPED,
    )?;
    if spec.generator == Generator::Dracut {
        write(
            &upper.join("etc/dracut.conf.d/00-lab.conf"),
            0o644,
            "compress=\"zstd -1 -q\"\n",
        )?;
        let module = upper.join("usr/lib/dracut/modules.d/95lab");
        write(&module.join("module-setup.sh"), 0o755, DRACUT)?;
        write(&module.join("stopped.sh"), 0o755, STOPPED)?;
    }
    write(&upper.join("etc/.updated"), 0o644, "")?;
    write(&upper.join("var/.updated"), 0o644, "")
}

fn link(to: &str, at: &Path) -> Result<()> {
    if let Some(parent) = at.parent() {
        fs::create_dir_all(parent).context("create", parent)?;
    }
    symlink(to, at).context("link", at)
}
