//! Where things are. All of it can be put elsewhere, so that tests can give
//! the program a directory that plays `/dev` and `/sys`.

use std::path::PathBuf;

/// [`Paths::new_roots`], as the kernel names them.
pub(crate) const NEW_ROOTS: [&str; 2] = ["/root", "/sysroot"];

/// The files and directories that the program uses.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The plan.
    pub plan: PathBuf,
    /// The kernel command line.
    pub cmdline: PathBuf,
    /// The program's own directory: record, outcome, socket.
    pub run: PathBuf,
    /// Where other programs look for a lease (`/run`).
    pub run_root: PathBuf,
    /// `/dev`.
    pub dev: PathBuf,
    /// `/sys`.
    pub sys: PathBuf,
    /// `/proc`.
    pub proc: PathBuf,
    /// What is mounted where (proc_pid_mountinfo(5)).
    pub mounts: PathBuf,
    /// Where root is mounted before it becomes `/`: by initramfs-tools
    /// (initramfs-tools(7), `rootmnt`), and by dracut (dracut.bootup(7)).
    pub new_roots: [PathBuf; 2],
    /// The machine's identifier (machine-id(5)).
    pub machine_id: PathBuf,
    /// There where systemd runs the initramfs (bootup(7)).
    pub initrd_release: PathBuf,
    /// The running system's name servers (resolv.conf(5)).
    pub resolv_conf: PathBuf,
    /// The program that knows them by interface (resolvconf(8)).
    pub resolvconf: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            plan: "/etc/nvmeroot/plan.json".into(),
            cmdline: "/proc/cmdline".into(),
            run: "/run/nvmeroot".into(),
            run_root: "/run".into(),
            dev: "/dev".into(),
            sys: "/sys".into(),
            proc: "/proc".into(),
            mounts: "/proc/self/mountinfo".into(),
            new_roots: NEW_ROOTS.map(Into::into),
            machine_id: "/etc/machine-id".into(),
            initrd_release: "/etc/initrd-release".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            resolvconf: "/usr/sbin/resolvconf".into(),
        }
    }
}

impl Paths {
    /// Everything under one directory, laid out as under `/`.
    pub fn under(root: &std::path::Path) -> Self {
        let at = |path: &std::path::Path| root.join(path.strip_prefix("/").unwrap_or(path));
        let real = Self::default();
        Self {
            plan: at(&real.plan),
            cmdline: at(&real.cmdline),
            run: at(&real.run),
            run_root: at(&real.run_root),
            dev: at(&real.dev),
            sys: at(&real.sys),
            proc: at(&real.proc),
            mounts: at(&real.mounts),
            new_roots: real.new_roots.each_ref().map(|path| at(path)),
            machine_id: at(&real.machine_id),
            initrd_release: at(&real.initrd_release),
            resolv_conf: at(&real.resolv_conf),
            resolvconf: at(&real.resolvconf),
        }
    }

    /// The record of the boot.
    pub fn record(&self) -> PathBuf {
        self.run.join("boot.json")
    }

    /// The record of the run before this one.
    pub fn former_record(&self) -> PathBuf {
        self.run.join("boot.former.json")
    }

    /// The same of what came after the boot.
    pub fn paths_record(&self) -> PathBuf {
        self.run.join("paths.json")
    }

    /// The same of the leases that are kept after the boot.
    pub fn leases_record(&self) -> PathBuf {
        self.run.join("leases.json")
    }

    /// The socket by which `wait` and `stop` reach the program.
    pub fn socket(&self) -> PathBuf {
        self.run.join("agent.sock")
    }

    /// Locked by the program at work, as long as it lives.
    pub fn lock(&self) -> PathBuf {
        self.run.join("agent.lock")
    }

    /// There when the goal was reached.
    pub fn done(&self) -> PathBuf {
        self.run.join("done")
    }

    /// There when it was given up; holds the report.
    pub fn failed(&self) -> PathBuf {
        self.run.join("failed")
    }
}
