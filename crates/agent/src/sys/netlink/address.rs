//! Addresses on links.

use std::net::IpAddr;

use super::wire::{Message, Request, family, flag, ip, kind, u32_at};
use super::{Link, Netlink, NetlinkError, failed};

/// `struct ifaddrmsg`: family, prefix length, flags, scope, index (u32).
const FIXED: usize = 8;

/// linux/if_addr.h.
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
const LABEL: u16 = 3;
const BROADCAST: u16 = 4;
const CACHE_INFO: u16 = 6;
const FLAGS: u16 = 8;
const ROUTE_PRIORITY: u16 = 9;
/// `IFA_F_NOPREFIXROUTE`.
const NO_PREFIX_ROUTE: u32 = 0x200;
/// What a change has to repeat, or it is gone; with `IFA_F_MANAGETEMPADDR`.
const KEPT: u32 = 0x100 | NO_PREFIX_ROUTE;
/// `IFA_F_TEMPORARY`, of IPv6 only.
const TEMPORARY: u32 = 0x01;
const DAD_FAILED: u32 = 0x08;
const TENTATIVE: u32 = 0x40;

/// `RT_SCOPE_UNIVERSE`, `RT_SCOPE_LINK`.
const UNIVERSE: u8 = 0;
const LINK: u8 = 253;

fn fixed(family: u8, prefix: u8, scope: u8, link: u32) -> [u8; FIXED] {
    let mut fixed = [family, prefix, 0, scope, 0, 0, 0, 0];
    fixed[4..].copy_from_slice(&link.to_ne_bytes());
    fixed
}

/// `struct ifa_cacheinfo`: preferred, valid, two times of the kernel's.
fn cache_info(preferred: u32, valid: u32) -> [u8; 16] {
    let mut info = [0; 16];
    info[..4].copy_from_slice(&preferred.to_ne_bytes());
    info[4..8].copy_from_slice(&valid.to_ne_bytes());
    info
}

/// An address as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The link's index.
    pub link: u32,
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// Duplicate address detection is not over (RFC 4862, section 5.4).
    pub tentative: bool,
    /// Duplicate address detection found another machine with it.
    pub duplicate: bool,
    /// All its flags (`IFA_F_…`).
    pub flags: u32,
    /// Seconds that it is valid; `u32::MAX`: without end.
    pub valid: u32,
    /// It is of use beyond the link.
    pub global: bool,
}

/// An address to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAddress {
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// IPv4 label.
    pub label: Option<String>,
    /// Never chosen as a source (preferred lifetime 0).
    pub deprecated: bool,
    /// Valid and preferred lifetime in seconds; `None`: without end.
    pub lifetimes: Option<(u32, u32)>,
    /// Metric of the route to its prefix; `None`: the kernel's.
    pub metric: Option<u32>,
    /// There is no route to its prefix.
    pub without_route: bool,
}

impl NewAddress {
    /// An address without end.
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        Self {
            address,
            prefix,
            label: None,
            deprecated: false,
            lifetimes: None,
            metric: None,
            without_route: false,
        }
    }
}

impl Netlink {
    /// The addresses of a link.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn addresses(&mut self, link: u32) -> Result<Vec<Address>, NetlinkError> {
        let mut found = Vec::new();
        let all = Request::new(kind::GET_ADDRESS, &fixed(0, 0, 0, link));
        // Kernels without strict checking give all links' addresses.
        self.dump(all, |message| {
            found.extend(Address::read(message).filter(|address| address.link == link));
        })
        .map_err(failed(|| {
            format!("can't list the addresses of link {link}")
        }))?;
        Ok(found)
    }

    /// Sets an address, or its lifetimes where it is there already.
    ///
    /// IPv6 addresses go through duplicate address detection as usual, neither
    /// skipped (`nodad`) nor used before its end (RFC 4429, optimistic): root
    /// on an address that turns out to be another machine's is worse than a
    /// second's wait.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn add_address(&mut self, link: &Link, new: &NewAddress) -> Result<(), NetlinkError> {
        // All of them, so that one without a line below does not compile.
        let &NewAddress {
            address,
            prefix,
            ref label,
            deprecated,
            lifetimes,
            metric,
            without_route,
        } = new;
        let link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        let scope = if link_local { LINK } else { UNIVERSE };
        let family = family(address.is_ipv6());
        let fixed = fixed(family, prefix, scope, link.index);
        let mut request = Request::new(kind::NEW_ADDRESS, &fixed);
        request.put_ip(LOCAL, address);
        request.put_ip(ADDRESS, address);
        // As `ip address add … brd +` and networkd do; a /31 or /32 has none.
        if let IpAddr::V4(v4) = address
            && prefix < 31
        {
            let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
            request.put(BROADCAST, &(u32::from(v4) | host).to_be_bytes());
        }
        if let Some(label) = label {
            request.put_text(LABEL, label);
        }
        if deprecated || lifetimes.is_some() {
            let (valid, preferred) = lifetimes.unwrap_or((u32::MAX, u32::MAX));
            let preferred = if deprecated { 0 } else { preferred };
            request.put(CACHE_INFO, &cache_info(preferred, valid));
        }
        request.put_u32(FLAGS, without_route.then_some(NO_PREFIX_ROUTE));
        request.put_u32(ROUTE_PRIORITY, metric);
        self.change(request, flag::CREATE | flag::REPLACE, || {
            format!(
                "can't give `{}` the address `{address}/{prefix}`",
                link.name
            )
        })
    }

    /// Takes the end off the lifetime of an address that is there, and of the
    /// route to its network that came with it.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn make_permanent(&mut self, link: &Link, address: &Address) -> Result<(), NetlinkError> {
        let fixed = fixed(
            family(address.address.is_ipv6()),
            address.prefix,
            UNIVERSE,
            link.index,
        );
        let mut request = Request::new(kind::NEW_ADDRESS, &fixed);
        request.put_ip(LOCAL, address.address);
        request.put_ip(ADDRESS, address.address);
        request.put_u32(FLAGS, address.flags & KEPT);
        request.put(CACHE_INFO, &cache_info(u32::MAX, u32::MAX));
        self.change(request, flag::REPLACE, || {
            format!(
                "can't make `{}/{}` on `{}` last",
                address.address, address.prefix, link.name
            )
        })
    }

    /// Takes an address away; one that is gone already is no error.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn remove_address(
        &mut self,
        link: &Link,
        address: IpAddr,
        prefix: u8,
    ) -> Result<(), NetlinkError> {
        let fixed = fixed(family(address.is_ipv6()), prefix, 0, link.index);
        let mut request = Request::new(kind::DELETE_ADDRESS, &fixed);
        request.put_ip(LOCAL, address);
        let removed = self.change(request, 0, || {
            format!("can't take `{address}/{prefix}` from `{}`", link.name)
        });
        match removed {
            Err(e) if e.errno() == Some(rustix::io::Errno::ADDRNOTAVAIL) => Ok(()),
            other => other,
        }
    }
}

impl Address {
    /// The address that a message tells of; `None`: it tells of something
    /// else, or is cut off.
    pub fn read(message: Message<'_>) -> Option<Self> {
        if message.kind != kind::NEW_ADDRESS {
            return None;
        }
        let mut local = None;
        let mut plain = None;
        let mut valid = u32::MAX;
        let mut flags = u32::from(*message.body.get(2)?);
        for (attribute, value) in message.attributes(FIXED) {
            match attribute {
                LOCAL => local = ip(value),
                ADDRESS => plain = ip(value),
                FLAGS => flags = u32_at(value, 0)?,
                CACHE_INFO => valid = u32_at(value, 4)?,
                _ => {}
            }
        }
        Some(Self {
            link: u32_at(message.body, 4)?,
            // On a point-to-point link `ADDRESS` is the peer's.
            address: local.or(plain)?,
            prefix: *message.body.get(1)?,
            tentative: flags & TENTATIVE != 0,
            duplicate: flags & DAD_FAILED != 0,
            flags,
            valid,
            global: *message.body.get(3)? == UNIVERSE,
        })
    }

    /// It is one to talk to the world from, and ends some day. A temporary one
    /// (RFC 8981) is meant to.
    pub fn runs_out(&self) -> bool {
        let temporary = self.address.is_ipv6() && self.flags & TEMPORARY != 0;
        self.global && self.valid != u32::MAX && !temporary && !self.duplicate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_the_kernel_says_comes_back(
            link in 1_u32.., address: IpAddr, prefix in 0_u8..=32, flags: u32,
            valid: u32, peer: Option<[u8; 4]>
        ) {
            let mut told = Request::new(kind::NEW_ADDRESS, &fixed(2, prefix, 0, link));
            told.put_ip(LOCAL, address);
            if let Some(peer) = peer {
                told.put(ADDRESS, &peer);
            }
            told.put_u32(FLAGS, flags);
            told.put(CACHE_INFO, &cache_info(0, valid));
            let bytes = told.finish(0, 1);
            let (message, _) = Message::split(&bytes).expect("a message");
            prop_assert_eq!(Address::read(message), Some(Address {
                link,
                address,
                prefix,
                tentative: flags & TENTATIVE != 0,
                duplicate: flags & DAD_FAILED != 0,
                flags,
                valid,
                global: true,
            }));
        }

        #[test]
        fn any_body_is_read(body in proptest::collection::vec(any::<u8>(), 0..120)) {
            let bytes = Request::new(kind::NEW_ADDRESS, &body).finish(0, 1);
            let (message, _) = Message::split(&bytes).expect("a message");
            prop_assert!(Address::read(message).is_none() || body.len() >= FIXED);
        }
    }
}
