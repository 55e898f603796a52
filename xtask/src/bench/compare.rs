//! Both runtimes side by side: some hosts, each of which either runtime boots.

use std::collections::BTreeMap;

use anyhow::Result;
use nvmeroot_lab::Lab;
use nvmeroot_lab::scenario::Scenario;

use super::Section;
use super::goal::{Goal, goals_table, unmet};
use super::hosts::Runtime;
use super::measure::{Boot, Host, listed, measure, median, shown, table};
use super::span::Span;

/// One host and its name.
#[derive(Debug)]
pub(super) struct Compared {
    title: String,
    /// Reached by the scripts, and by the agent.
    scenarios: [Scenario; 2],
}

impl Compared {
    /// The host that `scenario` makes for each runtime.
    pub(super) fn new(
        title: &str,
        scenario: impl Fn(Runtime) -> Result<Scenario>,
    ) -> Result<Compared> {
        let [scripts, agent] = Runtime::BOTH.map(scenario);
        Ok(Compared {
            title: title.to_owned(),
            scenarios: [scripts?, agent?],
        })
    }
}

/// What was measured.
pub(super) struct Comparison {
    titles: Vec<String>,
    spans: &'static [Span],
    /// By host, runtime and span, in the order measured.
    values: BTreeMap<(usize, Runtime, usize), Vec<f64>>,
}

impl Comparison {
    /// Boots all of them in turn, so often.
    pub(super) fn run(
        lab: &Lab,
        pairs: usize,
        compared: Vec<Compared>,
        spans: &'static [Span],
    ) -> Result<Comparison> {
        let mut hosts = Vec::new();
        let mut titles = Vec::new();
        for (place, Compared { title, scenarios }) in compared.into_iter().enumerate() {
            for (runtime, scenario) in Runtime::BOTH.into_iter().zip(scenarios) {
                hosts.push(Host {
                    key: (place, runtime),
                    title: format!("{title}, {}", runtime.name()),
                    scenario,
                });
            }
            titles.push(title);
        }
        let read = |(_, runtime): (usize, Runtime), boot: Boot| -> Result<Vec<f64>> {
            spans.iter().map(|span| span.of(&boot, runtime)).collect()
        };
        let mut values: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for ((place, runtime), all) in measure(lab, pairs, &hosts, read)? {
            for (number, value) in all.into_iter().enumerate() {
                values
                    .entry((place, runtime, number))
                    .or_default()
                    .push(value);
            }
        }
        Ok(Comparison {
            titles,
            spans,
            values,
        })
    }

    /// The hosts, by their places.
    pub(super) fn titles(&self) -> impl Iterator<Item = (usize, &str)> {
        self.titles.iter().map(String::as_str).enumerate()
    }

    fn values(&self, place: usize, runtime: Runtime, span: Span) -> &[f64] {
        let number = self.spans.iter().position(|known| *known == span);
        let found = number.and_then(|number| self.values.get(&(place, runtime, number)));
        found.map_or(&[], Vec::as_slice)
    }

    /// The middle value of a host's boots; not a number for what was not measured.
    pub(super) fn median(&self, place: usize, runtime: Runtime, span: Span) -> f64 {
        median(self.values(place, runtime, span))
    }

    /// What the agent saves of a span.
    pub(super) fn saved(&self, place: usize, span: Span) -> f64 {
        self.median(place, Runtime::Scripts, span) - self.median(place, Runtime::Agent, span)
    }

    /// How many times as long the scripts take.
    pub(super) fn ratio(&self, place: usize, span: Span) -> f64 {
        self.median(place, Runtime::Scripts, span) / self.median(place, Runtime::Agent, span)
    }

    /// The table and whether the goals are met, as the section `name`.
    pub(super) fn section(
        &self,
        name: &'static str,
        pairs: usize,
        what: &str,
        goals: &[Goal],
    ) -> Section {
        let text = format!(
            "Medians of {pairs} pairs, which ran in turn:\n\n{}\n\n{}\n",
            self.table(what),
            goals_table(goals)
        );
        Section {
            name,
            text,
            unmet: unmet(goals),
        }
    }

    /// A row for each host and span; `what` says what the hosts differ by.
    fn table(&self, what: &str) -> String {
        let mut rows = Vec::new();
        for (place, title) in self.titles() {
            for &span in self.spans {
                rows.push(vec![
                    title.to_owned(),
                    span.title().to_owned(),
                    shown(self.median(place, Runtime::Scripts, span)),
                    shown(self.median(place, Runtime::Agent, span)),
                    shown(self.saved(place, span)),
                    shown(self.ratio(place, span)),
                    listed(self.values(place, Runtime::Scripts, span)),
                    listed(self.values(place, Runtime::Agent, span)),
                ]);
            }
        }
        let header = [
            what,
            "seconds",
            "scripts",
            "agent",
            "saved",
            "scripts / agent",
            "scripts, all values",
            "agent, all values",
        ];
        table(&header, &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_compared_by_host_and_span() {
        let comparison = Comparison {
            titles: vec!["a".to_owned(), "b".to_owned()],
            spans: &[Span::Held, Span::Boot],
            values: BTreeMap::from([
                ((1, Runtime::Scripts, 1), vec![6.0, 9.0, 7.0]),
                ((1, Runtime::Agent, 1), vec![2.0, 3.5]),
            ]),
        };
        assert_eq!(comparison.median(1, Runtime::Scripts, Span::Boot), 7.0);
        assert_eq!(comparison.saved(1, Span::Boot), 4.25);
        assert!((comparison.ratio(1, Span::Boot) - 7.0 / 2.75).abs() < 1e-9);
        assert!(comparison.saved(0, Span::Boot).is_nan(), "not measured");
        assert!(comparison.saved(1, Span::Busy).is_nan(), "not asked for");
        let table = comparison.table("host");
        let last = table.lines().last().unwrap();
        let cells: Vec<&str> = last.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells[..3], ["b", "kernel start → root mounted", "7.00"]);
        assert_eq!(cells[3..6], ["2.75", "4.25", "2.55"]);
        assert_eq!(cells[6..], ["6.00 9.00 7.00", "2.00 3.50"]);
    }
}
