//! The kinds of steps.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A list of step kinds with the word of each in the JSON form.
macro_rules! step_kinds {
    ($($(#[$doc:meta])* $kind:ident $word:literal,)*) => {
        /// What a step does. Those of an interface carry out the plan's steps or
        /// wait for what these need; those of a portal make a controller.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum StepKind {
            $($(#[$doc])* #[serde(rename = $word)] $kind,)*
        }

        impl StepKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its word in the JSON form.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                }
            }
        }
    };
}

step_kinds! {
    /// Finds the interface's network card.
    Card "card",
    /// Renames the card.
    Rename "rename",
    /// Creates a virtual link.
    Create "create",
    /// Waits for the interface below, or for the one that holds this one.
    Wait "wait",
    /// Sets the MAC address.
    Mac "mac",
    /// Sets what the card does in the kernel's stead.
    Offloads "offloads",
    /// Lets a magic packet wake the machine.
    /// Sets the MTU.
    Mtu "mtu",
    /// Makes the link a member of another, or waits for a bond's first member.
    Member "member",
    /// Sets what the link is as a bridge's port.
    Port "port",
    /// Says which member a bond prefers.
    Primary "primary",
    /// Sets how the link comes by IPv6 addresses.
    Ipv6 "ipv6",
    /// Sets the lower half of addresses from router advertisements.
    Token "token",
    /// Adds an address.
    Address "address",
    /// Brings the link up.
    LinkUp "link-up",
    /// Waits until a bond and the switch agree (LACP).
    Aggregate "aggregate",
    /// Waits for carrier.
    Carrier "carrier",
    /// Waits for the end of duplicate address detection (RFC 4862).
    Dad "dad",
    /// Waits for carrier below a virtual link, before its DHCP client starts.
    Lower "lower",
    /// Adds a route.
    Route "route",
    /// Adds a policy rule.
    Rule "rule",
    /// Gets a DHCPv4 lease.
    Dhcp4 "dhcp4",
    /// Gets a DHCPv6 lease.
    Dhcp6 "dhcp6",
    /// Takes an IPv4 link-local address (RFC 3927).
    LinkLocal "link-local",
    /// Announces an address and watches for objections (RFC 5227).
    Announce "announce",
    /// Waits for a route to the portal.
    Reach "reach",
    /// Reads the portal's discovery log.
    Discover "discover",
    /// Makes a controller.
    Connect "connect",
    /// Waits for a namespace of the subsystem.
    Namespace "namespace",
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
