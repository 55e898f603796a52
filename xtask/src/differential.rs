//! `cargo xtask differential`: the same network configurations by
//! systemd-networkd and by the agent, and what the kernel then says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use nvmeroot_lab::differential::{
    Answer, Batch, Comparison, Configuration, Difference, EXPECTED, all, compare, facts,
    read_again, run_both, unused,
};
use nvmeroot_lab::{Clock, Lab, SEED, Way, requirements};

use crate::shell::in_ci;

/// Arguments of `cargo xtask differential`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Configurations or groups to compare; all of them when none is named
    names: Vec<String>,
    /// Print the configurations and stop
    #[arg(long)]
    list: bool,
    /// Boot nothing; compare the answers in this directory, which a run of the
    /// same configurations left
    #[arg(long, value_name = "DIRECTORY")]
    again: Option<PathBuf>,
    /// In emulated machines with Debian's own kernel, which takes a quarter of an hour
    #[arg(long)]
    emulated: bool,
    /// The program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_BINARY", requires = "agent")]
    nvmeroot: Option<PathBuf>,
    /// The initramfs program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_AGENT", requires = "nvmeroot")]
    agent: Option<PathBuf>,
}

/// Compares; where the lab can't run, it is skipped, and under `CI=true` that
/// is a failure.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let configurations = selected(all()?, &args.names)?;
    if args.list {
        for one in configurations {
            println!("{:12} {:24} {}", one.group, one.name, one.title);
        }
        return Ok(());
    }
    if let Some(dir) = &args.again {
        let batch = read_again(dir, &configurations)?;
        return verdict(&batch, &configurations, args.names.is_empty());
    }
    if let Err(error) = requirements::check() {
        if in_ci() {
            return Err(error.into());
        }
        eprintln!("differential skipped: {error}");
        return Ok(());
    }
    let (nvmeroot, agent) = match (&args.nvmeroot, &args.agent) {
        (Some(nvmeroot), Some(agent)) => (nvmeroot.clone(), agent.clone()),
        _ => (crate::program::build_program()?, crate::agent::build()?),
    };
    let began = Instant::now();
    let say = |text: &str| eprintln!("lab: {text}");
    let lab = Lab::open(&nvmeroot, &say)?;
    let (lab, way) = if args.emulated {
        (lab, Way::EMULATED)
    } else {
        let way = Way::simulated(Clock::Virtual, SEED);
        (lab.with_uml(&say)?, way)
    };
    let batch = run_both(&lab, way, &agent, &configurations)?;
    eprintln!(
        "differential: carried out after {:.0} s",
        began.elapsed().as_secs_f64()
    );
    verdict(&batch, &configurations, args.names.is_empty())
}

/// Prints what came of it, and fails where that is not as it must be.
fn verdict(batch: &Batch, configurations: &[Configuration], whole: bool) -> anyhow::Result<()> {
    let faults = report(batch, configurations, whole);
    println!("{} configurations, {faults} faults", configurations.len());
    println!("the answers are in {}", batch.dir.display());
    if faults > 0 {
        bail!("{faults} faults");
    }
    Ok(())
}

fn selected(all: Vec<Configuration>, names: &[String]) -> anyhow::Result<Vec<Configuration>> {
    let is = |one: &Configuration, name: &String| *name == one.name || *name == one.group;
    for name in names {
        all.iter()
            .find(|one| is(one, name))
            .with_context(|| format!("no configuration or group is called `{name}`"))?;
    }
    let wanted = |one: &Configuration| names.is_empty() || names.iter().any(|n| is(one, n));
    Ok(all.into_iter().filter(wanted).collect())
}

/// Prints what came of it, and counts what must not be.
fn report(batch: &Batch, configurations: &[Configuration], whole: bool) -> usize {
    let mut faults = 0;
    let mut compared: Vec<(&str, Comparison)> = Vec::new();
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "group",
        "configuration",
        "facts",
        "expected differences",
        "unexpected",
    ]);
    let answers = batch.networkd.iter().zip(&batch.agent);
    for (one, (networkd, agent)) in configurations.iter().zip(answers) {
        let mut said = Vec::new();
        for (word, answer) in [("networkd", networkd), ("agent", agent)] {
            said.extend(complaint(word, answer));
        }
        let found = compare(
            &one.name,
            &facts(&networkd.dump),
            &facts(&agent.dump),
            EXPECTED,
        );
        said.extend(found.unexpected.iter().map(shown));
        table.add_row([
            one.group.clone(),
            one.name.clone(),
            found.facts.to_string(),
            found.expected.len().to_string(),
            said.len().to_string(),
        ]);
        if !said.is_empty() {
            println!("{}: {}", one.name, one.title);
            for line in &said {
                println!("  - {line}");
            }
            for line in agent.log.iter().chain(&networkd.log) {
                println!("  | {line}");
            }
        }
        faults += said.len();
        compared.push((&one.name, found));
    }
    println!("{table}");
    let versions = &batch.versions;
    println!(
        "Linux {}, {}, netplan {}",
        versions.kernel, versions.systemd, versions.netplan
    );
    println!("{}", versions.iproute2);
    faults + expectations(&compared, whole)
}

/// What makes the comparison itself worth nothing.
fn complaint(word: &str, answer: &Answer) -> Option<String> {
    match &answer.error {
        Some(error) => Some(format!("{word}: {error}")),
        None if !answer.settled => Some(format!("{word}: does not settle")),
        None => None,
    }
}

fn shown(difference: &Difference) -> String {
    let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{}: networkd {}, agent {}",
        difference.place,
        word(&difference.networkd),
        word(&difference.agent)
    )
}

/// The differences that remain, by reason; and, of a whole run, those that no
/// longer do.
fn expectations(compared: &[(&str, Comparison)], whole: bool) -> usize {
    let mut by_place: BTreeMap<usize, (usize, Vec<&str>)> = BTreeMap::new();
    for (name, found) in compared {
        for (at, _) in &found.expected {
            let (count, names) = by_place.entry(*at).or_default();
            *count += 1;
            if names.last() != Some(name) {
                names.push(name);
            }
        }
    }
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "place",
        "networkd",
        "agent",
        "configurations",
        "reason",
    ]);
    for (at, (_, names)) in &by_place {
        let one = &EXPECTED[*at];
        let count = names.len().to_string();
        table.add_row([one.place, one.networkd, one.agent, &count, one.reason]);
    }
    println!("{table}");
    if !whole {
        return 0;
    }
    let refs: Vec<_> = compared
        .iter()
        .map(|(name, found)| (*name, found))
        .collect();
    let unused = unused(EXPECTED, &refs);
    for one in &unused {
        println!("no longer so: {} ({})", one.place, one.reason);
    }
    unused.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_names_select() {
        let all = || all().expect("configurations");
        let first = all().swap_remove(0);
        let of_group = selected(all(), std::slice::from_ref(&first.group)).expect("a group");
        assert!(of_group.iter().all(|one| one.group == first.group));
        let named = selected(all(), std::slice::from_ref(&first.name)).expect("a name");
        assert_eq!(named, [first]);
        let unknown = selected(all(), &["nonesuch".to_owned()]).expect_err("no such name");
        assert!(unknown.to_string().contains("`nonesuch`"), "{unknown}");
    }

    #[test]
    fn a_machine_that_does_not_settle_counts() {
        let answer = Answer {
            name: "x".to_owned(),
            settled: false,
            dump: serde_json::Value::Null,
            error: None,
            log: Vec::new(),
        };
        let text = complaint("agent", &answer);
        assert_eq!(text.as_deref(), Some("agent: does not settle"));
    }
}
