//! The identity against the real systemd-networkd: the same machine id, link
//! and udev record, and what dnsmasq notes of either.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::net::{MAC, MACHINE_ID, NEVER, Net, skip};
use crate::dhcp::{Identity, udev_name};

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
    let mut net = Net::new();
    net.serve(&["--dhcp-range=10.9.0.50,10.9.0.59,120"]);
    let files = net.files.path();
    fs::write(files.join("machine-id"), format!("{MACHINE_ID}\n")).unwrap();
    if let Some(record) = record {
        fs::write(files.join("record"), record).unwrap();
    }
    let mut daemon = Command::new("ip")
        .args([
            "netns", "exec", &net.ours, "unshare", "-m", "sh", "-c", SCRIPT, "sh",
        ])
        .arg(files)
        .arg(net.link().index.to_string())
        .arg(NETWORKD)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(files.join("networkd")).unwrap())
        .spawn()
        .unwrap();
    let leases = files.join("leases");
    let mut id = None;
    for _ in 0..NEVER.as_millis() / 20 {
        let text = fs::read_to_string(&leases).unwrap_or_default();
        let line = text.lines().find(|l| l.contains(&MAC.to_string()));
        id = line
            .and_then(|l| l.split(' ').nth(4))
            .map(ToOwned::to_owned);
        if id.is_some() || daemon.try_wait().unwrap().is_some() {
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
    format!("{:?}", identity.client_id.unwrap())
}

#[test]
fn networkd_identifies_as_we_do() {
    if skip("networkd_identifies_as_we_do") {
        return;
    }
    if !Path::new(NETWORKD).exists() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "no {NETWORKD}"
        );
        eprintln!("networkd_identifies_as_we_do is skipped: no {NETWORKD}");
        return;
    }
    assert_eq!(ours(None), networkds(None));
    let record = "I:1234567\nE:ID_NET_NAME_MAC=enx020000000007\nE:ID_NET_NAME_PATH=enp0s3\n\
                  E:ID_NET_NAME_SLOT=ens3\nG:systemd\nV:1\n";
    assert_eq!(ours(Some(record)), networkds(Some(record)));
}
