//! One subsystem behind a portal: from the first packet to its namespaces.

use std::sync::Arc;

use nvmeroot_plan::{InterfaceName, Nqn};
use nvmeroot_record::{Failure, FailureKind, StepKind};

use super::fabrics::Connected;
use super::ownership;
use super::pool::Task;
use super::portal_route::{PortalRoute, request};
use super::state::Storage;
use crate::sys::events::Change;
use crate::sys::kmsg::Level;
use crate::sys::netlink::Netlink;
use crate::task::{ControllerAddress, FailureScope, Next, OpenStep};

/// Connects a subsystem behind a portal and waits for its namespaces.
pub(super) struct Connect {
    storage: Arc<Storage>,
    address: ControllerAddress,
    /// The controller of the plan that led to it.
    index: usize,
    scope: FailureScope,
    route: PortalRoute,
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
    fn new(storage: &Arc<Storage>, address: ControllerAddress, index: usize) -> Self {
        let scope = FailureScope::Controller(address.clone());
        let portal = address.portal.clone();
        Self {
            storage: Arc::clone(storage),
            address,
            index,
            route: PortalRoute::new(storage, index, portal, scope.clone()),
            scope,
            stage: Stage::Route,
        }
    }
}

impl Task for Connect {
    fn controller(&self) -> usize {
        self.index
    }

    fn step(&mut self, netlink: &mut Netlink) -> Result<(), Next> {
        let storage = &self.storage;
        let context = &storage.context;
        let ControllerAddress { portal, nqn } = &self.address;
        let begin = |kind, detail: &str| context.recorder.step(portal, kind, detail);
        self.stage = match &mut self.stage {
            Stage::Route => {
                self.route.reach(storage, netlink)?;
                Stage::Turn
            }
            Stage::Turn => {
                storage.has_turn(self.index)?;
                Stage::Connect(begin(StepKind::Connect, nqn.as_str()))
            }
            Stage::Connect(step) => {
                let (address, index) = (&self.address, self.index);
                let over = self.route.over().cloned();
                let made = self.route.attempt(storage, netlink, step, |_| {
                    storage.ask_kernel(address, index, over, &self.scope)
                })?;
                storage.is_connected(address, &self.scope, step, &made);
                Stage::Namespace(begin(StepKind::Namespace, ""))
            }
            Stage::Namespace(step) => {
                let none = || {
                    let text = format!("`{nqn}` is connected and shows no namespace");
                    Failure::new(FailureKind::NoNamespace, text)
                };
                let all = storage.tree.namespaces(nqn.as_str());
                let all = (!all.is_empty()).then_some(all);
                let all =
                    context.found_or_next(&[Change::Devices], &self.scope, step, none, all)?;
                step.detail(all.join(" "));
                step.done();
                storage.is_there(self.index);
                Stage::Done
            }
            Stage::Done => return Err(Next::Done),
        };
        Ok(())
    }
}

impl Storage {
    /// Connects what a controller of the plan leads to, unless somebody does
    /// already; returns whether it was new.
    pub(super) fn connect(self: &Arc<Self>, address: ControllerAddress, index: usize) -> bool {
        let new = self.lock().table.claim(&address, index);
        if new {
            self.pool.submit(Connect::new(self, address, index));
        } else {
            // The other one may have connected it already.
            self.context.events.raise(Change::Own);
        }
        new
    }

    /// Has the kernel make the controller.
    fn ask_kernel(
        &self,
        address: &ControllerAddress,
        index: usize,
        over: Option<InterfaceName>,
        scope: &FailureScope,
    ) -> Result<Connected, Failure> {
        let nqn = &address.nqn;
        // The kernel waits up to a minute for each of a target's answers
        // (`admin_timeout` in drivers/nvme/host/core.c).
        self.context.set_failure_if_none(scope, unfinished(nqn));
        let (at, plan) = (address.portal.address, &self.context.plan);
        let mut options = plan.options_of(&plan.controllers[index], at, nqn);
        options.host_iface = over.or(options.host_iface);
        let request = request(self, at, nqn.as_str(), &options);
        let failures = self.lock().failed_connects.get(&index).copied();
        let made = self.fabrics.connect(&request, failures.unwrap_or(0));
        if made.is_err() {
            *self.lock().failed_connects.entry(index).or_default() += 1;
        }
        made
    }

    fn is_connected(
        &self,
        address: &ControllerAddress,
        scope: &FailureScope,
        step: &OpenStep,
        made: &Connected,
    ) {
        let nqn = &address.nqn;
        let kmsg = &self.context.kmsg;
        if let Some(instance) = made.instance {
            step.detail(format!("{nqn} nvme{instance}"));
            if let Err(e) = ownership::enter(&self.context.paths, instance) {
                let text = format!(
                    "can't say in `/run/nvme/registry` that `nvme{instance}` is root's: {e}; `nvme disconnect-all` takes it away"
                );
                kmsg.say(Level::Warning, &text);
            }
        }
        step.done();
        if !made.left_out.is_empty() {
            let text = format!(
                "{scope}: this kernel does not know `{}`, connecting without; boot a newer kernel or take it out of the configuration",
                made.left_out.join("`, `")
            );
            kmsg.say(Level::Warning, &text);
        }
        kmsg.say(Level::Info, &format!("{scope}: connected `{nqn}`"));
        self.lock().table.connected(address);
        self.context.events.raise(Change::Own);
    }
}

fn unfinished(nqn: &Nqn) -> Failure {
    Failure::new(
        FailureKind::Timeout,
        format!("connecting to `{nqn}` has not ended yet"),
    )
    .with_hint(
        "the portal takes connections: look at what the target says of this host in its log, and give more time with `nvmeroot.deadline=SECONDS`",
    )
}
