//! When a link can be worked with: udev has finished with it, and it has
//! carrier.

use std::time::{Duration, Instant};

use nvmeroot_plan::Interface;
use nvmeroot_record::{Failure, FailureKind};

use super::card::Wanted;
use super::network::Network;
use crate::sys::events::{Change, WakeReason};
use crate::sys::kmsg::Level;
use crate::sys::netlink::{Link, Netlink};
use crate::sys::paths::Paths;
use crate::task::{Context, Ended, FailureScope, OpenStep};

/// How long udev is given to finish with a card. It renames cards, which some
/// kernels refuse once the link is up, and it knows the name that the running
/// system's DHCP client makes its identifier of.
const UDEV_PATIENCE: Duration = Duration::from_secs(10);

/// Waits until the link has carrier.
pub(super) fn wait_for_carrier(
    network: &Network,
    scope: &FailureScope,
    step: &OpenStep,
    netlink: &mut Netlink,
    link: &Link,
) -> Result<(), Ended> {
    let failure = || no_carrier(link);
    network.context.wait_for(scope, step, failure, || {
        let now = netlink.link(link.index).ok()??;
        let carries = network.carries(&now) && may_carry(netlink, &now);
        carries.then_some(())
    })
}

/// A new bridge claims to have carrier until its first port has come
/// (net/bridge/br_stp_if.c works it out of its ports), and has another address
/// until then.
fn may_carry(netlink: &mut Netlink, link: &Link) -> bool {
    link.kind.as_deref() != Some("bridge")
        || netlink
            .links()
            .is_ok_and(|links| links.iter().any(|port| port.is_member_of(link)))
}

/// What it means that the link has no carrier.
pub(super) fn no_carrier(link: &Link) -> Failure {
    let name = &link.name;
    let failure = |what| Failure::new(FailureKind::NoCarrier, format!("`{name}` is up and {what}"));
    match link.kind.as_deref() {
        Some("bridge") => failure("none of its ports forwards").with_hint(
            "see what is said of its ports; with the spanning tree protocol a port waits twice the forward delay, 30 s by default (`parameters: {stp: false}` or a shorter `forward-delay`)",
        ),
        Some("bond") => failure("none of its members works").with_hint(
            "see what is said of its members; in mode 802.3ad the switch has to have such a bond too",
        ),
        Some("vlan") => failure("what carries it has no carrier"),
        _ => failure("has no carrier"),
    }
}

/// Waits until udev has finished with the card of `interface`, as far as it
/// matters: once it has given it another name, only its record is to come. A card
/// that is to get its name from us has to wait for that as well: udev answers its
/// own renaming by giving the card the same name once more, whatever it is called
/// by then (80-net-setup-link.rules, for the uevent `move`).
pub(super) fn wait_for_name(
    context: &Context,
    interface: &Interface,
    wanted: &Wanted<'_>,
    link: &Link,
) -> Result<(), Ended> {
    if !needs_record(interface, wanted, &link.name) && is_renamed(&context.paths, &link.name) {
        return Ok(());
    }
    wait_for_udev(context, link)
}

/// Waits until udev has finished with the link.
pub(super) fn wait_for_udev(context: &Context, link: &Link) -> Result<(), Ended> {
    let until = Instant::now() + UDEV_PATIENCE;
    loop {
        let seen = context.events.seen();
        if !udev_is_busy(&context.paths, link.index) {
            return Ok(());
        }
        let until = until.min(context.limit());
        match context.events.wait_past(seen, &[Change::Devices], until) {
            WakeReason::Changed => {}
            WakeReason::Stopping => return Err(Ended::Stopping),
            WakeReason::TimedOut => {
                let name = &link.name;
                context.kmsg.say(
                    Level::Warning,
                    &format!(
                        "`{name}`: udev did not finish with it within {} s, going on; check the udev rules in the initramfs",
                        UDEV_PATIENCE.as_secs()
                    ),
                );
                return Ok(());
            }
        }
    }
}

/// The card is to be renamed from `name`, or the identifier of its DHCP client is
/// made of what udev knows of it.
fn needs_record(interface: &Interface, wanted: &Wanted<'_>, name: &str) -> bool {
    wanted.renamed && name != wanted.name.as_str()
        || matches!(&interface.dhcp4, Some(client) if !client.identifier_mac)
        || matches!(&interface.dhcp6, Some(client) if client.link_layer_iaid.is_none())
}

/// `NET_NAME_RENAMED`: somebody renamed it (include/uapi/linux/netdevice.h).
const RENAMED: &str = "4";

fn is_renamed(paths: &Paths, name: &str) -> bool {
    let class = paths.sys.join("class/net");
    let how = std::fs::read_to_string(class.join(name).join("name_assign_type"));
    how.is_ok_and(|how| how.trim_end() == RENAMED)
}

/// udev runs (or is about to) and has not finished with the link: its record of a
/// device is whole when all rules are through (udev(7)). It writes one before, too: when
/// it is about to rename a card, which stands until it has seen the uevent of its own
/// renaming, and when it comes to the same card again (systemd's
/// src/udev/udev-event.c, `rename_netif` and `udev_event_execute_rules`).
fn udev_is_busy(paths: &Paths, index: u32) -> bool {
    let udev = paths.run_root.join("udev");
    if !udev.join("control").exists() {
        return false;
    }
    let record = std::fs::read(udev.join(format!("data/n{index}")));
    record.map_or(true, |record| {
        // What a card says of itself may be no text.
        let mut lines = record.split(|byte| *byte == b'\n');
        lines.any(|line| UNDER_WAY.contains(&line))
    })
}

/// What udev's record of a device says while it works on it.
const UNDER_WAY: [&[u8]; 2] = [b"E:ID_RENAMING=1", b"E:ID_PROCESSING=1"];

#[cfg(test)]
mod tests {
    use nvmeroot_plan::{Dhcp4, Dhcp6, InterfaceName};

    use super::*;

    #[test]
    fn a_card_that_was_renamed_is_known_by_the_kernels_word() {
        let root = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            sys: root.path().to_owned(),
            ..Paths::default()
        };
        assert!(!is_renamed(&paths, "ens3"), "the kernel says nothing");
        let class = root.path().join("class/net/ens3");
        std::fs::create_dir_all(&class).expect("a directory");
        for (word, renamed) in [("4\n", true), ("3\n", false), ("", false)] {
            std::fs::write(class.join("name_assign_type"), word).expect("a file");
            assert_eq!(is_renamed(&paths, "ens3"), renamed, "{word:?}");
        }
    }

    #[test]
    fn udev_has_finished_with_a_card_once_its_record_is_whole() {
        let run = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            run_root: run.path().to_owned(),
            ..Paths::default()
        };
        assert!(!udev_is_busy(&paths, 2), "no udev here");
        let udev = run.path().join("udev");
        std::fs::create_dir_all(udev.join("data")).expect("a directory");
        std::fs::write(udev.join("control"), "").expect("a file");
        assert!(udev_is_busy(&paths, 2), "no record yet");
        for (record, busy) in [
            (&b"E:ID_RENAMING=1\nE:ID_PROCESSING=1\n"[..], true),
            (b"I:4\nE:ID_NET_NAME_SLOT=ens5\nE:ID_RENAMING=1\n", true),
            (b"I:4\nE:ID_NET_NAME_SLOT=ens5\n", false),
            (b"I:4\nE:ID_MODEL=\xff\n", false),
        ] {
            std::fs::write(udev.join("data/n2"), record).expect("a file");
            assert_eq!(udev_is_busy(&paths, 2), busy, "{record:?}");
        }
    }

    #[test]
    fn udevs_record_matters_to_some_identifiers_and_names() {
        let needs = |name: &str, renamed, change: &dyn Fn(&mut Interface)| {
            let id = "ens3".parse().expect("an id");
            let origin = nvmeroot_plan::Origin::whole("test");
            let kind = nvmeroot_plan::LinkKind::Ethernet;
            let name: InterfaceName = name.parse().expect("a name");
            let mut interface = Interface::new(id, name, kind, origin);
            change(&mut interface);
            let wanted = Wanted {
                name: &interface.name,
                matching: None,
                renamed,
            };
            needs_record(&interface, &wanted, "ens3")
        };
        let new = |change: &dyn Fn(&mut Interface)| needs("ens3", false, change);
        assert!(!new(&|_| {}));
        let four = |identifier_mac| Dhcp4 {
            identifier_mac,
            ..Dhcp4::default()
        };
        let six = |link_layer_iaid| Dhcp6 {
            link_layer_iaid,
            ..Dhcp6::default()
        };
        assert!(new(&|i| i.dhcp4 = Some(four(false))));
        assert!(!new(&|i| i.dhcp4 = Some(four(true))));
        assert!(new(&|i| i.dhcp6 = Some(six(None))));
        assert!(!new(&|i| i.dhcp6 = Some(six(Some(1)))));
        assert!(!needs("ens3", true, &|_| {}), "it has its name");
        assert!(needs("san0", true, &|_| {}));
    }
}
