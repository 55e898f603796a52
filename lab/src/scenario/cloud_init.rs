//! cloud-init writes netplan's file anew when the installed system starts for the first
//! time, and applies it (`_write_network_config` and `apply_network_config` in its
//! cloudinit/stages.py).

use super::curtin::InstallerConfig;
use super::{Controller, Scenario, boots, by_agent, hand_over};
use crate::host_spec::{HostSpec, TreeFile};
use crate::report::Report;
use crate::session::switch_on;

pub(super) fn all() -> Vec<Scenario> {
    vec![rewritten()]
}

/// What the installer says of the network, and what the seed of cloud-init says: the
/// same, and not in the same words (an identical file it leaves alone).
const INSTALLED: &str = "network: {version: 2, ethernets: {ens3: {dhcp4: true}}}\n";
const SEED: &str = "\
version: 2
ethernets:
  ens3:
    match: {macaddress: '52:54:00:4c:00:01'}
    set-name: ens3
    dhcp4: true
";

const META_DATA: &str = "instance-id: lab-1\nlocal-hostname: labhost\n";

const WATCH: &str = include_str!("../../guest/watch-cloud-init.sh");
const WATCH_PATH: &str = "usr/local/lib/lab/watch-cloud-init.sh";

/// Nothing else is its business here, above all no other filesystem's size.
const SETTINGS: &str = "\
datasource_list: [NoCloud, None]
cloud_init_modules: [set_hostname]
cloud_config_modules: []
cloud_final_modules: []
";

fn rewritten() -> Scenario {
    let base = hand_over::agent_dhcp4();
    let config = InstallerConfig {
        controllers: vec![Controller::Tcp("10.77.0.1", 4420)],
        remote_root: true,
        netplan: Some(INSTALLED.to_owned()),
        ..InstallerConfig::default()
    };
    let file = |path: &str, text: &str| TreeFile::new(path, 0o600, text);
    let seed = "var/lib/cloud/seed/nocloud";
    Scenario {
        name: "cloud-init",
        title: "cloud-init writes netplan's file anew in the first boot",
        host: by_agent(HostSpec {
            name: "cloud-init".to_owned(),
            packages: vec!["cloud-init"],
            curtin: config.yaml(),
            files: vec![
                file("etc/netplan/50-cloud-init.yaml", INSTALLED),
                file("etc/cloud/cloud.cfg.d/90-lab.cfg", SETTINGS),
                file(&format!("{seed}/network-config"), SEED),
                file(&format!("{seed}/meta-data"), META_DATA),
                file(&format!("{seed}/user-data"), "#cloud-config\n{}\n"),
                TreeFile {
                    mode: 0o755,
                    ..file(WATCH_PATH, WATCH)
                },
                TreeFile {
                    mode: 0o644,
                    ..file(
                        "etc/systemd/system/lab-report.service.d/cloud-init.conf",
                        &format!("[Service]\nExecStartPre=/{WATCH_PATH} set-name\n"),
                    )
                },
            ],
            ..HostSpec::default()
        }),
        end: boots(),
        events: |session| {
            switch_on(session)?;
            session.finish(&boots())?;
            session.start_host()
        },
        check: |outcome, faults| {
            (hand_over::agent_dhcp4().check)(outcome, faults);
            let wrote = |report: &Report| report.marks.contains_key("cloud-init-wrote");
            faults.expect(outcome.report.as_ref().is_some_and(wrote), || {
                "cloud-init wrote no file of netplan's".to_owned()
            });
        },
        ..base
    }
}
