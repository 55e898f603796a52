//! Asks a discovery controller what it offers, over a socket of our own: five
//! times there and back. The kernel would make a whole controller for it,
//! with its queues, its device and its keep-alive, and has to take all of it
//! down again, one controller at a time.
//!
//! What this does not speak (digests, authentication, TLS), and whatever it
//! does not understand, is left to the kernel.

#[cfg(test)]
mod fake;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use nvmeroot_fabrics::command::{Command, Connected};
use nvmeroot_fabrics::conversation::{self, Conversation, LogError};
use nvmeroot_fabrics::log_page::Offered;
use nvmeroot_fabrics::pdu::PduError;
use nvmeroot_plan::{CONNECT_OPTIONS, HostIdentity, InterfaceName, Nqn, OptionKind};

use super::connection::{errno, open};
use super::error::{refusal, unreadable};
use super::{Request, classify};
use nvmeroot_record::{Failure, FailureKind};

/// How long all the answers may take: as long as the kernel waits for the
/// first.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which portal is asked, as which host, and from where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inquiry<'a> {
    at: SocketAddr,
    host: &'a HostIdentity,
    link: Option<&'a InterfaceName>,
    from: Option<IpAddr>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswered {
    /// The kernel would fail as well.
    #[error("{0}")]
    Failure(Failure),
    /// The kernel may do better.
    #[error("{0}")]
    NotUnderstood(#[from] PduError),
    /// The controller asks for authentication, or does not start.
    #[error("the controller wants more than a connection")]
    NotEnough,
}

impl<'a> Inquiry<'a> {
    /// For this request; `None` where only the kernel can ask. Without an
    /// identity of its own the host has the kernel's.
    pub(super) fn of(request: &Request<'a>) -> Option<Self> {
        let o = request.options;
        // All but where the connection leaves from takes the kernel.
        let mut others = CONNECT_OPTIONS.iter().filter(|option| {
            let is_source = matches!(option.kind, OptionKind::Interface | OptionKind::Address);
            option.concerns_discovery && !is_source
        });
        let plain = others.all(|option| option.value(o).is_none());
        if !plain || request.nqn != Nqn::DISCOVERY {
            return None;
        }
        Some(Self {
            at: request.at,
            host: request.host?,
            link: o.host_iface.as_ref(),
            from: o.host_traddr,
        })
    }

    /// Asks. The portal gets `patience` to take the connection.
    pub(super) fn ask(&self, patience: Duration) -> Result<Offered, Unanswered> {
        let portal = self.at.to_string();
        let failed = |errno| Unanswered::Failure(classify(errno, &[], &portal, Nqn::DISCOVERY));
        let socket = open(self.at, self.from, self.link, patience).map_err(failed)?;
        self.hold(socket.into(), &portal, PATIENCE)
            .map_err(|e| match e {
                Broken::Io(e) => failed(errno(&e)),
                Broken::Unanswered(unanswered) => unanswered,
            })
    }

    fn hold(&self, stream: TcpStream, portal: &str, patience: Duration) -> Result<Offered, Broken> {
        let mut conversation = Conversation::on(stream, patience)?;
        connect(&mut conversation, self.host, portal)?;
        conversation.enable()?;
        conversation.log().map_err(|error| match error {
            LogError::Broken(broken) => broken.into(),
            other => Unanswered::Failure(unreadable(portal, &other.to_string())).into(),
        })
    }
}

/// What ends a conversation early.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

impl From<conversation::Broken> for Broken {
    fn from(broken: conversation::Broken) -> Self {
        match broken {
            conversation::Broken::Io(error) => Self::Io(error),
            conversation::Broken::Pdu(error) => Self::Unanswered(error.into()),
            _ => Self::Unanswered(Unanswered::NotEnough),
        }
    }
}

fn connect(
    conversation: &mut Conversation,
    host: &HostIdentity,
    portal: &str,
) -> Result<(), Broken> {
    let end = conversation.command(Command::Connect(host, Nqn::DISCOVERY), &mut [])?;
    let layer = match Connected::of(end) {
        Connected::Yes => return Ok(()),
        Connected::UnknownSubsystem => FailureKind::WrongNqn,
        Connected::HostRefused => FailureKind::AccessDenied,
        // The kernel authenticates, and has words for all others.
        Connected::Unauthenticated | Connected::Status(_) => {
            return Err(Unanswered::NotEnough.into());
        }
    };
    Err(Unanswered::Failure(refusal(layer, portal, Nqn::DISCOVERY)).into())
}

#[cfg(test)]
mod tests;
