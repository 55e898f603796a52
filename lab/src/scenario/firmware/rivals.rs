//! The same machines with dracut's own module for NVMe over fabrics (`nvmf`) in the place of
//! the agent, for comparison.

use std::time::Duration;

use super::super::{Controller, End, InstallerConfig, Scenario};
use super::case::Case;
use super::cases;
use crate::host_spec::{Generator, HostKind, HostSpec, Release, TreeFile};
use crate::lab::Wiring;
use crate::session::switch_on;

/// Who has not mounted root by then does not: NetworkManager waits a minute and a half for
/// a cable, systemd-networkd two minutes for an address.
const PATIENCE: Duration = Duration::from_secs(200);

/// A case by each of those that are compared.
pub struct Rival {
    /// The case, as its scenarios are named.
    pub case: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// By dracut's own module, with the network by systemd-networkd and by NetworkManager.
    pub own: [Scenario; 2],
    /// By the agent in dracut's initramfs.
    pub agent: Scenario,
}

/// The columns of a comparison, in the order of [`Rival::scenarios`].
pub const WAYS: [&str; 3] = [
    "nvmeroot, dracut",
    "dracut's `nvmf`, systemd-networkd",
    "dracut's `nvmf`, NetworkManager",
];

impl Rival {
    /// It in each way.
    pub fn scenarios(&self) -> [Scenario; 3] {
        let [networkd, manager] = self.own.clone();
        [self.agent.clone(), networkd, manager]
    }
}

/// The cases that are about root, on one release; a host reports and powers off where root
/// is mounted.
pub fn rivals(release: Release) -> Vec<Rival> {
    let cases = cases::all();
    // What is about a second boot is no question here.
    let compared = cases
        .iter()
        .filter(|case| !["changed"].contains(&case.name));
    let of = |case: &Case| {
        let agent = slim(case.scenario(release, Generator::Dracut));
        Rival {
            case: case.name,
            title: case.title,
            own: [Network::Networkd, Network::Manager].map(|by| own(&agent, by)),
            agent,
        }
    };
    compared.map(of).collect()
}

/// The static address by dracut's module, on Debian 13: that libnvme reads the lab's tables,
/// and that what stands in for ACPI is like it, somebody else shows.
pub(super) fn stand_in() -> Option<Scenario> {
    let fixed = cases::all()
        .into_iter()
        .find(|case| case.name == "static")?;
    let agent = slim(fixed.scenario(Release::Trixie, Generator::Dracut));
    Some(Scenario {
        name: "nbft-by-dracut",
        title: "the firmware's table is read by dracut's own module",
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "nbft0", &["10.77.0.50/24"]);
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
        ..own(&agent, Network::Manager)
    })
}

/// Who sets up the network in dracut's initramfs.
#[derive(Clone, Copy)]
enum Network {
    Networkd,
    Manager,
}

impl Network {
    fn module(self) -> &'static str {
        match self {
            Network::Networkd => "systemd-networkd",
            Network::Manager => "network-manager",
        }
    }
}

/// With a root that only reports, at once.
fn slim(scenario: Scenario) -> Scenario {
    // Names live as long as the program.
    let name: &'static str = format!("rival-{}", scenario.name).leak();
    Scenario {
        name,
        host: HostSpec {
            name: format!("rival-{}", scenario.host.name),
            kind: HostKind::Slim,
            ..scenario.host
        },
        wiring: Wiring {
            settle: 0,
            ..scenario.wiring
        },
        end: End::Boots {
            after: Duration::ZERO,
            within: PATIENCE,
        },
        events: switch_on,
        check: |_, _| {},
        ..scenario
    }
}

/// What dracut's module needs at its best. `hostonly` would look for NVMe on the machine
/// that builds the image; what it then takes of the host's is named here.
fn own(agent: &Scenario, network: Network) -> Scenario {
    let module = network.module();
    // Names live as long as the program.
    let name: &'static str = format!("{}-by-{module}", agent.name).leak();
    let mut packages = vec!["dracut-network", "jq", "nvme-cli"];
    if let Network::Manager = network {
        packages.push("network-manager");
    }
    let config = InstallerConfig {
        controllers: vec![Controller::Pcie],
        ..InstallerConfig::default()
    };
    let modules = TreeFile {
        path: "etc/dracut.conf.d/lab-nvmf.conf".to_owned(),
        mode: 0o644,
        text: format!(
            "hostonly=no\nadd_dracutmodules+=\" nvmf {module} \"\n\
             add_drivers+=\" virtio_net nvme_tcp 8021q ext4 \"\n"
        ),
    };
    Scenario {
        name,
        host: HostSpec {
            name: format!("rival-own-{}-{module}", agent.host.release.suite()),
            packages,
            curtin: config.yaml(),
            netplan: None,
            configure_args: Vec::new(),
            files: vec![modules],
            ..agent.host.clone()
        },
        ..agent.clone()
    }
}
