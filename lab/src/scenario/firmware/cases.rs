//! The cases: what the firmware leaves, what is really there, and what must come of it.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::super::dhcp::dhcp4_target;
use super::super::links;
use super::super::paths::two_networks;
use super::super::static_address::{ipv4_target, net, portal};
use super::super::{End, Faults, Outcome, SETTLE, boots};
use super::case::{Case, Known};
use super::tables::{discovery, drive, hfi, leased, nqn, table};
use crate::error::Result;
use crate::firmware::Firmware;
use crate::session::{Session, switch_on};
use crate::target::TargetSpec;
use crate::trouble::{Trouble, What, When};

/// Every case, those of the golden image last.
pub(super) fn all() -> Vec<Case> {
    vec![
        fixed(),
        dhcp(),
        other_lease(),
        vlan(),
        ipv6(),
        dead_card(),
        asked(),
        agreeing(),
        agreeing_dhcp(),
        against_plan(),
        gone(),
        two_tables(),
        beside_broken(),
        changed(),
        golden("golden-one", 1),
        golden("golden-two", 2),
    ]
}

/// A card with an address of its own, and one drive.
fn fixed() -> Case {
    let mut table = table(1);
    table.hfis = vec![hfi(1, 0, "10.77.0.50/24", Some("10.77.0.1"))];
    table.subsystems = vec![drive(1, 1, "10.77.0.1")];
    Case {
        name: "static",
        title: "a static address in the firmware's table",
        known: None,
        unit: 1,
        cards: 1,
        firmware: Firmware::leaving(&[table]),
        target: ipv4_target(),
        settle: SETTLE,
        trouble: Vec::new(),
        end: boots(),
        events: None,
        check: |outcome, faults| {
            stands(outcome, faults, "10.77.0.50/24");
            if let Some(report) = &outcome.report {
                faults.route(report, "default", "ens3", |r| {
                    r.gateway.as_deref() == Some("10.77.0.1")
                });
            }
        },
    }
}

/// There is such an address, root's controller, and a record that says so.
fn stands(outcome: &Outcome, faults: &mut Faults, address: &str) {
    faults.recorded(outcome, "done");
    let Some(report) = &outcome.report else {
        return;
    };
    faults.addresses(report, "ens3", &[address]);
    faults.controller(report, "10.77.0.1", 4420);
}

/// The same by leases, of which there is one.
fn dhcp() -> Case {
    let mut table = table(1);
    table.hfis = vec![leased(1, 0, "10.77.0.120/24", "10.77.0.1")];
    table.subsystems = vec![drive(1, 1, "10.77.0.1")];
    Case {
        name: "dhcp",
        title: "a lease in the firmware's table",
        firmware: Firmware::leaving(&[table]),
        target: leasing(120),
        // A lease of two minutes is renewed meanwhile.
        settle: 90,
        check: |outcome, faults| renewed(outcome, faults, "10.77.0.120/24"),
        ..fixed()
    }
}

/// A target whose DHCP server has this address alone.
fn leasing(last: u8) -> TargetSpec {
    let mut target = dhcp4_target();
    let address = Ipv4Addr::new(10, 77, 0, last);
    for network in &mut target.networks {
        network.dhcp4 = Some((address, address, Some(Ipv4Addr::new(10, 77, 0, 1))));
        network.offers_at_once = true;
    }
    target
}

/// As [`stands`], and somebody renews the lease.
fn renewed(outcome: &Outcome, faults: &mut Faults, address: &str) {
    stands(outcome, faults, address);
    let up = outcome.marks.marker;
    let acknowledged = outcome.target_said("DHCPACK(");
    faults.expect(acknowledged.zip(up).is_some_and(|(at, up)| at > up), || {
        format!("nobody renewed the lease: the last ACK was at {acknowledged:?} s, the marker at {up:?} s")
    });
}

/// The server gives another address than it gave to the firmware.
fn other_lease() -> Case {
    Case {
        name: "other-lease",
        title: "a lease in the firmware's table, and the server gives another address",
        target: leasing(130),
        check: |outcome, faults| renewed(outcome, faults, "10.77.0.130/24"),
        ..dhcp()
    }
}

fn vlan() -> Case {
    const SETUP: &str = "\
ip link add link eth0 name eth0.7 type vlan id 7
ip link set eth0.7 up";
    let mut table = table(1);
    table.hfis = vec![hfi(1, 0, "10.77.0.50/24", None)];
    table.hfis[0].vlan = 7;
    table.subsystems = vec![drive(1, 1, "10.77.0.1")];
    Case {
        name: "vlan",
        title: "a VLAN in the firmware's table",
        firmware: Firmware::leaving(&[table]),
        target: links::target("eth0.7", SETUP, 1),
        check: |outcome, faults| {
            faults.recorded(outcome, "done");
            let Some(report) = &outcome.report else {
                return;
            };
            faults.controller(report, "10.77.0.1", 4420);
            faults.addresses(report, "ens3", &[]);
            let mut addresses = report.addresses.iter();
            let on = addresses.find(|one| one.ip == Ipv4Addr::new(10, 77, 0, 50));
            let id = on.and_then(|one| report.detail(&one.interface, "/linkinfo/info_data/id"));
            faults.expect(id.and_then(serde_json::Value::as_u64) == Some(7), || {
                format!("10.77.0.50 is on {on:?}, whose VLAN is {id:?}")
            });
        },
        ..fixed()
    }
}

fn ipv6() -> Case {
    let mut table = table(1);
    table.hfis = vec![hfi(1, 0, "fd77::50/64", Some("fd77::1"))];
    table.subsystems = vec![drive(1, 1, "fd77::1")];
    let mut target = ipv4_target();
    target.networks[0].addresses = vec![net("fd77::1/64")];
    target.portals = vec![portal("fd77::1")];
    Case {
        name: "ipv6",
        title: "an IPv6 address in the firmware's table",
        firmware: Firmware::leaving(&[table]),
        target,
        check: |outcome, faults| {
            faults.recorded(outcome, "done");
            if let Some(report) = &outcome.report {
                faults.addresses(report, "ens3", &["fd77::50/64"]);
                faults.controller(report, "fd77::1", 4420);
            }
        },
        ..fixed()
    }
}

/// The firmware came by both ways; at the boot one leads nowhere, and is back later.
fn dead_card() -> Case {
    let mut table = table(1);
    table.hfis = vec![
        hfi(1, 0, "10.77.0.50/24", None),
        hfi(1, 1, "10.78.0.50/24", None),
    ];
    table.subsystems = vec![drive(1, 1, "10.77.0.1"), drive(2, 2, "10.78.0.1")];
    let command = |when, line| Trouble {
        when,
        what: What::Command(line),
        felt: false,
    };
    Case {
        name: "dead-card",
        title: "two cards in the firmware's table, one of which leads nowhere until root runs",
        cards: 2,
        firmware: Firmware::leaving(&[table]),
        target: two_networks(),
        trouble: vec![
            command(When::On(Duration::ZERO), "ip link set eth0 down"),
            command(
                When::Says("lab: marker", Duration::from_secs(10)),
                "ip link set eth0 up",
            ),
        ],
        check: |outcome, faults| both(outcome, faults),
        ..fixed()
    }
}

/// Both ways lead to root.
fn both(outcome: &Outcome, faults: &mut Faults) {
    stands(outcome, faults, "10.77.0.50/24");
    if let Some(report) = &outcome.report {
        faults.addresses(report, "ens4", &["10.78.0.50/24"]);
        faults.controller(report, "10.78.0.1", 4420);
    }
}

/// The firmware got nothing from the discovery controller.
fn asked() -> Case {
    let mut table = table(1);
    table.hfis = vec![hfi(1, 0, "10.77.0.50/24", Some("10.77.0.1"))];
    table.discovery = vec![discovery(1, "10.77.0.1")];
    Case {
        name: "discovery",
        title: "no drive but a discovery controller in the firmware's table",
        firmware: Firmware::leaving(&[table]),
        ..fixed()
    }
}

/// The installer wrote down what the firmware says, as it does when it runs on the machine:
/// one address, one default route.
fn agreeing() -> Case {
    Case {
        name: "agreeing",
        title: "the firmware's table and the installed plan say the same",
        known: Some(Known {
            name: "nbft-agreeing",
            address: Some("10.77.0.50"),
            portal: "10.77.0.1",
        }),
        ..fixed()
    }
}

/// The same with a lease, which is asked for once.
fn agreeing_dhcp() -> Case {
    Case {
        name: "agreeing-dhcp",
        title: "a lease in the firmware's table, and the installed plan wants one too",
        known: Some(Known {
            name: "nbft-agreeing-dhcp",
            address: None,
            portal: "10.77.0.1",
        }),
        ..dhcp()
    }
}

/// The installer knew other addresses, of the host and of the portal.
fn against_plan() -> Case {
    Case {
        name: "against-plan",
        title: "the firmware's table and the installed plan contradict each other",
        known: Some(Known {
            name: "nbft-against-plan",
            address: Some("10.77.0.60"),
            portal: "10.77.0.9",
        }),
        check: |outcome, faults| {
            faults.recorded(outcome, "done");
            if let Some(report) = &outcome.report {
                faults.controller(report, "10.77.0.1", 4420);
            }
        },
        ..fixed()
    }
}

/// The firmware was set up anew, and leaves nothing.
fn gone() -> Case {
    Case {
        name: "gone",
        title: "the plan expects a table, and the firmware leaves none",
        firmware: Firmware::default(),
        end: End::Stops {
            within: Duration::from_secs(400),
            saying: ["nvmeroot: ", "NBFT"].map(str::to_owned).to_vec(),
        },
        events: Some(switch_on),
        check: |outcome, faults| faults.recorded(outcome, "failed"),
        ..fixed()
    }
}

/// Two drivers of the firmware, each of which came by one card.
fn two_tables() -> Case {
    let table = |card: u8, address, portal| {
        let mut table = table(1);
        table.hfis = vec![hfi(1, card, address, None)];
        table.subsystems = vec![drive(1, card + 1, portal)];
        table
    };
    Case {
        name: "two-tables",
        title: "two tables of the firmware, one for each card",
        cards: 2,
        firmware: Firmware::leaving(&[
            table(0, "10.77.0.50/24", "10.77.0.1"),
            table(1, "10.78.0.50/24", "10.78.0.1"),
        ]),
        target: two_networks(),
        check: |outcome, faults| both(outcome, faults),
        ..fixed()
    }
}

/// Nothing of a table with a wrong checksum counts; the installed plan does.
fn beside_broken() -> Case {
    let mut table = table(1);
    table.hfis = vec![hfi(1, 0, "10.77.0.99/24", None)];
    table.subsystems = vec![drive(1, 1, "10.77.0.99")];
    let mut bytes = table.to_bytes().expect("a table that can be written");
    // The checksum's place.
    bytes[9] ^= 0xff;
    Case {
        name: "broken",
        title: "a broken table of the firmware beside a good plan",
        known: Some(Known {
            name: "nbft-broken",
            address: Some("10.77.0.50"),
            portal: "10.77.0.1",
        }),
        firmware: Firmware::default().and(bytes),
        check: |outcome, faults| {
            stands(outcome, faults, "10.77.0.50/24");
            faults.kernel_says(outcome, "the checksum is wrong");
        },
        ..fixed()
    }
}

/// Between two boots somebody sets the firmware up for the other card.
fn changed() -> Case {
    Case {
        name: "changed",
        title: "another table at the second boot: what it names is connected, and nothing else",
        cards: 2,
        target: two_networks(),
        events: Some(set_up_anew),
        check: |outcome, faults| {
            let is_second = !outcome.earlier.is_empty();
            let (card, address, portal) = if is_second {
                ("ens4", "10.78.0.50/24", "10.78.0.1")
            } else {
                ("ens3", "10.77.0.50/24", "10.77.0.1")
            };
            faults.recorded(outcome, "done");
            if let Some(report) = &outcome.report {
                faults.addresses(report, card, &[address]);
                faults.controller(report, portal, 4420);
                let count = report.controllers.len();
                faults.expect(count == 1, || format!("{count} controllers, not one"));
            }
        },
        ..fixed()
    }
}

fn set_up_anew(session: &mut Session) -> Result<()> {
    switch_on(session)?;
    session.finish(&boots())?;
    let mut table = table(1);
    table.hfis = vec![hfi(1, 1, "10.78.0.50/24", None)];
    table.subsystems = vec![drive(1, 2, "10.78.0.1")];
    session.set_firmware(Firmware::leaving(&[table]));
    session.start_host()
}

/// One image on two machines, each of which has an address and an identity of its own; the
/// target admits only that.
fn golden(name: &'static str, unit: u8) -> Case {
    let address = format!("10.77.0.{}/24", 50 + unit);
    let mut table = table(unit);
    table.hfis = vec![hfi(unit, 0, &address, Some("10.77.0.1"))];
    table.subsystems = vec![drive(1, 1, "10.77.0.1")];
    Case {
        name,
        title: "one image, two machines: each by what its firmware says of it",
        unit,
        firmware: Firmware::leaving(&[table]),
        target: TargetSpec {
            allowed_hosts: vec![nqn(unit)],
            ..ipv4_target()
        },
        check: match unit {
            1 => |outcome, faults| stands(outcome, faults, "10.77.0.51/24"),
            _ => |outcome, faults| stands(outcome, faults, "10.77.0.52/24"),
        },
        ..fixed()
    }
}
