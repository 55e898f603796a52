//! nvmeroot as curtin runs it: without options, from its environment.
//!
//! `curtin/config` is the file that curtin's variable `CONFIG` names, made by
//! curtin's own code (`json.dump` in `curtin/commands/install.py`) of the
//! configuration of `golden/initramfs_static`, with what curtin adds to it: one
//! long line, characters beyond ASCII as JSON's surrogates, and a copy of
//! itself among the files to be written.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::{Entry, HOSTNQN, ProgramOutput, furnish, nvmeroot, run, stand_in, tree, write};

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn tests() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"))
}

fn new_root() -> tempfile::TempDir {
    let root = common::work();
    furnish(root.path());
    root
}

/// A stand-in for the agent, which installers put in its place.
fn agent() -> &'static Path {
    static AGENT: OnceLock<PathBuf> = OnceLock::new();
    AGENT.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nvmeroot-agent");
        // Tests run side by side: none may see another's half a file.
        let own = path.with_extension(std::process::id().to_string());
        write(&own, &stand_in(), 0o755);
        std::fs::rename(&own, &path).expect("a rename");
        path
    })
}

/// The program in curtin's environment.
fn hook(config: &Path, target: &Path) -> Command {
    let mut command = nvmeroot();
    command
        .env("NVMEROOT_AGENT", agent())
        .env("CONFIG", config)
        .env("TARGET_MOUNT_POINT", target)
        .env("WORKING_DIR", "/nowhere")
        .env("OUTPUT_FSTAB", "/nowhere/fstab")
        .env("OUTPUT_NETWORK_CONFIG", "/nowhere/network_config")
        .current_dir("/");
    command
}

fn succeeds(command: &mut Command) -> ProgramOutput {
    let said = run(command);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    said
}

#[test]
fn configure_needs_no_options() {
    let config = tests().join("curtin/config");
    let root = new_root();
    let said = succeeds(hook(&config, root.path()).arg("configure"));
    assert!(
        said.stdout
            .starts_with("reach: initramfs\ninitramfs: initramfs-tools "),
        "{}",
        said.stdout
    );

    // Byte for byte what the options and the YAML file give.
    let other = new_root();
    let yaml = tests().join("golden/initramfs_static/input/curtin.yaml");
    let mut command = nvmeroot();
    command
        .arg("configure")
        .arg("--curtin")
        .arg(yaml)
        .arg("--root")
        .arg(other.path())
        .arg("--agent")
        .arg(agent());
    succeeds(&mut command);
    let timeless = |root: &Path| -> Vec<(PathBuf, Entry)> {
        let mut all: Vec<_> = tree(root).into_iter().collect();
        // It names the places in the file that it was made of, and nvmeroot's record has
        // its digest.
        let differ = ["etc/nvmeroot/plan.json", "var/lib/nvmeroot/manifest.json"];
        all.retain(|(path, _)| !differ.iter().any(|other| path == Path::new(other)));
        for (_, entry) in &mut all {
            if let Entry::File { changed, .. } = entry {
                *changed = (0, 0);
            }
        }
        all
    };
    assert_eq!(timeless(root.path()), timeless(other.path()));
    assert!(root.path().join("etc/nvmeroot/plan.json").exists());

    let again = succeeds(hook(&config, root.path()).arg("configure"));
    assert!(!again.stdout.contains("created"), "{}", again.stdout);
}

#[test]
fn plan_needs_no_options() {
    let root = new_root();
    let config = tests().join("curtin/config");
    let said = succeeds(hook(&config, root.path()).args(["plan", "--format", "commands"]));
    assert_eq!(
        said.stdout,
        "ip address add 192.0.2.20/24 dev ens3\n\
         ip link set ens3 up\n\
         ip route add default via 192.0.2.1\n\
         nvme connect-all --transport tcp --traddr 192.0.2.10 --trsvcid 4420 --ctrl-loss-tmo -1\n"
    );
    // The root tree's identity is known too.
    let said = succeeds(hook(&config, root.path()).args(["plan", "--format", "json"]));
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(plan["host"]["nqn"], HOSTNQN);
}

#[test]
fn options_win_over_the_environment() {
    let (root, other) = (new_root(), new_root());
    let home = repository().join("examples/curtin/home.yaml");
    let config = tests().join("curtin/config");
    let mut command = hook(&config, root.path());
    command
        .arg("configure")
        .arg("--curtin")
        .arg(&home)
        .arg("--root")
        .arg(other.path());
    let before = tree(root.path());
    let said = succeeds(&mut command);
    assert!(
        said.stdout.starts_with("reach: userspace\n"),
        "{}",
        said.stdout
    );
    assert_eq!(tree(root.path()), before);
    assert!(other.path().join("etc/stas/stafd-curtin.conf").exists());
}

/// `CONFIG` is a common name: where the user names a root and no variable of
/// curtin's is there, it means something else.
#[test]
fn a_config_outside_curtin_is_somebody_else_s() {
    let root = new_root();
    let mut command = nvmeroot();
    command.env("CONFIG", tests().join("curtin/config"));
    command.arg("configure").arg("--root").arg(root.path());
    let said = run(&mut command);
    assert_eq!(said.status, Some(2), "{}", said.stdout);
    assert!(
        said.stderr
            .contains("has no `etc/fstab` and no device of its own"),
        "{}",
        said.stderr
    );
}

#[test]
fn empty_variables_are_absent() {
    let mut command = nvmeroot();
    command
        .env("CONFIG", "")
        .env("TARGET_MOUNT_POINT", "")
        .arg("configure");
    let said = run(&mut command);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.starts_with("error: no root tree is given\n"),
        "{}",
        said.stderr
    );
}

/// curtin's own hooks wrote their files before: ours take the places, and
/// curtin's link is not taken for an administrator's file.
#[test]
fn what_curtin_wrote_before_is_replaced() {
    let config = tests().join("curtin/config");
    for (runtime, outcome) in [("agent", "  removed: "), ("scripts", "  replaced: ")] {
        let root = new_root();
        for path in [
            "etc/curtin-nvme-over-tcp/network-up",
            "etc/curtin-nvme-over-tcp/connect-nvme",
            "etc/initramfs-tools/hooks/curtin-nvme-over-tcp",
            "etc/initramfs-tools/scripts/init-premount/curtin-nvme-over-tcp",
        ] {
            write(&root.path().join(path), b"#!/bin/sh\nexit 1\n", 0o755);
        }
        let mut command = hook(&config, root.path());
        let said = succeeds(command.args(["configure", "--runtime", runtime]));
        assert_eq!(said.stdout.matches(outcome).count(), 4, "{}", said.stdout);
    }

    let root = new_root();
    let stas = root.path().join("etc/stas");
    write(&stas.join("stafd-curtin.conf"), b"[Controllers]\n", 0o644);
    write(
        &stas.join(".stafd.conf.bak"),
        b"the administrator's\n",
        0o644,
    );
    std::os::unix::fs::symlink("stafd-curtin.conf", stas.join("stafd.conf")).expect("a link");
    let home = repository().join("examples/curtin/home.yaml");
    let said = succeeds(hook(&home, root.path()).arg("configure"));
    assert!(
        said.stdout
            .contains("  replaced: etc/stas/stafd-curtin.conf"),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains("moved aside"), "{}", said.stdout);
    let kept = std::fs::read_to_string(stas.join(".stafd.conf.bak")).expect("a backup");
    assert_eq!(kept, "the administrator's\n");
    let conf = std::fs::read_to_string(stas.join("stafd.conf")).expect("a file");
    assert!(conf.contains("traddr=2001:db8::10;trsvcid=8009"), "{conf}");
}

/// `_netdev` speaks of another network than ours: of iSCSI, and curtin's own boot scripts
/// are no reason to doubt that.
#[test]
fn root_by_iscsi_is_not_ours() {
    let home = std::fs::read_to_string(repository().join("examples/curtin/home.yaml"));
    let home = home.expect("the example");
    let local = "{id: local, type: disk, serial: QM00001, ";
    let root_mount = "device: root-fs, path: /}";
    assert!(home.contains(local) && home.contains(root_mount), "{home}");
    let iscsi = home
        .replace(
            local,
            "{id: local, type: disk, path: 'iscsi:192.0.2.9::3260:1:iqn.x:root', ",
        )
        .replace(
            root_mount,
            "device: root-fs, path: /, options: 'defaults,_netdev'}\n    \
             - {id: disk-boot, type: disk, serial: Lboot}\n    \
             - {id: fs-boot, type: format, volume: disk-boot, fstype: ext4}\n    \
             - {id: boot, type: mount, device: fs-boot, path: /boot}",
        );
    let netdev = home.replace(
        root_mount,
        "device: root-fs, path: /, options: 'defaults,_netdev'}",
    );
    let work = common::work();
    let file = |name: &str, text: &str| {
        write(&work.path().join(name), text.as_bytes(), 0o644);
        work.path().join(name)
    };
    let (iscsi, netdev) = (file("iscsi.yaml", &iscsi), file("netdev.yaml", &netdev));
    let connect = "etc/curtin-nvme-over-tcp/connect-nvme";
    for config in [&iscsi, &netdev] {
        let root = new_root();
        write(&root.path().join(connect), b"#!/bin/sh\nexit 1\n", 0o755);
        let said = succeeds(hook(config, root.path()).arg("configure"));
        let start = "reach: userspace\n";
        assert!(said.stdout.starts_with(start), "{}", said.stdout);
    }

    for runtime in ["agent", "scripts"] {
        let root = new_root();
        let before = tests().join("curtin/config");
        succeeds(hook(&before, root.path()).args(["configure", "--runtime", runtime]));
        // Here it may be meant for what was.
        let said = run(hook(&netdev, root.path()).arg("configure"));
        assert_eq!(said.status, Some(2), "{}", said.stdout);
        if runtime == "scripts" {
            // Known by its mark.
            std::fs::remove_dir_all(root.path().join("var/lib/nvmeroot")).expect("a record");
            let said = run(hook(&netdev, root.path()).arg("configure"));
            assert_eq!(said.status, Some(2), "{}", said.stdout);
        }
        succeeds(hook(&iscsi, root.path()).arg("configure"));
        assert!(!root.path().join("etc/nvmeroot/plan.json").exists());
    }
}

/// The examples mean what their first lines say, and are written without a
/// warning.
#[test]
fn the_examples() {
    for (name, reach, commands) in [
        (
            "static",
            "initramfs",
            [
                "ip address add 192.0.2.20/24 dev ens3",
                "ip link set ens3 up",
                "ip route add default via 192.0.2.1",
                "nvme connect-all --transport tcp --traddr 192.0.2.10 --trsvcid 4420 --ctrl-loss-tmo -1",
            ]
            .as_slice(),
        ),
        (
            "dhcp",
            "initramfs",
            &[
                "dhcpcd -4 enp1s0",
                "nvme connect-all --transport tcp --traddr 192.0.2.10 --trsvcid 4420 --ctrl-loss-tmo -1",
                "nvme connect-all --transport tcp --traddr 192.0.2.11 --trsvcid 4420 --ctrl-loss-tmo -1",
            ],
        ),
        ("home", "userspace", &[]),
        // Commands only: nothing is remote.
        ("hook", "local", &[]),
    ] {
        let file = repository().join(format!("examples/curtin/{name}.yaml"));
        let root = new_root();
        for program in [
            "usr/sbin/lvm",
            "usr/sbin/mdadm",
            "usr/share/initramfs-tools/hooks/cryptroot",
        ] {
            write(&root.path().join(program), b"", 0o755);
        }
        let said = succeeds(hook(&file, root.path()).args(["plan", "--format", "commands"]));
        assert_eq!(said.stdout.lines().collect::<Vec<_>>(), commands, "{name}");
        let warned = |said: &ProgramOutput| match name {
            "hook" => said.stderr.starts_with("warning: there is no `storage`"),
            _ => said.stderr.is_empty(),
        };
        assert!(warned(&said), "{name}: {}", said.stderr);
        let said = succeeds(hook(&file, root.path()).arg("configure"));
        assert!(
            said.stdout.starts_with(&format!("reach: {reach}\n")),
            "{name}: {}",
            said.stdout
        );
        assert!(warned(&said), "{name}: {}", said.stderr);
    }
}

/// `cryptroot` is no program that anybody calls.
#[test]
fn what_is_missing_is_called_what_it_is() {
    let root = new_root();
    for program in ["usr/sbin/lvm", "usr/sbin/mdadm"] {
        write(&root.path().join(program), b"", 0o755);
    }
    let file = repository().join("examples/curtin/dhcp.yaml");
    let said = succeeds(hook(&file, root.path()).args(["configure", "--dry-run"]));
    assert_eq!(
        said.stderr,
        "warning: initramfs-tools' hook `cryptroot` is needed and not in the root tree\n\
         hint: install there before the initramfs is generated: cryptsetup-initramfs\n"
    );
}

/// The commands that the example gives curtin are commands that work.
#[test]
fn the_example_s_commands() {
    let text = std::fs::read_to_string(repository().join("examples/curtin/hook.yaml"))
        .expect("the example");
    let commands: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.trim().split_once(": [nvmeroot, ")?.1.strip_suffix(']'))
        .map(|words| words.split(", ").collect())
        .collect();
    assert_eq!(commands.len(), 2, "{text}");
    let installer = common::work();
    write(
        &installer.path().join("hostnqn"),
        b"nqn.2014-08.org.nvmexpress:installer\n",
        0o644,
    );
    write(
        &installer.path().join("hostid"),
        b"7c0c8d5e-1f0b-4a69-8d26-0b6d1d6f2a10\n",
        0o644,
    );
    let root = new_root();
    for words in commands {
        let installer = installer.path().to_str().expect("a name");
        let words = words
            .into_iter()
            .map(|w| if w == "/etc/nvme" { installer } else { w });
        succeeds(hook(&tests().join("curtin/config"), root.path()).args(words));
    }
    let nqn = std::fs::read_to_string(root.path().join("etc/nvme/hostnqn")).expect("a file");
    assert_eq!(nqn, "nqn.2014-08.org.nvmexpress:installer\n");
    assert!(
        root.path()
            .join("etc/initramfs-tools/hooks/nvmeroot")
            .exists()
    );
}

/// Debian's two packages exclude each other.
#[test]
fn the_example_installs_a_generator_where_there_is_none() {
    let text = std::fs::read_to_string(repository().join("examples/curtin/hook.yaml"))
        .expect("the example");
    let (_, script) = text.split_once("\n    - -c\n    - ").expect("a script");
    for (there, is_asked) in [("dracut", false), ("mkinitramfs", false), ("other", true)] {
        let work = common::work();
        let at = |name: &str| work.path().join(name);
        write(&at(there), b"#!/bin/sh\n", 0o755);
        let asked = format!("#!/bin/sh\necho \"$@\" >{}\n", at("asked").display());
        write(&at("apt-get"), asked.as_bytes(), 0o755);
        let mut sh = Command::new("/bin/sh");
        succeeds(sh.args(["-c", script]).env("PATH", work.path()));
        let asked = std::fs::read_to_string(at("asked")).ok();
        let expected = is_asked.then_some("install --assume-yes initramfs-tools\n");
        assert_eq!(asked.as_deref(), expected, "{there}");
    }
}
