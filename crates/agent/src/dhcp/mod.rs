//! DHCPv4 and DHCPv6 clients.
