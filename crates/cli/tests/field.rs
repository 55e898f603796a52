//! Configurations that users and attackers tried, each with what is right.
//!
//! `field/NAME` holds `curtin.yaml`, and under `root` what the root tree has
//! beside the host's identity. Where another program decides what is right, the
//! test names its function.

mod common;

use std::path::{Path, PathBuf};

use common::{Entry, ProgramOutput, furnish, nvmeroot, run, stand_in, tree, write};
use serde_json::Value;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

struct Field {
    work: tempfile::TempDir,
}

impl Field {
    fn new(name: &str) -> Self {
        Self::of(&tests().join("field").join(name))
    }

    fn of(from: &Path) -> Self {
        let work = tempfile::tempdir().expect("a directory");
        let root = work.path().join("root");
        std::fs::create_dir(&root).expect("a directory");
        furnish(&root);
        write(&work.path().join("nvmeroot-agent"), &stand_in(), 0o755);
        for (path, entry) in tree(from) {
            if let Entry::File { bytes, .. } = entry {
                write(&work.path().join(path), &bytes, 0o644);
            }
        }
        Self { work }
    }

    fn run(&self, arguments: &str) -> ProgramOutput {
        let mut command = nvmeroot();
        command.current_dir(self.work.path());
        run(command.args(arguments.split(' ')))
    }

    fn plan(&self, more: &str) -> ProgramOutput {
        self.run(&format!("plan --curtin curtin.yaml --root root{more}"))
    }

    fn json(&self) -> Value {
        let said = self.plan(" --format json");
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        serde_json::from_str(&said.stdout).expect("JSON")
    }
}

/// The interfaces that lead to each controller.
fn egress(plan: &Value) -> Vec<String> {
    let paths = plan["paths"].as_array().expect("paths").iter();
    paths
        .map(|path| {
            let leads = path["interfaces"].as_array().expect("interfaces").iter();
            let names: Vec<&str> = leads.filter_map(|l| l["interface"].as_str()).collect();
            names.join(" ")
        })
        .collect()
}

fn warnings(plan: &Value) -> Vec<String> {
    let all = plan["warnings"].as_array().expect("warnings").iter();
    all.map(|w| w["message"].as_str().expect("a message").to_owned())
        .collect()
}

fn remote(plan: &Value) -> Vec<&str> {
    let mounts = plan["mounts"].as_array().expect("mounts").iter();
    mounts
        .filter(|m| m["controllers"] != Value::Array(Vec::new()))
        .filter_map(|m| m["path"].as_str())
        .collect()
}

/// netplan reads lib, etc and run together
/// (`netplan_parser_load_yaml_hierarchy`).
#[test]
fn network_manager_as_the_tree_s_renderer_is_warned_of() {
    let said = Field::new("h01-desktop-nm-default").plan(" --format json");
    let plan: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(egress(&plan), ["ens3"]);
    assert!(
        plan["network"]["interfaces"][0]["connection"].is_string(),
        "{plan}"
    );
    let warning = "NetworkManager takes `ens3` over, and gives its address up";
    assert!(said.stderr.contains(warning), "{}", said.stderr);
}

#[test]
fn a_vlan_in_the_tree_adds_to_what_curtin_writes() {
    let plan = Field::new("h02-vlan-in-tree").json();
    assert_eq!(egress(&plan), ["ens3.50"]);
}

/// cloud-init's `read_conf_d` reads in the order of names, and the last one to
/// speak of `network` wins.
#[test]
fn network_config_disabled_in_the_tree_wins_over_curtin_s_network() {
    let plan = Field::new("k05-tree-disabled-99").json();
    assert_eq!(plan["network"]["interfaces"], Value::Array(Vec::new()));
    assert_eq!(
        warnings(&plan),
        ["there is no network configuration, so nothing leads to the controllers"]
    );
}

/// curtin's `handle_cloudconfig` makes a file of cloud-init of each entry.
#[test]
fn curtin_s_cloudconfig_entries_are_files_of_cloud_init() {
    let plan = Field::new("f01-cloudconfig").json();
    assert_eq!(egress(&plan), ["eth0"]);
}

/// RFC 3927: 169.254.0.0/16 is on a link that has IPv4 link-local addresses.
#[test]
fn an_ipv4_link_local_portal_is_reached_over_the_link_with_such_addresses() {
    assert_eq!(
        egress(&Field::new("n24-ipv4ll-portal-dhcp").json()),
        ["ens3"]
    );
    assert_eq!(egress(&Field::new("n23-ll-only").json()), ["ens3"]);
}

#[test]
fn an_explicit_host_iface_is_brought_up() {
    let plan = Field::new("s14h-ll-hostiface").json();
    assert_eq!(egress(&plan), ["ens3"]);
    let steps = plan["steps"].as_array().expect("steps");
    let up = |name: &str| {
        let mut steps = steps.iter();
        steps.any(|s| s["kind"] == "link_up" && s["interface"] == name)
    };
    assert!(up("ens3"), "{steps:?}");
}

/// The kernel's `tcp_v6_connect` takes no link-local address without an
/// interface.
#[test]
fn an_unbound_ipv6_link_local_portal_is_an_error() {
    let said = Field::new("s14b-ipv6-ll-bare").plan("");
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.starts_with(
            "error: `fe80::1` is a link-local address, and nothing says which interface leads to it\n"
        ),
        "{}",
        said.stderr
    );
}

/// libnvme's `nvme_lookup_ctrl` tells connections apart by source address and
/// interface too.
#[test]
fn connections_over_two_cards_to_one_portal_are_two() {
    for name in [
        "e18-two-ifaces-one-portal",
        "e22-two-controllers-one-portal",
    ] {
        let plan = Field::new(name).json();
        assert_eq!(egress(&plan), ["ens3", "ens4"], "{name}");
        let controllers = plan["controllers"].as_array().expect("controllers");
        let over: Vec<_> = controllers
            .iter()
            .map(|c| c["options"]["host_iface"].as_str().expect("a name"))
            .collect();
        assert_eq!(over, ["ens3", "ens4"], "{name}");
    }
}

/// libnvme's `build_options` gives every connection of a host the host's
/// `dhchap_key`.
#[test]
fn the_host_s_secret_is_on_every_controller() {
    let field = Field::new("e14c-host-level-dhchap-hostid");
    let plan = field.json();
    let controllers = plan["controllers"].as_array().expect("controllers");
    assert_eq!(controllers.len(), 2);
    for one in controllers {
        assert_eq!(one["options"]["dhchap_secret"], "(secret)");
    }
    assert!(!field.plan(" --format json").stdout.contains("DHHC-1:"));
}

/// nvme-cli's `discover_from_json_config_file` connects every port of the file.
#[test]
fn a_path_that_only_config_json_names_is_planned() {
    let plan = Field::new("e21-second-path-only-in-config-json").json();
    assert_eq!(egress(&plan), ["ens3", "ens4"]);
    assert_eq!(plan["mounts"][0]["controllers"], serde_json::json!([0, 1]));
    assert_eq!(plan["requirements"][0]["any_of"], serde_json::json!([0, 1]));
}

#[test]
fn what_is_remote_and_not_by_nvme_tcp_is_warned_of() {
    let plan = Field::new("s15-no-controller-netdev").json();
    assert_eq!(plan["reach"], "local");
    assert!(
        warnings(&plan)[0].ends_with(
            "has the option `_netdev`, and there is no NVMe/TCP controller in the storage configuration"
        ),
        "{:?}",
        warnings(&plan)
    );
    let plan = Field::new("s03-iscsi-root").json();
    assert_eq!(plan["reach"], "local");
    assert_eq!(warnings(&plan), ["`/` is remote, and not by NVMe/TCP"]);
}

#[test]
fn a_document_of_another_kind_is_named() {
    let field = Field::new("s02-autoinstall-userdata");
    let error = |text: &str| {
        write(
            &field.work.path().join("curtin.yaml"),
            text.as_bytes(),
            0o644,
        );
        let said = field.plan("");
        let first = said.stderr.lines().next().unwrap_or_default().to_owned();
        (said.status, first)
    };
    let said = field.plan("");
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr
            .starts_with("error: this is an autoinstall document, not curtin's configuration\n"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.contains("/var/log/installer"),
        "{}",
        said.stderr
    );
    for (text, what) in [
        (
            "#cloud-config\npackages: [nvme-cli]\n",
            "this is cloud-init's user data, not curtin's configuration",
        ),
        (
            "# /etc/fstab\nUUID=0a1b2c3d / ext4 defaults,_netdev 0 1\n",
            "this is an fstab, not curtin's configuration",
        ),
    ] {
        assert_eq!(error(text), (Some(2), format!("error: {what}")), "{text}");
    }
    for (text, start) in [
        (
            "network: {version: 2, ethernets: {ens3: {dhcp4: true}}}\n",
            "warning: this looks like a netplan file",
        ),
        (
            "kernel: {package: linux-generic}\n",
            "warning: there is no `storage` in this configuration",
        ),
    ] {
        let (status, first) = error(text);
        assert_eq!(status, Some(0), "{first}");
        assert!(first.starts_with(start), "{first}");
    }
}

/// curtin's `zpool_create` makes pools `canmount=off`; mount points are
/// inherited (zfsprops(7)).
#[test]
fn datasets_are_mounted_where_zfs_mounts_them() {
    let plan = Field::new("s04c-zfs-remote-pool-canmount-off-home").json();
    assert_eq!(
        (&plan["reach"], remote(&plan)),
        (&"userspace".into(), vec!["/home"])
    );
    let plan = Field::new("s04h-zfs-local-root-remote-var-inherited").json();
    assert_eq!(
        (&plan["reach"], remote(&plan)),
        (&"initramfs".into(), vec!["/var"])
    );
}

/// curtin's `_iter_nvme_tcp_controllers` looks at `tcp` alone.
#[test]
fn a_controller_of_another_transport_matters_only_to_essential_mounts() {
    let plan = Field::new("s14f-fc-unrelated").json();
    assert_eq!(plan["reach"], "initramfs");
    assert_eq!(plan["controllers"].as_array().map(Vec::len), Some(1));
}

/// curtin's `mount_data` takes a `spec` as it is.
#[test]
fn a_spec_says_what_is_mounted() {
    let plan = Field::new("s12d-nfs-var-nvme-home").json();
    assert_eq!(
        (&plan["reach"], remote(&plan)),
        (&"userspace".into(), vec!["/home"])
    );
    assert_eq!(warnings(&plan), Vec::<String>::new());
}

#[test]
fn swap_is_called_swap() {
    let plan = Field::new("s09-swap-remote").json();
    assert_eq!(remote(&plan), ["swap"]);
}

#[test]
fn the_plan_shows_the_steps_of_the_runtime_that_is_used() {
    let field = Field::new("n22-unused-static-nic");
    let steps = |runtime: &str| {
        let text = field.plan(runtime).stdout;
        let (_, steps) = text.split_once("steps at boot").expect("steps");
        steps.to_owned()
    };
    let agent = steps("");
    assert!(agent.contains("ens3") && !agent.contains("ens4"), "{agent}");
    let scripts = steps(" --runtime scripts");
    for name in ["ens3", "ens4", "ens5", "ens6"] {
        assert!(scripts.contains(name), "{scripts}");
    }
}

/// The kernel's `fib_check_nh` takes no gateway that is on no link.
#[test]
fn a_gateway_off_the_link_gets_a_hint_that_helps() {
    let said = Field::new("n04b-hetzner-gateway4-unreachable").plan("");
    assert_eq!(said.status, Some(0));
    assert!(
        said.stderr
            .contains("via: \"203.0.113.1\", on-link: true}]`"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.contains(
            "the gateway `203.0.113.1` is in no network of `enp0s31f6`: if it is on that link, add `on-link: true` to the route"
        ),
        "{}",
        said.stderr
    );
}

#[test]
fn what_was_left_out_and_may_lead_there_is_named() {
    let said = Field::new("ovs-bridge-over-the-only-card").plan("");
    assert!(
        said.stderr.contains(
            "hint: the initramfs does not bring up `ovs0` (openvswitch), which may lead there"
        ),
        "{}",
        said.stderr
    );
}

#[test]
fn files_that_nobody_reads_are_named_where_there_is_no_network() {
    let field = Field::new("k05-tree-disabled-99");
    for path in ["etc/netplan/50.yml", "etc/systemd/network/a.network"] {
        write(&field.work.path().join("root").join(path), b"x", 0o644);
    }
    let interfaces = field.work.path().join("root/etc/network/interfaces");
    write(
        &interfaces,
        b"iface lo inet loopback\niface eth0 inet dhcp\n",
        0o644,
    );
    let said = field.plan("");
    assert!(
        said.stderr.contains(
            "hint: no network manager of the root tree reads `etc/netplan/50.yml`, `etc/systemd/network/a.network`, `etc/network/interfaces`: install the one that this is for"
        ),
        "{}",
        said.stderr
    );
}

/// What the user is shown is what the agent is given, but for the secrets and
/// for what is for people.
#[test]
fn the_plan_that_is_shown_is_the_one_that_the_agent_reads() {
    let list = |name: &str| {
        let entries = std::fs::read_dir(tests().join(name)).expect("a directory");
        entries.map(|entry| entry.expect("an entry").path())
    };
    let golden = list("golden").map(|path| path.join("input"));
    let compared = list("field")
        .chain(golden)
        .filter(|path| is_shown_as_given(&Field::of(path)))
        .count();
    assert!(compared > 20, "only {compared} plans");
}

fn is_shown_as_given(field: &Field) -> bool {
    let shown = field.plan(" --format json");
    let done = field.run("configure --curtin curtin.yaml --root root --agent nvmeroot-agent");
    let given = field.work.path().join("root/etc/nvmeroot/plan.json");
    if done.status != Some(0) || !given.exists() {
        return false;
    }
    let given = std::fs::read_to_string(given).expect("the agent's plan");
    let masked: Vec<String> = given
        .split('"')
        .map(|part| match part.starts_with("DHHC-1:") {
            true => "(secret)".to_owned(),
            false => part.to_owned(),
        })
        .collect();
    let masked = masked.join("\"");
    // What the agent alone has, and what it has not, are the last keys.
    let body = masked
        .split_once(",\n  \"fragments\": [")
        .expect("its sources")
        .0;
    let rest = shown.stdout.strip_prefix(body).unwrap_or_else(|| {
        panic!("given:\n{masked}\nshown:\n{}", shown.stdout);
    });
    assert!(rest.starts_with(",\n  \"explanation\": {"), "{rest}");
    true
}
