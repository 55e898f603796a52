//! The two machines: the same Debian tree with a local root, one with
//! systemd-networkd, one with the agent, each with a target of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::configuration::Configuration;
use super::generate::{generate, generated};
use super::plan::plan;
use super::target::target;
use crate::cache::write;
use crate::error::{Context, Error, Result};
use crate::host::HostImage;
use crate::host_spec::{HostSpec, TreeFile};
use crate::lab::{FIRST_SLOT, Lab, Wiring};
use crate::machine::{Condition, Way, Who, wait};

/// Carries the batch out inside; on a drive of its own, so that the host's
/// image stays the same when it changes.
const PROGRAM: &str = include_str!("../../guest/differential.py");

const TARGET_UNIT: &str = "\
[Unit]
Requires=basic.target dbus.service lab-differential.service
After=basic.target
";
const SERVICE_UNIT: &str = "\
[Unit]
After=basic.target dbus.service
[Service]
ExecStart=/bin/sh -c 'exec python3 /dev/vdb >/dev/console 2>&1'
";

/// Cards of each machine: `ens3` and those that follow.
pub(super) const CARDS: u8 = 4;

/// From switching a host on to its first configuration.
const BOOT: Duration = Duration::from_secs(240);
/// The most that one configuration takes.
const EACH: Duration = Duration::from_secs(60);
const TARGET_READY: Duration = Duration::from_secs(120);

/// What brings the configurations up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Actor {
    Networkd,
    Agent,
}

impl Actor {
    fn word(self) -> &'static str {
        match self {
            Actor::Networkd => "networkd",
            Actor::Agent => "agent",
        }
    }
}

/// What a machine says of one configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Answer {
    /// The configuration's name.
    pub name: String,
    /// Nothing changed any more, and whoever was at work had finished.
    #[serde(default)]
    pub settled: bool,
    /// What the kernel says.
    #[serde(default)]
    pub dump: Value,
    /// Why it could not be carried out.
    pub error: Option<String>,
    /// What was said meanwhile: the agent in the kernel log, or `netplan
    /// generate`.
    #[serde(default)]
    pub log: Vec<String>,
}

/// What ran in the machines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Versions {
    /// The kernel.
    pub kernel: String,
    /// systemd, as it says itself.
    pub systemd: String,
    /// netplan.
    pub netplan: String,
    /// `ip`, as it says itself.
    pub iproute2: String,
}

/// What came of a batch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What ran in the machines.
    pub versions: Versions,
    /// By systemd-networkd, in the order of the configurations.
    pub networkd: Vec<Answer>,
    /// By the agent, likewise.
    pub agent: Vec<Answer>,
    /// Where the consoles and answers are.
    pub dir: PathBuf,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Versions { versions: Versions },
    Answer(Box<Answer>),
    End {},
}

/// Has both machines carry the configurations out, beside each other, run in that
/// way.
///
/// # Errors
/// [`Error::Plan`] when a configuration can't be planned or one of its
/// interfaces leads to no portal; else what went wrong with the machines.
pub fn run_both(
    lab: &Lab,
    way: Way,
    agent: &Path,
    configurations: &[Configuration],
) -> Result<Batch> {
    let dir = lab.run_dir("differential")?;
    let image = lab.host_image(&host(), way.kind)?;
    let mut plans = Vec::new();
    let files = dir.join("configurations");
    for one in configurations {
        plans.push(plan(lab.nvmeroot(), one, &files.join(&one.name))?);
    }
    generate(lab, &files)?;
    let machine = |actor| {
        let batch = batch(actor, agent, &files, configurations, &plans)?;
        let inputs = Inputs {
            image: &image,
            agent,
            batch: &batch,
            configurations,
        };
        run_one(lab, way, actor, &inputs, &dir)
    };
    let (networkd, by_agent) = thread::scope(|scope| {
        let networkd = scope.spawn(|| machine(Actor::Networkd));
        let by_agent = machine(Actor::Agent);
        let died = |_| Error::Ended {
            vm: "networkd".to_owned(),
            what: "its thread's result".to_owned(),
        };
        (networkd.join().map_err(died).flatten(), by_agent)
    });
    let ((versions, networkd), (_, by_agent)) = (networkd?, by_agent?);
    Ok(Batch {
        versions,
        networkd,
        agent: by_agent,
        dir,
    })
}

/// What a former run left in `dir`, for another look at it.
///
/// # Errors
/// [`Error::File`] when there is none, [`Error::Report`] when it was about
/// other configurations.
pub fn read_again(dir: &Path, configurations: &[Configuration]) -> Result<Batch> {
    let read = |actor: Actor| {
        let path = dir.join(actor.word()).join("host.report");
        let bytes = fs::read(&path).context("read", &path)?;
        let report = String::from_utf8_lossy(&bytes).replace('\r', "");
        answers(&report, configurations)
    };
    let ((versions, networkd), (_, agent)) = (read(Actor::Networkd)?, read(Actor::Agent)?);
    Ok(Batch {
        versions,
        networkd,
        agent,
        dir: dir.to_owned(),
    })
}

/// The tree of both machines, without anything of nvmeroot's.
fn host() -> HostSpec {
    let unit =
        |name: &str, text: &str| TreeFile::new(format!("etc/systemd/system/{name}"), 0o644, text);
    HostSpec {
        name: "differential".to_owned(),
        curtin: "storage: {version: 1, config: []}\n".to_owned(),
        files: vec![
            unit("lab-differential.target", TARGET_UNIT),
            unit("lab-differential.service", SERVICE_UNIT),
        ],
        ..HostSpec::default()
    }
}

fn batch(
    actor: Actor,
    agent: &Path,
    files: &Path,
    configurations: &[Configuration],
    plans: &[Value],
) -> Result<String> {
    let length = fs::metadata(agent).context("inspect", agent)?.len();
    let mut all = Vec::new();
    for (one, plan) in configurations.iter().zip(plans) {
        all.push(json!({
            "name": one.name,
            "quiet": one.quiet,
            "cards": cards(one),
            "offloads": mentions(one, "offload"),
            "generated": generated(&files.join(&one.name).join("root"))?,
            "plan": plan,
        }));
    }
    Ok(json!({
        "actor": actor.word(),
        "agent_length": length,
        "configurations": all,
    })
    .to_string())
}

fn mentions(one: &Configuration, word: &str) -> bool {
    one.files.iter().any(|(_, text)| text.contains(word))
}

/// The cards that the configuration names, by name or MAC address; each takes
/// time to come and go. All of them where it names none.
fn cards(one: &Configuration) -> Vec<u8> {
    let is_named = |number: &u8| {
        let name = format!("ens{}", FIRST_SLOT + number);
        mentions(one, &name) || mentions(one, &format!("52:54:00:4c:00:{:02x}", number + 1))
    };
    let named: Vec<u8> = (0..CARDS).filter(is_named).collect();
    if named.is_empty() {
        (0..CARDS).collect()
    } else {
        named
    }
}

/// A drive that holds these bytes, filled up to whole sectors.
fn drive(path: &Path, bytes: &[u8]) -> Result<PathBuf> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4096), b'\n');
    write(path, 0o644, padded)?;
    Ok(path.to_owned())
}

/// What a machine is made of and has to do.
struct Inputs<'a> {
    image: &'a HostImage,
    agent: &'a Path,
    batch: &'a str,
    configurations: &'a [Configuration],
}

fn run_one(
    lab: &Lab,
    way: Way,
    actor: Actor,
    inputs: &Inputs<'_>,
    dir: &Path,
) -> Result<(Versions, Vec<Answer>)> {
    let dir = dir.join(actor.word());
    fs::create_dir_all(&dir).context("create", &dir)?;
    let Inputs {
        image,
        agent,
        batch,
        configurations,
    } = *inputs;
    let program = fs::read(agent).context("read", agent)?;
    let drives = [
        drive(&dir.join("program.drive"), PROGRAM.as_bytes())?,
        drive(&dir.join("batch.drive"), batch.as_bytes())?,
        drive(&dir.join("agent.drive"), &program)?,
    ];
    let wiring = Wiring {
        slots: (FIRST_SLOT..FIRST_SLOT + CARDS).collect(),
        local_root: true,
        cmdline: "systemd.unit=lab-differential.target systemd.mask=lab-heartbeat.service \
                  systemd.mask=lab-before.service nvmeroot.deadline=600 quiet"
            .to_owned(),
        ..Wiring::default()
    };
    let mut world = lab.world(&way, wiring.slots.len(), &dir)?;
    let machine = lab.target(&target(), image, &wiring, way.kind, &dir)?;
    world.start(&machine, &dir)?;
    let ready = Condition::Says {
        who: Who::Target,
        texts: &["lab: target ready"],
        from: 0,
    };
    wait(&mut *world, &ready, TARGET_READY)?;
    let mut machine = lab.host(image, &wiring, way.kind)?;
    machine.drives.extend(drives);
    world.start(&machine, &dir)?;
    let count = u32::try_from(configurations.len()).unwrap_or(u32::MAX);
    let ends = Condition::Ends(Who::Host);
    wait(&mut *world, &ends, BOOT + EACH * count)?;
    let report = world.report(Who::Host)?;
    answers(&report, configurations)
}

fn answers(report: &str, asked: &[Configuration]) -> Result<(Versions, Vec<Answer>)> {
    let fault = |what: String| Error::Report {
        section: "differential",
        what,
    };
    let (mut versions, mut answers) = (None, Vec::new());
    for line in report.lines() {
        match serde_json::from_str(line).map_err(|e| fault(e.to_string()))? {
            Line::Versions { versions: found } => versions = Some(found),
            Line::Answer(answer) => answers.push(*answer),
            Line::End {} => {}
        }
    }
    let names = answers.iter().map(|answer| &answer.name);
    if !names.eq(asked.iter().map(|one| &one.name)) {
        let what = format!("{} answers to {} questions", answers.len(), asked.len());
        return Err(fault(what));
    }
    let versions = versions.ok_or_else(|| fault("no versions".to_owned()))?;
    Ok((versions, answers))
}
