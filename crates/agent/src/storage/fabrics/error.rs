//! Why a controller was not made: from the write's errno, and from what the
//! kernel said in its log meanwhile.
//!
//! The errno alone does not tell a wrong NQN from a host that is not admitted:
//! every NVMe status of the Connect command becomes `EIO`
//! (`nvme_tcp_create_ctrl` in drivers/nvme/host/tcp.c). The kernel log has the
//! reason (`nvmf_log_connect_error` and `nvmf_connect_admin_queue` in
//! drivers/nvme/host/fabrics.c). Connects are serialised by the kernel
//! (`nvmf_dev_mutex`) and by us, so what is said meanwhile is about this one.

use rustix::io::Errno;

use nvmeroot_record::{Failure, FailureKind};

/// Of what the kernel said during a failed connect, the cause.
pub fn from_kernel_log(lines: &[String]) -> Option<(FailureKind, &str)> {
    // The first cause counts: what follows are its consequences.
    lines.iter().find_map(|line| {
        let layer = layer_of(line)?;
        Some((layer, line.as_str()))
    })
}

/// The lines, by what they say anywhere: `nvmf_log_connect_error`,
/// `nvmf_connect_admin_queue` and `nvmf_parse_options` in fabrics.c, `auth.c`,
/// `nvme_tcp_init_connection` in tcp.c, of Linux 5.0 to 6.16. Before 6.0 the
/// statuses 388 (Connect Invalid Host) and 401 (Authentication Required) have
/// no words of their own everywhere.
const SAID: [(FailureKind, &[&str]); 5] = [
    (
        FailureKind::WrongNqn,
        &["Connect Invalid Data Parameter, subsysnqn"],
    ),
    (
        FailureKind::AccessDenied,
        &[
            "is not allowed, hostnqn",
            "Connect Invalid Data Parameter, hostnqn",
            "error wo/DNR bit: 388",
        ],
    ),
    (
        FailureKind::Authentication,
        &[
            "authentication required",
            "authentication setup failed",
            "authentication failed",
            "secure concatenation is not supported",
            "Invalid DH-CHAP",
            ": no key",
            "error wo/DNR bit: 401",
        ],
    ),
    (
        FailureKind::Kernel,
        &[
            "no handler found for transport",
            "unknown parameter or missing value",
            "invalid parameter '",
            "missing parameter '",
            "invalid interface passed",
            "found same hostid",
            "found same hostnqn",
        ],
    ),
    (
        FailureKind::Protocol,
        &[
            "Connect command failed",
            "Connect Invalid Data Parameter",
            "Connect Invalid SQE Parameter",
            "Connect incompatible format",
            "bad type returned",
            "bad pdu length returned",
            "bad pfv returned",
        ],
    ),
];

fn layer_of(line: &str) -> Option<FailureKind> {
    if !line.contains("nvme") {
        return None;
    }
    let says = |words: &&(FailureKind, &[&str])| words.1.iter().any(|text| line.contains(text));
    SAID.iter().find(says).map(|(layer, _)| *layer)
}

/// The target took the connection and refused what it is for.
pub(super) fn refusal(layer: FailureKind, portal: &str, nqn: &str) -> Failure {
    let message = match layer {
        FailureKind::WrongNqn => format!("`{portal}` knows no subsystem `{nqn}`"),
        FailureKind::Authentication => {
            format!("`{portal}` and this host did not authenticate for `{nqn}`")
        }
        _ => format!("`{portal}` does not admit this host to `{nqn}`"),
    };
    Failure::new(layer, message)
}

/// The portal's discovery log can't be read.
pub(super) fn unreadable(portal: &str, what: &str) -> Failure {
    let message = format!("the discovery log of `{portal}` can't be read: {what}");
    Failure::new(FailureKind::Protocol, message)
}

/// The failure that an errno of the write stands for. `portal` is
/// `ADDRESS:PORT`.
pub fn classify(errno: Errno, said: &[String], portal: &str, nqn: &str) -> Failure {
    if let Some((layer, line)) = from_kernel_log(said) {
        let what = || {
            let line = after_device(line);
            format!("`{portal}`, `{nqn}`: the kernel says: {line}")
        };
        return match layer {
            FailureKind::WrongNqn | FailureKind::AccessDenied | FailureKind::Authentication => {
                refusal(layer, portal, nqn)
            }
            _ => Failure::new(layer, what()),
        };
    }
    let at = |layer, what: &str| Failure::new(layer, format!("`{portal}` {what}"));
    match errno {
        Errno::CONNREFUSED => at(FailureKind::Refused, "refused the connection"),
        Errno::HOSTUNREACH => at(
            FailureKind::NoRoute,
            "can't be reached: its host does not answer",
        )
        .with_hint("check that the target or the gateway to it is up and in this network"),
        Errno::NETUNREACH | Errno::ADDRNOTAVAIL | Errno::NETDOWN => at(
            FailureKind::NoRoute,
            "can't be reached: no route leads there",
        ),
        Errno::TIMEDOUT => at(FailureKind::Timeout, "does not answer"),
        // The kernel waits ten seconds for the first answer (`sk_rcvtimeo`).
        Errno::AGAIN => at(
            FailureKind::Timeout,
            "takes connections and does not answer NVMe/TCP",
        )
        .with_hint("check the portal's port, and that the target is not overloaded"),
        Errno::CONNRESET | Errno::PIPE | Errno::PROTO => {
            at(FailureKind::Protocol, "closed the connection")
        }
        Errno::KEYREJECTED | Errno::ACCESS | Errno::NOKEY | Errno::KEYEXPIRED => at(
            FailureKind::Authentication,
            "and this host did not authenticate",
        ),
        Errno::NODEV => at(
            FailureKind::Kernel,
            "is to be reached over an interface that is not there",
        ),
        Errno::INVAL => at(
            FailureKind::Kernel,
            "was refused by the kernel: an option it does not accept",
        ),
        Errno::INTR => at(FailureKind::Protocol, "was given up: interrupted"),
        // Without the kernel log nobody can tell more of an NVMe status.
        Errno::IO => Failure::new(
            FailureKind::AccessDenied,
            format!("`{portal}` refused to connect `{nqn}`"),
        )
        .with_hint(
            "check the subsystem NQN, the allowed hosts and the DH-HMAC-CHAP secrets on the target",
        ),
        other => Failure::new(
            FailureKind::Protocol,
            format!("`{portal}`, `{nqn}`: {other}"),
        ),
    }
}

/// The line without the device's name, which is gone by now, and without
/// secrets: the kernel repeats the options that it does not take.
fn after_device(line: &str) -> &str {
    let text = line.split_once(": ").map_or(line, |(_, rest)| rest);
    if text.contains("DHHC-1") || text.contains("dhchap") {
        "an option about secrets that it does not take"
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(errno: Errno, said: &[&str]) -> FailureKind {
        let said: Vec<String> = said.iter().map(ToString::to_string).collect();
        classify(errno, &said, "192.0.2.1:4420", "nqn.2024-01.a:b").kind
    }

    #[test]
    fn the_kernel_log_tells_what_the_errno_does_not() {
        for (said, expected) in [
            (
                "nvme nvme0: Connect Invalid Data Parameter, subsysnqn \"nqn.2024-01.a:b\"",
                FailureKind::WrongNqn,
            ),
            (
                "nvme nvme0: Connect for subsystem nqn.2024-01.a:b is not allowed, hostnqn: nqn.x",
                FailureKind::AccessDenied,
            ),
            (
                "nvme nvme0: qid 0: authentication failed, error -129",
                FailureKind::Authentication,
            ),
            (
                "nvme nvme0: qid 0: authentication failed",
                FailureKind::Authentication,
            ),
            (
                "nvme nvme0: qid 0: authentication setup failed",
                FailureKind::Authentication,
            ),
            ("nvme nvme0: qid 0: no key", FailureKind::Authentication),
            (
                "nvme nvme0: qid 1: controller authentication failed",
                FailureKind::Authentication,
            ),
            (
                "nvme nvme0: Connect command failed: authentication required",
                FailureKind::Authentication,
            ),
            (
                "nvme nvme0: Connect command failed, error wo/DNR bit: 401",
                FailureKind::Authentication,
            ),
            (
                "nvme nvme0: Connect command failed, error wo/DNR bit: 388",
                FailureKind::AccessDenied,
            ),
            (
                "nvme nvme0: Connect Invalid Data Parameter, hostnqn \"nqn.x\"",
                FailureKind::AccessDenied,
            ),
            (
                "nvme nvme0: Connect command failed: controller is busy or not available",
                FailureKind::Protocol,
            ),
            (
                "nvme nvme0: Connect command failed: host path error",
                FailureKind::Protocol,
            ),
            (
                "nvme nvme0: Connect Invalid Data Parameter, cntlid: 7",
                FailureKind::Protocol,
            ),
            (
                "nvme nvme0: queue 0: bad type returned 83",
                FailureKind::Protocol,
            ),
            (
                "nvme_fabrics: found same hostid 1-2 but different hostnqn nqn.x",
                FailureKind::Kernel,
            ),
            (
                "nvme_fabrics: no handler found for transport tcp",
                FailureKind::Kernel,
            ),
        ] {
            assert_eq!(layer(Errno::IO, &[said]), expected, "{said}");
        }
        // Other talk does not count, and the first cause does.
        assert_eq!(
            layer(
                Errno::IO,
                &[
                    "e1000e: authentication failed",
                    "nvme nvme0: qid 0: authentication setup failed",
                    "nvme nvme0: Connect command failed, error wo/DNR bit: 401",
                ]
            ),
            FailureKind::Authentication
        );
    }

    #[test]
    fn no_secret_is_repeated() {
        let secret = "DHHC-1:00:c2VjcmV0:";
        for said in [
            format!(
                "nvme_fabrics: unknown parameter or missing value 'dhchap_secret={secret}' in ctrl creation request"
            ),
            format!("nvme_fabrics: Invalid DH-CHAP secret {secret}"),
        ] {
            let failure = classify(Errno::INVAL, &[said], "192.0.2.1:4420", "nqn.2024-01.a:b");
            assert!(!failure.to_string().contains("DHHC"), "{failure}");
        }
    }

    #[test]
    fn an_errno_has_its_layer() {
        for (errno, expected) in [
            (Errno::CONNREFUSED, FailureKind::Refused),
            (Errno::HOSTUNREACH, FailureKind::NoRoute),
            (Errno::NETUNREACH, FailureKind::NoRoute),
            (Errno::TIMEDOUT, FailureKind::Timeout),
            (Errno::AGAIN, FailureKind::Timeout),
            (Errno::CONNRESET, FailureKind::Protocol),
            (Errno::KEYREJECTED, FailureKind::Authentication),
            (Errno::NOKEY, FailureKind::Authentication),
            (Errno::INVAL, FailureKind::Kernel),
            (Errno::IO, FailureKind::AccessDenied),
        ] {
            assert_eq!(layer(errno, &[]), expected);
        }
    }
}
