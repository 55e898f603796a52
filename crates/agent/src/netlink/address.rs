//! Addresses on links.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressScope, CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Link, Netlink, NetlinkError};

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
        let mut all = AddressMessage::default();
        all.header.index = link;
        self.dump(RouteNetlinkMessage::GetAddress(all), |message| {
            if let RouteNetlinkMessage::NewAddress(message) = message {
                // Kernels without strict checking give all links' addresses.
                if message.header.index == link {
                    found.extend(read(&message));
                }
            }
        })
        .map_err(|source| NetlinkError {
            what: format!("can't list the addresses of link {link}"),
            source,
        })?;
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
        let mut message = AddressMessage::default();
        message.header.index = link.index;
        message.header.prefix_len = new.prefix;
        message.header.scope = AddressScope::Universe;
        let attributes = &mut message.attributes;
        attributes.push(AddressAttribute::Local(new.address));
        attributes.push(AddressAttribute::Address(new.address));
        match new.address {
            IpAddr::V4(v4) => {
                message.header.family = AddressFamily::Inet;
                // As `ip address add … brd +` and networkd do; a /31 or /32 has none.
                if new.prefix < 31 {
                    let host = u32::MAX.checked_shr(new.prefix.into()).unwrap_or(0);
                    let broadcast = (u32::from(v4) | host).into();
                    attributes.push(AddressAttribute::Broadcast(broadcast));
                }
                if v4.is_link_local() {
                    message.header.scope = AddressScope::Link;
                }
            }
            IpAddr::V6(v6) => {
                message.header.family = AddressFamily::Inet6;
                if v6.is_unicast_link_local() {
                    message.header.scope = AddressScope::Link;
                }
            }
        }
        if let Some(label) = &new.label {
            attributes.push(AddressAttribute::Label(label.clone()));
        }
        if new.deprecated || new.lifetimes.is_some() {
            let (valid, preferred) = new.lifetimes.unwrap_or((u32::MAX, u32::MAX));
            let mut info = CacheInfo::default();
            info.ifa_valid = valid;
            info.ifa_preferred = if new.deprecated { 0 } else { preferred };
            attributes.push(AddressAttribute::CacheInfo(info));
        }
        self.change(
            RouteNetlinkMessage::NewAddress(message),
            NLM_F_CREATE | NLM_F_REPLACE,
            || {
                format!(
                    "can't give `{}` the address `{}/{}`",
                    link.name, new.address, new.prefix
                )
            },
        )
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
        let mut message = AddressMessage::default();
        message.header.index = link.index;
        message.header.prefix_len = prefix;
        message.header.family = match address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        message.attributes.push(AddressAttribute::Local(address));
        let removed = self.change(RouteNetlinkMessage::DelAddress(message), 0, || {
            format!("can't take `{address}/{prefix}` from `{}`", link.name)
        });
        match removed {
            Err(e) if e.errno() == Some(rustix::io::Errno::ADDRNOTAVAIL) => Ok(()),
            other => other,
        }
    }
}

fn read(message: &AddressMessage) -> Option<Address> {
    let mut local = None;
    let mut plain = None;
    let mut flags = AddressFlags::from_bits_retain(message.header.flags.bits().into());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(*address),
            AddressAttribute::Address(address) => plain = Some(*address),
            AddressAttribute::Flags(all) => flags = *all,
            _ => {}
        }
    }
    Some(Address {
        link: message.header.index,
        // On a point-to-point link `Address` is the peer's.
        address: local.or(plain)?,
        prefix: message.header.prefix_len,
        tentative: flags.contains(AddressFlags::Tentative),
        duplicate: flags.contains(AddressFlags::Dadfailed),
    })
}
