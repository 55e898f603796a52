//! `cargo xtask dist`: the Debian package.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::agent;
use crate::program::of_workspace;
use crate::shell::{cargo, is_installed, part, target_dir, top};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Lay out the package's files in this directory, and make no package
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Build it a second time in another place, and compare
    #[arg(long, conflicts_with = "files")]
    twice: bool,
    /// Have lintian look at it; one that complains is an error
    #[arg(long, conflicts_with = "files")]
    lintian: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(directory) = &args.files {
        return lay_out(directory);
    }
    let package = package()?;
    println!("{}", package.display());
    if args.lintian {
        lint(&package)?;
    }
    if args.twice {
        let again = packed("dist-again", Builder::Copy)?;
        if fs::read(&package)? != fs::read(&again)? {
            bail!(
                "`{}` and `{}` differ\nhint: `diffoscope` says in what",
                package.display(),
                again.display()
            );
        }
        println!("the second build has the same bytes");
    }
    Ok(())
}

/// Makes the package, and says where it is.
pub(crate) fn package() -> Result<PathBuf> {
    for program in ["dpkg-buildpackage", "dh"] {
        if !is_installed(program) {
            bail!("`{program}` is not there\nhint: `apt-get install dpkg-dev debhelper`");
        }
    }
    packed("dist", Builder::Checkout)
}

/// Where the programs are built.
enum Builder {
    /// Here, where tests and users have built them already.
    Checkout,
    /// In the copy that becomes the package, from nothing, as a distribution does.
    Copy,
}

/// The package is put together in a copy of the files that git knows: dpkg's programs
/// write beside what they read.
fn packed(name: &str, builder: Builder) -> Result<PathBuf> {
    let place = target_dir().join(name);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    let source = place.join("nvmeroot");
    fs::create_dir_all(&source)?;
    copy_to(&source)?;
    if matches!(builder, Builder::Checkout) {
        lay_out(&source.join("debian/built"))?;
    }
    part(
        "make the package",
        Command::new("dpkg-buildpackage")
            .current_dir(&source)
            // cargo may be rustup's, which dpkg does not know.
            .args(["--build=binary", "--no-sign", "--no-check-builddeps"])
            .arg("--no-pre-clean")
            .env("DH_QUIET", "1")
            .stdout(Stdio::null())
            // cargo would take the one's programs for the other's, and those of the
            // tests know where they were built.
            .env("CARGO_TARGET_DIR", place.join("target")),
    )?;
    for built in ["nvmeroot", "target"] {
        let path = place.join(built);
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
    }
    entries(&place)?
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .with_context(|| {
            format!(
                "`dpkg-buildpackage` left no package in `{}`",
                place.display()
            )
        })
}

/// What a directory holds; nothing where there is none.
fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    fs::read_dir(directory)?
        .map(|entry| Ok(entry?.path()))
        .collect()
}

/// The files that git knows, as they are now.
fn copy_to(directory: &Path) -> Result<()> {
    let listed = Command::new("git")
        .current_dir(top())
        .args(["ls-files", "-z"])
        .output()
        .context("can't run git")?;
    if !listed.status.success() {
        bail!("`git ls-files` ended with {}", listed.status);
    }
    let names = String::from_utf8(listed.stdout)?;
    for name in names.split_terminator('\0') {
        let from = top().join(name);
        // One that was deleted and not committed yet.
        let Ok(found) = from.symlink_metadata() else {
            continue;
        };
        let to = directory.join(name);
        if let Some(above) = to.parent() {
            fs::create_dir_all(above)?;
        }
        let copied = match found.is_symlink() {
            true => fs::read_link(&from).and_then(|target| symlink(target, &to)),
            false => fs::copy(&from, &to).map(drop),
        };
        copied.with_context(|| format!("can't copy `{name}`"))?;
    }
    Ok(())
}

/// Programs, manual pages, completions, hooks, and what they are made of.
fn lay_out(directory: &Path) -> Result<()> {
    put(
        &crate::program::build_program()?,
        &directory.join("usr/sbin/nvmeroot"),
    )?;
    let agent = agent::build()?;
    put(&agent, &directory.join("usr/lib/nvmeroot/nvmeroot-agent"))?;
    part(
        "write manual pages, completions and hooks",
        of_workspace(&["build", "--example", "package_files"], "package_files")?
            .arg(std::path::absolute(directory)?),
    )?;
    let crates = directory.join("usr/share/doc/nvmeroot/crates.txt");
    fs::create_dir_all(crates.parent().unwrap_or(directory))?;
    Ok(fs::write(crates, crates_txt()?)?)
}

fn put(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::copy(from, to).with_context(|| format!("can't copy `{}`", from.display()))?;
    Ok(())
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    authors: Vec<String>,
}

/// The crates that the programs may contain, and their licences.
fn crates_txt() -> Result<String> {
    // Of other platforms a distribution's builder has nothing, and may fetch nothing.
    let platform = format!("--filter-platform={}", agent::host());
    let arguments = ["metadata", "--locked", "--format-version=1", &platform];
    let metadata: Metadata = serde_json::from_slice(&said_by_cargo(&arguments)?)?;
    let used = used()?;
    let mut lines: Vec<String> = metadata
        .packages
        .iter()
        .filter(|one| one.source.is_some() && used.contains(&one.name))
        .map(|one| {
            let license = one.license.as_deref().unwrap_or("see its source");
            format!(
                "{} {}: {license} ({})\n",
                one.name,
                one.version,
                one.authors.join(", ")
            )
        })
        .collect();
    lines.sort_unstable();
    Ok(lines.concat())
}

/// The names of the crates that the two programs are built of.
fn used() -> Result<std::collections::BTreeSet<String>> {
    let names = said_by_cargo(&[
        "tree",
        "--locked",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
        "--package=nvmeroot",
        "--package=nvmeroot-agent",
    ])?;
    let names = String::from_utf8(names)?;
    let names = names.lines().filter_map(|line| line.split(' ').next());
    Ok(names.map(str::to_owned).collect())
}

/// What cargo prints; why it fails, it says itself.
fn said_by_cargo(arguments: &[&str]) -> Result<Vec<u8>> {
    let mut command = cargo();
    command.args(arguments).stderr(Stdio::inherit());
    let output = command.output()?;
    if !output.status.success() {
        bail!("`cargo {}` ended with {}", arguments[0], output.status);
    }
    Ok(output.stdout)
}

fn lint(package: &Path) -> Result<()> {
    if !is_installed("lintian") {
        bail!("`lintian` is not there\nhint: `apt-get install lintian`");
    }
    part(
        "lintian",
        Command::new("lintian")
            .args(["--fail-on", "error,warning", "--display-info"])
            .arg(package),
    )
}
