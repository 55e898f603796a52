//! Machines whose firmware leaves boot tables: every case in every way, and the same
//! machines by dracut's own module.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use nvmeroot_lab::scenario::Scenario;
use nvmeroot_lab::scenario::firmware::{self, Rival};
use nvmeroot_lab::{Clock, Job, Kind, Lab, Release, SEED, Verdict, Way};

use super::document::put;
use crate::lab;

/// Where the comparison is that people read, from the top of the workspace.
const DOCUMENT: &str = "docs/results/firmware.md";

/// Arguments of `cargo xtask campaign firmware`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run those alone whose names contain this
    only: Option<String>,
    /// Boot the same machines by dracut's own module as well, and compare
    #[arg(long)]
    rivals: bool,
    /// Put the comparison into docs/results/firmware.md, a table for each release that ran;
    /// a case that did not is named there
    #[arg(long, requires = "rivals")]
    write: bool,
    /// How many run at a time [default: what processors and memory carry]
    #[arg(long)]
    parallel: Option<usize>,
    /// The program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_BINARY")]
    nvmeroot: Option<PathBuf>,
}

/// The releases that are compared.
const RELEASES: [Release; 2] = [Release::Trixie, Release::Sid];

/// Runs them.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let lab = lab::with_uml(args.nvmeroot.as_deref())?;
    let parallel = args.parallel.unwrap_or_else(nvmeroot_lab::parallel);
    let is_wanted = |scenario: &Scenario| {
        let only = args.only.as_deref();
        only.is_none_or(|part| scenario.name.contains(part))
    };
    if args.rivals {
        return compare(&lab, parallel, args.write, &is_wanted);
    }
    let mut scenarios = firmware::every();
    scenarios.retain(is_wanted);
    let verdicts = boot(&lab, parallel, scenarios);
    let failed: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| !verdict.passed())
        .map(|verdict| verdict.name)
        .collect();
    if !failed.is_empty() {
        let (count, all) = (failed.len(), verdicts.len());
        bail!("{count} of {all} failed: {}", failed.join(", "));
    }
    println!("{} passed", verdicts.len());
    Ok(())
}

fn boot(lab: &Lab, parallel: usize, scenarios: Vec<Scenario>) -> Vec<Verdict> {
    let job = |scenario| Job {
        scenario,
        way: Way::simulated(Clock::Virtual, SEED),
        number: 0,
    };
    let jobs: Vec<Job> = scenarios.into_iter().map(job).collect();
    nvmeroot_lab::run_all(lab, &jobs, parallel, &|verdict| {
        print!("{}", lab::told(verdict));
    })
}

fn compare(
    lab: &Lab,
    parallel: usize,
    write: bool,
    is_wanted: &dyn Fn(&Scenario) -> bool,
) -> anyhow::Result<()> {
    for release in RELEASES {
        let rivals = firmware::rivals(release);
        let mut scenarios: Vec<Scenario> = rivals
            .iter()
            .flat_map(|rival| rival.scenarios.clone())
            .collect();
        scenarios.retain(is_wanted);
        if scenarios.is_empty() {
            continue;
        }
        let verdicts = boot(lab, parallel, scenarios);
        let text = table(lab, release, &rivals, &verdicts)?;
        print!("{text}");
        if write {
            put(DOCUMENT, release.suite(), &text)?;
        }
    }
    Ok(())
}

/// One release's: what boots, and after how long.
fn table(
    lab: &Lab,
    release: Release,
    rivals: &[Rival],
    verdicts: &[Verdict],
) -> anyhow::Result<String> {
    let titles = firmware::WAYS;
    let mut text = String::new();
    writeln!(text, "\n{}\n", release.title())?;
    writeln!(text, "| case | {} |", titles.join(" | "))?;
    writeln!(text, "|---|{}", "---|".repeat(titles.len()))?;
    for rival in rivals {
        let cells: Vec<String> = rival
            .scenarios
            .iter()
            .map(|scenario| {
                let verdict = verdicts.iter().find(|one| one.name == scenario.name);
                verdict.map_or_else(|| "not run".to_owned(), cell)
            })
            .collect();
        writeln!(text, "| {} | {} |", rival.title, cells.join(" | "))?;
    }
    let Some(first) = rivals.first() else {
        return Ok(text);
    };
    let mut sizes = Vec::new();
    for scenario in &first.scenarios {
        let ran = verdicts.iter().any(|one| one.name == scenario.name);
        sizes.push(if ran {
            let image = lab.host_image(&scenario.host, Kind::Uml)?;
            format!("{:.1} MB", image.initrd_bytes()? as f64 / 1e6)
        } else {
            "not run".to_owned()
        });
    }
    writeln!(text, "| initial ramdisk | {} |", sizes.join(" | "))?;
    Ok(text)
}

/// Whether root was mounted, and when.
fn cell(verdict: &Verdict) -> String {
    match verdict.marks.root {
        Some(at) => format!("{at:.1} s"),
        None => "no root".to_owned(),
    }
}
