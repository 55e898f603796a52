//! Any messages to a DHCPv4 client, some of them late: it never panics, never
//! sends without a pause, and what it takes for a lease is one.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use nvmeroot_agent::net::dhcp::v4::{Client, Output};
use nvmeroot_agent::net::dhcp::{LeaseConfig4, Link, Machine, Random, V4Config};
use nvmeroot_fuzz::packets;
use nvmeroot_plan::{Dhcp4, MacAddress};

const MAC: MacAddress = MacAddress::new([2, 0, 0, 0, 0, 7]);

fuzz_target!(|bytes: &[u8]| {
    let config = V4Config {
        link: Link {
            name: "eth0".parse().expect("a name"),
            index: 2,
            mac: MAC,
        },
        client_id: None,
        host_name: None,
    };
    let mut client = Client::new(config, Random::seeded(1));
    let mut now = Duration::ZERO;
    client.on_time(now);
    let Some(Output::Broadcast(discover)) = client.outputs().next() else {
        panic!("no DISCOVER");
    };
    for (pause, mut packet) in packets(bytes) {
        // Addressed to this client: that much the fuzzer need not find out.
        if packet.len() >= 34 {
            packet[..4].copy_from_slice(&[2, 1, 6, 0]);
            packet[4..8].copy_from_slice(&discover[4..8]);
            packet[28..34].copy_from_slice(&MAC.octets());
        }
        client.on_packet(now, &packet);
        assert!(client.outputs().count() <= 2, "one answer has two at most");
        now = now.saturating_add(pause);
        client.on_time(now);
        assert!(client.next_time() > now, "a pause follows");
        assert!(client.outputs().count() <= 1);
        let _ = client.events().count();
        if let Some(lease) = client.lease() {
            assert!(!lease.address.addr().is_unspecified());
            assert!(lease.renew <= lease.rebind && lease.rebind <= lease.lease_time);
            let applied = LeaseConfig4::new(lease, &Dhcp4::default());
            assert_eq!(applied.address, lease.address);
        }
    }
});
