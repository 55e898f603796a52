//! The clients against a real dnsmasq in network namespaces. They need root,
//! `ip` and `dnsmasq`; without them they are skipped with a word, and fail
//! where `CI=true`.

mod net;
mod networkd;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use nvmeroot_plan::{DhcpOverrides, MacAddress};

use super::*;
use net::{Entered, MAC, NEVER, Net, Run, identity, ip, skip};

#[test]
fn v4_lease_with_options() {
    if skip("v4_lease_with_options") {
        return;
    }
    let mut net = Net::new();
    net.serve(&[
        "--dhcp-authoritative",
        "--dhcp-range=10.9.0.50,10.9.0.59,255.255.255.0,120",
        "--dhcp-option=option:router,10.9.0.1",
        "--dhcp-option=26,1400",
        "--dhcp-option=121,10.77.0.0/16,10.9.0.2,0.0.0.0/0,10.9.0.3",
        "--dhcp-option=option:dns-server,10.9.0.53",
        "--dhcp-option=option:ntp-server,10.9.0.123",
        "--dhcp-option=option:domain-search,a.example,b.example",
        "--domain=example.org",
    ]);
    let (lease, run) = net.v4(identity().client_id, NEVER);
    let lease = lease.unwrap();
    assert_eq!(lease.server, Ipv4Addr::new(10, 9, 0, 1));
    assert_eq!(lease.lease_time, Duration::from_secs(120));
    assert_eq!(lease.renew, Duration::from_secs(60));
    assert_eq!(lease.search, ["a.example", "b.example"]);
    assert_eq!(lease.domain.as_deref(), Some("example.org"));
    let applied = Applied4::new(&lease, &DhcpOverrides::default());
    assert_eq!(applied.mtu.unwrap().to_string(), "1400");
    let routes: Vec<String> = applied
        .routes
        .iter()
        .map(|r| format!("{} {:?}", r.to, r.via))
        .collect();
    assert_eq!(
        routes,
        ["10.77.0.0/16 Some(10.9.0.2)", "0.0.0.0/0 Some(10.9.0.3)"]
    );
    assert_eq!(run.sent()[0], "DISCOVER");
    assert!(
        net.log_text().contains("client provides name: host"),
        "{}",
        net.log_text()
    );
    let id = format!("{:?}", identity().client_id.unwrap());
    let leases = fs::read_to_string(net.files.path().join("leases")).unwrap();
    assert!(leases.contains(&id), "{leases} has no {id}");
    // Much slower than it is on an idle machine, and as tests run in parallel.
    assert!(run.time < Duration::from_secs(1), "{:?}", run.time);
}

#[test]
fn v4_rapid_commit() {
    if skip("v4_rapid_commit") {
        return;
    }
    let mut net = Net::new();
    net.serve(&[
        "--dhcp-authoritative",
        "--dhcp-rapid-commit",
        "--dhcp-range=10.9.0.50,10.9.0.59,120",
    ]);
    let (lease, run) = net.v4(identity().client_id, NEVER);
    assert_eq!(lease.unwrap().address.prefix_len(), 24);
    assert_eq!(run.sent(), ["DISCOVER"]);
    eprintln!("v4 lease by rapid commit after {:?}", run.time);
}

#[test]
fn v4_same_card_keeps_its_address_under_an_identifier() {
    if skip("v4_same_card_keeps_its_address_under_an_identifier") {
        return;
    }
    let mut net = Net::new();
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.99,120"]);
    let (first, _) = net.v4(None, NEVER);
    let (second, _) = net.v4(identity().client_id, NEVER);
    assert_eq!(first.unwrap().address, second.unwrap().address);
}

#[test]
fn v4_server_comes_late() {
    if skip("v4_server_comes_late") {
        return;
    }
    let mut net = Net::new();
    let stop = net.stop.try_clone().unwrap();
    let ours = net.ours.clone();
    let link = net.link();
    let client = thread::spawn(move || {
        let _entered = Entered::new(&ours);
        let config = V4Config {
            link,
            client_id: None,
            host_name: None,
        };
        run_v4(&config, Instant::now() + NEVER, stop.as_fd(), &mut |_| {})
    });
    thread::sleep(Duration::from_millis(400));
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.99,120"]);
    assert!(client.join().unwrap().is_ok());
}

#[test]
fn v4_link_goes_down_and_comes_back() {
    if skip("v4_link_goes_down_and_comes_back") {
        return;
    }
    let mut net = Net::new();
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.99,120"]);
    ip(&format!("-n {} link set c down", net.ours));
    let (lease, run) = net.v4(None, Duration::from_millis(400));
    assert!(
        matches!(lease, Err(DhcpError::LinkDown { .. })),
        "{lease:?}"
    );
    assert!(
        run.events
            .iter()
            .any(|(_, e)| matches!(e, Event::NotSent { .. }))
    );
    thread::scope(|scope| {
        let client = scope.spawn(|| net.v4(None, NEVER).0);
        thread::sleep(Duration::from_millis(100));
        ip(&format!("-n {} link set c up", net.ours));
        let lease = client.join().unwrap();
        assert!(lease.is_ok(), "{lease:?}");
    });
}

#[test]
fn v4_nobody_answers_and_stop() {
    if skip("v4_nobody_answers_and_stop") {
        return;
    }
    let net = Net::new();
    let (lease, _) = net.v4(None, Duration::from_millis(900));
    assert!(
        matches!(lease, Err(DhcpError::NoAnswer { tries: 3, .. })),
        "{lease:?}"
    );
    rustix::io::write(&net.stop, &1_u64.to_ne_bytes()).unwrap();
    let (lease, _) = net.v4(None, NEVER);
    assert!(matches!(lease, Err(DhcpError::Stopped)), "{lease:?}");
}

#[test]
fn v4_range_exhausted_is_silence() {
    if skip("v4_range_exhausted_is_silence") {
        return;
    }
    let mut net = Net::new();
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.50,120"]);
    let (first, _) = net.v4(identity().client_id, NEVER);
    assert_eq!(first.unwrap().address.to_string(), "10.9.0.50/24");
    // Another client on the same card.
    let other = ClientId::of_mac(MacAddress::new([2, 0, 0, 0, 0, 8]));
    let (second, _) = net.v4(Some(other), Duration::from_millis(500));
    assert!(
        matches!(second, Err(DhcpError::NoAnswer { .. })),
        "{second:?}"
    );
    assert!(net.log_text().contains("no address available"));
}

/// Another host's address, as far as dnsmasq knows.
fn squat(net: &Net, address: &str) {
    ip(&format!(
        "-n {s} link add name far type veth peer name farther\n\
         -n {s} address add {address}/32 dev far\n\
         -n {s} link set far up",
        s = net.server
    ));
}

#[test]
fn v4_address_in_use() {
    if skip("v4_address_in_use") {
        return;
    }
    let mut net = Net::new();
    squat(&net, "10.9.0.50");
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.50,120"]);
    let (lease, run) = net.v4(identity().client_id, Duration::from_millis(600));
    let Err(DhcpError::Conflict { address, mac, .. }) = lease else {
        panic!("{lease:?} {:?}", run.events);
    };
    assert_eq!(address, Ipv4Addr::new(10, 9, 0, 50));
    assert_ne!(mac, MAC);
    assert_eq!(run.sent(), ["DISCOVER", "REQUEST", "DECLINE"]);
    assert!(net.log_text().contains("DHCPDECLINE"), "{}", net.log_text());
}

#[test]
fn v4_announcement_finds_another_host() {
    if skip("v4_announcement_finds_another_host") {
        return;
    }
    let net = Net::new();
    squat(&net, "10.9.0.50");
    ip(&format!("-n {} address add 10.9.0.51/24 dev c", net.ours));
    net.inside(|link| {
        let watch = Duration::from_millis(200);
        let stop = net.stop.as_fd();
        announce(&link, Ipv4Addr::new(10, 9, 0, 51), watch, stop).unwrap();
        let other = Ipv4Addr::new(10, 9, 0, 50);
        announce(&link, other, Duration::ZERO, stop).unwrap();
        let conflict = announce(&link, other, watch, stop);
        assert!(
            matches!(conflict, Err(DhcpError::Conflict { address, .. }) if address == other),
            "{conflict:?}"
        );
    });
}

#[test]
fn v4_keeps_a_short_lease() {
    if skip("v4_keeps_a_short_lease") {
        return;
    }
    let mut net = Net::new();
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.59,120"]);
    let (lease, _) = net.v4(identity().client_id, NEVER);
    let mut lease = lease.unwrap();
    // dnsmasq's shortest lease is two minutes; T1 comes sooner here.
    lease.renew = Duration::from_millis(100);
    let address = lease.address;
    ip(&format!("-n {} address add {address} dev c", net.ours));
    let ended = net.inside(|link| {
        let config = V4Config {
            link,
            client_id: identity().client_id,
            host_name: None,
        };
        let stop = net.stop.as_fd();
        keep_v4(&config, &lease, Instant::now(), stop, &mut |event| {
            if let Event::Renewed4(lease) = event {
                assert_eq!(lease.address, address);
                rustix::io::write(stop, &1_u64.to_ne_bytes()).unwrap();
            }
        })
    });
    assert!(matches!(ended, DhcpError::Stopped), "{ended}");
}

#[test]
fn v6_lease() {
    if skip("v6_lease") {
        return;
    }
    let mut net = Net::new();
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
    eprintln!("v6 lease by {:?} after {:?}", run.sent(), run.time);
    assert!(run.time < Duration::from_secs(1), "{:?}", run.time);
}

#[test]
fn v6_range_exhausted() {
    if skip("v6_range_exhausted") {
        return;
    }
    let mut net = Net::new();
    net.serve(&["--dhcp-range=fd09::100,fd09::100,64,300"]);
    net.v6(NEVER).0.unwrap();
    let (second, _) = net.inside(|link| {
        let config = V6Config {
            link,
            duid: Duid::link_layer(MAC),
            iaid: Iaid([9; 4]),
        };
        let mut run = Run::new();
        let deadline = Instant::now() + Duration::from_millis(600);
        (
            run_v6(&config, deadline, net.stop.as_fd(), &mut |e| run.take(e)),
            run,
        )
    });
    assert!(
        matches!(second, Err(DhcpError::NoAddresses { .. })),
        "{second:?}"
    );
}

#[test]
fn v6_without_link_local() {
    if skip("v6_without_link_local") {
        return;
    }
    let net = Net::new();
    ip(&format!("-n {} -6 address flush dev c", net.ours));
    let (lease, run) = net.v6(Duration::from_millis(200));
    assert!(
        matches!(lease, Err(DhcpError::NoLinkLocal { .. })),
        "{lease:?}"
    );
    assert_eq!(run.sent(), [""; 0]);
}

/// Medians for the documentation: `cargo test -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn measure() {
    if skip("measure") {
        return;
    }
    let mut net = Net::new();
    net.serve(&[
        "--dhcp-authoritative",
        "--dhcp-range=10.9.0.50,10.9.0.99,120",
        "--dhcp-range=fd09::100,fd09::1ff,64,300",
    ]);
    let mut v4 = Vec::new();
    let mut v6 = Vec::new();
    let mut up = Vec::new();
    for _ in 0..21 {
        let (lease, run) = net.v4(identity().client_id, NEVER);
        assert!(lease.is_ok_and(|l| IpAddr::from(l.server).is_ipv4()));
        v4.push(run.time.as_micros());
        let (lease, run) = net.v6(NEVER);
        lease.unwrap();
        v6.push(run.time.as_micros());
        ip(&format!("-n {} link set c down", net.ours));
        ip(&format!("-n {} link set c up", net.ours));
        let (lease, run) = net.v4(identity().client_id, NEVER);
        lease.unwrap();
        up.push(run.time.as_micros());
    }
    for (name, mut times) in [("v4", v4), ("v6", v6), ("v4 right after link up", up)] {
        println!("{name} in µs: {times:?}");
        times.sort_unstable();
        println!("{name} median {} µs", times[times.len() / 2]);
    }
}
