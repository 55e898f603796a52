//! What a plan becomes at boot: with the firmware's tables, and a kernel command line.

use std::path::Path;

use anyhow::anyhow;
use nvmeroot_firmware::{
    Boot, Card, CommandLine, NamedTable, TABLES_DO_NOT_COUNT, changes, overlay, takes_tables,
};
use nvmeroot_plan::{Origin, Warning, resolve};

use crate::args::{BootArgs, Input};
use crate::sources::{self, Read};
use crate::terminal::shown;
use crate::{Failure, diagnose, nbft, output};

/// Resolves again as the agent does, where the user says what the boot will know; says
/// what becomes of the installed plan.
pub(crate) fn with_what_the_boot_knows(
    read: Read,
    args: &BootArgs,
    input: &Input,
) -> Result<Read, Failure> {
    let command_line = args.cmdline.as_deref().unwrap_or_default();
    tell_own_words(command_line, &read);
    let mut tables = Vec::new();
    for path in &args.nbft {
        let name = shown(&path.display().to_string());
        let parsed = nbft::read(path).map_err(|why| anyhow!("`{name}`: {why}"))?;
        nbft::tell_notes(&name, &parsed);
        let table = parsed.table;
        tables.push(NamedTable { name, table });
    }
    if !takes_tables(command_line) && !tables.is_empty() {
        diagnose::print_note(TABLES_DO_NOT_COUNT);
        tables.clear();
    }
    let mut cards = Vec::new();
    if !tables.is_empty() || !command_line.is_empty() {
        let machine = input.machine.as_deref().unwrap_or(Path::new("/"));
        let present = sources::cards(machine)?.known.into_iter();
        let known = present.filter_map(|card| {
            Some(Card {
                name: card.name.parse().ok()?,
                mac: card.mac?,
                driver: card.driver,
            })
        });
        cards.extend(known);
    }
    let boot = Boot {
        tables: &tables,
        command_line,
        cards: &cards,
        reach: read.plan.reach,
    };
    let over = overlay(&read.fragments, boot);
    diagnose::print_warnings(&over.warnings, &read.source_map);
    if over.fragments.is_empty() {
        return Ok(read);
    }
    let mut fragments = read.fragments;
    fragments.extend(over.fragments);
    let plan = resolve(fragments.clone());
    for line in changes(&read.plan, &plan) {
        output::talk(&format!("note: {line}\n"));
    }
    diagnose::print_warnings(&plan.errors, &read.source_map);
    Ok(Read {
        plan,
        fragments,
        ..read
    })
}

/// What the line says to the agent itself is no part of a plan.
fn tell_own_words(command_line: &str, read: &Read) {
    let line = CommandLine::parse(command_line);
    if line.off {
        diagnose::print_note("the agent does nothing at such a boot, by `nvmeroot=off`");
    }
    let complaints = line.complaints.into_iter().map(|complaint| {
        Warning::at(Origin::whole("kernel command line"), complaint)
            .with_hint("correct the word: the agent passes it over")
    });
    diagnose::print_warnings(&complaints.collect::<Vec<_>>(), &read.source_map);
}
