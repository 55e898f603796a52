use nvmeroot_plan::{Fragment, NodeRole, Reach, resolve};

use super::{Input, TextKind, read};
use crate::stopwatch::{limit, timed};

fn good(text: &str) -> Input {
    read("c.yaml", text).unwrap_or_else(|error| panic!("{}", error.into_diagnostics()))
}

/// Every error as one text.
fn bad(text: impl AsRef<[u8]>) -> String {
    match read("c.yaml", &text) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(text.as_ref())),
        Err(error) => error.into_diagnostics().to_string(),
    }
}

fn warnings(text: &str) -> Vec<String> {
    good(text)
        .fragment
        .warnings
        .into_iter()
        .map(|warning| {
            let origin = warning.origin.map_or(String::new(), |o| format!("{o}: "));
            let hint = warning.hint.map_or(String::new(), |h| format!("; {h}"));
            format!("{origin}{}{hint}", warning.message)
        })
        .collect()
}

fn config(actions: &str) -> String {
    format!("storage:\n  config:\n{actions}")
}

/// Mount points with the portals that they lie on.
fn mounts(text: &str) -> Vec<String> {
    let plan = resolve(vec![good(text).fragment]);
    plan.mounts
        .iter()
        .map(|mount| {
            let portals: Vec<_> = mount
                .controllers
                .iter()
                .map(|&at| plan.controllers[at].portal())
                .collect();
            format!("{} [{}]", mount.path, portals.join(" "))
        })
        .collect()
}

const CONTROLLERS: &str = "
    - {id: c0, type: nvme_controller, transport: tcp, tcp_addr: 10.0.0.1, tcp_port: 4420}
    - {id: c1, type: nvme_controller, transport: tcp, tcp_addr: 'fd00::1', tcp_port: '8009'}
    - {id: cl, type: nvme_controller, transport: pcie}
    - {id: d0, type: disk, nvme_controller: c0}
    - {id: d1, type: disk, nvme_controller: c1}
    - {id: dl, type: disk, nvme_controller: cl}
    - {id: dn, type: disk, path: /dev/sda, nvme_controller: null}
";

fn with_controllers(actions: &str) -> String {
    config(&format!("{CONTROLLERS}{actions}"))
}

#[test]
fn nothing_to_store_is_no_storage() {
    for text in [
        "",
        "{}",
        "~",
        "storage:",
        "storage: disabled",
        "storage: false",
        "storage: off",
        "storage: ''",
        "storage: {}",
        "storage: []",
        "storage: {version: 1}",
        "storage: {version: 2, config: disabled}",
        "storage: {config: }",
        "storage: {config: false}",
        "storage: {config: {}}",
        "config: disabled",
        "write_files:",
        "sources: {0: cp:///x}",
    ] {
        let input = good(text);
        assert_eq!(input.fragment, Fragment::default(), "{text}");
        assert!(input.texts.is_empty(), "{text}");
    }
    let empty = good("storage: {config: []}").fragment.storage;
    assert_eq!(empty.map(|graph| graph.nodes().len()), Some(0));
}

#[test]
fn a_bare_list_is_a_storage_configuration() {
    let text = "
config:
- {id: c, type: nvme_controller, transport: tcp, tcp_addr: 10.0.0.1, tcp_port: 4420}
- {id: d, type: disk, nvme_controller: c}
- {id: f, type: format, volume: d}
- {id: m, type: mount, device: f, path: /}
";
    assert_eq!(mounts(text), ["/ [10.0.0.1:4420]"]);
}

#[test]
fn every_action_type_is_walked_through() {
    for (actions, expected) in [
        ("- {id: f, type: format, volume: d0}", "/ [10.0.0.1:4420]"),
        ("- {id: f, type: format, volume: d1}", "/ [[fd00::1]:8009]"),
        ("- {id: f, type: format, volume: dl}", "/ []"),
        ("- {id: f, type: format, volume: dn}", "/ []"),
        (
            "- {id: x, type: partition, device: d0, flag: extended}
    - {id: p, type: partition, device: x, flag: logical}
    - {id: f, type: format, volume: p}",
            "/ [10.0.0.1:4420]",
        ),
        (
            "- {id: vg, type: lvm_volgroup, devices: [d0, dl]}
    - {id: lv, type: lvm_partition, volgroup: vg}
    - {id: f, type: format, volume: lv}",
            "/ [10.0.0.1:4420]",
        ),
        (
            "- {id: md, type: raid, devices: [d0], spare_devices: [d1]}
    - {id: f, type: format, volume: md}",
            "/ [10.0.0.1:4420 [fd00::1]:8009]",
        ),
        (
            "- {id: imsm, type: raid, devices: [d0, d1], container: null}
    - {id: md, type: raid, container: imsm}
    - {id: f, type: format, volume: md}",
            "/ [10.0.0.1:4420 [fd00::1]:8009]",
        ),
        (
            "- {id: dm, type: dm_crypt, volume: d0, key: x}
    - {id: f, type: format, volume: dm}",
            "/ [10.0.0.1:4420]",
        ),
        (
            "- {id: b, type: bcache, backing_device: dl, cache_device: d1}
    - {id: f, type: format, volume: b}",
            "/ [[fd00::1]:8009]",
        ),
        (
            "- {id: dev, type: device, path: /dev/x}
    - {id: f, type: format, volume: dev}",
            "/ []",
        ),
        (
            "- {id: dasd, type: dasd, device_id: 0.0.1544}
    - {id: i, type: image, path: /x, size: 1}
    - {id: md, type: raid, devices: [dasd, i]}
    - {id: f, type: format, volume: md}",
            "/ []",
        ),
        (
            "- {id: h, type: hologram, devices: [d0, nowhere], pool: gone}
    - {id: f, type: format, volume: h}",
            "/ [10.0.0.1:4420]",
        ),
    ] {
        let mount = "\n    - {id: m, type: mount, device: f, path: /, options: _netdev}\n";
        let text = with_controllers(&format!("    {actions}{mount}"));
        assert_eq!(mounts(&text), [expected], "{actions}");
    }
}

#[test]
fn pools_and_datasets_are_mounted_without_a_mount() {
    let text = with_controllers(
        "    - {id: rp, type: zpool, pool: rpool, vdevs: [d0], mountpoint: /}
    - {id: r, type: zfs, pool: rp, volume: /ROOT, properties: {canmount: off, mountpoint: /x}}
    - {id: z, type: zfs, pool: rp, volume: /ROOT/z, properties: {canmount: noauto, mountpoint: /}}
    - {id: v, type: zfs, pool: rpool, volume: /var, properties: {mountpoint: /var}}
    - {id: n, type: zfs, pool: rp, volume: /n, properties: {mountpoint: none}}
    - {id: e, type: zfs, pool: rp, volume: /e}
    - {id: lp, type: zpool, pool: l, vdevs: [dl], mountpoint: /srv}
",
    );
    assert_eq!(
        mounts(&text),
        ["/ [10.0.0.1:4420]", "/var [10.0.0.1:4420]", "/srv []"]
    );
}

#[test]
fn actions_without_ids_are_read_as_the_original_reads_them() {
    let text = config(
        "  - {type: partition}
  - {type: disk}
  - {type: nvme_controller, transport: tcp, tcp_addr: 1.2.3.4, tcp_port: '1111'}
  - {type: mount, path: /, options: 'default,_netdev'}
  - {type: mount, path: /boot}
",
    );
    let plan = resolve(vec![good(&text).fragment]);
    assert_eq!(plan.reach, Reach::Initramfs);
    assert_eq!(mounts(&text), ["/ [1.2.3.4:1111]", "/boot []"]);
}

#[test]
fn netdev_decides_where_the_graph_ends_in_nothing() {
    let text = with_controllers(
        "    - {id: p, type: partition}
    - {id: f, type: format, volume: p}
    - {id: m, type: mount, device: f, path: /, options: 'defaults,_netdev'}
    - {id: t, type: mount, spec: tmpfs, fstype: tmpfs, path: /tmp}
",
    );
    let graph = good(&text).fragment.storage.unwrap();
    let unknown: Vec<_> = graph
        .nodes()
        .iter()
        .filter_map(|node| match &node.role {
            NodeRole::Mount(request) => Some((request.path.as_str(), request.unknown_device)),
            _ => None,
        })
        .collect();
    assert_eq!(unknown, [("/", true), ("/tmp", true)]);
    let found = warnings(&text);
    assert!(
        found
            .iter()
            .any(|w| w.contains("this `partition` has no `device`, so what it lies on is unknown")),
        "{found:?}"
    );
}

#[test]
fn a_mount_needs_a_path_unless_it_is_swap() {
    let swap = with_controllers(
        "    - {id: f, type: format, fstype: swap, volume: dl}
    - {id: m, type: mount, device: f, path: ''}
    - {id: n, type: mount, device: f}
",
    );
    assert_eq!(mounts(&swap), ["none []", "none []"]);
    assert_eq!(
        warnings("storage: {config: [{type: mount, id: m}]}"),
        [
            "c.yaml:1:20 `storage.config[0]`: this mount has no `path`, so it is left out; \
             add the directory that it is mounted on"
        ]
    );
    assert_eq!(
        bad("storage: {config: [{type: mount, id: m, options: _netdev}]}"),
        "c.yaml:1:20 `storage.config[0]`: this mount has `_netdev` and no `path`; \
         expected the directory that it is mounted on\n\
         hint: add `path: /` or where else it belongs"
    );
}

#[test]
fn options_may_be_null_and_are_split_at_commas() {
    let netdev = |options: &str| {
        let text = format!("config: [{{type: mount, path: /, options: {options}}}]");
        match &good(&text).fragment.storage.unwrap().nodes()[0].role {
            NodeRole::Mount(request) => request.netdev == Some(true),
            role => panic!("{role:?}"),
        }
    };
    assert!(netdev("'defaults,_netdev'"));
    assert!(netdev("_netdev"));
    assert!(!netdev("null"));
    assert!(!netdev("''"));
    assert!(!netdev("x_netdev"));
    assert!(!netdev("'defaults, _netdev'"));
}

/// Each line: the configuration, then all that must be said of it.
#[test]
fn every_fault_has_its_place_and_says_what_was_expected() {
    let controller = |rest: &str| format!("config: [{{id: c, type: nvme_controller, {rest}}}]");
    for (text, expected) in [
        (
            "storage: [a]".into(),
            "c.yaml:1:10 `storage`: `storage` is a list; expected a mapping with `config`, or `disabled`\n\
             hint: put the list under `config:`",
        ),
        (
            "storage: true".into(),
            "c.yaml:1:10 `storage`: `storage` is a boolean; expected a mapping with `config`, or `disabled`",
        ),
        (
            "storage:\n  config:\n    a: 1".into(),
            "c.yaml:3:5 `storage.config`: `config` is a mapping; expected a list of actions, or `disabled`\n\
             hint: each action begins with `- ` in the list",
        ),
        (
            "[a]".into(),
            "c.yaml:1:1: the configuration is a list; expected a mapping with `storage` and `write_files`",
        ),
        (
            "config:\n- {id: a}\n".into(),
            "c.yaml:2:3 `config[0]`: this action has no `type`; expected an action type such as `disk`, `partition`, `format` or `mount`",
        ),
        (
            "config:\n- {id: a, tpye: disk}\n".into(),
            "c.yaml:2:3 `config[0]`: this action has no `type`; expected an action type such as `disk`, `partition`, `format` or `mount`\n\
             hint: is `tpye` meant to be `type`?",
        ),
        (
            "config:\n- \n- x\n".into(),
            "c.yaml:2:3 `config[0]`: this action is null; expected a mapping with `type` and `id`\n\
             hint: remove the lone `-`\n\
             c.yaml:3:3 `config[1]`: this action is a text; expected a mapping with `type` and `id`",
        ),
        (
            "config: [{type: disk, id: on}]".into(),
            "c.yaml:1:27 `config[0].id`: `id` is `on`, which YAML reads as true; expected a text that names the action\n\
             hint: quote it if it is a text: \"on\"",
        ),
        (
            "config: [{type: format, id: f, volume: part-1}, {type: disk, id: part1}]".into(),
            "c.yaml:1:40 `config[0].volume`: `f` refers to `part-1`, and nothing has that id; expected the id of an action\n\
             hint: is it meant to be `part1`?",
        ),
        (
            "config: [{type: disk, id: d}, {type: disk, id: d}]".into(),
            "c.yaml:1:31 `config[1]`: the id `d` is used twice, first at c.yaml:1:10 `config[0]`\n\
             hint: give each action an id of its own",
        ),
        (
            "config:\n- {type: raid, id: a, devices: [b]}\n- {type: raid, id: b, devices: [c]}\n- {type: raid, id: c, devices: [a]}".into(),
            "c.yaml:4:33 `config[2].devices[0]`: these lie on each other in a circle: a → b → c → a\n\
             hint: one of them must lie on something else",
        ),
        (
            "config: [{type: raid, id: a, devices: {b: 1}}]".into(),
            "c.yaml:1:39 `config[0].devices`: `devices` is a mapping; expected a list of ids",
        ),
        (
            "config: [{type: format, id: a, volume: [b]}]".into(),
            "c.yaml:1:40 `config[0].volume`: `volume` is a list; expected the id of an action",
        ),
        (
            "config: [{type: mount, path: usr/local}]".into(),
            "c.yaml:1:30 `config[0].path`: `usr/local` is no mount point: it does not start with `/`; expected an absolute path such as `/var/log`",
        ),
        (
            "config: [{type: mount, path: /, options: [_netdev]}]".into(),
            "c.yaml:1:42 `config[0].options`: `options` is a list; expected options with commas between them, such as `defaults,_netdev`",
        ),
        (
            controller("transport: tcp, tcp_addr: 10.0.0.1, tcp_port: 70000"),
            "c.yaml:1:87 `config[0].tcp_port`: `tcp_port` is the number 70000; expected a whole number from 1 to 65535",
        ),
        (
            controller("transport: tcp, tcp_addr: 10.0.0.1, tcp_port: '44 20'"),
            "c.yaml:1:87 `config[0].tcp_port`: `tcp_port` is `44 20`; expected a whole number from 1 to 65535",
        ),
        (
            controller("transport: tcp, tcp_addr: 10.0.0.1, tcp_port: 4420.0"),
            "c.yaml:1:87 `config[0].tcp_port`: `tcp_port` is the number 4420.0; expected a whole number from 1 to 65535",
        ),
        (
            controller("transport: tcp, tcp_addr: 10.0.0.1, tcp_port: "),
            "c.yaml:1:85 `config[0].tcp_port`: `tcp_port` is null; expected a whole number from 1 to 65535\n\
             hint: add `tcp_port: 4420` with the right value",
        ),
        (
            controller("transport: tcp, tcp_addr: 10.0.0.1"),
            "c.yaml:1:10 `config[0]`: this controller has no `tcp_port`; expected a whole number from 1 to 65535\n\
             hint: add `tcp_port: 4420` with the right value",
        ),
        (
            controller("tcp_addr: 10.0.0.1, tcp_port: 4420"),
            "c.yaml:1:10 `config[0]`: this controller has no `transport`; expected `tcp` or `pcie`\n\
             hint: add `transport: tcp` with the right value",
        ),
        (
            controller("transport: rdma"),
            "c.yaml:1:52 `config[0].transport`: `transport` is `rdma`; expected `tcp` or `pcie`\n\
             hint: only NVMe/TCP controllers and local ones are handled",
        ),
        (
            controller("transport: TCP"),
            "c.yaml:1:52 `config[0].transport`: `transport` is `TCP`; expected `tcp` or `pcie`\n\
             hint: is it meant to be `tcp`?",
        ),
        (
            controller("transport: tcp, tcp_addr: storage.example, tcp_port: 0"),
            "c.yaml:1:67 `config[0].tcp_addr`: `tcp_addr` is `storage.example`; expected an IPv4 or IPv6 address\n\
             hint: names are not resolved before root is there: write the address\n\
             c.yaml:1:94 `config[0].tcp_port`: `tcp_port` is the number 0; expected a whole number from 1 to 65535",
        ),
        (
            controller("transport: tcp, tcp_addr: 'fe80::1%eth0', tcp_port: 4420"),
            "c.yaml:1:67 `config[0].tcp_addr`: `tcp_addr` is `fe80::1%eth0`; expected an IPv4 or IPv6 address\n\
             hint: leave out `%eth0`: the interface goes into `host_iface`",
        ),
        (
            controller("transport: tcp, tcp_addr: '[fd00::1]', tcp_port: 4420"),
            "c.yaml:1:67 `config[0].tcp_addr`: `tcp_addr` is `[fd00::1]`; expected an IPv4 or IPv6 address\n\
             hint: write it without brackets: fd00::1",
        ),
        (
            controller("transport: tcp, tcp_addr: '10.0.0.1:4420', tcp_port: 4420"),
            "c.yaml:1:67 `config[0].tcp_addr`: `tcp_addr` is `10.0.0.1:4420`; expected an IPv4 or IPv6 address\n\
             hint: the port goes into `tcp_port: 4420`",
        ),
        (
            controller("transport: tcp, tcp_addr: 10.0.0.1/24, tcp_port: 4420"),
            "c.yaml:1:67 `config[0].tcp_addr`: `tcp_addr` is `10.0.0.1/24`; expected an IPv4 or IPv6 address\n\
             hint: leave out the prefix length: 10.0.0.1",
        ),
        (
            controller("transport: tcp, tcp_addr: 0.0.0.0, tcp_port: 4420"),
            "c.yaml:1:67 `config[0].tcp_addr`: `tcp_addr` is `0.0.0.0`; expected an IPv4 or IPv6 address\n\
             hint: it is no address of a single machine",
        ),
        (
            controller("transport: tcp, tcp_addr: 12:34, tcp_port: 4420"),
            "c.yaml:1:67 `config[0].tcp_addr`: `tcp_addr` is `12:34`, which YAML reads as the number 754; expected an IPv4 or IPv6 address\n\
             hint: quote it if it is a text: \"12:34\"",
        ),
        (
            "write_files: [{path: x}]".into(),
            "c.yaml:1:14 `write_files`: `write_files` is a list; expected a mapping of names to files\n\
             hint: curtin takes a mapping here, unlike cloud-init: give each file a name",
        ),
        (
            "write_files: {etc_netplan_installer: secret}".into(),
            "c.yaml:1:38 `write_files.etc_netplan_installer`: the file `etc_netplan_installer` is a text; expected a mapping with `path` and `content`",
        ),
        (
            "write_files: {etc_netplan_installer: {content: {network: {}}}}".into(),
            "c.yaml:1:48 `write_files.etc_netplan_installer.content`: `content` is a mapping; expected the file's text\n\
             hint: write `content: |` and indent the text below it",
        ),
        (
            "write_files: {etc_netplan_installer: {content: x, encoding: gz+b64}}".into(),
            "c.yaml:1:61 `write_files.etc_netplan_installer.encoding`: the encoding `gz+b64` is not read; expected `b64`, or no `encoding`\n\
             hint: write the text itself under `content: |`",
        ),
        (
            "write_files: {etc_netplan_installer: {content: abc, encoding: b64}}".into(),
            "c.yaml:1:48 `write_files.etc_netplan_installer.content`: `content` is no base64, which `encoding` says that it is; expected base64",
        ),
        (
            "a: !foo b".into(),
            "c.yaml:1:9 `a`: the tag `!foo` has no meaning here",
        ),
        (
            "a: 1\n---\nb: 2\n".into(),
            "c.yaml:2:1: a second document starts here\n\
             hint: one document a file: remove the `---`",
        ),
    ] {
        let text: String = text;
        assert_eq!(bad(&text), expected, "{text}");
    }
}

#[test]
fn bytes_that_are_not_utf8_have_their_place() {
    assert_eq!(
        bad(b"storage:\n  x: \xff\n"),
        "c.yaml:2:6: byte 0xff is not UTF-8\nhint: save the file as UTF-8"
    );
}

#[test]
fn all_faults_of_a_file_are_reported_at_once_up_to_a_limit() {
    let mut text = String::from("config:\n");
    for n in 0..30 {
        text.push_str(&format!(
            "- {{id: c{n}, type: nvme_controller, transport: tcp, tcp_addr: x, tcp_port: 70000}}\n"
        ));
    }
    let error = read("c.yaml", &text).unwrap_err().into_diagnostics();
    assert_eq!((error.shown.len(), error.left_out), (20, 40));
    assert_eq!(
        error.shown[0].origin.key.as_deref(),
        Some("config[0].tcp_addr")
    );
    assert_eq!(
        error.shown[1].origin.key.as_deref(),
        Some("config[0].tcp_port")
    );
    assert_eq!(error.shown[0].origin.line, 2);
}

#[test]
fn unknown_words_are_warned_of_with_the_nearest_known() {
    let text = "\
storage:
  config:
  - {id: c, type: nvme_controller, transport: pcie, tcp-port: 1, colour: red}
  - {id: d, type: disk, nvme_controler: c}
  - {id: p, type: partiton, device: d}
  - {id: f, type: format, volum: p}
  - {id: m, type: mount, device: f, path: /, option: _netdev}
storage_x: 1
write_file: {}
confg: 1
m: 1
m: 2
";
    assert_eq!(
        warnings(text),
        [
            "c.yaml:12:1 `m`: the key `m` is here twice, first in line 11; the last one counts",
            "c.yaml:3:53 `storage.config[0].tcp-port`: `tcp-port` is no key of a `nvme_controller` action; is it meant to be `tcp_port`?",
            "c.yaml:3:66 `storage.config[0].colour`: `colour` is no key of a `nvme_controller` action",
            "c.yaml:5:19 `storage.config[2].type`: `partiton` is no action type that is known here; is it meant to be `partition`?",
            "c.yaml:6:5 `storage.config[3]`: this `format` has no `volume`, so what it lies on is unknown; is `volum` meant to be `volume`?",
            "c.yaml:7:46 `storage.config[4].option`: `option` is no key of a `mount` action; is it meant to be `options`?",
            "c.yaml:9:1 `write_file`: `write_file` means nothing to curtin; is it meant to be `write_files`?",
        ]
    );
    assert_eq!(
        warnings("storge: {config: []}"),
        [
            "c.yaml:1:1 `storge`: `storge` means nothing to curtin, and there is no `storage`; is it meant to be `storage`?"
        ]
    );
}

#[test]
fn numbers_in_odd_notations_are_named() {
    assert_eq!(
        warnings(
            "config: [{type: nvme_controller, transport: tcp, tcp_addr: 10.0.0.1, tcp_port: 04420}]"
        ),
        [
            "c.yaml:1:80 `config[0].tcp_port`: `tcp_port` is `04420`, which YAML reads as the number 2320; \
             write `tcp_port: 2320` if that is meant"
        ]
    );
}

#[test]
fn connect_options_are_carried() {
    let text = "config:
- type: nvme_controller
  transport: tcp
  tcp_addr: fe80::1
  tcp_port: 4420
  nqn: nqn.2014-08.org.nvmexpress:x
  host_iface: eth0
  host_traddr: 10.0.0.9
  ctrl_loss_tmo: -1
  keep_alive_tmo: '30'
  queue_size: null
  hdr_digest: yes
";
    let graph = good(text).fragment.storage.unwrap();
    let NodeRole::Controller(controller) = &graph.nodes()[0].role else {
        panic!("{graph:?}");
    };
    assert_eq!(controller.portal(), "[fe80::1]:4420");
    assert_eq!(controller.origin.line, 2);
    let options = &controller.options;
    assert_eq!(
        controller.nqn.as_ref().unwrap().as_str(),
        "nqn.2014-08.org.nvmexpress:x"
    );
    assert_eq!(options.host_iface.as_ref().unwrap().as_str(), "eth0");
    assert_eq!(options.ctrl_loss_tmo, Some(-1));
    assert_eq!(options.keep_alive_tmo, Some(30));
    assert_eq!(options.queue_size, None);
    assert!(options.hdr_digest && !options.data_digest);
    for (key, expected) in [
        ("ctrl_loss_tmo: -2", "seconds, or -1 for ever"),
        ("queue_size: -1", "a whole number"),
        ("hdr_digest: 1", "`true` or `false`"),
        ("nqn: iqn.x", "an NVMe qualified name"),
        ("host_iface: 'a b'", "the name of an interface"),
    ] {
        let text = format!(
            "config: [{{type: nvme_controller, transport: tcp, tcp_addr: 10.0.0.1, tcp_port: 1, {key}}}]"
        );
        let found = bad(&text);
        assert!(found.contains(&format!("expected {expected}")), "{found}");
    }
}

#[test]
fn network_configurations_are_found_by_name_and_path() {
    let text = "\
write_files:
  etc_netplan_installer:
    path: etc/netplan/00-installer-config.yaml
    permissions: '0600'
    content: |
      network:
        version: 2
  mine:
    path: /etc/netplan/50-mine.yaml
    permissions: 0640
    content: \"network: {}\\n\"
  lib: {path: usr/lib/netplan/a.yaml, content: bmV0d29yazoge30K, encoding: b64}
  run: {path: //run//netplan/b.yaml, content: !!binary bmV0d29yazoge30K}
  cloud: {path: etc/cloud/cloud.cfg.d/90-installer-network.cfg, content: 'network: {}'}
  empty: {path: etc/netplan/e.yaml, content: null}
  other: {path: etc/cloud/cloud.cfg.d/99-user.cfg, content: [what, ever]}
  deep: {path: etc/netplan/x/y.yaml, content: z}
  backup: {path: etc/netplan/y.yaml.bak, content: z}
  nameless: {content: z}
";
    let input = good(text);
    let found: Vec<_> = input
        .texts
        .iter()
        .map(|text| {
            format!(
                "{} {} {:?} {:o} {:?} {}:{}",
                text.name,
                text.path.as_deref().unwrap_or("-"),
                text.kind,
                text.mode.unwrap_or(0),
                String::from_utf8_lossy(&text.content),
                text.origin.line,
                text.origin.column,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "etc_netplan_installer etc/netplan/00-installer-config.yaml Netplan 600 \"network:\\n  version: 2\\n\" 6:7",
            "mine etc/netplan/50-mine.yaml Netplan 640 \"network: {}\\n\" 11:14",
            "lib lib/netplan/a.yaml Netplan 0 \"network: {}\\n\" 12:48",
            "run run/netplan/b.yaml Netplan 0 \"network: {}\\n\" 13:56",
            "cloud etc/cloud/cloud.cfg.d/90-installer-network.cfg CloudInit 0 \"network: {}\" 14:74",
        ]
    );
    assert_eq!(input.texts[0].kind, TextKind::Netplan);
    assert_eq!(
        input.fragment.warnings[0].message,
        "the file `empty` has no content"
    );
    // The installer's text counts without a path, as it does for curtin.
    let input = good("write_files: {etc_netplan_installer: {content: x}}");
    assert_eq!(input.texts[0].path, None);
    assert!(!format!("{:?}", input.texts).contains("[120]"));
}

/// As an installer writes it: partitions, a volume group, mounts.
fn large(actions: usize) -> String {
    let mut text = String::from("storage:\n  version: 2\n  config:\n");
    text.push_str(
        "  - id: c\n    type: nvme_controller\n    transport: tcp\n    tcp_addr: 10.0.0.1\n    tcp_port: 4420\n  - id: d\n    type: disk\n    nvme_controller: c\n    path: /dev/nvme0n1\n    ptable: gpt\n",
    );
    for n in 0..actions / 3 {
        text.push_str(&format!(
            "  - id: partition-{n}\n    type: partition\n    device: d\n    size: 1073741824\n    number: {n}\n    preserve: false\n    uuid: 12345678-1234-1234-1234-{n:012}\n    path: /dev/nvme0n1p{n}\n  - id: format-{n}\n    type: format\n    fstype: ext4\n    volume: partition-{n}\n    preserve: false\n  - id: mount-{n}\n    type: mount\n    device: format-{n}\n    path: /srv/{n}\n    options: defaults,_netdev\n"
        ));
    }
    text
}

#[test]
fn ten_thousand_actions_are_read_in_time() {
    let text = large(10_000);
    let (input, taken) = timed(|| good(&text));
    assert_eq!(
        input.fragment.storage.unwrap().nodes().len(),
        10_000 / 3 * 3 + 2
    );
    assert!(taken < limit(150), "{taken:?}");
}

#[test]
fn time_grows_as_the_configuration_does() {
    let time = |actions| {
        let text = large(actions);
        // The shortest of three, since others use the caches too.
        (0..3).map(|_| timed(|| good(&text)).1).min().unwrap()
    };
    let (small, eightfold) = (time(1_000), time(8_000));
    assert!(eightfold < small * 24, "{small:?}, then {eightfold:?}");
}

#[test]
fn a_long_chain_neither_recurses_nor_takes_long() {
    let mut text = String::from("config:\n- {type: partition, id: p0}\n");
    for n in 1..20_000 {
        text.push_str(&format!(
            "- {{type: partition, id: p{n}, device: p{}}}\n",
            n - 1
        ));
    }
    text.push_str("- {type: mount, path: /, device: p19999}\n");
    let graph = good(&text).fragment.storage.unwrap();
    let NodeRole::Mount(request) = &graph.nodes()[20_000].role else {
        panic!("no mount");
    };
    assert!(request.unknown_device);
}

#[test]
fn many_bad_references_and_a_long_circle_take_no_longer() {
    let list = |below: fn(usize) -> usize| -> String {
        let action = |n: usize| format!("- {{type: format, id: f{n}, volume: f{}}}\n", below(n));
        format!("config:\n{}", (0..20_000).map(action).collect::<String>())
    };
    let (dangling, taken) = timed(|| read("c.yaml", list(|n| n + 50_000)).unwrap_err());
    assert!(taken < limit(500), "{taken:?}");
    let dangling = dangling.into_diagnostics();
    assert_eq!((dangling.shown.len(), dangling.left_out), (20, 19_980));
    let (circle, taken) = timed(|| bad(list(|n| (n + 1) % 20_000)));
    assert!(taken < limit(500), "{taken:?}");
    assert!(circle.starts_with(
        "c.yaml:20001:38 `config[19999].volume`: these lie on each other in a circle: f0 → f1 → "
    ));
    assert!(
        circle.contains("f16 → … 19982 more … → f19999 → f0\n"),
        "{circle}"
    );
}
