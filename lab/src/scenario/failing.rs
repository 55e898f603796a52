//! Hosts that can't come up must say why, and end.

use std::time::Duration;

use super::dhcp::DHCP4_NETPLAN;
use super::static_address::{IPV4_NETPLAN, ipv4_target, remote_root};
use super::{Controller, End, Scenario};
use crate::lab::{FIRST_SLOT, Wiring};
use crate::machine::Need;
use crate::session::switch_on;

pub(super) fn all() -> Vec<Scenario> {
    vec![wrong_port(), no_dhcp_server(), moved_card()]
}

/// The initramfs waits 30 s for root by itself; emulation and DHCP's own
/// timeout take their share.
const BOUND: Duration = Duration::from_secs(180);

fn wiring() -> Wiring {
    Wiring {
        reboot_on_failure: false,
        ..Wiring::default()
    }
}

fn wrong_port() -> Scenario {
    Scenario {
        name: "wrong-port",
        title: "nothing listens at the portal's port",
        host: remote_root(
            "wrong-port",
            IPV4_NETPLAN,
            &[Controller::Tcp("10.77.0.1", 4421)],
        ),
        wiring: wiring(),
        target: Some(ipv4_target()),
        needs: &[],
        seed: None,
        end: End::Stops {
            within: BOUND,
            saying: [
                "nvmeroot: ",
                "10.77.0.1",
                "4421",
                "LABEL=labroot does not exist",
            ]
            .map(str::to_owned)
            .to_vec(),
        },
        outage: None,
        renumbered: false,
        trouble: Vec::new(),
        events: switch_on,
        check: |_, _| {},
    }
}

fn no_dhcp_server() -> Scenario {
    Scenario {
        name: "no-dhcp-server",
        title: "no DHCP server answers",
        host: remote_root(
            "dhcp4",
            DHCP4_NETPLAN,
            &[Controller::Tcp("10.77.0.1", 4420)],
        ),
        end: End::Stops {
            within: BOUND,
            saying: ["nvmeroot: ", "ens3", "LABEL=labroot does not exist"]
                .map(str::to_owned)
                .to_vec(),
        },
        ..wrong_port()
    }
}

fn moved_card() -> Scenario {
    Scenario {
        name: "moved-card",
        title: "the card sits in another slot and has another name",
        needs: &[Need::PciSlot],
        host: remote_root(
            "moved-card",
            IPV4_NETPLAN,
            &[Controller::Tcp("10.77.0.1", 4420)],
        ),
        wiring: Wiring {
            slots: vec![FIRST_SLOT + 2],
            ..wiring()
        },
        end: End::Stops {
            within: BOUND,
            saying: [
                "no interface `ens3`",
                "`ens5`",
                "LABEL=labroot does not exist",
            ]
            .map(str::to_owned)
            .to_vec(),
        },
        ..wrong_port()
    }
}
