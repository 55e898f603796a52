//! Subsystems and discovery controllers of a table as controllers of the plan.

use std::collections::BTreeMap;

use nvmeroot_nbft::{Availability, Requirement, Subsystem, SubsystemFlags, Table, TransportFlags};
use nvmeroot_plan::{
    ConnectOptions, ConnectionIdentity, Controller, InterfaceName, Node, NodeRole, Origin,
    Transport, Warning,
};

use super::hfi::Places;
use super::uri;
use crate::named::NamedTable;

/// More records and ways of all tables together than this don't count: no machine has as
/// many, and what becomes of each depends on the others.
const MOST: usize = 1024;

/// The drives of all tables so far.
#[derive(Debug, Default)]
pub(super) struct Drives {
    ways: Vec<Way>,
    by_identity: BTreeMap<ConnectionIdentity, usize>,
    /// Records and ways that were looked at.
    looked_at: usize,
}

/// A controller, over one HFI.
#[derive(Debug)]
struct Way {
    node: Node,
    /// The firmware reached it, or may have.
    reached: bool,
    /// And boots from it.
    bootable: bool,
}

impl Drives {
    pub(super) fn add(&mut self, named: &NamedTable, places: &Places, warnings: &mut Vec<Warning>) {
        let table = &named.table;
        for subsystem in table.storage() {
            if self.is_full() {
                break;
            }
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
            if self.is_full() {
                break;
            }
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
        if self.looked_at > MOST {
            let message = format!("not all of its drives count: there are more than {MOST}");
            warnings.push(Warning::at(named.origin("subsystems"), message));
        }
    }

    /// There is no room for one more; counts what was looked at.
    fn is_full(&mut self) -> bool {
        self.looked_at += 1;
        self.looked_at > MOST
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
        if self.is_full() {
            return;
        }
        let mut controller = base.clone();
        controller.options.host_iface.clone_from(interface);
        // It may be there: another namespace of it, or another table.
        let next = self.ways.len();
        let identity = controller.identity();
        let at = *self.by_identity.entry(identity).or_insert(next);
        if at == next {
            self.ways.push(Way {
                node: Node {
                    id: format!("nbft-{next}"),
                    kind: "nbft".to_owned(),
                    on: Vec::new(),
                    origin: controller.origin.clone(),
                    role: NodeRole::Controller(Box::new(controller)),
                },
                reached: false,
                bootable: false,
            });
        }
        let Some(subsystem) = subsystem else {
            return;
        };
        if subsystem.flags.availability() == Availability::Unavailable {
            return;
        }
        let way = &mut self.ways[at];
        way.reached = true;
        way.bootable |= !subsystem.flags.contains(SubsystemFlags::NOT_BOOTABLE);
    }

    /// The nodes, and the ids of those that the machine has booted from.
    pub(super) fn finish(self) -> (Vec<Node>, Vec<String>) {
        let is_any_bootable = self.ways.iter().any(|way| way.bootable);
        let is_root = |way: &&Way| way.bootable || !is_any_bootable && way.reached;
        let booted_from = self.ways.iter().filter(is_root);
        let booted_from = booted_from.map(|way| way.node.id.clone()).collect();
        let nodes = self.ways.into_iter().map(|way| way.node);
        (nodes.collect(), booted_from)
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
