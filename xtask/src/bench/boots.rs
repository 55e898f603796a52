//! The agent against the scripts runtime, with one portal.

use std::collections::BTreeMap;

use anyhow::Result;
use nvmeroot_lab::Lab;

use super::Section;
use super::goal::{Goal, Limit, goals_table, unmet};
use super::hosts::{self, Case, Runtime};
use super::measure::{Boot, listed, measure, median, shown, table};

/// What is measured of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    /// From the first script of the runtime until root's drive is visible.
    Script,
    /// The same, from when there is a card as well.
    Work,
    /// How long the initramfs takes from init-premount to local-premount, which
    /// is where both runtimes hold it up.
    Held,
    /// From the start of the kernel until root is mounted.
    Boot,
}

impl Span {
    const ALL: [Span; 4] = [Span::Script, Span::Work, Span::Held, Span::Boot];

    fn title(self) -> &'static str {
        match self {
            Span::Script => "first script → drive visible",
            Span::Work => "first script and card there → drive visible",
            Span::Held => "init-premount → local-premount",
            Span::Boot => "kernel start → root mounted",
        }
    }

    fn of(self, boot: &Boot, runtime: Runtime) -> Result<f64> {
        let timeline = &boot.timeline;
        let script = timeline.stage(runtime.first_stage())?;
        Ok(match self {
            Span::Script => timeline.namespace - script,
            Span::Work => timeline.namespace - script.max(timeline.card),
            Span::Held => timeline.stage("local-premount")? - timeline.stage("init-premount")?,
            Span::Boot => timeline.root,
        })
    }
}

/// All boots.
#[derive(Debug, Default)]
struct Boots {
    pairs: BTreeMap<(Case, Runtime), Vec<Boot>>,
    floor: Vec<Boot>,
}

impl Boots {
    fn run(lab: &Lab, pairs: usize) -> Result<Boots> {
        let mut boots = Boots::default();
        for number in 1..=pairs {
            for case in Case::ALL {
                for runtime in Runtime::BOTH {
                    eprintln!(
                        "pair {number} of {pairs}: {}, {}",
                        case.title(),
                        runtime.name()
                    );
                    let boot = measure(lab, &hosts::host(case, runtime)?)?;
                    boots.pairs.entry((case, runtime)).or_default().push(boot);
                }
            }
            eprintln!("pair {number} of {pairs}: floor");
            boots.floor.push(measure(lab, &hosts::floor()?)?);
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

    /// From the write to the drive being visible.
    fn writes(&self) -> Result<Vec<f64>> {
        let write = |boot: &Boot| Ok(boot.timeline.namespace - boot.timeline.stage("floor")?);
        self.floor.iter().map(write).collect()
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

    /// The least that the way to the drive can take.
    fn floor(&self, case: Case) -> Result<f64> {
        let servers = self.servers(case);
        let server = if servers.is_empty() {
            0.0
        } else {
            median(&servers)
        };
        Ok(median(&self.writes()?) + server)
    }

    fn goals(&self) -> Result<Vec<Goal>> {
        let mut goals = Vec::new();
        for (case, least) in [
            (Case::Dhcp, 12.0),
            (Case::ProbedDhcp, 12.0),
            (Case::Static, 3.0),
        ] {
            goals.push(Goal {
                what: format!("{}, {}: scripts / agent", case.title(), Span::Work.title()),
                limit: Limit::AtLeast(least),
                measured: self.median(case, Runtime::Scripts, Span::Work)?
                    / self.median(case, Runtime::Agent, Span::Work)?,
            });
        }
        for case in Case::ALL {
            goals.push(Goal {
                what: format!("{}, {}: agent / floor", case.title(), Span::Work.title()),
                limit: Limit::AtMost(1.5),
                measured: self.median(case, Runtime::Agent, Span::Work)? / self.floor(case)?,
            });
        }
        for case in Case::ALL {
            let saved = |span| -> Result<f64> {
                Ok(self.median(case, Runtime::Scripts, span)?
                    - self.median(case, Runtime::Agent, span)?)
            };
            goals.push(Goal {
                what: format!(
                    "{}, seconds saved of the whole boot / saved of {}",
                    case.title(),
                    Span::Held.title()
                ),
                // Nothing is lost elsewhere; a tenth is the machine's noise.
                limit: Limit::AtLeast(0.9),
                measured: saved(Span::Boot)? / saved(Span::Held)?,
            });
        }
        Ok(goals)
    }

    fn medians(&self) -> Result<String> {
        let mut rows = Vec::new();
        for case in Case::ALL {
            for span in Span::ALL {
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
        let writes = self.writes()?;
        let mut rows = vec![vec![
            "one write to `/dev/nvme-fabrics` → drive visible".to_owned(),
            shown(median(&writes)),
            listed(&writes),
        ]];
        for case in [Case::Dhcp, Case::PingedDhcp, Case::ProbedDhcp] {
            let servers = self.servers(case);
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
        for case in Case::ALL {
            for span in Span::ALL {
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

/// Measures, and tells.
pub(super) fn section(lab: &Lab, pairs: usize) -> Result<Section> {
    let boots = Boots::run(lab, pairs)?;
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
