//! Links, as `ip -details -json` prints them.

use nvmeroot_plan::Origin;
use serde::Deserialize;
use serde_json::Value;

use super::address::{ADDRESSES, Address};
use crate::native::{self, Network, bond, bridge, vlan_filtering, vlan_protocol};

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) ifname: String,
    #[serde(default)]
    mtu: u32,
    #[serde(default)]
    pub(super) link_type: String,
    /// What it stands on.
    link: Option<String>,
    /// What holds it.
    master: Option<String>,
    linkinfo: Option<LinkInfo>,
    /// The bus of a card.
    parentbus: Option<String>,
    address: Option<String>,
    /// The address that a card came with, where it has another now.
    permaddr: Option<String>,
    #[serde(default)]
    pub(super) addr_info: Vec<Address>,
}

#[derive(Debug, Deserialize)]
struct LinkInfo {
    info_kind: Option<String>,
    #[serde(default)]
    info_data: Value,
    info_slave_kind: Option<String>,
}

impl Link {
    fn kind(&self) -> Option<&str> {
        self.linkinfo.as_ref()?.info_kind.as_deref()
    }

    fn data(&self, key: &str) -> Option<String> {
        let value = self.linkinfo.as_ref()?.info_data.get(key)?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Array(items) => {
                let items = items.iter().filter_map(Value::as_str);
                Some(items.collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
            }
            _ => None,
        }
    }
}

pub(super) fn add(network: &mut Network, link: &Link) {
    let origin = Origin::whole(ADDRESSES);
    let name = link.ifname.as_str();
    if link.link_type == "loopback" {
        return;
    }
    match (link.kind(), link.parentbus.is_some()) {
        (Some("vlan"), _) => {
            let lower = link.link.as_deref().unwrap_or_default();
            let id = link.data("id").unwrap_or_default();
            network.vlan(name, &id, lower, &origin);
            of_vlan(network.link(name, &origin), link, &origin);
        }
        (Some("bond"), _) => of_bond(network, link, &origin),
        (Some("bridge"), _) => {
            let one = network.link(name, &origin);
            let stp = link.data("stp_state").is_some_and(|state| state != "0");
            bridge(one, "stp", &stp.to_string(), &origin);
            of_bridge(one, link, &origin);
            if link.data("vlan_filtering").is_some_and(|on| on == "1") {
                vlan_filtering(one, &origin);
            }
        }
        (Some("vrf"), _) => {
            let one = network.link(name, &origin);
            one.become_a("vrfs");
            one.plain("table", &origin, link.data("table").unwrap_or_default());
        }
        (Some("dummy"), _) => network.link(name, &origin).become_a("dummy-devices"),
        (None, true) if link.link_type == "ether" => {
            network.link(name, &origin);
        }
        (kind, _) => {
            let kind = kind.unwrap_or(&link.link_type).to_owned();
            network.link(name, &origin).become_foreign(kind);
        }
    }
    if link.mtu != 1500
        && let Ok(mtu) = u16::try_from(link.mtu)
    {
        network.link(name, &origin).plain("mtu", &origin, mtu);
    }
    let held = link
        .linkinfo
        .as_ref()
        .and_then(|info| info.info_slave_kind.as_deref());
    // A bond gives its members its own.
    if let (Some(mac), Some(own)) = (&link.address, &link.permaddr)
        && mac != own
        && held != Some("bond")
    {
        network.link(name, &origin).mac(&origin, mac);
    }
    if let (Some(master), Some(kind)) = (&link.master, held) {
        match kind {
            "bond" => network.hold(master, "bonds", name, &origin),
            "bridge" => network.hold(master, "bridges", name, &origin),
            "vrf" => network.hold(master, "vrfs", name, &origin),
            _ => {}
        }
    }
}

fn of_vlan(one: &mut native::Link, link: &Link, origin: &Origin) {
    if let Some(protocol) = link.data("protocol") {
        vlan_protocol(one, &protocol, origin);
    }
    let flags = link.data("flags").unwrap_or_default();
    // For the kernel's own use, and on by itself.
    for flag in flags
        .split(' ')
        .filter(|flag| !matches!(*flag, "" | "REORDER_HDR"))
    {
        one.not_carried_out(flag, origin);
    }
    for map in ["ingress_qos", "egress_qos"] {
        let data = link.linkinfo.as_ref().map(|info| &info.info_data[map]);
        if data.is_some_and(|data| !data.is_null()) {
            one.not_carried_out(map, origin);
        }
    }
}

/// What the kernel chooses by itself is not said. It counts hundredths of a second.
fn of_bridge(one: &mut native::Link, link: &Link, origin: &Origin) {
    for (key, name, chosen) in [
        ("forward_delay", "forward-delay", 1500),
        ("hello_time", "hello-time", 200),
        ("max_age", "max-age", 2000),
        ("ageing_time", "ageing-time", 30_000),
    ] {
        let number = link.data(key).and_then(|text| text.parse::<u32>().ok());
        if let Some(number) = number.filter(|number| *number != chosen) {
            bridge(one, name, &format!("{}ms", u64::from(number) * 10), origin);
        }
    }
    if let Some(priority) = link.data("priority").filter(|priority| priority != "32768") {
        bridge(one, "priority", &priority, origin);
    }
}

/// What the kernel has in any case is not said.
fn of_bond(network: &mut Network, link: &Link, origin: &Origin) {
    let one = network.link(&link.ifname, origin);
    one.become_a("bonds");
    let mode = link.data("mode").unwrap_or_default();
    bond(one, "mode", &mode, origin);
    let by_hash = matches!(mode.as_str(), "802.3ad" | "balance-xor" | "balance-tlb");
    let has_primary = matches!(
        mode.as_str(),
        "active-backup" | "balance-tlb" | "balance-alb"
    );
    let by_mode = [
        ("xmit_hash_policy", "xmit_hash_policy", by_hash),
        ("ad_lacp_rate", "lacp_rate", mode == "802.3ad"),
        ("primary", "primary", has_primary),
        ("fail_over_mac", "fail_over_mac", mode == "active-backup"),
        ("arp_ip_target", "arp_ip_target", true),
    ];
    for (key, name, _) in by_mode.iter().filter(|(.., counts)| *counts) {
        if let Some(value) = link.data(key) {
            bond(one, name, &value, origin);
        }
    }
    for name in [
        "miimon",
        "updelay",
        "downdelay",
        "arp_interval",
        "min_links",
    ] {
        if let Some(value) = link.data(name).filter(|value| value != "0") {
            bond(one, name, &value, origin);
        }
    }
    // Every bond has these. What the kernel chooses by itself is not said.
    for (key, name, chosen) in [
        ("arp_validate", "arp_validate", "none"),
        ("arp_all_targets", "arp_all_targets", "any"),
        ("primary_reselect", "primary_reselect", "always"),
        ("ad_select", "ad_select", "stable"),
        ("all_slaves_active", "all_slaves_active", "0"),
        ("resend_igmp", "resend_igmp", "1"),
        ("num_peer_notif", "num_grat_arp", "1"),
        ("lp_interval", "lp_interval", "1"),
        ("packets_per_slave", "packets_per_slave", "1"),
        ("tlb_dynamic_lb", "tlb_dynamic_lb", "1"),
        ("arp_missed_max", "missed_max", "2"),
        ("peer_notify_delay", "peer_notif_delay", "0"),
        ("ad_lacp_active", "lacp_active", "on"),
        ("ad_actor_sys_prio", "ad_actor_sys_prio", "65535"),
        ("ad_user_port_key", "ad_user_port_key", "0"),
        ("ad_actor_system", "ad_actor_system", "00:00:00:00:00:00"),
    ] {
        if let Some(value) = link.data(key).filter(|value| value != chosen) {
            bond(one, name, &value, origin);
        }
    }
}
