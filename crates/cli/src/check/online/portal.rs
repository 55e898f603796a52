//! One portal: how it is reached, and what it says to a host that connects.

use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use nvmeroot_fabrics::auth::{Verdict, authenticate};
use nvmeroot_fabrics::command::{Command, Connected};
use nvmeroot_fabrics::conversation::{Broken, Conversation};
use nvmeroot_plan::{BootPlan, Controller, HostIdentity, InterfaceName, Secret};

use crate::check::finding::{Finding, Topic};

/// For a portal to take the connection.
const TO_CONNECT: Duration = Duration::from_secs(5);

/// For all that is then said on it.
const TO_ANSWER: Duration = Duration::from_secs(10);

/// A portal, and where this machine finds it.
pub(super) struct Portal {
    at: SocketAddr,
    /// The number of the interface, which a link-local address needs; 0: none is known.
    scope: u32,
}

impl fmt::Display for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)
    }
}

impl Portal {
    /// That of a controller of the plan, at this place.
    pub(super) fn of(plan: &BootPlan, place: usize, controller: &Controller) -> Self {
        let mut paths = plan.paths.iter();
        let path = paths.find(|path| path.controller == place);
        let leads = path.and_then(|path| path.interfaces.first());
        let bound = controller.options.host_iface.as_ref();
        let interface = bound.or(leads.map(|leads| &leads.interface));
        Self {
            at: SocketAddr::new(controller.traddr, controller.trsvcid.get()),
            scope: interface.and_then(number).unwrap_or(0),
        }
    }

    /// One that this one names, reached as this one is.
    pub(super) fn beside(&self, address: IpAddr, port: u16) -> Self {
        Self {
            at: SocketAddr::new(address, port),
            scope: self.scope,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.at
    }

    /// What the kernel is asked for.
    fn target(&self) -> SocketAddr {
        match self.at {
            SocketAddr::V6(at) if at.ip().is_unicast_link_local() => {
                SocketAddrV6::new(*at.ip(), at.port(), 0, self.scope).into()
            }
            at => at,
        }
    }

    /// A connection on which NVMe/TCP is spoken; none after `until`.
    pub(super) fn open(&self, until: Instant) -> Result<Conversation, Finding> {
        let (portal, at) = (self, self.target());
        if Instant::now() >= until {
            return Err(untried(portal, "the others took all the time"));
        }
        // Asks the routing table, and sends nothing.
        let any: IpAddr = match at {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        if let Err(error) = UdpSocket::bind((any, 0)).and_then(|socket| socket.connect(at)) {
            return Err(fault(
                Topic::PortalNoRoute,
                format!("no route leads to `{portal}`: {error}"),
                "this machine, as it is now, sends nothing there",
                "see `ip route get` for the address; an interface may be down, or the system that was checked has another network",
            ));
        }
        let connected = TcpStream::connect_timeout(&at, TO_CONNECT);
        let stream = connected.map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => fault(
                Topic::PortalRefused,
                format!("`{portal}` refuses the connection"),
                "its machine answers, and nothing listens on that port",
                "see that the target runs, and compare the port (4420 for drives, 8009 for discovery)",
            ),
            _ => fault(
                Topic::PortalSilent,
                format!("`{portal}` does not answer: {error}"),
                "a packet to it, or its answer, is lost",
                "see that its machine runs, then addresses, VLANs, firewalls and the MTU on the way",
            ),
        })?;
        Conversation::on(stream, TO_ANSWER).map_err(|error| {
            let what = match &error {
                Broken::Io(e) if e.kind() == ErrorKind::WouldBlock => {
                    format!("`{portal}` takes the connection and says nothing")
                }
                Broken::Io(_) => format!("`{portal}` closes the connection at once"),
                other => format!("`{portal}` does not speak NVMe/TCP: {other}"),
            };
            fault(
                Topic::PortalOther,
                what,
                "something else listens on that port, or NVMe/TCP with TLS only",
                "compare address and port with the target's",
            )
        })
    }

    /// Connects to a subsystem, and authenticates where that is asked for.
    pub(super) fn connect(
        &self,
        conversation: &mut Conversation,
        host: &HostIdentity,
        nqn: &str,
        secret: Option<&Secret>,
    ) -> Result<(), Finding> {
        let portal = self;
        let command = Command::Connect(host, nqn);
        let end = conversation
            .command(command, &mut [])
            .map_err(|e| broken(portal, &e))?;
        let own = &host.nqn;
        match Connected::of(end) {
            Connected::Yes => return Ok(()),
            Connected::Unauthenticated => {}
            Connected::UnknownSubsystem => {
                return Err(fault(
                    Topic::NqnUnknown,
                    format!("`{portal}` does not know the subsystem `{nqn}`"),
                    "it refuses the connection",
                    "compare the NQN with the target's, and see that the subsystem is exported on that port",
                ));
            }
            Connected::HostRefused => {
                return Err(fault(
                    Topic::HostRefused,
                    format!("`{nqn}` at `{portal}` does not admit the host `{own}`"),
                    "it refuses the connection",
                    "add the host NQN to the subsystem's allowed hosts on the target",
                ));
            }
            Connected::Status(other) => return Err(status(portal, other)),
        }
        let Some(secret) = secret else {
            return Err(fault(
                Topic::SecretMissing,
                format!("`{nqn}` at `{portal}` asks for a secret, and the plan has none"),
                "it refuses a host that does not authenticate (DH-HMAC-CHAP)",
                "put the host's key into `/etc/nvme/config.json` (`dhchap_key`), then run `nvmeroot configure` again",
            ));
        };
        match authenticate(conversation, secret, own.as_str(), nqn)
            .map_err(|e| broken(portal, &e))?
        {
            Verdict::Accepted => Ok(()),
            Verdict::NotSpoken(what) => Err(untried(
                portal,
                &format!("it wants {what} for authentication, which is not tried from here"),
            )),
            Verdict::Failed(why) => Err(untried(
                portal,
                &format!("authentication fails with the explanation {why:#04x}"),
            )),
            Verdict::Status(other) => Err(status(portal, other)),
            Verdict::Refused => Err(fault(
                Topic::SecretWrong,
                format!("`{nqn}` at `{portal}` does not take this host's secret"),
                "authentication fails (DH-HMAC-CHAP), and it refuses the connection",
                "compare the host's key on the target with `dhchap_key` in `/etc/nvme/config.json`, then run `nvmeroot configure` again",
            )),
        }
    }
}

/// The number of an interface of this machine.
fn number(interface: &InterfaceName) -> Option<u32> {
    let path = format!("/sys/class/net/{interface}/ifindex");
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

pub(super) fn fault(topic: Topic, what: String, why: &str, mend: &str) -> Finding {
    Finding::fault(topic, what).because(why).mend(mend)
}

/// What is not known is no fault.
pub(super) fn untried(portal: &Portal, why: &str) -> Finding {
    Finding::warning(
        Topic::PortalUnsure,
        format!("`{portal}` could not be asked to the end: {why}"),
    )
    .because("whether the machine boots from it shows at boot")
    .mend("`nvme connect` in a running system tries it by the kernel")
}

/// A conversation that ended too early.
pub(super) fn broken(portal: &Portal, error: &Broken) -> Finding {
    untried(portal, &error.to_string())
}

pub(super) fn status(portal: &Portal, status: u16) -> Finding {
    untried(
        portal,
        &format!("it answers with the NVMe status {status:#x}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portal(at: &str, scope: u32) -> Portal {
        let at = at.parse().expect("an address");
        Portal { at, scope }
    }

    #[test]
    fn nobody_is_asked_when_the_time_is_over() {
        let finding = portal("127.0.0.1:4420", 0).open(Instant::now());
        let finding = finding.expect_err("no time");
        assert_eq!(finding.topic, Topic::PortalUnsure);
        assert!(finding.what.ends_with("the others took all the time"));
    }

    #[test]
    fn a_link_local_address_is_asked_on_its_interface() {
        let local = portal("[fe80::1]:4420", 3);
        assert_eq!(local.target(), "[fe80::1%3]:4420".parse().expect("one"));
        assert_eq!(local.to_string(), "[fe80::1]:4420");
        let beside = local.beside("fe80::2".parse().expect("one"), 8009);
        assert_eq!(beside.target(), "[fe80::2%3]:8009".parse().expect("one"));
        for at in ["[fd00::1]:4420", "192.0.2.1:4420"] {
            assert_eq!(portal(at, 3).target(), at.parse().expect("one"));
        }
        assert_eq!(number(&"lo".parse().expect("a name")), Some(1));
    }
}
