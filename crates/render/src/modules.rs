//! The kernel modules of the virtual links that root stands on.

use std::collections::BTreeSet;

use nvmeroot_plan::{BootPlan, LinkKind};

use crate::{ChangeKind, FileSet, Mode, TreePath};

/// Adds the list that a hook reads, or takes it away where there is nothing
/// to list.
pub(crate) fn add(plan: &BootPlan, path: TreePath, set: &mut FileSet) {
    let modules = of(plan);
    if modules.is_empty() {
        let why = "root stands on no virtual link (any more)";
        set.push(path, why, ChangeKind::Absent);
        return;
    }
    let text: String = modules.iter().map(|name| format!("{name}\n")).collect();
    let why = "says which kernel modules the links that root stands on need";
    set.file(path, Mode::Config, why, text);
}

/// initramfs-tools leaves them out, with `MODULES=most` too.
fn of(plan: &BootPlan) -> BTreeSet<&'static str> {
    let kinds = plan.storage_interfaces().into_iter().map(|one| &one.kind);
    kinds
        .filter_map(|kind| match kind {
            LinkKind::Vlan { .. } => Some("8021q"),
            LinkKind::Bond { .. } => Some("bonding"),
            LinkKind::Bridge { .. } => Some("bridge"),
            LinkKind::Vrf { .. } => Some("vrf"),
            LinkKind::Dummy(_) => Some("dummy"),
            _ => None,
        })
        .collect()
}
