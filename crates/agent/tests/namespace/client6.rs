//! The DHCPv6 client against dnsmasq.

use std::time::Duration;

use nvmeroot_agent::net::dhcp::{DhcpError, Duid, Failure, Iaid, V6Config};

use crate::client::NEVER;
use crate::net::{MAC, Net, skip};

#[test]
fn lease_with_options() {
    if skip("lease_with_options") {
        return;
    }
    let mut net = Net::up();
    net.serve(&[
        "--dhcp-range=fd09::100,fd09::1ff,64,300",
        "--dhcp-option=option6:dns-server,[fd09::53]",
        "--dhcp-option=option6:domain-search,a.example",
    ]);
    let (lease, run) = net.v6(NEVER);
    let lease = lease.unwrap();
    assert!(
        "fd09::/64"
            .parse::<ipnet::Ipv6Net>()
            .unwrap()
            .contains(&lease.addresses[0].address)
    );
    assert_eq!(lease.addresses[0].valid, Duration::from_secs(300));
    assert_eq!(lease.search, ["a.example"]);
    assert_eq!(lease.dns.len(), 1);
    assert!(run.time < Duration::from_secs(1), "{:?}", run.time);
}

#[test]
fn range_exhausted() {
    if skip("range_exhausted") {
        return;
    }
    let mut net = Net::up();
    net.serve(&["--dhcp-range=fd09::100,fd09::100,64,300"]);
    net.v6(NEVER).0.unwrap();
    let other = V6Config {
        duid: Duid::link_layer(MAC),
        iaid: Iaid([9; 4]),
        ..net.config6()
    };
    let (second, _) = net.v6_as(&other, Duration::from_millis(600));
    assert!(
        matches!(
            second,
            Err(DhcpError::Failed {
                why: Failure::NoAddresses { .. },
                ..
            })
        ),
        "{second:?}"
    );
}

#[test]
fn without_link_local() {
    if skip("without_link_local") {
        return;
    }
    let net = Net::up();
    net.on_host("address flush dev c");
    let (lease, run) = net.v6(Duration::from_millis(200));
    assert!(
        matches!(lease, Err(DhcpError::NoLinkLocal { .. })),
        "{lease:?}"
    );
    assert_eq!(run.sent(), [""; 0]);
}
