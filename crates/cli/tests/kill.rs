//! The program ended at each of its system calls that change something, by
//! strace(1), which stops the real program there: killed, told to stop, or
//! with the call failing.

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{Entry, furnish, nvmeroot, stand_in, tree, work, write};

/// The calls by which files are changed.
const CALLS: &[&str] = &[
    "fchmod",
    "fchown",
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

/// A root tree before the run, and what is run.
struct Scene {
    work: tempfile::TempDir,
}

/// With the agent or the scripts, with a secret or without.
#[derive(Clone, Copy, Debug)]
struct State {
    agent: bool,
    secret: bool,
}

impl Scene {
    /// A tree that was configured for these states, one after the other.
    fn new(states: &[State]) -> Self {
        let work = work();
        furnish(&work.path().join("root"));
        let input = include_bytes!("golden/initramfs_static/input/curtin.yaml");
        write(&work.path().join("curtin.yaml"), input, 0o644);
        write(&work.path().join("agent"), &stand_in(), 0o755);
        let scene = Self { work };
        for state in states {
            scene.finish(*state);
        }
        scene
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
        let key = if state.secret {
            format!(",\"dhchap_key\":\"{SECRET}\"")
        } else {
            String::new()
        };
        write(
            &self.root().join("etc/nvme/config.json"),
            json(&key).as_bytes(),
            0o600,
        );
    }

    fn arguments(state: State) -> &'static [&'static str] {
        match state.agent {
            true => &[
                "configure",
                "--curtin",
                "curtin.yaml",
                "--root",
                "root",
                "--agent",
                "agent",
            ],
            false => &[
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

const SCRIPTS: State = State {
    agent: false,
    secret: false,
};
const SECRET_SCRIPTS: State = State {
    agent: false,
    secret: true,
};
const AGENT: State = State {
    agent: true,
    secret: false,
};
const SECRET_AGENT: State = State {
    agent: true,
    secret: true,
};

/// From where to where.
const WAYS: &[(&[State], State)] = &[
    (&[], SECRET_AGENT),
    (&[SECRET_AGENT], AGENT),
    (&[SCRIPTS], SECRET_AGENT),
    (&[SECRET_AGENT], SECRET_SCRIPTS),
];

#[test]
fn killed_anywhere_the_next_run_repairs() {
    let mut points = 0;
    for (before, after) in WAYS {
        let old = Scene::new(before);
        let new = Scene::new(before);
        new.finish(*after);
        let (old, expected) = (files(&old.root()), files(&new.root()));
        for call in CALLS {
            for count in 1..MOST {
                let what = format!("{before:?} to {after:?}, killed at {call} {count}");
                let scene = Scene::new(before);
                if scene.struck(*after, call, "signal=KILL", count).is_none() {
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
                        is_either || is_staged(&path),
                        "{what}: {} is neither",
                        path.display()
                    );
                }
                scene.finish(*after);
                assert_eq!(files(&scene.root()), expected, "{what}");
                assert!(
                    !files(&scene.root()).keys().any(|path| is_staged(path)),
                    "{what}"
                );
            }
        }
    }
    assert!(points > 100, "only {points} points were tried");
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
    for (before, after) in &WAYS[..2] {
        let new = Scene::new(before);
        new.finish(*after);
        let expected = state_of(&new.root());
        for call in ["mkdirat", "renameat2", "syncfs", "write"] {
            for count in 1..MOST {
                let what = format!("{before:?} to {after:?}, SIGTERM at {call} {count}");
                let scene = Scene::new(before);
                let old = state_of(&scene.root());
                let Some(output) = scene.struck(*after, call, "signal=TERM", count) else {
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
    for (before, after) in WAYS {
        for call in CALLS {
            let error = if *call == "write" {
                "error=ENOSPC"
            } else {
                "error=EIO"
            };
            for count in 1..MOST {
                let what = format!("{before:?} to {after:?}, {call} {count} fails");
                let scene = Scene::new(before);
                let old = state_of(&scene.root());
                let Some(output) = scene.struck(*after, call, error, count) else {
                    break;
                };
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(!said.contains("panicked"), "{what}: {said}");
                match output.status.code() {
                    // What was there before could not be taken away: no harm.
                    Some(0) => assert_eq!(*call, "unlinkat", "{what}"),
                    // All is done, and nobody can be told.
                    Some(1) if said.contains("can't write to standard output") => {
                        assert_ne!(state_of(&scene.root()), old, "{what}");
                    }
                    Some(1) => assert_eq!(state_of(&scene.root()), old, "{what}: {said}"),
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
    let outcome = |state| files(&Scene::new(&[state]).root());
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
        let found = files(&scene.root());
        let without_program = |files: &BTreeMap<PathBuf, Entry>| {
            // The scripts runtime leaves the program, which nothing starts.
            let mut files = files.clone();
            files.remove(Path::new("usr/lib/nvmeroot/nvmeroot-agent"));
            files
        };
        assert!(
            found == agent || without_program(&found) == scripts,
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
            "note: another `nvmeroot configure` is at work in `root`; waiting for it\n\
             error: another `nvmeroot configure` is at work in this root tree, and did not end within 10 s; nothing was changed\n\
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
