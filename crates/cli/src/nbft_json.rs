//! A boot table for programs.

use std::net::IpAddr;

use nvmeroot_nbft::{
    Diagnostics, Discovery, Effect, Hfi, HfiFlags, Host, HostFlags, NamespaceId, NamespaceIdKind,
    Parsed, SecurityProfile, Subsystem, SubsystemExtended, SubsystemExtendedFlags, SubsystemFlags,
    Table, TransportFlags,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::nbft_words::{origin_word, reasons};
use crate::terminal::without_user;

/// One table's form: `file`, `revision`, `host`, `hfis`, `subsystems`,
/// `discovery`, `security`, `notes`. What is not there is null.
pub(crate) fn table(file: &str, parsed: &Parsed) -> impl Serialize {
    let table = &parsed.table;
    json!({
        "file": file,
        "revision": format!("1.{}", table.header.minor),
        "host": host(&table.host),
        "hfis": all(&table.hfis, hfi),
        "subsystems": all(&table.subsystems, subsystem),
        "discovery": all(&table.discovery, |one| discovery(table, one)),
        "security": all(&table.security, security),
        "notes": all(&parsed.notes, |note| json!({
            "record": note.kind.to_string(),
            "place": note.place,
            "field": match note.effect {
                Effect::Ignored(field) => Some(field),
                _ => None,
            },
            "offset": note.broken.offset,
            "message": note.to_string(),
        })),
    })
}

fn all<T>(records: &[T], form: impl Fn(&T) -> Value) -> Vec<Value> {
    records.iter().map(form).collect()
}

fn host(host: &Host) -> Value {
    json!({
        "nqn": host.nqn,
        "id": host.id.to_string(),
        "nqn_configured": host.flags.contains(HostFlags::NQN_CONFIGURED),
        "id_configured": host.flags.contains(HostFlags::ID_CONFIGURED),
        "primary": host.flags.primary().to_string(),
    })
}

fn hfi(hfi: &Hfi) -> Value {
    let dns: Vec<IpAddr> = hfi.name_servers().collect();
    let extended = hfi.extended.as_ref();
    json!({
        "index": hfi.index,
        "transport": "tcp",
        "pci": hfi.pci.to_string(),
        "mac": hfi.mac.to_string(),
        "vlan": hfi.vlan(),
        "ip": hfi.address.specified(),
        "prefix": hfi.prefix,
        "gateway": hfi.gateway.specified(),
        "metric": hfi.metric,
        "dns": dns,
        "origin": origin_word(hfi),
        "dhcp": hfi.is_dhcp(),
        "dhcp_server": hfi.dhcp_server(),
        "autoconfigured": hfi.flags.contains(HfiFlags::AUTOCONFIGURED),
        "default_route": hfi.flags.contains(HfiFlags::DEFAULT_ROUTE),
        "host_name": hfi.host_name,
        "iaid": extended.and_then(|extended| extended.iaid),
        "duid": extended
            .filter(|extended| !extended.duid.is_empty())
            .map(|extended| hex(&extended.duid)),
    })
}

fn subsystem(one: &Subsystem) -> Value {
    let extended = one.extended.as_ref();
    let digest = |flag| one.transport_flags.contains(flag);
    json!({
        "index": one.index,
        "transport": "tcp",
        "traddr": one.traddr.specified(),
        "trsvcid": one.trsvcid,
        "nqn": one.nqn,
        "port_id": one.port_id,
        "nsid": one.nsid,
        "nid": namespace(&one.nid),
        "hfis": one.hfis,
        "discovery": one.discovery,
        "security": one.security,
        "header_digest": digest(TransportFlags::HEADER_DIGEST),
        "data_digest": digest(TransportFlags::DATA_DIGEST),
        "discovered": one.flags.contains(SubsystemFlags::DISCOVERED),
        "bootable": !one.flags.contains(SubsystemFlags::NOT_BOOTABLE),
        "availability": one.flags.availability().to_string(),
        "controller_id": extended.map(|extended| extended.controller_id),
        "asqsz": extended.map(|extended| extended.asqsz),
        "asqsz_configured": extended.map(configured),
        "root_path": extended
            .and_then(|extended| extended.root_path.as_deref())
            .map(without_user),
        "diagnostics": extended
            .and_then(|extended| extended.diagnostics)
            .map(|why| diagnostics(&why)),
    })
}

fn configured(extended: &SubsystemExtended) -> bool {
    extended
        .flags
        .contains(SubsystemExtendedFlags::ASQSZ_CONFIGURED)
}

/// The codes as they are, and what they mean.
fn diagnostics(why: &Diagnostics) -> Value {
    json!({
        "availability": why.availability,
        "connect": why.connect,
        "network": why.network,
        "timeout": why.timeout_seconds(),
        "reasons": reasons(why),
    })
}

fn namespace(nid: &NamespaceId) -> Value {
    let kind = match nid.kind {
        NamespaceIdKind::None => return Value::Null,
        NamespaceIdKind::Eui64 => "eui64".to_owned(),
        NamespaceIdKind::Nguid => "nguid".to_owned(),
        NamespaceIdKind::Uuid => "uuid".to_owned(),
        NamespaceIdKind::Other(number) => number.to_string(),
    };
    json!({ "type": kind, "value": nid.to_string() })
}

fn discovery(table: &Table, one: &Discovery) -> Value {
    json!({
        "index": one.index,
        "uri": without_user(&one.uri),
        "nqn": one.nqn(),
        "hfi": one.hfi,
        "security": one.security,
        "answered": !table.unanswered().any(|other| std::ptr::eq(other, one)),
    })
}

fn security(one: &SecurityProfile) -> Value {
    json!({
        "index": one.index,
        "authentication": one.flags.authentication().to_string(),
        "secure_channel": one.flags.secure_channel().to_string(),
        "protocols": one.protocols,
        "protocols_from": one.flags.protocols().to_string(),
        "channels": one.channels,
        "channels_from": one.flags.channels().to_string(),
        "ciphers": one.ciphers,
        "groups": one.groups,
        "hashes": one.hashes,
        "secret_type": one.secret_type,
        "key_path": one.key_path.as_deref().map(without_user),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
