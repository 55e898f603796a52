//! What the diagnostics of a subsystem mean.

use crate::subsystem::Diagnostics;

impl Diagnostics {
    /// How long the firmware waited, in seconds.
    #[must_use]
    pub fn timeout_seconds(&self) -> Option<u16> {
        Some(self.timeout).filter(|seconds| *seconds != 0xffff)
    }

    /// What `availability` means; nothing for 0 (no information) and for a
    /// value without a name.
    #[must_use]
    pub fn availability_text(&self) -> Option<&'static str> {
        Some(match self.availability {
            0x01 => "network error",
            0x02 => "connection failure",
            0x03 => "connect: invalid parameters",
            0x04 => "connect: invalid host",
            0x05 => "connection timed out",
            0x06 => "discovery log page timed out",
            0x07 => "namespace missing",
            0x08 => "namespace not ready",
            0x09 => "Redfish did not give the secret",
            0x10 => "secure channel negotiation failed",
            0x11 => "authentication failed",
            0x12 => "authentication required",
            0x13 => "DHCP failed",
            0x14 => "DHCP root path is of no use",
            _ => return None,
        })
    }

    /// What `connect` means; nothing for 0 and for a value without a name.
    #[must_use]
    pub fn connect_text(&self) -> Option<&'static str> {
        Some(match self.connect {
            1 => "wrong parameters",
            2 => "invalid attributes in the response",
            3 => "Diffie-Hellman mismatch",
            4 => "invalid controller identifier",
            5 => "I/O controller disabled",
            _ => return None,
        })
    }

    /// What `network` means; nothing for 0 and for a value without a name.
    #[must_use]
    pub fn network_text(&self) -> Option<&'static str> {
        Some(match self.network {
            1 => "link error",
            2 => "no carrier",
            3 => "connection refused",
            4 => "no route to host",
            5 => "packet fragmentation error",
            6 => "MTU mismatch",
            7 => "name resolution failed",
            _ => return None,
        })
    }
}
