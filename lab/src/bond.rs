//! A host's bonds, read off its links (`ip -d -j link`).

use serde_json::Value;

/// A bond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bond {
    pub(crate) name: String,
    pub(crate) ports: Vec<BondPort>,
}

/// One of its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BondPort {
    pub(crate) name: String,
    /// The bond counts on it, and its cable is plugged in.
    pub(crate) carries: bool,
}

/// Every bond.
pub(crate) fn bonds(links: &[Value]) -> Vec<Bond> {
    let bonds = links
        .iter()
        .filter(|link| text(link, "/linkinfo/info_kind") == "bond");
    let bonds = bonds.map(|bond| {
        let name = text(bond, "/ifname");
        let ports = links.iter().filter(|link| text(link, "/master") == name);
        let port = |link| BondPort {
            name: text(link, "/ifname").to_owned(),
            carries: text(link, "/linkinfo/info_slave_data/mii_status") == "UP"
                && text(link, "/operstate") == "UP",
        };
        Bond {
            name: name.to_owned(),
            ports: ports.map(port).collect(),
        }
    });
    bonds.collect()
}

fn text<'a>(link: &'a Value, path: &str) -> &'a str {
    link.pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_port_carries_when_the_bond_and_its_card_say_so() {
        let port = |name: &str, status: &str, state: &str| {
            json!({
                "ifname": name, "master": "bond0", "operstate": state,
                "linkinfo": {"info_slave_kind": "bond", "info_slave_data": {"mii_status": status}},
            })
        };
        let links = [
            json!({"ifname": "lo"}),
            port("ens3", "UP", "UP"),
            port("ens4", "DOWN", "UP"),
            port("ens5", "UP", "DOWN"),
            json!({"ifname": "ens6", "master": "br0", "operstate": "UP"}),
            json!({"ifname": "bond0", "linkinfo": {"info_kind": "bond"}}),
        ];
        let found = bonds(&links);
        let [Bond { name, ports }] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(name, "bond0");
        let ports: Vec<_> = ports
            .iter()
            .map(|port| (port.name.as_str(), port.carries))
            .collect();
        assert_eq!(ports, [("ens3", true), ("ens4", false), ("ens5", false)]);
    }
}
