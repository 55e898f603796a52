//! `/etc/nvme/discovery.conf`: one call of `nvme discover` or `nvme connect-all`
//! a line, without the program's name (nvme-connect-all(1)).

use std::net::IpAddr;

use nvmeroot_plan::{
    ConnectOptions, Fragment, Nqn, Origin, Port, PortalSettings, Transport, Warning,
};

use super::option;
use crate::yaml::pyyaml::Excerpt;

/// The port where discovery controllers listen, unless a line says another.
const DISCOVERY_PORT: &str = "8009";

/// More warnings than this about one file help nobody.
const MAX_WARNINGS: usize = 100;

/// Reads the file: what it says of TCP portals. `name` is what messages call it.
/// A line that makes no sense is a warning; nvme-cli passes over it too.
pub fn discovery_conf(name: &str, bytes: &[u8]) -> Fragment {
    let text = String::from_utf8_lossy(bytes);
    let mut fragment = Fragment::default();
    for (i, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let number = u32::try_from(i + 1).unwrap_or(u32::MAX);
        let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
        let origin = Origin::at(name, number, u32::try_from(column).unwrap_or(u32::MAX));
        match read_line(trimmed, &origin) {
            Ok(settings) => fragment.portals.extend(settings),
            Err(message) if fragment.warnings.len() < MAX_WARNINGS => {
                fragment.warnings.push(Warning::at(origin, message));
            }
            Err(_) => {}
        }
    }
    fragment
}

/// The long name of a letter, with underscores as the kernel writes names.
fn long_name(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "t" => "transport",
        "a" => "traddr",
        "s" => "trsvcid",
        "w" => "host_traddr",
        "f" => "host_iface",
        "n" => "nqn",
        "q" => "hostnqn",
        "I" => "hostid",
        "i" => "nr_io_queues",
        "W" => "nr_write_queues",
        "P" => "nr_poll_queues",
        "Q" => "queue_size",
        "k" => "keep_alive_tmo",
        "c" => "reconnect_delay",
        "l" => "ctrl_loss_tmo",
        "F" => "fast_io_fail_tmo",
        "T" => "tos",
        "D" => "duplicate_connect",
        "d" => "disable_sqflow",
        "g" => "hdr_digest",
        "G" => "data_digest",
        "p" => "persistent",
        _ => return None,
    })
}

/// A switch stands without a value.
fn is_switch(name: &str) -> bool {
    matches!(
        name,
        "hdr_digest"
            | "data_digest"
            | "duplicate_connect"
            | "disable_sqflow"
            | "persistent"
            | "tls"
            | "concat"
            | "quiet"
            | "verbose"
            | "no_cdc_connect"
            | "force"
    )
}

/// The options of a line by their long names, a switch with `true`.
fn words(line: &str) -> Result<Vec<(String, &str)>, String> {
    let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let (name, attached) = if let Some(long) = word.strip_prefix("--") {
            (long.replace('-', "_"), None)
        } else if let Some(short) = word.strip_prefix('-') {
            let at = short.chars().next().map_or(0, char::len_utf8);
            let (letter, rest) = short.split_at(at);
            let name = long_name(letter).ok_or_else(|| {
                format!("`-{}` is no option that nvme-cli knows", Excerpt(letter))
            })?;
            (name.to_owned(), (!rest.is_empty()).then_some(rest))
        } else {
            return Err(format!("`{}` belongs to no option", Excerpt(word)));
        };
        let value = match attached {
            Some(value) => value,
            None if is_switch(&name) => "true",
            None => match words.next() {
                Some(value) => value,
                None => return Err(format!("`{}` has no value", Excerpt(word))),
            },
        };
        found.push((name, value));
    }
    Ok(found)
}

fn read_line(line: &str, origin: &Origin) -> Result<Option<PortalSettings>, String> {
    let words = words(line)?;
    let get = |name: &str| {
        let mut named = words.iter().rev().filter(|(key, _)| key == name);
        named.next().map(|(_, value)| *value)
    };
    if get("transport") != Some("tcp") {
        return Ok(None);
    }
    let Some(address) = get("traddr") else {
        return Ok(None);
    };
    let expected = "an IPv4 or IPv6 address";
    let traddr = address.parse::<IpAddr>();
    let traddr = traddr.map_err(|_| option::misfit("traddr", address, expected))?;
    let trsvcid = get("trsvcid").unwrap_or(DISCOVERY_PORT);
    let trsvcid = trsvcid.parse::<Port>().map_err(|e| e.to_string())?;
    let hostnqn = get("hostnqn").map(str::parse::<Nqn>).transpose();
    let mut settings = PortalSettings {
        transport: Transport::Tcp,
        traddr,
        trsvcid,
        hostnqn: hostnqn.map_err(|e| e.to_string())?,
        nqn: None,
        options: ConnectOptions::default(),
        warnings: Vec::new(),
        faults: Vec::new(),
        origin: origin.clone(),
    };
    for (name, value) in &words {
        match name.as_str() {
            // `persistent` concerns the discovery controller, `nqn` is its name.
            "transport" | "traddr" | "trsvcid" | "hostnqn" | "hostid" | "persistent" | "nqn"
            | "quiet" | "verbose" => {}
            "tls" | "concat" => {
                let message = format!("`--{name}` asks for TLS, which is not carried out yet");
                settings.faults.push(Warning::at(origin.clone(), message));
            }
            // nvme-cli reads secrets from config.json, which every runtime can
            // be given.
            name if option::NAMES.contains(&name) && !name.starts_with("dhchap") => {
                if let Err(message) = option::set(&mut settings.options, name, value) {
                    settings.faults.push(Warning::at(origin.clone(), message));
                }
            }
            name => {
                let message = format!(
                    "`--{}` is not carried out",
                    Excerpt(name).to_string().replace('_', "-")
                );
                settings.warnings.push(Warning::at(origin.clone(), message));
            }
        }
    }
    Ok(Some(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Fragment {
        discovery_conf("etc/nvme/discovery.conf", text.as_bytes())
    }

    #[test]
    fn a_line_is_a_portal_with_options() {
        let text = "# --transport=tcp --traddr=192.0.2.9\n\n \
            --transport=tcp --traddr 192.0.2.1 --trsvcid=4420 --hdr-digest --ctrl-loss-tmo=-1\n\
            -t tcp -a 2001:db8::1 -q nqn.host -f eth0 -G -k7\n";
        let found = read(text);
        assert_eq!(found.warnings, []);
        let [first, second] = found.portals.as_slice() else {
            panic!("{:?}", found.portals);
        };
        assert_eq!(
            (
                first.traddr.to_string(),
                first.trsvcid.get(),
                first.origin.line,
                first.origin.column
            ),
            ("192.0.2.1".to_owned(), 4420, 3, 2)
        );
        assert!(first.options.hdr_digest);
        assert_eq!(first.options.ctrl_loss_tmo, Some(-1));
        assert_eq!(second.trsvcid.get(), 8009);
        assert_eq!(
            second.hostnqn.as_ref().map(ToString::to_string).as_deref(),
            Some("nqn.host")
        );
        assert_eq!(second.options.keep_alive_tmo, Some(7));
        assert!(second.options.data_digest);
        assert_eq!(
            second
                .options
                .host_iface
                .as_ref()
                .map(ToString::to_string)
                .as_deref(),
            Some("eth0")
        );
    }

    #[test]
    fn what_makes_no_sense_is_warned_of() {
        let text = "--transport=tcp --traddr=storage.example\n--transport=tcp --traddr\n-t tcp x\n-t tcp -Z 1\n-t rdma -a x\n";
        let messages: Vec<String> = read(text).warnings.into_iter().map(|w| w.message).collect();
        assert_eq!(
            messages,
            [
                "`traddr` is `storage.example`; expected an IPv4 or IPv6 address",
                "`--traddr` has no value",
                "`x` belongs to no option",
                "`-Z` is no option that nvme-cli knows",
            ]
        );
    }

    #[test]
    fn what_root_can_t_have_is_said_of_its_portal() {
        let found = read("-t tcp -a 192.0.2.1 --tls -D --queue-size=x --dhchap-secret=y\n");
        let of = |warnings: &[Warning]| -> Vec<String> {
            warnings.iter().map(|w| w.message.clone()).collect()
        };
        assert_eq!(
            of(&found.portals[0].faults),
            [
                "`--tls` asks for TLS, which is not carried out yet",
                "`queue_size` is `x`; expected a whole number",
            ]
        );
        assert_eq!(
            of(&found.portals[0].warnings),
            [
                "`--duplicate-connect` is not carried out",
                "`--dhchap-secret` is not carried out"
            ]
        );
    }
}
