//! Which network managers the files are for, and what is said of it.

mod common;

use common::{ProgramOutput, furnish, run, stand_in, write};

const OF_NETWORK_MANAGER: &str = "etc/NetworkManager/conf.d/nvmeroot.conf";
const ENABLED: &str = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service";

/// A tree, and an input whose root is reached over `ens3`.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(common::work());
        let path = |name: &str| tree.0.path().join(name);
        let input = include_bytes!("golden/initramfs_static/input/curtin.yaml");
        write(&path("curtin.yaml"), input, 0o644);
        write(&path("agent"), &stand_in(), 0o755);
        furnish(&path("root"));
        for (file, text) in files {
            tree.put(file, text);
        }
        tree
    }

    fn put(&self, file: &str, text: &str) {
        let path = self.0.path().join("root").join(file);
        write(&path, text.as_bytes(), 0o644);
    }

    fn text(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.0.path().join("root").join(file)).ok()
    }

    fn configure(&self) -> ProgramOutput {
        let mut command = common::nvmeroot();
        let said = run(command
            .current_dir(self.0.path())
            .args(["configure", "--curtin", "curtin.yaml", "--root", "root"])
            .args(["--agent", "agent"]));
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        said
    }
}

/// Nobody would read it.
#[test]
fn netplan_s_file_is_for_trees_that_may_have_netplan() {
    const HAND_OFF: &str = "etc/netplan/99-nvmeroot.yaml";
    let ifupdown = ("usr/lib/ifupdown/wait-online.sh", "");
    for (files, is_written) in [
        (&[][..], true),
        (&[ifupdown], false),
        (&[(ENABLED, "")], false),
        (&[ifupdown, ("usr/sbin/netplan", "")], true),
        (
            &[ifupdown, ("etc/netplan/50-a.yaml", "network: {}\n")],
            true,
        ),
    ] {
        let tree = Tree::new(files);
        for _ in 0..2 {
            tree.configure();
            assert_eq!(tree.text(HAND_OFF).is_some(), is_written, "{files:?}");
        }
    }
    // It goes with netplan.
    let tree = Tree::new(&[ifupdown, ("usr/sbin/netplan", "")]);
    tree.configure();
    std::fs::remove_file(tree.0.path().join("root/usr/sbin/netplan")).expect("a file");
    let said = tree.configure();
    let line = format!("  removed: {HAND_OFF}  (netplan is not there (any more))\n");
    assert!(said.stdout.contains(&line), "{}", said.stdout);
}

#[test]
fn network_manager_gets_its_settings_and_loses_them_with_the_program() {
    let tree = Tree::new(&[("usr/sbin/NetworkManager", "")]);
    let said = tree.configure();
    assert!(
        said.stdout
            .contains("\nnetwork: taken over by NetworkManager\n"),
        "{}",
        said.stdout
    );
    let settings = tree.text(OF_NETWORK_MANAGER).expect("a file");
    assert!(
        settings.contains("match-device=interface-name:=ens3\n"),
        "{settings}"
    );
    std::fs::remove_file(tree.0.path().join("root/usr/sbin/NetworkManager")).expect("a file");
    let said = tree.configure();
    assert!(
        said.stdout
            .contains("removed: etc/NetworkManager/conf.d/nvmeroot.conf"),
        "{}",
        said.stdout
    );
    assert_eq!(tree.text(OF_NETWORK_MANAGER), None);
}

#[test]
fn the_file_of_networkds_own_that_counts_gets_a_drop_in() {
    let wired = "[Match]\nName=en*\n[Network]\nDHCP=yes\n";
    let tree = Tree::new(&[
        (ENABLED, ""),
        ("etc/systemd/network/05-wifi.network", "[Match]\nName=wl*\n"),
        ("etc/systemd/network/20-wired.network", wired),
        ("etc/systemd/network/30-late.network", wired),
        // The one of the same name that an administrator can edit counts.
        ("usr/lib/systemd/network/05-wifi.network", wired),
        ("usr/lib/systemd/network/10-masked.network", ""),
    ]);
    let said = tree.configure();
    let drop_ins: Vec<&str> = said
        .stdout
        .lines()
        .filter(|line| line.contains(".network.d/nvmeroot.conf"))
        .collect();
    let [one] = drop_ins.as_slice() else {
        panic!("{drop_ins:?}");
    };
    assert!(one.contains("20-wired.network.d"), "{one}");
    let path = "etc/systemd/network/20-wired.network.d/nvmeroot.conf";
    let text = tree.text(path).expect("a file");
    assert!(text.contains("KeepConfiguration=yes\n"), "{text}");

    // Another file is the first now.
    tree.put("etc/systemd/network/15-first.network", wired);
    tree.configure();
    assert_eq!(tree.text(path), None);
    let path = "etc/systemd/network/15-first.network.d/nvmeroot.conf";
    assert!(tree.text(path).is_some());
}

#[test]
fn files_of_a_networkd_that_nobody_starts_are_left_alone() {
    let wired = "[Match]\nName=en*\n";
    let tree = Tree::new(&[("etc/systemd/network/20-wired.network", wired)]);
    let said = tree.configure();
    assert!(!said.stdout.contains("20-wired"), "{}", said.stdout);
    assert!(!said.stdout.contains("network:"), "{}", said.stdout);
}
