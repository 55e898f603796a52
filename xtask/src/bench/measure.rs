//! One measured boot, and the arithmetic of many.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use nvmeroot_lab::scenario::{Outcome, Scenario};
use nvmeroot_lab::{Clock, Kind, Lab, Line, Processors, Session, Way};

use super::timeline::{Timeline, logged};

/// What a boot showed.
#[derive(Debug, Clone)]
pub(super) struct Boot {
    pub(super) timeline: Timeline,
    /// When the target said for the last time that something of it is there, in
    /// seconds since the host was switched on.
    pub(super) target: Option<f64>,
}

/// On a busy machine the guest's kernel may take a wrong measure of its own
/// clock, or correct it by seconds while it boots; and emulated kernels crash at
/// times where real ones do not (with two processors, QEMU 7.2: `Oops: int3`, a
/// breakpoint that is no longer there). Such boots are told, and repeated so often.
const TRIES: usize = 3;

/// A host to be measured.
#[derive(Debug)]
pub(super) struct Host<K> {
    /// What its boots are found by.
    pub(super) key: K,
    pub(super) title: String,
    pub(super) scenario: Scenario,
}

/// A host whose target is switched on, and may not serve yet.
fn target_on(lab: &Lab, way: Way, scenario: &Scenario) -> Result<Session> {
    let name = scenario.name;
    let prepared = scenario.prepare(lab, way);
    let mut session = prepared.with_context(|| format!("`{name}`"))?;
    let started = session.switch_target_on();
    started.with_context(|| format!("the target of `{name}`"))?;
    Ok(session)
}

/// Boots the hosts in turn, so often, and reads each boot. One that does not come
/// up well, or lacks what is to be read, is no measurement.
///
/// While a host reports, which is not measured any more, the next one's target
/// is switched on, unless the two have one name and so one directory.
pub(super) fn measure<K: Copy, V>(
    lab: &Lab,
    way: Way,
    pairs: usize,
    hosts: &[Host<K>],
    read: impl Fn(K, &Boot) -> Result<V>,
) -> Result<Vec<(K, V)>> {
    let turns = (1..=pairs).flat_map(|number| hosts.iter().map(move |host| (number, host)));
    let turns: Vec<_> = turns.collect();
    let mut boots = Vec::new();
    let mut ahead = None;
    for (place, (number, host)) in turns.iter().enumerate() {
        let title = format!("pair {number} of {pairs}: {}", host.title);
        let scenario = &host.scenario;
        eprintln!("{title}");
        let mut session = match ahead.take() {
            Some(session) => session,
            None => target_on(lab, way, scenario)?,
        };
        let mut tries = 1;
        loop {
            let next = match ahead {
                None => {
                    let next = turns.get(place + 1).map(|(_, next)| &next.scenario);
                    next.filter(|next| next.name != scenario.name)
                }
                Some(_) => None,
            };
            let (boot, other) = attempt(lab, way, scenario, session, next)?;
            ahead = ahead.or(other);
            let values = boot.and_then(|boot| {
                eprintln!("  {}", boot.timeline);
                read(host.key, &boot).map_err(|wrong| format!("{wrong:#}"))
            });
            match values {
                Ok(values) => {
                    boots.push((host.key, values));
                    break;
                }
                Err(wrong) if tries < TRIES => eprintln!("{title}: {wrong}, again"),
                Err(wrong) => bail!(
                    "{title}: {wrong}, in {TRIES} boots; see {}",
                    lab.artefacts(scenario.name).display()
                ),
            }
            tries += 1;
            session = target_on(lab, way, scenario)?;
        }
    }
    Ok(boots)
}

/// Boots the hosts in virtual time, so often, and reads each boot or says why it is no
/// measurement: several at a time, for a busy machine changes nothing there, and each
/// once, for what does not come up would not come up again.
pub(super) fn measure_virtually<K: Copy + Sync + Send, V: Send>(
    lab: &Lab,
    seed: u64,
    runs: usize,
    hosts: &[Host<K>],
    read: impl Fn(K, &Boot) -> Result<V> + Sync,
) -> Vec<(K, Result<V>)> {
    let way = Way::simulated(Clock::Virtual, seed);
    let turns: Vec<_> = (0..runs).flat_map(|_| hosts).collect();
    let boot = |place: usize, host: &Host<K>| -> Result<V> {
        let name = format!("{}.{place}", host.scenario.name);
        let dir = lab.run_dir(&name)?;
        let session = host.scenario.prepare_in(lab, way, &dir)?;
        let (boot, _) = attempt(lab, way, &host.scenario, session, None)?;
        let boot = boot.map_err(|wrong| anyhow!("{wrong}; see `{name}` in `target/lab/runs`"))?;
        eprintln!("{}: {}", host.title, boot.timeline);
        read(host.key, &boot)
    };
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..nvmeroot_lab::parallel() {
            scope.spawn(|| {
                while let Some((place, host)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    turns.get(place).map(|host| (place, host))
                } {
                    let read = boot(place, host).with_context(|| host.title.clone());
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((place, (host.key, read)));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, boot)| boot).collect()
}

/// A boot or why it is no measurement, and the next host.
type Attempt = (Result<Boot, String>, Option<Session>);

fn attempt(
    lab: &Lab,
    way: Way,
    scenario: &Scenario,
    mut session: Session,
    next: Option<&Scenario>,
) -> Result<Attempt> {
    let name = scenario.name;
    if !way.is_virtual() {
        let ready = session.await_target();
        ready.with_context(|| format!("the target of `{name}`"))?;
    }
    (scenario.events)(&mut session).with_context(|| format!("`{name}` can't be switched on"))?;
    let within = scenario.end.within();
    let ends = ["lab: marker", "Kernel panic", "(initramfs)"];
    match session.host_says_any(&ends, 0, within) {
        Ok(line) if line.text.contains(ends[0]) => {}
        Ok(line) => return Ok((Err(line.text), None)),
        Err(error) => {
            let console = session.host_console();
            let last = console.last().map_or("nothing", |line| line.text.as_str());
            return Ok((Err(format!("{error}; it said last: {last}")), None));
        }
    }
    let other = next.map(|next| target_on(lab, way, next)).transpose()?;
    let boot = match session.finish(&scenario.end) {
        Ok((report, power_off)) => judge(scenario, session.outcome(report, power_off)),
        Err(error) => Err(error.to_string()),
    };
    Ok((boot, other))
}

/// What a boot that came up showed, or why it is no measurement.
fn judge(scenario: &Scenario, outcome: Outcome) -> Result<Boot, String> {
    let counted = scenario.wiring.processors == Processors::Counted;
    let mut faults = scenario.judge(&outcome);
    // A counted clock is not the target's, which misses signs of life from a host
    // that is slower than it. What matters here is that root was mounted before.
    faults.retain(|fault| !(counted && fault.contains(RECOVERS)));
    if !faults.is_empty() {
        return Err(faults.join("; "));
    }
    if !counted && let Some(wrong) = wrong_clock(&outcome.console) {
        return Err(wrong);
    }
    let report = outcome.report.ok_or("the host did not report")?;
    if let Some(wrong) = lost_path(&report.kernel) {
        return Err(wrong);
    }
    let said = |text: &str| {
        let mut lines = outcome.target_console.iter();
        let line = lines.rfind(|line| line.text.contains(text))?;
        Some(outcome.target_on? + line.at.as_secs_f64())
    };
    let timeline = match outcome.way.kind {
        Kind::Qemu => Timeline::of(&report),
        Kind::Uml => Timeline::seen(&outcome.console),
    };
    let timeline = timeline.map_err(|wrong| format!("{wrong:#}"))?;
    Ok(Boot {
        timeline,
        target: said("lab: command succeeded").or_else(|| said("lab: target ready")),
    })
}

/// What the kernel says when a path is lost (drivers/nvme/host/tcp.c).
const RECOVERS: &str = "starting error recovery";

/// A path that was lost before root was mounted.
fn lost_path(kernel: &[String]) -> Option<String> {
    let mounted = |line: &&String| line.contains("EXT4-fs (nvme");
    let before = kernel.iter().take_while(|line| !mounted(line));
    let lost = before.into_iter().find(|line| line.contains(RECOVERS))?;
    Some(format!("before root was mounted: {lost}"))
}

/// The host's clock against that of the machine that reads its console, from
/// the initramfs's first program to the mount of root.
fn wrong_clock(console: &[Line]) -> Option<String> {
    let unstable = console
        .iter()
        .find(|line| line.text.contains("Marking clocksource"));
    if let Some(line) = unstable {
        return Some(line.text.clone());
    }
    // How much the host's clock is behind at a line.
    let behind = |text: &str| {
        let line = console.iter().find(|line| line.text.contains(text))?;
        let (by_host, _) = logged(&line.text)?;
        Some(line.at.as_secs_f64() - by_host)
    };
    let off = behind("EXT4-fs (nvme")? - behind("Run /init as init process")?;
    (off.abs() > 1.0).then(|| format!("its clock is off by {off:.1} s"))
}

/// The middle value, or the mean of the two in the middle.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Seconds as tables show them.
pub(super) fn shown(seconds: f64) -> String {
    format!("{seconds:.2}")
}

/// All values, in the order in which they were measured.
pub(super) fn listed(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().copied().map(shown).collect();
    texts.join(" ")
}

/// A table in Markdown.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.clone());
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_that_is_off_is_seen() {
        let line = |at: u64, text: &str| Line {
            at: Duration::from_secs(at),
            text: text.to_owned(),
        };
        let console = |root: u64| {
            [
                line(9, "[    5.5] Run /init as init process"),
                line(root, "[   16.5] EXT4-fs (nvme0n1): mounted filesystem"),
            ]
        };
        assert_eq!(wrong_clock(&console(20)), None);
        let wrong = wrong_clock(&console(29)).unwrap();
        assert_eq!(wrong, "its clock is off by 9.0 s");
        let unstable = [line(
            9,
            "[ 1.0] clocksource: Marking clocksource 'tsc' as unstable",
        )];
        assert!(wrong_clock(&unstable).is_some());
    }

    #[test]
    fn a_path_may_be_lost_once_root_is_mounted() {
        let lost = "[5.0] nvme nvme0: starting error recovery".to_owned();
        let root = "[6.0] EXT4-fs (nvme0n1): mounted filesystem".to_owned();
        assert_eq!(lost_path(&[root.clone(), lost.clone()]), None);
        let wrong = lost_path(&[lost, root]).unwrap();
        assert!(wrong.contains("starting error recovery"), "{wrong}");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
