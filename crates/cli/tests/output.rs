//! What is said, and to whom, when nobody can listen.

mod common;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{furnish, nvmeroot, run, stand_in, work, write};

struct Scene {
    work: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let work = work();
        furnish(&work.path().join("root"));
        let input = include_bytes!("golden/initramfs_static/input/curtin.yaml");
        write(&work.path().join("curtin.yaml"), input, 0o644);
        write(&work.path().join("agent"), &stand_in(), 0o755);
        // What stands for chroot(8) says what it was asked for.
        let chroot = b"#!/bin/sh\nprintf '%s|' \"$@\" >asked\necho generating\n";
        write(&work.path().join("bin/chroot"), chroot, 0o755);
        for file in [
            "boot/initrd.img-6.12",
            "boot/vmlinuz-6.12",
            "lib/modules/6.12/modules.dep",
        ] {
            write(&work.path().join("root").join(file), b"", 0o644);
        }
        Self { work }
    }

    fn configure(&self, root: &str, more: &[&str]) -> Command {
        let mut command = nvmeroot();
        command.args(["configure", "--curtin", "curtin.yaml", "--agent", "agent"]);
        command.arg(format!("--root={root}")).args(more);
        command
            .env("PATH", self.path("bin"))
            .current_dir(self.work.path());
        command
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.work.path().join(name)
    }

    fn is_done(&self) -> bool {
        self.path("root/etc/initramfs-tools/hooks/nvmeroot")
            .exists()
    }

    fn asked(&self) -> String {
        std::fs::read_to_string(self.path("asked")).expect("it was asked for")
    }
}

fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .expect("a full device")
        .into()
}

/// A pipe whose reader is gone.
fn broken() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

#[test]
fn the_work_is_done_whoever_reads_of_it() {
    for (out, status, said) in [
        (broken as fn() -> Stdio, Some(0), ""),
        (
            full,
            Some(1),
            "error: can't write to standard output: No space left on device (os error 28)\n",
        ),
    ] {
        let scene = Scene::new();
        let mut command = scene.configure("root", &["--update-initramfs"]);
        command.stdout(out()).stderr(Stdio::piped());
        let output = command.output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr).replace("generating\n", "");
        assert_eq!((output.status.code(), stderr.as_str()), (status, said));
        assert!(scene.is_done());
        assert!(scene.asked().ends_with("|update-initramfs|-u|-k|all|"));
    }
}

#[test]
fn talk_that_nobody_hears_stops_nothing() {
    for err in [broken as fn() -> Stdio, full] {
        let scene = Scene::new();
        let mut command = scene.configure("root", &[]);
        let status = command.stdout(Stdio::null()).stderr(err()).status();
        assert_eq!(status.expect("a status").code(), Some(0));
        assert!(scene.is_done());
        // And of an error nothing but the status is left.
        let mut command = scene.configure("nowhere", &[]);
        let status = command.stdout(Stdio::null()).stderr(err()).status();
        assert_eq!(status.expect("a status").code(), Some(2));
    }
}

#[test]
fn plans_and_help_are_data_too() {
    let scene = Scene::new();
    for arguments in [
        &["plan", "--curtin", "curtin.yaml"][..],
        &["plan", "--curtin", "curtin.yaml", "--format", "json"],
        &["--help"],
        &["--version"],
    ] {
        for (out, status) in [(broken as fn() -> Stdio, Some(0)), (full, Some(1))] {
            let mut command = nvmeroot();
            command.args(arguments).current_dir(scene.work.path());
            let output = command.stdout(out()).output().expect("the program runs");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), status, "{arguments:?} {stderr}");
            assert!(!stderr.contains("panicked"), "{stderr}");
        }
    }
}

#[test]
fn the_help_says_what_check_s_exit_status_means() {
    let said = run(nvmeroot().args(["check", "--help"]));
    let words: Vec<&str> = said.stdout.split_whitespace().collect();
    let text = words.join(" ");
    let end = "1 a fault was found: it would not boot, or would lose its root; 2 the question could not be asked.";
    assert!(text.ends_with(end), "{text}");
}

/// The command line may bring a way at boot, so that is no error.
#[test]
fn a_plan_by_which_nothing_boots_says_so() {
    let scene = Scene::new();
    let text = std::fs::read_to_string(scene.path("curtin.yaml")).expect("an input");
    let text = text.replace("192.0.2.20/24", "198.51.100.20/24");
    let text = text.split("          routes:").next().unwrap_or_default();
    write(&scene.path("curtin.yaml"), text.as_bytes(), 0o644);
    let line = "\nwould not boot: no interface leads to `192.0.2.10:4420`, which `/` needs\n";
    let mut plan = nvmeroot();
    plan.args(["plan", "--curtin", "curtin.yaml"]);
    let plan = run(plan.current_dir(scene.work.path()));
    for said in [plan, run(&mut scene.configure("root", &[]))] {
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        assert!(said.stdout.contains(line), "{}", said.stdout);
        let warning = "warning: no interface leads to the controller at `192.0.2.10:4420`";
        assert!(said.stderr.starts_with(warning), "{}", said.stderr);
    }
}

/// A mirror comes up without a member.
#[test]
fn a_member_that_nothing_leads_to_stops_no_boot() {
    let scene = Scene::new();
    write(&scene.path("root/usr/sbin/mdadm"), b"", 0o755);
    let mirror = "storage:
  config:
    - {id: a, type: nvme_controller, transport: tcp, tcp_addr: 192.0.2.10, tcp_port: 4420}
    - {id: b, type: nvme_controller, transport: tcp, tcp_addr: 198.51.100.10, tcp_port: 4420}
    - {id: a-disk, type: disk, serial: A, nvme_controller: a}
    - {id: b-disk, type: disk, serial: B, nvme_controller: b}
    - {id: md, type: raid, name: md0, raidlevel: 1, devices: [a-disk, b-disk]}
    - {id: fs, type: format, volume: md, fstype: ext4}
    - {id: mount, type: mount, device: fs, path: /}
    - {id: boot-disk, type: disk, serial: C}
    - {id: boot, type: format, volume: boot-disk, fstype: ext4}
    - {id: mount-boot, type: mount, device: boot, path: /boot}
write_files:
  n:
    path: etc/netplan/n.yaml
    content: |
      network: {ethernets: {ens3: {addresses: [192.0.2.20/24]}}}
";
    for (address, line) in [
        ("192.0.2.20/24", None),
        (
            "203.0.113.20/24",
            Some(
                "\nwould not boot: no interface leads to `192.0.2.10:4420`, which `/` needs\nwould not boot: no interface leads to `198.51.100.10:4420`, which `/` needs\n",
            ),
        ),
    ] {
        let input = mirror.replace("192.0.2.20/24", address);
        write(&scene.path("curtin.yaml"), input.as_bytes(), 0o644);
        let said = run(&mut scene.configure("root", &[]));
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        assert!(said.stdout.contains(line.unwrap_or("")), "{}", said.stdout);
        let count = said.stdout.matches("would not boot").count();
        assert_eq!(count, if line.is_some() { 2 } else { 0 }, "{}", said.stdout);
        let mut check = nvmeroot();
        check.args(["check", "--root", "root", "--format", "json"]);
        let said = run(check.current_dir(scene.work.path()));
        let report: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings").iter();
        let ways: Vec<_> = findings.filter(|one| one["finding"] == "no-way").collect();
        let severities: Vec<_> = ways.iter().map(|one| &one["severity"]).collect();
        match line {
            None => assert_eq!(severities, ["warning"], "{ways:?}"),
            Some(_) => assert_eq!(severities, ["fault", "fault"], "{ways:?}"),
        }
    }
}

/// What the generator says is no part of the report.
#[test]
fn the_report_is_all_that_is_on_standard_output() {
    let scene = Scene::new();
    let said = run(&mut scene.configure("root", &["--update-initramfs", "--format", "json"]));
    let report: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(report["reach"], "initramfs");
    assert_eq!(said.stderr, "generating\n");
}

/// Also when an earlier revert did not come to it.
#[test]
fn a_revert_that_is_told_to_regenerates() {
    let scene = Scene::new();
    let reverted = || {
        let mut command = nvmeroot();
        command
            .args(["revert", "--root=root", "--update-initramfs"])
            .env("PATH", scene.path("bin"))
            .current_dir(scene.work.path());
        let said = run(&mut command);
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        let asked = scene.asked();
        std::fs::remove_file(scene.path("asked")).expect("a file");
        let (_, asked) = asked.split_once('|').expect("a directory");
        (said, asked.to_owned())
    };
    let said = run(&mut scene.configure("root", &[]));
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let line = "initramfs: initramfs-tools (the root tree has `mkinitramfs` and no `dracut`)\n";
    let (said, asked) = reverted();
    assert!(said.stdout.ends_with(line), "{}", said.stdout);
    assert_eq!(asked, "update-initramfs|-u|-k|all|");
    let (said, asked) = reverted();
    let nothing = "nothing to revert: nvmeroot has changed nothing in this root tree\n";
    assert_eq!(said.stdout, format!("{nothing}{line}"));
    assert_eq!(asked, "update-initramfs|-u|-k|all|");
}

/// The generators say nothing then, and do nothing.
#[test]
fn an_initramfs_that_is_not_made_is_no_success() {
    for (generator, gone, expected) in [
        (
            "initramfs-tools",
            "boot/vmlinuz-6.12",
            "error: `chroot root update-initramfs -u -k all` has no initramfs to make: `boot` has no kernel that has one\n\
             hint: install a kernel in the root tree, whose package makes its initramfs; one that has none gets it by `update-initramfs -c -k all` in the tree\n",
        ),
        (
            "dracut",
            "lib/modules/6.12/modules.dep",
            "error: `chroot root dracut --force --regenerate-all` has no initramfs to make: `lib/modules` has no kernel's modules\n\
             hint: install a kernel in the root tree, whose package makes its initramfs\n",
        ),
    ] {
        let scene = Scene::new();
        std::fs::remove_file(scene.path("root").join(gone)).expect("a file");
        let more = ["--update-initramfs", "--initramfs", generator];
        let said = run(&mut scene.configure("root", &more));
        assert_eq!(said.status, Some(1), "{}", said.stdout);
        assert!(said.stderr.ends_with(expected), "{}", said.stderr);
        assert!(!scene.path("asked").exists());
        let said = run(&mut scene.configure("root", &more[1..]));
        assert_eq!(said.status, Some(0), "{}", said.stderr);
    }
    let scene = Scene::new();
    write(&scene.path("bin/chroot"), b"#!/bin/sh\nexit 3\n", 0o755);
    let said = run(&mut scene.configure("root", &["--update-initramfs"]));
    assert_eq!(
        (said.status, &*said.stderr),
        (
            Some(1),
            "error: `update-initramfs` failed in the root tree (exit status: 3): all files are in their places, and the initramfs is still the old one\n\
             hint: mend what it says, then run `chroot root update-initramfs -u -k all`\n"
        )
    );
}

/// A directory may have any name: it is no option of chroot(8), and no part of
/// a command.
#[test]
fn a_root_tree_may_have_any_name() {
    for (name, shown) in [
        ("--version", "./--version"),
        ("a b", "'a b'"),
        ("$(reboot)", "'$(reboot)'"),
        ("it's", "\"it's\""),
    ] {
        let scene = Scene::new();
        std::fs::rename(scene.path("root"), scene.path(name)).expect("another name");
        let said = run(&mut scene.configure(name, &["--update-initramfs"]));
        assert_eq!(said.status, Some(0), "{name}: {}", said.stderr);
        assert!(!said.stdout.contains("next: "), "{}", said.stdout);
        let asked = scene.asked();
        let (directory, rest) = asked.split_once('|').expect("a directory");
        assert!(
            directory.starts_with('/') && Path::new(directory).ends_with(name),
            "{asked}"
        );
        assert_eq!(rest, "update-initramfs|-u|-k|all|");
        let said = run(&mut scene.configure(name, &[]));
        let next = format!("next: chroot {shown} update-initramfs -u -k all\n");
        assert!(said.stdout.ends_with(&next), "{}", said.stdout);
    }
}

#[test]
fn a_file_with_keys_that_is_open_is_warned_of() {
    let key = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
    let json = format!(
        "[{{\"hostnqn\":\"{}\",\"subsystems\":[{{\"nqn\":\"nqn.a\",\"ports\":[{{\"transport\":\"tcp\",\"traddr\":\"192.0.2.99\",\"dhchap_key\":\"{key}\"}}]}}]}}]",
        common::HOSTNQN
    );
    for (text, mode, is_warned) in [
        (json.as_str(), 0o644, true),
        (&json, 0o640, true),
        (&json, 0o600, false),
        ("[]", 0o644, false),
    ] {
        let scene = Scene::new();
        write(
            &scene.path("root/etc/nvme/config.json"),
            text.as_bytes(),
            mode,
        );
        let said = run(&mut scene.configure("root", &[]));
        let warning = format!(
            "warning: `etc/nvme/config.json` holds secrets, and its mode {mode:04o} opens it to others\n\
             hint: `chmod 0600 etc/nvme/config.json` in the root tree\n"
        );
        assert_eq!(
            said.stderr.contains(&warning),
            is_warned,
            "{mode:o} {}",
            said.stderr
        );
        assert_eq!(said.status, Some(0));
    }
}

#[test]
fn a_pattern_of_cards_says_nothing_to_the_terminal() {
    let scene = Scene::new();
    let netplan = r#"network:
  version: 2
  ethernets:
    nic: {match: {name: "\e[31mx*", driver: "\e[32my"}, addresses: [10.0.0.5/24]}
"#;
    let storage = r"storage:
  version: 1
  config:
    - {id: c, type: nvme_controller, transport: tcp, tcp_addr: 10.0.0.1, tcp_port: 4420}
    - {id: d, type: disk, nvme_controller: c}
    - {id: f, type: format, volume: d, fstype: ext4}
    - {id: m, type: mount, device: f, path: /}
    - {id: l, type: disk, path: /dev/vda}
    - {id: g, type: format, volume: l, fstype: ext4}
    - {id: n, type: mount, device: g, path: /boot}
";
    write(&scene.path("curtin.yaml"), storage.as_bytes(), 0o644);
    let file = scene.path("root/etc/netplan/50.yaml");
    write(&file, netplan.as_bytes(), 0o600);
    let mut command = nvmeroot();
    command.args(["plan", "--curtin", "curtin.yaml", "--root", "root"]);
    let said = run(command.current_dir(scene.work.path()));
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let step = r"find the card of nic with name \u{1b}[31mx* and driver \u{1b}[32my";
    assert!(said.stdout.contains(step), "{}", said.stdout);
    assert!(!said.stdout.contains('\u{1b}'), "{:?}", said.stdout);
}
