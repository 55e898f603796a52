//! Keeping secrets that the initramfs carries from everybody but the
//! administrator.

use nvmeroot_plan::BootPlan;

use crate::{ChangeKind, FileSet, Mode, TreePath};

const CONF: TreePath = TreePath::fixed("etc/initramfs-tools/conf.d/nvmeroot");

/// initramfs.conf(5): without it the image is for everybody to read.
const TEXT: &str = "\
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`.
#
# The initramfs holds secrets of DH-HMAC-CHAP: only root may read it.
UMASK=0077
";

/// Adds the file where the plan has a secret. The scripts runtime's hook takes
/// its being there as the sign that libnvme's file with the secrets is needed.
pub(crate) fn protect(plan: &BootPlan, set: &mut FileSet) {
    if has_secret(plan) {
        let why = "keeps the initramfs, which holds secrets, from other users";
        set.file(CONF, Mode::Config, why, TEXT.to_owned());
    }
}

/// Takes the file away where the plan has none, when no file with a secret is
/// left.
pub(crate) fn unprotect(plan: &BootPlan, set: &mut FileSet) {
    if !has_secret(plan) {
        let why = "the initramfs holds no secret (any more)";
        set.push(CONF, why, ChangeKind::Absent);
    }
}

fn has_secret(plan: &BootPlan) -> bool {
    plan.controllers
        .iter()
        .map(|c| &c.options)
        .any(|o| o.dhchap_secret.is_some() || o.dhchap_ctrl_secret.is_some())
}
