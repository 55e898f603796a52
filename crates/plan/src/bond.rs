//! Bonds: several interfaces as one (Documentation/networking/bonding.rst in
//! the kernel's source).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::string_enum::string_enum;
use crate::{DefinitionId, LearnPacketInterval, Milliseconds, NameError};

/// A bond.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond {
    /// How it works.
    #[serde(flatten)]
    pub parameters: BondParameters,
    /// The interfaces that it holds, by id, in declared order.
    pub members: Vec<DefinitionId>,
    /// The member that is used whenever it works, by id
    /// (`IFLA_BOND_PRIMARY`). Only `active-backup`, `balance-tlb` and
    /// `balance-alb` know one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<DefinitionId>,
}

/// How a bond works, with the kernel's names and units; what is `None` the
/// kernel's default decides.
///
/// All of it can go into the one request that creates the bond: the kernel
/// applies the parts in the order that it needs (`bond_changelink` in
/// bond_netlink.c). Later on some of it is refused while the bond is up or has
/// members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BondParameters {
    /// Mode; the kernel's default is `balance-rr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<BondMode>,
    /// How often the partner is asked to send LACPDUs. The kernel refuses it
    /// (`EACCES`) in any mode but `802.3ad`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacp_rate: Option<LacpRate>,
    /// Between two looks at the members' carrier, milliseconds (`miimon`); 0
    /// is never. Setting it turns [`BondParameters::arp_interval`] off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mii_monitor_interval: Option<Milliseconds>,
    /// The members that must have carrier for the bond to have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_links: Option<u32>,
    /// What a packet's member is chosen by (`xmit_hash_policy`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transmit_hash_policy: Option<TransmitHashPolicy>,
    /// What the active aggregator is chosen by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ad_select: Option<AdSelect>,
    /// Frames that come in over an inactive member count
    /// (`all_slaves_active`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_members_active: Option<bool>,
    /// Between two ARP requests to the targets, milliseconds; 0 is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arp_interval: Option<Milliseconds>,
    /// Whom the ARP requests go to.
    #[serde(default, skip_serializing_if = "ArpTargets::is_empty")]
    pub arp_ip_targets: ArpTargets,
    /// Which members' ARP traffic is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arp_validate: Option<ArpValidate>,
    /// Whether one target or all must answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arp_all_targets: Option<ArpAllTargets>,
    /// From carrier to use, milliseconds. The kernel refuses it (`EPERM`)
    /// without a [`BondParameters::mii_monitor_interval`], and rounds it down
    /// to a multiple of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_delay: Option<Milliseconds>,
    /// From loss of carrier to disuse, milliseconds; as
    /// [`BondParameters::up_delay`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_delay: Option<Milliseconds>,
    /// Whose MAC address the bond has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_over_mac_policy: Option<FailOverMac>,
    /// Gratuitous ARP and unsolicited neighbour advertisements after a
    /// failover (`num_grat_arp`, `num_unsol_na`: one setting,
    /// `IFLA_BOND_NUM_PEER_NOTIF`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gratuitous_arp: Option<u8>,
    /// Packets over one member before the next one's turn
    /// (`packets_per_slave`); 0 chooses at random. The kernel refuses it in
    /// any mode but `balance-rr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets_per_member: Option<u16>,
    /// When the primary member is used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_reselect_policy: Option<PrimaryReselect>,
    /// IGMP reports after a failover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend_igmp: Option<u8>,
    /// Between two learning packets to the switches, seconds (`lp_interval`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learn_packet_interval: Option<LearnPacketInterval>,
}

string_enum! {
    /// A bond's mode.
    BondMode, "bonding mode" {
        /// The members in turn.
        BalanceRr = 0 "balance-rr",
        /// One member at a time.
        ActiveBackup = 1 "active-backup",
        /// By a hash of the packet.
        BalanceXor = 2 "balance-xor",
        /// Everything over every member.
        Broadcast = 3 "broadcast",
        /// Link aggregation (IEEE 802.1AX, once 802.3ad).
        Lacp = 4 "802.3ad",
        /// What goes out, by each member's load.
        BalanceTlb = 5 "balance-tlb",
        /// The same, and what comes in too, by answers to ARP.
        BalanceAlb = 6 "balance-alb",
    }
}

string_enum! {
    /// How often LACPDUs are asked for.
    LacpRate, "LACP rate" {
        /// Every 30 seconds.
        Slow = 0 "slow",
        /// Every second.
        Fast = 1 "fast",
    }
}

string_enum! {
    /// What a packet's member is chosen by.
    TransmitHashPolicy, "transmit hash policy" {
        /// MAC addresses.
        Layer2 = 0 "layer2",
        /// IP addresses and ports.
        Layer34 = 1 "layer3+4",
        /// MAC and IP addresses.
        Layer23 = 2 "layer2+3",
        /// As `layer2+3`, of what a tunnel carries.
        Encap23 = 3 "encap2+3",
        /// As `layer3+4`, of what a tunnel carries.
        Encap34 = 4 "encap3+4",
        /// VLAN id and source MAC address.
        VlanSrcmac = 5 "vlan+srcmac",
    }
}

string_enum! {
    /// What the active aggregator is chosen by, in mode `802.3ad`.
    AdSelect, "aggregation selection" {
        /// Bandwidth, and again only when no member of it is left.
        Stable = 0 "stable",
        /// Bandwidth, again with every change.
        Bandwidth = 1 "bandwidth",
        /// Number of members, again with every change.
        Count = 2 "count",
    }
}

string_enum! {
    /// Which members' ARP traffic is looked at.
    ArpValidate, "ARP validation" {
        /// No member's.
        None = 0 "none",
        /// The active one's.
        Active = 1 "active",
        /// The others'.
        Backup = 2 "backup",
        /// Every member's.
        All = 3 "all",
    }
}

string_enum! {
    /// Which ARP targets must answer.
    ArpAllTargets, "choice of ARP targets" {
        /// One of them.
        Any = 0 "any",
        /// All of them.
        All = 1 "all",
    }
}

string_enum! {
    /// Whose MAC address a bond has, in mode `active-backup`.
    FailOverMac, "failover MAC policy" {
        /// All members have the bond's.
        None = 0 "none",
        /// The bond has the active member's.
        Active = 1 "active",
        /// A member takes the bond's when it becomes active.
        Follow = 2 "follow",
    }
}

string_enum! {
    /// When the primary member is used again after it failed.
    PrimaryReselect, "primary reselection policy" {
        /// As soon as it works.
        Always = 0 "always",
        /// If it is faster than the active one.
        Better = 1 "better",
        /// When the active one fails.
        Failure = 2 "failure",
    }
}

/// The addresses that a bond watches: at most 16 (`BOND_MAX_ARP_TARGETS` in
/// the kernel's include/net/bonding.h).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Ipv4Addr>", into = "Vec<Ipv4Addr>")]
pub struct ArpTargets(Vec<Ipv4Addr>);

impl ArpTargets {
    /// The addresses, in declared order.
    pub fn as_slice(&self) -> &[Ipv4Addr] {
        &self.0
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<Ipv4Addr>> for ArpTargets {
    type Error = NameError;

    fn try_from(addresses: Vec<Ipv4Addr>) -> Result<Self, NameError> {
        if addresses.len() > 16 {
            let count = addresses.len();
            return Err(NameError::ArpTargets { count });
        }
        Ok(Self(addresses))
    }
}

impl From<ArpTargets> for Vec<Ipv4Addr> {
    fn from(targets: ArpTargets) -> Self {
        targets.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_the_kernel_s() {
        let modes: Vec<&str> = BondMode::ALL.iter().map(|mode| mode.as_str()).collect();
        assert_eq!(
            modes,
            [
                "balance-rr",
                "active-backup",
                "balance-xor",
                "broadcast",
                "802.3ad",
                "balance-tlb",
                "balance-alb"
            ]
        );
        for (place, mode) in BondMode::ALL.iter().enumerate() {
            assert_eq!(usize::from(mode.number()), place);
            assert_eq!(mode.as_str().parse(), Ok(*mode));
        }
        let error = "balance-tcp".parse::<LacpRate>().expect_err("no rate");
        assert_eq!(
            error.to_string(),
            "`balance-tcp` is no LACP rate: expected one of `slow`, `fast`"
        );
    }

    #[test]
    fn a_bond_watches_16_addresses_at_most() {
        let many = |n| vec![Ipv4Addr::LOCALHOST; n];
        let most = ArpTargets::try_from(many(16)).expect("16 are watched");
        assert_eq!(most.as_slice(), many(16));
        assert_eq!(
            ArpTargets::try_from(many(17)),
            Err(NameError::ArpTargets { count: 17 })
        );
    }

    #[test]
    fn the_json_form_is_flat_and_can_be_read_back() {
        let text = r#"{"mode":"802.3ad","lacp_rate":"fast","mii_monitor_interval":100,"transmit_hash_policy":"layer3+4","arp_ip_targets":["10.0.0.1"],"members":["e0"],"primary":"e0"}"#;
        let bond: Bond = serde_json::from_str(text).expect("a bond");
        assert_eq!(bond.parameters.mode, Some(BondMode::Lacp));
        assert_eq!(serde_json::to_string(&bond).expect("JSON"), text);
        let bad = text.replace("802.3ad", "balance-tcp");
        assert!(serde_json::from_str::<Bond>(&bad).is_err());
    }
}
