//! `cargo xtask lab`: the scenarios of the lab.

use std::env;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use nvmeroot_lab::scenario::{self, Scenario};
use nvmeroot_lab::{Error, Lab, Verdict, requirements};

use crate::shell::{cargo, in_ci};

/// Two processors keep this many emulated machines and their targets fed.
const PARALLEL: usize = 3;

/// Arguments of `cargo xtask lab`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Scenarios to run; all of them when none is named
    names: Vec<String>,
    /// Print the scenarios and stop
    #[arg(long)]
    list: bool,
    /// How many scenarios run at a time
    #[arg(long, default_value_t = PARALLEL)]
    parallel: usize,
    /// The program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_BINARY")]
    nvmeroot: Option<PathBuf>,
    /// Install missing Debian packages with apt-get first
    #[arg(long)]
    install: bool,
}

/// Runs the lab; where it can't run, it is skipped, and under `CI=true` that
/// is a failure.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    run_of(scenario::all(), args)
}

/// The same with the long scenarios: `cargo xtask campaign`.
pub(crate) fn campaign(args: &Args) -> anyhow::Result<()> {
    run_of(scenario::campaigns(), args)
}

fn run_of(all: Vec<Scenario>, args: &Args) -> anyhow::Result<()> {
    let scenarios = selected(all, &args.names)?;
    if args.list {
        for scenario in scenarios {
            println!("{:16} {}", scenario.name, scenario.title);
        }
        return Ok(());
    }
    if args.install {
        let log = env::temp_dir().join("nvmeroot-lab-apt.log");
        requirements::install(&requirements::missing(), &log, &|text| eprintln!("{text}"))?;
    }
    if let Err(error) = requirements::check() {
        if in_ci() {
            return Err(error.into());
        }
        eprintln!("lab skipped: {error}");
        return Ok(());
    }
    let nvmeroot = match &args.nvmeroot {
        Some(path) => path.clone(),
        None => build()?,
    };
    let began = Instant::now();
    let lab = Lab::open(&nvmeroot, &|text| eprintln!("lab: {text}"))?;
    eprintln!("lab: ready after {:.0} s", began.elapsed().as_secs_f64());
    let verdicts = nvmeroot_lab::run_all(&lab, &scenarios, args.parallel, &print);
    let failed = verdicts.iter().filter(|verdict| !verdict.passed()).count();
    println!(
        "{} scenarios, {failed} failed, {:.0} s",
        verdicts.len(),
        began.elapsed().as_secs_f64()
    );
    if failed > 0 {
        bail!("{failed} scenarios failed");
    }
    Ok(())
}

/// Runs every scenario, as part of `cargo xtask test`.
pub(crate) fn run_all() -> anyhow::Result<()> {
    run(&Args {
        names: Vec::new(),
        list: false,
        parallel: PARALLEL,
        nvmeroot: None,
        install: false,
    })
}

fn selected(all: Vec<Scenario>, names: &[String]) -> Result<Vec<Scenario>, Error> {
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        let found = all.iter().find(|scenario| scenario.name == name).cloned();
        found.ok_or_else(|| Error::UnknownScenario { name: name.clone() })
    };
    names.iter().map(find).collect()
}

/// Builds the program under test as users get it, and the agent beside it.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    crate::agent::build()?;
    build_program()
}

/// Builds the program alone.
pub(crate) fn build_program() -> anyhow::Result<PathBuf> {
    let output = cargo()
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "nvmeroot",
            "--message-format=json",
        ])
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("building `nvmeroot` failed");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    executable(&messages).context("cargo built no program called `nvmeroot`")
}

/// The program's path in cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = PathBuf::from(message.get("executable")?.as_str()?);
        (path.file_name()? == "nvmeroot").then_some(path)
    })
}

fn print(verdict: &Verdict) {
    let word = if verdict.passed() { "ok    " } else { "FAILED" };
    let mut facts = String::new();
    if let Some(root) = verdict.marks.root {
        facts.push_str(&format!("  root {root:.0} s"));
    }
    if let Some(marker) = verdict.marks.marker {
        facts.push_str(&format!("  up {marker:.0} s"));
    }
    if let Some(stall) = verdict.longest_stall {
        facts.push_str(&format!("  stall {stall:.1} s"));
    }
    if let Some(off) = verdict.power_off {
        facts.push_str(&format!("  off {off:.0} s"));
    }
    let Verdict { name, seconds, .. } = verdict;
    println!("{word} {name:16} {seconds:4.0} s{facts}");
    if !verdict.passed() {
        for fault in &verdict.faults {
            println!("  - {fault}");
        }
        for line in &verdict.tail {
            println!("  | {line}");
        }
        println!("  the rest is in {}", verdict.dir.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_cargos_messages() {
        let messages = "{\"reason\":\"x\",\"executable\":null}\n\
                        {\"executable\":\"/t/release/nvmeroot\"}\n{\"reason\":\"build-finished\"}";
        assert_eq!(
            executable(messages),
            Some(PathBuf::from("/t/release/nvmeroot"))
        );
    }

    #[test]
    fn scenarios_have_names_of_their_own() {
        let all = || scenario::all().into_iter().chain(scenario::campaigns());
        let mut names: Vec<_> = all().map(|s| s.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let unknown = selected(all().collect(), &["nonesuch".to_owned()]).unwrap_err();
        assert!(
            matches!(unknown, Error::UnknownScenario { .. }),
            "{unknown}"
        );
    }
}
