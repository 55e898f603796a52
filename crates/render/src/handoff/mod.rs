//! How the running system takes root's network over, one file a network
//! manager.

pub(crate) mod netplan;
