//! The kernel modules that root's network and its drives need and that no other
//! depends on.

use std::collections::BTreeSet;

use nvmeroot_plan::{BootPlan, LinkKind};

use crate::{ChangeKind, FileSet, Mode, TreePath};

/// Adds the list that a hook reads, or takes it away where there is nothing
/// to list.
pub(crate) fn add(plan: &BootPlan, path: TreePath, set: &mut FileSet) {
    let modules = of(plan);
    if modules.is_empty() {
        let why = "root needs no kernel modules of its own (any more)";
        set.push(path, why, ChangeKind::Absent);
        return;
    }
    let text: String = modules.iter().map(|name| format!("{name}\n")).collect();
    let why = "says which kernel modules root's links and connections need";
    set.file(path, Mode::Config, why, text);
}

/// initramfs-tools leaves them out, with `MODULES=most` too.
fn of(plan: &BootPlan) -> BTreeSet<&'static str> {
    let kinds = plan.storage_interfaces().into_iter().map(|one| &one.kind);
    let mut modules: BTreeSet<_> = kinds
        .filter_map(|kind| match kind {
            LinkKind::Vlan { .. } => Some("8021q"),
            LinkKind::Bond { .. } => Some("bonding"),
            LinkKind::Bridge { .. } => Some("bridge"),
            LinkKind::Vrf { .. } => Some("vrf"),
            LinkKind::Dummy(_) => Some("dummy"),
            _ => None,
        })
        .collect();
    let mut options = plan.controllers.iter().map(|one| &one.options);
    if options.any(|o| o.hdr_digest || o.data_digest) {
        // nvme-tcp asks for what computes them by this name, and names no module
        // (nvme_tcp_alloc_crypto in drivers/nvme/host/tcp.c).
        modules.insert("crypto-crc32c");
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{controller, ethernet, initramfs_plan};

    #[test]
    fn digests_need_what_computes_them() {
        let mut plan = initramfs_plan(vec![ethernet("ens3")], vec![controller("10.0.0.9", "4420")]);
        assert_eq!(of(&plan), BTreeSet::new());
        plan.controllers[0].options.data_digest = true;
        assert_eq!(of(&plan), BTreeSet::from(["crypto-crc32c"]));
    }
}
