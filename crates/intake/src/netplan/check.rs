//! Holds values against the schema.

use std::borrow::Cow;

use nvmeroot_plan::Warning;

use super::findings::Findings;
use super::read;
use super::schema::{Family, Key, ValueType, find};
use super::value::{Map, Value};
use crate::diagnostic::{Excerpt, nearest};
use crate::yaml::pyyaml::base60_mac;
use crate::yaml::{KeyPath, Node};

/// More doubts than this about one mapping help nobody.
const MAX_DOUBTS: usize = 50;

/// A walk over values and schema together. Wrong values are errors at once;
/// what netplan would not understand is gathered as doubts, since how bad it is
/// depends on where it stands.
#[derive(Debug)]
pub(crate) struct Check<'f, 'd> {
    findings: &'f mut Findings<'d>,
    pub(crate) doubts: Vec<Warning>,
}

impl<'f, 'd> Check<'f, 'd> {
    pub(crate) fn new(findings: &'f mut Findings<'d>) -> Self {
        Self {
            findings,
            doubts: Vec::new(),
        }
    }

    /// A mapping with known keys.
    pub(super) fn map(
        &mut self,
        map: &Map<'d>,
        groups: &'static [&'static [Key]],
        path: &KeyPath<'_>,
    ) {
        for entry in map.all() {
            let path = path.key(entry.name());
            match find(groups, entry.name()) {
                Some(key) => self.entry(&entry.value, &key.value_type, entry.key, &path),
                None => {
                    let names = groups.iter().flat_map(|group| group.iter().map(|k| k.name));
                    self.unknown(entry.key, &path, names);
                }
            }
        }
    }

    /// A key that netplan does not know.
    pub(crate) fn unknown<'k>(
        &mut self,
        key: Node<'d>,
        path: &KeyPath<'_>,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let Some(name) = key.text() else {
            let message = "this key is no single value";
            return self.findings.misfit(key, path, message, "a key");
        };
        if self.doubts.len() >= MAX_DOUBTS {
            return;
        }
        let message = format!("unknown key `{}`", Excerpt(name));
        let warning = Warning::at(key.origin(path), message);
        let hint = match name {
            "<<" => Some("netplan knows no merge keys: write the values out".to_owned()),
            _ => self.findings.meant(name, known),
        };
        self.doubts.push(warning.maybe_hint(hint));
    }

    /// The value of a known key.
    pub(crate) fn entry(
        &mut self,
        value: &Value<'d>,
        value_type: &'static ValueType,
        key: Node<'d>,
        path: &KeyPath<'_>,
    ) {
        match value {
            Value::Nothing(nothing) if nothing.said => {}
            Value::Nothing(_) => self.empty(key, path),
            value => self.value(value, value_type, path),
        }
    }

    /// A key without a value, which netplan itself refuses.
    pub(super) fn empty(&mut self, key: Node<'d>, path: &KeyPath<'_>) {
        if self.doubts.len() < MAX_DOUBTS {
            let message = format!(
                "`{}` has no value, and netplan refuses that",
                Excerpt(key.text().unwrap_or_default())
            );
            let hint = "remove the key, or write its value; `[]` and `{}` are empty ones";
            let warning = Warning::at(key.origin(path), message).with_hint(hint);
            self.doubts.push(warning);
        }
    }

    fn value(&mut self, value: &Value<'d>, value_type: &'static ValueType, path: &KeyPath<'_>) {
        match (value_type, value) {
            (ValueType::OneOrList(_), Value::List(list)) if list.items.is_empty() => {
                let expected = "one value or more";
                self.findings
                    .misfit(list.node, path, "this list is empty", expected);
            }
            (ValueType::List(item) | ValueType::OneOrList(item), Value::List(list)) => {
                for one in &list.items {
                    self.value(&Value::of(one.node), item, &path.index(one.index));
                }
            }
            (ValueType::OneOrList(item), value) => self.value(value, item, path),
            (ValueType::Map(groups) | ValueType::TextOrMap(groups), Value::Map(map)) => {
                self.map(map, groups, path);
            }
            (ValueType::Names(each), Value::Map(map)) => {
                for entry in map.all() {
                    let path = path.key(entry.name());
                    if entry.key.text().is_none() {
                        self.unknown(entry.key, &path, []);
                    } else {
                        self.entry(&entry.value, each, entry.key, &path);
                    }
                }
            }
            (ValueType::InterfaceAddress(options), Value::Map(map)) => {
                self.address_with_options(map, options, path);
            }
            (value_type, Value::Scalar(scalar)) => {
                if !fits(scalar.text(), value_type) {
                    self.wrong(value, value_type, path);
                }
            }
            _ => self.wrong(value, value_type, path),
        }
    }

    /// `"10.0.0.5/24": {label: x}`
    fn address_with_options(
        &mut self,
        map: &Map<'d>,
        options: &'static [&'static [Key]],
        path: &KeyPath<'_>,
    ) {
        let mut entries = map.all();
        let (Some(entry), None) = (entries.next(), entries.next()) else {
            let message = "this mapping is not one address with its options";
            return self.findings.error(map.node, path, message, |d| {
                d.expected("a mapping with one key, the address")
                    .hint("put `- ` before each address, and indent its options below it")
            });
        };
        let own = path.key(entry.name());
        if read::interface_address(entry.name()).is_none() {
            let value_type = ValueType::InterfaceAddress(&[]);
            self.wrong(&Value::of(entry.key), &value_type, path);
        }
        match &entry.value {
            Value::Nothing(_) => {}
            Value::Map(map) => self.map(map, options, &own),
            value => self.wrong(value, &ValueType::Map(&[]), &own),
        }
    }

    fn wrong(&mut self, value: &Value<'d>, value_type: &ValueType, path: &KeyPath<'_>) {
        let found = match value {
            Value::Nothing(_) => Cow::Borrowed("there is no value"),
            // A secret whose key was forgotten.
            Value::Scalar(_) if value_type.has_secrets() => "this is a single value".into(),
            Value::Scalar(scalar) => format!("this is `{}`", Excerpt(scalar.text())).into(),
            Value::List(_) => "this is a list".into(),
            Value::Map(_) => "this is a mapping".into(),
        };
        self.findings.error(value.node(), path, found, |d| {
            d.expected(expected(value_type))
                .maybe_hint(hint(value, value_type))
        });
    }
}

/// A single value is of a type that takes single values.
pub(crate) fn fits(text: &str, value_type: &ValueType) -> bool {
    match value_type {
        ValueType::Bool => read::boolean(text).is_some(),
        ValueType::Number(min, max) => {
            read::number(text).is_some_and(|n| (*min..=*max).contains(&n))
        }
        ValueType::Text | ValueType::Id | ValueType::TextOrMap(_) => true,
        ValueType::Word(words) => words.contains(&text),
        ValueType::AnyCase(words) => read::any_case(text, words).is_some(),
        ValueType::BoolOr(words) => {
            read::boolean(text).is_some() || read::any_case(text, words).is_some()
        }
        ValueType::Address(family) => read::address(text, *family).is_some(),
        ValueType::Network => read::Network::parse(text).is_some(),
        ValueType::Destination => text == "default" || read::Network::parse(text).is_some(),
        ValueType::InterfaceAddress(_) => read::interface_address(text).is_some(),
        ValueType::Mac => read::mac(text).is_some(),
        ValueType::MacOr(words) => read::mac(text).is_some() || words.contains(&text),
        ValueType::HostName => text.parse::<nvmeroot_plan::HostName>().is_ok(),
        ValueType::InterfaceName => text.parse::<nvmeroot_plan::InterfaceName>().is_ok(),
        ValueType::Glob => !text.is_empty() && !text.contains(char::is_whitespace),
        ValueType::List(_) | ValueType::OneOrList(_) | ValueType::Map(_) | ValueType::Names(_) => {
            false
        }
    }
}

/// These words, for a sentence.
pub(crate) fn one_of(words: &[&str]) -> String {
    match words {
        [one] => format!("`{one}`"),
        [words @ .., last] => format!("`{}` or `{last}`", words.join("`, `")),
        [] => String::new(),
    }
}

fn expected(value_type: &ValueType) -> Cow<'static, str> {
    match value_type {
        ValueType::Bool => "`true` or `false`".into(),
        ValueType::Number(min, max) => format!("a whole number from {min} to {max}").into(),
        ValueType::Text | ValueType::Id => "a single value".into(),
        ValueType::Word(words) | ValueType::AnyCase(words) => one_of(words).into(),
        ValueType::BoolOr(words) => format!("`true`, `false` or {}", one_of(words)).into(),
        ValueType::Address(Family::V4) => "an IPv4 address such as `10.0.0.1`".into(),
        ValueType::Address(Family::V6) => "an IPv6 address such as `2001:db8::1`".into(),
        ValueType::Address(Family::Any) => "an IPv4 or IPv6 address".into(),
        ValueType::Network => "an address, or a network such as `10.0.0.0/8`".into(),
        ValueType::Destination => "`default`, an address, or a network such as `10.0.0.0/8`".into(),
        ValueType::InterfaceAddress(_) => {
            "an address with its prefix length, such as `10.0.0.5/24`".into()
        }
        ValueType::Mac => "a MAC address: six pairs of hexadecimal digits with colons".into(),
        ValueType::MacOr(words) => format!(
            "a MAC address (six pairs of hexadecimal digits with colons), or {}",
            one_of(words)
        )
        .into(),
        ValueType::HostName => {
            "a host name: up to 64 ASCII letters, digits, `-` and `_`, with dots between its parts"
                .into()
        }
        ValueType::InterfaceName => {
            "an interface's name: 1 to 15 bytes, no spaces, `/`, `:` or `%`".into()
        }
        ValueType::Glob => "a name or shell pattern without spaces".into(),
        ValueType::List(_) => "a list".into(),
        ValueType::OneOrList(_) => "one value or a list of them".into(),
        ValueType::Map(_) | ValueType::Names(_) => "a mapping".into(),
        ValueType::TextOrMap(_) => "a single value or a mapping".into(),
    }
}

fn hint(value: &Value<'_>, value_type: &ValueType) -> Option<String> {
    match (value_type, value) {
        (ValueType::List(_), Value::Scalar(scalar)) => Some(format!(
            "write `[{}]`, or put each item on a line of its own after `- `",
            Excerpt(scalar.text())
        )),
        (ValueType::List(_), Value::Map(_)) => Some("put `- ` before each item".to_owned()),
        (ValueType::Map(_) | ValueType::Names(_), Value::List(_)) => {
            Some("write `key: value` without `- ` before it".to_owned())
        }
        (ValueType::Map(_) | ValueType::Names(_), Value::Scalar(_)) => {
            Some("check the indentation of what follows".to_owned())
        }
        (_, Value::List(_)) => Some("write one value, without `- ` or brackets".to_owned()),
        (ValueType::InterfaceAddress(_), Value::Scalar(scalar))
            if read::address(scalar.text(), Family::Any).is_some() =>
        {
            Some("add the prefix length of its network".to_owned())
        }
        (ValueType::Address(_), Value::Scalar(scalar))
            if read::Network::parse(scalar.text()).is_some() =>
        {
            let network = read::Network::parse(scalar.text())?;
            let bare = scalar.text().split('/').next().unwrap_or_default();
            fits(bare, value_type).then(|| format!("write `{}`", network.address()))
        }
        (ValueType::Mac | ValueType::MacOr(_), Value::Scalar(scalar)) => {
            let mac = base60_mac(scalar.text().parse().ok()?)?;
            Some(format!(
                "YAML 1.1 made this number of `{mac}`: write that, in quotes"
            ))
        }
        (ValueType::Word(words) | ValueType::AnyCase(words), Value::Scalar(scalar)) => {
            nearest(scalar.text(), words.iter().copied())
                .map(|word| format!("did you mean `{word}`?"))
        }
        _ => None,
    }
}
