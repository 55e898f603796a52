//! The Debian tree that hosts are made of and that the target borrows from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{self, SUITE};
use crate::cache::{Cache, Key};
use crate::command::{Program, joined};
use crate::error::{Context, Error, Result};
use crate::host_spec::Generator;

/// What a server install with NVMe/TCP brings along, and dnsmasq for the target.
const PACKAGES: &[&str] = &[
    "busybox",
    "dbus",
    "dhcpcd-base",
    "dnsmasq-base",
    "iproute2",
    "kmod",
    "linux-image-amd64",
    "netplan.io",
    "nvme-cli",
    "nvme-stas",
    "systemd",
    "systemd-sysv",
    "udev",
    "util-linux",
    "zstd",
];

/// Left out of the packages: nothing reads them in a machine that lives a minute.
const EXCLUDED: &[&str] = &[
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
];

/// A root tree as mmdebstrap leaves it; never changed after it is built.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// Stands for the newest tree of that kind in the cache.
    pub(crate) name: String,
    pub(crate) root: PathBuf,
    pub(crate) key: Key,
    /// The kernel's release, as `/lib/modules` names it.
    pub(crate) release: String,
}

impl Tree {
    pub(crate) fn get(cache: &Cache, generator: Generator) -> Result<Self> {
        let mut packages = PACKAGES.to_vec();
        let generator = package(generator);
        packages.push(generator);
        packages.sort_unstable();
        let key = packages
            .iter()
            .chain(EXCLUDED)
            .fold(Key::new("tree 1").text(SUITE), |key, word| key.text(word));
        let name = match generator {
            "initramfs-tools" => SUITE.to_owned(),
            other => format!("{SUITE}-{other}"),
        };
        let built = cache.get("tree", &name, &key, |dir| build(dir, &packages))?;
        let root = built.join("root");
        let modules = root.join("lib/modules");
        let release = fs::read_dir(&modules)
            .context("list", &modules)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .max()
            .ok_or_else(|| Error::Unavailable {
                reason: format!("`{}` holds no kernel", modules.display()),
                hint: format!("remove `{}` and run again", root.display()),
            })?;
        Ok(Tree {
            name,
            root,
            key,
            release,
        })
    }

    pub(crate) fn kernel(&self) -> PathBuf {
        self.root
            .join("boot")
            .join(format!("vmlinuz-{}", self.release))
    }

    /// Copies programs and the libraries that they load into `stage`.
    pub(crate) fn copy_programs(&self, programs: &[&str], stage: &Path) -> Result<()> {
        let listed = Program::new("chroot")
            .arg(&self.root)
            .arg("ldd")
            .args(programs)
            .output()?;
        let libraries = listed
            .split_whitespace()
            .filter(|word| word.starts_with('/') && !word.ends_with(':'));
        for path in programs.iter().copied().chain(libraries) {
            let path = path.trim_start_matches('/');
            copy(&self.root.join(path), &stage.join(path))?;
        }
        Ok(())
    }
}

/// Unpacks the modules that there are of a kernel, with their dependencies, into
/// `dir`, named in the order in which they must be loaded. `root` holds
/// `lib/modules`.
pub(crate) fn copy_modules(root: &Path, release: &str, names: &[&str], dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).context("create", dir)?;
    let mut files = Vec::new();
    for name in names {
        let shown = Program::new("modprobe")
            // Nothing of this machine's own settings.
            .args(["-C", "/dev/null", "-S", release, "-d"])
            .arg(root)
            .args(["-D", name])
            .output()?;
        for line in shown.lines() {
            // Options may follow; whoever loads the file gives its own. What is
            // built in is `builtin`.
            let path = line.strip_prefix("insmod ");
            if let Some(file) = path.and_then(|p| p.split_whitespace().next()) {
                let file = PathBuf::from(file);
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
    }
    for (number, packed) in files.iter().enumerate() {
        let name = packed.file_name().unwrap_or_default().to_string_lossy();
        let to = dir.join(format!("{number:02}-{}", name.trim_end_matches(".xz")));
        if name.ends_with(".xz") {
            Program::new("sh")
                .args(["-ec", "xz -dc \"$1\" >\"$2\"", "sh"])
                .arg(packed)
                .arg(&to)
                .output()?;
        } else {
            copy(packed, &to)?;
        }
    }
    Ok(())
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).context("create", parent)?;
    }
    fs::copy(from, to).map(drop).context("copy", from)
}

fn package(generator: Generator) -> &'static str {
    match generator {
        Generator::InitramfsTools => "initramfs-tools",
        Generator::Dracut => "dracut",
    }
}

fn build(dir: &Path, packages: &[&str]) -> Result<()> {
    let line = archive::line("deb")?;
    let mut program = Program::new("mmdebstrap")
        .args(["--variant=minbase", "--format=directory"])
        .arg("--aptopt=APT::Install-Recommends \"0\"")
        .arg(format!("--include={}", packages.join(",")));
    // How this machine's apt gets out: a proxy, its certificates.
    let settings = Program::new("apt-config").arg("dump").output()?;
    for line in settings.lines().filter(|l| l.starts_with("Acquire::http")) {
        program = program.arg(format!("--aptopt={line}"));
    }
    for pattern in EXCLUDED {
        program = program.arg(format!("--dpkgopt=path-exclude={pattern}"));
    }
    program
        // Every host builds its own; the one made here would only fill images.
        .arg("--customize-hook=rm -f \"$1\"/boot/initrd.img-* \"$1\"/etc/resolv.conf")
        .arg(SUITE)
        .arg(joined("", &dir.join("root")))
        .arg(line)
        .run(&dir.join("mmdebstrap.log"))
}
