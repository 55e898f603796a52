//! DHCP on one link: ask, apply the answer, tell others, keep it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nvmeroot_plan::Interface;

use super::context::Context;
use super::layer::vrf_table;
use super::ready::wait_for_carrier;
use super::subject::Subject;
use super::waiting::Ended;
use crate::dhcp::{self, Applied4, Applied6, DhcpError, Event, Identity, Lease4, Lease6};
use crate::events::News;
use crate::fault::{Fault, Layer};
use crate::kmsg::Level;
use crate::netlink::{Link, LinkChange, Netlink, NewAddress, NewRoute, protocol};
use crate::record::OpenStep;

/// How long another host is given to claim the address that was announced.
const CONFLICT_WATCH: Duration = Duration::from_secs(2);

/// A client after a failure of its socket asks again so late.
const AGAIN: Duration = Duration::from_secs(1);

/// Which DHCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Self::V4 => "dhcp4",
            Self::V6 => "dhcp6",
        }
    }
}

/// Gets and keeps a lease: its own thread.
pub(super) fn run(context: &Arc<Context>, interface: &Interface, link: Link, family: Family) {
    let subject = Subject::Dhcp(interface.name.clone(), family.name());
    let mut netlink = match Netlink::open() {
        Ok(netlink) => netlink,
        Err(e) => return context.set_fault(&subject, e.fault()),
    };
    let Some(mac) = link.mac else {
        let fault = Fault::new(Layer::NoLease, "the link has no Ethernet address");
        return context.set_fault(&subject, fault);
    };
    let Ok(name) = link.name.parse() else {
        return;
    };
    let mut client = Client {
        context,
        interface,
        subject,
        identity: identity(context, interface, &link),
        at: dhcp::Link {
            name,
            index: link.index,
            mac,
        },
        link,
    };
    // How it ended is in the record and on the board of faults.
    let _ = match family {
        Family::V4 => client.v4(&mut netlink),
        Family::V6 => client.v6(&mut netlink),
    };
}

fn identity(context: &Context, interface: &Interface, link: &Link) -> Identity {
    let read = |path: &std::path::Path| std::fs::read_to_string(path).ok();
    let machine = read(&context.places.machine_id).and_then(|text| text.parse().ok());
    let record = context
        .places
        .run_root
        .join(format!("udev/data/n{}", link.index));
    let record = read(&record).unwrap_or_default();
    let mac = link.mac.unwrap_or(nvmeroot_plan::MacAddress::new([0; 6]));
    let identity = Identity::new(
        machine,
        dhcp::udev_name(&record),
        mac,
        interface.dhcp_identifier_mac,
    );
    match interface.dhcp6_link_layer_iaid {
        Some(iaid) => identity.by_link_layer(mac, iaid),
        None => identity,
    }
}

struct Client<'a> {
    context: &'a Arc<Context>,
    interface: &'a Interface,
    subject: Subject,
    identity: Identity,
    link: Link,
    at: dhcp::Link,
}

impl Client<'_> {
    fn v4(&mut self, netlink: &mut Netlink) -> Result<(), Ended> {
        let overrides = self.interface.dhcp4_overrides.clone().unwrap_or_default();
        let system = std::fs::read_to_string(self.context.places.proc.join("sys/kernel/hostname"));
        let config = dhcp::V4Config {
            link: self.at.clone(),
            client_id: self.identity.client_id.clone(),
            host_name: dhcp::hostname_to_send(&overrides, system.ok().as_deref().map(str::trim)),
        };
        loop {
            let step = self.context.recorder.step(&self.link.name, "dhcp4", "");
            let stop = self.context.events.stop_fd();
            let lease = self.ask(&step, netlink, |deadline, report| {
                dhcp::run_v4(&config, deadline, stop, report)
            })?;
            let acquired = Instant::now();
            let applied = Applied4::new(&lease, &overrides);
            step.detail(lease.address.to_string());
            self.apply_v4(netlink, &step, &applied)?;
            self.write("net", &klibc4(&self.link.name, &lease, &applied));
            step.done();
            self.context.clear_fault(&self.subject);
            self.context.events.raise(News::Own);
            self.say_lease(&lease.address.to_string(), lease.server.into());
            announce(
                self.context,
                self.at.clone(),
                self.subject.clone(),
                applied.address.addr(),
            );
            let ended = dhcp::keep_v4(&config, &lease, acquired, stop, &mut |_| {});
            self.ended(ended)?;
        }
    }

    fn v6(&mut self, netlink: &mut Netlink) -> Result<(), Ended> {
        let overrides = self.interface.dhcp6_overrides.clone().unwrap_or_default();
        let config = dhcp::V6Config {
            link: self.at.clone(),
            duid: self.identity.duid.clone(),
            iaid: self.identity.iaid,
        };
        let mut taken = None;
        loop {
            let step = self.context.recorder.step(&self.link.name, "dhcp6", "");
            let stop = self.context.events.stop_fd();
            let lease = self.ask(&step, netlink, |deadline, report| {
                dhcp::run_v6(&config, deadline, stop, report)
            })?;
            let acquired = Instant::now();
            let mut words = Vec::new();
            for leased in &lease.addresses {
                words.push(leased.address.to_string());
                // A route to itself alone would be taken away by
                // systemd-networkd, which sets leased addresses without.
                let new = NewAddress {
                    without_route: true,
                    ..NewAddress::new(leased.address.into(), 128)
                };
                self.context.retry(&self.subject, &step, || {
                    netlink.add_address(&self.link, &new).map_err(|e| e.fault())
                })?;
            }
            step.detail(words.join(" "));
            let applied = Applied6::new(&lease, &overrides);
            self.write("net6", &klibc6(&self.link.name, &lease, &applied));
            step.done();
            match taken.take() {
                // Another machine had the last one; this one may be the same.
                Some(fault) => self.context.set_fault(&self.subject, fault),
                None => self.context.clear_fault(&self.subject),
            }
            self.context.events.raise(News::Own);
            self.say_lease(&words.join(" "), lease.server.into());
            taken = self.taken(netlink, &lease)?;
            if taken.is_some() {
                // Not heard, the server may give it again, and is told again.
                let heard = dhcp::decline_v6(&config, &lease, stop, &mut |_| {});
                if matches!(heard, Err(DhcpError::Stopped)) {
                    return Err(Ended::Stopping);
                }
                self.context.pause(AGAIN)?;
                continue;
            }
            self.context.clear_fault(&self.subject);
            let ended = dhcp::keep_v6(&config, &lease, acquired, stop, &mut |_| {});
            self.ended(ended)?;
        }
    }

    /// Waits for the end of duplicate address detection. Where another machine
    /// has an address of the lease, all of them are taken off the link, and
    /// that is said.
    fn taken(&self, netlink: &mut Netlink, lease: &Lease6) -> Result<Option<Fault>, Ended> {
        let (context, name) = (self.context, self.interface.name.as_str());
        let leased = |address: IpAddr| {
            lease
                .addresses
                .iter()
                .any(|l| IpAddr::from(l.address) == address)
        };
        let step = context.recorder.step(name, "dad", "");
        let subject = Subject::Setting(self.interface.name.clone(), "leased address".to_owned());
        let waiting = || Fault::new(Layer::Network, "duplicate address detection does not end");
        let duplicate = context.wait_for(&subject, &step, waiting, || {
            let addresses = netlink.addresses(self.link.index).ok()?;
            let mut ours = addresses.iter().filter(|a| leased(a.address));
            let over = ours.clone().all(|a| !a.tentative || a.duplicate);
            over.then(|| ours.find(|a| a.duplicate).map(|a| a.address))
        })?;
        let Some(duplicate) = duplicate else {
            step.done();
            return Ok(None);
        };
        let fault = Fault::new(
            Layer::AddressInUse,
            format!("another machine in the network has `{duplicate}`"),
        );
        context.give_up(&self.subject, step, fault.clone());
        for leased in &lease.addresses {
            // One that stays does no harm: the kernel does not use it.
            let _ = netlink.remove_address(&self.link, leased.address.into(), 128);
        }
        Ok(Some(fault))
    }

    /// Asks until there is an answer or the time is up.
    fn ask<T>(
        &self,
        step: &OpenStep,
        netlink: &mut Netlink,
        mut ask: impl FnMut(Instant, &mut dyn FnMut(Event)) -> Result<T, DhcpError>,
    ) -> Result<T, Ended> {
        loop {
            // That another machine had the last one's address says more than
            // that there is none yet.
            let standing = self.context.faults().remove(&self.subject);
            let standing = standing.filter(|fault| fault.layer == Layer::AddressInUse);
            wait_for_carrier(self.context, &self.subject, step, netlink, &self.link)?;
            let silent = || {
                Fault::new(
                    Layer::NoLease,
                    format!("no DHCP server answered on `{}`", self.link.name),
                )
            };
            self.context
                .set_fault(&self.subject, standing.unwrap_or_else(silent));
            let mut tries = 0;
            let answer = ask(self.context.limit(), &mut |event| match event {
                Event::Sent {
                    message: "DISCOVER" | "SOLICIT",
                    ..
                } => {
                    tries += 1;
                    if tries > 1 {
                        step.again();
                    }
                    // One or two are lost on many networks while a switch
                    // port comes up.
                    if tries > 3 {
                        self.context.complain(&self.subject, step, &silent());
                    }
                }
                Event::Refused { reason } => {
                    let fault =
                        Fault::new(Layer::NoLease, format!("the DHCP server refused: {reason}"));
                    self.context.complain(&self.subject, step, &fault);
                }
                Event::Conflict { address, mac } => {
                    let fault = Fault::new(
                        Layer::AddressInUse,
                        format!("`{mac}` has `{address}`, which the DHCP server offered"),
                    );
                    self.context.complain(&self.subject, step, &fault);
                }
                _ => {}
            });
            match answer {
                Ok(lease) => return Ok(lease),
                Err(DhcpError::Stopped) => return Err(Ended::Stopping),
                Err(e) => self.context.complain(&self.subject, step, &fault(&e)),
            }
            self.context.pause(AGAIN)?;
            step.again();
        }
    }

    /// The address stays until somebody takes it away, whatever the lease
    /// says: the running system renews it or sets its own, and root must not
    /// go with an address in the moment between.
    fn apply_v4(
        &self,
        netlink: &mut Netlink,
        step: &OpenStep,
        applied: &Applied4,
    ) -> Result<(), Ended> {
        let (context, subject) = (self.context, &self.subject);
        if let Some(mtu) = applied.mtu.filter(|_| self.interface.mtu.is_none()) {
            let change = LinkChange {
                mtu: Some(mtu),
                ..LinkChange::default()
            };
            // A server may offer more than the card can; root comes by less.
            if let Err(e) = netlink.set_link(&self.link, &change) {
                step.error(&e.fault());
            }
        }
        // With the running system's metric, so that it finds nothing to replace.
        let address = NewAddress {
            metric: Some(applied.metric),
            ..NewAddress::new(applied.address.addr().into(), applied.address.prefix_len())
        };
        context.retry(subject, step, || {
            netlink
                .add_address(&self.link, &address)
                .map_err(|e| e.fault())
        })?;
        for route in &applied.routes {
            let to = (route.to.prefix_len() > 0)
                .then(|| (IpAddr::from(route.to.addr()), route.to.prefix_len()));
            let new = NewRoute {
                table: vrf_table(&context.plan, self.interface),
                metric: Some(route.metric),
                on_link: route.on_link,
                source: Some(route.source.into()),
                protocol: protocol::DHCP,
                ..NewRoute::to(to, route.via.map(IpAddr::from))
            };
            if let Err(e) = netlink.add_route(&self.link, &new) {
                context.complain(subject, step, &e.fault());
            }
        }
        Ok(())
    }

    fn say_lease(&self, address: &str, server: IpAddr) {
        let text = format!("`{}`: {address} from {server}", self.link.name);
        self.context.kmsg.say(Level::Info, &text);
    }

    /// A file where cloud-init and the initramfs's own scripts look.
    fn write(&self, kind: &str, text: &str) {
        let path = self
            .context
            .places
            .run_root
            .join(format!("{kind}-{}.conf", self.link.name));
        if let Err(e) = std::fs::write(&path, text) {
            let text = format!("can't write `{}`: {e}", path.display());
            self.context.kmsg.say(Level::Warning, &text);
        }
    }

    fn ended(&self, why: DhcpError) -> Result<(), Ended> {
        if matches!(why, DhcpError::Stopped) {
            return Err(Ended::Stopping);
        }
        let fault = fault(&why);
        self.context
            .kmsg
            .fault(Level::Warning, &self.subject.to_string(), &fault);
        self.context.set_fault(&self.subject, fault);
        self.context.pause(AGAIN)
    }
}

/// Tells the network at once whose the address is now, and watches for
/// objections while the boot goes on.
pub(super) fn announce(
    context: &Arc<Context>,
    at: dhcp::Link,
    subject: Subject,
    address: Ipv4Addr,
) {
    context.spawn("announce", move |context| {
        let stop = context.events.stop_fd();
        match dhcp::announce(&at, address, CONFLICT_WATCH, stop) {
            Ok(()) | Err(DhcpError::Stopped) => {}
            Err(e) => {
                let step = context.recorder.step(at.name.as_str(), "announce", "");
                context.give_up(&subject, step, fault(&e));
            }
        }
    });
}

pub(super) fn fault(error: &DhcpError) -> Fault {
    let layer = match error {
        DhcpError::LinkDown { .. } => Layer::NoCarrier,
        DhcpError::Conflict { .. } | DhcpError::DuplicateLinkLocal { .. } => Layer::AddressInUse,
        DhcpError::Io { .. } => Layer::Network,
        _ => Layer::NoLease,
    };
    let text = error.to_string();
    match text.split_once("\nhint: ") {
        Some((message, hint)) => Fault::new(layer, message).with_hint(hint),
        None => Fault::new(layer, text),
    }
}

/// What klibc's ipconfig leaves behind, as cloud-init reads it
/// (cloudinit/net/cmdline.py).
fn klibc4(name: &str, lease: &Lease4, applied: &Applied4) -> String {
    let mut text = format!("DEVICE='{name}'\nPROTO='dhcp'\n");
    let mut put = |key: &str, value: &str| {
        // The file is sourced by shells: nothing but plain values.
        if value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_: ".contains(&b))
        {
            let _ = writeln!(text, "{key}='{value}'");
        }
    };
    put("IPV4ADDR", &lease.address.addr().to_string());
    put(
        "IPV4BROADCAST",
        &applied
            .broadcast
            .unwrap_or(lease.address.broadcast())
            .to_string(),
    );
    put("IPV4NETMASK", &lease.address.netmask().to_string());
    let gateway = applied
        .routes
        .iter()
        .find(|r| r.to.prefix_len() == 0)
        .and_then(|r| r.via);
    put(
        "IPV4GATEWAY",
        &gateway.map_or_else(String::new, |g| g.to_string()),
    );
    for (i, server) in applied.dns.iter().take(2).enumerate() {
        put(&format!("IPV4DNS{i}"), &server.to_string());
    }
    put("HOSTNAME", applied.host_name.as_deref().unwrap_or_default());
    put("DNSDOMAIN", lease.domain.as_deref().unwrap_or_default());
    put("ROOTSERVER", &lease.server.to_string());
    put("DHCPLEASETIME", &lease.lease_time.as_secs().to_string());
    put("DOMAINSEARCH", &applied.search.join(" "));
    text
}

fn klibc6(name: &str, lease: &Lease6, applied: &Applied6) -> String {
    let mut text = format!("DEVICE6='{name}'\nIPV6PROTO='dhcp6'\n");
    if let Some(leased) = lease.addresses.first() {
        let _ = writeln!(text, "IPV6ADDR='{}'\nIPV6NETMASK='128'", leased.address);
    }
    for (i, server) in applied.dns.iter().take(2).enumerate() {
        let _ = writeln!(text, "IPV6DNS{i}='{server}'");
    }
    text
}
