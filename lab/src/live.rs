//! Installed machines with drives of their own, which nobody has configured for a remote
//! root yet: somebody does while they run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, Key, write};
use crate::command::Program;
use crate::error::{Context, Error, Result};
use crate::tree::copy;

/// The label of the drive for `/boot`.
pub(crate) const BOOT_LABEL: &str = "labboot";

const BUILD: &str = include_str!("../guest/build-boot.sh");

/// Where a boot loader finds, on that drive, what it starts: the initramfs, and what the
/// kernel command line says of root.
const INITRD: &str = "initrd.img";
const ROOT_WORDS: &str = "root";

/// What fstab says beside root.
pub(crate) fn fstab() -> String {
    format!("LABEL={BOOT_LABEL} /boot ext4 defaults 0 2\n")
}

/// `key` with what determines the drive beside the tree.
pub(crate) fn key(key: Key) -> Key {
    key.text("live").text(BUILD)
}

/// Puts nvmeroot and its agent into a tree.
pub(crate) fn install(nvmeroot: &Path, upper: &Path) -> Result<()> {
    let to = upper.join("usr/local/bin");
    fs::create_dir_all(&to).context("create", &to)?;
    let program = to.join("nvmeroot");
    // Symbols would only fill the drive.
    let strip = Program::new("strip").arg("-o").arg(&program);
    strip.arg(nvmeroot).output()?;
    let agent = agent(nvmeroot)?;
    copy(&agent, &to.join("nvmeroot-agent"))
}

/// The agent that was built with the program, where `xtask agent` puts it.
fn agent(nvmeroot: &Path) -> Result<PathBuf> {
    let target = nvmeroot.parent().and_then(Path::parent);
    let built = target.map(|dir| {
        let of = |libc: &str| {
            let target = format!("{}-unknown-linux-{libc}", std::env::consts::ARCH);
            dir.join(target).join("agent/nvmeroot-agent")
        };
        ["musl", "gnu"].map(of)
    });
    let mut places = built.into_iter().flatten();
    places
        .find(|place| place.exists())
        .ok_or_else(|| Error::Unavailable {
            reason: format!("there is no agent beside `{}`", nvmeroot.display()),
            hint: "build it with `cargo xtask agent`".to_owned(),
        })
}

/// The drive for `/boot`, with what the tree has there and the initramfs in `dir`.
/// `program` runs one with the tree mounted at `merged`.
pub(crate) fn build(program: Program, merged: &Path, dir: &Path) -> Result<()> {
    let script = dir.join("build-boot.sh");
    write(&script, 0o755, BUILD)?;
    program
        .arg("sh")
        .arg(&script)
        .arg(dir)
        .arg(merged)
        .arg(BOOT_LABEL)
        .run(&dir.join("boot.log"))
}

/// The drives that the machine has, root's first.
pub(crate) fn drives(dir: &Path) -> Vec<PathBuf> {
    ["drive", "boot"].map(|name| dir.join(name)).to_vec()
}

/// A drive with nothing on it, for the target.
pub(crate) fn blank(cache: &Cache) -> Result<PathBuf> {
    let dir = cache.get("blank", "blank", &Key::new("blank 1"), |dir| {
        let drive = dir.join("drive");
        let file = fs::File::create(&drive).context("create", &drive)?;
        file.set_len(1500 << 20).context("enlarge", &drive)
    })?;
    Ok(dir.join("drive"))
}

/// What a boot loader finds on an image of the drive: the initramfs, which goes to `dir`,
/// and what the kernel command line is to say of root.
pub(crate) fn loaded(image: &Path, dir: &Path) -> Result<(PathBuf, String)> {
    let dump = |file: &str, to: &Path| {
        let request = format!("dump /{file} {}", to.display());
        let debugfs = Program::new("debugfs").args(["-R", &request]).arg(image);
        debugfs.output()
    };
    let initrd = dir.join("loaded.initrd");
    dump(INITRD, &initrd)?;
    let words = dir.join("loaded.root");
    dump(ROOT_WORDS, &words)?;
    let words = fs::read_to_string(&words).context("read", &words)?;
    Ok((initrd, words.trim().to_owned()))
}
