//! DHCPv4 through the whole program: what the answer is used for, and who the
//! server thinks has asked.

use std::fs;

use nvmeroot_agent::boot::Verdict;
use nvmeroot_plan::Dhcp4;

use crate::boot::{LONG, Played, interface, plan};
use crate::client::{MACHINE_ID, identity};
use crate::net::{Net, skip, until};

const RANGE: &str = "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,1h";
const PORTAL: &str = "10.9.0.1";

/// A network with a portal and a DHCP server.
fn served(options: &[&str]) -> Net {
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let mut all = vec![RANGE, "--dhcp-authoritative"];
    all.extend(options);
    net.serve(&all);
    net
}

#[test]
fn lease_and_discovery() {
    if skip("lease_and_discovery") {
        return;
    }
    let mut net = served(&[]);
    let interface = interface(|i| i.dhcp4 = Some(Dhcp4::default()));
    let boot = net.boot(plan(interface, PORTAL, None), Played::default(), LONG);
    assert_eq!(boot.verdict, Verdict::Done);
    let lease = &boot.step("dhcp4").detail;
    assert!(lease.starts_with("10.9.0."), "{lease}");
    assert_eq!(boot.step("discover").detail, "1 offered");
    assert_eq!(boot.step("namespace").detail, "nvme0n1");
    let route = net.show("route show default");
    assert!(
        route.contains("via 10.9.0.1 dev c proto dhcp src 10.9.0."),
        "{route}"
    );
    let prefix = net.show("route show 10.9.0.0/24");
    assert!(
        prefix.contains("proto kernel") && prefix.contains("metric 100"),
        "{prefix}"
    );
    let file = fs::read_to_string(net.path("run/net-c.conf")).expect("a file");
    assert!(file.contains("IPV4GATEWAY='10.9.0.1'"), "{file}");
    // For nvme-cli 3 (`disconnect_all_match` in its src/fabrics.c).
    let owner = fs::read_to_string(net.path("run/nvme/registry/nvme0/owner"));
    assert_eq!(owner.expect("an entry"), "nvmeroot\n");
    assert!(boot.took.as_secs() < 3, "{:?}", boot.took);
    eprintln!(
        "dhcp4: link up {:?}, lease {:?}, portal reachable {:?}, goal {:?}",
        boot.ended("link-up"),
        boot.ended("dhcp4"),
        boot.ended("reach"),
        boot.took
    );
}

const OPTIONS: [&str; 5] = [
    "--dhcp-option=option:router,10.9.0.2",
    "--dhcp-option=33,192.168.66.0,10.9.0.3",
    "--dhcp-option=26,1400",
    "--dhcp-option=option:dns-server,10.9.0.53,10.9.0.54",
    "--domain=example.org",
];

#[test]
fn routers_static_routes_mtu_and_name_servers() {
    if skip("routers_static_routes_mtu_and_name_servers") {
        return;
    }
    let mut net = served(&OPTIONS);
    net.boot_well(interface(|i| i.dhcp4 = Some(Dhcp4::default())), PORTAL);
    let routes = net.show("-4 route show");
    for route in [
        "default via 10.9.0.2 dev c proto dhcp src 10.9.0.",
        "192.168.66.0/24 via 10.9.0.3 dev c proto dhcp src 10.9.0.",
    ] {
        let found = routes.lines().find(|l| l.starts_with(route));
        assert!(found.is_some_and(|l| l.contains("metric 100")), "{routes}");
    }
    assert!(net.show("link show c").contains("mtu 1400"));
    let file = fs::read_to_string(net.path("run/net-c.conf")).expect("a file");
    for line in [
        "IPV4DNS0='10.9.0.53'",
        "IPV4DNS1='10.9.0.54'",
        "DNSDOMAIN='example.org'",
        "IPV4GATEWAY='10.9.0.2'",
    ] {
        assert!(file.lines().any(|l| l == line), "no {line} in {file}");
    }
}

#[test]
fn classless_routes_exclude_the_others() {
    if skip("classless_routes_exclude_the_others") {
        return;
    }
    let mut options = OPTIONS.to_vec();
    // The last gateway is in no network of the link.
    options.push("--dhcp-option=121,10.77.0.0/16,10.9.0.4,0.0.0.0/0,10.55.0.1");
    let mut net = served(&options);
    net.boot_well(interface(|i| i.dhcp4 = Some(Dhcp4::default())), PORTAL);
    let routes = net.show("-4 route show");
    assert!(
        routes.contains("default via 10.55.0.1 dev c proto dhcp src 10.9.0."),
        "{routes}"
    );
    let default = routes.lines().find(|l| l.starts_with("default"));
    assert!(default.is_some_and(|l| l.contains("onlink")), "{routes}");
    assert!(
        routes.contains("10.77.0.0/16 via 10.9.0.4 dev c proto dhcp"),
        "{routes}"
    );
    assert!(!routes.contains("10.9.0.2"), "{routes}");
    assert!(!routes.contains("192.168.66.0"), "{routes}");
}

#[test]
fn overrides_leave_out_routes_mtu_and_name_servers() {
    if skip("overrides_leave_out_routes_mtu_and_name_servers") {
        return;
    }
    let mut net = served(&OPTIONS);
    let interface = interface(|i| {
        i.dhcp4 = Some(Dhcp4 {
            use_routes: false,
            use_mtu: false,
            use_dns: false,
            ..Dhcp4::default()
        });
    });
    net.boot_well(interface, PORTAL);
    let routes = net.show("-4 route show");
    // The address's own network alone.
    assert_eq!(routes.lines().count(), 1, "{routes}");
    assert!(net.show("link show c").contains("mtu 1500"));
    let file = fs::read_to_string(net.path("run/net-c.conf")).expect("a file");
    assert!(!file.contains("IPV4DNS"), "{file}");
    assert!(file.contains("IPV4GATEWAY=''"), "{file}");
}

#[test]
fn overrides_set_the_metric_and_the_plans_mtu_wins() {
    if skip("overrides_set_the_metric_and_the_plans_mtu_wins") {
        return;
    }
    let mut net = served(&OPTIONS);
    let interface = interface(|i| {
        i.mtu = Some(1450.try_into().expect("an MTU"));
        i.dhcp4 = Some(Dhcp4 {
            route_metric: 7,
            ..Dhcp4::default()
        });
    });
    net.boot_well(interface, PORTAL);
    let routes = net.show("-4 route show default");
    assert!(routes.trim_end().ends_with("metric 7"), "{routes}");
    assert!(net.show("link show c").contains("mtu 1450"));
}

/// What dnsmasq notes of the client: `*`, or its identifier.
fn noted(by_mac: bool) -> String {
    let mut net = served(&[]);
    let file = net.path("etc/machine-id");
    fs::create_dir_all(net.path("etc")).expect("a directory");
    fs::write(file, format!("{MACHINE_ID}\n")).expect("a file");
    let interface = interface(|i| {
        i.dhcp4 = Some(Dhcp4 {
            identifier_mac: by_mac,
            ..Dhcp4::default()
        });
    });
    net.boot_well(interface, PORTAL);
    until("the lease's record", || {
        let leases = net.leases();
        let noted = leases.lines().next()?.split(' ').nth(4)?;
        Some(noted.to_owned())
    })
}

#[test]
fn identity_of_the_machine_or_of_the_card() {
    if skip("identity_of_the_machine_or_of_the_card") {
        return;
    }
    let id = identity().client_id.expect("an identifier");
    assert_eq!(noted(false), format!("{id:?}"));
    assert_eq!(noted(true), "01:02:00:00:00:00:07");
}
