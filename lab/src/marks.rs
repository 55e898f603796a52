//! When the phases of a boot began, read off the host's console.

use crate::machine::Line;

/// Seconds from switching the host on; `None` where the phase left no trace.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Marks {
    /// First line of the kernel.
    pub kernel: Option<f64>,
    /// The initramfs begins its init-premount scripts.
    pub premount: Option<f64>,
    /// The network is up: the DHCP lease, or the NVMe/TCP driver being loaded.
    pub network: Option<f64>,
    /// The last controller of the initramfs is connected.
    pub namespace: Option<f64>,
    /// Root is mounted.
    pub root: Option<f64>,
    /// systemd runs.
    pub systemd: Option<f64>,
    /// The host reached multi-user.target.
    pub marker: Option<f64>,
}

impl Marks {
    /// Reads a console.
    pub fn of(lines: &[Line]) -> Marks {
        let first = |texts: &[&str]| {
            lines
                .iter()
                .find(|line| texts.iter().any(|text| line.text.contains(text)))
                .map(|line| line.at.as_secs_f64())
        };
        let root = first(&[
            "EXT4-fs (nvme",
            "EXT4-fs (vd",
            "EXT4-fs (dm-",
            "EXT4-fs (md",
            "BTRFS info (device nvme",
        ]);
        let before_root = |line: &&Line| root.is_none_or(|at| line.at.as_secs_f64() <= at);
        let last = |text: &str| {
            lines
                .iter()
                .take_while(before_root)
                .filter(|line| line.text.contains(text))
                .last()
                .map(|line| line.at.as_secs_f64())
        };
        Marks {
            kernel: first(&["Linux version "]),
            premount: first(&["Running /scripts/init-premount"]),
            network: first(&[
                ": leased ",
                "nvmeroot: network is up",
                "Key type psk registered",
            ]),
            namespace: last(": new ctrl: "),
            root,
            systemd: first(&["running in system mode"]),
            marker: first(&["lab: marker"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn phases_are_found() {
        let line = |at: u64, text: &str| Line {
            at: Duration::from_secs(at),
            text: text.to_owned(),
        };
        let lines = [
            line(1, "[    0.000000] Linux version 6.12"),
            line(9, "Begin: Running /scripts/init-premount ... "),
            line(10, "[    8.1] nvme nvme0: new ctrl: NQN \"discovery\""),
            line(11, "[    9.1] nvme nvme1: new ctrl: NQN \"x\""),
            line(13, "[   11.0] EXT4-fs (nvme1n1): mounted filesystem"),
            line(40, "[   38.0] nvme nvme2: new ctrl: NQN \"y\""),
        ];
        let marks = Marks::of(&lines);
        assert_eq!(marks.premount, Some(9.0));
        assert_eq!(marks.namespace, Some(11.0));
        assert_eq!(marks.root, Some(13.0));
        assert_eq!(marks.network, None);
    }
}
