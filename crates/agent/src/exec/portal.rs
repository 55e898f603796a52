//! One controller of the plan.

use std::sync::Arc;

use nvmeroot_plan::Nqn;

use super::context::Context;
use super::discovery;
use super::subject::Target;
use super::target::connect_target;

/// Sees to a controller of the plan: its own thread.
pub(super) fn run(context: &Arc<Context>, index: usize) {
    let Some(controller) = context.plan.controllers.get(index) else {
        return;
    };
    match &controller.nqn {
        Some(nqn) if nqn.as_str() != Nqn::DISCOVERY => {
            let target = Target {
                traddr: controller.traddr,
                trsvcid: controller.trsvcid,
                nqn: nqn.clone(),
                host_iface: controller.options.host_iface.clone(),
            };
            if context.claim(&target, index) {
                connect_target(context, target, index);
            }
        }
        _ => discovery::run(context, controller, index),
    }
}
