//! `cargo xtask bench`: what the project promises about time, measured.

mod boots;
mod bytes;
mod capture;
mod compare;
mod configure;
mod document;
mod goal;
mod hosts;
mod inputs;
mod links;
mod measure;
mod plot;
mod portals;
mod pyyaml;
mod ramdisk;
mod span;
mod timeline;
mod whole;

use std::fs;

use anyhow::{Context, Result, bail};
use nvmeroot_lab::Lab;

use self::goal::{Goal, goals_table, unmet};
use crate::shell::top;

/// A part that can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The program itself: configure, and the plan of a big configuration
    Configure,
    /// Both runtimes with one portal, and the floor
    Boot,
    /// Both runtimes with one portal, until root is mounted
    Whole,
    /// Both runtimes over VLANs, bonds, bridges and the like
    Links,
    /// What each runtime adds to the initial ramdisk
    Bytes,
    /// Both runtimes with 1 to 32 portals
    Portals,
    /// The agent with 1 to 32 portals, until root is mounted
    Flat,
}

impl Part {
    const ALL: [Part; 7] = [
        Part::Configure,
        Part::Boot,
        Part::Whole,
        Part::Links,
        Part::Bytes,
        Part::Portals,
        Part::Flat,
    ];

    fn name(self) -> &'static str {
        match self {
            Part::Configure => "configure",
            Part::Boot => "boot",
            Part::Whole => "whole",
            Part::Links => "links",
            Part::Bytes => "bytes",
            Part::Portals => "portals",
            Part::Flat => "flat",
        }
    }
}

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each command of `configure` runs
    #[arg(long, default_value_t = 200)]
    runs: usize,
    /// How many pairs of boots are compared; of `flat`, how many boots of each host
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pairs: u16,
    /// How many portals the subsystem has, with commas between
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 16, 32])]
    portals: Vec<u16>,
    /// Measure this part alone (may be given more than once)
    #[arg(long)]
    only: Vec<Part>,
    /// Of the parts `boot`, `whole` and `links`, only the cases whose titles contain this
    #[arg(long, default_value = "", conflicts_with = "write")]
    case: String,
    /// Put the tables and the plot into `docs` as well
    #[arg(long)]
    write: bool,
}

/// What a part has to tell.
struct Section {
    name: &'static str,
    /// Markdown.
    text: String,
    /// Goals that are not met.
    unmet: Vec<String>,
}

impl Section {
    /// What was measured, and below it whether that meets the goals.
    fn judged(name: &'static str, measured: &str, goals: &[Goal]) -> Section {
        Section {
            name,
            text: format!("{measured}\n\n{}\n", goals_table(goals)),
            unmet: unmet(goals),
        }
    }
}

/// Measures what was asked for, one machine at a time, and prints it.
pub(crate) fn run(args: &Args) -> Result<()> {
    let parts: &[Part] = if args.only.is_empty() {
        &Part::ALL
    } else {
        &args.only
    };
    let lab = if parts.iter().any(|part| *part != Part::Configure) {
        let nvmeroot = crate::lab::build()?;
        Some(Lab::open(&nvmeroot, &|text| eprintln!("lab: {text}"))?)
    } else {
        None
    };
    let mut unmet = Vec::new();
    for part in parts {
        let command = match part {
            Part::Boot | Part::Whole | Part::Links | Part::Portals | Part::Flat => {
                format!(
                    "cargo xtask bench --only {} --pairs {}",
                    part.name(),
                    args.pairs
                )
            }
            _ => format!("cargo xtask bench --only {}", part.name()),
        };
        let circumstances = document::circumstances(&command);
        let mut plot = None;
        let pairs = usize::from(args.pairs);
        let section = match (part, &lab) {
            (Part::Boot, Some(lab)) => boots::section(lab, pairs, &args.case)?,
            (Part::Whole, Some(lab)) => whole::section(lab, pairs, &args.case)?,
            (Part::Links, Some(lab)) => links::section(lab, pairs, &args.case)?,
            (Part::Bytes, Some(lab)) => bytes::section(lab)?,
            (Part::Portals, Some(lab)) => {
                let (section, svg) = portals::section(lab, &args.portals, pairs)?;
                plot = Some(svg);
                section
            }
            (Part::Flat, Some(lab)) => portals::counted_section(lab, &args.portals, pairs)?,
            _ => configure::section(args.runs)?,
        };
        let text = format!("{circumstances}\n\n{}", section.text);
        println!("{text}");
        if args.write {
            write(section.name, &text, plot.as_deref())?;
        }
        unmet.extend(section.unmet);
    }
    if !unmet.is_empty() {
        bail!("not met:\n  {}", unmet.join("\n  "));
    }
    Ok(())
}

fn write(name: &str, text: &str, plot: Option<&str>) -> Result<()> {
    let docs = top().join("docs");
    let file = docs.join("benchmarks.md");
    let shown = || file.display().to_string();
    let document = fs::read_to_string(&file).with_context(shown)?;
    let document = document::replaced(&document, name, text).with_context(shown)?;
    fs::write(&file, document).with_context(shown)?;
    if let Some(plot) = plot {
        fs::write(docs.join("portals.svg"), plot).context("portals.svg")?;
    }
    Ok(())
}
