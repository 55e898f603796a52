//! nvme-stas's configuration (stafd.conf(5)), by which the running system
//! connects what is not needed before it.

use std::fmt::Write as _;

use nvmeroot_plan::BootPlan;

use crate::{ChangeKind, FileSet, Mode, RequiredProgram, TreePath};

/// What reads it.
pub(crate) const PROGRAM: RequiredProgram = RequiredProgram::new("stafd", "nvme-stas");

const OURS: TreePath = TreePath::fixed("etc/stas/stafd-curtin.conf");
const STAFD_CONF: TreePath = TreePath::fixed("etc/stas/stafd.conf");
const BACKUP: TreePath = TreePath::fixed("etc/stas/.stafd.conf.bak");
/// What our `stafd.conf` says.
const LINK: &str = "stafd-curtin.conf";

const HEADER: &str = "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`. nvme-stas reads it: `systemctl restart stafd` makes it
# read it again.
";

/// Adds the files, where there is a controller at all.
pub(crate) fn add(plan: &BootPlan, set: &mut FileSet) {
    if plan.controllers.is_empty() {
        return;
    }
    let mut directives: Vec<String> = plan
        .controllers
        .iter()
        .map(|c| {
            format!(
                "controller = transport={};traddr={};trsvcid={}",
                c.transport, c.traddr, c.trsvcid
            )
        })
        .collect();
    // Several subsystems of one portal are one discovery controller. Sorted
    // already, so equal ones are neighbours.
    directives.dedup();
    let mut text = format!("{HEADER}\n[Controllers]\n");
    for directive in directives {
        let _ = writeln!(text, "{directive}");
    }
    let why = "says which discovery controllers the running system connects";
    set.file(OURS, Mode::Config, why, text);
    set.push(
        STAFD_CONF,
        "keeps the administrator's own file",
        ChangeKind::MoveAside {
            to: BACKUP,
            unless_link_to: LINK,
        },
    );
    set.push(
        STAFD_CONF,
        "makes nvme-stas read our file",
        ChangeKind::Symlink { target: LINK },
    );
}
