//! What this machine must have so that the lab can run.

use std::env;
use std::path::Path;

use crate::command::Program;
use crate::error::{Error, Result};

/// A program that the lab starts, and the Debian package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("bc", "bc"),
    ("bison", "bison"),
    ("cc", "gcc"),
    ("chroot", "coreutils"),
    ("cpio", "cpio"),
    ("dh", "debhelper"),
    ("dpkg-buildpackage", "dpkg-dev"),
    ("dpkg-deb", "dpkg"),
    ("flex", "flex"),
    ("make", "make"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mount", "mount"),
    ("mmdebstrap", "mmdebstrap"),
    ("modprobe", "kmod"),
    ("perl", "perl"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("setpriv", "util-linux"),
    ("strip", "binutils"),
    ("unshare", "util-linux"),
    ("xz", "xz-utils"),
    ("zstd", "zstd"),
];

/// Files that it reads: the key that signs the archive, and what the kernel's
/// build includes.
const FILES: &[(&str, &str)] = &[
    (ARCHIVE_KEYRING, "debian-archive-keyring"),
    ("/usr/include/libelf.h", "libelf-dev"),
];

/// Where `debian-archive-keyring` has it.
pub(crate) const ARCHIVE_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What is missing on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Missing programs.
    pub programs: Vec<String>,
    /// The Debian packages that bring them, sorted, each once.
    pub packages: Vec<String>,
}

/// The programs that `PATH` lacks, with their packages.
pub fn missing() -> Missing {
    let path = env::var_os("PATH").unwrap_or_default();
    let has = |program: &str| {
        // Administrators' programs are used even where PATH leaves them out.
        env::split_paths(&path)
            .chain(["/usr/sbin", "/sbin"].map(Into::into))
            .any(|dir| dir.join(program).is_file())
    };
    let mut missing = Missing {
        programs: Vec::new(),
        packages: Vec::new(),
    };
    let files = FILES.iter().copied();
    let files = files.filter(|(path, _)| !Path::new(path).exists());
    let absent = PROGRAMS
        .iter()
        .copied()
        .filter(|(program, _)| !has(program));
    for (program, package) in absent.chain(files) {
        missing.programs.push(program.to_owned());
        missing.packages.push(package.to_owned());
    }
    missing.packages.sort();
    missing.packages.dedup();
    missing
}

/// Installs the missing packages with apt-get; `say` is told which before it
/// happens.
///
/// # Errors
/// [`Error::Unavailable`] when not root, [`Error::Command`] when apt-get fails.
pub fn install(missing: &Missing, log: &Path, say: &dyn Fn(&str)) -> Result<()> {
    if missing.packages.is_empty() {
        return Ok(());
    }
    require_root()?;
    let names = missing.packages.join(" ");
    say(&format!("installing with apt-get: {names}"));
    let apt = || {
        Program::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-q", "-y", "--no-install-recommends"])
    };
    let install = || apt().arg("install").args(&missing.packages).run(log);
    // A fresh machine has no package lists yet.
    install().or_else(|_| {
        apt().arg("update").run(log)?;
        install()
    })
}

/// Whether the lab can run here.
///
/// # Errors
/// [`Error::Unavailable`] with the first reason why it can't.
pub fn check() -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Error::Unavailable {
            reason: "its machines are x86-64 and need a Linux to be built on".to_owned(),
            hint: "run it on x86-64 Linux".to_owned(),
        });
    }
    require_root()?;
    let missing = missing();
    if missing.packages.is_empty() {
        return Ok(());
    }
    Err(Error::Unavailable {
        reason: format!("no `{}`", missing.programs.join("`, `")),
        hint: format!("apt-get install {}", missing.packages.join(" ")),
    })
}

fn require_root() -> Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(Error::Unavailable {
        reason: "it mounts file systems and makes device nodes, and you are not root".to_owned(),
        hint: "run it with sudo".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_come_once_and_sorted() {
        let found = missing();
        let mut sorted = found.packages.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(found.packages, sorted);
        assert!(found.programs.len() >= found.packages.len());
    }
}
