//! A boot table for people.

use std::fmt;
use std::net::IpAddr;

use comfy_table::{ContentArrangement, Table as Grid, presets};
use nvmeroot_nbft::{
    Availability, Discovery, Hfi, HfiFlags, HostFlags, NamespaceIdKind, Primary, SecurityProfile,
    Subsystem, SubsystemFlags, Table, TransportFlags,
};

use crate::nbft_words::{group_name, hash_name, origin_word, reasons};
use crate::terminal::{shown, without_user};

/// Shows a table with the name of its file, which can be shown already.
pub(crate) struct TableText<'a>(pub(crate) &'a str, pub(crate) &'a Table);

impl fmt::Display for TableText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(file, table) = self;
        writeln!(f, "{file}: boot table, revision 1.{}", table.header.minor)?;
        let host = &table.host;
        let from = |flag| match host.flags.contains(flag) {
            true => "configured",
            false => "the firmware's own",
        };
        let (nqn, id) = (
            from(HostFlags::NQN_CONFIGURED),
            from(HostFlags::ID_CONFIGURED),
        );
        writeln!(f, "\nhost\n  nqn  {} ({nqn})", shown(&host.nqn))?;
        writeln!(f, "  id   {} ({id})", host.id)?;
        match host.flags.primary() {
            Primary::NotIndicated => {}
            primary => writeln!(f, "  of several tables, this one is {primary}")?,
        }
        cards(f, &table.hfis)?;
        subsystems(f, &table.subsystems)?;
        discovery(f, table)?;
        security(f, &table.security)
    }
}

/// A section with a table, if that has rows.
fn section<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head);
    grid.add_rows(rows);
    if grid.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    // Cells have a space on both sides.
    grid.lines()
        .try_for_each(|line| writeln!(f, " {}", line.trim_end()))
}

const NONE: &str = "-";

fn or_none<T: fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

/// Several of something in one cell.
fn join(all: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    or_none(Some(all.join(", ")).filter(|text| !text.is_empty()))
}

fn cards(f: &mut fmt::Formatter<'_>, hfis: &[Hfi]) -> fmt::Result {
    let head = [
        "HFI",
        "MAC",
        "VLAN",
        "PCI",
        "address",
        "from",
        "gateway",
        "DNS",
        "host name",
    ];
    let row = |hfi: &Hfi| {
        let address = hfi.address.specified();
        let from = match hfi.dhcp_server() {
            Some(server) => format!("{} ({server})", origin_word(hfi)),
            None => origin_word(hfi).to_owned(),
        };
        let mut gateway = or_none(hfi.gateway.specified());
        if hfi.flags.contains(HfiFlags::DEFAULT_ROUTE) && gateway != NONE {
            gateway.push_str(" (default)");
        }
        [
            hfi.index.to_string(),
            hfi.mac.to_string(),
            or_none(hfi.vlan()),
            hfi.pci.to_string(),
            or_none(address.map(|ip| format!("{ip}/{}", hfi.prefix))),
            from,
            gateway,
            join(hfi.name_servers()),
            or_none(hfi.host_name.as_deref().map(shown)),
        ]
    };
    section(f, "network cards", head, hfis.iter().map(row))
}

fn subsystems(f: &mut fmt::Formatter<'_>, all: &[Subsystem]) -> fmt::Result {
    let head = ["no.", "portal", "HFI", "NQN", "namespace", "state"];
    let row = |one: &Subsystem| {
        let port = shown(&one.trsvcid);
        [
            one.index.to_string(),
            match one.traddr.ip() {
                IpAddr::V4(ip) => format!("{ip}:{port}"),
                IpAddr::V6(ip) => format!("[{ip}]:{port}"),
            },
            join(&one.hfis),
            shown(&one.nqn),
            namespace(one),
            state(one),
        ]
    };
    section(f, "subsystems", head, all.iter().map(row))
}

fn namespace(one: &Subsystem) -> String {
    let number = Some(one.nsid).filter(|nsid| *nsid != 0);
    let kind = match one.nid.kind {
        NamespaceIdKind::None => None,
        NamespaceIdKind::Eui64 => Some("eui".to_owned()),
        NamespaceIdKind::Nguid => Some("nguid".to_owned()),
        NamespaceIdKind::Uuid => Some("uuid".to_owned()),
        NamespaceIdKind::Other(number) => Some(format!("type {number}")),
    };
    let number = number.map(|nsid| format!("nsid {nsid}"));
    join(
        number
            .into_iter()
            .chain(kind.map(|kind| format!("{kind} {}", one.nid))),
    )
}

/// What is known of a subsystem, the most important first.
fn state(one: &Subsystem) -> String {
    let mut words = Vec::new();
    let availability = one.flags.availability();
    if one.is_discovery() && availability == Availability::Unavailable {
        words.push("discovery failed".to_owned());
    } else if availability != Availability::NotIndicated {
        words.push(availability.to_string());
    }
    if availability == Availability::Unavailable
        && let Some(why) = one.extended.as_ref().and_then(|more| more.diagnostics)
    {
        words.extend(reasons(&why));
    }
    let flags = [
        (SubsystemFlags::NOT_BOOTABLE, "not for booting"),
        (SubsystemFlags::DISCOVERED, "discovered"),
        (SubsystemFlags::DHCP_ROOT_PATH, "from DHCP's root path"),
    ];
    let set = flags.iter().filter(|(flag, _)| one.flags.contains(*flag));
    words.extend(set.map(|(_, word)| (*word).to_owned()));
    let digests = [
        (TransportFlags::HEADER_DIGEST, "header digest"),
        (TransportFlags::DATA_DIGEST, "data digest"),
    ];
    let set = digests
        .iter()
        .filter(|(flag, _)| one.transport_flags.contains(*flag));
    words.extend(set.map(|(_, word)| (*word).to_owned()));
    words.extend(
        one.security
            .map(|index| format!("security profile {index}")),
    );
    join(words)
}

fn discovery(f: &mut fmt::Formatter<'_>, table: &Table) -> fmt::Result {
    let head = ["no.", "URI", "HFI", "NQN", "state"];
    let row = |one: &Discovery| {
        let unanswered = table.unanswered().any(|other| std::ptr::eq(other, one));
        let state = match unanswered {
            true => "led to no subsystem",
            false => "led to subsystems above",
        };
        let security = one
            .security
            .map(|index| format!("security profile {index}"));
        [
            one.index.to_string(),
            shown(&without_user(&one.uri)),
            one.hfi.to_string(),
            shown(one.nqn()),
            join([Some(state.to_owned()), security].into_iter().flatten()),
        ]
    };
    section(f, "discovery", head, table.discovery.iter().map(row))
}

fn security(f: &mut fmt::Formatter<'_>, profiles: &[SecurityProfile]) -> fmt::Result {
    let head = [
        "no.",
        "authentication",
        "TLS",
        "hash functions",
        "groups",
        "key",
    ];
    let row = |one: &SecurityProfile| {
        [
            one.index.to_string(),
            one.flags.authentication().to_string(),
            one.flags.secure_channel().to_string(),
            join(one.hashes.iter().map(|hash| hash_name(*hash))),
            join(one.groups.iter().map(|group| group_name(*group))),
            or_none(one.key_path.as_deref().map(|uri| shown(&without_user(uri)))),
        ]
    };
    section(f, "security profiles", head, profiles.iter().map(row))
}
