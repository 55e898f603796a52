//! What the examples have installers run, to the letter: in an installer's own root, with
//! the installed system at `/target` in it. A stand-in for the program `curtin` notes what
//! it is asked for.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{ProgramOutput, furnish, nvmeroot, run, stand_in, write};
use nvmeroot_render::{AGENT_PATH, ChangeKind, package_files};

const PLAN: &str = "target/etc/nvmeroot/plan.json";
/// Of the installer; the installed system has none yet.
const IDENTITY: [(&str, &str); 2] = [
    ("hostnqn", "nqn.2014-08.org.nvmexpress:installer\n"),
    ("hostid", "7c0c8d5e-1f0b-4a69-8d26-0b6d1d6f2a10\n"),
];

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn example(name: &str) -> PathBuf {
    repository().join("examples/curtin").join(name)
}

/// The installer's root: the programs of the machine that the tests run on, and nothing
/// of it that can be written to.
struct Installer(tempfile::TempDir);

impl Installer {
    fn new() -> Self {
        let installer = Self(common::work());
        let target = installer.at("target");
        furnish(&target);
        std::fs::create_dir(target.join("tmp")).expect("a directory");
        for (name, text) in IDENTITY {
            std::fs::remove_file(target.join("etc/nvme").join(name)).expect("a file");
            write(&installer.at("etc/nvme").join(name), text.as_bytes(), 0o644);
        }
        write(
            &installer.at("bin.own/curtin"),
            b"#!/bin/sh\necho \"$*\" >>/asked\n",
            0o755,
        );
        installer
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// The program with the agent beside it, without a package.
    fn with_program(self) -> Self {
        std::fs::copy(nvmeroot().get_program(), self.at("bin.own/nvmeroot")).expect("a copy");
        write(&self.at("bin.own/nvmeroot-agent"), &stand_in(), 0o755);
        self
    }

    /// What the installed system has once the package is in it.
    fn with_package(self) -> Self {
        let target = self.at("target");
        for change in &package_files().expect("files") {
            if let ChangeKind::File { mode, bytes } = &change.kind {
                write(&target.join(change.path.as_str()), bytes, mode.bits());
            }
        }
        write(&target.join(AGENT_PATH), &stand_in(), 0o755);
        let program = target.join("usr/sbin/nvmeroot");
        std::fs::copy(nvmeroot().get_program(), program).expect("a copy");
        self
    }

    /// Runs a command in the installer's root, in this environment.
    fn run(&self, words: &[&str], environment: &[(&str, &str)]) -> ProgramOutput {
        let script = "for d in bin dev lib lib64 proc sbin usr; do \
                          [ -e /$d ] || continue; \
                          mkdir -p \"$0/$d\" && mount --rbind /$d \"$0/$d\" && \
                          mount -o remount,bind,ro \"$0/$d\" || exit 99; \
                      done; exec chroot \"$0\" \"$@\"";
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", script])
            .arg(self.0.path())
            .args(words)
            .env_clear()
            .env("PATH", "/bin.own:/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(environment.iter().copied());
        run(&mut command)
    }

    fn succeeds(&self, words: &[&str], environment: &[(&str, &str)]) -> ProgramOutput {
        let said = self.run(words, environment);
        assert_eq!(said.status, Some(0), "{words:?}: {}", said.stderr);
        said
    }

    /// Root would come up, as the storage knows the machine, and curtin was asked for this.
    fn is_done(&self, asked: &[&str]) {
        assert!(self.at(PLAN).exists());
        for (name, text) in IDENTITY {
            let found = std::fs::read_to_string(self.at("target/etc/nvme").join(name));
            assert_eq!(found.expect("a file"), text);
        }
        let found = std::fs::read_to_string(self.at("asked")).unwrap_or_default();
        assert_eq!(found.lines().collect::<Vec<_>>(), asked);
    }
}

/// A command of an example that goes astray must not reach the machine.
#[test]
fn the_machine_s_own_programs_can_t_be_written_to() {
    let script = "for d in /bin /dev /lib /lib64 /proc /sbin /usr; do \
                      [ ! -w $d ] || { echo $d; exit 1; }; done";
    let said = Installer::new().run(&["sh", "-c", script], &[]);
    assert_eq!(said.status, Some(0), "{}{}", said.stdout, said.stderr);
}

/// What curtin's own code wrote of a configuration (`tests/curtin.rs`).
fn curtin_config() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/curtin/config");
    std::fs::read(path).expect("a file")
}

/// `late_commands` of curtin: each a list of words, with both of its variables.
#[test]
fn curtin_s_late_commands() {
    let installer = Installer::new().with_program();
    write(&installer.at("state/config"), &curtin_config(), 0o600);
    let text = std::fs::read_to_string(example("hook.yaml")).expect("a file");
    let late = text.split_once("\nlate_commands:\n").expect("the stage").1;
    let late = late.split_once("\n\n# What").expect("its end").0;
    let commands: Vec<Vec<&str>> = late
        .lines()
        .filter_map(|line| line.trim().split_once(": [")?.1.strip_suffix(']'))
        .map(|words| words.split(", ").collect())
        .collect();
    assert_eq!(commands.len(), 3, "{late}");
    for words in &commands {
        let environment = [
            ("TARGET_MOUNT_POINT", "/target"),
            ("CONFIG", "/state/config"),
        ];
        installer.succeeds(words, &environment);
    }
    installer.is_done(&["in-target -- update-initramfs -u -k all"]);
}

/// `late-commands` of subiquity: each a text for the shell, and curtin's configuration
/// lies where subiquity leaves it.
#[test]
fn subiquity_s_late_commands() {
    let installer = Installer::new().with_package();
    let yaml = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/initramfs_static/input/curtin.yaml");
    write(
        &installer.at("var/log/installer/curtin-install/subiquity-curthooks.conf"),
        &std::fs::read(yaml).expect("a file"),
        0o600,
    );
    write(&installer.at("cdrom/nvmeroot.deb"), b"a package\n", 0o644);
    let text = std::fs::read_to_string(example("autoinstall.yaml")).expect("a file");
    let late = text.split_once("late-commands:\n").expect("the key").1;
    let commands = late.lines().filter_map(|line| line.strip_prefix("    - "));
    let mut count = 0;
    for command in commands {
        let environment = [("TARGET_MOUNT_POINT", "/target")];
        installer.succeeds(&["sh", "-c", command], &environment);
        count += 1;
    }
    assert_eq!(count, 4, "{late}");
    assert!(installer.at("target/tmp/nvmeroot.deb").exists());
    installer.is_done(&[
        "in-target -- apt-get install --assume-yes /tmp/nvmeroot.deb",
        "in-target -- update-initramfs -u -k all",
    ]);
}

/// An image's own hooks, which curtin runs in the place of its own.
#[test]
fn an_image_s_hooks() {
    let installer = Installer::new().with_package();
    write(&installer.at("state/config"), &curtin_config(), 0o600);
    let hooks = std::fs::read(example("curtin-hooks")).expect("a file");
    write(&installer.at("target/curtin/curtin-hooks"), &hooks, 0o755);
    let environment = [
        ("TARGET_MOUNT_POINT", "/target"),
        ("CONFIG", "/state/config"),
    ];
    let hooks = ["/target/curtin/curtin-hooks"];
    installer.succeeds(&hooks, &environment);
    installer.is_done(&[
        "--config /state/config --set curthooks/mode=builtin curthooks",
        "in-target -- update-initramfs -u -k all",
    ]);

    // What fails there is curtin's failure.
    write(&installer.at("state/config"), b"storage: 7\n", 0o600);
    let said = installer.run(&hooks, &environment);
    assert_eq!(said.status, Some(2), "{}", said.stderr);
}
