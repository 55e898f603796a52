//! What ifupdown finds after a boot, and who goes on with the lease then.

use std::fs;

use nvmeroot_plan::Dhcp4;

use crate::boot::{LONG, Played, interface, plan};
use crate::net::{Net, skip, until};

/// The client renews after 3 s.
const SERVER: [&str; 3] = [
    "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,1h",
    "--dhcp-option=58,3",
    "--dhcp-authoritative",
];
const PORTAL: &str = "10.9.0.1";

/// A network with a portal and a DHCP server, and a root with ifupdown.
fn served() -> Net {
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    net.serve(&SERVER);
    fs::create_dir_all(net.path("root/usr/lib/ifupdown")).expect("a directory");
    net
}

fn by_dhcp() -> nvmeroot_plan::BootPlan {
    let client = Dhcp4 {
        identifier_mac: true,
        ..Dhcp4::default()
    };
    plan(interface(|i| i.dhcp4 = Some(client)), PORTAL, None)
}

/// Who has which address, as dnsmasq notes it; the file is written anew each time.
fn client(net: &Net) -> String {
    until("dnsmasq's notes", || {
        let leases = net.leases();
        let (_end, client) = leases.trim_end().split_once(' ')?;
        Some(client.to_owned())
    })
}

#[test]
fn the_lease_goes_on_as_the_same_client() {
    if skip("the_lease_goes_on_as_the_same_client") {
        return;
    }
    let mut net = served();
    net.boot(by_dhcp(), Played::default(), LONG);
    let state = fs::read_to_string(net.path("run/network/ifstate.c"));
    assert_eq!(state.expect("a state"), "c\n");
    let address = || net.show("-4 -o address show dev c");
    let before = address();
    assert!(before.contains("valid_lft forever"), "{before}");
    let first = client(&net);
    let log = |what: &str| net.log().matches(what).count();
    let (acknowledged, offered) = (log("DHCPACK("), log("DHCPOFFER("));
    net.keep_leases(by_dhcp(), |net, _| {
        until("a lease and its renewal", || {
            let news = net.log().matches("DHCPACK(").count() - acknowledged;
            (news >= 2).then_some(())
        });
    });
    // A renewal asks for no offer.
    assert_eq!(log("DHCPOFFER(") - offered, 1, "{}", net.log());
    assert_eq!(client(&net), first);
    assert_eq!(address(), before, "it stays when the program ends");
}

#[test]
fn what_ifupdown_has_brought_up_by_itself_is_left_to_it() {
    if skip("what_ifupdown_has_brought_up_by_itself_is_left_to_it") {
        return;
    }
    let net = served();
    net.on_host("link set c up");
    // No boot was here: nothing is said of the link.
    net.keep_leases(by_dhcp(), |_, ended| {
        until("its end", || ended().then_some(()));
    });
    assert!(!net.log().contains("DHCPDISCOVER"), "{}", net.log());
}
