//! netplan's schema as tables: every key, what values it takes, and what
//! nvmeroot does with it.
//!
//! The keys and types are those of netplan's YAML reference and of its parser
//! (`doc/netplan-yaml.md`, `src/parse.c`, netplan 1.1). A key that is not in a
//! table is unknown to netplan; a key that is has exactly one [`SupportLevel`], so that
//! nothing of the input falls through.

mod common;
mod devices;
mod network;
mod parameters;

pub(super) use self::common::RENDERER;
pub(super) use self::network::{NETWORK, SECTIONS, section};

/// A key of a mapping.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) value_type: ValueType,
    pub(crate) support: SupportLevel,
}

/// What nvmeroot does with a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SupportLevel {
    /// In the plan; steps and hand-off use it.
    Carried,
    /// Not in the plan: only the running system uses it, which reads the same
    /// files. The initramfs is complete without it.
    Later,
    /// Not in the plan: a note on the path. The clause says why that is well,
    /// or what it means.
    Noted(&'static str),
    /// The path can't stand on it. The clause says why.
    Refused(&'static str),
}

/// The values that a key takes.
#[derive(Debug)]
pub(crate) enum ValueType {
    /// netplan's spellings of a boolean.
    Bool,
    /// A whole number, both ends included.
    Number(u64, u64),
    /// Any single value.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, in any case.
    AnyCase(&'static [&'static str]),
    /// A boolean or one of these words, in any case.
    BoolOr(&'static [&'static str]),
    /// An address without prefix length.
    Address(Family),
    /// An address, with or without prefix length.
    Network,
    /// The same, or `default`.
    Destination,
    /// An address with its prefix length, or a mapping of one to its options.
    InterfaceAddress(&'static [&'static [Key]]),
    /// A MAC address of 6 bytes, or of 20 (InfiniBand).
    Mac,
    /// The same, or one of these words.
    MacOr(&'static [&'static str]),
    /// A name that a host may give of itself.
    HostName,
    /// A name that Linux takes for an interface.
    InterfaceName,
    /// Text without spaces.
    Glob,
    /// The id of another definition.
    Id,
    /// A list.
    List(&'static ValueType),
    /// One value or a list of them.
    OneOrList(&'static ValueType),
    /// A mapping with these keys.
    Map(&'static [&'static [Key]]),
    /// A single value, or a mapping with these keys.
    TextOrMap(&'static [&'static [Key]]),
    /// A mapping of names of the user's choice.
    Names(&'static ValueType),
}

impl ValueType {
    /// A mapping in which a secret has its place.
    pub(super) fn has_secrets(&self) -> bool {
        const SECRETS: [&str; 3] = ["password", "private", "shared"];
        match self {
            Self::Map(groups) | Self::TextOrMap(groups) => {
                let mut keys = groups.iter().flat_map(|group| group.iter());
                keys.any(|key| SECRETS.contains(&key.name))
            }
            Self::Names(each) => each.has_secrets(),
            _ => false,
        }
    }
}

/// The families that an address may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
    Any,
}

/// A mapping of definitions under `network`.
#[derive(Debug)]
pub(super) struct Section {
    pub(crate) name: &'static str,
    pub(super) kind: Kind,
    /// What one definition is called in a sentence.
    pub(super) noun: &'static str,
    pub(super) keys: &'static [&'static [Key]],
}

/// What a section's definitions become in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ethernet,
    Bond,
    Bridge,
    Vlan,
    Vrf,
    Dummy,
    Foreign,
}

const fn of_network(
    name: &'static str,
    kind: Kind,
    noun: &'static str,
    keys: &'static [&'static [Key]],
) -> Section {
    Section {
        name,
        kind,
        noun,
        keys,
    }
}

impl Section {
    /// Nobody brings such an interface up before init starts.
    pub(super) fn is_refused(&self) -> bool {
        self.kind == Kind::Foreign
    }

    /// Definitions stand for hardware: their id need not be a name.
    pub(super) fn is_physical(&self) -> bool {
        matches!(self.name, "ethernets" | "wifis" | "modems" | "nm-devices")
    }
}

/// Finds a key in groups of keys.
pub(super) fn find(groups: &'static [&'static [Key]], name: &str) -> Option<&'static Key> {
    groups
        .iter()
        .flat_map(|group| group.iter())
        .find(|key| key.name == name)
}

pub(crate) const fn carried(name: &'static str, value_type: ValueType) -> Key {
    Key {
        name,
        value_type,
        support: SupportLevel::Carried,
    }
}

const fn later(name: &'static str, value_type: ValueType) -> Key {
    Key {
        name,
        value_type,
        support: SupportLevel::Later,
    }
}

/// The running system sets it, which is why most of what is noted does no harm.
const fn left(name: &'static str, value_type: ValueType) -> Key {
    noted(name, value_type, "the running system sets it")
}

pub(crate) const fn noted(name: &'static str, value_type: ValueType, why: &'static str) -> Key {
    Key {
        name,
        value_type,
        support: SupportLevel::Noted(why),
    }
}

const fn refused(name: &'static str, value_type: ValueType, why: &'static str) -> Key {
    Key {
        name,
        value_type,
        support: SupportLevel::Refused(why),
    }
}

/// A whole number as netplan's parser holds it.
const UINT: ValueType = ValueType::Number(0, u32::MAX as u64);
/// A whole number that the reference wants positive.
const POSITIVE: ValueType = ValueType::Number(1, u32::MAX as u64);
/// A list of single values.
const TEXTS: ValueType = ValueType::List(&ValueType::Text);
/// A mapping of single values.
const PAIRS: ValueType = ValueType::Names(&ValueType::Text);
