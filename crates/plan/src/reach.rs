//! How root is reached.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Mount, Origin};

/// How root is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// The input has no remote controller.
    #[default]
    Local,
    /// It has one, and nothing essential lies on it: the running system
    /// connects it.
    Userspace,
    /// An essential filesystem is remote; kernel and initramfs are local.
    Initramfs,
    /// What the firmware reads is remote, so the firmware connects first.
    Firmware,
}

impl Reach {
    /// The initramfs brings up a network and connects the controllers.
    pub fn is_by_initramfs(self) -> bool {
        matches!(self, Self::Initramfs | Self::Firmware)
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Userspace => "userspace",
            Self::Initramfs => "initramfs",
            Self::Firmware => "firmware",
        })
    }
}

/// Why the reach is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// One sentence without a full stop.
    pub message: String,
    /// The mount or controller that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Reason {
    fn of(mount: &Mount, message: String) -> Self {
        Self {
            message,
            origin: Some(mount.origin.clone()),
        }
    }
}

/// Works out the reach from the mounts and the number of remote controllers.
pub(crate) fn reach(mounts: &[Mount], controllers: usize) -> (Reach, Vec<Reason>) {
    let general = |message: &str| {
        let message = message.to_owned();
        let origin = None;
        vec![Reason { message, origin }]
    };
    if controllers == 0 {
        return (
            Reach::Local,
            general("no NVMe/TCP controller is configured"),
        );
    }
    let remote = mounts.iter().filter(|one| !one.controllers.is_empty());
    let reasons = |is: fn(&Mount) -> bool, why: &str| -> Vec<Reason> {
        let such = remote.clone().filter(|one| is(one));
        let message = |one: &Mount| format!("`{}` is remote{why}", one.path);
        such.map(|one| Reason::of(one, message(one))).collect()
    };
    let why = ", and the firmware or its boot loader reads it";
    let firmware = reasons(|one| one.path.is_read_by_firmware(), why);
    if !firmware.is_empty() {
        return (Reach::Firmware, firmware);
    }
    let root = remote.clone().find(|one| one.path.as_str() == "/");
    let boot_is_local = mounts.iter().any(|one| one.path.as_str() == "/boot");
    if let Some(root) = root.filter(|_| !boot_is_local) {
        let message =
            "`/` is remote and `/boot` is no mount of its own, so the kernel is remote too";
        return (Reach::Firmware, vec![Reason::of(root, message.to_owned())]);
    }
    let essential = reasons(|one| one.essential, " and must be there before init starts");
    if !essential.is_empty() {
        return (Reach::Initramfs, essential);
    }
    let mut others = reasons(|_| true, "; the running system can connect it");
    if others.is_empty() {
        others = general("no filesystem is mounted from a remote controller");
    }
    (Reach::Userspace, others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_json_form_and_only_the_initramfs_connects() {
        for (reach, word, by_initramfs) in [
            (Reach::Local, "local", false),
            (Reach::Userspace, "userspace", false),
            (Reach::Initramfs, "initramfs", true),
            (Reach::Firmware, "firmware", true),
        ] {
            assert_eq!(reach.to_string(), word);
            assert_eq!(serde_json::to_value(reach).expect("JSON"), word);
            assert_eq!(reach.is_by_initramfs(), by_initramfs);
        }
    }
}
