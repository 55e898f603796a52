//! The same host and root by the agent, and by dracut's own module for NVMe over fabrics,
//! for comparison.

use super::curtin::InstallerConfig;
use super::late::target_after;
use super::slim;
use super::{Controller, Faults, Outcome, Scenario, by_agent};
use crate::host_spec::{Generator, HOST_ID, HOST_NQN, HostSpec, Release, TreeFile};
use crate::lab::{FIRST_SLOT, Wiring};

/// Seconds after the host that a late target is switched on.
pub const LATE: u64 = 20;

/// One of those that are compared.
#[derive(Debug)]
pub struct Rival {
    /// As people call it.
    pub title: &'static str,
    /// The target serves before the host is switched on.
    pub on_time: Scenario,
    /// The target is switched on [`LATE`] seconds after the host.
    pub late: Scenario,
}

/// What is compared; all on Debian 14 with a static address and one card.
pub fn all() -> Vec<Rival> {
    vec![
        rival(
            "dracut, its own module `nvmf`",
            "rival-nvmf-late",
            by_nvmf("rival-nvmf"),
        ),
        rival(
            "dracut, the agent",
            "rival-dracut-late",
            by_the_agent("rival-dracut", Generator::Dracut),
        ),
        rival(
            "initramfs-tools, the agent",
            "rival-initramfs-late",
            by_the_agent("rival-initramfs", Generator::InitramfsTools),
        ),
    ]
}

fn rival(title: &'static str, late: &'static str, on_time: Scenario) -> Rival {
    let late = Scenario {
        name: late,
        events: |session| target_after(session, LATE),
        ..on_time.clone()
    };
    Rival {
        title,
        on_time,
        late,
    }
}

fn by_the_agent(name: &'static str, generator: Generator) -> Scenario {
    let base = slim::agent_ipv4();
    let files = match generator {
        Generator::Dracut => vec![dracut_conf("hostonly=no\n".to_owned())],
        Generator::InitramfsTools => Vec::new(),
    };
    Scenario {
        name,
        title: "root by the agent, for comparison",
        host: by_agent(HostSpec {
            name: name.to_owned(),
            release: Release::Forky,
            generator,
            files,
            ..base.host
        }),
        ..slim::agent_ipv4()
    }
}

/// What dracut's module needs at its best: its network by systemd-networkd, `jq`, and an
/// address and portal that are said (dracut.cmdline(7), `ip=`, `rd.nvmf.discover=`).
///
/// `install` in its module-setup.sh (112) copies the host's identity only into an image
/// that is for one machine. In another there is no `/etc/nvme`, and
/// parse-nvmf-boot-connections.sh can't write there what it was told. Nor does an image
/// for any machine have the lab's file that gives the card its name.
fn by_nvmf(name: &'static str) -> Scenario {
    let base = slim::agent_ipv4();
    let config = InstallerConfig {
        controllers: vec![Controller::Pcie],
        ..InstallerConfig::default()
    };
    let conf = format!(
        "hostonly=no\nadd_dracutmodules+=\" nvmf systemd-networkd \"\n\
         install_items+=\" /etc/nvme/hostnqn /etc/nvme/hostid \
         /etc/systemd/network/98-lab-slot{FIRST_SLOT}.link \"\n"
    );
    Scenario {
        name,
        title: "root by dracut's own module, for comparison",
        host: HostSpec {
            name: name.to_owned(),
            release: Release::Forky,
            generator: Generator::Dracut,
            packages: vec!["dracut-network", "jq", "nvme-cli"],
            curtin: config.yaml(),
            netplan: None,
            configure_args: Vec::new(),
            files: vec![dracut_conf(conf)],
            ..base.host.clone()
        },
        wiring: Wiring {
            cmdline: format!(
                "rd.neednet=1 ip=10.77.0.50::10.77.0.1:255.255.255.0:labhost:ens{FIRST_SLOT}:none \
                 rd.nvmf.discover=tcp,10.77.0.1,,4420 rd.nvmf.hostnqn={HOST_NQN} \
                 rd.nvmf.hostid={HOST_ID}"
            ),
            ..base.wiring.clone()
        },
        check: without_nvmeroot,
        ..base
    }
}

fn dracut_conf(text: String) -> TreeFile {
    TreeFile::new("etc/dracut.conf.d/lab.conf", 0o644, text)
}

/// It is the other's work alone.
fn without_nvmeroot(outcome: &Outcome, faults: &mut Faults) {
    if let Some(report) = &outcome.report {
        faults.controller(report, "10.77.0.1", 4420);
    }
    let written = &outcome.image.written;
    faults.expect(written.is_empty(), || {
        format!("`configure` wrote {written:?}")
    });
}
