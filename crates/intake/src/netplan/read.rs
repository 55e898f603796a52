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
