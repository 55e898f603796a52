//! Links as members of others: bonds, bridges, VRFs.

use nvmeroot_plan::BridgePort;

use super::link::{INFO_KIND, LINK_INFO, MASTER, fixed};
use super::wire::{Request, kind};
use super::{Link, Netlink, NetlinkError};

/// linux/if_link.h: `IFLA_PROTINFO`, `IFLA_INFO_DATA`, `IFLA_BOND_PRIMARY`.
const PORT: u16 = 12;
const INFO_DATA: u16 = 2;
const BOND_PRIMARY: u16 = 11;
/// `IFLA_BRPORT_…`.
const PORT_PRIORITY: u16 = 2;
const PORT_COST: u16 = 3;
const PORT_HAIRPIN: u16 = 4;
const PORT_LEARNING: u16 = 8;
const PORT_NEIGH_SUPPRESS: u16 = 32;
/// `NLA_F_NESTED`: the bridge demands it.
const NESTED: u16 = 0x8000;
/// `AF_BRIDGE`.
const AF_BRIDGE: u8 = 7;

fn master(member: u32, master: u32) -> Request {
    let mut request = Request::new(kind::SET_LINK, &fixed(member, 0, 0));
    request.put_u32(MASTER, master);
    request
}

fn bridge_port(member: u32, port: BridgePort) -> Request {
    let BridgePort {
        path_cost,
        priority,
        hairpin,
        neigh_suppress,
        learning,
    } = port;
    let mut fixed = fixed(member, 0, 0);
    fixed[0] = AF_BRIDGE;
    let mut request = Request::new(kind::SET_LINK, &fixed);
    request.nest(PORT | NESTED, |inner| {
        let mut flag = |attribute, value: Option<bool>| {
            if let Some(value) = value {
                inner.put(attribute, &[value.into()]);
            }
        };
        flag(PORT_HAIRPIN, hairpin);
        flag(PORT_LEARNING, learning);
        flag(PORT_NEIGH_SUPPRESS, neigh_suppress);
        inner.put_u32(PORT_COST, path_cost.map(|cost| u32::from(cost.get())));
        if let Some(priority) = priority {
            inner.put(PORT_PRIORITY, &u16::from(priority.get()).to_ne_bytes());
        }
    });
    request
}

fn bond_primary(bond: u32, primary: u32) -> Request {
    let mut request = Request::new(kind::NEW_LINK, &fixed(bond, 0, 0));
    request.nest(LINK_INFO, |info| {
        info.put(INFO_KIND, b"bond");
        info.nest(INFO_DATA, |data| data.put_u32(BOND_PRIMARY, primary));
    });
    request
}

impl Netlink {
    /// Makes a link, which is down, a member of another.
    ///
    /// # Errors
    /// What the kernel refuses: `EPERM` where a bond's member is up, `EBUSY`
    /// where it is a member of something else.
    pub fn set_master(&mut self, member: &Link, of: &Link) -> Result<(), NetlinkError> {
        self.change(master(member.index, of.index), 0, || {
            format!("can't make `{}` a member of `{}`", member.name, of.name)
        })
    }

    /// Says what a member of a bridge is as its port.
    ///
    /// # Errors
    /// What the kernel refuses: `EOPNOTSUPP` where it is no member.
    pub fn set_bridge_port(&mut self, member: &Link, port: BridgePort) -> Result<(), NetlinkError> {
        self.change(bridge_port(member.index, port), 0, || {
            format!("can't set up `{}` as a port of its bridge", member.name)
        })
    }

    /// Says which member a bond uses whenever it works.
    ///
    /// # Errors
    /// What the kernel refuses: `EACCES` in modes that know no such member.
    pub fn set_bond_primary(&mut self, bond: &Link, primary: &Link) -> Result<(), NetlinkError> {
        self.change(bond_primary(bond.index, primary.index), 0, || {
            format!(
                "can't make `{}` the primary of `{}`",
                primary.name, bond.name
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::hex;
    use super::*;

    // The bytes are what iproute2 6.1 sends for the command above each.

    #[test]
    fn members_are_set_as_ip_sets_them() {
        // ip link set dev v0 master br0
        assert_eq!(
            hex(master(3, 5)),
            "0000000003000000000000000000000008000a0005000000"
        );
        // ip link set bond0 type bond primary v0
        assert_eq!(
            hex(bond_primary(4, 3)),
            "000000000400000000000000000000001800120008000100626f6e640c00020008000b0003000000"
        );
    }

    /// `bridge link set dev v0 cost 50 priority 20 hairpin on learning off
    /// neigh_suppress on` sends the flags around the numbers.
    #[test]
    fn ports_are_set_as_bridge_sets_them() {
        let port = BridgePort {
            path_cost: 50_u64.try_into().ok(),
            priority: 20_u64.try_into().ok(),
            hairpin: Some(true),
            neigh_suppress: Some(true),
            learning: Some(false),
        };
        assert_eq!(
            hex(bridge_port(3, port)),
            "07000000030000000000000000000000\
             2c000c8005000400010000000500080000000000\
             0500200001000000\
             08000300320000000600020014000000"
        );
    }
}
