//! The loop that runs a client over its sockets.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::Link;
use super::error::{DhcpError, Event};
use super::machine::Machine;
use super::socket::{failed, is_link_down, moment, no_carrier};
use crate::sys::socket::{Wake, wait};

/// The sockets that a client speaks through.
pub(super) trait Transport {
    /// Who speaks.
    type Client: Machine;

    /// Sends.
    fn send(&mut self, output: <Self::Client as Machine>::Output) -> Result<Sending, DhcpError>;

    /// What to wait on.
    fn sockets(&self) -> Vec<BorrowedFd<'_>>;

    /// Hands the client all that has arrived.
    fn receive(
        &mut self,
        client: &mut Self::Client,
        since: impl Fn() -> Duration,
    ) -> Result<(), DhcpError>;

    /// Nothing is to be sent for long.
    fn rest(&mut self) {}
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// It is on its way.
    Done,
    /// It couldn't be sent now; it is tried again.
    Not {
        /// Because the link is down.
        down: bool,
        /// Why, for the record.
        error: String,
    },
}

impl Sending {
    /// From the system call's result: what a link going down causes passes,
    /// as does a full queue, or an address that has gone for a moment.
    pub(super) fn of<T>(result: io::Result<T>, link: &Link) -> Result<Self, DhcpError> {
        let Err(error) = result else {
            return Ok(Self::Done);
        };
        let down = is_link_down(&error);
        let passes = matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::AddrNotAvailable
        );
        if down || passes {
            let error = error.to_string();
            return Ok(Self::Not { down, error });
        }
        Err(failed(link, "send")(error))
    }
}

/// What has arrived, if anything. A link that is down says so once per socket
/// and comes back by itself.
pub(super) fn arrived<T>(result: io::Result<T>, link: &Link) -> Result<Option<T>, DhcpError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock || is_link_down(&e) => Ok(None),
        Err(e) => Err(failed(link, "receive")(e)),
    }
}

/// A client at work.
pub(super) struct Runner<'a, W: Transport> {
    pub(super) link: &'a Link,
    pub(super) client: W::Client,
    pub(super) wire: W,
    /// The client's time 0.
    pub(super) start: Instant,
    pub(super) stop: BorrowedFd<'a>,
    pub(super) report: &'a mut dyn FnMut(Event),
}

impl<W: Transport> Runner<'_, W> {
    /// Until there is a lease; gives the sockets back with it.
    pub(super) fn acquire(
        mut self,
        deadline: Instant,
    ) -> Result<(<W::Client as Machine>::Lease, W), DhcpError> {
        let lease = self.run(Some(deadline), |client| client.lease().cloned())?;
        Ok((lease, self.wire))
    }

    /// Until the lease ends.
    pub(super) fn keep(mut self) -> DhcpError {
        match self.run(None, |client| client.expired().then_some(())) {
            Ok(()) => DhcpError::Expired {
                link: self.link.name.clone(),
            },
            Err(error) => error,
        }
    }

    /// The loop: until `over` says what came of it.
    fn run<T>(
        &mut self,
        deadline: Option<Instant>,
        over: impl Fn(&W::Client) -> Option<T>,
    ) -> Result<T, DhcpError> {
        let start = self.start;
        let mut down = false;
        loop {
            self.client.on_time(start.elapsed());
            let outputs: Vec<_> = self.client.outputs().collect();
            for output in outputs {
                down = match self.wire.send(output)? {
                    Sending::Done => false,
                    Sending::Not { down, error } => {
                        (self.report)(Event::NotSent { error });
                        down
                    }
                };
            }
            for event in self.client.events() {
                if matches!(event, Event::Renewed4(_) | Event::Renewed6(_)) {
                    self.wire.rest();
                }
                (self.report)(event);
            }
            if let Some(end) = over(&self.client) {
                return Ok(end);
            }
            let mut until = moment(start, self.client.next_time());
            if let Some(deadline) = deadline {
                // Asked here, not when a wait ends in silence: on a noisy
                // link none might.
                if Instant::now() >= deadline {
                    return Err(self.in_vain(down));
                }
                until = until.min(deadline);
            }
            let woken = wait(&self.wire.sockets(), self.stop, until);
            if woken.map_err(failed(self.link, "poll"))? == Wake::Stop {
                return Err(DhcpError::Stopped);
            }
            self.wire.receive(&mut self.client, || start.elapsed())?;
        }
    }

    fn in_vain(&self, down: bool) -> DhcpError {
        let link = self.link.name.clone();
        if down || no_carrier(&link) {
            return DhcpError::LinkDown { link };
        }
        DhcpError::Failed {
            link,
            why: self.client.failure(),
            tries: self.client.tries(),
            waited: self.start.elapsed(),
        }
    }
}
