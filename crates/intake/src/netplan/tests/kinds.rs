//! Links of every kind.

use nvmeroot_plan::{DefinitionId, LinkKind};

use super::*;

const EVERYTHING: &str = "\
network:
  vlans:
    vlan7: {id: 7, link: bond0, addresses: [10.7.0.2/24]}
  bonds:
    bond0:
      interfaces: [e0, e1, e0]
      parameters: {mode: 802.3ad, primary: e1, lacp-rate: fast}
  ethernets: {e0: {}, e1: {}, e2: {}}
  bridges:
    br0: {interfaces: [e2], parameters: {stp: false}}
  vrfs:
    vrf5:
      table: 5
      interfaces: [br0, vlan7]
      routes: [{to: default, via: 10.7.0.1}, {to: 10.8.0.0/16, via: 10.7.0.1, table: 5}]
      routing-policy: [{from: 10.7.0.0/24}]
  dummy-devices: {dm0: {}}
  wifis: {wl0: {access-points: {x: {password: secret}}}}
  tunnels: {tun0: {mode: gre, remote: 10.0.0.9}}
";

fn ids(all: &[DefinitionId]) -> Vec<&str> {
    all.iter().map(DefinitionId::as_str).collect()
}

#[test]
fn links_come_in_the_order_of_the_file_with_what_they_stand_on() {
    let all = interfaces(EVERYTHING);
    let kinds: Vec<String> = all
        .iter()
        .map(|one| match &one.kind {
            LinkKind::Ethernet => format!("{} ethernet", one.id),
            LinkKind::Vlan { vlan } => format!("{} vlan {} on {}", one.id, vlan.id, vlan.link),
            LinkKind::Bond { bond } => {
                format!(
                    "{} bond {:?} of {:?}",
                    one.id,
                    bond.parameters.mode,
                    ids(&bond.members)
                )
            }
            LinkKind::Bridge { bridge } => {
                format!("{} bridge of {:?}", one.id, ids(&bridge.members))
            }
            LinkKind::Vrf { vrf } => {
                format!("{} vrf {} of {:?}", one.id, vrf.table, ids(&vrf.members))
            }
            LinkKind::Dummy(_) => format!("{} dummy", one.id),
            LinkKind::Foreign { section } => format!("{} of {section}", one.id),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "vlan7 vlan 7 on bond0",
            "bond0 bond Some(Lacp) of [\"e0\", \"e1\"]",
            "e0 ethernet",
            "e1 ethernet",
            "e2 ethernet",
            "br0 bridge of [\"e2\"]",
            "vrf5 vrf 5 of [\"br0\", \"vlan7\"]",
            "dm0 dummy",
            "wl0 of wifis",
            "tun0 of tunnels",
        ]
    );
    let vrf = &all[6];
    assert!(vrf.routes.iter().all(|route| route.table == Some(5)));
    assert_eq!(vrf.rules[0].table, Some(5));
}

#[test]
fn what_is_not_brought_up_is_refused_each_and_noticed_once() {
    let all = interfaces(EVERYTHING);
    let refused: Vec<&str> = all
        .iter()
        .filter(|one| {
            one.diagnostics
                .iter()
                .any(|r| r.severity == Severity::Refusal)
        })
        .map(|one| one.id.as_str())
        .collect();
    assert_eq!(refused, ["wl0", "tun0"]);
    assert_eq!(
        notices(EVERYTHING),
        [
            "18:3 network.wifis: the interfaces of `wifis` are not brought up in the initramfs",
            "19:3 network.tunnels: the interfaces of `tunnels` are not brought up in the initramfs",
        ]
    );
}

#[test]
fn what_is_about_no_interface_is_noticed_where_there_is_none() {
    let text = "network:\n  openvswitch:\n    ports: [[a, b]]\n";
    assert_eq!(
        notices(text),
        ["2:3 network.openvswitch: `openvswitch` is not carried out in the initramfs"]
    );
    let text = "network: {version: 2, renderer: NetworkManager}";
    assert_eq!(
        notices(text),
        [
            "1:23 network.renderer: NetworkManager takes the interfaces, none is defined here, \
             and the initramfs does not know NetworkManager's own connections"
        ]
    );
    assert_eq!(
        notices("network: {renderer: networkd}"),
        Vec::<String>::new()
    );
}

/// The whole way: root over the VLAN.
#[test]
fn the_path_stands_on_the_vlan_its_bond_and_the_bonds_members() {
    let curtin = "\
storage:
  version: 1
  config:
  - {id: c, type: nvme_controller, transport: tcp, tcp_addr: 10.7.0.9, tcp_port: 4420}
  - {id: d, type: disk, nvme_controller: c, path: /dev/nvme0n1}
  - {id: f, type: format, fstype: ext4, volume: d}
  - {id: m, type: mount, path: /, device: f, options: _netdev}
  - {id: l, type: disk, path: /dev/sda}
  - {id: lf, type: format, fstype: ext4, volume: l}
  - {id: lm, type: mount, path: /boot, device: lf}
";
    let storage = crate::curtin::read("c.yaml", curtin.as_bytes()).expect("a configuration");
    let text = EVERYTHING.replace("e1: {}", "e1: {dhpc4: true, mtu: 9000}");
    let text = text.replace("e2: {}", "e2: {dhpc6: true, wakeonlan: true}");
    let plan = nvmeroot_plan::resolve(vec![storage.fragment, fragment(&text)]);
    assert_eq!(plan.reach, nvmeroot_plan::Reach::Initramfs);
    let faults: Vec<String> = plan.errors.iter().map(|w| w.message.clone()).collect();
    assert_eq!(faults, ["unknown key `dhpc4`"]);
    let warnings: Vec<&str> = plan.warnings.iter().map(|w| w.message.as_str()).collect();
    assert!(warnings.contains(&"unknown key `dhpc6`"), "{warnings:?}");
    assert!(
        !warnings.iter().any(|w| w.contains("wakeonlan")),
        "{warnings:?}"
    );
    let on_path = plan.storage_interfaces().into_iter();
    let on_path: Vec<&str> = on_path.map(|one| one.id.as_str()).collect();
    assert_eq!(on_path, ["e0", "e1", "bond0", "vlan7", "vrf5"]);
}

fn refusals(text: &str) -> Vec<String> {
    let all = interfaces(text);
    let said = all.iter().flat_map(|one| {
        let id = one.id.to_string();
        diagnostics(one)
            .into_iter()
            .map(move |text| format!("{id}: {text}"))
    });
    said.filter(|text| text.contains(": refusal")).collect()
}

#[test]
fn what_the_kernel_can_not_stack_is_refused() {
    let text = "\
network:
  ethernets: {e0: {}, e1: {}}
  vrfs:
    v5: {table: 5, interfaces: [e0, e1]}
    v6: {table: 6, interfaces: [v5]}
  bonds: {b0: {interfaces: [e1]}}
  vlans: {v5.7: {id: 7, link: v5}}
";
    assert_eq!(
        refusals(text),
        [
            "e1: refusal 4:37 network.vrfs.v5.interfaces[1]: `e1` is held by `b0` and by `v5`, \
             and the kernel knows one of them (let the VRF hold `b0` alone)",
            "v6: refusal 5:33 network.vrfs.v6.interfaces[0]: `v5` is a VRF, which can't be part \
             of another interface",
            "v5.7: refusal 7:31 network.vlans.v5.7.link: `v5` is a VRF, which can't be part \
             of another interface",
        ]
    );
}

#[test]
fn a_hardware_vlan_filter_is_refused() {
    let text = "network: {ethernets: {e0: {}}, vlans: {v7: {id: 7, link: e0, renderer: sriov}}}";
    let said = refusals(text);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("`renderer: sriov`"), "{said:?}");
}
