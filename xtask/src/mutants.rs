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

struct Package {
    name: &'static str,
    /// The files of it that count: all, if none is named.
    files: &'static [&'static str],
    /// Tests that take longer than all others. They run on the mutants that
    /// the others miss.
    slow: &'static [&'static str],
}

const PACKAGES: &[Package] = &[
    Package {
        name: "nvmeroot-plan",
        files: &[],
        slow: &[
            "what_grows_with_a_product",
            "planning_grows_with",
            "a_chain_of_a_hundred_thousand",
            "planning_again_decides",
        ],
    },
    Package {
        name: "nvmeroot-agent",
        files: &[
            "crates/agent/src/boot/requirements.rs",
            "crates/agent/src/storage/connect_scheduler.rs",
            "crates/agent/src/storage/fabrics/options.rs",
        ],
        slow: &[],
    },
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

    /// With those that were missed tried once more by more tests. Which were
    /// caught is known then; one that hung is tried again.
    fn then(self, again: Self) -> Self {
        Self {
            caught: self.caught + again.caught,
            unviable: self.unviable + again.unviable,
            ..again
        }
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
    if !is_installed("cargo-mutants") {
        bail!("`cargo-mutants` is not installed\nhint: cargo install --locked cargo-mutants");
    }
    let chosen: Vec<_> = PACKAGES
        .iter()
        .filter(|one| args.package.as_deref().is_none_or(|only| only == one.name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = PACKAGES.iter().map(|one| one.name).collect();
        bail!("mutants are made of {} alone", names.join(" and "));
    }
    let mut few = Vec::new();
    for package in chosen {
        let name = package.name;
        eprintln!("── mutants of {name}");
        let shard = args.shard.as_deref();
        // cargo-mutants cuts shards from those that are left, and they'd be others.
        let is_in_two = shard.is_none() && !package.slow.is_empty();
        let first = if is_in_two { Turn::Quick } else { Turn::All };
        let mut outcomes = test(package, shard, first)?;
        if is_in_two && outcomes.missed > 0 {
            eprintln!("── those that were missed, with the slow tests");
            outcomes = outcomes.then(test(package, shard, Turn::Missed)?);
        }
        eprintln!("   {name}: {}", outcomes.told());
        if outcomes.share().is_some_and(|share| share < SHARE) {
            few.push(name);
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

/// Which tests run on which mutants.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    All,
    /// All but the slow tests.
    Quick,
    /// All tests, on the mutants that the last turn did not catch.
    Missed,
}

/// Makes the mutants of a package, and runs its own tests on each. A process for
/// each test, as nextest has it, would take longer than most of these tests.
fn test(package: &Package, shard: Option<&str>, turn: Turn) -> Result<Outcomes> {
    let name = package.name;
    let dir = target_dir().join("mutants").join(name);
    fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    let mut command = cargo();
    command.args(["mutants", "--package", name, "--no-shuffle"]);
    command.args(["--test-tool", "cargo", "--minimum-test-timeout", "60"]);
    command.arg("--output").arg(&dir);
    for file in package.files {
        command.args(["--file", file]);
    }
    if let Some(shard) = shard {
        command.args(["--shard", shard]);
    }
    if turn == Turn::Missed {
        command.arg("--iterate");
    }
    // Else cargo compiles the library twice, the second time without its tests.
    command.arg("--cargo-arg=--lib");
    if turn == Turn::Quick {
        command.args(["--", "--"]);
        for slow in package.slow {
            command.args(["--skip", slow]);
        }
    }
    // Nobody debugs a mutant.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
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

        // Of the three that were missed one is caught by the slow tests, of the
        // two that hung one is caught now.
        let again = Outcomes {
            caught: 2,
            missed: 2,
            timeout: 1,
            unviable: 0,
        };
        assert_eq!(
            outcomes.then(again).told(),
            "17 caught, 1 hung, 2 missed, 10 unviable: 90% of those that compile"
        );
    }

    #[test]
    fn the_files_that_count_are_there() {
        for file in PACKAGES.iter().flat_map(|one| one.files) {
            assert!(crate::shell::top().join(file).is_file(), "{file}");
        }
    }
}
