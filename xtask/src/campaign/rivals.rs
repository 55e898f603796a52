//! Root by the agent, and by dracut's own module for NVMe over fabrics.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use nvmeroot_lab::scenario::rivals;
use nvmeroot_lab::{Clock, Job, SEED, Verdict, Way};

use super::matrix::{put, read};
use crate::lab;

/// Where the table is that people read, from the top of the workspace.
const DOCUMENT: &str = "docs/results/rivals.md";

/// Arguments of `cargo xtask campaign rivals`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How often each host boots in real time, by turns
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Put the table into docs/results/rivals.md
    #[arg(long)]
    write: bool,
    /// The program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_BINARY")]
    nvmeroot: Option<PathBuf>,
}

/// Boots each, and compares.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let lab = lab::with_uml(args.nvmeroot.as_deref())?;
    let mut table = "| initramfs by | root mounted, virtual seconds | root mounted, real seconds: median (from, to) |\n|---|---|---|\n".to_owned();
    let hosts = rivals::all();
    let boot = |clock: Clock, runs: usize| -> anyhow::Result<Vec<Vec<f64>>> {
        let mut jobs = Vec::new();
        for number in 0..runs {
            jobs.extend(hosts.iter().map(|(_, scenario)| Job {
                scenario: scenario.clone(),
                way: Way::simulated(clock, SEED),
                number,
            }));
        }
        // One at a time: what is real is about the processor.
        let verdicts = nvmeroot_lab::run_all(&lab, &jobs, 1, &|verdict| {
            print!("{}", lab::told(verdict));
        });
        let mut seconds = vec![Vec::new(); hosts.len()];
        for (place, verdict) in verdicts.iter().enumerate() {
            seconds[place % hosts.len()].push(root(verdict)?);
        }
        Ok(seconds)
    };
    let waited = boot(Clock::Virtual, 1)?;
    let took = boot(Clock::Real, args.runs)?;
    for (((title, _), waited), mut took) in hosts.iter().zip(waited).zip(took) {
        took.sort_by(f64::total_cmp);
        let [first, .., last] = took[..] else {
            bail!("`--runs` is at least 2");
        };
        table.push_str(&format!(
            "| {title} | {:.1} | {:.1} ({first:.1}, {last:.1}) |\n",
            waited[0],
            took[took.len() / 2]
        ));
    }
    print!("{table}");
    if args.write {
        put(DOCUMENT, &read(DOCUMENT)?, &table)?;
    }
    Ok(())
}

fn root(verdict: &Verdict) -> anyhow::Result<f64> {
    if !verdict.passed() {
        bail!("{}: {}", verdict.name, verdict.faults.join("; "));
    }
    let root = verdict.marks.root;
    root.with_context(|| format!("{}: root's mount is not on the console", verdict.name))
}
