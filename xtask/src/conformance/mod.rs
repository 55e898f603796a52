//! `cargo xtask conformance`: the reader of netplan's YAML against netplan's
//! own examples, tests and reference, and the reader of the firmware's boot
//! table against libnvme's samples. All are used where they are: nothing of
//! them is in this repository.

mod nbft;
mod source;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use self::source::{From, Source, found};
use crate::program::of_workspace;
use crate::shell::{Skipped, in_ci, part};

/// Arguments of `cargo xtask conformance`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Get the sources again
    #[arg(long)]
    fetch: bool,
}

/// Runs netplan's generator tests with a generator that takes notes.
const RECORDER: &str = include_str!("record.py");

/// Runs both; where a source is not to be had, its part is skipped, and for
/// netplan's that is a failure under `CI=true`.
pub(crate) fn run(args: &Args) -> Result<[Option<Skipped>; 2]> {
    Ok([netplan(args)?, nbft::run(args.fetch)?])
}

fn netplan(args: &Args) -> Result<Option<Skipped>> {
    let start = Instant::now();
    let source = match found(
        "netplan.io",
        From::Archive,
        &["apt-get", "tar", "python3"],
        args.fetch,
    ) {
        Ok(source) => source,
        Err(why) if in_ci() => return Err(why),
        Err(why) => return Ok(Some(Skipped::said("conformance", &why))),
    };
    let Source { version, dir } = &source;
    record(dir).context("netplan's tests can't be run")?;
    eprintln!(
        "   netplan {version} there after {:.1} s",
        start.elapsed().as_secs_f64()
    );
    part(
        "conformance",
        of_workspace(&["test", "--no-run", "--lib"], "nvmeroot_intake")?
            .args(["conformance", "--quiet"])
            .args(["--include-ignored", "--nocapture"])
            .env("NVMEROOT_NETPLAN_SOURCE", dir),
    )?;
    Ok(None)
}

/// Writes `snippets.json`: what netplan's generator tests give the generator.
fn record(dir: &Path) -> Result<()> {
    let output = Command::new("python3")
        // Neither this machine's packages nor files beside the source.
        .args(["-I", "-B", "-c", RECORDER])
        .arg(dir.join("source"))
        .output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    fs::write(dir.join("snippets.json"), output.stdout)?;
    Ok(())
}
