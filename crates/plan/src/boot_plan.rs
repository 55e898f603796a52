//! The boot plan: what all fragments together mean.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::json::is_default;
use crate::source::{fits, source};
use crate::topology::Topology;
use crate::{
    ConnectOptions, Controller, ControllerPath, HostIdentity, Mount, MountPoint, Network, Nqn,
    Origin, Port, Reach, Reason, Transport, Warning, inserted,
};

/// What all fragments together mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootPlan {
    /// How root is reached.
    pub reach: Reach,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The identity of the host, where a source says it.
    #[serde(default)]
    pub host: Option<HostIdentity>,
    /// The mounts, in declared order.
    pub mounts: Vec<Mount>,
    /// The remote controllers, each once, sorted by address, then port,
    /// compared as text.
    pub controllers: Vec<Controller>,
    /// How to connect what discovery controllers may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_ports: Vec<KnownPort>,
    /// What must be connected before the essential mounts can be mounted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<Requirement>,
    /// The kernel modules that the initramfs needs and that no other depends
    /// on, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// The network.
    pub network: Network,
    /// Per controller, the interfaces that lead to it.
    pub paths: Vec<ControllerPath>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// What the plan needs and can't have: with any of these it is carried out
    /// by nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Warning>,
}

impl BootPlan {
    /// The interfaces that lead to a controller which the initramfs connects,
    /// and all that these need: a VLAN's parent, a bond's and a bridge's
    /// members, the VRF that holds one. In bring-up order; none where the
    /// initramfs connects nothing.
    ///
    /// It connects every controller, also one that no mount names: a disk of
    /// curtin's names a single controller, and the others may be further paths
    /// to it. A path that the running system cuts fails over at every boot.
    pub fn storage_interfaces(&self) -> Vec<&crate::Interface> {
        let topology = Topology::new(&self.network);
        let on_path = self.on_path(&topology);
        self.network
            .interfaces
            .iter()
            .zip(on_path)
            .filter_map(|(one, on_path)| on_path.then_some(one))
            .collect()
    }

    /// Of each interface, whether it is among the storage's.
    pub(crate) fn on_path(&self, topology: &Topology<'_>) -> Vec<bool> {
        if !self.reach.is_by_initramfs() {
            return vec![false; topology.interfaces.len()];
        }
        let leads = self.paths.iter().flat_map(|path| &path.interfaces);
        let leads: BTreeSet<_> = inserted(leads.map(|lead| &lead.interface));
        let leads = topology
            .interfaces
            .iter()
            .enumerate()
            .filter(|(_, one)| leads.contains(&one.name))
            .map(|(at, _)| at);
        topology.needed_by(leads)
    }

    /// Whether all that is essential can be mounted although these requirements are not
    /// met: what they speak of are members that arrays can do without.
    pub fn can_do_without(&self, unmet: &[&Requirement]) -> bool {
        self.lost(unmet).next().is_none()
    }

    /// The essential mounts that can't be had while these requirements are not met.
    pub fn lost(&self, unmet: &[&Requirement]) -> impl Iterator<Item = &Mount> {
        let missing: BTreeSet<usize> = inserted(unmet.iter().flat_map(|one| &one.any_of).copied());
        let essential = self.mounts.iter().filter(|mount| mount.essential);
        essential.filter(move |mount| !mount.can_do_without(&missing))
    }

    /// What a subsystem behind a portal is connected with: the controller of the
    /// plan itself by its own options. Of what the discovery controller at its
    /// portal names, the controller's own options come first, then what is known of
    /// the port; but the port's own secrets replace the controller's
    /// (`nvmf_add_ctrl` in libnvme's src/nvme/fabrics.c).
    pub fn options_of(&self, controller: &Controller, at: SocketAddr, nqn: &Nqn) -> ConnectOptions {
        let own = &controller.options;
        let known = self.known_ports.iter().find(|known| {
            controller.nqn.as_ref() != Some(nqn)
                && known.transport == controller.transport
                && (known.traddr, known.trsvcid.get()) == (at.ip(), at.port())
                && known.nqn == *nqn
                && fits(&source(&known.options), &source(own))
        });
        let Some(known) = known else {
            return own.clone();
        };
        let mut options = ConnectOptions {
            dhchap_secret: known.options.dhchap_secret.clone(),
            dhchap_ctrl_secret: known.options.dhchap_ctrl_secret.clone(),
            ..ConnectOptions::default()
        };
        options.fill_from(own);
        options.fill_from(&known.options);
        options
    }
}

/// What must be connected before an essential mount can be mounted: at least
/// one of these controllers, itself or by what its discovery log names, with a
/// namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Requirement {
    /// Indexes into the plan's controllers, ascending.
    pub any_of: Vec<usize>,
    /// The mounts that need it.
    pub mounts: Vec<MountPoint>,
}

/// How to connect a port of a subsystem, should a discovery controller name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPort {
    /// The transport.
    pub transport: Transport,
    /// The portal's address.
    pub traddr: IpAddr,
    /// The portal's port.
    pub trsvcid: Port,
    /// The subsystem.
    pub nqn: Nqn,
    /// What the connection is made with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: ConnectOptions,
    /// Where it is said.
    pub origin: Origin,
}
