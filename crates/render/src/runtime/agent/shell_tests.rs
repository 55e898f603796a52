//! The hook and the boot scripts, run by real shells with a stand-in for the
//! agent.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::generator::initramfs_tools;
use crate::shell_tests::shells;

const START: &str = include_str!("start.sh");
const WAIT: &str = include_str!("wait.sh");
const RETRY: &str = include_str!("retry.sh");
const END: &str = include_str!("end.sh");

/// What the stand-in does when no test says otherwise: it notes its argument.
const NOTES: &str = "echo \"agent $1\" >>\"$STAGE/calls\"\n";

/// A stand-in for the initramfs.
struct Stage {
    dir: TempDir,
}

impl Stage {
    fn new(cmdline: &str, agent: &str) -> Self {
        let stage = Self {
            dir: TempDir::new().expect("a directory"),
        };
        stage.write("proc/cmdline", &format!("{cmdline}\n"));
        stage.write("dev/kmsg", "");
        stage.write("run/udev/data", "");
        stage.write("calls", "");
        stage.program("bin/udevadm", "exit 0");
        stage.program(
            "usr/lib/nvmeroot/nvmeroot-agent",
            &format!("{NOTES}{agent}"),
        );
        stage
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("written");
    }

    fn program(&self, path: &str, body: &str) {
        self.write(path, &format!("#!/bin/sh\n{body}\n"));
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.dir.path().join(path), mode).expect("a mode");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir.path().join(path)).unwrap_or_default()
    }

    /// Runs a script with the stage's directories in the places of the
    /// system's. Returns when it and all that holds its output have ended.
    fn run(&self, shell: &[&str], script: &str) -> Output {
        let mut text = script.to_owned();
        for top in [
            "/proc/",
            "/run/",
            "/sbin/",
            "/usr/lib/",
            "/usr/share/",
            "/etc/",
            "/dev/kmsg",
        ] {
            for before in [" ", "\n", "\t", "=", "\"", "[", "(", "<", ">"] {
                text = text.replace(
                    &format!("{before}{top}"),
                    &format!("{before}{}{top}", self.dir.path().display()),
                );
            }
        }
        self.write("script", &text);
        let path = std::env::var("PATH").expect("a PATH");
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .arg(self.dir.path().join("script"))
            .env("STAGE", self.dir.path())
            .env("DESTDIR", "/nowhere")
            .env("PATH", format!("{}/bin:{path}", self.dir.path().display()))
            .current_dir("/")
            .output()
            .expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        output
    }

    /// Runs a boot script, which is to succeed without a word.
    fn boots(&self, shell: &[&str], script: &str) {
        let output = self.run(shell, script);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.status.success(), "{output:?}");
    }

    /// What the agent was called with, once it is `wanted` or time is up.
    fn calls(&self, wanted: &str) -> String {
        self.read_once("calls", wanted)
    }

    /// What is in the file, once it is `wanted` or time is up: what runs in the
    /// background writes it when it comes to it.
    fn read_once(&self, path: &str, wanted: &str) -> String {
        let start = Instant::now();
        loop {
            let text = self.read(path);
            if text == wanted || start.elapsed() > Duration::from_secs(20) {
                return text;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits, not for ever, until the file is gone.
    fn waits_for_the_end_of(&self, path: &str) {
        let start = Instant::now();
        while self.dir.path().join(path).exists() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn the_agent_starts_in_the_background() {
    for shell in shells() {
        let stage = Stage::new("root=UUID=1 ro quiet", "echo trouble >&2; sleep 1");
        let start = Instant::now();
        stage.boots(&shell, START);
        assert!(start.elapsed() < Duration::from_secs(2), "it waited");
        assert_eq!(stage.calls("agent run\n"), "agent run\n");
        let said = stage.read_once("dev/kmsg", "trouble\n");
        assert_eq!(said, "trouble\n", "a panic is to be seen");
    }
}

#[test]
fn init_premount_returns_when_the_drives_are_there() {
    for shell in shells() {
        let stage = Stage::new("ro", "sleep 0.3; echo there >>\"$STAGE/calls\"");
        stage.boots(&shell, WAIT);
        assert_eq!(stage.read("calls"), "agent wait\nthere\n");
    }
}

/// The initramfs goes on by itself, and nothing is said twice.
#[test]
fn a_failure_lets_the_initramfs_go_on() {
    for shell in shells() {
        let stage = Stage::new("ro", "echo 'gave up after 180 s' >&2; exit 1");
        stage.boots(&shell, WAIT);
        assert_eq!(stage.read("calls"), "agent wait\n");
        assert_eq!(stage.read("dev/kmsg"), "");
    }
}

#[test]
fn an_agent_that_is_gone_is_started_again() {
    for shell in shells() {
        let agent = "case $1 in\n\
                     wait) [ -e \"$STAGE/again\" ] || { : >\"$STAGE/again\"; exit 3; };;\n\
                     esac";
        let stage = Stage::new("ro", agent);
        stage.boots(&shell, WAIT);
        // One of them in the background: which comes first is open.
        let mut calls: Vec<String> = stage.read("calls").lines().map(str::to_owned).collect();
        let start = Instant::now();
        while calls.len() < 3 && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
            calls = stage.read("calls").lines().map(str::to_owned).collect();
        }
        calls[1..].sort();
        assert_eq!(calls, ["agent wait", "agent run", "agent wait"]);
        let said = stage.read("dev/kmsg");
        assert_eq!(
            said,
            "<4>nvmeroot: `nvmeroot-agent run` is gone, starting it again\n"
        );
    }
}

#[test]
fn off_means_that_nothing_runs() {
    for shell in shells() {
        for cmdline in ["nvmeroot=off", "ro nvmeroot=off quiet", "ro * nvmeroot=off"] {
            let stage = Stage::new(cmdline, "");
            stage.write("run/udev/control", "");
            stage.boots(&shell, START);
            stage.boots(&shell, WAIT);
            stage.boots(&shell, RETRY);
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!(stage.read("calls"), "", "{cmdline}");
        }
        for cmdline in ["xnvmeroot=off", "nvmeroot=offline", "nvmeroot.debug"] {
            let stage = Stage::new(cmdline, "");
            stage.boots(&shell, WAIT);
            assert_eq!(stage.read("calls"), "agent wait\n", "{cmdline}");
        }
    }
}

/// While the device is missing, one run follows the other, a few seconds apart.
#[test]
fn local_block_starts_the_agent_again() {
    for shell in shells() {
        let stage = Stage::new("ro", "exit 1");
        stage.write("run/nvmeroot/failed", "");
        stage.boots(&shell, RETRY);
        stage.waits_for_the_end_of("run/nvmeroot/again.busy");
        for _ in 1..11 {
            stage.boots(&shell, RETRY);
        }
        let twice = "agent run\nagent run\n";
        assert_eq!(stage.calls(twice), twice);
        assert!(
            stage.read("run/nvmeroot/again").starts_with("11 "),
            "{}",
            stage.read("run/nvmeroot/again")
        );
    }
}

#[test]
fn local_block_leaves_an_agent_at_work_alone() {
    for shell in shells() {
        let stage = Stage::new("ro", "");
        let mut other = process(&stage, "nvmeroot-agent");
        stage.write("run/nvmeroot/again", &format!("10 {}\n", other.id()));
        stage.write("run/nvmeroot/again.busy", "");
        stage.boots(&shell, RETRY);
        other.kill().expect("killed");
        other.wait().expect("it ends");
        stage.write("run/nvmeroot/done", "");
        stage.write("run/nvmeroot/again", "20 \n");
        stage.boots(&shell, RETRY);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(stage.read("calls"), "");
    }
}

/// A process that the stage's `/proc` shows under that name.
fn process(stage: &Stage, name: &str) -> Child {
    let child = Command::new("sleep").arg("60").spawn().expect("sleep");
    stage.write(&format!("proc/{}/comm", child.id()), &format!("{name}\n"));
    child
}

#[test]
fn init_bottom_ends_the_agent_and_nobody_else() {
    for shell in shells() {
        for (status, killed) in [(0, false), (1, true)] {
            let stage = Stage::new("ro", &format!("exit {status}"));
            let mut agent = process(&stage, "nvmeroot-agent");
            let mut other = process(&stage, "nvmeroot-agent2");
            stage.boots(&shell, END);
            assert_eq!(stage.read("calls"), "agent stop\n");
            std::thread::sleep(Duration::from_millis(50));
            let ended = |child: &mut Child| child.try_wait().expect("a status").is_some();
            assert_eq!((ended(&mut agent), ended(&mut other)), (killed, false));
            for mut child in [agent, other] {
                let _ = child.kill();
                child.wait().expect("it ends");
            }
        }
    }
}

/// `init-bottom/udev` waits for a minute, and lets the boot panic if that is too short.
#[test]
fn init_bottom_waits_for_udev_and_not_for_ever() {
    let said = "<5>nvmeroot: udev has not read all drives yet; waiting\n";
    for shell in shells() {
        for (idle_after, asked) in [(1, 1), (3, 3), (99, 20)] {
            let stage = Stage::new("ro", "");
            stage.program(
                "bin/udevadm",
                &format!(
                    "echo \"$*\" >>\"$STAGE/asked\"; echo timed out >&2\n\
                     [ \"$(wc -l <\"$STAGE/asked\")\" -ge {idle_after} ]"
                ),
            );
            stage.boots(&shell, END);
            let line = "settle --timeout=30\n";
            assert_eq!(stage.read("asked"), line.repeat(asked));
            let expected = if asked > 1 { said } else { "" };
            assert_eq!(stage.read("dev/kmsg"), expected);
            assert_eq!(stage.read("calls"), "agent stop\n");
        }
    }
}

/// Runs the hook with functions that note their arguments, `copy_file` with
/// that status.
fn hook(shell: &[&str], modules: &str, status: u8) -> (Stage, Output) {
    let stage = Stage::new("", "");
    let functions = format!(
        "MODULES={modules}\n\
         note() {{ echo \"$*\" >>\"$STAGE/calls\"; }}\n\
         copy_file() {{ note copy_file \"$1 ${{2#\"$STAGE\"}}\"; return {status}; }}\n\
         manual_add_modules() {{ note manual_add_modules \"$*\"; }}\n\
         auto_add_modules() {{ note auto_add_modules \"$*\"; }}\n"
    );
    stage.write("usr/share/initramfs-tools/hook-functions", &functions);
    let output = stage.run(
        shell,
        &initramfs_tools::hook(&super::PAYLOAD, crate::payload::Owner::Machine),
    );
    (stage, output)
}

#[test]
fn the_hook_takes_the_agent_its_plan_and_the_drivers() {
    let both = "copy_file file /usr/lib/nvmeroot/nvmeroot-agent\n\
                copy_file file /etc/nvmeroot/plan.json\n\
                agent reads\n\
                manual_add_modules nvme-tcp af_packet\n";
    for shell in shells() {
        // 1: it is there already.
        for status in [0, 1] {
            let (stage, output) = hook(&shell, "most", status);
            assert!(output.status.success(), "{output:?}");
            assert_eq!(stage.read("calls"), both);
        }
        let (stage, _) = hook(&shell, "dep", 0);
        assert_eq!(stage.read("calls"), format!("{both}auto_add_modules net\n"));
    }
}

#[test]
fn the_hook_fails_where_a_file_is_missing() {
    for shell in shells() {
        let (stage, output) = hook(&shell, "most", 2);
        assert_eq!(output.status.code(), Some(1));
        let missing = format!(
            "E: nvmeroot: can't copy `{}/usr/lib/nvmeroot/nvmeroot-agent`\n\
             E: nvmeroot: hint: run `nvmeroot configure` again\n",
            stage.dir.path().display()
        );
        assert_eq!(String::from_utf8_lossy(&output.stderr), missing);
    }
}
