//! Beside the real systemd-networkd: the identity, for the same machine id,
//! link and udev record, as dnsmasq notes it of either; and what networkd makes
//! of what a boot leaves behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nvmeroot_agent::net::dhcp::{Identity, udev_name};

use crate::boot::interface;
use crate::client::{MACHINE_ID, NEVER};
use crate::net::{MAC, Net, skip, skip_for};

const NETWORKD: &str = "/lib/systemd/systemd-networkd";
/// With a private `/run` and machine id; without udev, networkd wants a
/// read-only `/sys`, as in a container.
const SCRIPT: &str = r#"
set -e
files=$1 index=$2
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/udev/data
printf '[Match]\nName=c\n[Network]\nDHCP=ipv4\n' > /run/systemd/network/10-c.network
mount --bind "$files/machine-id" /etc/machine-id
if test -e "$files/record"; then
    : > /run/udev/control
    cp "$files/record" "/run/udev/data/n$index"
    printf 'I:1\nV:1\n' > /run/udev/data/n1
else
    mount -o remount,ro /sys
fi
chown -R systemd-network /run/systemd/netif || true
exec "$3"
"#;

/// The client identifier that dnsmasq notes of networkd.
fn networkds(record: Option<&str>) -> String {
    let mut net = Net::up();
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.59,120"]);
    let files = net.path("");
    fs::write(files.join("machine-id"), format!("{MACHINE_ID}\n")).expect("it works");
    if let Some(record) = record {
        fs::write(files.join("record"), record).expect("it works");
    }
    let mut daemon = Command::new("ip")
        .args([
            "netns", "exec", &net.host, "unshare", "-m", "sh", "-c", SCRIPT, "sh",
        ])
        .arg(&files)
        .arg(net.link().index.to_string())
        .arg(NETWORKD)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(files.join("networkd")).expect("a file"))
        .spawn()
        .expect("it works");
    let leases = files.join("leases");
    let mut id = None;
    for _ in 0..NEVER.as_millis() / 20 {
        let text = fs::read_to_string(&leases).unwrap_or_default();
        let line = text.lines().find(|l| l.contains(&MAC.to_string()));
        id = line
            .and_then(|l| l.split(' ').nth(4))
            .map(ToOwned::to_owned);
        if id.is_some() || daemon.try_wait().expect("a child").is_some() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = daemon.kill();
    let _ = daemon.wait();
    id.unwrap_or_else(|| {
        let text = fs::read_to_string(files.join("networkd"));
        panic!("no lease for networkd: {}", text.unwrap_or_default())
    })
}

fn ours(record: Option<&str>) -> String {
    let name = record.and_then(udev_name);
    let identity = Identity::new(MACHINE_ID.parse().ok(), name, MAC, false);
    format!("{:?}", identity.client_id.expect("an identifier"))
}

#[test]
fn networkd_identifies_as_we_do() {
    if skip("networkd_identifies_as_we_do") {
        return;
    }
    if skip_for("networkd_identifies_as_we_do", missing()) {
        return;
    }
    assert_eq!(ours(None), networkds(None));
    let record = "I:1234567\nE:ID_NET_NAME_MAC=enx020000000007\nE:ID_NET_NAME_PATH=enp0s3\n\
                  E:ID_NET_NAME_SLOT=ens3\nG:systemd\nV:1\n";
    assert_eq!(ours(Some(record)), networkds(Some(record)));
}

fn missing() -> Option<String> {
    (!Path::new(NETWORKD).exists()).then(|| format!("no {NETWORKD}"))
}

/// The running system's network program on the host's side, with a private
/// `/run`, for so long that two advertisements come.
const TAKEOVER: &str = "
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases
printf '[Match]\\nName=c\\n[Network]\\nKeepConfiguration=yes\\nIPv6AcceptRA=yes\\nLinkLocalAddressing=ipv6\\n' \
    >/run/systemd/network/10-c.network
chown -R systemd-network /run/systemd/netif
mount -o remount,ro /sys
exec timeout 8 /lib/systemd/systemd-networkd
";

#[test]
fn what_routers_brought_lasts_till_the_running_system_takes_over() {
    let test = "what_routers_brought_lasts_till_the_running_system_takes_over";
    if skip(test) {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.on_target("address add fd77::1/128 dev lo");
    net.listen("[fd77::1]:4420");
    // Advertised every four seconds, good for twelve.
    net.serve(&[
        "--enable-ra",
        "--ra-param=s,4,12",
        "--dhcp-range=fd09::,ra-only,64,2h",
    ]);
    net.root_with_client();
    net.boot_well(interface(|i| i.accept_ra = Some(true)), "fd77::1");
    let addresses = || net.show("-6 -o address show dev c scope global");
    let routes = || net.show("-6 route show");
    let (address, left) = (addresses(), routes());
    assert!(!left.contains("default"), "{left}");
    assert!(
        address.contains("valid_lft forever preferred_lft forever"),
        "{address}"
    );
    let own = left
        .lines()
        .find(|l| l.starts_with("fd77::1 "))
        .unwrap_or_default();
    assert!(
        own.contains("proto ra metric 100") && own.contains("expires 1"),
        "{left}"
    );
    if skip_for(test, missing()) {
        return;
    }
    let ran = Command::new("ip")
        .args([
            "netns", "exec", &net.host, "unshare", "-m", "sh", "-c", TAKEOVER,
        ])
        .stderr(Stdio::null())
        .status();
    assert_eq!(
        ran.expect("`ip` runs").code(),
        Some(124),
        "networkd ended by itself"
    );
    let (address, left) = (addresses(), routes());
    assert_eq!(address.lines().count(), 1, "{address}");
    let defaults = left.lines().filter(|l| l.starts_with("default")).count();
    assert_eq!(defaults, 1, "{left}");
    assert!(left.contains("fd77::1 "), "{left}");
    eprintln!("{address}{left}");
}
