//! Every way in which the input can be wrong: what is said, with exit status 2,
//! in bounded time and memory, and nothing is written.
//!
//! `errors/*.txt` hold one bad configuration after another, each with what is
//! said of it: the message with what was expected, the place (file, line,
//! column and the key's path), and the hint; the lines that show the place are
//! left out. What is too large or no text is made here.

mod common;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{HOSTID, HOSTNQN, ProgramOutput, furnish, nvmeroot, run, tree, write};

/// Memory that the program may take: address space, in KiB.
const MEMORY: u32 = 1024 * 1024;
/// Processor time that it may take, in seconds: a busy machine is no fault.
const SECONDS: u32 = 2;

/// A directory with a furnished root tree, and a configuration beside it.
struct Scene {
    work: tempfile::TempDir,
}

impl Scene {
    fn new(configuration: &[u8]) -> Self {
        let work = common::work();
        furnish(&work.path().join("root"));
        std::fs::write(work.path().join("curtin.yaml"), configuration).expect("a file");
        Self { work }
    }

    fn root(&self) -> std::path::PathBuf {
        self.work.path().join("root")
    }

    /// Runs the program within its bounds; the root tree must stay as it is,
    /// times of files included.
    fn refused(&self, arguments: &[&str]) -> ProgramOutput {
        let before = tree(&self.root());
        let limits = format!("ulimit -v {MEMORY} && ulimit -t {SECONDS} && exec \"$0\" \"$@\"");
        let plain = nvmeroot();
        let mut command = Command::new("sh");
        command
            .args(["-c", &limits])
            .arg(plain.get_program())
            .args(arguments);
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let start = Instant::now();
        let said = run(command.current_dir(self.work.path()));
        let took = start.elapsed();
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
        assert_eq!(tree(&self.root()), before, "the root tree was changed");
        assert_eq!(said.stdout, "", "an error is no data");
        assert!(took < Duration::from_secs(30), "it took {took:?}");
        said
    }

    fn configure(&self) -> ProgramOutput {
        self.refused(&["configure", "--curtin", "curtin.yaml", "--root", "root"])
    }
}

/// What is said, without the lines that show the place.
fn gist(stderr: &str) -> String {
    let starts = ["error: ", "warning: ", "hint: ", "  --> "];
    let lines = stderr
        .lines()
        .filter(|line| starts.iter().any(|start| line.starts_with(start)));
    lines.map(|line| format!("{line}\n")).collect()
}

fn check(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/errors/{file}.txt"));
    let text = std::fs::read_to_string(path).expect("a file of cases");
    let mut report = String::new();
    for case in text.split("\n=== ").skip(1) {
        let (name, rest) = case.split_once('\n').expect("a name");
        let (configuration, expected) = rest.split_once("--- stderr\n").expect("an expectation");
        let expected = format!("{}\n", expected.trim_end());
        let scene = Scene::new(configuration.as_bytes());
        let said = scene.configure();
        if (said.status, gist(&said.stderr)) != (Some(2), expected.clone()) {
            report.push_str(&format!(
                "\n{file}.txt: {name}: exit status {:?}\n{}expected:\n{expected}",
                said.status,
                gist(&said.stderr)
            ));
        }
        // `plan` looks with the same eyes.
        let plan = scene.refused(&["plan", "--curtin", "curtin.yaml"]);
        assert_eq!(
            (plan.status, &plan.stderr),
            (said.status, &said.stderr),
            "{name}"
        );
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn actions() {
    check("actions");
}

#[test]
fn netplan() {
    check("netplan");
}

#[test]
fn cloud_init() {
    check("cloud_init");
}

#[test]
fn yaml() {
    check("yaml");
}

/// The shown line and its mark, once: everything else compares the gist.
#[test]
fn the_place_is_shown() {
    let scene = Scene::new(
        b"storage:\n  config:\n    - id: a\n      type: nvme_controller\n      transport: tcp\n      tcp_addr: 192.0.2.10\n      tcp_port: 70000  # too much\n",
    );
    assert_eq!(
        scene.configure().stderr,
        "error: `tcp_port` is the number 70000; expected a whole number from 1 to 65535\n  \
         --> curtin.yaml:7:17 `storage.config[0].tcp_port`\n  \
         |\n\
         7 |       tcp_port: 70000\n  \
         |                 ^^^^^\n"
    );
}

/// One bad input that is made here, and the gist of what is said.
fn said_of(configuration: &[u8], expected: &str) {
    let said = Scene::new(configuration).configure();
    assert_eq!(
        gist(&said.stderr),
        expected,
        "exit status {:?}\n{}",
        said.status,
        said.stderr
    );
    assert_eq!(said.status, Some(2));
}

#[test]
fn bytes_that_are_no_utf_8() {
    said_of(
        b"storage:\n  # gr\xfc\xdfe\n  config: []\n",
        "error: byte 0xfc is not UTF-8\n  --> curtin.yaml:2:7\nhint: save the file as UTF-8\n",
    );
    let utf_16: Vec<u8> = "\u{feff}storage: {}\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    said_of(
        &utf_16,
        "error: byte 0xff is not UTF-8\n  --> curtin.yaml:1:1\nhint: save the file as UTF-8\n",
    );
    // netplan's text as binary: `network: {} # \xfc`.
    said_of(
        b"write_files:\n  etc_netplan_installer:\n    path: etc/netplan/a.yaml\n    content: !!binary bmV0d29yazoge30gIyD8Cg==\n",
        "error: byte 0xfc is not UTF-8\n  --> curtin.yaml, write_files.etc_netplan_installer.content:1:15\nhint: save the file as UTF-8\n",
    );
    said_of(
        b"storage: {}\nother: a\0b\n",
        "error: the character U+0000 is not allowed in YAML\n  --> curtin.yaml:2:9\nhint: remove it, or write it in double quotes as `\\u` and four digits\n",
    );
}

#[test]
fn a_hundred_thousand_levels() {
    let too_deep = |column: u32| {
        format!("error: nested deeper than 128 levels\n  --> curtin.yaml:1:{column}\n")
    };
    let levels = 100_000;
    let list = format!("storage: {}{}\n", "[".repeat(levels), "]".repeat(levels));
    said_of(list.as_bytes(), &too_deep(138));
    let mapping = format!("storage: {}{}\n", "{a: ".repeat(levels), "}".repeat(levels));
    said_of(mapping.as_bytes(), &too_deep(518));
    said_of("- ".repeat(levels).as_bytes(), &too_deep(257));
    let block: String = (0..2000).map(|n| format!("{:n$}a:\n", "")).collect();
    said_of(
        block.as_bytes(),
        "error: nested deeper than 128 levels\n  --> curtin.yaml:129:129\n",
    );
    let embedded = format!(
        "write_files:\n  n:\n    path: etc/netplan/a.yaml\n    content: 'network: {}'\n",
        "[".repeat(levels)
    );
    said_of(
        embedded.as_bytes(),
        "error: nested deeper than 128 levels\n  --> curtin.yaml, write_files.n.content:1:138\n",
    );
}

#[test]
fn alias_bombs() {
    let hint = "hint: aliases multiply the values that they stand for\n";
    let mut lists = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..30 {
        let before = vec![format!("*a{}", n - 1); 10].join(",");
        lists.push_str(&format!("a{n}: &a{n} [{before}]\n"));
    }
    said_of(
        format!("{lists}storage: {{config: *a29}}\n").as_bytes(),
        &format!("error: more than 1000000 values\n  --> curtin.yaml:6:38\n{hint}"),
    );
    let mut merges = "a0: &a0 {x: 1}\n".to_owned();
    for n in 1..40 {
        let m = n - 1;
        merges.push_str(&format!(
            "a{n}: &a{n} {{<<: [*a{m}, *a{m}], k{n}: *a{m}}}\n"
        ));
    }
    said_of(
        merges.as_bytes(),
        &format!("error: more than 1000000 values\n  --> curtin.yaml:12:17\n{hint}"),
    );
    let indented: String = lists
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect();
    let embedded =
        format!("write_files:\n  n:\n    path: etc/netplan/a.yaml\n    content: |\n{indented}");
    said_of(
        embedded.as_bytes(),
        &format!("error: more than 1000000 values\n  --> curtin.yaml:10:44\n{hint}"),
    );
}

#[test]
fn fifty_megabytes() {
    let too_long =
        "error: the file is longer than the 16777216 bytes that are read\n  --> curtin.yaml\n";
    let action = "    - {id: x, type: disk, serial: S}\n";
    let many = format!(
        "storage:\n  config:\n{}",
        action.repeat(50_000_000 / action.len())
    );
    said_of(many.as_bytes(), too_long);
    said_of(
        format!("storage: {}\n", "x".repeat(50_000_000)).as_bytes(),
        too_long,
    );
    said_of(&vec![b'\n'; 50_000_000], too_long);
}

/// A source without an end costs no more than a long one.
#[test]
fn an_endless_file() {
    let scene = Scene::new(b"");
    let said = scene.refused(&["configure", "--curtin", "/dev/zero", "--root", "root"]);
    assert_eq!(
        (said.status, gist(&said.stderr).as_str()),
        (
            Some(2),
            "error: the file is longer than the 16777216 bytes that are read\n  --> /dev/zero\n"
        )
    );
}

/// Of a thousand faults the first twenty are shown, the rest counted.
#[test]
fn a_thousand_faults() {
    let text = format!("storage:\n  config:\n{}", "    - {id: x}\n".repeat(1000));
    let said = Scene::new(text.as_bytes()).configure();
    assert_eq!(said.status, Some(2));
    let shown = said
        .stderr
        .matches("error: this action has no `type`; expected")
        .count();
    assert_eq!(shown, 20, "{}", said.stderr);
    assert!(said.stderr.contains("980 more errors"), "{}", said.stderr);
}

/// Root, and what it needs, without a fault.
const GOOD: &[u8] = include_bytes!("golden/initramfs_static/input/curtin.yaml");

#[test]
fn files_and_directories_that_are_not_there() {
    let scene = Scene::new(GOOD);
    for (arguments, expected) in [
        (
            ["configure", "--curtin", "nowhere.yaml", "--root", "root"].as_slice(),
            "error: there is no file `nowhere.yaml`\n",
        ),
        (
            &["configure", "--curtin", "root", "--root", "root"],
            "error: can't read `root`: Is a directory (os error 21)\n",
        ),
        (
            &["configure", "--curtin", "curtin.yaml", "--root", "nowhere"],
            "error: can't open the root tree `nowhere`: No such file or directory (os error 2)\n",
        ),
        (
            &[
                "configure",
                "--curtin",
                "curtin.yaml",
                "--root",
                "curtin.yaml",
            ],
            "error: can't open the root tree `curtin.yaml`: Not a directory (os error 20)\n",
        ),
        (
            &["configure", "--curtin", "curtin.yaml"],
            "error: no root tree is given\nhint: pass `--root DIR`; curtin's hooks have it in TARGET_MOUNT_POINT\n",
        ),
        (
            &["configure", "--root", "root"],
            "error: `root` has no `etc/fstab` and no device of its own: nothing says what it lies on\nhint: name the directory at which the installed system is mounted, or pass `--curtin FILE`\n",
        ),
        (
            &["plan"],
            "error: no configuration is given\nhint: pass `--root DIR` for an installed system (`--root /`: the running one), or `--curtin FILE`; curtin's hooks have it in CONFIG\n",
        ),
    ] {
        let said = scene.refused(arguments);
        assert_eq!(
            (said.status, said.stderr.as_str()),
            (Some(2), expected),
            "{arguments:?}"
        );
    }
}

#[test]
fn wrong_usage() {
    let scene = Scene::new(GOOD);
    let curtin = ["--curtin", "curtin.yaml", "--root", "root"];
    let configure = |more: &[&'static str]| [&["configure"], curtin.as_slice(), more].concat();
    for (arguments, expected) in [
        (vec!["frobnicate"], "unrecognized subcommand 'frobnicate'"),
        (vec![], "Usage: nvmeroot <COMMAND>"),
        (
            configure(&["--frobnicate"]),
            "unexpected argument '--frobnicate'",
        ),
        (
            configure(&["--hostnqn", HOSTNQN]),
            "required arguments were not provided:\n  --hostid <UUID>",
        ),
        (
            configure(&["--hostid", HOSTID]),
            "required arguments were not provided:\n  --hostnqn <NQN>",
        ),
        (
            configure(&["--hostnqn", "iqn.x", "--hostid", HOSTID]),
            "`iqn.x` is no NVMe qualified name: it does not start with `nqn.`",
        ),
        (
            configure(&["--hostnqn", HOSTNQN, "--hostid", "17"]),
            "`17` is no host identifier: expected a UUID",
        ),
        (
            configure(&["--runtime", "python"]),
            "invalid value 'python' for '--runtime <RUNTIME>'",
        ),
        (
            vec!["plan", "--format", "xml"],
            "invalid value 'xml' for '--format <FORMAT>'",
        ),
    ] {
        let said = scene.refused(&arguments);
        assert_eq!(said.status, Some(2), "{arguments:?}");
        assert!(
            said.stderr.contains(expected),
            "{arguments:?}:\n{}",
            said.stderr
        );
    }
}

const PAIR_HINT: &str = "hint: pass `--hostnqn NQN --hostid UUID`, or `--host-from /etc/nvme` to carry the installer's own pair over\n";

/// Puts these files into the tree; `None`: there is none.
fn with_pair(nqn: Option<&[u8]>, id: Option<&[u8]>) -> Scene {
    let scene = Scene::new(GOOD);
    for (name, content) in [("hostnqn", nqn), ("hostid", id)] {
        let path = scene.root().join("etc/nvme").join(name);
        match content {
            Some(content) => write(&path, content, 0o644),
            None => std::fs::remove_file(path).expect("a file"),
        }
    }
    scene
}

#[test]
fn a_host_without_an_identity() {
    let (nqn, id) = (HOSTNQN.as_bytes(), HOSTID.as_bytes());
    let half = "is missing or empty: the identity of a host is a pair";
    for (hostnqn, hostid, expected) in [
        (
            None,
            None,
            "the root tree has neither `etc/nvme/hostnqn` nor `etc/nvme/hostid`, and the host needs both to connect".to_owned(),
        ),
        (
            Some(b"\n".as_slice()),
            None,
            "the root tree has neither `etc/nvme/hostnqn` nor `etc/nvme/hostid`, and the host needs both to connect".to_owned(),
        ),
        (Some(nqn), None, format!("`etc/nvme/hostnqn` is there and `etc/nvme/hostid` {half}")),
        (Some(nqn), Some(b" \n".as_slice()), format!("`etc/nvme/hostnqn` is there and `etc/nvme/hostid` {half}")),
        (None, Some(id), format!("`etc/nvme/hostid` is there and `etc/nvme/hostnqn` {half}")),
        (
            Some(id),
            Some(nqn),
            format!("`etc/nvme/hostnqn`: `{HOSTID}` is no NVMe qualified name: it does not start with `nqn.`"),
        ),
        (
            Some(nqn),
            Some(b"17".as_slice()),
            "`etc/nvme/hostid`: `17` is no host identifier: expected a UUID such as `8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d`".to_owned(),
        ),
        (Some(b"nqn.a\nnqn.b\n"), Some(id), "`etc/nvme/hostnqn` has more than one line".to_owned()),
        (Some(b"\xff"), Some(id), "`etc/nvme/hostnqn` is not UTF-8".to_owned()),
    ] {
        let said = with_pair(hostnqn, hostid).configure();
        let expected = format!("error: {expected}\n{PAIR_HINT}");
        assert_eq!((said.status, said.stderr.as_str()), (Some(2), expected.as_str()));
    }
}

/// What the hint says helps, whatever was in the tree before.
#[test]
fn a_given_identity_replaces_a_broken_one() {
    let hosts = common::work();
    write(&hosts.path().join("hostnqn"), HOSTNQN.as_bytes(), 0o644);
    write(&hosts.path().join("hostid"), HOSTID.as_bytes(), 0o644);
    let from = hosts.path().to_str().expect("a name");
    let pair = ["--hostnqn", HOSTNQN, "--hostid", HOSTID];
    let copied = ["--host-from", from];
    for given in [pair.as_slice(), &copied] {
        for broken in [None, Some(b"garbage".as_slice())] {
            let scene = with_pair(broken, Some(HOSTID.as_bytes()));
            let mut command = nvmeroot();
            command.args(["configure", "--curtin", "curtin.yaml", "--root", "root"]);
            command.args(["--runtime", "scripts"]);
            let said = run(command.args(given).current_dir(scene.work.path()));
            assert_eq!(said.status, Some(0), "{given:?}: {}", said.stderr);
            let read = |name: &str| {
                std::fs::read_to_string(scene.root().join("etc/nvme").join(name)).expect("a file")
            };
            assert_eq!(read("hostnqn").trim(), HOSTNQN);
            assert_eq!(read("hostid").trim(), HOSTID);
        }
    }
}

/// Nothing remote needs no identity.
#[test]
fn a_local_machine_needs_no_identity() {
    let scene = with_pair(Some(b"garbage"), None);
    std::fs::write(scene.work.path().join("curtin.yaml"), "storage: false\n").expect("a file");
    let mut command = nvmeroot();
    command.args(["configure", "--curtin", "curtin.yaml", "--root", "root"]);
    let said = run(command.current_dir(scene.work.path()));
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stdout.starts_with("reach: local\n"), "{}", said.stdout);
}

/// A file stands where a directory must be: that is no fault of the input,
/// and nothing is left behind.
#[test]
fn a_tree_that_can_not_be_written_to() {
    let scene = Scene::new(GOOD);
    write(
        &scene.root().join("etc/initramfs-tools"),
        b"in the way",
        0o644,
    );
    let said = scene.refused(&[
        "configure",
        "--curtin",
        "curtin.yaml",
        "--root",
        "root",
        "--runtime",
        "scripts",
    ]);
    assert_eq!(said.status, Some(1));
    assert!(
        said.stderr.ends_with(
            "error: `etc/initramfs-tools` in the root tree is a file, where a directory belongs\n\
             hint: move it away, then run this again\n"
        ),
        "{}",
        said.stderr
    );
}

/// Warnings have a place and a hint too, go to standard error, and stop
/// nothing.
#[test]
fn warnings_stop_nothing() {
    let scene = Scene::new(
        b"storage:\n  config:\n    - id: a\n      type: nvme_controller\n      transport: tcp\n      tcp_addr: 192.0.2.10\n      tcp_port: 4420\n      hdr_digets: true\n    - {id: d, type: disk, nvme_controller: a}\n    - {id: f, type: format, volume: d}\n    - {id: m, type: mount, device: f, path: /srv}\n",
    );
    let expected = "warning: `hdr_digets` is no key of a `nvme_controller` action\n  \
                    --> curtin.yaml:8:7 `storage.config[0].hdr_digets`\n\
                    hint: is it meant to be `hdr_digest`?\n\
                    warning: `/srv` lies on a remote controller and lacks the option `_netdev`\n  \
                    --> curtin.yaml:11:7 `storage.config[3]`\n\
                    hint: add `_netdev` to its options, so that the running system orders it after the network\n\
                    warning: there is no network configuration, so nothing leads to the controllers\n\
                    hint: configure the interface that leads there in the root tree, or pass the installer's netplan file in `write_files`\n";
    for (arguments, stdout) in [
        (
            ["plan", "--format", "commands", "--curtin", "curtin.yaml"],
            "",
        ),
        (
            ["configure", "--curtin", "curtin.yaml", "--root", "root"],
            "reach: userspace\n",
        ),
    ] {
        let said = run(nvmeroot().args(arguments).current_dir(scene.work.path()));
        assert_eq!(said.status, Some(0));
        assert_eq!(gist(&said.stderr), expected, "{arguments:?}");
        assert!(said.stdout.starts_with(stdout), "{}", said.stdout);
    }
    // A program finds them in the data.
    let json = ["plan", "--format", "json", "--curtin", "curtin.yaml"];
    let said = run(nvmeroot().args(json).current_dir(scene.work.path()));
    assert_eq!(said.stderr, "");
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let origin = &plan["warnings"][0]["origin"];
    assert_eq!(
        (&origin["file"], &origin["line"], &origin["column"]),
        (&"curtin.yaml".into(), &8.into(), &7.into())
    );
    assert_eq!(plan["warnings"].as_array().map(Vec::len), Some(3));
}
