//! What is tried, and what must hold.

mod assertions;
mod bonds;
pub mod chaos;
mod check;
mod cloud_init;
mod curtin;
mod definition;
mod dhcp;
mod dracut;
mod failing;
mod faults;
mod felt;
pub mod firmware;
mod gave_up;
mod hand_over;
mod home;
mod late;
mod leaving;
mod links;
pub mod matrix;
mod moved;
mod online;
mod package;
mod paths;
mod power;
mod reports;
pub mod rivals;
mod slim;
mod stacks;
mod static_address;
mod table;

mod waiting;

pub use crate::outcome::{Earlier, End, Outage, Outcome};
pub use crate::reason::Reason;
pub use assertions::Faults;
pub use curtin::{Controller, InstallerConfig};
pub use definition::{SETTLE, Scenario};

use definition::{boots, by_agent, reporting, settled, twice};

/// Every scenario that the whole lab runs.
pub fn all() -> Vec<Scenario> {
    let groups = [
        hand_over::all(),
        cloud_init::all(),
        static_address::all(),
        dhcp::all(),
        paths::all(),
        home::all(),
        faults::all(),
        failing::all(),
        reports::all(),
        leaving::all(),
        power::all(),
        late::all(),
        slim::all(),
        links::all(),
        bonds::all(),
        waiting::all(),
        stacks::all(),
        package::all(),
        table::all(),
        chaos::found(),
        matrix::all(),
        moved::all(),
        online::all(),
        firmware::all(),
    ];
    let mut scenarios: Vec<_> = groups.into_iter().flatten().collect();
    scenarios.extend(dracut::of(&scenarios));
    scenarios
}

/// What only who names it gets.
pub fn on_request() -> Vec<Scenario> {
    leaving::on_request()
}

/// A root that comes up, one that is refused, and one that is handed over: for
/// the edit loop.
pub const SMOKE: [&str; 3] = ["handover-dhcp4", "agent-static", "report-refused"];

impl Scenario {
    /// The assertions that don't hold, one text each.
    pub fn judge(&self, outcome: &Outcome) -> Vec<String> {
        let mut faults = Faults::default();
        match &self.end {
            End::Boots { .. } => check::healthy(self, outcome, &mut faults),
            End::Stops { saying, .. } => check::stopped(saying, outcome, &mut faults),
            End::BootsOrGivesUp { within, .. } if outcome.marks.marker.is_some() => {
                let (at, within) = (outcome.marks.marker, within.as_secs_f64());
                faults.expect(at.is_some_and(|at| at <= within), || {
                    format!("it is up at {at:?} s, and was to be by {within:.0} s")
                });
                check::healthy(self, outcome, &mut faults);
            }
            End::GivesUp { deadline, reasons }
            | End::BootsOrGivesUp {
                deadline, reasons, ..
            } => {
                gave_up::gave_up_for(*deadline, reasons, outcome, &mut faults);
            }
        }
        felt::came(self, outcome, &mut faults);
        (self.check)(outcome, &mut faults);
        let mut texts = faults.into_texts();
        for (number, earlier) in outcome.finished().enumerate() {
            let mut faults = Faults::default();
            check::healthy(self, &earlier, &mut faults);
            (self.check)(&earlier, &mut faults);
            let of_boot = |text: String| format!("boot {}: {text}", number + 1);
            texts.extend(faults.into_texts().into_iter().map(of_boot));
        }
        texts
    }
}
