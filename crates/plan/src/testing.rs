//! Interfaces and plans for the tests.

use crate::{
    Bond, BootPlan, Bridge, ConnectOptions, Controller, DefinitionId, Fragment, Interface,
    InterfaceAddress, LinkKind, MountRequest, Node, NodeRole, Origin, Reference, Route,
    StorageGraph, Transport, Vlan, Vrf, resolve,
};

pub(crate) fn origin(line: u32) -> Origin {
    Origin::at("test.yaml", line, 1)
}

pub(crate) fn of_kind(id: &str, kind: LinkKind) -> Interface {
    let name = id.parse().expect("a name");
    Interface::new(id.parse().expect("an id"), name, kind, origin(9))
}

pub(crate) fn card(id: &str) -> Interface {
    of_kind(id, LinkKind::Ethernet)
}

fn ids(ids: &[&str]) -> Vec<DefinitionId> {
    ids.iter().map(|id| id.parse().expect("an id")).collect()
}

pub(crate) fn vlan(id: &str, number: u64, link: &str) -> Interface {
    let vlan = Vlan {
        id: number.try_into().expect("a VLAN id"),
        link: link.parse().expect("an id"),
    };
    of_kind(id, LinkKind::Vlan { vlan })
}

pub(crate) fn bond(id: &str, members: &[&str]) -> Interface {
    let bond = Bond {
        members: ids(members),
        ..Bond::default()
    };
    of_kind(id, LinkKind::Bond { bond })
}

pub(crate) fn bridge(id: &str, members: &[&str]) -> Interface {
    let bridge = Bridge {
        members: ids(members),
        ..Bridge::default()
    };
    of_kind(id, LinkKind::Bridge { bridge })
}

pub(crate) fn vrf(id: &str, table: u32, members: &[&str]) -> Interface {
    let members = ids(members);
    let vrf = Vrf { table, members };
    of_kind(id, LinkKind::Vrf { vrf })
}

impl Interface {
    pub(crate) fn with_address(mut self, address: &str) -> Self {
        let address = address.parse().expect("an address");
        self.addresses.push(InterfaceAddress::new(address));
        self
    }

    pub(crate) fn with_route(mut self, to: &str, via: &str) -> Self {
        self.routes.push(route(to, Some(via)));
        self
    }

    pub(crate) fn with_mtu(mut self, mtu: u64) -> Self {
        self.mtu = Some(mtu.try_into().expect("an MTU"));
        self
    }
}

pub(crate) fn route(to: &str, via: Option<&str>) -> Route {
    let mut route = Route::new(to.parse().expect("a destination"), origin(10));
    route.via = via.map(|via| via.parse().expect("an address"));
    route
}

pub(crate) fn node(id: String, on: Vec<String>, role: NodeRole) -> Node {
    let on = on.into_iter().map(|id| Reference {
        id,
        origin: origin(1),
    });
    Node {
        id,
        kind: "test".to_owned(),
        on: on.collect(),
        role,
        origin: origin(1),
    }
}

/// Root on all of these controllers, `/boot` on a local disk.
pub(crate) fn root_on(controllers: Vec<Controller>, interfaces: Vec<Interface>) -> BootPlan {
    let all: Vec<usize> = (0..controllers.len()).collect();
    mounted(&[("/boot", &[]), ("/", &all)], controllers, interfaces)
}

/// Mounts on controllers by their places here; on none of them: on a local disk.
pub(crate) fn mounted(
    mounts: &[(&str, &[usize])],
    controllers: Vec<Controller>,
    interfaces: Vec<Interface>,
) -> BootPlan {
    resolve(vec![Fragment {
        storage: Some(graph(mounts, controllers)),
        interfaces: Some(interfaces),
        ..Fragment::default()
    }])
}

pub(crate) fn graph(mounts: &[(&str, &[usize])], controllers: Vec<Controller>) -> StorageGraph {
    let mut nodes = vec![node("local".to_owned(), Vec::new(), NodeRole::Device)];
    for (path, on) in mounts {
        let role = NodeRole::Mount(MountRequest {
            netdev: Some(!on.is_empty()),
            ..MountRequest::new(path.parse().expect("a mount point"))
        });
        let on = match on {
            [] => vec!["local".to_owned()],
            on => on.iter().map(|n| format!("c{n}")).collect(),
        };
        nodes.push(node((*path).to_owned(), on, role));
    }
    for (n, controller) in controllers.into_iter().enumerate() {
        let role = NodeRole::Controller(Box::new(controller));
        nodes.push(node(format!("c{n}"), Vec::new(), role));
    }
    StorageGraph::new(nodes).expect("a graph")
}

pub(crate) fn controller(address: &str) -> Controller {
    Controller {
        transport: Transport::Tcp,
        traddr: address.parse().expect("an address"),
        trsvcid: "4420".parse().expect("a port"),
        nqn: None,
        options: ConnectOptions::default(),
        origin: origin(1),
    }
}
