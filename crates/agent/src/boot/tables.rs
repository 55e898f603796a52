//! The tables that the firmware left (NBFT), as Linux shows them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use nvmeroot_firmware::{NamedTable, table_number};
use nvmeroot_nbft::{Effect, Note, Rule, parse};
use nvmeroot_plan::inserted;

use crate::sys::kmsg::{Kmsg, Level};
use crate::sys::paths::Paths;

/// EDK II writes 4 KiB at most; 255 records of everything stay below this.
const LONGEST: u64 = 4 << 20;

/// No firmware has more, and the boot does not wait for one that claims to.
const MOST: usize = 16;

/// The tables that can be read, in their order. What can't, and why, is said.
pub(super) fn read(paths: &Paths, kmsg: &Kmsg) -> Vec<NamedTable> {
    let mut tables = Vec::new();
    for (name, path) in files(&paths.sys.join("firmware/acpi/tables")) {
        match table(&path) {
            Ok(parsed) => {
                for note in &parsed.notes {
                    kmsg.say(weight(note), &format!("`{name}`: {note}"));
                }
                tables.push(NamedTable {
                    name,
                    table: parsed.table,
                });
            }
            Err(why) => {
                let text = format!(
                    "the firmware's table `{name}` does not count: {why}; update the firmware"
                );
                kmsg.say(Level::Error, &text);
            }
        }
    }
    tables
}

/// There is a table, be it of use or not.
pub(super) fn are_there(paths: &Paths) -> bool {
    !files(&paths.sys.join("firmware/acpi/tables")).is_empty()
}

fn files(directory: &Path) -> Vec<(String, std::path::PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let numbered: BTreeSet<(u32, String)> =
        inserted(names.filter_map(|name| Some((table_number(&name)?, name))));
    let files = numbered.into_iter().take(MOST).map(|(_, name)| {
        let path = directory.join(&name);
        (name, path)
    });
    files.collect()
}

fn table(path: &Path) -> Result<nvmeroot_nbft::Parsed, String> {
    let bytes = bytes(path).map_err(|e| format!("it can't be read: {e}"))?;
    parse(&bytes).map_err(|broken| broken.to_string())
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // The parser takes what is cut off for broken.
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A record that the firmware itself marks as unused is nothing to worry about.
fn weight(note: &Note) -> Level {
    match (note.effect, &note.broken.rule) {
        (Effect::Dropped, Rule::NotValid) => Level::Debug,
        _ => Level::Warning,
    }
}
