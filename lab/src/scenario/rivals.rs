//! The same host and root by the agent, and by dracut's own module for NVMe over fabrics,
//! for comparison.

use super::curtin::InstallerConfig;
use super::slim;
use super::{Controller, Scenario, by_agent};
use crate::host_spec::{Generator, HOST_ID, HOST_NQN, HostSpec, Release, TreeFile};
use crate::lab::Wiring;

/// What is compared, by what people call it; all on Debian 14 with a static address.
pub fn all() -> Vec<(&'static str, Scenario)> {
    vec![
        ("dracut, its own module `nvmf`", own()),
        (
            "dracut, the agent",
            by_the_agent("rival-agent-dracut", Generator::Dracut),
        ),
        (
            "initramfs-tools, the agent",
            by_the_agent("rival-agent-initramfs", Generator::InitramfsTools),
        ),
    ]
}

fn by_the_agent(name: &'static str, generator: Generator) -> Scenario {
    let base = slim::agent_ipv4();
    Scenario {
        name,
        title: "root by the agent, for comparison",
        host: by_agent(HostSpec {
            name: name.to_owned(),
            release: Release::Forky,
            generator,
            ..base.host
        }),
        ..slim::agent_ipv4()
    }
}

/// What dracut's module needs at its best: its network by systemd-networkd, `jq`, and an
/// address and portal that are said (dracut.cmdline(7), `ip=`, `rd.nvmf.discover=`).
fn own() -> Scenario {
    let name = "rival-own-dracut";
    let base = slim::agent_ipv4();
    let config = InstallerConfig {
        controllers: vec![Controller::Pcie],
        ..InstallerConfig::default()
    };
    let modules = TreeFile {
        path: "etc/dracut.conf.d/lab.conf".to_owned(),
        mode: 0o644,
        text: "add_dracutmodules+=\" nvmf systemd-networkd \"\n".to_owned(),
    };
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
            files: vec![modules],
            ..base.host.clone()
        },
        wiring: Wiring {
            cmdline: format!(
                "rd.neednet=1 ip=10.77.0.50::10.77.0.1:255.255.255.0:labhost:ens3:none \
                 rd.nvmf.discover=tcp,10.77.0.1,,4420 rd.nvmf.hostnqn={HOST_NQN} \
                 rd.nvmf.hostid={HOST_ID}"
            ),
            ..base.wiring.clone()
        },
        check: |_, _| {},
        ..base
    }
}
