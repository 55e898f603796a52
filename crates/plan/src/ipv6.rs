//! How an interface comes by its IPv6 addresses.

use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Ipv6Mtu;
use crate::json::is_default;
use crate::name::{NameError, shown_as_content, text_newtype};
use crate::string_enum::string_enum;

string_enum! {
    /// What the lower half of an address from a router's advertisement is
    /// made of. The numbers are those of `IFLA_INET6_ADDR_GEN_MODE`
    /// (linux/if_link.h).
    Ipv6AddressGeneration, "way to make IPv6 addresses" {
        /// The MAC address (RFC 4291, appendix A).
        Eui64 = 0 "eui64",
        /// A secret, the prefix and the interface (RFC 7217).
        StablePrivacy = 2 "stable-privacy",
    }
}

/// The lower half of the addresses from routers' advertisements
/// (ip-token(8)); the upper half is ignored, the lower is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ipv6Token(Ipv6Addr);
text_newtype!(Ipv6Token);
shown_as_content!(Ipv6Token);

impl Ipv6Token {
    /// The address, as it was said.
    pub const fn address(self) -> Ipv6Addr {
        self.0
    }
}

impl FromStr for Ipv6Token {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let address = text.parse::<Ipv6Addr>().ok();
        let token = address.filter(|a| a.octets()[8..].iter().any(|byte| *byte != 0));
        let expected = "expected an address such as `::1a:2b`";
        let token = token.map(Self);
        token.ok_or_else(|| NameError::text(text, "IPv6 token", expected))
    }
}

/// Which link-local addresses an interface has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkLocal {
    /// One of 169.254.0.0/16 (RFC 3927).
    pub ipv4: bool,
    /// One of fe80::/64 (RFC 4291).
    pub ipv6: bool,
}

/// netplan's default: IPv6 alone.
impl Default for LinkLocal {
    fn default() -> Self {
        Self {
            ipv4: false,
            ipv6: true,
        }
    }
}

/// What is set of IPv6 on a link, before it goes up. What is `None` or false
/// is left as the kernel has it. A runtime sets the parts in this order: some
/// depend on those before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6Settings {
    /// IPv6's own MTU, bytes (sysctl `net.ipv6.conf.LINK.mtu`). A change of
    /// the link's MTU undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<Ipv6Mtu>,
    /// No link-local address is made (`IN6_ADDR_GEN_MODE_NONE`, number 1 of
    /// `IFLA_INET6_ADDR_GEN_MODE`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_link_local: bool,
    /// Router advertisements are accepted (sysctl `accept_ra`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_ra: Option<bool>,
    /// Metric of the routes that routers announce (sysctl `ra_defrtr_metric`,
    /// since Linux 5.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ra_metric: Option<u32>,
    /// What addresses are made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_generation: Option<Ipv6AddressGeneration>,
    /// The lower half of the addresses. The kernel refuses it where router
    /// advertisements are not accepted (`inet6_set_iftoken`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Ipv6Token>,
    /// Temporary addresses are made and preferred (RFC 8981; sysctl
    /// `use_tempaddr` 2).
    #[serde(default, skip_serializing_if = "is_default")]
    pub privacy: bool,
}

impl Ipv6Settings {
    /// Nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_a_lower_half() {
        let token: Ipv6Token = "::1a:2b".parse().expect("a token");
        assert_eq!(token.to_string(), "::1a:2b");
        for bad in ["::", "2001:db8::", "1a:2b", "10.0.0.1"] {
            let expected = "expected an address such as `::1a:2b`";
            let error = NameError::text(bad, "IPv6 token", expected);
            assert_eq!(bad.parse::<Ipv6Token>(), Err(error));
        }
        assert_eq!(Ipv6AddressGeneration::StablePrivacy.number(), 2);
    }
}
