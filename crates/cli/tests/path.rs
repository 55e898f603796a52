//! How `plan` explains the path: as a tree, as data, drawn.
//!
//! `path/NAME.yaml` is the input, `path/NAME.txt` the tree, `path/NAME.svg` the
//! drawing. `UPDATE_GOLDEN=1 cargo test -p nvmeroot --test path` writes these
//! anew; look at the drawings before they are committed.

mod common;

use std::path::{Path, PathBuf};

use common::{nvmeroot, run};

const CASES: [&str; 3] = ["static", "vlan_on_bond", "two_controllers"];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/path")
}

fn plan(case: &str, format: &str) -> String {
    let mut command = nvmeroot();
    command.current_dir(directory());
    let said = run(command.args([
        "plan",
        "--format",
        format,
        "--curtin",
        &format!("{case}.yaml"),
    ]));
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    said.stdout
}

fn compare(file: &str, now: &str) {
    let path = directory().join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, now).expect("a file that can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("the golden file");
    assert_eq!(now, golden, "{file}");
}

#[test]
fn the_tree_goes_from_the_mount_point_to_the_port() {
    for case in CASES {
        let text = plan(case, "text");
        let (_, path) = text.split_once("\npath\n").expect("the section");
        let (path, _) = path.split_once("\n\n").expect("another section");
        compare(&format!("{case}.txt"), &format!("{path}\n"));
    }
}

#[test]
fn the_drawing_is_an_svg_document() {
    for case in CASES {
        compare(&format!("{case}.svg"), &plan(case, "svg"));
    }
}

#[test]
fn the_data_refers_by_index() {
    let data: serde_json::Value =
        serde_json::from_str(&plan("vlan_on_bond", "json")).expect("JSON");
    let told = &data["explanation"];
    let index = |value: &serde_json::Value| {
        usize::try_from(value.as_u64().expect("an index")).expect("an index")
    };
    let mut names = Vec::new();
    let mut at = Some(index(&told["ways"][0]["chosen"][0]["link"]));
    while let Some(place) = at {
        let link = &told["links"][place];
        let interface = &data["network"]["interfaces"][index(&link["interface"])];
        names.push(interface["name"].as_str().expect("a name").to_owned());
        at = link["needs"].get(0).map(index);
    }
    assert_eq!(names, ["storage7", "bond0", "eno1"]);
    let passed = &told["ways"][0]["passed"][0];
    assert_eq!(passed["why"], "its prefix /0 is shorter than /24");
    assert_eq!(passed["origin"]["line"], 25);
}

/// However many mounts, controllers and routes there are.
#[test]
fn text_and_drawing_are_bounded() {
    use std::fmt::Write as _;

    let mut text = "storage:\n  config:\n".to_owned();
    for n in 0..200 {
        let _ = writeln!(
            text,
            "  - {{id: c{n}, type: nvme_controller, transport: tcp, tcp_addr: 10.0.0.{n}, tcp_port: 4420}}\n  \
             - {{id: d{n}, type: disk, nvme_controller: c{n}}}\n  \
             - {{id: f{n}, type: format, volume: d{n}}}\n  \
             - {{id: m{n}, type: mount, device: f{n}, path: /srv/{n}, options: _netdev}}"
        );
    }
    text.push_str("write_files:\n  etc_netplan_installer:\n    path: etc/netplan/a.yaml\n");
    text.push_str("    content: |\n      network:\n        version: 2\n        ethernets:\n");
    for n in 0..200 {
        let _ = writeln!(text, "          e{n}: {{addresses: [10.0.0.{n}/8]}}");
    }
    let work = common::work();
    let file = work.path().join("many.yaml");
    std::fs::write(&file, text).expect("a file that can be written");
    let said = |format: &str| {
        let said = run(nvmeroot()
            .args(["plan", "--format", format, "--curtin"])
            .arg(&file));
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        said.stdout
    };
    let tree = said("text");
    let (_, path) = tree.split_once("\npath\n").expect("the section");
    let (path, _) = path.split_once("\n\n").expect("another section");
    assert!(path.contains("and 188 more"), "{path}");
    assert!(path.lines().count() < 500, "{}", path.lines().count());
    assert!(said("svg").matches("<rect").count() < 300);
}
