//! Static addresses and routes, and what holds nobody up.

use std::time::Duration;

use nvmeroot_agent::boot::Verdict;
use nvmeroot_plan::{Match, Route};
use nvmeroot_record::StepState;

use crate::boot::{LONG, NQN, Played, address, interface, origin, plan};
use crate::net::{MAC, Net, skip};

#[test]
fn address_rename_mtu_and_route() {
    if skip("address_rename_mtu_and_route") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.on_target("address add 10.77.0.1/32 dev lo");
    net.listen("10.77.0.1:4420");
    let interface = interface(|i| {
        i.name = "lan0".parse().expect("a name");
        i.set_name = true;
        i.matching = Some(Match {
            macaddress: Some(MAC),
            ..Match::default()
        });
        i.mtu = Some(1400.try_into().expect("an MTU"));
        i.addresses = vec![address("10.9.0.9/24")];
        let mut route = Route::new("10.77.0.0/16".parse().expect("a network"), origin());
        route.via = "10.9.0.1".parse().ok();
        route.metric = Some(7);
        route.advertised_mss = Some(1200);
        i.routes = vec![route];
    });
    let boot = net.boot_well(interface, "10.77.0.1");
    assert_eq!(boot.step("rename").detail, "c to lan0");
    let link = net.show("-o link show lan0");
    assert!(link.contains("mtu 1400"), "{link}");
    let address = net.show("-o -4 address show lan0");
    assert!(address.contains("10.9.0.9/24 brd 10.9.0.255"), "{address}");
    let route = net.show("route show 10.77.0.0/16");
    assert!(
        route.contains("via 10.9.0.1 dev lan0 proto static metric 7 advmss 1200"),
        "{route}"
    );
    assert_eq!(boot.step("reach").detail, "over lan0 from 10.9.0.9");
    assert!(boot.took < Duration::from_secs(2), "{:?}", boot.took);
    eprintln!(
        "static: link up {:?}, route {:?}, portal reachable {:?}, goal {:?}",
        boot.ended("link-up"),
        boot.ended("route"),
        boot.ended("reach"),
        boot.took
    );
}

#[test]
fn a_refused_setting_is_told_and_holds_nobody_up() {
    if skip("a_refused_setting_is_told_and_holds_nobody_up") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let interface = interface(|i| {
        i.addresses = vec![address("10.9.0.9/24")];
        let mut route = Route::new("10.77.0.0/16".parse().expect("a network"), origin());
        route.via = "10.66.0.1".parse().ok();
        i.routes = vec![route];
    });
    let boot = net.boot_with(
        plan(interface, "10.9.0.1", Some(NQN)),
        Played::default(),
        LONG,
        |_| std::thread::sleep(Duration::from_millis(500)),
    );
    assert_eq!(boot.verdict, Verdict::Done);
    assert!(boot.took < Duration::from_secs(2), "{:?}", boot.took);
    let route = boot.step("route");
    assert_eq!((route.state, route.tries), (StepState::Failed, 2));
    assert_eq!(
        boot.missing(),
        ["c route 10.77.0.0/16 by 10.66.0.1: network refused"]
    );
}

#[test]
fn an_ipv4_link_local_address_that_nobody_has() {
    if skip("an_ipv4_link_local_address_that_nobody_has") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.on_target("address add 169.254.1.1/16 dev s");
    net.listen("169.254.1.1:4420");
    let interface = interface(|i| i.link_local.ipv4 = true);
    let boot = net.boot_well(interface.clone(), "169.254.1.1");
    let took = boot.step("link-local").detail.clone();
    assert!(
        net.show("-o -4 address show c")
            .contains(&format!("{took}/16 "))
    );
    let route = net.show("-4 route show 169.254.0.0/16");
    assert!(route.contains("metric 2048"), "{route}");
    net.on_host(&format!("address del {took}/16 dev c"));
    net.on_target(&format!("address add {took}/16 dev s"));
    let again = net.boot_with(
        plan(interface, "169.254.1.1", Some(NQN)),
        Played::default(),
        LONG,
        |_| std::thread::sleep(Duration::from_secs(6)),
    );
    let other = &again.step("link-local").detail;
    assert_ne!(*other, took);
    assert!(other.starts_with("169.254."), "{other}");
}
