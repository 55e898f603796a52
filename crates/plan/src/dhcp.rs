//! How an interface asks for a lease, and what of the answer is used.

use serde::{Deserialize, Serialize};

use crate::host_name::HostName;
use crate::json::is_default;

/// The metric of the routes that DHCP brings, as netplan's networkd back-end
/// sets it (`combine_dhcp_overrides` and `write_network_file` in its
/// src/networkd.c): with the same one the running system finds nothing to
/// replace.
pub(crate) const ROUTE_METRIC: u32 = 100;

/// A DHCPv4 client: who it is to the server, and what of the answer is used
/// (netplan's `dhcp4-overrides`). The default is netplan's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dhcp4 {
    /// It identifies by MAC address, not by DUID.
    #[serde(skip_serializing_if = "is_default")]
    pub identifier_mac: bool,
    /// A host name is sent.
    #[serde(skip_serializing_if = "is_true")]
    pub send_hostname: bool,
    /// The host name that is sent; `None`: the system's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostName>,
    /// The answer's routes are set.
    #[serde(skip_serializing_if = "is_true")]
    pub use_routes: bool,
    /// Metric of the answer's routes, and of its network.
    #[serde(skip_serializing_if = "is_usual")]
    pub route_metric: u32,
    /// The answer's MTU is set.
    #[serde(skip_serializing_if = "is_true")]
    pub use_mtu: bool,
    /// The answer's name servers are used.
    #[serde(skip_serializing_if = "is_true")]
    pub use_dns: bool,
    /// The answer's domains are searched in.
    #[serde(skip_serializing_if = "is_default")]
    pub use_domains: bool,
    /// The answer's host name is taken.
    #[serde(skip_serializing_if = "is_true")]
    pub use_hostname: bool,
}

impl Default for Dhcp4 {
    fn default() -> Self {
        Self {
            identifier_mac: false,
            send_hostname: true,
            hostname: None,
            use_routes: true,
            route_metric: ROUTE_METRIC,
            use_mtu: true,
            use_dns: true,
            use_domains: false,
            use_hostname: true,
        }
    }
}

/// A DHCPv6 client: who it is to the server, and what of the answer is used
/// (netplan's `dhcp6-overrides`). The default is netplan's. Routes come from
/// routers: [`Interface::ra_metric`](crate::Interface::ra_metric).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dhcp6 {
    /// It identifies by MAC address (DUID-LL, RFC 8415 section 11.4) and this
    /// IAID; `None`: as systemd-networkd does by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_layer_iaid: Option<u32>,
    /// The answer's name servers are used.
    #[serde(skip_serializing_if = "is_true")]
    pub use_dns: bool,
    /// The answer's domains are searched in.
    #[serde(skip_serializing_if = "is_default")]
    pub use_domains: bool,
}

impl Default for Dhcp6 {
    fn default() -> Self {
        Self {
            link_layer_iaid: None,
            use_dns: true,
            use_domains: false,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_true(value: &bool) -> bool {
    *value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_usual(metric: &u32) -> bool {
    *metric == ROUTE_METRIC
}
