//! What `netplan generate` makes of the configurations: run outside the
//! machines, in the same Debian tree. Under emulation it takes seconds each
//! time, and it looks at nothing but the text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::cache::{remove, write};
use crate::error::{Context, Result};
use crate::lab::Lab;
use crate::overlay::Overlay;

const GENERATE: &str = include_str!("../../guest/netplan-generate.sh");

/// Where systemd-networkd and udev look for what netplan wrote.
const DIRECTORIES: &[&str] = &["run/systemd/network", "run/udev/rules.d"];

/// Runs `netplan generate` on `root` of each directory in `dir`.
pub(super) fn generate(lab: &Lab, dir: &Path) -> Result<()> {
    let scratch = lab.scratch("netplan")?;
    let run = || {
        let overlay = Overlay::new(lab.debian().layers(), &scratch)?;
        let script = scratch.join("netplan-generate.sh");
        write(&script, 0o755, GENERATE)?;
        overlay
            .program()
            .arg("sh")
            .arg(&script)
            .arg(&overlay.merged)
            .arg(dir)
            .run(&scratch.join("log"))
    };
    let result = run();
    remove(&scratch)?;
    result
}

/// The files that it wrote below `root`, by path.
pub(super) fn generated(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for name in DIRECTORIES {
        let dir = root.join(name);
        if !dir.exists() {
            continue;
        }
        for entry in fs::read_dir(&dir).context("list", &dir)? {
            let path = entry.context("list", &dir)?.path();
            let text = fs::read_to_string(&path).context("read", &path)?;
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            files.insert(format!("{name}/{file}"), text);
        }
    }
    Ok(files)
}
