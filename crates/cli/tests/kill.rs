//! The program ended at each of its system calls that change something, by
//! strace(1), which stops the real program there: killed, told to stop, or
//! with the call failing.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{Entry, furnish, nvmeroot, stand_in, tree, work, write};

/// The calls by which files are changed.
const CALLS: &[&str] = &[
    "fchmod",
    "fchown",
    "fdatasync",
    "fsync",
    "linkat",
    "mkdirat",
    "renameat",
    "renameat2",
    "symlinkat",
    "syncfs",
    "unlinkat",
    "write",
];

/// More than the program makes of any of them.
const MOST: usize = 200;

const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
const PLAN: &str = "etc/nvmeroot/plan.json";
const PROTECTION: &str = "etc/initramfs-tools/conf.d/nvmeroot";
/// nvmeroot's own directory.
const OWN: &str = "var/lib/nvmeroot";

/// Of those whose places nvmeroot's scripts take, some that curtin fills, too.
const CURTIN_S: [&str; 3] = [
    "etc/curtin-nvme-over-tcp/connect-nvme",
    "etc/curtin-nvme-over-tcp/network-up",
    "etc/initramfs-tools/hooks/curtin-nvme-over-tcp",
];

/// A root tree before the run, and what is run.
struct Scene {
    work: tempfile::TempDir,
}

/// `configure` with the agent or the scripts, with a secret or without; or `revert`.
#[derive(Clone, Copy, Debug)]
enum State {
    Configured { agent: bool, secret: bool },
    Reverted,
}

impl Scene {
    /// A tree with files of the administrator's in nvmeroot's places, which was
    /// configured for these states, one after the other.
    fn new(states: &[State]) -> Self {
        let work = work();
        let root = work.path().join("root");
        furnish(&root);
        std::fs::create_dir_all(root.join("var/lib")).expect("a directory");
        write(
            &root.join("etc/initramfs-tools/hooks/nvmeroot"),
            b"mine",
            0o750,
        );
        write(
            &root.join("etc/curtin-nvme-over-tcp/interfaces"),
            b"mine",
            0o600,
        );
        std::fs::create_dir_all(root.join("etc/netplan")).expect("a directory");
        symlink("elsewhere", root.join("etc/netplan/99-nvmeroot.yaml")).expect("a link");
        let input = include_bytes!("golden/initramfs_static/input/curtin.yaml");
        write(&work.path().join("curtin.yaml"), input, 0o644);
        write(&work.path().join("agent"), &stand_in(), 0o755);
        let scene = Self { work };
        for state in states {
            scene.finish(*state);
        }
        scene
    }

    /// The same once more.
    fn again(&self) -> Self {
        let copy = work();
        let mut command = Command::new("cp");
        command.arg("-a").arg(self.work.path().join("."));
        let status = command.arg(copy.path()).status().expect("cp(1)");
        assert!(status.success());
        Self { work: copy }
    }

    fn root(&self) -> PathBuf {
        self.work.path().join("root")
    }

    /// What libnvme is told is the administrator's, and there before the run.
    fn prepare(&self, state: State) {
        let json = |key: &str| {
            format!(
                "[{{\"hostnqn\":\"{}\",\"subsystems\":[{{\"nqn\":\"nqn.2014-08.org.nvmexpress.discovery\",\"ports\":[]}},\
                 {{\"nqn\":\"nqn.a\",\"ports\":[{{\"transport\":\"tcp\",\"traddr\":\"192.0.2.10\",\"trsvcid\":\"4420\"{key}}}]}}]}}]",
                common::HOSTNQN
            )
        };
        let key = match state {
            State::Configured { secret: true, .. } => format!(",\"dhchap_key\":\"{SECRET}\""),
            State::Configured { .. } => String::new(),
            State::Reverted => return,
        };
        write(
            &self.root().join("etc/nvme/config.json"),
            json(&key).as_bytes(),
            0o600,
        );
    }

    fn arguments(state: State) -> &'static [&'static str] {
        match state {
            State::Reverted => &["revert", "--root", "root"],
            State::Configured { agent: true, .. } => &[
                "configure",
                "--curtin",
                "curtin.yaml",
                "--root",
                "root",
                "--agent",
                "agent",
            ],
            State::Configured { agent: false, .. } => &[
                "configure",
                "--curtin",
                "curtin.yaml",
                "--root",
                "root",
                "--runtime",
                "scripts",
            ],
        }
    }

    fn revert(&self, more: &[&str]) -> common::ProgramOutput {
        let mut command = nvmeroot();
        command.args(Self::arguments(State::Reverted)).args(more);
        common::run(command.current_dir(self.work.path()))
    }

    fn finish(&self, state: State) {
        self.prepare(state);
        let said = common::run(
            nvmeroot()
                .args(Self::arguments(state))
                .current_dir(self.work.path()),
        );
        assert_eq!(said.status, Some(0), "{}", said.stderr);
    }

    /// Runs it with something injected into a call; `None`: it never came so
    /// far.
    fn struck(&self, state: State, call: &str, what: &str, count: usize) -> Option<Output> {
        self.prepare(state);
        let log = self.work.path().join("log");
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-e", &format!("trace={call}"), "-e"])
            .arg(format!("inject={call}:{what}:when={count}"))
            .arg("-o")
            .arg(&log)
            .arg(nvmeroot().get_program())
            .args(Self::arguments(state))
            .current_dir(self.work.path());
        for variable in ["CONFIG", "TARGET_MOUNT_POINT", "NVMEROOT_AGENT"] {
            command.env_remove(variable);
        }
        let output = command.output().expect("strace(1): install it");
        let log = std::fs::read_to_string(log).expect("what strace saw");
        // A killed program does not return from the call.
        let struck = log.contains("(INJECTED)") || log.contains("killed by SIGKILL");
        struck.then_some(output)
    }
}

/// All of a tree but for times.
fn state_of(root: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut found = tree(root);
    for entry in found.values_mut() {
        if let Entry::File { changed, .. } = entry {
            *changed = (0, 0);
        }
    }
    found.retain(|path, _| path != Path::new("etc/nvme/config.json"));
    found
}

/// Both trees are the same; of a fault only the paths that differ are told.
fn assert_same(found: &BTreeMap<PathBuf, Entry>, expected: &BTreeMap<PathBuf, Entry>, what: &str) {
    let paths = found.keys().chain(expected.keys());
    let differ: BTreeSet<_> = paths
        .filter(|path| found.get(*path) != expected.get(*path))
        .collect();
    assert!(differ.is_empty(), "{what}: {differ:?}");
}

/// The files of a tree, without directories: those may stay.
fn files(root: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut found = state_of(root);
    found.retain(|_, entry| !matches!(entry, Entry::Directory { .. }));
    found
}

fn is_staged(path: &Path) -> bool {
    path.to_string_lossy().contains(".nvmeroot-")
}

/// An image that is generated now, by anybody, is not open to others with the
/// secret in it; and no file of ours is.
fn is_private(root: &Path, what: &str) {
    for (path, entry) in state_of(root) {
        let Entry::File { mode, bytes, .. } = entry else {
            continue;
        };
        if bytes
            .windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes())
        {
            assert_eq!(mode & 0o077, 0, "{what}: {}", path.display());
            if path == Path::new(PLAN) {
                assert!(
                    root.join(PROTECTION).exists(),
                    "{what}: the image would be open"
                );
            }
        }
    }
}

const SCRIPTS: State = State::Configured {
    agent: false,
    secret: false,
};
const SECRET_SCRIPTS: State = State::Configured {
    agent: false,
    secret: true,
};
const AGENT: State = State::Configured {
    agent: true,
    secret: false,
};
const SECRET_AGENT: State = State::Configured {
    agent: true,
    secret: true,
};

/// From where to where.
type Course = (&'static [State], State);

const FIRST: Course = (&[], SECRET_AGENT);
const SECRET_GOES: Course = (&[SECRET_AGENT], AGENT);
const AGENT_COMES: Course = (&[SCRIPTS], SECRET_AGENT);
const SCRIPTS_COME: Course = (&[SECRET_AGENT], SECRET_SCRIPTS);
const UNDONE: Course = (&[SECRET_AGENT], State::Reverted);
const BOTH_UNDONE: Course = (&[SCRIPTS, AGENT], State::Reverted);

/// Where the program is killed. What comes next undoes what was done, and so the same
/// again makes the new state, and a revert the one before the first of all.
fn killed_anywhere((before, after): Course) {
    let start = Scene::new(before);
    let pristine = state_of(&Scene::new(&[]).root());
    let new = start.again();
    new.finish(after);
    let (old, expected) = (files(&start.root()), files(&new.root()));
    let mut points = 0;
    for call in CALLS {
        for count in 1..MOST {
            let what = format!("{before:?} to {after:?}, killed at {call} {count}");
            let scene = start.again();
            if scene.struck(after, call, "signal=KILL", count).is_none() {
                assert!(count < MOST - 1, "{what}");
                break;
            }
            points += 1;
            is_private(&scene.root(), &what);
            for (path, entry) in files(&scene.root()) {
                let is_either = [&old, &expected]
                    .iter()
                    .any(|all| all.get(&path) == Some(&entry));
                assert!(
                    is_either || is_staged(&path) || path.starts_with(OWN),
                    "{what}: {} is neither",
                    path.display()
                );
            }
            // To look is always possible, and changes nothing.
            let killed = state_of(&scene.root());
            let mut plan = nvmeroot();
            plan.args(["plan", "--curtin", "curtin.yaml", "--root", "root"]);
            let said = common::run(plan.current_dir(scene.work.path()));
            assert_eq!(said.status, Some(0), "{what}: {}", said.stderr);
            assert_same(&state_of(&scene.root()), &killed, &what);

            let undone = scene.again();
            undone.finish(State::Reverted);
            assert_same(
                &state_of(&undone.root()),
                &pristine,
                &format!("{what}, then reverted"),
            );
            scene.finish(after);
            assert_same(
                &files(&scene.root()),
                &expected,
                &format!("{what}, then again"),
            );
            scene.finish(State::Reverted);
            assert_same(
                &state_of(&scene.root()),
                &pristine,
                &format!("{what}, again, reverted"),
            );
        }
    }
    assert!(points > 15, "only {points} points were tried");
}

#[test]
fn killed_anywhere_in_the_first_configure() {
    killed_anywhere(FIRST);
}

#[test]
fn killed_anywhere_while_a_secret_goes() {
    killed_anywhere(SECRET_GOES);
}

#[test]
fn killed_anywhere_while_the_agent_comes() {
    killed_anywhere(AGENT_COMES);
}

#[test]
fn killed_anywhere_while_the_scripts_come() {
    killed_anywhere(SCRIPTS_COME);
}

#[test]
fn killed_anywhere_in_a_revert() {
    killed_anywhere(UNDONE);
}

#[test]
fn killed_anywhere_in_a_revert_of_two() {
    killed_anywhere(BOTH_UNDONE);
}

/// What is put back a moment before is nobody's to take away, by `--force` neither.
#[test]
fn killed_anywhere_and_reverted_with_force() {
    for after in [SCRIPTS, AGENT] {
        let mut points = 0;
        for call in ["renameat", "renameat2", "syncfs"] {
            for count in 1..MOST {
                let scene = Scene::new(&[]);
                // As curtin leaves them.
                for path in CURTIN_S {
                    write(&scene.root().join(path), b"curtin's", 0o755);
                }
                let pristine = state_of(&scene.root());
                if scene.struck(after, call, "signal=KILL", count).is_none() {
                    break;
                }
                points += 1;
                let what = format!("{after:?}, killed at {call} {count}");
                let dry = scene.revert(&["--force", "--dry-run"]);
                assert_eq!(dry.status, Some(0), "{what}: {}", dry.stderr);
                assert!(
                    !dry.stdout.contains("would be removed: "),
                    "{what}: {}",
                    dry.stdout
                );
                let said = scene.revert(&["--force"]);
                assert_eq!(said.status, Some(0), "{what}: {}", said.stderr);
                assert_same(&state_of(&scene.root()), &pristine, &what);
            }
        }
        assert!(points > 5, "only {points} points were tried");
    }
}

/// The files of a version without a record are there before the killed run, and after.
#[test]
fn what_has_no_record_is_refused_after_a_kill_too() {
    let scene = Scene::new(&[SCRIPTS]);
    std::fs::remove_dir_all(scene.root().join(OWN)).expect("a directory");
    scene
        .struck(AGENT, "syncfs", "signal=KILL", 2)
        .expect("it was killed");
    for _ in 0..2 {
        let said = scene.revert(&[]);
        assert_eq!(said.status, Some(1), "{}", said.stdout);
        let message = "error: the root tree has files of nvmeroot's, and there is no record (any more) of what was there before: `";
        assert!(said.stderr.contains(message), "{}", said.stderr);
    }
}

/// Where an edited file went is told although the run then fails.
#[test]
fn an_edit_after_the_kill_is_told_of_by_a_run_that_fails() {
    let scene = Scene::new(&[]);
    scene
        .struck(AGENT, "syncfs", "signal=KILL", 2)
        .expect("it was killed");
    write(&scene.root().join(PLAN), b"edited", 0o600);
    std::fs::create_dir(scene.root().join(CURTIN_S[0])).expect("a directory in the way");
    let said = common::run(
        nvmeroot()
            .args(Scene::arguments(SCRIPTS))
            .current_dir(scene.work.path()),
    );
    assert_eq!(said.status, Some(1), "{}", said.stdout);
    let notes = "note: `etc/nvmeroot/plan.json` was edited since nvmeroot wrote it; the edited file is kept as `etc/nvmeroot/.plan.json.edited`\n\
         note: an earlier run was interrupted; what it had done was undone first\n";
    assert!(said.stderr.contains(notes), "{}", said.stderr);
}

/// Killed once more while what the first one had done is undone.
#[test]
fn killed_while_it_puts_right_what_a_kill_left() {
    for (before, after) in [SCRIPTS_COME, UNDONE] {
        let start = Scene::new(before);
        let pristine = state_of(&Scene::new(&[]).root());
        let new = start.again();
        new.finish(after);
        let expected = files(&new.root());
        let broken = start.again();
        broken
            .struck(after, "fsync", "signal=KILL", 1)
            .expect("it was killed");
        for call in CALLS {
            for count in 1..MOST {
                let what = format!("{before:?} to {after:?}, killed again at {call} {count}");
                let scene = broken.again();
                if scene.struck(after, call, "signal=KILL", count).is_none() {
                    break;
                }
                is_private(&scene.root(), &what);
                scene.finish(after);
                assert_same(&files(&scene.root()), &expected, &what);
                scene.finish(State::Reverted);
                assert_same(
                    &state_of(&scene.root()),
                    &pristine,
                    &format!("{what}, then reverted"),
                );
            }
        }
    }
}

/// A power cut must not leave half a change without its record.
#[test]
fn what_is_undone_is_durable_before_its_record_goes() {
    for (before, after) in [FIRST, UNDONE] {
        let scene = Scene::new(before);
        // All steps are made.
        scene
            .struck(after, "syncfs", "signal=KILL", 2)
            .expect("it was killed");
        let log = scene.work.path().join("calls");
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-e", "trace=syncfs,renameat,unlinkat", "-o"])
            .arg(&log)
            .arg(nvmeroot().get_program())
            .args(Scene::arguments(State::Reverted))
            .current_dir(scene.work.path());
        let said = common::run(&mut command);
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        let calls = std::fs::read_to_string(log).expect("what strace saw");
        let record = calls
            .lines()
            .position(|line| line.contains("\"manifest.json\"") && line.ends_with("= 0"))
            .expect("the record goes");
        let is_durable = calls
            .lines()
            .take(record)
            .any(|line| line.contains("syncfs("));
        assert!(is_durable, "{before:?} to {after:?}: {calls}");
    }
}

/// Another runtime's run, or one that has nothing to do, clears what is left
/// as well.
#[test]
fn whatever_comes_next_clears_what_is_left() {
    for after in [SCRIPTS, AGENT] {
        let scene = Scene::new(&[]);
        scene
            .struck(SECRET_AGENT, "renameat2", "signal=KILL", 3)
            .expect("it was killed");
        assert!(
            files(&scene.root()).keys().any(|path| is_staged(path)),
            "nothing was staged"
        );
        scene.finish(after);
        assert!(
            !files(&scene.root()).keys().any(|path| is_staged(path)),
            "{after:?}"
        );
    }
}

/// Told to stop it puts everything back, or has done everything.
#[test]
fn told_to_stop_it_leaves_one_of_both_states() {
    for (before, after) in [FIRST, SECRET_GOES, UNDONE] {
        let start = Scene::new(before);
        let new = start.again();
        new.finish(after);
        let expected = state_of(&new.root());
        for call in ["mkdirat", "renameat2", "syncfs", "write"] {
            for count in 1..MOST {
                let what = format!("{before:?} to {after:?}, SIGTERM at {call} {count}");
                let scene = start.again();
                let old = state_of(&scene.root());
                let Some(output) = scene.struck(after, call, "signal=TERM", count) else {
                    break;
                };
                let said = String::from_utf8_lossy(&output.stderr);
                let found = state_of(&scene.root());
                if found == expected && old != expected {
                    continue;
                }
                assert_eq!(found, old, "{what}: {said}");
                let is_told = output.status.code() == Some(143)
                    && said.ends_with("error: stopped by SIGTERM; the root tree is as it was\n");
                let is_before = output.status.code().is_none();
                assert!(is_told || is_before, "{what}: {output:?}");
            }
        }
    }
}

#[test]
fn a_call_that_fails_leaves_the_tree_as_it_was() {
    for (before, after) in [FIRST, SECRET_GOES, AGENT_COMES, SCRIPTS_COME, UNDONE] {
        let start = Scene::new(before);
        let pristine = state_of(&Scene::new(&[]).root());
        for call in CALLS {
            let error = if *call == "write" {
                "error=ENOSPC"
            } else {
                "error=EIO"
            };
            for count in 1..MOST {
                let what = format!("{before:?} to {after:?}, {call} {count} fails");
                let scene = start.again();
                let old = state_of(&scene.root());
                let Some(output) = scene.struck(after, call, error, count) else {
                    break;
                };
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(!said.contains("panicked"), "{what}: {said}");
                match output.status.code() {
                    // All is done, and what that means could not be told.
                    Some(0) if *call == "write" => {
                        assert_ne!(state_of(&scene.root()), old, "{what}");
                    }
                    // What was there before could not be taken away: no harm.
                    Some(0) => assert_eq!(*call, "unlinkat", "{what}"),
                    // Reverted, but for nvmeroot's own directory.
                    Some(1) if said.contains("all else is as it was before") => {
                        assert_eq!(*call, "unlinkat", "{what}");
                        scene.finish(State::Reverted);
                        assert_same(&state_of(&scene.root()), &pristine, &what);
                    }
                    // All is done, and nobody can be told.
                    Some(1) if said.contains("can't write to standard output") => {
                        assert_ne!(state_of(&scene.root()), old, "{what}");
                    }
                    Some(1) => {
                        assert_same(&state_of(&scene.root()), &old, &format!("{what}: {said}"));
                    }
                    other => panic!("{what}: {other:?} {said}"),
                }
                is_private(&scene.root(), &what);
            }
        }
    }
}

/// Two at once: one waits for the other, and the tree is what one of them
/// makes of it.
#[test]
fn two_at_once_never_make_a_mixture() {
    // What is kept of the tree before depends on all that was done to it.
    let without_own = |root: &Path| {
        let mut found = files(root);
        found.retain(|path, _| !path.starts_with(OWN));
        found
    };
    let outcome = |state| without_own(&Scene::new(&[state]).root());
    let (agent, scripts) = (outcome(AGENT), outcome(SCRIPTS));
    for _ in 0..10 {
        let scene = Scene::new(&[]);
        scene.prepare(AGENT);
        let start = |state| {
            let mut command = nvmeroot();
            command
                .args(Scene::arguments(state))
                .current_dir(scene.work.path());
            command
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            command.spawn().expect("the program runs")
        };
        let all: Vec<_> = [AGENT, SCRIPTS, AGENT, SCRIPTS].map(start).into();
        for child in all {
            let output = child.wait_with_output().expect("an end");
            assert!(output.status.success(), "{output:?}");
        }
        let found = without_own(&scene.root());
        assert!(
            found == agent || found == scripts,
            "a mixture: {:?}",
            found.keys()
        );
    }
}

#[test]
fn a_tree_that_stays_locked_is_refused() {
    let scene = Scene::new(&[]);
    let lock = std::fs::File::open(scene.root()).expect("the tree");
    lock.lock().expect("a lock");
    let before = state_of(&scene.root());
    let said = common::run(
        nvmeroot()
            .args(Scene::arguments(AGENT))
            .current_dir(scene.work.path()),
    );
    assert_eq!(
        (said.status, said.stderr.as_str()),
        (
            Some(1),
            "note: another nvmeroot is at work in `root`; waiting for it\n\
             error: another nvmeroot is at work in this root tree, and did not end within 10 s; nothing was changed\n\
             hint: wait until it has ended, then run this again\n"
        )
    );
    assert_eq!(state_of(&scene.root()), before);
    // To look is allowed.
    let mut dry = nvmeroot();
    dry.args(Scene::arguments(AGENT))
        .arg("--dry-run")
        .current_dir(scene.work.path());
    assert_eq!(common::run(&mut dry).status, Some(0));
}

/// The umask is the caller's, the modes are ours.
#[test]
fn modes_do_not_depend_on_the_umask() {
    let scene = Scene::new(&[]);
    scene.prepare(SECRET_AGENT);
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask 0777 && exec \"$0\" \"$@\""])
        .arg(nvmeroot().get_program());
    command
        .args(Scene::arguments(SECRET_AGENT))
        .current_dir(scene.work.path());
    let said = common::run(&mut command);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let mode = |path: &str| {
        let meta = std::fs::metadata(scene.root().join(path)).expect("a file");
        meta.permissions().mode() & 0o7777
    };
    assert_eq!(
        [mode("etc/nvmeroot"), mode(PLAN), mode(PROTECTION)],
        [0o755, 0o600, 0o644]
    );
}
