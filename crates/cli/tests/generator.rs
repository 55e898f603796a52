//! Which generator the files are for, and what is said of it.

mod common;

use common::{ProgramOutput, furnish, run, stand_in, write};

const MODULE: &str = "usr/lib/dracut/modules.d/90nvmeroot/module-setup.sh";
const HOOK: &str = "etc/initramfs-tools/hooks/nvmeroot";

/// Runs `configure` on a tree that has these files and no generator else.
fn configure(files: &[&str], more: &[&str]) -> (ProgramOutput, Vec<&'static str>) {
    configure_with(files, &[], more)
}

/// The same with files that hold something.
fn configure_with(
    files: &[&str],
    texts: &[(&str, &str)],
    more: &[&str],
) -> (ProgramOutput, Vec<&'static str>) {
    let work = common::work();
    let path = |name: &str| work.path().join(name);
    let input = include_bytes!("golden/initramfs_static/input/curtin.yaml");
    write(&path("curtin.yaml"), input, 0o644);
    write(&path("agent"), &stand_in(), 0o755);
    let root = path("root");
    furnish(&root);
    for program in ["mkinitramfs", "update-initramfs"] {
        std::fs::remove_file(root.join("usr/sbin").join(program)).expect("a file");
    }
    for file in files {
        write(&root.join(file), b"", 0o755);
    }
    for (file, text) in texts {
        write(&root.join(file), text.as_bytes(), 0o644);
    }
    let mut command = common::nvmeroot();
    command
        .current_dir(work.path())
        .args(["configure", "--curtin", "curtin.yaml", "--root", "root"])
        .args(more);
    if !more.contains(&"scripts") {
        command.args(["--agent", "agent"]);
    }
    let said = run(&mut command);
    let written = |name: &&'static str| root.join(name).exists();
    (said, [MODULE, HOOK].into_iter().filter(written).collect())
}

const DRACUT: &str = "usr/bin/dracut";
const MKINITRAMFS: &str = "usr/sbin/mkinitramfs";
/// dracut's package has one too.
const UPDATE: &str = "usr/sbin/update-initramfs";

#[test]
fn what_really_makes_the_images_decides() {
    for (files, expected, written) in [
        (
            &[DRACUT, UPDATE][..],
            "initramfs: dracut (the root tree has `dracut` and no `mkinitramfs`)",
            MODULE,
        ),
        (
            &[MKINITRAMFS, UPDATE],
            "initramfs: initramfs-tools (the root tree has `mkinitramfs` and no `dracut`)",
            HOOK,
        ),
    ] {
        let (said, found) = configure(files, &[]);
        assert_eq!((said.status, &*said.stderr), (Some(0), ""), "{files:?}");
        assert_eq!(said.stdout.lines().nth(1), Some(expected), "{files:?}");
        assert_eq!(found, [written], "{files:?}");
    }
}

/// What dpkg says after `apt install dracut` where initramfs-tools was: its core and its
/// configuration stay until somebody clears them away.
const MOVED: &str = "\
Package: dracut
Status: install ok installed

Package: initramfs-tools
Status: deinstall ok config-files

Package: initramfs-tools-core
Status: install ok installed
";

#[test]
fn the_installed_package_decides_where_both_programs_are_there() {
    let both = [
        DRACUT,
        MKINITRAMFS,
        UPDATE,
        "etc/kernel/postinst.d/initramfs-tools",
    ];
    let swapped = MOVED.replace("Package: dracut", "Package: initramfs-tools");
    for (status, package, written) in [
        (MOVED, "dracut", MODULE),
        (swapped.as_str(), "initramfs-tools", HOOK),
    ] {
        let (said, found) = configure_with(&both, &[("var/lib/dpkg/status", status)], &[]);
        assert_eq!((said.status, &*said.stderr), (Some(0), ""));
        let line = format!(
            "initramfs: {package} (both generators are there, and the package `{package}` is installed)"
        );
        assert_eq!(said.stdout.lines().nth(1), Some(&*line));
        assert_eq!(found, [written]);
    }
}

#[test]
fn what_comes_next_is_the_generators_own_command() {
    for (file, command) in [
        (DRACUT, "next: chroot root dracut --force --regenerate-all"),
        (MKINITRAMFS, "next: chroot root update-initramfs -u -k all"),
    ] {
        let (said, _) = configure(&[file], &[]);
        assert_eq!(said.stdout.lines().last(), Some(command));
    }
}

#[test]
fn a_guess_is_said() {
    let warning = |why: &str| {
        format!(
            "warning: what makes the initramfs is a guess, `initramfs-tools`: {why}\n\
             hint: say `--initramfs initramfs-tools` or `--initramfs dracut`\n"
        )
    };
    let (said, found) = configure(&[], &[]);
    let expected = warning("the root tree has no generator yet");
    assert!(said.stderr.starts_with(&expected), "{}", said.stderr);
    assert_eq!((said.status, found), (Some(0), vec![HOOK]));

    let (said, found) = configure(&[DRACUT, MKINITRAMFS], &[]);
    let expected = warning("both generators are there, and no package tells which of them is used");
    assert_eq!(said.stderr, expected);
    assert_eq!((said.status, found), (Some(0), vec![HOOK]));
}

#[test]
fn the_option_decides_over_the_tree() {
    let (said, found) = configure(&[MKINITRAMFS], &["--initramfs", "dracut"]);
    let line = Some("initramfs: dracut (as `--initramfs` says)");
    assert_eq!(said.stdout.lines().nth(1), line);
    assert_eq!(
        said.stderr,
        "warning: `dracut` is needed and not in the root tree\n\
         hint: install there before the initramfs is generated: dracut\n"
    );
    assert_eq!(found, [MODULE]);
}

#[test]
fn programs_read_the_warnings_too() {
    let (said, _) = configure(&[], &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let warnings = json["warnings"].as_array().expect("warnings");
    assert_eq!(warnings.len(), 2, "{json}");
    for one in warnings {
        let line = format!("warning: {}\n", one["message"].as_str().expect("a text"));
        assert!(said.stderr.contains(&line), "{}", said.stderr);
        assert!(one["hint"].is_string(), "{json}");
    }
}

#[test]
fn programs_read_it_too() {
    let (said, _) = configure(&[DRACUT], &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(
        json["initramfs"],
        serde_json::json!({
            "generator": "dracut",
            "why": "the root tree has `dracut` and no `mkinitramfs`",
        })
    );
}

#[test]
fn the_scripts_runtime_is_refused_with_dracut() {
    let (said, found) = configure(&[DRACUT], &["--runtime", "scripts"]);
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    let expected = "error: the scripts runtime works with initramfs-tools only, and the initramfs is to be made by dracut\n\
         hint: leave `--runtime scripts` away: the agent works with both\n";
    assert!(said.stderr.ends_with(expected), "{}", said.stderr);
    assert!(found.is_empty());
}

/// `revert` has no option for it: where the tree does not tell, the files that it takes
/// away may; else it is a guess, which is said.
#[test]
fn a_revert_says_which_generator_and_why() {
    let work = common::work();
    let root = work.path().join("root");
    furnish(&root);
    for program in ["mkinitramfs", "update-initramfs"] {
        std::fs::remove_file(root.join("usr/sbin").join(program)).expect("a file");
    }
    let input = include_bytes!("golden/initramfs_static/input/curtin.yaml");
    write(&work.path().join("curtin.yaml"), input, 0o644);
    write(&work.path().join("agent"), &stand_in(), 0o755);
    let nvmeroot = |arguments: &[&str]| {
        let mut command = common::nvmeroot();
        command.args(arguments).args(["--root", "root"]);
        run(command.current_dir(work.path()))
    };
    let note = "note: once the initramfs is regenerated this machine boots without nvmeroot: root must be on a local drive by then\n";
    for (generator, command) in [
        ("dracut", "dracut --force --regenerate-all"),
        ("initramfs-tools", "update-initramfs -u -k all"),
    ] {
        let said = nvmeroot(&[
            "configure",
            "--curtin",
            "curtin.yaml",
            "--agent",
            "agent",
            "--initramfs",
            generator,
        ]);
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        let said = nvmeroot(&["revert"]);
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), note));
        let end = format!(
            "\ninitramfs: {generator} (nvmeroot's files were for it)\nnext: chroot root {command}\n"
        );
        assert!(said.stdout.ends_with(&end), "{}", said.stdout);
    }
    // What makes the images by now.
    write(&root.join(DRACUT), b"", 0o755);
    let said = nvmeroot(&[
        "configure",
        "--curtin",
        "curtin.yaml",
        "--agent",
        "agent",
        "--initramfs",
        "initramfs-tools",
    ]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let said = nvmeroot(&["revert", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let expected = serde_json::json!({
        "generator": "dracut",
        "why": "the root tree has `dracut` and no `mkinitramfs`",
    });
    assert_eq!(json["initramfs"], expected);
    std::fs::remove_file(root.join(DRACUT)).expect("a file");

    // A tree that has the package: no file of a generator's is taken away.
    for change in &nvmeroot_render::package_files().expect("files") {
        if let nvmeroot_render::ChangeKind::File { mode, bytes } = &change.kind {
            write(&root.join(change.path.as_str()), bytes, mode.bits());
        }
    }
    write(&root.join(nvmeroot_render::AGENT_PATH), &stand_in(), 0o755);
    let said = nvmeroot(&["configure", "--curtin", "curtin.yaml"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let said = nvmeroot(&["revert"]);
    let expected = format!(
        "warning: what makes the initramfs is a guess, `initramfs-tools`: the root tree has no generator yet\n\
         hint: if it is `dracut`, run `chroot root dracut --force --regenerate-all`\n{note}"
    );
    assert_eq!((said.status, said.stderr), (Some(0), expected));
}
