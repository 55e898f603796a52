//! What a boot waits, in virtual time: there, what a processor does takes none.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use nvmeroot_lab::scenario::Scenario;
use nvmeroot_lab::{Error, Lab, SEED, Session};

use super::Section;
use super::compare::{self, Compared};
use super::goal::{Goal, Limit};
use super::hosts::{self, Case, Runtime};
use super::measure::{Host, measure_virtually, table};
use super::span::Span;
use super::work;

/// Each host boots so often, and must wait as long each time.
const RUNS: usize = 2;

/// So late is what comes late: the scripts give up after 36 s.
const LATE: Duration = Duration::from_secs(20);

/// From when what a host waits for counts: from its start, or from when what was
/// late has come.
const PLAIN: [Span; 3] = [Span::Work, Span::Held, Span::Initramfs];
const LATER: [Span; 1] = [Span::Late];

/// What is compared, and where the host comes from.
struct Wait {
    title: &'static str,
    host: fn(Runtime) -> Result<Scenario>,
    spans: &'static [Span],
}

const fn wait(title: &'static str, host: fn(Runtime) -> Result<Scenario>) -> Wait {
    Wait {
        title,
        host,
        spans: &PLAIN,
    }
}

fn waits() -> Vec<Wait> {
    let case = |case: Case, host| wait(case.title(), host);
    let late = |title, host| Wait {
        spans: &LATER,
        ..wait(title, host)
    };
    vec![
        case(Case::Static, |by| hosts::host(Case::Static, by)),
        wait("static IPv6", |by| hosts::like("static-ipv6", by)),
        case(Case::Dhcp, |by| hosts::host(Case::Dhcp, by)),
        case(Case::PingedDhcp, |by| hosts::host(Case::PingedDhcp, by)),
        case(Case::ProbedDhcp, |by| hosts::host(Case::ProbedDhcp, by)),
        wait("DHCPv6", |by| hosts::like("agent-dhcp6", by)),
        wait("IPv6 by router advertisement alone", |by| {
            hosts::like("agent-advertised", by)
        }),
        wait("a VLAN", |by| hosts::like("agent-vlan", by)),
        wait(
            "a bond, active-backup, one port dead, one card absent",
            |by| hosts::like("agent-bond-backup", by),
        ),
        wait("a bond, 802.3ad, single ports pass too", |by| {
            hosts::like("agent-bond-lacp", by)
        }),
        wait(
            "a bond, 802.3ad, nothing passes before both sides agree",
            |by| hosts::like("agent-bond-lacp-strict", by),
        ),
        wait("a VLAN on a bond", |by| {
            hosts::like("agent-vlan-on-bond", by)
        }),
        wait("a bridge, its port forwards after 8 s", |by| {
            hosts::like("agent-bridge", by)
        }),
        late("the target is switched on 20 s later", |by| {
            with(hosts::host(Case::Static, by)?, late_target)
        }),
        late("the DHCP server starts 20 s later", |by| {
            with(hosts::host(Case::Dhcp, by)?, late_server)
        }),
    ]
}

/// The same host in another course of events.
fn with(mut scenario: Scenario, events: fn(&mut Session) -> Result<(), Error>) -> Result<Scenario> {
    scenario.events = events;
    Ok(scenario)
}

fn late_target(session: &mut Session) -> Result<(), Error> {
    session.start_host()?;
    session.run_for(LATE)?;
    session.start_target()
}

fn late_server(session: &mut Session) -> Result<(), Error> {
    session.start_target()?;
    session.stop_dhcp()?;
    session.start_host()?;
    session.run_for(LATE)?;
    session.start_dhcp()
}

/// Which host it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Of(usize, Runtime),
    Floor,
}

/// What came of all boots.
#[derive(Debug, Default)]
struct Measured {
    /// Seconds by host, in the order of its spans.
    seconds: BTreeMap<Key, Vec<f64>>,
    /// Boots that are no measurement.
    faults: Vec<String>,
}

fn run(lab: &Lab, waits: &[Wait]) -> Result<Measured> {
    let mut compared = Vec::new();
    for wait in waits {
        let host = |runtime| Ok(hosts::logging((wait.host)(runtime)?));
        compared.push(Compared::new(wait.title, host)?);
    }
    let mut hosts = compare::hosts(&compared, Key::Of);
    hosts.push(Host {
        key: Key::Floor,
        title: "floor".to_owned(),
        scenario: hosts::logging(hosts::floor()?),
    });
    let boots = measure_virtually(lab, SEED, RUNS, &hosts, |key, boot| match key {
        Key::Of(place, runtime) => compare::read(waits[place].spans, runtime, boot),
        Key::Floor => Ok(vec![work::write(boot)?]),
    });
    let title = |key: Key| match key {
        Key::Of(place, runtime) => format!("{}, {}", waits[place].title, runtime.name()),
        Key::Floor => "the floor".to_owned(),
    };
    Ok(same(boots, &title))
}

/// The values of all runs, which must be one to the millisecond.
fn same(boots: Vec<(Key, Result<Vec<f64>>)>, title: &dyn Fn(Key) -> String) -> Measured {
    let mut measured = Measured::default();
    for (key, values) in boots {
        let (former, values) = match (measured.seconds.get(&key), values) {
            (_, Err(error)) => {
                measured.faults.push(format!("{error:#}"));
                continue;
            }
            (None, Ok(values)) => {
                measured.seconds.insert(key, values);
                continue;
            }
            (Some(former), Ok(values)) => (former, values),
        };
        let millis = |values: &[f64]| values.iter().map(|s| shown(*s)).collect::<Vec<_>>();
        if millis(former) != millis(&values) {
            measured.faults.push(format!(
                "{}: {} s, and in another run {} s",
                title(key),
                millis(former).join(", "),
                millis(&values).join(", ")
            ));
        }
    }
    measured
}

/// Seconds, to the millisecond.
fn shown(seconds: f64) -> String {
    format!("{seconds:.3}")
}

/// Measures the cases whose titles contain `wanted`, and tells.
pub(super) fn section(lab: &Lab, wanted: &str) -> Result<Section> {
    let mut waits = waits();
    waits.retain(|wait| wait.title.contains(wanted));
    let measured = run(lab, &waits)?;
    let mut rows = Vec::new();
    let mut goals = Vec::new();
    for (place, wait) in waits.iter().enumerate() {
        let of = |runtime| measured.seconds.get(&Key::Of(place, runtime));
        // Where one is missing a fault says why.
        let (Some(scripts), Some(agent)) = (of(Runtime::Scripts), of(Runtime::Agent)) else {
            continue;
        };
        for ((span, scripts), agent) in wait.spans.iter().zip(scripts).zip(agent) {
            rows.push(vec![
                wait.title.to_owned(),
                span.title().to_owned(),
                shown(*scripts),
                shown(*agent),
                shown(scripts - agent),
            ]);
        }
        goals.extend(judged(wait, scripts, agent));
    }
    if let Some([write]) = measured.seconds.get(&Key::Floor).map(Vec::as_slice) {
        rows.push(vec![
            "the floor: one write to `/dev/nvme-fabrics`".to_owned(),
            "the write → drive visible".to_owned(),
            String::new(),
            shown(*write),
            String::new(),
        ]);
    }
    let header = [
        "host",
        "seconds of virtual time",
        "scripts",
        "agent",
        "saved",
    ];
    let table = table(&header, &rows);
    let told = format!("Each host boots {RUNS} times (seed {SEED}); of the first run:\n\n{table}");
    let mut section = Section::judged("waits", &told, &goals);
    for fault in measured.faults {
        section
            .text
            .push_str(&format!("\nNo measurement: {fault}\n"));
        section.unmet.push(fault);
    }
    Ok(section)
}

/// The agent waits no longer than the scripts, and what it saves of a stage it saves
/// of the whole.
fn judged(wait: &Wait, scripts: &[f64], agent: &[f64]) -> Vec<Goal> {
    let (Some(scripts_all), Some(agent_all)) = (scripts.last(), agent.last()) else {
        return Vec::new();
    };
    let mut goals = vec![Goal {
        what: format!("{}: seconds that the agent waits more", wait.title),
        // What is shown: the processor's work takes no time here.
        limit: Limit::AtMost(0.001),
        measured: agent_all - scripts_all,
    }];
    if let ([_, scripts_held, _], [_, agent_held, _]) = (scripts, agent) {
        let held = scripts_held - agent_held;
        if held >= 0.01 {
            goals.push(Goal {
                what: format!("{}: saved of the whole / of what is held up", wait.title),
                limit: Limit::AtLeast(0.9),
                measured: (scripts_all - agent_all) / held,
            });
        }
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{anyhow, bail};

    const KEY: Key = Key::Of(0, Runtime::Agent);

    fn title(_: Key) -> String {
        "x".to_owned()
    }

    #[test]
    fn runs_that_differ_by_a_millisecond_are_no_measurement() {
        let boots = |second| {
            let [first, second] = [2.0004, second].map(|seconds| (KEY, Ok(vec![1.0, seconds])));
            vec![first, second]
        };
        let measured = same(boots(2.0003), &title);
        assert_eq!(measured.seconds[&KEY], [1.0, 2.0004]);
        assert_eq!(measured.faults, [""; 0]);
        let faults = same(boots(2.0014), &title).faults;
        assert_eq!(
            faults,
            ["x: 1.000, 2.000 s, and in another run 1.000, 2.001 s"]
        );
    }

    #[test]
    fn a_boot_that_failed_is_told() {
        let measured = same(vec![(KEY, Err(anyhow!("panic")))], &title);
        assert_eq!(measured.faults, ["panic"]);
        assert!(measured.seconds.is_empty());
    }

    #[test]
    fn what_is_not_held_up_is_not_judged() {
        let wait = wait("x", |_| bail!("not booted"));
        let goals = |scripts: [f64; 3], agent: [f64; 3]| judged(&wait, &scripts, &agent);
        assert_eq!(goals([0.0, 0.001, 0.5], [0.0, 0.0, 0.5]).len(), 1);
        let both = goals([2.0, 2.0, 2.5], [0.0, 0.0, 0.9]);
        assert_eq!(both[1].measured, 0.8);
        assert!(both[0].is_met() && !both[1].is_met());
        let late = goals([0.0, 0.0, 1.0], [0.0, 0.0, 1.002]);
        assert!(!late[0].is_met());
    }
}
