//! From the card to the route and the lease in network namespaces, against a
//! real kernel and a real dnsmasq. NVMe itself is played: this needs no
//! kernel module, and proves nothing about NVMe. What stands in for it is
//! called `Played…`; the real thing is proven in virtual machines.
//!
//! Needs root, `ip` and `dnsmasq`; without them the tests are skipped with a
//! word, and fail where `CI=true`.

use std::fs;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nvmeroot_agent::events::Events;
use nvmeroot_agent::exec::{self, Context, Goal, Verdict};
use nvmeroot_agent::fabrics::{Device, ENTRY, Fabrics, Refusal};
use nvmeroot_agent::fault::Layer;
use nvmeroot_agent::kmsg::Kmsg;
use nvmeroot_agent::netlink;
use nvmeroot_agent::places::Places;
use nvmeroot_agent::record::{BootRecord, Recorder, StepRecord, StepState};
use nvmeroot_plan::{
    BootPlan, ConnectOptions, Controller, ControllerPath, DefinitionId, Interface,
    InterfaceAddress, Lead, LinkKind, Match, Mount, Network, Origin, Reach, Route, Transport,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const PORT: u16 = 4420;
const NQN: &str = "nqn.2024-01.example:root";

fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("not root".to_owned());
    }
    for (tool, flag) in [("ip", "-V"), ("dnsmasq", "--version")] {
        if Command::new(tool).arg(flag).output().is_err() {
            return Some(format!("no `{tool}`"));
        }
    }
    None
}

fn skip(test: &str) -> bool {
    let Some(reason) = obstacle() else {
        return false;
    };
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test} can't run: {reason}"
    );
    eprintln!("{test} is skipped: {reason}");
    true
}

fn ip(batch: &str) {
    for line in batch.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let out = Command::new("ip")
            .args(line.split_whitespace())
            .output()
            .expect("`ip` runs");
        let text = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "ip {line}: {text}");
    }
}

/// A target's side and a host's side, a cable between them: `s` there, `c`
/// here. The cable is plugged in at the target's side by `link set s up`.
struct Net {
    target: String,
    host: String,
    daemons: Vec<Child>,
    dir: tempfile::TempDir,
}

impl Net {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let tag = format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let (target, host) = (format!("nvra-t-{tag}"), format!("nvra-h-{tag}"));
        ip(&format!("netns add {target}\nnetns add {host}"));
        ip(&format!(
            "-n {target} link add s type veth peer name c address 02:00:00:00:00:07 netns {host}
             -n {target} address add 10.9.0.1/24 dev s
             -n {target} address add fd09::1/64 dev s nodad
             -n {target} link set lo up"
        ));
        Self {
            target,
            host,
            daemons: Vec::new(),
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    fn plug_in(&self) {
        ip(&format!("-n {} link set s up", self.target));
    }

    fn dnsmasq(&mut self, options: &[&str]) {
        let leases = self.dir.path().join("leases");
        let child = Command::new("ip")
            .args(["netns", "exec", &self.target, "dnsmasq", "--no-daemon"])
            .args(["--conf-file=/dev/null", "--port=0", "--interface=s"])
            .args(["--bind-interfaces", "--no-ping", "--leasefile-ro"])
            .arg(format!("--dhcp-leasefile={}", leases.display()))
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`dnsmasq` runs");
        self.daemons.push(child);
    }

    /// A TCP listener on the target's side; it lives as long as the test.
    fn listen(&self, at: &str) {
        let (namespace, at) = (self.target.clone(), at.to_owned());
        let ready = std::thread::spawn(move || {
            enter(&namespace);
            let listener = TcpListener::bind(&at).expect("the address");
            std::thread::spawn(move || for _ in listener.incoming() {});
        });
        ready.join().expect("a listener");
    }

    /// Runs the whole program against `plan` on the host's side.
    fn boot(&self, plan: BootPlan, played: Played, limit: Duration) -> Boot {
        self.boot_with(plan, played, limit, || {})
    }

    /// The same; `meanwhile` runs beside it.
    fn boot_with(
        &self,
        plan: BootPlan,
        played: Played,
        limit: Duration,
        meanwhile: impl FnOnce() + Send + 'static,
    ) -> Boot {
        let host = self.host.clone();
        let dir = self.dir.path().to_owned();
        let booted = std::thread::spawn(move || {
            enter(&host);
            let places = Places {
                // Real: the namespace's own sysctls are behind it.
                proc: "/proc".into(),
                ..Places::under(&dir)
            };
            fs::create_dir_all(&places.run).expect("a directory");
            let events = Arc::new(Events::new().expect("a file descriptor"));
            netlink::watch(&events).expect("a watch");
            let device = PlayedDevice {
                sys: places.sys.clone(),
                events: Arc::clone(&events),
                played,
                made: Mutex::new(0),
            };
            let goal = Goal::of(&plan, None);
            let started = Instant::now();
            let context = Arc::new(Context::new(
                plan,
                places.clone(),
                Arc::clone(&events),
                Kmsg::open(&places, true),
                Recorder::start(places.record(), limit, None),
                Fabrics::new(Box::new(device)),
                started + limit,
            ));
            exec::start(&context);
            let beside = std::thread::spawn(meanwhile);
            let verdict = exec::wait_for_goal(&context, &goal);
            let took = started.elapsed();
            // Who saw the namespace may write it down a moment later.
            let until = Instant::now() + Duration::from_secs(5);
            let open = || {
                let steps = context.recorder.snapshot().steps;
                !steps
                    .iter()
                    .any(|s| s.action == "namespace" && s.end.is_some())
            };
            while verdict == Verdict::Done && open() && Instant::now() < until {
                events.wait_past(events.seen(), Instant::now() + Duration::from_millis(20));
            }
            beside.join().expect("no panic");
            context.recorder.missing(context.missing());
            exec::leave(&context);
            events.stop();
            context.recorder.finish();
            Boot {
                verdict,
                took,
                record: context.recorder.snapshot(),
            }
        });
        booted.join().expect("no panic")
    }

    fn on_host(&self, command: &str) -> String {
        let words = command.split_whitespace();
        let out = Command::new("ip")
            .args(["-n", &self.host])
            .args(words)
            .output()
            .expect("`ip` runs");
        String::from_utf8_lossy(&out.stdout).into_owned()
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        for name in [&self.target, &self.host] {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

fn enter(namespace: &str) {
    let file = fs::File::open(format!("/run/netns/{namespace}")).expect("a namespace");
    move_into_link_name_space(
        std::os::fd::AsFd::as_fd(&file),
        Some(LinkNameSpaceType::Network),
    )
    .expect("setns");
}

struct Boot {
    verdict: Verdict,
    took: Duration,
    record: BootRecord,
}

impl Boot {
    fn step(&self, action: &str) -> &StepRecord {
        self.record
            .steps
            .iter()
            .find(|s| s.action == action)
            .unwrap_or_else(|| panic!("no step `{action}` in {:#?}", self.record.steps))
    }

    /// When a step ended, after the start.
    fn ended(&self, action: &str) -> Duration {
        let end = self.step(action).end.expect("an end").monotonic_us;
        Duration::from_micros(end - self.record.start.monotonic_us)
    }

    fn report(&self) -> String {
        match &self.verdict {
            Verdict::Failed(lines) => lines.join("\n"),
            other => panic!("{other:?}: {:#?}", self.record.steps),
        }
    }
}

/// What the played target does.
#[derive(Clone, Default)]
struct Played {
    /// It says so in the kernel log and refuses.
    refuses: Option<&'static str>,
    /// It has no namespace.
    empty: bool,
    /// Each connect takes so long.
    slow: Duration,
}

/// Plays `/dev/nvme-fabrics` and sysfs. No NVMe happens.
struct PlayedDevice {
    sys: PathBuf,
    events: Arc<Events>,
    played: Played,
    made: Mutex<u32>,
}

impl Device for PlayedDevice {
    fn options(&self) -> io::Result<String> {
        Ok("instance=-1,cntlid=-1,transport=%s,traddr=%s,trsvcid=%s,nqn=%s,hostnqn=%s,hostid=%s,ctrl_loss_tmo=%d\n".to_owned())
    }

    fn create(&self, text: &str) -> Result<u32, Refusal> {
        std::thread::sleep(self.played.slow);
        if let Some(said) = self.played.refuses {
            return Err(Refusal {
                error: io::Error::from_raw_os_error(5),
                said: vec![said.to_owned()],
            });
        }
        let mut made = self.made.lock().expect("no panic");
        let instance = *made;
        if !text.contains("discovery") {
            *made += 1;
            let subsystem = self.sys.join("class/nvme-subsystem/nvme-subsys0");
            fs::create_dir_all(&subsystem).expect("a directory");
            fs::write(subsystem.join("subsysnqn"), NQN).expect("a file");
            if !self.played.empty {
                fs::create_dir_all(subsystem.join("nvme0n1")).expect("a directory");
            }
            self.events.raise();
        }
        Ok(instance)
    }

    fn discovery_log(&self, _: u32, offset: u64, buffer: &mut [u8]) -> io::Result<u16> {
        let mut page = vec![0; 2 * ENTRY];
        page[8] = 1;
        let entry = &mut page[ENTRY..];
        (entry[0], entry[1], entry[2]) = (3, 1, 2);
        entry[32..36].copy_from_slice(b"4420");
        entry[256..256 + NQN.len()].copy_from_slice(NQN.as_bytes());
        entry[512..520].copy_from_slice(b"10.9.0.1");
        let offset = usize::try_from(offset).expect("small");
        buffer.copy_from_slice(&page[offset..offset + buffer.len()]);
        Ok(0)
    }

    fn delete(&self, _: u32) -> io::Result<()> {
        Ok(())
    }
}

fn origin() -> Origin {
    Origin::whole("test")
}

fn interface(change: impl FnOnce(&mut Interface)) -> Interface {
    let id: DefinitionId = "c".parse().expect("an id");
    let name = "c".parse().expect("a name");
    let mut interface = Interface::new(id, name, LinkKind::Ethernet, origin());
    change(&mut interface);
    interface
}

fn address(text: &str) -> InterfaceAddress {
    InterfaceAddress::new(text.parse().expect("an address"))
}

/// Root on a portal that `interface` leads to.
fn plan(interface: Interface, portal: &str, nqn: Option<&str>) -> BootPlan {
    let traddr: IpAddr = portal.parse().expect("an address");
    BootPlan {
        reach: Reach::Initramfs,
        reasons: Vec::new(),
        host: None,
        mounts: vec![Mount {
            path: "/".parse().expect("a path"),
            essential: true,
            controllers: vec![0],
            origin: origin(),
        }],
        controllers: vec![Controller {
            transport: Transport::Tcp,
            traddr,
            trsvcid: PORT.to_string().parse().expect("a port"),
            nqn: nqn.map(|n| n.parse().expect("an NQN")),
            options: ConnectOptions::default(),
            origin: origin(),
        }],
        paths: vec![ControllerPath {
            controller: 0,
            interfaces: vec![Lead {
                interface: interface.name.clone(),
                why: "test".to_owned(),
                origin: origin(),
            }],
        }],
        network: Network {
            interfaces: vec![interface],
        },
        warnings: Vec::new(),
        faults: Vec::new(),
    }
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_secs(4);

#[test]
fn static_address_rename_mtu_and_route() {
    if skip("static") {
        return;
    }
    let net = Net::new();
    net.plug_in();
    ip(&format!(
        "-n {} address add 10.77.0.1/32 dev lo",
        net.target
    ));
    net.listen("10.77.0.1:4420");
    let interface = interface(|i| {
        i.name = "lan0".parse().expect("a name");
        i.set_name = true;
        i.matching = Some(Match {
            macaddress: Some("02:00:00:00:00:07".parse().expect("a MAC address")),
            ..Match::default()
        });
        i.mtu = Some(1400.try_into().expect("an MTU"));
        i.addresses = vec![address("10.9.0.9/24")];
        let mut route = Route::new("10.77.0.0/16".parse().expect("a network"), origin());
        route.via = "10.9.0.1".parse().ok();
        route.metric = Some(7);
        route.advertised_mss = Some(1200);
        i.routes = vec![route];
    });
    let boot = net.boot(
        plan(interface, "10.77.0.1", Some(NQN)),
        Played::default(),
        LONG,
    );
    assert_eq!(boot.verdict, Verdict::Done);
    assert_eq!(boot.step("rename").detail, "c to lan0");
    let link = net.on_host("-o link show lan0");
    assert!(link.contains("mtu 1400"), "{link}");
    let address = net.on_host("-o -4 address show lan0");
    assert!(address.contains("10.9.0.9/24 brd 10.9.0.255"), "{address}");
    let route = net.on_host("route show 10.77.0.0/16");
    assert!(
        route.contains("via 10.9.0.1 dev lan0 proto static metric 7 advmss 1200"),
        "{route}"
    );
    assert_eq!(boot.step("reach").detail, "over lan0 from 10.9.0.9");
    assert!(boot.took < Duration::from_secs(2), "{:?}", boot.took);
    eprintln!(
        "static: link up {:?}, route {:?}, portal reachable {:?}, goal {:?}",
        boot.ended("link-up"),
        boot.ended("route"),
        boot.ended("reach"),
        boot.took
    );
}

/// The plan's name is the definition's; the link keeps its own.
#[test]
fn a_matched_card_that_keeps_its_name_leads_to_the_portal() {
    if skip("match") {
        return;
    }
    let net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let interface = interface(|i| {
        i.name = "storage".parse().expect("a name");
        i.matching = Some(Match {
            macaddress: Some("02:00:00:00:00:07".parse().expect("a MAC address")),
            ..Match::default()
        });
        i.addresses = vec![address("10.9.0.9/24")];
    });
    let boot = net.boot(
        plan(interface, "10.9.0.1", Some(NQN)),
        Played::default(),
        LONG,
    );
    assert_eq!(boot.verdict, Verdict::Done);
    assert_eq!(boot.step("reach").detail, "over c from 10.9.0.9");
}

#[test]
fn dhcp_with_discovery() {
    if skip("dhcp4") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    net.dnsmasq(&[
        "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,1h",
        "--dhcp-authoritative",
    ]);
    std::thread::sleep(Duration::from_millis(500));
    let interface = interface(|i| i.dhcp4 = true);
    let boot = net.boot(plan(interface, "10.9.0.1", None), Played::default(), LONG);
    assert_eq!(boot.verdict, Verdict::Done);
    assert!(
        boot.step("dhcp4").detail.starts_with("10.9.0."),
        "{:?}",
        boot.step("dhcp4")
    );
    assert_eq!(boot.step("discover").detail, "1 offered");
    assert_eq!(boot.step("namespace").detail, "nvme0n1");
    let route = net.on_host("route show default");
    assert!(
        route.contains("via 10.9.0.1 dev c proto dhcp src 10.9.0."),
        "{route}"
    );
    let file = fs::read_to_string(net.dir.path().join("run/net-c.conf")).expect("a file");
    assert!(file.contains("IPV4GATEWAY='10.9.0.1'"), "{file}");
    assert!(boot.took < Duration::from_secs(3), "{:?}", boot.took);
    eprintln!(
        "dhcp4: link up {:?}, lease {:?}, portal reachable {:?}, goal {:?}",
        boot.ended("link-up"),
        boot.ended("dhcp4"),
        boot.ended("reach"),
        boot.took
    );
}

#[test]
fn ipv6_waits_for_the_end_of_duplicate_address_detection() {
    if skip("ipv6") {
        return;
    }
    let net = Net::new();
    net.plug_in();
    net.listen("[fd09::1]:4420");
    let interface = interface(|i| i.addresses = vec![address("fd09::9/64")]);
    let boot = net.boot(
        plan(interface, "fd09::1", Some(NQN)),
        Played::default(),
        LONG,
    );
    assert_eq!(boot.verdict, Verdict::Done);
    assert_eq!(boot.step("reach").detail, "over c from fd09::9");
    assert!(boot.took < Duration::from_millis(2500), "{:?}", boot.took);
    eprintln!(
        "ipv6: portal reachable {:?}, goal {:?}",
        boot.ended("reach"),
        boot.took
    );
}

#[test]
fn an_address_that_another_machine_has_is_reported() {
    if skip("duplicate") {
        return;
    }
    let net = Net::new();
    net.plug_in();
    ip(&format!(
        "-n {} address add fd09::9/64 dev s nodad",
        net.target
    ));
    let interface = interface(|i| i.addresses = vec![address("fd09::9/64")]);
    let boot = net.boot(
        plan(interface, "fd09::1", Some(NQN)),
        Played::default(),
        SHORT,
    );
    assert_eq!(
        boot.report(),
        "`/` has no storage\n  `c`: address in use: another machine in the network has `fd09::9`; find the other machine with that address"
    );
    assert_eq!(boot.step("dad").state, StepState::Failed);
}

#[test]
fn late_carrier_and_late_server_cost_only_their_own_time() {
    if skip("late") {
        return;
    }
    let mut net = Net::new();
    net.dnsmasq(&["--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,1h"]);
    let target = net.target.clone();
    let interface = interface(|i| i.dhcp4 = true);
    let late = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&late);
    // The listener comes up when the network has been there for a while.
    let boot = net.boot_with(
        plan(interface, "10.9.0.1", None),
        Played::default(),
        LONG,
        move || {
            std::thread::sleep(Duration::from_secs(3));
            ip(&format!("-n {target} link set s up"));
            std::thread::sleep(Duration::from_secs(3));
            enter(&target);
            let listener = TcpListener::bind("10.9.0.1:4420").expect("the address");
            *theirs.lock().expect("no panic") = Some(Instant::now());
            std::thread::spawn(move || for _ in listener.incoming() {});
        },
    );
    assert_eq!(boot.verdict, Verdict::Done);
    // Seconds without carrier are on every boot, and no error.
    assert_eq!(boot.step("carrier").errors, []);
    let layers: Vec<Layer> = boot
        .step("discover")
        .errors
        .iter()
        .map(|e| e.fault.layer)
        .collect();
    assert_eq!(layers, [Layer::Refused]);
    // Lease soon after the carrier, connection within one pause of the listener.
    let lease = boot.ended("dhcp4");
    assert!(
        lease > Duration::from_secs(3) && lease < Duration::from_secs(4),
        "{lease:?}"
    );
    let up = late.lock().expect("no panic").expect("it came up");
    let after = Instant::now().duration_since(up);
    assert!(after < Duration::from_secs(4), "{after:?}");
    eprintln!(
        "late: lease {lease:?}, goal {:?} (listener after 6 s)",
        boot.took
    );
}

#[test]
fn a_dead_portal_does_not_hold_up_the_living_one() {
    if skip("dead portal") {
        return;
    }
    let net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let interface = interface(|i| i.addresses = vec![address("10.9.0.9/24")]);
    let mut plan = plan(interface, "10.9.0.1", Some(NQN));
    // Nobody has this address; it comes first.
    let mut dead = plan.controllers[0].clone();
    dead.traddr = "10.9.0.200".parse().expect("an address");
    plan.controllers.insert(0, dead);
    let mut path = plan.paths[0].clone();
    path.controller = 1;
    plan.paths.push(path);
    plan.mounts[0].controllers = vec![0, 1];
    let boot = net.boot_with(plan, Played::default(), LONG, || {
        std::thread::sleep(Duration::from_secs(5));
    });
    assert_eq!(boot.verdict, Verdict::Done);
    assert!(boot.took < Duration::from_secs(1), "{:?}", boot.took);
    let [missing] = boot.record.missing.as_slice() else {
        panic!("{:?}", boot.record.missing);
    };
    assert_eq!(missing.subject, "10.9.0.200:4420");
    assert!(
        matches!(missing.fault.layer, Layer::Timeout | Layer::NoRoute),
        "{:?}",
        missing.fault
    );
    eprintln!("one of two portals dead: goal {:?}", boot.took);
}

/// The running system's network program on the host's side, with a private
/// `/run`; without udev, networkd wants a read-only `/sys`, as in a container.
const NETWORKD: &str = "
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
    if skip("routers") {
        return;
    }
    let mut net = Net::new();
    net.plug_in();
    ip(&format!("-n {} address add fd77::1/128 dev lo", net.target));
    net.listen("[fd77::1]:4420");
    // Advertised every four seconds, good for twelve.
    net.dnsmasq(&[
        "--enable-ra",
        "--ra-param=s,4,12",
        "--dhcp-range=fd09::,ra-only,64,2h",
    ]);
    let interface = interface(|i| i.accept_ra = Some(true));
    let boot = net.boot(
        plan(interface, "fd77::1", Some(NQN)),
        Played::default(),
        LONG,
    );
    assert_eq!(boot.verdict, Verdict::Done);
    let addresses = || net.on_host("-6 -o address show dev c scope global");
    let routes = || net.on_host("-6 route show");
    let (address, left) = (addresses(), routes());
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
    if !std::path::Path::new("/lib/systemd/systemd-networkd").exists() {
        eprintln!("the takeover is skipped: no networkd");
        return;
    }
    let ran = Command::new("ip")
        .args([
            "netns", "exec", &net.host, "unshare", "-m", "sh", "-c", NETWORKD,
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

/// `ways` to one subsystem that stays away from the first `dead` of them.
fn many_ways(net: &Net, ways: u16, dead: u16) -> BootPlan {
    let interface = interface(|i| i.addresses = vec![address("10.9.0.9/24")]);
    let mut plan = plan(interface, "10.9.0.1", Some(NQN));
    let (first, path) = (plan.controllers[0].clone(), plan.paths[0].clone());
    plan.controllers.clear();
    plan.paths.clear();
    for way in 0..ways {
        let mut controller = first.clone();
        controller.trsvcid = (PORT + way).to_string().parse().expect("a port");
        if way < dead {
            // Nobody has these addresses.
            let silent = format!("10.9.0.{}", 100 + way);
            controller.traddr = silent.parse().expect("an address");
        } else {
            net.listen(&format!("10.9.0.1:{}", PORT + way));
        }
        let mut path = path.clone();
        path.controller = plan.controllers.len();
        plan.controllers.push(controller);
        plan.paths.push(path);
    }
    plan.mounts[0].controllers = (0..plan.controllers.len()).collect();
    plan
}

#[test]
fn thirty_two_ways_cost_root_no_more_than_one() {
    if skip("many ways") {
        return;
    }
    let slow = Played {
        slow: Duration::from_millis(40),
        ..Played::default()
    };
    let net = Net::new();
    net.plug_in();
    let plan = many_ways(&net, 32, 0);
    let boot = net.boot_with(plan, slow, LONG, || {
        std::thread::sleep(Duration::from_millis(2500));
    });
    assert_eq!(boot.verdict, Verdict::Done);
    assert!(boot.took < Duration::from_millis(900), "{:?}", boot.took);
    let ends: Vec<u64> = boot
        .record
        .steps
        .iter()
        .filter(|s| s.action == "connect")
        .filter_map(|s| Some(s.end?.monotonic_us - boot.record.start.monotonic_us))
        .collect();
    assert_eq!(ends.len(), 32, "{:#?}", boot.record.steps);
    eprintln!(
        "32 ways of 40 ms each: root {:?}, all {} ms",
        boot.took,
        ends.iter().max().expect("32") / 1000
    );
}

#[test]
fn many_silent_ways_cost_root_less_than_two_seconds() {
    if skip("silent ways") {
        return;
    }
    let net = Net::new();
    net.plug_in();
    let plan = many_ways(&net, 32, 31);
    let boot = net.boot(plan, Played::default(), LONG);
    assert_eq!(boot.verdict, Verdict::Done);
    assert!(boot.took < Duration::from_secs(3), "{:?}", boot.took);
    eprintln!("31 of 32 ways dead: root {:?}", boot.took);
}

#[test]
fn a_way_that_comes_back_after_the_deadline_is_still_found() {
    if skip("late way") {
        return;
    }
    let net = Net::new();
    net.plug_in();
    let target = net.target.clone();
    let mut plan = many_ways(&net, 1, 0);
    let mut second = plan.controllers[0].clone();
    second.trsvcid = "4500".parse().expect("a port");
    plan.controllers.push(second);
    plan.mounts[0].controllers.push(1);
    let boot = net.boot_with(plan, Played::default(), Duration::from_secs(1), move || {
        std::thread::sleep(Duration::from_secs(3));
        enter(&target);
        let listener = TcpListener::bind("10.9.0.1:4500").expect("the address");
        std::thread::sleep(Duration::from_secs(4));
        drop(listener);
    });
    assert_eq!(boot.verdict, Verdict::Done);
    let second = boot
        .record
        .steps
        .iter()
        .find(|s| s.subject == "10.9.0.1:4500" && s.action == "connect")
        .expect("a step");
    let end = second.end.expect("it came back").monotonic_us - boot.record.start.monotonic_us;
    assert!(end < 5_500_000, "{second:#?}");
}

#[test]
fn a_refused_setting_is_told_and_holds_nobody_up() {
    if skip("refused setting") {
        return;
    }
    let net = Net::new();
    net.plug_in();
    net.listen("10.9.0.1:4420");
    let interface = interface(|i| {
        i.addresses = vec![address("10.9.0.9/24")];
        let mut route = Route::new("10.77.0.0/16".parse().expect("a network"), origin());
        route.via = "10.66.0.1".parse().ok();
        i.routes = vec![route];
    });
    let boot = net.boot_with(
        plan(interface, "10.9.0.1", Some(NQN)),
        Played::default(),
        LONG,
        || std::thread::sleep(Duration::from_secs(1)),
    );
    assert_eq!(boot.verdict, Verdict::Done);
    assert!(boot.took < Duration::from_secs(2), "{:?}", boot.took);
    let route = boot.step("route");
    assert_eq!((route.state, route.tries), (StepState::Failed, 2));
    let missing: Vec<String> = boot
        .record
        .missing
        .iter()
        .map(|m| format!("{}: {}", m.subject, m.fault.layer))
        .collect();
    assert_eq!(
        missing,
        ["c route 10.77.0.0/16 by 10.66.0.1: network refused"]
    );
}

#[test]
fn each_failure_names_its_layer() {
    if skip("failures") {
        return;
    }
    let statics = || interface(|i| i.addresses = vec![address("10.9.0.9/24")]);
    let run = |prepare: fn(&Net), interface: Interface, played: Played| {
        let net = Net::new();
        prepare(&net);
        net.boot(plan(interface, "10.9.0.1", Some(NQN)), played, SHORT)
            .report()
    };
    let nothing = Played::default;
    let no_card = run(
        Net::plug_in,
        interface(|i| i.name = "eth9".parse().expect("a name")),
        nothing(),
    );
    assert!(
        no_card.contains("`eth9`: no such card: no network card is named `eth9`"),
        "{no_card}"
    );
    let no_carrier = run(|_| {}, statics(), nothing());
    assert!(
        no_carrier.contains("`c`: no carrier: `c` is up and has no carrier"),
        "{no_carrier}"
    );
    let no_lease = run(Net::plug_in, interface(|i| i.dhcp4 = true), nothing());
    assert!(
        no_lease.contains("`c` dhcp4: no lease: no DHCP server answered on `c`"),
        "{no_lease}"
    );
    let no_route = run(
        Net::plug_in,
        interface(|i| i.addresses = vec![address("10.8.0.9/24")]),
        nothing(),
    );
    assert!(
        no_route.contains("no route: no route leads to `10.9.0.1:4420` yet"),
        "{no_route}"
    );
    let refused = run(Net::plug_in, statics(), nothing());
    assert!(
        refused.contains("connection refused: `10.9.0.1:4420` refused the connection"),
        "{refused}"
    );
    let listening = |net: &Net| {
        net.plug_in();
        net.listen("10.9.0.1:4420");
    };
    let wrong = run(
        listening,
        statics(),
        Played {
            refuses: Some("nvme nvme0: Connect Invalid Data Parameter, subsysnqn \"x\""),
            ..Played::default()
        },
    );
    assert!(
        wrong.contains("wrong NQN: `10.9.0.1:4420` knows no subsystem"),
        "{wrong}"
    );
    let empty = run(
        listening,
        statics(),
        Played {
            empty: true,
            ..Played::default()
        },
    );
    assert!(
        empty.contains("no namespace: `nqn.2024-01.example:root` is connected"),
        "{empty}"
    );
    let silent = |net: &Net| {
        net.plug_in();
        let dropped = Command::new("ip")
            .args([
                "-n",
                &net.target,
                "route",
                "add",
                "blackhole",
                "10.9.0.9/32",
            ])
            .status();
        assert!(dropped.expect("`ip` runs").success());
    };
    let timeout = run(silent, statics(), nothing());
    assert!(
        timeout.contains("timeout: `10.9.0.1:4420` does not answer"),
        "{timeout}"
    );
}
