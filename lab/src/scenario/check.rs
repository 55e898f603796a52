//! What must hold for every host.

use super::{Faults, Outage, Outcome, Scenario};
use crate::record::Record;
use crate::report::{Process, Report, Stall, is_udev};
use crate::target::SUBSYSTEM;

/// The longest round of the heartbeat that still counts as healthy, once the host
/// is up, where TCP waited for the other side in vain meanwhile. A root that loses
/// its network for a moment stalls 17 s (TCP's and the controller's own timers), in
/// which that happens nine times.
const LONGEST_STALL: f64 = 14.0;

/// The same where everything came through, and while the host comes up and
/// everything is read at once (that the network stays is seen by other means): a
/// flush waits for all that was written before it, and emulated machines beside
/// each other write slowly.
const LONGEST_BUSY_STALL: f64 = 75.0;

/// The same where what computes takes no time, and no packet gets lost.
const LONGEST_VIRTUAL_STALL: f64 = 2.0;

/// From the target being there again after an outage to the first round that
/// succeeds: the host tries every 10 s, a packet that got lost is repeated after
/// up to 16 s, and what waited meanwhile comes first.
const LONGEST_RETURN: f64 = 45.0;

/// What the kernel waits for the answer to a Connect whose connection breaks, before it
/// tries again (`NVME_ADMIN_TIMEOUT`, drivers/nvme/host/nvme.h: while it connects,
/// `nvme_tcp_error_recovery` does nothing). Seen in chaos runs 1014 and 1023.
const ADMIN_TIMEOUT: f64 = 60.0;

/// What the kernel says of a task that waited for [`KERNEL_PATIENCE`].
const BLOCKED: &str = "blocked for more than";

/// Seconds; `kernel.hung_task_timeout_secs`.
const KERNEL_PATIENCE: u32 = 120;

/// From the end of the report to the end of the machine, in seconds.
const POWER_OFF: f64 = 60.0;

/// The agent in the running system's tree, which is not that of the initramfs.
const AGENT: &str = "/usr/lib/nvmeroot/nvmeroot-agent";

/// What the block layer says of a request that failed.
const IO_ERROR: &str = "I/O error";

/// Texts that no healthy host's kernel logs.
pub(super) const KERNEL_FAULTS: &[&str] = &[
    IO_ERROR,
    "EXT4-fs error",
    "Aborting journal",
    BLOCKED,
    "Remounting filesystem read-only",
    "starting error recovery",
    "Failed reconnect attempt",
    "Kernel panic",
    "Oops:",
];

/// Those that only say that the path to the drive is gone. Of [`IO_ERROR`]s some do
/// ([`is_of_a_path`]).
const PATH_FAULTS: &[&str] = &["starting error recovery", "Failed reconnect attempt"];

/// What holds for every host that comes up.
pub(super) fn healthy(scenario: &Scenario, outcome: &Outcome, faults: &mut Faults) {
    let Some(report) = &outcome.report else {
        return;
    };
    mounts(scenario, report, faults);
    heartbeat(scenario, outcome, report, faults);
    hand_over(scenario, outcome, report, faults);
    let failed = &report.failed_units;
    faults.expect(failed.is_empty(), || format!("failed units: {failed:?}"));
    let tolerated = |text: &str, line: &str| match scenario.outage {
        Some(_) if text == IO_ERROR => is_of_a_path(line),
        Some(seconds) => {
            PATH_FAULTS.contains(&text) || (text == BLOCKED && seconds >= KERNEL_PATIENCE)
        }
        None => false,
    };
    for text in KERNEL_FAULTS {
        let is_fault = |line: &str| line.contains(text) && !tolerated(text, line);
        let logged = report.kernel.iter().find(|line| is_fault(line));
        // A simulated machine takes its devices away when it has powered off.
        let shown = outcome
            .console
            .iter()
            .map(|line| &line.text)
            .take_while(|line| !line.contains("reboot: Power down"))
            .find(|line| is_fault(line));
        if let Some(line) = logged.or(shown) {
            faults.add(format!("the kernel says `{}`", line.trim()));
        }
    }
    match outcome.power_off {
        Some(seconds) if seconds <= POWER_OFF => {}
        Some(seconds) => faults.add(format!("power-off took {seconds:.0} s")),
        None => faults.add("the machine did not power off"),
    }
}

fn mounts(scenario: &Scenario, report: &Report, faults: &mut Faults) {
    let on_nvme = |path: &str| {
        report
            .mount(path)
            .is_some_and(|m| scenario.host.under.is_source(&m.source))
    };
    let live = report
        .controllers
        .iter()
        .any(|c| c.transport == "tcp" && c.state == "live" && c.subsystem == SUBSYSTEM);
    let remote = if scenario.host.home {
        Some("/home")
    } else if scenario.wiring.local_root {
        None
    } else {
        Some("/")
    };
    if let Some(path) = remote {
        faults.expect(on_nvme(path), || {
            format!("`{path}` is on {:?}", report.mount(path))
        });
        faults.expect(live, || {
            format!("no live TCP controller: {:?}", report.controllers)
        });
    }
    if scenario.wiring.local_root {
        faults.expect(!on_nvme("/"), || {
            "root is remote, and should be local".to_owned()
        });
    }
    for mount in &report.mounts {
        let writable = mount.options.split(',').any(|option| option == "rw");
        faults.expect(writable, || {
            format!("`{}` is not writable: {}", mount.target, mount.options)
        });
    }
}

fn heartbeat(scenario: &Scenario, outcome: &Outcome, report: &Report, faults: &mut Faults) {
    let Some(pause) = scenario.pause() else {
        return;
    };
    let Some(heart) = &report.heartbeat else {
        return faults.add("no heartbeat");
    };
    let errors = &heart.errors;
    faults.expect(errors.is_empty(), || {
        format!("heartbeat errors: {errors:?}")
    });
    let settle = f64::from(scenario.wiring.settle);
    let marker = report.marks.get("marker").copied().unwrap_or_default();
    for stall in &heart.stalls {
        let usual = if scenario.renumbered {
            LONGEST_RETURN
        } else if outcome.way.is_virtual() {
            LONGEST_VIRTUAL_STALL
        } else {
            usual(stall, marker)
        };
        let bound = longest(stall.at, stall.took, usual, &outcome.outages);
        faults.expect(stall.took - stall.stood < bound, || {
            format!("the heartbeat stalled {stall}; the marker was at {marker:.0} s")
        });
    }
    faults.expect(heart.last - marker >= settle, || {
        format!(
            "the heart beat last at {:.0} s, the marker was at {marker:.0} s",
            heart.last
        )
    });
    let beating = settle - f64::from(scenario.outage.unwrap_or_default());
    // Half of what there would be if a round took no time.
    faults.expect(heart.beats as f64 >= beating / pause / 2.0, || {
        format!("only {} beats in {beating} s", heart.beats)
    });
}

/// How long a round may take where there was no outage.
fn usual(stall: &Stall, marker: f64) -> f64 {
    if stall.at < marker || stall.timeouts == 0 {
        LONGEST_BUSY_STALL
    } else {
        LONGEST_STALL
    }
}

/// The error is one path's to a namespace (`nvme0c1n1`, drivers/nvme/host/multipath.c):
/// the kernel tries another, or this one again. That of the namespace itself (`nvme0n1`)
/// has reached a filesystem.
fn is_of_a_path(line: &str) -> bool {
    let device = line.split("I/O error, dev nvme").nth(1);
    let name = device.and_then(|rest| rest.split(',').next());
    name.is_some_and(|name| name.contains('c'))
}

/// From the end of an outage to the first round that succeeds.
fn back(outage: &Outage) -> f64 {
    LONGEST_RETURN
        + if outage.on_the_wire {
            ADMIN_TIMEOUT
        } else {
            0.0
        }
}

/// How long a round that began at `at` and took `took` may take: until a while
/// after the end of the outages that it met.
fn longest(at: f64, took: f64, usual: f64, outages: &[Outage]) -> f64 {
    let met = outages
        .iter()
        .filter(|outage| outage.off < at + took && at < outage.ready + back(outage));
    met.map(|outage| outage.ready + back(outage) - at)
        .fold(usual, f64::max)
}

/// The running system took over from the initramfs without a trace.
fn hand_over(scenario: &Scenario, outcome: &Outcome, report: &Report, faults: &mut Faults) {
    // The running system's own is none.
    let left = outcome.record.as_ref().is_some_and(Record::leaves_paths);
    let has_agent = left || scenario.host.manager.has_leases_by_agent();
    let of_system = |process: &Process| has_agent && process.program == AGENT;
    let mut survivors = report.survivors();
    survivors.retain(|process| !of_system(process));
    faults.expect(survivors.is_empty(), || {
        format!("left from the initramfs: {survivors:?}")
    });
    let early: Vec<&String> = report
        .before
        .iter()
        .filter(|l| l.starts_with("process ") && (l.contains("(deleted)") || l.contains("dhcpcd")))
        .filter(|l| !is_udev(l))
        .collect();
    faults.expect(early.is_empty(), || {
        format!("running after switch-root: {early:?}")
    });
    let has_own_metrics = scenario.host.manager.has_own_metrics();
    let twice = report.duplicate_routes(has_own_metrics);
    faults.expect(twice.is_empty(), || format!("duplicate routes: {twice:?}"));
    let lost = report.lost(has_own_metrics);
    faults.expect(scenario.renumbered || lost.is_empty(), || {
        format!("lost for a while at hand-off: {lost:?}")
    });
    for (name, _, setup) in &report.links {
        let fine = name == "lo" || setup == "configured" || setup == "unmanaged";
        faults.expect(fine, || {
            format!("systemd-networkd says `{name}` is {setup}")
        });
    }
}

/// What holds for every host that can't come up.
pub(super) fn stopped(saying: &[String], outcome: &Outcome, faults: &mut Faults) {
    faults.expect(outcome.report.is_none(), || "the host came up".to_owned());
    for text in saying {
        let said = outcome.console.iter().any(|line| line.text.contains(text));
        faults.expect(said, || format!("the console does not say `{text}`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWICE: [Outage; 2] = [
        Outage {
            off: 84.0,
            ready: 100.0,
            on_the_wire: false,
        },
        Outage {
            off: 130.0,
            ready: 198.0,
            on_the_wire: false,
        },
    ];

    fn bound(at: f64, took: f64) -> f64 {
        longest(at, took, LONGEST_STALL, &TWICE)
    }

    #[test]
    fn a_round_in_which_packets_got_lost_is_short_once_the_host_is_up() {
        let at = |at: f64, timeouts| Stall {
            at,
            took: 20.0,
            read: 0.0,
            write: 0.0,
            flush: 20.0,
            stood: 0.0,
            timeouts,
        };
        assert_eq!(usual(&at(61.0, 9), 60.0), LONGEST_STALL);
        assert_eq!(usual(&at(61.0, 0), 60.0), LONGEST_BUSY_STALL);
        assert_eq!(usual(&at(59.0, 9), 60.0), LONGEST_BUSY_STALL);
    }

    #[test]
    fn a_round_waits_for_the_outage_that_it_met() {
        assert_eq!(bound(83.0, 20.0), 100.0 + LONGEST_RETURN - 83.0);
        assert_eq!(bound(129.0, 75.0), 198.0 + LONGEST_RETURN - 129.0);
    }

    #[test]
    fn a_round_that_met_both_waits_for_the_later() {
        assert_eq!(bound(84.0, 120.0), 198.0 + LONGEST_RETURN - 84.0);
    }

    #[test]
    fn the_path_is_not_there_at_once() {
        assert_eq!(bound(101.0, 20.0), 100.0 + LONGEST_RETURN - 101.0);
    }

    #[test]
    fn a_round_that_met_none_is_a_usual_one() {
        assert_eq!(bound(60.0, 20.0), LONGEST_STALL);
        assert_eq!(bound(250.0, 20.0), LONGEST_STALL);
    }

    #[test]
    fn an_error_of_one_path_is_no_error_of_the_drive() {
        for (line, of_a_path) in [
            (
                "[ 9.1] I/O error, dev nvme0c1n1, sector 2048 op 0x0:(READ)",
                true,
            ),
            (
                "[ 9.1] I/O error, dev nvme0n1, sector 2048 op 0x0:(READ)",
                false,
            ),
            (
                "[ 9.1] Buffer I/O error on dev nvme0c1n1, logical block 1",
                false,
            ),
            ("[ 9.1] I/O error, dev vda, sector 2048", false),
        ] {
            assert_eq!(is_of_a_path(line), of_a_path, "{line}");
        }
    }

    #[test]
    fn what_is_lost_on_the_wire_may_cost_a_connect_and_its_patience() {
        let outage = |on_the_wire| Outage {
            off: 9.0,
            ready: 93.0,
            on_the_wire,
        };
        let bound = |on_the_wire| longest(11.0, 96.0, LONGEST_STALL, &[outage(on_the_wire)]);
        assert_eq!(bound(false), 93.0 + LONGEST_RETURN - 11.0);
        assert_eq!(bound(true), 93.0 + LONGEST_RETURN + ADMIN_TIMEOUT - 11.0);
    }
}
