//! The firmware of a simulated machine, which has no ACPI.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context, Result};
use crate::firmware::Firmware;
use crate::machine::Machine;
use crate::ramdisk;

/// Puts the tables in ACPI's place and goes on with the initramfs.
const STAND_IN: &str = include_str!("../../../guest/firmware.sh");

/// What the kernel starts first (`rdinit=`).
pub(super) const FIRST: &str = "/lab-firmware";

/// Where [`write`] puts the machine's initial ramdisk.
pub(super) fn path(machine: &Machine, dir: &Path) -> PathBuf {
    dir.join(format!("{}.initrd", machine.who))
}

/// Writes the machine's initial ramdisk, followed by its tables.
pub(super) fn write(machine: &Machine, firmware: &Firmware, dir: &Path) -> Result<()> {
    let base = fs::read(&machine.initrd).context("read", &machine.initrd)?;
    ramdisk::join(&[&base, &archive(firmware)?], &path(machine, dir))
}

fn archive(firmware: &Firmware) -> Result<Vec<u8>> {
    let named = firmware.named();
    let names: Vec<String> = named
        .iter()
        .map(|(name, _)| format!("lab-{name}"))
        .collect();
    let first = FIRST.trim_start_matches('/');
    let mut files = vec![(first, 0o755, STAND_IN.as_bytes())];
    let tables = names.iter().zip(&named);
    files.extend(tables.map(|(name, (_, bytes))| (name.as_str(), 0o400, *bytes)));
    ramdisk::archive(&files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_holds_the_tables_and_who_shows_them() {
        let firmware = Firmware::default().and(vec![b'A']).and(vec![b'B']);
        let archive = archive(&firmware).unwrap();
        let text = String::from_utf8_lossy(&archive);
        for name in ["lab-firmware\0", "lab-NBFT1\0", "lab-NBFT2\0"] {
            assert!(text.contains(name), "{name}");
        }
    }
}
