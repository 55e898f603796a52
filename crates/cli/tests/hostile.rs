//! Root trees that somebody, or some accident, has made a trap of: at every
//! path that is read or written stands something else. Nothing hangs, nothing
//! outside the tree is touched, and what can't be done leaves the tree as it
//! was.

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{ProgramOutput, furnish, nvmeroot, stand_in, write};

/// Every path that is read.
const READ: &[&str] = &[
    "bin/sh",
    "etc/cloud/cloud.cfg",
    "etc/cloud/cloud.cfg.d/50-network.cfg",
    "etc/netplan/01-own.yaml",
    "etc/nvme/config.json",
    "etc/nvme/discovery.conf",
    "etc/nvme/hostid",
    "etc/nvme/hostnqn",
    "run/netplan/01-own.yaml",
    "usr/bin/sh",
    "usr/lib/netplan/01-own.yaml",
    "usr/sbin/update-initramfs",
    "var/lib/cloud/seed/nocloud/network-config",
];

/// Every path that a runtime writes or takes away, and the directories above.
const WRITTEN: &[&str] = &[
    "etc/curtin-nvme-over-tcp",
    "etc/curtin-nvme-over-tcp/connect-nvme",
    "etc/curtin-nvme-over-tcp/dhcpcd.conf",
    "etc/curtin-nvme-over-tcp/functions",
    "etc/curtin-nvme-over-tcp/interfaces",
    "etc/curtin-nvme-over-tcp/modules",
    "etc/curtin-nvme-over-tcp/network-up",
    "etc/initramfs-tools",
    "etc/initramfs-tools/conf.d/nvmeroot",
    "etc/initramfs-tools/hooks",
    "etc/initramfs-tools/hooks/curtin-nvme-over-tcp",
    "etc/initramfs-tools/hooks/nvmeroot",
    "etc/initramfs-tools/scripts/init-bottom/curtin-nvme-over-tcp",
    "etc/initramfs-tools/scripts/init-bottom/nvmeroot",
    "etc/initramfs-tools/scripts/init-premount/curtin-nvme-over-tcp",
    "etc/initramfs-tools/scripts/init-premount/nvmeroot",
    "etc/initramfs-tools/scripts/init-top/nvmeroot",
    "etc/initramfs-tools/scripts/local-block/curtin-nvme-over-tcp",
    "etc/initramfs-tools/scripts/local-block/nvmeroot",
    "etc/netplan",
    "etc/netplan/99-nvmeroot.yaml",
    "etc/nvmeroot",
    "etc/nvmeroot/modules",
    "etc/nvmeroot/plan.json",
    "etc/systemd/network/10-netplan-ens3.network.d",
    "etc/systemd/network/10-netplan-ens3.network.d/nvmeroot.conf",
    "etc/systemd/system/multi-user.target.wants/nvmeroot-paths.service",
    "etc/systemd/system/nvmeroot-paths.service",
    "usr/lib/nvmeroot",
    "usr/lib/nvmeroot/nvmeroot-agent",
    "var/lib/nvmeroot",
    "var/lib/nvmeroot/former",
    "var/lib/nvmeroot/manifest.json",
];

/// What stands in the way. `outside` is a directory that is not the tree's.
type Obstacle = (&'static str, fn(&Path, &Path));

const OBSTACLES: &[Obstacle] = &[
    ("a named pipe", |path, _| {
        node(path, rustix::fs::FileType::Fifo);
    }),
    ("a socket", |path, _| {
        node(path, rustix::fs::FileType::Socket);
    }),
    ("a directory", |path, _| {
        std::fs::create_dir(path).expect("a directory");
    }),
    ("a full directory", |path, _| {
        write(&path.join("file"), b"x", 0o644);
    }),
    ("a link to nothing", |path, _| {
        symlink("nowhere/at/all", path).expect("a link");
    }),
    ("a link to the outside", |path, outside| {
        symlink(outside.join("file"), path).expect("a link");
    }),
    ("a link to a directory outside", |path, outside| {
        symlink(outside, path).expect("a link");
    }),
    ("a link up and out", |path, outside| {
        let up = Path::new("../../../../../../../../../..");
        let outside = outside.strip_prefix("/").expect("an absolute path");
        symlink(up.join(outside).join("file"), path).expect("a link");
    }),
    ("a link to itself", |path, _| {
        symlink(path.file_name().expect("a name"), path).expect("a link");
    }),
    ("a hard link to the outside", |path, outside| {
        std::fs::hard_link(outside.join("file"), path).expect("a link");
    }),
    // Sparse: reading it whole would take the memory that `limited` refuses.
    ("a file of 3 GB", |path, _| {
        let file = std::fs::File::create(path).expect("a file");
        file.set_len(3 << 30).expect("a length");
    }),
    ("a file without permissions", |path, _| {
        write(path, b"x", 0o000);
    }),
];

fn node(path: &Path, kind: rustix::fs::FileType) {
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).expect("a node");
}

/// Everything below a directory, without reading what has no end.
fn snapshot(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![top.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let meta = path.symlink_metadata().expect("metadata");
            let kind = meta.file_type();
            let content = if kind.is_dir() {
                open.push(path.clone());
                String::new()
            } else if kind.is_symlink() {
                format!("{:?}", path.read_link().expect("a link"))
            } else if kind.is_fifo() || kind.is_socket() || meta.len() > 1 << 20 {
                format!("{kind:?} {}", meta.len())
            } else {
                format!(
                    "{:?} {:?}",
                    std::fs::read(&path).expect("a file"),
                    meta.mtime_nsec()
                )
            };
            let state = format!("{:o} {} {} {content}", meta.mode(), meta.uid(), meta.gid());
            let inside = path.strip_prefix(top).expect("a path below the top");
            found.insert(inside.to_owned(), state);
        }
    }
    found
}

/// Runs it with 1 GB of address space. One that does not end is a failure; how
/// long it takes till then is not measured.
fn limited(arguments: &[&str], directory: &Path, what: &str) -> ProgramOutput {
    const HANGS: Duration = Duration::from_secs(120);
    let plain = nvmeroot();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -v 1048576 && exec \"$0\" \"$@\""])
        .arg(plain.get_program())
        .args(arguments)
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for variable in ["CONFIG", "TARGET_MOUNT_POINT", "NVMEROOT_AGENT"] {
        command.env_remove(variable);
    }
    let mut child = command.spawn().expect("the program runs");
    let start = Instant::now();
    while child.try_wait().expect("a status").is_none() {
        if start.elapsed() > HANGS {
            child.kill().expect("an end");
            panic!("{what}: it hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().expect("an output").into()
}

/// A work directory with a tree, a configuration, an agent and an outside.
fn scene() -> tempfile::TempDir {
    let work = common::work();
    furnish(&work.path().join("root"));
    let input = include_bytes!("golden/initramfs_dhcp/input/curtin.yaml");
    write(&work.path().join("curtin.yaml"), input, 0o644);
    write(&work.path().join("agent"), &stand_in(), 0o755);
    write(&work.path().join("outside/file"), b"precious", 0o640);
    work
}

fn configure(work: &Path, more: &[&str], what: &str) -> ProgramOutput {
    let arguments = ["configure", "--curtin", "curtin.yaml", "--root", "root"];
    limited(&[&arguments[..], more].concat(), work, what)
}

const AGENT: &[&str] = &["--agent", "agent"];
const SCRIPTS: &[&str] = &["--runtime", "scripts"];

/// Puts the obstacle at the path.
fn try_at(path: &str, (name, put): Obstacle, runtime: &[&str]) {
    let what = format!("{name} at {path}, {runtime:?}");
    let work = scene();
    let root = work.path().join("root");
    let place = root.join(path);
    std::fs::create_dir_all(place.parent().expect("a parent")).expect("a directory");
    if place.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        std::fs::remove_dir_all(&place).expect("a directory");
    }
    let _ = std::fs::remove_file(&place);
    put(&place, &work.path().join("outside"));
    let outside = snapshot(&work.path().join("outside"));
    let before = snapshot(&root);
    let dry = configure(work.path(), &[runtime, &["--dry-run"]].concat(), &what);
    assert_eq!(snapshot(&root), before, "{what}: a dry run changes nothing");
    let said = configure(work.path(), runtime, &what);
    assert!(!said.stderr.contains("panicked"), "{what}: {}", said.stderr);
    assert_eq!(
        dry.status, said.status,
        "{what}: the dry run says what happens\n{}\n{}",
        dry.stderr, said.stderr
    );
    match said.status {
        Some(0) => {
            let again = configure(work.path(), runtime, &what);
            assert_eq!(again.status, Some(0), "{what}: {}", again.stderr);
            assert!(
                !again.stdout.contains("created: "),
                "{what}: {}",
                again.stdout
            );
        }
        Some(1 | 2) => {
            assert_eq!(snapshot(&root), before, "{what}: the tree was changed");
            assert!(said.stderr.contains("error: "), "{what}: {}", said.stderr);
        }
        other => panic!("{what}: {other:?} {}", said.stderr),
    }
    let staged = snapshot(&root)
        .into_keys()
        .find(|path| path.to_string_lossy().contains(".nvmeroot-"));
    assert_eq!(staged, None, "{what}");
    assert_eq!(
        snapshot(&work.path().join("outside")),
        outside,
        "{what}: the outside was touched"
    );
}

fn try_all(paths: &[&str], runtime: &[&str]) {
    for path in paths {
        for obstacle in OBSTACLES {
            try_at(path, *obstacle, runtime);
        }
    }
}

#[test]
fn obstacles_where_something_is_read() {
    try_all(READ, AGENT);
}

#[test]
fn obstacles_where_the_agent_runtime_writes() {
    try_all(WRITTEN, AGENT);
}

#[test]
fn obstacles_where_the_scripts_runtime_writes() {
    try_all(WRITTEN, SCRIPTS);
}

/// The list above is what the program writes: nothing is forgotten in it.
#[test]
fn every_path_that_is_written_is_tried() {
    for runtime in [AGENT, SCRIPTS] {
        let work = scene();
        let root = work.path().join("root");
        let before = snapshot(&root);
        let said = configure(work.path(), runtime, "nothing in the way");
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        for (path, _) in snapshot(&root) {
            let name = path.to_str().expect("a text");
            let is_new = !before.contains_key(&path) && !root.join(&path).is_dir();
            assert!(
                !is_new || WRITTEN.contains(&name),
                "{name} is not in the list"
            );
        }
    }
}

/// In a mount namespace of its own.
#[test]
fn mounts_are_refused_before_the_first_change() {
    let hook = "etc/initramfs-tools/hooks/nvmeroot";
    let fresh = "etc/initramfs-tools";
    for (prepare, expected) in [
        (
            format!("mount --bind root/{hook} root/{hook}"),
            format!("error: `{hook}` in the root tree is a mount point and can't be replaced\nhint: unmount it\n"),
        ),
        (
            format!("mount --bind root/{fresh} root/{fresh}; mount -o remount,ro,bind root/{fresh}"),
            "error: `etc/initramfs-tools` in the root tree is on a filesystem that is mounted read-only\nhint: mount it for writing, such as by `mount -o remount,rw`\n".to_owned(),
        ),
    ] {
        let work = scene();
        let root = work.path().join("root");
        write(&root.join(hook), b"an old one", 0o755);
        let before = snapshot(&root);
        let run = |more: &str| {
            let script = format!(
                "{prepare}; exec \"$0\" configure --curtin curtin.yaml --root root --agent agent {more}"
            );
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
            command.arg(nvmeroot().get_program()).current_dir(work.path());
            common::run(&mut command)
        };
        let said = run("");
        assert_eq!((said.status, said.stderr), (Some(1), expected.clone()), "{prepare}");
        let dry = run("--dry-run");
        let (status, stderr) = match prepare.contains("remount,ro") {
            // What would be done can be seen on a rescue system, where the tree is mounted so.
            true => {
                assert!(dry.stdout.contains(&format!("would be replaced: {hook}")), "{}", dry.stdout);
                (Some(0), expected.replace("error: ", "warning: "))
            }
            false => (Some(1), expected),
        };
        assert_eq!((dry.status, dry.stderr), (status, stderr), "{prepare}");
        assert_eq!(snapshot(&root), before, "{prepare}");
    }
}

/// By chattr(1), which only the administrator of a machine may use.
#[test]
fn protected_files_are_refused_before_the_first_change() {
    let hook = "etc/initramfs-tools/hooks/nvmeroot";
    for (attribute, path) in [
        ("i", hook),
        ("a", hook),
        ("i", "etc/nvmeroot"),
        ("a", "etc/netplan"),
    ] {
        let work = scene();
        let root = work.path().join("root");
        write(&root.join(hook), b"an old one", 0o755);
        std::fs::create_dir_all(root.join("etc/nvmeroot")).expect("a directory");
        std::fs::create_dir_all(root.join("etc/netplan")).expect("a directory");
        let before = snapshot(&root);
        let chattr = |sign: &str| {
            let mut command = Command::new("chattr");
            command
                .arg(format!("{sign}{attribute}"))
                .arg(root.join(path));
            command.status().expect("chattr").success()
        };
        if !chattr("+") {
            assert_ne!(
                rustix::process::geteuid().as_raw(),
                0,
                "root may use chattr"
            );
            return;
        }
        let dry = configure(work.path(), &[AGENT, &["--dry-run"]].concat(), path);
        let said = configure(work.path(), AGENT, path);
        chattr("-");
        let expected = format!(
            "error: `{path}` in the root tree is protected from changes (lsattr(1) shows `{attribute}`)\n\
             hint: `chattr -{attribute}` ends that\n"
        );
        assert_eq!(
            (said.status, said.stderr.as_str()),
            (Some(1), expected.as_str())
        );
        assert_eq!((dry.status, dry.stderr), (said.status, said.stderr));
        assert_eq!(snapshot(&root), before);
    }
}

/// In a chroot nothing need be mounted.
#[test]
fn nothing_needs_proc() {
    let work = scene();
    let script = "mount -t tmpfs none /proc && \
                  exec \"$0\" configure --curtin curtin.yaml --root root --agent agent";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script]);
    command
        .arg(nvmeroot().get_program())
        .current_dir(work.path());
    let said = common::run(&mut command);
    // An empty file for a shell tells nothing of the machine.
    assert_eq!(
        (said.status, said.stderr.as_str()),
        (
            Some(1),
            "error: can't tell which machine the root tree is for: it has no shell (`bin/sh`), and this program can't read itself\n\
             hint: install the root tree's base system first; see that /proc is mounted\n"
        )
    );
    write(&work.path().join("root/usr/bin/sh"), &stand_in(), 0o755);
    let said = common::run(&mut command);
    assert_eq!(
        (said.status, said.stderr.as_str()),
        (Some(0), ""),
        "{}",
        said.stdout
    );
}
