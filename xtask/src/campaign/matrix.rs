//! The matrix of releases, generators, network managers and kinds of network in full.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nvmeroot_lab::scenario::matrix::{self, Cell};
use nvmeroot_lab::{Clock, Job, SEED, Verdict, Way};

use crate::lab;

/// Where the table is that people read, from the top of the workspace.
const DOCUMENT: &str = "docs/results/support.md";

/// The lines around the table there.
const MARKS: [&str; 2] = ["<!-- table -->\n", "<!-- end of table -->\n"];

/// Arguments of `cargo xtask campaign matrix`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run the cells alone whose names contain this
    only: Option<String>,
    /// Run those as well that are not carried yet
    #[arg(long)]
    gaps: bool,
    /// Print the cells, and stop
    #[arg(long)]
    list: bool,
    /// Put the table into docs/results/support.md; for the whole matrix
    #[arg(long, conflicts_with_all = ["only", "gaps"])]
    write: bool,
    /// How many run at a time [default: what processors and memory carry]
    #[arg(long)]
    parallel: Option<usize>,
    /// The program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_BINARY")]
    nvmeroot: Option<PathBuf>,
}

/// Runs the cells; of all that nvmeroot carries the table is printed.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let mut cells = if args.gaps {
        Cell::all()
    } else {
        Cell::carried()
    };
    if let Some(only) = &args.only {
        cells.retain(|cell| cell.to_string().contains(only.as_str()));
    }
    if args.list {
        for cell in cells {
            let gap = cell
                .gap()
                .map_or_else(String::new, |why| format!("  not yet: {why}"));
            println!("{cell}{gap}");
        }
        return Ok(());
    }
    let lab = lab::with_uml(args.nvmeroot.as_deref())?;
    let parallel = args.parallel.unwrap_or_else(nvmeroot_lab::parallel);
    let jobs: Vec<Job> = cells
        .iter()
        .map(|cell| Job {
            scenario: cell.scenario(),
            way: Way::simulated(Clock::Virtual, SEED),
            number: 0,
        })
        .collect();
    let selected = nvmeroot_lab::scenario::all();
    let verdicts = nvmeroot_lab::run_all(&lab, &jobs, parallel, &|verdict| {
        print!("{}", lab::told(verdict));
        // All images together fill a disk; those of the selection are wanted again.
        let is_wanted = selected.iter().any(|one| one.name == verdict.name);
        if !is_wanted && let Some(job) = jobs.iter().find(|job| job.name() == verdict.name) {
            let _ = lab.forget_host(&job.scenario.host);
        }
    });
    let passed = verdicts.iter().map(Verdict::passed);
    let failed: Vec<Cell> = cells
        .iter()
        .zip(passed)
        .filter(|(_, passed)| !passed)
        .map(|(cell, _)| *cell)
        .collect();
    // The table speaks of what was tried.
    if args.only.is_none() {
        let table = matrix::table(&failed);
        println!("{table}");
        if args.write {
            write(Path::new(DOCUMENT), &table)?;
        }
    }
    if !failed.is_empty() {
        let names: Vec<String> = failed.iter().map(Cell::to_string).collect();
        bail!(
            "{} of {} cells failed: {}",
            failed.len(),
            cells.len(),
            names.join(", ")
        );
    }
    println!("{} cells passed", cells.len());
    Ok(())
}

fn write(path: &Path, table: &str) -> anyhow::Result<()> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let new = replaced(&text, table)
        .with_context(|| format!("`{}` has no place for the table", path.display()))?;
    fs::write(path, new).with_context(|| format!("cannot write `{}`", path.display()))
}

/// The text with another table.
fn replaced(text: &str, table: &str) -> Option<String> {
    let [begin, end] = MARKS;
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_takes_the_former_ones_place() {
        let text = "a\n<!-- table -->\nold\n<!-- end of table -->\nb\n";
        let new = replaced(text, "| new |\n");
        assert_eq!(
            new.as_deref(),
            Some("a\n<!-- table -->\n| new |\n<!-- end of table -->\nb\n")
        );
        assert_eq!(replaced("a\n", ""), None);
    }
}
