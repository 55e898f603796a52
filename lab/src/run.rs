//! One scenario from its image to its verdict.

use std::path::PathBuf;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::machine::{Line, Way};
use crate::marks::Marks;
use crate::scenario::Scenario;

/// What the host says in its kernel log before it reports and powers off.
const REPORTS: &str = "lab: report";
/// Console lines shown when a scenario fails.
const TAIL: usize = 40;

/// How a scenario went.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The scenario's name.
    pub name: &'static str,
    /// The scenario's title.
    pub title: &'static str,
    /// What does not hold; empty when it passed.
    pub faults: Vec<String>,
    /// From the first step to the last, images included.
    pub seconds: f64,
    /// The phases of the boot.
    pub marks: Marks,
    /// The slowest round of the heartbeat, in seconds.
    pub longest_stall: Option<f64>,
    /// From the report to the end of the machine, in seconds.
    pub power_off: Option<f64>,
    /// Where its artefacts are.
    pub dir: PathBuf,
    /// The last lines of the host's console, when it failed.
    pub tail: Vec<String>,
}

impl Verdict {
    /// Whether everything holds.
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Runs one scenario; an error of the lab is a fault like any other.
pub fn run(lab: &Lab, scenario: &Scenario, way: Way) -> Verdict {
    let began = Instant::now();
    let mut verdict = Verdict {
        name: scenario.name,
        title: scenario.title,
        faults: Vec::new(),
        seconds: 0.0,
        marks: Marks::default(),
        longest_stall: None,
        power_off: None,
        dir: lab.artefacts(scenario.name),
        tail: Vec::new(),
    };
    if let Err(error) = play(lab, scenario, way, &mut verdict) {
        verdict.faults.push(describe(&error));
    }
    verdict.seconds = began.elapsed().as_secs_f64();
    verdict
}

fn play(lab: &Lab, scenario: &Scenario, way: Way, verdict: &mut Verdict) -> Result<()> {
    let mut session = scenario.prepare(lab, way)?;
    let ended = (scenario.events)(&mut session).and_then(|()| session.finish(&scenario.end));
    let (report, power_off) = match ended {
        Ok(parts) => parts,
        Err(error) => {
            verdict.faults.push(describe(&error));
            (None, None)
        }
    };
    let outcome = session.outcome(report, power_off);
    verdict.tail = tail(&outcome.console);
    verdict.marks = outcome.marks;
    verdict.power_off = power_off;
    let heart = outcome.report.as_ref().and_then(|r| r.heartbeat.as_ref());
    verdict.longest_stall = heart.map(|heart| heart.longest_stall);
    verdict.faults.extend(scenario.judge(&outcome));
    Ok(())
}

/// What the console showed last; powering off is of no interest.
fn tail(console: &[Line]) -> Vec<String> {
    let end = console.iter().position(|line| line.text.contains(REPORTS));
    let console = &console[..end.unwrap_or(console.len())];
    let tail = console.iter().skip(console.len().saturating_sub(TAIL));
    tail.map(ToString::to_string).collect()
}

/// An error with its causes, on one line each.
fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
