//! Any messages to a DHCPv6 client, some of them late: it never panics, never
//! sends without a pause, and what it takes for a lease has an address.
#![no_main]

use std::net::Ipv6Addr;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use nvmeroot_agent::net::dhcp::v6::Client;
use nvmeroot_agent::net::dhcp::{Duid, Iaid, LeaseConfig6, Link, Machine, Random, V6Config};
use nvmeroot_fuzz::packets;
use nvmeroot_plan::{Dhcp6, MacAddress};

const MAC: MacAddress = MacAddress::new([2, 0, 0, 0, 0, 7]);
const SERVER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fuzz_target!(|bytes: &[u8]| {
    let config = V6Config {
        link: Link {
            name: "eth0".parse().expect("a name"),
            index: 2,
            mac: MAC,
        },
        duid: Duid::link_layer(MAC),
        iaid: Iaid([0, 0, 0, 1]),
    };
    let mut client = Client::new(config, Random::seeded(1));
    let mut now = Duration::ZERO;
    client.on_time(now);
    let mut last = client.outputs().next().expect("a SOLICIT");
    for (pause, mut packet) in packets(bytes) {
        // An answer to the last message: that much the fuzzer need not find
        // out.
        if packet.len() >= 4 {
            packet[1..4].copy_from_slice(&last[1..4]);
        }
        client.on_packet(now, SERVER, &packet);
        let mut sent: Vec<_> = client.outputs().collect();
        assert!(sent.len() <= 1, "one answer has one at most");
        now = now.saturating_add(pause);
        client.on_time(now);
        assert!(client.next_time() > now, "a pause follows");
        sent.extend(client.outputs());
        last = sent.pop().unwrap_or(last);
        let _ = client.events().count();
        if let Some(lease) = client.lease() {
            assert!(!lease.addresses.is_empty());
            assert!(lease.renew <= lease.rebind);
            let _ = LeaseConfig6::new(lease, &Dhcp6::default());
        }
    }
});
