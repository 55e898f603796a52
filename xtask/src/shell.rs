//! Running other programs and saying so.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The top of the checkout.
pub(crate) fn top() -> &'static Path {
    // xtask lies in the workspace's top directory.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(top());
    command
}

/// What the compiler is told so that a program does not tell where it was built.
pub(crate) fn reproducible() -> Result<Vec<String>> {
    let home = std::env::var_os("CARGO_HOME").map_or_else(
        || std::env::home_dir().map(|home| home.join(".cargo")),
        |home| Some(PathBuf::from(home)),
    );
    let home = home.context("cargo has no home directory")?;
    let remap = |from: &Path, to| format!("--remap-path-prefix={}={to}", from.display());
    Ok(vec![remap(&home, "/cargo"), remap(top(), "/nvmeroot")])
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| top().join("target"), |dir| top().join(dir))
}

/// Runs one named part and says how it went.
pub(crate) fn part(name: &str, command: &mut Command) -> Result<()> {
    eprintln!("── {name}");
    let start = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("can't run {command:?}"))?;
    if !status.success() {
        bail!("{name}: {command:?} ended with {status}");
    }
    eprintln!(
        "   {name}: passed in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A program of that name is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// A check that was not made, and why not: for the end of the output, where nobody
/// overlooks it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    what: &'static str,
    why: String,
}

impl Skipped {
    /// Says so at once.
    pub(crate) fn said(what: &'static str, why: &anyhow::Error) -> Skipped {
        let why = format!("{why:#}");
        eprintln!("── {what}: skipped, {why}");
        Skipped { what, why }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What to do about it was said.
        let why = self.why.lines().next().unwrap_or_default();
        write!(f, "skipped: {} ({why})", self.what)
    }
}

/// Checks that can't be made are faults where nobody would notice.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|v| v == "true")
}
