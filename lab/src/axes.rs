//! The values of the axes by which hosts differ, and their names.

use crate::host_spec::{Generator, Manager, Release};

/// systemd's own network manager.
pub(crate) const NETWORKD: &str = "systemd-networkd.service";

impl Release {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Trixie, Self::Forky, Self::Sid];

    /// The archive's name for it.
    pub fn suite(self) -> &'static str {
        match self {
            Self::Trixie => "trixie",
            Self::Forky => "forky",
            Self::Sid => "sid",
        }
    }

    /// As people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Trixie => "Debian 13 (trixie)",
            Self::Forky => "Debian 14 (forky)",
            Self::Sid => "sid",
        }
    }
}

impl Generator {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::InitramfsTools, Self::Dracut];

    /// The package that it comes with.
    pub fn package(self) -> &'static str {
        match self {
            Self::InitramfsTools => "initramfs-tools",
            Self::Dracut => "dracut",
        }
    }
}

impl Manager {
    /// Each of them.
    pub const ALL: [Self; 5] = [
        Self::NetplanNetworkd,
        Self::NetplanNetworkManager,
        Self::NetworkManager,
        Self::Networkd,
        Self::Ifupdown,
    ];

    /// As in the names of scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::NetplanNetworkd => "netplan",
            Self::NetplanNetworkManager => "netplan-nm",
            Self::NetworkManager => "nm",
            Self::Networkd => "networkd",
            Self::Ifupdown => "ifupdown",
        }
    }

    /// As people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::NetplanNetworkd => "netplan with systemd-networkd",
            Self::NetplanNetworkManager => "netplan with NetworkManager",
            Self::NetworkManager => "NetworkManager alone",
            Self::Networkd => "systemd-networkd alone",
            Self::Ifupdown => "ifupdown",
        }
    }

    /// The unit that takes root's network over.
    pub fn unit(self) -> &'static str {
        match self {
            Self::NetplanNetworkd | Self::Networkd => NETWORKD,
            Self::NetplanNetworkManager | Self::NetworkManager => "NetworkManager.service",
            Self::Ifupdown => "networking.service",
        }
    }

    /// The packages that it comes with; systemd-networkd is part of systemd's.
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            Self::NetplanNetworkd => &["netplan.io"],
            Self::NetplanNetworkManager => &["netplan.io", "network-manager"],
            Self::NetworkManager => &["network-manager"],
            Self::Networkd => &[],
            Self::Ifupdown => &["dhcpcd-base", "ifenslave", "ifupdown", "vlan"],
        }
    }

    /// It gives each route a metric by the kind of link, also that to a link's own network.
    pub fn has_own_metrics(self) -> bool {
        matches!(self, Self::NetplanNetworkManager | Self::NetworkManager)
    }

    /// The agent goes on with root's leases in the running system.
    pub fn has_leases_by_agent(self) -> bool {
        self == Self::Ifupdown
    }
}
