//! Virtual links, links as members of others, and how they wait for each
//! other: no longer than they must.
//!
//! A member waits for its master to be there, never the other way round: a
//! bond goes on with the members that it has, and one that is missing holds
//! nobody up.

use nvmeroot_plan::{InterfaceName, MacAddress, NewLink};
use nvmeroot_record::{Failure, FailureKind, StepKind};

use super::interface_task::InterfaceTask;
use super::link_readiness::wait_for_udev;
use super::machine_id::machine_id;
use super::network::Network;
use crate::sys::events::Change;
use crate::sys::modprobe::modprobe;
use crate::sys::netlink::{Link, LinkChange, Netlink, NetlinkError, kind_of};
use crate::task::{Ended, FailureScope};

/// The link of that name, if there is one.
fn named(netlink: &mut Netlink, name: &str) -> Result<Option<Link>, Failure> {
    let mut links = netlink.links()?.into_iter();
    Ok(links.find(|link| link.name == name))
}

/// Makes a link, or takes the one that is there: from a run before, or because
/// the driver made one when it was loaded, as `bonding` makes `bond0`. Returns
/// it with the parameters that the kernel refused.
fn make(
    netlink: &mut Netlink,
    name: &InterfaceName,
    new: &NewLink,
    parent: Option<u32>,
    mac: Option<MacAddress>,
    module: &str,
) -> Result<(Link, Vec<NetlinkError>), Failure> {
    let word = kind_of(new);
    let mut refused = match netlink.create_link(name, new, parent, mac) {
        Ok(refused) => Some(refused),
        Err(e) if e.errno() == Some(rustix::io::Errno::EXIST) => None,
        Err(e) if e.errno() == Some(rustix::io::Errno::OPNOTSUPP) => {
            let hint = format!("check that the module `{module}` is in the initramfs");
            return Err(Failure::new(FailureKind::Kernel, e.to_string()).with_hint(hint));
        }
        Err(e) => return Err(e.failure()),
    };
    let link = named(netlink, name.as_str())?.ok_or_else(|| {
        Failure::new(
            FailureKind::Network,
            format!("`{name}` was made and is gone"),
        )
    })?;
    if link.kind.as_deref() != Some(word) {
        let text = format!("`{name}` is there already and is no {word}");
        return Err(Failure::new(FailureKind::Network, text)
            .with_hint("give it another name in the network configuration"));
    }
    // One that is up was made by a run before, with all that it has.
    if refused.is_none() && !link.up {
        refused = Some(netlink.change_link(&link, new));
    }
    Ok((link, refused.unwrap_or_default()))
}

impl InterfaceTask<'_> {
    /// Makes the interface's link.
    pub(super) fn create(&mut self, new: &NewLink) -> Result<Link, Ended> {
        let module = self.interface.kind.module().unwrap_or_default();
        let parent = match new {
            NewLink::Vlan { parent, .. } => {
                // Now, and not by the kernel when the parent is there: that
                // would wait behind udev. Creating the link tells what is wrong.
                let _ = modprobe(["--quiet", module]);
                Some(self.wait_for_link(parent)?.index)
            }
            _ => None,
        };
        let (context, name) = (self.context, &self.interface.name);
        let mac = self
            .interface
            .mac
            .or_else(|| own_address(self.network, name, new));
        let step = self.step(StepKind::Create, kind_of(new));
        let netlink = &mut self.netlink;
        let (mut link, refused) = context.retry(&self.scope, &step, || {
            make(netlink, name, new, parent, mac, module)
        })?;
        for error in refused {
            let scope = FailureScope::Step(name.clone(), StepKind::Create, "parameter".to_owned());
            let failure = error.failure();
            step.error(&failure);
            context.tell(&scope, failure);
        }
        step.done();
        // Where the machine's id is not known, udev may have another way to a
        // MAC address that is the same at every boot; members and DHCP servers
        // should see that one. A VLAN has its parent's, a VRF's nobody sees.
        if !matches!(new, NewLink::Vlan { .. } | NewLink::Vrf { .. }) {
            wait_for_udev(context, &link)?;
            if let Ok(Some(now)) = self.netlink.link(link.index) {
                link = now;
            }
        }
        Ok(link)
    }

    /// Waits until another interface is ready for those that stand on it.
    fn wait_for_link(&mut self, other: &InterfaceName) -> Result<Link, Ended> {
        let (context, name) = (self.context, &self.interface.name);
        let step = self.step(StepKind::Wait, other.as_str());
        let waiting = || {
            Failure::new(
                FailureKind::Network,
                format!("`{name}` waits for `{other}`"),
            )
            .with_hint(format!("see what is said of `{other}`"))
        };
        let netlink = &mut self.netlink;
        let network = self.network;
        let link = context.wait_for(&self.scope, &step, waiting, || {
            let index = network.prepared_link(other)?;
            netlink.link(index).ok()?
        })?;
        step.done();
        Ok(link)
    }

    /// Makes the interface a member of another.
    pub(super) fn enslave(&mut self, link: &Link, master: &InterfaceName) -> Result<(), Ended> {
        let of = self.wait_for_link(master)?;
        let context = self.context;
        let step = self.step(StepKind::Member, master.as_str());
        let netlink = &mut self.netlink;
        context.retry(&self.scope, &step, || {
            let now = netlink.link(link.index)?.ok_or_else(|| {
                Failure::new(FailureKind::NoCard, format!("`{}` is gone", link.name))
            })?;
            if now.is_member_of(&of) {
                return Ok(());
            }
            if now.up {
                netlink.set_link(&now, LinkChange::Up(false))?;
            }
            netlink.set_master(&now, &of).map_err(|e| e.failure())
        })?;
        step.done();
        // A bond's thread may wait for its primary.
        context.events.raise(Change::Own);
        Ok(())
    }

    /// Says which member the bond prefers, as soon as that is one. Beside all
    /// else: it may be the one that is broken.
    pub(super) fn prefer(&self, bond: &Link, primary: &InterfaceName) {
        let (bond, primary, name) = (bond.clone(), primary.clone(), self.interface.name.clone());
        self.network.spawn("primary", move |network| {
            // How it ended is in the record and in the table of failures.
            let _ = prefer(network, &name, &bond, &primary);
        });
    }
}

fn prefer(
    network: &Network,
    name: &InterfaceName,
    bond: &Link,
    primary: &InterfaceName,
) -> Result<(), Ended> {
    let context = &network.context;
    let scope = FailureScope::step(name, StepKind::Primary);
    let step = context
        .recorder
        .step(name, StepKind::Primary, primary.as_str());
    let waiting = || {
        let text = format!("`{primary}` is no member of `{name}` yet");
        Failure::new(FailureKind::Network, text)
            .with_hint(format!("see what is said of `{primary}`"))
    };
    let Ok(mut netlink) = Netlink::open() else {
        return Ok(());
    };
    let member = context.wait_for(&scope, &step, waiting, || {
        let link = netlink.link(network.link_of(primary)?).ok()??;
        link.is_member_of(bond).then_some(link)
    })?;
    match netlink.set_bond_primary(bond, &member) {
        Ok(()) => step.done(),
        Err(e) => context.give_up(&scope, &step, e.failure()),
    }
    Ok(())
}

/// The MAC address that the link would have if systemd-networkd had made it,
/// where the machine's id is known: servers and switches may know it by that.
fn own_address(network: &Network, name: &InterfaceName, new: &NewLink) -> Option<MacAddress> {
    if matches!(new, NewLink::Vlan { .. }) {
        return None;
    }
    let machine = machine_id(&network.context.paths)?;
    Some(machine.link_address(name.as_str()))
}
