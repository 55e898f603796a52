//! A root tree that has nvmeroot's package.

mod common;

use std::path::{Path, PathBuf};

use common::{ProgramOutput, furnish, run, stand_in, write};
use nvmeroot_render::{AGENT_PATH, ChangeKind, package_files, package_sign};

const PLAN: &str = "etc/nvmeroot/plan.json";
const OWN_HOOK: &str = "etc/initramfs-tools/hooks/nvmeroot";

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(common::work());
        let input = include_bytes!("golden/initramfs_static/input/curtin.yaml");
        write(&tree.0.path().join("curtin.yaml"), input, 0o644);
        write(&tree.0.path().join("agent"), &stand_in(), 0o755);
        furnish(&tree.path(""));
        tree
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join("root").join(file)
    }

    fn install(&self) {
        for change in &package_files().expect("files") {
            let ChangeKind::File { mode, bytes } = &change.kind else {
                panic!("{}", change.path);
            };
            write(&self.path(change.path.as_str()), bytes, mode.bits());
        }
        write(&self.path(AGENT_PATH), &stand_in(), 0o755);
    }

    fn configure(&self, more: &[&str]) -> ProgramOutput {
        let mut command = common::nvmeroot();
        run(command
            .current_dir(self.0.path())
            .args(["configure", "--curtin", "curtin.yaml", "--root", "root"])
            .args(more))
    }
}

#[test]
fn the_plan_is_all_that_is_written_of_the_runtime() {
    for generator in ["initramfs-tools", "dracut"] {
        let tree = Tree::new();
        tree.install();
        let said = tree.configure(&["--initramfs", generator]);
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        let line = "\nagent: of the package `nvmeroot` in the root tree\n";
        assert!(said.stdout.contains(line), "{}", said.stdout);
        assert!(tree.path(PLAN).exists());
        assert!(!tree.path(OWN_HOOK).exists());
        for change in &package_files().expect("files") {
            let path = change.path.as_str();
            assert!(tree.path(path).exists(), "{path}");
            assert!(!said.stdout.contains(path), "{}", said.stdout);
        }
        assert!(!said.stdout.contains(AGENT_PATH), "{}", said.stdout);
    }
}

#[test]
fn what_was_written_without_the_package_goes() {
    let tree = Tree::new();
    let said = tree.configure(&["--agent", "agent"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(tree.path(OWN_HOOK).exists());
    tree.install();
    let said = tree.configure(&[]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let line = format!("  removed: {OWN_HOOK}  (the package `nvmeroot` has brought it)\n");
    assert!(said.stdout.contains(&line), "{}", said.stdout);
    assert!(!tree.path(OWN_HOOK).exists());
}

/// What the package has put in nvmeroot's own places since is its own: neither an edit
/// nor taken away.
#[test]
fn a_revert_leaves_what_the_package_brought() {
    for generator in ["initramfs-tools", "dracut"] {
        for again in [false, true] {
            let tree = Tree::new();
            let said = tree.configure(&["--agent", "agent", "--initramfs", generator]);
            assert_eq!(said.status, Some(0), "{}", said.stderr);
            tree.install();
            if again {
                let said = tree.configure(&["--initramfs", generator]);
                assert_eq!(said.status, Some(0), "{}", said.stderr);
            }
            let mut revert = common::nvmeroot();
            revert.args(["revert", "--root", "root"]);
            let said = run(revert.current_dir(tree.0.path()));
            assert_eq!(said.status, Some(0), "{generator}: {}", said.stderr);
            for gone in [PLAN, OWN_HOOK, "var/lib/nvmeroot"] {
                assert!(!tree.path(gone).exists(), "{generator}: {gone}");
            }
            for change in &package_files().expect("files") {
                let ChangeKind::File { bytes, .. } = &change.kind else {
                    panic!("{}", change.path);
                };
                let path = tree.path(change.path.as_str());
                let found = std::fs::read(&path).expect("the package's file");
                assert!(found == *bytes, "{}", change.path);
            }
            assert!(tree.path(AGENT_PATH).exists());
        }
    }
}

/// Nothing of the generator's own directories changes then, and the image holds the agent
/// and the plan all the same.
#[test]
fn what_comes_next_is_told_where_the_package_has_the_hook() {
    let golden = |name: &str| {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let input = golden.join(name).join("input/curtin.yaml");
        input.into_os_string().into_string().expect("a text")
    };
    let (local, userspace) = (golden("local"), golden("userspace"));
    for back in [
        &["revert"][..],
        &["configure", "--curtin", &local],
        &["configure", "--curtin", &userspace],
    ] {
        let tree = Tree::new();
        tree.install();
        let said = tree.configure(&[]);
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        let mut command = common::nvmeroot();
        command.args(back).args(["--root", "root"]);
        let said = run(command.current_dir(tree.0.path()));
        assert_eq!(said.status, Some(0), "{back:?}: {}", said.stderr);
        assert!(!tree.path(PLAN).exists());
        let next = "\nnext: chroot root update-initramfs -u -k all\n";
        assert!(said.stdout.ends_with(next), "{back:?}: {}", said.stdout);
    }
}

#[test]
fn a_package_of_another_version_is_refused() {
    let tree = Tree::new();
    tree.install();
    let sign = package_sign().expect("a path");
    write(&tree.path(sign.as_str()), b"#!/bin/sh\n", 0o755);
    let said = tree.configure(&[]);
    assert_eq!(said.status, Some(1));
    let expected = format!(
        "error: the root tree has the package `nvmeroot`, but its file `{sign}` is not as this version of nvmeroot has it\n"
    );
    assert!(said.stderr.contains(&expected), "{}", said.stderr);
    assert!(!tree.path(PLAN).exists());
}

#[test]
fn another_agent_does_not_go_with_the_package() {
    let tree = Tree::new();
    tree.install();
    let said = tree.configure(&["--agent", "agent"]);
    assert_eq!(said.status, Some(2));
    let expected = "the root tree has the package `nvmeroot`, whose agent is used\n";
    assert!(said.stderr.contains(expected), "{}", said.stderr);
}
