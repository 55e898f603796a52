//! Host fabric interfaces.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use crate::value::{Address, Mac, Unknown};

/// A host fabric interface: a network card, and how the firmware set it up for
/// NVMe/TCP (Figures 12 and 14). Find the card by `mac` and `vlan`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hfi {
    /// What other records call it.
    pub index: u8,
    /// What the firmware did to get the address.
    pub flags: HfiFlags,
    /// Where the card is.
    pub pci: PciLocation,
    /// The card's hardware address.
    pub mac: Mac,
    /// The VLAN identifier; 0 for none.
    pub vlan: u16,
    /// Where the address is from: `NL_PREFIX_ORIGIN` of the Win32 API. Dell's
    /// firmware 1.5.5 leaves arbitrary values here: don't rely on it.
    pub origin: u8,
    /// The address; unspecified if the firmware got none.
    pub address: Address,
    /// The length of the network's prefix, in bits.
    pub prefix: u8,
    /// The gateway; unspecified for none.
    pub gateway: Address,
    /// The metric of the card's routes; 0 if the firmware does no routing.
    pub metric: u16,
    /// Up to two name servers; unspecified for none.
    pub dns: [Address; 2],
    /// The DHCP server, as stored: see [`Hfi::dhcp_server`].
    pub dhcp_server: Address,
    /// The host name that the card was given or gives.
    pub host_name: Option<String>,
    /// The version of the transport information: 1, or 2 since the Boot
    /// Specification 1.1.
    pub info_version: u8,
    /// Since version 2.
    pub extended: Option<HfiExtended>,
    /// Reserved bytes of the descriptor; its flags come first.
    pub unknown: Unknown,
    /// Reserved bytes of the transport information.
    pub info_unknown: Unknown,
}

impl Hfi {
    /// A card with a static address.
    #[must_use]
    pub fn new(index: u8, mac: [u8; 6], address: IpAddr, prefix: u8) -> Self {
        Self {
            index,
            flags: HfiFlags::VALID,
            mac: Mac(mac),
            origin: 1,
            address: address.into(),
            prefix,
            info_version: 1,
            ..Self::default()
        }
    }

    /// The VLAN identifier, if there is one.
    #[must_use]
    pub fn vlan(&self) -> Option<u16> {
        Some(self.vlan).filter(|id| *id != 0)
    }

    /// The address is a lease.
    #[must_use]
    pub fn is_dhcp(&self) -> bool {
        self.flags.contains(HfiFlags::DHCP)
    }

    /// The server that gave the lease. What the field holds without a lease
    /// means nothing.
    #[must_use]
    pub fn dhcp_server(&self) -> Option<IpAddr> {
        self.dhcp_server.specified().filter(|_| self.is_dhcp())
    }

    /// The name servers that there are.
    pub fn name_servers(&self) -> impl Iterator<Item = IpAddr> {
        self.dns.iter().filter_map(|dns| dns.specified())
    }
}

bitflags::bitflags! {
    /// Flags of the transport information. Bits that have no name are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct HfiFlags: u8 {
        /// The information counts.
        const VALID = 1;
        /// The firmware's default route went by this card.
        const DEFAULT_ROUTE = 1 << 1;
        /// The address is from DHCP.
        const DHCP = 1 << 2;
        /// The address is from a router's advertisement (since 1.1).
        const AUTOCONFIGURED = 1 << 3;
        const _ = !0;
    }
}

/// A place on the PCI bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PciLocation {
    /// Segment (bits 16 to 31), bus (8 to 15), device (3 to 7), function (0 to
    /// 2). EDK II leaves the segment out.
    pub sbdf: u32,
    /// The segment in flit mode, since version 2 of the information; else 0.
    pub segment: u8,
}

impl fmt::Display for PciLocation {
    /// As Linux shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sbdf, segment } = *self;
        let segment = if segment == 0 {
            sbdf >> 16
        } else {
            segment.into()
        };
        let (bus, device, function) = ((sbdf >> 8) & 0xff, (sbdf >> 3) & 0x1f, sbdf & 7);
        write!(f, "{segment:04x}:{bus:02x}:{device:02x}.{function}")
    }
}

/// The extended information (Figure 15): what the firmware called itself when
/// it asked for a lease (RFC 4361).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HfiExtended {
    /// What counts.
    pub flags: HfiExtendedFlags,
    /// The identity association.
    pub iaid: Option<u32>,
    /// The DHCP unique identifier as stored. The specification wants its fields
    /// little-endian; on the wire they are big-endian.
    pub duid: Vec<u8>,
    /// Bytes after the known ones.
    pub unknown: Unknown,
}

bitflags::bitflags! {
    /// Flags of the extended information. Bits that have no name are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct HfiExtendedFlags: u32 {
        /// The structure counts.
        const VALID = 1;
        /// IAID and DUID count.
        const CLIENT_ID = 1 << 1;
        const _ = !0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_pci_location_is_shown_as_linux_shows_it() {
        let shown = |sbdf, segment| PciLocation { sbdf, segment }.to_string();
        assert_eq!(shown(0x6a00, 0), "0000:6a:00.0");
        assert_eq!(shown(0x0001_6aff, 0), "0001:6a:1f.7");
        assert_eq!(shown(40, 2), "0002:00:05.0");
    }

    #[test]
    fn a_dhcp_server_without_dhcp_is_none() {
        let mut hfi = Hfi {
            dhcp_server: IpAddr::from([192, 0, 2, 1]).into(),
            ..Hfi::default()
        };
        assert_eq!(hfi.dhcp_server(), None);
        hfi.flags = HfiFlags::VALID | HfiFlags::DHCP;
        assert_eq!(hfi.dhcp_server(), Some(IpAddr::from([192, 0, 2, 1])));
    }
}
