//! The DHCPv4 client against dnsmasq.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use nvmeroot_agent::net::dhcp::{
    ClientId, DhcpError, Event, Failure, Lease4, LeaseConfig4, announce, keep_v4,
};
use nvmeroot_plan::{Dhcp4, MacAddress};

use crate::client::{NEVER, identity, raise, stop};
use crate::net::{Entered, MAC, Net, skip, until};

const RANGE: &str = "--dhcp-range=10.9.0.50,10.9.0.59,255.255.255.0,120";
const ONE: &str = "--dhcp-range=10.9.0.50,10.9.0.50,255.255.255.0,120";

#[test]
fn lease_with_options() {
    if skip("lease_with_options") {
        return;
    }
    let mut net = Net::up();
    net.serve(&[
        "--dhcp-authoritative",
        RANGE,
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
    assert_eq!(lease.ntp, [Ipv4Addr::new(10, 9, 0, 123)]);
    let applied = LeaseConfig4::new(&lease, &Dhcp4::default());
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
    let log = net.log();
    assert!(log.contains("client provides name: host"), "{log}");
    // Much slower than it is on an idle machine, and as tests run in parallel.
    assert!(run.time < Duration::from_secs(1), "{:?}", run.time);
}

#[test]
fn rapid_commit() {
    if skip("rapid_commit") {
        return;
    }
    let mut net = Net::up();
    net.serve(&["--dhcp-authoritative", "--dhcp-rapid-commit", RANGE]);
    let (lease, run) = net.v4(identity().client_id, NEVER);
    assert_eq!(lease.unwrap().address.prefix_len(), 24);
    assert!(!run.sent().contains(&"REQUEST"), "{:?}", run.sent());
}

#[test]
fn same_card_keeps_its_address_under_an_identifier() {
    if skip("same_card_keeps_its_address_under_an_identifier") {
        return;
    }
    let mut net = Net::up();
    net.serve(&[RANGE]);
    let (first, _) = net.v4(None, NEVER);
    let (second, _) = net.v4(identity().client_id, NEVER);
    assert_eq!(first.unwrap().address, second.unwrap().address);
}

#[test]
fn first_retries_within_a_second_and_on_until_the_deadline() {
    if skip("first_retries_within_a_second_and_on_until_the_deadline") {
        return;
    }
    let net = Net::up();
    let patience = Duration::from_millis(2200);
    let (lease, run) = net.v4(None, patience);
    assert!(
        matches!(
            lease,
            Err(DhcpError::Failed {
                why: Failure::NoAnswer,
                tries: 4,
                ..
            })
        ),
        "{lease:?}"
    );
    assert!(run.time >= patience, "{:?}", run.time);
    let sent = run.sent_at();
    let soon = sent.iter().filter(|(at, _)| at.as_secs() == 0).count();
    assert_eq!(soon, 3, "{sent:?}");
}

#[test]
fn stop_ends_it_at_once() {
    if skip("stop_ends_it_at_once") {
        return;
    }
    let net = Net::up();
    let stop = stop();
    raise(&stop);
    let (lease, run) = net.v4_until(None, NEVER, &stop);
    assert!(matches!(lease, Err(DhcpError::Stopped)), "{lease:?}");
    assert!(run.time < Duration::from_secs(1), "{:?}", run.time);
}

#[test]
fn link_goes_down_and_comes_back() {
    if skip("link_goes_down_and_comes_back") {
        return;
    }
    let mut net = Net::up();
    net.serve(&[RANGE]);
    net.on_host("link set c down");
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
        net.on_host("link set c up");
        let lease = client.join().unwrap();
        assert!(lease.is_ok(), "{lease:?}");
    });
}

#[test]
fn range_exhausted_is_silence() {
    if skip("range_exhausted_is_silence") {
        return;
    }
    let mut net = Net::up();
    net.serve(&[ONE]);
    let (first, _) = net.v4(identity().client_id, NEVER);
    assert_eq!(first.unwrap().address.to_string(), "10.9.0.50/24");
    // Another client on the same card.
    let other = ClientId::of_mac(MacAddress::new([2, 0, 0, 0, 0, 8]));
    let (second, _) = net.v4(Some(other), Duration::from_millis(500));
    assert!(
        matches!(
            second,
            Err(DhcpError::Failed {
                why: Failure::NoAnswer,
                ..
            })
        ),
        "{second:?}"
    );
    assert!(net.log().contains("no address available"));
}

#[test]
fn address_in_use() {
    if skip("address_in_use") {
        return;
    }
    let mut net = Net::up();
    net.squat("10.9.0.50");
    net.serve(&[ONE]);
    // Less than the pause after a DECLINE.
    let (lease, run) = net.v4(identity().client_id, Duration::from_millis(900));
    let Err(DhcpError::Failed {
        why: Failure::Conflict { address, mac },
        ..
    }) = lease
    else {
        panic!("{lease:?} {:?}", run.events);
    };
    assert_eq!(address, Ipv4Addr::new(10, 9, 0, 50));
    assert_ne!(mac, MAC);
    assert_eq!(run.sent().last(), Some(&"DECLINE"), "{:?}", run.sent());
    until("the DECLINE's arrival", || {
        net.log().contains("DHCPDECLINE").then_some(())
    });
}

#[test]
fn announcement_corrects_the_neighbours_and_finds_another_host() {
    if skip("announcement_corrects_the_neighbours_and_finds_another_host") {
        return;
    }
    let net = Net::up();
    net.squat("10.9.0.50");
    net.on_host("address add 10.9.0.51/24 dev c");
    // What the target remembers from the card that was there before.
    net.on_target("neighbour add 10.9.0.51 lladdr 02:00:00:00:00:99 dev s nud stale");
    let link = net.link();
    let stop = stop();
    let watch = Duration::from_millis(200);
    let entered = Entered::new(&net.host);
    announce(&link, Ipv4Addr::new(10, 9, 0, 51), watch, stop.as_fd()).unwrap();
    let other = Ipv4Addr::new(10, 9, 0, 50);
    announce(&link, other, Duration::ZERO, stop.as_fd()).unwrap();
    let conflict = announce(&link, other, watch, stop.as_fd());
    drop(entered);
    assert!(
        matches!(conflict, Err(DhcpError::Failed { why: Failure::Conflict { address, .. }, .. }) if address == other),
        "{conflict:?}"
    );
    let known = net.show_target("neighbour show 10.9.0.51 dev s");
    assert!(known.contains(&format!("lladdr {MAC}")), "{known}");
}

/// A lease that is to be renewed at once rather than after half its time:
/// dnsmasq's shortest is two minutes.
fn lease_to_renew(net: &Net) -> Lease4 {
    let (lease, _) = net.v4(identity().client_id, NEVER);
    let mut lease = lease.expect("a lease");
    lease.renew = Duration::from_millis(100);
    net.on_host(&format!("address add {} dev c", lease.address));
    lease
}

/// Keeps it until it ends or is renewed; the events but the messages sent.
fn keep(net: &Net, lease: &Lease4) -> (DhcpError, Vec<Event>) {
    let config = net.config4(identity().client_id);
    let stop = stop();
    let mut events = Vec::new();
    let _entered = Entered::new(&net.host);
    let ended = keep_v4(&config, lease, Instant::now(), stop.as_fd(), &mut |event| {
        if matches!(event, Event::Renewed4(_)) {
            raise(&stop);
        }
        if !matches!(event, Event::Sent { .. }) {
            events.push(event);
        }
    });
    (ended, events)
}

#[test]
fn a_lease_is_renewed() {
    if skip("a_lease_is_renewed") {
        return;
    }
    let mut net = Net::up();
    net.serve(&[RANGE]);
    let lease = lease_to_renew(&net);
    let acknowledged = |net: &Net| net.log().matches("DHCPACK").count();
    // On a busy machine the first lease is asked for more than once.
    let before = acknowledged(&net);
    let (ended, events) = keep(&net, &lease);
    assert!(matches!(ended, DhcpError::Stopped), "{ended}");
    let [Event::Renewed4(renewed)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(renewed.address, lease.address);
    assert!(acknowledged(&net) > before, "{}", net.log());
}

/// A server that was set up anew and knows nothing of the lease.
#[test]
fn a_renewal_that_is_refused_ends_the_lease() {
    if skip("a_renewal_that_is_refused_ends_the_lease") {
        return;
    }
    let mut net = Net::up();
    net.serve(&[RANGE]);
    let lease = lease_to_renew(&net);
    net.stop_serving();
    std::fs::remove_file(net.path("leases")).unwrap();
    net.serve(&[
        "--dhcp-authoritative",
        "--dhcp-range=10.9.0.80,10.9.0.89,255.255.255.0,120",
    ]);
    let (ended, events) = keep(&net, &lease);
    assert!(matches!(ended, DhcpError::Expired { .. }), "{ended}");
    let [Event::Refused { reason }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert!(reason.starts_with("`10.9.0.1` sent a NAK: "), "{reason}");
    let (again, _) = net.v4(identity().client_id, NEVER);
    assert!(again.unwrap().address.addr() >= Ipv4Addr::new(10, 9, 0, 80));
}

#[test]
fn the_server_notes_the_identity() {
    if skip("the_server_notes_the_identity") {
        return;
    }
    // By MAC address: dnsmasq notes no identifier.
    let mut net = Net::up();
    net.serve(&[RANGE]);
    net.v4(None, NEVER).0.unwrap();
    assert!(
        net.leases().trim_end().ends_with(" host *"),
        "{}",
        net.leases()
    );
    // By DUID and IAID.
    let id = format!("{:?}", identity().client_id.unwrap());
    net.v4(identity().client_id, NEVER).0.unwrap();
    assert!(net.leases().contains(&id), "{} has no {id}", net.leases());
}

/// Medians for the documentation: `cargo test -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn measure() {
    if skip("measure") {
        return;
    }
    let mut net = Net::up();
    net.serve(&[
        "--dhcp-authoritative",
        RANGE,
        "--dhcp-range=fd09::100,fd09::1ff,64,300",
    ]);
    let mut v4 = Vec::new();
    let mut v6 = Vec::new();
    let mut up = Vec::new();
    for _ in 0..21 {
        let (lease, run) = net.v4(identity().client_id, NEVER);
        lease.unwrap();
        v4.push(run.time.as_micros());
        let (lease, run) = net.v6(NEVER);
        lease.unwrap();
        v6.push(run.time.as_micros());
        net.on_host("link set c down\nlink set c up");
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
