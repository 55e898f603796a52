//! The programs under test, built as users get them.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, reproducible};

/// Builds the program under test as users get it, and the agent beside it.
pub(crate) fn build() -> Result<PathBuf> {
    crate::agent::build()?;
    build_program()
}

/// Builds the program alone.
pub(crate) fn build_program() -> Result<PathBuf> {
    let output = cargo()
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "nvmeroot",
            "--message-format=json",
        ])
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", reproducible()?.join("\u{1f}"))
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("building `nvmeroot` failed");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    executable(&messages).context("cargo built no program called `nvmeroot`")
}

/// The program's path in cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = PathBuf::from(message.get("executable")?.as_str()?);
        (path.file_name()? == "nvmeroot").then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_cargos_messages() {
        let messages = "{\"reason\":\"x\",\"executable\":null}\n\
                        {\"executable\":\"/t/release/nvmeroot\"}\n{\"reason\":\"build-finished\"}";
        assert_eq!(
            executable(messages),
            Some(PathBuf::from("/t/release/nvmeroot"))
        );
    }
}
