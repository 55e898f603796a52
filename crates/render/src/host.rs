//! The host's identity, as nvme-cli and nvme-stas read it (nvme-gen-hostnqn(1)).

use nvmeroot_plan::HostIdentity;

use crate::{FileSet, Mode, TreePath};

/// The two files, host NQN first.
pub const IDENTITY: [&str; 2] = ["etc/nvme/hostnqn", "etc/nvme/hostid"];

const HOSTNQN: TreePath = TreePath::fixed(IDENTITY[0]);
const HOSTID: TreePath = TreePath::fixed(IDENTITY[1]);

/// Adds the two files, where there is an identity to write.
pub(crate) fn add(identity: Option<&HostIdentity>, set: &mut FileSet) {
    if let Some(HostIdentity { nqn, id }) = identity {
        let why = "tells the drives which host this is";
        set.file(HOSTNQN, Mode::Config, why, format!("{nqn}\n"));
        set.file(HOSTID, Mode::Config, why, format!("{id}\n"));
    }
}
