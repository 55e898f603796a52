//! A running Debian whose root is on a drive of its own is moved onto a remote one, as
//! docs/guide/move.md says, and boots from there; goes back; and moves again.

use std::time::Duration;

use super::static_address::ipv4_target;
use super::{Faults, Outcome, Scenario, boots};
use crate::error::Result;
use crate::host_spec::{Generator, HostSpec, Manager, TreeFile};
use crate::installed::{Address, Installed, Network};
use crate::lab::Wiring;
use crate::scenario::SETTLE;
use crate::session::Session;
use crate::target::SUBSYSTEM;

const MOVE: &str = include_str!("../../guest/move.sh");

/// From switching on to the end of a stage: a tree is copied and an initramfs made.
const STAGE: Duration = Duration::from_secs(1800);

const NETWORK: Network = Network {
    cards: &["ens3"],
    bond: None,
    vlan: None,
    address: Address::Static("10.77.0.50/24", Some("10.77.0.1")),
};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        moved(
            "moved-netplan",
            Manager::NetplanNetworkd,
            Generator::InitramfsTools,
        ),
        moved("moved-nm", Manager::NetworkManager, Generator::Dracut),
        moved(
            "moved-ifupdown",
            Manager::Ifupdown,
            Generator::InitramfsTools,
        ),
    ]
}

fn moved(name: &'static str, manager: Manager, generator: Generator) -> Scenario {
    let installed = Installed::new(&NETWORK, manager);
    let mut files = installed.files;
    files.extend(moving());
    Scenario {
        name,
        title: "a running system is moved onto a remote drive, checked, reverted, and moved again",
        host: HostSpec {
            name: name.to_owned(),
            generator,
            manager,
            packages: vec!["e2fsprogs"],
            netplan: Some(installed.told).filter(|_| installed.has_netplan),
            live: true,
            files,
            ..HostSpec::default()
        },
        wiring: Wiring {
            moves: true,
            settle: SETTLE,
            ..Wiring::default()
        },
        target: Some(ipv4_target()),
        needs: &[],
        seed: None,
        end: boots(),
        outage: None,
        renumbered: false,
        trouble: Vec::new(),
        events: there,
        check: came_up,
    }
}

/// What does a stage of the move each time the system runs.
fn moving() -> Vec<TreeFile> {
    let unit = format!(
        "[Unit]\nAfter=network-online.target\nWants=network-online.target\n\
         ConditionPathExists=!/boot/lab-there\n[Service]\nType=oneshot\n\
         ExecStart=/usr/local/lib/lab/move.sh 10.77.0.1 {SUBSYSTEM}\n"
    );
    vec![
        TreeFile::new("usr/local/lib/lab/move.sh", 0o755, MOVE),
        TreeFile::new("etc/systemd/system/lab-move.service", 0o644, unit),
        // Who computes for minutes takes no time there, and would be taken for hung.
        TreeFile::new(
            "etc/dracut.conf.d/lab-moved.conf",
            0o644,
            "compress=\"cat\"\n",
        ),
        TreeFile::new(
            "etc/systemd/system/lab-report.service.d/moved.conf",
            0o644,
            "[Unit]\nWants=lab-move.service\nAfter=lab-move.service\n",
        ),
    ]
}

fn there(session: &mut Session) -> Result<()> {
    session.start_target()?;
    for stage in ["lab: moved", "lab: back", "lab: there"] {
        session.start_host()?;
        session.host_says(stage, STAGE)?;
        session.host_ends(Duration::from_secs(300))?;
        session.load_from_drive()?;
    }
    session.start_host()
}

fn came_up(outcome: &Outcome, faults: &mut Faults) {
    faults.recorded(outcome, "done");
    if let Some(report) = &outcome.report {
        faults.addresses(report, "ens3", &["10.77.0.50/24"]);
        faults.controller(report, "10.77.0.1", 4420);
    }
}
