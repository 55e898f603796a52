//! The Debian tree that hosts are made of and that the target borrows from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive;
use crate::cache::{Cache, Key, write};
use crate::command::{Program, joined};
use crate::error::{Context, Error, Result};
use crate::host_spec::{Generator, HostSpec, Manager, Release};
use crate::overlay::Overlay;

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

/// What all hosts of a release share that run a simulated machine's kernel.
const BASE: &[&str] = &[
    "busybox",
    "dbus",
    "iproute2",
    "kmod",
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

const ADD: &str = include_str!("../guest/add-packages.sh");

/// A root tree as mmdebstrap leaves it; never changed after it is built.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// Stands for the newest tree of that kind in the cache.
    pub(crate) name: String,
    pub(crate) root: PathBuf,
    /// Packages that lie on top of it.
    added: Option<PathBuf>,
    pub(crate) key: Key,
    /// The release of Debian's kernel, as `/lib/modules` names it, where there is one.
    kernel: Option<String>,
}

impl Tree {
    /// With Debian's kernel and all that emulated machines and the target need.
    pub(crate) fn whole(cache: &Cache, generator: Generator) -> Result<Self> {
        let mut packages = PACKAGES.to_vec();
        packages.push(generator.package());
        packages.sort_unstable();
        let suite = Release::default().suite();
        let name = match generator {
            Generator::InitramfsTools => suite.to_owned(),
            other => format!("{suite}-{}", other.package()),
        };
        let mut tree = Self::debootstrapped(cache, &name, suite, &packages)?;
        let modules = tree.root.join("lib/modules");
        tree.kernel = fs::read_dir(&modules)
            .context("list", &modules)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .max();
        Ok(tree)
    }

    /// The tree of such hosts. All but those of [`Tree::whole`] have no kernel of Debian's:
    /// a release is built once, and packages are added on top of it.
    pub(crate) fn get(cache: &Cache, spec: &HostSpec) -> Result<Self> {
        let (release, generator, manager) = (spec.release, spec.generator, spec.manager);
        let is_usual = (release, manager) == (Release::default(), Manager::default());
        if is_usual && spec.packages.is_empty() {
            return Self::whole(cache, generator);
        }
        let suite = release.suite();
        let base = Self::debootstrapped(cache, &format!("{suite}-base"), suite, BASE)?;
        let mut packages = manager.packages().to_vec();
        packages.push(generator.package());
        packages.extend(&spec.packages);
        let key = packages.iter().fold(
            Key::new("packages 1").key(&base.key).text(ADD),
            |key, word| key.text(word),
        );
        let mut name = format!("{suite}-{}-{}", generator.package(), manager.name());
        for package in &spec.packages {
            name.push('-');
            name.push_str(package);
        }
        let added = cache.get("packages", &name, &key, |dir| add(&base, dir, &packages))?;
        Ok(Tree {
            name,
            added: Some(added.join("root")),
            key,
            ..base
        })
    }

    fn debootstrapped(
        cache: &Cache,
        name: &str,
        suite: &str,
        packages: &[&'static str],
    ) -> Result<Self> {
        let key = packages
            .iter()
            .chain(EXCLUDED)
            .fold(Key::new("tree 1").text(suite), |key, word| key.text(word));
        let built = cache.get("tree", name, &key, |dir| build(dir, suite, packages))?;
        Ok(Tree {
            name: name.to_owned(),
            root: built.join("root"),
            added: None,
            key,
            kernel: None,
        })
    }

    /// What it consists of; the first lies on top.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Path> {
        self.added.iter().chain([&self.root]).map(PathBuf::as_path)
    }

    /// The release of Debian's kernel.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where there is none.
    pub(crate) fn kernel_release(&self) -> Result<&str> {
        self.kernel.as_deref().ok_or_else(|| Error::Unavailable {
            reason: format!("the tree `{}` holds no kernel", self.name),
            hint: format!(
                "run it on simulated machines; else remove `{}` and run again",
                self.root.display()
            ),
        })
    }

    pub(crate) fn kernel(&self) -> Result<PathBuf> {
        let release = self.kernel_release()?;
        Ok(self.root.join("boot").join(format!("vmlinuz-{release}")))
    }

    /// The files that Debian's kernel consists of, where there is one.
    pub(crate) fn kernel_files(&self) -> Vec<PathBuf> {
        let release = self.kernel.iter();
        let files = release.flat_map(|release| {
            let boot = |name: &str| Path::new("boot").join(format!("{name}-{release}"));
            [
                Path::new("usr/lib/modules").join(release),
                boot("vmlinuz"),
                boot("System.map"),
                boot("config"),
            ]
        });
        files.collect()
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

/// Adds packages to a tree, in a layer of its own: `root` in `dir`.
fn add(base: &Tree, dir: &Path, packages: &[&str]) -> Result<()> {
    let overlay = Overlay::new(base.layers(), dir)?;
    let script = dir.join("add-packages.sh");
    write(&script, 0o755, ADD)?;
    overlay
        .program()
        .arg("sh")
        .arg(&script)
        .arg(&overlay.merged)
        .args(packages)
        .run(&dir.join("log"))?;
    let root = dir.join("root");
    fs::rename(&overlay.upper, &root).context("rename", &overlay.upper)
}

fn build(dir: &Path, suite: &str, packages: &[&str]) -> Result<()> {
    let line = archive::line_of("deb", suite)?;
    let mut program = Program::new("mmdebstrap")
        .args(["--variant=minbase", "--format=directory"])
        .arg("--aptopt=APT::Install-Recommends \"0\"")
        .arg(format!("--aptopt={} \"false\"", archive::VALIDITY))
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
        .arg(suite)
        .arg(joined("", &dir.join("root")))
        .arg(line)
        .run(&dir.join("mmdebstrap.log"))
}
