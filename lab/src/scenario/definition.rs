//! What a scenario is, and what many of them share.

use std::path::Path;
use std::time::Duration;

use super::assertions::Faults;
use crate::error::Result;
use crate::host_spec::{HostKind, HostSpec, Under};
use crate::lab::{Lab, Wiring};
use crate::machine::{Kind, Need, Way};
use crate::outcome::{End, Outcome};
use crate::session::{Session, switch_on};
use crate::target::TargetSpec;
use crate::trouble::{Trouble, What};

/// Seconds that a host runs after reaching its marker, under a beating heart.
pub const SETTLE: u32 = 60;

/// One machine, one course of events, one set of assertions.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Short, for the command line and for the artefacts' directory.
    pub name: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// What the installer left.
    pub host: HostSpec,
    /// How the host is plugged together.
    pub wiring: Wiring,
    /// The target, unless there is none.
    pub target: Option<TargetSpec>,
    /// What only an emulated computer has; without a need, the scenario runs on
    /// simulated machines.
    pub needs: &'static [Need],
    /// The seed that its course needs; any other does where there is none.
    pub seed: Option<u64>,
    /// Whether the host comes up.
    pub end: End,
    /// The path to the drive goes away for so many seconds: the kernel may say
    /// so, and I/O may wait, but none may fail.
    pub outage: Option<u32>,
    /// The host gets another address while it runs: what it had goes, and I/O waits until
    /// the kernel has connected from there.
    pub renumbered: bool,
    /// What goes wrong on the way, from switching the host on.
    pub trouble: Vec<Trouble>,
    /// What happens, in order; mostly [`switch_on`](crate::switch_on).
    pub events: fn(&mut Session) -> Result<()>,
    /// What must hold beyond what holds for every host that ends this way.
    pub check: fn(&Outcome, &mut Faults),
}

impl Scenario {
    /// What runs its machines, unless somebody says otherwise.
    pub fn kind(&self) -> Kind {
        if self.needs.is_empty() {
            Kind::Uml
        } else {
            Kind::Qemu
        }
    }

    /// What it needs and machines of that kind don't have.
    pub fn lacking(&self, kind: Kind) -> Vec<String> {
        let is_on_wires =
            |trouble: &Trouble| matches!(trouble.what, What::Wire(..) | What::Over(..));
        match kind {
            Kind::Uml => self.needs.iter().map(ToString::to_string).collect(),
            Kind::Qemu if self.trouble.iter().any(is_on_wires) => {
                vec!["cables with faults".to_owned()]
            }
            Kind::Qemu if self.wiring.moves => vec!["drives that keep what is written".to_owned()],
            Kind::Qemu if self.host.under != Under::Drive => {
                vec!["drives that a simulated machine puts together".to_owned()]
            }
            Kind::Qemu => Vec::new(),
        }
    }

    /// Seconds between two rounds of the host's heartbeat, where it has one.
    pub(super) fn pause(&self) -> Option<f64> {
        match self.host.kind {
            HostKind::Debian => Some(PAUSE),
            HostKind::Slim => self.wiring.beat.map(f64::from),
        }
    }

    /// How long a run of it may take by our clock: whoever makes it longer should
    /// know. Simulated machines wait for next to nothing.
    pub fn budget(&self, kind: Kind) -> Duration {
        let settle = Duration::from_secs(self.wiring.settle.into());
        match kind {
            // A tree is copied, and an initramfs made.
            Kind::Uml if self.wiring.moves => Duration::from_secs(300) + settle / 10,
            Kind::Uml => Duration::from_secs(60) + settle / 10,
            Kind::Qemu => Duration::from_secs(420) + settle,
        }
    }

    /// Builds or finds the images and plugs the machines together.
    ///
    /// # Errors
    /// As [`Session::prepare`].
    pub fn prepare(&self, lab: &Lab, way: Way) -> Result<Session> {
        let dir = lab.run_dir(self.name)?;
        self.prepare_in(lab, way, &dir)
    }

    /// The same with what the machines leave in `dir`.
    ///
    /// # Errors
    /// As [`Session::prepare`].
    pub fn prepare_in(&self, lab: &Lab, way: Way, dir: &Path) -> Result<Session> {
        let target = self.target.as_ref();
        let mut session = Session::prepare(lab, way, dir, &self.host, &self.wiring, target)?;
        session.expect_trouble(self.trouble.clone());
        Ok(session)
    }
}

/// Seconds between two rounds of the heartbeat of a whole system: half a second and
/// what emulated machines take.
const PAUSE: f64 = 1.0;

/// The end of most scenarios. The bound is generous: under emulation, with
/// other machines beside it, a host needs a minute.
pub(super) fn boots() -> End {
    End::Boots {
        after: Duration::ZERO,
        within: Duration::from_secs(420),
    }
}

/// The host boots, reports, powers off, and boots again.
pub(super) fn twice(session: &mut Session) -> Result<()> {
    switch_on(session)?;
    session.finish(&boots())?;
    session.start_host()
}

/// The same host with the agent in its initramfs.
pub(super) fn by_agent(host: HostSpec) -> HostSpec {
    HostSpec {
        configure_args: ["--runtime", "agent"].map(str::to_owned).to_vec(),
        ..host
    }
}

/// The same host with a root that only reports.
pub(super) fn reporting(host: HostSpec) -> HostSpec {
    HostSpec {
        kind: HostKind::Slim,
        ..host
    }
}

pub(super) fn settled() -> Wiring {
    Wiring {
        settle: SETTLE,
        ..Wiring::default()
    }
}
