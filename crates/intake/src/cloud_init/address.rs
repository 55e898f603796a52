//! Addresses as version 1 writes them: the prefix length behind a slash, in a
//! key of its own, as a mask, or not at all.

use std::net::IpAddr;

use ipnet::IpNet;

use super::fields::{Fields, Told};
use crate::diagnostic::Excerpt;
use crate::native::ip::prefix_length;
use crate::yaml::Node;

/// A network, where it was written, and whether its prefix length was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'d> {
    pub(super) net: IpNet,
    pub(super) node: Node<'d>,
    /// cloud-init's own guess: 24, or 64 for IPv6.
    pub(super) is_guess: bool,
}

/// The address under `key` with its prefix length, `prefix` and `netmask`
/// among `fields`. What is wrong is reported.
pub(super) fn read<'d>(
    fields: &Fields<'d>,
    key: &'static str,
    told: &mut Told<'_, 'd>,
) -> Option<Written<'d>> {
    let node = fields.value(key)?;
    let text = node.text()?;
    let (bare, suffix) = match text.split_once('/') {
        Some((bare, suffix)) => (bare, Some(suffix)),
        None => (text, None),
    };
    let Ok(address) = bare.parse::<IpAddr>() else {
        let message = format!("`{key}` is `{}`", Excerpt(text));
        let expected = "an address, such as `10.0.0.5/24` or `2001:db8::5/64`";
        told.misfit(node, message, expected);
        return None;
    };
    let (length, at) = match (suffix, fields.value("prefix"), fields.value("netmask")) {
        (Some(suffix), _, _) => (Some(suffix), node),
        (None, Some(prefix), _) => (prefix.text(), prefix),
        (None, None, Some(mask)) => (mask.text(), mask),
        (None, None, None) => (None, node),
    };
    let guess = if address.is_ipv4() { 24 } else { 64 };
    let prefix = match length {
        Some(length) => prefix_length(length, address),
        None => Some(guess),
    };
    let net = prefix.and_then(|prefix| IpNet::new(address, prefix).ok());
    let Some(net) = net else {
        let message = format!("this is `{}`", Excerpt(at.text().unwrap_or_default()));
        let expected = "a prefix length such as `24`, or a mask such as `255.255.255.0`";
        told.misfit(at, message, expected);
        return None;
    };
    Some(Written {
        net,
        node,
        is_guess: length.is_none(),
    })
}
