//! `nvmeroot-agent reads`: asked by whoever makes an initramfs, before a plan of another
//! version's gets there.

use std::process::ExitCode;

use super::error::StartError;
use super::sources;
use crate::sys::paths::Paths;

/// Exit status 0 when this program can carry the installed plan out; else 1, and why on
/// standard error.
pub fn reads(paths: &Paths) -> ExitCode {
    let plan = std::fs::read(&paths.plan).map_err(|source| StartError::Read {
        path: paths.plan.clone(),
        source,
    });
    match plan.and_then(|text| sources::installed(&text, paths)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("nvmeroot: {e}");
            ExitCode::FAILURE
        }
    }
}
