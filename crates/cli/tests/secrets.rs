//! No output of any format holds a key: keys in every place that can hold one,
//! in every kind of mistake, through every command.

mod common;

use common::{furnish, nvmeroot, stand_in, work, write};

/// Keys by their looks, and one that looks like nothing.
const DHCHAP: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
const TLS: &str = "NVMeTLSkey-1:01:VRLbtnN9AQb2WXW3c9wEf2DRLz0QuLdbYvEhwtdWwNf9LrZ:";
const WIREGUARD: &str = "2Jv0OVcMdJxHZb1mWm5oC5yxYq6Nm0FgB1bPfVdS9k4=";
const PHRASE: &str = "correct7horse8battery9staple";

const ROOT: &str = "\
storage:
  version: 2
  config:
    - id: portal
      type: nvme_controller
      transport: tcp
      tcp_addr: 192.0.2.10
      tcp_port: 4420
    - {id: disk, type: disk, serial: R, nvme_controller: portal}
    - {id: fs, type: format, volume: disk, fstype: ext4}
    - {id: mount, type: mount, device: fs, path: /, options: _netdev}
    - {id: boot, type: disk, serial: B}
    - {id: fs-boot, type: format, volume: boot, fstype: ext4}
    - {id: mount-boot, type: mount, device: fs-boot, path: /boot}
";

const NETPLAN: &str = "\
write_files:
  network:
    path: etc/netplan/00-installer.yaml
    content: |
      network:
        version: 2
        ethernets:
          ens3:
            addresses: [192.0.2.20/24]
";

/// curtin's configuration with something in it: after the controller's port,
/// among the actions, at its end, in the netplan text.
fn configurations(key: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in [
        format!("dhchap_key: {key}"),
        format!("dhchap_key: '{key}"),
        format!("dhchap_key: [{key}, {key}]"),
        format!("dhchap_key: {{{key}: {key}}}"),
        format!("dhchap_key:\n        {key}"),
        format!("dhchap_key: >-\n        {key}\n        x"),
        format!("dhchap_kye: {key}"),
        format!("dhchap_secret: {key}"),
        format!("tls_key: {key}"),
        format!("{key}: dhchap_key"),
        format!("'{key}': x"),
        format!("- {key}"),
        format!("? {key}"),
        key.to_owned(),
        format!("hdr_digest: {key}"),
        format!("queue_size: {key}"),
        format!("host_traddr: {key}"),
        format!("host_iface: {key}"),
        format!("dhchap_key: {key}\n      dhchap_key: {key}"),
        format!("nqn: {key}"),
        format!("subsysnqn: {key}"),
        format!("options: {{dhchap_key: {key}, hdr_digest: maybe}}"),
        format!("!!int {key}: x"),
        format!("dhchap_key: !!int {key}"),
        format!("dhchap_key: !!binary {key}"),
        format!("dhchap_key: &a {key}\n      tcp_port: *a"),
        format!("tcp_port: {key}"),
    ] {
        let line = format!("      tcp_port: 4420\n      {line}\n");
        all.push(ROOT.replace("      tcp_port: 4420\n", &line) + NETPLAN);
    }
    for action in [
        format!("{{id: c, type: dm_crypt, volume: disk, key: {key}, dm_name: }}"),
        format!("{{id: c, type: dm_crypt, volume: nowhere, key: {key}}}"),
        format!("{{id: c, type: dm_crypt, key: [{key}]}}"),
        format!("{{type: dm_crypt, key: {key}}}"),
        format!("{{id: {key}, type: disk, nvme_controller: nowhere}}"),
        format!("{{id: c, type: {key}}}"),
        format!("{{id: c, key: {key}, type: mount, device: fs, path: relative}}"),
        format!("{{id: m, type: mount, device: {key}, path: /srv}}"),
        format!("{{id: m, type: mount, device: fs, path: /srv, options: 'key={key}'}}"),
        format!("{{id: m, type: mount, device: fs, path: '/{key}'}}"),
        format!("{{id: m, type: mount, spec: {key}, path: none}}"),
        format!("{{id: m, type: format, volume: disk, fstype: '{key}'}}"),
        key.to_owned(),
        format!("[{key}]"),
        format!("{{id: c, type: dm_crypt, key: {key}"),
    ] {
        let mounted = format!("    - {action}\n");
        all.push(format!("{ROOT}{mounted}{NETPLAN}"));
    }
    for end in [
        format!("users: [{{plain_text_passwd: {key}, name: [}}]\n"),
        format!("user: {{password: {key}\n"),
        format!("chpasswd: {{list: 'root:{key}'}}\nstorage: {{}}\n"),
        format!("{key}\n"),
        format!("{key}: {key}\n"),
        format!("network: {{version: 2, ethernets: {{ens3: {{auth: {{password: {key}}}}}}}}}\n"),
        format!("network: {{version: 1, config: [{{type: physical, name: {key}}}]}}\n"),
        format!("network: {{version: 1, config: [{{type: wireguard, key: {key}}}]}}\n"),
    ] {
        all.push(format!("{ROOT}{NETPLAN}{end}"));
    }
    for line in [
        format!("          ens4: {{auth: {{key-management: psk, password: {key}, nonsense: 1}}}}"),
        format!("          ens3:\n            auth: {{password: {key}}}"),
        format!("            auth: [{key}]"),
        format!("            auth: {{password: {key}"),
        format!("            mtu: {key}"),
        format!("            macaddress: {key}"),
        format!("            routes: [{{to: {key}, via: 192.0.2.1}}]"),
        format!("            gateway4: {key}"),
        format!("            set-name: {key}"),
        format!("            {key}"),
        format!("            {key}: x"),
        format!("          '{key}': {{dhcp4: true}}"),
        format!("        wifis: {{wl0: {{access-points: {{net: {{password: {key}}}}}}}}}"),
        format!("        wifis: {{wl0: {{access-points: {{net: {{password: [{key}]}}}}}}}}"),
        format!(
            "        tunnels: {{wg0: {{mode: wireguard, key: {key}, peers: [{{keys: {{shared: {key}}}}}]}}}}"
        ),
        format!("        tunnels: {{wg0: {{mode: {key}, key: x}}}}"),
        format!(
            "        tunnels:\n          wg0:\n            mode: wireguard\n            key:\n              {key}\n            prot: 1"
        ),
        format!("        modems: {{m: {{password: {key}, apn: [}}}}"),
    ] {
        all.push(format!(
            "{ROOT}{NETPLAN}      {}\n",
            line.replace('\n', "\n      ")
        ));
    }
    all
}

/// libnvme's files with something in them.
fn files(key: &str) -> Vec<(&'static str, String)> {
    let conf = [
        format!("-t tcp -a 192.0.2.10 -s 4420 -S {key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 -S{key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 -C {key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 -Z {key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 --dhchap-secret={key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 --dhchap-secert {key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 --tls_key {key} --tls"),
        format!("-t tcp -a 192.0.2.10 -s 4420 {key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 --{key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 --{key}=x"),
        format!("-t tcp -a 192.0.2.10 -s 4420 -{key}"),
        format!("-t tcp -a 192.0.2.10 -s {key}"),
        format!("-t tcp -a {key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 -Q {key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 -q {key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 -f {key}"),
        format!("-t tcp -a 192.0.2.10 -s 4420 -S\n{key}"),
        key.to_owned(),
    ];
    let port = |more: &str| {
        format!(
            "[{{\"hostnqn\":\"{}\",\"subsystems\":[{{\"nqn\":\"nqn.a\",\"ports\":[{{\"transport\":\"tcp\",\"traddr\":\"192.0.2.10\",\"trsvcid\":\"4420\",{more}}}]}}]}}]",
            common::HOSTNQN
        )
    };
    let json = [
        port(&format!("\"dhchap_key\":\"{key}\"")),
        port(&format!("\"dhchap_key\":\"{key}")),
        port(&format!("\"dhchap_key\":[\"{key}\"]")),
        port(&format!("\"dhchap_key\":{{\"{key}\":1}}")),
        port(&format!("\"dhchap_kye\":\"{key}\"")),
        port(&format!("\"dhchap_secret\":\"{key}\"")),
        port(&format!("\"{key}\":1")),
        port(&format!("\"queue_size\":\"{key}\"")),
        port(&format!("\"tls_key\":\"{key}\",\"tls\":true")),
        port(&format!("\"dhchap_ctrl_key\":\"x{key}\"")),
        port(&format!("\"dhchap_key\":\n\"{key}\"\n,}}")),
        format!(
            "[{{\"hostnqn\":\"{}\",\"dhchap_key\":\"{key}\",\"subsystems\":3}}]",
            common::HOSTNQN
        ),
        format!("[{{\"hostnqn\":\"{key}\",\"subsystems\":[]}}]"),
        format!("\"{key}\""),
        format!("[\"{key}\"]"),
        format!("{{\"{key}\""),
    ];
    conf.into_iter()
        .map(|text| ("etc/nvme/discovery.conf", text))
        .chain(json.into_iter().map(|text| ("etc/nvme/config.json", text)))
        .chain([
            ("etc/nvme/hostnqn", key.to_owned()),
            ("etc/nvme/hostid", key.to_owned()),
        ])
        .collect()
}

const COMMANDS: &[&[&str]] = &[
    &["plan"],
    &["plan", "--format", "json"],
    &["plan", "--format", "commands"],
    &["plan", "--format", "svg"],
    &["configure", "--agent", "agent", "--dry-run"],
    &["configure", "--agent", "agent", "--format", "json"],
    &["configure", "--runtime", "scripts"],
];

/// Ten characters of it in a row.
fn holds(text: &str, key: &str) -> bool {
    let body = key.rsplit(':').find(|part| !part.is_empty()).unwrap_or(key);
    let parts = body.as_bytes().windows(10);
    let mut parts = parts.map(|part| std::str::from_utf8(part).expect("ASCII"));
    parts.any(|part| text.contains(part))
}

fn leaks(configuration: &str, file: Option<(&str, &str)>, key: &str) -> Vec<String> {
    let work = work();
    furnish(&work.path().join("root"));
    write(&work.path().join("agent"), &stand_in(), 0o755);
    write(
        &work.path().join("curtin.yaml"),
        configuration.as_bytes(),
        0o600,
    );
    if let Some((path, text)) = file {
        write(&work.path().join("root").join(path), text.as_bytes(), 0o600);
    }
    let mut found = Vec::new();
    for arguments in COMMANDS {
        let mut command = nvmeroot();
        command
            .args(*arguments)
            .args(["--curtin", "curtin.yaml", "--root", "root"]);
        let said = common::run(command.current_dir(work.path()));
        assert!(
            matches!(said.status, Some(0..=2)),
            "{arguments:?} {}",
            said.stderr
        );
        for text in [&said.stdout, &said.stderr] {
            if holds(text, key) {
                let lines = text.lines().filter(|line| holds(line, key));
                let lines: Vec<&str> = lines.take(2).collect();
                found.push(format!("{arguments:?}: {}", lines.join(" / ")));
            }
        }
    }
    found
}

fn check(key: &str) {
    let mut report = String::new();
    let plain = format!("{ROOT}{NETPLAN}");
    let configurations = configurations(key).into_iter().map(|text| (text, None));
    let files = files(key)
        .into_iter()
        .map(|file| (plain.clone(), Some(file)));
    for (configuration, file) in configurations.chain(files) {
        let file = file.as_ref().map(|(path, text)| (*path, text.as_str()));
        let found = leaks(&configuration, file, key);
        if let Some(first) = found.first() {
            let input = file.map_or(configuration.as_str(), |(_, text)| text);
            let line = input.lines().find(|line| holds(line, key)).unwrap_or(input);
            report.push_str(&format!(
                "\n{} times, by `{}`\n  {first}\n",
                found.len(),
                line.trim()
            ));
        }
    }
    assert!(report.is_empty(), "a key is shown:{report}");
}

#[test]
fn no_output_holds_a_secret_of_dh_hmac_chap() {
    check(DHCHAP);
}

/// A key that lost its beginning or its end is as secret.
#[test]
fn no_output_holds_half_a_secret() {
    check(&DHCHAP[..40]);
    check(&DHCHAP.to_lowercase());
}

#[test]
fn no_output_holds_a_key_for_tls() {
    check(TLS);
}

#[test]
fn no_output_holds_a_key_of_wireguard() {
    check(WIREGUARD);
}

/// It looks like any word. Where a word of another kind belongs, a wrong one is
/// named; where a secret belongs, or nothing, it is not.
#[test]
fn no_output_holds_a_passphrase_that_stands_where_one_belongs() {
    let mut report = String::new();
    let secret = |line: &str| {
        let (before, _) = line.split_once(PHRASE).unwrap_or((line, ""));
        let named = [
            "key:",
            "key\":",
            "passw",
            "plain_text",
            "chpasswd",
            "dhchap",
            "-S",
            "-C",
            "-Z",
            "auth",
            "shared",
        ];
        // An anchor is what names the secret elsewhere.
        named.iter().any(|word| before.contains(word)) && !before.contains('&')
    };
    let plain = format!("{ROOT}{NETPLAN}");
    let configurations = configurations(PHRASE).into_iter().map(|text| (text, None));
    let files = files(PHRASE)
        .into_iter()
        .map(|file| (plain.clone(), Some(file)));
    for (configuration, file) in configurations.chain(files) {
        let file = file.as_ref().map(|(path, text)| (*path, text.as_str()));
        let input = file.map_or(configuration.as_str(), |(_, text)| text);
        let line = input
            .lines()
            .find(|line| holds(line, PHRASE))
            .unwrap_or(input);
        let found = leaks(&configuration, file, PHRASE);
        if let Some(first) = found.first().filter(|_| secret(line)) {
            report.push_str(&format!(
                "\n{} times, by `{}`\n  {first}\n",
                found.len(),
                line.trim()
            ));
        }
    }
    assert!(report.is_empty(), "a passphrase is shown:{report}");
}
