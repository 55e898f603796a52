//! Links: which there are, and changes to them.

use std::io;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage, State};
use nvmeroot_plan::{InterfaceName, MacAddress, Mtu};

use super::{Netlink, NetlinkError};

/// A link as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its index.
    pub index: u32,
    /// Its name. Text, for the kernel may have names that no plan may.
    pub name: String,
    /// Its hardware address, where it is an Ethernet one.
    pub mac: Option<MacAddress>,
    /// The address that the card came with (`IFLA_PERM_ADDRESS`); virtual
    /// links have none.
    pub permanent_mac: Option<MacAddress>,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// It is administratively up (`IFF_UP`).
    pub up: bool,
    /// Packets go through: it is up, the lower layer has carrier, and nothing
    /// above (802.1X, a bond) says that it must wait
    /// (Documentation/networking/operstates.rst).
    pub carrier: bool,
    /// Ethernet hardware, as opposed to loopback, tunnels and the like.
    pub ethernet: bool,
}

/// What to change of a link; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct LinkChange<'a> {
    /// Up or down.
    pub up: Option<bool>,
    /// A new name; older kernels demand that the link is down.
    pub name: Option<&'a InterfaceName>,
    /// A hardware address.
    pub mac: Option<MacAddress>,
    /// An MTU.
    pub mtu: Option<Mtu>,
}

impl Netlink {
    /// All links, by index.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn links(&mut self) -> Result<Vec<Link>, NetlinkError> {
        let mut links = Vec::new();
        let all = RouteNetlinkMessage::GetLink(LinkMessage::default());
        self.dump(all, |message| {
            if let RouteNetlinkMessage::NewLink(message) = message {
                links.push(read(&message));
            }
        })
        .map_err(|source| NetlinkError {
            what: "can't list the links".to_owned(),
            source,
        })?;
        links.sort_by_key(|l| l.index);
        Ok(links)
    }

    /// One link by its index; `None` when it is gone.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn link(&mut self, index: u32) -> Result<Option<Link>, NetlinkError> {
        let mut one = LinkMessage::default();
        one.header.index = index;
        let mut link = None;
        let answer = self.get(RouteNetlinkMessage::GetLink(one), |message| {
            if let RouteNetlinkMessage::NewLink(message) = message {
                link = Some(read(&message));
            }
        });
        match answer {
            Ok(()) => Ok(link),
            Err(e) if is_gone(&e) => Ok(None),
            Err(source) => Err(NetlinkError {
                what: format!("can't look at link {index}"),
                source,
            }),
        }
    }

    /// Changes a link.
    ///
    /// # Errors
    /// What the kernel refuses: `EBUSY` for a rename of a link that is up
    /// (before Linux 6.3), `EINVAL` for an MTU that the card can't.
    pub fn set_link(&mut self, link: &Link, change: &LinkChange<'_>) -> Result<(), NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = link.index;
        let mut words = Vec::new();
        if let Some(up) = change.up {
            message.header.change_mask = LinkFlags::Up;
            if up {
                message.header.flags = LinkFlags::Up;
            }
            words.push(if up {
                "up".to_owned()
            } else {
                "down".to_owned()
            });
        }
        if let Some(name) = change.name {
            words.push(format!("the name `{name}`"));
            message
                .attributes
                .push(LinkAttribute::IfName(name.to_string()));
        }
        if let Some(mac) = change.mac {
            words.push(format!("the MAC address `{mac}`"));
            message
                .attributes
                .push(LinkAttribute::Address(mac.octets().to_vec()));
        }
        if let Some(mtu) = change.mtu {
            words.push(format!("the MTU {mtu}"));
            let mtu = u32::try_from(u64::from(mtu)).unwrap_or(u32::MAX);
            message.attributes.push(LinkAttribute::Mtu(mtu));
        }
        self.change(RouteNetlinkMessage::SetLink(message), 0, || {
            format!("can't set `{}` to {}", link.name, words.join(", "))
        })
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

fn read(message: &LinkMessage) -> Link {
    let flags = message.header.flags;
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        mac: None,
        permanent_mac: None,
        mtu: 0,
        up: flags.contains(LinkFlags::Up),
        carrier: flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
        ethernet: message.header.link_layer_type == LinkLayerType::Ether,
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Address(bytes) => link.mac = mac(bytes),
            LinkAttribute::PermAddress(bytes) => link.permanent_mac = mac(bytes),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::OperState(
                State::Down | State::LowerLayerDown | State::Dormant | State::NotPresent,
            ) => link.carrier = false,
            _ => {}
        }
    }
    link
}

fn mac(bytes: &[u8]) -> Option<MacAddress> {
    bytes.try_into().ok().map(MacAddress::new)
}
