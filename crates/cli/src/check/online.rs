//! Asks the portals of the plan, from user space and as the plan's own host: whether they
//! are reached, are NVMe/TCP, know the subsystem, admit the host, take its secret, and
//! have a namespace for it. It uses this machine's network as it is now.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use nvmeroot_fabrics::auth::{Verdict, authenticate};
use nvmeroot_fabrics::command::{
    AUTHENTICATION_REQUIRED, Command, HOST_NQN, INVALID_HOST, INVALID_PARAMETERS, PAGE,
    SUBSYSTEM_NQN,
};
use nvmeroot_fabrics::conversation::{Broken, Conversation};
use nvmeroot_fabrics::log_page::SubsystemKind;
use nvmeroot_plan::{BootPlan, Controller, HostIdentity, Nqn, Secret};

use super::finding::{Finding, Severity, Topic};
use super::subject::Subject;
use crate::output;

/// For a portal to take the connection.
const TO_CONNECT: Duration = Duration::from_secs(5);

/// For all that is then said on it.
const TO_ANSWER: Duration = Duration::from_secs(10);

/// For all portals together; those after that are not tried.
const TOGETHER: Duration = Duration::from_secs(90);

/// More subsystems of one discovery log are not tried.
const MOST_SUBSYSTEMS: usize = 16;

/// Asks all portals, and says on standard error how far it is.
pub(crate) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let plan = subject.plan;
    let Some(host) = &plan.host else {
        return;
    };
    let until = Instant::now() + TOGETHER;
    let outcomes: Vec<Result<usize, Finding>> = plan
        .controllers
        .iter()
        .map(|controller| {
            let portal = controller.portal();
            output::talk(&format!("asking `{portal}` …\n"));
            let asked = match Instant::now() < until {
                true => Asker { plan, host }.ask(controller),
                false => Err(untried(&portal, "the others took all the time")),
            };
            let said = match &asked {
                Ok(1) => "is ready, with 1 namespace".to_owned(),
                Ok(count) => format!("is ready, with {count} namespaces"),
                Err(finding) => format!("is not ready ({})", finding.topic.word()),
            };
            output::talk(&format!("`{portal}` {said}\n"));
            asked
        })
        .collect();
    // One controller of a requirement is enough.
    let is_met = |any_of: &[usize]| {
        any_of
            .iter()
            .any(|one| matches!(outcomes.get(*one), Some(Ok(_))))
    };
    let is_needed = |at: usize| {
        let mut all = plan.requirements.iter();
        all.any(|one| one.any_of.contains(&at) && !is_met(&one.any_of))
    };
    let severities: Vec<bool> = (0..outcomes.len()).map(is_needed).collect();
    for (outcome, is_needed) in outcomes.into_iter().zip(severities) {
        if let Err(mut finding) = outcome {
            if !is_needed {
                finding.severity = Severity::Warning;
            }
            findings.push(finding);
        }
    }
}

fn fault(topic: Topic, what: String, why: &str, mend: &str) -> Finding {
    Finding::fault(topic, what).because(why).mend(mend)
}

/// What is not known is no fault.
fn untried(portal: &str, why: &str) -> Finding {
    Finding::warning(
        Topic::PortalUnsure,
        format!("`{portal}` could not be asked to the end: {why}"),
    )
    .because("whether the machine boots from it shows at boot")
    .mend("`nvme connect` in a running system tries it by the kernel")
}

struct Asker<'a> {
    plan: &'a BootPlan,
    host: &'a HostIdentity,
}

impl Asker<'_> {
    /// How many namespaces the host gets by a controller of the plan.
    fn ask(&self, controller: &Controller) -> Result<usize, Finding> {
        let at = SocketAddr::new(controller.traddr, controller.trsvcid.get());
        let nqn = match &controller.nqn {
            Some(nqn) if nqn.as_str() != Nqn::DISCOVERY => {
                let secret = self.plan.options_of(controller, at, nqn).dhchap_secret;
                return self.namespaces(at, nqn, secret.as_ref());
            }
            _ => Nqn::DISCOVERY,
        };
        let portal = controller.portal();
        let mut conversation = open(at)?;
        let secret = controller.options.dhchap_secret.as_ref();
        self.connect(&mut conversation, &portal, nqn, secret)?;
        conversation.enable().map_err(|e| broken(&portal, &e))?;
        let log = conversation.log();
        let (entries, _) = log.map_err(|e| untried(&portal, &e.to_string()))?;
        drop(conversation);
        let subsystems = entries.iter();
        let subsystems = subsystems.filter(|entry| entry.kind == SubsystemKind::Nvm);
        let mut first = None;
        let mut total = 0;
        for entry in subsystems.take(MOST_SUBSYSTEMS) {
            let at = SocketAddr::new(entry.traddr, entry.trsvcid.get());
            let secret = self
                .plan
                .options_of(controller, at, &entry.nqn)
                .dhchap_secret;
            match self.namespaces(at, &entry.nqn, secret.as_ref()) {
                Ok(count) => total += count,
                Err(finding) => first = first.or(Some(finding)),
            }
        }
        match (total, first) {
            (0, Some(finding)) => Err(finding),
            (0, None) => Err(fault(
                Topic::NothingOffered,
                format!("`{portal}` offers nothing to `{}`", self.host.nqn),
                "a target lists what this host may use: it does not admit the host, or exports nothing there",
                "add the host NQN to the subsystem's allowed hosts on the target, and the subsystem to the port",
            )),
            (total, _) => Ok(total),
        }
    }

    /// How many namespaces of a subsystem the host gets at a portal.
    fn namespaces(
        &self,
        at: SocketAddr,
        nqn: &Nqn,
        secret: Option<&Secret>,
    ) -> Result<usize, Finding> {
        let portal = at.to_string();
        let mut conversation = open(at)?;
        self.connect(&mut conversation, &portal, nqn.as_str(), secret)?;
        let error = |e: Broken| broken(&portal, &e);
        conversation.enable().map_err(error)?;
        let mut page = vec![0; usize::try_from(PAGE).unwrap_or(0)];
        let end = conversation
            .command(Command::Namespaces, &mut page)
            .map_err(error)?;
        if end.status != 0 {
            return Err(status(&portal, end.status));
        }
        let ids = page.chunks_exact(4);
        match ids.take_while(|id| **id != [0; 4]).count() {
            0 => Err(fault(
                Topic::NoNamespace,
                format!("`{nqn}` at `{portal}` has no namespace for this host"),
                "the controller would be connected, and no drive would appear",
                "enable a namespace of the subsystem on the target",
            )),
            count => Ok(count),
        }
    }

    /// Connects to a subsystem, and authenticates where that is asked for.
    fn connect(
        &self,
        conversation: &mut Conversation,
        portal: &str,
        nqn: &str,
        secret: Option<&Secret>,
    ) -> Result<(), Finding> {
        let command = Command::Connect(self.host, nqn);
        let end = conversation
            .command(command, &mut [])
            .map_err(|e| broken(portal, &e))?;
        let own = &self.host.nqn;
        match (end.status, end.result) {
            // Above the controller's number it asks for authentication.
            (0, result) if result >> 16 & 0xffff == 0 => return Ok(()),
            (0 | AUTHENTICATION_REQUIRED, _) => {}
            (INVALID_PARAMETERS, SUBSYSTEM_NQN) => {
                return Err(fault(
                    Topic::NqnUnknown,
                    format!("`{portal}` does not know the subsystem `{nqn}`"),
                    "it refuses the connection",
                    "compare the NQN with the target's, and see that the subsystem is exported on that port",
                ));
            }
            (INVALID_PARAMETERS, HOST_NQN) | (INVALID_HOST, _) => {
                return Err(fault(
                    Topic::HostRefused,
                    format!("`{nqn}` at `{portal}` does not admit the host `{own}`"),
                    "it refuses the connection",
                    "add the host NQN to the subsystem's allowed hosts on the target",
                ));
            }
            (other, _) => return Err(status(portal, other)),
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
            Verdict::Refused(_) => Err(fault(
                Topic::SecretWrong,
                format!("`{nqn}` at `{portal}` does not take this host's secret"),
                "authentication fails (DH-HMAC-CHAP), and it refuses the connection",
                "compare the host's key on the target with `dhchap_key` in `/etc/nvme/config.json`, then run `nvmeroot configure` again",
            )),
        }
    }
}

/// A connection on which NVMe/TCP is spoken.
fn open(at: SocketAddr) -> Result<Conversation, Finding> {
    let portal = at.to_string();
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
    let stream = TcpStream::connect_timeout(&at, TO_CONNECT).map_err(|error| match error.kind() {
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

/// A conversation that ended too early.
fn broken(portal: &str, error: &Broken) -> Finding {
    untried(portal, &error.to_string())
}

fn status(portal: &str, status: u16) -> Finding {
    untried(
        portal,
        &format!("it answers with the NVMe status {status:#x}"),
    )
}
