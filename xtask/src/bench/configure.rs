//! The program itself: how long `configure` and `plan` take.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Section;
use super::measure::table;
use crate::lab::build_program;

/// `configure` of an ordinary configuration, whole process.
const CONFIGURE_LIMIT: Duration = Duration::from_millis(5);
/// `plan` of 10,000 storage actions, whole process.
const PLAN_LIMIT: Duration = Duration::from_millis(100);
/// `plan` of a netplan of 5,000 interfaces, whole process.
const NETWORK_LIMIT: Duration = Duration::from_millis(200);
/// What is linear takes at most this many times as long for twice the input, on
/// a busy machine too; what is quadratic takes four times.
const LINEAR: f64 = 3.0;

pub(super) fn section(runs: usize) -> Result<Section> {
    let program = build_program()?;
    let scratch = tempfile::tempdir()?;
    let mut rows = Vec::new();
    let mut unmet = Vec::new();
    let mut growths = Vec::new();
    let mut add = |command: &str, input: &str, times: &[Duration], limit: Duration| {
        rows.push(row(command, input, times, limit));
        let median = times[times.len() / 2];
        if median > limit {
            unmet.push(format!("{command} of {input}: {}", shown(median)));
        }
    };
    let configure = configure(&program, scratch.path(), runs)?;
    add(
        "configure",
        "an ordinary configuration",
        &configure,
        CONFIGURE_LIMIT,
    );
    for actions in [1_000, 2_500, 5_000, 10_000] {
        let file = scratch.path().join(format!("{actions}.yaml"));
        std::fs::write(&file, storage_of(actions))?;
        let times = times(runs.min(20), || {
            let mut command = Command::new(&program);
            command
                .args(["plan", "--format", "json", "--curtin"])
                .arg(&file);
            command
        })?;
        add(
            "plan",
            &format!("{actions} storage actions"),
            &times,
            PLAN_LIMIT,
        );
    }
    for (kind, text) in [
        ("cards", network_of as fn(usize) -> String),
        ("links on links", links_of),
    ] {
        let mut medians = Vec::new();
        for interfaces in [1_250, 2_500, 5_000] {
            let input = format!("{interfaces} interfaces, {kind}");
            let file = scratch.path().join("interfaces.yaml");
            std::fs::write(&file, text(interfaces))?;
            let times = times(runs.min(20), || {
                let mut command = Command::new(&program);
                command.args(["plan", "--curtin"]).arg(&file);
                command
            })?;
            add("plan", &input, &times, NETWORK_LIMIT);
            medians.push(times[times.len() / 2].as_secs_f64());
        }
        growths.push((kind, medians));
    }
    for (kind, medians) in growths {
        if let [_, half, whole] = medians[..]
            && whole > half * LINEAR
        {
            let times = whole / half;
            unmet.push(format!(
                "plan of {kind}: twice the interfaces take {times:.1} times as long"
            ));
        }
    }
    Ok(Section {
        name: "configure",
        text: table(
            &["command", "input", "median", "p95", "max", "limit"],
            &rows,
        ),
        unmet,
    })
}

fn shown(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn row(command: &str, input: &str, times: &[Duration], limit: Duration) -> Vec<String> {
    let mut row = vec![command.to_owned(), input.to_owned()];
    let (median, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    row.extend([median, p95, times[times.len() - 1], limit].map(shown));
    row
}

/// Times of a command's whole process, sorted.
fn times(runs: usize, mut command: impl FnMut() -> Command) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs.max(1) {
        let mut command = command();
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let start = Instant::now();
        let output = command
            .output()
            .with_context(|| format!("can't run {command:?}"))?;
        times.push(start.elapsed());
        if !output.status.success() {
            bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    times.sort();
    Ok(times)
}

/// Every run meets a tree of its own, so that all files are written.
fn configure(program: &Path, scratch: &Path, runs: usize) -> Result<Vec<Duration>> {
    let file = scratch.join("curtin.yaml");
    std::fs::write(&file, ORDINARY)?;
    let mut trees: Vec<PathBuf> = Vec::new();
    for n in 0..runs.max(1) {
        let tree = scratch.join(format!("root{n}"));
        stand_in_tree(&tree)?;
        trees.push(tree);
    }
    times(runs, || {
        let mut command = Command::new(program);
        command
            .args(["configure", "--runtime", "scripts"])
            .arg("--curtin")
            .arg(&file)
            .arg("--root");
        command.arg(trees.pop().unwrap_or_default());
        command
    })
}

/// A tree in which the programs that `configure` looks for are empty files.
fn stand_in_tree(tree: &Path) -> Result<()> {
    for directory in ["usr/sbin", "usr/bin", "usr/lib", "etc/nvme", "etc/netplan"] {
        std::fs::create_dir_all(tree.join(directory))?;
    }
    for program in [
        "usr/sbin/update-initramfs",
        "usr/sbin/nvme",
        "usr/bin/ip",
        "usr/sbin/dhcpcd",
    ] {
        std::fs::write(tree.join(program), "")?;
    }
    let id = "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d\n";
    std::fs::write(tree.join("etc/nvme/hostid"), id)?;
    let nqn = format!("nqn.2014-08.org.nvmexpress:uuid:{id}");
    std::fs::write(tree.join("etc/nvme/hostnqn"), nqn)?;
    Ok(())
}

const ORDINARY: &str = "\
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
/// controller, each with a partition, a filesystem and a mount.
fn storage_of(actions: usize) -> String {
    let mut text = String::from(
        "storage:\n  version: 1\n  config:\n  - {id: c, type: nvme_controller, transport: tcp, tcp_addr: 192.0.2.1, tcp_port: 4420}\n",
    );
    for n in 0..actions / 4 {
        let _ = write!(
            text,
            "  - id: d{n}\n    type: disk\n    serial: SERIAL{n}\n    nvme_controller: c\n    ptable: gpt\n\
             \x20 - id: p{n}\n    type: partition\n    device: d{n}\n    number: 1\n    size: 10G\n\
             \x20 - id: f{n}\n    type: format\n    fstype: ext4\n    volume: p{n}\n\
             \x20 - id: m{n}\n    type: mount\n    path: /srv/{n}\n    device: f{n}\n    options: _netdev\n"
        );
    }
    text
}

/// [`ORDINARY`] with so many interfaces, each with an address and a route.
fn network_of(interfaces: usize) -> String {
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
fn links_of(interfaces: usize) -> String {
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
