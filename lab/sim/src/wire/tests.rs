//! What holds for any frames, times and faults.

use std::time::Duration;

use etherparse::{LaxNetSlice, PacketBuilder, VlanId};
use proptest::prelude::*;

use super::packet::Packet;
use super::*;

const LATENCY: Duration = Duration::from_micros(50);
const A: Port = Port(0);
const B: Port = Port(1);

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

fn segment(ports: usize, seed: u64) -> Segment {
    let mut segment = Segment::new(LATENCY, seed);
    for _ in 0..ports {
        segment.plug();
    }
    segment
}

/// Frames with the pause before each, so that sending them takes time.
fn frames() -> impl Strategy<Value = Vec<(Duration, Vec<u8>)>> {
    let frame = prop::collection::vec(any::<u8>(), 0..200);
    prop::collection::vec(((0u64..2000).prop_map(micros), frame), 1..60)
}

/// Sends all from `A` and returns what arrives, in the order of arrival.
fn send(segment: &mut Segment, frames: &[(Duration, Vec<u8>)]) -> Vec<Delivery> {
    let mut now = Duration::ZERO;
    let mut arrivals = Vec::new();
    for (pause, frame) in frames {
        now += *pause;
        arrivals.extend(segment.deliver(now, A, frame.clone()));
    }
    arrivals.sort_by_key(|delivery| delivery.at);
    arrivals
}

fn content(arrivals: &[Delivery]) -> Vec<&[u8]> {
    arrivals.iter().map(|arrival| &arrival.frame[..]).collect()
}

fn faults() -> impl Strategy<Value = Faults> {
    let kinds = prop_oneof![
        Just(Kind::Any),
        Just(Kind::ARP),
        Just(Kind::UdpTo(67)),
        Just(Kind::Tcp(None)),
        Just(Kind::TcpSyn(Some(4420))),
        Just(Kind::Icmp6(134)),
    ];
    let filter = (kinds, 0u64..4).prop_map(|(kind, n)| Filter {
        kind,
        which: Which::Every(n),
    });
    let share = || (0u32..=100).prop_map(Share::percent);
    let shares = (share(), share(), share(), share());
    let times = ((0u64..5000).prop_map(micros), (0u64..5000).prop_map(micros));
    let bandwidth = prop::option::of((0u64..1_000_000).prop_map(|bits_per_second| Bandwidth {
        bits_per_second,
        queue: micros(20_000),
    }));
    let reset = prop::option::of((0u64..3000).prop_map(|after| Reset { after, port: None }));
    let mtu = prop::option::of(0usize..200);
    (
        shares,
        times,
        bandwidth,
        reset,
        mtu,
        prop::collection::vec(filter, 0..3),
    )
        .prop_map(
            |(
                (loss, corrupt, duplicate, held),
                (delay, jitter),
                bandwidth,
                reset,
                mtu,
                filters,
            )| {
                Faults {
                    filters,
                    mtu,
                    reset,
                    loss,
                    corrupt,
                    bandwidth,
                    delay,
                    jitter,
                    reorder: Some(Reorder {
                        share: held,
                        by: micros(3000),
                    }),
                    duplicate,
                }
            },
        )
}

proptest! {
    #[test]
    fn without_faults_each_frame_arrives_once_in_order_unchanged(frames in frames(), ports in 2usize..5) {
        let mut hub = segment(ports, 1);
        let arrivals = send(&mut hub, &frames);
        for port in hub.ports().skip(1) {
            let mut now = Duration::ZERO;
            let sent = frames.iter().map(|(pause, frame)| {
                now += *pause;
                Delivery { at: now + LATENCY, port, frame: frame.clone() }
            });
            let expected: Vec<_> = sent.collect();
            let arrived: Vec<_> = arrivals.iter().filter(|a| a.port == port).cloned().collect();
            prop_assert_eq!(arrived, expected);
        }
        prop_assert!(arrivals.iter().all(|arrival| arrival.port != A));
        prop_assert_eq!(hub.counts(), Counts {
            sent: frames.len() as u64,
            delivered: arrivals.len() as u64,
            ..Counts::default()
        });
    }

    #[test]
    fn nothing_crosses_a_cut(frames in frames(), end in prop::option::of(0usize..2)) {
        let mut cable = segment(2, 1);
        let cut = |cable: &mut Segment, cut: bool| match end {
            Some(end) => cable.set_carrier(Port(end), !cut),
            None => cable.set_cut(cut),
        };
        cut(&mut cable, true);
        prop_assert_eq!(send(&mut cable, &frames), []);
        prop_assert_eq!(cable.counts().cut, frames.len() as u64);
        cut(&mut cable, false);
        prop_assert_eq!(send(&mut cable, &frames).len(), frames.len());
    }

    #[test]
    fn a_seed_repeats(frames in frames(), faults in faults(), seed: u64) {
        let run = |noise: bool| {
            let mut cable = segment(2, seed);
            cable.set_faults(Place::Everywhere, faults.clone());
            cable.set_faults(Place::To(B), faults.clone());
            let mut now = Duration::ZERO;
            let mut arrivals = Vec::new();
            for (pause, frame) in &frames {
                now += *pause;
                if noise {
                    // What the other end sends in between changes nothing.
                    let _ = cable.deliver(now, B, vec![0; 60]);
                }
                arrivals.extend(cable.deliver(now, A, frame.clone()));
            }
            arrivals
        };
        let first = run(false);
        prop_assert_eq!(&first, &run(false));
        prop_assert_eq!(&first, &run(true));
    }

    #[test]
    fn nothing_arrives_before_its_latency(frames in frames(), faults in faults(), seed: u64) {
        let mut hub = segment(3, seed);
        hub.set_faults(Place::Everywhere, faults.clone());
        hub.set_faults(Place::From(A), faults);
        let mut now = Duration::ZERO;
        for (pause, frame) in &frames {
            now += *pause;
            for arrival in hub.deliver(now, A, frame.clone()) {
                prop_assert!(arrival.at >= now + LATENCY);
            }
        }
    }

    #[test]
    fn jitter_and_bandwidth_keep_the_order(frames in frames(), seed: u64) {
        let mut cable = segment(2, seed);
        cable.set_faults(Place::Everywhere, Faults {
            jitter: micros(5000),
            bandwidth: Some(Bandwidth { bits_per_second: 1_000_000, queue: Duration::MAX }),
            ..Faults::default()
        });
        let arrivals = send(&mut cable, &frames);
        let sent: Vec<&[u8]> = frames.iter().map(|(_, frame)| &frame[..]).collect();
        prop_assert_eq!(content(&arrivals), sent);
    }

    #[test]
    fn each_frame_is_accounted_for(frames in frames(), faults in faults(), seed: u64) {
        let mut cable = segment(2, seed);
        cable.set_faults(Place::From(A), faults);
        let arrivals = send(&mut cable, &frames).len() as u64;
        let counts = cable.counts();
        prop_assert_eq!(counts.delivered, arrivals);
        let gone = counts.lost + counts.filtered + counts.too_big + counts.overflowed;
        prop_assert_eq!(arrivals, frames.len() as u64 - gone + counts.duplicated);
        prop_assert_eq!(counts.sent, frames.len() as u64);
        prop_assert_eq!(cable.counts_from(B), Counts::default());
    }

    #[test]
    fn resets_are_valid_and_fit_the_connection(
        v6: bool, vlan in prop::option::of(0u16..4096), sequence: u32, acknowledged: u32,
        payload in prop::collection::vec(any::<u8>(), 1..500),
    ) {
        let mut cable = segment(2, 1);
        cable.set_faults(Place::Everywhere, Faults {
            reset: Some(Reset { after: payload.len() as u64 - 1, port: Some(4420) }),
            ..Faults::default()
        });
        let frame = tcp(v6, vlan, sequence, acknowledged, &payload);
        let arrivals: Vec<_> = cable.deliver(Duration::ZERO, A, frame.clone()).collect();
        let [onward, back] = &arrivals[..] else {
            return Err(TestCaseError::fail(format!("{arrivals:?}")));
        };
        prop_assert_eq!((onward.port, back.port), (B, A));
        let end = sequence.wrapping_add(payload.len() as u32);
        let original = Packet::new(&frame).unwrap();
        for (delivery, turned, numbers) in [
            (onward, false, (sequence, acknowledged)),
            (back, true, (acknowledged, end)),
        ] {
            let reset = Packet::new(&delivery.frame).unwrap();
            let tcp = reset.tcp().unwrap();
            prop_assert!(tcp.rst() && tcp.ack() && tcp.payload().is_empty());
            prop_assert_eq!((tcp.sequence_number(), tcp.acknowledgment_number()), numbers);
            prop_assert!(checksums_hold(&reset));
            let ports = (tcp.source_port(), tcp.destination_port());
            prop_assert_eq!(ports, if turned { (4420, 50_000) } else { (50_000, 4420) });
            prop_assert_eq!(reset.link_len, original.link_len);
            prop_assert_eq!(reset.ether_type, original.ether_type);
            let expected = if turned { [&frame[6..12], &frame[..6]] } else { [&frame[..6], &frame[6..12]] };
            prop_assert_eq!([&delivery.frame[..6], &delivery.frame[6..12]], expected);
            // The VLAN tag with them.
            prop_assert_eq!(&delivery.frame[12..reset.link_len], &frame[12..reset.link_len]);
        }
    }

    #[test]
    fn arbitrary_frames_do_no_harm(frame in prop::collection::vec(any::<u8>(), 0..2000), faults in faults()) {
        let mut cable = segment(2, 1);
        cable.set_faults(Place::Everywhere, faults);
        let _ = cable.deliver(Duration::MAX / 2, A, frame).count();
    }

    #[test]
    fn damaged_packets_do_no_harm(
        v6: bool, vlan in prop::option::of(0u16..4096), len in 0usize..200,
        flips in prop::collection::vec((0usize..100, any::<u8>()), 0..8), cut in 0usize..120,
        faults in faults(),
    ) {
        let mut frame = tcp(v6, vlan, 1, 1, &[0; 60]);
        for (at, byte) in flips {
            if let Some(place) = frame.get_mut(at) {
                *place = byte;
            }
        }
        frame.truncate(frame.len() - cut.min(frame.len()));
        frame.extend(vec![0; len]);
        let mut cable = segment(2, 1);
        cable.set_faults(Place::Everywhere, faults);
        for _ in 0..3 {
            let _ = cable.deliver(Duration::ZERO, A, frame.clone()).count();
        }
    }
}

/// A TCP segment from port 50000 to port 4420.
fn tcp(v6: bool, vlan: Option<u16>, sequence: u32, acknowledged: u32, payload: &[u8]) -> Vec<u8> {
    let link = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let mut frame = Vec::new();
    macro_rules! finish {
        ($link:expr) => {{
            let ip = if v6 {
                $link.ipv6([0xfd; 16], [0xfe; 16], 64)
            } else {
                $link.ipv4([10, 77, 0, 50], [10, 77, 0, 1], 64)
            };
            let tcp = ip.tcp(50_000, 4420, sequence, 1000).ack(acknowledged);
            tcp.write(&mut frame, payload).unwrap();
        }};
    }
    match vlan {
        Some(id) => finish!(link.single_vlan(VlanId::try_new(id).unwrap())),
        None => finish!(link),
    }
    frame
}

fn checksums_hold(packet: &Packet<'_>) -> bool {
    let tcp = packet.tcp().unwrap();
    match packet.net().unwrap() {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header().to_header();
            header.header_checksum == header.calc_header_checksum()
                && tcp.checksum()
                    == tcp
                        .calc_checksum_ipv4(header.source, header.destination)
                        .unwrap()
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header().to_header();
            tcp.checksum()
                == tcp
                    .calc_checksum_ipv6(header.source, header.destination)
                    .unwrap()
        }
        LaxNetSlice::Arp(_) => false,
    }
}

fn dhcp_request(len: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [0xff; 6])
        .ipv4([0; 4], [255; 4], 64)
        .udp(68, 67)
        .write(&mut frame, &vec![0; len])
        .unwrap();
    frame
}

#[test]
fn a_connection_counts_from_its_beginning() {
    let mut cable = segment(2, 1);
    cable.set_faults(
        Place::Everywhere,
        Faults {
            reset: Some(Reset {
                after: 10,
                port: None,
            }),
            ..Faults::default()
        },
    );
    let mut passes = |frame: Vec<u8>| {
        let arrivals: Vec<_> = cable.deliver(Duration::ZERO, A, frame.clone()).collect();
        content(&arrivals) == [&frame[..]]
    };
    assert!(passes(tcp(false, None, 1, 1, &[0; 10])));
    assert!(!passes(tcp(false, None, 11, 1, &[0; 1])));
    // What follows on a connection that is reset is answered the same way, also
    // without payload.
    assert!(!passes(tcp(false, None, 12, 1, &[])));
    let mut syn = Vec::new();
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4([10, 77, 0, 50], [10, 77, 0, 1], 64)
        .tcp(50_000, 4420, 7, 1000)
        .syn()
        .write(&mut syn, &[])
        .unwrap();
    assert!(passes(syn));
    assert!(passes(tcp(false, None, 8, 1, &[0; 10])));
}

#[test]
fn a_filter_drops_every_third_request_and_nothing_else() {
    let mut cable = segment(2, 1);
    cable.set_faults(
        Place::From(A),
        Faults::filter(Filter {
            kind: Kind::UdpTo(67),
            which: Which::Every(3),
        }),
    );
    let requests = (0..6).map(|_| dhcp_request(300));
    let passed: Vec<usize> = requests
        .map(|frame| cable.deliver(Duration::ZERO, A, frame).count())
        .collect();
    assert_eq!(passed, [1, 1, 0, 1, 1, 0]);
    let segment = tcp(false, Some(7), 1, 1, &[0; 10]);
    assert_eq!(cable.deliver(Duration::ZERO, A, segment).count(), 1);
    assert_eq!(cable.counts().filtered, 2);
}

#[test]
fn an_mtu_is_of_ip_packets_with_and_without_a_tag() {
    // 20 bytes of IPv4 and 20 of TCP.
    for (vlan, len, passes) in [
        (None, 1460, true),
        (None, 1461, false),
        (Some(7), 1460, true),
        (Some(7), 1461, false),
    ] {
        let mut cable = segment(2, 1);
        let mtu = Some(1500);
        cable.set_faults(
            Place::To(B),
            Faults {
                mtu,
                ..Faults::default()
            },
        );
        let frame = tcp(false, vlan, 1, 1, &vec![0; len]);
        let arrived = cable.deliver(Duration::ZERO, A, frame).count();
        assert_eq!(arrived == 1, passes, "{len} bytes in VLAN {vlan:?}");
        assert_eq!(cable.counts().too_big, u64::from(!passes));
    }
}

#[test]
fn a_partition_is_by_group_and_by_direction() {
    let mut hub = segment(4, 1);
    let heard = |hub: &mut Segment, from: usize| -> Vec<usize> {
        let arrivals = hub.deliver(Duration::ZERO, Port(from), vec![0; 60]);
        arrivals.map(|arrival| arrival.port.0).collect()
    };
    hub.partition(&[&[Port(0), Port(1)], &[Port(2)]]);
    assert_eq!(heard(&mut hub, 0), [1]);
    assert_eq!(heard(&mut hub, 1), [0]);
    assert_eq!(heard(&mut hub, 2), [] as [usize; 0]);
    assert_eq!(heard(&mut hub, 3), [] as [usize; 0]);
    hub.heal();
    hub.set_hears(Port(0), Port(2), false);
    assert_eq!(heard(&mut hub, 0), [1, 3]);
    assert_eq!(heard(&mut hub, 2), [0, 1, 3]);
    assert!(hub.carrier(Port(3)));
}

#[test]
fn one_cable_or_all_of_them_are_cut() {
    let mut hub = segment(3, 1);
    let carriers =
        |hub: &Segment| -> Vec<bool> { hub.ports().map(|port| hub.carrier(port)).collect() };
    hub.set_carrier(Port(1), false);
    assert_eq!(carriers(&hub), [true, false, true]);
    hub.set_cut(true);
    assert_eq!(carriers(&hub), [false; 3]);
    hub.set_cut(false);
    assert_eq!(carriers(&hub), [true, false, true]);
}

#[test]
fn a_port_plugged_in_later_has_the_faults_of_the_others() {
    let mut hub = segment(1, 1);
    hub.set_faults(Place::Everywhere, Faults::delay(micros(3)));
    hub.set_faults(Place::To(A), Faults::delay(micros(4)));
    let late = hub.plug();
    let arrivals: Vec<_> = hub.deliver(Duration::ZERO, late, vec![0; 60]).collect();
    assert_eq!(arrivals[0].at, LATENCY + micros(7));
}

#[test]
fn only_what_is_held_back_is_overtaken() {
    let mut cable = segment(2, 3);
    cable.set_faults(
        Place::Everywhere,
        Faults {
            reorder: Some(Reorder {
                share: Share::percent(20),
                by: Duration::from_millis(10),
            }),
            ..Faults::default()
        },
    );
    let frames: Vec<_> = (0..100u8)
        .map(|n| (Duration::from_millis(1), vec![n; 60]))
        .collect();
    let arrivals = send(&mut cable, &frames);
    let numbers: Vec<u8> = arrivals.iter().map(|arrival| arrival.frame[0]).collect();
    let behind = numbers.windows(2).filter(|pair| pair[0] > pair[1]).count() as u64;
    assert_eq!(numbers.len(), 100);
    assert!(behind > 0 && behind <= cable.counts().held_back);
}

#[test]
fn a_share_is_about_as_large_as_it_says() {
    for percent in [1, 5, 20] {
        let mut cable = segment(2, 11);
        cable.set_faults(Place::Everywhere, Faults::loss(Share::percent(percent)));
        for _ in 0..10_000 {
            let _ = cable.deliver(Duration::ZERO, A, vec![0; 60]);
        }
        let (lost, expected) = (cable.counts().lost, u64::from(percent) * 100);
        assert!(
            lost.abs_diff(expected) < expected / 4,
            "{lost} of 10,000 at {percent}%"
        );
    }
}

#[test]
fn what_is_late_is_counted_by_its_reason() {
    let mut cable = segment(2, 1);
    let mut counts = |faults: Faults| {
        let before = cable.counts();
        cable.set_faults(Place::Everywhere, faults);
        for _ in 0..3 {
            let _ = cable.deliver(Duration::ZERO, A, vec![0; 125]);
        }
        let now = cable.counts();
        (now.delayed - before.delayed, now.slowed - before.slowed)
    };
    assert_eq!(counts(Faults::default()), (0, 0));
    assert_eq!(counts(Faults::delay(micros(1))), (3, 0));
    // A millisecond a frame; the third would have to wait for two.
    let bandwidth = Some(Bandwidth {
        bits_per_second: 1_000_000,
        queue: micros(1500),
    });
    let slow = Faults {
        bandwidth,
        ..Faults::default()
    };
    assert_eq!(counts(slow), (0, 3));
    assert_eq!(cable.counts().overflowed, 1);
}
