//! Leases: who asks for one, and what of the answer is used.

use nvmeroot_plan::{Dhcp4, Dhcp6};

use crate::netplan::read;
use crate::netplan::schema::{Key, ValueType, find};
use crate::netplan::value::{Map, Value};

/// The DHCPv4 client, where one is asked for.
pub(super) fn client4(map: &Map<'_>) -> Option<Dhcp4> {
    if !asks(map, "dhcp4") {
        return None;
    }
    let mut client = Dhcp4 {
        identifier_mac: map
            .text("dhcp-identifier")
            .is_some_and(|text| text.eq_ignore_ascii_case("mac")),
        ..Dhcp4::default()
    };
    let Some(Value::Map(said)) = map.get("dhcp4-overrides") else {
        return Some(client);
    };
    for (key, field) in [
        ("use-routes", &mut client.use_routes),
        ("use-mtu", &mut client.use_mtu),
        ("use-dns", &mut client.use_dns),
        ("use-domains", &mut client.use_domains),
        ("use-hostname", &mut client.use_hostname),
        ("send-hostname", &mut client.send_hostname),
    ] {
        set(said, key, field);
    }
    client.hostname = said.text("hostname").and_then(|text| text.parse().ok());
    client.route_metric = said.number("route-metric").unwrap_or(client.route_metric);
    Some(client)
}

/// The DHCPv6 client, where one is asked for, and the metric of what routers announce
/// beside its answer.
pub(super) fn client6(map: &Map<'_>) -> (Option<Dhcp6>, Option<u32>) {
    if !asks(map, "dhcp6") {
        return (None, None);
    }
    let mut client = Dhcp6::default();
    let Some(Value::Map(said)) = map.get("dhcp6-overrides") else {
        return (Some(client), None);
    };
    set(said, "use-dns", &mut client.use_dns);
    set(said, "use-domains", &mut client.use_domains);
    (Some(client), said.number("route-metric"))
}

fn asks(map: &Map<'_>, key: &str) -> bool {
    map.boolean(key) == Some(true)
}

/// The word `route` is for the resolver of the running system: nothing is searched in.
fn set(said: &Map<'_>, key: &str, field: &mut bool) {
    if let Some(text) = said.text(key) {
        *field = read::boolean(text).unwrap_or(false);
    }
}

/// That an identifier is not carried out, where one is asked for that is not the card's.
pub(super) fn identifier_note(map: &Map<'_>, text: &str) -> Option<String> {
    let other = asks(map, "dhcp4") && !text.eq_ignore_ascii_case("mac");
    other.then(|| {
        format!(
            "`dhcp-identifier: {text}` is not carried out: to the DHCP server the host is its \
             card's MAC address, in the initramfs and in the running system, so that both get \
             the same lease"
        )
    })
}

/// Whether networkd would have to ask in two ways: it has one set of overrides for both
/// families (`combine_dhcp_overrides` in netplan's src/networkd.c). `keys`: the section's.
pub(super) fn overrides_differ(map: &Map<'_>, keys: &'static [&'static [Key]]) -> bool {
    if !asks(map, "dhcp4") || !asks(map, "dhcp6") {
        return false;
    }
    let of = |key: &str| said(map.get(key), find(keys, key).map(|key| &key.value_type));
    of("dhcp4-overrides") != of("dhcp6-overrides")
}

/// What is said in a mapping, in the one spelling of each value; `None` where nothing is.
fn said(value: Option<&Value<'_>>, value_type: Option<&ValueType>) -> Option<Vec<String>> {
    let (Some(Value::Map(map)), Some(ValueType::Map(groups))) = (value, value_type) else {
        return None;
    };
    let keys = groups.iter().copied().flatten();
    let spelled = keys.map(|key| match (map.text(key.name), &key.value_type) {
        (None, _) => String::new(),
        (Some(text), ValueType::Bool) => format!("{:?}", read::boolean(text)),
        (Some(text), ValueType::Number(..)) => format!("{:?}", read::number(text)),
        (Some(text), ValueType::BoolOr(_)) => match read::boolean(text) {
            None => "route".to_owned(),
            known => format!("{known:?}"),
        },
        (Some(text), _) => text.to_owned(),
    });
    Some(spelled.collect())
}
