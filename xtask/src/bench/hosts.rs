//! The hosts that are measured: the lab's slim ones, with marks in the
//! initramfs.

use anyhow::{Context, Result};
use nvmeroot_lab::scenario::{self, Controller, InstallerConfig, Scenario};
use nvmeroot_lab::{HOST_ID, HOST_NQN, HostKind, Portal, Processors, SUBSYSTEM, TreeFile};

const MARK: &str = include_str!("guest/mark.sh");
const LOG_MARK: &str = include_str!("guest/mark-log.sh");
const LOG_MARK_HOOK: &str = include_str!("guest/mark-log-hook.sh");
const PATHS: &str = include_str!("guest/paths.sh");
const FLOOR: &str = include_str!("guest/floor.sh");
const BUSY_FLOOR: &str = include_str!("guest/busy-floor.sh");
const FLOOR_NETWORK: &str = include_str!("guest/floor-network.sh");
const FLOOR_HOOK: &str = include_str!("guest/floor-hook.sh");
const ORIGINAL_HOOK: &str = include_str!("guest/original-hook.sh");

/// The stages of the initramfs that are marked.
const STAGES: [&str; 5] = [
    "init-top",
    "init-premount",
    "local-top",
    "local-premount",
    "init-bottom",
];

/// The name of every discovery service (NVM Express Base Specification 2.0,
/// section 4.5).
const DISCOVERY: &str = "nqn.2014-08.org.nvmexpress.discovery";

/// The target's portals: from here on, one port each.
const FIRST_PORT: u16 = 4420;

/// What runs in the initramfs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Runtime {
    Scripts,
    Agent,
}

impl Runtime {
    /// A pair, in the order in which it runs.
    pub(super) const BOTH: [Runtime; 2] = [Runtime::Scripts, Runtime::Agent];

    pub(super) fn name(self) -> &'static str {
        match self {
            Runtime::Scripts => "scripts",
            Runtime::Agent => "agent",
        }
    }

    /// The stage in which its first script runs.
    pub(super) fn first_stage(self) -> &'static str {
        match self {
            Runtime::Scripts => "init-premount",
            Runtime::Agent => "init-top",
        }
    }

    fn arguments(self) -> Vec<String> {
        vec!["--runtime".to_owned(), self.name().to_owned()]
    }
}

/// How the host gets its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Case {
    Static,
    /// The server answers at once.
    Dhcp,
    /// The server pings an address before it offers it.
    PingedDhcp,
    /// The scripts' client probes the address, as the original's does.
    ProbedDhcp,
}

impl Case {
    pub(super) const ALL: [Case; 4] =
        [Case::Static, Case::Dhcp, Case::PingedDhcp, Case::ProbedDhcp];

    pub(super) fn title(self) -> &'static str {
        match self {
            Case::Static => "static IPv4",
            Case::Dhcp => "DHCPv4",
            Case::PingedDhcp => "DHCPv4, the server pings first",
            Case::ProbedDhcp => "DHCPv4, the scripts probe as the original does",
        }
    }

    /// Those whose titles contain `wanted`.
    pub(super) fn titled(wanted: &str) -> Vec<Case> {
        let cases = Case::ALL.into_iter();
        cases.filter(|case| case.title().contains(wanted)).collect()
    }

    /// How many times as fast as the scripts the agent is to be. Of a server that
    /// pings first nobody can save the seconds.
    pub(super) fn times_faster(self) -> Option<f64> {
        match self {
            Case::Static => Some(3.0),
            Case::Dhcp | Case::ProbedDhcp => Some(12.0),
            Case::PingedDhcp => None,
        }
    }
}

/// A host as the lab's scenario `from` has it, with marks.
fn marked(from: &str, name: &'static str) -> Result<Scenario> {
    let all = scenario::all();
    let mut scenario = all
        .into_iter()
        .find(|scenario| scenario.name == from)
        .with_context(|| format!("the lab has no scenario `{from}`"))?;
    scenario.name = name;
    name.clone_into(&mut scenario.host.name);
    let marks = STAGES.map(|stage| script(stage, "aa-lab", MARK));
    scenario.host.files.extend(marks);
    // That the host is as it should be, the lab's own scenarios check.
    scenario.check = |_, _| {};
    scenario.host.kind = HostKind::Slim;
    scenario.wiring.settle = 0;
    Ok(scenario)
}

fn script(stage: &str, name: &str, text: &str) -> TreeFile {
    TreeFile::new(
        format!("etc/initramfs-tools/scripts/{stage}/{name}"),
        0o755,
        text,
    )
}

fn hook(name: &str, text: &str) -> TreeFile {
    TreeFile::new(format!("etc/initramfs-tools/hooks/{name}"), 0o755, text)
}

/// As [`like`], with a clock that does not depend on this machine.
pub(super) fn counted_like(from: &str, runtime: Runtime) -> Result<Scenario> {
    let mut scenario = like(from, runtime)?;
    scenario.wiring.processors = Processors::Counted;
    Ok(scenario)
}

/// The host of the lab's scenario `from`, reached by `runtime`, into a root that only
/// reports.
pub(super) fn like(from: &str, runtime: Runtime) -> Result<Scenario> {
    let name = match runtime {
        Runtime::Scripts => "bench-links-scripts",
        Runtime::Agent => "bench-links-agent",
    };
    let mut scenario = marked(from, name)?;
    scenario.host.name = format!("bench-{from}-{}", runtime.name());
    scenario.host.configure_args = runtime.arguments();
    Ok(scenario)
}

/// As [`host`], with a clock that does not depend on this machine.
pub(super) fn counted_host(case: Case, runtime: Runtime) -> Result<Scenario> {
    let mut scenario = host(case, runtime)?;
    scenario.wiring.processors = Processors::Counted;
    Ok(scenario)
}

/// The same host as simulated machines can be measured, whose kernel has no trace:
/// with its marks in the kernel's log.
pub(super) fn logging(mut scenario: Scenario) -> Scenario {
    scenario.host.name.push_str("-log");
    let files = &mut scenario.host.files;
    for file in files.iter_mut().filter(|file| file.text == MARK) {
        LOG_MARK.clone_into(&mut file.text);
    }
    files.push(hook("lab-mark", LOG_MARK_HOOK));
    // What the initramfs says of itself it says in parts of lines, and the kernel's
    // lines would begin in their middle.
    scenario.wiring.cmdline.push_str(" quiet loglevel=7");
    scenario
}

/// The same, with a real processor for each machine.
pub(super) fn pinned(scenario: Scenario) -> Scenario {
    let mut scenario = logging(scenario);
    scenario.wiring.processors = Processors::Pinned;
    scenario
}

/// One portal; the address by `case`, reached by `runtime`.
pub(super) fn host(case: Case, runtime: Runtime) -> Result<Scenario> {
    let from = match case {
        Case::Static => "slim-static",
        _ => "slim-dhcp4",
    };
    // Both servers serve the same image.
    let name = match (case, runtime) {
        (Case::Static, Runtime::Scripts) => "bench-static-scripts",
        (Case::Static, Runtime::Agent) => "bench-static-agent",
        (Case::ProbedDhcp, Runtime::Scripts) => "bench-dhcp4-original",
        (_, Runtime::Scripts) => "bench-dhcp4-scripts",
        (_, Runtime::Agent) => "bench-dhcp4-agent",
    };
    let mut scenario = marked(from, name)?;
    scenario.host.configure_args = runtime.arguments();
    for network in scenario.target.iter_mut().flat_map(|t| &mut t.networks) {
        network.offers_at_once = case != Case::PingedDhcp;
    }
    if (case, runtime) == (Case::ProbedDhcp, Runtime::Scripts) {
        scenario
            .host
            .files
            .push(hook("lab-original", ORIGINAL_HOOK));
    }
    Ok(scenario)
}

/// The floor: no runtime of ours; the network is up, and then one request for a
/// controller is written.
pub(super) fn floor() -> Result<Scenario> {
    let text = FLOOR.replace("@DISCOVERY@", &request(DISCOVERY));
    floor_by("bench-floor", "init-premount", &text)
}

/// The same at the moment when the agent comes to it, while udev works.
pub(super) fn busy_floor() -> Result<Scenario> {
    floor_by("bench-busy-floor", "init-top", BUSY_FLOOR)
}

fn floor_by(name: &'static str, stage: &str, text: &str) -> Result<Scenario> {
    let mut scenario = unconfigured(name)?;
    let text = text
        .replace("@NETWORK@", FLOOR_NETWORK)
        .replace("@REQUEST@", &request(SUBSYSTEM));
    let files = &mut scenario.host.files;
    files.push(script(stage, "ab-lab-floor", &text));
    files.push(hook("lab-floor", FLOOR_HOOK));
    Ok(scenario)
}

fn request(nqn: &str) -> String {
    format!(
        "transport=tcp,traddr=10.77.0.1,trsvcid={FIRST_PORT},nqn={nqn},\
         hostnqn={HOST_NQN},hostid={HOST_ID}"
    )
}

/// The same tree, which nvmeroot has left alone.
pub(super) fn plain() -> Result<Scenario> {
    unconfigured("bench-plain")
}

fn unconfigured(name: &'static str) -> Result<Scenario> {
    let mut scenario = marked("slim-static", name)?;
    "storage: {version: 1, config: []}\n".clone_into(&mut scenario.host.curtin);
    scenario.host.netplan = None;
    scenario.host.configure_args = Vec::new();
    Ok(scenario)
}

/// As [`portals`] by the agent, with a clock that does not depend on this machine. The
/// scripts would be at it for so long that the target misses signs of life from the
/// first connections.
pub(super) fn counted_portals(count: u16) -> Result<Scenario> {
    let mut scenario = portals(count, Runtime::Agent)?;
    scenario.wiring.processors = Processors::Counted;
    Ok(scenario)
}

/// As many portals, all on one address, all of the same subsystem, each known
/// to the host.
pub(super) fn portals(count: u16, runtime: Runtime) -> Result<Scenario> {
    let name = match runtime {
        Runtime::Scripts => "bench-portals-scripts",
        Runtime::Agent => "bench-portals-agent",
    };
    let mut scenario = marked("slim-static", name)?;
    scenario.host.name = format!("{name}-{count}");
    scenario.host.configure_args = runtime.arguments();
    scenario.host.curtin = InstallerConfig {
        controllers: ports(count)
            .map(|port| Controller::Tcp("10.77.0.1", port))
            .collect(),
        remote_root: true,
        netplan: scenario.host.netplan.clone(),
        ..InstallerConfig::default()
    }
    .yaml();
    scenario
        .host
        .files
        .push(script("local-bottom", "lab-paths", PATHS));
    scenario.wiring.cmdline = format!("lab.paths={count}");
    let target = scenario.target.as_mut().context("the host has no target")?;
    let first = *target.portals.first().context("the target has no portal")?;
    target.portals = ports(count).map(|port| Portal { port, ..first }).collect();
    Ok(scenario)
}

fn ports(count: u16) -> impl Iterator<Item = u16> {
    FIRST_PORT..FIRST_PORT + count
}
