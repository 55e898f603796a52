//! The work on one interface: what all its steps have in common.

use std::sync::Arc;
use std::time::Duration;

use nvmeroot_plan::Interface;
use nvmeroot_record::{Failure, FailureKind, StepKind};

use super::network::Network;
use crate::sys::netlink::{Link, Netlink, NetlinkError};
use crate::task::{Context, Ended, FailureScope, OpenStep};

/// The work on one interface.
pub(super) struct InterfaceTask<'a> {
    pub(super) network: &'a Arc<Network>,
    pub(super) context: &'a Context,
    pub(super) interface: &'a Interface,
    pub(super) scope: FailureScope,
    pub(super) netlink: Netlink,
    /// The interface's link, once it is found or created.
    pub(super) link: Option<Link>,
    /// What speeds the boot up is set on the link.
    pub(super) prepared: bool,
}

impl InterfaceTask<'_> {
    /// Begins a step.
    pub(super) fn step(&self, kind: StepKind, detail: impl Into<String>) -> OpenStep {
        self.context
            .recorder
            .step(&self.interface.name, kind, detail)
    }

    /// What a failure of a step refers to.
    pub(super) fn scope_of(&self, kind: StepKind, detail: impl Into<String>) -> FailureScope {
        FailureScope::Step(self.interface.name.clone(), kind, detail.into())
    }

    /// Says that a step is not carried out. The others are: root may well be
    /// reached without it.
    pub(super) fn cannot(&self, kind: StepKind, detail: &str, why: &str) {
        let failure = Failure::new(FailureKind::Unsupported, why);
        let scope = self.scope_of(kind, detail);
        let step = self.step(kind, detail);
        self.context.give_up(&scope, &step, failure);
    }

    /// Carries out one setting. What the kernel refuses now it may take in a
    /// moment; one setting that is refused does not hold up the others.
    pub(super) fn attempt(
        &mut self,
        kind: StepKind,
        detail: impl Into<String>,
        mut attempt: impl FnMut(&mut Netlink) -> Result<(), NetlinkError>,
    ) -> Result<(), Ended> {
        const PAUSE: Duration = Duration::from_millis(100);
        let detail = detail.into();
        let step = self.step(kind, detail.clone());
        let Err(first) = attempt(&mut self.netlink) else {
            step.done();
            return Ok(());
        };
        step.error(&first.failure());
        self.context.pause(PAUSE)?;
        step.again();
        match attempt(&mut self.netlink) {
            Ok(()) => step.done(),
            Err(e) => {
                let scope = self.scope_of(kind, detail);
                self.context.give_up(&scope, &step, e.failure());
            }
        }
        Ok(())
    }
}
