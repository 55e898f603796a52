//! Drives on which a root stands that is more than a filesystem on one of them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{Key, write};
use crate::command::Program;
use crate::error::{Context, Error, Result};
use crate::host_spec::Under;
use crate::platform::Platform;

const BUILD: &str = include_str!("../guest/build-stack.sh");
const STACK: &str = include_str!("../guest/stack.sh");

/// `key` with all that determines the drives beside what they hold.
pub(crate) fn key(key: Key, under: Under) -> Key {
    key.text(under.name()).text(BUILD).text(STACK)
}

/// Where [`build`] puts them.
pub(crate) fn drives(under: Under, dir: &Path) -> Vec<PathBuf> {
    let names = (0..under.drives()).map(|number| dir.join(format!("drive{number}")));
    names.collect()
}

/// Makes the drives in `dir`, with the files of `content`, in the place of the one that is
/// there. `program` runs one with the host's tree mounted at `merged`.
pub(crate) fn build(
    platform: &Platform,
    program: Program,
    merged: &Path,
    content: &Path,
    under: Under,
    dir: &Path,
) -> Result<()> {
    if platform.library.is_none() {
        let name = under.name();
        return Err(Error::Unavailable {
            reason: format!("a simulated machine makes what root stands on, `{name}`"),
            hint: "run the scenario on simulated machines".to_owned(),
        });
    }
    let plain = dir.join("drive");
    fs::remove_file(&plain).context("remove", &plain)?;
    let (script, init) = (dir.join("build-stack.sh"), dir.join("stack.sh"));
    write(&script, 0o755, BUILD)?;
    write(&init, 0o755, STACK)?;
    program
        .arg("sh")
        .arg(&script)
        .arg(dir)
        .args([merged, content, &platform.kernel])
        .arg(under.name())
        .arg(under.drives().to_string())
        .run(&dir.join("stack.errors"))?;
    fs::remove_file(&init).context("remove", &init)
}
