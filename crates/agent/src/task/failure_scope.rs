//! What a failure refers to.

use std::fmt;

use nvmeroot_plan::{InterfaceName, Nqn};
use nvmeroot_record::{Failure, Missing, Portal, Scope, StepKind};

/// What a failure refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailureScope {
    /// An interface.
    Interface(InterfaceName),
    /// One step of an interface, and what it is done with.
    Step(InterfaceName, StepKind, String),
    /// The discovery log of a portal, asked for a controller of the plan (its
    /// index).
    Discovery(usize, Portal),
    /// A controller.
    Controller(ControllerAddress),
}

impl FailureScope {
    /// A step that is done with nothing that needs a name.
    pub(crate) fn step(interface: &InterfaceName, kind: StepKind) -> Self {
        Self::Step(interface.clone(), kind, String::new())
    }

    /// The interface, where it is about one.
    pub(crate) fn interface(&self) -> Option<&InterfaceName> {
        match self {
            Self::Interface(name) | Self::Step(name, ..) => Some(name),
            Self::Discovery(..) | Self::Controller(_) => None,
        }
    }

    /// As the record has it.
    pub(crate) fn missing(&self, failure: Failure) -> Missing {
        let missing = |scope: Scope| Missing {
            scope,
            action: None,
            detail: String::new(),
            nqn: None,
            failure: failure.clone(),
        };
        match self {
            Self::Interface(name) => missing(name.into()),
            Self::Step(name, kind, detail) => Missing {
                action: Some(*kind),
                detail: detail.clone(),
                ..missing(name.into())
            },
            Self::Discovery(_, portal) => missing(portal.into()),
            Self::Controller(address) => Missing {
                nqn: Some(address.nqn.clone()),
                ..missing((&address.portal).into())
            },
        }
    }
}

/// As in messages.
impl fmt::Display for FailureScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "`{name}`"),
            Self::Step(name, kind, detail) if detail.is_empty() => write!(f, "`{name}` {kind}"),
            Self::Step(name, kind, detail) => write!(f, "`{name}` {kind} {detail}"),
            Self::Discovery(_, portal) => write!(f, "`{}`", portal.address),
            Self::Controller(address) => write!(f, "`{}`", address.portal.address),
        }
    }
}

/// What makes one controller: a subsystem behind a portal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ControllerAddress {
    pub(crate) portal: Portal,
    pub(crate) nqn: Nqn,
}
