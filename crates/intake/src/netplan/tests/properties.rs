//! Properties: places, any bytes, and time.

use std::fmt::Write as _;
use std::time::Duration;

use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};

use super::*;

/// One thing that a definition may say, and what is wrong with it.
#[derive(Clone, Debug)]
struct Saying {
    text: &'static str,
    /// What, if anything, is wrong stands at this character of the text.
    wrong_at: Option<usize>,
}

fn saying() -> impl Strategy<Value = Saying> {
    let said = |text, wrong_at| Saying { text, wrong_at };
    prop::sample::select(vec![
        said("dhcp4: yes", None),
        said("addresses: [10.0.0.1/24]", None),
        said("# a comment: 'with' [marks", None),
        said("wakeonlan: true", None),
        said("mtu: 70000", Some(5)),
        said("dhcp6:   maybe", Some(9)),
        said("gateway4: \"::1\"", Some(10)),
        said(
            "nameservers: {addresses: [1.1.1.1, 'ä', 1.0.0.1]}",
            Some(35),
        ),
        said("routes: [{to: 10.0.0.0/8, via: nowhere}]", Some(31)),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every wrong value is found, each at its own line and column.
    #[test]
    fn wrong_values_are_found_where_they_stand(
        definitions in prop::collection::vec(prop::collection::vec(saying(), 0..4), 1..6),
        indent in 1_usize..6,
        comments in 0_usize..3,
    ) {
        let pad = |depth: usize| " ".repeat(indent * depth);
        let mut text = "# ünïcode\n".repeat(comments);
        let _ = write!(text, "network:\n{}ethernets:\n", pad(1));
        let mut line = u32::try_from(comments).unwrap() + 3;
        let mut expected = Vec::new();
        for (number, sayings) in definitions.iter().enumerate() {
            let _ = writeln!(text, "{}e{number}:", pad(2));
            line += 1;
            let mut said = Vec::new();
            for saying in sayings {
                let key = saying.text.split(':').next().unwrap();
                if said.contains(&key) {
                    continue;
                }
                said.push(key);
                let _ = writeln!(text, "{}{}", pad(3), saying.text);
                if let Some(at) = saying.wrong_at {
                    expected.push((line, u32::try_from(3 * indent + at + 1).unwrap()));
                }
                line += 1;
            }
        }
        match read(&[source("n.yaml", &text)]) {
            Ok(fragment) => {
                prop_assert!(expected.is_empty(), "{text}");
                prop_assert_eq!(fragment.interfaces.map(|all| all.len()), Some(definitions.len()));
            }
            Err(error) => {
                let found = error.into_diagnostics();
                let places: Vec<_> =
                    found.shown.iter().map(|d| (d.origin.line, d.origin.column)).collect();
                prop_assert_eq!(places, expected, "{}", text);
            }
        }
    }

    #[test]
    fn any_bytes_give_a_fragment_or_errors(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let source = Source { name: "n".to_owned(), path: None, text: &bytes, ..Source::default() };
        if let Err(error) = read(&[source]) {
            prop_assert!(!error.into_diagnostics().shown.is_empty());
        }
    }

    /// Made of the words of netplan, so that more of it is reached.
    #[test]
    fn any_words_give_a_fragment_or_errors(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..60),
        path in prop::sample::select(vec!["n.yaml", "etc/netplan/a.yaml", "etc/cloud/cloud.cfg.d/a.cfg"]),
    ) {
        let text = words.concat();
        if let Err(error) = read(&[source(path, &text), source("n.yaml", "network: {ethernets: {e0: {}}}")]) {
            prop_assert!(!error.into_diagnostics().shown.is_empty());
        }
    }
}

const WORDS: &[&str] = &[
    "network: ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "- ",
    "? ",
    "ethernets",
    "vlans",
    "bonds",
    "vrfs",
    "version: 2",
    "e0",
    "e1",
    "match",
    "name",
    "set-name",
    "addresses",
    "10.0.0.1/24",
    "routes",
    "to",
    "default",
    "via",
    "fe80::1",
    "null",
    "~",
    "''",
    "&a ",
    "*a",
    "<<",
    "!!null ",
    "interfaces",
    "link",
    "id",
    "7",
    "table",
    "gateway4",
    "10.0.0.1",
    "renderer",
    "NetworkManager",
    "nameservers",
    "parameters",
    "primary",
    "openvswitch",
    "ports",
    "dhcp4",
    "true",
    "macaddress",
    "00:16:3e:00:00:01",
    "ä",
    "config",
    "disabled",
    "version: 1",
];

/// A configuration of that many interfaces, each as an installer writes it.
fn large(interfaces: usize) -> String {
    let mut text = "network:\n  version: 2\n  ethernets:\n".to_owned();
    for n in 0..interfaces {
        let (a, b) = (n / 250 % 250, n % 250);
        let _ = write!(
            text,
            "    eth{n}:\n      match: {{macaddress: \"52:54:00:00:{a:02x}:{b:02x}\"}}\n      \
             set-name: eth{n}\n      addresses:\n      - 10.{a}.{b}.2/24\n      - \
             2001:db8:{n:x}::2/64\n      nameservers: {{addresses: [10.{a}.{b}.1], search: \
             [example.com]}}\n      mtu: 9000\n      routes:\n      - to: 172.16.0.0/12\n        \
             via: 10.{a}.{b}.1\n        metric: {n}\n"
        );
    }
    text
}

/// Time that this thread has computed: a busy machine does not add to it.
fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).expect("since the thread began");
    Duration::new(seconds, u32::try_from(now.tv_nsec).expect("below a second"))
}

fn time(text: &str) -> Duration {
    let started = now();
    let all = interfaces(text);
    let taken = now() - started;
    assert!(all.len() > 1);
    taken
}

/// Eight times as much takes about eight times as long, not sixty-four times.
/// The bound is wide, since others use the caches too.
#[test]
fn time_grows_as_the_input_does() {
    let best = |text: &str| (0..3).map(|_| time(text)).min().expect("three");
    let (small, big) = (large(200), large(1600));
    let (small, big) = (best(&small), best(&big));
    assert!(big < small * 32, "{small:?} for 200, {big:?} for 1600");
}

#[test]
fn five_thousand_wrong_references_take_no_time() {
    let mut text = "network:\n  ethernets:\n".to_owned();
    for n in 0..2500 {
        let _ = writeln!(text, "    ethernet{n}: {{}}");
    }
    text.push_str("  bonds:\n");
    for n in 0..2500 {
        let _ = writeln!(
            text,
            "    bond{n}: {{interfaces: [ethernot{n}], unknown{n}: 1}}"
        );
    }
    let started = now();
    let found = refused(&text);
    assert_eq!(found.shown.len() + found.left_out, 2500);
    let taken = now() - started;
    assert!(taken < Duration::from_secs(5), "{taken:?}");
}

#[test]
fn a_long_list_in_one_interface_takes_no_time() {
    let mut text = "network:\n  ethernets:\n    e0:\n      routes:\n".to_owned();
    for n in 0..20_000_u32 {
        let [_, a, b, c] = n.to_be_bytes();
        let _ = writeln!(text, "      - {{to: 10.{a}.{b}.{c}/32, via: 192.0.2.1}}");
    }
    let started = now();
    assert_eq!(only(&text).routes.len(), 20_000);
    let taken = now() - started;
    assert!(taken < Duration::from_secs(5), "{taken:?}");
}
