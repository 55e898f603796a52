use std::os::unix::fs::symlink;

use super::*;
use nvmeroot_render::Mode;

/// A change set can only be made by a renderer; the tests make theirs from
/// the same parts.
fn set(changes: Vec<Change>) -> FileSet {
    changes.into_iter().collect()
}

fn file(path: &str, mode: Mode, text: &str) -> Change {
    let kind = ChangeKind::File {
        mode,
        bytes: text.as_bytes().to_vec(),
    };
    Change {
        path: path.parse().expect("a path"),
        why: "test",
        kind,
    }
}

fn link(path: &str, target: &'static str) -> Change {
    Change {
        path: path.parse().expect("a path"),
        why: "test",
        kind: ChangeKind::Symlink { target },
    }
}

fn aside(path: &str, to: &str, unless_link_to: &'static str) -> Change {
    let kind = ChangeKind::MoveAside {
        to: to.parse().expect("a path"),
        unless_link_to,
    };
    Change {
        path: path.parse().expect("a path"),
        why: "test",
        kind,
    }
}

fn tree() -> (tempfile::TempDir, RootTree) {
    let dir = tempfile::tempdir().expect("a directory");
    let root = RootTree::open(dir.path()).expect("a tree");
    (dir, root)
}

fn text(dir: &tempfile::TempDir, path: &str) -> String {
    std::fs::read_to_string(dir.path().join(path)).expect("a file")
}

fn mode(dir: &tempfile::TempDir, path: &str) -> u32 {
    std::fs::metadata(dir.path().join(path))
        .expect("a file")
        .mode()
        & 0o7777
}

#[test]
fn a_second_run_changes_nothing() {
    let (dir, root) = tree();
    std::fs::create_dir_all(dir.path().join("etc/stas")).expect("a directory");
    std::fs::write(dir.path().join("etc/stas/stafd.conf"), "the admin's own").expect("a file");
    let changes = set(vec![
        file("etc/stas/stafd-curtin.conf", Mode::Config, "ours"),
        aside(
            "etc/stas/stafd.conf",
            "etc/stas/.stafd.conf.bak",
            "stafd-curtin.conf",
        ),
        link("etc/stas/stafd.conf", "stafd-curtin.conf"),
    ]);
    let first = root.apply(&changes).expect("changes");
    assert_eq!(first[0], Outcome::Created);
    assert_eq!(
        first[1],
        Outcome::MovedAside("etc/stas/.stafd.conf.bak".parse().expect("a path"))
    );
    assert_eq!(text(&dir, "etc/stas/.stafd.conf.bak"), "the admin's own");
    assert_eq!(text(&dir, "etc/stas/stafd.conf"), "ours");
    assert_eq!(
        root.apply(&changes).expect("changes"),
        vec![Outcome::Unchanged; 3]
    );
    assert_eq!(text(&dir, "etc/stas/.stafd.conf.bak"), "the admin's own");
}

#[test]
fn modes_hold_and_come_back() {
    let (dir, root) = tree();
    let changes = set(vec![
        file("etc/a/run", Mode::Program, "x"),
        file("etc/a/secret", Mode::Private, "y"),
    ]);
    root.apply(&changes).expect("changes");
    assert_eq!(
        (mode(&dir, "etc/a/run"), mode(&dir, "etc/a/secret")),
        (0o755, 0o600)
    );
    assert_eq!(mode(&dir, "etc/a"), 0o755);
    let loose = PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(dir.path().join("etc/a/secret"), loose).expect("a mode");
    assert_eq!(
        root.apply(&changes).expect("changes"),
        [Outcome::Unchanged, Outcome::ModeSet]
    );
    assert_eq!(mode(&dir, "etc/a/secret"), 0o600);
}

#[test]
fn links_in_the_tree_stay_in_the_tree() {
    let outside = tempfile::tempdir().expect("a directory");
    let (dir, root) = tree();
    symlink(outside.path(), dir.path().join("etc")).expect("a link");
    // Inside the tree that absolute path leads nowhere.
    match root.apply(&set(vec![file("etc/x", Mode::Config, "text")])) {
        Err(RootError::Inside { .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(
        std::fs::read_dir(outside.path())
            .expect("a directory")
            .count(),
        0
    );

    let (dir, root) = tree();
    std::fs::create_dir_all(dir.path().join("usr/lib")).expect("a directory");
    symlink("/usr/lib", dir.path().join("lib")).expect("a link");
    symlink("../../../../../../../../tmp", dir.path().join("up")).expect("a link");
    root.apply(&set(vec![file("lib/x", Mode::Config, "text")]))
        .expect("changes");
    assert_eq!(text(&dir, "usr/lib/x"), "text");
    let up = root.apply(&set(vec![file(
        "up/nvmeroot-must-not-be-here",
        Mode::Config,
        "text",
    )]));
    assert!(matches!(up, Err(RootError::Inside { .. })), "{up:?}");
    assert!(!Path::new("/tmp/nvmeroot-must-not-be-here").exists());
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced_not_followed() {
    let (dir, root) = tree();
    std::fs::write(dir.path().join("precious"), "keep").expect("a file");
    symlink("precious", dir.path().join("ours")).expect("a link");
    let outcome = root
        .apply(&set(vec![file("ours", Mode::Config, "new")]))
        .expect("changes");
    assert_eq!(outcome, [Outcome::Replaced]);
    assert_eq!(
        (text(&dir, "precious").as_str(), text(&dir, "ours").as_str()),
        ("keep", "new")
    );
}

#[test]
fn a_failure_leaves_the_tree_as_it_was() {
    let (dir, root) = tree();
    std::fs::write(dir.path().join("wall"), "a file").expect("a file");
    let changes = set(vec![
        file("etc/deep/er/one", Mode::Config, "1"),
        file("wall/two", Mode::Config, "2"),
    ]);
    let error = root.apply(&changes).expect_err("a file is no directory");
    assert!(error.to_string().contains("Not a directory"), "{error}");
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .expect("a directory")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["wall"]);

    std::fs::create_dir(dir.path().join("dir")).expect("a directory");
    match root.apply(&set(vec![file("dir", Mode::Config, "text")])) {
        Err(RootError::Obstacle {
            what: "a directory",
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_backup_gets_its_own_name() {
    let (dir, root) = tree();
    for (name, content) in [("conf", "second"), ("conf.bak", "first")] {
        std::fs::write(dir.path().join(name), content).expect("a file");
    }
    let outcome = root
        .apply(&set(vec![aside("conf", "conf.bak", "ours")]))
        .expect("changes");
    assert_eq!(
        outcome,
        [Outcome::MovedAside("conf.bak.1".parse().expect("a path"))]
    );
    assert_eq!(
        (
            text(&dir, "conf.bak").as_str(),
            text(&dir, "conf.bak.1").as_str()
        ),
        ("first", "second")
    );
}

#[test]
fn what_a_killed_run_left_is_no_obstacle() {
    let (dir, root) = tree();
    std::fs::write(dir.path().join(".conf.nvmeroot-new"), "half").expect("a file");
    symlink("nowhere", dir.path().join(".link.nvmeroot-new")).expect("a link");
    let changes = set(vec![
        file("conf", Mode::Config, "whole"),
        link("link", "conf"),
    ]);
    root.apply(&changes).expect("changes");
    assert_eq!(
        (text(&dir, "conf").as_str(), text(&dir, "link").as_str()),
        ("whole", "whole")
    );
    assert_eq!(
        std::fs::read_dir(dir.path()).expect("a directory").count(),
        2
    );
}
