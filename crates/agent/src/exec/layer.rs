//! Links that are made, links as members of others, and how they wait for
//! each other: no longer than they must.
//!
//! A member waits for its master to be there, never the other way round: a
//! bond goes on with the members that it has, and one that is missing holds
//! nobody up.

use std::net::Ipv6Addr;

use nvmeroot_plan::{
    BootPlan, Interface, InterfaceName, Ipv6AddressGeneration, Ipv6Settings, LinkKind, MacAddress,
    NewLink,
};

use super::context::Context;
use super::ready::wait_for_udev;
use super::subject::Subject;
use super::waiting::Ended;
use super::worker::Worker;
use crate::dhcp::{MachineId, Random};
use crate::events::News;
use crate::fault::{Fault, Layer};
use crate::modprobe::modprobe;
use crate::netlink::{
    Ethtool, Link, LinkAddresses, LinkChange, Netlink, NetlinkError, kind_of, sysctl,
};

const VLAN_MODULE: &str = "8021q";

/// The routing table of the VRF that holds the interface, or that it is.
pub(super) fn vrf_table(plan: &BootPlan, interface: &Interface) -> Option<u32> {
    let holds = |one: &Interface| match &one.kind {
        LinkKind::Vrf { vrf } => vrf.members.contains(&interface.id) || one.id == interface.id,
        _ => false,
    };
    let vrf = plan.network.interfaces.iter().find(|one| holds(one))?;
    match &vrf.kind {
        LinkKind::Vrf { vrf } => Some(vrf.table),
        _ => None,
    }
}

/// The link of that name, if there is one.
fn named(netlink: &mut Netlink, name: &str) -> Result<Option<Link>, Fault> {
    let links = netlink.links().map_err(|e| e.fault())?;
    Ok(links.into_iter().find(|link| link.name == name))
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
) -> Result<(Link, Vec<NetlinkError>), Fault> {
    let word = kind_of(new);
    let mut refused = match netlink.create_link(name, new, parent, mac) {
        Ok(refused) => Some(refused),
        Err(e) if e.errno() == Some(rustix::io::Errno::EXIST) => None,
        Err(e) if e.errno() == Some(rustix::io::Errno::OPNOTSUPP) => {
            let module = match word {
                "vlan" => VLAN_MODULE,
                "bond" => "bonding",
                other => other,
            };
            let hint = format!("check that the module `{module}` is in the initramfs");
            return Err(Fault::new(Layer::Kernel, e.to_string()).with_hint(hint));
        }
        Err(e) => return Err(e.fault()),
    };
    let link = named(netlink, name.as_str())?
        .ok_or_else(|| Fault::new(Layer::Network, format!("`{name}` was made and is gone")))?;
    if link.kind.as_deref() != Some(word) {
        let text = format!("`{name}` is there already and is no {word}");
        return Err(Fault::new(Layer::Network, text)
            .with_hint("give it another name in the network configuration"));
    }
    // One that is up was made by a run before, with all that it has.
    if refused.is_none() && !link.up {
        refused = Some(netlink.change_link(&link, new));
    }
    Ok((link, refused.unwrap_or_default()))
}

impl Worker<'_> {
    /// Makes the interface's link.
    pub(super) fn create(&mut self, new: &NewLink) -> Result<Link, Ended> {
        let parent = match new {
            NewLink::Vlan { parent, .. } => {
                // Now, and not by the kernel when the parent is there: that
                // would wait behind udev. Creating the link tells what is wrong.
                let _ = modprobe(["--quiet", VLAN_MODULE]);
                Some(self.wait_for_link(parent)?.index)
            }
            _ => None,
        };
        let (context, name) = (self.context, &self.interface.name);
        let mac = self
            .interface
            .mac
            .or_else(|| own_address(context, name, new));
        let step = context.recorder.step(name.as_str(), "create", kind_of(new));
        let netlink = &mut self.netlink;
        let (mut link, refused) = context.retry(&self.subject, &step, || {
            make(netlink, name, new, parent, mac)
        })?;
        for error in refused {
            let subject = Subject::Setting(name.clone(), "parameter".to_owned());
            let fault = error.fault();
            step.error(&fault);
            context.tell(&subject, fault);
        }
        step.done();
        // Where the machine's id is not known, udev may have another way to a
        // MAC address that is the same at every boot; members and DHCP servers
        // should see that one. A VLAN has its parent's, a VRF's nobody sees.
        if !matches!(new, NewLink::Vlan { .. } | NewLink::Vrf { .. }) {
            wait_for_udev(self.context, &link)?;
            if let Ok(Some(now)) = self.netlink.link(link.index) {
                link = now;
            }
        }
        Ok(link)
    }

    /// Waits until another interface is ready for those that stand on it.
    fn wait_for_link(&mut self, other: &InterfaceName) -> Result<Link, Ended> {
        let (context, name) = (self.context, &self.interface.name);
        let step = context.recorder.step(name.as_str(), "wait", other.as_str());
        let waiting = || {
            Fault::new(Layer::Network, format!("`{name}` waits for `{other}`"))
                .with_hint(format!("see what is said of `{other}`"))
        };
        let netlink = &mut self.netlink;
        let link = context.wait_for(&self.subject, &step, waiting, || {
            let index = context.prepared_link(other)?;
            netlink.link(index).ok()?
        })?;
        step.done();
        Ok(link)
    }

    /// Makes the interface a member of another.
    pub(super) fn enslave(&mut self, link: &Link, master: &InterfaceName) -> Result<(), Ended> {
        let of = self.wait_for_link(master)?;
        let (context, name) = (self.context, &self.interface.name);
        let step = context
            .recorder
            .step(name.as_str(), "member", master.as_str());
        let netlink = &mut self.netlink;
        context.retry(&self.subject, &step, || {
            let now = netlink.link(link.index).map_err(|e| e.fault())?;
            let now =
                now.ok_or_else(|| Fault::new(Layer::NoCard, format!("`{}` is gone", link.name)))?;
            if now.is_member_of(&of) {
                return Ok(());
            }
            if now.up {
                let down = LinkChange {
                    up: Some(false),
                    ..LinkChange::default()
                };
                netlink.set_link(&now, &down).map_err(|e| e.fault())?;
            }
            netlink.set_master(&now, &of).map_err(|e| e.fault())
        })?;
        step.done();
        // A bond's thread may wait for its primary.
        context.events.raise(News::Own);
        Ok(())
    }

    /// Says which member the bond prefers, as soon as that is one. Beside all
    /// else: it may be the one that is broken.
    pub(super) fn prefer(&self, bond: &Link, primary: &InterfaceName) {
        let (bond, primary, name) = (bond.clone(), primary.clone(), self.interface.name.clone());
        self.context.spawn("primary", move |context| {
            // How it ended is in the record and on the board of faults.
            let _ = prefer(context, &name, &bond, &primary);
        });
    }

    /// Sets how the link comes by IPv6 addresses.
    pub(super) fn ipv6(&mut self, link: &Link, settings: Ipv6Settings) -> Result<(), Ended> {
        let Ipv6Settings {
            mtu,
            no_link_local,
            accept_ra,
            address_generation,
            token,
            privacy,
        } = settings;
        if let Some(mtu) = mtu {
            self.sysctl(link, "mtu", &mtu.to_string())?;
        }
        if no_link_local {
            self.attempt("ipv6", "no link-local address", |netlink| {
                netlink.set_link_addresses(link, LinkAddresses::NoLinkLocal)
            })?;
        }
        if let Some(accept) = accept_ra {
            self.sysctl(link, "accept_ra", if accept { "1" } else { "0" })?;
        }
        match address_generation {
            // Without link-local addresses the others are of this kind too.
            Some(Ipv6AddressGeneration::Eui64) if !no_link_local => {
                self.attempt("ipv6", "eui64", |netlink| {
                    netlink.set_link_addresses(link, LinkAddresses::Eui64)
                })?;
            }
            // Setting the secret sets the kind.
            Some(Ipv6AddressGeneration::StablePrivacy) if !no_link_local => {
                let secret = secret(self.context).to_string();
                self.sysctl(link, "stable_secret", &secret)?;
            }
            Some(Ipv6AddressGeneration::StablePrivacy) => self.cannot(
                "stable-privacy",
                "the kernel makes stable-privacy addresses only where it makes a link-local one",
            ),
            _ => {}
        }
        if let Some(token) = token {
            self.attempt("token", token.to_string(), |netlink| {
                netlink.set_token(link, token.address())
            })?;
        }
        if privacy {
            self.sysctl(link, "use_tempaddr", "2")?;
        }
        Ok(())
    }

    /// Sets a sysctl of IPv6 on the link. A secret does not get into the record.
    fn sysctl(&mut self, link: &Link, key: &str, value: &str) -> Result<(), Ended> {
        let detail = match key {
            "stable_secret" => key.to_owned(),
            _ => format!("{key} {value}"),
        };
        let places = &self.context.places;
        self.attempt("ipv6", detail, |_| {
            sysctl::set_ipv6(places, &link.name, key, value).map_err(|source| NetlinkError {
                what: format!("can't set `{key}` of `{}`", link.name),
                source,
            })
        })
    }

    /// Sets something of the card itself.
    pub(super) fn ethtool(
        &mut self,
        action: &str,
        set: impl Fn(&mut Ethtool) -> Result<(), NetlinkError>,
    ) -> Result<(), Ended> {
        self.attempt(action, "", |_| set(&mut Ethtool::open()?))
    }
}

fn prefer(
    context: &Context,
    name: &InterfaceName,
    bond: &Link,
    primary: &InterfaceName,
) -> Result<(), Ended> {
    let subject = Subject::Setting(name.clone(), "primary".to_owned());
    let step = context
        .recorder
        .step(name.as_str(), "primary", primary.as_str());
    let waiting = || {
        let text = format!("`{primary}` is no member of `{name}` yet");
        Fault::new(Layer::Network, text).with_hint(format!("see what is said of `{primary}`"))
    };
    let Ok(mut netlink) = Netlink::open() else {
        return Ok(());
    };
    let member = context.wait_for(&subject, &step, waiting, || {
        let link = netlink.link(context.link_of(primary)?).ok()??;
        link.is_member_of(bond).then_some(link)
    })?;
    match netlink.set_bond_primary(bond, &member) {
        Ok(()) => step.done(),
        Err(e) => context.give_up(&subject, step, e.fault()),
    }
    Ok(())
}

/// What stable-privacy addresses are made of (RFC 7217): the same at every boot
/// of this machine. The running system has a secret of its own, and its
/// addresses are others.
fn secret(context: &Context) -> Ipv6Addr {
    let bits = machine_id(context).map_or_else(
        || {
            let mut random = Random::from_system();
            u128::from(random.bits()) << 64 | u128::from(random.bits())
        },
        |machine| machine.derive(b"nvmeroot: IPv6 stable secret"),
    );
    Ipv6Addr::from_bits(bits)
}

/// The MAC address that the link would have if systemd-networkd had made it,
/// where the machine's id is known: servers and switches may know it by that.
fn own_address(context: &Context, name: &InterfaceName, new: &NewLink) -> Option<MacAddress> {
    if matches!(new, NewLink::Vlan { .. }) {
        return None;
    }
    Some(machine_id(context)?.link_address(name.as_str()))
}

fn machine_id(context: &Context) -> Option<MachineId> {
    let text = std::fs::read_to_string(&context.places.machine_id);
    text.ok()?.parse().ok()
}
