//! DHCP on one link: ask, apply the answer, tell others, keep it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nvmeroot_plan::{Dhcp4, Dhcp6, Interface, InterfaceName};
use nvmeroot_record::{Failure, FailureKind, StepKind};

use super::dhcp::{self, DhcpError, Event, Identity, Lease6, LeaseConfig4, LeaseConfig6};
use super::duplicate_address::wait_for_dad;
use super::klibc;
use super::link_readiness::wait_for_carrier;
use super::machine_id::machine_id;
use super::name_servers;
use super::network::Network;
use crate::sys::events::Change;
use crate::sys::kmsg::Level;
use crate::sys::netlink::{Link, LinkChange, Netlink, NewAddress, NewRoute, protocol};
use crate::task::{Context, Ended, FailureScope, OpenStep};

/// How long another host is given to claim the address that was announced.
const CONFLICT_WATCH: Duration = Duration::from_secs(2);

/// The pause before a client asks again after a failure of its socket.
const AGAIN: Duration = Duration::from_secs(1);

/// What is asked for, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// DHCPv4; the answer's routes go to this table.
    V4(Dhcp4, Option<u32>),
    V6(Dhcp6),
}

impl Asks {
    fn step(&self) -> StepKind {
        match self {
            Self::V4(..) => StepKind::Dhcp4,
            Self::V6(_) => StepKind::Dhcp6,
        }
    }
}

/// Where the client runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Initramfs,
    /// What the lease says of name servers is for this system.
    RunningSystem,
}

/// Gets and keeps a lease, in the thread of the caller.
pub(super) fn run(
    network: &Arc<Network>,
    interface: &Interface,
    link: Link,
    asks: &Asks,
    phase: Phase,
) {
    let context = &network.context;
    let scope = FailureScope::step(&interface.name, asks.step());
    let mut netlink = match Netlink::open() {
        Ok(netlink) => netlink,
        Err(e) => return context.set_failure(&scope, e.failure()),
    };
    let Some(mac) = link.mac else {
        let failure = Failure::new(FailureKind::NoLease, "the link has no Ethernet address");
        return context.set_failure(&scope, failure);
    };
    let Ok(name) = link.name.parse() else {
        return;
    };
    let mut client = Client {
        network,
        context,
        interface,
        phase,
        scope,
        identity: identity(context, asks, &link),
        at: dhcp::Link {
            name,
            index: link.index,
            mac,
        },
        link,
    };
    // How it ended is in the record and in the table of failures.
    let _ = match asks {
        Asks::V4(asks, table) => client.v4(&mut netlink, asks, *table),
        Asks::V6(asks) => client.v6(&mut netlink, asks),
    };
}

fn identity(context: &Context, asks: &Asks, link: &Link) -> Identity {
    let read = |path: &std::path::Path| std::fs::read_to_string(path).ok();
    let machine = machine_id(&context.paths);
    let record = context
        .paths
        .run_root
        .join(format!("udev/data/n{}", link.index));
    let record = read(&record).unwrap_or_default();
    let mac = link.mac.unwrap_or(nvmeroot_plan::MacAddress::new([0; 6]));
    let by_mac = matches!(asks, Asks::V4(asks, _) if asks.identifier_mac);
    let identity = Identity::new(machine, dhcp::udev_name(&record), mac, by_mac);
    match asks {
        Asks::V6(Dhcp6 {
            link_layer_iaid: Some(iaid),
            ..
        }) => identity.by_link_layer(mac, *iaid),
        _ => identity,
    }
}

struct Client<'a> {
    network: &'a Arc<Network>,
    context: &'a Context,
    interface: &'a Interface,
    phase: Phase,
    scope: FailureScope,
    identity: Identity,
    link: Link,
    at: dhcp::Link,
}

impl Client<'_> {
    fn step(&self, kind: StepKind) -> OpenStep {
        self.context.recorder.step(&self.interface.name, kind, "")
    }

    fn v4(&mut self, netlink: &mut Netlink, asks: &Dhcp4, table: Option<u32>) -> Result<(), Ended> {
        let system = std::fs::read_to_string(self.context.paths.proc.join("sys/kernel/hostname"));
        let config = dhcp::V4Config {
            link: self.at.clone(),
            client_id: self.identity.client_id.clone(),
            host_name: dhcp::hostname_to_send(asks, system.ok().as_deref().map(str::trim)),
        };
        loop {
            let step = self.step(StepKind::Dhcp4);
            let stop = self.context.events.stop_fd();
            let lease = self.ask(&step, netlink, |deadline, report| {
                dhcp::run_v4(&config, deadline, stop, report)
            })?;
            let acquired = Instant::now();
            let config4 = LeaseConfig4::new(&lease, asks);
            step.detail(lease.address.to_string());
            self.apply_v4(netlink, &step, &config4, table)?;
            self.write("net", &klibc::v4(&self.link.name, &lease, &config4));
            let servers: Vec<IpAddr> = config4.dns.iter().copied().map(IpAddr::from).collect();
            self.hand_on(&servers, &config4.search);
            step.done();
            self.context.clear_failure(&self.scope);
            self.context.events.raise(Change::Own);
            self.say_lease(&lease.address.to_string(), lease.server.into());
            announce(
                self.network,
                &self.interface.name,
                self.at.clone(),
                self.scope.clone(),
                config4.address.addr(),
            );
            let ended = dhcp::keep_v4(&config, &lease, acquired, stop, &mut |_| {});
            self.ended(ended)?;
        }
    }

    fn v6(&mut self, netlink: &mut Netlink, asks: &Dhcp6) -> Result<(), Ended> {
        let config = dhcp::V6Config {
            link: self.at.clone(),
            duid: self.identity.duid.clone(),
            iaid: self.identity.iaid,
        };
        let mut taken = None;
        loop {
            let step = self.step(StepKind::Dhcp6);
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
                let context = self.context;
                context.retry(&self.scope, &step, || netlink.add_address(&self.link, &new))?;
            }
            step.detail(words.join(" "));
            let config6 = LeaseConfig6::new(&lease, asks);
            self.write("net6", &klibc::v6(&self.link.name, &lease, &config6));
            // resolvconf knows one answer an interface.
            if self.interface.dhcp4.is_none() {
                let servers: Vec<IpAddr> = config6.dns.iter().copied().map(IpAddr::from).collect();
                self.hand_on(&servers, &config6.search);
            }
            step.done();
            match taken.take() {
                // Another machine had the last one; this one may be the same.
                Some(failure) => self.context.set_failure(&self.scope, failure),
                None => self.context.clear_failure(&self.scope),
            }
            self.context.events.raise(Change::Own);
            self.say_lease(&words.join(" "), lease.server.into());
            taken = self.taken(netlink, &lease)?;
            if taken.is_some() {
                // If the server does not hear it, it may give the address again, and
                // hears it then.
                let heard = dhcp::decline_v6(&config, &lease, stop, &mut |_| {});
                if matches!(heard, Err(DhcpError::Stopped)) {
                    return Err(Ended::Stopping);
                }
                self.context.pause(AGAIN)?;
                continue;
            }
            self.context.clear_failure(&self.scope);
            let ended = dhcp::keep_v6(&config, &lease, acquired, stop, &mut |_| {});
            self.ended(ended)?;
        }
    }

    /// Waits for the end of duplicate address detection. Where another machine
    /// has an address of the lease, all of them are taken off the link, and
    /// that is said.
    fn taken(&self, netlink: &mut Netlink, lease: &Lease6) -> Result<Option<Failure>, Ended> {
        let context = self.context;
        let leased = |address: IpAddr| {
            let mut addresses = lease.addresses.iter();
            addresses.any(|l| IpAddr::from(l.address) == address)
        };
        let step = self.step(StepKind::Dad);
        let scope = FailureScope::step(&self.interface.name, StepKind::Dad);
        let index = self.link.index;
        let Some(failure) = wait_for_dad(context, &scope, &step, netlink, index, leased)? else {
            step.done();
            return Ok(None);
        };
        context.give_up(&self.scope, &step, failure.clone());
        for leased in &lease.addresses {
            // One that stays does no harm: the kernel does not use it.
            let _ = netlink.remove_address(&self.link, leased.address.into(), 128);
        }
        Ok(Some(failure))
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
            let standing = self.context.failures().remove(&self.scope);
            let standing = standing.filter(|failure| failure.kind == FailureKind::AddressInUse);
            wait_for_carrier(self.network, &self.scope, step, netlink, &self.link)?;
            let silent = || {
                Failure::new(
                    FailureKind::NoLease,
                    format!("no DHCP server answered on `{}`", self.link.name),
                )
            };
            self.context
                .set_failure(&self.scope, standing.unwrap_or_else(silent));
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
                        self.context.complain(&self.scope, step, &silent());
                    }
                }
                Event::Refused { reason } => {
                    let failure = Failure::new(
                        FailureKind::NoLease,
                        format!("the DHCP server refused: {reason}"),
                    );
                    self.context.complain(&self.scope, step, &failure);
                }
                Event::Conflict { address, mac } => {
                    let failure = Failure::new(
                        FailureKind::AddressInUse,
                        format!("`{mac}` has `{address}`, which the DHCP server offered"),
                    );
                    self.context.complain(&self.scope, step, &failure);
                }
                _ => {}
            });
            match answer {
                Ok(lease) => return Ok(lease),
                Err(DhcpError::Stopped) => return Err(Ended::Stopping),
                Err(e) => self.context.complain(&self.scope, step, &failure(&e)),
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
        config: &LeaseConfig4,
        table: Option<u32>,
    ) -> Result<(), Ended> {
        let (context, scope) = (self.context, &self.scope);
        if let Some(mtu) = config.mtu.filter(|_| self.interface.mtu.is_none()) {
            // A server may offer more than the card can; root comes by less.
            if let Err(e) = netlink.set_link(&self.link, LinkChange::Mtu(mtu)) {
                step.error(&e.failure());
            }
        }
        // With the running system's metric, so that it finds nothing to replace.
        let address = NewAddress {
            metric: Some(config.metric),
            ..NewAddress::new(config.address.addr().into(), config.address.prefix_len())
        };
        context.retry(scope, step, || netlink.add_address(&self.link, &address))?;
        for route in &config.routes {
            let to = (route.to.prefix_len() > 0)
                .then(|| (IpAddr::from(route.to.addr()), route.to.prefix_len()));
            let new = NewRoute {
                table,
                metric: Some(route.metric),
                on_link: route.on_link,
                source: Some(route.source.into()),
                protocol: protocol::DHCP,
                ..NewRoute::to(to, route.via.map(IpAddr::from))
            };
            if let Err(e) = netlink.add_route(&self.link, &new) {
                context.complain(scope, step, &e.failure());
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
            .paths
            .run_root
            .join(format!("{kind}-{}.conf", self.link.name));
        if let Err(e) = std::fs::write(&path, text) {
            let text = format!(
                "can't write `{}`: {e}; cloud-init won't know of the lease",
                path.display()
            );
            self.context.kmsg.say(Level::Warning, &text);
        }
    }

    fn hand_on(&self, servers: &[IpAddr], search: &[String]) {
        if self.phase == Phase::Initramfs {
            return;
        }
        let name = &self.link.name;
        if let Err(e) = name_servers::hand_on(&self.context.paths, name, servers, search) {
            let text = format!("`{name}`: can't hand the lease's name servers on: {e}");
            self.context.kmsg.say(Level::Warning, &text);
        }
    }

    fn ended(&self, why: DhcpError) -> Result<(), Ended> {
        if matches!(why, DhcpError::Stopped) {
            return Err(Ended::Stopping);
        }
        let failure = failure(&why);
        self.context.log(Level::Warning, &self.scope, &failure);
        self.context.set_failure(&self.scope, failure);
        self.context.pause(AGAIN)
    }
}

/// Tells the network at once whose the address is now, and watches for
/// objections while the boot goes on.
pub(super) fn announce(
    network: &Arc<Network>,
    interface: &InterfaceName,
    at: dhcp::Link,
    scope: FailureScope,
    address: Ipv4Addr,
) {
    let interface = interface.clone();
    network.spawn("announce", move |network| {
        let context = &network.context;
        let stop = context.events.stop_fd();
        match dhcp::announce(&at, address, CONFLICT_WATCH, stop) {
            Ok(()) | Err(DhcpError::Stopped) => {}
            Err(e) => {
                let step = context.recorder.step(&interface, StepKind::Announce, "");
                context.give_up(&scope, &step, failure(&e));
            }
        }
    });
}

pub(super) fn failure(error: &DhcpError) -> Failure {
    let kind = match error {
        DhcpError::LinkDown { .. } => FailureKind::NoCarrier,
        DhcpError::DuplicateLinkLocal { .. }
        | DhcpError::Failed {
            why: dhcp::Failure::Conflict { .. },
            ..
        } => FailureKind::AddressInUse,
        DhcpError::Io { .. } => FailureKind::Network,
        _ => FailureKind::NoLease,
    };
    let text = error.to_string();
    match text.split_once("\nhint: ") {
        Some((message, hint)) => Failure::new(kind, message).with_hint(hint),
        None => Failure::new(kind, text),
    }
}
