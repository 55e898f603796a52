//! A DHCP client alone on the host's side, and what it reported.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nvmeroot_agent::net::dhcp::{
    ClientId, DhcpError, Event, Identity, Lease4, Lease6, Link, V4Config, V6Config, run_v4, run_v6,
};
use rustix::event::{EventfdFlags, eventfd};

use crate::net::{Entered, MAC, Net};

pub(crate) const MACHINE_ID: &str = "0102030405060708090a0b0c0d0e0f10";
/// A deadline that no test should come to.
pub(crate) const NEVER: Duration = Duration::from_secs(20);

pub(crate) fn identity() -> Identity {
    Identity::new(MACHINE_ID.parse().ok(), None, MAC, false)
}

/// A descriptor that says stop when it is written to.
pub(crate) fn stop() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC).expect("a file descriptor")
}

pub(crate) fn raise(stop: &impl AsFd) {
    rustix::io::write(stop, &1_u64.to_ne_bytes()).expect("room");
}

impl Net {
    pub(crate) fn link(&self) -> Link {
        let text = self.show("-o link show dev c");
        let index = text.split(':').next().and_then(|i| i.parse().ok());
        Link {
            name: "c".parse().expect("a name"),
            index: index.expect("an index"),
            mac: MAC,
        }
    }

    pub(crate) fn config4(&self, client_id: Option<ClientId>) -> V4Config {
        V4Config {
            link: self.link(),
            client_id,
            host_name: Some("host".into()),
        }
    }

    pub(crate) fn config6(&self) -> V6Config {
        V6Config {
            link: self.link(),
            duid: identity().duid,
            iaid: identity().iaid,
        }
    }

    pub(crate) fn v4(
        &self,
        client_id: Option<ClientId>,
        patience: Duration,
    ) -> (Result<Lease4, DhcpError>, Run) {
        self.v4_until(client_id, patience, &stop())
    }

    /// The same, ended by `stop`.
    pub(crate) fn v4_until(
        &self,
        client_id: Option<ClientId>,
        patience: Duration,
        stop: &OwnedFd,
    ) -> (Result<Lease4, DhcpError>, Run) {
        let config = self.config4(client_id);
        let _entered = Entered::new(&self.host);
        Run::of(
            |deadline, take| run_v4(&config, deadline, stop.as_fd(), take),
            patience,
        )
    }

    pub(crate) fn v6(&self, patience: Duration) -> (Result<Lease6, DhcpError>, Run) {
        self.v6_as(&self.config6(), patience)
    }

    pub(crate) fn v6_as(
        &self,
        config: &V6Config,
        patience: Duration,
    ) -> (Result<Lease6, DhcpError>, Run) {
        let stop = stop();
        let _entered = Entered::new(&self.host);
        Run::of(
            |deadline, take| run_v6(config, deadline, stop.as_fd(), take),
            patience,
        )
    }
}

/// What a client reported.
pub(crate) struct Run {
    pub(crate) time: Duration,
    pub(crate) events: Vec<(Duration, Event)>,
}

impl Run {
    fn of<T>(
        ask: impl FnOnce(Instant, &mut dyn FnMut(Event)) -> T,
        patience: Duration,
    ) -> (T, Self) {
        let start = Instant::now();
        let mut events = Vec::new();
        let answer = ask(start + patience, &mut |event| {
            events.push((start.elapsed(), event));
        });
        let time = start.elapsed();
        (answer, Self { time, events })
    }

    /// The messages that were sent, and when.
    pub(crate) fn sent_at(&self) -> Vec<(Duration, &'static str)> {
        self.events
            .iter()
            .filter_map(|(at, e)| match e {
                Event::Sent { message, .. } => Some((*at, *message)),
                _ => None,
            })
            .collect()
    }

    /// The messages that were sent.
    pub(crate) fn sent(&self) -> Vec<&'static str> {
        self.sent_at().into_iter().map(|(_, m)| m).collect()
    }
}
