//! `cargo xtask lab`: the scenarios of the lab.

mod choice;
mod told;

use std::env;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use nvmeroot_lab::{Error, Job, Kind, Lab, Verdict, requirements, scenario};

use self::choice::Choice;
use crate::program::{build, of_workspace};
use crate::shell::{Skipped, in_ci, part};

/// Arguments of `cargo xtask lab`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Print the scenarios, what they run on and how long they may take, and stop
    #[arg(long)]
    list: bool,
    /// How many scenarios run at a time [default: what processors and memory carry]
    #[arg(long)]
    parallel: Option<usize>,
    /// The program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_BINARY")]
    nvmeroot: Option<PathBuf>,
    /// Boot hosts on which the Debian package is installed, as `cargo xtask dist` makes
    /// it, instead of what `nvmeroot configure` brings along
    #[arg(long)]
    package: bool,
    /// Install missing Debian packages with apt-get first
    #[arg(long)]
    install: bool,
}

/// Runs the lab; where it can't run, it is skipped, and under `CI=true` that
/// is a failure.
pub(crate) fn run(args: &Args) -> anyhow::Result<Option<Skipped>> {
    let (jobs, skipped) = args.choice.jobs(scenario::all())?;
    if args.list {
        for job in jobs {
            println!("{}", told::listed(&job));
        }
        return Ok(None);
    }
    for text in skipped {
        eprintln!("lab: {text}");
    }
    if args.install {
        let log = env::temp_dir().join("nvmeroot-lab-apt.log");
        requirements::install(&requirements::missing(), &log, &|text| eprintln!("{text}"))?;
    }
    if let Err(error) = requirements::check() {
        return unavailable("lab", error);
    }
    let nvmeroot = match &args.nvmeroot {
        Some(path) => path.clone(),
        None => build()?,
    };
    let began = Instant::now();
    let mut lab = open(&nvmeroot, &jobs)?;
    if args.package || jobs.iter().any(|job| job.scenario.host.story.is_some()) {
        lab = lab.with_package(crate::dist::package()?);
    }
    eprintln!("lab: ready after {:.0} s", began.elapsed().as_secs_f64());
    let parallel = args.parallel.unwrap_or_else(nvmeroot_lab::parallel);
    let verdicts = nvmeroot_lab::run_all(&lab, &jobs, parallel, &|verdict| {
        print!("{}", told::verdict(verdict));
    });
    print!("{}", told::summary(&verdicts));
    println!("{:.0} s", began.elapsed().as_secs_f64());
    let failed = verdicts.iter().filter(|verdict| !verdict.passed()).count();
    if failed > 0 {
        bail!("{failed} scenarios failed");
    }
    let unlike = told::unlike(&verdicts);
    if !unlike.is_empty() {
        bail!(
            "the runs by one seed differ in their times: {}",
            unlike.join(", ")
        );
    }
    Ok(None)
}

/// What can't be tried here; under `CI=true` a failure.
fn unavailable(what: &'static str, error: Error) -> anyhow::Result<Option<Skipped>> {
    if in_ci() {
        return Err(error.into());
    }
    Ok(Some(Skipped::said(what, &error.into())))
}

/// The lab with what these jobs need.
fn open(nvmeroot: &Path, jobs: &[Job]) -> anyhow::Result<Lab> {
    let say = |text: &str| eprintln!("lab: {text}");
    let lab = Lab::open(nvmeroot, &say)?;
    if jobs.iter().any(|job| job.way.kind == Kind::Uml) {
        return Ok(lab.with_uml(&say)?);
    }
    Ok(lab)
}

/// The lab with simulated machines, for that program or one built from this workspace.
pub(crate) fn with_uml(nvmeroot: Option<&Path>) -> anyhow::Result<Lab> {
    let nvmeroot = nvmeroot.map_or_else(build, |path| Ok(path.to_owned()))?;
    let say = |text: &str| eprintln!("lab: {text}");
    Ok(Lab::open(&nvmeroot, &say)?.with_uml(&say)?)
}

/// How a scenario went, as a person is told.
pub(crate) fn told(verdict: &Verdict) -> String {
    told::verdict(verdict)
}

/// Runs every scenario as users boot it, as part of `cargo xtask test`.
pub(crate) fn run_all() -> anyhow::Result<Option<Skipped>> {
    run(&Args {
        package: true,
        ..Args::default()
    })
}

/// The simulation's own tests with real machines. They need the lab's kernel and so
/// are no part of the tests that run without one.
pub(crate) fn simulation() -> anyhow::Result<Option<Skipped>> {
    if let Err(error) = requirements::check() {
        return unavailable("simulated machines", error);
    }
    let lab = with_uml(None)?;
    let kernel = lab.uml_kernel().context("the lab has no kernel")?;
    part(
        "simulated machines",
        of_workspace(&["test", "--no-run", "--test", "machines"], "machines")?
            .arg("--quiet")
            .env("MACHINESIM_KERNEL", kernel),
    )?;
    Ok(None)
}
