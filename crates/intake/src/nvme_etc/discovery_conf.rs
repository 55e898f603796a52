//! `/etc/nvme/discovery.conf`: one call of `nvme discover` or `nvme connect-all`
//! a line, without the program's name (nvme-connect-all(1)).

use nvmeroot_plan::{
    CONNECT_OPTIONS, ConnectOption, Fragment, OptionKind, Origin, PortSettings, Warning,
};

use super::option;
use crate::diagnostic::MAX_WARNINGS;
use crate::lines;

/// The port where discovery controllers listen, unless a line says another.
const DISCOVERY_PORT: &str = "8009";

/// Reads the file: what it says of TCP portals. `name` is what messages call it.
/// A line that makes no sense is a warning; nvme-cli passes over it too.
pub fn discovery_conf(name: &str, bytes: &[u8]) -> Fragment {
    let text = String::from_utf8_lossy(bytes);
    let mut fragment = Fragment::default();
    for (line, origin) in lines::read(name, &text, &['#'], None) {
        match read_line(&line, &origin) {
            Ok(settings) => fragment.ports.extend(settings),
            Err(message) if fragment.warnings.len() < MAX_WARNINGS => {
                fragment.warnings.push(Warning::at(origin, message));
            }
            Err(_) => {}
        }
    }
    fragment
}

/// nvme-cli's options that are none of the connection's (nvme-discover(1),
/// nvme-connect-all(1)), each with its letter, and whether it stands without a
/// value. Of a letter that is the connection's too, that one is meant.
const OTHER_OPTIONS: &[(&str, Option<char>, bool)] = &[
    ("transport", Some('t'), false),
    ("traddr", Some('a'), false),
    ("trsvcid", Some('s'), false),
    ("nqn", Some('n'), false),
    ("hostnqn", Some('q'), false),
    ("hostid", Some('I'), false),
    ("duplicate_connect", Some('D'), true),
    ("disable_sqflow", Some('d'), true),
    ("persistent", Some('p'), true),
    ("tls", None, true),
    ("concat", None, true),
    ("tls_key", None, false),
    ("tls_key_identity", None, false),
    ("keyring", None, false),
    ("quiet", None, true),
    ("verbose", Some('v'), true),
    ("no_cdc_connect", None, true),
    ("force", None, true),
    ("raw", Some('r'), false),
    ("device", None, false),
    ("config", Some('J'), false),
    ("context", None, false),
    ("output_format", Some('o'), false),
    ("hostsymname", None, false),
    ("dump_config", Some('O'), true),
    ("timeout", None, false),
];

/// The long name of a letter, with underscores as the kernel writes names.
fn long_name(letter: &str) -> Option<&'static str> {
    let letter: char = letter.parse().ok()?;
    let of_connection = CONNECT_OPTIONS.iter().find(|o| o.letter == letter);
    let other = || OTHER_OPTIONS.iter().find(|(_, l, _)| *l == Some(letter));
    let of_connection = of_connection.map(|option| option.name);
    of_connection.or_else(|| other().map(|(name, ..)| *name))
}

/// A switch stands without a value.
fn is_switch(name: &str) -> bool {
    ConnectOption::named(name).is_some_and(|option| option.kind == OptionKind::Switch)
        || OTHER_OPTIONS
            .iter()
            .any(|(other, _, is_switch)| *other == name && *is_switch)
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
            let name = long_name(letter)
                .ok_or_else(|| format!("`-{letter}` is no option that nvme-cli knows"))?;
            (name.to_owned(), (!rest.is_empty()).then_some(rest))
        } else {
            // It may be a key: it is not shown.
            return Err("a word in this line belongs to no option".to_owned());
        };
        let value = match attached {
            Some(value) => value,
            None if is_switch(&name) => "true",
            None => match words.next() {
                Some(value) => value,
                None => return Err(format!("`{word}` has no value")),
            },
        };
        found.push((name, value));
    }
    Ok(found)
}

fn read_line(line: &str, origin: &Origin) -> Result<Option<PortSettings>, String> {
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
    let port = get("trsvcid").unwrap_or(DISCOVERY_PORT);
    let mut settings = option::portal(address, port, origin.clone())?;
    let host = option::host(get("hostnqn"), get("hostid"));
    settings.host = host.map_err(|error| error.to_string())?;
    for (name, value) in &words {
        match name.as_str() {
            // `persistent` concerns the discovery controller, `nqn` is its name.
            "transport" | "traddr" | "trsvcid" | "hostnqn" | "hostid" | "persistent" | "nqn"
            | "quiet" | "verbose" => {}
            "tls" | "concat" => option::tls(&mut settings, &format!("--{name}"), origin),
            name => {
                if let Some(known) = ConnectOption::named(name) {
                    if let Err(message) = option::set(&mut settings.options, known, value)
                        && settings.errors.len() < MAX_WARNINGS
                    {
                        settings.errors.push(Warning::at(origin.clone(), message));
                    }
                    continue;
                }
                if settings.warnings.len() < MAX_WARNINGS {
                    let message = format!("`--{}` is not carried out", name.replace('_', "-"));
                    settings.warnings.push(Warning::at(origin.clone(), message));
                }
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
        let [first, second] = found.ports.as_slice() else {
            panic!("{:?}", found.ports);
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
            second.host.nqn.as_ref().map(ToString::to_string).as_deref(),
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
                "a word in this line belongs to no option",
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
            of(&found.ports[0].errors),
            [
                "`--tls` asks for TLS, which is not carried out yet",
                "`queue_size` is `x`; expected a whole number",
                "this is no secret of DH-HMAC-CHAP: it does not start with `DHHC-1:`",
            ]
        );
        assert_eq!(
            of(&found.ports[0].warnings),
            ["`--duplicate-connect` is not carried out"]
        );
    }
}
