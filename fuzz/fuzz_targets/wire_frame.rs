//! Any frame on a simulated segment with every fault that reads frames. The first two
//! bytes say after how many bytes of payload connections are reset.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use machinesim::wire::{Faults, Filter, Kind, Place, Reset, Segment, Which};

fuzz_target!(|bytes: &[u8]| {
    let Some((after, frame)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let kinds = [
        Kind::ARP,
        Kind::LACP,
        Kind::UdpTo(67),
        Kind::Tcp(Some(4420)),
        Kind::TcpSyn(None),
        Kind::Icmp6(134),
    ];
    let every_second = |kind| Filter {
        kind,
        which: Which::Every(2),
    };
    let mut segment = Segment::new(Duration::from_micros(50), 1);
    let (from, to) = (segment.plug(), segment.plug());
    let faults = Faults {
        filters: kinds.map(every_second).to_vec(),
        mtu: Some(1500),
        reset: Some(Reset {
            after: u64::from(u16::from_le_bytes(*after)),
            port: None,
        }),
        ..Faults::default()
    };
    segment.set_faults(Place::Everywhere, faults);
    for _ in 0..3 {
        let arrivals: Vec<_> = segment.deliver(Duration::ZERO, from, frame.to_vec()).collect();
        let onward = arrivals.iter().filter(|arrival| arrival.port == to).count();
        let back = arrivals.len() - onward;
        // A reset is for both ends; else the frame goes on, or nothing does.
        assert!(onward <= 1 && back <= onward);
        for reset in arrivals.iter().filter(|_| back == 1) {
            // The forged frames are no reason for others, and are short.
            assert!(reset.frame.len() <= frame.len().max(14 + 3 * 4 + 40 + 20));
        }
    }
    let counts = segment.counts();
    let gone = counts.filtered + counts.too_big;
    assert_eq!(counts.delivered, 3 - gone + counts.reset);
});
