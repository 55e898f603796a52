//! Addresses, as `ip -json` prints them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use nvmeroot_plan::Origin;
use serde::Deserialize;
use serde_json::Value;

use super::route::Route;
use crate::native::{Family, Link, Map};

pub(super) const ADDRESSES: &str = "ip address";

#[derive(Debug, Deserialize)]
pub(super) struct Address {
    // Some kinds of links list an empty one.
    local: Option<IpAddr>,
    #[serde(default)]
    prefixlen: u8,
    scope: Option<String>,
    /// It has a lifetime: a lease or a router gave it.
    #[serde(default)]
    dynamic: bool,
    #[serde(default)]
    temporary: bool,
    /// That of a peer.
    address: Option<IpAddr>,
    label: Option<String>,
    #[serde(default)]
    deprecated: bool,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// What else is said of an address and makes no difference to who reaches the storage: what
/// the kernel knows of it, and how it came to be.
const IGNORED: [&str; 15] = [
    "autojoin",
    "broadcast",
    "dadfailed",
    "family",
    "home",
    "mngtmpaddr",
    "nodad",
    "noprefixroute",
    "optimistic",
    "preferred_life_time",
    "proto",
    "protocol",
    "secondary",
    "tentative",
    "valid_life_time",
];

/// Gives a link its addresses, or who gives it some: that shows in its routes, too.
pub(super) fn add(one: &mut Link, addresses: &[Address], routes: &[Route]) {
    let origin = Origin::whole(ADDRESSES);
    let name = one.name.clone();
    let is_own = |route: &&Route| route.dev.as_deref() == Some(name.as_str());
    let own = || routes.iter().filter(is_own);
    let (mut leased4, mut leased6) = (own().any(|r| r.is_from("dhcp")), false);
    for address in addresses {
        let Some(local) = address.local else {
            continue;
        };
        // The kernel's own, and those of a router's network that come and go.
        let is_link_local = matches!(local, IpAddr::V6(v6) if v6.is_unicast_link_local());
        if is_link_local || address.temporary {
            continue;
        }
        let scope = address.scope.as_deref().unwrap_or_default();
        if scope != "global" {
            let message = format!("the address `{local}` of scope `{scope}` is not carried over");
            one.note(&origin, message);
            continue;
        }
        match (local, address.dynamic) {
            (IpAddr::V4(_), true) => leased4 = true,
            // A router gives a network, a lease an address.
            (IpAddr::V6(_), true) => leased6 |= address.prefixlen == 128,
            (_, false) => {
                if let Ok(network) = IpNet::new(local, address.prefixlen) {
                    by_hand(one, address, network, &origin);
                }
            }
        }
    }
    if leased4 {
        let of_lease = own().filter(|route| route.is_from("dhcp"));
        let metric = of_lease.filter_map(|route| route.metric).min();
        let metric = metric.map(|metric| metric.to_string());
        one.dhcp(Family::V4, &origin, metric.as_deref());
    }
    if leased6 {
        one.dhcp(Family::V6, &origin, None);
    }
    if leased6 || own().any(|route| route.is_from("ra")) {
        one.plain("accept-ra", &origin, "true");
    }
}

/// An address that was given by hand.
fn by_hand(one: &mut Link, address: &Address, network: IpNet, origin: &Origin) {
    if address.address.is_some() {
        return one.refuse(origin, "the initramfs sets no address of a peer");
    }
    let mut said = Map::default();
    // Without another the kernel takes the link's name.
    if let Some(label) = address.label.as_ref().filter(|label| **label != one.name) {
        said.text("label", origin, label);
    }
    if address.deprecated {
        said.plain("lifetime", origin, "0");
    }
    one.address_with(origin, network, said);
    let left = address.more.keys();
    for key in left.filter(|key| !IGNORED.contains(&key.as_str())) {
        let message = format!("`{key}` of the address `{network}` is not carried over");
        one.note(origin, message);
    }
}
