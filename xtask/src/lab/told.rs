//! What a person is told of scenarios and how they went.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nvmeroot_lab::{Job, Kind, Verdict};

/// How many of the slowest are named.
const SLOWEST: usize = 10;

/// A line of the list.
pub(super) fn listed(job: &Job) -> String {
    let scenario = &job.scenario;
    let mut line = format!(
        "{:24} {:5} {:4} s  {}",
        scenario.name,
        job.way.kind.to_string(),
        scenario.budget(job.way.kind).as_secs(),
        scenario.title
    );
    if !scenario.needs.is_empty() {
        let needs: Vec<String> = scenario.needs.iter().map(ToString::to_string).collect();
        let _ = write!(line, " (needs {})", needs.join(", "));
    }
    line
}

/// How a scenario went. Writing to a String can't fail.
pub(super) fn verdict(verdict: &Verdict) -> String {
    let word = if verdict.passed() { "ok    " } else { "FAILED" };
    let mut text = format!(
        "{word} {:24} {:4} {:5.1} s",
        verdict.name,
        verdict.way.kind.to_string(),
        verdict.seconds
    );
    if verdict.way.is_virtual() {
        let _ = write!(text, "  virtual {:.1} s", verdict.virtual_seconds);
    }
    let marks = &verdict.marks;
    let facts = [
        ("root", marks.root),
        ("up", marks.marker),
        ("stall", verdict.longest_stall),
        ("off", verdict.power_off),
    ];
    for (name, seconds) in facts {
        if let Some(seconds) = seconds {
            let _ = write!(text, "  {name} {seconds:.1} s");
        }
    }
    if verdict.is_late() {
        let _ = write!(text, "  over its {:.0} s", verdict.budget.as_secs_f64());
    }
    text.push('\n');
    if !verdict.passed() {
        for fault in &verdict.faults {
            let _ = writeln!(text, "  - {fault}");
        }
        for line in &verdict.tail {
            let _ = writeln!(text, "  | {line}");
        }
        let _ = writeln!(
            text,
            "  {}; console, report, record and what crossed the cables: {}",
            verdict.way,
            verdict.dir.display()
        );
    }
    text
}

/// All of them together.
pub(super) fn summary(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    let mut slowest: Vec<&Verdict> = verdicts.iter().collect();
    slowest.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    if slowest.len() > 1 {
        text.push_str("the slowest:\n");
        for verdict in slowest.iter().take(SLOWEST) {
            let _ = writeln!(
                text,
                "  {:6.1} s of {:3.0} s  {} ({})",
                verdict.seconds,
                verdict.budget.as_secs_f64(),
                verdict.name,
                verdict.way.kind
            );
        }
    }
    text.push_str(&repeats(verdicts));
    let of = |kind| verdicts.iter().filter(|v| v.way.kind == kind).count();
    let failed = verdicts.iter().filter(|v| !v.passed());
    let _ = write!(
        text,
        "{} scenarios ({} uml, {} qemu), {} failed",
        verdicts.len(),
        of(Kind::Uml),
        of(Kind::Qemu),
        failed.clone().count()
    );
    let hours: f64 = verdicts.iter().map(|v| v.virtual_seconds).sum::<f64>() / 3600.0;
    let _ = writeln!(text, ", {hours:.1} hours by the machines' clocks");
    let mut names: Vec<String> = failed.map(|v| format!("{} ({})", v.name, v.way)).collect();
    names.sort();
    names.dedup();
    for name in names {
        let _ = writeln!(text, "  failed: {name}");
    }
    text
}

/// The runs of each scenario that was run more than once.
fn repeated(verdicts: &[Verdict]) -> BTreeMap<&str, Vec<&Verdict>> {
    let mut runs: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
    for verdict in verdicts {
        runs.entry(verdict.name).or_default().push(verdict);
    }
    runs.retain(|_, runs| runs.len() > 1);
    runs
}

/// The scenarios whose runs should have had the same times, and had not: in virtual
/// time, by one seed.
pub(super) fn unlike(verdicts: &[Verdict]) -> Vec<&str> {
    let runs = repeated(verdicts).into_iter().filter(|(_, runs)| {
        let mut records = runs.iter().map(|verdict| times(verdict));
        let first = records.next();
        let is_virtual = runs.iter().all(|verdict| verdict.way.is_virtual());
        is_virtual && records.any(|record| Some(record) != first)
    });
    runs.map(|(name, _)| name).collect()
}

fn times(verdict: &Verdict) -> Option<Vec<(String, u64)>> {
    let record = verdict.record.as_ref();
    record.map(nvmeroot_lab::Record::milliseconds)
}

/// Whether the boots of a scenario that was run more than once went alike.
fn repeats(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for (name, runs) in repeated(verdicts) {
        let passed = runs.iter().filter(|v| v.passed()).count();
        let _ = writeln!(
            text,
            "{name}: {passed} of {} passed; {}",
            runs.len(),
            alike(&runs)
        );
    }
    text
}

fn alike(runs: &[&Verdict]) -> String {
    let times: Vec<_> = runs.iter().filter_map(|verdict| times(verdict)).collect();
    let [first, rest @ ..] = times.as_slice() else {
        return "no boot record".to_owned();
    };
    if times.len() < runs.len() {
        return format!("{} have no boot record", runs.len() - times.len());
    }
    let differs = |other: &&Vec<(String, u64)>| *other != first;
    let Some(other) = rest.iter().find(differs) else {
        return "the boot records have the same times, to the millisecond".to_owned();
    };
    let count = rest.iter().filter(differs).count();
    let pairs = first.iter().zip(other.iter());
    let where_ = pairs.clone().find(|(a, b)| a != b);
    let what = where_.map_or_else(
        || "another number of steps".to_owned(),
        |((name, a), (other, b))| {
            if name == other {
                format!("`{name}` at {a} and {b} ms")
            } else {
                format!("`{name}` at {a} ms, `{other}` at {b} ms")
            }
        },
    );
    format!("{count} boot records differ from the first, one first by {what}")
}
