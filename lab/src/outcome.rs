//! How a run must end, and what it leaves for the assertions.

use std::time::Duration;

use crate::effect::Effect;
use crate::host::HostImage;
use crate::machine::{Line, Way};
use crate::marks::Marks;
use crate::reason::Reason;
use crate::record::Record;
use crate::report::Report;

/// How a scenario must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The host reaches its marker within the bound, reports, and powers off.
    Boots {
        /// From switching on to root, at least: till then it can't be had.
        after: Duration,
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
    /// The agent gives up in time and says why; then the initramfs does.
    GivesUp {
        /// Seconds that the agent is given (`nvmeroot.deadline=`).
        deadline: u32,
        /// One of these it must name.
        reasons: Vec<Reason>,
    },
    /// One or the other: chance decides.
    BootsOrGivesUp {
        /// As in [`End::Boots`].
        within: Duration,
        /// As in [`End::GivesUp`].
        deadline: u32,
        /// As in [`End::GivesUp`].
        reasons: Vec<Reason>,
    },
}

impl End {
    /// The longest time from switching on to the marker, or to the shell.
    pub fn within(&self) -> Duration {
        match self {
            End::Boots { within, .. } | End::Stops { within, .. } => *within,
            End::GivesUp { deadline, .. } => shell(*deadline),
            End::BootsOrGivesUp {
                within, deadline, ..
            } => shell(*deadline).max(*within),
        }
    }
}

/// When the shell comes at the latest where the agent gives up at its deadline:
/// initramfs-tools itself waits 30 s for root.
fn shell(deadline: u32) -> Duration {
    Duration::from_secs(u64::from(deadline) + 255)
}

/// What a finished run left for the assertions.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it was run.
    pub way: Way,
    /// The host's console.
    pub console: Vec<Line>,
    /// The target's console.
    pub target_console: Vec<Line>,
    /// Seconds from switching the host on to switching the target on, each for
    /// the last time; below 0 where the target was first.
    pub target_on: Option<f64>,
    /// The times for which the target was without power.
    pub outages: Vec<Outage>,
    /// What went wrong, and what came of it.
    pub effects: Vec<Effect>,
    /// Trouble that was planned and did not come.
    pub ahead: Vec<String>,
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
    /// The boots that reported, the last one not among them, as if each had been the last.
    pub(crate) fn finished(&self) -> impl Iterator<Item = Outcome> {
        self.earlier.iter().filter_map(|earlier| {
            let (report, power_off) = earlier.finished.clone()?;
            Some(Outcome {
                marks: Marks::of(&earlier.console),
                console: earlier.console.clone(),
                record: earlier.record.clone(),
                report: Some(report),
                power_off,
                earlier: Vec::new(),
                ..self.clone()
            })
        })
    }

    /// When the target said `text` for the last time, in seconds since the host was
    /// switched on.
    pub(crate) fn target_said(&self, text: &str) -> Option<f64> {
        let mut lines = self.target_console.iter();
        let line = lines.rfind(|line| line.text.contains(text))?;
        Some(self.target_on? + line.at.as_secs_f64())
    }
}

/// A time for which the target was without power or out of reach, in seconds since the host was
/// switched on, which its kernel's clock follows by a second or two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outage {
    /// When its plug was pulled.
    pub off: f64,
    /// When it served again.
    pub ready: f64,
    /// The target ran on, and frames were lost or damaged on their way.
    pub on_the_wire: bool,
}

/// A boot before the last one.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// The host's console.
    pub console: Vec<Line>,
    /// What the agent recorded; `None` where there is none.
    pub record: Option<Record>,
    /// The host's report and the seconds to the end of its machine; `None` where it was
    /// not waited for.
    pub finished: Option<(Report, Option<f64>)>,
}
