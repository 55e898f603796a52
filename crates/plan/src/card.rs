//! What is set of a network card itself.

use serde::{Deserialize, Serialize};

/// What a card does in the kernel's stead (ethtool(8), `-K`); what is `None`
/// stays as the driver has it. The fields bear netplan's names; behind each
/// stand the kernel's names of the features (`netdev_features_strings` in
/// net/ethtool/common.c), which are all set alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Offloads {
    /// `rx-checksum`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_checksum: Option<bool>,
    /// `tx-checksum-ipv4`, `-ip-generic`, `-ipv6`, `-fcoe-crc`, `-sctp`:
    /// those that the card has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmit_checksum: Option<bool>,
    /// `tx-tcp-segmentation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_segmentation: Option<bool>,
    /// `tx-tcp6-segmentation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp6_segmentation: Option<bool>,
    /// `tx-generic-segmentation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generic_segmentation: Option<bool>,
    /// `rx-gro`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generic_receive: Option<bool>,
    /// `rx-lro`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub large_receive: Option<bool>,
}

impl Offloads {
    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
