//! What happened when in one boot, by the clock of the host's own kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result};
use nvmeroot_lab::{Line, Report};

/// Moments of one boot, in seconds since the kernel started.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timeline {
    /// When each stage of the initramfs began, and other marks of the guest.
    stages: BTreeMap<String, f64>,
    /// For how long the processor had had nothing to do when they began.
    idle: BTreeMap<String, f64>,
    /// The network card has its name.
    pub(super) card: f64,
    /// Root's drive is visible.
    pub(super) namespace: f64,
    /// Each path to the drive can be used, in order.
    pub(super) paths: Vec<f64>,
    /// Root is mounted.
    pub(super) root: f64,
}

impl Timeline {
    /// Reads the trace that `guest/mark.sh` began, and the kernel's log.
    pub(super) fn of(report: &Report) -> Result<Timeline> {
        let lines = report.trace.iter().filter_map(|line| traced(line));
        let log: Vec<_> = report.kernel.iter().filter_map(|l| logged(l)).collect();
        Timeline::read(lines.chain(log.iter().copied()), &log)
    }

    /// Reads what `guest/mark-log.sh` and the kernel wrote, as it arrived at the
    /// console: the log's own clock goes by hundredths of a second on machines that
    /// are simulated.
    pub(super) fn seen(console: &[Line]) -> Result<Timeline> {
        let arrived =
            |line: &'_ Line| Some((line.at.as_secs_f64(), logged(&line.text)?.1.to_owned()));
        let lines: Vec<(f64, String)> = console.iter().filter_map(arrived).collect();
        let log: Vec<(f64, &str)> = lines
            .iter()
            .map(|(at, text)| (*at, text.as_str()))
            .collect();
        Timeline::read(log.iter().copied(), &log)
    }

    fn read<'a>(
        marks: impl Iterator<Item = (f64, &'a str)>,
        log: &[(f64, &str)],
    ) -> Result<Timeline> {
        let mut stages = BTreeMap::new();
        let mut idle = BTreeMap::new();
        let mut namespace = None;
        // The kernel says more than once that a path can be used.
        let mut known = BTreeSet::new();
        let mut paths = Vec::new();
        for (at, text) in marks {
            let mark = ["tracing_mark_write: ", "lab-mark: "];
            let mark = mark.iter().find_map(|mark| text.strip_prefix(mark));
            if let Some(stage) = mark.and_then(|mark| mark.strip_prefix("stage ")) {
                stages.entry(stage.trim().to_owned()).or_insert(at);
            } else if let Some(mark) = mark.and_then(|mark| mark.strip_prefix("idle "))
                && let Some((stage, seconds)) = mark.trim().split_once(' ')
                && let Ok(seconds) = seconds.parse()
            {
                idle.entry(stage.to_owned()).or_insert(seconds);
            } else if mark.is_some_and(|mark| mark.starts_with("drive nvme"))
                || text.starts_with("disk: ") && text.contains("name=\"nvme")
            {
                namespace = namespace.or(Some(at));
            } else if text.starts_with("path: ")
                && let Some((_, path)) = text.split_once("path=")
                && known.insert(path.trim().to_owned())
            {
                paths.push(at);
            }
        }
        let said = |words: &[&str]| {
            let has = |text: &str| words.iter().all(|word| text.contains(word));
            log.iter().find_map(|(at, text)| has(text).then_some(*at))
        };
        Ok(Timeline {
            stages,
            idle,
            card: said(&["ens3: renamed from"]).context("the kernel logged no card's name")?,
            namespace: namespace.context("no mark shows an NVMe drive")?,
            paths,
            root: said(&["EXT4-fs (nvme", "mounted filesystem"])
                .context("the kernel logged no mount of an NVMe drive")?,
        })
    }

    /// When a stage began.
    pub(super) fn stage(&self, name: &str) -> Result<f64> {
        let found = self.stages.get(name).copied();
        found.with_context(|| format!("there is no mark `{name}`"))
    }

    /// For how long the processor had nothing to do between the beginnings of two
    /// stages.
    pub(super) fn idle(&self, from: &str, to: &str) -> Result<f64> {
        let at = |name: &str| {
            let found = self.idle.get(name).copied();
            found.with_context(|| format!("no mark has the idle time of `{name}`"))
        };
        Ok(at(to)? - at(from)?)
    }
}

/// In one line, so that a run that is cut short has told something.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timeline {
            card,
            namespace,
            root,
            ..
        } = self;
        write!(
            f,
            "card {card:.2} s, drive {namespace:.2} s, root {root:.2} s"
        )?;
        for (stage, at) in &self.stages {
            write!(f, ", {stage} {at:.2} s")?;
        }
        Ok(())
    }
}

/// Time and text of a line of the kernel's trace
/// (Documentation/trace/ftrace.rst): `TASK-PID [CPU] FLAGS SECONDS: TEXT`.
fn traced(line: &str) -> Option<(f64, &str)> {
    let mut rest = line.trim_start();
    if rest.starts_with('#') {
        return None;
    }
    // The task's name may hold anything, and may look like a time only by malice.
    while let Some((word, after)) = rest.split_once(' ') {
        if let Some(at) = word.strip_suffix(':').and_then(|at| at.parse().ok()) {
            return Some((at, after));
        }
        rest = after.trim_start();
    }
    None
}

/// Time and text of a line of the kernel's log: `[SECONDS] TEXT`.
pub(super) fn logged(line: &str) -> Option<(f64, &str)> {
    let (at, text) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    Some((at.trim().parse().ok()?, text.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn report() -> Report {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Report {
            trace: lines(
                "# tracer: nop\n\
                 \x20   aa-lab-77  [000] .....     7.250000: tracing_mark_write: stage init-top\n\
                 \x20   aa-lab-77  [000] .....     7.260000: tracing_mark_write: idle init-top 1.25\n\
                 \x20   aa-lab-79  [000] .....     11.260000: tracing_mark_write: idle init-bottom 3.50\n\
                 \x20   kworker/0:1 x-9  [000] .....     9.5: path: (nvme_mpath_set_live+0x4/0x90 [nvme_core]) path=0xffff8\n\
                 \x20   kworker-9  [000] .....     9.6: path: (nvme_mpath_set_live+0x4/0x90 [nvme_core]) path=0xffff8\n\
                 \x20   kworker-9  [000] d....     9.750000: disk: (disk_uevent+0x4/0x130) name=\"nvme0n1\"\n\
                 \x20   kworker-9  [000] d....     9.900000: disk: (disk_uevent+0x4/0x130) name=\"nvme1n1\"",
            ),
            kernel: lines(
                "[    8.000000] virtio_net virtio0 ens3: renamed from eth0\n\
                 [   11.000000] EXT4-fs (nvme0n1): mounted filesystem 1 ro",
            ),
            ..Report::default()
        }
    }

    #[test]
    fn moments_are_found() {
        let timeline = Timeline::of(&report()).unwrap();
        assert_eq!(timeline.stage("init-top").unwrap(), 7.25);
        assert_eq!(timeline.card, 8.0);
        assert_eq!(timeline.namespace, 9.75);
        assert_eq!(timeline.paths, [9.5]);
        assert_eq!(timeline.root, 11.0);
        assert_eq!(timeline.idle("init-top", "init-bottom").unwrap(), 2.25);
        let error = timeline.idle("init-top", "local-top").unwrap_err();
        assert!(error.to_string().contains("`local-top`"), "{error}");
        let error = timeline.stage("local-top").unwrap_err();
        assert!(error.to_string().contains("`local-top`"), "{error}");
    }

    #[test]
    fn what_arrives_at_the_console_has_the_readers_clock() {
        let line = |millis, text: &str| Line {
            at: Duration::from_millis(millis),
            text: text.to_owned(),
        };
        let lines = [
            line(7_251, "[    7.250000] lab-mark: stage init-top"),
            line(7_251, "[    7.250000] lab-mark: idle init-top 1.25"),
            line(
                8_003,
                "[    8.000000] virtio_net virtio0 ens3: renamed from eth0",
            ),
            line(9_754, "[    9.750000] lab-mark: drive nvme0n1"),
            line(9_800, "[    9.800000] lab-mark: idle init-bottom 3.50"),
            line(
                11_006,
                "[   11.000000] EXT4-fs (nvme0n1): mounted filesystem 1 ro",
            ),
        ];
        let timeline = Timeline::seen(&lines).unwrap();
        assert_eq!(timeline.stage("init-top").unwrap(), 7.251);
        assert_eq!(timeline.card, 8.003);
        assert_eq!(timeline.namespace, 9.754);
        assert_eq!(timeline.root, 11.006);
        assert_eq!(timeline.idle("init-top", "init-bottom").unwrap(), 2.25);
    }

    #[test]
    fn a_boot_without_a_trace_is_no_measurement() {
        let mut report = report();
        report.trace.clear();
        let error = Timeline::of(&report).unwrap_err();
        assert!(error.to_string().contains("an NVMe drive"), "{error}");
    }
}
