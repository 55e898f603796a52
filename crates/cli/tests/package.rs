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
    // It does not say that the tree would not boot: it was not looked at.
    let mut check = common::nvmeroot();
    check.args(["check", "--curtin", "curtin.yaml", "--root", "root"]);
    let said = run(check.current_dir(tree.0.path()));
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains(&expected), "{}", said.stderr);
}

/// A page of the package's leads to pages that are in it, too.
#[test]
fn the_package_s_pages_have_the_pages_that_they_name() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut shipped = std::collections::BTreeMap::new();
    let lists = [
        (include_str!("../../../debian/nvmeroot.install"), ""),
        (
            include_str!("../../../debian/nvmeroot.examples"),
            "usr/share/doc/nvmeroot/examples",
        ),
    ];
    for (list, place) in lists {
        for line in list.lines() {
            let (from, to) = line.split_once(' ').unwrap_or((line, place));
            let name = Path::new(from).file_name().expect("a name");
            let mut open = vec![(repository.join(from), Path::new(to).join(name))];
            while let Some((from, to)) = open.pop() {
                if let Ok(entries) = std::fs::read_dir(&from) {
                    let paths = entries.map(|entry| entry.expect("an entry").path());
                    open.extend(paths.map(|path| {
                        let to = to.join(path.file_name().expect("a name"));
                        (path, to)
                    }));
                } else {
                    shipped.insert(to, from);
                }
            }
        }
    }
    let guide = Path::new("usr/share/doc/nvmeroot/docs/guide/README.md");
    assert!(shipped.contains_key(guide), "{:?}", shipped.keys());
    for (place, from) in shipped
        .iter()
        .filter(|(place, _)| place.extension().is_some_and(|end| end == "md"))
    {
        let text = std::fs::read_to_string(from).expect("a page");
        for link in text.split("](").skip(1) {
            let link = link.split([')', '#']).next().unwrap_or_default();
            if link.is_empty() || link.contains("://") {
                continue;
            }
            let mut to = place.parent().expect("a directory").to_path_buf();
            for part in link.split('/') {
                match part {
                    ".." => assert!(to.pop()),
                    part => to.push(part),
                }
            }
            assert!(shipped.contains_key(&to), "{}: {link}", place.display());
        }
    }
}

/// The image holds what was taken back, also where the package was removed long ago.
#[test]
fn a_purge_has_the_initramfs_made_anew() {
    let work = common::work();
    let at = |name: &str| work.path().join(name);
    let script = include_str!("../../../debian/nvmeroot.postrm");
    let lib = at("lib").display().to_string();
    let script = script.replace("/usr/lib", &lib).replace("/var/lib", &lib);
    let log = at("log").display().to_string();
    let program = |name: &str| format!("#!/bin/sh\necho {name} \"$@\" >>{log}\n");
    for (place, name) in [
        ("bin/dpkg-trigger", "trigger"),
        ("lib/nvmeroot.revert", "nvmeroot"),
    ] {
        write(&at(place), program(name).as_bytes(), 0o755);
    }
    let path = std::env::var("PATH").expect("a path");
    let path = format!("{}:{path}", at("bin").display());
    for story in ["remove", "purge", "purge"] {
        let mut sh = std::process::Command::new("sh");
        let said = run(sh.args(["-c", &script, "postrm", story]).env("PATH", &path));
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    }
    // Once: the second purge finds nothing to take back.
    assert_eq!(
        std::fs::read_to_string(at("log")).expect("a log"),
        "nvmeroot revert --root / --force\ntrigger --no-await update-initramfs\n"
    );
    let left = std::fs::read_dir(at("lib")).expect("a directory");
    assert_eq!(left.count(), 0);
}

/// What dpkg would run, of this tree instead of the machine, and with the mounts that a
/// stand-in for findmnt(8) tells.
fn maintainer_script(tree: &Tree, name: &str, how: &str, mounts: &str) -> ProgramOutput {
    let debian = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../debian");
    let text = std::fs::read_to_string(debian.join(name)).expect("a script");
    let root = tree.path("");
    let root = root.to_str().expect("a text").trim_end_matches('/');
    let mut text = text.replace("--root / ", &format!("--root {root} "));
    for place in [
        "/etc/",
        "/sys/block/",
        "/usr/lib/",
        "/usr/sbin/",
        "/var/lib/",
    ] {
        text = text.replace(place, &format!("{root}{place}"));
    }
    let bin = tree.0.path().join("bin");
    write(
        &bin.join("findmnt"),
        format!("#!/bin/sh\nprintf '{mounts}'\n").as_bytes(),
        0o755,
    );
    write(
        &bin.join("lsblk"),
        b"#!/bin/sh\nfor last; do :; done\necho ${last#/dev/}\n",
        0o755,
    );
    write(
        &tree.path("sys/block/nvme0n1/device/transport"),
        b"tcp\n",
        0o644,
    );
    let path = std::env::var("PATH").expect("a path");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &text, name, how]);
    run(command
        .env("PATH", format!("{}:{path}", bin.display()))
        .env_remove("NVMEROOT_REMOVE"))
}

/// Also where the record is moved away, which is what it says when it can't be read.
#[test]
fn a_purge_takes_back_what_has_no_record() {
    let tree = Tree::new();
    tree.install();
    let program = tree.path("usr/sbin/nvmeroot");
    std::fs::copy(common::nvmeroot().get_program(), &program).expect("a copy");
    let said = tree.configure(&[]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    std::fs::rename(tree.path("var/lib/nvmeroot"), tree.0.path().join("moved")).expect("moved");
    let said = maintainer_script(&tree, "nvmeroot.prerm", "remove", "/ /dev/vda1\\n");
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    std::fs::remove_file(program).expect("the program goes");
    std::fs::remove_file(tree.path(AGENT_PATH)).expect("the agent goes");
    let said = maintainer_script(&tree, "nvmeroot.postrm", "purge", "");
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    for gone in [PLAN, "var/lib/nvmeroot", "var/lib/nvmeroot.revert"] {
        assert!(!tree.path(gone).exists(), "{gone}");
    }
}

/// The machine may boot by what somebody has brought since.
#[test]
fn a_purge_leaves_what_was_configured_without_the_package() {
    let tree = Tree::new();
    tree.install();
    let program = tree.path("usr/sbin/nvmeroot");
    std::fs::copy(common::nvmeroot().get_program(), &program).expect("a copy");
    assert_eq!(tree.configure(&[]).status, Some(0));
    let said = maintainer_script(&tree, "nvmeroot.prerm", "remove", "/ /dev/vda1\\n");
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    // The agent that is there is not the package's any more.
    let said = maintainer_script(&tree, "nvmeroot.postrm", "purge", "");
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let stays = "nvmeroot: what was configured without the package stays, ";
    assert!(said.stderr.starts_with(stays), "{}", said.stderr);
    assert!(tree.path(PLAN).exists());
    assert!(!tree.path("var/lib/nvmeroot.revert").exists());
}

/// Nothing is copied where nothing was configured: `/var` may be full.
#[test]
fn a_removal_leaves_nothing_where_nothing_was_configured() {
    let tree = Tree::new();
    tree.install();
    let said = maintainer_script(&tree, "nvmeroot.prerm", "remove", "/ /dev/vda1\\n");
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(!tree.path("var/lib/nvmeroot.revert").exists());
}

#[test]
fn a_removal_is_refused_by_the_name_of_what_is_remote() {
    let tree = Tree::new();
    write(&tree.path(PLAN), b"{}", 0o600);
    write(&tree.path("usr/sbin/nvmeroot"), b"", 0o755);
    std::fs::create_dir_all(tree.path("var/lib")).expect("a directory");
    for (mounts, remote) in [
        ("/ /dev/nvme0n1\\n", Some("/")),
        ("/ /dev/vda1\\n/var/log /dev/nvme0n1\\n", Some("/var/log")),
        ("/ /dev/vda1\\n/srv /dev/nvme0n1\\n", None),
    ] {
        let said = maintainer_script(&tree, "nvmeroot.prerm", "remove", mounts);
        let Some(remote) = remote else {
            assert_eq!(said.status, Some(0), "{}", said.stderr);
            continue;
        };
        assert_eq!(said.status, Some(1), "{}", said.stderr);
        let message = format!(
            "nvmeroot: not removed: `{remote}` is on a remote drive, and without this package the machine would not boot\nhint: "
        );
        assert!(said.stderr.starts_with(&message), "{}", said.stderr);
    }
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
