use std::cell::RefCell;
use std::fs::{self, hard_link, read_to_string};
use std::path::PathBuf;

use nvmeroot_render::FileSet;

use super::*;
use crate::root::Terms;

const PATH: &str = "etc/conf";

/// A tree whose first change was killed: what was at [`PATH`] is kept, and what comes is
/// staged.
struct Killed {
    dir: tempfile::TempDir,
    root: RootTree,
}

impl Killed {
    fn new(replaces: bool) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let root = RootTree::open(dir.path()).expect("a tree");
        let killed = Self { dir, root };
        let path: TreePath = PATH.parse().expect("a path");
        let step = Step::Put {
            path: path.clone(),
            after: Content::of_file(b"ours"),
            replaces,
        };
        let change = Change {
            steps: vec![step],
            directories: Vec::new(),
        };
        let manifest = Manifest::default().in_phase(Phase::Changing(change));
        killed.put(MANIFEST, &manifest.text());
        killed.put(&hidden(PATH, NEW), "ours");
        if replaces {
            killed.put(PATH, "mine");
            fs::create_dir_all(killed.at(FORMER)).expect("a directory");
            for name in [&Kept(0).path(), &hidden(PATH, OLD)] {
                hard_link(killed.at(PATH), killed.at(name)).expect("a name");
            }
        }
        killed
    }

    /// The step is made.
    fn made(self) -> Self {
        self.put(&hidden(MANIFEST, NEW), "");
        fs::rename(self.at(&hidden(PATH, NEW)), self.at(PATH)).expect("a rename");
        self
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// As an editor does it: the file is another one.
    fn put(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        let _ = fs::remove_file(&path);
        fs::write(path, text).expect("a file");
    }

    /// What is in the files' directory after the next run, and what that says.
    fn next(&self) -> (Vec<(String, String)>, Vec<String>) {
        let edited = RefCell::new(Vec::new());
        let tell = |one: &MovedAside| edited.borrow_mut().push(format!("{} {}", one.path, one.to));
        let recovered = self.root.recover(&tell).expect("a tree as before");
        assert_eq!(recovered.interrupted, Some(Interrupted::Undone));
        assert!(!self.at(PLACE).exists());
        let names = self.root.list("etc").expect("a directory").into_iter();
        let texts = names.map(|name| {
            let text = read_to_string(self.at("etc").join(&name)).expect("a file");
            (name, text)
        });
        (texts.collect(), edited.into_inner())
    }
}

fn files(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    all.iter().map(owned).collect()
}

#[test]
fn a_kill_at_any_step_leads_back() {
    let mine = files(&[("conf", "mine")]);
    assert_eq!(Killed::new(true).next(), (mine.clone(), vec![]));
    assert_eq!(Killed::new(true).made().next(), (mine, vec![]));
    assert_eq!(Killed::new(false).next(), (vec![], vec![]));
    assert_eq!(Killed::new(false).made().next(), (vec![], vec![]));
}

/// Neither the file that was there nor what somebody made of the new one is lost.
#[test]
fn an_edit_after_the_kill_is_kept_beside() {
    let told = vec!["etc/conf etc/.conf.edited".to_owned()];
    for (replaces, expected) in [
        (true, files(&[(".conf.edited", "edited"), ("conf", "mine")])),
        (false, files(&[(".conf.edited", "edited")])),
    ] {
        let killed = Killed::new(replaces).made();
        killed.put(PATH, "edited");
        assert_eq!(killed.next(), (expected, told.clone()), "{replaces}");
    }
}

/// Nobody else would ever say where it is.
#[test]
fn an_edit_is_told_of_when_something_fails_later() {
    let killed = Killed::new(true).made();
    killed.put(PATH, "edited");
    fs::create_dir_all(killed.at(&Kept(1).path())).expect("a directory in the way");
    let told = RefCell::new(Vec::new());
    let tell = |one: &MovedAside| told.borrow_mut().push(one.to.to_string());
    killed.root.recover(&tell).expect_err("in the way");
    assert_eq!(told.into_inner(), ["etc/.conf.edited"]);
}

/// Before the first step it is an edit of the file that was there.
#[test]
fn an_edit_of_what_was_there_stays_in_its_place() {
    for replaces in [true, false] {
        let killed = Killed::new(replaces);
        killed.put(PATH, "edited");
        let expected = files(&[("conf", "edited")]);
        assert_eq!(killed.next(), (expected, vec![]), "{replaces}");
    }
}

/// Without the record nobody knows whose they are, and the next run would take them for
/// left over.
#[test]
fn what_is_kept_is_not_forgotten_with_its_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = RootTree::open(dir.path()).expect("a tree");
    let kept = dir.path().join(Kept(0).path());
    fs::create_dir_all(kept.parent().expect("a directory")).expect("a directory");
    fs::write(&kept, "mine").expect("a file");
    let refused = |error: RootError| {
        let said = error.to_string();
        assert!(
            said.starts_with(
                "can't read nvmeroot's record of this root tree, `var/lib/nvmeroot/manifest.json`: it is gone, and files are in `var/lib/nvmeroot/former`\nhint: "
            ),
            "{said}"
        );
    };
    let (set, terms) = (FileSet::default(), Terms::default());
    refused(root.recover(&|_| {}).expect_err("no record"));
    refused(root.preview(&set, &terms).expect_err("no record"));
    refused(root.without_record(&set).expect_err("no record"));
    assert_eq!(read_to_string(&kept).expect("a file"), "mine");
    // An empty one is what a killed run may leave.
    fs::remove_file(kept).expect("a file");
    root.recover(&|_| {}).expect("nothing to do");
    assert!(!dir.path().join(PLACE).exists());
}

/// A revert that came to its last step: only its own directory is left.
#[test]
fn a_revert_that_was_done_is_finished() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = RootTree::open(dir.path()).expect("a tree");
    let place = dir.path().join(PLACE);
    fs::create_dir_all(&place).expect("a directory");
    let manifest = Manifest::default().in_phase(Phase::Reverted);
    fs::write(dir.path().join(MANIFEST), manifest.text()).expect("a file");
    let (set, terms) = (FileSet::default(), Terms::default());
    let apply = || root.apply(root.recover(&|_| {})?, &set, &terms);
    for report in [root.preview(&set, &terms), apply()] {
        let report = report.expect("a report");
        assert_eq!(report.interrupted, Some(Interrupted::Finished));
        assert!(report.was_configured);
    }
    assert!(!place.exists());
}
