//! How a card comes by its address, as an HFI has it.

use ipnet::IpNet;
use nvmeroot_nbft::{Hfi, HfiFlags};

/// How a card comes by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    Dhcp4,
    Dhcp6,
    /// From router advertisements.
    Announced,
    Fixed(IpNet),
}

impl Means {
    /// What the HFI says. An error is what is wrong with it, in words.
    pub(super) fn of(hfi: &Hfi) -> Result<Self, String> {
        let address = hfi.address.specified();
        if hfi.is_dhcp() {
            let family = address.or_else(|| hfi.dhcp_server());
            return Ok(match family.is_some_and(|address| address.is_ipv6()) {
                true => Self::Dhcp6,
                false => Self::Dhcp4,
            });
        }
        if hfi.flags.contains(HfiFlags::AUTOCONFIGURED) {
            return Ok(Self::Announced);
        }
        let why = "the firmware had no address on this card, so nothing is reached over it";
        let address = address.ok_or_else(|| why.to_owned())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match hfi.prefix {
            0 => longest,
            prefix => prefix,
        };
        let network = IpNet::new(address, prefix);
        let why = |_| format!("`{address}/{prefix}` is no address with a prefix length");
        network.map(Self::Fixed).map_err(why)
    }
}
