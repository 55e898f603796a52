//! The host: a Debian tree, configured by nvmeroot, as a drive and an initramfs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, Key, remove, write};
use crate::command::Program;
use crate::error::{Context, Error, Result};
use crate::guest;
use crate::host_spec::{Generator, HOST_ID, HOST_NQN, HostKind, HostSpec, PackageStory, Under};
use crate::live;
use crate::overlay::Overlay;
use crate::platform::Platform;
use crate::stack;
use crate::tree::Tree;

const BUILD: &str = include_str!("../guest/build-host.sh");
const PACKAGE_STORY: &str = include_str!("../guest/package-story.sh");
const SLIM_INIT: &str = include_str!("../guest/slim-init.sh");
const SLIM_HEARTBEAT: &str = include_str!("../guest/slim-heartbeat.sh");

/// The label of the filesystem for `/home`.
pub(crate) const HOME_LABEL: &str = "labhome";

/// A host that can be started.
#[derive(Debug, Clone)]
pub struct HostImage {
    /// The kernel.
    pub kernel: PathBuf,
    /// The initial ramdisk.
    pub initrd: PathBuf,
    /// The drives that hold the root filesystem.
    pub drives: Vec<PathBuf>,
    /// What the kernel command line says of root.
    pub root_words: String,
    /// What `nvmeroot configure` wrote, changed or removed, below the root.
    pub written: Vec<PathBuf>,
    /// What `nvmeroot configure` printed.
    pub talk: String,
    /// What made the initial ramdisk.
    pub generator: Generator,
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
    platform: &Platform,
    nvmeroot: &Path,
    package: Option<&Path>,
    spec: &HostSpec,
) -> Result<HostImage> {
    let scratch = cache.scratch(&format!("configure-{}", spec.name))?;
    let result = configure(cache, platform, nvmeroot, package, spec, &scratch);
    remove(&scratch)?;
    result
}

fn configure(
    cache: &Cache,
    platform: &Platform,
    nvmeroot: &Path,
    package: Option<&Path>,
    spec: &HostSpec,
    scratch: &Path,
) -> Result<HostImage> {
    let overlay = Overlay::new(platform.layers(), scratch)?;
    write_inputs(spec, &overlay.upper)?;
    guest::write_files(spec, &overlay.upper)?;
    for file in &spec.files {
        write(&overlay.upper.join(&file.path), file.mode, &file.text)?;
    }
    let before = contents(&overlay.upper)?;
    let talk = if spec.live {
        live::install(nvmeroot, &overlay.upper)?;
        String::new()
    } else {
        nvmeroot_configure(&overlay, nvmeroot, spec, scratch)?
    };
    let after = contents(&overlay.upper)?;
    let written = changes(&before, &after);
    stays(&overlay.upper, &written, scratch)?;
    if spec.has_nvmeroot {
        bring_nvmeroot(nvmeroot, &overlay.upper)?;
    }

    let key = Key::new("host 1")
        .key(&platform.key)
        .text(BUILD)
        .text(&format!("{:?}", spec.kind))
        .text(SLIM_INIT)
        .text(SLIM_HEARTBEAT)
        .tree(&overlay.upper)?;
    let key = match spec.story {
        None => key,
        Some(story) => key.text(&format!("{story:?}")).text(PACKAGE_STORY),
    };
    let key = match spec.under {
        Under::Drive if spec.live => live::key(key),
        Under::Drive => key,
        other => stack::key(key, other),
    };
    let name = image_name(spec, &platform.release);
    let dir = cache.get("host", &name, &key, |dir| {
        if let Some(story) = spec.story {
            tell(story, platform, &overlay, package, dir)?;
        }
        let content = match spec.kind {
            HostKind::Debian => overlay.merged.clone(),
            HostKind::Slim => slim_root(&platform.tree, spec.generator, &scratch.join("slim"))?,
        };
        write(&dir.join("build.sh"), 0o755, BUILD)?;
        overlay
            .program()
            .arg("sh")
            .arg(dir.join("build.sh"))
            .arg(dir)
            .arg(&platform.release)
            .arg(&overlay.merged)
            .arg(&content)
            .arg(spec.generator.package())
            .arg(nvmeroot)
            .run(&dir.join("log"))?;
        match spec.under {
            Under::Drive if spec.live => live::build(overlay.program(), &overlay.merged, dir),
            Under::Drive => Ok(()),
            other => {
                let (program, merged) = (overlay.program(), &overlay.merged);
                stack::build(platform, program, merged, &content, other, dir)
            }
        }
    })?;
    Ok(HostImage {
        kernel: platform.kernel.clone(),
        initrd: dir.join("initrd"),
        drives: match spec.under {
            Under::Drive if spec.live => live::drives(&dir),
            Under::Drive => vec![dir.join("drive")],
            other => stack::drives(other, &dir),
        },
        root_words: spec.under.root_words(),
        written,
        talk,
        generator: spec.generator,
    })
}

/// Lets the package be upgraded, reinstalled or purged in the tree, as dpkg does it.
fn tell(
    story: PackageStory,
    platform: &Platform,
    overlay: &Overlay,
    package: Option<&Path>,
    dir: &Path,
) -> Result<()> {
    let package = package.ok_or_else(|| Error::Unavailable {
        reason: "the lab was opened without the package".to_owned(),
        hint: "run it with `--package`".to_owned(),
    })?;
    let script = dir.join("package-story.sh");
    write(&script, 0o755, PACKAGE_STORY)?;
    overlay
        .program()
        .arg("sh")
        .arg(&script)
        .arg(&overlay.merged)
        .arg(&platform.release)
        .arg(package)
        .arg(match story {
            PackageStory::Upgraded => "upgraded",
            PackageStory::Reinstalled => "reinstalled",
            PackageStory::Purged => "purged",
        })
        .run(&dir.join("story.log"))
}

/// For the running system: the program, and the agent that it put there, so that it can
/// take that away and bring it again.
fn bring_nvmeroot(nvmeroot: &Path, upper: &Path) -> Result<()> {
    let place = upper.join("usr/local/lib/lab");
    let agent = upper.join("usr/lib/nvmeroot/nvmeroot-agent");
    for (program, name) in [(nvmeroot, "nvmeroot"), (&agent, "nvmeroot-agent")] {
        // With the package it has the package's agent.
        if program.exists() {
            let copy = place.join(name);
            fs::copy(program, &copy).context("copy", &copy)?;
        }
    }
    Ok(())
}

/// Runs `nvmeroot configure` on the tree as an installer does; says what it printed.
fn nvmeroot_configure(
    overlay: &Overlay,
    nvmeroot: &Path,
    spec: &HostSpec,
    scratch: &Path,
) -> Result<String> {
    write(&scratch.join("curtin.yaml"), 0o600, &spec.curtin)?;
    let log = scratch.join("configure.log");
    overlay
        .program()
        .arg(nvmeroot)
        // The plan in the image names the file; see `stays`.
        .in_dir(scratch)
        .args(["configure", "--curtin", "curtin.yaml"])
        .arg("--root")
        .arg(&overlay.merged)
        .args(&spec.configure_args)
        .run(&log)?;
    fs::read_to_string(&log).context("read", &log)
}

/// What stands for the newest image of that host with that kernel.
pub(crate) fn image_name(spec: &HostSpec, kernel_release: &str) -> String {
    format!("{}-{kernel_release}", spec.name)
}

fn write_inputs(spec: &HostSpec, upper: &Path) -> Result<()> {
    if let Some(netplan) = &spec.netplan {
        write(
            &upper.join("etc/netplan/00-installer-config.yaml"),
            0o600,
            netplan,
        )?;
    }
    let is_local = spec.home || spec.live;
    let mut fstab = spec.under.fstab(if is_local { "" } else { ",_netdev" });
    if spec.live {
        fstab.push_str(&live::fstab());
    }
    if spec.home {
        fstab.push_str(&format!(
            "LABEL={HOME_LABEL} /home ext4 defaults,_netdev 0 2\n"
        ));
    }
    write(&upper.join("etc/fstab"), 0o644, fstab)?;
    for file in spec.under.files(spec.generator) {
        write(&upper.join(&file.path), file.mode, &file.text)?;
    }
    write(&upper.join("etc/hostname"), 0o644, "labhost\n")?;
    for (name, identity) in [("hostnqn", HOST_NQN), ("hostid", HOST_ID)] {
        let path = upper.join("etc/nvme").join(name);
        if spec.anonymous {
            hide(&path)?;
        } else {
            write(&path, 0o644, format!("{identity}\n"))?;
        }
    }
    write(
        &upper.join("etc/machine-id"),
        0o444,
        "0123456789abcdef0123456789abcdef\n",
    )
}

/// Takes away a file that the tree may have: an overlay's mark for that
/// (Documentation/filesystems/overlayfs.rst).
fn hide(path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).context("create", parent)?;
    }
    let mknod = Program::new("mknod").arg(path).args(["c", "0", "0"]);
    mknod.output().map(drop)
}

/// A root that holds busybox, `ip`, and the report.
fn slim_root(tree: &Tree, generator: Generator, root: &Path) -> Result<PathBuf> {
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
    // systemd leaves its initramfs for nothing else (os-release(5)).
    if generator == Generator::Dracut {
        write(&root.join("etc/os-release"), 0o644, "ID=lab\n")?;
    }
    write(&root.join("lab/report.sh"), 0o755, guest::REPORT)?;
    write(&root.join("lab/heartbeat.sh"), 0o755, SLIM_HEARTBEAT)?;
    write(&root.join("sbin/init"), 0o755, SLIM_INIT)?;
    Ok(root.to_owned())
}

/// What names a path of this run would make each image another one.
fn stays(upper: &Path, written: &[PathBuf], scratch: &Path) -> Result<()> {
    let run = scratch.as_os_str().as_encoded_bytes();
    for file in written {
        let path = upper.join(file);
        // Links and what is gone have no bytes to look at.
        let bytes = fs::read(&path).unwrap_or_default();
        if bytes.windows(run.len()).any(|bytes| bytes == run) {
            return Err(Error::Fleeting(file.clone()));
        }
    }
    Ok(())
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
    fn a_file_that_names_the_run_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Path::new("/cache/tmp/4711-1-configure");
        fs::write(dir.path().join("plan"), "file: curtin.yaml").unwrap();
        let written = [PathBuf::from("plan"), PathBuf::from("gone")];
        stays(dir.path(), &written, scratch).unwrap();
        fs::write(
            dir.path().join("plan"),
            "file: /cache/tmp/4711-1-configure/c",
        )
        .unwrap();
        let error = stays(dir.path(), &written, scratch).unwrap_err();
        assert!(matches!(error, Error::Fleeting(file) if file == written[0]));
    }

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
