//! The reader of the firmware's boot table against libnvme's samples.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::source::{From, found};
use crate::program::of_workspace;
use crate::shell::{Skipped, part};

/// Further directories of samples, colons between: each with `tables`, `diffs`
/// and `tables_bad`.
const SAMPLES: &str = "NVMEROOT_NBFT_SAMPLES";

/// libnvme's own packages, and where these have its samples. It makes them for Python's
/// index of each release; Debian's archive has its source only as long as a release of
/// Debian does.
const PACKAGES: [(&str, &str); 2] = [
    ("libnvme", "source/test/nbft"),
    ("libnvme3", "source/libnvme/tests/nbft"),
];

/// Takes what the environment names, and libnvme's own. A package that is not to be had is
/// no failure; one without samples is.
pub(super) fn run(anew: bool) -> Result<Option<Skipped>> {
    let mut samples: Vec<PathBuf> = env::var_os(SAMPLES)
        .map(|all| env::split_paths(&all).collect())
        .unwrap_or_default();
    let mut absent = None;
    for (package, place) in PACKAGES {
        match found(package, From::PythonIndex, &["pip3", "tar"], anew) {
            Ok(source) => {
                let samples_of = source.dir.join(place);
                if !samples_of.join("tables").is_dir() {
                    bail!("{package} {} has no samples in `{place}`", source.version);
                }
                eprintln!("   {package} {} there", source.version);
                samples.push(samples_of);
            }
            Err(why) => {
                eprintln!("   {package}'s samples are left out: {why:#}");
                absent = Some(why);
            }
        }
    }
    if let (true, Some(why)) = (samples.is_empty(), absent) {
        eprintln!("   hint: name libnvme's directory of samples in {SAMPLES}");
        return Ok(Some(Skipped::said("boot tables", &why)));
    }
    part(
        "boot tables",
        of_workspace(&["test", "--no-run", "--test", "libnvme"], "libnvme")?
            .args(["--quiet", "--include-ignored", "--nocapture"])
            .env(SAMPLES, env::join_paths(samples)?),
    )?;
    Ok(None)
}
