//! The running system is left, and comes again: root's network and controllers go last.

use std::time::Duration;

use super::check::KERNEL_FAULTS;
use super::faults::UP;
use super::hand_over::agent_dhcp4;
use super::{End, Faults, Outcome, Scenario, by_agent, static_address};
use crate::host_spec::{HostSpec, TreeFile};
use crate::machine::{Line, Need};

const LEAVE: &str = include_str!("../../guest/leave.sh");
const LOAD: &str = include_str!("../../guest/load-kernel.py");
/// Keeps the initramfs in the tree; by initramfs-tools(7), Hook scripts.
const KEEP: &str = "#!/bin/sh\ncp \"$2\" /boot/lab-initrd\n";

/// From the command to the end of the machine. Its services end, root is made read-only:
/// what waits for a network that is gone waits for minutes.
const LEAVING: Duration = Duration::from_secs(60);

pub(super) fn all() -> Vec<Scenario> {
    vec![reboot(), soft_reboot()]
}

/// An emulated machine takes seven minutes for it, and at times a quarter of an hour.
pub(super) fn on_request() -> Vec<Scenario> {
    vec![kexec()]
}

/// The host that leaves by `systemctl VERB` after its first boot, and reports after its
/// second.
fn host(verb: &str, host: HostSpec) -> HostSpec {
    let units = "etc/systemd/system";
    let mut files = host.files;
    files.extend([
        TreeFile::new("usr/local/lib/lab/leave.sh", 0o755, LEAVE),
        TreeFile::new(
            format!("{units}/lab-leave.service"),
            0o644,
            format!(
                "[Unit]\nAfter=multi-user.target\n[Service]\n\
                 ExecStart=/usr/local/lib/lab/leave.sh {verb}\n"
            ),
        ),
        TreeFile::new(
            format!("{units}/multi-user.target.d/lab.conf"),
            0o644,
            "[Unit]\nWants=lab-leave.service\n",
        ),
        TreeFile::new(
            format!("{units}/lab-report.service.d/lab.conf"),
            0o644,
            "[Unit]\nConditionPathExists=/var/lib/lab-left\n",
        ),
    ]);
    // What outlives the others is killed at the end, and does not start again.
    for unit in ["lab-before", "lab-heartbeat"] {
        let text = "[Unit]\nConflicts=shutdown.target\nBefore=shutdown.target\n";
        let path = format!("{units}/{unit}.service.d/lab.conf");
        files.push(TreeFile::new(path, 0o644, text));
    }
    HostSpec {
        name: format!("leave-{verb}"),
        files,
        ..host
    }
}

fn reboot() -> Scenario {
    Scenario {
        name: "reboot",
        title: "`systemctl reboot` with root on NVMe/TCP: down in time, and up again",
        host: host("reboot", agent_dhcp4().host),
        events: |session| {
            session.start_target()?;
            session.start_host()?;
            session.host_says("lab: leaves by reboot", UP)?;
            session.host_ends(LEAVING)?;
            session.start_host()
        },
        check: |outcome, faults| {
            (agent_dhcp4().check)(outcome, faults);
            let [first] = outcome.earlier.as_slice() else {
                return faults.add(format!("{} earlier boots", outcome.earlier.len()));
            };
            quiet(&first.console, faults);
            owned(&first.console, faults);
            owned(&outcome.console, faults);
            let restarts = |line: &Line| line.text.contains("reboot: Restarting system");
            faults.expect(first.console.iter().any(restarts), || {
                "the first boot did not end by a restart".to_owned()
            });
        },
        ..agent_dhcp4()
    }
}

fn soft_reboot() -> Scenario {
    Scenario {
        name: "soft-reboot",
        title: "`systemctl soft-reboot`: new processes on the same kernel and connections",
        host: host("soft-reboot", agent_dhcp4().host),
        check: |outcome, faults| {
            (agent_dhcp4().check)(outcome, faults);
            quiet(&outcome.console, faults);
            owned(&outcome.console, faults);
            faults.expect(said(outcome, "lab: leaves by soft-reboot"), || {
                "it did not leave".to_owned()
            });
            // One kernel, one connection.
            came(1, outcome, faults);
        },
        ..agent_dhcp4()
    }
}

/// The kernel starts another, which finds a network card that somebody else has used, and a
/// target that has not heard that the host is gone.
fn kexec() -> Scenario {
    let file = |path: &str, text: &str| TreeFile::new(path, 0o755, text);
    // A lease of the lab's would be over before an emulated machine is up.
    let base = static_address::ipv4();
    let mut host = host("kexec", by_agent(base.host));
    host.files.extend([
        file("usr/local/lib/lab/load-kernel.py", LOAD),
        file("etc/initramfs/post-update.d/lab", KEEP),
    ]);
    Scenario {
        name: "kexec",
        title: "`systemctl kexec`: a new kernel, started by the old one",
        host,
        // User-mode Linux has none (`ARCH_SUPPORTS_KEXEC`).
        needs: &[Need::DebianKernel],
        // Two boots.
        end: End::Boots {
            after: Duration::ZERO,
            within: UP * 2,
        },
        // Emulated, kexec_file_load(2) computes for longer than the target waits for a sign
        // of life.
        outage: Some(30),
        check: |outcome, faults| {
            (static_address::ipv4().check)(outcome, faults);
            owned(&outcome.console, faults);
            faults.expect(said(outcome, "lab: leaves by kexec"), || {
                "it did not leave".to_owned()
            });
            let kernels = outcome
                .console
                .split(|line| line.text.contains("Linux version "));
            match kernels.collect::<Vec<_>>()[..] {
                [_, _, second] => quiet(second, faults),
                ref others => faults.add(format!("{} kernels started, not 2", others.len() - 1)),
            }
            came(2, outcome, faults);
        },
        ..base
    }
}

fn said(outcome: &Outcome, text: &str) -> bool {
    let mut lines = outcome.console.iter();
    lines.any(|line| line.text.contains(text))
}

/// The agent worked so often.
fn came(often: usize, outcome: &Outcome, faults: &mut Faults) {
    let starts = outcome.console.iter();
    let starts = starts.filter(|line| line.text.contains("starts") && line.text.contains("agent "));
    let count = starts.count();
    faults.expect(count == often, || {
        format!("the agent started {count} times, not {often}")
    });
}

/// The kernel had nothing to complain of, `ENETUNREACH` (101) included.
fn quiet(console: &[Line], faults: &mut Faults) {
    let mut words = KERNEL_FAULTS.to_vec();
    words.push("-101");
    for word in words {
        let mut lines = console.iter().map(|line| line.text.as_str());
        // A simulated machine takes its devices away when it has ended.
        let end = |line: &&str| !line.contains("reboot: ");
        if let Some(line) = lines.by_ref().take_while(end).find(|l| l.contains(word)) {
            faults.add(format!("on leaving, the kernel says `{}`", line.trim()));
        }
    }
}

/// nvme-cli 3 is told to leave root's controller alone.
fn owned(console: &[Line], faults: &mut Faults) {
    let says = |line: &Line| line.text.contains("lab: nvme0 belongs to nvmeroot");
    faults.expect(console.iter().any(says), || {
        "`/run/nvme/registry` does not say that `nvme0` is nvmeroot's".to_owned()
    });
}
