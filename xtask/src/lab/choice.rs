//! Which scenarios are run, how often, and on what.

use anyhow::{Result, bail};
use nvmeroot_lab::scenario::matrix::Cell;
use nvmeroot_lab::scenario::{SMOKE, Scenario, on_request};
use nvmeroot_lab::{Clock, Error, Job, Kind, SEED, Way};

/// What somebody asked for.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Choice {
    /// Scenarios to run; when none is named all but `kexec`, which takes seven minutes or more
    names: Vec<String>,
    /// Three scenarios in under a minute, for the edit loop
    #[arg(long, conflicts_with = "names")]
    smoke: bool,
    /// What all scenarios run on, instead of what each needs
    #[arg(long)]
    machine: Option<Machine>,
    /// Which time passes for simulated machines [default: virtual]
    #[arg(long)]
    clock: Option<Time>,
    /// From which all chance comes in a simulated world
    #[arg(long)]
    seed: Option<u64>,
    /// Run each scenario so often, and compare the times in the boot records
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: Option<u32>,
}

/// [`Kind`], as it is said on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Machine {
    /// User-mode Linux, simulated
    Uml,
    /// QEMU, emulated, with Debian's own kernel
    Qemu,
}

/// [`Clock`], as it is said on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Time {
    /// What waits costs nothing
    Virtual,
    /// Ours
    Real,
}

impl Choice {
    /// The jobs, and what was left out and why.
    pub(super) fn jobs(&self, all: Vec<Scenario>) -> Result<(Vec<Job>, Vec<String>)> {
        let (mut jobs, mut skipped) = (Vec::new(), Vec::new());
        for scenario in self.selected(all)? {
            match self.way(&scenario) {
                Ok(way) => jobs.extend(self.numbers().map(|number| Job {
                    scenario: scenario.clone(),
                    way,
                    number,
                })),
                Err(why) if self.names.is_empty() => skipped.push(why),
                Err(why) => {
                    bail!("{why}\nhint: leave `--machine` out, and it runs on what it needs")
                }
            }
        }
        Ok((jobs, skipped))
    }

    fn selected(&self, all: Vec<Scenario>) -> Result<Vec<Scenario>, Error> {
        let names: Vec<&str> = if self.smoke {
            SMOKE.to_vec()
        } else {
            self.names.iter().map(String::as_str).collect()
        };
        if names.is_empty() {
            return Ok(all);
        }
        // A cell of the matrix may be asked for that is not among them.
        let cell = |name: &str| {
            let name = name.strip_prefix("matrix-")?;
            let mut cells = Cell::all().into_iter();
            let cell = cells.find(|cell| cell.to_string() == name)?;
            Some(cell.scenario())
        };
        let on_request = on_request();
        let find = |name: &str| {
            let found = all.iter().find(|scenario| scenario.name == name).cloned();
            found
                .or_else(|| on_request.iter().find(|one| one.name == name).cloned())
                .or_else(|| cell(name))
                .ok_or_else(|| Error::UnknownScenario {
                    name: name.to_owned(),
                })
        };
        names.into_iter().map(find).collect()
    }

    /// What the scenario runs on, or why it can't.
    fn way(&self, scenario: &Scenario) -> Result<Way, String> {
        let kind = match self.machine {
            None => scenario.kind(),
            Some(Machine::Qemu) => Kind::Qemu,
            Some(Machine::Uml) => Kind::Uml,
        };
        let lacking = scenario.lacking(kind);
        if !lacking.is_empty() {
            return Err(format!(
                "`{}` does not run on {kind}: it needs {}",
                scenario.name,
                lacking.join(" and ")
            ));
        }
        let clock = match self.clock {
            Some(Time::Real) => Clock::Real,
            Some(Time::Virtual) | None => Clock::Virtual,
        };
        Ok(match kind {
            Kind::Qemu => Way::EMULATED,
            Kind::Uml => Way::simulated(clock, self.seed.or(scenario.seed).unwrap_or(SEED)),
        })
    }

    fn numbers(&self) -> std::ops::Range<usize> {
        self.repeat.map_or(0..1, |count| 1..count as usize + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_lab::scenario;

    #[test]
    fn scenarios_have_names_of_their_own() {
        let all = [scenario::all(), scenario::on_request()].concat();
        let mut names: Vec<_> = all.iter().map(|s| s.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let choice = Choice {
            names: vec!["nonesuch".to_owned()],
            ..Choice::default()
        };
        let unknown = choice.jobs(scenario::all()).expect_err("no such name");
        assert_eq!(
            unknown.to_string(),
            "no scenario is called `nonesuch`\nhint: `--list` prints their names"
        );
    }

    #[test]
    fn what_takes_long_runs_for_who_names_it() {
        let jobs = |choice: Choice| {
            let (jobs, _) = choice.jobs(scenario::all()).expect("jobs");
            jobs.into_iter().map(|job| job.scenario.name)
        };
        assert!(!jobs(Choice::default()).any(|name| name == "kexec"));
        let names = vec!["kexec".to_owned()];
        let named = jobs(Choice {
            names,
            ..Choice::default()
        });
        assert_eq!(named.collect::<Vec<_>>(), ["kexec"]);
    }

    fn kinds(choice: &Choice) -> (Vec<(&'static str, Kind)>, Vec<String>) {
        let (jobs, skipped) = choice.jobs(scenario::all()).expect("jobs");
        let kinds = jobs.iter().map(|job| (job.scenario.name, job.way.kind));
        (kinds.collect(), skipped)
    }

    #[test]
    fn most_scenarios_are_simulated() {
        let (kinds, skipped) = kinds(&Choice::default());
        let simulated = kinds.iter().filter(|(_, kind)| *kind == Kind::Uml).count();
        assert!(simulated * 100 >= kinds.len() * 85, "{kinds:?}");
        assert!(kinds.contains(&("late-card", Kind::Qemu)) && skipped.is_empty());
    }

    #[test]
    fn what_a_simulated_machine_lacks_is_told() {
        let choice = Choice {
            machine: Some(Machine::Uml),
            ..Choice::default()
        };
        let (found, skipped) = kinds(&choice);
        assert!(found.iter().all(|(_, kind)| *kind == Kind::Uml));
        let text = "`late-card` does not run on uml: it needs hot plug";
        assert!(skipped.iter().any(|why| why == text), "{skipped:?}");
        let named = Choice {
            names: vec!["late-card".to_owned()],
            ..choice
        };
        let error = named.jobs(scenario::all()).expect_err("can't");
        assert!(error.to_string().starts_with(text), "{error}");
        let emulated = Choice {
            machine: Some(Machine::Qemu),
            ..Choice::default()
        };
        let (found, skipped) = kinds(&emulated);
        assert!(found.iter().all(|(_, kind)| *kind == Kind::Qemu));
        assert!(found.contains(&("agent-static", Kind::Qemu)));
        let text = "`fault-loss20-dhcp4` does not run on qemu: it needs cables with faults";
        assert!(skipped.iter().any(|why| why == text), "{skipped:?}");
    }

    #[test]
    fn the_smoke_scenarios_are_there_and_repeats_are_numbered() {
        let choice = Choice {
            smoke: true,
            repeat: Some(2),
            seed: Some(7),
            ..Choice::default()
        };
        let (jobs, _) = choice.jobs(scenario::all()).expect("jobs");
        assert_eq!(jobs.len(), 6);
        assert!(
            jobs.iter()
                .all(|job| job.way == Way::simulated(Clock::Virtual, 7))
        );
        assert_eq!(jobs.iter().map(|job| job.number).max(), Some(2));
    }
}
