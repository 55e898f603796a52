//! NetworkManager: a profile of ours in `/run` (nm-settings-keyfile(5)), by which the link
//! is up already, and settings that keep it (NetworkManager.conf(5)).

use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;

use nvmeroot_plan::{BOOT_PROFILE, ConnectionId, Destination, Interface, LinkKind};

use super::{New, write};
use crate::net::profile;
use crate::sys::paths::Paths;

/// No DHCP server is waited for in vain: root has nothing else.
const FOR_EVER: i32 = i32::MAX;

/// Says by which profile the link is up. False: there is no profile for such a link.
///
/// # Errors
/// What keeps it from being written.
pub(in crate::net) fn tell(paths: &Paths, new: New<'_>, parent: Option<&str>) -> io::Result<bool> {
    let New {
        interface, link, ..
    } = new;
    let id = ConnectionId::of(&interface.id);
    let Some(text) = profile_text(interface, &link.name, id, parent) else {
        return Ok(false);
    };
    let directory = paths.run_root.join("NetworkManager");
    let name = &link.name;
    let file = format!("system-connections/{BOOT_PROFILE}{name}.nmconnection");
    // NetworkManager reads no profile that others may read.
    write(&directory.join(file), &text, 0o600)?;
    let settings = format!(
        "[device-nvmeroot-{name}]\nmatch-device=interface-name:={name}\nmanaged=1\nignore-carrier=yes\n"
    );
    let file = format!("conf.d/{BOOT_PROFILE}{name}.conf");
    write(&directory.join(file), &settings, 0o644)?;
    profile::is_up_by(paths, link, id)?;
    Ok(true)
}

fn profile_text(
    one: &Interface,
    link: &str,
    id: ConnectionId,
    parent: Option<&str>,
) -> Option<String> {
    let (kind, more) = match &one.kind {
        LinkKind::Ethernet => ("ethernet", String::new()),
        LinkKind::Vlan { vlan } => (
            "vlan",
            format!("\n[vlan]\nparent={}\nid={}\n", parent?, vlan.id),
        ),
        // The members of a bond would need profiles of their own.
        _ => return None,
    };
    let mut text = format!(
        "[connection]\nid=nvmeroot-{link}\nuuid={id}\ntype={kind}\ninterface-name={link}\nautoconnect-priority=999\n{more}"
    );
    let client = one.dhcp4.as_ref();
    text.push_str("\n[ipv4]\n");
    family(
        &mut text,
        one,
        IpAddr::is_ipv4,
        client.map(|_| "auto"),
        "disabled",
    );
    if let Some(client) = client {
        let metric = client.route_metric;
        let _ = writeln!(text, "route-metric={metric}\ndhcp-timeout={FOR_EVER}");
        if client.identifier_mac {
            text.push_str("dhcp-client-id=mac\n");
        }
    }
    text.push_str("\n[ipv6]\n");
    family(
        &mut text,
        one,
        IpAddr::is_ipv6,
        one.listens_to_routers().then_some("auto"),
        "link-local",
    );
    if let Some(iaid) = one.dhcp6.as_ref().and_then(|client| client.link_layer_iaid) {
        let _ = writeln!(
            text,
            "dhcp-timeout={FOR_EVER}\ndhcp-duid=ll\ndhcp-iaid={iaid}"
        );
    }
    Some(text)
}

/// Method, addresses, routes and name servers of one family.
fn family(
    text: &mut String,
    one: &Interface,
    is_of: fn(&IpAddr) -> bool,
    automatic: Option<&str>,
    otherwise: &str,
) {
    let addresses = one.addresses.iter().map(|a| a.address);
    let addresses: Vec<_> = addresses.filter(|a| is_of(&a.addr())).collect();
    let fixed = (!addresses.is_empty()).then_some("manual");
    let method = automatic.or(fixed).unwrap_or(otherwise);
    let _ = writeln!(text, "method={method}");
    for (n, address) in (1..).zip(addresses) {
        let _ = writeln!(text, "address{n}={address}");
    }
    let routes = one.routes.iter();
    let routes = routes.filter_map(|route| Some((route, route.via.filter(is_of)?)));
    for (n, (route, via)) in (1..).zip(routes) {
        let to = match (route.to, via) {
            (Destination::Default, IpAddr::V4(_)) => "0.0.0.0/0".to_owned(),
            (Destination::Default, IpAddr::V6(_)) => "::/0".to_owned(),
            (to, _) => to.network().map_or_else(String::new, |to| to.to_string()),
        };
        let metric = route.metric.map(|metric| format!(",{metric}"));
        let _ = writeln!(text, "route{n}={to},{via}{}", metric.unwrap_or_default());
        let on_link = route.on_link.then(|| "onlink=true".to_owned());
        let table = route.table.map(|table| format!("table={table}"));
        let options: Vec<String> = on_link.into_iter().chain(table).collect();
        if !options.is_empty() {
            let _ = writeln!(text, "route{n}_options={}", options.join(","));
        }
    }
    let servers = one.name_servers.iter().filter(|server| is_of(server));
    let servers: Vec<String> = servers.map(ToString::to_string).collect();
    if !servers.is_empty() {
        let _ = writeln!(text, "dns={};", servers.join(";"));
    }
}
