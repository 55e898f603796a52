//! Things that are not there when the agent looks for them, and come later.

use std::time::Duration;

use super::faults::UP;
use super::slim::{agent_dhcp4, agent_ipv4, slim};
use super::static_address::{IPV4_NETPLAN, ipv4_target, net, portal};
use super::{Earlier, Faults, Outcome, Scenario, by_agent};
use crate::error::Result;
use crate::lab::Wiring;
use crate::machine::Need;
use crate::record::Record;
use crate::session::{Session, switch_on};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        target(),
        dhcp_server(),
        third_request(),
        carrier(),
        card(),
        dead_portal(),
    ]
}

/// The agent's first word.
const AGENT: &str = "nvmeroot: agent ";

/// The target is switched on 40 s after the host.
fn target() -> Scenario {
    Scenario {
        name: "late-target",
        title: "the target is switched on 40 s after the host",
        events: |session| target_after(session, 40),
        check: |outcome, faults| {
            (agent_ipv4().check)(outcome, faults);
            at_once(outcome, faults, "lab: target ready");
        },
        ..agent_ipv4()
    }
}

pub(super) fn target_after(session: &mut Session, seconds: u64) -> Result<()> {
    session.start_host()?;
    session.run_for(Duration::from_secs(seconds))?;
    session.start_target()
}

/// How soon after the last thing is there root must be too, in seconds: the
/// agent tries every 2 s at least, and a busy machine takes its time.
const SOON: f64 = 30.0;

/// The same where nothing is busy: 2 s before the next try, 3 s for which the DHCP
/// server pings an address before it offers it, and a reserve.
const VIRTUALLY_SOON: f64 = 8.0;

fn soon(outcome: &Outcome) -> f64 {
    if outcome.way.is_virtual() {
        VIRTUALLY_SOON
    } else {
        SOON
    }
}

/// Root is mounted soon after that line on the target's console.
pub(super) fn at_once(outcome: &Outcome, faults: &mut Faults, ready: &str) {
    if let (Some(root), Some(there)) = (outcome.marks.root, outcome.target_said(ready)) {
        let took = root - there;
        faults.expect((0.0..soon(outcome)).contains(&took), || {
            format!("root was mounted {took:.1} s after the target was ready")
        });
    } else {
        faults.add("root was not mounted, or the target never ready");
    }
}

/// So much longer a DHCP client waits before its next question than others before
/// their next try.
const QUESTION: f64 = 2.0;

/// The agent needed at least so many seconds, and was done so soon after.
fn waited(outcome: &Outcome, faults: &mut Faults, least: f64, soon: f64) {
    let took = outcome.record.as_ref().and_then(Record::seconds);
    let fine = took.is_some_and(|took| (least..least + soon).contains(&took));
    faults.expect(fine, || {
        format!("the agent took {took:?} s; what it waited for was there after {least} s")
    });
}

/// The DHCP server starts 40 s after the host's first question.
fn dhcp_server() -> Scenario {
    Scenario {
        name: "late-dhcp-agent",
        title: "the DHCP server starts 40 s after the agent",
        events: |session| {
            session.start_target()?;
            session.stop_dhcp()?;
            session.start_host()?;
            session.host_says(AGENT, UP)?;
            session.run_for(Duration::from_secs(40))?;
            session.start_dhcp()
        },
        check: |outcome, faults| {
            (agent_dhcp4().check)(outcome, faults);
            faults.step(outcome, "ens3", "dhcp4", |step| step.state == "done");
            waited(outcome, faults, 38.0, soon(outcome) + QUESTION);
        },
        ..agent_dhcp4()
    }
}

/// Two packets to port 67 are lost, the third arrives, and so on: `determ`
/// counts (`gact_determ` in net/sched/act_gact.c).
const EVERY_THIRD: &str = "\
/usr/sbin/tc qdisc add dev eth0 handle ffff: ingress && \
/usr/sbin/tc filter add dev eth0 parent ffff: protocol ip u32 \
match ip protocol 17 0xff match ip dport 67 0xffff \
action drop random determ pass 3";

/// Of the host's questions the DHCP server hears only each third one.
fn third_request() -> Scenario {
    Scenario {
        name: "third-request",
        title: "the DHCP server answers only each third request",
        events: |session| {
            session.start_target()?;
            session.command(EVERY_THIRD)?;
            session.start_host()
        },
        check: |outcome, faults| {
            (agent_dhcp4().check)(outcome, faults);
            let heard = |word: &str| {
                let lines = outcome.target_console.iter();
                lines.filter(|line| line.text.contains(word)).count()
            };
            let (asked, wanted) = (heard("DHCPDISCOVER("), heard("DHCPREQUEST("));
            faults.expect(asked == 1 && wanted == 1, || {
                format!("the server heard {asked} DHCPDISCOVER and {wanted} DHCPREQUEST")
            });
            // Two pauses before the one, two before the other.
            faults.step(outcome, "ens3", "dhcp4", |step| {
                step.seconds().is_some_and(|s| (2.0..30.0).contains(&s))
            });
        },
        ..agent_dhcp4()
    }
}

/// The cable is plugged in 20 s after the agent started.
fn carrier() -> Scenario {
    Scenario {
        name: "late-carrier",
        title: "the cable is plugged in 20 s late",
        events: |session| {
            switch_on(session)?;
            session.cut(0)?;
            session.host_says(AGENT, UP)?;
            session.run_for(Duration::from_secs(20))?;
            session.mend(0)
        },
        check: |outcome, faults| {
            (agent_ipv4().check)(outcome, faults);
            faults.step(outcome, "ens3", "carrier", |step| step.state == "done");
            waited(outcome, faults, 18.0, soon(outcome));
        },
        ..agent_ipv4()
    }
}

/// The card appears 8 s after the agent started, as one does whose driver is
/// loaded late.
fn card() -> Scenario {
    Scenario {
        name: "late-card",
        title: "the network card appears 8 s after the agent",
        needs: &[Need::HotPlug],
        wiring: Wiring {
            unplugged: true,
            ..Wiring::default()
        },
        events: |session| {
            switch_on(session)?;
            session.host_says(AGENT, UP)?;
            session.run_for(Duration::from_secs(8))?;
            session.plug_card(0)
        },
        check: |outcome, faults| {
            (agent_ipv4().check)(outcome, faults);
            faults.step(outcome, "ens3", "card", |step| step.state == "done");
            waited(outcome, faults, 7.0, soon(outcome));
        },
        ..agent_ipv4()
    }
}

/// How much later root may come when one of two portals is dead, in seconds.
const DETOUR: f64 = 2.0;

/// Two boots: one with both portals, then one with the first of them dead (its
/// address is gone, so nothing answers, not even with a refusal).
fn dead_portal() -> Scenario {
    let mut target = ipv4_target();
    // In this order .1 can go without .2.
    target.networks[0].addresses = vec![net("10.77.0.2/24"), net("10.77.0.1/24")];
    target.portals.push(portal("10.77.0.2"));
    let portals = ["10.77.0.1", "10.77.0.2"];
    Scenario {
        name: "dead-portal",
        title: "one of two portals is dead: root as soon as with both",
        host: by_agent(slim("agent-two-portals", IPV4_NETPLAN, &portals)),
        target: Some(target),
        events: |session| {
            switch_on(session)?;
            session.host_ends(UP)?;
            session.command("ip address del 10.77.0.1/24 dev eth0")?;
            session.start_host()
        },
        check: |outcome, faults| {
            faults.recorded(outcome, "done");
            if let Some(report) = &outcome.report {
                faults.controller(report, "10.77.0.2", 4420);
                let count = report.controllers.len();
                faults.expect(count == 1, || format!("{count} controllers, not one"));
            }
            faults.missing(outcome, "10.77.0.1:4420");
            let [healthy] = outcome.earlier.as_slice() else {
                return faults.add("there was no healthy boot");
            };
            detour(healthy, outcome, faults);
        },
        ..agent_ipv4()
    }
}

/// Counted from the moment at which the living portal could be reached to the
/// first namespace: how long the card takes to appear, and udev to name the
/// filesystem on the drive, is another matter. A machine that is kept from
/// its work needs longer for either boot, and for the detour.
fn detour(healthy: &Earlier, outcome: &Outcome, faults: &mut Faults) {
    let seconds = |record: &Option<Record>| {
        let record = record.as_ref()?;
        let reached = record.step("10.77.0.2:4420", "reach")?.end?;
        let shown = record
            .steps
            .iter()
            .filter(|step| step.action == "namespace")
            .filter_map(|step| Some(step.end?.since(reached)));
        shown.min_by(f64::total_cmp)
    };
    match (seconds(&healthy.record), seconds(&outcome.record)) {
        (Some(both), Some(one)) => faults.expect(one - both < DETOUR + both, || {
            format!("the namespace was there {one:.2} s later, with both portals {both:.2} s")
        }),
        other => faults.add(format!("no times of the two boots: {other:?}")),
    }
}
