//! DHCP servers that come late, answer seldom, say no, or give what another
//! host has; and what comes of a lease afterwards. All through the whole
//! program.

use std::fs;
use std::time::{Duration, Instant};

use nvmeroot_record::FailureKind;
use nvmeroot_record::StepState;

use crate::boot::{LONG, NQN, Played, interface, plan};
use crate::net::{MAC, Net, skip, until};

const RANGE: &str = "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,1h";

fn plugged_in() -> Net {
    let net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    net
}

fn by_dhcp() -> nvmeroot_plan::BootPlan {
    plan(
        interface(|i| i.dhcp4 = Some(nvmeroot_plan::Dhcp4::default())),
        "10.9.0.1",
        Some(NQN),
    )
}

/// dnsmasq is told to leave this host alone; when it has done so twice, it is
/// told otherwise.
#[test]
fn a_server_that_answers_only_the_third_request() {
    if skip("a_server_that_answers_only_the_third_request") {
        return;
    }
    let mut net = plugged_in();
    let hosts = net.path("hosts");
    fs::write(&hosts, format!("{MAC},ignore\n")).expect("a file");
    let option = format!("--dhcp-hostsfile={}", hosts.display());
    net.serve(&[RANGE, &option]);
    let boot = net.boot_with(by_dhcp(), Played::default(), LONG, |net| {
        until("two requests", || {
            (net.log().matches("DHCPDISCOVER").count() == 2).then_some(())
        });
        fs::write(&hosts, "").expect("a file");
        net.reread();
    });
    let lease = boot.step("dhcp4");
    // Asked at 0, 0.25 and 0.75 s, a tenth more or less each; on a busy
    // machine dnsmasq may know of its new orders only at 1.75 s.
    assert_eq!(lease.state, StepState::Done);
    assert!((3..=4).contains(&lease.tries), "{lease:#?}");
    let late = boot.ended("dhcp4") - boot.ended("link-up");
    assert!(late < Duration::from_millis(2500), "{late:?}");
    eprintln!("answered the third time: lease {late:?} after link up");
}

#[test]
fn a_server_that_comes_late_costs_only_its_own_time() {
    if skip("a_server_that_comes_late_costs_only_its_own_time") {
        return;
    }
    let mut net = plugged_in();
    let mut up = None;
    let mut leased = None;
    let boot = net.boot_with(by_dhcp(), Played::default(), LONG, |net| {
        std::thread::sleep(Duration::from_millis(1100));
        net.serve(&[RANGE]);
        up = Some(Instant::now());
        until("the lease", || net.log().contains("DHCPACK").then_some(()));
        leased = Some(Instant::now());
    });
    assert_eq!(boot.step("dhcp4").state, StepState::Done);
    // The next try comes a second later at most, as its pause is not longer
    // than what was waited for before.
    let late = leased.zip(up).map(|(leased, up)| leased - up);
    let late = late.expect("both");
    assert!(late < Duration::from_millis(1500), "{late:?}");
    eprintln!("server late: lease {late:?} after its start");
}

#[test]
fn without_a_server_it_is_waited_for_until_the_deadline() {
    if skip("without_a_server_it_is_waited_for_until_the_deadline") {
        return;
    }
    let mut net = plugged_in();
    let limit = Duration::from_millis(1200);
    let boot = net.boot(by_dhcp(), Played::default(), limit);
    assert_eq!(
        boot.report(),
        "`/` has no storage\n  `c` dhcp4: no lease: no DHCP server answered on `c`; check the DHCP server, its range, and the VLAN of the switch port"
    );
    assert!(boot.took >= limit, "{:?}", boot.took);
    assert_eq!(boot.step("dhcp4").tries, 3);
}

/// The server gives this host an address that another one has, and another
/// one when that is declined.
#[test]
fn an_address_in_use_is_declined() {
    if skip("an_address_in_use_is_declined") {
        return;
    }
    let mut net = plugged_in();
    net.squat("10.9.0.70");
    net.serve(&[RANGE, &format!("--dhcp-host={MAC},10.9.0.70")]);
    let boot = net.boot_with(by_dhcp(), Played::default(), LONG, |net| {
        let file = net.path("run/net-c.conf");
        until("another lease", || file.exists().then_some(()));
    });
    assert_eq!(boot.layers("dhcp4"), [FailureKind::AddressInUse]);
    let said = &boot.step("dhcp4").errors[0].failure.message;
    assert!(
        said.ends_with("has `10.9.0.70`, which the DHCP server offered"),
        "{said}"
    );
    assert!(net.log().contains("DHCPDECLINE(s) 10.9.0.70"));
    let addresses = net.show("-o -4 address show c");
    assert!(!addresses.contains("10.9.0.70"), "{addresses}");
    assert_eq!(boot.missing(), [""; 0]);
}

/// Another host takes the address when it is already in use: reported, and
/// the boot goes on.
#[test]
fn a_conflict_after_the_lease_is_reported() {
    if skip("a_conflict_after_the_lease_is_reported") {
        return;
    }
    let mut net = plugged_in();
    // A card that gets another MAC address says whose its addresses are.
    net.set_on_target("ipv4/conf/s/arp_notify", "1");
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.50,255.255.255.0,1h"]);
    let boot = net.boot_with(by_dhcp(), Played::default(), LONG, |net| {
        until("the lease", || net.log().contains("DHCPACK").then_some(()));
        until("the address", || {
            net.show("-o -4 address show c")
                .contains("10.9.0.50")
                .then_some(())
        });
        // Past the answers to the first question.
        std::thread::sleep(Duration::from_millis(300));
        net.on_target("address add 10.9.0.50/32 dev s\nlink set s address 02:00:00:00:00:98");
        let record = net.path("run/nvmeroot/boot.json");
        until("the report", || {
            let text = fs::read_to_string(&record).unwrap_or_default();
            text.contains("is in use by").then_some(())
        });
    });
    let announce = boot.step("announce");
    assert_eq!(announce.state, StepState::Failed);
    assert_eq!(boot.layers("announce"), [FailureKind::AddressInUse]);
    assert_eq!(boot.missing(), ["c dhcp4: address in use"]);
}

/// `T1` is three seconds, the least that dnsmasq takes.
#[test]
fn the_lease_is_renewed_while_the_program_lives() {
    if skip("the_lease_is_renewed_while_the_program_lives") {
        return;
    }
    let mut net = plugged_in();
    net.serve(&[RANGE, "--dhcp-option=58,3"]);
    let boot = net.boot_with(by_dhcp(), Played::default(), LONG, |net| {
        until("the renewal", || {
            (net.log().matches("DHCPACK").count() == 2).then_some(())
        });
    });
    assert_eq!(boot.missing(), [""; 0]);
    let leases = boot
        .record
        .steps
        .iter()
        .filter(|s| s.action.word() == "dhcp4");
    assert_eq!(leases.count(), 1);
    assert_eq!(net.show("-o -4 address show c").lines().count(), 1);
}

/// The server is replaced by one that knows nothing of the lease: its NAK
/// ends it, and another one is asked for.
#[test]
fn a_renewal_that_is_refused_leads_to_another_lease() {
    if skip("a_renewal_that_is_refused_leads_to_another_lease") {
        return;
    }
    let mut net = plugged_in();
    net.serve(&[RANGE, "--dhcp-option=58,3"]);
    let boot = net.boot_with(by_dhcp(), Played::default(), LONG, |net| {
        until("the address", || {
            let addresses = net.show("-o -4 address show c");
            addresses.contains("10.9.0.5").then_some(())
        });
        net.stop_serving();
        fs::remove_file(net.path("leases")).expect("the leases");
        net.serve(&[
            "--dhcp-range=10.9.0.80,10.9.0.89,255.255.255.0,1h",
            "--dhcp-authoritative",
        ]);
        until("the refusal", || {
            net.log().contains("DHCPNAK").then_some(())
        });
        until("another address", || {
            net.show("-o -4 address show c")
                .contains("10.9.0.8")
                .then_some(())
        });
    });
    let leases = boot
        .record
        .steps
        .iter()
        .filter(|s| s.action.word() == "dhcp4");
    assert_eq!(leases.count(), 2);
    assert_eq!(boot.missing(), [""; 0]);
}
