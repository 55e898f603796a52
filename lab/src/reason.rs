//! Why a host may fail to mount its root.

/// Why root could not be mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// As in the record.
    pub layer: &'static str,
    /// As in the report.
    pub words: &'static str,
}

impl Reason {
    /// The cable.
    pub const CARRIER: Reason = Reason::new("no-carrier", "no carrier: ");
    /// No answer from a DHCP server, or no router advertisement.
    pub const LEASE: Reason = Reason::new("no-lease", "no lease: ");
    /// No route to the portal.
    pub const ROUTE: Reason = Reason::new("no-route", "no route: ");
    /// No answer from the portal.
    pub const TIMEOUT: Reason = Reason::new("timeout", "timeout: ");
    /// Nothing listens at the portal.
    pub const REFUSED: Reason = Reason::new("refused", "connection refused: ");
    /// The connection broke.
    pub const PROTOCOL: Reason = Reason::new("protocol", "protocol error: ");
    /// The controller is there and its namespace is not.
    pub const NAMESPACE: Reason = Reason::new("no-namespace", "no namespace: ");

    const fn new(layer: &'static str, words: &'static str) -> Reason {
        Reason { layer, words }
    }
}
