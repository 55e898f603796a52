use std::fs;

use super::*;

const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";

fn card(name: &str) -> Interface {
    Interface::new(
        name.parse().expect("an id"),
        name.parse().expect("a name"),
        LinkKind::Ethernet,
        nvmeroot_plan::Origin::whole("network"),
    )
}

fn link(index: u32, name: &str) -> Link {
    Link {
        index,
        name: name.to_owned(),
        mac: "52:54:00:00:00:01".parse().ok(),
        permanent_mac: None,
        mtu: 1500,
        up: true,
        carrier: true,
        ethernet: true,
        kind: None,
        master: None,
        aggregated: true,
    }
}

/// What NetworkManager reads of link 3, `ens3`, in a root with these profiles.
fn told(files: &[(&str, &str)], interface: &Interface) -> Option<String> {
    let dir = tempfile::tempdir().expect("a directory");
    let profiles = dir
        .path()
        .join("root/etc/NetworkManager/system-connections");
    fs::create_dir_all(&profiles).expect("a directory");
    for (name, text) in files {
        fs::write(profiles.join(name), text).expect("a file");
    }
    let links = [(interface, link(3, "ens3"))];
    let unknown = tell(&Paths::under(dir.path()), &links).expect("told");
    let text = fs::read_to_string(dir.path().join("run/NetworkManager/devices/3")).ok();
    assert_eq!(unknown.is_empty(), text.is_some());
    text
}

fn by(id: &str) -> Option<String> {
    Some(format!("[device]\nmanaged=true\nconnection-uuid={id}\n"))
}

fn ethernet(id: &str, more: &str) -> String {
    format!("[connection]\nid=x\nuuid={id}\ntype=ethernet\n{more}\n")
}

/// `_config_device_state_data_new` in NetworkManager's src/core/nm-config.c.
#[test]
fn the_profile_of_the_plan_counts() {
    let mut one = card("ens3");
    one.connection = ONE.parse().ok();
    assert_eq!(
        told(&[("x", &ethernet(TWO, "interface-name=ens3"))], &one),
        by(ONE)
    );
}

#[test]
fn a_profile_that_names_the_link_is_found() {
    let named = ethernet(ONE, "interface-name=ens3");
    let any = ethernet(TWO, "autoconnect-priority=100");
    let other = ethernet(TWO, "interface-name=ens4");
    let files = [("a", any.as_str()), ("b", &named), ("c", &other)];
    assert_eq!(told(&files, &card("ens3")), by(ONE));
}

#[test]
fn a_profile_that_names_the_card_is_found() {
    let by_card = ethernet(ONE, "[ethernet]\nmac-address=52:54:00:00:00:01");
    let other = ethernet(TWO, "[ethernet]\nmac-address=52:54:00:00:00:02");
    assert_eq!(
        told(&[("a", &other), ("b", &by_card)], &card("ens3")),
        by(ONE)
    );
}

#[test]
fn of_two_the_higher_priority_and_then_the_first_counts() {
    let low = ethernet(TWO, "interface-name=ens3");
    let high = ethernet(ONE, "interface-name=ens3\nautoconnect-priority=1");
    assert_eq!(told(&[("a", &low), ("b", &high)], &card("ens3")), by(ONE));
    let same = ethernet(ONE, "interface-name=ens3");
    assert_eq!(told(&[("a", &same), ("b", &low)], &card("ens3")), by(ONE));
}

#[test]
fn a_profile_that_is_not_for_it_is_passed_over() {
    let manual = ethernet(ONE, "interface-name=ens3\nautoconnect=false");
    assert_eq!(told(&[("a", &manual)], &card("ens3")), None);
    let vlan = manual
        .replace("=ethernet", "=vlan")
        .replace("autoconnect=false", "");
    assert_eq!(told(&[("a", &vlan)], &card("ens3")), None);
    let nameless = "[connection]\ntype=ethernet\ninterface-name=ens3\n";
    assert_eq!(told(&[("a", nameless)], &card("ens3")), None);
    assert_eq!(told(&[], &card("ens3")), None);
}
