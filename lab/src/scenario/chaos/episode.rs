//! One disturbance.

use std::fmt;
use std::time::Duration;

use machinesim::wire::Faults;

use super::super::table::phases;
use crate::trouble::{Direction, Trouble, What, When};

/// A disturbance, from its beginning to its end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Episode {
    pub(super) begins: When,
    pub(super) lasts: Duration,
    pub(super) kind: Kind,
}

/// What is disturbed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// The target has no power.
    Target,
    /// All cables of the host are out.
    Cables,
    /// One cable is.
    Cable(usize),
    /// All wires.
    Wire(Direction, Faults),
    /// No DHCP server, no router advertisements.
    Dhcp,
}

impl Episode {
    /// It begins while the host boots, and not under a running root.
    pub(super) fn is_of_boot(&self) -> bool {
        !matches!(self.begins, When::Says(phases::MARKER, _))
    }

    pub(super) fn trouble(&self, cards: usize) -> Vec<Trouble> {
        let (first, last): (Vec<What>, Vec<What>) = match &self.kind {
            Kind::Target => (vec![What::KillTarget], vec![What::StartTarget]),
            Kind::Cables => (
                (0..cards).map(What::Cut).collect(),
                (0..cards).map(What::Mend).collect(),
            ),
            Kind::Cable(card) => (vec![What::Cut(*card)], vec![What::Mend(*card)]),
            Kind::Wire(direction, faults) => (
                vec![What::Wire(*direction, faults.clone())],
                vec![What::Over(*direction, faults.clone())],
            ),
            Kind::Dhcp => (
                vec![What::Command("dhcp_stop")],
                vec![What::Command("dhcp_start")],
            ),
        };
        let end = match self.begins {
            When::On(at) => When::On(at + self.lasts),
            When::Says(text, after) => When::Says(text, after + self.lasts),
        };
        let at = |when: &When, what: Vec<What>| {
            let when = when.clone();
            what.into_iter().map(move |what| Trouble {
                when: when.clone(),
                what,
                felt: false,
            })
        };
        at(&self.begins, first).chain(at(&end, last)).collect()
    }
}

impl fmt::Display for Episode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.begins {
            When::On(at) => write!(f, "at {at:?}")?,
            When::Says(text, after) => write!(f, "{after:?} after `{text}`")?,
        }
        write!(f, ", for {:?}: ", self.lasts)?;
        match &self.kind {
            Kind::Target => f.write_str("the target has no power"),
            Kind::Cables => f.write_str("all cables are out"),
            Kind::Cable(card) => write!(f, "the cable of card {card} is out"),
            Kind::Wire(direction, faults) => write!(f, "{direction} meet {faults:?}"),
            Kind::Dhcp => f.write_str("there is no DHCP server and no router advertisement"),
        }
    }
}
