//! What a profile says of its card, its bridge or its port.

use nvmeroot_plan::Origin;

use super::left;
use super::profile::{Profile, mac_address};
use crate::native::ini::{Entry, is_true};
use crate::native::{Link, Network, Word, bridge, bridge_port, vlan_filtering};

/// What the bridge of a port is told of it.
pub(super) fn of_port(network: &mut Network, bridge: &str, port: &str, profile: &Profile) {
    for Entry { key, value, origin } in profile.entries("bridge-port") {
        let name = match key.as_str() {
            _ if value.is_empty() => continue,
            "path-cost" => "path-cost",
            "priority" => "port-priority",
            "hairpin-mode" => {
                network
                    .link(port, origin)
                    .plain("hairpin", origin, is_true(value));
                continue;
            }
            key => {
                network.link(port, origin).not_carried_out(key, origin);
                continue;
            }
        };
        bridge_port(
            network.link(bridge, origin),
            name,
            (port, key, value),
            origin,
        );
    }
}

/// What card it is, where nobody knows the names of the cards.
pub(super) fn matching(link: &mut Link, profile: &Profile) {
    let wanted = profile.wanted();
    if wanted.name().is_some() && wanted.macs.is_empty() {
        return;
    }
    let origin = profile.origin();
    let words = link.words.map("match", &origin);
    if let Some(mac) = wanted.macs.first() {
        words.text("macaddress", &origin, mac.to_string());
    }
    let any = wanted.macs.is_empty().then_some("*");
    if let Some(name) = wanted.names.first().map(String::as_str).or(any) {
        words.text("name", &origin, name);
    }
    for driver in wanted.drivers {
        words.push("driver", &origin, Word::Text(driver));
    }
    if wanted.names.len() > 1 {
        link.doubt(
            &origin,
            "which cards this is for is not followed: there are several patterns",
        );
    }
    if let Some(entry) = profile.denied() {
        let message = format!(
            "which cards this is for is not followed: `{}` is not looked at",
            entry.key
        );
        link.doubt(&entry.origin, message);
    }
}

pub(super) fn of_card(link: &mut Link, profile: &Profile) {
    let Some(section) = profile.wired() else {
        return;
    };
    for entry in &section.entries {
        let (value, origin) = (entry.value.as_str(), &entry.origin);
        match entry.key.as_str() {
            "mtu" => match value.parse::<u16>() {
                Ok(0) => {}
                mtu => link.mtu(origin, mtu.ok()),
            },
            "cloned-mac-address" | "assigned-mac-address" => match (mac_address(value), value) {
                (Some(mac), _) => link.text("macaddress", origin, &mac.to_string()),
                (None, "" | "preserve" | "permanent") => {}
                (None, _) => {
                    link.refuse(
                        origin,
                        "the running system would change the address under the connection",
                    );
                }
            },
            // What it is known by, what makes no difference, and what counts with a `speed`.
            "mac-address"
            | "mac-address-blacklist"
            | "mac-address-denylist"
            | "auto-negotiate"
            | "wake-on-lan"
            | "wake-on-lan-password"
            | "duplex"
            | "accept-all-mac-addresses" => {}
            _ if value.is_empty() || value == "0" => {}
            key => link.not_carried_out(key, origin),
        }
    }
}

pub(super) fn of_bridge(link: &mut Link, profile: &Profile, origin: &Origin) {
    // On, unless it is off.
    bridge(link, "stp", "true", origin);
    for entry in profile.entries("bridge") {
        let (value, at) = (entry.value.as_str(), &entry.origin);
        match entry.key.as_str() {
            "stp" => bridge(link, "stp", &is_true(value).to_string(), at),
            key @ ("priority" | "forward-delay" | "hello-time" | "max-age" | "ageing-time") => {
                match value.parse::<u32>() {
                    Ok(number) => bridge(link, key, &number.to_string(), at),
                    Err(_) => link.misfit(key, at),
                }
            }
            "vlan-filtering" if is_true(value) => vlan_filtering(link, at),
            _ if value.is_empty() => {}
            "mac-address" => match mac_address(value) {
                Some(mac) => link.text("macaddress", at, &mac.to_string()),
                None => link.misfit("mac-address", at),
            },
            key if left::is_ignored_of_bridge(key) => {}
            key => link.not_carried_out(key, at),
        }
    }
}
