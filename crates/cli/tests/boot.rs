//! `plan` with what only the boot knows: a table of the firmware's, a kernel command line.

mod common;

use common::{nvmeroot, run, work, write};
use nvmeroot_nbft::{Hfi, Host, Subsystem, Table};

/// All of it remote; no network is said.
const CURTIN: &str = "\
storage:
  version: 2
  config:
    - {id: portal, type: nvme_controller, transport: tcp, tcp_addr: 192.0.2.10, tcp_port: 4420}
    - {id: disk-root, type: disk, serial: Rroot, ptable: gpt, nvme_controller: portal}
    - {id: part-root, type: partition, device: disk-root, size: 8G, number: 1}
    - {id: fs-root, type: format, volume: part-root, fstype: ext4}
    - {id: mount-root, type: mount, device: fs-root, path: /, options: 'defaults,_netdev'}
";

fn table() -> Vec<u8> {
    let address = |text: &str| text.parse().expect("an address");
    let mut card = Hfi::new(1, [0x52, 0x54, 0, 0, 0, 1], address("198.51.100.2"), 24);
    card.gateway = nvmeroot_nbft::Address::from(std::net::IpAddr::from([198, 51, 100, 254]));
    let drive = Subsystem::new(
        1,
        1,
        address("203.0.113.1"),
        4420,
        "nqn.2024-01.example:root",
    );
    let table = Table {
        hfis: vec![card],
        subsystems: vec![drive],
        ..Table::new(Host::new("nqn.2024-01.example:host", [7; 16]))
    };
    table.to_bytes().expect("a table")
}

/// What `plan` says with these arguments more: its text, and beside it.
fn plan(more: &str) -> (String, String) {
    let work = work();
    write(&work.path().join("curtin.yaml"), CURTIN.as_bytes(), 0o644);
    write(&work.path().join("NBFT"), &table(), 0o644);
    let output = run(nvmeroot()
        .current_dir(work.path())
        .args(["plan", "--curtin", "curtin.yaml"])
        .args(more.split_whitespace()));
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    (output.stdout, output.stderr)
}

#[test]
fn what_comes_from_the_firmware_s_table_is_said() {
    let (text, said) = plan("");
    assert!(
        text.contains("the firmware connects first; its table (NBFT) says at each boot which network and drive it is\n"),
        "{text}"
    );
    assert_eq!(said, "", "nothing is amiss: the table has the network");
}

#[test]
fn with_a_table_the_plan_is_that_boot_s() {
    let (text, said) = plan("--nbft NBFT");
    for line in [
        "\nhost\n  nqn nqn.2024-01.example:host\n",
        "203.0.113.1:4420 over tcp\n    subsystem nqn.2024-01.example:root\n    through nbft1: ",
        "find the card of nbft1 with MAC address 52:54:00:00:00:01",
        "add the address 198.51.100.2/24 to nbft1",
        "NBFT `HFI 1`",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("192.0.2.10:4420 over tcp"), "{text}");
    assert!(
        said.contains("note: this host is `nqn.2024-01.example:host`"),
        "{said}"
    );
    assert!(
        said.contains(
            "warning: the controller at `192.0.2.10:4420` of the installed plan does not count"
        ),
        "{said}"
    );
}

#[test]
fn a_command_line_is_tried_without_a_boot() {
    let (text, said) = plan("--nbft NBFT --cmdline rd.nvmf.nonbft");
    let note = "note: the firmware's tables don't count, by the kernel command line\n";
    let without = plan("");
    assert_eq!((text, said), (without.0, note.to_owned() + &without.1));
    let (text, said) = plan("--cmdline ip=ens3:dhcp");
    assert_eq!(said, "");
    assert!(text.contains("ask for a lease on ens3 by DHCPv4"), "{text}");
    let (_, said) = plan("--cmdline vlan=x");
    assert!(
        said.contains("expected two names: `vlan=NAME:CARD`"),
        "{said}"
    );
    let (_, said) = plan("--cmdline nvmeroot.dedline=9");
    let warning = "warning: `nvmeroot.dedline` is no option of nvmeroot\n  --> kernel command line\n\
                   hint: correct the word: the agent passes it over\n";
    assert!(said.starts_with(warning), "{said}");
    let (_, said) = plan("--cmdline nvmeroot=off");
    let note = "note: the agent does nothing at such a boot, by `nvmeroot=off`\n";
    assert!(said.starts_with(note), "{said}");
}

/// Which of this machine's cards the table means, the installed network may say by a name.
#[test]
fn the_cards_of_this_machine_are_known_by_their_names() {
    let work = work();
    let netplan = "\
network:
  version: 2
  ethernets:
    storage:
      match: {driver: virtio_net}
      addresses: [192.0.2.20/24]
      mtu: 9000
";
    let curtin = format!(
        "{CURTIN}write_files:\n  network:\n    path: etc/netplan/50-storage.yaml\n    content: |\n{}",
        netplan
            .lines()
            .map(|line| format!("      {line}\n"))
            .collect::<String>()
    );
    write(&work.path().join("curtin.yaml"), curtin.as_bytes(), 0o644);
    write(&work.path().join("NBFT"), &table(), 0o644);
    let card = work.path().join("machine/sys/class/net/ens3");
    for (file, text) in [
        // That of the bond which has it now.
        ("address", "52:54:00:00:00:99\n"),
        ("bonding_slave/perm_hwaddr", "52:54:00:00:00:01\n"),
        ("type", "1\n"),
        ("device/uevent", "DRIVER=virtio_net\n"),
    ] {
        let path = card.join(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        write(&path, text.as_bytes(), 0o644);
    }
    // The module `bonding` has the one there; the other can't be read.
    let links = work.path().join("machine/sys/class/net");
    write(&links.join("bonding_masters"), b"bond0\n", 0o644);
    for directory in ["wlan9/device", "wlan9/type"] {
        std::fs::create_dir_all(links.join(directory)).expect("a directory");
    }
    let line = "plan --curtin curtin.yaml --machine machine --nbft NBFT";
    let output = run(nvmeroot()
        .current_dir(work.path())
        .args(line.split_whitespace()));
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(
        output.stdout.contains("through storage: "),
        "{}",
        output.stdout
    );
    assert!(!output.stdout.contains("nbft1"), "{}", output.stdout);
    let text =
        "note: `storage`: NBFT `HFI 1` counts (198.51.100.2/24, default by 198.51.100.254), not ";
    assert!(output.stderr.contains(text), "{}", output.stderr);
}
