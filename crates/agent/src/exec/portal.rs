//! One controller of the plan.

use std::sync::Arc;

use nvmeroot_plan::Nqn;

use super::context::Context;
use super::discovery::Discovery;
use super::subject::Target;
use super::target::Connect;

/// Sees to a controller of the plan.
pub(super) fn begin(context: &Arc<Context>, index: usize) {
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
                context.submit(Connect::new(context, target, index));
            }
        }
        _ => context.submit(Discovery::new(context, controller, index)),
    }
}
