//! Keys of one value each, and what the path can't have of them.

use nvmeroot_plan::{ActivationMode, Ipv6Mtu, LinkLocal, Severity, Warning};

use super::{Lowering, texts};
use crate::diagnostic::Excerpt;
use crate::netplan::read;
use crate::netplan::value::{Entry, Map, Value};

impl<'d> Lowering<'_, 'd> {
    /// Takes a key over; says whether it is one of these.
    pub(super) fn setting(&mut self, entry: &Entry<'d>) -> bool {
        match &entry.value {
            Value::Scalar(scalar) => self.scalar(entry, scalar.text()),
            Value::List(list) => {
                let words = texts(list).map(str::to_ascii_lowercase);
                match entry.name() {
                    "link-local" => {
                        let words: Vec<String> = words.collect();
                        self.link_local(&words);
                    }
                    _ => return false,
                }
                true
            }
            Value::Map(map) if entry.name() == "ra-overrides" => {
                self.ra_overrides(entry, map);
                true
            }
            _ => false,
        }
    }

    fn scalar(&mut self, entry: &Entry<'d>, text: &str) -> bool {
        let on = read::boolean(text);
        let one = &mut self.interface;
        let offloads = &mut one.offloads;
        match entry.name() {
            "ipv6-privacy" => one.ipv6_privacy = on == Some(true),
            "neigh-suppress" => one.bridge_port.neigh_suppress = on,
            "hairpin" => one.bridge_port.hairpin = on,
            "port-mac-learning" => one.bridge_port.learning = on,
            "receive-checksum-offload" => offloads.receive_checksum = on,
            "transmit-checksum-offload" => offloads.transmit_checksum = on,
            "tcp-segmentation-offload" => offloads.tcp_segmentation = on,
            "tcp6-segmentation-offload" => offloads.tcp6_segmentation = on,
            "generic-segmentation-offload" => offloads.generic_segmentation = on,
            "generic-receive-offload" => offloads.generic_receive = on,
            "large-receive-offload" => offloads.large_receive = on,
            "ipv6-mtu" => {
                let mtu = Ipv6Mtu::try_from(read::number(text).unwrap_or_default());
                one.ipv6_mtu = mtu.as_ref().ok().copied();
                self.doubt(entry, mtu.err());
            }
            "ipv6-address-generation" => one.ipv6_address_generation = text.parse().ok(),
            "ipv6-address-token" => {
                let token = text.parse();
                one.ipv6_address_token = token.as_ref().ok().copied();
                self.doubt(entry, token.err());
            }
            "macaddress" => self.mac_address(entry, text),
            "activation-mode" => self.activation_mode(entry, text),
            "renderer" => self.sriov_filter(entry, text),
            _ => return false,
        }
        true
    }

    fn note(&mut self, entry: &Entry<'d>, message: &str) {
        self.diagnose(Severity::Note, self.at(entry, message));
    }

    fn refuse(&mut self, warning: Warning) {
        self.diagnose(Severity::Refusal, warning);
    }

    fn doubt(&mut self, entry: &Entry<'d>, why: Option<nvmeroot_plan::NameError>) {
        if let Some(why) = why {
            self.diagnose(Severity::Doubt, self.at(entry, why.to_string()));
        }
    }

    fn link_local(&mut self, families: &[String]) {
        let has = |family: &str| families.iter().any(|one| one == family);
        self.interface.link_local = LinkLocal {
            ipv4: has("ipv4"),
            ipv6: has("ipv6"),
        };
    }

    fn ra_overrides(&mut self, entry: &Entry<'d>, map: &Map<'d>) {
        self.interface.ra_table = map.number("table");
        if self.interface.ra_table.is_some() {
            let message = "in the initramfs, what routers advertise goes to the main table";
            self.note(entry, message);
        }
    }

    /// Addresses as netplan and networkd take them; what else netplan knows
    /// is about how the running system chooses one.
    fn mac_address(&mut self, entry: &Entry<'d>, text: &str) {
        match (read::mac(text), text) {
            (Some(Some(mac)), _) => self.interface.mac = Some(mac),
            (Some(None), _) => {
                let message = "the initramfs sets no InfiniBand address";
                self.refuse(self.at(entry, message));
            }
            (None, word) if !self.takes_mac_word(entry, word) => {}
            (None, "permanent" | "preserve") => {
                let message = "the initramfs leaves the card the address that it has";
                self.note(entry, message);
            }
            (None, _) => {
                let message = format!(
                    "the path to the storage can't have `macaddress: {}`: the running system would change the address under the connection",
                    Excerpt(text)
                );
                let hint = "write the address, or leave the card its own";
                self.refuse(self.at(entry, message).with_hint(hint));
            }
        }
    }

    fn activation_mode(&mut self, entry: &Entry<'d>, text: &str) {
        let mode: Option<ActivationMode> = text.parse().ok();
        self.interface.activation_mode = mode;
        match mode {
            Some(ActivationMode::Off) => {
                let message = "the path to the storage can't have `activation-mode: off`: the running system takes the link down";
                let hint =
                    "remove the key; `manual` leaves the link as the initramfs hands it over";
                self.refuse(self.at(entry, message).with_hint(hint));
            }
            Some(ActivationMode::Manual) => {
                let message = "the initramfs brings the link up all the same";
                self.note(entry, message);
            }
            None => {}
        }
    }

    /// A VLAN may be a filter of the card's virtual functions instead.
    fn sriov_filter(&mut self, entry: &Entry<'d>, text: &str) {
        if text == "sriov" {
            let message = "the path to the storage can't have `renderer: sriov`: the initramfs sets no VLAN filter of virtual functions";
            let hint = "without it the VLAN is a link of its own";
            self.refuse(self.at(entry, message).with_hint(hint));
        }
    }

    /// The two ways to say what addresses end in.
    pub(super) fn address_generation(&mut self, map: &Map<'d>) {
        let (Some(how), Some(token)) = (
            map.entry("ipv6-address-generation"),
            map.entry("ipv6-address-token"),
        ) else {
            if let Some(how) = map.entry("ipv6-address-generation")
                && map.text("ipv6-address-generation") == Some("stable-privacy")
            {
                let message = "the initramfs has a secret of its own, so its address is not the running system's";
                self.note(how, message);
            }
            return;
        };
        let path = self.path.key(token.name());
        let message = format!("`{}` is there too", how.name());
        self.findings
            .misfit(token.key, &path, message, "one of the two, or neither");
    }
}
