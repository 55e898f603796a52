//! What several files say of portals, as text.

use nvmeroot_plan::{
    ConnectOption, ConnectOptions, HostSelector, NameError, OptionError, Origin, PortSettings,
    Warning,
};

use crate::diagnostic::Excerpt;
use crate::native::ini::boolean;

/// Sets an option.
///
/// # Errors
/// What is wrong with the value. A secret is not shown.
pub(super) fn set(
    options: &mut ConnectOptions,
    option: &ConnectOption,
    value: &str,
) -> Result<(), String> {
    // libnvme's default, by which it leaves the option out.
    if option.name == "tos" && value == "-1" {
        options.tos = None;
        return Ok(());
    }
    option.set(options, value).map_err(|error| match error {
        OptionError::Misfit { expected } => misfit(option.name, value, expected),
        other => other.to_string(),
    })
}

pub(super) fn misfit(name: &str, value: &str, expected: &str) -> String {
    format!("`{name}` is `{}`; expected {expected}", Excerpt(value))
}

/// The settings of a portal, of which nothing is said yet.
///
/// # Errors
/// What is wrong with the address or the port.
pub(super) fn portal(address: &str, port: &str, origin: Origin) -> Result<PortSettings, String> {
    let traddr = address.parse();
    let traddr = traddr.map_err(|_| misfit("traddr", address, "an IPv4 or IPv6 address"))?;
    let trsvcid = port.parse().map_err(|error: NameError| error.to_string())?;
    Ok(PortSettings::new(traddr, trsvcid, origin))
}

/// The host that something is said for.
pub(super) fn host(nqn: Option<&str>, id: Option<&str>) -> Result<HostSelector, NameError> {
    Ok(HostSelector {
        nqn: nqn.map(str::parse).transpose()?,
        id: id.map(str::parse).transpose()?,
    })
}

/// What is said beside the options, as far as it asks for what can't be carried out.
pub(super) fn beside(settings: &mut PortSettings, key: &str, value: &str, origin: &Origin) {
    let on = boolean(value);
    match key.replace('-', "_").as_str() {
        "tls" | "concat" | "tls_key" if !value.is_empty() && on != Some(false) => {
            tls(settings, key, origin);
        }
        "duplicate_connect" | "disable_sqflow" if on == Some(true) => {
            let message = format!("`{key}` is not carried out in the initramfs");
            settings.warnings.push(Warning::at(origin.clone(), message));
        }
        _ => {}
    }
}

/// `key` asks for TLS.
pub(super) fn tls(settings: &mut PortSettings, key: &str, origin: &Origin) {
    let message = format!("`{key}` asks for TLS, which is not carried out yet");
    let warning = Warning::at(origin.clone(), message);
    settings
        .errors
        .push(warning.with_hint("let root's controller be reached without TLS"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_names_the_option_the_value_and_what_was_expected() {
        let mut options = ConnectOptions::default();
        let tos = ConnectOption::named("tos").expect("an option");
        assert_eq!(
            set(&mut options, tos, "256"),
            Err("`tos` is `256`; expected a whole number from 0 to 255".to_owned())
        );
        assert_eq!(set(&mut options, tos, "7"), Ok(()));
        assert_eq!(set(&mut options, tos, "-1"), Ok(()));
        assert_eq!(options, ConnectOptions::default());
    }
}
