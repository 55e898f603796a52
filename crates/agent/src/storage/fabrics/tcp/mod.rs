//! Asks a discovery controller what it offers, over a socket of our own: five
//! times there and back. The kernel would make a whole controller for it,
//! with its queues, its device and its keep-alive, and has to take all of it
//! down again, one controller at a time.
//!
//! What this does not speak (digests, authentication, TLS), and whatever it
//! does not understand, is left to the kernel.

mod command;
#[cfg(test)]
mod fake;
pub mod pdu;

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nvmeroot_plan::{CONNECT_OPTIONS, HostIdentity, InterfaceName, Nqn, OptionKind};
use rustix::io::Errno;

use self::command::{Command, ENABLE, FATAL, Property, READY, capsule, initialize};
use self::pdu::{Completion, HEADER, Pdu, PduError, Transfer};
use super::connection::{errno, open};
use super::error::{refusal, unreadable};
use super::log_page::{Offered, read_log};
use super::{Request, classify};
use nvmeroot_record::{Failure, FailureKind};

/// How long all the answers may take: as long as the kernel waits for the
/// first.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at whether the controller is ready. Most are at once.
const PAUSE: Duration = Duration::from_millis(10);

/// Statuses of the Connect command (Base Specification 2.0, figure 386), by
/// type and code.
const INVALID_PARAMETERS: u16 = 0x182;
const INVALID_HOST: u16 = 0x184;
const AUTHENTICATION_REQUIRED: u16 = 0x191;

/// Where Connect's data has the NQNs; above is set that it is about the data.
const SUBSYSTEM_NQN: u64 = 1 << 16 | 256;
const HOST_NQN: u64 = 1 << 16 | 512;

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
        let conversation = Conversation::on(socket.into()).map_err(|e| failed(errno(&e)))?;
        conversation.hold(self, &portal).map_err(|e| match e {
            Broken::Io(e) => failed(errno(&e)),
            Broken::Unanswered(unanswered) => unanswered,
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

impl From<PduError> for Broken {
    fn from(error: PduError) -> Self {
        Self::Unanswered(error.into())
    }
}

/// A connection, and what was agreed on it. When it is dropped the connection
/// is closed, and with that the controller is gone.
struct Conversation {
    stream: TcpStream,
    until: Instant,
    alignment: usize,
    /// Of the last command.
    number: u16,
}

impl Conversation {
    fn on(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            until: Instant::now() + PATIENCE,
            alignment: 4,
            number: 0,
        })
    }

    fn hold(mut self, inquiry: &Inquiry<'_>, portal: &str) -> Result<Offered, Broken> {
        self.send(&initialize())?;
        let mut buffer = Vec::new();
        match self.receive(&mut buffer)? {
            Pdu::Initialized { alignment } => self.alignment = alignment,
            _ => return Err(PduError::Type { kind: buffer[0] }.into()),
        }
        self.connect(inquiry.host, portal)?;
        self.enable()?;
        let mut broken = None;
        let read = read_log(|offset, part| {
            let length = u32::try_from(part.len()).map_err(|e| e.to_string())?;
            match self.command(Command::DiscoveryLog { offset, length }, part) {
                Ok(Completion { status: 0, .. }) => Ok(()),
                Ok(Completion { status, .. }) => Err(format!("NVMe status {status:#x}")),
                Err(e) => {
                    let text = e.to_string();
                    broken = Some(e);
                    Err(text)
                }
            }
        });
        match (read, broken) {
            (_, Some(broken)) => Err(broken),
            (Ok(offered), None) => Ok(offered),
            (Err(what), None) => Err(Unanswered::Failure(unreadable(portal, &what)).into()),
        }
    }

    fn connect(&mut self, host: &HostIdentity, portal: &str) -> Result<(), Broken> {
        let end = self.command(Command::Connect(host), &mut [])?;
        let layer = match (end.status, end.result) {
            // Above the controller's number it asks for authentication.
            (0, result) if result >> 16 & 0xffff == 0 => return Ok(()),
            (0 | AUTHENTICATION_REQUIRED, _) => return Err(Unanswered::NotEnough.into()),
            (INVALID_PARAMETERS, SUBSYSTEM_NQN) => FailureKind::WrongNqn,
            (INVALID_PARAMETERS, HOST_NQN) | (INVALID_HOST, _) => FailureKind::AccessDenied,
            // The kernel has words for all others.
            _ => return Err(Unanswered::NotEnough.into()),
        };
        Err(Unanswered::Failure(refusal(layer, portal, Nqn::DISCOVERY)).into())
    }

    /// Switches the controller on and waits until it is: before, it has no
    /// log. Both questions are sent at once; a controller may answer the second
    /// one first, which is then not ready.
    fn enable(&mut self) -> Result<(), Broken> {
        let set = self.ask(Command::Set(Property::Configuration, ENABLE))?;
        let get = self.ask(Command::Get(Property::Status))?;
        let mut ends = [self.completion()?, self.completion()?];
        ends.sort_by_key(|end| end.command);
        if ends.each_ref().map(|end| end.command) != [set, get] {
            return Err(PduError::Data.into());
        }
        let [set, mut end] = ends;
        if set.status != 0 {
            return Err(Unanswered::NotEnough.into());
        }
        loop {
            match (end.status, end.result) {
                (0, state) if state & FATAL != 0 => return Err(Unanswered::NotEnough.into()),
                (0, state) if state & READY != 0 => return Ok(()),
                (0, _) => thread::sleep(PAUSE),
                _ => return Err(Unanswered::NotEnough.into()),
            }
            end = self.command(Command::Get(Property::Status), &mut [])?;
        }
    }

    /// Sends a command; returns its number.
    fn ask(&mut self, command: Command<'_>) -> Result<u16, Broken> {
        self.number += 1;
        self.send(&capsule(command, self.number, self.alignment))?;
        Ok(self.number)
    }

    /// The end of one of the commands, which has no data.
    fn completion(&mut self) -> Result<Completion, Broken> {
        let mut buffer = Vec::new();
        match self.receive(&mut buffer)? {
            Pdu::Response(completion) => Ok(completion),
            _ => Err(PduError::Type { kind: buffer[0] }.into()),
        }
    }

    /// Sends a command and receives what it asks for.
    fn command(&mut self, command: Command<'_>, data: &mut [u8]) -> Result<Completion, Broken> {
        let number = self.ask(command)?;
        let mut transfer = Transfer::new(number, data);
        let mut buffer = Vec::new();
        loop {
            let pdu = self.receive(&mut buffer)?;
            if let Some(completion) = transfer.take(pdu)? {
                return Ok(completion);
            }
        }
    }

    /// What is left of the time.
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.until.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(Errno::AGAIN.into()),
        }
    }

    fn send(&mut self, pdu: &[u8]) -> io::Result<()> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write_all(pdu)
    }

    fn receive<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Pdu<'b>, Broken> {
        let mut header = [0; HEADER];
        self.fill(&mut header)?;
        buffer.clear();
        buffer.extend(header);
        buffer.resize(pdu::length(&header)?, 0);
        self.fill(&mut buffer[HEADER..])?;
        Ok(Pdu::parse(buffer)?)
    }

    fn fill(&mut self, mut rest: &mut [u8]) -> io::Result<()> {
        while !rest.is_empty() {
            self.stream.set_read_timeout(self.left()?)?;
            match self.stream.read(rest) {
                Ok(0) => return Err(Errno::CONNRESET.into()),
                Ok(n) => rest = &mut rest[n..],
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
