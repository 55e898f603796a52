//! What one source says.

use serde::{Deserialize, Serialize};

use crate::json::is_default;
use crate::{
    ConnectOptions, HostIdentity, HostSettings, Interface, NodeRole, Origin, PortSettings,
    StorageGraph, Warning,
};

/// Who speaks, the weakest first: what a stronger one says of the same thing counts
/// instead.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The installed system, and who installed it.
    #[default]
    Installed,
    /// The firmware, by the table that it leaves (NBFT).
    Firmware,
    /// Who boots the machine, by the kernel command line.
    CommandLine,
}

/// What one source says; all that is absent, it says nothing of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fragment {
    /// Who speaks.
    #[serde(skip_serializing_if = "is_default")]
    pub authority: Authority,
    /// The graph of storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageGraph>,
    /// The nodes of that which the machine has booted from, by id: only the firmware
    /// knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub booted_from: Vec<String>,
    /// The installed system's controllers don't count.
    #[serde(skip_serializing_if = "is_default")]
    pub replaces_installed: bool,
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

impl Fragment {
    /// The same as far as the boot needs it: without what is said once, when the system is
    /// installed, and without what is said for others than this host, secrets among it;
    /// `None`: which host it is turns out at boot.
    #[must_use]
    pub fn for_boot(self, host: Option<&HostIdentity>) -> Self {
        let (mut hosts, mut ports) = (self.hosts, self.ports);
        hosts.retain(|one| one.host.means(host));
        ports.retain(|one| one.host.means(host));
        Self {
            hosts,
            ports,
            passed_over: Vec::new(),
            notices: Vec::new(),
            warnings: Vec::new(),
            ..self
        }
    }

    /// Whether it holds a secret, be it of use or not.
    pub fn has_secret(&self) -> bool {
        let has = |options: &ConnectOptions| {
            options.dhchap_secret.is_some() || options.dhchap_ctrl_secret.is_some()
        };
        let nodes = self.storage.iter().flat_map(StorageGraph::nodes);
        let mut controllers = nodes.filter_map(|node| match &node.role {
            NodeRole::Controller(controller) => Some(&controller.options),
            _ => None,
        });
        self.hosts.iter().any(|host| host.dhchap_secret.is_some())
            || self.ports.iter().any(|port| has(&port.options))
            || controllers.any(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::HostSelector;
    use crate::testing::{controller, graph, origin};

    const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    fn settings(nqn: &str, secret: Option<&str>) -> HostSettings {
        HostSettings {
            host: HostSelector {
                nqn: Some(nqn.parse().expect("an NQN")),
                id: None,
            },
            dhchap_secret: secret.map(|text| text.parse().expect("a secret")),
            errors: Vec::new(),
            origin: origin(1),
        }
    }

    fn port(options: ConnectOptions) -> PortSettings {
        let address = "192.0.2.1".parse().expect("an address");
        let mut port = PortSettings::new(address, "4420".parse().expect("a port"), origin(1));
        port.options = options;
        port
    }

    fn on(options: ConnectOptions) -> Fragment {
        let controller = crate::Controller {
            options,
            ..controller("192.0.2.1")
        };
        Fragment {
            storage: Some(graph(&[("/", &[0])], vec![controller])),
            ..Fragment::default()
        }
    }

    #[test]
    fn the_boot_gets_what_is_said_for_its_host_and_nothing_that_is_said_once() {
        let [ours, other] = ["nqn.2024-01.example:ours", "nqn.2024-01.example:other"];
        let warnings = vec![Warning::general("a word")];
        let said = Fragment {
            hosts: vec![settings(ours, None), settings(other, Some(SECRET))],
            passed_over: vec!["etc/network/interfaces".to_owned()],
            notices: warnings.clone(),
            warnings,
            ..on(ConnectOptions::default())
        };
        let host = HostIdentity {
            nqn: ours.parse().expect("an NQN"),
            id: "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
                .parse()
                .expect("an id"),
        };
        let expected = Fragment {
            hosts: vec![settings(ours, None)],
            ..on(ConnectOptions::default())
        };
        assert_eq!(said.for_boot(Some(&host)), expected);
    }

    #[test]
    fn a_secret_is_seen_wherever_it_stands() {
        let secret = || Some(SECRET.parse().expect("a secret"));
        let host = ConnectOptions {
            dhchap_secret: secret(),
            ..ConnectOptions::default()
        };
        let target = ConnectOptions {
            dhchap_ctrl_secret: secret(),
            ..ConnectOptions::default()
        };
        let of_hosts = |secret| Fragment {
            hosts: vec![settings("nqn.2024-01.example:one", secret)],
            ..Fragment::default()
        };
        let of_ports = |options| Fragment {
            ports: vec![port(options)],
            ..Fragment::default()
        };
        for with in [
            of_hosts(Some(SECRET)),
            of_ports(host.clone()),
            of_ports(target.clone()),
            on(host),
            on(target),
        ] {
            assert!(with.has_secret(), "{with:?}");
        }
        let none = ConnectOptions::default;
        for without in [of_hosts(None), of_ports(none()), on(none())] {
            assert!(!without.has_secret(), "{without:?}");
        }
    }
}
