//! What is tried, and what must hold.

mod campaign;
mod check;
mod curtin;
mod dhcp;
mod failing;
mod faults;
mod hand_over;
mod home;
mod late;
mod links;
mod paths;
mod reports;
mod slim;
mod static_address;

use std::time::Duration;

use crate::console::Line;
use crate::error::Result;
use crate::host::HostImage;
use crate::host_spec::{HostKind, HostSpec};
use crate::lab::Wiring;
use crate::marks::Marks;
use crate::record::Record;
use crate::report::Report;
use crate::run::Session;
use crate::target::TargetSpec;

pub use check::Faults;
pub use curtin::{Controller, InstallerConfig};

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
    /// Whether the host comes up.
    pub end: End,
    /// The path to the drive goes away for so many seconds: the kernel may say
    /// so, and I/O may wait, but none may fail.
    pub outage: Option<u32>,
    /// What happens, in order; mostly [`switch_on`](crate::switch_on).
    pub events: fn(&mut Session<'_>) -> Result<()>,
    /// What must hold beyond what holds for every host that ends this way.
    pub check: fn(&Outcome, &mut Faults),
}

/// How a scenario must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The host reaches its marker within the bound, reports, and powers off.
    Boots {
        /// From switching on to the marker.
        within: Duration,
    },
    /// The host gives up in its initramfs within the bound, having said each
    /// of these texts.
    Stops {
        /// From switching on to the emergency shell.
        within: Duration,
        /// What the console must show.
        saying: Vec<String>,
    },
}

/// What a finished run left for the assertions.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The host's console.
    pub console: Vec<Line>,
    /// The target's console.
    pub target_console: Vec<Line>,
    /// Seconds from switching the host on to switching the target on, each for
    /// the last time; below 0 where the target was first.
    pub target_on: Option<f64>,
    /// The times for which the target was without power.
    pub outages: Vec<Outage>,
    /// The host's report; `None` when it did not come up.
    pub report: Option<Report>,
    /// The phases of the boot.
    pub marks: Marks,
    /// What the agent recorded; `None` where there is none.
    pub record: Option<Record>,
    /// The boots before the last one, where the host is switched on more than
    /// once.
    pub earlier: Vec<Earlier>,
    /// Seconds from the host's report to the end of its machine.
    pub power_off: Option<f64>,
    /// The host's image.
    pub image: HostImage,
}

impl Outcome {
    /// When the target said `text` for the last time, in seconds since the host was
    /// switched on.
    pub(crate) fn target_said(&self, text: &str) -> Option<f64> {
        let mut lines = self.target_console.iter();
        let line = lines.rfind(|line| line.text.contains(text))?;
        Some(self.target_on? + line.at.as_secs_f64())
    }
}

/// A time for which the target was without power, in seconds since the host was
/// switched on, which its kernel's clock follows by a second or two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outage {
    /// When its plug was pulled.
    pub off: f64,
    /// When it served again.
    pub ready: f64,
}

/// A boot before the last one.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// The host's console.
    pub console: Vec<Line>,
    /// What the agent recorded; `None` where there is none.
    pub record: Option<Record>,
}

/// Every scenario, in the order in which they are started: the long ones first,
/// so that no processor waits at the end.
pub fn all() -> Vec<Scenario> {
    let groups = [
        hand_over::all(),
        static_address::all(),
        dhcp::all(),
        paths::all(),
        home::all(),
        faults::all(),
        failing::all(),
        reports::all(),
        late::all(),
        slim::all(),
        links::all(),
    ];
    groups.into_iter().flatten().collect()
}

/// The scenarios that take too long to be run with the others.
pub fn campaigns() -> Vec<Scenario> {
    campaign::all()
}

impl Scenario {
    /// The assertions that don't hold, one text each.
    pub fn judge(&self, outcome: &Outcome) -> Vec<String> {
        let mut faults = Faults::default();
        match &self.end {
            End::Boots { .. } => check::healthy(self, outcome, &mut faults),
            End::Stops { saying, .. } => check::stopped(saying, outcome, &mut faults),
        }
        (self.check)(outcome, &mut faults);
        faults.into_texts()
    }
}

/// The end of most scenarios. The bound is generous: under emulation, with
/// other machines beside it, a host needs a minute.
fn boots() -> End {
    End::Boots {
        within: Duration::from_secs(420),
    }
}

/// The same host with the agent in its initramfs.
fn by_agent(host: HostSpec) -> HostSpec {
    HostSpec {
        configure_args: ["--runtime", "agent"].map(str::to_owned).to_vec(),
        ..host
    }
}

/// The same host with a root that only reports.
fn reporting(host: HostSpec) -> HostSpec {
    HostSpec {
        kind: HostKind::Slim,
        ..host
    }
}

fn settled() -> Wiring {
    Wiring {
        settle: SETTLE,
        ..Wiring::default()
    }
}
