//! What of IPv6 belongs to a link and is set over netlink; the rest are
//! sysctls.

use std::net::Ipv6Addr;

use super::link::fixed;
use super::wire::{Request, family, kind};
use super::{Link, Netlink, NetlinkError};

/// linux/if_link.h: `IFLA_AF_SPEC`, `IFLA_INET6_TOKEN`,
/// `IFLA_INET6_ADDR_GEN_MODE`.
const PER_FAMILY: u16 = 26;
const TOKEN: u16 = 7;
const GENERATION: u16 = 8;

/// What the kernel makes addresses of (`IN6_ADDR_GEN_MODE_…`). Stable ones
/// (number 2) begin with their secret, a sysctl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkAddresses {
    /// The MAC address.
    Eui64,
    /// There is no link-local address; others are made of the MAC address.
    NoLinkLocal,
}

fn setting(link: u32, attribute: u16, value: &[u8]) -> Request {
    let mut request = Request::new(kind::NEW_LINK, &fixed(link, 0, 0));
    request.nest(PER_FAMILY, |families| {
        families.nest(family(true).into(), |inet6| inet6.put(attribute, value));
    });
    request
}

fn generation(link: u32, mode: LinkAddresses) -> Request {
    let number = match mode {
        LinkAddresses::Eui64 => 0,
        LinkAddresses::NoLinkLocal => 1,
    };
    setting(link, GENERATION, &[number])
}

impl Netlink {
    /// Says what the link's IPv6 addresses are made of.
    ///
    /// # Errors
    /// `EAFNOSUPPORT` where the kernel has no IPv6.
    pub fn set_link_addresses(
        &mut self,
        link: &Link,
        mode: LinkAddresses,
    ) -> Result<(), NetlinkError> {
        self.change(generation(link.index, mode), 0, || {
            format!("can't set how `{}` makes IPv6 addresses", link.name)
        })
    }

    /// Sets the lower half of addresses from routers' advertisements.
    ///
    /// # Errors
    /// `EINVAL` where the link does not listen to routers.
    pub fn set_token(&mut self, link: &Link, token: Ipv6Addr) -> Result<(), NetlinkError> {
        self.change(setting(link.index, TOKEN, &token.octets()), 0, || {
            format!("can't set the IPv6 token `{token}` of `{}`", link.name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::hex;
    use super::*;

    // The bytes are what iproute2 6.1 sends for the command above each.

    #[test]
    fn settings_are_as_ip_sends_them() {
        // ip link set v0 addrgenmode none
        assert_eq!(
            hex(generation(3, LinkAddresses::NoLinkLocal)),
            "0000000003000000000000000000000010001a000c000a000500080001000000"
        );
        // ip token set ::1a:2b dev v1, but for the family in its first byte.
        let token: Ipv6Addr = "::1a:2b".parse().expect("an address");
        assert_eq!(
            hex(setting(2, TOKEN, &token.octets())),
            "000000000200000000000000000000001c001a0018000a00\
             14000700000000000000000000000000001a002b"
        );
    }
}
