//! `cargo xtask agent`: the initramfs program, as users get it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{cargo, part, target_dir};

/// What the agent is built for. To a static program the GNU C library adds some
/// 800 kB that nothing here calls: locales, a dynamic loader, name resolution.
/// musl's does not.
fn targets() -> [String; 2] {
    ["musl", "gnu"].map(|libc| format!("{}-unknown-linux-{libc}", std::env::consts::ARCH))
}

/// The smaller target where the toolchain has it or can get it.
///
/// Named even on the machine itself: `+crt-static` without a target would hold
/// for procedural macros too, which can't be static. cargo then keeps what it
/// builds in a directory of its own, where `nvmeroot configure` looks.
fn target() -> String {
    let [small, fallback] = targets();
    if has(&small) {
        return small;
    }
    eprintln!("adding the target {small} to the toolchain (`rustup target add`)");
    let added = Command::new("rustup")
        .args(["target", "add", &small])
        .status();
    if added.is_ok_and(|status| status.success()) && has(&small) {
        return small;
    }
    eprintln!("that failed: building for {fallback}, which makes the program half as large again");
    fallback
}

/// The toolchain has the target's standard library.
fn has(target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let found = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .output();
    found.is_ok_and(|found| {
        found.status.success() && Path::new(String::from_utf8_lossy(&found.stdout).trim()).is_dir()
    })
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
            .env(
                "RUSTFLAGS",
                "-C target-feature=+crt-static -C relocation-model=static",
            ),
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
