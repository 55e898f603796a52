//! When a link can be worked with: udev has finished with it, and it has
//! carrier.

use std::time::{Duration, Instant};

use nvmeroot_plan::Interface;

use super::context::Context;
use super::subject::Subject;
use super::waiting::Ended;
use crate::events::{News, Woken};
use crate::fault::{Fault, Layer};
use crate::kmsg::Level;
use crate::netlink::{Link, Netlink};
use crate::places::Places;
use crate::record::OpenStep;

/// udev is given so long to finish with a card. It renames cards, which some
/// kernels refuse once the link is up, and it knows the name that the running
/// system's DHCP client makes its identifier of.
const UDEV_PATIENCE: Duration = Duration::from_secs(10);

/// Waits until the link has carrier.
pub(super) fn wait_for_carrier(
    context: &Context,
    subject: &Subject,
    step: &OpenStep,
    netlink: &mut Netlink,
    link: &Link,
) -> Result<(), Ended> {
    let fault = || no_carrier(link);
    context.wait_for(subject, step, fault, || {
        let now = netlink.link(link.index).ok()??;
        let carries = now.carrier && may_carry(netlink, &now) && !context.negotiates(now.index);
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
pub(super) fn no_carrier(link: &Link) -> Fault {
    let name = &link.name;
    let fault = |what| Fault::new(Layer::NoCarrier, format!("`{name}` is up and {what}"));
    match link.kind.as_deref() {
        Some("bridge") => fault("none of its ports forwards").with_hint(
            "see what is said of its ports; with the spanning tree protocol a port waits twice the forward delay, 30 s by default (`parameters: {stp: false}` or a shorter `forward-delay`)",
        ),
        Some("bond") => fault("none of its members works").with_hint(
            "see what is said of its members; in mode 802.3ad the switch has to have such a bond too",
        ),
        Some("vlan") => fault("what carries it has no carrier"),
        _ => fault("has no carrier"),
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
    link: &Link,
) -> Result<(), Ended> {
    if !needs_record(interface, &link.name) && is_renamed(&context.places, &link.name) {
        return Ok(());
    }
    wait_for_udev(context, link)
}

/// Waits until udev has finished with the link.
pub(super) fn wait_for_udev(context: &Context, link: &Link) -> Result<(), Ended> {
    let until = Instant::now() + UDEV_PATIENCE;
    loop {
        let seen = context.events.seen();
        if !udev_is_busy(context, link.index) {
            return Ok(());
        }
        let until = until.min(context.limit());
        match context.events.wait_past(seen, &[News::Devices], until) {
            Woken::Changed => {}
            Woken::Stopping => return Err(Ended::Stopping),
            Woken::TimedOut => {
                let name = &link.name;
                context.kmsg.say(
                    Level::Warning,
                    &format!("`{name}`: udev does not finish with it; going on"),
                );
                return Ok(());
            }
        }
    }
}

/// The card is to be renamed from `name`, or the identifier of its DHCP client is
/// made of what udev knows of it.
fn needs_record(interface: &Interface, name: &str) -> bool {
    interface.set_name && name != interface.name.as_str()
        || interface.dhcp4 && !interface.dhcp_identifier_mac
        || interface.dhcp6 && interface.dhcp6_link_layer_iaid.is_none()
}

/// `NET_NAME_RENAMED`: somebody renamed it (include/uapi/linux/netdevice.h).
const RENAMED: &str = "4";

fn is_renamed(places: &Places, name: &str) -> bool {
    let class = places.sys.join("class/net");
    let how = std::fs::read_to_string(class.join(name).join("name_assign_type"));
    how.is_ok_and(|how| how.trim_end() == RENAMED)
}

/// udev runs (or is about to) and has not finished with the link: it writes
/// its record of a device when all rules are through (udev(7)).
fn udev_is_busy(context: &Context, index: u32) -> bool {
    let udev = context.places.run_root.join("udev");
    udev.join("control").exists() && !udev.join(format!("data/n{index}")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_was_renamed_is_known_by_the_kernels_word() {
        let root = tempfile::tempdir().expect("a directory");
        let places = Places {
            sys: root.path().to_owned(),
            ..Places::default()
        };
        assert!(!is_renamed(&places, "ens3"), "the kernel says nothing");
        let class = root.path().join("class/net/ens3");
        std::fs::create_dir_all(&class).expect("a directory");
        for (word, renamed) in [("4\n", true), ("3\n", false), ("", false)] {
            std::fs::write(class.join("name_assign_type"), word).expect("a file");
            assert_eq!(is_renamed(&places, "ens3"), renamed, "{word:?}");
        }
    }

    #[test]
    fn udevs_record_matters_to_some_identifiers_and_names() {
        let new = |change: fn(&mut Interface)| {
            let name: nvmeroot_plan::InterfaceName = "ens3".parse().expect("a name");
            let id = "ens3".parse().expect("an id");
            let origin = nvmeroot_plan::Origin::whole("test");
            let kind = nvmeroot_plan::LinkKind::Ethernet;
            let mut interface = Interface::new(id, name, kind, origin);
            change(&mut interface);
            needs_record(&interface, "ens3")
        };
        assert!(!new(|_| {}));
        assert!(new(|i| i.dhcp4 = true));
        assert!(!new(|i| (i.dhcp4, i.dhcp_identifier_mac) = (true, true)));
        assert!(new(|i| i.dhcp6 = true));
        assert!(!new(
            |i| (i.dhcp6, i.dhcp6_link_layer_iaid) = (true, Some(1))
        ));
        assert!(!new(|i| i.set_name = true), "it has its name");
        assert!(new(|i| {
            i.set_name = true;
            i.name = "san0".parse().expect("a name");
        }));
    }
}
