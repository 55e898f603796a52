//! Settings of a network card by ethtool's netlink
//! (Documentation/networking/ethtool-netlink.rst).

use nvmeroot_plan::Offloads;

use netlink_sys::protocols::NETLINK_GENERIC;

use super::wire::{Attributes, Request, u16_at};
use super::{Link, Netlink, NetlinkError, failed};

/// linux/genetlink.h: `GENL_ID_CTRL`, `CTRL_CMD_GETFAMILY`,
/// `CTRL_ATTR_FAMILY_ID`, `CTRL_ATTR_FAMILY_NAME`.
const CONTROL: u16 = 16;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;

/// linux/ethtool_netlink.h: `ETHTOOL_MSG_FEATURES_SET`.
const SET_FEATURES: u8 = 12;
/// `ETHTOOL_A_…_HEADER` is 1 in every message; in it
/// `ETHTOOL_A_HEADER_DEV_INDEX`.
const HEADER: u16 = 1;
const DEVICE_INDEX: u16 = 1;
/// `ETHTOOL_A_FEATURES_WANTED`.
const WANTED: u16 = 3;
/// `ETHTOOL_A_BITSET_BITS`, `…_BITS_BIT`, `…_BIT_NAME`, `…_BIT_VALUE`.
const BITS: u16 = 3;
const BIT: u16 = 1;
const BIT_NAME: u16 = 2;
const BIT_VALUE: u16 = 3;
/// `NLA_F_NESTED`, which these messages must have.
const NESTED: u16 = 0x8000;

/// A socket for requests to ethtool.
#[derive(Debug)]
pub struct Ethtool {
    netlink: Netlink,
    family: u16,
}

/// `struct genlmsghdr`: command, version, two reserved.
fn message(family: u16, command: u8) -> Request {
    Request::new(family, &[command, 1, 0, 0])
}

/// The kernel's names of the features, each with its value.
fn features(offloads: Offloads) -> Vec<(&'static str, bool)> {
    let Offloads {
        receive_checksum,
        transmit_checksum,
        tcp_segmentation,
        tcp6_segmentation,
        generic_segmentation,
        generic_receive,
        large_receive,
    } = offloads;
    let transmit = [
        "tx-checksum-ipv4",
        "tx-checksum-ip-generic",
        "tx-checksum-ipv6",
        "tx-checksum-fcoe-crc",
        "tx-checksum-sctp",
    ];
    let mut all = vec![("rx-checksum", receive_checksum)];
    all.extend(transmit.map(|name| (name, transmit_checksum)));
    all.extend([
        ("tx-tcp-segmentation", tcp_segmentation),
        ("tx-tcp6-segmentation", tcp6_segmentation),
        ("tx-generic-segmentation", generic_segmentation),
        ("rx-gro", generic_receive),
        ("rx-lro", large_receive),
    ]);
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn offload(family: u16, link: u32, offloads: Offloads) -> Request {
    let mut request = message(family, SET_FEATURES);
    request.nest(HEADER | NESTED, |header| header.put_u32(DEVICE_INDEX, link));
    request.nest(WANTED | NESTED, |set| {
        set.nest(BITS | NESTED, |bits| {
            for (name, value) in features(offloads) {
                bits.nest(BIT | NESTED, |bit| {
                    bit.put_text(BIT_NAME, name);
                    if value {
                        bit.put(BIT_VALUE, &[]);
                    }
                });
            }
        });
    });
    request
}

impl Ethtool {
    /// Opens a socket and asks for ethtool's number.
    ///
    /// # Errors
    /// `ENOENT` where the kernel has no ethtool over netlink (before Linux
    /// 5.6, or without `CONFIG_ETHTOOL_NETLINK`).
    pub fn open() -> Result<Self, NetlinkError> {
        let mut netlink = Netlink::open_protocol(NETLINK_GENERIC)?;
        let mut request = message(CONTROL, GET_FAMILY);
        request.put_text(FAMILY_NAME, "ethtool");
        let mut family = None;
        let asked = netlink.get(request, |answer| {
            let attributes = Attributes::nested(answer.body.get(4..).unwrap_or_default());
            for (attribute, value) in attributes {
                if attribute == FAMILY_ID {
                    family = u16_at(value, 0);
                }
            }
        });
        let missing = || std::io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error());
        let family = asked.and_then(|()| family.ok_or_else(missing));
        family
            .map(|family| Self { netlink, family })
            .map_err(failed(|| {
                "the kernel has no ethtool over netlink".to_owned()
            }))
    }

    /// Sets what a card does in the kernel's stead. What the card hasn't, or
    /// can't change, stays as it is without a word, as for ethtool and udev.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the kernel knows none of it.
    pub fn set_offloads(&mut self, link: &Link, offloads: Offloads) -> Result<(), NetlinkError> {
        let request = offload(self.family, link.index, offloads);
        self.netlink.change(request, 0, || {
            format!("can't set the offloads of `{}`", link.name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::hex;
    use super::*;

    // What follows the header is what ethtool 6.1 sends for the command above
    // each; it names the card, where this program gives its index.
    const GENERIC: usize = 2 * 4;
    const CARD: &str = "0c00018008000100";

    #[test]
    fn settings_are_as_ethtool_sends_them() {
        // ethtool -K v0 rx-checksum on tx-tcp-segmentation off
        let offloads = Offloads {
            receive_checksum: Some(true),
            tcp_segmentation: Some(false),
            ..Offloads::default()
        };
        let sent = hex(offload(21, 3, offloads));
        assert_eq!(&sent[..GENERIC], "0c010000");
        assert_eq!(
            sent[GENERIC..].strip_prefix(CARD),
            Some(
                "030000003c0003803800038018000180\
                 1000020072782d636865636b73756d00040003001c0001801800020074782d7463702d73\
                 65676d656e746174696f6e00"
            )
        );
    }

    #[test]
    fn netplan_s_transmit_checksum_is_five_features() {
        let offloads = Offloads {
            transmit_checksum: Some(false),
            large_receive: Some(true),
            ..Offloads::default()
        };
        let names: Vec<_> = features(offloads);
        assert_eq!(names.len(), 6);
        assert_eq!(names[4], ("tx-checksum-sctp", false));
        assert_eq!(names[5], ("rx-lro", true));
    }
}
