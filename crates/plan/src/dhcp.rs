//! What of a DHCP answer or a router's advertisement is used.

use serde::{Deserialize, Serialize};

/// What of a DHCP answer is used (netplan's `dhcp4-overrides`); `None` is
/// netplan's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DhcpOverrides {
    /// The answer's name servers are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_dns: Option<bool>,
    /// The answer's time servers are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_ntp: Option<bool>,
    /// The answer's host name is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_hostname: Option<bool>,
    /// The answer's MTU is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_mtu: Option<bool>,
    /// The answer's routes are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_routes: Option<bool>,
    /// The answer's domains are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_domains: Option<UseDomains>,
    /// The host name is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_hostname: Option<bool>,
    /// The host name that is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Metric of the answer's routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_metric: Option<u32>,
}

/// How the domains of a DHCP answer are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UseDomains {
    /// For searching and routing.
    Yes,
    /// Not at all.
    No,
    /// For routing queries only.
    Route,
}

/// What of a router's advertisement is used (netplan's `ra-overrides`);
/// `None` is netplan's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RaOverrides {
    /// Its name servers are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_dns: Option<bool>,
    /// Its domains are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_domains: Option<UseDomains>,
    /// The table that its routes go to; `None` is the main table (254), or
    /// the VRF's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
}
