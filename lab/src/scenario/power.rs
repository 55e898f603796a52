//! The power fails while `nvmeroot configure` changes the running system.

use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::Scenario;
use super::faults::UP;
use super::hand_over::agent_dhcp4;
use crate::error::Result;
use crate::host_spec::{HostSpec, TreeFile};
use crate::machine::{Kind, Line};
use crate::session::Session;

const SCRIPT: &str = include_str!("../../guest/power-cut.sh");

/// How often the power fails.
const CUTS: usize = 10;
const SEED: u64 = 15;
/// It fails so long, at most, after `configure` has begun to change the system: a change
/// takes some ten milliseconds of waiting for the drive, and is followed by the next one.
/// An emulated processor takes seconds for it, behind a network that is made slow.
fn latest(kind: Kind) -> Duration {
    match kind {
        Kind::Uml => Duration::from_millis(30),
        Kind::Qemu => Duration::from_secs(12),
    }
}

/// So often, at least, in the midst of a change. An emulated processor computes for most
/// of the time.
fn least_cut_off(kind: Kind) -> usize {
    match kind {
        Kind::Uml => 3,
        Kind::Qemu => 1,
    }
}

pub(super) fn all() -> Vec<Scenario> {
    vec![power_cuts()]
}

fn power_cuts() -> Scenario {
    Scenario {
        name: "power-cuts",
        title: "ten times the power fails during `configure --root /`: it boots, and reverts",
        host: host(),
        events: cut_again_and_again,
        check: |outcome, faults| {
            (agent_dhcp4().check)(outcome, faults);
            let consoles = outcome.earlier.iter().map(|earlier| &earlier.console);
            let consoles: Vec<_> = consoles.chain([&outcome.console]).collect();
            let says =
                |console: &[Line], text: &str| console.iter().any(|line| line.text.contains(text));
            faults.expect(consoles.len() == CUTS + 1, || {
                format!("{} boots, and not {}", consoles.len(), CUTS + 1)
            });
            for (number, console) in consoles.iter().enumerate() {
                let whole = format!("lab: whole after {number} cuts");
                faults.expect(says(console, &whole), || {
                    format!("it did not say `{whole}`")
                });
                for line in console
                    .iter()
                    .filter(|line| line.text.contains("lab: broken"))
                {
                    faults.add(format!("after {number} cuts: {}", line.text.trim()));
                }
            }
            let cut_off = consoles
                .iter()
                .filter(|console| says(console, "lab: a change was cut off"));
            let cut_off = cut_off.count();
            faults.expect(cut_off >= least_cut_off(outcome.way.kind), || {
                format!("only {cut_off} changes were cut off")
            });
            faults.expect(says(&outcome.console, "lab: reverted"), || {
                "it was not reverted".to_owned()
            });
        },
        ..agent_dhcp4()
    }
}

/// The root that is reached with the agent, and has nvmeroot itself.
fn host() -> HostSpec {
    let host = agent_dhcp4().host;
    let units = "etc/systemd/system";
    let mut files = host.files;
    files.extend([
        TreeFile::new("usr/local/lib/lab/power-cut.sh", 0o755, SCRIPT),
        TreeFile::new("var/lib/lab-power/curtin.yaml", 0o600, host.curtin.clone()),
        TreeFile::new(
            format!("{units}/lab-power.service"),
            0o644,
            format!(
                "[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\n\
                 TimeoutStartSec=infinity\nExecStart=/usr/local/lib/lab/power-cut.sh {CUTS}\n"
            ),
        ),
        TreeFile::new(
            format!("{units}/multi-user.target.d/lab.conf"),
            0o644,
            "[Unit]\nWants=lab-power.service\n",
        ),
        TreeFile::new(
            format!("{units}/lab-report.service.d/lab.conf"),
            0o644,
            "[Unit]\nAfter=lab-power.service\nConditionPathExists=/var/lib/lab-power/last\n",
        ),
    ]);
    HostSpec {
        name: "power-cuts".to_owned(),
        files,
        has_nvmeroot: true,
        ..host
    }
}

/// Each boot goes on as soon as the one before was cut off.
fn cut_again_and_again(session: &mut Session) -> Result<()> {
    let mut chance = Pcg64::seed_from_u64(SEED);
    session.start_target()?;
    session.start_host()?;
    for _ in 0..CUTS {
        session.host_says("lab: configures", UP)?;
        let most = latest(session.kind()).as_micros() as u64;
        session.run_for(Duration::from_micros(chance.next_u64() % most))?;
        // What runs is switched off first.
        session.start_host()?;
    }
    Ok(())
}
