//! `nvmeroot nbft`: what is shown of tables, and what is said of broken ones.

mod common;

use std::path::PathBuf;

use common::{ProgramOutput, nvmeroot, run};
use nvmeroot_nbft::{
    DISCOVERY_NQN, Diagnostics, Discovery, Hfi, HfiFlags, Host, HostFlags, NamespaceId,
    NamespaceIdKind, SecurityFlags, SecurityProfile, Subsystem, SubsystemExtended,
    SubsystemExtendedFlags, SubsystemFlags, Table, TransportFlags, fix_checksum,
};
use serde_json::{Value, json};

/// One card with a lease, one with a static IPv6 address on a VLAN; a drive,
/// the same one unreachable, a discovery that failed.
fn table() -> Table {
    let mut table = Table::new(Host::new("nqn.2014-08.org.example:host", [0x5f; 16]));
    table.host.flags.remove(HostFlags::ID_CONFIGURED);
    let mut lease = Hfi::new(1, [2, 0, 0, 0, 0, 1], [192, 0, 2, 5].into(), 24);
    lease.flags |= HfiFlags::DHCP | HfiFlags::DEFAULT_ROUTE;
    lease.pci.sbdf = 0x6a00;
    lease.dhcp_server = "192.0.2.2"
        .parse::<std::net::IpAddr>()
        .expect("IPv4")
        .into();
    lease.gateway = lease.dhcp_server;
    lease.dns = [lease.dhcp_server; 2];
    lease.host_name = Some("host".to_owned());
    let six = "2001:db8::5".parse().expect("IPv6");
    let mut tagged = Hfi::new(2, [2, 0, 0, 0, 0, 2], six, 64);
    tagged.vlan = 7;
    table.hfis = vec![lease, tagged];

    let nqn = "nqn.2014-08.org.example:drive";
    let mut drive = Subsystem::new(1, 1, [192, 0, 2, 9].into(), 4420, nqn);
    drive.nsid = 3;
    drive.nid = NamespaceId {
        kind: NamespaceIdKind::Uuid,
        bytes: *b"\x12\x34\x56\x78\x9a\xbc\xde\xf0\x11\x22\x33\x44\x55\x66\x77\x88",
    };
    drive.hfis.push(2);
    drive.security = Some(1);
    drive.transport_flags = TransportFlags::VALID | TransportFlags::DATA_DIGEST;
    let far = "2001:db8::9".parse().expect("IPv6");
    let mut dead = Subsystem::new(2, 2, far, 4420, nqn);
    dead.flags = SubsystemFlags::VALID | SubsystemFlags::UNAVAILABLE;
    dead.extended = Some(SubsystemExtended {
        flags: SubsystemExtendedFlags::VALID,
        diagnostics: Some(Diagnostics {
            availability: 2,
            network: 2,
            timeout: 30,
            ..Diagnostics::default()
        }),
        ..SubsystemExtended::default()
    });
    let mut failed = Subsystem::new(3, 2, far, 8009, DISCOVERY_NQN);
    failed.flags = SubsystemFlags::VALID | SubsystemFlags::UNAVAILABLE;
    failed.discovery = Some(1);
    table.subsystems = vec![drive, dead, failed];
    table.discovery = vec![Discovery::new(1, 2, "nvme+tcp://[2001:db8::9]:8009/")];
    table.security = vec![SecurityProfile {
        index: 1,
        // Authentication and TLS are required.
        flags: SecurityFlags::from_bits_retain(0x45) | SecurityFlags::HASHES,
        hashes: vec![1, 2],
        key_path: Some("https://me:secret@bmc.example/keys".to_owned()),
        ..SecurityProfile::default()
    }];
    table
}

/// A directory with tables.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, bytes) in files {
            std::fs::write(dir.path().join(name), bytes).expect("a file");
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn nbft(&self, arguments: &[&str]) -> ProgramOutput {
        let mut command = nvmeroot();
        run(command
            .arg("nbft")
            .args(arguments)
            .current_dir(self.0.path()))
    }
}

fn bytes(table: &Table) -> Vec<u8> {
    table.to_bytes().expect("a table")
}

#[test]
fn a_table_is_shown_for_people() {
    let scene = Scene::new(&[("NBFT", &bytes(&table()))]);
    let said = scene.nbft(&["NBFT"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        said.stdout,
        "\
NBFT: boot table, revision 1.0

host
  nqn  nqn.2014-08.org.example:host (configured)
  id   5f5f5f5f-5f5f-5f5f-5f5f-5f5f5f5f5f5f (the firmware's own)

network cards
  HFI  MAC                VLAN  PCI           address         from              gateway              DNS                   host name
  1    02:00:00:00:00:01  -     0000:6a:00.0  192.0.2.5/24    DHCP (192.0.2.2)  192.0.2.2 (default)  192.0.2.2, 192.0.2.2  host
  2    02:00:00:00:00:02  7     0000:00:00.0  2001:db8::5/64  static            -                    -                     -

subsystems
  no.  portal              HFI   NQN                                   namespace                                          state
  1    192.0.2.9:4420      1, 2  nqn.2014-08.org.example:drive         nsid 3, uuid 12345678-9abc-def0-1122-334455667788  available, data digest, security profile 1
  2    [2001:db8::9]:4420  2     nqn.2014-08.org.example:drive         -                                                  unavailable, connection failure, no carrier, after 30 s
  3    [2001:db8::9]:8009  2     nqn.2014-08.org.nvmexpress.discovery  -                                                  discovery failed

discovery
  no.  URI                             HFI  NQN                                   state
  1    nvme+tcp://[2001:db8::9]:8009/  2    nqn.2014-08.org.nvmexpress.discovery  led to no subsystem

security profiles
  no.  authentication  TLS       hash functions    groups  key
  1    required        required  SHA-256, SHA-384  -       https://…@bmc.example/keys
"
    );
}

#[test]
fn a_table_is_shown_for_programs() {
    let scene = Scene::new(&[("NBFT", &bytes(&table()))]);
    let said = scene.nbft(&["--format", "json", "NBFT"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    let all: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let table = &all[0];
    assert_eq!(table["file"], "NBFT");
    assert_eq!(
        table["host"],
        json!({
            "nqn": "nqn.2014-08.org.example:host", "nqn_configured": true,
            "id": "5f5f5f5f-5f5f-5f5f-5f5f-5f5f5f5f5f5f", "id_configured": false,
            "primary": "not indicated",
        })
    );
    assert_eq!(
        table["hfis"][0],
        json!({
            "index": 1, "transport": "tcp", "pci": "0000:6a:00.0", "mac": "02:00:00:00:00:01",
            "vlan": null, "ip": "192.0.2.5", "prefix": 24, "gateway": "192.0.2.2", "metric": 0,
            "dns": ["192.0.2.2", "192.0.2.2"], "origin": "DHCP", "dhcp": true,
            "dhcp_server": "192.0.2.2", "autoconfigured": false, "default_route": true,
            "host_name": "host", "iaid": null, "duid": null,
        })
    );
    assert_eq!(table["hfis"][1]["vlan"], 7);
    assert_eq!(table["hfis"][1]["dns"], json!([]));
    let drive = &table["subsystems"][0];
    for (key, value) in [
        ("traddr", json!("192.0.2.9")),
        ("trsvcid", json!("4420")),
        ("nqn", json!("nqn.2014-08.org.example:drive")),
        ("nsid", json!(3)),
        ("hfis", json!([1, 2])),
        ("security", json!(1)),
        ("availability", json!("available")),
        (
            "nid",
            json!({"type": "uuid", "value": "12345678-9abc-def0-1122-334455667788"}),
        ),
    ] {
        assert_eq!(drive[key], value, "{key}");
    }
    assert_eq!(
        table["subsystems"][1]["diagnostics"],
        json!({
            "availability": 2, "connect": 0, "network": 2, "timeout": 30,
            "reasons": ["connection failure", "no carrier", "after 30 s"],
        })
    );
    assert_eq!(
        table["discovery"],
        json!([{
            "index": 1, "uri": "nvme+tcp://[2001:db8::9]:8009/", "nqn": DISCOVERY_NQN,
            "hfi": 2, "security": null, "answered": false,
        }])
    );
    assert_eq!(table["security"][0]["authentication"], "required");
    assert!(!said.stdout.contains("secret@"), "{}", said.stdout);
    assert_eq!(table["notes"], json!([]));
}

#[test]
fn broken_tables_are_refused_and_the_others_shown() {
    let good = bytes(&table());
    let mut flipped = good.clone();
    flipped[200] ^= 1;
    let scene = Scene::new(&[
        ("cut", &good[..300]),
        ("good", &good),
        ("flipped", &flipped),
    ]);
    let hint = "hint: nothing of this table can be relied on; update the firmware\n";
    let errors = format!(
        "error: `cut`: at offset 0x4: the header says that the table has {} bytes; it has 300\n\
         {hint}\
         error: `flipped`: at offset 0x9: the checksum is wrong: the bytes add up to 0x{:02x}, \
         not to 0\n{hint}",
        good.len(),
        flipped[200].wrapping_sub(good[200]),
    );
    let said = scene.nbft(&["cut", "good", "flipped"]);
    assert_eq!((said.status, &said.stderr), (Some(1), &errors));
    assert_eq!(said.stdout, scene.nbft(&["good"]).stdout);
    let said = scene.nbft(&["--format=json", "cut", "good", "flipped"]);
    assert_eq!((said.status, &said.stderr), (Some(1), &errors));
    let all: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let files: Vec<_> = all
        .as_array()
        .expect("tables")
        .iter()
        .map(|t| &t["file"])
        .collect();
    assert_eq!(files, ["good"]);
}

/// The second card is marked as unused, and what needs it is left out too.
#[test]
fn what_is_left_out_is_said() {
    let mut unused = bytes(&table());
    unused[160 + 32 + 2] = 0;
    fix_checksum(&mut unused);
    let scene = Scene::new(&[("NBFT", &unused)]);
    let said = scene.nbft(&["NBFT"]);
    assert_eq!(said.status, Some(0));
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(
        lines[0],
        "note: `NBFT`: HFI (number 2 of its list) left out: at offset 0xc2: the structure is \
         not marked as valid"
    );
    assert!(
        lines[1].starts_with("warning: `NBFT`: discovery entry (number 1 of its list) left out"),
        "{}",
        lines[1]
    );
    assert!(
        !said.stdout.contains("02:00:00:00:00:02"),
        "{}",
        said.stdout
    );
    let said = scene.nbft(&["--format", "json", "NBFT"]);
    let all: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let note = &all[0]["notes"][0];
    assert_eq!(
        (&note["record"], &note["offset"]),
        (&json!("HFI"), &json!(0xc2))
    );
}

#[test]
fn a_table_can_t_give_the_terminal_orders() {
    let mut table = table();
    let evil = "a\x1b]0;x\x07\r\u{9b}2J\u{202e}b";
    table.host.nqn = evil.to_owned();
    table.hfis[0].host_name = Some(evil.to_owned());
    table.subsystems[0].nqn = evil.to_owned();
    table.subsystems[0].trsvcid = evil.to_owned();
    table.discovery[0].uri = evil.to_owned();
    table.discovery[0].unique_nqn = Some(evil.to_owned());
    table.security[0].key_path = Some(evil.to_owned());
    let scene = Scene::new(&[("NBFT", &bytes(&table))]);
    for format in ["text", "json"] {
        let said = scene.nbft(&["--format", format, "NBFT"]);
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
        let order = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert_eq!(said.stdout.find(order), None, "{}", said.stdout);
    }
    let json = scene.nbft(&["--format", "json", "NBFT"]).stdout;
    let all: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(all[0]["host"]["nqn"], evil);
}

#[test]
fn what_is_no_table_is_not_read() {
    let scene = Scene::new(&[("text", b"hello, world"), ("empty", b"")]);
    let long = std::fs::File::create(scene.path("long")).expect("a file");
    long.set_len(1 << 40).expect("a file with a hole");
    std::fs::create_dir(scene.path("directory")).expect("a directory");
    let fifo = std::process::Command::new("mkfifo")
        .arg(scene.path("pipe"))
        .status();
    assert!(fifo.expect("mkfifo").success());
    let table = "hint: name a file with a boot table, such as a copy of `/sys/firmware/acpi/tables/NBFT`; without a name `nvmeroot nbft` shows this machine's\n";
    let irregular = format!("it is not a regular file\n{table}");
    for (name, message) in [
        (
            "text",
            format!("at offset 0x0: the signature is `hell`; expected `NBFT`\n{table}"),
        ),
        (
            "empty",
            format!("at offset 0x0: the table has 0 bytes; it needs at least 128\n{table}"),
        ),
        (
            "long",
            format!("it is longer than 4194304 bytes; no boot table is\n{table}"),
        ),
        ("directory", irregular.clone()),
        ("pipe", irregular.clone()),
        ("/dev/zero", irregular.clone()),
        (
            "nothing",
            "can't read it: No such file or directory (os error 2)\n".to_owned(),
        ),
    ] {
        let said = scene.nbft(&[name]);
        assert_eq!(said.stderr, format!("error: `{name}`: {message}"));
        assert_eq!((said.status, said.stdout.as_str()), (Some(1), ""));
    }
}
