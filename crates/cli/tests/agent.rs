//! Finding the agent that belongs to the program, and refusing what can't be
//! it.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{ProgramOutput, elf, furnish, machine, run, stand_in, tree, write};

const AGENT: &str = "usr/lib/nvmeroot/nvmeroot-agent";

/// The program in a directory of its own, `target/debug`.
struct Scene {
    work: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let work = common::work();
        let program = work.path().join("target/debug/nvmeroot");
        std::fs::create_dir_all(program.parent().expect("a parent")).expect("a directory");
        let built = Path::new(env!("CARGO_BIN_EXE_nvmeroot"));
        std::fs::hard_link(built, &program)
            .or_else(|_| std::fs::copy(built, &program).map(|_| ()))
            .expect("a copy");
        let input = include_bytes!("golden/initramfs_static/input/curtin.yaml");
        write(&work.path().join("curtin.yaml"), input, 0o644);
        furnish(&work.path().join("root"));
        Self { work }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        write(&self.path(name), bytes, 0o755);
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(self.path("target/debug/nvmeroot"));
        for variable in ["CONFIG", "TARGET_MOUNT_POINT", "COLUMNS", "NVMEROOT_AGENT"] {
            command.env_remove(variable);
        }
        command
            .current_dir(self.work.path())
            .args(["configure", "--curtin", "curtin.yaml", "--root", "root"])
            .args(more);
        command
    }

    /// The agent that the root tree gets.
    fn takes(&self, command: &mut Command) -> Vec<u8> {
        let said = run(command);
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
        let taken = self.path("root").join(AGENT);
        let bytes = std::fs::read(&taken).expect("the agent");
        std::fs::remove_file(taken).expect("a file");
        bytes
    }

    /// What is said when nothing can be done; nothing is written.
    fn refuses(&self, command: &mut Command) -> String {
        let before = tree(&self.path("root"));
        let ProgramOutput {
            status,
            stdout,
            stderr,
        } = run(command);
        assert_eq!((status, stdout.as_str()), (Some(1), ""), "{stderr}");
        assert_eq!(tree(&self.path("root")), before);
        stderr
    }
}

/// A stand-in that differs from the others.
fn marked(mark: &str) -> Vec<u8> {
    let mut bytes = stand_in();
    bytes.extend(mark.bytes());
    bytes
}

fn built() -> String {
    built_for("musl")
}

fn built_for(libc: &str) -> String {
    format!(
        "target/{}-unknown-linux-{libc}/agent/nvmeroot-agent",
        std::env::consts::ARCH
    )
}

#[test]
fn the_nearest_agent_is_taken() {
    let scene = Scene::new();
    scene.put(&built_for("gnu"), &marked("larger"));
    assert!(scene.takes(&mut scene.command(&[])) == marked("larger"));
    scene.put(&built(), &marked("built"));
    assert!(scene.takes(&mut scene.command(&[])) == marked("built"));
    scene.put("target/debug/nvmeroot-agent", &marked("beside"));
    assert!(scene.takes(&mut scene.command(&[])) == marked("beside"));
    scene.put("by-variable", &marked("variable"));
    let mut command = scene.command(&[]);
    command.env("NVMEROOT_AGENT", "by-variable");
    assert!(scene.takes(&mut command) == marked("variable"));
    scene.put("by-option", &marked("option"));
    let mut command = scene.command(&["--agent", "by-option"]);
    command.env("NVMEROOT_AGENT", "by-variable");
    assert!(scene.takes(&mut command) == marked("option"));
    let mut command = scene.command(&[]);
    command.env("NVMEROOT_AGENT", "");
    assert!(
        scene.takes(&mut command) == marked("beside"),
        "empty is absent"
    );
}

/// `cargo build` of the whole workspace puts one beside the program that needs
/// libraries.
#[test]
fn what_can_t_be_it_is_passed_over() {
    let scene = Scene::new();
    scene.put("target/debug/nvmeroot-agent", &elf(machine(), 3));
    scene.put(&built(), &marked("built"));
    assert!(scene.takes(&mut scene.command(&[])) == marked("built"));
}

const HINT: &str = "`--agent FILE` (`cargo xtask agent` builds it); or pass `--runtime scripts`, which needs none\n";

#[test]
fn without_an_agent_nothing_is_written() {
    if Path::new("/").join(AGENT).exists() {
        eprintln!("skipped: this machine has an agent");
        return;
    }
    let scene = Scene::new();
    assert_eq!(
        scene.refuses(&mut scene.command(&[])),
        format!(
            "error: there is no `nvmeroot-agent` for the initramfs\n\
             hint: put it at `/{AGENT}`; or name it with {HINT}"
        )
    );
    scene.put("target/debug/nvmeroot-agent", &elf(machine(), 3));
    let beside = scene.path("target/debug/nvmeroot-agent");
    assert_eq!(
        scene.refuses(&mut scene.command(&[])),
        format!(
            "error: there is no `nvmeroot-agent` for the initramfs\n  \
             `{}` can't be the agent: it is not static, and the initramfs has no libraries for it\n\
             hint: put it at `/{AGENT}`; or name it with {HINT}",
            beside.display()
        )
    );
}

#[test]
fn a_named_agent_that_can_t_be_it_is_refused() {
    let scene = Scene::new();
    // It would be taken were none named.
    scene.put(&built(), &stand_in());
    let other = if machine() == 62 { 183 } else { 62 };
    let name = |machine| match machine {
        62 => "x86_64",
        183 => "aarch64",
        _ => panic!("a machine that this test has no name for"),
    };
    let wrong = format!(
        "`agent` can't be the agent: it is for {}, and the root tree is for {}",
        name(other),
        name(machine())
    );
    for (bytes, why) in [
        (
            elf(machine(), 3),
            "`agent` can't be the agent: it is not static, and the initramfs has no libraries for it",
        ),
        (elf(other, 1), wrong.as_str()),
        (
            b"#!/bin/sh\n".to_vec(),
            "`agent` can't be the agent: it is no ELF program",
        ),
        (
            stand_in()[..66].to_vec(),
            "`agent` can't be the agent: it is cut short",
        ),
    ] {
        scene.put("agent", &bytes);
        assert_eq!(
            scene.refuses(&mut scene.command(&["--agent", "agent"])),
            format!("error: {why}\nhint: name another with {HINT}")
        );
    }
    assert_eq!(
        scene.refuses(&mut scene.command(&["--agent", "nowhere"])),
        format!(
            "error: can't read the agent `nowhere`: No such file or directory (os error 2)\n\
             hint: name another with {HINT}"
        )
    );
}

/// The root tree's machine counts, not the installer's.
#[test]
fn an_agent_for_the_root_trees_machine() {
    let scene = Scene::new();
    let other = if machine() == 62 { 183 } else { 62 };
    scene.put("root/usr/bin/sh", &elf(other, 3));
    scene.put("agent", &elf(other, 1));
    assert!(scene.takes(&mut scene.command(&["--agent", "agent"])) == elf(other, 1));
    scene.put("agent", &stand_in());
    let said = scene.refuses(&mut scene.command(&["--agent", "agent"]));
    assert!(said.contains("and the root tree is for "), "{said}");
}

#[test]
fn scripts_need_none_and_take_none() {
    let scene = Scene::new();
    let mut command = scene.command(&["--runtime", "scripts"]);
    command.env("NVMEROOT_AGENT", "nowhere");
    let said = run(&mut command);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    assert!(!scene.path("root").join(AGENT).exists());
    let said = run(&mut scene.command(&["--runtime", "scripts", "--agent", "x"]));
    assert_eq!(
        (said.status, said.stderr.as_str()),
        (
            Some(2),
            "error: `--agent` goes with `--runtime agent` only\n"
        )
    );
}

/// A card by its driver, which the agent looks for and the scripts can't.
#[test]
fn what_the_agent_carries_out_is_no_warning_for_it() {
    let scene = Scene::new();
    let input = include_str!("golden/initramfs_static/input/curtin.yaml");
    let matching = "ens3:\n            match: {driver: virtio_net}\n";
    let text = input.replace("ens3:\n", matching);
    write(&scene.path("curtin.yaml"), text.as_bytes(), 0o644);
    scene.put("agent", &stand_in());
    let said = run(&mut scene.command(&["--agent", "agent"]));
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    let warning = "warning: the boot scripts do not carry `match` out: for them, the card must be called `ens3`\n";
    let said = run(&mut scene.command(&["--runtime", "scripts"]));
    assert_eq!(said.status, Some(0));
    assert!(said.stderr.starts_with(warning), "{}", said.stderr);

    let plan = |more: &[&str]| {
        let mut command = Command::new(scene.path("target/debug/nvmeroot"));
        command.current_dir(scene.work.path()).env_remove("CONFIG");
        run(command.args(["plan", "--curtin", "curtin.yaml"]).args(more))
    };
    assert_eq!(plan(&[]).stderr, "");
    let commands = plan(&["--format", "commands"]);
    assert!(commands.stderr.starts_with(warning), "{}", commands.stderr);
    let scripts = plan(&["--format", "json", "--runtime", "scripts"]);
    assert!(scripts.stderr.starts_with(warning), "{}", scripts.stderr);
    assert_eq!(plan(&["--format", "json"]).stderr, "");
}
