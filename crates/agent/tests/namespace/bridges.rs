//! Links on links, with the one kind that every kernel of ours has: bridges.
//! Bonds, VLANs and VRFs are proven in virtual machines.

use std::time::Duration;

use nvmeroot_agent::boot::Verdict;
use nvmeroot_plan::{
    BootPlan, Bridge, BridgeParameters, BridgePort, Centiseconds, Dhcp4, Interface, LinkKind,
};
use nvmeroot_record::FailureKind;
use nvmeroot_record::StepState;

use crate::boot::{LONG, NQN, Played, address, interface, plan};
use crate::net::{Net, skip};

fn time(hundredths: u64) -> Option<Centiseconds> {
    hundredths.try_into().ok()
}

/// Root over the bridge `br0` of the card `c` and a card that is not there.
fn over_a_bridge(
    parameters: BridgeParameters,
    change: impl FnOnce(&mut Interface, &mut Interface),
) -> BootPlan {
    let mut card = interface(|_| {});
    let absent = interface(|i| {
        i.id = "absent".parse().expect("an id");
        i.name = "absent".parse().expect("a name");
    });
    let mut bridge = interface(|i| {
        i.id = "br0".parse().expect("an id");
        i.name = "br0".parse().expect("a name");
        i.kind = LinkKind::Bridge {
            bridge: Bridge {
                parameters,
                members: vec![absent.id.clone(), card.id.clone()],
                path_cost: [(card.id.clone(), 50_u64.try_into().expect("a cost"))].into(),
                ..Bridge::default()
            },
        };
    });
    change(&mut card, &mut bridge);
    let mut plan = plan(bridge.clone(), "10.9.0.1", Some(NQN));
    plan.network.interfaces = vec![absent, card, bridge];
    plan
}

#[test]
fn a_bridge_with_all_its_parameters_and_a_card_that_is_missing() {
    if skip("a_bridge_with_all_its_parameters_and_a_card_that_is_missing") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let parameters = BridgeParameters {
        ageing_time: time(2000),
        priority: Some(4096),
        forward_delay: time(200),
        hello_time: time(150),
        max_age: time(1000),
        stp: Some(false),
    };
    let plan = over_a_bridge(parameters, |card, bridge| {
        card.mtu = Some(1400.try_into().expect("an MTU"));
        card.bridge_port = BridgePort {
            hairpin: Some(true),
            learning: Some(false),
            ..BridgePort::default()
        };
        bridge.mac = "02:00:00:00:00:99".parse().ok();
        bridge.addresses = vec![address("10.9.0.9/24")];
        bridge.ipv6_address_token = "::1a:2b".parse().ok();
        bridge.ipv6_privacy = true;
    });
    // Root may be there before the bridge's own thread has looked again.
    let boot = net.boot_with(plan.clone(), Played::default(), LONG, |_| {
        std::thread::sleep(Duration::from_secs(1));
    });
    assert_eq!(boot.verdict, Verdict::Done, "{:#?}", boot.record.missing);
    assert!(boot.took < Duration::from_secs(3), "{:?}", boot.took);
    let link = net.show("-d -o link show br0");
    for part in [
        "02:00:00:00:00:99",
        "forward_delay 200 hello_time 150 max_age 1000 ageing_time 2000 stp_state 0 priority 4096",
    ] {
        assert!(link.contains(part), "{part} in {link}");
    }
    let port = net.show("-d -o link show c");
    for part in [
        "mtu 1400",
        "master br0",
        "cost 50 hairpin on",
        "learning off",
        "addrgenmode none",
    ] {
        assert!(port.contains(part), "{part} in {port}");
    }
    let token = net.show("token get dev br0");
    // `ip` shows it as an IPv4-compatible address.
    assert!(
        token.contains("::0.26.0.43"),
        "{token}: {:#?}",
        boot.record.steps
    );
    assert_eq!(net.show("-6 address show dev c scope link"), "");
    assert_eq!(boot.missing(), ["absent: no such card"]);

    // A second run finds all that the first one left, root among it: it is
    // given a moment to look at the links.
    let again = net.boot_with(plan, Played::default(), LONG, |_| {
        std::thread::sleep(Duration::from_secs(1));
    });
    assert_eq!(again.verdict, Verdict::Done, "{:#?}", again.record.missing);
    assert_eq!(again.missing(), ["absent: no such card"]);
    let states: Vec<_> = again
        .record
        .steps
        .iter()
        .filter(|s| s.scope.to_string() != "absent")
        .map(|s| (&s.action, s.state))
        .collect();
    assert!(
        states.iter().all(|(_, state)| *state == StepState::Done),
        "{states:?}"
    );
}

#[test]
fn with_the_spanning_tree_protocol_a_bridge_is_waited_for() {
    if skip("with_the_spanning_tree_protocol_a_bridge_is_waited_for") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let parameters = BridgeParameters {
        forward_delay: time(200),
        stp: Some(true),
        ..BridgeParameters::default()
    };
    let plan = over_a_bridge(parameters, |_, bridge| {
        bridge.addresses = vec![address("10.9.0.9/24")];
    });
    let short = net.boot(plan.clone(), Played::default(), Duration::from_secs(2));
    let report = short.report();
    for part in [
        "`br0` is up and none of its ports forwards",
        "`absent`: no such card",
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }
    let boot = net.boot(plan, Played::default(), LONG);
    assert_eq!(boot.verdict, Verdict::Done, "{:#?}", boot.record.missing);
    assert!(boot.took < Duration::from_secs(8), "{:?}", boot.took);
    assert_eq!(boot.step("reach").detail, "over br0 from 10.9.0.9");
}

#[test]
fn a_bridge_s_lease_is_asked_for_with_the_bridge_s_address() {
    if skip("a_bridge_s_lease_is_asked_for_with_the_bridge_s_address") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.99,255.255.255.0,120"]);
    let plan = over_a_bridge(BridgeParameters::default(), |_, bridge| {
        bridge.dhcp4 = Some(Dhcp4::default());
    });
    let boot = net.boot(plan, Played::default(), LONG);
    let links = || format!("{}{}", net.show("-d link"), net.log());
    let steps = &boot.record.steps;
    assert_eq!(boot.verdict, Verdict::Done, "{steps:#?} {}", links());
    let shown = net.show("-o link show br0");
    let mac = shown
        .split("link/ether ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let leases = net.leases();
    assert!(
        leases.contains(mac.expect("an address")),
        "{leases} not of {shown}"
    );
    assert!(net.show("-o -4 address show br0").contains("10.9.0."));
}

#[test]
fn a_link_of_that_name_and_another_kind_is_told() {
    if skip("a_link_of_that_name_and_another_kind_is_told") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.on_host("link add name br0 type veth peer name other");
    let plan = over_a_bridge(BridgeParameters::default(), |_, bridge| {
        bridge.addresses = vec![address("10.9.0.9/24")];
    });
    let boot = net.boot(plan, Played::default(), Duration::from_secs(1));
    assert_eq!(boot.layers("create")[0], FailureKind::Network);
    let report = boot.report();
    assert!(
        report.contains("`br0` is there already and is no bridge"),
        "{report}"
    );
}

/// As systemd-networkd, which makes it of the machine's id and the name.
#[test]
fn a_bridge_has_the_address_that_the_running_system_gives_it() {
    if skip("a_bridge_has_the_address_that_the_running_system_gives_it") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    std::fs::create_dir_all(net.path("etc")).expect("a directory");
    let id = "0123456789abcdef0123456789abcdef\n";
    std::fs::write(net.path("etc/machine-id"), id).expect("a file");
    let parameters = BridgeParameters {
        stp: Some(false),
        forward_delay: time(0),
        ..BridgeParameters::default()
    };
    let plan = over_a_bridge(parameters, |_, bridge| {
        bridge.addresses = vec![address("10.9.0.9/24")];
    });
    let boot = net.boot(plan, Played::default(), LONG);
    assert_eq!(boot.verdict, Verdict::Done, "{:#?}", boot.record.missing);
    let link = net.show("-d -o link show br0");
    for part in ["52:9c:2f:97:80:e3", "forward_delay 0 "] {
        assert!(link.contains(part), "{part} in {link}");
    }
}
