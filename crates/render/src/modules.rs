//! The kernel modules that root's network and its drives need and that no other
//! depends on.

use nvmeroot_plan::BootPlan;

use crate::{ChangeKind, FileSet, Mode, TreePath};

/// Adds the list that a hook reads, or takes it away where there is nothing
/// to list.
pub(crate) fn add(plan: &BootPlan, path: TreePath, set: &mut FileSet) {
    if plan.modules.is_empty() {
        let why = "root needs no kernel modules of its own (any more)";
        set.push(path, why, ChangeKind::Absent);
        return;
    }
    let text: String = plan
        .modules
        .iter()
        .map(|name| format!("{name}\n"))
        .collect();
    let why = "says which kernel modules root's links and connections need";
    set.file(path, Mode::Config, why, text);
}
