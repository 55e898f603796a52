//! What the values of a boot table are called, for people and for programs.

use nvmeroot_nbft::{Diagnostics, Hfi, HfiFlags};

/// What the diagnostics say, in words; a code without a name as a number.
pub(crate) fn reasons(why: &Diagnostics) -> Vec<String> {
    let known = [
        ("availability", why.availability, why.availability_text()),
        ("connect", why.connect, why.connect_text()),
        ("network", why.network, why.network_text()),
    ];
    let mut words: Vec<String> = known
        .into_iter()
        .filter(|(_, code, _)| *code != 0)
        .map(|(what, code, text)| {
            text.map_or_else(|| format!("{what} code {code:#04x}"), str::to_owned)
        })
        .collect();
    if !words.is_empty() {
        let waited = why.timeout_seconds().filter(|seconds| *seconds != 0);
        words.extend(waited.map(|seconds| format!("after {seconds} s")));
    }
    words
}

/// How the firmware got a card's address.
pub(crate) fn origin_word(hfi: &Hfi) -> &'static str {
    if hfi.is_dhcp() {
        "DHCP"
    } else if hfi.flags.contains(HfiFlags::AUTOCONFIGURED) {
        "autoconfiguration"
    } else {
        "static"
    }
}

/// Hash functions of DH-HMAC-CHAP (`NVME_AUTH_HASH_*` in the kernel's
/// `include/linux/nvme.h`).
pub(crate) fn hash_name(number: u8) -> String {
    match number {
        1 => "SHA-256".to_owned(),
        2 => "SHA-384".to_owned(),
        3 => "SHA-512".to_owned(),
        other => other.to_string(),
    }
}

/// Its Diffie-Hellman groups (`NVME_AUTH_DHGROUP_*`, same file).
pub(crate) fn group_name(number: u8) -> String {
    match number {
        0 => "none".to_owned(),
        1 => "2048 bits".to_owned(),
        2 => "3072 bits".to_owned(),
        3 => "4096 bits".to_owned(),
        4 => "6144 bits".to_owned(),
        5 => "8192 bits".to_owned(),
        other => other.to_string(),
    }
}
