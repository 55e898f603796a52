//! Single values as netplan reads them.

use std::net::IpAddr;

use ipnet::IpNet;
use nvmeroot_plan::{Destination, MacAddress};

use super::schema::Family;
pub(super) use crate::yaml::netplan::boolean;

/// Decimal digits and nothing else.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Units of time with their microseconds (systemd.time(7)).
const UNITS: &[(&[&str], u64)] = &[
    (&["us", "usec", "µs", "μs"], 1),
    (&["ms", "msec"], 1_000),
    (&["", "s", "sec", "second", "seconds"], 1_000_000),
    (&["m", "min", "minute", "minutes"], 60_000_000),
    (&["h", "hr", "hour", "hours"], 3_600_000_000),
    (&["d", "day", "days"], 86_400_000_000),
    (&["w", "week", "weeks"], 604_800_000_000),
];

/// A span of time in microseconds: numbers with units, as networkd takes them,
/// a second where there is none. Digits alone count `plain` microseconds each.
pub(crate) fn time(text: &str, plain: u64) -> Option<u64> {
    if let Some(number) = number(text) {
        return number.checked_mul(plain);
    }
    let split = |text: &'_ str, end: fn(char) -> bool| text.find(end).unwrap_or(text.len());
    let mut rest = text.trim();
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = rest.split_at(split(rest, |c| !c.is_ascii_digit()));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(split(after, |c| !c.is_ascii_digit())),
            None => ("", after),
        };
        let after = after.trim_start();
        let end = split(after, |c| c.is_ascii_digit() || c.is_whitespace());
        let (unit, after) = after.split_at(end);
        let (_, unit) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
        sum = sum.checked_add(number(whole)?.checked_mul(*unit)?)?;
        // What is less than a microsecond does not count.
        let mut place = *unit;
        for digit in fraction.bytes() {
            place /= 10;
            sum = sum.checked_add(place.checked_mul(u64::from(digit - b'0'))?)?;
        }
        rest = after.trim_start();
    }
    (!text.trim().is_empty()).then_some(sum)
}

/// An address as inet_pton(3) takes it.
pub(super) fn address(text: &str, family: Family) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    match family {
        Family::Any => Some(address),
        Family::V4 => address.is_ipv4().then_some(address),
        Family::V6 => address.is_ipv6().then_some(address),
    }
}

/// An address with or without its prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Host(IpAddr),
    Net(IpNet),
}

impl Network {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.parse() {
            Ok(address) => Some(Self::Host(address)),
            Err(_) => text.parse().ok().map(Self::Net),
        }
    }

    pub(super) fn is_ipv4(self) -> bool {
        self.address().is_ipv4()
    }

    pub(super) fn address(self) -> IpAddr {
        match self {
            Self::Host(address) => address,
            Self::Net(net) => net.addr(),
        }
    }

    /// The one address that it stands for.
    pub(super) fn single(self) -> Option<IpAddr> {
        match self {
            Self::Host(address) => Some(address),
            Self::Net(net) => (net.prefix_len() == net.max_prefix_len()).then(|| net.addr()),
        }
    }

    pub(super) fn net(self) -> IpNet {
        match self {
            Self::Host(address) => IpNet::from(address),
            Self::Net(net) => net,
        }
    }
}

impl From<Network> for Destination {
    fn from(network: Network) -> Self {
        match network {
            Network::Host(address) => Self::Host(address),
            Network::Net(net) => Self::Network(net),
        }
    }
}

/// An interface's address: prefix length required, and not 0.
pub(super) fn interface_address(text: &str) -> Option<IpNet> {
    let net: IpNet = text.parse().ok()?;
    (net.prefix_len() > 0).then_some(net)
}

/// A MAC address of 6 bytes, or `None` in it for one of 20 (InfiniBand).
pub(super) fn mac(text: &str) -> Option<Option<MacAddress>> {
    if let Ok(mac) = text.parse() {
        return Some(Some(mac));
    }
    let pair = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    (text.split(':').count() == 20 && text.split(':').all(pair)).then_some(None)
}

/// The word among `words` that the text is, in any case.
pub(super) fn any_case(text: &str, words: &[&'static str]) -> Option<&'static str> {
    words
        .iter()
        .copied()
        .find(|word| word.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits() {
        assert_eq!(number("0100"), Some(100));
        for text in ["", "+1", "-1", "1.5", "0x10", " 1", "99999999999999999999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn times_have_units_or_the_key_s_own() {
        let ms = |text| time(text, 1_000);
        assert_eq!(ms("100"), Some(100_000));
        for (text, microseconds) in [
            ("100ms", 100_000),
            ("1s", 1_000_000),
            ("1.5", 1_500_000),
            ("0.25 s", 250_000),
            ("1min 30s", 90_000_000),
            ("2m5ms", 120_005_000),
            ("1 h", 3_600_000_000),
            ("7us", 7),
        ] {
            assert_eq!(ms(text), Some(microseconds), "{text}");
        }
        assert_eq!(time("15", 1_000_000), Some(15_000_000));
        for text in [
            "",
            " ",
            "s",
            "-1",
            "1 fortnight",
            "infinity",
            "1.5.5",
            "99999999999999w",
        ] {
            assert_eq!(ms(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_are_those_of_inet_pton() {
        assert!(address("10.0.0.1", Family::V4).is_some());
        for text in ["10.0.0.1", "fe80::1%eth0", "10.0.0", "010.0.0.1", ""] {
            assert_eq!(address(text, Family::V6), None, "{text}");
        }
        assert_eq!(address("10.0.0.256", Family::Any), None);
        assert_eq!(address("010.0.0.1", Family::Any), None);
        assert_eq!(interface_address("10.0.0.5"), None);
        assert_eq!(interface_address("10.0.0.5/0"), None);
        assert_eq!(interface_address("10.0.0.5/33"), None);
        let five: IpNet = "10.0.0.5/24".parse().unwrap();
        assert_eq!(interface_address("10.0.0.5/24"), Some(five));
    }

    #[test]
    fn a_network_of_one_address_is_an_address() {
        let single = |text| Network::parse(text).and_then(Network::single);
        assert_eq!(single("10.0.0.5/32"), "10.0.0.5".parse().ok());
        assert_eq!(single("2001:db8::1"), "2001:db8::1".parse().ok());
        assert_eq!(single("10.0.0.5/24"), None);
    }

    #[test]
    fn mac_addresses_have_6_or_20_bytes() {
        assert!(matches!(mac("00:16:3e:aa:bb:cc"), Some(Some(_))));
        let infiniband = ["11"; 20].join(":");
        assert_eq!(mac(&infiniband), Some(None));
        for text in ["00:16:3e:aa:bb", "5254003e1234", "00-16-3e-aa-bb-cc"] {
            assert_eq!(mac(text), None, "{text}");
        }
    }
}
