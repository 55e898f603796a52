//! The work on one interface: what all its steps have in common.

use std::sync::Arc;
use std::time::Duration;

use nvmeroot_plan::Interface;

use super::context::Context;
use super::subject::Subject;
use super::waiting::Ended;
use crate::fault::{Fault, Layer};
use crate::netlink::{Link, LinkChange, Netlink, NetlinkError};

/// The work on one interface.
pub(super) struct Worker<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) interface: &'a Interface,
    pub(super) subject: Subject,
    pub(super) netlink: Netlink,
}

impl Worker<'_> {
    /// Says that a step is not carried out. The others are: root may well be
    /// reached without it.
    pub(super) fn cannot(&self, what: &str, why: impl Into<String>) {
        let name = &self.interface.name;
        let fault = Fault::new(Layer::Unsupported, why);
        let subject = Subject::Setting(name.clone(), what.to_owned());
        let step = self.context.recorder.step(name.as_str(), "refused", what);
        self.context.give_up(&subject, step, fault);
    }

    pub(super) fn set(
        &mut self,
        action: &str,
        detail: impl Into<String>,
        link: &Link,
        change: &LinkChange<'_>,
    ) -> Result<(), Ended> {
        self.attempt(action, detail, |netlink| netlink.set_link(link, change))
    }

    /// One setting. What the kernel refuses now it may take in a moment; but
    /// one thing refused must not hold up the others.
    pub(super) fn attempt(
        &mut self,
        action: &str,
        detail: impl Into<String>,
        mut attempt: impl FnMut(&mut Netlink) -> Result<(), NetlinkError>,
    ) -> Result<(), Ended> {
        const PAUSE: Duration = Duration::from_millis(100);
        let context = self.context;
        let name = &self.interface.name;
        let detail = detail.into();
        let subject = Subject::Setting(name.clone(), format!("{action} {detail}"));
        let step = context.recorder.step(name.as_str(), action, detail);
        let Err(first) = attempt(&mut self.netlink) else {
            step.done();
            return Ok(());
        };
        step.error(&first.fault());
        context.pause(PAUSE)?;
        step.again();
        match attempt(&mut self.netlink) {
            Ok(()) => step.done(),
            Err(e) => context.give_up(&subject, step, e.fault()),
        }
        Ok(())
    }
}
