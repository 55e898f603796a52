//! What keeps the network managers that other modules of dracut bring into the image
//! (`rd.neednet`, a network drive for something else) away from root's links: the agent
//! has those.

use nvmeroot_plan::{BootPlan, Interface, Reach};

/// How root's links are known before anybody has given them a name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RootLinks {
    names: Vec<String>,
    macs: Vec<String>,
    drivers: Vec<String>,
}

impl RootLinks {
    pub(super) fn of(plan: &BootPlan) -> Self {
        let mut links = Self::default();
        if plan.reach == Reach::Firmware {
            // Which they are shows when the machine boots, and the agent does not wait for
            // others to leave them.
            links.names.push("*".to_owned());
        }
        for one in plan.storage_interfaces() {
            links.add(one);
        }
        links
    }

    fn add(&mut self, one: &Interface) {
        let card = one.matching.as_ref();
        if card.is_none() || one.set_name {
            self.names.push(one.name.to_string());
        }
        let Some(card) = card else {
            return;
        };
        // One of them is enough: the most exact.
        if let Some(mac) = card.macaddress {
            self.macs.push(mac.to_string());
        } else if let Some(name) = card.name.as_ref().filter(|name| is_pattern(name)) {
            self.names.push(name.clone());
        } else {
            let patterns = card.driver.iter().filter(|driver| is_pattern(driver));
            self.drivers.extend(patterns.cloned());
        }
    }

    /// A file for each way, by systemd.network(5): within one, all keys must fit.
    pub(super) fn networkd(&self) -> [(&'static str, String); 3] {
        [
            ("names", "Name", &self.names),
            ("macs", "PermanentMACAddress", &self.macs),
            ("drivers", "Driver", &self.drivers),
        ]
        .map(|(file, key, words)| {
            let text = if words.is_empty() {
                String::new()
            } else {
                format!(
                    "[Match]\n{key}={}\n[Link]\nUnmanaged=yes\n",
                    words.join(" ")
                )
            };
            (file, text)
        })
    }

    /// By NetworkManager.conf(5), Device List Format.
    pub(super) fn network_manager(&self) -> String {
        let names = self
            .names
            .iter()
            .map(|name| format!("interface-name:{name}"));
        let macs = self.macs.iter().map(|mac| format!("mac:{mac}"));
        let drivers = self.drivers.iter().map(|driver| format!("driver:{driver}"));
        let all: Vec<String> = names.chain(macs).chain(drivers).collect();
        format!("[keyfile]\nunmanaged-devices={}\n", all.join(";"))
    }
}

/// Nothing that means something else to either reader.
fn is_pattern(text: &str) -> bool {
    let is_known = |b: u8| b.is_ascii_alphanumeric() || b"_-.+@*?".contains(&b);
    !text.is_empty() && text.bytes().all(is_known)
}

#[cfg(test)]
mod tests {
    use nvmeroot_plan::Match;

    use super::*;
    use crate::testing::{controller, ethernet, initramfs_plan};

    #[test]
    fn every_way_to_know_a_link_has_its_file() {
        let found = |name: &str, card: Match| Interface {
            matching: Some(card),
            ..ethernet(name)
        };
        let by_mac = Match {
            macaddress: "52:54:00:00:00:01".parse().ok(),
            driver: vec!["virtio_net".to_owned()],
            ..Match::default()
        };
        let by_name = Match {
            name: Some("enp*".to_owned()),
            ..Match::default()
        };
        let by_driver = Match {
            driver: vec!["ixgbe".to_owned(), "bad\ndriver".to_owned()],
            ..Match::default()
        };
        let renamed = Interface {
            set_name: true,
            ..found("san0", by_mac)
        };
        let plan = initramfs_plan(
            vec![
                ethernet("ens3"),
                renamed,
                found("any", by_name),
                found("fast", by_driver),
            ],
            vec![controller("10.0.0.9", "4420")],
        );
        let links = RootLinks::of(&plan);
        let texts = links.networkd().map(|(_, text)| text);
        assert_eq!(
            texts,
            [
                "[Match]\nName=ens3 san0 enp*\n[Link]\nUnmanaged=yes\n",
                "[Match]\nPermanentMACAddress=52:54:00:00:00:01\n[Link]\nUnmanaged=yes\n",
                "[Match]\nDriver=ixgbe\n[Link]\nUnmanaged=yes\n",
            ]
        );
        assert_eq!(
            links.network_manager(),
            "[keyfile]\nunmanaged-devices=interface-name:ens3;interface-name:san0;\
             interface-name:enp*;mac:52:54:00:00:00:01;driver:ixgbe\n"
        );
    }

    #[test]
    fn where_the_firmware_knows_the_cards_any_may_be_root_s() {
        let plan = nvmeroot_plan::BootPlan {
            reach: Reach::Firmware,
            ..initramfs_plan(Vec::new(), vec![controller("10.0.0.9", "4420")])
        };
        let links = RootLinks::of(&plan);
        let [(_, names), ..] = links.networkd();
        assert_eq!(names, "[Match]\nName=*\n[Link]\nUnmanaged=yes\n");
        let text = links.network_manager();
        assert_eq!(text, "[keyfile]\nunmanaged-devices=interface-name:*\n");
    }

    #[test]
    fn what_no_link_is_known_by_has_no_file() {
        let plan = initramfs_plan(vec![ethernet("ens3")], vec![controller("10.0.0.9", "4420")]);
        let texts = RootLinks::of(&plan)
            .networkd()
            .map(|(_, text)| text.is_empty());
        assert_eq!(texts, [false, true, true]);
    }
}
