//! What the machines of one kind are built from: Debian's tree, the kernel that
//! runs it, and the target made of both.

use std::path::{Path, PathBuf};

use crate::cache::{Cache, Key, write};
use crate::command::{Program, joined};
use crate::error::{Context, Error, Result};
use crate::kernel::Kernel;
use crate::overlay::Overlay;
use crate::target::{self, Modules, OLD_MODULES};
use crate::tree::Tree;

/// A tree with one kernel.
#[derive(Debug, Clone)]
pub(crate) struct Platform {
    /// The tree, as the archive has it.
    pub(crate) tree: Tree,
    /// What lies on top of it: another kernel's modules, and the names of cards.
    pub(crate) layer: Option<PathBuf>,
    /// What lies on top of that: the package under test, installed.
    package: Option<PathBuf>,
    /// Of all of it.
    pub(crate) key: Key,
    /// The kernel's release, as `/lib/modules` names it.
    pub(crate) release: String,
    /// The kernel.
    pub(crate) kernel: PathBuf,
    /// Is loaded into a simulated machine's process.
    pub(crate) library: Option<PathBuf>,
    /// The target's initramfs, without settings.
    pub(crate) target: PathBuf,
}

/// The slots in which a simulated machine may have cards.
const SLOTS: std::ops::Range<u8> = 3..16;

impl Platform {
    /// Debian's tree with its own kernel.
    pub(crate) fn debian(cache: &Cache, tree: Tree) -> Result<Self> {
        let release = tree.kernel_release()?.to_owned();
        let modules = Modules {
            root: &tree.root,
            release: &release,
            more: OLD_MODULES,
        };
        Ok(Platform {
            layer: None,
            package: None,
            key: tree.key.clone(),
            kernel: tree.kernel()?,
            library: None,
            target: target::base_image(cache, &tree, modules, &tree.key)?,
            release,
            tree,
        })
    }

    /// The same with another tree, whose own kernel it has where the other had its own.
    pub(crate) fn with(&self, cache: &Cache, tree: Tree) -> Result<Self> {
        let mut platform = self.clone();
        if tree.name == self.tree.name {
            return Ok(platform);
        }
        if self.layer.is_some() {
            let kernel = Kernel::get(cache, &|_| {})?;
            let (layer, key) = layered(cache, &tree, &kernel)?;
            (platform.layer, platform.key) = (Some(layer), key);
        } else {
            platform.key = tree.key.clone();
            tree.kernel_release()?.clone_into(&mut platform.release);
            platform.kernel = tree.kernel()?;
        }
        platform.tree = tree;
        Ok(platform)
    }

    /// What hosts are built on; the first lies on top.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Path> {
        let layers = self.package.iter().chain(&self.layer);
        layers.map(PathBuf::as_path).chain(self.tree.layers())
    }

    /// The same with a Debian package installed.
    pub(crate) fn with_package(mut self, cache: &Cache, package: &Path) -> Result<Self> {
        let key = Key::new("package 1").key(&self.key).tree(package)?;
        let name = format!("{}-{}", self.release, self.tree.name);
        let layer = cache.get("package", &name, &key, |dir| {
            let overlay = Overlay::new(self.layers(), dir)?;
            overlay
                .program()
                .args(["dpkg", "--install", "--force-unsafe-io", "--log=/dev/null"])
                // The host's image is made later, once.
                .arg("--no-triggers")
                .arg(joined("--root=", &overlay.merged))
                .arg(package)
                .run(&dir.join("log"))?;
            let root = dir.join("root");
            std::fs::rename(&overlay.upper, &root).context("rename", &overlay.upper)
        })?;
        (self.package, self.key) = (Some(layer.join("root")), key);
        Ok(self)
    }

    /// Debian's tree with a kernel that is a program, instead of its own.
    pub(crate) fn uml(cache: &Cache, tree: Tree, say: &dyn Fn(&str)) -> Result<Self> {
        let kernel = Kernel::get(cache, say)?;
        let (layer, key) = layered(cache, &tree, &kernel)?;
        let modules = Modules {
            root: &kernel.modules,
            release: &kernel.release,
            more: &[],
        };
        let target = target::base_image(cache, &tree, modules, &key)?;
        say("randomness by seed");
        Ok(Platform {
            layer: Some(layer),
            package: None,
            key,
            library: Some(library(cache, &kernel)?),
            release: kernel.release,
            kernel: kernel.linux,
            target,
            tree,
        })
    }
}

/// udev names a card of a simulated machine as it would a PCI card in that slot.
/// Late, so that a name that netplan gives counts.
fn card_name(slot: u8) -> (String, String) {
    (
        format!("etc/systemd/network/98-lab-slot{slot}.link"),
        format!("[Match]\nPath=platform-virtio-uml.{slot}\n[Link]\nName=ens{slot}\n"),
    )
}

/// What lies on top of a tree, and the key of both.
fn layered(cache: &Cache, tree: &Tree, kernel: &Kernel) -> Result<(PathBuf, Key)> {
    let links = SLOTS.map(card_name);
    let key = links.clone().fold(
        Key::new("layer 1").key(&tree.key).key(&kernel.key),
        |key, (name, text)| key.text(&name).text(&text),
    );
    let name = format!("uml-{}", tree.name);
    let layer = cache.get("layer", &name, &key, |dir| {
        layer(tree, kernel, links, &dir.join("root"))
    })?;
    Ok((layer.join("root"), key))
}

fn layer(
    tree: &Tree,
    kernel: &Kernel,
    links: impl Iterator<Item = (String, String)>,
    root: &Path,
) -> Result<()> {
    for (name, text) in links {
        write(&root.join(name), 0o644, text)?;
    }
    let config = root.join("boot").join(format!("config-{}", kernel.release));
    write(
        &config,
        0o644,
        std::fs::read(&kernel.configuration).context("read", &config)?,
    )?;
    let modules = root.join("usr/lib/modules");
    std::fs::create_dir_all(&modules).context("create", &modules)?;
    Program::new("cp")
        .arg("-a")
        .arg(kernel.modules.join("lib/modules").join(&kernel.release))
        .arg(&modules)
        .output()?;
    // Debian's kernel is not there: an overlay's mark for what is taken away
    // (Documentation/filesystems/overlayfs.rst).
    for path in tree.kernel_files() {
        let path = root.join(path);
        Program::new("mknod")
            .arg(&path)
            .args(["c", "0", "0"])
            .output()?;
    }
    Ok(())
}

/// Lets time pass where a program never waits.
const PATIENCE: &str = include_str!("../guest/patience.c");

/// The library that is loaded into a machine's process: its randomness comes from
/// its seed, and who never waits is charged.
fn library(cache: &Cache, kernel: &Kernel) -> Result<PathBuf> {
    let dir = cache.scratch("library")?;
    let entropy = machinesim::entropy::build_shim(Path::new("cc"), &dir)?;
    let symbols = Program::new("nm").arg(&kernel.linux).output()?;
    let address = address(&symbols, "time_travel_ndelay").ok_or_else(|| Error::Unavailable {
        reason: format!(
            "`{}` has no `time_travel_ndelay`, so a machine that never waits would stop time",
            kernel.linux.display()
        ),
        hint: "build it with `CONFIG_UML_TIME_TRAVEL_SUPPORT=y` and its symbols".to_owned(),
    })?;
    let (source, library) = (dir.join("patience.c"), dir.join("machine.so"));
    write(&source, 0o644, PATIENCE)?;
    Program::new("cc")
        .args(["-O2", "-Wall", "-fPIC", "-shared"])
        .arg(format!("-DNDELAY=0x{address}"))
        .arg("-o")
        .args([&library, &source, &entropy.with_extension("c")])
        .output()?;
    Ok(library)
}

/// The address of a function in what `nm` prints.
fn address<'a>(symbols: &'a str, name: &str) -> Option<&'a str> {
    symbols.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (address, _, found) = (words.next()?, words.next()?, words.next()?);
        (found == name).then_some(address)
    })
}
