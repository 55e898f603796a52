//! Faults that a whole system meets while it takes over.

use super::Network;
use super::rows::restart;
use crate::host_spec::{HostKind, HostSpec};
use crate::lab::Wiring;
use crate::scenario::{SETTLE, Scenario, hand_over, links};

pub(super) fn all() -> Vec<Scenario> {
    let networks = Network::ALL.iter();
    networks.map(|network| take_over(*network)).collect()
}

/// systemd is about to start the network manager.
const TAKES_OVER: &str = "Starting systemd-networkd.service";

/// The target is gone while the running system takes over. A DHCP server is gone with it,
/// and comes back without its leases.
fn take_over(network: Network) -> Scenario {
    let base = whole(network);
    // Names live as long as the program.
    let name: &'static str = format!("fault-target-takeover-{}", network.name()).leak();
    let title = format!(
        "{}: the target restarts while networkd takes over",
        network.title()
    );
    Scenario {
        name,
        title: title.leak(),
        outage: Some(20),
        trouble: restart(TAKES_OVER, 0, 20),
        events: crate::switch_on,
        ..base
    }
}

/// A host of this kind that is a whole system.
fn whole(network: Network) -> Scenario {
    let base = match network {
        Network::Dhcp4 => return hand_over::agent_dhcp4(),
        Network::Dhcp6 => return hand_over::agent_dhcp6(),
        // On a card without an address systemd-networkd waits for a router for ever.
        Network::Vlan => links::vlan_on("{accept-ra: false}"),
        _ => network.scenario(),
    };
    Scenario {
        host: HostSpec {
            name: format!("whole-{}", network.name()),
            kind: HostKind::Debian,
            ..base.host
        },
        wiring: Wiring {
            settle: SETTLE,
            ..base.wiring
        },
        ..base
    }
}
