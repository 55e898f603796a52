//! `nvmeroot check --online` asks a real target, and tells apart what may be wrong.

use super::curtin::{Controller, InstallerConfig};
use super::home::nothing_remote;
use super::slim::{SECRET, secretive_target};
use super::static_address::IPV4_NETPLAN;
use super::{Scenario, reports};
use crate::host_spec::{HOST_ID, HOST_NQN, HostSpec, TreeFile};
use crate::target::SUBSYSTEM;

const SCRIPT: &str = include_str!("../../guest/online.sh");

/// A subsystem of the target that has no namespace.
const EMPTY: &str = "nqn.2014-08.org.example.lab:empty";

/// Another host than the one that the target admits.
const OTHER_ID: &str = "11111111-2222-4333-8444-666666666666";
const OTHER_NQN: &str = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-666666666666";

/// Hosts that the target admits after a Diffie-Hellman exchange only, in these groups and
/// with these hashes.
const EXCHANGING: [(Host, &str, &str); 2] = [
    (SHORT, "ffdhe2048", "hmac(sha256)"),
    (LONG, "ffdhe8192", "hmac(sha512)"),
];
const SHORT: Host = (
    "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-000000002048",
    "11111111-2222-4333-8444-000000002048",
);
const LONG: Host = (
    "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-000000008192",
    "11111111-2222-4333-8444-000000008192",
);

/// Its NQN and its identifier.
type Host = (&'static str, &'static str);

/// What is asked, and what the answer is called.
struct Asked {
    /// One word.
    name: &'static str,
    portal: (&'static str, u16),
    subsystem: &'static str,
    host: Host,
    secret: Option<&'static str>,
    /// The finding; `ready` where there is none.
    finding: &'static str,
}

const RIGHT: Asked = Asked {
    name: "right",
    portal: ("10.77.0.1", 4420),
    subsystem: SUBSYSTEM,
    host: (HOST_NQN, HOST_ID),
    secret: Some(SECRET),
    finding: "ready",
};

const ALL: &[Asked] = &[
    RIGHT,
    Asked {
        name: "family",
        // The host has no address of IPv6, and no route.
        portal: ("2001:db8::1", 4420),
        finding: "portal-no-route",
        ..RIGHT
    },
    Asked {
        name: "address",
        portal: ("10.77.0.77", 4420),
        finding: "portal-silent",
        ..RIGHT
    },
    Asked {
        name: "port",
        portal: ("10.77.0.1", 4421),
        finding: "portal-refused",
        ..RIGHT
    },
    Asked {
        name: "service",
        portal: ("10.77.0.1", 80),
        finding: "portal-other",
        ..RIGHT
    },
    Asked {
        name: "nqn",
        subsystem: "nqn.2014-08.org.example.lab:another",
        finding: "nqn-unknown",
        ..RIGHT
    },
    Asked {
        name: "host",
        host: (OTHER_NQN, OTHER_ID),
        finding: "host-refused",
        ..RIGHT
    },
    Asked {
        name: "secret",
        secret: Some(reports::OTHER_SECRET),
        finding: "secret-wrong",
        ..RIGHT
    },
    Asked {
        name: "nosecret",
        secret: None,
        finding: "secret-missing",
        ..RIGHT
    },
    Asked {
        name: "exchange",
        host: SHORT,
        ..RIGHT
    },
    Asked {
        name: "exchangesecret",
        host: SHORT,
        secret: Some(reports::OTHER_SECRET),
        finding: "secret-wrong",
        ..RIGHT
    },
    Asked {
        name: "longexchange",
        host: LONG,
        ..RIGHT
    },
    Asked {
        name: "longexchangesecret",
        host: LONG,
        secret: Some(reports::OTHER_SECRET),
        finding: "secret-wrong",
        ..RIGHT
    },
    Asked {
        name: "namespace",
        subsystem: EMPTY,
        finding: "no-namespace",
        ..RIGHT
    },
];

impl Asked {
    /// The tree that is checked.
    fn files(&self) -> Vec<TreeFile> {
        let place = format!("var/lib/lab-online/{}", self.name);
        let file =
            |path: &str, mode, text: String| TreeFile::new(format!("{place}/{path}"), mode, text);
        let (address, port) = self.portal;
        let (nqn, id) = self.host;
        let secret = self.secret.map_or_else(String::new, |secret| {
            format!(", \"dhchap_key\": \"{secret}\"")
        });
        let portals = format!(
            "[{{\"hostnqn\": \"{nqn}\", \"hostid\": \"{id}\", \"subsystems\": [{{\"nqn\": \"{}\", \
             \"ports\": [{{\"transport\": \"tcp\", \"traddr\": \"{address}\", \
             \"trsvcid\": \"{port}\"{secret}}}]}}]}}]\n",
            self.subsystem
        );
        let config = InstallerConfig {
            controllers: vec![Controller::Tcp(address, port)],
            remote_root: true,
            netplan: Some(IPV4_NETPLAN.to_owned()),
            ..InstallerConfig::default()
        };
        vec![
            file("curtin.yaml", 0o600, config.yaml()),
            file("etc/nvme/hostnqn", 0o644, format!("{nqn}\n")),
            file("etc/nvme/hostid", 0o644, format!("{id}\n")),
            file("etc/nvme/config.json", 0o600, portals),
        ]
    }
}

pub(super) fn all() -> Vec<Scenario> {
    vec![online()]
}

fn online() -> Scenario {
    let base = nothing_remote();
    let units = "etc/systemd/system";
    let mut files = base.host.files;
    files.extend(ALL.iter().flat_map(Asked::files));
    files.extend([
        TreeFile::new("usr/local/lib/lab/online.sh", 0o755, SCRIPT),
        TreeFile::new(
            format!("{units}/lab-online.service"),
            0o644,
            "[Unit]\nAfter=multi-user.target network-online.target\nWants=network-online.target\n\
             [Service]\nType=oneshot\nExecStart=/usr/local/lib/lab/online.sh\n",
        ),
        TreeFile::new(
            format!("{units}/lab-report.service.d/lab.conf"),
            0o644,
            "[Unit]\nWants=lab-online.service\nAfter=lab-online.service\n",
        ),
    ]);
    Scenario {
        name: "check-online",
        title: "`check --online` asks a target, and tells apart what may be wrong",
        host: HostSpec {
            name: "check-online".to_owned(),
            has_nvmeroot: true,
            files,
            ..base.host
        },
        target: Some(secretive_target(SECRET)),
        events: |session| {
            session.start_target()?;
            session.command("mkdir -p /www && httpd -p 80 -h /www")?;
            let nvmet = "/sys/kernel/config/nvmet";
            session.command(&format!(
                "mkdir {nvmet}/subsystems/{EMPTY} && \
                 echo 1 >{nvmet}/subsystems/{EMPTY}/attr_allow_any_host && \
                 ln -s {nvmet}/subsystems/{EMPTY} {nvmet}/ports/1/subsystems/"
            ))?;
            for ((host, _), group, hash) in EXCHANGING {
                session.command(&format!(
                    "mkdir {nvmet}/hosts/{host} && cd {nvmet}/hosts/{host} && \
                     echo {SECRET} >dhchap_key && echo {group} >dhchap_dhgroup && \
                     echo '{hash}' >dhchap_hash && \
                     ln -s {nvmet}/hosts/{host} {nvmet}/subsystems/{SUBSYSTEM}/allowed_hosts/ && \
                     cd /"
                ))?;
            }
            session.start_host()
        },
        check: |outcome, faults| {
            for one in ALL {
                let asked = format!("lab: online {}: ", one.name);
                let mut lines = outcome.console.iter();
                let said = lines.find_map(|line| line.text.split_once(&asked));
                let said = said.map(|(_, said)| said.trim());
                faults.expect(said == Some(one.finding), || {
                    format!("`{}` is {said:?}, not `{}`", one.name, one.finding)
                });
            }
        },
        ..base
    }
}
