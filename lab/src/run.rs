//! One scenario from its image to its verdict.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::machine::{Line, Way};
use crate::marks::Marks;
use crate::outcome::Outcome;
use crate::record::Record;
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
    /// What its machines ran on.
    pub way: Way,
    /// What does not hold; empty when it passed.
    pub faults: Vec<String>,
    /// From the first step to the last, images included.
    pub seconds: f64,
    /// The same by the machines' clock, without the images.
    pub virtual_seconds: f64,
    /// How long it may take by our clock.
    pub budget: Duration,
    /// The phases of the boot.
    pub marks: Marks,
    /// What went wrong, and what came of it, one text each.
    pub trouble: Vec<String>,
    /// What the agent recorded in the last boot.
    pub record: Option<Record>,
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

    /// Whether it took longer than it may.
    pub fn is_late(&self) -> bool {
        self.seconds > self.budget.as_secs_f64()
    }

    /// What a person wants to know first who opens the directory.
    fn text(&self) -> String {
        let mut text = format!(
            "{}: {}\n{}, {:.1} s by its clock, {:.1} s by ours (budget {:.0} s)\n",
            self.name,
            self.title,
            self.way,
            self.virtual_seconds,
            self.seconds,
            self.budget.as_secs_f64()
        );
        // Writing to a String can't fail.
        for fault in &self.faults {
            let _ = writeln!(text, "- {fault}");
        }
        for trouble in &self.trouble {
            let _ = writeln!(text, "{trouble}");
        }
        text
    }
}

/// Runs one scenario, its artefacts in the directory of that name; an error of
/// the lab is a fault like any other.
pub fn run(lab: &Lab, scenario: &Scenario, way: Way, directory: &str) -> Verdict {
    let began = Instant::now();
    let mut verdict = Verdict {
        name: scenario.name,
        title: scenario.title,
        way,
        faults: Vec::new(),
        seconds: 0.0,
        virtual_seconds: 0.0,
        budget: scenario.budget(way.kind),
        marks: Marks::default(),
        trouble: Vec::new(),
        record: None,
        longest_stall: None,
        power_off: None,
        dir: lab.artefacts(directory),
        tail: Vec::new(),
    };
    if let Err(error) = play(lab, scenario, directory, &mut verdict) {
        verdict.faults.push(describe(&error));
    }
    verdict.seconds = began.elapsed().as_secs_f64();
    if verdict.passed() {
        forget_captures(&verdict.dir);
    }
    // For people; a full disk shows elsewhere.
    let _ = fs::write(verdict.dir.join("verdict.txt"), verdict.text());
    verdict
}

fn play(lab: &Lab, scenario: &Scenario, directory: &str, verdict: &mut Verdict) -> Result<()> {
    let dir = lab.run_dir(directory)?;
    let mut session = scenario.prepare_in(lab, verdict.way, &dir)?;
    let ended = (scenario.events)(&mut session).and_then(|()| session.finish(&scenario.end));
    let (report, power_off) = match ended {
        Ok(parts) => parts,
        Err(error) => {
            verdict.faults.push(describe(&error));
            (None, None)
        }
    };
    verdict.virtual_seconds = session.now().as_secs_f64();
    let outcome = session.outcome(report, power_off);
    let text = session.report().unwrap_or_default();
    keep(&dir, &outcome, &text);
    verdict.tail = tail(&outcome.console);
    verdict.marks = outcome.marks;
    verdict.power_off = power_off;
    let heart = outcome.report.as_ref().and_then(|r| r.heartbeat.as_ref());
    verdict.longest_stall = heart.map(|heart| heart.longest_stall);
    verdict.trouble = outcome.effects.iter().map(ToString::to_string).collect();
    verdict.faults.extend(scenario.judge(&outcome));
    verdict.record = outcome.record;
    Ok(())
}

/// Puts beside each other what a person looks at: both consoles with their times,
/// the report, the agent's record.
fn keep(dir: &Path, outcome: &Outcome, report: &str) {
    let lines = |lines: &[Line]| {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        lines.join("\n") + "\n"
    };
    let mut files = vec![
        ("host.txt".to_owned(), lines(&outcome.console)),
        ("target.txt".to_owned(), lines(&outcome.target_console)),
        ("report.txt".to_owned(), report.to_owned()),
    ];
    for (number, earlier) in outcome.earlier.iter().enumerate() {
        files.push((format!("host.{number}.txt"), lines(&earlier.console)));
    }
    if let Some(record) = Record::text(report) {
        files.push(("record.json".to_owned(), record.to_owned()));
    }
    for (name, text) in files {
        // For people; a full disk shows elsewhere.
        let _ = fs::write(dir.join(name), text);
    }
}

/// What crossed the cables of a run that passed is of no interest.
fn forget_captures(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    for path in paths.filter(|path| path.extension().is_some_and(|e| e == "pcap")) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Others are measured (`host.card0.pcap`).
        if name.starts_with("cable") {
            let _ = fs::remove_file(path);
        }
    }
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
        let _ = write!(text, ": {next}");
        cause = next.source();
    }
    text
}
