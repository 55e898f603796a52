//! Several scenarios at a time: most of one is waiting.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::lab::Lab;
use crate::machine::Way;
use crate::run::{Verdict, run};
use crate::scenario::Scenario;

/// Runs scenarios, `parallel` at a time, and tells each verdict as it comes.
/// The verdicts are returned in the order of the scenarios.
pub fn run_all(
    lab: &Lab,
    scenarios: &[Scenario],
    parallel: usize,
    say: &(dyn Fn(&Verdict) + Sync),
) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..parallel.clamp(1, scenarios.len().max(1)) {
            scope.spawn(|| {
                while let Some((index, scenario)) = {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    scenarios.get(index).map(|scenario| (index, scenario))
                } {
                    let verdict = run(lab, scenario, Way::EMULATED);
                    say(&verdict);
                    let mut done = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((index, verdict));
                }
            });
        }
    });
    let mut done = verdicts
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, verdict)| verdict).collect()
}
