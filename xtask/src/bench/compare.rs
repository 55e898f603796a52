//! Both runtimes side by side: some hosts, each of which either runtime boots.

use std::collections::BTreeMap;

use anyhow::Result;
use nvmeroot_lab::scenario::Scenario;
use nvmeroot_lab::{Lab, Way};

use super::goal::{Goal, Limit};
use super::hosts::{Case, Runtime};
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

    /// The hosts that get their addresses in these ways.
    pub(super) fn cases(
        cases: &[Case],
        host: impl Fn(Case, Runtime) -> Result<Scenario>,
    ) -> Result<Vec<Compared>> {
        let compared = |&case: &Case| Compared::new(case.title(), |runtime| host(case, runtime));
        cases.iter().map(compared).collect()
    }
}

/// What was measured.
pub(super) struct Comparison {
    titles: Vec<String>,
    spans: &'static [Span],
    /// By host, runtime and span, in the order measured.
    values: BTreeMap<(usize, Runtime, usize), Vec<f64>>,
}

/// The hosts to boot, each runtime after the other, found by what `key` says.
pub(super) fn hosts<K>(compared: &[Compared], key: impl Fn(usize, Runtime) -> K) -> Vec<Host<K>> {
    let pair = |(place, compared): (usize, &Compared)| {
        let scenarios = Runtime::BOTH.into_iter().zip(compared.scenarios.clone());
        let host = scenarios.map(|(runtime, scenario)| Host {
            key: key(place, runtime),
            title: format!("{}, {}", compared.title, runtime.name()),
            scenario,
        });
        host.collect::<Vec<_>>()
    };
    compared.iter().enumerate().flat_map(pair).collect()
}

/// A boot's values, in the order of the spans.
pub(super) fn read(spans: &[Span], runtime: Runtime, boot: &Boot) -> Result<Vec<f64>> {
    spans.iter().map(|span| span.of(boot, runtime)).collect()
}

impl Comparison {
    /// Of what nothing is measured yet.
    pub(super) fn of(compared: &[Compared], spans: &'static [Span]) -> Comparison {
        Comparison {
            titles: compared.iter().map(|host| host.title.clone()).collect(),
            spans,
            values: BTreeMap::new(),
        }
    }

    /// Boots all of them in turn, so often.
    pub(super) fn run(
        lab: &Lab,
        way: Way,
        pairs: usize,
        compared: &[Compared],
        spans: &'static [Span],
    ) -> Result<Comparison> {
        let mut comparison = Comparison::of(compared, spans);
        let hosts = hosts(compared, |place, runtime| (place, runtime));
        let read = |(_, runtime), boot: &Boot| read(spans, runtime, boot);
        for ((place, runtime), values) in measure(lab, way, pairs, &hosts, read)? {
            comparison.add(place, runtime, values);
        }
        Ok(comparison)
    }

    /// What one more boot showed.
    pub(super) fn add(&mut self, place: usize, runtime: Runtime, values: Vec<f64>) {
        for (number, value) in values.into_iter().enumerate() {
            let all = self.values.entry((place, runtime, number)).or_default();
            all.push(value);
        }
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

    /// How many times as long as the agent the scripts take for a span, at least.
    pub(super) fn faster(&self, place: usize, span: Span, least: f64) -> Goal {
        Goal {
            what: format!("{}, {}: scripts / agent", self.titles[place], span.title()),
            limit: Limit::AtLeast(least),
            measured: self.ratio(place, span),
        }
    }

    /// What the agent saves of waiting it does not make up for by work.
    pub(super) fn no_more_work(&self, place: usize) -> Goal {
        Goal {
            what: format!(
                "{}, {}: agent / scripts",
                self.titles[place],
                Span::Busy.title()
            ),
            limit: Limit::AtMost(1.05),
            measured: 1.0 / self.ratio(place, Span::Busy),
        }
    }

    /// How many times as long the scripts take.
    pub(super) fn ratio(&self, place: usize, span: Span) -> f64 {
        self.median(place, Runtime::Scripts, span) / self.median(place, Runtime::Agent, span)
    }

    /// The table, and what it is of; `what` says what the hosts differ by.
    pub(super) fn told(&self, pairs: usize, what: &str) -> String {
        let table = self.table(what);
        format!("Medians of {pairs} pairs, which ran in turn:\n\n{table}")
    }

    /// A row for each host and span.
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
