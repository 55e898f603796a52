//! Links: which there are, and changes to them.

use std::io;

use nvmeroot_plan::{InterfaceName, MacAddress, Mtu, insert_by_key};

use super::wire::{Attributes, Message, Request, kind, text, u16_at, u32_at};
use super::{Netlink, NetlinkError, failed};

/// `struct ifinfomsg`: family, padding, hardware type (u16), index, flags and
/// change mask (u32 each).
const FIXED: usize = 16;

/// linux/if_link.h.
const ADDRESS: u16 = 1;
pub(super) const NAME: u16 = 3;
const MTU: u16 = 4;
pub(super) const MASTER: u16 = 10;
pub(super) const LINK_INFO: u16 = 18;
pub(super) const INFO_KIND: u16 = 1;
/// `IFLA_INFO_SLAVE_KIND`, `IFLA_INFO_SLAVE_DATA`,
/// `IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE`.
const INFO_MEMBER_KIND: u16 = 4;
const INFO_MEMBER_DATA: u16 = 5;
const MEMBER_PORT_STATE: u16 = 7;
const OPERATIONAL_STATE: u16 = 16;
const PERMANENT_ADDRESS: u16 = 54;

/// linux/if.h, linux/if_arp.h.
const IFF_UP: u32 = 1;
const IFF_LOWER_UP: u32 = 0x1_0000;
const ETHERNET: u16 = 1;

/// Bits of a port's state (IEEE 802.1AX-2014, section 6.4.2.3): what it sends
/// arrives; it goes by a partner that it only supposes.
const DISTRIBUTING: u8 = 0x20;
const DEFAULTED: u8 = 0x40;

/// `IF_OPER_UNKNOWN`: a driver that does not tell; `IF_OPER_UP`.
const UNKNOWN: u8 = 0;
const UP: u8 = 6;

pub(super) fn fixed(index: u32, flags: u32, change: u32) -> [u8; FIXED] {
    let mut fixed = [0; FIXED];
    fixed[4..8].copy_from_slice(&index.to_ne_bytes());
    fixed[8..12].copy_from_slice(&flags.to_ne_bytes());
    fixed[12..].copy_from_slice(&change.to_ne_bytes());
    fixed
}

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
    /// The driver's word for a virtual link (`bond`, `vlan`, …); hardware has
    /// none.
    pub kind: Option<String>,
    /// Index of the bond, bridge or VRF that it is a member of.
    pub master: Option<u32>,
    /// It is a member of a bond in mode 802.3ad, and the other side has agreed to
    /// take its packets.
    pub aggregated: bool,
}

/// What to change of a link.
#[derive(Clone, Copy, Debug)]
pub enum LinkChange<'a> {
    /// Up or down.
    Up(bool),
    /// A new name; older kernels demand that the link is down.
    Name(&'a InterfaceName),
    /// A hardware address.
    Mac(MacAddress),
    /// An MTU.
    Mtu(Mtu),
}

impl Netlink {
    /// All links, by index.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn links(&mut self) -> Result<Vec<Link>, NetlinkError> {
        let mut links = Vec::new();
        let all = Request::new(kind::GET_LINK, &fixed(0, 0, 0));
        let read = |message: Message<'_>| {
            if let Some(link) = Link::read(message) {
                // In this order the kernel names them since 6.10.
                insert_by_key(&mut links, link, |one| one.index);
            }
        };
        self.dump(all, read)
            .map_err(failed(|| "can't list the links".to_owned()))?;
        Ok(links)
    }

    /// One link by its index; `None` when it is gone.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn link(&mut self, index: u32) -> Result<Option<Link>, NetlinkError> {
        let one = Request::new(kind::GET_LINK, &fixed(index, 0, 0));
        let mut link = None;
        let answer = self.get(one, |message| link = Link::read(message).or(link.take()));
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
    pub fn set_link(&mut self, link: &Link, change: LinkChange<'_>) -> Result<(), NetlinkError> {
        let (flags, mask) = match change {
            LinkChange::Up(true) => (IFF_UP, IFF_UP),
            LinkChange::Up(false) => (0, IFF_UP),
            _ => (0, 0),
        };
        let mut request = Request::new(kind::SET_LINK, &fixed(link.index, flags, mask));
        match change {
            LinkChange::Up(_) => {}
            LinkChange::Name(name) => request.put_text(NAME, name.as_str()),
            LinkChange::Mac(mac) => request.put(ADDRESS, &mac.octets()),
            LinkChange::Mtu(mtu) => request.put_u32(MTU, u32::from(mtu.get())),
        }
        self.change(request, 0, || {
            let to = match change {
                LinkChange::Up(true) => "up".to_owned(),
                LinkChange::Up(false) => "down".to_owned(),
                LinkChange::Name(name) => format!("the name `{name}`"),
                LinkChange::Mac(mac) => format!("the MAC address `{mac}`"),
                LinkChange::Mtu(mtu) => format!("the MTU {mtu}"),
            };
            format!("can't set `{}` to {to}", link.name)
        })
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

impl Link {
    /// The link that a message tells of; `None`: it tells of something else,
    /// or is cut off.
    pub fn read(message: Message<'_>) -> Option<Self> {
        if message.kind != kind::NEW_LINK {
            return None;
        }
        let flags = u32_at(message.body, 8)?;
        let mut link = Self {
            index: u32_at(message.body, 4)?,
            name: String::new(),
            mac: None,
            permanent_mac: None,
            mtu: 0,
            up: flags & IFF_UP != 0,
            carrier: flags & IFF_UP != 0 && flags & IFF_LOWER_UP != 0,
            ethernet: u16_at(message.body, 2)? == ETHERNET,
            kind: None,
            master: None,
            aggregated: false,
        };
        let mut bonded = false;
        for (attribute, value) in message.attributes(FIXED) {
            match attribute {
                NAME => link.name = text(value),
                ADDRESS => link.mac = mac(value),
                PERMANENT_ADDRESS => link.permanent_mac = mac(value),
                MTU => link.mtu = u32_at(value, 0)?,
                OPERATIONAL_STATE => link.carrier &= matches!(value, [UNKNOWN | UP]),
                MASTER => link.master = u32_at(value, 0),
                LINK_INFO => {
                    for (inner, value) in Attributes::nested(value) {
                        match inner {
                            INFO_KIND => link.kind = Some(text(value)),
                            INFO_MEMBER_KIND => bonded = text(value) == "bond",
                            INFO_MEMBER_DATA => link.aggregated = is_aggregated(value),
                            _ => {}
                        }
                    }
                    link.aggregated &= bonded;
                }
                _ => {}
            }
        }
        Some(link)
    }

    /// It is a member of that bond, bridge or VRF.
    pub fn is_member_of(&self, other: &Self) -> bool {
        self.master == Some(other.index)
    }
}

/// In the other modes the kernel tells nothing of a port's state.
fn is_aggregated(member: &[u8]) -> bool {
    let mut states = Attributes::nested(member).filter(|(inner, _)| *inner == MEMBER_PORT_STATE);
    states.any(
        |(_, state)| matches!(state, [bits] if bits & (DISTRIBUTING | DEFAULTED) == DISTRIBUTING),
    )
}

fn mac(bytes: &[u8]) -> Option<MacAddress> {
    bytes.try_into().ok().map(MacAddress::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_the_kernel_says_comes_back(
            index in 1_u32.., name in "[a-z][a-z0-9]{0,14}", mac: [u8; 6], permanent: Option<[u8; 6]>,
            mtu in 68_u32..65536, up: bool, carrier: bool, operational in 0_u8..8,
            driver in proptest::option::of("[a-z]{1,8}"), master: Option<u32>,
            member in proptest::option::of(("bond|bridge", any::<u8>())),
        ) {
            let flags = (u32::from(up) * IFF_UP) | (u32::from(carrier) * IFF_LOWER_UP);
            let mut head = fixed(index, flags, 0);
            head[2..4].copy_from_slice(&ETHERNET.to_ne_bytes());
            let mut told = Request::new(kind::NEW_LINK, &head);
            told.put_text(NAME, &name);
            told.put(ADDRESS, &mac);
            if let Some(permanent) = permanent {
                told.put(PERMANENT_ADDRESS, &permanent);
            }
            told.put_u32(MTU, mtu);
            told.put(OPERATIONAL_STATE, &[operational]);
            told.nest(LINK_INFO, |info| {
                if let Some(driver) = &driver {
                    info.put_text(INFO_KIND, driver);
                }
                if let Some((kind, state)) = &member {
                    info.put(INFO_MEMBER_KIND, kind.as_bytes());
                    info.nest(INFO_MEMBER_DATA, |data| data.put(MEMBER_PORT_STATE, &[*state]));
                }
            });
            let aggregated = member.is_some_and(|(kind, state)| {
                kind == "bond" && state & DISTRIBUTING != 0 && state & DEFAULTED == 0
            });
            if let Some(master) = master {
                told.put_u32(MASTER, master);
            }
            let bytes = told.finish(0, 1);
            let (message, _) = Message::split(&bytes).expect("a message");
            prop_assert_eq!(Link::read(message), Some(Link {
                index,
                name,
                mac: Some(MacAddress::new(mac)),
                permanent_mac: permanent.map(MacAddress::new),
                mtu,
                up,
                carrier: up && carrier && [UNKNOWN, UP].contains(&operational),
                ethernet: true,
                kind: driver,
                master,
                aggregated,
            }));
        }

        #[test]
        fn any_body_is_read(body in proptest::collection::vec(any::<u8>(), 0..120)) {
            let bytes = Request::new(kind::NEW_LINK, &body).finish(0, 1);
            let (message, _) = Message::split(&bytes).expect("a message");
            prop_assert_eq!(Link::read(message).is_some(), body.len() >= 12);
        }
    }
}
