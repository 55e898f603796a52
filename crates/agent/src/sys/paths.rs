//! Where things are. All of it can be put elsewhere, so that tests can give
//! the program a directory that plays `/dev` and `/sys`.

use std::path::{Path, PathBuf};

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
        Self::under(Path::new("/"))
    }
}

impl Paths {
    /// Everything under one directory, laid out as under `/`.
    pub fn under(root: &Path) -> Self {
        let at = |path: &str| root.join(path.trim_start_matches('/'));
        Self {
            plan: at("etc/nvmeroot/plan.json"),
            cmdline: at("proc/cmdline"),
            run: at("run/nvmeroot"),
            run_root: at("run"),
            dev: at("dev"),
            sys: at("sys"),
            proc: at("proc"),
            mounts: at("proc/self/mountinfo"),
            new_roots: NEW_ROOTS.map(at),
            machine_id: at("etc/machine-id"),
            initrd_release: at("etc/initrd-release"),
            resolv_conf: at("etc/resolv.conf"),
            resolvconf: at("usr/sbin/resolvconf"),
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
