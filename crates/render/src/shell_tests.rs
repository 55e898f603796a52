//! The generated shell, run by real shells.

mod links;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use nvmeroot_plan::{BootPlan, InterfaceAddress, InterfaceName};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::testing::{by_agent, by_scripts, controller, ethernet, initramfs_plan};
use crate::{ChangeKind, commands, render};

/// The shells of this machine that may run the scripts: `sh`, and busybox's
/// where there is one, as in most initramfs images.
pub(crate) fn shells() -> Vec<Vec<&'static str>> {
    let mut shells = vec![vec!["sh"]];
    let busybox = Command::new("busybox").args(["sh", "-c", ":"]).status();
    if busybox.is_ok_and(|status| status.success()) {
        shells.push(vec!["busybox", "sh"]);
    }
    shells
}

fn run(shell: &[&str], arguments: &[&str]) -> Output {
    Command::new(shell[0])
        .args(&shell[1..])
        .args(arguments)
        .output()
        .expect("a shell")
}

fn content<'a>(set: &'a crate::FileSet, path: &str) -> &'a [u8] {
    set.into_iter()
        .find_map(|change| match &change.kind {
            ChangeKind::File { bytes, .. } if change.path.as_str() == path => Some(&bytes[..]),
            _ => None,
        })
        .expect("the file")
}

#[test]
fn every_script_is_well_formed() {
    let mut ens3 = ethernet("e+-.@_0");
    ens3.dhcp4 = Some(nvmeroot_plan::Dhcp4::default());
    let plan = initramfs_plan(vec![ens3], vec![controller("10.0.0.9", "4420")]);
    let sets = [&by_scripts(), &by_agent()].map(|options| render(&plan, options).expect("files"));
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("script");
    let mut seen = 0;
    for change in sets.iter().flatten() {
        let name = change.path.as_str();
        let ChangeKind::File { bytes, .. } = &change.kind else {
            continue;
        };
        if !bytes.starts_with(b"#!/bin/sh\n")
            && !name.ends_with("/functions")
            && !name.ends_with("/interfaces")
        {
            continue;
        }
        seen += 1;
        fs::write(&path, bytes).expect("written");
        for shell in shells() {
            let output = run(&shell, &["-n", path.to_str().expect("a path")]);
            assert!(output.status.success(), "{name}: {output:?}");
        }
    }
    assert_eq!(seen, 8 + 5);
}

#[test]
fn every_boot_script_answers_prereqs_and_does_nothing_else() {
    let plan = initramfs_plan(vec![ethernet("ens3")], vec![controller("10.0.0.9", "4420")]);
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("script");
    let (ours, originals) = ("nvmeroot", "curtin-nvme-over-tcp");
    for (options, name, place, answer) in [
        (by_scripts(), originals, "hooks", "udev\n"),
        (by_scripts(), originals, "scripts/init-premount", "\n"),
        (by_scripts(), originals, "scripts/local-block", "\n"),
        (by_scripts(), originals, "scripts/init-bottom", "\n"),
        (by_agent(), ours, "hooks", "udev\n"),
        (by_agent(), ours, "scripts/init-top", "\n"),
        (by_agent(), ours, "scripts/init-premount", "plymouth\n"),
        (by_agent(), ours, "scripts/local-block", "\n"),
        (by_agent(), ours, "scripts/init-bottom", "\n"),
    ] {
        let set = render(&plan, &options).expect("files");
        let name = format!("etc/initramfs-tools/{place}/{name}");
        fs::write(&path, content(&set, &name)).expect("written");
        for shell in shells() {
            let output = run(&shell, &[path.to_str().expect("a path"), "prereqs"]);
            assert_eq!(String::from_utf8_lossy(&output.stdout), answer, "{place}");
            assert!(
                output.status.success() && output.stderr.is_empty(),
                "{output:?}"
            );
        }
    }
}

/// Runs both scripts and `interfaces` with functions of those names that print
/// what they receive, each word ended by a NUL, each command by a line break.
fn received(plan: &BootPlan, shell: &[&str]) -> String {
    let set = render(plan, &by_scripts()).expect("files");
    let mut script = String::new();
    for name in [
        "ip",
        "dhcpcd",
        "nvme",
        "nvmeroot_storage",
        "nvmeroot_no_advertisements",
        "nvmeroot_dhcp_metric",
    ] {
        script += &format!("{name}() {{ printf '%s\\0' {name} \"$@\"; printf '\\n'; }}\n");
    }
    for path in ["network-up", "connect-nvme", "interfaces"] {
        let path = format!("etc/curtin-nvme-over-tcp/{path}");
        script += std::str::from_utf8(content(&set, &path)).expect("text");
    }
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("script");
    fs::write(&path, script).expect("written");
    let output = run(shell, &[path.to_str().expect("a path")]);
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn expected(plan: &BootPlan, names: &[InterfaceName]) -> String {
    let mut text = String::new();
    for command in commands(plan) {
        for word in command.argv {
            text += &format!("{word}\0");
        }
        text.push('\n');
    }
    for name in names {
        text += &format!("nvmeroot_storage\0{name}\0\n");
    }
    for name in names {
        text += &format!("nvmeroot_no_advertisements\0{name}\0\n");
    }
    text
}

fn any_name() -> impl Strategy<Value = InterfaceName> {
    "[A-Za-z0-9_.+@][A-Za-z0-9_.+@-]{0,14}"
        .prop_filter_map("an interface name", |text| text.parse().ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is an interface's name arrives as it is and is never run.
    #[test]
    fn no_name_becomes_shell(names in prop::collection::vec(any_name(), 1..4), address: u32) {
        let mut seen = std::collections::BTreeSet::new();
        let names: Vec<InterfaceName> =
            names.into_iter().filter(|name| seen.insert(name.clone())).collect();
        let interfaces = names
            .iter()
            .map(|name| {
                let mut interface = ethernet(name.as_str());
                let address = ipnet::IpNet::new(std::net::Ipv4Addr::from(address).into(), 24);
                interface.addresses = vec![InterfaceAddress::new(address.expect("an address"))];
                interface.dhcp4 = (name.as_str().len() % 2 == 0).then(nvmeroot_plan::Dhcp4::default);
                interface
            })
            .collect();
        let plan = initramfs_plan(interfaces, vec![controller("10.0.0.9", "4420")]);
        for shell in shells() {
            prop_assert_eq!(received(&plan, &shell), expected(&plan, &names));
        }
    }
}

/// A stand-in for the initramfs: `/sys`, `/run` and programs.
struct Stage {
    dir: TempDir,
}

impl Stage {
    fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        for part in ["bin", "run", "etc", "sys/class/net", "sys/class/nvme"] {
            fs::create_dir_all(dir.path().join(part)).expect("a directory");
        }
        let stage = Self { dir };
        stage.write("functions", include_str!("runtime/scripts/functions.sh"));
        stage.write(
            "etc/dhcpcd.conf",
            include_str!("runtime/scripts/dhcpcd.conf"),
        );
        stage
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("written");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir.path().join(path)).expect("the file")
    }

    /// A program that first notes its arguments in `calls`.
    fn program(&self, name: &str, body: &str) {
        let path = self.dir.path().join("bin").join(name);
        let text = format!("#!/bin/sh\necho {name} \"$@\" >>\"$STAGE/calls\"\n{body}\n");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    fn interface(&self, name: &str, carrier: &str) {
        let dir = format!("sys/class/net/{name}");
        self.write(&format!("{dir}/carrier"), carrier);
        self.write(&format!("{dir}/type"), "1\n");
        self.write(&format!("{dir}/address"), "52:54:00:77:00:50\n");
    }

    /// Runs `script` after the functions, waits shortened, and returns what
    /// they say.
    fn says(&self, shell: &[&str], script: &str) -> String {
        let text = format!(
            ". \"$STAGE/functions\"\n\
             nvmeroot_say() {{ echo \"$1 $2\"; }}\n\
             nvmeroot_run=$STAGE/run nvmeroot_sys=$STAGE/sys nvmeroot_etc=$STAGE/etc\n\
             nvmeroot_ip=$STAGE/bin/ip\n\
             nvmeroot_interface_wait=0 nvmeroot_way_wait=0 nvmeroot_namespace_wait=0\n\
             {script}\n"
        );
        self.write("script", &text);
        let bin = self.dir.path().join("bin");
        let path = format!(
            "{}:{}",
            bin.display(),
            std::env::var("PATH").expect("a PATH")
        );
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .arg(self.dir.path().join("script"))
            .env("STAGE", self.dir.path())
            .env("PATH", path)
            .current_dir(Path::new("/"))
            .output()
            .expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8(output.stdout).expect("text")
    }
}

const WAY: &str =
    "case \"$*\" in 'route get '*) echo \"$3 via 10.0.0.1 dev ens3 src 10.0.0.5\";; esac";

/// A stage on which packets reach the portal.
fn connected_stage(nvme: &str) -> Stage {
    let stage = Stage::new();
    stage.interface("ens3", "1\n");
    stage.program("ip", WAY);
    stage.program("nvme", nvme);
    stage
}

const CONNECT: &str = "nvme connect-all --transport tcp --traddr 10.0.0.9 --trsvcid 4420";

/// What the kernel shows once a controller is connected.
const BECOMES_LIVE: &str = "d=$STAGE/sys/class/nvme/nvme1; mkdir -p $d/nvme1c1n1; \
    echo tcp >$d/transport; echo live >$d/state; echo io >$d/cntrltype; \
    echo traddr=10.0.0.9,trsvcid=4420,src_addr=10.0.0.5 >$d/address";

#[test]
fn a_failing_command_is_named_with_what_it_says() {
    for shell in shells() {
        let stage = Stage::new();
        stage.program(
            "ip",
            "echo 'Error: Nexthop has' >&2; echo ' invalid gateway.' >&2; exit 2",
        );
        assert_eq!(
            stage.says(&shell, "ip route add default via 10.9.0.1\necho status $?"),
            "3 `ip route add default via 10.9.0.1` failed: Error: Nexthop has invalid gateway.\nstatus 1\n"
        );
        stage.program("ip", "echo 'RTNETLINK answers: File exists' >&2; exit 2");
        assert_eq!(
            stage.says(&shell, "ip address add 10.0.0.5/24 dev ens3"),
            ""
        );
    }
}

/// With another protocol systemd-networkd's routes would come beside them.
#[test]
fn routes_carry_the_running_systems_protocol() {
    for shell in shells() {
        let stage = Stage::new();
        stage.program("ip", "");
        stage.says(
            &shell,
            "ip route add default via 10.0.0.1\nip address add 10.0.0.5/24 dev ens3",
        );
        assert_eq!(
            stage.read("calls"),
            "ip route add default via 10.0.0.1 proto static\nip address add 10.0.0.5/24 dev ens3\n"
        );
    }
}

/// nvme-cli ends with status 0 although a connection failed.
#[test]
fn fault_corrected_a_wrong_port_is_named_although_nvme_cli_ends_well() {
    for shell in shells() {
        let stage = connected_stage(
            "echo 'failed to add controller, error connection refused' >&2; exit 0",
        );
        let twice = format!("{CONNECT}\necho status $?\n{CONNECT}\necho status $?");
        assert_eq!(
            stage.says(&shell, &twice),
            "3 can't connect to `10.0.0.9:4420`: failed to add controller, error connection refused\n\
             status 1\nstatus 1\n"
        );
        let stage = connected_stage("exit 0");
        assert_eq!(
            stage.says(&shell, CONNECT),
            "3 can't connect to `10.0.0.9:4420`: no controller became live\n"
        );
    }
}

#[test]
fn a_connected_controller_is_not_connected_again() {
    for shell in shells() {
        let stage = connected_stage(BECOMES_LIVE);
        let twice = format!("{CONNECT}\necho status $?\n{CONNECT}\necho status $?");
        assert_eq!(
            stage.says(&shell, &twice),
            "6 connected to `10.0.0.9:4420`\nstatus 0\nstatus 0\n"
        );
        assert_eq!(stage.read("calls").matches("nvme connect-all").count(), 1);
    }
}

#[test]
fn a_controller_elsewhere_that_the_discovery_log_names_counts() {
    for shell in shells() {
        let elsewhere = BECOMES_LIVE.replace("traddr=10.0.0.9", "traddr=10.0.1.9");
        let stage = connected_stage(&elsewhere);
        assert_eq!(
            stage.says(&shell, CONNECT),
            "6 connected to `10.0.0.9:4420`\n"
        );
    }
}

#[test]
fn a_discovery_controller_alone_does_not_count() {
    for shell in shells() {
        let discovery = BECOMES_LIVE.replace("echo io", "echo discovery");
        let stage = connected_stage(&discovery);
        assert_eq!(
            stage.says(&shell, CONNECT),
            "3 can't connect to `10.0.0.9:4420`: no controller became live\n"
        );
    }
}

#[test]
fn a_controller_without_a_namespace_is_named() {
    for shell in shells() {
        let bare = BECOMES_LIVE.replace("/nvme1c1n1", "");
        let stage = connected_stage(&bare);
        assert_eq!(
            stage.says(&shell, CONNECT),
            "6 connected to `10.0.0.9:4420`\n3 `10.0.0.9:4420` shows this host no namespace; \
             does it allow this machine's hostnqn?\n"
        );
    }
}

#[test]
fn what_stands_in_the_way_is_named_and_nothing_is_tried() {
    for shell in shells() {
        let stage = connected_stage("");
        stage.program("ip", "exit 2");
        assert_eq!(
            stage.says(&shell, CONNECT),
            "3 can't connect to `10.0.0.9:4420`: there is no route to `10.0.0.9`\n"
        );
        let stage = connected_stage("");
        stage.interface("ens3", "0\n");
        assert_eq!(
            stage.says(&shell, CONNECT),
            "3 can't connect to `10.0.0.9:4420`: `ens3`, which leads to `10.0.0.9`, has no carrier\n"
        );
        let stage = connected_stage("");
        stage.program(
            "ip",
            &format!("{WAY}\ncase $1 in -6) echo inet6 tentative;; esac"),
        );
        assert_eq!(
            stage.says(&shell, &CONNECT.replace("10.0.0.9", "fd77::1")),
            "3 can't connect to `[fd77::1]:4420`: the address of `ens3` is still being checked for duplicates\n"
        );
        assert!(!stage.read("calls").contains("nvme"));
    }
}

#[test]
fn a_missing_interface_is_named_with_those_that_there_are() {
    for shell in shells() {
        let stage = Stage::new();
        stage.interface("lo", "1\n");
        stage.interface("ens4", "1\n");
        assert_eq!(
            stage.says(&shell, "nvmeroot_storage ens3\nnvmeroot_storage ens4"),
            "3 there is no interface `ens3`, which leads to the root filesystem; there are: `ens4`\n"
        );
        assert_eq!(
            stage.says(&shell, "dhcpcd -4 ens3"),
            "3 no DHCPv4 on `ens3`: there is no such interface\n"
        );
    }
}

#[test]
fn a_silent_dhcp_server_is_named() {
    for shell in shells() {
        let stage = Stage::new();
        stage.interface("ens3", "1\n");
        stage.program("dhcpcd", "echo timed out >&2; exit 1");
        assert_eq!(
            stage.says(&shell, "dhcpcd -4 ens3\necho status $?"),
            "3 no DHCPv4 answer on `ens3` within 30 s (timed out)\nstatus 1\n"
        );
        stage.interface("ens3", "0\n");
        assert_eq!(
            stage.says(&shell, "dhcpcd ens3"),
            "3 no DHCP answer on `ens3`: it has no carrier (timed out)\n"
        );
    }
}

#[test]
fn the_dhcp_client_has_the_running_systems_identity() {
    for shell in shells() {
        let stage = Stage::new();
        stage.interface("a'$(x)", "1\n");
        stage.interface("ens4", "1\n");
        stage.program("dhcpcd", "");
        let script = "nvmeroot_storage \"a'\\$(x)\"\nnvmeroot_dhcp_metric ens4 200\n\
                      dhcpcd -4 \"a'\\$(x)\"\ndhcpcd -6 ens4\ndhcpcd ens4";
        assert_eq!(stage.says(&shell, script), "");
        let settings = |name: &str| -> Vec<String> {
            let text = stage.read(&format!("run/dhcpcd-{name}.conf"));
            let lines = text
                .lines()
                .filter(|l| !l.starts_with('#') && !l.is_empty());
            lines.map(str::to_owned).collect()
        };
        let first = settings("a'$(x)");
        assert_eq!(first[0], "duid 00:03:00:01:52:54:00:77:00:50");
        assert_eq!(first[1], "clientid");
        assert_eq!(
            first[first.len() - 5..],
            [
                "timeout 30",
                "metric 100",
                "oneshot",
                "interface a'$(x)",
                "iaid 1"
            ]
        );
        // Both families: it stays; not needed for root: nothing waits.
        let second = settings("ens4");
        assert_eq!(
            second[second.len() - 5..],
            [
                "timeout 30",
                "metric 200",
                "background",
                "interface ens4",
                "iaid 1"
            ]
        );
        let calls = stage.read("calls");
        assert!(calls.starts_with("dhcpcd -q -f ") && calls.contains("dhcpcd-ens4.conf -6 ens4\n"));
    }
}

/// What `init-bottom` says to `ip`, with one controller at `traddr` and root on
/// `ens3`.
fn said_at_the_bottom(shell: &[&str], traddr: &str, ip: &str) -> String {
    let stage = Stage::new();
    stage.program("ip", ip);
    stage.write("run/storage-ens3", "");
    // Whatever its state: one that is reconnecting needs its route all the more.
    let address = format!("traddr={traddr},trsvcid=4420,src_addr=::1\n");
    stage.write("sys/class/nvme/nvme1/address", &address);
    let (_, body) = include_str!("runtime/scripts/end.sh")
        .split_once(". /etc/curtin-nvme-over-tcp/functions\n")
        .expect("the functions are read");
    assert_eq!(stage.says(shell, body), "");
    stage.read("calls")
}

/// The same without the look for addresses.
fn routes_at_the_bottom(shell: &[&str], traddr: &str, ip: &str) -> String {
    let said = said_at_the_bottom(shell, traddr, ip);
    let look = "ip -o address show dev ens3 scope global dynamic\n";
    said.strip_prefix(look).expect("it looks").to_owned()
}

/// A lease may run out before the running system renews it, and what renews it
/// could then no longer be read.
#[test]
fn roots_address_outlives_its_lease() {
    let shown = "case \"$*\" in *'address show'*) \
        echo '2: ens3    inet 10.0.0.5/24 brd 10.0.0.255 scope global dynamic noprefixroute ens3\\       valid_lft 120sec preferred_lft 105sec'; \
        echo '2: ens3    inet6 fd77::5/128 scope global dynamic noprefixroute \\       valid_lft 120sec preferred_lft 120sec'; \
        echo '2: ens3    inet6 fd77::6/64 scope global dynamic mngtmpaddr \\       valid_lft 120sec preferred_lft 120sec';; esac";
    for shell in shells() {
        assert_eq!(
            routes_at_the_bottom(&shell, "10.0.0.9", shown),
            "\
ip -4 address change 10.0.0.5/24 dev ens3 valid_lft forever preferred_lft forever
ip -6 address change fd77::5/128 dev ens3 valid_lft forever preferred_lft forever noprefixroute
ip -6 address change fd77::6/64 dev ens3 valid_lft forever preferred_lft forever
ip -6 route flush default proto ra
"
        );
    }
}

/// A default route that came by router advertisement would stay beside the
/// running system's own.
#[test]
fn of_a_routers_default_route_only_the_way_to_the_drive_stays() {
    let via = "case \"$*\" in *'route get '*) \
        echo \"$4 from :: via fe80::1 dev ens3 proto ra src fd77::5 metric 100\";; esac";
    for shell in shells() {
        assert_eq!(
            routes_at_the_bottom(&shell, "2001:db8::9", via),
            "\
ip -6 route get 2001:db8::9
ip -6 route replace 2001:db8::9 via fe80::1 dev ens3 proto ra metric 100 expires 1800
ip -6 route flush default proto ra
"
        );
        let refused = format!("{via}\ncase \"$*\" in *replace*) exit 2;; esac");
        assert!(
            !routes_at_the_bottom(&shell, "2001:db8::9", &refused).contains("flush"),
            "the only way to the drive is gone"
        );
        let on_link = "case \"$*\" in *'route get '*) \
            echo \"$4 from :: dev ens3 proto ra src fd77::5 metric 100\";; esac";
        assert_eq!(
            routes_at_the_bottom(&shell, "fd77::1", on_link),
            "ip -6 route get fd77::1\nip -6 route flush default proto ra\n"
        );
        assert_eq!(
            routes_at_the_bottom(&shell, "10.0.0.9", ""),
            "ip -6 route flush default proto ra\n"
        );
    }
}
