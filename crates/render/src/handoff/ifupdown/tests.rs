use nvmeroot_plan::{Dhcp4, Dhcp6};

use super::*;
use crate::ChangeKind;
use crate::testing::{controller, ethernet, initramfs_plan, vlan_on_bond};

/// The paths that are written, with the text of each file, and those that go.
fn files(plan: &BootPlan, renews: bool) -> (Vec<(String, String)>, Vec<String>) {
    let mut set = FileSet::default();
    add(plan, renews, &mut set);
    let (mut there, mut gone) = (Vec::new(), Vec::new());
    for change in &set {
        let path = change.path.to_string();
        match &change.kind {
            ChangeKind::File { mode, bytes } => {
                assert_eq!(*mode, Mode::Config);
                there.push((path, String::from_utf8(bytes.clone()).expect("text")));
            }
            ChangeKind::Symlink { target } => there.push((path, (*target).to_owned())),
            ChangeKind::Absent => gone.push(path),
            ChangeKind::MoveAside { .. } => panic!("`{path}` is somebody's"),
        }
    }
    (there, gone)
}

/// `no-auto-down` in ifupdown 0.8.45's config.c: words of the line, each matched against
/// the physical name.
#[test]
fn every_interface_below_root_is_kept_up() {
    let (there, gone) = files(&vlan_on_bond(), true);
    let [(path, text)] = &there[..] else {
        panic!("{there:?}");
    };
    assert_eq!(path, "etc/network/interfaces.d/nvmeroot");
    assert_eq!(
        text.strip_prefix(HEADER),
        Some("no-auto-down ens3\nno-auto-down ens4\nno-auto-down bond0\nno-auto-down bond0.7\n")
    );
    // ifupdown wants whole lines of comment alone.
    assert!(HEADER.lines().all(|line| line.starts_with('#')));
    assert_eq!(
        gone,
        [
            "etc/systemd/system/multi-user.target.wants/nvmeroot-leases.service",
            "etc/systemd/system/nvmeroot-leases.service",
        ]
    );
}

#[test]
fn a_lease_of_either_kind_is_renewed() {
    let mut four = ethernet("ens3");
    four.dhcp4 = Some(Dhcp4::default());
    let mut six = ethernet("ens3");
    six.dhcp6 = Some(Dhcp6::default());
    for asking in [four, six] {
        let plan = initramfs_plan(vec![asking], vec![controller("10.0.0.9", "4420")]);
        let (there, gone) = files(&plan, true);
        let paths: Vec<_> = there.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "etc/network/interfaces.d/nvmeroot",
                "etc/systemd/system/nvmeroot-leases.service",
                "etc/systemd/system/multi-user.target.wants/nvmeroot-leases.service",
            ]
        );
        let start = "ExecStart=/usr/lib/nvmeroot/nvmeroot-agent leases\n";
        assert!(there[1].1.contains(start), "{}", there[1].1);
        assert_eq!(there[2].1, "../nvmeroot-leases.service");
        assert_eq!(gone, Vec::<String>::new());
        // Another manager is there, and renews them.
        let (there, gone) = files(&plan, false);
        assert_eq!((there.len(), gone.len()), (1, 2));
    }
}

#[test]
fn without_a_way_to_root_old_files_go() {
    let mut plan = vlan_on_bond();
    plan.paths.clear();
    let (there, gone) = files(&plan, true);
    assert_eq!((there.len(), gone.len()), (0, 3));
}
