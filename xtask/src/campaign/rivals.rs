//! Root by the agent, and by dracut's own module for NVMe over fabrics.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use nvmeroot_lab::scenario::Scenario;
use nvmeroot_lab::scenario::rivals::{self, LATE, Rival};
use nvmeroot_lab::{Clock, Job, Lab, SEED, Verdict, Way};

use super::document::{TABLE, put};
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
    if args.runs < 2 {
        bail!("`--runs` is at least 2");
    }
    let lab = lab::with_uml(args.nvmeroot.as_deref())?;
    let hosts = rivals::all();
    let on_time = times(&lab, &hosts, |host| &host.on_time, Clock::Virtual, 1)?;
    let late = times(&lab, &hosts, |host| &host.late, Clock::Virtual, 1)?;
    let real = times(&lab, &hosts, |host| &host.on_time, Clock::Real, args.runs)?;
    let mut table = format!(
        "| root by | drive connected, virtual s | root mounted, virtual s | root mounted with \
         the target {LATE} s late, virtual s | root mounted, real s: median (from, to) |\n\
         |---|---|---|---|---|\n"
    );
    for (number, host) in hosts.iter().enumerate() {
        let mut all: Vec<f64> = real[number].iter().map(|(_, root)| *root).collect();
        all.sort_by(f64::total_cmp);
        let ((drive, root), (_, late)) = (on_time[number][0], late[number][0]);
        // Writing to a string can't fail.
        let _ = writeln!(
            table,
            "| {} | {drive:.2} | {root:.2} | {late:.1} | {:.2} ({:.2}, {:.2}) |",
            host.title,
            all[all.len() / 2],
            all[0],
            all[all.len() - 1]
        );
    }
    print!("{table}");
    if args.write {
        put(DOCUMENT, TABLE, &table)?;
    }
    Ok(())
}

/// When each host had its drive and its root, run by run, in seconds from switching it on.
fn times(
    lab: &Lab,
    hosts: &[Rival],
    scenario: fn(&Rival) -> &Scenario,
    clock: Clock,
    runs: usize,
) -> anyhow::Result<Vec<Vec<(f64, f64)>>> {
    let mut times = vec![Vec::new(); hosts.len()];
    for number in 0..runs {
        let job = |host: &Rival| Job {
            scenario: scenario(host).clone(),
            way: Way::simulated(clock, SEED),
            number,
        };
        let jobs: Vec<Job> = hosts.iter().map(job).collect();
        // One at a time: what is real is about the processor.
        let verdicts = nvmeroot_lab::run_all(lab, &jobs, 1, &|verdict| {
            print!("{}", lab::told(verdict));
        });
        for (times, verdict) in times.iter_mut().zip(&verdicts) {
            times.push(drive_and_root(verdict)?);
        }
    }
    Ok(times)
}

fn drive_and_root(verdict: &Verdict) -> anyhow::Result<(f64, f64)> {
    if !verdict.passed() {
        bail!("{}: {}", verdict.name, verdict.faults.join("; "));
    }
    let marks = verdict.marks;
    let both = marks.namespace.zip(marks.root);
    both.with_context(|| format!("{}: its console lacks the drive or the mount", verdict.name))
}
