//! `cargo xtask agent`: the initramfs program, as users get it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, part, reproducible, target_dir, top};

/// What the agent is built for. To a static program the GNU C library adds some
/// 800 kB that nothing here calls: locales, a dynamic loader, name resolution.
/// musl's does not.
fn targets() -> [String; 2] {
    ["musl", "gnu"].map(|libc| format!("{}-unknown-linux-{libc}", std::env::consts::ARCH))
}

/// What the other program is built for.
pub(crate) fn host() -> String {
    let [_, gnu] = targets();
    gnu
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
    eprintln!(
        "that failed: building for {fallback}, which makes the program nearly twice as large"
    );
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

/// A program without libraries and at a fixed address; nobody unwinds its stack.
const STATIC: [&str; 3] = [
    "-Ctarget-feature=+crt-static",
    "-Crelocation-model=static",
    "-Cforce-unwind-tables=no",
];

/// What makes it smaller where the linker can do it: the standard library's
/// unwinding tables are left out by a script beside the linker's own. Of names
/// defined twice the first counts: should a later standard library ask for more
/// of the unwinder than the agent replaces, what it replaces stays.
fn smaller() -> [String; 3] {
    let script = top().join("crates/agent/initramfs.ld");
    [
        format!("-Clink-arg=-Wl,-T,{}", script.display()),
        "-Clink-arg=-Wl,-z,muldefs".to_owned(),
        "-Clink-arg=-Wl,--build-id=none".to_owned(),
    ]
}

/// Builds the agent without libraries and returns its path.
pub(crate) fn build() -> Result<PathBuf> {
    let target = target();
    let program = target_dir().join(&target).join("agent/nvmeroot-agent");
    let build = |flags: &[String]| {
        part(
            "build the agent",
            cargo()
                .args(["build", "--locked", "--profile", "agent"])
                .args(["--package", "nvmeroot-agent", "--target", &target])
                .env_remove("RUSTFLAGS")
                .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")),
        )?;
        works(&program)
    };
    let plain = [&STATIC.map(str::to_owned)[..], &reproducible()?].concat();
    let small = [&plain[..], &smaller()].concat();
    if let Err(e) = build(&small) {
        eprintln!("{e:#}\nthat failed: building it as the linker does by itself, a tenth larger");
        build(&plain)?;
    }
    Ok(program)
}

/// The program is there and runs.
fn works(program: &Path) -> Result<()> {
    let status = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("can't run the agent at `{}`", program.display()))?;
    if !status.success() {
        bail!("the agent at `{}` ended with {status}", program.display());
    }
    Ok(())
}

/// Builds it and says where it is.
pub(crate) fn run() -> Result<()> {
    let program = build()?;
    let bytes = std::fs::metadata(&program)?.len();
    println!("{} ({bytes} bytes)", shown(&program).display());
    Ok(())
}

fn shown(path: &Path) -> &Path {
    path.strip_prefix(top()).unwrap_or(path)
}
