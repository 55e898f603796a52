//! Configurations that the program is measured with.

use std::fmt::Write as _;

/// What an installer leaves: root behind one controller, one card.
pub(super) const ORDINARY: &str = "\
storage:
  version: 1
  config:
  - {id: c0, type: nvme_controller, transport: tcp, tcp_addr: 192.0.2.1, tcp_port: 4420}
  - {id: disk0, type: disk, nvme_controller: c0, ptable: gpt}
  - {id: part0, type: partition, device: disk0, number: 1, size: 10G}
  - {id: fs0, type: format, fstype: ext4, volume: part0}
  - {id: root, type: mount, path: /, device: fs0, options: 'defaults,_netdev'}
  - {id: disk1, type: disk, path: /dev/vda, ptable: gpt}
  - {id: part1, type: partition, device: disk1, number: 1, size: 1G}
  - {id: fs1, type: format, fstype: ext4, volume: part1}
  - {id: boot, type: mount, path: /boot, device: fs1}
write_files:
  etc_netplan_installer:
    path: etc/netplan/00-installer-config.yaml
    permissions: '0600'
    content: |
      # This is the network config written by 'subiquity'
      network:
        ethernets:
          ens3:
            addresses: [192.0.2.10/24]
            nameservers: {addresses: [192.0.2.1], search: []}
            routes:
            - {to: default, via: 192.0.2.1}
        version: 2
";

/// A storage configuration of about `actions` actions: disks behind one
/// controller, each with a partition, a filesystem and a mount. Short ones: a
/// hundred thousand of them stay below the most values that are read.
pub(super) fn storage_of(actions: usize) -> String {
    let mut text = String::from(
        "storage:\n  version: 1\n  config:\n  - {id: c, type: nvme_controller, transport: tcp, tcp_addr: 192.0.2.1, tcp_port: 4420}\n",
    );
    for n in 0..actions / 4 {
        let _ = write!(
            text,
            "  - id: d{n}\n    type: disk\n    serial: SERIAL{n}\n    nvme_controller: c\n\
             \x20 - id: p{n}\n    type: partition\n    device: d{n}\n    number: 1\n    size: 10G\n\
             \x20 - id: f{n}\n    type: format\n    fstype: ext4\n    volume: p{n}\n\
             \x20 - id: m{n}\n    type: mount\n    path: /srv/{n}\n    device: f{n}\n"
        );
    }
    text
}

/// [`ORDINARY`] with so many interfaces, each with an address and a route.
pub(super) fn network_of(interfaces: usize) -> String {
    let mut text = ORDINARY.replace("        version: 2\n", "");
    for n in 1..interfaces {
        let (high, low) = (n / 256, n % 256);
        let _ = write!(
            text,
            "          e{n}:\n            addresses: [10.{high}.{low}.2/24]\n            routes:\n\
             \x20           - {{to: 172.{}.{low}.0/24, via: 10.{high}.{low}.1}}\n",
            16 + high % 16
        );
    }
    text.push_str("        version: 2\n");
    text
}

/// As many interfaces in fives: two cards, a bond of both, and two VLANs on it,
/// each with an address, a table of its own and a rule that leads there.
pub(super) fn links_of(interfaces: usize) -> String {
    let mut sections = [const { String::new() }; 3];
    let [cards, bonds, vlans] = &mut sections;
    for n in 0..interfaces / 5 {
        let _ = write!(
            cards,
            "          a{n}: {{mtu: 9000}}\n          b{n}: {{mtu: 9000}}\n"
        );
        let _ = writeln!(
            bonds,
            "          bond{n}: {{mtu: 9000, interfaces: [a{n}, b{n}], parameters: {{mode: 802.3ad, mii-monitor-interval: 100}}}}"
        );
        let (high, low) = (n / 256, n % 256);
        for (id, net) in [(2, 10), (3, 11)] {
            let table = 1_000 + n;
            let _ = write!(
                vlans,
                "          bond{n}.{id}:\n            id: {id}\n            link: bond{n}\n\
                 \x20           addresses: [{net}.{high}.{low}.2/24]\n            routes:\n\
                 \x20           - {{to: default, via: {net}.{high}.{low}.1, table: {table}}}\n            routing-policy:\n\
                 \x20           - {{from: {net}.{high}.{low}.2, table: {table}}}\n"
            );
        }
    }
    let [cards, bonds, vlans] = sections;
    let own = format!(
        "          ens3:\n{}{cards}        bonds:\n{bonds}        vlans:\n{vlans}        version: 2\n",
        "            addresses: [192.0.2.10/24]\n"
    );
    let (before, _) = ORDINARY.split_once("          ens3:\n").unwrap_or_default();
    format!("{before}{own}")
}
