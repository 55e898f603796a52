//! Reach, paths and warnings, worked out from the rules.

use super::*;
use crate::{
    Controller, Destination, HostIdentity, Interface, InterfaceAddress, LinkKind, MountRequest,
    MountSource, Node, NodeRole, Origin, Reach, Reference, Route, StorageGraph, Transport,
};

fn origin(line: u32) -> Origin {
    Origin::at("test.yaml", line, 1)
}

fn node(id: &str, on: &[&str], role: NodeRole) -> Node {
    let on = on
        .iter()
        .map(|id| Reference {
            id: (*id).to_owned(),
            origin: origin(1),
        })
        .collect();
    Node {
        id: id.to_owned(),
        kind: "test".to_owned(),
        on,
        role,
        origin: origin(1),
    }
}

fn tcp(id: &str, address: &str, port: &str) -> Node {
    let controller = Controller {
        transport: Transport::Tcp,
        traddr: address.parse().expect("an address"),
        trsvcid: port.parse().expect("a port"),
        nqn: None,
        options: crate::ConnectOptions::default(),
        origin: origin(1),
    };
    node(id, &[], NodeRole::Controller(Box::new(controller)))
}

fn mount(id: &str, path: &str, netdev: bool, on: &[&str]) -> Node {
    let path = path.parse().expect("a mount point");
    let request = MountRequest {
        netdev: Some(netdev),
        unknown_device: on.is_empty(),
        ..MountRequest::new(path)
    };
    node(id, on, NodeRole::Mount(request))
}

fn interface(id: &str) -> Interface {
    let name = id.parse().expect("a name");
    Interface::new(
        id.parse().expect("an id"),
        name,
        LinkKind::Ethernet,
        origin(9),
    )
}

fn with_address(id: &str, address: &str) -> Interface {
    let mut one = interface(id);
    one.addresses
        .push(InterfaceAddress::new(address.parse().expect("an address")));
    one
}

fn route(to: &str, via: &str) -> Route {
    let to: Destination = to.parse().expect("a destination");
    let mut route = Route::new(to, origin(10));
    route.via = Some(via.parse().expect("an address"));
    route
}

fn plan(nodes: Vec<Node>, interfaces: Vec<Interface>) -> BootPlan {
    resolve(vec![Fragment {
        storage: Some(StorageGraph::new(nodes).expect("a graph")),
        interfaces: Some(interfaces),
        ..Fragment::default()
    }])
}

fn messages(plan: &BootPlan) -> Vec<&str> {
    plan.warnings.iter().map(|w| w.message.as_str()).collect()
}

#[test]
fn reach_follows_the_table() {
    let local = |id: &str, path: &str| mount(id, path, false, &["disk"]);
    let remote = |id: &str, path: &str| mount(id, path, true, &["c"]);
    let cases: Vec<(Vec<Node>, Reach)> = vec![
        (
            vec![remote("m", "/"), local("b", "/boot")],
            Reach::Initramfs,
        ),
        (vec![remote("m", "/usr"), local("r", "/")], Reach::Initramfs),
        (
            vec![remote("m", "/usr/share"), local("r", "/")],
            Reach::Initramfs,
        ),
        (
            vec![remote("m", "/var/lib/docker"), local("r", "/")],
            Reach::Initramfs,
        ),
        (
            vec![remote("m", "/usrlocal"), local("r", "/")],
            Reach::Userspace,
        ),
        (
            vec![remote("m", "/home"), local("r", "/")],
            Reach::Userspace,
        ),
        (vec![local("r", "/")], Reach::Userspace),
        (vec![remote("m", "/")], Reach::Firmware),
        (
            vec![remote("m", "/"), local("e", "/boot/efi")],
            Reach::Firmware,
        ),
        (vec![remote("m", "/boot"), local("r", "/")], Reach::Firmware),
        (
            vec![
                remote("m", "/boot/efi"),
                local("r", "/"),
                local("b", "/boot"),
            ],
            Reach::Firmware,
        ),
        (
            vec![remote("m", "/"), remote("b", "/boot")],
            Reach::Firmware,
        ),
    ];
    for (mounts, expected) in cases {
        let paths: Vec<String> = mounts.iter().map(|m| format!("{:?}", m.role)).collect();
        let mut nodes = vec![
            tcp("c", "10.0.0.1", "4420"),
            node("disk", &[], NodeRole::Device),
        ];
        nodes.extend(mounts);
        assert_eq!(plan(nodes, vec![]).reach, expected, "{paths:?}");
    }
    assert_eq!(
        plan(vec![mount("m", "/", true, &[])], vec![]).reach,
        Reach::Local
    );
}

#[test]
fn a_local_controller_is_not_remote() {
    let nodes = vec![
        node("pcie", &[], NodeRole::LocalController),
        node("d", &["pcie"], NodeRole::Device),
        mount("m", "/", false, &["d"]),
    ];
    let plan = plan(nodes, vec![]);
    assert_eq!((plan.reach, plan.controllers.len()), (Reach::Local, 0));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn controllers_are_sorted_as_text_and_each_once() {
    let nodes = vec![
        tcp("c0", "9.0.0.1", "4420"),
        tcp("c1", "10.0.0.1", "4421"),
        tcp("c2", "10.0.0.1", "4420"),
        tcp("c3", "10.0.0.1", "4420"),
        tcp("c4", "10.0.0.1", "500"),
        mount("m", "/", true, &["c3", "c0"]),
        mount("b", "/boot", false, &["d"]),
        node("d", &[], NodeRole::Device),
    ];
    let plan = plan(nodes, vec![]);
    let portals: Vec<String> = plan.controllers.iter().map(Controller::portal).collect();
    assert_eq!(
        portals,
        [
            "10.0.0.1:4420",
            "10.0.0.1:4421",
            "10.0.0.1:500",
            "9.0.0.1:4420"
        ]
    );
    assert_eq!(plan.mounts[0].controllers, [0, 3]);
}

#[test]
fn two_graphs_keep_their_mounts_on_their_controllers() {
    let graph = |address: &str, path: &str| Fragment {
        storage: Some(
            StorageGraph::new(vec![
                tcp("c", address, "4420"),
                mount("m", path, true, &["c"]),
            ])
            .expect("a graph"),
        ),
        ..Fragment::default()
    };
    let plan = resolve(vec![graph("10.0.0.9", "/srv"), graph("10.0.0.1", "/home")]);
    let of = |i: usize| plan.controllers[plan.mounts[i].controllers[0]].portal();
    assert_eq!(
        (of(0), of(1)),
        ("10.0.0.9:4420".to_owned(), "10.0.0.1:4420".to_owned())
    );
}

#[test]
fn netdev_is_held_against_the_graph() {
    let base = || {
        vec![
            tcp("c", "10.0.0.1", "4420"),
            node("d", &[], NodeRole::Device),
        ]
    };
    let mut nodes = base();
    nodes.push(mount("m", "/home", false, &["c"]));
    nodes.push(mount("n", "/srv", true, &["d"]));
    let both = plan(nodes, vec![with_address("e0", "10.0.0.2/24")]);
    assert_eq!(
        messages(&both),
        [
            "`/home` lies on a remote controller and lacks the option `_netdev`",
            "`/srv` has the option `_netdev` and lies on no remote controller",
        ]
    );
    let mut nodes = base();
    nodes.push(mount("m", "/", true, &[]));
    nodes.push(mount("b", "/boot", false, &[]));
    let silent = plan(nodes, vec![with_address("e0", "10.0.0.2/24")]);
    assert_eq!(silent.reach, Reach::Initramfs);
    assert_eq!(
        messages(&silent),
        [
            "cannot tell which device backs `/`; it has `_netdev`, so assuming that it needs every controller"
        ]
    );
}

#[test]
fn idle_controllers_and_missing_ways_are_named() {
    let nodes = || {
        vec![
            tcp("c", "10.0.0.1", "4420"),
            mount("m", "/home", true, &["c"]),
        ]
    };
    let stranger = plan(nodes(), vec![with_address("e0", "192.0.2.2/24")]);
    assert_eq!(
        messages(&stranger),
        ["no interface leads to the controller at `10.0.0.1:4420`, which `/home` needs"]
    );
    let silent = resolve(vec![Fragment {
        storage: Some(StorageGraph::new(nodes()).expect("a graph")),
        ..Fragment::default()
    }]);
    assert_eq!(
        messages(&silent),
        ["there is no network configuration, so nothing leads to the controllers"]
    );
    let idle = plan(
        vec![tcp("c", "10.0.0.1", "4420")],
        vec![with_address("e0", "10.0.0.2/24")],
    );
    assert_eq!(
        messages(&idle),
        ["nothing is mounted from the controller at `10.0.0.1:4420`"]
    );
}

/// The names of the interfaces that lead to 10.0.0.1 and to 2001:db8::1.
fn leads(interfaces: Vec<Interface>) -> (Vec<String>, Vec<String>) {
    let plan = plan(
        vec![
            tcp("a", "10.0.0.1", "4420"),
            tcp("b", "2001:db8::1", "4420"),
        ],
        interfaces,
    );
    let of = |i: usize| -> Vec<String> {
        plan.paths[i]
            .interfaces
            .iter()
            .map(|l| l.interface.to_string())
            .collect()
    };
    (of(0), of(1))
}

#[test]
fn the_longest_prefix_leads_then_the_metric() {
    let mut far = with_address("far", "192.0.2.2/24");
    far.routes.push(route("default", "192.0.2.1"));
    let near = with_address("near", "10.0.0.2/24");
    assert_eq!(leads(vec![far.clone(), near.clone()]).0, ["near"]);
    assert_eq!(leads(vec![far.clone()]).0, ["far"]);

    let mut host = with_address("host", "192.0.2.3/24");
    host.routes.push(route("10.0.0.1", "192.0.2.1"));
    assert_eq!(leads(vec![near.clone(), host]).0, ["host"]);

    let mut second = with_address("second", "198.51.100.2/24");
    second.routes.push(route("default", "198.51.100.1"));
    assert_eq!(
        leads(vec![far.clone(), second.clone()]).0,
        ["far", "second"]
    );
    second.routes[0].metric = Some(100);
    assert_eq!(leads(vec![far.clone(), second]).0, ["far"]);

    let mut other_table = with_address("table", "192.0.2.9/24");
    other_table.routes.push(route("10.0.0.0/8", "192.0.2.1"));
    other_table.routes[0].table = Some(100);
    assert_eq!(leads(vec![other_table]).0, Vec::<String>::new());
}

#[test]
fn what_is_known_only_at_boot_may_lead_there() {
    let mut far = with_address("far", "192.0.2.2/24");
    far.routes.push(route("default", "192.0.2.1"));
    let mut dhcp = interface("dhcp");
    dhcp.dhcp4 = Some(crate::Dhcp4::default());
    assert_eq!(leads(vec![far, dhcp.clone()]).0, ["far", "dhcp"]);
    assert_eq!(
        leads(vec![with_address("near", "10.0.0.2/24"), dhcp.clone()]).0,
        ["near"]
    );
    assert_eq!(
        leads(vec![dhcp]).1,
        ["dhcp"],
        "nothing else can lead to the IPv6 portal"
    );

    let mut asked = interface("asked");
    asked.accept_ra = Some(true);
    let mut refused = interface("refused");
    refused.accept_ra = Some(false);
    assert_eq!(leads(vec![interface("plain"), asked, refused]).1, ["asked"]);
}

#[test]
fn a_later_fragment_replaces_an_interface_and_the_host() {
    let identity = |n: u8| HostIdentity {
        nqn: format!("nqn.2014-08.org.nvmexpress:host{n}")
            .parse()
            .expect("an NQN"),
        id: format!("00000000-0000-4000-8000-00000000000{n}")
            .parse()
            .expect("a UUID"),
    };
    let fragment = |n: u8, address: &str| Fragment {
        interfaces: Some(vec![
            with_address("e0", address),
            interface(&format!("only{n}")),
        ]),
        host: Some((identity(n), origin(1))),
        ..Fragment::default()
    };
    let plan = resolve(vec![fragment(1, "10.0.0.1/24"), fragment(2, "10.0.0.2/24")]);
    let shown: Vec<String> = plan
        .network
        .interfaces
        .iter()
        .map(|i| i.name.to_string())
        .collect();
    assert_eq!(shown, ["e0", "only1", "only2"]);
    assert_eq!(
        plan.network.interfaces[0].addresses[0].address.to_string(),
        "10.0.0.2/24"
    );
    assert_eq!(plan.host, Some(identity(2)));
}

#[test]
fn the_json_form_can_be_read_back() {
    let mut e0 = with_address("e0", "10.0.0.2/24");
    e0.routes.push(route("default", "10.0.0.254"));
    let mut labelled = InterfaceAddress::new("10.0.0.3/24".parse().expect("an address"));
    labelled.label = Some("e0:x".to_owned());
    labelled.deprecated = true;
    e0.addresses.push(labelled);
    let plan = plan(
        vec![
            tcp("c", "10.0.0.1", "4420"),
            mount("m", "/", true, &["c"]),
            mount("b", "/boot", false, &["d"]),
            node("d", &[], NodeRole::Device),
        ],
        vec![e0],
    );
    let document = crate::Document::new(plan, crate::Scope::Everything);
    let text = serde_json::to_string_pretty(&document).expect("JSON");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["reach"], "initramfs");
    assert_eq!(value["controllers"][0]["trsvcid"], "4420");
    assert_eq!(value["network"]["interfaces"][0]["kind"], "ethernet");
    assert_eq!(
        value["network"]["interfaces"][0]["addresses"],
        serde_json::json!(["10.0.0.2/24", "10.0.0.3/24"])
    );
    assert_eq!(value["steps"][2]["address"], "10.0.0.3/24");
    assert_eq!(value["steps"][2]["label"], "e0:x");
    let kinds: Vec<&str> = value["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|s| s["kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "set_ipv6",
            "add_address",
            "add_address",
            "link_up",
            "add_route",
            "connect"
        ]
    );
    let mut read: crate::Document = serde_json::from_str(&text).expect("the same form");
    // The origin of an address is for messages; the form does not carry it.
    read.plan.network.interfaces[0].addresses[0].origin = None;
    assert_eq!(read, document);
}

/// The agent reads fragments at boot and resolves them with one more.
#[test]
fn fragments_in_their_json_form_mean_the_same() {
    let mut e0 = with_address("e0", "10.0.0.2/24");
    e0.addresses[0].origin = None;
    e0.diagnostics
        .push(crate::Severity::Note.diagnostic(Warning::general("a diagnostic")));
    let fragment = Fragment {
        storage: Some(
            StorageGraph::new(vec![
                tcp("c", "10.0.0.1", "4420"),
                mount("m", "/", true, &["c"]),
                mount("b", "/boot", false, &["d"]),
                node("d", &[], NodeRole::LocalController),
            ])
            .expect("a graph"),
        ),
        interfaces: Some(vec![e0]),
        host: Some((
            HostIdentity {
                nqn: "nqn.host".parse().expect("an NQN"),
                id: "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
                    .parse()
                    .expect("an id"),
            },
            origin(4),
        )),
        passed_over: vec!["etc/network/interfaces".to_owned()],
        ..Fragment::default()
    };
    let text = serde_json::to_string(&fragment).expect("JSON");
    let read: Fragment = serde_json::from_str(&text).expect("a fragment");
    assert_eq!(read, fragment);
    let plan = resolve(vec![fragment]);
    assert_eq!(messages(&plan), ["a diagnostic"]);
    assert_eq!(resolve(vec![read]), plan);
}

/// Of each severity, what becomes of it on the path and elsewhere.
#[test]
fn diagnostics_weigh_by_where_their_interface_stands() {
    let severities = [
        crate::Severity::Note,
        crate::Severity::Notice,
        crate::Severity::Refusal,
        crate::Severity::Doubt,
    ];
    let diagnosed = |id: &str, kind: LinkKind, address: &str| {
        let mut one = interface(id);
        one.kind = kind;
        let address = address.parse().expect("an address");
        one.addresses.push(InterfaceAddress::new(address));
        for severity in severities {
            let message = format!("{id}: {severity:?}");
            one.diagnostics
                .push(severity.diagnostic(Warning::at(origin(9), message)));
        }
        one
    };
    let vlan = crate::Vlan {
        id: crate::VlanId::try_from(7).expect("an id"),
        link: "port".parse().expect("an id"),
    };
    let interfaces = || {
        vec![
            diagnosed(
                "vlan7",
                LinkKind::Vlan { vlan: vlan.clone() },
                "192.0.2.2/24",
            ),
            diagnosed("port", LinkKind::Ethernet, "198.51.100.2/24"),
            diagnosed("other", LinkKind::Ethernet, "203.0.113.2/24"),
        ]
    };
    let texts = |warnings: &[Warning]| -> Vec<String> {
        let about_interfaces = |w: &&Warning| w.message.contains(": ");
        let kept = warnings.iter().filter(about_interfaces);
        kept.map(|w| w.message.clone()).collect()
    };

    let root = || {
        vec![
            tcp("c", "192.0.2.9", "4420"),
            mount("m", "/", true, &["c"]),
            node("d", &[], NodeRole::LocalController),
            mount("b", "/boot", false, &["d"]),
        ]
    };
    let remote = plan(root(), interfaces());
    assert_eq!(remote.reach, Reach::Initramfs);
    assert_eq!(
        texts(&remote.errors),
        [
            "port: Refusal",
            "port: Doubt",
            "vlan7: Refusal",
            "vlan7: Doubt"
        ]
    );
    assert_eq!(
        texts(&remote.warnings),
        [
            "port: Note",
            "port: Notice",
            "vlan7: Note",
            "vlan7: Notice",
            "other: Notice",
            "other: Doubt"
        ]
    );

    let local = plan(Vec::new(), interfaces());
    assert_eq!(local.reach, Reach::Local);
    assert!(local.errors.is_empty());
    assert_eq!(
        texts(&local.warnings),
        ["port: Doubt", "vlan7: Doubt", "other: Doubt"]
    );
}

#[test]
fn notices_matter_where_the_initramfs_brings_up_a_network() {
    let heard = |graph: Vec<Node>| {
        let plan = resolve(vec![Fragment {
            storage: Some(StorageGraph::new(graph).expect("a graph")),
            interfaces: Some(vec![with_address("e0", "192.0.2.2/24")]),
            notices: vec![Warning::at(origin(3), "of the whole")],
            ..Fragment::default()
        }]);
        let said = plan.warnings.iter().any(|w| w.message == "of the whole");
        (plan.reach, said)
    };
    let boot = || {
        vec![
            node("d", &[], NodeRole::LocalController),
            mount("b", "/boot", false, &["d"]),
        ]
    };
    let mut remote = boot();
    remote.extend([tcp("c", "192.0.2.9", "4420"), mount("m", "/", true, &["c"])]);
    assert_eq!(heard(remote), (Reach::Initramfs, true));
    assert_eq!(heard(boot()), (Reach::Local, false));
}

#[test]
fn what_grows_with_a_product_is_refused() {
    let mut nodes: Vec<Node> = (0..1_500)
        .map(|i| {
            tcp(
                &format!("c{i}"),
                &format!("10.0.{}.{}", i / 250, i % 250),
                "4420",
            )
        })
        .collect();
    for i in 0..1_500 {
        nodes.push(mount(&format!("m{i}"), &format!("/srv/{i}"), true, &[]));
    }
    let plan = plan(nodes, vec![]);
    assert_eq!(
        plan.errors[0].message,
        "the mounts lie on more than 1000000 controllers, counted once for each mount"
    );
}

#[test]
fn what_is_remote_by_other_means_is_told() {
    let other = |role| node("other", &[], NodeRole::OtherRemote(role));
    let fc = || other(crate::OtherRemote::NvmeOver("fc".to_owned()));
    let iscsi = || other(crate::OtherRemote::Iscsi);
    let by_fc =
        "`/` lies on an NVMe controller with the transport `fc`, which nvmeroot does not connect";
    let not_by_tcp = "`/` is remote, and not by NVMe/TCP";
    let no_controller = "`/home` has the option `_netdev`, and there is no NVMe/TCP controller in the storage configuration";
    for (remote, path, netdev, errors, warnings) in [
        (fc(), "/", true, vec![by_fc], vec![not_by_tcp]),
        (iscsi(), "/", true, vec![], vec![not_by_tcp]),
        (fc(), "/home", false, vec![], vec![]),
        (iscsi(), "/home", false, vec![], vec![]),
        (
            node("other", &[], NodeRole::LocalController),
            "/home",
            true,
            vec![],
            vec![no_controller],
        ),
    ] {
        let plan = plan(vec![remote, mount("m", path, netdev, &["other"])], vec![]);
        let told: Vec<&str> = plan.errors.iter().map(|e| e.message.as_str()).collect();
        assert_eq!((told, messages(&plan)), (errors, warnings), "{path}");
        assert_eq!(plan.reach, Reach::Local);
    }
    // Part of it on NVMe/TCP: the rest is an error all the same, and no warning.
    let nodes = vec![
        fc(),
        tcp("c", "10.0.0.1", "4420"),
        mount("m", "/", true, &["other", "c"]),
    ];
    let mixed = plan(nodes, vec![with_address("e0", "10.0.0.2/24")]);
    assert_eq!(mixed.errors[0].message, by_fc);
    assert_eq!(messages(&mixed), Vec::<&str>::new());
}

#[test]
fn who_asks_for_a_mount_says_where_it_is_corrected() {
    let hints = |source| {
        let asked = |path: &str, role: NodeRole| {
            let request = MountRequest {
                netdev: Some(true),
                source,
                ..MountRequest::new(path.parse().expect("a mount point"))
            };
            let nodes = vec![
                node("d", &[], role),
                node("m", &["d"], NodeRole::Mount(request)),
            ];
            let plan = plan(nodes, vec![]);
            assert_eq!(plan.mounts[0].source, source);
            let told = plan.errors.iter().chain(&plan.warnings);
            let first = told.map(|one| one.hint.clone()).next().flatten();
            first.expect("a hint")
        };
        let fc = NodeRole::OtherRemote(crate::OtherRemote::NvmeOver("fc".to_owned()));
        [asked("/", fc), asked("/home", NodeRole::LocalController)]
    };
    let [transport, netdev] = hints(MountSource::Installer);
    assert_eq!(
        transport,
        "only `transport: tcp` can be connected in the initramfs"
    );
    assert!(netdev.starts_with("add its `nvme_controller`"), "{netdev}");
    let [transport, netdev] = hints(MountSource::System);
    assert!(transport.starts_with("let it be reached over TCP"));
    assert!(netdev.starts_with("connect its drive where this runs"));
}

#[test]
fn netdev_matters_only_where_the_source_says_something_of_it() {
    let silent = |unknown_device, on: &[&str]| {
        let request = MountRequest {
            unknown_device,
            ..MountRequest::new("/home".parse().expect("a mount point"))
        };
        let nodes = vec![
            tcp("c", "10.0.0.1", "4420"),
            node("d", &[], NodeRole::Device),
            node("m", on, NodeRole::Mount(request)),
        ];
        let plan = plan(nodes, vec![with_address("e0", "10.0.0.2/24")]);
        let mut told = plan.warnings.iter();
        let told = told.any(|w| w.message.contains("`/home`"));
        (plan.mounts[0].controllers.len(), told)
    };
    assert_eq!(silent(true, &[]), (0, false));
    assert_eq!(silent(false, &["c"]), (1, false));
    assert_eq!(silent(false, &["d"]), (0, false));
}

#[test]
fn more_pairs_than_can_be_looked_through_are_refused() {
    let mut plan = BootPlan {
        controllers: vec![crate::testing::controller("10.0.0.1"); 7_100],
        network: crate::Network {
            interfaces: vec![interface("e0"); 7_100],
        },
        ..BootPlan::default()
    };
    choose_routes(&mut plan);
    assert_eq!(
        plan.errors[0].message,
        "7100 controllers and 7100 interfaces are more than can be looked through"
    );
    assert!(plan.paths.is_empty());
}

#[test]
fn every_way_that_the_initramfs_connects_is_the_storage_s() {
    let local_boot = || {
        vec![
            mount("b", "/boot", false, &["d"]),
            node("d", &[], NodeRole::Device),
        ]
    };
    let interfaces = || {
        vec![
            with_address("e0", "10.0.0.2/24"),
            with_address("e1", "10.0.1.2/24"),
            with_address("e2", "192.0.2.2/24"),
        ]
    };
    // A disk names one controller; the other one is a second way to it.
    let controllers = || vec![tcp("a", "10.0.0.1", "4420"), tcp("b2", "10.0.1.1", "4420")];
    let names = |plan: &BootPlan| -> Vec<String> {
        plan.storage_interfaces()
            .iter()
            .map(|i| i.name.to_string())
            .collect()
    };
    let mut nodes = controllers();
    nodes.push(mount("m", "/", true, &["a"]));
    nodes.extend(local_boot());
    assert_eq!(names(&plan(nodes, interfaces())), ["e0", "e1"]);

    let mut nodes = controllers();
    nodes.push(mount("m", "/home", true, &["a"]));
    nodes.extend(local_boot());
    assert!(
        names(&plan(nodes, interfaces())).is_empty(),
        "the running system connects these"
    );
}
