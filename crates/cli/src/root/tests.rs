use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use nvmeroot_render::{Change, ChangeKind, FileSet, Mode};

use super::*;

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

impl RootTree {
    fn outcomes(&self, set: &FileSet) -> Result<Vec<Outcome>, RootError> {
        let recovered = self.recover(&|_| {})?;
        let done = self.apply(recovered, set, &Terms::default())?;
        Ok(done.lines.into_iter().map(|line| line.outcome).collect())
    }

    fn previewed(&self, set: &FileSet) -> Result<Vec<Outcome>, RootError> {
        let done = self.preview(set, &Terms::default())?;
        Ok(done.lines.into_iter().map(|line| line.outcome).collect())
    }
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
    let first = root.outcomes(&changes).expect("changes");
    assert_eq!(first[0], Outcome::Created);
    assert_eq!(
        first[1],
        Outcome::MovedAside("etc/stas/.stafd.conf.bak".parse().expect("a path"))
    );
    assert_eq!(text(&dir, "etc/stas/.stafd.conf.bak"), "the admin's own");
    assert_eq!(text(&dir, "etc/stas/stafd.conf"), "ours");
    assert_eq!(
        root.outcomes(&changes).expect("changes"),
        vec![Outcome::Unchanged; 2]
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
    root.outcomes(&changes).expect("changes");
    assert_eq!(
        (mode(&dir, "etc/a/run"), mode(&dir, "etc/a/secret")),
        (0o755, 0o600)
    );
    assert_eq!(mode(&dir, "etc/a"), 0o755);
    let loose = PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(dir.path().join("etc/a/secret"), loose).expect("a mode");
    assert_eq!(
        root.outcomes(&changes).expect("changes"),
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
    match root.outcomes(&set(vec![file("etc/x", Mode::Config, "text")])) {
        Err(RootError::Dangling { path }) => assert_eq!(path, "etc"),
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
    root.outcomes(&set(vec![file("lib/x", Mode::Config, "text")]))
        .expect("changes");
    assert_eq!(text(&dir, "usr/lib/x"), "text");
    let up = root.outcomes(&set(vec![file(
        "up/nvmeroot-must-not-be-here",
        Mode::Config,
        "text",
    )]));
    assert!(
        matches!(&up, Err(RootError::Dangling { path }) if path == "up"),
        "{up:?}"
    );
    assert!(!Path::new("/tmp/nvmeroot-must-not-be-here").exists());
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced_not_followed() {
    let (dir, root) = tree();
    std::fs::write(dir.path().join("precious"), "keep").expect("a file");
    symlink("precious", dir.path().join("ours")).expect("a link");
    let outcome = root
        .outcomes(&set(vec![file("ours", Mode::Config, "new")]))
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
    match root.outcomes(&changes) {
        Err(RootError::Obstacle {
            path,
            what: "a file",
            belongs: "a directory",
        }) => assert_eq!(path, "wall"),
        other => panic!("{other:?}"),
    }
    assert_eq!(names(&dir), ["wall"]);
}

fn names(dir: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path()).expect("a directory");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.into_string().expect("a text")
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Whatever is wanted there, and with the first change still to come.
#[test]
fn a_directory_in_the_way_is_refused_before_the_first_change() {
    for (change, place) in [
        (file("dir", Mode::Config, "text"), "a file"),
        (link("dir", "text"), "a symbolic link"),
        (absent_at("dir"), "nothing"),
    ] {
        let (dir, root) = tree();
        std::fs::create_dir(dir.path().join("dir")).expect("a directory");
        let changes = set(vec![file("a/first", Mode::Config, "1"), change]);
        for result in [root.previewed(&changes), root.outcomes(&changes)] {
            match result {
                Err(RootError::Obstacle {
                    path,
                    what: "a directory",
                    belongs,
                }) => assert_eq!((path.as_str(), belongs), ("dir", place)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(names(&dir), ["dir"]);
    }
}

fn absent_at(path: &str) -> Change {
    Change {
        path: path.parse().expect("a path"),
        why: "test",
        kind: ChangeKind::Absent,
    }
}

/// The two names of a file are one file: its other name may lie anywhere.
#[test]
fn a_hard_link_is_not_changed_through() {
    for (bytes, wanted) in [("old", "new"), ("same", "same")] {
        let (dir, root) = tree();
        let outside = dir.path().join("outside");
        std::fs::write(&outside, bytes).expect("a file");
        std::fs::set_permissions(&outside, PermissionsExt::from_mode(0o644)).expect("a mode");
        std::fs::hard_link(&outside, dir.path().join("ours")).expect("a link");
        root.outcomes(&set(vec![file("ours", Mode::Private, wanted)]))
            .expect("changes");
        assert_eq!(
            (text(&dir, "ours").as_str(), mode(&dir, "ours")),
            (wanted, 0o600)
        );
        assert_eq!(
            (text(&dir, "outside").as_str(), mode(&dir, "outside")),
            (bytes, 0o644)
        );
        assert_eq!(names(&dir), ["ours", "outside", "var"]);
    }
}

/// Only who may give files away can try it.
#[test]
fn a_file_of_another_owner_is_replaced() {
    let (dir, root) = tree();
    let changes = set(vec![file("ours", Mode::Program, "x")]);
    root.outcomes(&changes).expect("changes");
    let path = dir.path().join("ours");
    if std::os::unix::fs::chown(&path, Some(12345), Some(12345)).is_ok() {
        assert_eq!(
            root.outcomes(&changes).expect("changes"),
            [Outcome::Replaced]
        );
    }
    let meta = path.metadata().expect("metadata");
    let own = dir.path().metadata().expect("metadata");
    assert_eq!((meta.uid(), meta.gid()), (own.uid(), own.gid()));
    assert_eq!(
        root.outcomes(&changes).expect("changes"),
        [Outcome::Unchanged]
    );
}

/// What is there is looked at before it is opened.
#[test]
fn only_files_are_read() {
    let (dir, root) = tree();
    let make = |name: &str, kind| {
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, dir.path().join(name), kind, mode, 0).expect("a node");
    };
    make("fifo", rustix::fs::FileType::Fifo);
    make("socket", rustix::fs::FileType::Socket);
    std::fs::create_dir(dir.path().join("directory")).expect("a directory");
    symlink("fifo", dir.path().join("link")).expect("a link");
    for (name, kind) in [
        ("fifo", "a named pipe"),
        ("socket", "a socket"),
        ("directory", "a directory"),
        ("link", "a named pipe"),
    ] {
        match root.read(name, 10) {
            Err(RootError::Obstacle {
                what,
                belongs: "a file",
                ..
            }) => assert_eq!(what, kind),
            other => panic!("{name}: {other:?}"),
        }
    }
    let error = read_file(&dir.path().join("fifo"), 10).expect_err("no file");
    assert_eq!(error.to_string(), "it is a named pipe");
    symlink("nowhere", dir.path().join("dangling")).expect("a link");
    assert!(matches!(root.read("dangling", 10), Ok(None)));
    std::fs::write(dir.path().join("long"), "0123456789abc").expect("a file");
    let read = root.read("long", 10).expect("read").expect("a file");
    assert_eq!(read.len(), 11, "and one more byte, to see the excess");
}

/// Waiting for the lock has an end, and it is one for all paths to a tree.
#[test]
fn a_tree_is_locked_whatever_path_leads_to_it() {
    let (dir, root) = tree();
    root.lock(|| panic!("nobody else is there"))
        .expect("a lock");
    let other = RootTree::open(&dir.path().join(".")).expect("a tree");
    let mut root = Some(root);
    // The first one ends as soon as it is waited for.
    other
        .lock(|| drop(root.take()))
        .expect("the lock, when the other one is gone");
    assert!(root.is_none(), "it was waited for");
}

#[test]
fn a_second_backup_gets_its_own_name() {
    let (dir, root) = tree();
    for (name, content) in [("conf", "second"), ("conf.bak", "first")] {
        std::fs::write(dir.path().join(name), content).expect("a file");
    }
    let outcome = root
        .outcomes(&set(vec![aside("conf", "conf.bak", "ours")]))
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

/// Also beside files that this run has nothing to do with.
#[test]
fn what_a_killed_run_left_is_removed() {
    let (dir, root) = tree();
    let put = |path: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, "half").expect("a file");
    };
    let drop_in = "etc/systemd/network/10-netplan-ens3.network.d/.nvmeroot.conf.nvmeroot-new";
    put("etc/nvmeroot/.plan.json.nvmeroot-new");
    put("etc/nvmeroot/.plan.json.nvmeroot-old");
    put("etc/nvmeroot/.other");
    put(drop_in);
    symlink(
        "nowhere",
        dir.path().join("etc/nvmeroot/.link.nvmeroot-new"),
    )
    .expect("a link");
    root.outcomes(&FileSet::default()).expect("changes");
    let left = std::fs::read_dir(dir.path().join("etc/nvmeroot")).expect("a directory");
    let left: Vec<_> = left.map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(left, [".other"]);
    assert!(!dir.path().join(drop_in).exists());
}
