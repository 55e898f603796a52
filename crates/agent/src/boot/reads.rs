//! `nvmeroot-agent reads`: asked by whoever makes an initramfs, before a plan of another
//! version's gets there.

use std::process::ExitCode;

use super::sources;
use crate::sys::paths::Paths;

/// Exit status 0 when this program can carry the installed plan out; else 1, and why on
/// standard error.
pub fn reads(paths: &Paths) -> ExitCode {
    match sources::text(paths).and_then(|text| sources::installed(&text, paths)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("nvmeroot: {e}");
            ExitCode::FAILURE
        }
    }
}
