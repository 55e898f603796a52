//! A connection to a controller, and what is agreed on it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::command::{Command, ENABLE, FATAL, Property, READY, capsule, initialize};
use crate::log_page::{Offered, read_log};
use crate::pdu::{self, Completion, HEADER, Pdu, PduError, Transfer};

/// Between two looks at whether the controller is ready. Most are at once.
const PAUSE: Duration = Duration::from_millis(10);

/// What ends a conversation early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// The connection; [`ErrorKind::WouldBlock`] when the time is over.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What the target says is not understood.
    #[error(transparent)]
    Pdu(#[from] PduError),
    /// The controller does not start.
    #[error("the controller does not start")]
    NotReady,
    /// Its side of a Diffie-Hellman exchange is no number that belongs there.
    #[error("the controller's Diffie-Hellman value is out of bounds")]
    Value,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The conversation has ended.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The log is refused, or makes no sense.
    #[error("{0}")]
    Unreadable(String),
}

/// A connection to a controller. When it is dropped the connection is closed, and with
/// that the controller is gone.
#[derive(Debug)]
pub struct Conversation {
    stream: TcpStream,
    until: Instant,
    alignment: usize,
    /// Of the last command.
    number: u16,
}

impl Conversation {
    /// Sets a connection up. All that follows may take `patience` together.
    ///
    /// # Errors
    /// [`Broken`]; [`PduError`] shows that the other side speaks something else.
    pub fn on(stream: TcpStream, patience: Duration) -> Result<Self, Broken> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        let mut conversation = Self {
            stream,
            until: Instant::now() + patience,
            alignment: 4,
            number: 0,
        };
        conversation.send(&initialize())?;
        let mut buffer = Vec::new();
        match conversation.receive(&mut buffer)? {
            Pdu::Initialized { alignment } => conversation.alignment = alignment,
            _ => return Err(PduError::Type { kind: buffer[0] }.into()),
        }
        Ok(conversation)
    }

    /// Switches the controller on and waits until it is: before, it has no log and no
    /// namespaces. Both questions are sent at once; a controller may answer the second
    /// one first, which is then not ready.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn enable(&mut self) -> Result<(), Broken> {
        let set = self.ask(Command::Set(Property::Configuration, ENABLE))?;
        let get = self.ask(Command::Get(Property::Status))?;
        let mut ends = [self.completion()?, self.completion()?];
        ends.sort_by_key(|end| end.command);
        if ends.each_ref().map(|end| end.command) != [set, get] {
            return Err(PduError::Data.into());
        }
        let [set, mut end] = ends;
        if set.status != 0 {
            return Err(Broken::NotReady);
        }
        loop {
            match (end.status, end.result) {
                (0, state) if state & FATAL != 0 => return Err(Broken::NotReady),
                (0, state) if state & READY != 0 => return Ok(()),
                (0, _) => thread::sleep(PAUSE),
                _ => return Err(Broken::NotReady),
            }
            end = self.command(Command::Get(Property::Status), &mut [])?;
        }
    }

    /// Reads the discovery log of a controller that is enabled.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn log(&mut self) -> Result<Offered, LogError> {
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
        match broken {
            Some(broken) => Err(broken.into()),
            None => read.map_err(LogError::Unreadable),
        }
    }

    /// Sends a command and receives what it asks for.
    ///
    /// # Errors
    /// [`Broken`]. A command that fails is none: its status says so.
    pub fn command(&mut self, command: Command<'_>, data: &mut [u8]) -> Result<Completion, Broken> {
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
                Ok(0) => return Err(ErrorKind::ConnectionReset.into()),
                Ok(n) => rest = &mut rest[n..],
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}
