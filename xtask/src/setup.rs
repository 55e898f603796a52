//! `cargo xtask setup`: what the checks and the lab need from the distribution.

use anyhow::Result;
use nvmeroot_lab::requirements;

use crate::shell::is_installed;

/// Installs what is missing, and says what.
pub(crate) fn run() -> Result<()> {
    let mut missing = requirements::missing();
    if !is_installed("c++") {
        // libFuzzer is C++.
        missing.programs.push("c++".to_owned());
        missing.packages.push("g++".to_owned());
    }
    if missing.packages.is_empty() {
        eprintln!("setup: everything is there");
        return Ok(());
    }
    let log = std::env::temp_dir().join("nvmeroot-setup.log");
    requirements::install(&missing, &log, &|text| eprintln!("setup: {text}"))?;
    Ok(())
}
