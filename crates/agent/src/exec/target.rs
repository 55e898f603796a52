//! One subsystem behind a portal: from the first packet to its namespaces.

use std::net::SocketAddr;
use std::sync::Arc;

use nvmeroot_plan::Nqn;

use super::context::Context;
use super::path::{Path, request};
use super::pool::{Next, Task};
use super::subject::{Subject, Target};
use crate::events::News;
use crate::fabrics::{ConnectError, Connected};
use crate::fault::{Fault, Layer};
use crate::kmsg::Level;
use crate::netlink::Netlink;
use crate::record::OpenStep;

/// Connects a subsystem behind a portal and waits for its namespaces.
pub(super) struct Connect {
    target: Target,
    /// The controller of the plan that led to it.
    index: usize,
    subject: Subject,
    path: Path,
    stage: Stage,
}

enum Stage {
    Route,
    Turn,
    Connect(OpenStep),
    Namespace(OpenStep),
    Done,
}

impl Connect {
    pub(super) fn new(context: &Context, target: Target, index: usize) -> Self {
        let controller = &context.plan.controllers[index];
        let subject = Subject::Target(target.clone());
        let mut path = Path::new(context, controller, index, subject.clone());
        if (target.traddr, target.trsvcid) != (controller.traddr, controller.trsvcid) {
            // Behind another address than the plan knew, so over whatever
            // interface leads there.
            path.lead_to(SocketAddr::new(target.traddr, target.trsvcid.get()), index);
        }
        Self {
            target,
            index,
            subject,
            path,
            stage: Stage::Route,
        }
    }
}

impl Task for Connect {
    fn controller(&self) -> usize {
        self.index
    }

    fn step(&mut self, context: &Arc<Context>, netlink: &mut Netlink) -> Result<(), Next> {
        let portal = || self.target.portal();
        self.stage = match &mut self.stage {
            Stage::Route => {
                self.path.reach(context, netlink)?;
                Stage::Turn
            }
            Stage::Turn => {
                context.has_turn(self.index)?;
                let nqn = self.target.nqn.as_str();
                Stage::Connect(context.recorder.step(&portal(), "connect", nqn))
            }
            Stage::Connect(step) => {
                let made = connect(
                    context,
                    netlink,
                    (&self.target, self.index),
                    &mut self.path,
                    step,
                )?;
                connected(context, &self.target, &self.subject, step, &made);
                Stage::Namespace(context.recorder.step(&portal(), "namespace", ""))
            }
            Stage::Namespace(step) => {
                let nqn = &self.target.nqn;
                let none = || {
                    Fault::new(
                        Layer::NoNamespace,
                        format!("`{nqn}` is connected and shows no namespace"),
                    )
                };
                let all = context.tree.namespaces(nqn.as_str());
                let all = (!all.is_empty()).then_some(all);
                let all =
                    context.found_or_next(&[News::Devices], &self.subject, step, none, all)?;
                let names: Vec<&str> = all.iter().map(|n| n.name.as_str()).collect();
                step.detail(names.join(" "));
                step.done();
                context.is_there(self.index);
                Stage::Done
            }
            Stage::Done => return Err(Next::Done),
        };
        Ok(())
    }
}

fn connect(
    context: &Context,
    netlink: &mut Netlink,
    (target, index): (&Target, usize),
    path: &mut Path,
    step: &OpenStep,
) -> Result<Connected, Next> {
    let controller = &context.plan.controllers[index];
    let request = request(
        context,
        target.traddr,
        target.trsvcid,
        target.nqn.as_str(),
        &controller.options,
    );
    path.attempt(context, netlink, step, |context, _| {
        // The kernel waits up to a minute for each of a target's answers
        // (`admin_timeout` in drivers/nvme/host/core.c).
        context.suspect(&Subject::Target(target.clone()), unfinished(&target.nqn));
        let failed = context.failed_connects(index);
        let made = context.fabrics.connect(&request, failed);
        made.map_err(|ConnectError(fault)| {
            context.connect_failed(index);
            fault
        })
    })
}

fn connected(
    context: &Context,
    target: &Target,
    subject: &Subject,
    step: &OpenStep,
    made: &Connected,
) {
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
    let text = format!("{subject}: connected `{}`", target.nqn);
    context.kmsg.say(Level::Info, &text);
    context.connected(target);
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
