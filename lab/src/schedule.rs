//! Several scenarios at a time, the longest first, so that no processor waits at
//! the end.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::cache::write;
use crate::lab::Lab;
use crate::machine::{Kind, Way};
use crate::run::{Verdict, run};
use crate::scenario::Scenario;

/// What a host and its target take, in MiB, with the programs around them.
const PAIR_MIB: u64 = 1300;

/// One run of a scenario.
#[derive(Debug, Clone)]
pub struct Job {
    /// What is run.
    pub scenario: Scenario,
    /// On what.
    pub way: Way,
    /// Which one of several runs of the scenario, from 1; 0 for the only one.
    pub number: usize,
}

impl Job {
    /// What its directory is called.
    pub fn name(&self) -> String {
        match self.number {
            0 => self.scenario.name.to_owned(),
            number => format!("{}.{number}", self.scenario.name),
        }
    }
}

/// How many pairs of machines run at a time: one on each processor, for in virtual time
/// none of them waits, and no more than memory carries.
pub fn parallel() -> usize {
    let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let carried = available_mib().map_or(usize::MAX, |mib| {
        usize::try_from(mib / PAIR_MIB).unwrap_or(usize::MAX)
    });
    processors.min(carried).max(1)
}

/// What the kernel says of memory (`MemAvailable`, proc(5)).
fn available_mib() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

/// How long each scenario took the last time, in seconds of ours.
#[derive(Debug, Default, PartialEq)]
struct Times(BTreeMap<String, f64>);

impl Times {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_default();
        Times(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    fn key(scenario: &Scenario, kind: Kind) -> String {
        format!("{} {kind}", scenario.name)
    }

    fn of(&self, job: &Job) -> f64 {
        let known = self.0.get(&Self::key(&job.scenario, job.way.kind));
        // What nobody knows may be long.
        known
            .copied()
            .unwrap_or_else(|| job.scenario.budget(job.way.kind).as_secs_f64())
    }

    fn note(&mut self, verdict: &Verdict, job: &Job) {
        if verdict.passed() {
            let key = Self::key(&job.scenario, job.way.kind);
            self.0.insert(key, verdict.seconds);
        }
    }

    /// Only a help for the next time: that it can't be written is no fault.
    fn write(&self, path: &Path) {
        let _ = write(path, 0o644, serde_json::to_vec(&self.0).unwrap_or_default());
    }
}

/// The order in which jobs are started.
fn order(jobs: &[Job], times: &Times) -> Vec<usize> {
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    let milliseconds = |index: &usize| (times.of(&jobs[*index]) * 1e3) as u64;
    order.sort_by_key(|index| Reverse(milliseconds(index)));
    order
}

/// How many jobs are not over yet that start a host, by the host's name.
type Waiting<'a> = BTreeMap<&'a str, usize>;

fn waiting(jobs: &[Job]) -> Waiting<'_> {
    let mut waiting = Waiting::new();
    for job in jobs {
        *waiting.entry(&job.scenario.host.name).or_default() += 1;
    }
    waiting
}

/// The job is over, and its host is started by none that is not.
fn is_last<'a>(waiting: &mut Waiting<'a>, job: &'a Job) -> bool {
    let left = waiting.entry(&job.scenario.host.name).or_default();
    *left = left.saturating_sub(1);
    *left == 0 && job.way.kind == Kind::Uml
}

/// Runs jobs, `parallel` at a time, and tells each verdict as it comes. The
/// verdicts are returned in the order of the jobs. Where the disk gets full, images go
/// that no job starts any more.
pub fn run_all(
    lab: &Lab,
    jobs: &[Job],
    parallel: usize,
    say: &(dyn Fn(&Verdict) + Sync),
) -> Vec<Verdict> {
    let file: PathBuf = lab.times_file();
    let times = Mutex::new(Times::read(&file));
    let order = order(jobs, &times.lock().unwrap_or_else(PoisonError::into_inner));
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Vec::new());
    let waiting = Mutex::new(waiting(jobs));
    thread::scope(|scope| {
        for _ in 0..parallel.clamp(1, jobs.len().max(1)) {
            scope.spawn(|| {
                while let Some(index) = order.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let job = &jobs[*index];
                    let verdict = run(lab, &job.scenario, job.way, &job.name());
                    say(&verdict);
                    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                    if is_last(&mut waiting, job) && lab.is_short_of_room() {
                        // What is not removed now, the next one removes.
                        let _ = lab.forget_host(&job.scenario.host);
                    }
                    drop(waiting);
                    let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
                    times.note(&verdict, job);
                    let mut done = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((*index, verdict));
                }
            });
        }
    });
    times
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .write(&file);
    let mut done = verdicts
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, verdict)| verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_wanted_till_its_last_job_is_over() {
        let mut jobs = jobs();
        jobs.truncate(2);
        for job in &mut jobs {
            job.scenario.host.name = "shared".to_owned();
            job.way.kind = Kind::Uml;
        }
        let mut waiting = waiting(&jobs);
        assert!(!is_last(&mut waiting, &jobs[0]));
        assert!(is_last(&mut waiting, &jobs[1]));
    }
    use crate::machine::{Clock, SEED};

    fn jobs() -> Vec<Job> {
        let simulated = Way::simulated(Clock::Virtual, SEED);
        let job = |name: &str, way, number| {
            let mut all = crate::scenario::all().into_iter();
            let scenario = all.find(|s| s.name == name).unwrap();
            Job {
                scenario,
                way,
                number,
            }
        };
        vec![
            job("agent-static", simulated, 0),
            job("dhcp4", simulated, 1),
            job("late-card", Way::EMULATED, 0),
        ]
    }

    #[test]
    fn the_longest_comes_first() {
        let jobs = jobs();
        // An emulated machine has the larger budget.
        assert_eq!(order(&jobs, &Times::default())[0], 2);
        let known = [
            ("agent-static uml", 9.0),
            ("dhcp4 uml", 20.0),
            ("late-card qemu", 15.0),
            // On the other kind.
            ("agent-static qemu", 99.0),
        ];
        let times = Times(known.map(|(name, s)| (name.to_owned(), s)).into());
        assert_eq!(order(&jobs, &times), [1, 2, 0]);
    }

    #[test]
    fn runs_of_one_scenario_have_directories_of_their_own() {
        let names: Vec<String> = jobs().iter().map(Job::name).collect();
        assert_eq!(names, ["agent-static", "dhcp4.1", "late-card"]);
    }

    #[test]
    fn times_outlast_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("times.json");
        assert_eq!(Times::read(&file), Times::default());
        let times = Times([("dhcp4 uml".to_owned(), 20.5)].into());
        times.write(&file);
        assert_eq!(Times::read(&file), times);
    }

    #[test]
    fn some_pair_always_runs() {
        assert!(parallel() >= 1);
    }
}
