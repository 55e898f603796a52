//! Root is local: `/home` is remote, or nothing is.

use super::static_address::{IPV4_NETPLAN, ipv4_target};
use super::{Controller, InstallerConfig, Scenario, boots, settled};
use crate::host_spec::HostSpec;
use crate::session::switch_on;

pub(super) fn all() -> Vec<Scenario> {
    vec![remote_home(), nothing_remote()]
}

pub(super) fn remote_home() -> Scenario {
    let config = InstallerConfig {
        controllers: vec![Controller::Tcp("10.77.0.1", 4420)],
        remote_home: true,
        netplan: Some(IPV4_NETPLAN.to_owned()),
        ..InstallerConfig::default()
    };
    let mut wiring = settled();
    wiring.local_root = true;
    Scenario {
        name: "remote-home",
        title: "only /home is remote: nvme-stas brings it after boot",
        host: HostSpec {
            name: "remote-home".to_owned(),
            curtin: config.yaml(),
            netplan: config.netplan,
            home: true,
            storage_services: true,
            ..HostSpec::default()
        },
        wiring,
        target: Some(ipv4_target()),
        needs: &[],
        seed: None,
        end: boots(),
        outage: None,
        renumbered: false,
        trouble: Vec::new(),
        events: switch_on,
        check: |outcome, faults| {
            if let Some(report) = &outcome.report {
                faults.controller(report, "10.77.0.1", 4420);
            }
            let in_initramfs: Vec<_> = outcome
                .image
                .written
                .iter()
                .filter(|path| path.starts_with("etc/initramfs-tools"))
                .collect();
            faults.expect(in_initramfs.is_empty(), || {
                format!("the initramfs was touched: {in_initramfs:?}")
            });
        },
    }
}

pub(super) fn nothing_remote() -> Scenario {
    let config = InstallerConfig {
        controllers: vec![Controller::Pcie],
        netplan: Some(IPV4_NETPLAN.to_owned()),
        ..InstallerConfig::default()
    };
    Scenario {
        name: "nothing-remote",
        title: "nothing is remote: nothing is written",
        host: HostSpec {
            name: "nothing-remote".to_owned(),
            curtin: config.yaml(),
            netplan: config.netplan,
            ..HostSpec::default()
        },
        check: |outcome, faults| {
            let written = &outcome.image.written;
            faults.expect(written.is_empty(), || format!("nvmeroot wrote {written:?}"));
            faults.expect(!outcome.image.talk.trim().is_empty(), || {
                "nvmeroot did not say that it had nothing to do".to_owned()
            });
            if let Some(report) = &outcome.report {
                let controllers = &report.controllers;
                faults.expect(controllers.is_empty(), || {
                    format!("connected: {controllers:?}")
                });
            }
        },
        ..remote_home()
    }
}
