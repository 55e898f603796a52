//! What can stand between the machine and its root.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of thing failed, in the order of the layers from the network card
/// up. Of several failures the first kind is the one to look at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The plan asks for something that this program can't do.
    Unsupported,
    /// No network card is the one that the plan names.
    NoCard,
    /// The link is up and nothing answers at the other end of the cable.
    NoCarrier,
    /// No DHCP server answered.
    NoLease,
    /// Another machine has the address.
    AddressInUse,
    /// The kernel refused a link, address or route.
    Network,
    /// No route leads to the portal.
    NoRoute,
    /// The portal's machine answers, and nothing listens on the port.
    Refused,
    /// The portal does not answer.
    Timeout,
    /// The kernel lacks NVMe/TCP or an option that the plan needs.
    Kernel,
    /// The portal does not know the subsystem.
    WrongNqn,
    /// The subsystem does not admit this host.
    AccessDenied,
    /// DH-HMAC-CHAP failed.
    Authentication,
    /// The connection was made and broke, or the target answered nonsense.
    Protocol,
    /// The controller is connected and shows no namespace.
    NoNamespace,
}

impl FailureKind {
    /// The kind in the words of the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsupported => "not supported",
            Self::NoCard => "no such card",
            Self::NoCarrier => "no carrier",
            Self::NoLease => "no lease",
            Self::AddressInUse => "address in use",
            Self::Network => "network refused",
            Self::NoRoute => "no route",
            Self::Refused => "connection refused",
            Self::Timeout => "timeout",
            Self::Kernel => "kernel",
            Self::WrongNqn => "wrong NQN",
            Self::AccessDenied => "access denied",
            Self::Authentication => "authentication failed",
            Self::Protocol => "protocol error",
            Self::NoNamespace => "no namespace",
        }
    }

    /// What to check, where nothing more particular is known.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Unsupported => "use a plain network card, or the scripts runtime",
            Self::NoCard => {
                "check the card and that its driver is in the initramfs, and the `match` of the network configuration"
            }
            Self::NoCarrier => "check the cable, the switch port and the speed settings",
            Self::NoLease => "check the DHCP server, its range, and the VLAN of the switch port",
            Self::AddressInUse => "find the other machine with that address",
            Self::Network => "check the address, route and MTU in the network configuration",
            Self::NoRoute => "check the addresses and routes against the portal's address",
            Self::Refused => "check that the target runs, and the portal's port",
            Self::Timeout => "check that the target runs, and firewalls and routes on the way",
            Self::Kernel => "check that nvme-tcp is in the initramfs and fits the kernel",
            Self::WrongNqn => "check the subsystem NQN on the target",
            Self::AccessDenied => "add the host NQN to the subsystem's allowed hosts on the target",
            Self::Authentication => "check the host's and the controller's DH-HMAC-CHAP secrets",
            Self::Protocol => "look at the target's log",
            Self::NoNamespace => "check that the subsystem has an enabled namespace",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One failure: its kind, what exactly was seen, and what to check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind.
    #[serde(rename = "failure")]
    pub kind: FailureKind,
    /// What was seen; no capital, no full stop.
    pub message: String,
    /// What to check.
    pub hint: String,
}

impl Failure {
    /// A failure with the kind's own advice.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: kind.advice().to_owned(),
        }
    }

    /// The same failure with more particular advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::U32Deserializer;

    use super::*;

    #[test]
    fn lower_layers_sort_first() {
        assert!(FailureKind::NoCard < FailureKind::NoCarrier);
        assert!(FailureKind::NoLease < FailureKind::NoRoute);
        assert!(FailureKind::Timeout < FailureKind::NoNamespace);
    }

    #[test]
    fn every_layer_has_its_own_name_and_advice() {
        let layers = [
            FailureKind::NoCard,
            FailureKind::NoCarrier,
            FailureKind::NoLease,
            FailureKind::AddressInUse,
            FailureKind::NoRoute,
            FailureKind::Refused,
            FailureKind::Timeout,
            FailureKind::WrongNqn,
            FailureKind::AccessDenied,
            FailureKind::Authentication,
            FailureKind::NoNamespace,
        ];
        let count = |of: fn(FailureKind) -> &'static str| {
            layers
                .iter()
                .map(|layer| of(*layer))
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        };
        assert_eq!(count(FailureKind::name), layers.len());
        assert_eq!(count(FailureKind::advice), layers.len());
    }

    /// The page is where somebody looks up what the console says.
    #[test]
    fn the_guide_explains_every_kind() {
        let page = include_str!("../../../docs/guide/trouble.md");
        let rows: Vec<_> = page.lines().filter_map(|l| l.strip_prefix("| `")).collect();
        let mut last = None;
        // serde knows the kinds by number too, and so none is forgotten here.
        let kinds = (0u32..).map_while(|code| {
            let code: U32Deserializer<serde::de::value::Error> = code.into_deserializer();
            FailureKind::deserialize(code).ok()
        });
        for kind in kinds {
            let row = format!("{}` |", kind.name());
            let at = rows.iter().position(|line| line.starts_with(&row));
            assert!(at.is_some(), "the page has no row `{kind}`");
            assert!(at > last, "the page has `{kind}` too early");
            last = at;
        }
        assert!(last.is_some(), "no kind was looked for");
    }

    #[test]
    fn a_fault_names_its_layer() {
        let fault = Failure::new(
            FailureKind::Refused,
            "`10.0.0.1:4420` refused the connection",
        );
        assert_eq!(
            fault.to_string(),
            "connection refused: `10.0.0.1:4420` refused the connection"
        );
        assert_eq!(fault.hint, FailureKind::Refused.advice());
    }
}
