//! What a scenario asserts, and what of it does not hold.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::outcome::Outcome;
use crate::record::RecordedStep;
use crate::report::{Report, Route};
use crate::target::{SECOND_SUBSYSTEM, SUBSYSTEM};

/// Collects assertions that don't hold.
#[derive(Debug, Default)]
pub struct Faults(Vec<String>);

impl Faults {
    /// Notes `text` unless `holds`.
    pub fn expect(&mut self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.0.push(text());
        }
    }

    /// Notes that something does not hold.
    pub fn add(&mut self, text: impl Into<String>) {
        self.0.push(text.into());
    }

    pub(crate) fn into_texts(self) -> Vec<String> {
        self.0
    }

    /// The interface has exactly these global addresses.
    pub fn addresses(&mut self, report: &Report, interface: &str, expected: &[&str]) {
        let mut expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
        let mut found = global_addresses(report, interface);
        expected.sort();
        found.sort();
        self.expect(found == expected, || {
            format!("`{interface}` has the addresses {found:?}, not {expected:?}")
        });
    }

    /// There is such a route, once.
    pub fn route(&mut self, report: &Report, dst: &str, dev: &str, test: impl Fn(&Route) -> bool) {
        let count = report
            .routes
            .iter()
            .filter(|r| r.dst == dst && r.dev.as_deref() == Some(dev) && test(r))
            .count();
        self.expect(count == 1, || {
            let all: Vec<_> = report.routes.iter().filter(|r| r.dst == dst).collect();
            format!(
                "{count} routes to `{dst}` through `{dev}` as configured, not one; all: {all:?}"
            )
        });
    }

    /// A live TCP controller of one of the lab's subsystems reaches the portal.
    pub fn controller(&mut self, report: &Report, address: &str, port: u16) {
        let wanted = [format!("traddr={address}"), format!("trsvcid={port}")];
        let found = report.controllers.iter().any(|c| {
            c.transport == "tcp"
                && c.state == "live"
                && [SUBSYSTEM, SECOND_SUBSYSTEM].contains(&c.subsystem.as_str())
                && wanted
                    .iter()
                    .all(|word| c.address.split(',').any(|part| part == word))
        });
        self.expect(found, || {
            let all = &report.controllers;
            format!("no live controller at `{address}` port {port}, but {all:?}")
        });
    }

    /// The agent left a record that says how it ended: `done`, `failed`.
    pub fn recorded(&mut self, outcome: &Outcome, how: &str) {
        let found = outcome.record.as_ref().map(|record| &record.outcome);
        self.expect(found.is_some_and(|found| found == how), || {
            format!("the agent's record says {found:?}, not `{how}`")
        });
    }

    /// A line of the kernel's log, to which the agent writes too, contains the text.
    pub fn kernel_says(&mut self, outcome: &Outcome, text: &str) {
        let mut lines = outcome.report.iter().flat_map(|report| &report.kernel);
        let says = lines.any(|line| line.contains(text));
        self.expect(says, || format!("the kernel's log does not say `{text}`"));
    }

    /// The agent left that portal to the running system: it says so, or, where root
    /// was there before anything could fail, was still at it.
    pub fn missing(&mut self, outcome: &Outcome, portal: &str) {
        let left = outcome.record.as_ref().map(|record| &record.missing);
        let named = left.is_some_and(|all| all.iter().any(|m| m.subject.contains(portal)));
        let mut steps = outcome.record.iter().flat_map(|record| &record.steps);
        let at_it = steps.any(|step| step.subject.contains(portal) && step.state == "running");
        self.expect(named || at_it, || {
            format!("the record leaves {left:?} to the running system, not `{portal}`")
        });
    }

    /// The agent recorded such a step.
    pub fn step(
        &mut self,
        outcome: &Outcome,
        subject: &str,
        action: &str,
        test: impl Fn(&RecordedStep) -> bool,
    ) {
        let record = outcome.record.as_ref();
        let step = record.and_then(|record| record.step(subject, action));
        self.expect(step.is_some_and(test), || {
            format!("the agent recorded of `{subject}`, {action}: {step:?}")
        });
    }

    /// The interface's only address of `range`'s family lies in `range` and is
    /// the one that the initramfs got.
    pub fn leased(&mut self, report: &Report, interface: &str, range: &str) {
        let Ok(range) = range.parse::<IpNet>() else {
            return self.add(format!("`{range}` is no network"));
        };
        let found: Vec<IpAddr> = report
            .addresses
            .iter()
            .filter(|a| a.interface == interface && a.scope == "global")
            .map(|a| a.ip)
            .filter(|ip| ip.is_ipv4() == range.addr().is_ipv4())
            .collect();
        let [address] = found.as_slice() else {
            return self.add(format!(
                "`{interface}` has {found:?}, not one leased address"
            ));
        };
        self.expect(range.contains(address), || {
            format!("`{interface}` has {address}, which is not in {range}")
        });
        let word = format!(" {address}/");
        self.expect(
            report.before.iter().any(|line| line.contains(&word)),
            || {
                let before: Vec<_> = report
                    .before
                    .iter()
                    .filter(|l| l.contains("inet"))
                    .collect();
                format!("`{interface}` has {address} now; in the initramfs it had {before:?}")
            },
        );
    }
}

fn global_addresses(report: &Report, interface: &str) -> Vec<String> {
    report
        .addresses
        .iter()
        .filter(|a| a.interface == interface && a.scope == "global")
        .map(|a| format!("{}/{}", a.ip, a.prefix))
        .collect()
}
