//! What ifupdown finds after a boot, and who goes on with the lease then.

use std::fs;
use std::thread;
use std::time::Duration;

use nvmeroot_agent::boot::{Boot, Verdict};
use nvmeroot_plan::Dhcp4;

use crate::boot::{LONG, NQN, Played, address, interface, plan};
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

fn keep_leases(boot: &Boot) {
    boot.keep_leases().expect("the links");
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
    net.beside(by_dhcp(), keep_leases, |net, _| {
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
    net.beside(by_dhcp(), keep_leases, |_, ended| {
        until("its end", || ended().then_some(()));
    });
    assert!(!net.log().contains("DHCPDISCOVER"), "{}", net.log());
}

/// Before root is mounted nobody knows who takes over.
#[test]
fn the_network_is_not_handed_over_before_root_is_mounted() {
    if skip("the_network_is_not_handed_over_before_root_is_mounted") {
        return;
    }
    let net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let mounts = net.path("proc/self/mountinfo");
    fs::create_dir_all(mounts.parent().expect("a folder")).expect("a directory");
    fs::write(mounts, "22 1 0:21 / /proc rw - proc proc rw\n").expect("a file");
    let fixed = interface(|i| i.addresses = vec![address("10.9.0.5/24")]);
    let start = |boot: &Boot| {
        boot.start();
        assert_eq!(boot.wait_for_requirements(), Verdict::Done);
        boot.watch_for_root();
    };
    net.beside(plan(fixed, PORTAL, Some(NQN)), start, |_, ended| {
        // The rest is done in a few milliseconds.
        thread::sleep(Duration::from_millis(500));
        assert!(!ended());
    });
}
