//! `/etc/nvme/nvme-fabrics.conf` and its drop-ins, as nvme-cli 3 and libnvme 3 read them
//! (nvme-fabrics.conf(5), `conf_kv` and `add_path` in libnvme/src/nvme/config-ini.c).
//!
//! A bad value is a fault only of the controller that it belongs to, and that counts only
//! where root's controller is at this portal.

use nvmeroot_plan::{
    ConnectOption, Fragment, HostSelector, Nqn, OptionKind, Origin, PortSettings, Warning,
};

use super::option;
use crate::native::ini::{self, Dialect, Entry, Section, boolean};

/// Where I/O controllers listen, and where discovery controllers do, unless a line says
/// another.
const IO_PORT: &str = "4420";
const DISCOVERY_PORT: &str = "8009";

/// One file of the configuration: what messages call it, and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct FabricsFile<'a> {
    /// The path.
    pub name: &'a str,
    /// The content.
    pub bytes: &'a [u8],
}

/// Reads the main file, if there is one, and the drop-ins in the order of their names:
/// what they say of TCP portals. A line that makes no sense is a warning.
pub fn fabrics_conf(main: Option<FabricsFile<'_>>, drop_ins: &[FabricsFile<'_>]) -> Fragment {
    let mut fragment = Fragment::default();
    let sections = main.map(sections).unwrap_or_default();
    if main.is_some() {
        read(&sections, &[], &mut fragment);
    }
    for drop_in in drop_ins {
        // Of a drop-in the defaults come over the main file's, for itself alone.
        let defaults: Vec<&Section> = sections.iter().filter(|one| is_default(one)).collect();
        read(&self::sections(*drop_in), &defaults, &mut fragment);
    }
    fragment
}

fn sections(file: FabricsFile<'_>) -> Vec<Section> {
    let text = String::from_utf8_lossy(file.bytes);
    ini::read(file.name, &text, Dialect::Systemd)
}

fn is_default(section: &Section) -> bool {
    section.name.ends_with(" Controller Defaults")
}

fn read(sections: &[Section], outer: &[&Section], fragment: &mut Fragment) {
    let host = sections.iter().find(|section| section.name == "Host");
    let mut selector = HostSelector::default();
    for entry in host.into_iter().flat_map(|host| &host.entries) {
        let value = entry.value.as_str();
        let wrong = match entry.key.replace('_', "-").as_str() {
            "hostnqn" => value.parse().map(|nqn| selector.nqn = Some(nqn)).err(),
            "hostid" => value.parse().map(|id| selector.id = Some(id)).err(),
            _ => None,
        };
        if let Some(error) = wrong.filter(|_| !value.is_empty()) {
            let warning = Warning::at(entry.origin.clone(), error.to_string());
            return fragment.warnings.push(warning);
        }
    }
    for section in sections {
        let is_discovery = match section.name.as_str() {
            "Discovery Controller" => true,
            "Subsystem" => false,
            "Host" => continue,
            _ if is_default(section) => continue,
            name => {
                let message = format!("libnvme knows no section `{name}`");
                fragment
                    .warnings
                    .push(Warning::at(section.origin.clone(), message));
                continue;
            }
        };
        let defaults = match is_discovery {
            true => "Discovery Controller Defaults",
            false => "I/O Controller Defaults",
        };
        // What counts less comes first.
        let of_type = outer.iter().copied().chain(sections);
        let scopes = of_type.filter(|one| one.name == defaults);
        let scopes: Vec<&Section> = scopes.chain(host).chain([section]).collect();
        for line in section
            .entries
            .iter()
            .filter(|entry| entry.key == "controller")
        {
            let read = controller(line, &scopes, section, is_discovery);
            match read {
                Ok(settings) => fragment.ports.extend(settings.map(|mut one| {
                    one.host = selector.clone();
                    one
                })),
                Err(message) => fragment
                    .warnings
                    .push(Warning::at(line.origin.clone(), message)),
            }
        }
    }
}

/// What a `controller` line names; nothing where that is no TCP portal.
fn controller(
    line: &Entry,
    scopes: &[&Section],
    section: &Section,
    is_discovery: bool,
) -> Result<Option<PortSettings>, String> {
    let parts: Vec<(&str, &str)> = line
        .value
        .split(';')
        .filter_map(|part| part.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let get = |wanted: &str| {
        let mut of_key = parts
            .iter()
            .rev()
            .filter(|(key, _)| key.replace('_', "-") == wanted);
        of_key.next().map(|(_, value)| *value)
    };
    if get("transport") != Some("tcp") {
        return Ok(None);
    }
    let address = get("traddr").unwrap_or_default();
    let usual = if is_discovery {
        DISCOVERY_PORT
    } else {
        IO_PORT
    };
    let trsvcid = get("trsvcid")
        .filter(|port| !port.is_empty())
        .unwrap_or(usual);
    let mut settings = option::portal(address, trsvcid, line.origin.clone())?;
    if !is_discovery {
        match section.get("nqn").map(str::parse::<Nqn>) {
            Some(Ok(nqn)) => {
                settings.is_connected = true;
                settings.nqn = Some(nqn);
            }
            Some(Err(error)) => settings
                .errors
                .push(Warning::at(line.origin.clone(), error.to_string())),
            None => return Err("this subsystem has no `nqn`".to_owned()),
        }
    }
    for scope in scopes {
        for entry in &scope.entries {
            set(&mut settings, &entry.key, &entry.value, &entry.origin);
        }
    }
    for (key, value) in parts {
        set(&mut settings, key, value, &line.origin);
    }
    Ok(Some(settings))
}

/// Takes a key over; what comes later counts. An empty value is the kernel's default.
fn set(settings: &mut PortSettings, key: &str, value: &str, origin: &Origin) {
    let name = match key.replace('-', "_").as_str() {
        // nvme-cli 3 has another name for the method; the kernel has not.
        "kxchap_secret" => "dhchap_secret".to_owned(),
        "kxchap_ctrl_secret" => "dhchap_ctrl_secret".to_owned(),
        name => name.to_owned(),
    };
    if let Some(option) = ConnectOption::named(&name) {
        return set_option(settings, option, value, origin);
    }
    match name.as_str() {
        "tls" | "concat" | "tls_key" | "tls_key_identity" | "keyring" | "duplicate_connect"
        | "disable_sqflow" | "hostnqn" | "hostid" | "hostsymname" | "nqn" | "controller"
        | "persistent" | "transport" | "traddr" | "trsvcid" => {
            option::beside(settings, key, value, origin);
        }
        _ => {
            let message = format!("`{key}` is no key that libnvme knows here");
            settings.warnings.push(Warning::at(origin.clone(), message));
        }
    }
}

fn set_option(settings: &mut PortSettings, option: &ConnectOption, value: &str, origin: &Origin) {
    if value.is_empty() {
        return option.unset(&mut settings.options);
    }
    let value = match option.kind {
        OptionKind::Switch => boolean(value).map_or(value, |on| if on { "true" } else { "false" }),
        _ => value,
    };
    if let Err(message) = option::set(&mut settings.options, option, value) {
        settings.errors.push(Warning::at(origin.clone(), message));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    fn file<'a>(name: &'a str, text: &'a str) -> FabricsFile<'a> {
        FabricsFile {
            name,
            bytes: text.as_bytes(),
        }
    }

    fn conf(text: &str) -> Fragment {
        fabrics_conf(Some(file("f.conf", text)), &[])
    }

    #[test]
    fn the_manual_s_example_is_read() {
        let fragment = conf(
            "[Discovery Controller Defaults]\nkeep-alive-tmo = 30\n\n[I/O Controller Defaults]\nkeep-alive-tmo = 5\n\n[Host]\nhostsymname = lab-host-01\n\n[Discovery Controller]\ncontroller = transport=tcp;traddr=192.168.1.10;trsvcid=8009\n\n[Subsystem]\nnqn        = nqn.2024-01.com.example:data.vol1\ncontroller = transport=tcp;traddr=192.168.1.20;trsvcid=4420\ncontroller = transport=tcp;traddr=192.168.1.21\n",
        );
        assert_eq!(fragment.warnings, []);
        let ports: Vec<_> = fragment
            .ports
            .iter()
            .map(|one| {
                let portal = format!("{}:{}", one.traddr, one.trsvcid);
                (portal, one.is_connected, one.options.keep_alive_tmo)
            })
            .collect();
        let expected =
            |address: &str, connected, seconds| (address.to_owned(), connected, Some(seconds));
        assert_eq!(
            ports,
            [
                expected("192.168.1.10:8009", false, 30),
                expected("192.168.1.20:4420", true, 5),
                expected("192.168.1.21:4420", true, 5),
            ]
        );
        assert_eq!(fragment.ports[1].origin.to_string(), "f.conf:15:1");
    }

    #[test]
    fn the_narrower_scope_counts_and_an_empty_value_takes_back() {
        let text = format!(
            "[I/O Controller Defaults]\nctrl-loss-tmo = 5\nhdr-digest = on\nqueue_size = 16\n[Host]\nhostnqn = nqn.2014-08.org.nvmexpress:uuid:1\nkxchap-secret = {SECRET}\n[Subsystem]\nnqn = nqn.a\nctrl-loss-tmo = 7\nqueue-size =\ncontroller = transport=tcp;traddr=10.0.0.1;ctrl-loss-tmo=-1;host-iface=ens3\ncontroller = transport=rdma;traddr=10.0.0.2\n"
        );
        let fragment = conf(&text);
        let [one] = fragment.ports.as_slice() else {
            panic!("{:?}", fragment.ports);
        };
        let options = &one.options;
        assert_eq!(
            (options.ctrl_loss_tmo, options.queue_size),
            (Some(-1), None)
        );
        assert!(options.hdr_digest);
        assert_eq!(options.host_iface, "ens3".parse().ok());
        let secret = options
            .dhchap_secret
            .as_ref()
            .map(nvmeroot_plan::Secret::expose);
        assert_eq!(secret, Some(SECRET));
        assert_eq!(
            one.host.nqn,
            "nqn.2014-08.org.nvmexpress:uuid:1".parse().ok()
        );
        assert_eq!((one.errors.len(), one.warnings.len()), (0, 0));
    }

    #[test]
    fn a_drop_in_has_the_main_file_s_defaults_and_its_own_host() {
        let main = "[I/O Controller Defaults]\nctrl-loss-tmo = 5\n[Host]\nhostnqn = nqn.main\n";
        let drop_in = "[Subsystem]\nnqn = nqn.a\ncontroller = transport=tcp;traddr=10.0.0.1\n";
        let fragment = fabrics_conf(Some(file("main", main)), &[file("d/a.conf", drop_in)]);
        assert_eq!(fragment.ports[0].options.ctrl_loss_tmo, Some(5));
        assert_eq!(fragment.ports[0].host, HostSelector::default());
    }

    #[test]
    fn what_can_t_be_carried_out_counts_at_its_portal_alone() {
        let fragment = conf(
            "[Subsystem]\nnqn = nqn.a\ntls = yes\nfoo = 1\nctrl-loss-tmo = ten\ncontroller = transport=tcp;traddr=10.0.0.1\ncontroller = transport=tcp;traddr=x\n[Sub]\n",
        );
        let messages = |all: &[Warning]| -> Vec<String> {
            all.iter().map(|one| one.message.clone()).collect()
        };
        assert_eq!(
            messages(&fragment.ports[0].errors),
            [
                "`tls` asks for TLS, which is not carried out yet",
                "`ctrl_loss_tmo` is `ten`; expected seconds, or -1 for ever",
            ]
        );
        assert_eq!(
            messages(&fragment.ports[0].warnings),
            ["`foo` is no key that libnvme knows here"]
        );
        assert_eq!(
            messages(&fragment.warnings),
            [
                "`traddr` is `x`; expected an IPv4 or IPv6 address",
                "libnvme knows no section `Sub`",
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\[(Host|Subsystem|Discovery Controller|I/O Controller Defaults)\\]\n|(nqn|controller|tls|hdr-digest|hostnqn|ctrl-loss-tmo) *=|transport=tcp|;|traddr=10\\.0\\.0\\.1|\n|\\PC){0,50}") {
            fabrics_conf(Some(file("a", &text)), &[file("b", &text)]);
        }
    }
}
