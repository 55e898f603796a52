//! curtin configurations as an installer writes them, built from parts.

use std::fmt::Write as _;

use crate::host_spec::{TreeFile, Under};

/// What an installer was told.
#[derive(Debug, Clone, Default)]
pub struct InstallerConfig {
    /// NVMe controllers, in order; the first drive hangs off the first TCP one, the second
    /// off the next.
    pub controllers: Vec<Controller>,
    /// Where root is remote.
    pub remote_root: bool,
    /// `/boot` is part of root and not a partition of the local drive.
    pub remote_boot: bool,
    /// What that stands on.
    pub under: Under,
    /// `/home` is a remote filesystem.
    pub remote_home: bool,
    /// The netplan text that goes to `write_files`.
    pub netplan: Option<String>,
    /// More files that do.
    pub files: Vec<TreeFile>,
}

/// One `nvme_controller` action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Controller {
    /// Transport tcp: address and port.
    Tcp(&'static str, u16),
    /// Transport pcie.
    Pcie,
}

impl InstallerConfig {
    /// The YAML document.
    pub fn yaml(&self) -> String {
        let mut yaml = String::from("storage:\n  version: 1\n  config:\n");
        let y = &mut yaml;
        let mut drives_on = Vec::new();
        for (number, controller) in self.controllers.iter().enumerate() {
            let _ = writeln!(y, "  - id: controller-{number}\n    type: nvme_controller");
            match controller {
                Controller::Tcp(address, port) => {
                    drives_on.push(number);
                    let _ = writeln!(
                        y,
                        "    transport: tcp\n    tcp_addr: '{address}'\n    tcp_port: {port}"
                    );
                }
                Controller::Pcie => y.push_str("    transport: pcie\n"),
            }
        }
        if !self.remote_boot {
            y.push_str("  - {id: local-disk, type: disk, path: /dev/vda, ptable: gpt}\n");
            y.push_str(
                "  - {id: boot-part, type: partition, device: local-disk, number: 1, size: 1G}\n",
            );
            mount(y, "boot", "boot-part", "/boot", "ext4", "defaults");
        }
        let disks = ["remote-disk", "second-disk"];
        let disks = &disks[..self.under.drives()];
        for (drive, (id, number)) in disks.iter().zip(&drives_on).enumerate() {
            let _ = writeln!(
                y,
                "  - {{id: {id}, type: disk, path: /dev/nvme{drive}n1, \
                 nvme_controller: controller-{number}}}"
            );
        }
        if self.remote_root {
            let (actions, volume) = self.under.actions(disks);
            y.push_str(&actions);
            let options = "defaults,_netdev";
            mount(y, "root", &volume, "/", self.under.filesystem(), options);
            for (name, volume) in self.under.others() {
                mount(y, name, volume, &format!("/{name}"), "ext4", options);
            }
        } else {
            y.push_str(
                "  - {id: root-part, type: partition, device: local-disk, number: 2, size: 8G}\n",
            );
            mount(y, "root", "root-part", "/", "ext4", "defaults");
        }
        if self.remote_home {
            mount(
                y,
                "home",
                "remote-disk",
                "/home",
                "ext4",
                "defaults,_netdev",
            );
        }
        if self.netplan.is_some() || !self.files.is_empty() {
            y.push_str("write_files:\n");
        }
        if let Some(netplan) = &self.netplan {
            let path = "etc/netplan/00-installer-config.yaml";
            write_file(y, "etc_netplan_installer", path, 0o600, netplan);
        }
        for (number, file) in self.files.iter().enumerate() {
            write_file(
                y,
                &format!("file_{number}"),
                &file.path,
                file.mode,
                &file.text,
            );
        }
        yaml
    }
}

fn write_file(yaml: &mut String, key: &str, path: &str, mode: u32, text: &str) {
    let _ = writeln!(
        yaml,
        "  {key}:\n    path: {path}\n    permissions: '{mode:04o}'\n    content: |"
    );
    for line in text.lines() {
        let _ = writeln!(yaml, "      {line}");
    }
}

fn mount(yaml: &mut String, name: &str, volume: &str, path: &str, fstype: &str, options: &str) {
    let _ = writeln!(
        yaml,
        "  - {{id: {name}-format, type: format, fstype: {fstype}, volume: {volume}}}\n  \
         - {{id: {name}-mount, type: mount, device: {name}-format, path: {path}, \
         options: '{options}'}}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_root_hangs_off_the_first_tcp_controller() {
        let yaml = InstallerConfig {
            controllers: vec![Controller::Pcie, Controller::Tcp("fd77::1", 4420)],
            remote_root: true,
            netplan: Some("network:\n  version: 2\n".to_owned()),
            ..InstallerConfig::default()
        }
        .yaml();
        assert!(yaml.contains("nvme_controller: controller-1}"), "{yaml}");
        assert!(
            yaml.contains("path: /, options: 'defaults,_netdev'}"),
            "{yaml}"
        );
        assert!(
            yaml.ends_with("    content: |\n      network:\n        version: 2\n"),
            "{yaml}"
        );
    }
}
