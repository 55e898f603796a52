//! Where the network configuration is found: in curtin's configuration, or in
//! the root tree, for netplan or for cloud-init.

mod common;

use std::path::Path;

use common::{furnish, nvmeroot, run, write};

const STORAGE: &str = "\
storage:
  config:
  - {id: a, type: nvme_controller, transport: tcp, tcp_addr: 192.0.2.10, tcp_port: 4420}
  - {id: d, type: disk, nvme_controller: a}
  - {id: f, type: format, volume: d}
  - {id: m, type: mount, device: f, path: /, options: _netdev}
  - {id: b, type: mount, spec: LABEL=b, path: /boot}
";

/// The interfaces of the plan, with the file that says each.
fn planned(more: &str, tree: &[(&str, &str)]) -> Vec<String> {
    let work = common::work();
    let root = work.path().join("root");
    furnish(&root);
    for (path, text) in tree {
        write(&root.join(path), text.as_bytes(), 0o644);
    }
    write(
        &work.path().join("curtin.yaml"),
        format!("{STORAGE}{more}").as_bytes(),
        0o644,
    );
    let said = run(nvmeroot().current_dir(work.path()).args([
        "plan",
        "--format",
        "json",
        "--curtin",
        "curtin.yaml",
        "--root",
        "root",
    ]));
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let interfaces = plan["network"]["interfaces"].as_array().expect("a list");
    interfaces
        .iter()
        .map(|one| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let file = text(&one["origin"]["file"]);
            let file = Path::new(&file).file_name().expect("a file");
            format!("{} {}", text(&one["name"]), file.display())
        })
        .collect()
}

const CLOUD: (&str, &str) = (
    "etc/cloud/cloud.cfg.d/50-curtin-networking.cfg",
    "network: {version: 1, config: [{type: physical, name: e1, subnets: [{type: dhcp}]}]}\n",
);
const SEED: (&str, &str) = (
    "var/lib/cloud/seed/nocloud/network-config",
    "version: 2\nethernets: {e2: {dhcp4: true}}\n",
);
const NETPLAN: (&str, &str) = (
    "etc/netplan/00-site.yaml",
    "network: {version: 2, ethernets: {e3: {dhcp4: true}}}\n",
);
const WRITTEN: (&str, &str) = (
    "etc/netplan/50-cloud-init.yaml",
    "network: {version: 2, ethernets: {e4: {dhcp4: true}}}\n",
);
/// No YAML, and none of the network's business.
const OTHER: (&str, &str) = (
    "etc/cloud/cloud.cfg.d/05-other.cfg",
    "## template: jinja\n{% if x %}\nmanage_etc_hosts: [\n",
);

#[test]
fn the_root_tree_says_it_where_curtin_does_not() {
    assert_eq!(planned("", &[SEED]), ["e2 network-config"]);
    assert_eq!(
        planned("", &[CLOUD, SEED, NETPLAN]),
        ["e3 00-site.yaml", "e1 50-curtin-networking.cfg"]
    );
    let disabled = (
        "etc/cloud/cloud.cfg.d/99-disable.cfg",
        "network: {config: disabled}\n",
    );
    assert_eq!(
        planned("", &[CLOUD, disabled, NETPLAN]),
        ["e3 00-site.yaml"]
    );
}

#[test]
fn what_cloud_init_has_written_counts_for_its_files() {
    assert_eq!(
        planned("", &[CLOUD, SEED, WRITTEN]),
        ["e4 50-cloud-init.yaml"]
    );
}

#[test]
fn curtins_own_network_adds_to_the_root_tree_s_netplan_files() {
    let own = "network: {version: 2, ethernets: {e0: {dhcp4: true}}}\n";
    assert_eq!(
        planned(own, &[CLOUD, NETPLAN]),
        ["e3 00-site.yaml", "e0 curtin.yaml"]
    );
}

#[test]
fn files_of_cloud_init_about_something_else_may_be_anything() {
    assert_eq!(
        planned("", &[OTHER, CLOUD]),
        ["e1 50-curtin-networking.cfg"]
    );
}
