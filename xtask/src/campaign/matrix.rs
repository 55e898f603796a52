//! The matrix of releases, generators, network managers and kinds of network in full.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use nvmeroot_lab::scenario::matrix::{self, Cell};
use nvmeroot_lab::{Clock, Job, SEED, Verdict, Way};

use super::document::{TABLE, put, read};
use crate::lab;

/// Where the table is that people read, from the top of the workspace.
const DOCUMENT: &str = "docs/results/support.md";

/// The cells that have passed, one a line.
const PASSED: &str = "docs/results/raw/matrix.md";

/// Arguments of `cargo xtask campaign matrix`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run the cells alone whose names contain this
    only: Option<String>,
    /// Leave those out that docs/results/raw/matrix.md says have passed
    #[arg(long)]
    untried: bool,
    /// Print the cells, and stop
    #[arg(long)]
    list: bool,
    /// Note what passed and what failed in docs/results/raw/matrix.md, and put the table of
    /// all that has passed into docs/results/support.md
    #[arg(long)]
    write: bool,
    /// How many run at a time [default: what processors and memory carry]
    #[arg(long)]
    parallel: Option<usize>,
    /// The program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_BINARY")]
    nvmeroot: Option<PathBuf>,
}

/// Runs the cells.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let mut cells = Cell::all();
    if let Some(only) = &args.only {
        cells.retain(|cell| cell.to_string().contains(only.as_str()));
    }
    if args.untried {
        let passed = matrix::passed(&read(PASSED)?);
        cells.retain(|cell| !passed.contains(cell));
    }
    if args.list {
        for cell in cells {
            println!("{cell}");
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
    let noting = Mutex::new(());
    let verdicts = nvmeroot_lab::run_all(&lab, &jobs, parallel, &|verdict| {
        print!("{}", lab::told(verdict));
        let mut both = cells.iter().zip(&jobs);
        let Some((cell, job)) = both.find(|(_, job)| job.name() == verdict.name) else {
            return;
        };
        // All images together fill a disk; those of the selection are wanted again.
        if !selected.iter().any(|one| one.name == verdict.name) {
            let _ = lab.forget_host(&job.scenario.host);
        }
        if args.write {
            let _alone = noting.lock().unwrap_or_else(PoisonError::into_inner);
            // Else it would be noticed at the end of an hour.
            note(*cell, verdict.passed()).expect("the documents are written");
        }
    });
    let tried = cells.iter().zip(verdicts.iter().map(Verdict::passed));
    let failed: Vec<Cell> = tried.filter(|(_, ok)| !ok).map(|(cell, _)| *cell).collect();
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

/// Notes how a cell went, for people.
fn note(cell: Cell, has_passed: bool) -> anyhow::Result<()> {
    let mut passed = matrix::passed(&read(PASSED)?);
    if has_passed {
        passed.insert(cell);
    } else {
        passed.remove(&cell);
    }
    let lines: String = passed.iter().map(|cell| format!("{cell}\n")).collect();
    put(PASSED, TABLE, &lines)?;
    put(DOCUMENT, TABLE, &matrix::table(&passed))
}
