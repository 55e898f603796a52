//! Connect options as text, named as the kernel names them.

use std::net::IpAddr;
use std::str::FromStr;

use nvmeroot_plan::ConnectOptions;

use crate::yaml::pyyaml::Excerpt;

/// The names that [`set`] knows.
pub(super) const NAMES: [&str; 15] = [
    "host_iface",
    "host_traddr",
    "ctrl_loss_tmo",
    "reconnect_delay",
    "fast_io_fail_tmo",
    "keep_alive_tmo",
    "nr_io_queues",
    "nr_write_queues",
    "nr_poll_queues",
    "queue_size",
    "hdr_digest",
    "data_digest",
    "tos",
    "dhchap_secret",
    "dhchap_ctrl_secret",
];

/// Sets the option `name`, one of [`NAMES`]; others are left alone.
///
/// # Errors
/// What is wrong with the value. A secret is not shown.
pub(super) fn set(options: &mut ConnectOptions, name: &str, value: &str) -> Result<(), String> {
    const SECONDS: &str = "a whole number of seconds";
    const OR_NEVER: &str = "seconds, or -1 for ever";
    const COUNT: &str = "a whole number";
    let seconds_or_never = || match number::<i32>(name, value, OR_NEVER) {
        Ok(Some(seconds)) if seconds < -1 => Err(misfit(name, value, OR_NEVER)),
        other => other,
    };
    match name {
        "host_iface" => options.host_iface = parsed(value)?,
        "host_traddr" => {
            let address = value.parse::<IpAddr>();
            let address = address.map_err(|_| misfit(name, value, "an IPv4 or IPv6 address"))?;
            options.host_traddr = Some(address);
        }
        "ctrl_loss_tmo" => options.ctrl_loss_tmo = seconds_or_never()?,
        "fast_io_fail_tmo" => options.fast_io_fail_tmo = seconds_or_never()?,
        "reconnect_delay" => options.reconnect_delay = number(name, value, SECONDS)?,
        "keep_alive_tmo" => options.keep_alive_tmo = number(name, value, SECONDS)?,
        "nr_io_queues" => options.nr_io_queues = number(name, value, COUNT)?,
        "nr_write_queues" => options.nr_write_queues = number(name, value, COUNT)?,
        "nr_poll_queues" => options.nr_poll_queues = number(name, value, COUNT)?,
        "queue_size" => options.queue_size = number(name, value, COUNT)?,
        "hdr_digest" => options.hdr_digest = switch(name, value)?,
        "data_digest" => options.data_digest = switch(name, value)?,
        // libnvme's default, by which it leaves the option out.
        "tos" if value == "-1" => options.tos = None,
        "tos" => options.tos = number(name, value, "a whole number from 0 to 255")?,
        "dhchap_secret" => options.dhchap_secret = parsed(value)?,
        "dhchap_ctrl_secret" => options.dhchap_ctrl_secret = parsed(value)?,
        _ => {}
    }
    Ok(())
}

/// What a switch says.
///
/// # Errors
/// It is neither `true` nor `false`.
pub(super) fn switch(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(misfit(name, value, "`true` or `false`")),
    }
}

pub(super) fn misfit(name: &str, value: &str, expected: &str) -> String {
    format!("`{name}` is `{}`; expected {expected}", Excerpt(value))
}

fn number<T: FromStr>(name: &str, value: &str, expected: &str) -> Result<Option<T>, String> {
    let number = value.parse().map_err(|_| misfit(name, value, expected))?;
    Ok(Some(number))
}

/// The type says what is wrong; one that holds a secret does not show it.
fn parsed<T: FromStr>(value: &str) -> Result<Option<T>, String>
where
    T::Err: std::fmt::Display,
{
    value.parse().map(Some).map_err(|e: T::Err| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    #[test]
    fn every_name_sets_an_option() {
        for name in NAMES {
            let value = match name {
                "host_iface" => "eth0",
                "host_traddr" => "192.0.2.2",
                "hdr_digest" | "data_digest" => "true",
                "dhchap_secret" | "dhchap_ctrl_secret" => SECRET,
                _ => "7",
            };
            let mut options = ConnectOptions::default();
            set(&mut options, name, value).expect("a value");
            assert_ne!(options, ConnectOptions::default(), "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said_and_a_secret_is_not_shown() {
        for (name, value, why) in [
            (
                "queue_size",
                "-1",
                "`queue_size` is `-1`; expected a whole number",
            ),
            (
                "ctrl_loss_tmo",
                "-2",
                "`ctrl_loss_tmo` is `-2`; expected seconds, or -1 for ever",
            ),
            (
                "tos",
                "256",
                "`tos` is `256`; expected a whole number from 0 to 255",
            ),
            (
                "hdr_digest",
                "1",
                "`hdr_digest` is `1`; expected `true` or `false`",
            ),
            (
                "host_traddr",
                "eth0",
                "`host_traddr` is `eth0`; expected an IPv4 or IPv6 address",
            ),
            ("host_iface", "", "`` is no interface name: it is empty"),
            (
                "dhchap_secret",
                &SECRET[..20],
                "this is no secret of DH-HMAC-CHAP: it does not end with a colon",
            ),
        ] {
            let mut options = ConnectOptions::default();
            assert_eq!(set(&mut options, name, value), Err(why.to_owned()));
            assert_eq!(options, ConnectOptions::default());
        }
    }
}
