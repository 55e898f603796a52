//! `cargo xtask bench`: what the project promises about time, measured.

mod bytes;
mod circumstances;
mod compare;
mod configure;

mod goal;
mod hosts;
mod inputs;
mod links;
mod measure;
mod plot;
mod portals;
mod pyyaml;
mod ramdisk;
mod section;
mod span;
mod timeline;
mod waits;
mod whole;
mod work;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use nvmeroot_lab::Lab;

use self::section::Section;
use crate::shell::top;

/// A part that can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The program itself: configure, and the plan of a big configuration
    Configure,
    /// What either runtime waits, in virtual time
    Waits,
    /// What either runtime computes, in real time, and the floor
    Work,
    /// Both runtimes with one portal, until root is mounted, by a counted clock
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
    const ALL: [Part; 8] = [
        Part::Configure,
        Part::Waits,
        Part::Work,
        Part::Whole,
        Part::Links,
        Part::Bytes,
        Part::Portals,
        Part::Flat,
    ];

    fn name(self) -> &'static str {
        match self {
            Part::Configure => "configure",
            Part::Waits => "waits",
            Part::Work => "work",
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
    /// Of the parts `waits`, `work`, `whole` and `links`, only the cases whose titles contain this
    #[arg(long, default_value = "", conflicts_with = "write")]
    case: String,
    /// Put the tables and the plot into `docs/results` as well
    #[arg(long)]
    write: bool,
    /// The program under test; built from this workspace unless given
    #[arg(long, env = "NVMEROOT_LAB_BINARY")]
    nvmeroot: Option<PathBuf>,
}

/// Measures what was asked for, one machine at a time, and prints it.
pub(crate) fn run(args: &Args) -> Result<()> {
    let parts: &[Part] = if args.only.is_empty() {
        &Part::ALL
    } else {
        &args.only
    };
    let lab = opened(parts, args)?;
    let mut unmet = Vec::new();
    for part in parts {
        let command = match part {
            Part::Work | Part::Whole | Part::Links | Part::Portals | Part::Flat => {
                format!(
                    "cargo xtask bench --only {} --pairs {}",
                    part.name(),
                    args.pairs
                )
            }
            _ => format!("cargo xtask bench --only {}", part.name()),
        };
        let circumstances = circumstances::told(&command);
        let mut plot = None;
        let pairs = usize::from(args.pairs);
        let section = match (part, &lab) {
            (Part::Waits, Some(lab)) => waits::section(lab, &args.case)?,
            (Part::Work, Some(lab)) => work::section(lab, pairs, &args.case)?,
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

/// The lab, with what these parts need of it.
fn opened(parts: &[Part], args: &Args) -> Result<Option<Lab>> {
    if parts.iter().all(|part| *part == Part::Configure) {
        return Ok(None);
    }
    let nvmeroot = match &args.nvmeroot {
        Some(path) => path.clone(),
        None => crate::program::build()?,
    };
    let say = |text: &str| eprintln!("lab: {text}");
    let lab = Lab::open(&nvmeroot, &say)?;
    let simulated = |part: &Part| matches!(part, Part::Waits | Part::Work);
    if parts.iter().any(simulated) {
        return Ok(Some(lab.with_uml(&say)?));
    }
    Ok(Some(lab))
}

/// The file for those who want every value, and the plot for those who don't.
fn write(name: &str, text: &str, plot: Option<&str>) -> Result<()> {
    let results = top().join("docs/results");
    let file = results.join("raw").join(format!("{name}.md"));
    let text = format!("# `{name}`, as measured\n\n{}\n", text.trim());
    fs::write(&file, text).with_context(|| file.display().to_string())?;
    if let Some(plot) = plot {
        fs::write(results.join("portals.svg"), plot).context("portals.svg")?;
    }
    Ok(())
}
