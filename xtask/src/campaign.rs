//! `cargo xtask campaign`: what is run for hours.

mod document;
mod firmware;
mod matrix;
mod rivals;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nvmeroot_lab::scenario::chaos::Plan;
use nvmeroot_lab::{Clock, Job, Verdict, Way};

use crate::lab;

/// Seconds between two lines that say how far the campaign is.
const TELL: u64 = 60;

/// Arguments of `cargo xtask campaign`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    campaign: Campaign,
}

#[derive(Debug, clap::Subcommand)]
enum Campaign {
    /// Boots drawn by lot, with trouble before, while and after root is mounted
    Chaos(Chaos),
    /// Every release, generator, network manager and kind of network that nvmeroot
    /// carries, and the table of them
    Matrix(matrix::Args),
    /// Machines whose firmware leaves boot tables (NBFT): every case in every way, or the
    /// same machines by dracut's own module
    Firmware(firmware::Args),
    /// How long root takes by the agent, and by dracut's own module
    Rivals(rivals::Args),
}

#[derive(Debug, clap::Args)]
struct Chaos {
    /// The seed of the first run; the others follow it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs
    #[arg(long, default_value_t = 10)]
    runs: u64,
    /// Start no more runs after so many hours
    #[arg(long)]
    hours: Option<f64>,
    /// How many run at a time [default: what processors and memory carry]
    #[arg(long)]
    parallel: Option<usize>,
    /// Print what the seeds stand for, and stop
    #[arg(long)]
    list: bool,
    /// A line for each run is added to this file
    #[arg(long)]
    log: Option<PathBuf>,
    /// The program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_BINARY")]
    nvmeroot: Option<PathBuf>,
}

/// Runs a campaign.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.campaign {
        Campaign::Chaos(chaos) => run_chaos(chaos),
        Campaign::Matrix(args) => matrix::run(args),
        Campaign::Firmware(args) => firmware::run(args),
        Campaign::Rivals(args) => rivals::run(args),
    }
}

fn run_chaos(args: &Chaos) -> anyhow::Result<()> {
    let seeds = args.seed..args.seed.saturating_add(args.runs);
    if args.list {
        seeds.for_each(|seed| println!("{}", Plan::draw(seed)));
        return Ok(());
    }
    let began = Instant::now();
    let lab = lab::with_uml(args.nvmeroot.as_deref())?;
    let parallel = args.parallel.unwrap_or_else(nvmeroot_lab::parallel);
    let log = args.log.as_deref().map(open_log).transpose()?;
    let tally = Mutex::new(Tally {
        log,
        ..Tally::default()
    });
    let limit = args
        .hours
        .map(|hours| Duration::from_secs_f64(hours * 3600.0));
    // Some at a time, so that the limit is looked at, and a plan lives no longer than
    // its run.
    let mut seeds = seeds.peekable();
    while seeds.peek().is_some() && limit.is_none_or(|limit| began.elapsed() < limit) {
        let some = seeds.by_ref().take(parallel * 8);
        let jobs: Vec<Job> = some
            .map(|seed| Job {
                scenario: Plan::draw(seed).scenario(),
                way: Way::simulated(Clock::Virtual, seed),
                number: 0,
            })
            .collect();
        nvmeroot_lab::run_all(&lab, &jobs, parallel, &|verdict| {
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.note(verdict, began);
        });
    }
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{}", tally.text(began.elapsed()));
    if !tally.failed.is_empty() {
        bail!("{} runs failed: {:?}", tally.failed.len(), tally.failed);
    }
    Ok(())
}

fn open_log(path: &Path) -> anyhow::Result<File> {
    let options = OpenOptions::new().create(true).append(true).open(path);
    options.with_context(|| format!("cannot open `{}`", path.display()))
}

/// How a campaign goes.
#[derive(Debug, Default)]
struct Tally {
    runs: usize,
    /// Hosts that came up.
    up: usize,
    virtual_seconds: f64,
    failed: Vec<u64>,
    told: u64,
    log: Option<File>,
}

impl Tally {
    fn note(&mut self, verdict: &Verdict, began: Instant) {
        let seed = verdict.way.seed;
        self.runs += 1;
        self.up += usize::from(verdict.marks.marker.is_some());
        self.virtual_seconds += verdict.virtual_seconds;
        let line = line(verdict);
        if let Some(log) = &mut self.log {
            // Else it would be noticed at the end of a night.
            writeln!(log, "{line}").expect("the log is written");
        }
        if verdict.passed() {
            // A thousand of them fill a disk.
            let _ = fs::remove_dir_all(&verdict.dir);
        } else {
            self.failed.push(seed);
            println!("{line}");
            for fault in &verdict.faults {
                println!("  - {fault}");
            }
            println!("{}", Plan::draw(seed));
            println!("  what it left: {}", verdict.dir.display());
            println!("  once more: cargo xtask campaign chaos --seed {seed} --runs 1");
        }
        let minute = began.elapsed().as_secs() / TELL;
        if minute > self.told {
            self.told = minute;
            println!("{}", self.text(began.elapsed()));
        }
    }

    fn text(&self, took: Duration) -> String {
        let busy = processor_seconds().map_or_else(String::new, |seconds| {
            format!(
                ", {:.1} s of processor a run",
                seconds / self.runs.max(1) as f64
            )
        });
        format!(
            "{} runs, {} with root, {:.1} hours by their clocks, {} failed; {:.0} s{busy}",
            self.runs,
            self.up,
            self.virtual_seconds / 3600.0,
            self.failed.len(),
            took.as_secs_f64(),
        )
    }
}

/// One run in one line.
fn line(verdict: &Verdict) -> String {
    let word = if verdict.passed() { "ok" } else { "FAILED" };
    let end = match verdict.marks.marker {
        Some(at) => format!("root after {at:.1} s"),
        None => "gave up".to_owned(),
    };
    format!(
        "{word} {} ({}): {end}, {:.0} s by its clock, {:.1} s by ours",
        verdict.name, verdict.title, verdict.virtual_seconds, verdict.seconds
    )
}

/// What this program and the machines that have ended took (`utime` to `cstime`,
/// proc_pid_stat(5), in hundredths).
fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = fields.split(' ').skip(11).take(4);
    let ticks: Vec<f64> = ticks.filter_map(|field| field.parse().ok()).collect();
    (ticks.len() == 4).then(|| ticks.iter().sum::<f64>() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_told() {
        let mut sum = 0u64;
        while processor_seconds().expect("proc_pid_stat(5)") < 0.02 {
            sum = sum.wrapping_mul(31).wrapping_add(7);
        }
        assert!(std::hint::black_box(sum) != 1);
    }
}
