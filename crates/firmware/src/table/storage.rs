//! Subsystems and discovery controllers of a table as controllers of the plan.

use nvmeroot_nbft::{Availability, Requirement, Subsystem, SubsystemFlags, Table, TransportFlags};
use nvmeroot_plan::{
    ConnectOptions, Controller, InterfaceName, Node, NodeRole, Origin, Transport, Warning,
};

use super::hfi::Places;
use super::uri;
use crate::named::NamedTable;

/// The drives of all tables so far.
#[derive(Debug, Default)]
pub(super) struct Drives {
    nodes: Vec<Node>,
    /// Nodes that the firmware reached, or may have, and those of them that it boots
    /// from.
    reached: Vec<String>,
    bootable: Vec<String>,
}

impl Drives {
    pub(super) fn add(&mut self, named: &NamedTable, places: &Places, warnings: &mut Vec<Warning>) {
        let table = &named.table;
        for subsystem in table.storage() {
            let place = named.origin(&format!("subsystem {}", subsystem.index));
            match controller(subsystem, &place) {
                Ok(base) if allows(table, subsystem.security, &place, warnings) => {
                    for hfi in &subsystem.hfis {
                        self.over(&base, places.of(*hfi), Some(subsystem));
                    }
                }
                Ok(_) => {}
                Err(why) => warnings.push(left_out(place, &why)),
            }
        }
        for entry in table.unanswered() {
            let place = named.origin(&format!("discovery entry {}", entry.index));
            let (traddr, trsvcid) = match uri::portal(&entry.uri) {
                Ok(portal) => portal,
                Err(why) => {
                    // A URI may hold a password.
                    let why = format!("where it is does not count: {why}");
                    warnings.push(left_out(place, &why));
                    continue;
                }
            };
            if !allows(table, entry.security, &place, warnings) {
                continue;
            }
            // One with an NQN of its own answers to the well-known one, too, which the
            // initramfs asks by.
            let base = Controller {
                transport: Transport::Tcp,
                traddr,
                trsvcid,
                nqn: None,
                options: ConnectOptions::default(),
                origin: place,
            };
            self.over(&base, places.of(entry.hfi), None);
        }
    }

    /// A way over one HFI. What the firmware did not find by itself the machine has not
    /// booted from.
    fn over(
        &mut self,
        base: &Controller,
        place: Option<&Option<InterfaceName>>,
        subsystem: Option<&Subsystem>,
    ) {
        // An HFI that can't be had leads nowhere, and is told of already.
        let Some(interface) = place else {
            return;
        };
        let mut controller = base.clone();
        controller.options.host_iface.clone_from(interface);
        let is_there = |node: &Node| match &node.role {
            NodeRole::Controller(one) => one.identity() == controller.identity(),
            _ => false,
        };
        // Another namespace of it, or another table.
        let id = match self.nodes.iter().find(|node| is_there(node)) {
            Some(node) => node.id.clone(),
            None => {
                let id = format!("nbft-{}", self.nodes.len());
                self.nodes.push(Node {
                    id: id.clone(),
                    kind: "nbft".to_owned(),
                    on: Vec::new(),
                    origin: controller.origin.clone(),
                    role: NodeRole::Controller(Box::new(controller)),
                });
                id
            }
        };
        let Some(subsystem) = subsystem else {
            return;
        };
        if subsystem.flags.availability() == Availability::Unavailable {
            return;
        }
        let is_bootable = !subsystem.flags.contains(SubsystemFlags::NOT_BOOTABLE);
        let lists = [
            Some(&mut self.reached),
            is_bootable.then_some(&mut self.bootable),
        ];
        for list in lists.into_iter().flatten() {
            if !list.contains(&id) {
                list.push(id.clone());
            }
        }
    }

    /// The nodes, and the ids of those that the machine has booted from.
    pub(super) fn finish(self) -> (Vec<Node>, Vec<String>) {
        let booted_from = match self.bootable.is_empty() {
            true => self.reached,
            false => self.bootable,
        };
        (self.nodes, booted_from)
    }
}

/// The controller of a record, without the interface that leads there.
fn controller(subsystem: &Subsystem, place: &Origin) -> Result<Controller, String> {
    let traddr = subsystem.traddr.specified();
    let traddr = traddr.ok_or("it has no address")?;
    let trsvcid = subsystem.trsvcid.parse();
    let trsvcid = trsvcid.map_err(|e: nvmeroot_plan::NameError| e.to_string())?;
    let nqn = subsystem.nqn.parse();
    let nqn = nqn.map_err(|e: nvmeroot_plan::NameError| e.to_string())?;
    let flags = subsystem.transport_flags;
    let digest = |flag| flags.contains(TransportFlags::VALID | flag);
    Ok(Controller {
        transport: Transport::Tcp,
        traddr,
        trsvcid,
        nqn: Some(nqn),
        options: ConnectOptions {
            hdr_digest: digest(TransportFlags::HEADER_DIGEST),
            data_digest: digest(TransportFlags::DATA_DIGEST),
            ..ConnectOptions::default()
        },
        origin: place.clone(),
    })
}

/// Whether what the security profile asks for can be had. The secrets of DH-HMAC-CHAP are
/// in `config.json`: a table holds none.
fn allows(table: &Table, profile: Option<u8>, place: &Origin, warnings: &mut Vec<Warning>) -> bool {
    let profile = profile.and_then(|index| table.security_profile(index));
    let needs_tls = profile.is_some_and(|one| one.flags.secure_channel() == Requirement::Required);
    if needs_tls {
        let why = "its security profile needs TLS, which nvmeroot can't do";
        warnings.push(left_out(place.clone(), why));
    }
    !needs_tls
}

fn left_out(place: Origin, why: &str) -> Warning {
    let message = format!("the record does not count: {why}");
    Warning::at(place, message).with_hint("`nvmeroot nbft` shows the whole table")
}
