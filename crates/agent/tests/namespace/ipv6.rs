//! IPv6 through the whole program: static addresses, DHCPv6, and what routers
//! advertise. dnsmasq is the router.

use std::time::Duration;

use nvmeroot_plan::{Dhcp6, Interface};
use nvmeroot_record::StepState;

use crate::boot::{Boot, LONG, NQN, Played, address, interface, plan};
use crate::net::{Entered, Net, skip, until};

/// A portal that only a router leads to.
const FAR: &str = "fd07::1";

/// Addresses by DHCPv6 (M), none by oneself.
const MANAGED: &str = "--dhcp-range=fd09::100,fd09::1ff,64,300";

/// A network with that portal, whose router dnsmasq is.
fn routed(options: &[&str]) -> Net {
    let mut net = Net::new();
    net.plug_in();
    net.on_target("address add fd07::1/128 dev lo");
    net.listen("[fd07::1]:4420");
    net.listen("[fd09::1]:4420");
    let mut all = vec!["--enable-ra"];
    all.extend(options);
    net.serve(&all);
    net
}

fn dhcp6() -> Interface {
    interface(|i| i.dhcp6 = Some(Dhcp6::default()))
}

#[test]
fn it_waits_for_the_end_of_duplicate_address_detection() {
    if skip("it_waits_for_the_end_of_duplicate_address_detection") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("[fd09::1]:4420");
    let boot = net.boot_well(
        interface(|i| i.addresses = vec![address("fd09::9/64")]),
        "fd09::1",
    );
    assert_eq!(boot.step("reach").detail, "over c from fd09::9");
    assert!(boot.took < Duration::from_millis(2500), "{:?}", boot.took);
    eprintln!(
        "ipv6: portal reachable {:?}, goal {:?}",
        boot.ended("reach"),
        boot.took
    );
}

#[test]
fn an_address_that_another_machine_has_is_reported() {
    if skip("an_address_that_another_machine_has_is_reported") {
        return;
    }
    let mut net = Net::new();
    // The kernel asks once: its question must not get lost.
    net.warm_up();
    net.on_target("address add fd09::9/64 dev s nodad");
    let interface = interface(|i| i.addresses = vec![address("fd09::9/64")]);
    let boot = net.boot(
        plan(interface, "fd09::1", Some(NQN)),
        Played::default(),
        Duration::from_secs(4),
    );
    assert_eq!(
        boot.report(),
        "`/` has no storage\n  `c`: address in use: another machine in the network has `fd09::9`; find the other machine with that address"
    );
    assert_eq!(boot.step("dad").state, StepState::Failed);
}

/// The kernel gives IPv6 the card's MTU when it goes up and when it has carrier.
#[test]
fn ipv6_has_an_mtu_of_its_own() {
    if skip("ipv6_has_an_mtu_of_its_own") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("[fd09::1]:4420");
    let boot = net.boot_well(
        interface(|i| {
            i.mtu = Some(9000.try_into().expect("an MTU"));
            i.ipv6_mtu = Some(4000.try_into().expect("an MTU"));
            i.addresses = vec![address("fd09::9/64")];
        }),
        "fd09::1",
    );
    let steps = boot.record.steps.iter();
    let set = steps.filter(|s| s.detail == "mtu 4000").count();
    assert_eq!(set, 2, "{:#?}", boot.record.steps);
    let _entered = Entered::new(&net.host);
    let mtu = std::fs::read_to_string("/proc/sys/net/ipv6/conf/c/mtu").expect("a sysctl");
    assert_eq!(mtu, "4000\n");
}

/// A boot by what a router says, and the default routes meanwhile; at the end
/// there is none, for the running system's client brings its own.
fn routed_boot(net: &mut Net, interface: Interface) -> (Boot, String) {
    net.root_with_client();
    let mut routes = String::new();
    let plan = plan(interface, FAR, Some(NQN));
    let boot = net.boot_with(plan, Played::default(), LONG, |net| {
        routes = until("a default route", || {
            let routes = net.show("-6 route show default");
            (!routes.is_empty()).then_some(routes)
        });
    });
    let left = net.show("-6 route show");
    assert_eq!(boot.missing(), [""; 0]);
    assert!(!left.contains("default"), "{left}");
    let own = format!("{FAR} via fe80::");
    assert!(left.lines().any(|l| l.starts_with(&own)), "{left}");
    (boot, routes)
}

/// A router's advertisement alone: address, network and default route.
#[test]
fn an_advertisement_alone_is_enough() {
    if skip("an_advertisement_alone_is_enough") {
        return;
    }
    let mut net = routed(&["--dhcp-range=fd09::,ra-only"]);
    let (boot, routes) = routed_boot(&mut net, interface(|i| i.accept_ra = Some(true)));
    // EUI-64 of the card's address.
    assert_eq!(boot.step("reach").detail, "over c from fd09::ff:fe00:7");
    // As systemd-networkd ranks it where there is no DHCP.
    let ours = "dev c proto ra metric 1024 ";
    assert!(routes.contains(ours), "{routes}");
    assert!(!boot.record.steps.iter().any(|s| s.action.word() == "dhcp6"));
    eprintln!("by advertisement: goal {:?}", boot.took);
}

#[test]
fn a_router_that_comes_late_costs_only_its_own_time() {
    if skip("a_router_that_comes_late_costs_only_its_own_time") {
        return;
    }
    let mut net = routed(&["--dhcp-range=fd09::,ra-only"]);
    net.stop_serving();
    let interface = interface(|i| i.accept_ra = Some(true));
    let mut late = Duration::ZERO;
    let boot = net.boot_with(
        plan(interface, FAR, Some(NQN)),
        Played::default(),
        LONG,
        |net| {
            std::thread::sleep(Duration::from_millis(1500));
            net.serve(&["--enable-ra", "--dhcp-range=fd09::,ra-only"]);
            let up = std::time::Instant::now();
            until("a route", || {
                (!net.show("-6 route show default").is_empty()).then_some(())
            });
            late = up.elapsed();
        },
    );
    assert_eq!(boot.missing(), [""; 0]);
    // No client took over: the kernel goes on.
    let routes = net.show("-6 route show");
    assert!(routes.contains("default via"), "{routes}");
    assert!(routes.contains("fd09::/64 dev c proto kernel"), "{routes}");
    eprintln!("router late: route {late:?} after its start");
}

#[test]
fn an_advertisement_that_is_refused_leads_nowhere() {
    if skip("an_advertisement_that_is_refused_leads_nowhere") {
        return;
    }
    let mut net = routed(&["--dhcp-range=fd09::,ra-only"]);
    let interface = interface(|i| {
        i.accept_ra = Some(false);
        i.addresses = vec![address("fd09::9/64")];
    });
    let boot = net.boot(
        plan(interface, FAR, Some(NQN)),
        Played::default(),
        Duration::from_secs(2),
    );
    let report = boot.report();
    assert!(
        report.contains("no route: no route leads to `[fd07::1]:4420` yet"),
        "{report}"
    );
    let addresses = net.show("-o -6 address show c");
    assert!(
        !addresses.contains("ff:fe00:7/64 scope global"),
        "{addresses}"
    );
}

/// M: the address is DHCPv6's; network and default route are the router's.
#[test]
fn a_managed_network_gives_the_address_by_dhcpv6() {
    if skip("a_managed_network_gives_the_address_by_dhcpv6") {
        return;
    }
    let mut net = routed(&[MANAGED]);
    let (boot, default) = routed_boot(&mut net, dhcp6());
    let leased = &boot.step("dhcp6").detail;
    assert!(leased.starts_with("fd09::1"), "{leased}");
    assert_eq!(boot.step("reach").detail, format!("over c from {leased}"));
    let addresses = net.show("-o -6 address show c scope global");
    assert_eq!(addresses.lines().count(), 1, "{addresses}");
    // As systemd-networkd sets them, so that it finds nothing to add.
    for routes in [default, net.show("-6 route show fd09::/64")] {
        let expected = routes.contains(" dev c proto ra metric 100 ");
        assert!(expected && routes.lines().count() == 1, "{routes}");
        assert!(routes.contains("expires"), "{routes}");
    }
    eprintln!("by DHCPv6: goal {:?}", boot.took);
}

/// O alone: the address comes from the advertisement; that DHCPv6 has none
/// holds nobody up.
#[test]
fn an_unmanaged_network_gives_the_address_by_advertisement() {
    if skip("an_unmanaged_network_gives_the_address_by_advertisement") {
        return;
    }
    let mut net = routed(&["--dhcp-range=fd09::,ra-stateless"]);
    let boot = net.boot_well(dhcp6(), FAR);
    assert_eq!(boot.step("reach").detail, "over c from fd09::ff:fe00:7");
    assert!(boot.took < Duration::from_secs(4), "{:?}", boot.took);
    eprintln!("DHCPv6 without addresses: goal {:?}", boot.took);
}

/// What dnsmasq notes of the client: IAID and DUID.
fn noted(interface: Interface) -> (String, String) {
    let mut net = routed(&[MANAGED]);
    std::fs::create_dir_all(net.path("etc")).expect("a directory");
    let id = format!("{}\n", crate::client::MACHINE_ID);
    std::fs::write(net.path("etc/machine-id"), id).expect("a file");
    net.boot_well(interface, "fd09::1");
    until("the lease's record", || {
        let leases = net.leases();
        let line = leases.lines().find(|l| l.contains(" fd09::1"))?;
        let words: Vec<&str> = line.split(' ').collect();
        Some((words.get(1)?.to_string(), words.get(4)?.to_string()))
    })
}

#[test]
fn identity_of_the_machine_or_of_the_card() {
    if skip("identity_of_the_machine_or_of_the_card") {
        return;
    }
    let ours = crate::client::identity();
    let iaid = |bytes| u32::from_be_bytes(bytes).to_string();
    assert_eq!(
        noted(dhcp6()),
        (iaid(ours.iaid.0), format!("{:?}", ours.duid))
    );
    let by_card = interface(|i| {
        i.dhcp6 = Some(Dhcp6 {
            link_layer_iaid: Some(7),
            ..Dhcp6::default()
        });
    });
    assert_eq!(
        noted(by_card),
        ("7".to_owned(), "00:03:00:01:02:00:00:00:00:07".to_owned())
    );
}

/// Another machine has the address that the server leases, and only it.
#[test]
fn a_leased_address_that_another_machine_has_is_reported() {
    if skip("a_leased_address_that_another_machine_has_is_reported") {
        return;
    }
    let mut net = routed(&["--dhcp-range=fd09::150,fd09::150,64,300"]);
    // The router answers for it. As an address of its own dnsmasq would know it.
    net.set_on_target("ipv6/conf/s/proxy_ndp", "1");
    net.on_target("neighbour add proxy fd09::150 dev s");
    let boot = net.boot(
        plan(dhcp6(), FAR, Some(NQN)),
        Played::default(),
        Duration::from_secs(4),
    );
    let report = boot.report();
    assert!(
        report
            .contains("`c` dhcp6: address in use: another machine in the network has `fd09::150`"),
        "{report}"
    );
    assert!(net.log().contains("DHCPDECLINE"), "{}", net.log());
}
