//! A package's source, from the archive that this machine's apt uses or from Python's index.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use nvmeroot_lab::archive::{self, Apt};

use crate::shell::{is_installed, target_dir};

/// An unpacked source, in the directory `source` of `dir`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) version: String,
    pub(super) dir: PathBuf,
}

/// Who has a package's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Debian's archive, by apt.
    Archive,
    /// Python's package index, by pip.
    PythonIndex,
}

/// A package's source, with the programs that its part needs.
pub(super) fn found(package: &str, from: From, programs: &[&str], anew: bool) -> Result<Source> {
    for program in programs {
        if !is_installed(program) {
            bail!("`{program}` is not installed\nhint: cargo xtask setup");
        }
    }
    let dir = target_dir().join("conformance");
    fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    get(package, from, &dir, anew)
}

/// What lies below `dir`, from an earlier run or from where it is had.
fn get(package: &str, from: From, dir: &Path, anew: bool) -> Result<Source> {
    let kept = kept(package, dir)?;
    if let (Some(source), false) = (kept, anew) {
        return Ok(source);
    }
    let scratch = tempfile::tempdir_in(dir)?;
    let (version, unpacked) = fetch(package, from, scratch.path())?;
    // A package of one version is one content: the archive never changes it.
    let dir = dir.join(format!("{package}_{version}"));
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    // Whole or not at all.
    fs::rename(&unpacked, &dir).with_context(|| dir.display().to_string())?;
    Ok(Source { version, dir })
}

/// The newest that an earlier run left.
fn kept(package: &str, dir: &Path) -> Result<Option<Source>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir)? {
        let dir = entry?.path();
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        if let Some(version) = name.strip_prefix(&format!("{package}_")) {
            let version = version.to_owned();
            all.push((fs::metadata(&dir)?.modified()?, Source { version, dir }));
        }
    }
    let newest = all.into_iter().max_by_key(|(time, _)| *time);
    Ok(newest.map(|(_, source)| source))
}

/// The version, and a directory with the unpacked source in `source`.
fn fetch(package: &str, from: From, scratch: &Path) -> Result<(String, PathBuf)> {
    let whose = match from {
        From::Archive => "the archive",
        From::PythonIndex => "Python's index",
    };
    eprintln!("── {package}: from {whose}");
    let download = scratch.join("download");
    let unpacked = scratch.join("unpacked");
    for dir in [&download, &unpacked.join("source")] {
        fs::create_dir_all(dir)?;
    }
    match from {
        From::Archive => {
            let apt = Apt::new(&scratch.join("apt"), "deb-src", archive::SUITE)?;
            apt.get(&download, &["source", "--download-only", package])?;
        }
        From::PythonIndex => by_pip(package, &scratch.join("stub"), &download)?,
    }
    let names: Vec<String> = fs::read_dir(&download)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    let parts = match from {
        From::Archive => parts(package, &names),
        From::PythonIndex => sdist(package, &names),
    };
    let Some((version, original)) = parts else {
        bail!(
            "`{package}` has no source as it is known: {}",
            names.join(", ")
        );
    };
    // Debian's patches concern the programs, not the texts.
    quietly(
        Command::new("tar")
            .args(["--extract", "--strip-components=1", "--file"])
            .arg(download.join(original))
            .arg("--directory")
            .arg(unpacked.join("source")),
    )?;
    Ok((version.to_owned(), unpacked))
}

/// The version by the `.dsc`, and the archive of the original source.
fn parts<'n>(package: &str, names: &'n [String]) -> Option<(&'n str, &'n str)> {
    let version = names.iter().find_map(|name| {
        let name = name.strip_prefix(package)?.strip_prefix('_')?;
        name.strip_suffix(".dsc")
    })?;
    let is_original = |name: &&String| name.contains(".orig.tar.") && !name.ends_with(".asc");
    Some((version, names.iter().find(is_original)?))
}

/// In the place of the packages' build system, which would want compilers.
const STUB: &str = include_str!("mesonpy.py");

/// Leaves the newest source package in `download`.
fn by_pip(package: &str, stub: &Path, download: &Path) -> Result<()> {
    fs::create_dir_all(stub)?;
    fs::write(stub.join("mesonpy.py"), STUB)?;
    quietly(
        Command::new("pip3")
            .args(["download", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--no-build-isolation", "--no-binary", ":all:"])
            .arg("--dest")
            .arg(download)
            .arg(package)
            .env("PYTHONPATH", stub),
    )
}

/// The version of a Python source package, and its file.
fn sdist<'n>(package: &str, names: &'n [String]) -> Option<(&'n str, &'n str)> {
    names.iter().find_map(|name| {
        let version = name.strip_prefix(package)?.strip_prefix('-')?;
        Some((version.strip_suffix(".tar.gz")?, name.as_str()))
    })
}

/// Runs a program whose output matters only when it fails.
fn quietly(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("can't run {command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}: {}", output.status, said.trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_and_the_original_are_found_by_their_names() {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let all = names(&[
            "netplan.io_1.1.2.orig.tar.gz.asc",
            "netplan.io_1.1.2-7.debian.tar.xz",
            "netplan.io_1.1.2-7.dsc",
            "netplan.io_1.1.2.orig.tar.gz",
        ]);
        assert_eq!(
            parts("netplan.io", &all),
            Some(("1.1.2-7", "netplan.io_1.1.2.orig.tar.gz"))
        );
        assert_eq!(
            parts("netplan.io", &names(&["netplan.io_1.1.2-7.dsc"])),
            None
        );
        let all = names(&["libnvme3-3.1.tar.gz"]);
        assert_eq!(
            sdist("libnvme3", &all),
            Some(("3.1", "libnvme3-3.1.tar.gz"))
        );
        assert_eq!(sdist("libnvme", &all), None);
    }

    #[test]
    fn what_an_earlier_run_left_is_found_again() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(kept("netplan.io", dir.path()).expect("a directory"), None);
        let own = dir.path().join("netplan.io_1.1.2-7");
        fs::create_dir(&own).expect("a directory");
        fs::create_dir(dir.path().join(".tmpabc")).expect("a directory");
        let found = kept("netplan.io", dir.path())
            .expect("a directory")
            .expect("a source");
        assert_eq!((found.version.as_str(), found.dir), ("1.1.2-7", own));
    }
}
