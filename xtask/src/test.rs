//! `cargo xtask test`: everything that must hold before a change lands.

use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::arrows;
use crate::shell::{Skipped, cargo, in_ci, is_installed, part, target_dir};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the lab's virtual machines out, and what needs the network
    #[arg(long)]
    fast: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let start = Instant::now();
    part("format", cargo().args(["fmt", "--all", "--check"]))?;
    part(
        "lints",
        cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    eprintln!("── structure");
    arrows::check()?;
    tests(args.fast)?;
    let mut skipped = vec![licences()?];
    if !args.fast {
        // A workspace of its own, which the others' checks don't see.
        part(
            "fuzz targets",
            cargo()
                .args([
                    "check",
                    "--locked",
                    "--quiet",
                    "--manifest-path",
                    "fuzz/Cargo.toml",
                ])
                .args([
                    "--target-dir".as_ref(),
                    target_dir().join("fuzz").as_os_str(),
                ]),
        )?;
        skipped.extend(crate::conformance::run(
            &crate::conformance::Args::default(),
        )?);
        skipped.push(crate::lab::simulation()?);
        skipped.push(crate::lab::run_all()?);
    }
    let skipped: Vec<Skipped> = skipped.into_iter().flatten().collect();
    eprint!("{}", verdict(start.elapsed().as_secs_f64(), &skipped));
    Ok(())
}

/// The last lines.
fn verdict(seconds: f64, skipped: &[Skipped]) -> String {
    let which = if skipped.is_empty() {
        "all passed"
    } else {
        "what ran passed, and not all ran,"
    };
    let mut text = format!("── {which} in {seconds:.0} s\n");
    for one in skipped {
        text.push_str(&format!("{one}\n"));
    }
    text
}

/// They need the lab's kernel: `lab::simulation` runs them.
const MACHINES: &str = "(package(machinesim) & binary(machines))";

/// The real program among all obstacles, and killed at each of its system calls:
/// minutes of processor.
const MINUTES: &str = "(package(nvmeroot) & (binary(hostile) + binary(kill)))";

/// nextest runs the tests of all crates beside each other; where it is not
/// installed, cargo runs them crate by crate.
fn tests(fast: bool) -> Result<()> {
    let mut command = cargo();
    if is_installed("cargo-nextest") {
        // What the profile says of tests that compute and tests that wait is
        // counted in quarters of a processor.
        let processors = std::thread::available_parallelism()?;
        let slots = processors.get() * 4;
        command.args([
            "nextest",
            "run",
            "--workspace",
            "--locked",
            "--no-fail-fast",
            "--profile",
            "xtask",
        ]);
        command.args(["--test-threads", &slots.to_string()]);
        let left_out = if fast {
            format!("{MACHINES} + {MINUTES}")
        } else {
            MACHINES.to_owned()
        };
        command.args(["-E", &format!("not ({left_out})")]);
        command.args(["--status-level", "fail", "--final-status-level", "fail"]);
    } else {
        command.args(["test", "--workspace", "--locked", "--quiet"]);
        command.args(["--exclude", "machinesim"]);
        part(
            "tests of the simulation",
            cargo().args([
                "test",
                "--package",
                "machinesim",
                "--lib",
                "--locked",
                "--quiet",
            ]),
        )?;
    }
    part("tests", &mut command)
}

/// Licences, sources and bans. The advisories' database is on the network, so
/// this leaves it alone: `cargo deny check advisories` is for a machine that
/// reaches it.
fn licences() -> Result<Option<Skipped>> {
    if is_installed("cargo-deny") {
        // The check looks at every platform's dependencies; a build has only ours.
        part(
            "dependencies",
            cargo().args(["fetch", "--locked", "--quiet"]),
        )?;
        part(
            "licences",
            cargo().args([
                "deny",
                "--offline",
                "--locked",
                "check",
                "licenses",
                "bans",
                "sources",
            ]),
        )?;
        return Ok(None);
    }
    let why = anyhow!("`cargo-deny` is not installed\nhint: cargo install --locked cargo-deny");
    if in_ci() {
        return Err(why.context("licences"));
    }
    Ok(Some(Skipped::said("licences", &why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_skipped_is_said_last() {
        assert_eq!(verdict(61.2, &[]), "── all passed in 61 s\n");
        let why = anyhow!("the lab can't run here: no `qemu`\nhint: apt-get install qemu");
        let skipped = [Skipped::said("lab", &why)];
        assert_eq!(
            verdict(61.2, &skipped),
            "── what ran passed, and not all ran, in 61 s\n\
             skipped: lab (the lab can't run here: no `qemu`)\n"
        );
    }
}
