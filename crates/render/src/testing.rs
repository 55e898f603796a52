//! Plans for the tests.

use nvmeroot_plan::{
    Bond, BootPlan, ConnectOptions, Controller, ControllerPath, EgressInterface, Interface,
    InterfaceAddress, LinkKind, Mount, Network, Origin, Reach, Route, Transport, Vlan,
    apply_policy,
};

use crate::{Options, Runtime};

/// What stands in for the agent's bytes.
pub(crate) const STAND_IN: &[u8] = b"a stand-in for the agent\n";

pub(crate) fn by_scripts() -> Options {
    Options {
        runtime: Runtime::Scripts,
        ..Options::default()
    }
}

pub(crate) fn by_agent() -> Options {
    Options {
        agent: Some(STAND_IN.to_vec()),
        ..Options::default()
    }
}

pub(crate) fn ethernet(id: &str) -> Interface {
    Interface::new(
        id.parse().expect("an id"),
        id.parse().expect("a name"),
        LinkKind::Ethernet,
        Origin::whole("network"),
    )
}

pub(crate) fn controller(traddr: &str, trsvcid: &str) -> Controller {
    Controller {
        transport: Transport::Tcp,
        traddr: traddr.parse().expect("an address"),
        trsvcid: trsvcid.parse().expect("a port"),
        nqn: None,
        options: ConnectOptions::default(),
        origin: Origin::whole("storage"),
    }
}

/// Root lies on every controller, and every interface leads to each.
pub(crate) fn initramfs_plan(interfaces: Vec<Interface>, controllers: Vec<Controller>) -> BootPlan {
    let egress: Vec<EgressInterface> = interfaces
        .iter()
        .map(|i| EgressInterface {
            interface: i.name.clone(),
            why: "the test says so".to_owned(),
            origin: i.origin.clone(),
        })
        .collect();
    let all: Vec<usize> = (0..controllers.len()).collect();
    let mut plan = BootPlan {
        reach: Reach::Initramfs,
        reasons: Vec::new(),
        host: None,
        mounts: vec![Mount {
            path: "/".parse().expect("a mount point"),
            essential: true,
            controllers: all.clone(),
            filesystem: None,
            layers: Vec::new(),
            arrays: Vec::new(),
            source: nvmeroot_plan::MountSource::Installer,
            origin: Origin::whole("storage"),
        }],
        controllers,
        network: Network::in_bring_up_order(interfaces),
        paths: all
            .into_iter()
            .map(|controller| ControllerPath {
                controller,
                interfaces: egress.clone(),
            })
            .collect(),
        ..BootPlan::default()
    };
    apply_policy(&mut plan);
    plan
}

/// Root over a VLAN with jumbo frames, which is on a bond of two cards.
pub(crate) fn vlan_on_bond() -> BootPlan {
    let bond: Bond = serde_json::from_str(
        r#"{"mode":"802.3ad","lacp_rate":"fast","mii_monitor_interval":100,
        "transmit_hash_policy":"layer3+4","members":["ens3","ens4"]}"#,
    )
    .expect("a bond");
    let bond0 = Interface {
        kind: LinkKind::Bond { bond },
        ..ethernet("bond0")
    };
    let vlan = Vlan {
        id: 7.try_into().expect("an id"),
        link: "bond0".parse().expect("an id"),
    };
    let mut route = Route::new(
        "10.8.0.0/16".parse().expect("a destination"),
        Origin::whole("network"),
    );
    route.via = Some("10.7.0.1".parse().expect("an address"));
    let address = "10.7.0.5/24".parse().expect("an address");
    let vlan7 = Interface {
        kind: LinkKind::Vlan { vlan },
        mtu: Some(9000.try_into().expect("an MTU")),
        addresses: vec![InterfaceAddress::new(address)],
        routes: vec![route],
        ..ethernet("bond0.7")
    };
    let mut plan = initramfs_plan(
        vec![ethernet("ens3"), ethernet("ens4"), bond0, vlan7],
        vec![controller("10.7.0.9", "4420")],
    );
    for path in &mut plan.paths {
        path.interfaces
            .retain(|egress| egress.interface.as_str() == "bond0.7");
    }
    plan
}
