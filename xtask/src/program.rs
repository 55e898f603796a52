//! The programs under test, built as users get them, and those that test them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::shell::{cargo, reproducible, top};

/// Builds the program under test as users get it, and the agent beside it.
pub(crate) fn build() -> Result<PathBuf> {
    crate::agent::build()?;
    build_program()
}

/// Builds the program alone.
pub(crate) fn build_program() -> Result<PathBuf> {
    let said = messages(
        cargo()
            .args(["build", "--release", "--locked", "--package", "nvmeroot"])
            .arg("--message-format=json")
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", reproducible()?.join("\u{1f}")),
        "nvmeroot",
    )?;
    executable(&said).context("cargo built no program called `nvmeroot`")
}

/// What cargo says on its standard output while it builds that; why it fails, it says itself.
fn messages(command: &mut Command, name: &str) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("can't run cargo")?;
    if !output.status.success() {
        bail!("building `{name}` failed");
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The program's path in cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = PathBuf::from(message.get("executable")?.as_str()?);
        (path.file_name()? == "nvmeroot").then_some(path)
    })
}

/// A program of the workspace, chosen by cargo's words and its name. It is built as all tests
/// are: for its package alone cargo chooses other features of its dependencies, and compiles
/// those once more.
pub(crate) fn of_workspace(words: &[&str], name: &str) -> Result<Command> {
    eprintln!("── build `{name}`");
    let said = messages(
        cargo()
            .args(words)
            .args(["--workspace", "--locked", "--quiet"])
            .arg("--message-format=json"),
        name,
    )?;
    let built = said.lines().find_map(|line| {
        let built: Built = serde_json::from_str(line).ok()?;
        (built.target.name == name).then_some(built)
    });
    let built = built.with_context(|| format!("cargo built nothing called `{name}`"))?;
    let mut command = Command::new(built.executable);
    // As cargo starts tests.
    command.current_dir(built.manifest_path.parent().unwrap_or(top()));
    Ok(command)
}

/// What cargo says of a program that it built (The Cargo Book, External tools, Artifact
/// messages).
#[derive(Deserialize)]
struct Built {
    executable: PathBuf,
    manifest_path: PathBuf,
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    name: String,
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
