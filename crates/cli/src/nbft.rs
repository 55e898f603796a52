//! `nvmeroot nbft`: what the firmware's boot tables say.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use nvmeroot_firmware::table_number;
use nvmeroot_nbft::{Effect, Note, Parsed, Rule, parse};

use crate::args::{NbftArgs, ReportFormat};
use crate::terminal::{shown, shown_json};
use crate::{Failure, nbft_json, nbft_text, output};

/// Where Linux shows ACPI's tables.
const TABLES: &str = "/sys/firmware/acpi/tables";

/// EDK II writes 4 KiB at most; 255 records of everything stay below this.
const LONGEST: u64 = 4 << 20;

/// What to do with a file that is something else.
const NO_TABLE: &str = "name a file with a boot table, such as a copy of `/sys/firmware/acpi/tables/NBFT`; without a name `nvmeroot nbft` shows this machine's";

/// Shows the tables that can be read, then says what is wrong with the others.
pub(crate) fn run(args: &NbftArgs) -> Result<(), Failure> {
    let files = if args.files.is_empty() {
        tables_in(Path::new(TABLES))?
    } else {
        args.files.clone()
    };
    let mut errors = Vec::new();
    let mut tables = Vec::new();
    for path in files {
        let name = shown(&path.display().to_string());
        match read(&path) {
            Ok(parsed) => tables.push((name, parsed)),
            Err(why) => errors.push(format!("`{name}`: {why}")),
        }
    }
    show(&tables, args.format)?;
    match errors.as_slice() {
        [] => Ok(()),
        errors => Err(anyhow!("{}", errors.join("\nerror: ")).into()),
    }
}

fn show(tables: &[(String, Parsed)], format: ReportFormat) -> Result<(), Failure> {
    if format == ReportFormat::Json {
        let all: Vec<_> = tables
            .iter()
            .map(|(name, parsed)| nbft_json::table(name, parsed))
            .collect();
        let text = shown_json(&serde_json::to_string_pretty(&all)?) + "\n";
        return Ok(output::data(&text)?);
    }
    let mut text = String::new();
    for (name, parsed) in tables {
        tell_notes(name, parsed);
        if !text.is_empty() {
            text.push('\n');
        }
        text += &nbft_text::TableText(name, &parsed.table).to_string();
    }
    Ok(output::data(&text)?)
}

/// Says what of a table does not count.
pub(crate) fn tell_notes(name: &str, parsed: &Parsed) {
    for note in &parsed.notes {
        output::talk(&format!("{}: `{name}`: {note}\n", severity(note)));
    }
}

/// A record that the firmware itself marks as unused is nothing to worry about.
fn severity(note: &Note) -> &'static str {
    match (note.effect, &note.broken.rule) {
        (Effect::Dropped, Rule::NotValid) => "note",
        _ => "warning",
    }
}

/// This machine's tables: `NBFT`, or `NBFT1` and so on where there are several.
fn tables_in(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let shown = directory.display();
    let entries = std::fs::read_dir(directory).map_err(|e| {
        anyhow!("can't read `{shown}`: {e}\nhint: name a table: `nvmeroot nbft FILE`")
    })?;
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if let Some(number) = name.to_str().and_then(table_number) {
            found.push((number, name));
        }
    }
    if found.is_empty() {
        let why = "the firmware left no boot table: it did not boot over NVMe/TCP";
        let hint = "to read a saved table, name it: `nvmeroot nbft FILE`";
        return Err(anyhow!("{why} (there is no `{shown}/NBFT`)\nhint: {hint}").into());
    }
    found.sort();
    Ok(found
        .into_iter()
        .map(|(_, name)| directory.join(name))
        .collect())
}

/// Reads a table; says why not, with a hint.
pub(crate) fn read(path: &Path) -> Result<Parsed, String> {
    let bytes = bytes(path)?;
    parse(&bytes).map_err(|broken| {
        let hint = match bytes.starts_with(b"NBFT") {
            true => "nothing of this table can be relied on; update the firmware",
            false => NO_TABLE,
        };
        format!("{broken}\nhint: {hint}")
    })
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let can_not = |e: std::io::Error| {
        let hint = match e.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "\nhint: only root can read the firmware's tables"
            }
            _ => "",
        };
        format!("can't read it: {e}{hint}")
    };
    // A pipe or a device might never end, or do something when opened.
    let metadata = std::fs::metadata(path).map_err(can_not)?;
    if !metadata.is_file() {
        return Err(format!("it is not a regular file\nhint: {NO_TABLE}"));
    }
    let file = std::fs::File::open(path).map_err(can_not)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(can_not)?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!(
            "it is longer than {LONGEST} bytes; no boot table is\nhint: {NO_TABLE}"
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_s_tables_are_found_in_their_order() {
        let dir = tempfile::tempdir().expect("a directory");
        let none = tables_in(dir.path()).expect_err("there is none");
        let Failure::Runtime(error) = none else {
            panic!("{none:?}");
        };
        assert!(
            error.to_string().contains("left no boot table"),
            "{error:#}"
        );
        for name in ["NBFT10", "NBFT2", "NBFT", "NBFTx", "IBFT", "data"] {
            std::fs::write(dir.path().join(name), "").expect("a file");
        }
        let found = tables_in(dir.path()).expect("tables");
        let expected = ["NBFT", "NBFT2", "NBFT10"].map(|name| dir.path().join(name));
        assert_eq!(found, expected);
    }
}
