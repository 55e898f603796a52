//! Starts on the controllers of the plan.

use std::sync::Arc;

use nvmeroot_plan::{Action, Nqn, Step};
use nvmeroot_record::Portal;

use super::discovery::Discovery;
use super::state::Storage;
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
            there.iter().any(|found| {
                found.traddr == Some(wanted.traddr)
                    && found.trsvcid == Some(wanted.trsvcid.get())
                    && over.is_none_or(|over| found.host_iface.as_deref() == Some(over.as_str()))
            })
        };
        let missing = steps.iter().filter(|step| !is_there(step));
        self.start(&missing.cloned().collect::<Vec<_>>());
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
