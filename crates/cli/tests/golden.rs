//! What `configure` writes, byte for byte.
//!
//! Each directory of `golden/` is one configuration:
//!
//! - `command`: what is run, in a directory that holds a copy of `input`; its
//!   second line is the exit status
//! - `input/curtin.yaml`, and `input/root`: what the root tree holds beside
//!   what the test puts there itself: the host's identity, and empty files in
//!   the places of the programs that `configure` looks for; beside them lies
//!   `nvmeroot-agent`, a stand-in for the agent
//! - `stdout`, `stderr`: what it says; a missing file stands for nothing
//! - `expected/listing`: all of the root tree afterwards, with modes and links
//! - `expected/root`: the bytes of every file that is not as it was before
//! - `expected/as`: another directory of `golden/`; what is not below
//!   `expected/root` is to be as it is there
//!
//! `UPDATE_GOLDEN=1 cargo test -p nvmeroot --test golden` writes these anew;
//! read the difference before it is committed.

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{Entry, ProgramOutput, furnish, nvmeroot, run, stand_in, tree, write};

type Tree = BTreeMap<PathBuf, Entry>;

/// No bytes for a golden file: see [`stand_in`].
const AGENT: &str = "usr/lib/nvmeroot/nvmeroot-agent";

/// It has the digest of the agent's stand-in, which is not the same on every machine.
const MANIFEST: &str = "var/lib/nvmeroot/manifest.json";

struct Golden {
    directory: PathBuf,
    arguments: Vec<String>,
    work: tempfile::TempDir,
}

impl Golden {
    fn new(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name);
        let command = text(&directory.join("command"));
        let mut words = command.lines().next().unwrap_or_default().split(' ');
        assert_eq!(words.next(), Some("nvmeroot"), "the command of {name}");
        let work = common::work();
        let root = work.path().join("root");
        std::fs::create_dir(&root).expect("a directory");
        furnish(&root);
        write(&work.path().join("nvmeroot-agent"), &stand_in(), 0o755);
        for (path, entry) in tree(&directory.join("input")) {
            match entry {
                Entry::File { bytes, mode, .. } => {
                    let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
                    write(&work.path().join(path), &bytes, mode);
                }
                Entry::Directory { .. } => {
                    std::fs::create_dir_all(work.path().join(path)).expect("a directory");
                }
                Entry::Link { target } => {
                    let link = work.path().join(path);
                    std::os::unix::fs::symlink(target, link).expect("a link");
                }
            }
        }
        // Whatever the umask, a root tree's directories are open.
        for (path, entry) in tree(&root) {
            if matches!(entry, Entry::Directory { .. }) {
                let open = PermissionsExt::from_mode(0o755);
                std::fs::set_permissions(root.join(path), open).expect("a mode");
            }
        }
        Self {
            arguments: words.map(str::to_owned).collect(),
            directory,
            work,
        }
    }

    fn root(&self) -> PathBuf {
        self.work.path().join("root")
    }

    fn run(&self, more: &[&str]) -> ProgramOutput {
        run(nvmeroot()
            .current_dir(self.work.path())
            .args(&self.arguments)
            .args(more))
    }

    /// What is wrong with the file `name` of this directory.
    fn compare(&self, name: &str, seen: &[u8]) -> Option<String> {
        let path = self.directory.join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            if seen.is_empty() {
                let _ = std::fs::remove_file(path);
            } else {
                write(&path, seen, 0o644);
            }
            return None;
        }
        let expected = std::fs::read(&path).unwrap_or_default();
        (seen != expected).then(|| format!("{name}:\n{}", difference(seen, &expected)))
    }

    fn check(&self) {
        let before = tree(&self.root());
        let said = self.run(&[]);
        let after = tree(&self.root());
        let mut faults = Vec::new();

        let command = format!(
            "nvmeroot {}\nexit status {}\n",
            self.arguments.join(" "),
            said.status.expect("an exit status")
        );
        faults.extend(self.compare("command", command.as_bytes()));
        faults.extend(self.compare("stdout", said.stdout.as_bytes()));
        faults.extend(self.compare("stderr", said.stderr.as_bytes()));
        faults.extend(self.compare("expected/listing", listing(&after).as_bytes()));
        let written: BTreeMap<&PathBuf, &Vec<u8>> = after
            .iter()
            .filter(|(path, entry)| before.get(*path) != Some(entry))
            .filter_map(|(path, entry)| match entry {
                Entry::File { bytes, .. } => Some((path, bytes)),
                _ => None,
            })
            .collect();
        let elsewhere = self.written_elsewhere();
        let expected = self.directory.join("expected/root");
        if std::env::var_os("UPDATE_GOLDEN").is_some() && expected.exists() {
            std::fs::remove_dir_all(&expected).expect("a directory");
        }
        let own: Vec<PathBuf> = if expected.exists() {
            let files = tree(&expected).into_iter();
            let files = files.filter(|(_, entry)| matches!(entry, Entry::File { .. }));
            files.map(|(path, _)| path).collect()
        } else {
            Vec::new()
        };
        for (path, bytes) in &written {
            if path.as_path() == Path::new(MANIFEST) {
                continue;
            }
            faults.extend(self.is_known_as_ours(path, bytes, &before));
            if path.as_path() == Path::new(AGENT) {
                assert!(**bytes == stand_in(), "the agent's bytes");
                continue;
            }
            if own.contains(path) || elsewhere.get(*path) != Some(*bytes) {
                let name = format!("expected/root/{}", path.display());
                faults.extend(self.compare(&name, bytes));
            }
        }
        for path in own {
            if !written.contains_key(&path) {
                faults.push(format!("expected/root/{}: was not written", path.display()));
            }
        }
        assert!(
            faults.is_empty(),
            "{}:\n{}",
            self.directory.display(),
            faults.join("\n")
        );
        self.check_second_run(&said, &after);
    }

    /// A later version must know a file that this one wrote, without the record of it.
    fn is_known_as_ours(&self, path: &Path, bytes: &[u8], before: &Tree) -> Option<String> {
        let is_copy = before
            .values()
            .any(|entry| matches!(entry, Entry::File { bytes: other, .. } if other == bytes));
        let name = path.to_str().expect("a text");
        let tree_path = name.parse().expect("a path inside a tree");
        let is_known = name == AGENT
            || nvmeroot_render::IDENTITY.contains(&name)
            || nvmeroot_render::is_marked(&tree_path, bytes);
        (!is_copy && !is_known).then(|| format!("{name}: it does not say who wrote it"))
    }

    /// What the configuration that `expected/as` names writes. That it is
    /// right is its own test.
    fn written_elsewhere(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let Ok(name) = std::fs::read_to_string(self.directory.join("expected/as")) else {
            return BTreeMap::new();
        };
        let other = Self::new(name.trim());
        let before = tree(&other.root());
        other.run(&[]);
        let after = tree(&other.root()).into_iter();
        let written = after.filter(|(path, entry)| before.get(path) != Some(entry));
        let files = written.filter_map(|(path, entry)| match entry {
            Entry::File { bytes, .. } => Some((path, bytes)),
            _ => None,
        });
        files.collect()
    }

    /// Not a byte, not a mode, not even a time changes.
    fn check_second_run(&self, first: &ProgramOutput, after: &Tree) {
        let second = self.run(&[]);
        assert_eq!(
            tree(&self.root()),
            *after,
            "the second run changed the tree"
        );
        assert_eq!(second.status, first.status);
        assert_eq!(second.stderr, first.stderr);
        let files = |said: &ProgramOutput| -> Vec<String> {
            let lines = said.stdout.lines().filter(|line| line.starts_with("  "));
            lines.map(str::to_owned).collect()
        };
        let aside = |line: &&String| line.contains("moved aside: ");
        let once = files(first).iter().filter(aside).count();
        assert_eq!(
            files(&second).len(),
            files(first).len() - once,
            "{}",
            second.stdout
        );
        for line in files(&second) {
            assert!(line.starts_with("  unchanged: "), "{line}");
        }
    }

    /// The same run as a rehearsal.
    fn check_dry_run(&self) {
        let before = tree(&self.root());
        let dry = self.run(&["--dry-run"]);
        assert_eq!(tree(&self.root()), before, "a dry run changed the tree");
        let real = self.run(&[]);
        assert_eq!(dry.status, real.status);
        let files = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| line.starts_with("  "));
            lines
                .map(|line| line.trim_start().replace("would be ", ""))
                .collect()
        };
        assert_eq!(files(&dry.stdout), files(&real.stdout));
    }
}

/// The first lines that differ, and how long the texts are.
fn difference(seen: &[u8], expected: &[u8]) -> String {
    const LINES: usize = 12;
    let (seen, expected) = (
        String::from_utf8_lossy(seen),
        String::from_utf8_lossy(expected),
    );
    let (seen, expected): (Vec<&str>, Vec<&str>) =
        (seen.lines().collect(), expected.lines().collect());
    let same = seen
        .iter()
        .zip(&expected)
        .take_while(|(a, b)| a == b)
        .count();
    let part = |lines: &[&str]| -> String {
        let shown = lines.iter().skip(same).take(LINES);
        shown.map(|line| format!("    {line}\n")).collect()
    };
    format!(
        "  from line {} of {}:\n{}  expected ({} lines):\n{}",
        same + 1,
        seen.len(),
        part(&seen),
        expected.len(),
        part(&expected)
    )
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn listing(tree: &Tree) -> String {
    tree.iter()
        .map(|(path, entry)| {
            let path = path.display();
            match entry {
                Entry::Directory { mode } => format!("{mode:04o} {path}/\n"),
                Entry::File { mode, .. } => format!("{mode:04o} {path}\n"),
                Entry::Link { target } => format!("link {path} -> {}\n", target.display()),
            }
        })
        .collect()
}

macro_rules! golden {
    ($($name:ident),* $(,)?) => {
        const ALL: &[&str] = &[$(stringify!($name)),*];
        $(#[test]
        fn $name() {
            Golden::new(stringify!($name)).check();
        })*
    };
}

golden!(
    local,
    userspace,
    userspace_with_a_stafd_conf,
    initramfs_static,
    initramfs_dhcp,
    initramfs_ipv6,
    initramfs_two_interfaces,
    initramfs_vlan_on_bond,
    initramfs_curtin_network,
    firmware_refused,
    agent_static,
    agent_dhcp,
    agent_ipv6,
    agent_two_interfaces,
    agent_vlan_on_bond,
    agent_firmware,
);

#[test]
fn every_directory_is_run() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .expect("a directory")
        .filter_map(|e| e.expect("an entry").file_name().into_string().ok())
        .collect();
    names.sort();
    let mut all = ALL.to_vec();
    all.sort_unstable();
    assert_eq!(names, all);
}

#[test]
fn a_dry_run_writes_nothing_and_says_the_same() {
    for name in ALL {
        Golden::new(name).check_dry_run();
    }
}

/// Both would set addresses and connect: never are both there.
#[test]
fn another_runtime_takes_the_place_of_the_first() {
    let paths = |golden: &Golden| -> Vec<PathBuf> {
        let all = tree(&golden.root()).into_iter();
        let files = all.filter(|(_, entry)| matches!(entry, Entry::File { .. }));
        files.map(|(path, _)| path).collect()
    };
    let (agent, scripts) = (Golden::new("agent_dhcp"), Golden::new("initramfs_dhcp"));
    agent.run(&[]);
    scripts.run(&[]);
    let (of_agent, of_scripts) = (paths(&agent), paths(&scripts));
    assert_ne!(of_agent, of_scripts);

    let both = Golden::new("agent_dhcp");
    both.run(&[]);
    let as_scripts = |golden: &Golden| {
        let mut other = nvmeroot();
        other
            .current_dir(golden.work.path())
            .args(&scripts.arguments);
        run(&mut other)
    };
    let said = as_scripts(&both);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert_eq!(
        said.stdout.matches("  removed: ").count(),
        9,
        "{}",
        said.stdout
    );
    assert_eq!(paths(&both), of_scripts);

    let said = both.run(&[]);
    assert_eq!(
        said.stdout.matches("  removed: ").count(),
        9,
        "{}",
        said.stdout
    );
    assert_eq!(paths(&both), of_agent);
}

/// What somebody changed comes back, what nobody changed stays.
#[test]
fn a_run_repairs_what_was_damaged() {
    let golden = Golden::new("initramfs_static");
    golden.run(&[]);
    let whole = tree(&golden.root());
    let hook = golden
        .root()
        .join("etc/initramfs-tools/hooks/curtin-nvme-over-tcp");
    write(&hook, &std::fs::read(&hook).expect("a file"), 0o600);
    std::fs::remove_file(golden.root().join("etc/curtin-nvme-over-tcp/connect-nvme"))
        .expect("a file");
    let said = golden.run(&[]);
    for (outcome, path) in [
        ("mode set", "etc/initramfs-tools/hooks/curtin-nvme-over-tcp"),
        ("created", "etc/curtin-nvme-over-tcp/connect-nvme"),
    ] {
        assert!(
            said.stdout.contains(&format!("  {outcome}: {path}  (")),
            "{}",
            said.stdout
        );
    }
    assert_eq!(listing(&tree(&golden.root())), listing(&whole));
    let bytes = |tree: &Tree| -> Vec<Vec<u8>> {
        let files = tree.values().filter_map(|entry| match entry {
            Entry::File { bytes, .. } => Some(bytes.clone()),
            _ => None,
        });
        files.collect()
    };
    assert_eq!(bytes(&tree(&golden.root())), bytes(&whole));
}
