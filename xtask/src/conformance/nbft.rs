//! The reader of the firmware's boot table against libnvme's samples.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::source::found;
use crate::shell::{Skipped, cargo, part};

/// Further directories of samples, colons between: each with `tables`, `diffs`
/// and `tables_bad`.
const SAMPLES: &str = "NVMEROOT_NBFT_SAMPLES";

/// Where libnvme has its samples.
const PLACE: &str = "source/test/nbft";

/// Takes what the environment names, and libnvme's own from the archive. An
/// archive without libnvme's source is no failure; a source without samples is.
pub(super) fn run(anew: bool) -> Result<Option<Skipped>> {
    let mut samples: Vec<PathBuf> = env::var_os(SAMPLES)
        .map(|all| env::split_paths(&all).collect())
        .unwrap_or_default();
    match found("libnvme", &["apt-get", "tar"], anew) {
        Ok(source) => {
            let place = source.dir.join(PLACE);
            if !place.join("tables").is_dir() {
                bail!("libnvme {} has no samples in `{PLACE}`", source.version);
            }
            eprintln!("   libnvme {} there", source.version);
            samples.push(place);
        }
        Err(why) if samples.is_empty() => {
            let skipped = Skipped::said("boot tables", &why);
            eprintln!("   hint: name libnvme's test/nbft in {SAMPLES}");
            return Ok(Some(skipped));
        }
        Err(why) => eprintln!("   libnvme's own samples are left out: {why:#}"),
    }
    part(
        "boot tables",
        cargo()
            .args(["test", "--locked", "--quiet"])
            .args(["--package", "nvmeroot-nbft", "--test", "libnvme"])
            .args(["--", "--include-ignored", "--nocapture"])
            .env(SAMPLES, env::join_paths(samples)?),
    )?;
    Ok(None)
}
