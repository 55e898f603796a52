//! What one source says.

use crate::{HostIdentity, Interface, Origin, PortalSettings, StorageGraph, Warning};

/// What one source says; all that is absent, it says nothing of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// The graph of storage.
    pub storage: Option<StorageGraph>,
    /// The interfaces, in declared order; `None`: the source holds no network
    /// configuration at all.
    pub interfaces: Option<Vec<Interface>>,
    /// The identity of the host, and where it is said.
    pub host: Option<(HostIdentity, Origin)>,
    /// What it says of portals that another source names.
    pub portals: Vec<PortalSettings>,
    /// What the user should know where the initramfs brings up a network, and
    /// what is about no interface more than another.
    pub notices: Vec<Warning>,
    /// What the user should know about the source.
    pub warnings: Vec<Warning>,
}
