//! What fstab(5) mounts, held against the plan.

use super::finding::{Finding, Topic};
use super::subject::Subject;

const FSTAB: &str = "etc/fstab";

/// The first two fields of each line.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let spec = words.next().filter(|spec| !spec.starts_with('#'))?;
        Some((spec, words.next()?))
    })
}

/// What is mounted as root.
pub(crate) fn root_of_fstab(subject: &Subject<'_>) -> Option<String> {
    let text = subject.text(FSTAB)?;
    let mut lines = lines(&text);
    lines
        .find(|(_, directory)| *directory == "/")
        .map(|(spec, _)| spec.to_owned())
}

/// What the plan says is essential and remote, the system must mount. Root itself is
/// mounted by the initramfs.
pub(crate) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let text = subject.text(FSTAB).unwrap_or_default();
    let mounts = subject.plan.mounts.iter();
    let remote = mounts.filter(|mount| mount.essential && !mount.controllers.is_empty());
    // ZFS mounts its datasets by itself.
    for mount in remote.filter(|mount| mount.path.as_str() != "/" && !mount.is_zfs()) {
        let path = mount.path.as_str();
        let is_mounted = lines(&text).any(|(_, directory)| directory.trim_end_matches('/') == path);
        if is_mounted || has_unit(subject, path) {
            continue;
        }
        let what = format!("`{FSTAB}` does not mount `{path}`");
        findings.push(
            Finding::warning(Topic::MountMissing, what)
                .because("the plan connects its drive for that, and the system runs without it")
                .mend(format!("add the line for `{path}` to `/etc/fstab`")),
        );
    }
}

/// A unit of systemd's mounts it (systemd.mount(5)).
fn has_unit(subject: &Subject<'_>, path: &str) -> bool {
    let name = path.trim_start_matches('/').replace('/', "-");
    let unit = format!("etc/systemd/system/{name}.mount");
    subject.root.exists(&unit).unwrap_or(false)
}
