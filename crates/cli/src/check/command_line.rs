//! The kernel command lines: nvmeroot is not switched off, and `root=` is what fstab
//! mounts.

use std::collections::BTreeSet;

use nvmeroot_firmware::CommandLine;
use nvmeroot_render::{Generator, Runtime};

use super::entries::settings;
use super::entry::BootEntry;
use super::finding::{Finding, Topic};
use super::maker::Maker;
use super::mounts;
use super::subject::Subject;

/// What udev knows a filesystem by, and what stays.
const TAGS: [&str; 4] = ["UUID", "LABEL", "PARTUUID", "PARTLABEL"];

/// The last value of a word of a command line.
fn value<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let words = line.split_whitespace().take_while(|word| *word != "--");
    let values = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    values.last().map(|value| value.trim_matches('"'))
}

/// What the agent would say of it.
fn of_agent(place: &str, line: &str) -> Vec<Finding> {
    let line = CommandLine::parse(line);
    let off = line.off.then(|| switched_off(place));
    let complaints = line.complaints.into_iter().map(|complaint| {
        Finding::warning(Topic::BootOption, format!("`{place}`: {complaint}"))
            .because("the agent passes it over, and does what it does without it")
            .mend(format!("correct the word ({})", Maker::of(place).edit()))
    });
    off.into_iter().chain(complaints).collect()
}

/// The releases of the kernels that an entry starts with this tree's root.
pub(crate) fn of_this_root(subject: &Subject<'_>, entries: &[BootEntry]) -> BTreeSet<String> {
    let Some(root) = mounts::root_of_fstab(subject) else {
        return BTreeSet::new();
    };
    let is_same = |line| {
        value(line, "root").is_some_and(|one| {
            one == root || known(one).is_some_and(|one| Some(one) == known(&root))
        })
    };
    let own = entries.iter().filter(|one| is_same(&one.command_line));
    own.filter_map(|entry| entry.release.clone()).collect()
}

/// Looks at the first entry of each kernel: the one that is started when nobody chooses.
/// Another may be meant for a repair.
pub(crate) fn check(subject: &Subject<'_>, entries: &[BootEntry], findings: &mut Vec<Finding>) {
    let by_agent = subject.options.runtime == Runtime::Agent;
    let of_agent = |place: &str, line: &str| match by_agent {
        true => of_agent(place, line),
        false => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    let first = entries.iter().filter(|entry| seen.insert(&entry.release));
    let root = mounts::root_of_fstab(subject);
    // OpenZFS' module of dracut looks for a root that nothing names (parse-zfs.sh).
    let mut mounts = subject.plan.mounts.iter();
    let by_dracut = subject.options.generator == Generator::Dracut
        && mounts.any(|mount| mount.path.as_str() == "/" && mount.is_zfs());
    let pools = || subject.machine.pools();
    for entry in first {
        findings.extend(of_agent(&entry.place, &entry.command_line));
        if !entry.has_initrd {
            let what = format!("the boot entry at `{}` names no initramfs", entry.place);
            findings.push(
                Finding::fault(Topic::EntryWithoutInitrd, what)
                    .because("nothing connects the drives before root is mounted")
                    .mend(format!(
                        "{}, once the initramfs is there",
                        Maker::of(&entry.place).run()
                    )),
            );
        }
        findings.extend(of_root(entry, root.as_deref(), by_dracut));
        findings.extend(of_pools(entry, by_dracut, pools));
    }
    if entries.is_empty() {
        let settings = settings(subject).into_iter();
        findings.extend(settings.flat_map(|(place, line)| of_agent(&place, &line)));
    }
}

/// Nothing that is known starts a kernel of the tree.
pub(crate) fn no_entry() -> Finding {
    Finding::warning(
        Topic::EntryMissing,
        "no boot entry for a kernel of the root tree was found",
    )
    .because(
        "neither in GRUB's menu, nor among the Boot Loader Specification's entries, nor in `extlinux.conf`: what starts this machine, and with which `root=`, was not looked at",
    )
    .mend("install the boot loader in the root tree, or make its menu (`update-grub`); where something else starts this machine, such as a boot server, see there that `root=` and the initramfs are right")
}

fn switched_off(place: &str) -> Finding {
    Finding::fault(Topic::SwitchedOff, format!("`{place}` says `nvmeroot=off`"))
        .because("the agent does nothing then, and root's drives are not connected")
        .mend(format!("take the word away ({})", Maker::of(place).edit()))
}

/// `by_dracut`: dracut's images import root's pool.
fn of_root(entry: &BootEntry, of_fstab: Option<&str>, by_dracut: bool) -> Option<Finding> {
    let line = &entry.command_line;
    let place = &entry.place;
    // A variable of the boot loader's.
    if line.contains('$') {
        return None;
    }
    let Some(root) = value(line, "root") else {
        // Nor does OpenZFS' script of initramfs-tools need one.
        if by_dracut || value(line, "boot") == Some("zfs") {
            return None;
        }
        let what = format!("`{place}` says no `root=`");
        return Some(
            Finding::fault(Topic::RootMissing, what)
                .because("the initramfs does not know what to mount")
                .mend(Maker::of(place).root()),
        );
    };
    if is_numbered(root) {
        let what = format!("`{place}` says `root={root}`");
        return Some(
            Finding::warning(Topic::RootUnstable, what)
                .because(
                    "drives get their numbers in the order in which they are connected, which changes",
                )
                .mend("`root=UUID=…`, as `blkid` shows it"),
        );
    }
    let of_fstab = of_fstab?;
    match (known(root), known(of_fstab)) {
        (Some(one), Some(other)) if one.0 == other.0 && one.1 != other.1 => {
            let what = format!("`{place}` says `root={root}`, and `etc/fstab` has `{of_fstab}`");
            Some(
                Finding::fault(Topic::RootOther, what)
                    .because("the initramfs waits for a filesystem that is not the system's")
                    .mend(format!("{}, or mend `/etc/fstab`", Maker::of(place).root())),
            )
        }
        _ => None,
    }
}

/// Who looks for root in all pools takes the first that names one (`bootfs`). `pools`: those
/// of the machine, which take a while to find.
fn of_pools<'p>(
    entry: &BootEntry,
    by_dracut: bool,
    pools: impl Fn() -> &'p BTreeSet<String>,
) -> Option<Finding> {
    let line = &entry.command_line;
    let said = match value(line, "root") {
        Some(root @ "zfs:AUTO") => format!("`root={root}`"),
        Some(root @ ("zfs" | "zfs:")) if by_dracut => format!("`root={root}`"),
        None if by_dracut && !line.contains('$') => "no `root=`".to_owned(),
        _ => return None,
    };
    let pools = pools();
    if pools.len() < 2 {
        return None;
    }
    let pools: Vec<String> = pools.iter().map(|pool| format!("`{pool}`")).collect();
    let what = format!(
        "`{}` says {said}, and this machine has the pools {}",
        entry.place,
        pools.join(", ")
    );
    Some(
        Finding::warning(Topic::RootUnstable, what)
            .because("the initramfs takes root from the first pool that names one (`bootfs`), and pools are found in any order")
            .mend("`root=ZFS=POOL/DATASET`, as `findmnt /` shows it"),
    )
}

/// A name such as `/dev/sda2`, `/dev/nvme0n1p1`.
fn is_numbered(device: &str) -> bool {
    let names = ["/dev/nvme", "/dev/sd", "/dev/vd", "/dev/md", "/dev/dm-"];
    let is_md_name = device.starts_with("/dev/md/");
    !is_md_name && names.iter().any(|name| device.starts_with(name))
}

/// By what a filesystem is known, and under which name.
fn known(spec: &str) -> Option<(&str, String)> {
    if let Some((tag, name)) = spec.split_once('=') {
        let name = name.trim_matches('"').to_ascii_lowercase();
        return TAGS.contains(&tag).then_some((tag, name));
    }
    let by = spec.strip_prefix("/dev/disk/by-")?;
    let (kind, name) = by.split_once('/')?;
    let tags = ["uuid", "label", "partuuid", "partlabel"];
    let at = tags.iter().position(|tag| *tag == kind)?;
    Some((TAGS[at], name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str, of_fstab: Option<&str>) -> Option<Topic> {
        let entry = BootEntry {
            place: "a".to_owned(),
            command_line: line.to_owned(),
            ..BootEntry::default()
        };
        of_root(&entry, of_fstab, false).map(|finding| finding.topic)
    }

    #[test]
    fn root_is_compared_where_both_are_known_by_the_same() {
        let fstab = Some("UUID=ab-CD");
        assert_eq!(said("root=UUID=AB-cd ro", fstab), None);
        assert_eq!(said("root=/dev/disk/by-uuid/ab-cd", fstab), None);
        assert_eq!(said("root=UUID=1 root=UUID=ab-cd", fstab), None);
        assert_eq!(said("root=UUID=1", fstab), Some(Topic::RootOther));
        assert_eq!(said("root=LABEL=1", fstab), None);
        assert_eq!(said("root=/dev/mapper/vg-root", fstab), None);
        assert_eq!(said("root=UUID=1", None), None);
        assert_eq!(
            said("quiet -- root=UUID=1", fstab),
            Some(Topic::RootMissing)
        );
        assert_eq!(said("$kernelopts", fstab), None);
        assert_eq!(said("root=/dev/nvme0n1p2", None), Some(Topic::RootUnstable));
        assert_eq!(said("root=/dev/md/root", None), None);
        for zfs in [
            "BOOT_IMAGE=/BOOT/ubuntu_2cwpns@/vmlinuz-6.2.0-33-generic root=ZFS=rpool/ROOT/ubuntu_2cwpns ro quiet splash",
            "root=zfs:rpool/ROOT/debian ro",
            "root=zfs:AUTO ro",
            "boot=zfs bootfs=rpool/ROOT/debian",
        ] {
            assert_eq!(said(zfs, fstab), None, "{zfs}");
        }
        assert_eq!(said("boot=local", fstab), Some(Topic::RootMissing));
    }

    #[test]
    fn the_agent_s_words_are_read_as_the_agent_reads_them() {
        let said = |line| -> Vec<Topic> {
            let found = of_agent("a", line).into_iter();
            found.map(|one| one.topic).collect()
        };
        assert_eq!(said("root=x nvmeroot=on nvmeroot=no"), [Topic::SwitchedOff]);
        assert_eq!(said("nvmeroot=off nvmeroot=on"), []);
        assert_eq!(said("nvmeroot.debug xnvmeroot=off -- nvmeroot=off"), []);
        for typo in ["nvmeroot.deadline=x", "nvmeroot.dedline=9", "nvmeroot=of"] {
            assert_eq!(said(typo), [Topic::BootOption], "{typo}");
        }
    }
}
