//! Many portals of one subsystem: time to root, and to all paths.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use nvmeroot_lab::scenario::Scenario;
use nvmeroot_lab::{Lab, Way};

use super::Section;
use super::goal::{Goal, Limit};
use super::hosts::{self, Runtime};
use super::measure::{Boot, Host, listed, measure, median, shown, table};
use super::plot::{Line, Plot};
use super::timeline::Timeline;

/// What one boot showed, in seconds since the first script of the initramfs.
#[derive(Debug, Clone, Copy)]
struct Times {
    root: f64,
    all_paths: f64,
    /// Paths that were there when root was mounted and the initramfs would
    /// have ended.
    at_root: usize,
}

impl Times {
    fn of(timeline: &Timeline, count: u16) -> Result<Times> {
        let began = timeline.stage("init-top")?;
        let count = usize::from(count);
        let paths = &timeline.paths;
        let Some(last) = count.checked_sub(1).and_then(|last| paths.get(last)) else {
            bail!("{} paths of {count} came up", paths.len());
        };
        Ok(Times {
            root: timeline.root - began,
            all_paths: last - began,
            at_root: paths.iter().filter(|at| **at <= timeline.root).count(),
        })
    }
}

type All = BTreeMap<(Runtime, u16), Vec<Times>>;

fn run(
    lab: &Lab,
    counts: &[u16],
    pairs: usize,
    runtimes: &[Runtime],
    scenario: impl Fn(u16, Runtime) -> Result<Scenario>,
) -> Result<All> {
    let mut hosts = Vec::new();
    for &count in counts {
        for &runtime in runtimes {
            hosts.push(Host {
                key: (runtime, count),
                title: format!("{count} portals, {}", runtime.name()),
                scenario: scenario(count, runtime)?,
            });
        }
    }
    let mut all = All::new();
    let read = |(_, count), boot: &Boot| Times::of(&boot.timeline, count);
    for (key, times) in measure(lab, Way::EMULATED, pairs, &hosts, read)? {
        all.entry(key).or_default().push(times);
    }
    Ok(all)
}

/// One value of each boot.
fn column(all: &All, key: (Runtime, u16), of: impl Fn(&Times) -> f64) -> Vec<f64> {
    all.get(&key).into_iter().flatten().map(of).collect()
}

/// Measures, and tells; returns the plot as well.
pub(super) fn section(lab: &Lab, counts: &[u16], pairs: usize) -> Result<(Section, String)> {
    let all = run(lab, counts, pairs, &Runtime::BOTH, hosts::portals)?;
    let text = format!(
        "![Time to root and to all paths, by portals](../portals.svg)\n\n{}",
        told(&all, counts, &format!("{pairs} pairs"))
    );
    // Boots of one host differ by too much to decide anything.
    let section = Section {
        name: "portals",
        text,
        unmet: Vec::new(),
    };
    Ok((section, plot(&all, counts).svg()))
}

/// The agent alone, by a counted clock.
pub(super) fn counted_section(lab: &Lab, counts: &[u16], boots: usize) -> Result<Section> {
    let agent = [Runtime::Agent];
    let all = run(lab, counts, boots, &agent, |count, _| {
        hosts::counted_portals(count)
    })?;
    let goals = flat(&all, counts, 1.05);
    let told = told(&all, counts, &format!("{boots} boots"));
    Ok(Section::judged("flat", &told, &goals))
}

/// The medians of so many boots, and all values.
fn told(all: &All, counts: &[u16], boots: &str) -> String {
    let mut rows = Vec::new();
    for &count in counts {
        for runtime in Runtime::BOTH {
            let root = column(all, (runtime, count), |t| t.root);
            if root.is_empty() {
                continue;
            }
            let paths = column(all, (runtime, count), |t| t.all_paths);
            let at_root = column(all, (runtime, count), |t| t.at_root as f64);
            rows.push(vec![
                count.to_string(),
                runtime.name().to_owned(),
                shown(median(&root)),
                shown(median(&paths)),
                format!("{:.0}", median(&at_root)),
                listed(&root),
                listed(&paths),
            ]);
        }
    }
    let header = [
        "portals",
        "runtime",
        "root mounted",
        "all paths",
        "paths when root is mounted",
        "root mounted, all values",
        "all paths, all values",
    ];
    format!(
        "Medians of {boots}, seconds since the first script of the initramfs:\n\n{}",
        table(&header, &rows)
    )
}

/// However many portals there are, root comes as early as with one, or `most` times
/// as late.
fn flat(all: &All, counts: &[u16], most: f64) -> Vec<Goal> {
    let root = |count: &u16| median(&column(all, (Runtime::Agent, *count), |t| t.root));
    let Some((first, others)) = counts.split_first() else {
        return Vec::new();
    };
    let goal = |count: &u16| Goal {
        what: format!("agent, root mounted: {count} portals / {first}"),
        limit: Limit::AtMost(most),
        measured: root(count) / root(first),
    };
    others.iter().map(goal).collect()
}

fn plot(all: &All, counts: &[u16]) -> Plot {
    let mut lines = Vec::new();
    for runtime in Runtime::BOTH {
        let line = |name: String, dashed: bool, of: fn(&Times) -> f64| Line {
            name,
            dashed,
            points: counts
                .iter()
                .map(|count| {
                    let values = column(all, (runtime, *count), of);
                    (f64::from(*count), median(&values))
                })
                .collect(),
            color: match runtime {
                Runtime::Scripts => "#d9730d",
                Runtime::Agent => "#2f7fd6",
            },
        };
        let name = runtime.name();
        lines.push(line(format!("{name}: root mounted"), false, |t| t.root));
        lines.push(line(format!("{name}: all paths"), true, |t| t.all_paths));
    }
    Plot {
        title: "Time to root and to all paths, by portals of one subsystem".to_owned(),
        x: "portals".to_owned(),
        y: "seconds since the first script of the initramfs".to_owned(),
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_path_counts_and_a_missing_one_is_a_fault() {
        let report = nvmeroot_lab::Report {
            trace: [
                "x-1 [000] ..... 5.0: tracing_mark_write: stage init-top",
                "x-1 [000] ..... 6.0: path: (x) path=0x1",
                "x-1 [000] ..... 6.5: disk: (x) name=\"nvme0n1\"",
                "x-1 [000] ..... 9.0: path: (x) path=0x2",
            ]
            .map(str::to_owned)
            .to_vec(),
            kernel: [
                "[5.5] x ens3: renamed from eth0",
                "[7.0] EXT4-fs (nvme0n1): mounted filesystem",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..nvmeroot_lab::Report::default()
        };
        let timeline = Timeline::of(&report).unwrap();
        let times = Times::of(&timeline, 2).unwrap();
        assert_eq!((times.root, times.all_paths, times.at_root), (2.0, 4.0, 1));
        let error = Times::of(&timeline, 3).unwrap_err();
        assert!(error.to_string().contains("2 paths of 3"), "{error}");
    }
}
