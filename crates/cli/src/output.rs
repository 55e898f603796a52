//! Everything that the program says leaves through here, and no key with it.

use std::io::{self, ErrorKind, Write};

use anyhow::{Result, anyhow};
use nvmeroot_plan::mask;

/// Data, on standard output. A reader that has closed its end wants no more,
/// which is no error.
///
/// # Errors
/// Standard output can't be written to: its disk is full.
pub(crate) fn data(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = out
        .write_all(mask(text).as_bytes())
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow!("can't write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}

/// Talk, on standard error. Nobody can be told that this fails.
pub(crate) fn talk(text: &str) {
    let _ = io::stderr().write_all(mask(text).as_bytes());
}
