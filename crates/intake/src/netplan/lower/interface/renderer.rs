//! What netplan refuses of an interface because of who renders it (`src/nm.c`,
//! `src/networkd.c`): the running system then has no network at all.

use nvmeroot_plan::{ConnectionId, RouteType, Severity};

use super::Lowering;
use crate::diagnostic::Excerpt;
use crate::netplan::value::{Entry, Map, Value};
use crate::yaml::Node;

/// Words for addresses that NetworkManager takes.
const OF_CARDS: &[&str] = &["permanent", "random", "stable", "preserve"];
const OF_WIFI: &[&str] = &["permanent", "random", "stable", "preserve", "stable-ssid"];

impl<'d> Lowering<'_, 'd> {
    pub(super) fn is_network_managers(&self) -> bool {
        let renderer = self.definition.renderer.and_then(Node::text);
        renderer == Some("NetworkManager")
    }

    /// By which profile NetworkManager will keep it: the hand-off gives netplan the same
    /// UUID (`write_nm_conf_access_point` in its src/nm.c writes what is said, and
    /// leaves the choice to NetworkManager else).
    pub(super) fn connection(&mut self, map: Option<&Map<'d>>) {
        if !self.is_network_managers() {
            return;
        }
        let own = map.and_then(|map| match map.get("networkmanager") {
            Some(Value::Map(of_manager)) => of_manager.text("uuid"),
            _ => None,
        });
        // One that is none NetworkManager would not take; the hand-off's takes its place.
        let own = own.and_then(|uuid| uuid.parse().ok());
        let ours = || ConnectionId::of(&self.interface.id);
        self.interface.connection = Some(own.unwrap_or_else(ours));
    }

    pub(super) fn doubt_what_network_manager_lacks(&mut self, map: &Map<'d>) {
        if !self.is_network_managers() {
            return;
        }
        let one = &self.interface;
        let of_addresses = map.get("addresses").is_some_and(|value| match value {
            Value::List(list) => {
                let mut items = list.items.iter();
                items.any(|item| matches!(Value::of(item.node), Value::Map(_)))
            }
            _ => false,
        });
        // With `set-name`, udev finds the card and NetworkManager its new name.
        let by_driver = one.matching.as_ref().is_some_and(|m| !m.driver.is_empty());
        let by_driver = by_driver && !one.set_name;
        let of_routes = one.routes.iter().any(|r| r.kind != RouteType::Unicast);
        let is_off = map.text("activation-mode") == Some("off");
        for (is_there, key, what) in [
            (by_driver, "match", "a match by driver"),
            (of_addresses, "addresses", "options of addresses"),
            (of_routes, "routes", "routes of a type but `unicast`"),
            (map.entry("ipv6-mtu").is_some(), "ipv6-mtu", "`ipv6-mtu`"),
            (is_off, "activation-mode", "`activation-mode: off`"),
        ] {
            if let Some(entry) = map.entry(key).filter(|_| is_there) {
                let message = format!("netplan refuses {what} where NetworkManager renders");
                let warning = self.at(entry, message);
                let hint = "write `renderer: networkd` for this interface, or leave that out";
                self.diagnose(Severity::Doubt, warning.with_hint(hint));
            }
        }
    }

    /// Whether netplan takes such a word for an address; says so if not.
    pub(super) fn takes_mac_word(&mut self, entry: &Entry<'d>, word: &str) -> bool {
        let (renderer, words): (_, &[&str]) = if self.is_network_managers() {
            let is_wifi = self.definition.section.name == "wifis";
            ("NetworkManager", if is_wifi { OF_WIFI } else { OF_CARDS })
        } else {
            ("networkd", &["permanent", "random"])
        };
        if words.contains(&word) {
            return true;
        }
        let word = Excerpt(word);
        let message = format!("netplan refuses `macaddress: {word}` where {renderer} renders");
        let hint = "write the address, or leave the card its own";
        self.diagnose(Severity::Doubt, self.at(entry, message).with_hint(hint));
        false
    }
}
