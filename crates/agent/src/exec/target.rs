//! One subsystem behind a portal: from the first packet to its namespaces.

use std::net::SocketAddr;
use std::sync::Arc;

use nvmeroot_plan::Nqn;

use super::context::Context;
use super::path::{Path, request};
use super::subject::{Subject, Target};
use super::waiting::Ended;
use crate::events::News;
use crate::fabrics::ConnectError;
use crate::fault::{Fault, Layer};
use crate::kmsg::Level;

/// Connects a subsystem behind a portal and waits for its namespaces.
pub(super) fn connect_target(context: &Arc<Context>, target: Target, index: usize) {
    let _ = try_connect_target(context, &target, index);
}

fn unfinished(nqn: &Nqn) -> Fault {
    Fault::new(
        Layer::Timeout,
        format!("connecting to `{nqn}` has not ended yet"),
    )
    .with_hint(
        "the portal takes connections: look at what the target says of this host in its log, and give more time with `nvmeroot.deadline=SECONDS`",
    )
}

fn try_connect_target(context: &Arc<Context>, target: &Target, index: usize) -> Result<(), Ended> {
    let controller = &context.plan.controllers[index];
    let subject = Subject::Target(target.clone());
    let mut path = Path::new(context, controller, index, subject.clone());
    if (target.traddr, target.trsvcid) != (controller.traddr, controller.trsvcid) {
        // Behind another address than the plan knew, so over whatever
        // interface leads there.
        path.lead_to(SocketAddr::new(target.traddr, target.trsvcid.get()), index);
    }
    path.reach()?.done();
    context.wait_for_turn(index)?;
    let step = context
        .recorder
        .step(&target.portal(), "connect", target.nqn.as_str());
    let request = request(
        context,
        target.traddr,
        target.trsvcid,
        target.nqn.as_str(),
        &controller.options,
    );
    let made = path.attempt(&step, |context, _| {
        // The kernel waits up to a minute for each of a target's answers
        // (`admin_timeout` in drivers/nvme/host/core.c).
        context.suspect(&subject, unfinished(&target.nqn));
        context
            .fabrics
            .connect(&request)
            .map_err(|ConnectError(fault)| fault)
    })?;
    if let Some(instance) = made.instance {
        step.detail(format!("{} nvme{instance}", target.nqn));
    }
    step.done();
    if !made.left_out.is_empty() {
        let text = format!(
            "{subject}: this kernel does not know `{}`",
            made.left_out.join("`, `")
        );
        context.kmsg.say(Level::Warning, &text);
    }
    context.kmsg.say(
        Level::Info,
        &format!("{subject}: connected `{}`", target.nqn),
    );
    context.connected(target);
    let step = context.recorder.step(&target.portal(), "namespace", "");
    let none = || {
        Fault::new(
            Layer::NoNamespace,
            format!("`{}` is connected and shows no namespace", target.nqn),
        )
    };
    let found = context.wait_for_news(&[News::Devices], &subject, &step, none, || {
        let all = context.tree.namespaces(target.nqn.as_str());
        (!all.is_empty()).then_some(all)
    })?;
    let names: Vec<&str> = found.iter().map(|n| n.name.as_str()).collect();
    step.detail(names.join(" "));
    step.done();
    context.is_there(index);
    Ok(())
}
