//! Trees that never change, with a layer of its own on top for what does.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::write;
use crate::command::Program;
use crate::error::{Context, Result};

const CONFIGURE: &str = include_str!("../guest/configure.sh");

/// Cached trees with a layer on top.
pub(crate) struct Overlay {
    lower: OsString,
    pub(crate) upper: PathBuf,
    work: PathBuf,
    pub(crate) merged: PathBuf,
    script: PathBuf,
}

impl Overlay {
    /// On `layers`, of which the first lies on top
    /// (Documentation/filesystems/overlayfs.rst); its own one is below `scratch`.
    pub(crate) fn new<'a>(
        layers: impl IntoIterator<Item = &'a Path>,
        scratch: &Path,
    ) -> Result<Self> {
        let mut lower = OsString::new();
        for layer in layers {
            if !lower.is_empty() {
                lower.push(":");
            }
            lower.push(layer);
        }
        let overlay = Overlay {
            lower,
            upper: scratch.join("upper"),
            work: scratch.join("work"),
            merged: scratch.join("merged"),
            script: scratch.join("configure.sh"),
        };
        for dir in [&overlay.upper, &overlay.work, &overlay.merged] {
            fs::create_dir_all(dir).context("create", dir)?;
        }
        write(&overlay.script, 0o755, CONFIGURE)?;
        Ok(overlay)
    }

    /// A program to be run with the merged tree mounted; its name and
    /// arguments are to be added.
    pub(crate) fn program(&self) -> Program {
        Program::new("unshare")
            .args(["--mount", "--propagation", "private", "sh"])
            .arg(&self.script)
            .arg(&self.lower)
            .args([&self.upper, &self.work, &self.merged])
    }
}
