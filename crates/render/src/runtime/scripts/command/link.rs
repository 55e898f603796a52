//! What is done to a link before it carries anything, as commands.

use nvmeroot_plan::{
    Action, BondParameters, BridgeParameters, BridgePort, InterfaceName, Ipv6AddressGeneration,
    Ipv6Settings, NewLink, Offloads,
};

use super::words::{Words, words};

/// The commands of an action on a link. None for which card it is, its name and an
/// IPv4 link-local address: `limits` says that the scripts pass over these.
pub(super) fn commands(action: &Action) -> Vec<Words> {
    let one = |words| vec![words];
    match action {
        Action::CreateLink { interface, link } => one(create(interface, link)),
        Action::SetMac { interface, mac } => {
            one(set(interface).and("address").and(mac.to_string()))
        }
        Action::SetOffloads {
            interface,
            offloads: which,
        } => one(offloads(interface, which)),
        Action::SetMaster { interface, master } => {
            one(set(interface).and("master").and(master.as_str()))
        }
        Action::SetBridgePort { interface, port } => one(bridge_port(interface, port)),
        Action::SetBondPrimary { interface, primary } => one(set(interface)
            .all(&["type", "bond", "primary"])
            .and(primary.as_str())),
        Action::SetIpv6 {
            interface,
            settings,
        } => ipv6(interface, settings),
        _ => Vec::new(),
    }
}

fn set(interface: &InterfaceName) -> Words {
    words(&["ip", "link", "set", interface.as_str()])
}

fn create(interface: &InterfaceName, link: &NewLink) -> Words {
    let add = words(&["ip", "link", "add"]);
    let name = |add: Words| add.and("name").and(interface.as_str()).and("type");
    match link {
        NewLink::Vlan { id, parent } => name(add.and("link").and(parent.as_str()))
            .and("vlan")
            .and("id")
            .and(id.to_string()),
        NewLink::Bond(parameters) => bond(name(add).and("bond"), parameters),
        NewLink::Bridge(parameters) => bridge(name(add).and("bridge"), parameters),
        NewLink::Vrf { table } => name(add).and("vrf").option("table", Some(table)),
        _ => name(add).and("dummy"),
    }
}

/// `ip` sends them all in the request that creates the bond; their order here
/// does not matter.
fn bond(command: Words, p: &BondParameters) -> Words {
    let targets: Vec<String> = p
        .arp_ip_targets
        .as_slice()
        .iter()
        .map(ToString::to_string)
        .collect();
    command
        .option("mode", p.mode)
        .option("miimon", p.mii_monitor_interval)
        .option("updelay", p.up_delay)
        .option("downdelay", p.down_delay)
        .option("arp_interval", p.arp_interval)
        .option(
            "arp_ip_target",
            (!targets.is_empty()).then(|| targets.join(",")),
        )
        .option("arp_validate", p.arp_validate)
        .option("arp_all_targets", p.arp_all_targets)
        .option("lacp_rate", p.lacp_rate)
        .option("ad_select", p.ad_select)
        .option("xmit_hash_policy", p.transmit_hash_policy)
        .option("min_links", p.min_links)
        .option("all_slaves_active", p.all_members_active.map(u8::from))
        .option("fail_over_mac", p.fail_over_mac_policy)
        .option("num_grat_arp", p.gratuitous_arp)
        .option("packets_per_slave", p.packets_per_member)
        .option("primary_reselect", p.primary_reselect_policy)
        .option("resend_igmp", p.resend_igmp)
        .option("lp_interval", p.learn_packet_interval)
}

fn bridge(command: Words, p: &BridgeParameters) -> Words {
    command
        .option("forward_delay", p.forward_delay)
        .option("hello_time", p.hello_time)
        .option("max_age", p.max_age)
        .option("ageing_time", p.ageing_time)
        .option("priority", p.priority)
        .option("stp_state", p.stp.map(u8::from))
}

fn bridge_port(interface: &InterfaceName, port: &BridgePort) -> Words {
    set(interface)
        .all(&["type", "bridge_slave"])
        .option("cost", port.path_cost)
        .option("priority", port.priority)
        .option("hairpin", port.hairpin.map(on_off))
        .option("neigh_suppress", port.neigh_suppress.map(on_off))
        .option("learning", port.learning.map(on_off))
}

/// Under the names of ethtool(8), `-K`.
fn offloads(interface: &InterfaceName, o: &Offloads) -> Words {
    words(&["ethtool", "-K", interface.as_str()])
        .option("rx", o.receive_checksum.map(on_off))
        .option("tx", o.transmit_checksum.map(on_off))
        .option("tx-tcp-segmentation", o.tcp_segmentation.map(on_off))
        .option("tx-tcp6-segmentation", o.tcp6_segmentation.map(on_off))
        .option("gso", o.generic_segmentation.map(on_off))
        .option("gro", o.generic_receive.map(on_off))
        .option("lro", o.large_receive.map(on_off))
}

pub(super) fn ipv6(interface: &InterfaceName, settings: &Ipv6Settings) -> Vec<Words> {
    let sysctl = |key: &str, value: u32| {
        // With slashes, for a link's name may hold dots.
        let text = format!("net/ipv6/conf/{interface}/{key}={value}");
        words(&["sysctl", "-w"]).and(text)
    };
    let generation = match (settings.no_link_local, settings.address_generation) {
        (true, _) => Some("none"),
        (false, Some(Ipv6AddressGeneration::Eui64)) => Some("eui64"),
        // With a secret of the kernel's own: it refuses `stable_secret` without
        // one, and networkd's is not to be had here.
        (false, Some(Ipv6AddressGeneration::StablePrivacy)) => Some("random"),
        (false, None) => None,
    };
    let generation = generation.map(|mode| set(interface).and("addrgenmode").and(mode));
    let token = settings.token.map(|token| {
        words(&["ip", "token", "set"])
            .and(token.to_string())
            .and("dev")
            .and(interface.as_str())
    });
    let mtu = settings.mtu.map(|mtu| sysctl("mtu", mtu.get().into()));
    let accept_ra = settings.accept_ra.map(|on| sysctl("accept_ra", on.into()));
    let privacy = settings.privacy.then(|| sysctl("use_tempaddr", 2));
    [mtu, accept_ra, generation, token, privacy]
        .into_iter()
        .flatten()
        .collect()
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

#[cfg(test)]
mod tests;
