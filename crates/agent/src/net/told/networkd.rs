//! systemd-networkd (systemd.network(5)): a drop-in beside the file that it has for a link,
//! and a file of ours where it has none that is for that link alone.

use std::fmt::Write as _;
use std::io;

use nvmeroot_plan::{
    BOOT_DROP_IN, BOOT_NETWORK, Destination, Interface, Route, RouteType, netplan_file,
};

use super::{New, write};
use crate::sys::paths::Paths;

/// Writes what keeps root's network.
///
/// # Errors
/// What keeps it from being written.
pub(in crate::net) fn tell(paths: &Paths, new: New<'_>) -> io::Result<()> {
    let directory = paths.run_root.join("systemd/network");
    // A drop-in counts only beside a file of its name, and of what others call theirs only
    // one that is for no more links than this.
    let beside = |installed: &Interface| match &installed.networkd_file {
        None if installed.native => None,
        None => Some(netplan_file(&installed.id)),
        Some(own) => Some(own.to_string()),
    };
    match new.installed.and_then(|one| Some((one, beside(one)?))) {
        Some((installed, file)) => {
            let path = directory.join(format!("{file}.d/{BOOT_DROP_IN}"));
            write(&path, &drop_in(new.interface, installed), 0o644)
        }
        None => {
            let name = &new.link.name;
            // What is not in it is taken away from the link.
            let path = directory.join(format!("{BOOT_NETWORK}{name}.network"));
            write(&path, &network(new.interface, name), 0o644)
        }
    }
}

/// A whole file.
fn network(one: &Interface, link: &str) -> String {
    let mut text = format!(
        "# Root's network, as the boot has set it up.\n[Match]\nName={link}\n\n[Network]\nKeepConfiguration=yes\n"
    );
    let dhcp = dhcp(one.dhcp4.is_some(), one.dhcp6.is_some());
    let _ = writeln!(text, "DHCP={dhcp}");
    let listens = one.listens_to_routers();
    let _ = writeln!(text, "IPv6AcceptRA={}", if listens { "yes" } else { "no" });
    for server in &one.name_servers {
        let _ = writeln!(text, "DNS={server}");
    }
    for address in &one.addresses {
        let _ = writeln!(text, "Address={}", address.address);
    }
    for route in &one.routes {
        text += &section(route);
    }
    text + &clients(one)
}

fn section(route: &Route) -> String {
    // The family of a default route is its gateway's.
    let to = Some(route.to).filter(|to| *to != Destination::Default);
    let kind = Some(route.kind).filter(|kind| *kind != RouteType::default());
    let settings = [
        ("Destination", to.map(|to| to.to_string())),
        ("Gateway", route.via.map(|via| via.to_string())),
        ("GatewayOnLink", route.on_link.then(|| "yes".to_owned())),
        ("Metric", route.metric.map(|metric| metric.to_string())),
        ("Table", route.table.map(|table| table.to_string())),
        ("PreferredSource", route.from.map(|from| from.to_string())),
        ("Scope", route.scope.map(|scope| scope.to_string())),
        ("Type", kind.map(|kind| kind.to_string())),
    ];
    let mut text = "\n[Route]\n".to_owned();
    for (key, value) in settings {
        if let Some(value) = value {
            let _ = writeln!(text, "{key}={value}");
        }
    }
    text
}

/// What is added to the installed file: it goes on saying what else the link carries.
fn drop_in(one: &Interface, installed: &Interface) -> String {
    let mut text =
        "# Root's network, as the boot has set it up.\n[Network]\nKeepConfiguration=yes\n"
            .to_owned();
    // A lease that nobody renews ends.
    let four = one.dhcp4.is_some() || installed.dhcp4.is_some();
    let six = one.dhcp6.is_some() || installed.dhcp6.is_some();
    if one.asks_dhcp() {
        let _ = writeln!(text, "DHCP={}", dhcp(four, six));
    }
    if one.listens_to_routers() && !installed.listens_to_routers() {
        text.push_str("IPv6AcceptRA=yes\n");
    }
    for server in &one.name_servers {
        let _ = writeln!(text, "DNS={server}");
    }
    let has = |address| installed.addresses.iter().any(|a| a.address == address);
    for address in one.addresses.iter().map(|a| a.address) {
        if !has(address) {
            let _ = writeln!(text, "Address={address}");
        }
    }
    for route in &one.routes {
        if !installed.routes.iter().any(|own| own.leads_as(route)) {
            text += &section(route);
        }
    }
    text + &clients(one)
}

fn dhcp(four: bool, six: bool) -> &'static str {
    match (four, six) {
        (true, true) => "yes",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (false, false) => "no",
    }
}

/// What makes it the same client to the servers as the boot was.
fn clients(one: &Interface) -> String {
    let mut text = String::new();
    if let Some(client) = &one.dhcp4 {
        let _ = writeln!(text, "\n[DHCPv4]\nRouteMetric={}", client.route_metric);
        if client.identifier_mac {
            text.push_str("ClientIdentifier=mac\n");
        }
    }
    if let Some(iaid) = one.dhcp6.as_ref().and_then(|client| client.link_layer_iaid) {
        let _ = writeln!(text, "\n[DHCPv6]\nDUIDType=link-layer\nIAID={iaid}");
    }
    if let Some(metric) = one.ra_metric {
        let _ = writeln!(text, "\n[IPv6AcceptRA]\nRouteMetric={metric}");
    }
    text
}
