//! Addresses as version 1 writes them: the prefix length behind a slash, in a
//! key of its own, as a mask, or not at all.

use std::net::IpAddr;

use ipnet::IpNet;

use super::fields::Fields;
use crate::netplan::check::shown;
use crate::netplan::findings::Findings;
use crate::yaml::{KeyPath, Node};

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
    findings: &mut Findings<'d>,
) -> Option<Written<'d>> {
    let node = fields.value(key)?;
    let text = node.text()?;
    let (bare, suffix) = match text.split_once('/') {
        Some((bare, suffix)) => (bare, Some(suffix)),
        None => (text, None),
    };
    let Ok(address) = bare.parse::<IpAddr>() else {
        let message = format!("`{key}` is `{}`", shown(text));
        findings.error(node, &KeyPath::ROOT, message, |d| {
            d.expected("an address, such as `10.0.0.5/24` or `2001:db8::5/64`")
        });
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
        Some(length) => self::length(length, address),
        None => Some(guess),
    };
    let net = prefix.and_then(|prefix| IpNet::new(address, prefix).ok());
    let Some(net) = net else {
        let message = format!("this is `{}`", shown(at.text().unwrap_or_default()));
        findings.error(at, &KeyPath::ROOT, message, |d| {
            d.expected("a prefix length such as `24`, or a mask such as `255.255.255.0`")
        });
        return None;
    };
    Some(Written {
        net,
        node,
        is_guess: length.is_none(),
    })
}

/// A prefix length as a number or as a mask of the address's family.
fn length(text: &str, address: IpAddr) -> Option<u8> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let mask: IpAddr = text.parse().ok()?;
    (mask.is_ipv4() == address.is_ipv4())
        .then(|| ipnet::ip_mask_to_prefix(mask).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_number_or_a_mask() {
        let (v4, v6) = ("10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        assert_eq!(length("24", v4), Some(24));
        assert_eq!(length("255.255.254.0", v4), Some(23));
        assert_eq!(length("0.0.0.0", v4), Some(0));
        assert_eq!(length("ffff:ffff:ffff::", v6), Some(48));
        for wrong in ["", "255.0.255.0", "ffff::", "-1", "300", "x"] {
            assert_eq!(length(wrong, v4), None, "{wrong}");
        }
        assert_eq!(length("255.255.255.0", v6), None);
    }
}
