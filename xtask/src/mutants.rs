//! `cargo xtask mutants`: whether tests notice when the code does something else.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::shell::{cargo, is_installed, target_dir};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this package
    #[arg(long)]
    package: Option<String>,
    /// Only the k-th of n parts, such as 0/20
    #[arg(long)]
    shard: Option<String>,
}

/// A package, and the files of it that count: all, if none is named.
const PACKAGES: &[(&str, &[&str])] = &[
    ("nvmeroot-plan", &[]),
    (
        "nvmeroot-agent",
        &[
            "crates/agent/src/boot/requirements.rs",
            "crates/agent/src/storage/connect_scheduler.rs",
            "crates/agent/src/storage/fabrics/options.rs",
        ],
    ),
];

/// Mutants that must be caught, of a hundred that can be.
const SHARE: u32 = 85;

/// What cargo-mutants leaves in `outcomes.json`. A test that hangs has noticed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
struct Outcomes {
    caught: u32,
    missed: u32,
    timeout: u32,
    unviable: u32,
}

impl Outcomes {
    /// In hundredths, rounded down; `None` where no mutant can be caught.
    fn share(self) -> Option<u32> {
        let caught = self.caught + self.timeout;
        (caught * 100).checked_div(caught + self.missed)
    }

    fn told(self) -> String {
        let Self {
            caught,
            missed,
            timeout,
            unviable,
        } = self;
        let share = match self.share() {
            Some(share) => format!("{share}% of those that compile"),
            None => "none compiles".to_owned(),
        };
        format!("{caught} caught, {timeout} hung, {missed} missed, {unviable} unviable: {share}")
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    for program in ["cargo-mutants", "cargo-nextest"] {
        if !is_installed(program) {
            bail!("`{program}` is not installed\nhint: cargo install --locked {program}");
        }
    }
    let chosen: Vec<_> = PACKAGES
        .iter()
        .filter(|(name, _)| args.package.as_deref().is_none_or(|only| only == *name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = PACKAGES.iter().map(|(name, _)| *name).collect();
        bail!("mutants are made of {} alone", names.join(" and "));
    }
    let mut few = Vec::new();
    for (name, files) in chosen {
        let outcomes = package(name, files, args.shard.as_deref())?;
        eprintln!("   {name}: {}", outcomes.told());
        if outcomes.share().is_some_and(|share| share < SHARE) {
            few.push(*name);
        }
    }
    if !few.is_empty() {
        bail!(
            "less than {SHARE}% of the mutants are caught: {}\nhint: `missed.txt` below {} names the others",
            few.join(", "),
            target_dir().join("mutants").display()
        );
    }
    Ok(())
}

/// Makes the mutants of a package, and runs the tests within it on each.
fn package(name: &str, files: &[&str], shard: Option<&str>) -> Result<Outcomes> {
    eprintln!("── mutants of {name}");
    let dir = target_dir().join("mutants").join(name);
    fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    let mut command = cargo();
    command.args(["mutants", "--package", name, "--no-shuffle"]);
    command.args(["--test-tool", "nextest", "--minimum-test-timeout", "60"]);
    command.arg("--output").arg(&dir);
    for file in files {
        command.args(["--file", file]);
    }
    if let Some(shard) = shard {
        command.args(["--shard", shard]);
    }
    command.args(["--", "--lib"]);
    let status = command.status().context("can't run cargo-mutants")?;
    // 2: some were missed; 3: some hung.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        bail!("{name}: cargo-mutants ended with {status}");
    }
    read(&dir.join("mutants.out/outcomes.json"))
}

fn read(path: &Path) -> Result<Outcomes> {
    let text = fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_those_that_compile_and_one_that_hangs_is_caught() {
        let text = r#"{"outcomes": [], "total_mutants": 30, "missed": 3, "caught": 15,
                       "timeout": 2, "unviable": 10, "success": 0}"#;
        let outcomes: Outcomes = serde_json::from_str(text).expect("JSON");
        assert_eq!(
            outcomes.told(),
            "15 caught, 2 hung, 3 missed, 10 unviable: 85% of those that compile"
        );
        let fewer = Outcomes {
            caught: 14,
            missed: 4,
            ..outcomes
        };
        assert_eq!(fewer.share(), Some(80));
        assert_eq!(Outcomes::default().share(), None);
    }

    #[test]
    fn the_files_that_count_are_there() {
        for file in PACKAGES.iter().flat_map(|(_, files)| *files) {
            assert!(crate::shell::top().join(file).is_file(), "{file}");
        }
    }
}
