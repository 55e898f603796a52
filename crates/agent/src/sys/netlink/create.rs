//! Virtual links: making them, and changing what they are.

use nvmeroot_plan::{BondParameters, BridgeParameters, InterfaceName, MacAddress, NewLink};
use rustix::io::Errno;

use super::link::{INFO_KIND, LINK_INFO, NAME, fixed};
use super::wire::{Request, flag, kind};
use super::{Link, Netlink, NetlinkError};

/// linux/if_link.h: `IFLA_LINK`, `IFLA_INFO_DATA`.
const ADDRESS: u16 = 1;
const PARENT: u16 = 5;
const INFO_DATA: u16 = 2;

/// `IFLA_VLAN_ID`, `IFLA_VRF_TABLE`.
const VLAN_ID: u16 = 1;
const VRF_TABLE: u16 = 1;

/// A parameter of a link: its name for people, `IFLA_BOND_…` or the like, and
/// its value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    name: &'static str,
    attribute: u16,
    value: Vec<u8>,
}

fn parameter(name: &'static str, attribute: u16, value: impl Into<Vec<u8>>) -> Parameter {
    Parameter {
        name,
        attribute,
        value: value.into(),
    }
}

fn byte(name: &'static str, attribute: u16, value: Option<impl Into<u8>>) -> Option<Parameter> {
    Some(parameter(name, attribute, [value?.into()]))
}

fn number(name: &'static str, attribute: u16, value: Option<impl Into<u32>>) -> Option<Parameter> {
    Some(parameter(name, attribute, value?.into().to_ne_bytes()))
}

/// The driver's word for what is made.
pub fn kind_of(new: &NewLink) -> &'static str {
    match new {
        NewLink::Vlan { .. } => "vlan",
        NewLink::Bond(_) => "bond",
        NewLink::Bridge(_) => "bridge",
        NewLink::Vrf { .. } => "vrf",
        NewLink::Dummy {} => "dummy",
        _ => "unknown",
    }
}

fn parameters(new: &NewLink) -> Vec<Parameter> {
    match new {
        NewLink::Vlan { id, .. } => {
            vec![parameter("id", VLAN_ID, id.get().to_ne_bytes())]
        }
        NewLink::Bond(bond) => of_bond(bond),
        NewLink::Bridge(bridge) => of_bridge(*bridge),
        NewLink::Vrf { table } => vec![parameter("table", VRF_TABLE, table.to_ne_bytes())],
        _ => Vec::new(),
    }
}

/// In the order of their numbers, which is the kernel's own
/// (`bond_changelink`): set one by one, each finds what it depends on.
fn of_bond(bond: &BondParameters) -> Vec<Parameter> {
    let &BondParameters {
        mode,
        lacp_rate,
        mii_monitor_interval,
        min_links,
        transmit_hash_policy,
        ad_select,
        all_members_active,
        arp_interval,
        ref arp_ip_targets,
        arp_validate,
        arp_all_targets,
        up_delay,
        down_delay,
        fail_over_mac_policy,
        gratuitous_arp,
        packets_per_member,
        primary_reselect_policy,
        resend_igmp,
        learn_packet_interval,
    } = bond;
    let targets = (!arp_ip_targets.is_empty()).then(|| {
        let mut value = Vec::new();
        for (index, target) in (0_u16..).zip(arp_ip_targets.as_slice()) {
            value.extend(8_u16.to_ne_bytes());
            value.extend(index.to_ne_bytes());
            value.extend(target.octets());
        }
        parameter("arp_ip_target", 8, value)
    });
    [
        byte("mode", 1, mode),
        number("miimon", 3, mii_monitor_interval),
        number("updelay", 4, up_delay),
        number("downdelay", 5, down_delay),
        number("arp_interval", 7, arp_interval),
        targets,
        number("arp_validate", 9, arp_validate.map(u8::from)),
        number("arp_all_targets", 10, arp_all_targets.map(u8::from)),
        byte("primary_reselect", 12, primary_reselect_policy),
        byte("fail_over_mac", 13, fail_over_mac_policy),
        byte("xmit_hash_policy", 14, transmit_hash_policy),
        number("resend_igmp", 15, resend_igmp),
        byte("num_grat_arp", 16, gratuitous_arp),
        byte("all_slaves_active", 17, all_members_active),
        number("min_links", 18, min_links),
        number("lp_interval", 19, learn_packet_interval),
        number("packets_per_slave", 20, packets_per_member),
        byte("lacp_rate", 21, lacp_rate),
        byte("ad_select", 22, ad_select),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `IFLA_BR_…`.
fn of_bridge(bridge: BridgeParameters) -> Vec<Parameter> {
    let BridgeParameters {
        ageing_time,
        priority,
        forward_delay,
        hello_time,
        max_age,
        stp,
    } = bridge;
    let priority = priority.map(|value| parameter("priority", 6, value.to_ne_bytes()));
    [
        number("forward_delay", 1, forward_delay),
        number("hello_time", 2, hello_time),
        number("max_age", 3, max_age),
        number("ageing_time", 4, ageing_time),
        number("stp_state", 5, stp),
        priority,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn link_info(request: &mut Request, kind: &str, data: &[Parameter]) {
    request.nest(LINK_INFO, |info| {
        // Without the NUL, as `ip` has it.
        info.put(INFO_KIND, kind.as_bytes());
        info.nest(INFO_DATA, |inner| {
            for one in data {
                inner.put(one.attribute, &one.value);
            }
        });
    });
}

fn creation(name: &InterfaceName, kind: &str, parent: Option<u32>, data: &[Parameter]) -> Request {
    let mut request = Request::new(kind::NEW_LINK, &fixed(0, 0, 0));
    request.put_u32(PARENT, parent);
    request.put_text(NAME, name.as_str());
    link_info(&mut request, kind, data);
    request
}

/// The kernel has no such link driver, or nobody loaded it.
fn is_unknown(error: &NetlinkError) -> bool {
    error.errno() == Some(Errno::OPNOTSUPP)
}

impl Netlink {
    /// Makes a virtual link, down, with its MAC address: the kernel brings a
    /// VLAN up with what is below it, and udev chooses an address for what has
    /// none, so that afterwards is too late. A bond or a bridge that the kernel does not
    /// take with all its parameters is made without those that it refuses,
    /// one by one; they are what is returned.
    ///
    /// # Errors
    /// `EEXIST` where there is a link of that name, `EOPNOTSUPP` where the
    /// kernel has no driver for such links, else what the kernel refuses.
    pub fn create_link(
        &mut self,
        name: &InterfaceName,
        new: &NewLink,
        parent: Option<u32>,
        mac: Option<MacAddress>,
    ) -> Result<Vec<NetlinkError>, NetlinkError> {
        let (word, all) = (kind_of(new), parameters(new));
        let create = |netlink: &mut Self, data: &[Parameter]| {
            let mut request = creation(name, word, parent, data);
            if let Some(mac) = mac {
                request.put(ADDRESS, &mac.octets());
            }
            netlink.change(request, flag::CREATE | flag::EXCLUSIVE, || {
                format!("can't make the {word} `{name}`")
            })
        };
        let Err(first) = create(self, &all) else {
            return Ok(Vec::new());
        };
        let severable = matches!(new, NewLink::Bond(_) | NewLink::Bridge(_));
        if !severable || is_unknown(&first) || first.errno() == Some(Errno::EXIST) {
            return Err(first);
        }
        // Nobody else wants a link without it as much as root does.
        create(self, &[]).map_err(|_| first)?;
        Ok(self.set_one_by_one(name.as_str(), word, &all))
    }

    /// Gives a bond or a bridge that is there already its parameters. Returns
    /// those that the kernel refuses; some it does, while a bond has members.
    pub fn change_link(&mut self, link: &Link, new: &NewLink) -> Vec<NetlinkError> {
        match new {
            NewLink::Bond(_) | NewLink::Bridge(_) => {
                self.set_one_by_one(&link.name, kind_of(new), &parameters(new))
            }
            _ => Vec::new(),
        }
    }

    fn set_one_by_one(&mut self, name: &str, word: &str, all: &[Parameter]) -> Vec<NetlinkError> {
        let mut refused = Vec::new();
        for one in all {
            let mut request = Request::new(kind::NEW_LINK, &fixed(0, 0, 0));
            request.put_text(NAME, name);
            link_info(&mut request, word, std::slice::from_ref(one));
            let set = self.change(request, 0, || {
                format!("can't set `{}` of the {word} `{name}`", one.name)
            });
            refused.extend(set.err());
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::hex;
    use super::*;

    fn body(name: &str, new: &NewLink, parent: Option<u32>) -> String {
        let name = name.parse().expect("a name");
        hex(creation(&name, kind_of(new), parent, &parameters(new)))
    }

    fn link(json: &str) -> NewLink {
        serde_json::from_str(json).expect("a link")
    }

    // The bytes are what iproute2 6.1 sends for the command above each.

    #[test]
    fn simple_links_are_made_as_ip_makes_them() {
        // ip link add link v0 name lan.7 type vlan id 7
        let vlan = link(r#"{"type": "vlan", "id": 7, "parent": "v0"}"#);
        assert_eq!(
            body("lan.7", &vlan, Some(3)),
            "0000000000000000000000000000000008000500030000000a0003006c616e2e\
             370000001800120008000100766c616e0c0002000600010007000000"
        );
        // ip link add name red type vrf table 1001
        assert_eq!(
            body("red", &link(r#"{"type": "vrf", "table": 1001}"#), None),
            "0000000000000000000000000000000008000300726564001800120007000100\
             767266000c00020008000100e9030000"
        );
        // ip link add name d0 type dummy
        assert_eq!(
            body("d0", &link(r#"{"type": "dummy"}"#), None),
            "000000000000000000000000000000000700030064300000100012000900010064756d6d79000000"
        );
    }

    #[test]
    fn a_bridge_is_made_as_ip_makes_it() {
        // ip link add name br1 type bridge forward_delay 200 hello_time 150 \
        //   max_age 1000 ageing_time 2000 stp_state 1 priority 4096
        let bridge = link(
            r#"{"type": "bridge", "forward_delay": 200, "hello_time": 150, "max_age": 1000,
                "ageing_time": 2000, "stp": true, "priority": 4096}"#,
        );
        assert_eq!(
            body("br1", &bridge, None),
            "00000000000000000000000000000000080003006272310044001200\
             0a000100627269646765000034000200\
             08000100c8000000080002009600000008000300e803000008000400d0070000\
             08000500010000000600060000100000"
        );
    }

    #[test]
    fn bonds_are_made_as_ip_makes_them() {
        // ip link add name bond7 type bond mode 802.3ad miimon 100 \
        //   updelay 200 downdelay 300 xmit_hash_policy layer3+4 \
        //   resend_igmp 5 num_grat_arp 3 all_slaves_active 1 min_links 2 \
        //   lp_interval 7 lacp_rate fast ad_select count
        let lacp = link(
            r#"{"type": "bond", "mode": "802.3ad", "mii_monitor_interval": 100,
                "up_delay": 200, "down_delay": 300, "transmit_hash_policy": "layer3+4",
                "resend_igmp": 5, "gratuitous_arp": 3, "all_members_active": true,
                "min_links": 2, "learn_packet_interval": 7, "lacp_rate": "fast",
                "ad_select": "count"}"#,
        );
        assert_eq!(
            body("bond7", &lacp, None),
            "000000000000000000000000000000000a000300626f6e643700000070001200\
             08000100626f6e64640002000500010004000000080003006400000008000400\
             c8000000080005002c01000005000e000100000008000f000500000005001000\
             0300000005001100010000000800120002000000080013000700000005001500\
             010000000500160002000000"
        );
        // ip link add name bond7 type bond mode active-backup \
        //   arp_interval 500 arp_ip_target 10.0.0.1,10.0.0.2 \
        //   arp_validate all arp_all_targets all primary_reselect better \
        //   fail_over_mac active packets_per_slave 9
        let backup = link(
            r#"{"type": "bond", "mode": "active-backup", "arp_interval": 500,
                "arp_ip_targets": ["10.0.0.1", "10.0.0.2"], "arp_validate": "all",
                "arp_all_targets": "all", "primary_reselect_policy": "better",
                "fail_over_mac_policy": "active", "packets_per_member": 9}"#,
        );
        assert_eq!(
            body("bond7", &backup, None),
            "000000000000000000000000000000000a000300626f6e64370000005c001200\
             08000100626f6e6450000200050001000100000008000700f401000014000800\
             080000000a000001080001000a000002080009000300000008000a0001000000\
             05000c000100000005000d00010000000800140009000000"
        );
        assert_eq!(parameters(&link(r#"{"type": "bond"}"#)), []);
    }
}
