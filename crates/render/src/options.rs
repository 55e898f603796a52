//! What the user decides about the files.

use std::collections::BTreeSet;

use nvmeroot_plan::{BootPlan, Fragment, HostIdentity, Manager};

use crate::generator::Generator;
use crate::handoff::networkd::NetworkdFile;

/// What runs in the initramfs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Runtime {
    /// The static program `nvmeroot-agent`.
    #[default]
    Agent,
    /// Shell scripts made of `ip`, `dhcpcd` and `nvme`.
    Scripts,
}

/// What the user decides about the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What runs in the initramfs.
    pub runtime: Runtime,
    /// What makes the initramfs.
    pub generator: Generator,
    /// The root tree has the package `nvmeroot`: the agent, and what is the same for
    /// every plan, came with it and stays its own (see [`package_files`](crate::package_files)).
    pub packaged: bool,
    /// The agent's bytes, which [`Runtime::Agent`] puts into the root tree. It
    /// is not looked at: that it runs on the machine is the caller's to see.
    pub agent: Option<Vec<u8>>,
    /// The network managers of the running system, as far as the root tree shows them;
    /// none: it is netplan that knows.
    pub managers: BTreeSet<Manager>,
    /// The root tree shows network managers, and nothing of netplan: nobody would read a
    /// file of netplan's.
    pub without_netplan: bool,
    /// What of systemd-networkd's own files may set root's interfaces up.
    pub networkd_files: Vec<NetworkdFile>,
    /// What the plan was made of: the agent makes it again with what only the boot knows.
    pub fragments: Vec<Fragment>,
    /// The identity that `etc/nvme/hostnqn` and `etc/nvme/hostid` get;
    /// `None`: they stay as they are.
    pub host: Option<HostIdentity>,
}

impl Options {
    /// The initramfs gets a secret: of the plan's connections, or with what the agent
    /// makes the plan of.
    pub(crate) fn has_secret(&self, plan: &BootPlan) -> bool {
        let mut options = plan.controllers.iter().map(|c| &c.options);
        options.any(|o| o.dhchap_secret.is_some() || o.dhchap_ctrl_secret.is_some())
            || self.runtime == Runtime::Agent && self.fragments.iter().any(Fragment::has_secret)
    }
}
