mod faults;
mod properties;
mod speed;

use nvmeroot_plan::{Fragment, NodeRole, Reach, resolve};

use super::{Input, TextKind, read};
use crate::yaml::Position;

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
    // What may be a file that was cut short is told.
    for text in ["", "{}", "~", "# a comment\n"] {
        let told = good(text).without_storage.map(|one| one.message);
        assert!(
            told.is_some_and(|one| one.starts_with("there is no `storage`")),
            "{text}"
        );
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

/// curtin's `zpool_create` makes a pool `canmount=off`; a dataset inherits its
/// mount point (zfsprops(7)).
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
        [
            "/ [10.0.0.1:4420]",
            "/var [10.0.0.1:4420]",
            "/e [10.0.0.1:4420]"
        ]
    );
}

#[test]
fn a_mount_may_name_a_dataset() {
    let text = with_controllers(
        "    - {id: rp, type: zpool, pool: rpool, vdevs: [d0]}
    - {id: m, type: mount, spec: rpool/srv, fstype: zfs, path: /srv}
",
    );
    assert_eq!(mounts(&text), ["/srv [10.0.0.1:4420]"]);
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
    assert_eq!(unknown, [("/", true), ("/tmp", false)]);
    let found = warnings(&text);
    assert!(
        found
            .iter()
            .any(|w| w.contains("this `partition` has no `device`, so what it lies on is unknown")),
        "{found:?}"
    );
}

#[test]
fn a_mount_mounts_what_it_says_or_what_its_format_makes() {
    let text = with_controllers(
        "    - {id: f, type: format, volume: dl, fstype: ext4}
    - {id: m, type: mount, device: f, path: /}
    - {id: u, type: mount, device: f, path: /usr, fstype: xfs}
    - {id: g, type: format, volume: dl, fstype: 'ext4 '}
    - {id: v, type: mount, device: g, path: /var}
    - {id: h, type: format, volume: dl}
    - {id: w, type: mount, device: h, path: /srv, fstype: 4}
    - {id: z, type: format, volume: dl, fstype: zfsroot}
    - {id: y, type: mount, device: z, path: /opt}
    - {id: p, type: zpool, pool: p, vdevs: [dl], mountpoint: /pool, fs_properties: {canmount: 'on'}}
    - {id: x, type: zfs, pool: p, volume: x}
",
    );
    let plan = resolve(vec![good(&text).fragment]);
    let found = plan.mounts.iter().map(|mount| {
        let filesystem = mount.filesystem.as_ref().map(ToString::to_string);
        (mount.path.to_string(), filesystem.unwrap_or_default())
    });
    let wanted = [
        ("/", "ext4"),
        ("/usr", "xfs"),
        ("/var", ""),
        ("/srv", ""),
        ("/opt", "zfs"),
        ("/pool", "zfs"),
        ("/pool/x", "zfs"),
    ];
    assert_eq!(
        Vec::from_iter(found),
        wanted.map(|(path, name)| (path.to_owned(), name.to_owned()))
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
    assert_eq!(mounts(&swap), ["swap []", "swap []"]);
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
    // Where a text stands as it is, places in it are places in the file.
    let within: Vec<String> = input
        .texts
        .iter()
        .map(|text| format!("{}:{}", text.within.0, text.within.1))
        .collect();
    assert_eq!(within[0], "c.yaml:6:7");
    assert_eq!(within[1], "c.yaml, write_files.mine.content:1:1");
    // The installer's text counts without a path, as it does for curtin.
    let input = good("write_files: {etc_netplan_installer: {content: x}}");
    assert_eq!(input.texts[0].path, None);
    assert!(!format!("{:?}", input.texts).contains("[120]"));
}

#[test]
fn a_block_s_places_are_those_of_the_file() {
    let within = |content: &str| {
        let text = format!("write_files:\n  etc_netplan_installer:\n    content: {content}");
        let (file, at) = good(&text).texts[0].within.clone();
        (at != Position::START).then(|| format!("{file}:{at}"))
    };
    let there = |place: &str| Some(format!("c.yaml:{place}"));
    for block in ["|", "|-", "|+", "!!str |"] {
        let text = format!("{block}\n      a: 1\n\n      b:\n        c: ü\n");
        assert_eq!(within(&text), there("4:7"), "{block}");
    }
    assert_eq!(within("|\r\n      a: 1\r\n      b: 2\r\n"), there("4:7"));
    for other in [
        ">\n      a: 1\n      b: 2\n",
        "\"a: 1\\nb: 2\"\n",
        "'a: 1'\n",
        "\n      'a: 1'\n",
    ] {
        assert_eq!(within(other), None, "{other}");
    }
}
