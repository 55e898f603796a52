//! The whole program on the host's side, with a target that is played.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nvmeroot_agent::boot::{self, Requirements, Verdict};
use nvmeroot_agent::storage::fabrics::{Device, Fabrics, Refusal};
use nvmeroot_agent::sys::events::{Change, Events};
use nvmeroot_agent::sys::kmsg::Kmsg;
use nvmeroot_agent::sys::netlink;
use nvmeroot_agent::sys::paths::Paths;
use nvmeroot_agent::task::{Context, Recorder};
use nvmeroot_fabrics::log_page::{ENTRY, MOST_ENTRIES};
use nvmeroot_plan::{
    BootPlan, ConnectOptions, Controller, ControllerPath, DefinitionId, EgressInterface, Interface,
    InterfaceAddress, LinkKind, Mount, Network, Nqn, Origin, Reach, Transport,
};
use nvmeroot_record::FailureKind;
use nvmeroot_record::{BootRecord, Missing, Scope, StepKind, StepRecord};

use crate::net::{Entered, Net};

pub(crate) const NQN: &str = "nqn.2024-01.example:root";
pub(crate) const PORT: u16 = 4420;
/// Where the played discovery service refers to.
pub(crate) const REFERRED: u16 = 8010;
/// Where the played discovery service offers all that a log can hold, none of
/// which can be connected, and each takes its time to show it.
pub(crate) const FLOODING: u16 = 8011;
const FLOOD: &str = "nqn.2024-01.example:flood";

/// A deadline that no test should come to.
pub(crate) const LONG: Duration = Duration::from_secs(30);

impl Net {
    /// Runs the whole program against `plan` on the host's side.
    pub(crate) fn boot(&mut self, plan: BootPlan, played: Played, limit: Duration) -> Boot {
        self.boot_with(plan, played, limit, |_| {})
    }

    /// The same, with a target that works and a deadline that is far.
    pub(crate) fn boot_well(&mut self, interface: Interface, portal: &str) -> Boot {
        let boot = self.boot(plan(interface, portal, Some(NQN)), Played::default(), LONG);
        assert_eq!(boot.verdict, Verdict::Done, "{:#?}", boot.record.missing);
        boot
    }

    /// The same; `meanwhile` runs beside it, and the program goes on until it
    /// returns.
    pub(crate) fn boot_with(
        &mut self,
        plan: BootPlan,
        played: Played,
        limit: Duration,
        meanwhile: impl FnOnce(&mut Self),
    ) -> Boot {
        let host = self.host.clone();
        let paths = self.paths();
        thread::scope(|scope| {
            let (finished, wait) = mpsc::channel::<()>();
            let booted = scope.spawn(move || run(&host, &paths, plan, played, limit, &wait));
            meanwhile(self);
            drop(finished);
            booted.join().expect("no panic")
        })
    }

    /// Does what the running system does with what the boot did without, until
    /// all of it is there.
    pub(crate) fn reconnect(&self, plan: BootPlan) -> BootRecord {
        let paths = self.paths();
        thread::scope(|scope| {
            let connected = scope.spawn(|| {
                let _entered = Entered::new(&self.host);
                let boot = boot_of(&paths, plan, Played::default(), LONG);
                boot.start_missing().expect("the links");
                boot.wait_for_the_rest();
                boot.context.recorder.finish();
                boot.context.recorder.snapshot()
            });
            connected.join().expect("no panic")
        })
    }

    /// What `start` starts, until `meanwhile` returns. It is told whether all of it has
    /// ended by itself.
    pub(crate) fn beside(
        &self,
        plan: BootPlan,
        start: fn(&boot::Boot),
        meanwhile: impl FnOnce(&Self, &dyn Fn() -> bool),
    ) {
        let paths = self.paths();
        thread::scope(|scope| {
            let (started, events) = mpsc::channel();
            let begun = scope.spawn(move || {
                let _entered = Entered::new(&self.host);
                let boot = boot_of(&paths, plan, Played::default(), LONG);
                start(&boot);
                let events = Arc::clone(&boot.context.events);
                started.send(events).expect("a test");
                boot.wait_for_the_rest();
            });
            let events = events.recv().expect("its start");
            meanwhile(self, &|| begun.is_finished());
            events.stop();
            begun.join().expect("no panic");
        });
    }

    /// The initramfs mounts root as soon as its drive is there.
    pub(crate) fn mount_root(&self) {
        let mounts = self.paths().mounts;
        let directory = mounts.parent().expect("a directory");
        fs::create_dir_all(directory).expect("a directory");
        let line = "30 1 259:1 / /root ro - ext4 /dev/nvme0n1 ro\n";
        fs::write(mounts, line).expect("a file");
    }

    fn paths(&self) -> Paths {
        Paths {
            // Real: the namespace's own sysctls are behind it.
            proc: "/proc".into(),
            ..Paths::under(&self.path(""))
        }
    }
}

/// The plan with what its rules decide, but for what these tests try on their own:
/// router advertisements and the identity to DHCP servers.
fn with_policy(mut plan: BootPlan) -> BootPlan {
    let before = plan.network.interfaces.clone();
    nvmeroot_plan::apply_policy(&mut plan);
    for (now, before) in plan.network.interfaces.iter_mut().zip(before) {
        now.accept_ra = now.accept_ra.filter(|on| *on).or(before.accept_ra);
        now.dhcp4 = before.dhcp4;
        now.dhcp6 = before.dhcp6;
    }
    plan
}

/// A boot, to be made in the host's namespace.
fn boot_of(paths: &Paths, plan: BootPlan, played: Played, limit: Duration) -> boot::Boot {
    let plan = with_policy(plan);
    fs::create_dir_all(&paths.run).expect("a directory");
    let events = Arc::new(Events::new().expect("a file descriptor"));
    netlink::watch(&events).expect("a watch");
    let device = PlayedDevice {
        sys: paths.sys.clone(),
        events: Arc::clone(&events),
        played,
        made: Mutex::new(0),
        asked: Mutex::new(0),
    };
    let requirements = Requirements::of(&plan, None);
    let names = plan.network.interfaces.iter().map(|one| one.name.clone());
    let only_at_boot = names.filter(|name| name.as_str().starts_with("nbft"));
    let only_at_boot = only_at_boot.map(|name| (name, None)).collect();
    let mut context = Context::new(
        plan,
        paths.clone(),
        events,
        Kmsg::open(paths, true),
        Recorder::start(paths.record(), limit, None),
        Instant::now() + limit,
    );
    context.only_at_boot = only_at_boot;
    boot::Boot::new(context, requirements, Fabrics::new(Box::new(device)))
}

fn run(
    host: &str,
    paths: &Paths,
    plan: BootPlan,
    played: Played,
    limit: Duration,
    wait: &mpsc::Receiver<()>,
) -> Boot {
    let _entered = Entered::new(host);
    let started = Instant::now();
    let boot = boot_of(paths, plan, played, limit);
    let context = &boot.context;
    let events = Arc::clone(&context.events);
    boot.start();
    let verdict = boot.wait_for_requirements();
    let took = started.elapsed();
    if verdict == Verdict::Done {
        boot.watch_for_root();
    }
    // Who saw the namespace may write it down a moment later, a lease's address
    // may lead there before its last route is set, and before the thread that
    // waits for the end of duplicate address detection has heard of it. One card
    // may be enough before the thread of another has looked for its own.
    let until = Instant::now() + Duration::from_secs(5);
    let open = || {
        let steps = context.recorder.snapshot().steps;
        let seen = |s: &StepRecord| s.action == StepKind::Namespace && s.end.is_some();
        let applied = |s: &StepRecord| {
            let dhcp = matches!(s.action, StepKind::Dhcp4 | StepKind::Dhcp6);
            let heard = s.action != StepKind::Dad;
            heard && (!dhcp || s.detail.is_empty()) || s.end.is_some()
        };
        let ended = steps.iter().filter(|s| s.end.is_some()).map(|s| &s.scope);
        let missing = context.missing();
        let looked: BTreeSet<_> = ended.chain(missing.iter().map(|m| &m.scope)).collect();
        let looked = |i: &Interface| looked.contains(&Scope::from(&i.name));
        let mut interfaces = context.plan.network.interfaces.iter();
        !steps.iter().any(seen) || !steps.iter().all(applied) || !interfaces.all(looked)
    };
    while verdict == Verdict::Done && open() && Instant::now() < until {
        events.wait_past(
            events.seen(),
            &Change::ALL,
            Instant::now() + Duration::from_millis(20),
        );
    }
    // Nothing is ever sent: it is the other end's drop that counts.
    let _ = wait.recv();
    context.recorder.missing(context.missing());
    boot.hand_off();
    events.stop();
    context.recorder.finish();
    Boot {
        verdict,
        took,
        record: context.recorder.snapshot(),
    }
}

pub(crate) struct Boot {
    pub(crate) verdict: Verdict,
    /// Until the goal was reached or given up.
    pub(crate) took: Duration,
    pub(crate) record: BootRecord,
}

impl Boot {
    pub(crate) fn step(&self, action: &str) -> &StepRecord {
        self.record
            .steps
            .iter()
            .find(|s| s.action.word() == action)
            .unwrap_or_else(|| panic!("no step `{action}` in {:#?}", self.record.steps))
    }

    /// When a step ended, after the start.
    pub(crate) fn ended(&self, action: &str) -> Duration {
        let end = self.step(action).end.expect("an end").monotonic_us;
        Duration::from_micros(end - self.record.start.monotonic_us)
    }

    /// When steps of a kind ended, after the start.
    pub(crate) fn all_ended(&self, action: &str) -> Vec<Duration> {
        let steps = self
            .record
            .steps
            .iter()
            .filter(|s| s.action.word() == action);
        steps
            .filter_map(|s| Some(s.end?.monotonic_us - self.record.start.monotonic_us))
            .map(Duration::from_micros)
            .collect()
    }

    /// The layers of what went wrong in a step.
    pub(crate) fn layers(&self, action: &str) -> Vec<FailureKind> {
        let errors = &self.step(action).errors;
        errors.iter().map(|e| e.failure.kind).collect()
    }

    /// What is missing at the end.
    pub(crate) fn missing(&self) -> Vec<String> {
        let line = |m: &Missing| {
            let action = m.action.map_or("", StepKind::word);
            let words = [&m.scope.to_string(), action, &m.detail];
            let words: Vec<&str> = words.into_iter().filter(|w| !w.is_empty()).collect();
            format!("{}: {}", words.join(" "), m.failure.kind)
        };
        self.record.missing.iter().map(line).collect()
    }

    pub(crate) fn report(&self) -> String {
        match &self.verdict {
            Verdict::Failed(lines) => lines.join("\n"),
            other => panic!("{other:?}: {:#?}", self.record.steps),
        }
    }
}

/// What the played target does.
#[derive(Clone, Default)]
pub(crate) struct Played {
    /// It says so in the kernel log and refuses.
    pub(crate) refuses: Option<&'static str>,
    /// It has no namespace.
    pub(crate) empty: bool,
    /// The first discovery service refers to another, and that one back.
    pub(crate) refers: bool,
    /// Each connect takes so long.
    pub(crate) slow: Duration,
}

/// An entry of a discovery log.
fn entry(transport: u8, kind: u8, port: u16, nqn: &str) -> Vec<u8> {
    let mut entry = vec![0; ENTRY];
    (entry[0], entry[1], entry[2]) = (transport, 1, kind);
    entry[32..36].copy_from_slice(port.to_string().as_bytes());
    entry[256..256 + nqn.len()].copy_from_slice(nqn.as_bytes());
    entry[512..520].copy_from_slice(b"10.9.0.1");
    entry
}

/// One of many. Half of them are at an address that nobody has.
fn flood(number: u64) -> Vec<u8> {
    let mut entry = entry(3, 2, FLOODING, &format!("{FLOOD}-{number}"));
    if number.is_multiple_of(2) {
        entry[512..522].copy_from_slice(b"10.9.0.200");
    }
    entry
}

/// The log of these entries.
fn log(entries: Vec<Vec<u8>>) -> Vec<u8> {
    let mut log = vec![0; ENTRY];
    log[8..16].copy_from_slice(&(entries.len() as u64).to_le_bytes());
    log.extend(entries.concat());
    log
}

/// Made once: it is read in a thousand pieces.
static FLOOD_LOG: OnceLock<Vec<u8>> = OnceLock::new();

/// Plays `/dev/nvme-fabrics` and sysfs. No NVMe happens.
struct PlayedDevice {
    sys: PathBuf,
    events: Arc<Events>,
    played: Played,
    made: Mutex<u32>,
    /// The port of the last controller.
    asked: Mutex<u16>,
}

impl Device for PlayedDevice {
    fn options(&self) -> io::Result<String> {
        Ok("instance=-1,cntlid=-1,transport=%s,traddr=%s,trsvcid=%s,nqn=%s,hostnqn=%s,hostid=%s,ctrl_loss_tmo=%d,host_iface=%s\n".to_owned())
    }

    fn create(&self, text: &str) -> Result<u32, Refusal> {
        thread::sleep(self.played.slow);
        if text.contains(FLOOD) {
            thread::sleep(Duration::from_millis(200));
            return Err(Refusal {
                error: io::Error::from_raw_os_error(11),
                said: Vec::new(),
            });
        }
        if let Some(said) = self.played.refuses {
            return Err(Refusal {
                error: io::Error::from_raw_os_error(5),
                said: vec![said.to_owned()],
            });
        }
        fs::create_dir_all(&self.sys).expect("a directory");
        fs::write(self.sys.join("asked"), text).expect("a file");
        let port = text.split("trsvcid=").nth(1).expect("a port");
        let port = port.split(',').next().expect("a port");
        *self.asked.lock().expect("no panic") = port.parse().expect("a port");
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
            self.events.raise(Change::Devices);
        }
        Ok(instance)
    }

    fn discovery_log(&self, _: u32, offset: u64, buffer: &mut [u8]) -> io::Result<u16> {
        let discovery = Nqn::DISCOVERY;
        let entries = match (self.played.refers, *self.asked.lock().expect("no panic")) {
            (true, PORT) => vec![
                entry(1, 2, PORT, NQN),
                entry(3, 1, REFERRED, discovery),
                entry(3, 3, PORT, discovery),
            ],
            (true, _) => vec![
                entry(3, 1, PORT, discovery),
                entry(3, 2, PORT, NQN),
                entry(3, 2, PORT, NQN),
            ],
            (false, FLOODING) => {
                let log = FLOOD_LOG.get_or_init(|| log((0..MOST_ENTRIES).map(flood).collect()));
                let rest = log.get(usize::try_from(offset).expect("small")..);
                let rest = rest.expect("within the log");
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                return Ok(0);
            }
            (false, _) => vec![entry(3, 2, PORT, NQN)],
        };
        let mut page = log(entries);
        let offset = usize::try_from(offset).expect("small");
        page.resize(page.len().max(offset + buffer.len()), 0);
        buffer.copy_from_slice(&page[offset..offset + buffer.len()]);
        Ok(0)
    }

    fn delete(&self, _: u32) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn origin() -> Origin {
    Origin::whole("test")
}

/// An interface `c`, as `change` makes it.
pub(crate) fn interface(change: impl FnOnce(&mut Interface)) -> Interface {
    let id: DefinitionId = "c".parse().expect("an id");
    let name = "c".parse().expect("a name");
    let mut interface = Interface::new(id, name, LinkKind::Ethernet, origin());
    change(&mut interface);
    interface
}

pub(crate) fn address(text: &str) -> InterfaceAddress {
    InterfaceAddress::new(text.parse().expect("an address"))
}

/// Root on a portal that `interface` leads to.
pub(crate) fn plan(interface: Interface, portal: &str, nqn: Option<&str>) -> BootPlan {
    let traddr: IpAddr = portal.parse().expect("an address");
    BootPlan {
        reach: Reach::Initramfs,
        reasons: Vec::new(),
        host: None,
        mounts: vec![Mount {
            path: "/".parse().expect("a path"),
            essential: true,
            controllers: vec![0],
            filesystem: None,
            layers: Vec::new(),
            arrays: Vec::new(),
            source: nvmeroot_plan::MountSource::Installer,
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
            interfaces: vec![EgressInterface {
                interface: interface.name.clone(),
                why: "test".to_owned(),
                origin: origin(),
            }],
        }],
        network: Network {
            interfaces: vec![interface],
        },
        warnings: Vec::new(),
        ..BootPlan::default()
    }
}
