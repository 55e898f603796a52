//! Cards: which one is meant, one that appears late, and cables.

use std::time::{Duration, Instant};

use nvmeroot_plan::{Dhcp4, Match};
use nvmeroot_record::FailureKind;

use crate::boot::{LONG, NQN, Played, address, interface, plan};
use crate::net::{Net, skip, until};

fn by_mac(text: &str) -> Option<Match> {
    Some(Match {
        macaddress: Some(text.parse().expect("a MAC address")),
        ..Match::default()
    })
}

/// The card has another name and appears a second after the start.
#[test]
fn a_card_that_appears_late_is_found_by_its_address() {
    if skip("a_card_that_appears_late_is_found_by_its_address") {
        return;
    }
    let mut net = Net::new();
    net.on_target("address add 10.8.0.1/32 dev lo");
    net.listen("10.8.0.1:4420");
    let card = interface(|i| {
        i.name = "lan7".parse().expect("a name");
        i.set_name = true;
        i.matching = by_mac("02:00:00:00:00:08");
        i.addresses = vec![address("10.8.0.9/24")];
    });
    let mut there = None;
    let boot = net.boot_with(
        plan(card, "10.8.0.1", Some(NQN)),
        Played::default(),
        LONG,
        |net| {
            std::thread::sleep(Duration::from_secs(1));
            net.on_target(&format!(
                "link add s2 type veth peer name late address 02:00:00:00:00:08 netns {}
                 address add 10.8.0.2/24 dev s2
                 link set s2 up",
                net.host
            ));
            there = Some(Instant::now());
        },
    );
    assert_eq!(boot.missing(), [""; 0]);
    assert_eq!(boot.step("rename").detail, "late to lan7");
    assert_eq!(boot.step("reach").detail, "over lan7 from 10.8.0.9");
    // The other card is not ours to touch.
    assert!(net.show("link show c").contains("state DOWN"));
    assert!(boot.took < Duration::from_millis(2500), "{:?}", boot.took);
    eprintln!("card after 1 s: goal {:?}", boot.took);
}

#[test]
fn late_carrier_and_late_listener_cost_only_their_own_time() {
    if skip("late_carrier_and_late_listener_cost_only_their_own_time") {
        return;
    }
    let mut net = Net::new();
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,1h"]);
    let interface = interface(|i| i.dhcp4 = Some(Dhcp4::default()));
    let mut carrier = None;
    let mut lease = None;
    let boot = net.boot_with(
        plan(interface, "10.9.0.1", None),
        Played::default(),
        LONG,
        |net| {
            std::thread::sleep(Duration::from_millis(1500));
            net.plug_in();
            carrier = Some(Instant::now());
            until("the lease", || net.log().contains("DHCPACK").then_some(()));
            lease = Some(Instant::now());
            // The first try is refused; the listener is there for another.
            std::thread::sleep(Duration::from_secs(1));
            net.listen("10.9.0.1:4420");
        },
    );
    // Seconds without carrier are on every boot, and no error.
    assert_eq!(boot.step("carrier").errors, []);
    assert!(boot.ended("carrier") > Duration::from_millis(1400));
    assert_eq!(boot.layers("discover"), [FailureKind::Refused]);
    // The lease comes right after the carrier, and the connection within a
    // pause of the listener.
    let lease = lease.zip(carrier).map(|(l, c)| l - c).expect("both");
    assert!(lease < Duration::from_secs(1), "{lease:?}");
    assert!(boot.took < Duration::from_millis(5500), "{:?}", boot.took);
    eprintln!("late: lease {lease:?} after carrier, goal {:?}", boot.took);
}
