//! `nvmeroot check --online`: what is wrong with a portal is told apart. The targets here
//! are fakes that answer as the specification says (NVM Express Base Specification 2.0 and
//! TCP Transport Specification 1.0); the kernel's own is in the lab.

mod bootable;
mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use bootable::{Generator, Input, Machine, SECRET};
use nvmeroot_fabrics::answers::{data, initialized, response};
use nvmeroot_fabrics::auth;
use nvmeroot_fabrics::group::{Exponent, Group};

const NQN: &str = "nqn.2024-01.com.example:root";
const PLAN: &str = "etc/nvmeroot/plan.json";

/// What a target is like.
#[derive(Clone, Copy, Debug, Default)]
struct Target {
    /// It says this, and closes.
    other: Option<&'static [u8]>,
    does_not_know: bool,
    does_not_admit: bool,
    /// It asks for a secret, and which it takes.
    secret: Option<&'static str>,
    /// It asks for a Diffie-Hellman group.
    group: u8,
    /// And says nothing of its own side of the exchange.
    is_mute: bool,
    namespaces: u32,
    offers_nothing: bool,
    /// Its log refers to another portal, and has nothing else.
    refers: bool,
    /// So many more are in its log, which it does not know.
    unknown: u8,
}

impl Target {
    fn serve(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("its address");
        thread::spawn(move || {
            for host in listener.incoming().flatten() {
                // How the host leaves is its own affair.
                let _ = self.answer(host, at);
            }
        });
        at
    }

    fn answer(self, mut host: TcpStream, at: SocketAddr) -> std::io::Result<()> {
        read(&mut host)?;
        if let Some(other) = self.other {
            return host.write_all(other);
        }
        host.write_all(&initialized())?;
        let mut subsystem = String::new();
        let mut message = Vec::new();
        let exponent = Group::of(self.group).map(Exponent::random).transpose()?;
        loop {
            let pdu = read(&mut host)?;
            let command = u16::from_le_bytes([pdu[10], pdu[11]]);
            let mut page = Vec::new();
            let mut length = 4096;
            let (result, status) = match (pdu[8], pdu[12]) {
                (0x7f, 1) => {
                    let nqn = &pdu[72 + 256..72 + 512];
                    let end = nqn.iter().position(|byte| *byte == 0).expect("an end");
                    subsystem = String::from_utf8(nqn[..end].to_vec()).expect("an NQN");
                    self.connect(&subsystem)
                }
                // It is ready at once.
                (0x7f, 4) => (1, 0),
                (0x7f, 5) => {
                    message = self.message(&pdu[72..], &subsystem, exponent.as_ref());
                    (0, 0)
                }
                (0x7f, 6) => {
                    page = message.clone();
                    (0, 0)
                }
                (0x7f, _) => (0, 0),
                (6, _) => {
                    page = (1..=self.namespaces).flat_map(u32::to_le_bytes).collect();
                    (0, 0)
                }
                _ => {
                    let from = usize::try_from(u64::from_le_bytes(
                        pdu[8 + 48..8 + 56].try_into().expect("eight"),
                    ));
                    let double_words = u16::from_le_bytes([pdu[8 + 42], pdu[8 + 43]]);
                    length = (usize::from(double_words) + 1) * 4;
                    page = self.log(at).split_off(from.expect("small"));
                    (0, 0)
                }
            };
            if pdu[47] == 0x5a {
                page.resize(length, 0);
                host.write_all(&data(command, 0, &page, 4))?;
            }
            host.write_all(&response(command, result, status))?;
        }
    }

    fn connect(self, subsystem: &str) -> (u64, u16) {
        let is_discovery = subsystem.ends_with("discovery");
        match self {
            _ if is_discovery => (1, 0),
            _ if subsystem.contains("unknown") => (1 << 16 | 256, 0x182),
            Self {
                does_not_know: true,
                ..
            } => (1 << 16 | 256, 0x182),
            Self {
                does_not_admit: true,
                ..
            } => (1 << 16 | 512, 0x184),
            Self {
                secret: Some(_), ..
            } => (0x2_0001, 0),
            _ => (1, 0),
        }
    }

    /// What it answers to a message of authentication.
    fn message(self, said: &[u8], subsystem: &str, exponent: Option<&Exponent>) -> Vec<u8> {
        let said_by_us = exponent.filter(|_| !self.is_mute);
        let public = said_by_us.map_or_else(Vec::new, Exponent::public);
        let length = u16::try_from(public.len()).expect("short").to_le_bytes();
        let mut challenge = vec![1, 1, 0, 0, 1, 0, 32, 0, 1, self.group];
        challenge.extend(length);
        challenge.extend([7, 0, 0, 0]);
        challenge.extend([9; 32]);
        challenge.extend(public);
        if said[1] == 0 {
            assert_eq!((said[0], said[7], said[8]), (0, 1, 1), "it negotiates");
            return challenge;
        }
        let secret = self.secret.expect("a secret").parse().expect("a secret");
        let auth::Message::Challenge(asked) = auth::Message::parse(&challenge) else {
            panic!("a challenge");
        };
        // After the response is place for a challenge of the host.
        let theirs = &said[16 + 64..];
        assert_eq!(said[10..12], length, "as long as the prime");
        let shared = exponent.map(|one| one.shared(theirs).expect("a value"));
        let host = common::HOSTNQN;
        let right = auth::response(&asked, shared.as_deref(), &secret, host, subsystem);
        match right.as_deref() == Some(&said[16..48]) {
            true => vec![1, 3, 0, 0, 1, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            false => vec![0, 0xf1, 0, 0, 1, 0, 1, 1],
        }
    }

    /// A discovery log with one subsystem and those that are unknown, at this very portal.
    fn log(self, at: SocketAddr) -> Vec<u8> {
        let mut page = vec![0; 1024];
        if self.offers_nothing {
            page.resize(4096, 0);
            return page;
        }
        page[8] = 1 + self.unknown;
        for number in 0..=self.unknown {
            let mut entry = vec![0; 1024];
            entry[..3].copy_from_slice(&[3, 1, if self.refers { 1 } else { 2 }]);
            let mut put = |at: usize, text: &str| {
                entry[at..at + text.len()].copy_from_slice(text.as_bytes());
            };
            put(32, &at.port().to_string());
            match number {
                0 => put(256, NQN),
                _ => put(256, &format!("nqn.2024-01.com.example:unknown{number}")),
            }
            put(512, &at.ip().to_string());
            page.extend(entry);
        }
        page
    }
}

fn read(host: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut pdu = vec![0; 8];
    host.read_exact(&mut pdu)?;
    let length = u32::from_le_bytes(pdu[4..8].try_into().expect("four"));
    pdu.resize(usize::try_from(length).expect("small"), 0);
    host.read_exact(&mut pdu[8..])?;
    Ok(pdu)
}

/// A healthy machine whose plan has this portal.
fn machine(input: Input, at: SocketAddr, names_subsystem: bool) -> Machine {
    let mut machine = Machine::new(Generator::InitramfsTools, input);
    let text = std::fs::read_to_string(machine.path(PLAN)).expect("a plan");
    let mut plan: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let controller = &mut plan["controllers"][0];
    controller["traddr"] = at.ip().to_string().into();
    controller["trsvcid"] = at.port().to_string().into();
    if names_subsystem {
        controller["nqn"] = NQN.into();
    }
    common::write(&machine.path(PLAN), plan.to_string().as_bytes(), 0o600);
    machine.copy_in(PLAN, 0o600);
    machine.write_initrd();
    machine
}

#[track_caller]
fn expect(machine: &Machine, expected: &[&str]) {
    let (status, findings) = machine.check_online();
    let findings: Vec<String> = findings
        .into_iter()
        .map(|(severity, word)| format!("{severity} {word}"))
        .collect();
    assert_eq!(findings, expected);
    let has_fault = expected.iter().any(|one| one.starts_with("fault"));
    assert_eq!(status, Some(i32::from(has_fault)));
}

/// What is found at a target, by its discovery log and with the subsystem named.
#[track_caller]
fn found(input: Input, target: Target, expected: &[&str]) {
    for names_subsystem in [false, true] {
        expect(&machine(input, target.serve(), names_subsystem), expected);
    }
}

const HEALTHY: Target = Target {
    other: None,
    does_not_know: false,
    does_not_admit: false,
    secret: None,
    group: 0,
    is_mute: false,
    namespaces: 1,
    offers_nothing: false,
    refers: false,
    unknown: 0,
};

const WRONG: &str = "DHHC-1:00:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj/jBqb2:";

#[test]
fn a_target_that_is_ready() {
    found(Input::Vlan, HEALTHY, &[]);
    let namespaces = 3;
    found(
        Input::Vlan,
        Target {
            namespaces,
            ..HEALTHY
        },
        &[],
    );
}

#[test]
fn a_port_where_nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("its address");
    drop(listener);
    expect(&machine(Input::Vlan, at, false), &["fault portal-refused"]);
}

#[test]
fn something_that_is_not_nvme() {
    for other in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_10.0\r\n",
        b"",
    ] {
        let target = Target {
            other: Some(other),
            ..HEALTHY
        };
        found(Input::Vlan, target, &["fault portal-other"]);
    }
}

#[test]
fn a_subsystem_that_is_not_there() {
    let target = Target {
        does_not_know: true,
        ..HEALTHY
    };
    found(Input::Vlan, target, &["fault nqn-unknown"]);
}

#[test]
fn a_host_that_is_not_admitted() {
    let target = Target {
        does_not_admit: true,
        ..HEALTHY
    };
    found(Input::Vlan, target, &["fault host-refused"]);
}

#[test]
fn a_log_that_is_empty() {
    let target = Target {
        offers_nothing: true,
        ..HEALTHY
    };
    expect(
        &machine(Input::Vlan, target.serve(), false),
        &["fault nothing-offered"],
    );
}

#[test]
fn what_fails_behind_a_discovery_log_is_told() {
    let unknown = |unknown| Target { unknown, ..HEALTHY };
    let expect = |target: Target, expected: &[&str]| {
        expect(&machine(Input::Vlan, target.serve(), false), expected);
    };
    expect(unknown(2), &["warning nqn-unknown"; 2]);
    let mut many = vec!["warning nqn-unknown"; 15];
    many.push("warning portal-unsure");
    expect(unknown(20), &many);
    let target = Target {
        namespaces: 0,
        ..unknown(1)
    };
    expect(target, &["fault no-namespace", "fault nqn-unknown"]);
    let target = Target {
        refers: true,
        ..HEALTHY
    };
    expect(target, &["warning portal-unsure"]);
}

#[test]
fn a_plan_without_a_host_is_told() {
    let mut machine = machine(Input::Vlan, HEALTHY.serve(), true);
    let text = std::fs::read_to_string(machine.path(PLAN)).expect("a plan");
    let mut plan: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    plan["host"] = serde_json::Value::Null;
    common::write(&machine.path(PLAN), plan.to_string().as_bytes(), 0o600);
    machine.copy_in(PLAN, 0o600);
    machine.write_initrd();
    let (_, findings) = machine.check(&["--online"]);
    let words: Vec<&str> = findings.iter().map(|(_, word)| &**word).collect();
    assert_eq!(words, ["identity-missing", "portal-unsure"]);
}

#[test]
fn a_secret_that_is_missing_wrong_or_right() {
    let asking = |secret| Target {
        secret: Some(secret),
        ..HEALTHY
    };
    found(Input::Vlan, asking(SECRET), &["fault secret-missing"]);
    found(Input::Secret, asking(SECRET), &[]);
    found(Input::Secret, asking(WRONG), &["fault secret-wrong"]);
}

#[test]
fn a_secret_that_is_wrong_or_right_after_an_exchange() {
    // The shortest, and the longest: what lies between is a row of the same table.
    for group in [1, 5] {
        let asking = |secret| Target {
            secret: Some(secret),
            group,
            ..HEALTHY
        };
        found(Input::Secret, asking(SECRET), &[]);
        found(Input::Secret, asking(WRONG), &["fault secret-wrong"]);
    }
}

#[test]
fn an_exchange_that_makes_no_sense_is_no_fault() {
    for (group, is_mute) in [(6, false), (1, true)] {
        let target = Target {
            secret: Some(SECRET),
            group,
            is_mute,
            ..HEALTHY
        };
        found(Input::Secret, target, &["warning portal-unsure"]);
    }
}

#[test]
fn a_subsystem_without_a_namespace() {
    let target = Target {
        namespaces: 0,
        ..HEALTHY
    };
    found(Input::Vlan, target, &["fault no-namespace"]);
}

/// As the agent's namespace tests, this needs root.
#[test]
fn a_machine_without_a_route() {
    let at = "192.0.2.10:4420".parse().expect("an address");
    let machine = machine(Input::Vlan, at, false);
    let said = common::run(
        std::process::Command::new("unshare")
            .args(["--net", "--", env!("CARGO_BIN_EXE_nvmeroot")])
            .args(["check", "--online", "--root"])
            .arg(machine.path("")),
    );
    let first = said.stdout.lines().next();
    assert_eq!(
        first,
        Some("fault: no route leads to `192.0.2.10:4420`: Network is unreachable (os error 101)"),
        "{}",
        said.stderr
    );
    assert_eq!(
        said.stderr,
        "asking `192.0.2.10:4420` …\n`192.0.2.10:4420` is not ready (portal-no-route)\n"
    );
}
