//! The agent against the scripts runtime, with one portal, and against the least
//! that the way to the drive can take.

use anyhow::Result;
use nvmeroot_lab::Lab;

use super::Section;
use super::compare::{self, Compared, Comparison};
use super::goal::{Goal, Limit};
use super::hosts::{self, Case, Runtime};
use super::measure::{Boot, Host, listed, measure, median, shown, table};
use super::span::Span;

const SPANS: [Span; 4] = [Span::Script, Span::Work, Span::Held, Span::Initramfs];

/// Which host it is.
#[derive(Debug, Clone, Copy)]
enum Key {
    Pair(usize, Runtime),
    Floor,
    BusyFloor,
}

/// What a boot showed.
enum Measured {
    Pair {
        place: usize,
        runtime: Runtime,
        values: Vec<f64>,
        /// The DHCP server's part.
        server: Option<f64>,
    },
    Floor {
        write: f64,
        inquiry: f64,
    },
    BusyFloor {
        write: f64,
    },
}

fn read(key: Key, boot: &Boot) -> Result<Measured> {
    Ok(match key {
        Key::Pair(place, runtime) => Measured::Pair {
            place,
            runtime,
            values: compare::read(&SPANS, runtime, boot)?,
            server: boot.server,
        },
        Key::Floor => Measured::Floor {
            write: write(boot)?,
            inquiry: inquiry(boot)?,
        },
        Key::BusyFloor => Measured::BusyFloor {
            write: write(boot)?,
        },
    })
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

/// The least that the way to the drive can take, in seconds.
#[derive(Debug, Default)]
struct Floor {
    writes: Vec<f64>,
    busy_writes: Vec<f64>,
    inquiries: Vec<f64>,
    /// The DHCP server's part by case, for either runtime.
    servers: Vec<Vec<f64>>,
}

impl Floor {
    /// What the server takes of it.
    fn server(&self, place: usize) -> f64 {
        match self.servers[place].as_slice() {
            [] => 0.0,
            servers => median(servers),
        }
    }

    fn goals(&self, comparison: &Comparison) -> Vec<Goal> {
        let floors = [
            ("floor", &self.writes),
            ("floor while udev works", &self.busy_writes),
        ];
        let mut goals = Vec::new();
        for (floor, writes) in floors {
            for (place, title) in comparison.titles() {
                let agent = comparison.median(place, Runtime::Agent, Span::Work);
                goals.push(Goal {
                    what: format!("{title}, {}: agent / {floor}", Span::Work.title()),
                    limit: Limit::AtMost(1.5),
                    measured: agent / (median(writes) + self.server(place)),
                });
            }
        }
        goals
    }

    fn table(&self, comparison: &Comparison) -> String {
        let writes = [
            (
                "one write to `/dev/nvme-fabrics` → drive visible",
                &self.writes,
            ),
            ("the same while udev works", &self.busy_writes),
            (
                "one write for a discovery controller, which is not in the floor",
                &self.inquiries,
            ),
        ];
        let mut rows: Vec<_> = writes
            .map(|(what, values)| vec![what.to_owned(), shown(median(values)), listed(values)])
            .into();
        for ((_, title), servers) in comparison.titles().zip(&self.servers) {
            if !servers.is_empty() {
                rows.push(vec![
                    format!("the server's two answers, {title}"),
                    shown(median(servers)),
                    listed(servers),
                ]);
            }
        }
        table(&["floor, seconds", "median", "all"], &rows)
    }
}

fn run(lab: &Lab, cases: &[Case], pairs: usize) -> Result<(Comparison, Floor)> {
    let compared = Compared::cases(cases, hosts::host)?;
    let mut hosts = compare::hosts(&compared, Key::Pair);
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
    let mut comparison = Comparison::of(&compared, &SPANS);
    let mut floor = Floor {
        servers: vec![Vec::new(); cases.len()],
        ..Floor::default()
    };
    for (_, measured) in measure(lab, pairs, &hosts, read)? {
        match measured {
            Measured::Pair {
                place,
                runtime,
                values,
                server,
            } => {
                comparison.add(place, runtime, values);
                floor.servers[place].extend(server);
            }
            Measured::Floor { write, inquiry } => {
                floor.writes.push(write);
                floor.inquiries.push(inquiry);
            }
            Measured::BusyFloor { write } => floor.busy_writes.push(write),
        }
    }
    Ok((comparison, floor))
}

/// Measures the cases whose titles contain `wanted`, and tells.
pub(super) fn section(lab: &Lab, pairs: usize, wanted: &str) -> Result<Section> {
    let cases = Case::titled(wanted);
    let (comparison, floor) = run(lab, &cases, pairs)?;
    let mut goals = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        let least = case.times_faster();
        goals.extend(least.map(|least| comparison.faster(place, Span::Work, least)));
    }
    goals.extend((0..cases.len()).map(|place| comparison.nothing_lost(place)));
    goals.extend(floor.goals(&comparison));
    let told = comparison.told(pairs, "address");
    let measured = format!("{told}\n\n{}", floor.table(&comparison));
    Ok(Section::judged("boot", &measured, &goals))
}
