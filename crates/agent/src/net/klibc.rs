//! What klibc's ipconfig leaves behind in `/run/net-LINK.conf`, as cloud-init
//! reads it (cloudinit/net/cmdline.py).

use std::fmt::Write as _;

use super::dhcp::{Lease4, Lease6, LeaseConfig4, LeaseConfig6};

/// Of a DHCPv4 lease.
pub(super) fn v4(name: &str, lease: &Lease4, config: &LeaseConfig4) -> String {
    let mut text = format!("DEVICE='{name}'\nPROTO='dhcp'\n");
    let mut put = |key: &str, value: &str| {
        // The file is sourced by shells: nothing but plain values.
        if value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_: ".contains(&b))
        {
            let _ = writeln!(text, "{key}='{value}'");
        }
    };
    put("IPV4ADDR", &lease.address.addr().to_string());
    let broadcast = config.broadcast.unwrap_or(lease.address.broadcast());
    put("IPV4BROADCAST", &broadcast.to_string());
    put("IPV4NETMASK", &lease.address.netmask().to_string());
    let default = config.routes.iter().find(|r| r.to.prefix_len() == 0);
    let gateway = default
        .and_then(|route| route.via)
        .map(|via| via.to_string());
    put("IPV4GATEWAY", &gateway.unwrap_or_default());
    for (i, server) in config.dns.iter().take(2).enumerate() {
        put(&format!("IPV4DNS{i}"), &server.to_string());
    }
    put("HOSTNAME", config.host_name.as_deref().unwrap_or_default());
    put("DNSDOMAIN", lease.domain.as_deref().unwrap_or_default());
    put("ROOTSERVER", &lease.server.to_string());
    put("DHCPLEASETIME", &lease.lease_time.as_secs().to_string());
    put("DOMAINSEARCH", &config.search.join(" "));
    text
}

/// Of a DHCPv6 lease.
pub(super) fn v6(name: &str, lease: &Lease6, config: &LeaseConfig6) -> String {
    let mut text = format!("DEVICE6='{name}'\nIPV6PROTO='dhcp6'\n");
    if let Some(leased) = lease.addresses.first() {
        let _ = writeln!(text, "IPV6ADDR='{}'\nIPV6NETMASK='128'", leased.address);
    }
    for (i, server) in config.dns.iter().take(2).enumerate() {
        let _ = writeln!(text, "IPV6DNS{i}='{server}'");
    }
    text
}
