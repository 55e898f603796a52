//! `cargo xtask test`: everything that must hold before a change lands.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::arrows;
use crate::shell::{cargo, in_ci, is_installed, part, target_dir};

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
    licences()?;
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
        crate::conformance::run(&crate::conformance::Args::default())?;
        crate::lab::simulation()?;
        crate::lab::run_all()?;
    }
    eprintln!("── all passed in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
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
fn licences() -> Result<()> {
    if is_installed("cargo-deny") {
        // The check looks at every platform's dependencies; a build has only ours.
        part(
            "dependencies",
            cargo().args(["fetch", "--locked", "--quiet"]),
        )?;
        return part(
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
        );
    }
    if in_ci() {
        bail!("licences: `cargo-deny` is not installed\nhint: cargo install --locked cargo-deny");
    }
    eprintln!("── licences: skipped, `cargo-deny` is not installed");
    Ok(())
}
