//! What a boot computes, in real time on real processors: the agent against the
//! scripts, and against the least that the way to the drive can take.

use anyhow::Result;
use nvmeroot_lab::{Clock, Lab, SEED, Way};

use super::Section;
use super::compare::{self, Compared, Comparison};
use super::goal::{Goal, Limit};
use super::hosts::{self, Case, Runtime};
use super::measure::{Boot, Host, listed, measure, median, shown, table};
use super::span::Span;

const SPANS: [Span; 4] = [Span::Work, Span::Held, Span::Initramfs, Span::Busy];

/// Which host it is.
#[derive(Debug, Clone, Copy)]
enum Key {
    Pair(usize, Runtime),
    Floor,
    BusyFloor,
}

/// What a boot showed.
enum Measured {
    Pair(usize, Runtime, Vec<f64>),
    Floor { write: f64, inquiry: f64 },
    BusyFloor { write: f64 },
}

fn read(key: Key, boot: &Boot) -> Result<Measured> {
    Ok(match key {
        Key::Pair(place, runtime) => {
            Measured::Pair(place, runtime, compare::read(&SPANS, runtime, boot)?)
        }
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
pub(super) fn write(boot: &Boot) -> Result<f64> {
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
}

impl Floor {
    /// Where nothing is waited for but the drive.
    fn goals(&self, comparison: &Comparison, place: usize) -> Vec<Goal> {
        let agent = comparison.median(place, Runtime::Agent, Span::Work);
        let goal = |floor: &str, writes: &[f64]| Goal {
            what: format!("{}: agent / {floor}", Span::Work.title()),
            limit: Limit::AtMost(1.5),
            measured: agent / median(writes),
        };
        vec![
            goal("floor", &self.writes),
            goal("floor while udev works", &self.busy_writes),
        ]
    }

    fn table(&self) -> String {
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
        let rows = writes
            .map(|(what, values)| vec![what.to_owned(), shown(median(values)), listed(values)]);
        table(&["floor, seconds", "median", "all"], &rows)
    }
}

fn run(lab: &Lab, cases: &[Case], pairs: usize) -> Result<(Comparison, Floor)> {
    let host = |case, runtime| Ok(hosts::pinned(hosts::host(case, runtime)?));
    let compared = Compared::cases(cases, host)?;
    let mut hosts = compare::hosts(&compared, Key::Pair);
    let floors = [
        (Key::Floor, "floor", hosts::floor()?),
        (
            Key::BusyFloor,
            "floor while udev works",
            hosts::busy_floor()?,
        ),
    ];
    hosts.extend(floors.map(|(key, title, scenario)| Host {
        key,
        title: title.to_owned(),
        scenario: hosts::pinned(scenario),
    }));
    let mut comparison = Comparison::of(&compared, &SPANS);
    let mut floor = Floor::default();
    let way = Way::simulated(Clock::Real, SEED);
    for (_, measured) in measure(lab, way, pairs, &hosts, read)? {
        match measured {
            Measured::Pair(place, runtime, values) => comparison.add(place, runtime, values),
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
        goals.push(comparison.no_more_work(place));
        if *case == Case::Static {
            goals.extend(floor.goals(&comparison, place));
        }
    }
    let told = comparison.told(pairs, "address");
    let measured = format!("{told}\n\n{}", floor.table());
    Ok(Section::judged("work", &measured, &goals))
}
