//! What netplan refuses of an interface that NetworkManager renders
//! (`src/nm.c`): the running system then has no network at all.

use nvmeroot_plan::{RouteType, Weight};

use super::Lowering;
use crate::netplan::value::{Map, Value};
use crate::yaml::Node;

impl<'d> Lowering<'_, 'd> {
    pub(super) fn is_network_managers(&self) -> bool {
        let renderer = self.definition.renderer.and_then(Node::text);
        renderer == Some("NetworkManager")
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
        for (is_there, key, what) in [
            (by_driver, "match", "a match by driver"),
            (of_addresses, "addresses", "options of addresses"),
            (of_routes, "routes", "routes of a type but `unicast`"),
            (map.entry("ipv6-mtu").is_some(), "ipv6-mtu", "`ipv6-mtu`"),
        ] {
            if let Some(entry) = map.entry(key).filter(|_| is_there) {
                let message = format!("netplan refuses {what} where NetworkManager renders");
                let warning = self.at(entry, message);
                let hint = "write `renderer: networkd` for this interface, or leave that out";
                self.remark(Weight::Doubt, warning.with_hint(hint));
            }
        }
    }
}
