//! Every way to be wrong, and what is said of it.

use super::{bad, warnings};
use crate::curtin::read;

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
            "c.yaml:12:1 `m`: the key `m` is here twice, first in line 11; the last one counts; keep one of the two",
            "c.yaml:3:53 `storage.config[0].tcp-port`: `tcp-port` is no key of a `nvme_controller` action; is it meant to be `tcp_port`?",
            "c.yaml:3:66 `storage.config[0].colour`: `colour` is no key of a `nvme_controller` action",
            "c.yaml:5:19 `storage.config[2].type`: `partiton` is no action type that is known here; is it meant to be `partition`?",
            "c.yaml:6:5 `storage.config[3]`: this `format` has no `volume`, so what it lies on is unknown; is `volum` meant to be `volume`?",
            "c.yaml:7:46 `storage.config[4].option`: `option` is no key of a `mount` action; is it meant to be `options`?",
            "c.yaml:9:1 `write_file`: `write_file` means nothing to curtin, and there is no `write_files`; is it meant to be `write_files`?",
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
fn a_file_that_netplan_passes_over_is_named() {
    let file = |path| format!("write_files:\n  n:\n    path: {path}\n    content: ''\n");
    assert_eq!(
        warnings(&file("/etc/netplan/a.yml")),
        [
            "c.yaml:3:11 `write_files.n.path`: netplan does not read `etc/netplan/a.yml`, nor does nvmeroot; let its name end in `.yaml`"
        ]
    );
    for other in ["etc/netplan/a.yaml", "etc/netplan/a.yaml.dist", "etc/a.yml"] {
        assert_eq!(warnings(&file(other)), <[&str; 0]>::default(), "{other}");
    }
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

/// What is meant by them stands elsewhere.
#[test]
fn keys_of_other_programs_are_told_where_they_belong() {
    let secret = |key| {
        format!(
            "everybody can read curtin's file: write the secret into `etc/nvme/config.json` of the root tree, mode 0600, as the key `{key}` of this port"
        )
    };
    let tls =
        "nvmeroot connects without TLS: let the target take this host so, and take the key away";
    for (key, hint) in [
        ("dhchap_secret", secret("dhchap_key")),
        ("dhchap-key", secret("dhchap_key")),
        ("dhchap", secret("dhchap_key")),
        ("dhchap_ctrl_secret", secret("dhchap_ctrl_key")),
        ("tls", tls.to_owned()),
        ("tls_key", tls.to_owned()),
        ("keyring", tls.to_owned()),
        ("hdr_digets", "is it meant to be `hdr_digest`?".to_owned()),
    ] {
        let text = format!(
            "config: [{{id: c, type: nvme_controller, transport: tcp, tcp_addr: 10.0.0.1, tcp_port: 4420, {key}: x}}]"
        );
        let read = read("c.yaml", text).expect("a configuration");
        let hints: Vec<_> = read
            .fragment
            .warnings
            .iter()
            .map(|one| one.hint.clone())
            .collect();
        assert_eq!(hints, [Some(hint)], "{key}");
    }
}
