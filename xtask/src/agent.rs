//! `cargo xtask agent`: the initramfs program, as users get it.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::shell::{cargo, part, target_dir};

/// Named even on the machine itself: `+crt-static` without a target would hold
/// for procedural macros too, which can't be static. cargo then keeps what it
/// builds in a directory of its own, where `nvmeroot configure` looks.
fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// Builds the agent without libraries and returns its path.
pub(crate) fn build() -> Result<PathBuf> {
    let target = target();
    part(
        "build the agent",
        cargo()
            .args(["build", "--locked", "--profile", "agent"])
            .args(["--package", "nvmeroot-agent", "--target", &target])
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", "-C target-feature=+crt-static"),
    )?;
    let program = target_dir().join(target).join("agent/nvmeroot-agent");
    if !program.is_file() {
        bail!("cargo did not put the agent at `{}`", program.display());
    }
    Ok(program)
}

/// Builds it and says where it is.
pub(crate) fn run() -> Result<()> {
    let program = build()?;
    let bytes = std::fs::metadata(&program)?.len();
    println!("{} ({bytes} bytes)", shown(&program).display());
    Ok(())
}

fn shown(path: &Path) -> &Path {
    path.strip_prefix(crate::shell::top()).unwrap_or(path)
}
