//! The agent against the scripts runtime, with one portal.

use std::collections::BTreeMap;

use anyhow::Result;
use nvmeroot_lab::Lab;

use super::Section;
use super::goal::{Goal, Limit, goals_table, unmet};
use super::hosts::{self, Case, Runtime};
use super::measure::{Boot, Host, listed, measure, median, shown, table};
use super::span::Span;

const SPANS: [Span; 4] = [Span::Script, Span::Work, Span::Held, Span::Initramfs];

/// All boots.
#[derive(Debug, Default)]
struct Boots {
    cases: Vec<Case>,
    pairs: BTreeMap<(Case, Runtime), Vec<Boot>>,
    floor: Vec<Boot>,
    busy_floor: Vec<Boot>,
}

#[derive(Debug, Clone, Copy)]
enum Key {
    Pair(Case, Runtime),
    Floor,
    BusyFloor,
}

/// The boot, if it has all that will be asked of it.
fn complete(key: Key, boot: Boot) -> Result<Boot> {
    match key {
        Key::Pair(_, runtime) => {
            for span in SPANS {
                span.of(&boot, runtime)?;
            }
        }
        Key::Floor => {
            write(&boot)?;
            inquiry(&boot)?;
        }
        Key::BusyFloor => {
            write(&boot)?;
        }
    }
    Ok(boot)
}

/// A floor's write, till the drive is visible.
fn write(boot: &Boot) -> Result<f64> {
    Ok(boot.timeline.namespace - boot.timeline.stage("floor")?)
}

/// One write more, for a discovery controller.
fn inquiry(boot: &Boot) -> Result<f64> {
    let timeline = &boot.timeline;
    Ok(timeline.stage("discovered")? - timeline.stage("discovery")?)
}

impl Boots {
    fn run(lab: &Lab, cases: Vec<Case>, pairs: usize) -> Result<Boots> {
        let mut hosts = Vec::new();
        for &case in &cases {
            for runtime in Runtime::BOTH {
                hosts.push(Host {
                    key: Key::Pair(case, runtime),
                    title: format!("{}, {}", case.title(), runtime.name()),
                    scenario: hosts::host(case, runtime)?,
                });
            }
        }
        hosts.push(Host {
            key: Key::Floor,
            title: "floor".to_owned(),
            scenario: hosts::floor()?,
        });
        hosts.push(Host {
            key: Key::BusyFloor,
            title: "floor while udev works".to_owned(),
            scenario: hosts::busy_floor()?,
        });
        let mut boots = Boots {
            cases,
            ..Boots::default()
        };
        for (key, boot) in measure(lab, pairs, &hosts, complete)? {
            match key {
                Key::Pair(case, runtime) => {
                    boots.pairs.entry((case, runtime)).or_default().push(boot);
                }
                Key::Floor => boots.floor.push(boot),
                Key::BusyFloor => boots.busy_floor.push(boot),
            }
        }
        Ok(boots)
    }

    fn spans(&self, case: Case, runtime: Runtime, span: Span) -> Result<Vec<f64>> {
        let boots = self.pairs.get(&(case, runtime));
        boots
            .into_iter()
            .flatten()
            .map(|boot| span.of(boot, runtime))
            .collect()
    }

    fn median(&self, case: Case, runtime: Runtime, span: Span) -> Result<f64> {
        Ok(median(&self.spans(case, runtime, span)?))
    }

    /// What the agent saves of a span.
    fn saved(&self, case: Case, span: Span) -> Result<f64> {
        Ok(self.median(case, Runtime::Scripts, span)? - self.median(case, Runtime::Agent, span)?)
    }

    /// The floors by name: from the write to the drive being visible.
    fn writes(&self) -> Result<[(&'static str, Vec<f64>); 2]> {
        let writes = |boots: &[Boot]| boots.iter().map(write).collect::<Result<_>>();
        Ok([
            ("floor", writes(&self.floor)?),
            ("floor while udev works", writes(&self.busy_floor)?),
        ])
    }

    fn inquiries(&self) -> Result<Vec<f64>> {
        self.floor.iter().map(inquiry).collect()
    }

    /// The DHCP server's part, for either runtime.
    fn servers(&self, case: Case) -> Vec<f64> {
        let mut found = Vec::new();
        for runtime in Runtime::BOTH {
            let boots = self.pairs.get(&(case, runtime)).into_iter().flatten();
            found.extend(boots.filter_map(|boot| boot.server));
        }
        found
    }

    /// What the server takes of the least that the way to the drive can take.
    fn server(&self, case: Case) -> f64 {
        let servers = self.servers(case);
        if servers.is_empty() {
            0.0
        } else {
            median(&servers)
        }
    }

    fn goals(&self) -> Result<Vec<Goal>> {
        let mut goals = Vec::new();
        for &case in &self.cases {
            let [scripts, agent] =
                Runtime::BOTH.map(|runtime| self.median(case, runtime, Span::Work));
            let ratio = scripts? / agent?;
            let least = case.times_faster();
            goals.extend(least.map(|least| Goal::faster(case.title(), Span::Work, least, ratio)));
        }
        for &case in &self.cases {
            let [whole, held] = [Span::Initramfs, Span::Held].map(|span| self.saved(case, span));
            goals.push(Goal::nothing_lost(case.title(), whole?, held?));
        }
        for (floor, writes) in self.writes()? {
            for &case in &self.cases {
                goals.push(Goal {
                    what: format!("{}, {}: agent / {floor}", case.title(), Span::Work.title()),
                    limit: Limit::AtMost(1.5),
                    measured: self.median(case, Runtime::Agent, Span::Work)?
                        / (median(&writes) + self.server(case)),
                });
            }
        }
        Ok(goals)
    }

    fn medians(&self) -> Result<String> {
        let mut rows = Vec::new();
        for &case in &self.cases {
            for span in SPANS {
                let scripts = self.median(case, Runtime::Scripts, span)?;
                let agent = self.median(case, Runtime::Agent, span)?;
                rows.push(vec![
                    case.title().to_owned(),
                    span.title().to_owned(),
                    shown(scripts),
                    shown(agent),
                    shown(scripts - agent),
                    format!("{:.2}", scripts / agent),
                ]);
            }
        }
        let header = [
            "address",
            "seconds",
            "scripts",
            "agent",
            "saved",
            "scripts / agent",
        ];
        Ok(table(&header, &rows))
    }

    fn floors(&self) -> Result<String> {
        let inquiries = self.inquiries()?;
        let [(_, quiet), (_, busy)] = self.writes()?;
        let mut rows = vec![
            vec![
                "one write to `/dev/nvme-fabrics` → drive visible".to_owned(),
                shown(median(&quiet)),
                listed(&quiet),
            ],
            vec![
                "the same while udev works".to_owned(),
                shown(median(&busy)),
                listed(&busy),
            ],
            vec![
                "one write for a discovery controller, which is not in the floor".to_owned(),
                shown(median(&inquiries)),
                listed(&inquiries),
            ],
        ];
        for &case in &self.cases {
            let servers = self.servers(case);
            if servers.is_empty() {
                continue;
            }
            rows.push(vec![
                format!("the server's two answers, {}", case.title()),
                shown(median(&servers)),
                listed(&servers),
            ]);
        }
        Ok(table(&["floor, seconds", "median", "all"], &rows))
    }

    fn values(&self) -> Result<String> {
        let mut rows = Vec::new();
        for &case in &self.cases {
            for span in SPANS {
                for runtime in Runtime::BOTH {
                    rows.push(vec![
                        case.title().to_owned(),
                        span.title().to_owned(),
                        runtime.name().to_owned(),
                        listed(&self.spans(case, runtime, span)?),
                    ]);
                }
            }
        }
        Ok(table(
            &["address", "seconds", "runtime", "all values"],
            &rows,
        ))
    }
}

/// Measures the cases whose titles contain `wanted`, and tells.
pub(super) fn section(lab: &Lab, pairs: usize, wanted: &str) -> Result<Section> {
    let cases = Case::ALL.into_iter();
    let cases: Vec<Case> = cases.filter(|c| c.title().contains(wanted)).collect();
    let boots = Boots::run(lab, cases, pairs)?;
    let goals = boots.goals()?;
    let text = format!(
        "Medians of {pairs} pairs, which ran in turn:\n\n{}\n\n{}\n\n{}\n\nAll values, in the order \
         in which they were measured:\n\n{}\n",
        boots.medians()?,
        boots.floors()?,
        goals_table(&goals),
        boots.values()?
    );
    Ok(Section {
        name: "boot",
        text,
        unmet: unmet(&goals),
    })
}
