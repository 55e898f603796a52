//! What boots by initramfs-tools boots by dracut: the same scenarios, the initramfs made
//! by the other generator.

use std::time::Duration;

use super::{End, Scenario, slim};
use crate::host_spec::{Generator, HostSpec, Release, TreeFile};
use crate::lab::Wiring;

/// Those of the agent that differ in what the initramfs does.
const ON_DRACUT: [&str; 16] = [
    "agent-static",
    "agent-dhcp4",
    "agent-advertised",
    "agent-bond-backup",
    "handover-dhcp4",
    "report-refused",
    "late-target",
    "late-dhcp-agent",
    "late-card",
    "agent-cards",
    "dead-portal",
    "reboot",
    "soft-reboot",
    "target-restarts",
    "outage",
    "lease",
];

/// Of these scenarios the ones that run by dracut too.
pub(super) fn of(scenarios: &[Scenario]) -> Vec<Scenario> {
    let named = |name: &&str| scenarios.iter().find(|one| one.name == *name);
    let mut all: Vec<Scenario> = ON_DRACUT.iter().filter_map(named).map(by_dracut).collect();
    all.push(beside_networkd());
    all.push(without_systemd());
    all.push(unified());
    all
}

const KERNEL_INSTALL: &str = include_str!("../../guest/kernel-install.sh");

/// Images of all kernels, and a unified kernel image (UKI) with the initramfs that boots:
/// no firmware is there to start the image itself.
fn unified() -> Scenario {
    let base = by_dracut(&slim::agent_ipv4());
    let dracut = TreeFile::new("usr/local/bin/dracut", 0o755, KERNEL_INSTALL);
    Scenario {
        name: "dracut-unified",
        title: "every kernel's image by dracut, and kernel-install's unified one",
        host: HostSpec {
            name: "dracut-unified".to_owned(),
            release: Release::Forky,
            packages: vec!["binutils", "systemd-boot-efi"],
            files: vec![dracut],
            ..base.host
        },
        ..base
    }
}

/// dracut's own scripts boot, and the module's hooks start the agent.
fn without_systemd() -> Scenario {
    let base = by_dracut(&slim::agent_dhcp4());
    let modules = TreeFile::new(
        "etc/dracut.conf.d/lab.conf",
        0o644,
        "omit_dracutmodules+=\" systemd \"\n",
    );
    Scenario {
        name: "dracut-without-systemd",
        title: "an initramfs of dracut's without systemd",
        host: HostSpec {
            name: "dracut-without-systemd".to_owned(),
            files: vec![modules],
            ..base.host
        },
        check: |outcome, faults| {
            (slim::agent_dhcp4().check)(outcome, faults);
            let systemd = outcome.marks.systemd;
            faults.expect(systemd.is_none(), || {
                format!("systemd was in the initramfs, at {systemd:?} s")
            });
        },
        ..base
    }
}

/// systemd-networkd is in the initramfs too, and is told of root's card by the kernel command
/// line, which the agent obeys as well.
fn beside_networkd() -> Scenario {
    let base = by_dracut(&slim::agent_ipv4());
    let modules = TreeFile::new(
        "etc/dracut.conf.d/lab.conf",
        0o644,
        "add_dracutmodules+=\" systemd-networkd \"\n",
    );
    Scenario {
        name: "dracut-beside-networkd",
        title: "systemd-networkd in dracut's initramfs wants root's card for itself",
        host: HostSpec {
            name: "dracut-beside-networkd".to_owned(),
            release: Release::Forky,
            packages: vec!["dracut-network"],
            files: vec![modules],
            ..base.host
        },
        wiring: Wiring {
            cmdline: "rd.neednet=1 ip=10.77.0.99::10.77.0.1:255.255.255.0::ens3:none".to_owned(),
            ..base.wiring
        },
        // It waits for other links, for root's are not its own.
        end: End::Boots {
            after: Duration::from_secs(100),
            within: Duration::from_secs(420),
        },
        check: |outcome, faults| {
            faults.recorded(outcome, "done");
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["10.77.0.99/24"]);
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
        ..base
    }
}

pub(super) fn by_dracut(other: &Scenario) -> Scenario {
    let short = other.name.trim_start_matches("agent-");
    // Names live as long as the program.
    let name: &'static str = format!("dracut-{short}").leak();
    let title: &'static str = format!("{}, by dracut", other.title).leak();
    Scenario {
        name,
        title,
        host: HostSpec {
            name: format!("dracut-{}", other.host.name),
            generator: Generator::Dracut,
            ..other.host.clone()
        },
        ..other.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_a_scenarios() {
        let all = super::super::all();
        for name in ON_DRACUT {
            assert!(all.iter().any(|one| one.name == name), "{name}");
        }
    }
}
