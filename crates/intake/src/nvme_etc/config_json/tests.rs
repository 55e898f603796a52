use super::*;

const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
const HOST: &str = "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d";

fn read(text: &str) -> Fragment {
    config_json("etc/nvme/config.json", text.as_bytes()).expect("a configuration")
}

/// A file with one port, whose entries are `port`.
fn one(port: &str) -> PortSettings {
    let text = format!(
        r#"[{{"hostnqn": "{HOST}", "subsystems": [{{"nqn": "nqn.a", "ports": [
            {{"transport": "tcp", "traddr": "192.0.2.1"{port}}}]}}]}}]"#
    );
    let fragment = read(&text);
    assert_eq!(fragment.warnings, []);
    let [settings] = <[_; 1]>::try_from(fragment.ports).expect("a port");
    settings
}

fn messages(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(|w| w.message.clone()).collect()
}

#[test]
fn what_libnvme_writes_is_read() {
    // Indented by tabs, and in lines of its own, as libnvme and people do.
    let text = format!(
        r#"[
  {{
    "hostnqn":"{HOST}",
    "hostid":"8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d",
    "dhchap_key":"{SECRET}",
    "subsystems":[
      {{
        "nqn":"nqn.2024-01.com.example:root",
        "ports":[
	  {{
	    "transport":"tcp",
	    "traddr":"2001:db8::1",
	    "host_iface":"eth0",
	    "trsvcid":"4421",
	    "dhchap_ctrl_key":"{SECRET}",
	    "nr_io_queues":4,
	    "keep_alive_tmo":"30",
	    "ctrl_loss_tmo":-1,
	    "hdr_digest":true,
	    "tos":-1,
	    "tls":false
	  }},
	  {{"transport": "rdma", "traddr": "ib0", "queue_size": "no"}}
        ]
      }}
    ]
  }}
]
"#
    );
    let found = read(&text);
    assert_eq!(found.warnings, []);
    let [port] = found.ports.as_slice() else {
        panic!("{:?}", found.ports);
    };
    assert_eq!(port.host.nqn.as_ref().map(Nqn::as_str), Some(HOST));
    assert_eq!(
        port.nqn.as_ref().map(Nqn::as_str),
        Some("nqn.2024-01.com.example:root")
    );
    assert_eq!(port.traddr.to_string(), "2001:db8::1");
    assert_eq!(port.trsvcid.get(), 4421);
    let told =
        |secret: &Option<nvmeroot_plan::Secret>| secret.as_ref().map(|s| s.expose().to_owned());
    let [host] = found.hosts.as_slice() else {
        panic!("{:?}", found.hosts);
    };
    assert_eq!(told(&host.dhchap_secret).as_deref(), Some(SECRET));
    assert_eq!(host.host, port.host);
    assert_eq!(port.options.dhchap_secret, None);
    assert_eq!(
        told(&port.options.dhchap_ctrl_secret).as_deref(),
        Some(SECRET)
    );
    assert_eq!(port.options.nr_io_queues, Some(4));
    assert_eq!(port.options.keep_alive_tmo, Some(30));
    assert_eq!(port.options.ctrl_loss_tmo, Some(-1));
    assert_eq!(port.options.tos, None);
    assert!(port.options.hdr_digest && !port.options.data_digest);
    assert_eq!((port.warnings.len(), port.errors.len()), (0, 0));
    assert_eq!(
        port.origin.to_string(),
        "etc/nvme/config.json:12:15 `[0].subsystems[0].ports[0].traddr`"
    );
}

#[test]
fn a_bad_value_is_a_fault_of_its_port_and_no_secret_is_shown() {
    let port = one(&format!(
        r#", "queue_size": "many", "dhchap_key": "{SECRET}x""#
    ));
    assert_eq!(
        messages(&port.errors),
        [
            "`queue_size` is `many`; expected a whole number",
            "this is no secret of DH-HMAC-CHAP: it does not end with a colon"
        ]
    );
    assert_eq!(port.errors[0].origin.as_ref().map(|o| o.line), Some(2));
    assert_eq!(port.options.dhchap_secret, None);
    assert!(one(r#", "nr_io_queues": null"#).errors.is_empty());
}

#[test]
fn tls_is_refused_and_what_has_no_effect_is_named() {
    let port = one(
        r#", "tls": true, "duplicate_connect": true, "keyring": ".nvme", "dhchap_secret": "x", "traddrs": 1"#,
    );
    assert_eq!(
        messages(&port.errors),
        ["`tls` asks for TLS, which is not carried out yet"]
    );
    assert_eq!(
        messages(&port.warnings),
        [
            "`duplicate_connect` is not carried out in the initramfs",
            "`dhchap_secret` is no key that libnvme knows here",
            "`traddrs` is no key that libnvme knows here"
        ]
    );
    let hints: Vec<_> = port.warnings.iter().map(|w| w.hint.as_deref()).collect();
    assert_eq!(
        hints[1..],
        [
            Some("is it meant to be `dhchap_key`?"),
            Some("is it meant to be `traddr`?")
        ]
    );
}

#[test]
fn a_discovery_controller_names_no_subsystem() {
    let port = one(r#", "discovery": true, "queue_size": 3"#);
    assert_eq!((port.nqn, port.options.queue_size), (None, None));
    assert_eq!(
        messages(&port.warnings),
        ["what is said of a discovery controller is not carried out"]
    );
}

/// libnvme reads the file by json-c (`json_object_from_file`): YAML's limits are
/// none of its own.
#[test]
fn what_only_json_allows_is_read() {
    let long = "k".repeat(2000);
    for symname in ["a\u{7f}", "\u{90}", "\u{ffff}", "\\ud800", long.as_str()] {
        let text = format!(
            r#"[{{"hostsymname": "{symname}", "hostnqn": "{HOST}", "subsystems": [{{"nqn": "nqn.a", "ports": [
                {{"transport": "tcp", "traddr": "192.0.2.1"}}]}}]}}]"#
        );
        let found = read(&text);
        assert_eq!(
            (found.warnings.len(), found.ports.len()),
            (0, 1),
            "{symname:?}"
        );
    }
    let found = read(&format!("[{{\"hostnqn\": \"{HOST}\", \"{long}\": 1}}]"));
    assert_eq!(found.warnings.len(), 1);
}

/// `json_parse_host` and `json_parse_subsys` in libnvme's src/nvme/json.c.
#[test]
fn what_has_no_name_counts_for_nothing_and_is_told_of() {
    let port = r#""ports": [{"transport": "tcp", "traddr": "192.0.2.1"}]"#;
    let found = read(&format!(
        r#"[{{"subsystems": [{{{port}}}]}}, {{"hostnqn": "{HOST}", "subsystems": [{{{port}}}]}}]"#
    ));
    assert!(found.ports.is_empty());
    assert_eq!(
        messages(&found.warnings),
        [
            "this host has no `hostnqn`, so nothing of it counts",
            "this subsystem has no `nqn`, so nothing of it counts"
        ]
    );
}

#[test]
fn what_is_no_list_of_hosts_is_an_error_with_its_place() {
    let fault = |text: &str| {
        let error = config_json("c.json", text.as_bytes()).expect_err("an error");
        error.into_diagnostics().shown[0].to_string()
    };
    assert_eq!(
        fault("[\n  {\"a\": }]"),
        "c.json:2:9: this is no JSON: expected value"
    );
    assert_eq!(
        fault("# x\n[]"),
        "c.json:1:1: this is no JSON: expected value"
    );
    assert_eq!(
        fault("{\"a\": 1}"),
        "c.json:1:1: this is no list of hosts; expected `[{\"hostnqn\": …}]`"
    );
    assert_eq!(
        fault(""),
        "c.json:1:0: this is no JSON: EOF while parsing a value"
    );
    assert_eq!(read("{\"hosts\": []}").ports.len(), 0);
    assert_eq!(read("[{\"hostid\": 3}, null, []]").ports.len(), 0);
}

#[test]
fn names_of_machines_and_bad_ports_are_warned_of() {
    let text = |port: &str| {
        format!(
            r#"[{{"hostnqn": "nqn.h", "subsystems": [{{"nqn": "nqn.a", "ports": [{{"transport": "tcp", {port}}}]}}]}}]"#
        )
    };
    let found = read(&text(r#""traddr": "storage.example""#));
    assert_eq!(
        messages(&found.warnings),
        ["`traddr` is `storage.example`; expected an IPv4 or IPv6 address"]
    );
    let found = read(&text(r#""traddr": "192.0.2.1", "trsvcid": 70000"#));
    assert_eq!(
        messages(&found.warnings),
        ["`70000` is no TCP port: expected a whole number from 1 to 65535"]
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in "[\\[\\]{}\",: a-z0-9=\n-]{0,80}") {
        let _ = config_json("c.json", text.as_bytes());
        let _ = crate::nvme_etc::discovery_conf("d.conf", text.as_bytes());
    }

    #[test]
    fn any_value_of_any_key_is_read(
        name in proptest::sample::select(PORT_KEYS.iter().copied().chain(CONNECT_OPTIONS.iter().map(|o| o.json_key)).collect::<Vec<_>>()),
        value in proptest::sample::select(vec!["null", "true", "-1", "1e9", "\"\"", "\"é\"", "[]", "{}", "\"DHHC-1:00:\""]),
    ) {
        let text = format!(
            r#"[{{"hostnqn": "{HOST}", "subsystems": [{{"nqn": "nqn.a", "ports": [
                {{"transport": "tcp", "traddr": "192.0.2.1", "{name}": {value}}}]}}]}}]"#
        );
        let _ = read(&text);
    }
}
