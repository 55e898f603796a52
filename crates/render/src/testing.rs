//! Plans for the tests.

use nvmeroot_plan::{
    BootPlan, ConnectOptions, Controller, ControllerPath, Interface, Lead, LinkKind, Mount,
    Network, Origin, Reach, Transport,
};

use crate::{Options, Runtime};

/// What stands in for the agent's bytes.
pub(crate) const STAND_IN: &[u8] = b"a stand-in for the agent\n";

pub(crate) fn scripts() -> Options {
    Options {
        runtime: Runtime::Scripts,
        ..Options::default()
    }
}

pub(crate) fn agent() -> Options {
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
    let leads: Vec<Lead> = interfaces
        .iter()
        .map(|i| Lead {
            interface: i.name.clone(),
            why: "the test says so".to_owned(),
            origin: i.origin.clone(),
        })
        .collect();
    let all: Vec<usize> = (0..controllers.len()).collect();
    BootPlan {
        reach: Reach::Initramfs,
        reasons: Vec::new(),
        host: None,
        mounts: vec![Mount {
            path: "/".parse().expect("a mount point"),
            essential: true,
            controllers: all.clone(),
            origin: Origin::whole("storage"),
        }],
        controllers,
        network: Network::in_bring_up_order(interfaces),
        paths: all
            .into_iter()
            .map(|controller| ControllerPath {
                controller,
                interfaces: leads.clone(),
            })
            .collect(),
        warnings: Vec::new(),
        faults: Vec::new(),
    }
}
