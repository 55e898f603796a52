//! A machine whose firmware leaves a table: what differs from case to case.

use super::super::dhcp::DHCP4_NETPLAN;
use super::super::static_address::{IPV4_NETPLAN, remote_root};
use super::super::{Controller, End, Faults, InstallerConfig, Outcome, Scenario, by_agent, twice};
use crate::error::Result;
use crate::firmware::Firmware;
use crate::host_spec::{Generator, HostSpec, Release};
use crate::lab::{FIRST_SLOT, Wiring};
use crate::session::{Session, switch_on};
use crate::target::TargetSpec;
use crate::trouble::Trouble;

/// What an installer may have known that lets a host boot without its firmware's word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Names the image.
    pub(super) name: &'static str,
    /// The host's address, in a network of 256; `None`: a lease.
    pub(super) address: Option<&'static str>,
    /// The drive's.
    pub(super) portal: &'static str,
}

/// What is the same by every generator and on every release.
pub(super) struct Case {
    /// The last part of its name.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What the installer knew.
    pub(super) known: Option<Known>,
    /// Which machine it is installed on.
    pub(super) unit: u8,
    pub(super) cards: u8,
    pub(super) firmware: Firmware,
    pub(super) target: TargetSpec,
    /// Seconds that a host runs after it is up, before it reports.
    pub(super) settle: u32,
    pub(super) trouble: Vec<Trouble>,
    pub(super) end: End,
    /// What happens, where it is more than that it is switched on.
    pub(super) events: Option<fn(&mut Session) -> Result<()>>,
    pub(super) check: fn(&Outcome, &mut Faults),
}

impl Case {
    /// It by such a host.
    pub(super) fn scenario(&self, release: Release, generator: Generator) -> Scenario {
        let kind = format!("{}-{}", release.suite(), generator.package());
        // Names live as long as the program.
        let name: &'static str = format!("nbft-{}-{kind}", self.name).leak();
        let host = self.known.map_or_else(anonymous, Known::host);
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
                name: format!("{}-{kind}", host.name),
                release,
                generator,
                ..host
            },
            wiring: self.wiring(),
            target: Some(self.target.clone()),
            needs: &[],
            seed: None,
            end: self.end.clone(),
            outage: None,
            renumbered: false,
            trouble: self.trouble.clone(),
            events: self.events.unwrap_or(switch_on),
            check: self.check,
        }
    }

    /// It, booted once more.
    pub(super) fn twice(&self, release: Release, generator: Generator) -> Scenario {
        Scenario {
            events: self.events.unwrap_or(twice),
            ..self.scenario(release, generator)
        }
    }

    /// The machine, with what its firmware leaves.
    pub(super) fn wiring(&self) -> Wiring {
        Wiring {
            slots: (FIRST_SLOT..).take(self.cards.into()).collect(),
            settle: self.settle,
            firmware: Some(self.firmware.clone()),
            unit: self.unit,
            reboot_on_failure: !matches!(self.end, End::Stops { .. }),
            ..Wiring::default()
        }
    }
}

/// A tree that names neither a card nor an address nor itself: whatever it is started on
/// says so.
fn anonymous() -> HostSpec {
    let config = InstallerConfig {
        controllers: vec![Controller::Tcp("10.77.0.1", 4420)],
        remote_root: true,
        remote_boot: true,
        ..InstallerConfig::default()
    };
    by_agent(HostSpec {
        name: "nbft".to_owned(),
        curtin: config.yaml(),
        anonymous: true,
        ..HostSpec::default()
    })
}

impl Known {
    /// A tree in which that is written.
    fn host(self) -> HostSpec {
        let netplan = match self.address {
            Some(address) => IPV4_NETPLAN.replace("10.77.0.50", address),
            None => DHCP4_NETPLAN.to_owned(),
        };
        let portals = [Controller::Tcp(self.portal, 4420)];
        by_agent(remote_root(self.name, &netplan, &portals))
    }
}
