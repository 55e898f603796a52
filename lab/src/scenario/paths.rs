//! More than one way to the drive, and controllers that are none.

use super::static_address::{IPV4_NETPLAN, ipv4_target, net, portal, remote_root};
use super::{Controller, Scenario, boots, by_agent, reporting, settled};
use crate::lab::{FIRST_SLOT, Wiring};
use crate::session::switch_on;
use crate::target::{Portal, TargetNetwork, TargetSpec};

pub(super) fn all() -> Vec<Scenario> {
    vec![two_interfaces(), odd_controllers(), many_portals()]
}

/// A target with two cards and a portal on each.
pub(super) fn two_networks() -> TargetSpec {
    let mut target = ipv4_target();
    target.networks.push(TargetNetwork {
        addresses: vec![net("10.78.0.1/24")],
        ..TargetNetwork::default()
    });
    target.portals.push(portal("10.78.0.1"));
    target
}

pub(super) fn two_interfaces() -> Scenario {
    let netplan = "\
network:
  version: 2
  ethernets:
    ens3:
      addresses: [10.77.0.50/24]
    ens4:
      addresses: [10.78.0.50/24]
";
    let mut wiring = settled();
    wiring.slots = vec![FIRST_SLOT, FIRST_SLOT + 1];
    Scenario {
        name: "two-interfaces",
        title: "two interfaces with one portal each",
        host: remote_root(
            "two-interfaces",
            netplan,
            &[
                Controller::Tcp("10.78.0.1", 4420),
                Controller::Tcp("10.77.0.1", 4420),
            ],
        ),
        wiring,
        target: Some(two_networks()),
        needs: &[],
        seed: None,
        end: boots(),
        outage: None,
        renumbered: false,
        trouble: Vec::new(),
        events: switch_on,
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["10.77.0.50/24"]);
                faults.addresses(report, "ens4", &["10.78.0.50/24"]);
                faults.controller(report, "10.77.0.1", 4420);
                faults.controller(report, "10.78.0.1", 4420);
            }
        },
    }
}

/// The same portal twice, and a local NVMe controller beside it: the portal is
/// connected once, the local one is none of our business. All of it is decided before
/// root is mounted.
fn odd_controllers() -> Scenario {
    let controllers = [
        Controller::Pcie,
        Controller::Tcp("10.77.0.1", 4420),
        Controller::Tcp("10.77.0.1", 4420),
    ];
    Scenario {
        name: "odd-controllers",
        title: "duplicate and pcie controllers in the configuration",
        host: reporting(remote_root("odd-controllers", IPV4_NETPLAN, &controllers)),
        wiring: Wiring::default(),
        target: Some(ipv4_target()),
        needs: &[],
        seed: None,
        end: boots(),
        outage: None,
        renumbered: false,
        trouble: Vec::new(),
        events: switch_on,
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.controller(report, "10.77.0.1", 4420);
                let count = report.controllers.len();
                faults.expect(count == 1, || format!("{count} controllers, not one"));
            }
        },
    }
}

/// How many portals are too many to be connected before root is mounted, at the
/// pace that leaves others the processor.
const MANY: u16 = 24;

/// The first one is enough; the others come as far as there is time, and the rest is
/// left to the running system.
fn many_portals() -> Scenario {
    let ports = || 4420..4420 + MANY;
    let controllers: Vec<Controller> = ports()
        .map(|port| Controller::Tcp("10.77.0.1", port))
        .collect();
    let mut target = ipv4_target();
    target.portals = ports()
        .map(|port| Portal {
            port,
            ..portal("10.77.0.1")
        })
        .collect();
    Scenario {
        name: "many-portals",
        title: "more portals than there is time for",
        host: reporting(by_agent(remote_root(
            "many-portals",
            IPV4_NETPLAN,
            &controllers,
        ))),
        wiring: Wiring::default(),
        target: Some(target),
        needs: &[],
        seed: None,
        end: boots(),
        outage: None,
        renumbered: false,
        trouble: Vec::new(),
        events: switch_on,
        check: |outcome, faults| {
            faults.recorded(outcome, "done");
            let (Some(report), Some(record)) = (&outcome.report, &outcome.record) else {
                return;
            };
            let (there, left) = (report.controllers.len(), record.missing.len());
            faults.expect(there > 1 && left > 0, || {
                format!("{there} portals are connected and {left} left: all or but one")
            });
            // Those that the kernel was at work on may have come in spite of all.
            let steps = record.steps.iter();
            let at_work = steps.filter(|s| s.action == "connect" && s.state == "running");
            let at_work = at_work.count().max(1);
            let all = there + left;
            faults.expect(
                (usize::from(MANY)..=usize::from(MANY) + at_work).contains(&all),
                || format!("{there} portals are connected and {left} left, of {MANY}"),
            );
            let mounted = record.mounted.zip(record.decided);
            faults.expect(
                mounted.is_some_and(|(at, decided)| at.since(decided) > 0.0),
                || format!("the agent saw root being mounted at {mounted:?}"),
            );
        },
    }
}
