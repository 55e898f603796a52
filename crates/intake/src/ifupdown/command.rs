//! What the commands of `up` lines do, where `ip` does it.

use nvmeroot_plan::Origin;

use super::file::OptionLine;
use crate::native::{Network, ip};

/// Reads a command. What is not understood is told without its words: they may hold a
/// secret.
pub(super) fn read(network: &mut Network, name: &str, option: &OptionLine) {
    let command = option.value.as_str();
    let command = command.strip_suffix("|| true").unwrap_or(command).trim();
    let words: Vec<String> = command
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']))
        .map(|word| match word {
            "$IFACE" | "${IFACE}" => name.to_owned(),
            word => word.to_owned(),
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // More than one command, or what only a shell can tell.
    let is_plain = !words
        .iter()
        .any(|word| word.contains([';', '|', '&', '$', '`', '(', '<', '>']));
    if !is_plain || !known(network, name, &words, &option.origin) {
        let message = format!(
            "what `{}` does is not carried out in the initramfs",
            option.name
        );
        network
            .link(name, &option.origin)
            .note(&option.origin, message);
    }
}

fn known(network: &mut Network, name: &str, words: &[&str], origin: &Origin) -> bool {
    let Some((program, mut words)) = words.split_first() else {
        return true;
    };
    let program = program.rsplit('/').next().unwrap_or_default();
    if program == "route" {
        return match old_route(words) {
            Some(said) => route(network, name, &said.join(" "), origin),
            None => false,
        };
    }
    if program != "ip" {
        return false;
    }
    let mut is_ipv6 = false;
    while let [flag @ ("-4" | "-6"), rest @ ..] = words {
        is_ipv6 = *flag == "-6";
        words = rest;
    }
    // Without a gateway the word for everything does not tell the family.
    let words: Vec<&str> = words
        .iter()
        .map(|word| match *word {
            "default" if is_ipv6 => "::/0",
            word => word,
        })
        .collect();
    match words.as_slice() {
        [
            "r" | "ro" | "route",
            "add" | "a" | "append" | "replace" | "change",
            rest @ ..,
        ] => route(network, name, &rest.join(" "), origin),
        ["ru" | "rule", "add" | "a", rest @ ..] => match ip::rule(&rest.join(" "), origin) {
            Some(rule) => {
                network.link(name, origin).rule(origin, rule);
                true
            }
            None => false,
        },
        [
            "a" | "ad" | "addr" | "address",
            "add" | "replace",
            address,
            "dev",
            device,
        ] => match address.parse() {
            Ok(address) => {
                network.link(device, origin).address(origin, address);
                true
            }
            Err(_) => false,
        },
        ["l" | "link", "set", rest @ ..] => {
            let rest = rest.strip_prefix(&["dev"]).unwrap_or(rest);
            match rest {
                // It is up anyway.
                [_, "up"] | ["up", _] => true,
                [device, "mtu", mtu] if mtu.parse::<u16>().is_ok() => {
                    network.link(device, origin).plain("mtu", origin, mtu);
                    true
                }
                _ => false,
            }
        }
        _ => false,
    }
}

fn route(network: &mut Network, name: &str, words: &str, origin: &Origin) -> bool {
    let Some(route) = ip::route(words, origin) else {
        return false;
    };
    let device = route.device.as_deref().unwrap_or(name);
    network.link(device, origin).ip_route(origin, route);
    true
}

/// `route add -net 10.0.0.0 netmask 255.0.0.0 gw 10.1.0.1` in the words of `ip`.
fn old_route<'w>(words: &[&'w str]) -> Option<Vec<&'w str>> {
    let words = words.strip_prefix(&["add"])?;
    let mut said = Vec::new();
    let mut rest = words
        .iter()
        .filter(|word| !matches!(**word, "-net" | "-host"));
    said.push(*rest.next()?);
    while let Some(word) = rest.next() {
        match *word {
            "gw" => said.extend(["via", *rest.next()?]),
            word @ ("dev" | "metric" | "netmask") => said.extend([word, *rest.next()?]),
            _ => return None,
        }
    }
    Some(said)
}
