//! Settings of hosts and ports, as libnvme merges them.

use std::net::SocketAddr;

use super::*;
use crate::InterfaceName;

const HOST: &str = "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d";
const ID: &str = "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d";
const OTHER_ID: &str = "8f3c4d2a-5b1e-4f60-9a7d-000000000001";
const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
const OTHER_SECRET: &str = "DHHC-1:00:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACtVQoZ:";

fn nqn(text: &str) -> Nqn {
    text.parse().expect("an NQN")
}

fn secret(text: &str) -> Option<Secret> {
    Some(text.parse().expect("a secret"))
}

fn host() -> HostIdentity {
    HostIdentity {
        nqn: nqn(HOST),
        id: ID.parse().expect("an id"),
    }
}

fn controller(nqn: Option<Nqn>) -> Controller {
    Controller {
        transport: Transport::Tcp,
        traddr: "192.0.2.1".parse().expect("an address"),
        trsvcid: "4420".parse().expect("a port"),
        nqn,
        options: ConnectOptions {
            reconnect_delay: Some(2),
            ..ConnectOptions::default()
        },
        origin: Origin::at("curtin.yaml", 1, 1),
    }
}

fn setting(line: u32, subsystem: Option<&str>, delay: u32) -> PortSettings {
    let at = controller(None);
    PortSettings {
        transport: at.transport,
        traddr: at.traddr,
        trsvcid: at.trsvcid,
        host: HostSelector::default(),
        nqn: subsystem.map(nqn),
        is_connected: subsystem.is_some(),
        options: ConnectOptions {
            reconnect_delay: Some(delay),
            keep_alive_tmo: Some(delay),
            ..ConnectOptions::default()
        },
        warnings: vec![Warning::general(format!("warned of {line}"))],
        errors: Vec::new(),
        origin: Origin::at("config.json", line, 1),
    }
}

fn of_host(dhchap_secret: Option<Secret>, id: Option<&str>) -> HostSettings {
    HostSettings {
        host: HostSelector {
            nqn: Some(nqn(HOST)),
            id: id.map(|id| id.parse().expect("an id")),
        },
        dhchap_secret,
        errors: Vec::new(),
        origin: Origin::at("config.json", 1, 1),
    }
}

/// `/` lies on the controllers.
fn applied(
    controllers: &[Controller],
    hosts: &[HostSettings],
    ports: &[PortSettings],
) -> (Storage, SettingsReport) {
    let mut storage = Storage::default();
    let on: Vec<usize> = controllers.iter().map(|c| storage.controller(c)).collect();
    storage.mounts.push(crate::Mount {
        path: "/".parse().expect("a mount point"),
        essential: true,
        controllers: on,
        filesystem: None,
        layers: Vec::new(),
        arrays: Vec::new(),
        source: crate::MountSource::Installer,
        origin: Origin::whole("curtin.yaml"),
    });
    let report = apply(&mut storage, hosts, ports, Some(&host()), false);
    (storage, report)
}

fn settled(own: Option<Nqn>, ports: &[PortSettings]) -> (Controller, SettingsReport) {
    let (mut storage, report) = applied(&[controller(own)], &[], ports);
    assert_eq!(storage.controllers.len(), 1, "{:?}", storage.controllers);
    (storage.controllers.remove(0), report)
}

#[test]
fn the_controller_s_own_word_counts_then_the_latest() {
    let (one, report) = settled(None, &[setting(1, None, 7), setting(2, Some("nqn.a"), 8)]);
    assert_eq!(one.nqn, Some(nqn("nqn.a")));
    assert_eq!(one.options.reconnect_delay, Some(2));
    assert_eq!(one.options.keep_alive_tmo, Some(8));
    assert_eq!(report.warnings.len(), 2);
    assert_eq!(report.errors, []);
}

#[test]
fn another_portal_subsystem_or_host_is_not_taken_over() {
    let mut elsewhere = setting(1, Some("nqn.a"), 7);
    elsewhere.trsvcid = "4421".parse().expect("a port");
    let (one, report) = settled(None, &[elsewhere]);
    assert_eq!((one, report.warnings.len()), (controller(None), 0));

    let own = Some(nqn("nqn.b"));
    let (one, report) = settled(own.clone(), &[setting(1, Some("nqn.a"), 7)]);
    assert_eq!((one, report.warnings.len()), (controller(own), 0));

    let mut foreign = setting(4, Some("nqn.a"), 7);
    foreign.host.nqn = Some(nqn("nqn.other"));
    let (one, report) = settled(None, &[foreign]);
    assert_eq!(one, controller(None));
    assert_eq!(
        report.warnings[0].message,
        format!(
            "this is for the host `nqn.other`, and this host is `{HOST}` with the id `{ID}`, so it does not count"
        )
    );
}

#[test]
fn several_subsystems_at_a_portal_are_all_connected_each_with_its_own_options() {
    let alike = [setting(1, Some("nqn.a"), 7), setting(2, Some("nqn.b"), 7)];
    let (one, report) = settled(None, &alike);
    assert_eq!((one.nqn, one.options.keep_alive_tmo), (None, Some(7)));
    assert_eq!(report.known_ports, []);

    let differ = [setting(1, Some("nqn.a"), 7), setting(2, Some("nqn.b"), 8)];
    let (one, report) = settled(None, &differ);
    assert_eq!(one, controller(None));
    let known: Vec<_> = report
        .known_ports
        .iter()
        .map(|k| (k.nqn.as_str(), k.options.keep_alive_tmo))
        .collect();
    assert_eq!(known, [("nqn.a", Some(7)), ("nqn.b", Some(8))]);

    let [mut not_connected, mut other_host] = differ;
    not_connected.is_connected = false;
    other_host.host.nqn = Some(nqn("nqn.other"));
    for one in [not_connected, other_host] {
        let elsewhere = PortSettings {
            trsvcid: "4421".parse().expect("a port"),
            ..one
        };
        let (_, report) = settled(None, &[elsewhere]);
        assert_eq!(report.known_ports, []);
    }
}

/// `nvme_lookup_ctrl` of libnvme's src/nvme/tree.c tells connections apart by
/// source address and interface too.
#[test]
fn ports_that_leave_from_different_interfaces_are_two_connections() {
    let over = |line, name: &str| {
        let mut one = setting(line, Some("nqn.a"), 7);
        one.options.host_iface = name.parse().ok();
        one
    };
    let ports = [over(1, "ens3"), over(2, "ens4")];
    let (storage, report) = applied(&[controller(None)], &[], &ports);
    let names: Vec<_> = storage
        .controllers
        .iter()
        .map(|c| c.options.host_iface.as_ref().map(InterfaceName::as_str))
        .collect();
    assert_eq!(names, [Some("ens3"), Some("ens4")]);
    assert_eq!(storage.mounts[0].controllers, [0, 1]);
    assert_eq!(report.known_ports, []);

    // One that says nothing of it is no connection of its own.
    let ports = [over(1, "ens3"), setting(2, Some("nqn.a"), 8)];
    let (storage, _) = applied(&[controller(None)], &[], &ports);
    assert_eq!(storage.controllers.len(), 1, "{:?}", storage.controllers);
    assert_eq!(
        storage.controllers[0].options.host_iface,
        "ens3".parse().ok()
    );
    let ports = [over(1, "ens3"), over(2, "ens4")];

    // What says where it leaves from takes over only what fits.
    let mut bound = controller(None);
    bound.options.host_iface = "ens4".parse().ok();
    let (storage, _) = applied(&[bound], &[], &ports[..1]);
    assert_eq!(storage.controllers[0].nqn, None);
}

/// nvme-cli's `discover_from_json_config_file` connects every port of the file.
#[test]
fn a_port_that_only_config_json_names_is_a_further_path() {
    let mut second = setting(2, Some("nqn.a"), 9);
    second.traddr = "198.51.100.1".parse().expect("an address");
    let mut other_subsystem = second.clone();
    other_subsystem.nqn = Some(nqn("nqn.z"));
    let mut other_host = second.clone();
    other_host.trsvcid = "4421".parse().expect("a port");
    other_host.host.nqn = Some(nqn("nqn.other"));
    let mut not_connected = second.clone();
    not_connected.trsvcid = "4422".parse().expect("a port");
    not_connected.is_connected = false;
    let ports = [
        setting(1, Some("nqn.a"), 7),
        second,
        other_subsystem,
        other_host,
        not_connected,
    ];
    let mut elsewhere = controller(Some(nqn("nqn.b")));
    elsewhere.traddr = "203.0.113.1".parse().expect("an address");
    let (mut storage, _) = applied(&[controller(None), elsewhere], &[], &[]);
    storage.mounts[0].controllers = vec![0];
    let mut other_mount = storage.mounts[0].clone();
    other_mount.controllers = vec![1];
    storage.mounts.push(other_mount);
    apply(&mut storage, &[], &ports, Some(&host()), false);
    assert_eq!(storage.mounts[0].controllers, [0, 1]);
    assert_eq!(storage.mounts[1].controllers, [2], "of another subsystem");

    let (storage, report) = applied(&[controller(None)], &[], &ports);
    let portals: Vec<_> = storage.controllers.iter().map(Controller::portal).collect();
    assert_eq!(portals, ["192.0.2.1:4420", "198.51.100.1:4420"]);
    assert_eq!(storage.mounts[0].controllers, [0, 1]);
    assert_eq!(storage.controllers[1].options.keep_alive_tmo, Some(9));
    assert_eq!(report.known_ports, []);
}

/// `build_options` in libnvme's src/nvme/fabrics.c asks the host first, then
/// the port.
#[test]
fn the_host_s_secret_is_every_connection_s_and_comes_before_a_port_s() {
    let mut port = setting(1, Some("nqn.a"), 7);
    port.options.dhchap_secret = secret(OTHER_SECRET);
    let mut discovered = setting(2, Some("nqn.b"), 7);
    discovered.traddr = "192.0.2.9".parse().expect("an address");
    let mut second = controller(None);
    second.traddr = "198.51.100.10".parse().expect("an address");
    let controllers = [controller(None), second];
    let ports = [port, discovered];
    let hosts = [of_host(secret(SECRET), None)];
    let (storage, report) = applied(&controllers, &hosts, &ports);
    assert_eq!(storage.controllers.len(), 2);
    for one in &storage.controllers {
        assert_eq!(one.options.dhchap_secret, secret(SECRET));
    }
    assert_eq!(report.known_ports.len(), 1);
    assert_eq!(report.known_ports[0].options.dhchap_secret, secret(SECRET));
}

/// `nvme_lookup_host` in libnvme's src/nvme/tree.c compares both.
#[test]
fn a_secret_for_another_host_or_id_is_not_used_and_that_is_said() {
    let (storage, _) = applied(
        &[controller(None)],
        &[of_host(secret(SECRET), Some(ID))],
        &[],
    );
    assert_eq!(storage.controllers[0].options.dhchap_secret, secret(SECRET));
    let other = [of_host(secret(SECRET), Some(OTHER_ID))];
    let (storage, report) = applied(&[controller(None)], &other, &[]);
    assert_eq!(storage.controllers[0].options.dhchap_secret, None);
    assert!(
        report.warnings[0].message.starts_with(&format!(
            "this is for the host `{HOST}` with the id `{OTHER_ID}`"
        )),
        "{:?}",
        report.warnings
    );
}

/// `nvmf_add_ctrl` in libnvme's src/nvme/fabrics.c: what the command line says
/// comes before the file, but the file's secrets replace the command line's.
#[test]
fn what_a_discovery_log_names_is_connected_as_the_file_says() {
    let mut port = setting(1, Some("nqn.b"), 7);
    port.traddr = "192.0.2.9".parse().expect("an address");
    port.options.dhchap_secret = secret(OTHER_SECRET);
    port.options.dhchap_ctrl_secret = secret(OTHER_SECRET);
    let (storage, report) = applied(&[controller(None)], &[], &[port.clone()]);
    let mut plan = crate::resolve(Vec::new());
    plan.controllers = storage.controllers;
    plan.known_ports = report.known_ports;
    plan.controllers[0].options.dhchap_secret = secret(SECRET);
    plan.controllers[0].options.dhchap_ctrl_secret = secret(SECRET);
    let options = |subsystem: &str| {
        let at = SocketAddr::new(port.traddr, port.trsvcid.get());
        plan.options_of(&plan.controllers[0], at, &nqn(subsystem))
    };
    let known = options("nqn.b");
    assert_eq!(known.reconnect_delay, Some(2));
    assert_eq!(known.keep_alive_tmo, Some(7));
    assert_eq!(known.dhchap_secret, secret(OTHER_SECRET));
    assert_eq!(known.dhchap_ctrl_secret, secret(OTHER_SECRET));
    assert_eq!(options("nqn.c"), plan.controllers[0].options);
    // A controller that the plan itself names is connected as the plan says.
    plan.controllers[0].nqn = Some(nqn("nqn.b"));
    let at = SocketAddr::new(port.traddr, port.trsvcid.get());
    let own = plan.options_of(&plan.controllers[0], at, &nqn("nqn.b"));
    assert_eq!(own, plan.controllers[0].options);
}
