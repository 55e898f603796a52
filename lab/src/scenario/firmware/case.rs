//! A machine whose firmware leaves a table: what differs from case to case.

use super::super::{End, Faults, Outcome, SETTLE, Scenario};
use crate::error::Result;
use crate::firmware::Firmware;
use crate::host_spec::{Generator, HostSpec, Release};
use crate::lab::{FIRST_SLOT, Wiring};
use crate::session::Session;
use crate::target::TargetSpec;
use crate::trouble::Trouble;

/// What is the same by every generator and on every release.
pub(super) struct Case {
    /// The last part of its name.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What the installer left.
    pub(super) host: HostSpec,
    /// Which machine it is installed on.
    pub(super) unit: u8,
    pub(super) cards: u8,
    pub(super) firmware: Firmware,
    pub(super) target: TargetSpec,
    pub(super) trouble: Vec<Trouble>,
    pub(super) end: End,
    pub(super) events: fn(&mut Session) -> Result<()>,
    pub(super) check: fn(&Outcome, &mut Faults),
}

impl Case {
    /// It by such a host.
    pub(super) fn scenario(&self, release: Release, generator: Generator) -> Scenario {
        let kind = format!("{}-{}", release.suite(), generator.package());
        // Names live as long as the program.
        let name: &'static str = format!("nbft-{}-{kind}", self.name).leak();
        let title = format!(
            "{}; {}, {}",
            self.title,
            release.title(),
            generator.package()
        );
        Scenario {
            name,
            title: title.leak(),
            host: HostSpec {
                name: format!("{}-{kind}", self.host.name),
                release,
                generator,
                ..self.host.clone()
            },
            wiring: self.wiring(),
            target: Some(self.target.clone()),
            needs: &[],
            seed: None,
            end: self.end.clone(),
            outage: None,
            renumbered: false,
            trouble: self.trouble.clone(),
            events: self.events,
            check: self.check,
        }
    }

    /// The machine, with what its firmware leaves.
    pub(super) fn wiring(&self) -> Wiring {
        Wiring {
            slots: (FIRST_SLOT..).take(self.cards.into()).collect(),
            settle: SETTLE,
            firmware: Some(self.firmware.clone()),
            unit: self.unit,
            ..Wiring::default()
        }
    }
}
