//! The rows of the fault table.

use std::time::Duration;

use machinesim::wire::{Bandwidth, Faults, Filter, Kind, Reorder, Reset, Share, Which};

use super::Network::{self, Advertised, Bond, Dhcp4, Dhcp6, Static, Vlan};
use super::phases::{AGENT, CONTROLLER, LEAVE, MARKER, MOUNT, QUEUES};
use super::row::Must::{Beat, Report, Root};
use super::row::Row;
use crate::machine::Who;
use crate::scenario::Reason;
use crate::trouble::{Direction, Trouble, What};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "loss1",
        title: "1% of the frames is lost",
        on: Network::ALL,
        trouble: |_| always(Faults::loss(Share::percent(1))),
        must: Root(0, 60),
    },
    Row {
        name: "loss5",
        title: "5% of the frames are lost",
        on: Network::ALL,
        trouble: |_| always(Faults::loss(Share::percent(5))),
        must: Root(0, 90),
    },
    Row {
        name: "loss20",
        title: "20% of the frames are lost",
        on: Network::ALL,
        trouble: |_| always(Faults::loss(Share::percent(20))),
        must: Root(0, 1500),
    },
    Row {
        name: "delay300",
        title: "each frame takes 300 ms",
        on: Network::ALL,
        trouble: |_| always(Faults::delay(Duration::from_millis(300))),
        must: Root(0, 240),
    },
    Row {
        name: "twice",
        title: "20% of the frames arrive twice",
        on: Network::ALL,
        trouble: |_| {
            always(Faults {
                duplicate: Share::percent(20),
                ..Faults::default()
            })
        },
        must: Root(0, 60),
    },
    Row {
        name: "overtaken",
        title: "20% of the frames are overtaken by what follows in 3 ms",
        on: Network::ALL,
        trouble: |_| {
            always(Faults {
                reorder: Some(Reorder {
                    share: Share::percent(20),
                    by: Duration::from_millis(3),
                }),
                ..Faults::default()
            })
        },
        must: Root(0, 60),
    },
    Row {
        name: "jitter",
        title: "each frame takes 20 to 120 ms",
        on: &[Static, Dhcp6],
        trouble: |_| {
            always(Faults {
                delay: Duration::from_millis(20),
                jitter: Duration::from_millis(100),
                ..Faults::default()
            })
        },
        must: Root(0, 120),
    },
    Row {
        name: "slow",
        title: "2 Mbit/s with a short queue",
        on: &[Static, Bond],
        trouble: |_| {
            always(Faults {
                bandwidth: Some(Bandwidth {
                    bits_per_second: 2_000_000,
                    queue: Duration::from_millis(100),
                }),
                ..Faults::default()
            })
        },
        must: Root(0, 180),
    },
    Row {
        name: "damaged",
        title: "in 2% of the frames a bit is wrong",
        on: &[Static, Vlan],
        trouble: |_| {
            always(Faults {
                corrupt: Share::percent(2),
                ..Faults::default()
            })
        },
        must: Root(0, 120),
    },
    Row {
        name: "syn",
        title: "the first two requests to connect are lost",
        on: &[Static, Advertised],
        trouble: |_| always(drop(Kind::TcpSyn(None), Which::First(2))),
        must: Root(0, 60),
    },
    Row {
        name: "mtu",
        title: "larger packets than 1,400 bytes vanish on the path",
        on: Network::ALL,
        trouble: |_| {
            always(Faults {
                mtu: Some(1400),
                ..Faults::default()
            })
        },
        must: Report(|_| Reason::TIMEOUT),
    },
    Row {
        name: "late-carrier",
        title: "the cables are plugged in 20 s late",
        on: Network::ALL,
        trouble: |network| cut(network, |what| Trouble::at(0, what), 20),
        must: Root(20, 60),
    },
    Row {
        name: "cut-connect",
        title: "the cables are out for 15 s while the kernel connects",
        on: &[Static, Dhcp4, Bond],
        trouble: |network| cut_for(network, QUEUES, 0, 15),
        must: Root(0, 120),
    },
    Row {
        name: "cut-root",
        title: "the cables are out for 30 s under a running root",
        on: &[Static, Dhcp4, Vlan],
        trouble: |network| cut_for(network, MARKER, BEATS, BEATS + 30),
        must: Beat(60, 120),
    },
    Row {
        name: "failover",
        title: "the first cable is out from the connect on",
        on: &[Bond],
        trouble: |_| vec![Trouble::after(QUEUES, 0, What::Cut(0))],
        must: Beat(60, 60),
    },
    Row {
        name: "silent",
        title: "for 30 s nothing passes, with carrier",
        on: Network::ALL,
        trouble: |_| silent(Direction::Both, 0, 30),
        must: Root(30, 90),
    },
    Row {
        name: "deaf",
        title: "for 20 s nothing that the target sends arrives",
        on: &[Static, Dhcp6],
        trouble: |_| silent(Direction::From(Who::Target), 0, 20),
        must: Root(20, 90),
    },
    Row {
        name: "silent-root",
        title: "for 40 s nothing passes under a running root, with carrier",
        on: &[Static, Vlan, Bond],
        trouble: |_| {
            vec![
                Trouble::after(MARKER, BEATS, wire(Faults::loss(Share::ALL))),
                Trouble::after(MARKER, BEATS + 40, over(Faults::loss(Share::ALL))),
            ]
        },
        must: Beat(60, 150),
    },
    Row {
        name: "target-before",
        title: "the target restarts before the host connects",
        on: Network::ALL,
        trouble: |_| restart(AGENT, 0, 10),
        must: Root(10, 60),
    },
    Row {
        name: "target-queues",
        title: "the target restarts between its admin and its I/O queue",
        on: Network::ALL,
        trouble: |_| restart(QUEUES, 0, 10),
        must: Root(10, 150),
    },
    Row {
        name: "target-connected",
        title: "the target restarts between connect and mount",
        on: Network::ALL,
        trouble: |_| restart(CONTROLLER, 0, 10),
        must: Root(10, 150),
    },
    Row {
        name: "target-mount",
        title: "the target restarts while root is being mounted",
        on: Network::ALL,
        trouble: |_| restart(MOUNT, 0, 10),
        must: Root(10, 150),
    },
    Row {
        name: "target-switch",
        title: "the target restarts during switch-root",
        on: Network::ALL,
        trouble: |_| restart(LEAVE, 0, 10),
        must: Root(0, 150),
    },
    Row {
        name: "target-root",
        title: "the target restarts under a running root",
        on: &[Static, Advertised, Bond],
        trouble: |_| restart(MARKER, BEATS, BEATS + 20),
        must: Beat(60, 120),
    },
    Row {
        name: "late-server",
        title: "addresses are to be had 20 s late",
        on: &[Dhcp4, Dhcp6, Advertised],
        trouble: |_| {
            vec![
                Trouble::at(0, What::Command("dhcp_stop")),
                Trouble::at(20, What::Command("dhcp_start")),
            ]
        },
        must: Root(20, 60),
    },
    Row {
        name: "unheard",
        title: "the first two requests for an address are lost",
        on: &[Dhcp4, Dhcp6, Advertised],
        trouble: |network| {
            let kind = match network {
                Dhcp4 => Kind::UdpTo(67),
                Dhcp6 => Kind::UdpTo(547),
                _ => Kind::Icmp6(133),
            };
            let mut faults = drop(kind, Which::First(2));
            if network == Advertised {
                // The router says by itself what nobody asked: else there is one request.
                let first = drop(Kind::Icmp6(134), Which::First(1));
                faults.filters.extend(first.filters);
            }
            always(faults)
        },
        must: Root(0, 60),
    },
    Row {
        name: "neighbour",
        title: "the first three requests for the portal's neighbour are lost",
        on: &[Static, Dhcp6],
        trouble: |network| {
            let kind = match network {
                Static => Kind::ARP,
                _ => Kind::Icmp6(135),
            };
            always(drop(kind, Which::First(3)))
        },
        must: Root(0, 60),
    },
    Row {
        name: "reset-handshake",
        title: "connections are reset before they are NVMe's",
        on: Network::ALL,
        trouble: |_| always(reset(100)),
        must: Report(|_| Reason::PROTOCOL),
    },
    Row {
        name: "reset-64k",
        title: "connections are reset after 64 KiB",
        on: Network::ALL,
        trouble: |_| always(reset(64 << 10)),
        must: Root(0, 1500),
    },
    Row {
        name: "reset-1m",
        title: "connections are reset after 1 MiB",
        on: Network::ALL,
        trouble: |_| always(reset(1 << 20)),
        must: Root(0, 150),
    },
    Row {
        name: "dead",
        title: "nothing ever passes",
        on: Network::ALL,
        trouble: |_| always(Faults::loss(Share::ALL)),
        must: Report(|network| match network {
            Dhcp4 | Dhcp6 => Reason::LEASE,
            // No router has said anything, so no route leads there.
            Advertised => Reason::ROUTE,
            Static | Vlan | Bond => Reason::TIMEOUT,
        }),
    },
    Row {
        name: "unplugged",
        title: "no cable is plugged in",
        on: Network::ALL,
        trouble: |network| {
            let cards = 0..network.cards();
            cards.map(|card| Trouble::at(0, What::Cut(card))).collect()
        },
        must: Report(|_| Reason::CARRIER),
    },
    Row {
        name: "no-neighbour",
        title: "the portal's neighbour is never found",
        on: &[Static, Dhcp6],
        trouble: |network| {
            let kind = match network {
                Static => Kind::ARP,
                _ => Kind::Icmp6(136),
            };
            vec![Trouble::at(
                0,
                What::Wire(Direction::From(Who::Target), drop(kind, Which::All)),
            )]
        },
        must: Report(|_| Reason::TIMEOUT),
    },
    Row {
        name: "no-answer",
        title: "every request to connect is lost",
        on: Network::ALL,
        trouble: |_| always(drop(Kind::TcpSyn(None), Which::All)),
        must: Report(|_| Reason::TIMEOUT),
    },
];

fn wire(faults: Faults) -> What {
    What::Wire(Direction::Both, faults)
}

fn over(faults: Faults) -> What {
    What::Over(Direction::Both, faults)
}

fn always(faults: Faults) -> Vec<Trouble> {
    vec![Trouble::at(0, wire(faults))]
}

fn drop(kind: Kind, which: Which) -> Faults {
    Faults::filter(Filter { kind, which })
}

fn reset(after: u64) -> Faults {
    Faults {
        reset: Some(Reset {
            after,
            port: Some(4420),
        }),
        ..Faults::default()
    }
}

fn silent(direction: Direction, from: u64, to: u64) -> Vec<Trouble> {
    let loss = Faults::loss(Share::ALL);
    vec![
        Trouble::at(from, What::Wire(direction, loss.clone())),
        Trouble::at(to, What::Over(direction, loss)),
    ]
}

/// So many seconds after the marker a root surely has a beating heart.
const BEATS: u64 = 10;

/// The target has no power from so many seconds after the host says that to so many.
pub(super) fn restart(text: &'static str, from: u64, to: u64) -> Vec<Trouble> {
    vec![
        Trouble::after(text, from, What::KillTarget),
        Trouble::after(text, to, What::StartTarget),
    ]
}

fn cut(network: Network, first: fn(What) -> Trouble, seconds: u64) -> Vec<Trouble> {
    let cards = 0..network.cards();
    let cuts = cards.clone().map(|card| first(What::Cut(card)));
    cuts.chain(cards.map(|card| Trouble::at(seconds, What::Mend(card))))
        .collect()
}

fn cut_for(network: Network, text: &'static str, from: u64, to: u64) -> Vec<Trouble> {
    let cards = 0..network.cards();
    let each = |card| {
        [
            Trouble::after(text, from, What::Cut(card)),
            Trouble::after(text, to, What::Mend(card)),
        ]
    };
    cards.flat_map(each).collect()
}
