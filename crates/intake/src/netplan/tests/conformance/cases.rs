//! What netplan brings to be read, and the test of it.

use std::fs;
use std::path::{Path, PathBuf};

use nvmeroot_plan::{Origin, Warning};

use super::SOURCE;
use super::differences;
use super::mutation::{Counts, judge};
use super::outcome::{Files, Storage, fragment, shown_otherwise};

/// Fewer than these, and something is wrong with how they are found.
const FEWEST_EXAMPLES: usize = 30;
const FEWEST_SNIPPETS: usize = 500;

/// One configuration.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) files: Files,
    /// Whether netplan takes it; `None` where that depends on more than the
    /// files.
    accepted: Option<bool>,
}

/// The directory that the task prepared.
pub(super) fn source() -> PathBuf {
    let path = std::env::var_os(SOURCE);
    PathBuf::from(
        path.unwrap_or_else(|| panic!("`{SOURCE}` is not set: run cargo xtask conformance")),
    )
}

fn examples(source: &Path) -> Vec<Case> {
    let directory = source.join("source/examples");
    let files = fs::read_dir(&directory).expect("examples");
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    let case = |path: &PathBuf| {
        let file = path.file_name().expect("a name").to_string_lossy();
        Case {
            name: format!("examples/{file}"),
            files: vec![(file.into_owned(), fs::read_to_string(path).expect("text"))],
            accepted: Some(true),
        }
    };
    paths.iter().map(case).collect()
}

fn snippets(source: &Path) -> Vec<Case> {
    let text = fs::read(source.join("snippets.json")).expect("snippets.json");
    let all: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let case = |one: &serde_json::Value| {
        let files = one["files"].as_object().expect("files").iter();
        let files =
            files.map(|(name, text)| (name.clone(), text.as_str().expect("text").to_owned()));
        let plain = one["plain"].as_bool().expect("a boolean");
        let fails = one["fails"].as_bool().expect("a boolean");
        Case {
            name: one["name"].as_str().expect("a name").to_owned(),
            files: files.collect(),
            accepted: plain.then_some(!fails),
        }
    };
    let all = all["snippets"].as_array().expect("a list");
    all.iter().map(case).collect()
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// Refused wherever it stands.
    Error,
    /// Planned; the storage can't be reached over it.
    Refused,
    /// Planned, with warnings.
    Warned,
    /// Planned.
    Planned,
}

#[derive(Default)]
struct Totals {
    ends: std::collections::BTreeMap<(&'static str, End), usize>,
    counts: Counts,
    faults: Vec<String>,
    /// Plans that the agent reads.
    given: usize,
    met: std::collections::BTreeSet<&'static str>,
    /// Why the path can't stand on what netplan takes.
    refusals: std::collections::BTreeMap<String, usize>,
}

#[test]
#[ignore = "needs netplan's source: cargo xtask conformance"]
fn nothing_of_netplans_own_texts_is_dropped_in_silence() {
    let source = source();
    let (examples, snippets) = (examples(&source), snippets(&source));
    assert!(
        examples.len() >= FEWEST_EXAMPLES,
        "{} examples",
        examples.len()
    );
    assert!(
        snippets.len() >= FEWEST_SNIPPETS,
        "{} snippets",
        snippets.len()
    );
    println!("{} examples, {} snippets", examples.len(), snippets.len());
    let all: Vec<Case> = examples.into_iter().chain(snippets).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let totals = std::thread::scope(|scope| {
        let work = || {
            let mut totals = Totals::default();
            while let Some(case) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
            {
                totals.run(case);
            }
            totals
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let done = workers.into_iter().map(|w| w.join().expect("no panic"));
        done.fold(Totals::default(), Totals::and)
    });
    for ((netplan, end), count) in &totals.ends {
        println!("  {netplan:9} {end:?}: {count}");
    }
    println!("{}", totals.counts);
    println!("of what netplan takes, the path can't have:");
    for (message, count) in &totals.refusals {
        println!("  {count:3} {message}");
    }
    println!("{} plans are the agent's as they are shown", totals.given);
    assert!(totals.given > 200, "only {} plans", totals.given);
    let mut faults = totals.faults;
    faults.extend(differences::unmet(&totals.met));
    faults.sort();
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

impl Totals {
    fn and(mut self, other: Self) -> Self {
        for (key, count) in other.ends {
            *self.ends.entry(key).or_default() += count;
        }
        self.counts += other.counts;
        self.given += other.given;
        self.faults.extend(other.faults);
        self.met.extend(other.met);
        for (message, count) in other.refusals {
            *self.refusals.entry(message).or_default() += count;
        }
        self
    }

    fn run(&mut self, case: &Case) {
        let end = self.end(case);
        let netplan = match case.accepted {
            Some(true) => "accepted",
            Some(false) => "refused",
            None => "(depends)",
        };
        *self.ends.entry((netplan, end)).or_default() += 1;
        let differs = match case.accepted {
            Some(true) => end == End::Error,
            Some(false) => end == End::Planned || end == End::Warned,
            None => false,
        };
        if !differs {
            return;
        }
        match differences::reason(&case.name, end) {
            Some(name) => drop(self.met.insert(name)),
            None => self.faults.push(format!(
                "{}: netplan: {netplan}, here: {end:?}\n{}",
                case.name,
                said(case)
            )),
        }
    }

    fn end(&mut self, case: &Case) -> End {
        let network = match fragment(&case.files) {
            Ok(network) => network,
            Err(found) => {
                for fault in &found.shown {
                    self.must_have_place(case, Some(&fault.origin), &fault.message);
                }
                return End::Error;
            }
        };
        let aside = Storage::elsewhere().plan(network.clone());
        let everywhere = Storage::everywhere(&network);
        let plan = everywhere.plan(network);
        for fault in aside.errors.iter().chain(&plan.errors) {
            self.must_have_place(case, fault.origin.as_ref(), &fault.message);
        }
        let on_path = plan.storage_interfaces().len();
        let all = plan.network.interfaces.len();
        if on_path != all {
            let fault = format!("{on_path} of {all} interfaces are on the path");
            self.faults
                .push(format!("{}: {fault}\n{}", case.name, said(case)));
        }
        if plan.errors.is_empty() {
            self.given += 1;
            let fault = shown_otherwise(&plan);
            self.faults
                .extend(fault.map(|fault| format!("{}: {fault}", case.name)));
        }
        for fault in plan.errors.iter().filter(|_| case.accepted == Some(true)) {
            let message = without_names(&fault.message);
            // What is said of netplan must hold.
            if message.contains("netplan refuses") {
                self.faults
                    .push(format!("{}: {message}, and it does not", case.name));
            }
            *self.refusals.entry(message).or_default() += 1;
        }
        let end = if !plan.errors.is_empty() {
            End::Refused
        } else if plan.warnings.iter().any(|warning| is_about(case, warning)) {
            End::Warned
        } else {
            End::Planned
        };
        judge(
            &case.files,
            &everywhere,
            plan,
            &mut self.counts,
            &mut |fault| {
                self.faults.push(format!("{}: {fault}", case.name));
            },
        );
        end
    }

    fn must_have_place(&mut self, case: &Case, origin: Option<&Origin>, message: &str) {
        if !origin.is_some_and(|origin| origin.line > 0 && origin.column > 0) {
            self.faults
                .push(format!("{}: no place: {message}", case.name));
        }
    }
}

/// A message for all interfaces alike.
fn without_names(message: &str) -> String {
    match message.strip_prefix('`').and_then(|m| m.split_once('`')) {
        Some((_, rest)) => format!("…{rest}"),
        None => message.to_owned(),
    }
}

fn is_about(case: &Case, warning: &Warning) -> bool {
    let origin = warning.origin.as_ref();
    origin.is_some_and(|origin| case.files.iter().any(|(name, _)| **name == *origin.file))
}

/// What a case says, for whoever looks into a difference.
fn said(case: &Case) -> String {
    let texts = case
        .files
        .iter()
        .map(|(name, text)| format!("--- {name}\n{text}"));
    let found = match fragment(&case.files) {
        Ok(network) => {
            let plan = Storage::everywhere(&network).plan(network);
            let all = plan.errors.iter().chain(&plan.warnings);
            let all = all.map(|w| {
                format!(
                    "{:?}: {}",
                    w.origin.as_ref().map(ToString::to_string),
                    w.message
                )
            });
            all.collect::<Vec<_>>().join("\n")
        }
        Err(found) => found.to_string(),
    };
    format!("{}\n=> {found}\n", texts.collect::<Vec<_>>().join("\n"))
}
