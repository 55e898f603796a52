//! nvmeroot against the original: curtin's `curtin/nvme_tcp.py` as of July
//! 2026.
//!
//! `original/*.txt` hold one configuration after another with what is to be
//! said of it; [`case`] describes the format. Expectations were worked out
//! from nvmeroot's own rules (reach by the storage graph, by path component;
//! controllers sorted as text, each once; commands per interface in file
//! order: addresses, DHCP or link up, routes; then the controllers). Every one
//! of them was then held against the original itself: its functions were
//! called with the very same text, read by PyYAML 6.0.3 under Python 3.11, and
//! the `original` part of each case is what they answered. Cases outside
//! `faults.txt` are those where the two agree in everything. `faults.txt`
//! holds what the original gets wrong, one named test each.

mod case;
mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::slice::from_ref;

use case::{Answer, Case};
use common::{ProgramOutput, furnish, nvmeroot, run, write};
use serde_json::Value;

/// What nvmeroot says of a case.
struct Seen {
    reach: String,
    controllers: Vec<String>,
    remote: Vec<String>,
    over: Vec<String>,
    warnings: Vec<String>,
    need_network: bool,
    requires_firmware: bool,
}

impl Seen {
    fn new(plan: &Value) -> Self {
        let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let controllers: Vec<String> = list(&plan["controllers"])
            .iter()
            .map(|c| format!("{} {}", text(&c["traddr"]), text(&c["trsvcid"])))
            .collect();
        let (mut remote, mut over, mut need_network) = (Vec::new(), Vec::new(), false);
        for mount in list(&plan["mounts"]) {
            let below: Vec<String> = list(&mount["controllers"])
                .iter()
                .filter_map(|n| controllers.get(usize::try_from(n.as_u64()?).ok()?).cloned())
                .collect();
            if !below.is_empty() {
                let path = text(&mount["path"]);
                over.push(format!("{path}: {}", below.join(", ")));
                remote.push(path);
                need_network |= mount["essential"] == true;
            }
        }
        let reach = text(&plan["reach"]);
        Self {
            requires_firmware: reach == "firmware",
            need_network,
            controllers,
            remote,
            over,
            warnings: list(&plan["warnings"])
                .iter()
                .map(|w| text(&w["message"]))
                .collect(),
            reach,
        }
    }
}

fn plan(file: &Path, format: &str) -> ProgramOutput {
    run(nvmeroot()
        .args(["plan", "--format", format, "--curtin"])
        .arg(file))
}

/// All that is wrong with what nvmeroot says of a case.
fn judge(case: &Case) -> Vec<String> {
    let directory = common::work();
    let file = directory.path().join("curtin.yaml");
    std::fs::write(&file, case.curtin_yaml()).expect("a file");
    let mut faults = Vec::new();

    let said = plan(&file, "json");
    if let Some(error) = &case.error {
        if said.status != Some(2) || !said.stderr.contains(error.as_str()) {
            faults.push(format!(
                "status: {:?}, expected 2\nmessage: expected {error:?} in\n{}{}",
                said.status, said.stderr, said.stdout
            ));
        }
        return faults;
    }
    if said.status != Some(0) {
        return vec![format!("status: {:?}\n{}", said.status, said.stderr)];
    }
    let value: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let seen = Seen::new(&value);
    let mut differ = |what: &str, seen: &[String], expected: &[String]| {
        if seen != expected {
            faults.push(format!(
                "{what}:\n    {}\n  expected:\n    {}",
                seen.join("\n    "),
                expected.join("\n    ")
            ));
        }
    };
    differ("reach", from_ref(&seen.reach), from_ref(&case.reach));
    differ("controllers", &seen.controllers, &case.controllers);
    differ("remote mounts", &seen.remote, &case.remote);
    if !case.over.is_empty() {
        differ("mounts over controllers", &seen.over, &case.over);
    }
    differ("warnings", &seen.warnings, &case.warnings);
    // Before nvmeroot knows of a controller, nobody asks the predicates.
    if case.fault.is_none() && !case.controllers.is_empty() {
        let answer = |yes: bool| Answer::Says(yes).to_string();
        differ(
            "need_network, requires_firmware",
            &[answer(seen.need_network), answer(seen.requires_firmware)],
            &[
                case.need_network.to_string(),
                case.requires_firmware.to_string(),
            ],
        );
    }

    let said = plan(&file, "commands");
    let commands: Vec<String> = said.stdout.lines().map(str::to_owned).collect();
    differ("commands", &commands, &case.commands);

    let root = directory.path().join("root");
    furnish(&root);
    let said = run(nvmeroot()
        .args(["configure", "--runtime", "scripts"])
        .arg("--curtin")
        .arg(&file)
        .arg("--root")
        .arg(&root));
    let done = if case.reach == "firmware" { 1 } else { 0 };
    if said.status != Some(done) {
        differ(
            "exit status of configure",
            &[said.stderr],
            &[done.to_string()],
        );
    }
    differ("directives", &directives(&root), &case.directives());
    differ(
        "commands in the scripts",
        &script_commands(&root),
        &case.commands,
    );
    faults
}

/// What nvme-stas would be told: the original writes this for `userspace`
/// alone.
fn directives(root: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(root.join("etc/stas/stafd.conf")).unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with("controller"))
        .map(str::to_owned)
        .collect()
}

/// The commands in the two scripts of the initramfs, without what surrounds
/// them.
fn script_commands(root: &Path) -> Vec<String> {
    let directory = root.join("etc/curtin-nvme-over-tcp");
    let text: String = ["network-up", "connect-nvme"]
        .iter()
        .map(|name| std::fs::read_to_string(directory.join(name)).unwrap_or_default())
        .collect();
    let is_command = |line: &&str| {
        ["ip ", "dhcpcd ", "nvme "]
            .iter()
            .any(|program| line.starts_with(program))
    };
    text.lines().filter(is_command).map(str::to_owned).collect()
}

fn check(name: &str, cases: &[Case]) {
    let mut report = String::new();
    for case in cases {
        for fault in judge(case) {
            report.push_str(&format!("\n{name}.txt: {}\n  {fault}\n", case.name));
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// One test per file of cases on which the original and nvmeroot agree.
macro_rules! agree {
    ($($file:ident),* $(,)?) => {
        const AGREEING: &[&str] = &[$(stringify!($file)),*];
        $(#[test]
        fn $file() {
            let cases = case::read(stringify!($file));
            for case in &cases {
                assert!(case.fault.is_none(), "{}: a fault belongs to `faults.txt`", case.name);
            }
            check(stringify!($file), &cases);
        })*
    };
}

agree!(
    storage,
    reach,
    graph,
    controllers,
    network,
    routes,
    booleans
);

/// One test per fault of the original; each asserts the corrected answer.
macro_rules! faults {
    ($($name:ident),* $(,)?) => {
        const FAULTS: &[&str] = &[$(stringify!($name)),*];
        mod fault {
            $(#[test]
            fn $name() {
                let all = super::case::read("faults");
                let name = stringify!($name);
                let case = all.into_iter().find(|c| c.name == name).expect("a case of that name");
                assert!(case.fault.is_some(), "`faults.txt` says what is wrong");
                super::check("faults", &[case]);
            })*
        }
    };
}

include!("original/faults.rs");

/// The fault that takes two runs: the original moves its own link over the
/// administrator's file, which it had put aside in the first one.
#[test]
fn a_second_run_keeps_the_backup() {
    let directory = common::work();
    let file = directory.path().join("curtin.yaml");
    let all = case::read("reach");
    let case = all
        .iter()
        .find(|c| c.name == "home_remote")
        .expect("a case");
    std::fs::write(&file, case.curtin_yaml()).expect("a file");
    let stas = directory.path().join("root/etc/stas");
    furnish(&directory.path().join("root"));
    write(&stas.join("stafd.conf"), b"[Global]\ntron=true\n", 0o644);
    for _ in 0..3 {
        let root = directory.path().join("root");
        let said = run(nvmeroot()
            .args(["configure", "--runtime", "scripts"])
            .arg("--curtin")
            .arg(&file)
            .arg("--root")
            .arg(&root));
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
        let kept = std::fs::read_to_string(stas.join(".stafd.conf.bak")).expect("a backup");
        assert_eq!(kept, "[Global]\ntron=true\n");
        let link = std::fs::read_link(stas.join("stafd.conf")).expect("a link");
        assert_eq!(link, Path::new("stafd-curtin.conf"));
        assert_eq!(directives(&root), case.directives());
        assert_eq!(std::fs::read_dir(&stas).expect("a directory").count(), 3);
    }
}

#[test]
fn every_case_is_run_and_has_a_name_of_its_own() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/original");
    let files: BTreeSet<String> = std::fs::read_dir(directory)
        .expect("a directory")
        .filter_map(|e| {
            e.expect("an entry")
                .path()
                .file_name()?
                .to_str()
                .map(str::to_owned)
        })
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    let known: BTreeSet<String> = AGREEING
        .iter()
        .chain(&["faults"])
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(files, known);

    let in_file: Vec<String> = case::read("faults").into_iter().map(|c| c.name).collect();
    assert_eq!(in_file, FAULTS);

    let mut names = BTreeSet::new();
    for case in files.iter().flat_map(|file| case::read(file)) {
        assert!(
            names.insert(case.name.clone()),
            "`{}` is there twice",
            case.name
        );
    }
    assert!(names.len() >= 100, "{} cases", names.len());
}

/// Every step can be traced to the line that asks for it.
#[test]
fn steps_say_where_they_come_from() {
    let all = case::read("routes");
    let case = all
        .iter()
        .find(|c| c.name == "default_route")
        .expect("a case");
    let directory = common::work();
    let file = directory.path().join("curtin.yaml");
    std::fs::write(&file, case.curtin_yaml()).expect("a file");
    let value: Value = serde_json::from_str(&plan(&file, "json").stdout).expect("JSON");
    let seen: Vec<String> = value["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| {
            let origin = &step["origin"];
            let file = origin["file"].as_str().expect("a file");
            let file = file.rsplit('/').next().unwrap_or(file);
            let key = origin["key"].as_str().unwrap_or_default();
            let kind = step["kind"].as_str().expect("a kind");
            format!(
                "{kind} {file}:{}:{} {key}",
                origin["line"], origin["column"]
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            "set_ipv6 curtin.yaml:19:11 network.ethernets.ens3",
            "add_address curtin.yaml:20:25 network.ethernets.ens3.addresses[0]",
            "link_up curtin.yaml:19:11 network.ethernets.ens3",
            "add_route curtin.yaml:22:15 network.ethernets.ens3.routes[0]",
            "connect curtin.yaml:4:7 storage.config[0]",
        ]
    );
}
