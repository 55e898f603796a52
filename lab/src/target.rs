//! The target: a small machine that exports a drive over NVMe/TCP and serves
//! addresses.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::cache::{Cache, Key, write};
use crate::command::Program;
use crate::error::{Context, Result};
use crate::ramdisk;
use crate::tree::{Tree, copy_modules};

const INIT: &str = include_str!("../guest/target-init.sh");
/// Drivers that every kernel has, as modules or built in.
const MODULES: &[&str] = &[
    "virtio_net",
    "virtio_blk",
    "nvmet-tcp",
    // With these three `tc` drops some of the packets that arrive.
    "sch_ingress",
    "cls_u32",
    "act_gact",
    "8021q",
    "bonding",
    "bridge",
    // For a second server beside the first.
    "veth",
];
/// Of kernels before 6.14: for digests (later ones have it without a module).
pub(crate) const OLD_MODULES: &[&str] = &["crc32c_generic"];
const PROGRAMS: &[&str] = &["/usr/bin/busybox", "/usr/sbin/dnsmasq", "/usr/sbin/tc"];

/// The NQN of the subsystem that holds the host's drive.
pub const SUBSYSTEM: &str = "nqn.2014-08.org.example.lab:drive";

/// What it says of each command (`lab/guest/target-init.sh`).
pub(crate) const COMMAND_SUCCEEDED: &str = "lab: command succeeded";
pub(crate) const COMMAND_FAILED: &str = "lab: command failed";

/// The NQN of the subsystem that holds the host's second drive.
pub const SECOND_SUBSYSTEM: &str = "nqn.2014-08.org.example.lab:second";

/// Identifies the namespace across restarts: without it nvmet makes up another
/// one each time, and a host that comes back finds a different drive.
pub(crate) const NAMESPACE_UUID: &str = "5e1f0000-0000-4000-8000-000000000001";
const SECOND_UUID: &str = "5e1f0000-0000-4000-8000-000000000002";

/// What the target offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetSpec {
    /// One network card each, in order.
    pub networks: Vec<TargetNetwork>,
    /// Where the subsystem can be reached.
    pub portals: Vec<Portal>,
    /// Where the subsystem of a second drive can be reached; without a portal there is none.
    pub second: Vec<Portal>,
    /// NQNs of the hosts that may connect; empty lets every host in.
    pub allowed_hosts: Vec<String>,
    /// The DH-HMAC-CHAP secret (`DHHC-1:…`) that the allowed hosts must know.
    pub secret: Option<String>,
    /// The subsystem shows no namespace.
    pub empty: bool,
}

/// One card of the target and what it serves there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetNetwork {
    /// Shell commands once the card, `ethN`, is up: what stands on it, and on
    /// those before it.
    pub setup: String,
    /// What the addresses belong to, if not the card.
    pub device: Option<&'static str>,
    /// The target's own addresses.
    pub addresses: Vec<IpNet>,
    /// DHCPv4: first and last address, and the router to announce.
    pub dhcp4: Option<(Ipv4Addr, Ipv4Addr, Option<Ipv4Addr>)>,
    /// The DHCP server offers an address at once. Else it pings it first and
    /// waits up to 3 s for an answer, as dnsmasq does by itself.
    pub offers_at_once: bool,
    /// DHCPv6: first and last address; router advertisements come with it.
    pub dhcp6: Option<(Ipv6Addr, Ipv6Addr)>,
    /// Router advertisements alone, for the prefix of this address.
    pub advertised: Option<Ipv6Addr>,
    /// Lease time in seconds; dnsmasq allows 120 and more.
    pub lease: u32,
}

impl TargetNetwork {
    fn device(&self, number: usize) -> String {
        self.device
            .map_or_else(|| format!("eth{number}"), str::to_owned)
    }

    /// It sends router advertisements, and is a router.
    fn has_router(&self) -> bool {
        self.dhcp6.is_some() || self.advertised.is_some()
    }
}

/// A transport address of the subsystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portal {
    /// `traddr`.
    pub address: IpAddr,
    /// `trsvcid`.
    pub port: u16,
}

/// The modules of a kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Modules<'a> {
    /// A directory with `lib/modules`.
    pub(crate) root: &'a Path,
    /// The kernel's release.
    pub(crate) release: &'a str,
    /// What it has beside [`MODULES`].
    pub(crate) more: &'a [&'a str],
}

/// The part of the target's initramfs that all scenarios share: programs and
/// drivers, no settings. `key` is that of the tree and the kernel.
pub(crate) fn base_image(
    cache: &Cache,
    tree: &Tree,
    modules: Modules<'_>,
    key: &Key,
) -> Result<PathBuf> {
    let names: Vec<&str> = MODULES.iter().chain(modules.more).copied().collect();
    let words = names.iter().chain(PROGRAMS);
    let key = words.fold(Key::new("target 2").key(key).text(INIT), |key, word| {
        key.text(word)
    });
    let dir = cache.get("target", modules.release, &key, |dir| {
        let stage = dir.join("stage");
        for name in [
            "bin", "sbin", "proc", "sys", "dev", "run", "tmp", "etc", "usr/sbin", "lab",
        ] {
            let path = stage.join(name);
            fs::create_dir_all(&path).context("create", &path)?;
        }
        tree.copy_programs(PROGRAMS, &stage)?;
        let busybox = stage.join("bin/busybox");
        fs::rename(stage.join("usr/bin/busybox"), &busybox).context("move", &busybox)?;
        let to = stage.join("modules");
        copy_modules(modules.root, modules.release, &names, &to)?;
        write(&stage.join("init"), 0o755, INIT)?;
        Program::new("sh")
            .args([
                "-ec",
                "cd \"$1\"; find . | cpio -o -H newc --quiet | zstd -q -3 >\"$2\"",
                "sh",
            ])
            .arg(&stage)
            .arg(dir.join("initrd"))
            .run(&dir.join("log"))?;
        crate::cache::remove(&stage)
    })?;
    Ok(dir.join("initrd"))
}

/// An uncompressed archive with the settings, to follow the base image.
pub(crate) fn settings_archive(spec: &TargetSpec) -> Result<Vec<u8>> {
    ramdisk::archive(&[("lab/setup", 0o644, setup_script(spec).as_bytes())])
}

/// The shell text that makes a booted base image into this target.
fn setup_script(spec: &TargetSpec) -> String {
    let mut script = String::from("set -e\n");
    // Writing to a String can't fail.
    let s = &mut script;
    for (number, network) in spec.networks.iter().enumerate() {
        let _ = writeln!(s, "echo 0 >/proc/sys/net/ipv6/conf/eth{number}/accept_dad");
        let _ = writeln!(s, "ip link set eth{number} up");
        if !network.setup.is_empty() {
            let _ = writeln!(s, "{}", network.setup);
        }
        let device = network.device(number);
        if network.has_router() {
            // Else its neighbour advertisements say that it is none, and whoever gets
            // one takes the default route away again (RFC 4861, section 7.2.5).
            let _ = writeln!(s, "echo 1 >/proc/sys/net/ipv6/conf/{device}/forwarding");
        }
        for address in &network.addresses {
            let _ = writeln!(s, "ip address add {address} dev {device}");
        }
    }
    s.push_str(&nvmet_script(spec));
    s.push_str(&dnsmasq_script(spec));
    s.push_str("set +e\n");
    script
}

/// A subsystem with one drive.
struct Subsystem<'a> {
    nqn: &'static str,
    serial: &'static str,
    device: &'static str,
    uuid: &'static str,
    portals: &'a [Portal],
}

fn nvmet_script(spec: &TargetSpec) -> String {
    let mut script = String::from("cd /sys/kernel/config/nvmet\n");
    let first = Subsystem {
        nqn: SUBSYSTEM,
        serial: "lab0001",
        device: "/dev/vda",
        uuid: NAMESPACE_UUID,
        portals: &spec.portals,
    };
    add_subsystem(&mut script, spec, &first, 1);
    if !spec.second.is_empty() {
        let second = Subsystem {
            nqn: SECOND_SUBSYSTEM,
            serial: "lab0002",
            device: "/dev/vdb",
            uuid: SECOND_UUID,
            portals: &spec.second,
        };
        add_subsystem(&mut script, spec, &second, 1 + spec.portals.len());
    }
    script.push_str("cd /\n");
    script
}

/// Its ports are numbered from `port` on.
fn add_subsystem(s: &mut String, spec: &TargetSpec, one: &Subsystem<'_>, port: usize) {
    let any = u8::from(spec.allowed_hosts.is_empty());
    let enabled = u8::from(!spec.empty);
    let Subsystem {
        nqn,
        serial,
        device,
        uuid,
        portals,
    } = one;
    let _ = writeln!(
        s,
        "mkdir subsystems/{nqn}\n\
         echo {serial} >subsystems/{nqn}/attr_serial\n\
         echo {any} >subsystems/{nqn}/attr_allow_any_host\n\
         ns=subsystems/{nqn}/namespaces/1\n\
         mkdir $ns\n\
         echo {device} >$ns/device_path\n\
         echo {uuid} >$ns/device_uuid\n\
         echo {uuid} >$ns/device_nguid\n\
         echo {enabled} >$ns/enable"
    );
    for host in &spec.allowed_hosts {
        let _ = writeln!(
            s,
            "[ -d hosts/{host} ] || mkdir hosts/{host}\n\
             ln -s /sys/kernel/config/nvmet/hosts/{host} subsystems/{nqn}/allowed_hosts/{host}"
        );
        if let Some(secret) = &spec.secret {
            let _ = writeln!(s, "echo {secret} >hosts/{host}/dhchap_key");
        }
    }
    for (number, portal) in (port..).zip(*portals) {
        let family = if portal.address.is_ipv4() {
            "ipv4"
        } else {
            "ipv6"
        };
        let _ = writeln!(
            s,
            "mkdir ports/{number}\n\
             echo tcp >ports/{number}/addr_trtype\n\
             echo {family} >ports/{number}/addr_adrfam\n\
             echo {} >ports/{number}/addr_traddr\n\
             echo {} >ports/{number}/addr_trsvcid\n\
             ln -s /sys/kernel/config/nvmet/subsystems/{nqn} ports/{number}/subsystems/",
            portal.address, portal.port
        );
    }
}

/// dnsmasq's settings, if any network needs it, and the two functions that
/// start and stop it.
fn dnsmasq_script(spec: &TargetSpec) -> String {
    let mut script = String::from("cat >/etc/dnsmasq.conf <<'END'\nport=0\n");
    let s = &mut script;
    let mut wanted = false;
    for (number, network) in spec.networks.iter().enumerate() {
        let lease = network.lease.max(120);
        let serves =
            network.dhcp4.is_some() || network.dhcp6.is_some() || network.advertised.is_some();
        if serves {
            wanted = true;
            let _ = writeln!(s, "interface={}", network.device(number));
        }
        if network.offers_at_once {
            s.push_str("no-ping\n");
        }
        if let Some((first, last, router)) = network.dhcp4 {
            let _ = writeln!(
                s,
                "dhcp-range=set:n{number},{first},{last},255.255.255.0,{lease}"
            );
            match router {
                Some(router) => {
                    let _ = writeln!(s, "dhcp-option=tag:n{number},option:router,{router}");
                }
                // Without this line dnsmasq announces itself.
                None => {
                    let _ = writeln!(s, "dhcp-option=tag:n{number},option:router");
                }
            }
        }
        if let Some((first, last)) = network.dhcp6 {
            let _ = writeln!(s, "dhcp-range={first},{last},64,{lease}\nenable-ra");
        }
        if let Some(prefix) = network.advertised {
            let _ = writeln!(s, "dhcp-range={prefix},ra-only,64,{lease}\nenable-ra");
        }
    }
    s.push_str(
        "bind-interfaces\ndhcp-leasefile=/run/leases\npid-file=/run/dnsmasq.pid\n\
         log-dhcp\nlog-facility=/dev/console\nEND\n\
         dhcp_start() { dnsmasq -C /etc/dnsmasq.conf; }\n\
         dhcp_stop() { kill \"$(cat /run/dnsmasq.pid)\"; }\n\
         leases() { cat /run/leases; }\n",
    );
    if wanted {
        s.push_str("dhcp_start\n");
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> TargetSpec {
        TargetSpec {
            networks: vec![TargetNetwork {
                addresses: vec!["10.77.0.1/24".parse().unwrap()],
                dhcp4: Some((
                    Ipv4Addr::new(10, 77, 0, 100),
                    Ipv4Addr::new(10, 77, 0, 150),
                    None,
                )),
                offers_at_once: true,
                lease: 1,
                ..TargetNetwork::default()
            }],
            portals: vec![Portal {
                address: "fd77::1".parse().unwrap(),
                port: 4420,
            }],
            ..TargetSpec::default()
        }
    }

    #[test]
    fn script_names_what_was_asked() {
        let script = setup_script(&spec());
        for line in [
            "ip address add 10.77.0.1/24 dev eth0",
            "echo ipv6 >ports/1/addr_adrfam",
            "echo 1 >subsystems/nqn.2014-08.org.example.lab:drive/attr_allow_any_host",
            "no-ping",
            "dhcp-range=set:n0,10.77.0.100,10.77.0.150,255.255.255.0,120",
            "dhcp_start",
        ] {
            assert!(
                script.lines().any(|l| l == line),
                "{line} missing in\n{script}"
            );
        }
    }

    #[test]
    fn a_second_drive_has_a_subsystem_and_ports_of_its_own() {
        let mut spec = spec();
        spec.second = vec![Portal {
            address: "10.78.0.1".parse().unwrap(),
            port: 4420,
        }];
        let script = setup_script(&spec);
        for line in [
            "echo /dev/vdb >$ns/device_path",
            "echo 10.78.0.1 >ports/2/addr_traddr",
            "ln -s /sys/kernel/config/nvmet/subsystems/nqn.2014-08.org.example.lab:second ports/2/subsystems/",
        ] {
            assert!(
                script.lines().any(|l| l == line),
                "{line} missing in\n{script}"
            );
        }
    }

    #[test]
    fn who_advertises_is_a_router() {
        let mut spec = spec();
        let line = "echo 1 >/proc/sys/net/ipv6/conf/eth0/forwarding";
        let forwards = |spec: &TargetSpec| setup_script(spec).lines().any(|l| l == line);
        assert!(!forwards(&spec));
        spec.networks[0].advertised = Some("fd77::".parse().unwrap());
        assert!(forwards(&spec));
    }

    #[test]
    fn without_networks_to_serve_no_server_starts() {
        let mut spec = spec();
        spec.networks[0].dhcp4 = None;
        spec.allowed_hosts = vec!["nqn.x".to_owned()];
        let script = setup_script(&spec);
        assert!(!script.lines().any(|l| l == "dhcp_start"));
        assert!(
            script.contains(
                "echo 0 >subsystems/nqn.2014-08.org.example.lab:drive/attr_allow_any_host"
            )
        );
    }

    #[test]
    fn the_archive_holds_the_script() {
        let archive = settings_archive(&spec()).unwrap();
        assert_eq!(&archive[..6], b"070701");
        let text = String::from_utf8_lossy(&archive);
        assert!(text.contains("lab/setup") && text.contains("TRAILER!!!"));
    }
}
