//! The options of a connection: one table that everything else reads.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{InterfaceName, NameError, Secret};

/// What kind of value an option has, and so how its text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// The name of an interface.
    Interface,
    /// An IP address.
    Address,
    /// A count from 0.
    Count,
    /// Seconds from 0.
    Seconds,
    /// Seconds, or -1 for ever.
    SecondsOrNever,
    /// The type of service of IP packets, 0 to 255.
    TypeOfService,
    /// On or off. nvme-cli and the kernel name the option where it is on.
    Switch,
    /// A secret of DH-HMAC-CHAP.
    Secret,
}

impl OptionKind {
    /// What a message says was expected.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Interface => "the name of an interface",
            Self::Address => "an IPv4 or IPv6 address",
            Self::Count => "a whole number",
            Self::Seconds => "a whole number of seconds",
            Self::SecondsOrNever => "seconds, or -1 for ever",
            Self::TypeOfService => "a whole number from 0 to 255",
            Self::Switch => "`true` or `false`",
            Self::Secret => "a secret of DH-HMAC-CHAP",
        }
    }
}

/// Why a text is no value of an option.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OptionError {
    /// It is of another kind.
    #[error("expected {expected}")]
    Misfit {
        /// What would fit.
        expected: &'static str,
    },
    /// The value's own type says what is wrong. It does not show a secret.
    #[error(transparent)]
    Value(#[from] NameError),
}

/// One option of a connection: what each program calls it.
#[derive(Debug)]
pub struct ConnectOption {
    /// The kernel's word (`opt_tokens` in drivers/nvme/host/fabrics.c), which
    /// curtin's configuration uses too, where it may hold the option.
    pub name: &'static str,
    /// What its value is.
    pub kind: OptionKind,
    /// nvme-cli's long option (nvme-connect(1)).
    pub long: &'static str,
    /// nvme-cli's letter.
    pub letter: char,
    /// The key of a port in libnvme's config.json
    /// (`json_parse_port` and `json_update_attributes` in its src/nvme/json.c).
    pub json_key: &'static str,
    /// Every kernel with NVMe/TCP (5.0) knows it.
    pub is_in_every_kernel: bool,
    /// It also concerns a connection to a discovery controller, which lives
    /// for one question.
    pub concerns_discovery: bool,
    get: fn(&ConnectOptions) -> Option<String>,
    set: fn(&mut ConnectOptions, OptionKind, &str) -> Result<(), OptionError>,
    unset: fn(&mut ConnectOptions),
}

impl ConnectOption {
    /// The option of which that is the kernel's word.
    pub fn named(name: &str) -> Option<&'static Self> {
        CONNECT_OPTIONS.iter().find(|option| option.name == name)
    }

    /// The option's value as text, `None` where it is not said; a switch that
    /// is on is the empty text. A secret is told: the text is for the kernel
    /// alone.
    pub fn value(&self, options: &ConnectOptions) -> Option<String> {
        (self.get)(options)
    }

    /// Sets the option from text; a switch from `true` or `false`.
    ///
    /// # Errors
    /// The text is no such value; then nothing is set.
    pub fn set(&self, options: &mut ConnectOptions, text: &str) -> Result<(), OptionError> {
        (self.set)(options, self.kind, text)
    }

    /// Takes back what is said of it.
    pub fn unset(&self, options: &mut ConnectOptions) {
        (self.unset)(options);
    }

    /// It may be shown to nobody.
    pub fn is_secret(&self) -> bool {
        self.kind == OptionKind::Secret
    }
}

/// A field of [`ConnectOptions`].
trait Held {
    /// It is not said.
    fn is_unset(&self) -> bool;
    fn text(&self) -> Option<String>;
    fn read(&mut self, kind: OptionKind, text: &str) -> Result<(), OptionError>;
    /// Takes over what is not said here.
    fn fill(&mut self, other: &Self);
}

impl<T: Value> Held for Option<T> {
    fn is_unset(&self) -> bool {
        self.is_none()
    }

    fn text(&self) -> Option<String> {
        self.as_ref().map(Value::told)
    }

    fn read(&mut self, kind: OptionKind, text: &str) -> Result<(), OptionError> {
        *self = Some(T::read(kind, text)?);
        Ok(())
    }

    fn fill(&mut self, other: &Self) {
        if self.is_none() {
            self.clone_from(other);
        }
    }
}

impl Held for bool {
    fn is_unset(&self) -> bool {
        !self
    }

    fn text(&self) -> Option<String> {
        self.then(String::new)
    }

    fn read(&mut self, kind: OptionKind, text: &str) -> Result<(), OptionError> {
        *self = match text {
            "true" => true,
            "false" => false,
            _ => return Err(misfit(kind)),
        };
        Ok(())
    }

    fn fill(&mut self, other: &Self) {
        *self |= *other;
    }
}

fn misfit(kind: OptionKind) -> OptionError {
    let expected = kind.expected();
    OptionError::Misfit { expected }
}

/// A value of an option.
trait Value: Clone + ToString {
    fn told(&self) -> String {
        self.to_string()
    }
    fn read(kind: OptionKind, text: &str) -> Result<Self, OptionError>;
}

macro_rules! plain_value {
    ($($name:ty),+) => {$(
        impl Value for $name {
            fn read(kind: OptionKind, text: &str) -> Result<Self, OptionError> {
                text.parse().map_err(|_| misfit(kind))
            }
        }
    )+};
}
plain_value!(u8, u32, IpAddr);

impl Value for i32 {
    fn read(kind: OptionKind, text: &str) -> Result<Self, OptionError> {
        let seconds = text.parse().ok().filter(|seconds| *seconds >= -1);
        seconds.ok_or_else(|| misfit(kind))
    }
}

impl Value for InterfaceName {
    fn read(_: OptionKind, text: &str) -> Result<Self, OptionError> {
        Ok(text.parse()?)
    }
}

impl Value for Secret {
    fn told(&self) -> String {
        self.expose().to_owned()
    }

    fn read(_: OptionKind, text: &str) -> Result<Self, OptionError> {
        Ok(text.parse()?)
    }
}

macro_rules! connect_options {
    ($(
        $(#[$meta:meta])*
        $field:ident: $type:ty = $kind:ident $long:literal $letter:literal, json $json:literal,
        every kernel $every:literal, discovery $discovery:literal;
    )+) => {
        /// The options of a connection. What is not said is left to the kernel.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct ConnectOptions {
            $($(#[$meta])* #[serde(skip_serializing_if = "Held::is_unset")] pub $field: $type,)+
        }

        /// All of them, in the order in which commands name them.
        pub static CONNECT_OPTIONS: &[ConnectOption] = &[$(
            ConnectOption {
                name: stringify!($field),
                kind: OptionKind::$kind,
                long: $long,
                letter: $letter,
                json_key: $json,
                is_in_every_kernel: $every,
                concerns_discovery: $discovery,
                get: |options| options.$field.text(),
                set: |options, kind, text| options.$field.read(kind, text),
                unset: |options| options.$field = Default::default(),
            },
        )+];

        impl ConnectOptions {
            /// Nothing is said.
            pub fn is_default(&self) -> bool {
                *self == Self::default()
            }

            /// Takes over from `other` what is not said here.
            pub fn fill_from(&mut self, other: &Self) {
                $(self.$field.fill(&other.$field);)+
            }
        }
    };
}

connect_options! {
    /// Source address of the connection.
    host_traddr: Option<IpAddr> = Address "--host-traddr" 'w', json "host_traddr",
        every kernel true, discovery true;
    /// Interface that the connection is bound to.
    host_iface: Option<InterfaceName> = Interface "--host-iface" 'f', json "host_iface",
        every kernel false, discovery true;
    /// Number of I/O queues.
    nr_io_queues: Option<u32> = Count "--nr-io-queues" 'i', json "nr_io_queues",
        every kernel true, discovery false;
    /// Number of queues for writes only.
    nr_write_queues: Option<u32> = Count "--nr-write-queues" 'W', json "nr_write_queues",
        every kernel true, discovery false;
    /// Number of polled queues.
    nr_poll_queues: Option<u32> = Count "--nr-poll-queues" 'P', json "nr_poll_queues",
        every kernel true, discovery false;
    /// Entries per queue.
    queue_size: Option<u32> = Count "--queue-size" 'Q', json "queue_size",
        every kernel true, discovery false;
    /// Keep-alive timeout in seconds.
    keep_alive_tmo: Option<u32> = Seconds "--keep-alive-tmo" 'k', json "keep_alive_tmo",
        every kernel true, discovery false;
    /// Seconds between two tries to reconnect.
    reconnect_delay: Option<u32> = Seconds "--reconnect-delay" 'c', json "reconnect_delay",
        every kernel true, discovery false;
    /// Seconds after which a lost controller is given up; -1: never.
    ctrl_loss_tmo: Option<i32> = SecondsOrNever "--ctrl-loss-tmo" 'l', json "ctrl_loss_tmo",
        every kernel true, discovery false;
    /// Seconds after which I/O on a lost path fails; -1: never.
    fast_io_fail_tmo: Option<i32> = SecondsOrNever "--fast_io_fail_tmo" 'F', json "fast_io_fail_tmo",
        every kernel false, discovery false;
    /// Header digests.
    hdr_digest: bool = Switch "--hdr-digest" 'g', json "hdr_digest",
        every kernel true, discovery true;
    /// Data digests.
    data_digest: bool = Switch "--data-digest" 'G', json "data_digest",
        every kernel true, discovery true;
    /// Type of service of the connection's packets, 0 to 255.
    tos: Option<u8> = TypeOfService "--tos" 'T', json "tos",
        every kernel false, discovery true;
    /// What the host proves to the controller that it knows.
    dhchap_secret: Option<Secret> = Secret "--dhchap-secret" 'S', json "dhchap_key",
        every kernel false, discovery true;
    /// What the controller proves to the host that it knows.
    dhchap_ctrl_secret: Option<Secret> = Secret "--dhchap-ctrl-secret" 'C', json "dhchap_ctrl_key",
        every kernel false, discovery true;
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    fn example(kind: OptionKind) -> &'static str {
        match kind {
            OptionKind::Interface => "eth0",
            OptionKind::Address => "192.0.2.2",
            OptionKind::Switch => "true",
            OptionKind::Secret => SECRET,
            _ => "7",
        }
    }

    #[test]
    fn every_option_can_be_set_told_and_filled_in() {
        for option in CONNECT_OPTIONS {
            let mut options = ConnectOptions::default();
            assert_eq!(option.value(&options), None, "{}", option.name);
            let text = example(option.kind);
            option.set(&mut options, text).expect(option.name);
            assert!(!options.is_default(), "{}", option.name);
            let told = option.value(&options).expect(option.name);
            assert!(told == text || told.is_empty() && text == "true", "{told}");
            let mut other = ConnectOptions::default();
            other.fill_from(&options);
            assert_eq!(other, options, "{}", option.name);
            let json = serde_json::to_string(&options).expect("JSON");
            assert_eq!(option.is_secret(), json.contains("(secret)"), "{json}");
            assert!(
                json.starts_with(&format!("{{\"{}\":", option.name)),
                "{json}"
            );
        }
    }

    /// The guide has a row for each, in this order, and no other.
    #[test]
    fn the_guide_has_every_option() {
        let page = include_str!("../../../docs/guide/options.md");
        let rows: Vec<_> = page.lines().filter(|l| l.starts_with("| `")).collect();
        let wanted: Vec<String> = CONNECT_OPTIONS
            .iter()
            .map(|option| {
                let curtin = if option.is_secret() { "–" } else { "yes" };
                let (name, json) = (option.name, option.json_key);
                let (long, letter) = (option.long, option.letter);
                format!("| `{name}` | {curtin} | `{json}` | `{long}`, `-{letter}` |")
            })
            .collect();
        assert_eq!(rows.len(), wanted.len());
        for (row, wanted) in rows.iter().zip(wanted) {
            assert!(row.starts_with(&wanted), "{row}\nlacks {wanted}");
        }
    }

    #[test]
    fn what_is_said_is_not_replaced() {
        let mut own = ConnectOptions {
            keep_alive_tmo: Some(5),
            ..ConnectOptions::default()
        };
        own.fill_from(&ConnectOptions {
            keep_alive_tmo: Some(9),
            tos: Some(1),
            ..ConnectOptions::default()
        });
        assert_eq!((own.keep_alive_tmo, own.tos), (Some(5), Some(1)));
    }

    #[test]
    fn names_and_letters_name_one_option_each() {
        for key in [
            |o: &ConnectOption| o.name.to_owned(),
            |o: &ConnectOption| o.letter.to_string(),
            |o: &ConnectOption| o.long.to_owned(),
            |o: &ConnectOption| o.json_key.to_owned(),
        ] {
            let mut keys: Vec<String> = CONNECT_OPTIONS.iter().map(key).collect();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), CONNECT_OPTIONS.len());
        }
    }

    #[test]
    fn a_switch_can_be_off_and_a_time_endless() {
        let told = |name: &str, text: &str| {
            let mut options = ConnectOptions {
                data_digest: true,
                ..ConnectOptions::default()
            };
            let mut all = CONNECT_OPTIONS.iter();
            let option = all.find(|o| o.name == name).expect("an option");
            option.set(&mut options, text).expect(name);
            option.value(&options)
        };
        assert_eq!(told("data_digest", "true").as_deref(), Some(""));
        assert_eq!(told("data_digest", "false"), None);
        for seconds in ["-1", "0", "600"] {
            assert_eq!(told("ctrl_loss_tmo", seconds).as_deref(), Some(seconds));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_sets_nothing() {
        let set = |name: &str, text: &str| {
            let mut options = ConnectOptions::default();
            let mut all = CONNECT_OPTIONS.iter();
            let option = all.find(|o| o.name == name).expect("an option");
            let why = option.set(&mut options, text).expect_err("no value");
            assert!(options.is_default());
            why.to_string()
        };
        for (name, text, why) in [
            ("queue_size", "-1", "expected a whole number"),
            ("ctrl_loss_tmo", "-2", "expected seconds, or -1 for ever"),
            ("tos", "256", "expected a whole number from 0 to 255"),
            ("hdr_digest", "1", "expected `true` or `false`"),
            ("host_traddr", "eth0", "expected an IPv4 or IPv6 address"),
            ("host_iface", "", "`` is no interface name: it is empty"),
            (
                "dhchap_secret",
                &SECRET[..20],
                "this is no secret of DH-HMAC-CHAP: it does not end with a colon",
            ),
        ] {
            assert_eq!(set(name, text), why);
        }
    }

    #[test]
    fn each_option_is_found_by_its_name_and_can_be_taken_back() {
        for option in CONNECT_OPTIONS {
            let found = ConnectOption::named(option.name).expect(option.name);
            assert_eq!(found.long, option.long);
            let mut options = ConnectOptions::default();
            let text = example(option.kind);
            option.set(&mut options, text).expect(option.name);
            assert_ne!(options, ConnectOptions::default(), "{}", option.name);
            option.unset(&mut options);
            assert_eq!(options, ConnectOptions::default(), "{}", option.name);
        }
        assert!(ConnectOption::named("nr_io").is_none());
    }
}
