//! The same machines with dracut's own module for NVMe over fabrics (`nvmf`) in the place of
//! the agent, for comparison.

use std::time::Duration;

use nvmeroot_nbft::Mac;

use super::super::{Controller, End, InstallerConfig, Scenario};
use super::case::{Case, Known};
use super::cases;
use crate::host_spec::{Generator, HOST_ID, HOST_NQN, HostKind, HostSpec, Release, TreeFile};
use crate::lab::{Wiring, host_mac};
use crate::session::switch_on;
use crate::trouble::When;

/// Who has not mounted root by then does not.
const PATIENCE: Duration = Duration::from_secs(100);

/// Cases that say nothing of how root is mounted.
const LEFT_OUT: [&str; 2] = ["changed", "gone"];

/// A case by each of those that are compared.
#[derive(Debug)]
pub struct Rival {
    /// What it is about.
    pub title: &'static str,
    /// It in each way, in the order of [`WAYS`].
    pub scenarios: [Scenario; 3],
}

/// What is compared.
pub const WAYS: [&str; 3] = [
    "nvmeroot, dracut",
    "dracut's `nvmf`, NetworkManager",
    "dracut's `nvmf`, systemd-networkd",
];

/// The cases that are about root, on one release; a host reports and powers off where root
/// is mounted.
pub fn rivals(release: Release) -> Vec<Rival> {
    let cases = cases::all();
    let compared = cases.iter().filter(|case| !LEFT_OUT.contains(&case.name));
    let of = |case: &Case| {
        let agent = slim(case, release);
        let own = |network| own(case, &agent, network);
        Rival {
            title: case.title,
            scenarios: [agent.clone(), own(Network::Manager), own(Network::Networkd)],
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
    let agent = slim(&fixed, Release::Trixie);
    Some(Scenario {
        name: "nbft-by-dracut",
        title: "the firmware's table is read by dracut's own module",
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.addresses(report, "nbft0", &["10.77.0.50/24"]);
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
        ..own(&fixed, &agent, Network::Manager)
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

/// By the agent, with a root that only reports, at once.
fn slim(case: &Case, release: Release) -> Scenario {
    let scenario = case.scenario(release, Generator::Dracut);
    let at_once = case.trouble.iter();
    let at_once = at_once.filter(|trouble| matches!(trouble.when, When::On(_)));
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
        trouble: at_once.cloned().collect(),
        events: switch_on,
        check: |_, _| {},
        ..scenario
    }
}

/// What dracut's module needs at its best. `hostonly` would look for NVMe on the machine
/// that builds the image; what it then takes of the host's is named here.
fn own(case: &Case, agent: &Scenario, network: Network) -> Scenario {
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
    let modules = TreeFile::new(
        "etc/dracut.conf.d/lab-nvmf.conf",
        0o644,
        format!(
            "hostonly=no\nadd_dracutmodules+=\" nvmf {module} \"\n\
             install_items+=\" /etc/nvme/hostnqn /etc/nvme/hostid \"\n"
        ),
    );
    Scenario {
        name,
        host: HostSpec {
            name: format!("rival-{}-{module}", agent.host.release.suite()),
            packages,
            curtin: config.yaml(),
            netplan: None,
            anonymous: false,
            configure_args: Vec::new(),
            files: vec![modules],
            ..agent.host.clone()
        },
        wiring: Wiring {
            cmdline: case.known.map_or_else(String::new, words),
            ..agent.wiring.clone()
        },
        ..agent.clone()
    }
}

/// Its installed plan: the same by the kernel command line (dracut.cmdline(7)).
fn words(known: Known) -> String {
    let Known {
        address, portal, ..
    } = known;
    let mac = Mac(host_mac(1, 0));
    let ip = match address {
        Some(address) => format!("{address}::10.77.0.1:255.255.255.0::boot0:none"),
        None => "boot0:dhcp".to_owned(),
    };
    format!(
        "ifname=boot0:{mac} ip={ip} \
         rd.nvmf.discover=tcp,{portal},,4420 rd.nvmf.hostnqn={HOST_NQN} rd.nvmf.hostid={HOST_ID}"
    )
}
