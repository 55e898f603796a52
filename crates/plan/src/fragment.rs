//! What one source says.

use serde::{Deserialize, Serialize};

use crate::{HostIdentity, HostSettings, Interface, Origin, PortSettings, StorageGraph, Warning};

/// What one source says; all that is absent, it says nothing of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fragment {
    /// The graph of storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageGraph>,
    /// The interfaces, in declared order; `None`: the source holds no network
    /// configuration at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interfaces: Option<Vec<Interface>>,
    /// The identity of the host, and where it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<(HostIdentity, Origin)>,
    /// What it says of every connection of a host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostSettings>,
    /// What it says of single ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortSettings>,
    /// Files with network configuration that nvmeroot does not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
    /// What the user should know where the initramfs brings up a network, and
    /// what is about no interface more than another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Warning>,
    /// What the user should know about the source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}
