//! One measured boot, and the arithmetic of many.

use std::fs;

use anyhow::{Context, Result, bail};
use nvmeroot_lab::scenario::Scenario;
use nvmeroot_lab::{Lab, Line, boot};

use super::capture::server_time;
use super::timeline::{Timeline, logged};

/// What a boot showed.
#[derive(Debug, Clone)]
pub(super) struct Boot {
    pub(super) timeline: Timeline,
    /// The DHCP server's part, where the host's cable was watched.
    pub(super) server: Option<f64>,
}

/// On a busy machine the guest's kernel may take a wrong measure of its own
/// clock, or correct it by seconds while it boots.
const TRIES: usize = 4;

/// Boots a host; one that does not come up well is no measurement, and one whose
/// clock went wrong is booted again.
pub(super) fn measure(lab: &Lab, scenario: &Scenario) -> Result<Boot> {
    for _ in 0..TRIES {
        match attempt(lab, scenario)? {
            Ok(boot) => return Ok(boot),
            Err(wrong) => eprintln!("`{}`: {wrong}, again", scenario.name),
        }
    }
    bail!("`{}`: no boot of {TRIES} had a right clock", scenario.name);
}

/// A boot, or what was wrong with its clock.
fn attempt(lab: &Lab, scenario: &Scenario) -> Result<Result<Boot, String>> {
    let outcome = boot(lab, scenario, &|_, _| {})
        .with_context(|| format!("`{}` did not boot", scenario.name))?
        .outcome;
    let dir = lab.artefacts(scenario.name);
    let faults = scenario.judge(&outcome);
    if !faults.is_empty() {
        bail!(
            "`{}`: {}; see {}",
            scenario.name,
            faults.join("; "),
            dir.display()
        );
    }
    if let Some(wrong) = wrong_clock(&outcome.console) {
        return Ok(Err(wrong));
    }
    let report = outcome.report.context("the host did not report")?;
    let timeline = Timeline::of(&report)
        .with_context(|| format!("`{}`, see {}", scenario.name, dir.display()))?;
    let server = if scenario.wiring.capture {
        let file = dir.join("host.card0.pcap");
        let pcap = fs::read(&file).with_context(|| format!("can't read {}", file.display()))?;
        Some(server_time(&pcap)?)
    } else {
        None
    };
    Ok(Ok(Boot { timeline, server }))
}

/// The host's clock against that of the machine that reads its console, from
/// the initramfs's first program to the mount of root.
fn wrong_clock(console: &[Line]) -> Option<String> {
    let unstable = console
        .iter()
        .find(|line| line.text.contains("Marking clocksource"));
    if let Some(line) = unstable {
        return Some(line.text.clone());
    }
    // How much the host's clock is behind at a line.
    let behind = |text: &str| {
        let line = console.iter().find(|line| line.text.contains(text))?;
        let (by_host, _) = logged(&line.text)?;
        Some(line.at.as_secs_f64() - by_host)
    };
    let off = behind("EXT4-fs (nvme")? - behind("Run /init as init process")?;
    (off.abs() > 1.0).then(|| format!("its clock is off by {off:.1} s"))
}

/// The middle value, or the mean of the two in the middle.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Seconds as tables show them.
pub(super) fn shown(seconds: f64) -> String {
    format!("{seconds:.2}")
}

/// All values, in the order in which they were measured.
pub(super) fn listed(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().copied().map(shown).collect();
    texts.join(" ")
}

/// A table in Markdown.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.clone());
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_that_is_off_is_seen() {
        let line = |at: u64, text: &str| Line {
            at: Duration::from_secs(at),
            text: text.to_owned(),
        };
        let console = |root: u64| {
            [
                line(9, "[    5.5] Run /init as init process"),
                line(root, "[   16.5] EXT4-fs (nvme0n1): mounted filesystem"),
            ]
        };
        assert_eq!(wrong_clock(&console(20)), None);
        let wrong = wrong_clock(&console(29)).unwrap();
        assert_eq!(wrong, "its clock is off by 9.0 s");
        let unstable = [line(
            9,
            "[ 1.0] clocksource: Marking clocksource 'tsc' as unstable",
        )];
        assert!(wrong_clock(&unstable).is_some());
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
