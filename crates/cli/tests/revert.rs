//! `nvmeroot revert`: after any `configure`s the root tree is what it was before the
//! first of them, and what somebody has edited since is never lost.

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use common::{ProgramOutput, furnish, nvmeroot, stand_in, write};

/// Everything of a path that must be as it was: kind, mode, owner, links, bytes, and of a
/// file the time of its last change.
fn snapshot(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for (path, entry) in common::tree(top) {
        let meta = top.join(&path).symlink_metadata().expect("metadata");
        let owner = (meta.uid(), meta.gid());
        let links = if meta.is_dir() { 0 } else { meta.nlink() };
        found.insert(path, format!("{owner:?} {links} {entry:?}"));
    }
    found
}

struct Scene {
    work: tempfile::TempDir,
}

/// One `configure`: the golden directory with its input, and what else is said.
type Configure = (&'static str, &'static [&'static str]);

const AGENT: &[&str] = &["--agent", "agent"];
const SCRIPTS: &[&str] = &["--runtime", "scripts"];
const HOOK: &str = "etc/initramfs-tools/hooks/nvmeroot";

/// Inputs of every reach, runtime and generator.
const ALL: &[Configure] = &[
    ("local", AGENT),
    ("userspace", AGENT),
    ("initramfs_static", SCRIPTS),
    ("initramfs_dhcp", SCRIPTS),
    ("initramfs_vlan_on_bond", SCRIPTS),
    ("agent_dhcp", AGENT),
    ("agent_vlan_on_bond", AGENT),
    ("agent_dhcp", &["--agent", "agent", "--initramfs", "dracut"]),
    ("agent_firmware", AGENT),
];

impl Scene {
    /// A tree with files of the administrator's in places that nvmeroot wants.
    fn new() -> Self {
        let work = common::work();
        let root = work.path().join("root");
        furnish(&root);
        write(&work.path().join("agent"), &stand_in(), 0o755);
        write(&root.join("etc/stas/stafd.conf"), b"# my own\n", 0o640);
        write(
            &root.join("etc/initramfs-tools/hooks/nvmeroot"),
            b"#!/bin/sh\n# not nvmeroot's\n",
            0o750,
        );
        std::fs::create_dir_all(root.join("etc/netplan")).expect("a directory");
        symlink("elsewhere", root.join("etc/netplan/99-nvmeroot.yaml")).expect("a link");
        write(&root.join("var/lib/dpkg/status"), b"", 0o644);
        // Two names of one file stay two.
        std::fs::create_dir_all(root.join("etc/curtin-nvme-over-tcp")).expect("a directory");
        let own = root.join("etc/curtin-nvme-over-tcp/network-up");
        std::fs::hard_link(root.join("etc/stas/stafd.conf"), own).expect("a link");
        let _ = std::os::unix::fs::lchown(
            root.join("etc/netplan/99-nvmeroot.yaml"),
            Some(12345),
            Some(54321),
        );
        Self { work }
    }

    fn root(&self) -> PathBuf {
        self.work.path().join("root")
    }

    fn run(&self, arguments: &[&str]) -> ProgramOutput {
        let mut command = nvmeroot();
        command.args(arguments).args(["--root", "root"]);
        common::run(command.current_dir(self.work.path()))
    }

    fn configure(&self, (golden, how): Configure, more: &[&str]) -> ProgramOutput {
        let input = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(golden)
            .join("input/curtin.yaml");
        let input = input.to_str().expect("a text");
        self.run(&[&["configure", "--curtin", input], how, more].concat())
    }

    fn configured(&self, what: Configure) -> ProgramOutput {
        let said = self.configure(what, &[]);
        assert_eq!(said.status, Some(0), "{what:?}: {}", said.stderr);
        said
    }

    fn reverted(&self) -> ProgramOutput {
        let said = self.run(&["revert"]);
        // Of an initramfs without nvmeroot it is told what that means.
        let note = match said.stdout.contains("\nnext: ") {
            true => {
                "note: once the initramfs is regenerated this machine boots without nvmeroot: root must be on a local drive by then\n"
            }
            false => "",
        };
        assert_eq!(
            (said.status, &*said.stderr),
            (Some(0), note),
            "{}",
            said.stdout
        );
        said
    }
}

#[test]
fn two_configurations_and_a_revert_change_nothing() {
    for one in ALL {
        for other in ALL {
            let scene = Scene::new();
            let before = snapshot(&scene.root());
            scene.configured(*one);
            scene.configured(*other);
            let dry = scene.run(&["revert", "--dry-run"]);
            let said = scene.reverted();
            let what = format!("{one:?}, {other:?}: {}", said.stdout);
            assert_eq!(snapshot(&scene.root()), before, "{what}");
            let done = dry.stdout.replace("would be ", "");
            let told = said
                .stdout
                .lines()
                .filter(|line| !line.starts_with("next: "));
            let told: String = told.map(|line| format!("{line}\n")).collect();
            assert_eq!(done, told, "{what}");
        }
    }
}

/// What nvmeroot does not need any more is as before even without a revert.
#[test]
fn another_reach_or_runtime_leaves_nothing_of_the_former() {
    for one in ALL {
        for other in ALL {
            let (both, alone) = (Scene::new(), Scene::new());
            both.configured(*one);
            both.configured(*other);
            alone.configured(*other);
            let files = |scene: &Scene| -> BTreeMap<PathBuf, String> {
                let all = snapshot(&scene.root()).into_iter();
                let all = all.filter(|(path, _)| {
                    let is_state = path.starts_with("var/lib/nvmeroot");
                    !is_state && !scene.root().join(path).is_dir()
                });
                // When it was written is another time in each.
                all.map(|(path, what)| {
                    let what = what.split(", changed: ").next().unwrap_or_default();
                    (path, what.to_owned())
                })
                .collect()
            };
            assert_eq!(files(&both), files(&alone), "{one:?}, {other:?}");
        }
    }
}

#[test]
fn a_revert_says_what_it_did_and_what_comes_next() {
    let scene = Scene::new();
    scene.configured(("userspace", AGENT));
    let said = scene.reverted();
    assert_eq!(
        said.stdout,
        "  removed: etc/stas/.stafd.conf.bak  (it is in its own place again)\n  \
           put back: etc/stas/stafd.conf  (as it was before nvmeroot)\n  \
           removed: etc/stas/stafd-curtin.conf  (nvmeroot had put it there)\n"
    );
    scene.configured(("agent_dhcp", AGENT));
    let said = scene.reverted();
    for line in [
        "  put back: etc/initramfs-tools/hooks/nvmeroot  (as it was before nvmeroot)\n",
        "  removed: etc/nvmeroot/plan.json  (nvmeroot had put it there)\n",
        "  removed: etc/nvmeroot/  (nvmeroot had made it, and nothing else is in it)\n",
        "next: chroot root update-initramfs -u -k all\n",
    ] {
        assert!(said.stdout.contains(line), "{line}: {}", said.stdout);
    }
    let said = scene.reverted();
    assert_eq!(
        said.stdout,
        "nothing to revert: nvmeroot has changed nothing in this root tree\n"
    );
    let json = scene.run(&["revert", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["was_configured"], false);
    assert_eq!(json["warnings"], serde_json::json!([]));
    assert_eq!(json["files"], serde_json::json!([]));
}

/// Files that nvmeroot never wrote, in directories that it made, too.
#[test]
fn what_others_do_meanwhile_stays() {
    let scene = Scene::new();
    let before = snapshot(&scene.root());
    scene.configured(("agent_dhcp", AGENT));
    let own = scene.root().join("etc/nvmeroot/notes");
    write(&own, b"mine", 0o600);
    write(
        &scene.root().join("var/lib/dpkg/status"),
        b"Package: a\n",
        0o644,
    );
    // A package that brings the agent has it from now on.
    let sign = nvmeroot_render::package_sign().expect("a path").to_string();
    write(&scene.root().join(&sign), b"a hook", 0o755);
    let said = scene.reverted();
    assert!(!said.stdout.contains("usr/lib/nvmeroot"), "{}", said.stdout);
    let mut after = snapshot(&scene.root());
    after.retain(|path, _| {
        !Path::new(&sign)
            .ancestors()
            .skip(1)
            .any(|above| above == path)
            || before.contains_key(path)
    });
    for path in [
        "etc/nvmeroot",
        "etc/nvmeroot/notes",
        "usr/lib/nvmeroot",
        "usr/lib/nvmeroot/nvmeroot-agent",
        &sign,
    ] {
        assert!(after.remove(Path::new(path)).is_some(), "{path}");
    }
    let status = Path::new("var/lib/dpkg/status");
    assert_ne!(after.remove(status), before.get(status).cloned());
    let mut before = before;
    before.remove(status);
    assert_eq!(after, before);
}

/// An edit is shown, refused, and with `--force` kept.
#[test]
fn an_edited_file_is_never_lost() {
    let hook = "etc/initramfs-tools/hooks/nvmeroot";
    for (command, expected) in [
        (
            &["revert"][..],
            "error: `etc/initramfs-tools/hooks/nvmeroot` was edited since nvmeroot wrote it, so nothing was changed\n\
             hint: take over what you need of it; then pass `--force`, which keeps the edited file beside its place, as `.NAME.edited`\n",
        ),
        (&["configure", "--runtime", "agent", "--agent", "agent"], ""),
    ] {
        let scene = Scene::new();
        let before = snapshot(&scene.root());
        scene.configured(("agent_dhcp", AGENT));
        let ours = std::fs::read_to_string(scene.root().join(hook)).expect("a file");
        let edited = ours.replace("PREREQ=\"udev\"", "PREREQ=\"\"") + "echo 'mine'\n";
        write(&scene.root().join(hook), edited.as_bytes(), 0o755);
        let configured = snapshot(&scene.root());
        let run = |more: &[&str]| match command[0] {
            "revert" => scene.run(&[command, more].concat()),
            _ => scene.configure(("agent_dhcp", AGENT), more),
        };
        for more in [&["--dry-run"][..], &[]] {
            let said = run(more);
            assert_eq!(said.status, Some(1), "{}", said.stdout);
            if expected.is_empty() {
                let difference = "error: `etc/initramfs-tools/hooks/nvmeroot` was edited since nvmeroot wrote it, so nothing was changed\n\
                    --- as it is\n+++ as `nvmeroot configure` would write it\n";
                assert!(said.stderr.starts_with(difference), "{}", said.stderr);
                for line in [
                    "\n-PREREQ=\"\"\n+PREREQ=\"udev\"\n",
                    "\n-echo 'mine'\nhint: ",
                ] {
                    assert!(said.stderr.contains(line), "{line}: {}", said.stderr);
                }
            } else {
                assert_eq!(said.stderr, expected);
            }
            assert_eq!(snapshot(&scene.root()), configured);
        }
        let said = run(&["--force"]);
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        let kept = "etc/initramfs-tools/hooks/.nvmeroot.edited";
        assert!(
            said.stdout
                .contains(&format!("the edited file kept as {kept}")),
            "{}",
            said.stdout
        );
        let found = std::fs::read_to_string(scene.root().join(kept)).expect("a file");
        assert_eq!(found, edited);
        if command[0] != "revert" {
            let again = std::fs::read_to_string(scene.root().join(hook)).expect("a file");
            assert_eq!(again, ours);
            scene.reverted();
        }
        let mut after = snapshot(&scene.root());
        after.remove(Path::new(kept));
        assert_eq!(after, before);
    }
}

/// Whatever somebody wrote into it, no message shows the plan.
#[test]
fn an_edited_plan_is_named_and_not_shown() {
    let scene = Scene::new();
    scene.configured(("agent_dhcp", AGENT));
    for path in ["etc/nvmeroot/plan.json", "etc/netplan/99-nvmeroot.yaml"] {
        let place = scene.root().join(path);
        let ours = std::fs::read(&place).expect("a file");
        write(&place, b"a word that nobody may see\n", 0o600);
        let said = scene.configure(("agent_dhcp", AGENT), &[]);
        assert_eq!(said.status, Some(1), "{}", said.stdout);
        assert!(
            said.stderr.contains(&format!(
                "`{path}` was edited since nvmeroot wrote it, so nothing was changed\nhint: "
            )),
            "{}",
            said.stderr
        );
        assert!(!said.stderr.contains("nobody may see"), "{}", said.stderr);
        write(&place, &ours, 0o600);
    }
    scene.reverted();
}

/// A tree that was configured before there was a record of it: what says that nvmeroot
/// wrote it is taken over, and nothing else.
#[test]
fn a_tree_of_an_earlier_version_is_taken_over() {
    for what in ALL.iter().filter(|what| what.0 != "local") {
        let scene = Scene::new();
        for path in [
            "etc/initramfs-tools/hooks/nvmeroot",
            "etc/netplan/99-nvmeroot.yaml",
        ] {
            std::fs::remove_file(scene.root().join(path)).expect("a file");
        }
        std::fs::remove_dir_all(scene.root().join("etc/curtin-nvme-over-tcp"))
            .expect("a directory");
        let before = snapshot(&scene.root());
        scene.configured(*what);
        std::fs::remove_dir_all(scene.root().join("var/lib/nvmeroot")).expect("a directory");
        if what.0 != "userspace" {
            let said = scene.run(&["revert"]);
            assert_eq!(said.status, Some(1), "{what:?}");
            let message = "error: the root tree has files of nvmeroot's, and there is no record (any more) of what was there before: `";
            assert!(said.stderr.starts_with(message), "{}", said.stderr);
        }
        let said = scene.configured(*what);
        assert!(!said.stdout.contains("created: "), "{}", said.stdout);
        scene.reverted();
        let mut after = snapshot(&scene.root());
        after.retain(|path, _| !path.starts_with("usr/lib/nvmeroot"));
        // Directories that others may have made stay.
        after.retain(|path, what| before.contains_key(path) || !what.contains("Directory"));
        let mut before = before;
        let links = |what: &str| what.replacen(") 2 ", ") 1 ", 1);
        for what in before.values_mut().chain(after.values_mut()) {
            *what = links(what);
        }
        assert_eq!(after, before, "{what:?}");
    }
}

/// The same without anything remote any more: `configure` takes it away.
#[test]
fn what_an_earlier_version_left_is_taken_away() {
    let scene = Scene::new();
    scene.configured(("agent_dhcp", AGENT));
    std::fs::remove_dir_all(scene.root().join("var/lib/nvmeroot")).expect("a directory");
    let mut hook = std::fs::read(scene.root().join(HOOK)).expect("a file");
    hook.extend(b"echo 'mine'\n");
    write(&scene.root().join(HOOK), &hook, 0o755);
    let said = scene.configured(("local", AGENT));
    assert!(
        said.stdout.contains(
            "  removed: etc/nvmeroot/plan.json, the edited file kept as etc/nvmeroot/.plan.json.edited  (nothing is needed in the initramfs (any more))\n"
        ),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout
            .ends_with("next: chroot root update-initramfs -u -k all\n"),
        "{}",
        said.stdout
    );
    for path in ["etc/nvmeroot/plan.json", HOOK, "var/lib/nvmeroot"] {
        assert!(!scene.root().join(path).exists(), "{path}");
    }
    // Nobody knows whether somebody has edited it.
    let aside = "etc/initramfs-tools/hooks/.nvmeroot.edited";
    let aside = std::fs::read(scene.root().join(aside)).expect("a file");
    assert!(aside == hook);
}

#[test]
fn a_record_that_can_t_be_read_is_refused() {
    for (text, why) in [
        ("{", "EOF while parsing an object at line 1 column 1"),
        ("{\"version\": 7}", "it has version 7, this program reads 1"),
    ] {
        let scene = Scene::new();
        scene.configured(("agent_dhcp", AGENT));
        let manifest = scene.root().join("var/lib/nvmeroot/manifest.json");
        assert_eq!(
            manifest.metadata().expect("a file").permissions().mode() & 0o7777,
            0o600
        );
        std::fs::write(&manifest, text).expect("a file");
        let before = snapshot(&scene.root());
        for said in [
            scene.run(&["revert"]),
            scene.configure(("agent_dhcp", AGENT), &[]),
            scene.configure(("agent_dhcp", AGENT), &["--dry-run"]),
        ] {
            let message = format!(
                "error: can't read nvmeroot's record of this root tree, `var/lib/nvmeroot/manifest.json`: {why}\nhint: "
            );
            assert!(said.stderr.starts_with(&message), "{}", said.stderr);
            assert_eq!(said.status, Some(1));
        }
        assert_eq!(snapshot(&scene.root()), before);
    }
}

/// The way that the message names, also for a package that is being purged: what it runs
/// is `revert --force`.
#[test]
fn a_record_that_is_lost_leaves_a_way_out() {
    let hook = "etc/initramfs-tools/hooks/nvmeroot";
    for is_gone in [true, false] {
        let scene = Scene::new();
        let before = snapshot(&scene.root());
        scene.configured(("agent_dhcp", AGENT));
        let ours = std::fs::read_to_string(scene.root().join(hook)).expect("a file");
        let edited = ours + "echo 'mine'\n";
        write(&scene.root().join(hook), edited.as_bytes(), 0o755);
        let manifest = scene.root().join("var/lib/nvmeroot/manifest.json");
        match is_gone {
            true => std::fs::remove_file(&manifest).expect("a file"),
            false => write(&manifest, b"{", 0o600),
        }
        let said = scene.run(&["revert", "--force"]);
        assert_eq!(said.status, Some(1), "{}", said.stdout);
        let hint = "\nhint: restore the file from a backup; without one, move `var/lib/nvmeroot` away: then `nvmeroot revert --force`, or the purge again, moves nvmeroot's files aside, and what was there before is yours to put back from what you moved\n";
        assert!(said.stderr.ends_with(hint), "{}", said.stderr);
        let moved = scene.work.path().join("moved");
        std::fs::rename(scene.root().join("var/lib/nvmeroot"), &moved).expect("a rename");
        let said = scene.run(&["revert"]);
        assert_eq!(said.status, Some(1), "{}", said.stdout);
        let hint = "\nhint: `--force` moves them aside, as `.NAME.edited`, and what was there before is not known\n";
        assert!(said.stderr.ends_with(hint), "{}", said.stderr);
        let dry = scene.run(&["revert", "--force", "--dry-run"]);
        assert!(
            dry.stdout
                .contains("  would be removed: etc/nvmeroot/plan.json, the edited file would be kept as etc/nvmeroot/.plan.json.edited  "),
            "{}",
            dry.stdout
        );
        let said = scene.run(&["revert", "--force"]);
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        let line = format!("  removed: {hook}, ");
        assert!(said.stdout.contains(&line), "{}", said.stdout);
        assert!(
            said.stdout
                .contains("\nnext: chroot root update-initramfs ")
        );
        let after = snapshot(&scene.root());
        // The agent's program starts nothing, and directories may be anybody's.
        let new: Vec<_> = after
            .iter()
            .filter(|(path, what)| !before.contains_key(*path) && !what.contains("Directory"))
            .map(|(path, _)| path.to_str().expect("a text"))
            .filter(|path| !path.ends_with(".edited"))
            .collect();
        assert_eq!(new, ["usr/lib/nvmeroot/nvmeroot-agent"]);
        // Nobody knows whether somebody has edited it.
        let aside = scene
            .root()
            .join("etc/initramfs-tools/hooks/.nvmeroot.edited");
        let aside = std::fs::read_to_string(aside).expect("a file");
        assert!(aside.ends_with("echo 'mine'\n"), "{aside}");
        assert!(!scene.root().join("var/lib/nvmeroot").exists());
        assert!(moved.join("former/0").exists());
    }
}

/// What the killed run did not come to say: that the image is that of before.
#[test]
fn a_revert_that_another_one_finishes_says_what_comes_next() {
    let scene = Scene::new();
    let place = scene.root().join("var/lib/nvmeroot");
    let manifest = r#"{"version":1,"phase":"reverted","entries":[],"directories":[]}"#;
    write(&place.join("manifest.json"), manifest.as_bytes(), 0o600);
    let note = |what: &str| {
        format!(
            "note: an earlier run was interrupted; it had put everything back, and what it left {what} cleared away first\n\
             note: once the initramfs is regenerated this machine boots without nvmeroot: root must be on a local drive by then\n"
        )
    };
    let dry = scene.run(&["revert", "--dry-run"]);
    assert_eq!((dry.status, dry.stderr), (Some(0), note("would be")));
    let said = scene.run(&["revert"]);
    assert_eq!((said.status, said.stderr), (Some(0), note("was")));
    assert_eq!(
        said.stdout,
        "initramfs: initramfs-tools (the root tree has `mkinitramfs` and no `dracut`)\n\
         next: chroot root update-initramfs -u -k all\n"
    );
    assert!(!place.exists());
    write(&place.join("manifest.json"), manifest.as_bytes(), 0o600);
    let said = scene.configured(("local", AGENT));
    let next = "next: chroot root update-initramfs -u -k all\n";
    assert!(said.stdout.ends_with(next), "{}", said.stdout);
}

#[test]
fn what_was_kept_and_is_gone_is_named() {
    let scene = Scene::new();
    scene.configured(("agent_dhcp", AGENT));
    let kept = scene.root().join("var/lib/nvmeroot/former/0");
    let bytes = std::fs::read(&kept).expect("a file");
    std::fs::remove_file(&kept).expect("a file");
    let before = snapshot(&scene.root());
    let said = scene.run(&["revert"]);
    assert_eq!(said.status, Some(1), "{}", said.stdout);
    assert_eq!(
        said.stderr,
        "error: `var/lib/nvmeroot/former/0` in the root tree is gone, where nvmeroot had kept what was `etc/curtin-nvme-over-tcp/network-up` before\n\
         hint: put the file there again from a backup; an empty one will do where none is needed\n"
    );
    assert_eq!(snapshot(&scene.root()), before);
    write(&kept, &bytes, 0o640);
    scene.reverted();
}

/// `/var` is often a filesystem of its own: then what was there is copied, not linked.
#[test]
fn a_var_of_its_own_keeps_copies() {
    let scene = Scene::new();
    let own = scene.root().join("etc/initramfs-tools/hooks/nvmeroot");
    let _ = std::os::unix::fs::chown(&own, Some(12345), Some(54321));
    // Two names of one file become two files.
    let linked = scene.root().join("etc/curtin-nvme-over-tcp/network-up");
    std::fs::remove_file(&linked).expect("a file");
    write(&linked, b"# my own\n", 0o640);
    let mut before = snapshot(&scene.root());
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/agent_dhcp/input/curtin.yaml");
    let script = format!(
        "mount -t tmpfs none root/var && mkdir root/var/lib && \
         \"$0\" configure --curtin {} --root root --agent agent >&2 && \
         stat -c '%F %s %a %u:%g' root/var/lib/nvmeroot/former/* && \
         \"$0\" revert --root root >&2 && ls -A root/var/lib",
        golden.display()
    );
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]);
    command
        .arg(nvmeroot().get_program())
        .current_dir(scene.work.path());
    let said = common::run(&mut command);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert_eq!(
        said.stdout,
        "regular file 9 640 0:0\nsymbolic link 9 777 12345:54321\nregular file 27 750 12345:54321\n",
        "{}",
        said.stderr
    );
    let mut after = snapshot(&scene.root());
    for all in [&mut before, &mut after] {
        all.retain(|path, _| !path.starts_with("var"));
    }
    assert_eq!(after, before);
}

/// Full disk: the tree is as it was, whenever the space ends.
#[test]
fn a_full_disk_leaves_the_tree_as_it_was() {
    let scene = Scene::new();
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/agent_dhcp/input/curtin.yaml");
    let golden = golden.display();
    let script = format!(
        r#"mount -t tmpfs -o size=1m none mnt && cp -a root mnt/ && mkdir before
        state() {{ (cd mnt/root && find . -printf '%p %y %m %U:%G %T@ %l\n' | grep -v ' d ' | sort && find . -type f -exec sha256sum {{}} + | sort); }}
        state > before/state
        configure() {{ "$0" configure --curtin {golden} --root mnt/root --agent agent; }}
        full=0
        for free in 0 4 8 12 16 24 32 40 48 56; do
            dd if=/dev/zero of=mnt/full bs=1k 2> /dev/null
            truncate -s -${{free}}k mnt/full
            if configure > said 2>&1; then
                rm mnt/full
                "$0" revert --root mnt/root > /dev/null || exit 3
            else
                full=$((full + 1))
                grep -q '^error: .*No space left' said || {{ cat said; exit 4; }}
            fi
            state | diff before/state - || {{ cat said; exit 5; }}
            test ! -e mnt/root/var/lib/nvmeroot || exit 6
            rm -f mnt/full
        done
        test $full -ge 3 || exit 7
        configure > /dev/null && dd if=/dev/zero of=mnt/full bs=1k 2> /dev/null
        state > before/configured
        "$0" revert --root mnt/root > said 2>&1 && exit 0
        grep -q '^error: .*No space left' said || {{ cat said; exit 8; }}
        state | diff before/configured - || exit 9
        "#
    );
    std::fs::create_dir(scene.work.path().join("mnt")).expect("a directory");
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "bash", "-c", &script]);
    command
        .arg(nvmeroot().get_program())
        .current_dir(scene.work.path());
    let said = common::run(&mut command);
    assert_eq!(said.status, Some(0), "{}{}", said.stdout, said.stderr);
}

/// A rescue system has the tree mounted so: what would be done can be seen.
#[test]
fn a_dry_run_of_a_revert_only_reads() {
    let scene = Scene::new();
    scene.configured(("agent_dhcp", AGENT));
    let script = "mount --bind root root && mount -o remount,ro,bind root || exit 99; \
                  exec \"$0\" revert --root root --dry-run --format json";
    let mut command = std::process::Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script]);
    command
        .arg(nvmeroot().get_program())
        .current_dir(scene.work.path());
    let said = common::run(&mut command);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let files = json["files"].as_array().expect("files");
    assert!(files.iter().any(|one| one["path"] == HOOK), "{json}");
    let warning = json["warnings"][0]["message"].as_str().expect("a warning");
    assert!(warning.ends_with("is on a filesystem that is mounted read-only"));
    assert!(said.stderr.contains(warning), "{}", said.stderr);
}

/// Protected, mounted, in the way: told before the first change.
#[test]
fn what_can_t_be_reverted_leaves_the_tree_as_it_was() {
    let hook = "etc/initramfs-tools/hooks/nvmeroot";
    let plan = "etc/nvmeroot/plan.json";
    for (prepare, clear, expected) in [
        (
            format!("chattr +i root/{hook}"),
            format!("chattr -i root/{hook}"),
            format!(
                "error: `{hook}` in the root tree is protected from changes (lsattr(1) shows `i`)\nhint: `chattr -i` ends that\n"
            ),
        ),
        (
            "mount --bind root root && mount -o remount,ro,bind root".to_owned(),
            "umount root".to_owned(),
            "error: `etc/netplan` in the root tree is on a filesystem that is mounted read-only\n"
                .to_owned(),
        ),
        (
            format!("mv root/{plan} kept && mkdir root/{plan}"),
            format!("rmdir root/{plan} && mv kept root/{plan}"),
            format!(
                "error: `{plan}` in the root tree is a directory, where a file belongs\nhint: move it away, then run this again\n"
            ),
        ),
    ] {
        let scene = Scene::new();
        scene.configured(("agent_dhcp", AGENT));
        let before = snapshot(&scene.root());
        let script = format!(
            "{prepare} || exit 99; \"$0\" revert --root root; status=$?; {clear}; exit $status"
        );
        let mut command = std::process::Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script]);
        command
            .arg(nvmeroot().get_program())
            .current_dir(scene.work.path());
        let said = common::run(&mut command);
        assert_eq!(
            said.status,
            Some(1),
            "{prepare}: {}{}",
            said.stdout,
            said.stderr
        );
        let first = expected.lines().next().expect("a line");
        if prepare.starts_with("mount") {
            assert!(
                said.stderr.contains("is mounted read-only") || said.stderr.contains("Read-only"),
                "{}",
                said.stderr
            );
        } else {
            assert!(said.stderr.starts_with(first), "{}", said.stderr);
        }
        assert_eq!(snapshot(&scene.root()), before, "{prepare}");
        scene.reverted();
    }
}
