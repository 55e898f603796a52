//! Bonds that agree with the other side on their members (LACP, IEEE
//! 802.1AX-2014, chapter 6).
//!
//! The kernel says that such a bond has carrier as soon as it has a member, lets
//! packets through until the other side is heard for the first time, and then
//! drops them for the two seconds that both sides wait for further members
//! (drivers/net/bonding/bond_3ad.c). A connection that is begun in between
//! repeats its packets ever more seldom, and is late by as much again.
//!
//! With a bond's first member the kernel begins to wait for eight seconds
//! (`AD_AGGREGATOR_SELECTION_TIMER`) before it lets any member work. When the bond
//! goes up it cuts that short (`bond_open` in drivers/net/bonding/bond_main.c): so
//! the member comes first.

use std::time::{Duration, Instant};

use nvmeroot_plan::{BondMode, Interface, LinkKind};
use nvmeroot_record::{Failure, FailureKind, StepKind};

use super::interface_task::InterfaceTask;
use super::link_readiness::no_carrier;
use crate::sys::events::{Change, WakeReason};
use crate::sys::kmsg::Level;
use crate::sys::netlink::Link;
use crate::task::Ended;

/// How long the other side is given. One that knows the protocol answers within a
/// second, and waits for two. After three (`AD_SHORT_TIMEOUT_TIME`) the kernel
/// takes it for one that does not, and uses a member by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// It is a bond that comes to an agreement with the other side.
pub(super) fn is_negotiated(interface: &Interface) -> bool {
    matches!(&interface.kind, LinkKind::Bond { bond } if bond.parameters.mode == Some(BondMode::Lacp))
}

/// The other side takes the packets of one member at least.
fn is_agreed(links: &[Link], bond: &Link) -> bool {
    links.iter().any(|l| l.is_member_of(bond) && l.aggregated)
}

impl InterfaceTask<'_> {
    /// Waits until the bond has a member.
    pub(super) fn wait_for_member(&mut self, bond: &Link) -> Result<(), Ended> {
        let context = self.context;
        let step = self.step(StepKind::Member, "the first");
        let netlink = &mut self.netlink;
        context.wait_for(
            &self.scope,
            &step,
            || no_carrier(bond),
            || {
                let links = netlink.links().ok()?;
                links.iter().any(|l| l.is_member_of(bond)).then_some(())
            },
        )?;
        step.done();
        Ok(())
    }

    /// Waits until the other side has agreed, or is not going to.
    pub(super) fn negotiate(&mut self, bond: &Link) -> Result<(), Ended> {
        let context = self.context;
        let step = self.step(StepKind::Aggregate, "");
        let netlink = &mut self.netlink;
        context.wait_for(
            &self.scope,
            &step,
            || no_carrier(bond),
            || netlink.link(bond.index).ok()??.carrier.then_some(()),
        )?;
        let until = (Instant::now() + PATIENCE).min(context.limit());
        loop {
            let seen = context.events.seen();
            if self.netlink.links().is_ok_and(|all| is_agreed(&all, bond)) {
                step.done();
                break;
            }
            match context.events.wait_past(seen, &[Change::Network], until) {
                WakeReason::Changed => {}
                WakeReason::Stopping => return Err(Ended::Stopping),
                WakeReason::TimedOut => {
                    let failure = Failure::new(
                        FailureKind::Network,
                        "the other side takes no part in LACP; going on with one member",
                    )
                    .with_hint(
                        "in mode 802.3ad the switch has to have such a bond of the same ports",
                    );
                    context.log(Level::Warning, &self.scope, &failure);
                    step.failed(&failure);
                    break;
                }
            }
        }
        self.network.set_negotiating(&self.interface.name, false);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nvmeroot_plan::{Bond, BondParameters, Origin};

    fn interface(name: &str, kind: LinkKind) -> Interface {
        let origin = Origin::whole("test");
        Interface::new(
            name.parse().expect("an id"),
            name.parse().expect("a name"),
            kind,
            origin,
        )
    }

    fn bond(mode: Option<BondMode>) -> LinkKind {
        LinkKind::Bond {
            bond: Bond {
                members: vec!["ens3".parse().expect("an id")],
                parameters: BondParameters {
                    mode,
                    ..BondParameters::default()
                },
                ..Bond::default()
            },
        }
    }

    #[test]
    fn only_one_mode_negotiates() {
        for (mode, negotiates) in [
            (None, false),
            (Some(BondMode::ActiveBackup), false),
            (Some(BondMode::Lacp), true),
        ] {
            let bond = interface("bond0", bond(mode));
            assert_eq!(is_negotiated(&bond), negotiates, "{mode:?}");
        }
        assert!(!is_negotiated(&interface("ens3", LinkKind::Ethernet)));
    }

    #[test]
    fn one_member_that_works_is_enough() {
        let link = |index, master, aggregated| Link {
            index,
            name: format!("link{index}"),
            mac: None,
            permanent_mac: None,
            mtu: 1500,
            up: true,
            carrier: true,
            ethernet: true,
            kind: None,
            master,
            aggregated,
        };
        let bond = link(9, None, false);
        let agreed = |members: &[(Option<u32>, bool)]| {
            let members = members.iter().zip(1..);
            let links: Vec<Link> = members.map(|(m, index)| link(index, m.0, m.1)).collect();
            is_agreed(&links, &bond)
        };
        assert!(!agreed(&[]));
        assert!(!agreed(&[(Some(9), false), (None, true), (Some(8), true)]));
        assert!(agreed(&[(Some(9), false), (Some(9), true)]));
    }
}
