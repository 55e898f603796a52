//! Initial ramdisks: archives beside each other.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::error::{Context, Error, Result};

/// Joins archives into one initial ramdisk; the kernel wants each to begin at
/// a multiple of four bytes (Documentation/driver-api/early-userspace).
pub(crate) fn join(parts: &[&[u8]], to: &Path) -> Result<()> {
    let mut file = File::create(to).context("create", to)?;
    for part in parts {
        let padding = part.len().next_multiple_of(4) - part.len();
        file.write_all(part)
            .and_then(|()| file.write_all(&[0; 4][..padding]))
            .context("write", to)?;
    }
    Ok(())
}

/// An uncompressed archive of files: name, permissions, content. Their directories
/// must be there already, or come first.
pub(crate) fn archive(files: &[(&str, u32, &[u8])]) -> Result<Vec<u8>> {
    let pack = || -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        for (name, mode, bytes) in files {
            let entry = cpio::newc::Builder::new(name).mode(0o100_000 | mode);
            let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let mut file = entry.write(out, size);
            file.write_all(bytes)?;
            out = file.finish()?;
        }
        cpio::newc::trailer(out)
    };
    pack().map_err(|source| Error::File {
        what: "pack",
        path: Path::new(files.first().map_or("", |file| file.0)).to_owned(),
        source,
    })
}
