use std::fs;

use nvmeroot_nbft::{Hfi, Host, Subsystem, Table};
use nvmeroot_plan::{
    ConnectOptions, Controller, Document, Interface, InterfaceAddress, LinkKind, MountRequest,
    Node, NodeRole, Origin, Reference, Scope, StorageGraph, Transport,
};

use super::*;

const ROOT: &str = "nqn.2024-01.example:root";
const HOST: &str = "nqn.2024-01.example:host";

/// A machine: its plan, its tables, its command line.
struct Machine {
    directory: tempfile::TempDir,
    paths: Paths,
}

impl Machine {
    fn new(line: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths::under(directory.path());
        let machine = Self { directory, paths };
        machine.put("proc/cmdline", line.as_bytes());
        machine.put("dev/kmsg", b"");
        machine
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.directory.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }

    /// As `configure` writes it.
    fn plan(&self, fragments: &[Fragment]) -> BootPlan {
        let plan = resolve(fragments.to_vec());
        let document = Document::new(plan.clone(), Scope::Path).made_of(fragments);
        let text = serde_json::to_string(&document).expect("JSON");
        self.put("etc/nvmeroot/plan.json", text.as_bytes());
        plan
    }

    fn table(&self, name: &str, bytes: &[u8]) {
        self.put(&format!("sys/firmware/acpi/tables/{name}"), bytes);
    }

    fn resolved(&self) -> (Resolved, String) {
        let kmsg = Kmsg::open(&self.paths, false);
        let resolved = resolved(&self.paths, &kmsg).expect("a plan");
        let said = fs::read_to_string(self.paths.dev.join("kmsg")).expect("what it said");
        (resolved, said)
    }
}

/// Root behind a portal, with an address on `ens3` or none; `/boot` is local, or not.
fn installed(has_network: bool, is_local: bool) -> Vec<Fragment> {
    let origin = Origin::whole("curtin");
    let controller = Controller {
        transport: Transport::Tcp,
        traddr: "192.0.2.1".parse().expect("an address"),
        trsvcid: "4420".parse().expect("a port"),
        nqn: None,
        options: ConnectOptions::default(),
        origin: origin.clone(),
    };
    let mount =
        |path: &str| NodeRole::Mount(MountRequest::new(path.parse().expect("a mount point")));
    let node = |id: &str, on: &[&str], role| Node {
        id: id.to_owned(),
        kind: "test".to_owned(),
        on: on
            .iter()
            .map(|id| Reference {
                id: (*id).to_owned(),
                origin: origin.clone(),
            })
            .collect(),
        role,
        origin: origin.clone(),
    };
    let mut nodes = vec![
        node("c", &[], NodeRole::Controller(Box::new(controller))),
        node("root", &["c"], mount("/")),
    ];
    if is_local {
        nodes.push(node("boot", &[], mount("/boot")));
    }
    let ens3 = Interface {
        addresses: vec![InterfaceAddress::new(
            "192.0.2.20/24".parse().expect("an address"),
        )],
        ..Interface::new(
            "ens3".parse().expect("an id"),
            "ens3".parse().expect("a name"),
            LinkKind::Ethernet,
            Origin::whole("netplan"),
        )
    };
    vec![Fragment {
        storage: Some(StorageGraph::new(nodes).expect("a graph")),
        interfaces: has_network.then(|| vec![ens3]),
        ..Fragment::default()
    }]
}

fn table(portal: &str) -> Vec<u8> {
    table_from("198.51.100.2", portal)
}

fn table_from(own: &str, portal: &str) -> Vec<u8> {
    let address = |text: &str| text.parse().expect("an address");
    let card = Hfi::new(1, [0x52, 0x54, 0, 0, 0, 1], address(own), 24);
    let table = Table {
        hfis: vec![card],
        subsystems: vec![Subsystem::new(1, 1, address(portal), 4420, ROOT)],
        ..Table::new(Host::new(HOST, [7; 16]))
    };
    table.to_bytes().expect("a table")
}

fn portals(plan: &BootPlan) -> Vec<String> {
    plan.controllers.iter().map(Controller::portal).collect()
}

#[test]
fn without_table_and_option_the_installed_plan_counts_as_it_is() {
    for is_local in [true, false] {
        let machine = Machine::new("root=UUID=x ro quiet nvmeroot.deadline=60");
        let plan = machine.plan(&installed(true, is_local));
        let (resolved, said) = machine.resolved();
        let json = |plan: &BootPlan| serde_json::to_string(plan).expect("JSON");
        assert_eq!(json(&resolved.plan), json(&plan));
        assert_eq!(resolved.only_at_boot, BTreeMap::new());
        assert!(!resolved.hopeless);
        assert_eq!(said.is_empty(), is_local, "{said}");
    }
}

#[test]
fn the_table_says_which_drive_and_network_it_is() {
    let machine = Machine::new("quiet");
    machine.plan(&installed(true, false));
    machine.table("NBFT", &table("198.51.100.1"));
    let (resolved, said) = machine.resolved();
    assert_eq!(portals(&resolved.plan), ["198.51.100.1:4420"]);
    assert_eq!(resolved.plan.requirements[0].any_of, [0]);
    let host = resolved.plan.host.expect("a host");
    assert_eq!(host.nqn.as_str(), HOST);
    let all = resolved.only_at_boot.iter();
    let all: Vec<_> = all.map(|(name, kept)| (name.as_str(), kept)).collect();
    assert_eq!(all, [("nbft1", &None)]);
    for line in [
        "<6>nvmeroot: the firmware's table `NBFT` counts: 1 network cards, 1 drives\n",
        "<6>nvmeroot: this host is `nqn.2024-01.example:host` with the id `07070707-0707-0707-0707-070707070707`\n",
        "<4>nvmeroot: curtin: the controller at `192.0.2.1:4420` of the installed plan does not count: the firmware's table names another drive, which the machine has booted from\n",
    ] {
        assert!(said.contains(line), "{line} is not in\n{said}");
    }
}

#[test]
fn a_local_kernel_has_both() {
    let machine = Machine::new("quiet");
    machine.plan(&installed(true, true));
    machine.table("NBFT", &table("198.51.100.1"));
    let (resolved, _) = machine.resolved();
    assert_eq!(
        portals(&resolved.plan),
        ["192.0.2.1:4420", "198.51.100.1:4420"]
    );
    assert_eq!(resolved.plan.requirements[0].any_of, [0]);
}

/// The card that the table means, with these addresses in the installed system; what the
/// running system is to be told, and beside what.
fn told(addresses: &[&str], is_local: bool) -> Vec<(String, Option<Vec<String>>)> {
    let mut fragments = installed(true, is_local);
    let ens3 = &mut fragments[0].interfaces.as_mut().expect("one")[0];
    ens3.matching = Some(nvmeroot_plan::Match {
        macaddress: "52:54:00:00:00:01".parse().ok(),
        ..nvmeroot_plan::Match::default()
    });
    let address = |text: &&str| InterfaceAddress::new(text.parse().expect("an address"));
    ens3.addresses = addresses.iter().map(address).collect();
    let machine = Machine::new("quiet");
    machine.plan(&fragments);
    machine.table("NBFT", &table_from("192.0.2.20", "192.0.2.1"));
    let (resolved, _) = machine.resolved();
    let all = resolved.only_at_boot.into_iter();
    let of = |one: &Interface| {
        one.addresses
            .iter()
            .map(|a| a.address.to_string())
            .collect()
    };
    all.map(|(name, kept)| (name.to_string(), kept.as_ref().map(of)))
        .collect()
}

#[test]
fn the_running_system_is_told_of_nothing_that_it_knows() {
    for is_local in [true, false] {
        assert_eq!(told(&["192.0.2.20/24"], is_local), []);
    }
    let ens3 = |kept: Option<&str>| {
        let kept = kept.map(|address| vec![address.to_owned()]);
        vec![("ens3".to_owned(), kept)]
    };
    // The table's is added, or counts instead.
    assert_eq!(told(&["192.0.2.30/24"], true), ens3(Some("192.0.2.30/24")));
    assert_eq!(told(&["192.0.2.30/24"], false), ens3(None));
}

#[test]
fn a_broken_table_is_told_of_and_the_others_count() {
    let machine = Machine::new("quiet");
    machine.plan(&installed(true, false));
    let good = table("198.51.100.1");
    let mut broken = good.clone();
    broken[9] ^= 1;
    machine.table("NBFT1", &broken);
    machine.table("NBFT2", &good);
    machine.table("NBFTx", b"no table");
    machine.put("sys/firmware/acpi/tables/NBFT3/file", b"a directory");
    let (resolved, said) = machine.resolved();
    assert_eq!(portals(&resolved.plan), ["198.51.100.1:4420"]);
    let line = "<3>nvmeroot: the firmware's table `NBFT1` does not count: at offset 0x9: the checksum is wrong: the bytes add up to 0x1, not to 0; update the firmware\n";
    let other = line.replace("0x1,", "0xff,");
    assert!(said.contains(line) || said.contains(&other), "{said}");
    assert!(
        said.contains("table `NBFT3` does not count: it can't be read:"),
        "{said}"
    );
    assert!(!said.contains("NBFTx"), "{said}");
}

#[test]
fn a_table_that_is_gone_is_named() {
    let machine = Machine::new("quiet");
    machine.plan(&installed(true, false));
    let (resolved, said) = machine.resolved();
    assert!(said.starts_with("<4>nvmeroot: the firmware left no boot table (NBFT)"));
    assert_eq!(resolved.remarks.len(), 1);
    assert!(!resolved.hopeless, "the installed plan has a network");
    machine.plan(&installed(false, false));
    let (resolved, _) = machine.resolved();
    assert!(resolved.hopeless);
    assert_eq!(portals(&resolved.plan), ["192.0.2.1:4420"]);
}

#[test]
fn the_command_line_forbids_tables_and_has_the_last_word() {
    for forbids in ["rd.nvmf.nonbft", "nvmeroot.nbft=off"] {
        let machine = Machine::new(forbids);
        let plan = machine.plan(&installed(true, false));
        machine.table("NBFT", &table("198.51.100.1"));
        let (resolved, said) = machine.resolved();
        assert_eq!(resolved.plan, plan);
        let line = "<6>nvmeroot: the firmware's tables don't count, by the kernel command line\n";
        assert_eq!(said, line);
    }
    let line = "ip=203.0.113.2:::24::ens3:none rd.nvmf.discover=tcp,203.0.113.1 ip=ens9:what";
    let machine = Machine::new(line);
    machine.plan(&installed(true, true));
    let (resolved, said) = machine.resolved();
    assert_eq!(
        portals(&resolved.plan),
        ["192.0.2.1:4420", "203.0.113.1:4420"]
    );
    let ens3 = &resolved.plan.network.interfaces[0];
    assert_eq!(ens3.addresses[0].address.to_string(), "203.0.113.2/24");
    assert!(
        said.contains("nvmeroot: kernel command line `ip=ens9:what`: "),
        "{said}"
    );
    assert!(
        said.contains("`ens3`: kernel command line `ip=203.0.113.2:::24::ens3:none` counts (203.0.113.2/24), not netplan (192.0.2.20/24)"),
        "{said}"
    );
}

#[test]
fn a_plan_that_says_nothing_of_its_sources_counts_as_it_is() {
    let machine = Machine::new("quiet");
    let plan = resolve(installed(true, false));
    let document = Document::new(plan.clone(), Scope::Path);
    let text = serde_json::to_string(&document).expect("JSON");
    machine.put("etc/nvmeroot/plan.json", text.as_bytes());
    machine.table("NBFT", &table("198.51.100.1"));
    let (resolved, said) = machine.resolved();
    assert_eq!(resolved.plan, plan);
    assert!(said.contains("does not say what it was made of"), "{said}");
}

#[test]
fn a_plan_of_another_version_is_refused_whatever_else_it_holds() {
    let newer = r#", "reach": "by pigeon""#;
    for (version, rest) in [(FORMAT_VERSION - 1, ""), (FORMAT_VERSION + 1, newer)] {
        let machine = Machine::new("");
        let text = format!(r#"{{"version": {version}{rest}}}"#);
        machine.put("etc/nvmeroot/plan.json", text.as_bytes());
        let kmsg = Kmsg::open(&machine.paths, false);
        let error = resolved(&machine.paths, &kmsg).expect_err("a refusal");
        let within = format!("{}/", machine.directory.path().display());
        assert_eq!(
            error.to_string().replace(&within, "/"),
            format!(
                "the plan `/etc/nvmeroot/plan.json` has version {version}, this program reads {FORMAT_VERSION}; run `nvmeroot configure` again and regenerate the initramfs"
            )
        );
    }
}
