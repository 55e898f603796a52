//! Starts on the controllers of the plan.

use std::sync::Arc;

use nvmeroot_plan::{Action, InterfaceName, Nqn, Step};
use nvmeroot_record::Portal;

use super::discovery::Discovery;
use super::state::Storage;
use crate::sys::netlink::Netlink;
use crate::task::ControllerAddress;

impl Storage {
    /// Starts on the controllers of these steps.
    pub(crate) fn start(self: &Arc<Self>, steps: &[Step]) {
        for step in steps {
            if let Action::Connect { controller, .. } = &step.action {
                self.begin(*controller);
            }
        }
    }

    /// Starts on those that are not connected.
    pub(crate) fn start_missing(self: &Arc<Self>, steps: &[Step]) {
        let there = self.tree.controllers();
        let is_there = |step: &&Step| {
            let Action::Connect { controller, .. } = &step.action else {
                return false;
            };
            let wanted = &self.context.plan.controllers[*controller];
            let over = wanted.options.host_iface.as_ref();
            let over = over.map(|over| self.link_name(over));
            let nqn = wanted
                .nqn
                .as_ref()
                .filter(|nqn| nqn.as_str() != Nqn::DISCOVERY);
            there.iter().any(|found| {
                found.traddr == Some(wanted.traddr)
                    && found.trsvcid == Some(wanted.trsvcid.get())
                    && over
                        .as_ref()
                        .is_none_or(|over| found.host_iface.as_ref() == Some(over))
                    && nqn.is_none_or(|nqn| found.nqn == nqn.as_str())
            })
        };
        let missing = steps.iter().filter(|step| !is_there(step));
        self.start(&missing.cloned().collect::<Vec<_>>());
    }

    /// What the kernel calls the link of an interface.
    fn link_name(&self, interface: &InterfaceName) -> String {
        let link = Netlink::open()
            .ok()
            .and_then(|mut netlink| self.network.bound_link(interface, &mut netlink));
        link.map_or_else(|| interface.to_string(), |link| link.name)
    }

    /// Starts on a controller of the plan.
    fn begin(self: &Arc<Self>, index: usize) {
        let Some(controller) = self.context.plan.controllers.get(index) else {
            return;
        };
        let portal = Portal::from(controller);
        match &controller.nqn {
            Some(nqn) if nqn.as_str() != Nqn::DISCOVERY => {
                let nqn = nqn.clone();
                self.connect(ControllerAddress { portal, nqn }, index);
            }
            // Several controllers may name one discovery portal.
            _ if self.lock().registry.name(&portal, index) => {
                self.pool.submit(Discovery::new(self, index, portal));
            }
            _ => {}
        }
    }
}
