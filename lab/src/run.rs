//! One scenario from its image to its verdict.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::console::Line;
use crate::error::{Error, Result};
use crate::host::HostImage;
use crate::lab::{Lab, Start};
use crate::marks::Marks;
use crate::record::Record;
use crate::report::Report;
use crate::scenario::{Earlier, End, Outage, Outcome, Scenario};
use crate::vm::Vm;

/// From switching the target on to its serving.
const TARGET_READY: Duration = Duration::from_secs(120);
/// From the report to the end of the machine; longer than what passes.
const POWER_OFF: Duration = Duration::from_secs(120);
/// What the host says in its kernel log before it reports and powers off.
const REPORTS: &str = "lab: report";
/// Console lines shown when a scenario fails.
const TAIL: usize = 40;

/// The machines of a scenario while it runs.
#[derive(Debug)]
pub struct Session<'a> {
    scenario: &'a Scenario,
    dir: PathBuf,
    image: HostImage,
    host_start: Start,
    target_start: Option<Start>,
    host: Option<Vm>,
    target: Option<Vm>,
    /// When the target's plug was pulled, and when it served again.
    outages: Vec<(Instant, Option<Instant>)>,
    earlier: Vec<Earlier>,
}

/// How a scenario went.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The scenario's name.
    pub name: &'static str,
    /// The scenario's title.
    pub title: &'static str,
    /// What does not hold; empty when it passed.
    pub faults: Vec<String>,
    /// From the first step to the last, images included.
    pub seconds: f64,
    /// The phases of the boot.
    pub marks: Marks,
    /// The slowest round of the heartbeat, in seconds.
    pub longest_stall: Option<f64>,
    /// From the report to the end of the machine, in seconds.
    pub power_off: Option<f64>,
    /// Where its artefacts are.
    pub dir: PathBuf,
    /// The last lines of the host's console, when it failed.
    pub tail: Vec<String>,
}

impl Verdict {
    /// Whether everything holds.
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }
}

impl<'a> Session<'a> {
    /// Builds or finds the images and plugs the machines together; none is
    /// switched on yet.
    ///
    /// # Errors
    /// As [`Lab::host_image`].
    pub fn prepare(lab: &Lab, scenario: &'a Scenario) -> Result<Self> {
        let dir = lab.run_dir(scenario.name)?;
        let image = lab.host_image(&scenario.host)?;
        // The artefacts are for people; a full disk shows elsewhere.
        let _ = fs::write(dir.join("configure.txt"), &image.talk);
        let wiring = &scenario.wiring;
        let cables = lab.cables(wiring.slots.len())?;
        let target_start = match &scenario.target {
            Some(spec) => Some(lab.target(spec, &image, wiring, &cables, &dir)?),
            None => None,
        };
        Ok(Session {
            scenario,
            dir,
            host_start: lab.host(&image, wiring, &cables),
            image,
            target_start,
            host: None,
            target: None,
            outages: Vec::new(),
            earlier: Vec::new(),
        })
    }

    /// Switches the target on, if there is one and it is off, and waits until it
    /// serves.
    ///
    /// # Errors
    /// As [`Start::start`], and [`Error::Timeout`].
    pub fn start_target(&mut self) -> Result<()> {
        if let Some(start) = &self.target_start
            && self.target.is_none()
        {
            let vm = start.start(&self.dir)?;
            vm.console().wait("lab: target ready", TARGET_READY)?;
            self.target = Some(vm);
            if let Some((_, ready)) = self.outages.last_mut() {
                *ready = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Pulls the target's plug.
    pub fn kill_target(&mut self) {
        self.outages.push((Instant::now(), None));
        self.target = None;
    }

    /// Switches the host on. One that runs or ran before is switched off.
    ///
    /// # Errors
    /// As [`Start::start`].
    pub fn start_host(&mut self) -> Result<()> {
        if let Some(vm) = self.host.take() {
            self.earlier.push(Earlier {
                console: vm.console().lines(),
                record: record(&vm),
            });
        }
        self.host = Some(self.host_start.start(&self.dir)?);
        Ok(())
    }

    /// The running host.
    ///
    /// # Errors
    /// [`Error::Ended`] when it isn't running.
    pub fn host(&mut self) -> Result<&mut Vm> {
        running(&mut self.host, "host")
    }

    /// The running target.
    ///
    /// # Errors
    /// [`Error::Ended`] when it isn't running.
    pub fn target(&mut self) -> Result<&mut Vm> {
        running(&mut self.target, "target")
    }

    /// Stops the target's DHCP server.
    ///
    /// # Errors
    /// As [`Vm::command`].
    pub fn stop_dhcp(&mut self) -> Result<()> {
        self.target()?.command("dhcp_stop")
    }

    /// Starts the target's DHCP server (it starts by itself with the target).
    ///
    /// # Errors
    /// As [`Vm::command`].
    pub fn start_dhcp(&mut self) -> Result<()> {
        self.target()?.command("dhcp_start")
    }

    /// What the run leaves for the assertions.
    pub fn outcome(&self, report: Option<Report>, power_off: Option<f64>) -> Outcome {
        let record = self.host.as_ref().and_then(record);
        let lines = |vm: &Option<Vm>| {
            let lines = vm.as_ref().map(|vm| vm.console().lines());
            lines.unwrap_or_default()
        };
        let console = lines(&self.host);
        Outcome {
            marks: Marks::of(&console),
            console,
            target_console: lines(&self.target),
            target_on: self.target_on(),
            outages: self.outages(),
            report,
            record,
            earlier: self.earlier.clone(),
            power_off,
            image: self.image.clone(),
        }
    }

    fn target_on(&self) -> Option<f64> {
        self.since_host(self.target.as_ref()?.console().began())
    }

    fn outages(&self) -> Vec<Outage> {
        let outages = self.outages.iter().filter_map(|(off, ready)| {
            Some(Outage {
                off: self.since_host(*off)?,
                ready: self.since_host((*ready)?)?,
            })
        });
        outages.collect()
    }

    /// Seconds since the host was switched on; below 0 for what was before.
    fn since_host(&self, moment: Instant) -> Option<f64> {
        let host = self.host.as_ref()?.console().began();
        let after = moment.saturating_duration_since(host);
        let before = host.saturating_duration_since(moment);
        Some(after.as_secs_f64() - before.as_secs_f64())
    }

    /// Waits for the end that the scenario expects: returns the report, and
    /// the seconds that powering off took.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::Ended`], [`Error::Report`].
    pub fn finish(&mut self) -> Result<(Option<Report>, Option<f64>)> {
        match self.scenario.end {
            End::Stops { within, .. } => {
                let host = self.host()?;
                // Before the shell's prompt, what the agent recorded is printed.
                let ends = ["(initramfs)", "Kernel panic", "lab: marker"];
                host.console().wait_any(&ends, 0, within)?;
                Ok((None, None))
            }
            End::Boots { within } => {
                let settle = Duration::from_secs(self.scenario.wiring.settle.into());
                let host = self.host()?;
                host.console().wait("lab: marker", within)?;
                let deadline = Instant::now() + settle + within;
                while !Report::is_complete(&host.report()?) {
                    if Instant::now() > deadline {
                        return Err(Error::Timeout {
                            vm: "host".to_owned(),
                            what: "report".to_owned(),
                            seconds: (settle + within).as_secs(),
                        });
                    }
                    thread::sleep(Duration::from_millis(200));
                }
                let report = Report::parse(&host.report()?)?;
                let began = Instant::now();
                let ended = host.wait_exit(POWER_OFF);
                let took = ended.is_ok().then(|| began.elapsed().as_secs_f64());
                Ok((Some(report), took))
            }
        }
    }
}

/// What the agent recorded, as far as the machine told it.
fn record(vm: &Vm) -> Option<Record> {
    Record::find(&vm.report().ok()?)
}

fn running<'a>(vm: &'a mut Option<Vm>, name: &str) -> Result<&'a mut Vm> {
    vm.as_mut().ok_or_else(|| Error::Ended {
        vm: name.to_owned(),
        what: "switching on".to_owned(),
    })
}

/// The usual course of events: the target serves, then the host is switched on.
///
/// # Errors
/// As [`Session::start_target`].
pub fn switch_on(session: &mut Session<'_>) -> Result<()> {
    session.start_target()?;
    session.start_host()
}

/// Runs one scenario; an error of the lab is a fault like any other.
pub fn run(lab: &Lab, scenario: &Scenario) -> Verdict {
    let began = Instant::now();
    let mut verdict = Verdict {
        name: scenario.name,
        title: scenario.title,
        faults: Vec::new(),
        seconds: 0.0,
        marks: Marks::default(),
        longest_stall: None,
        power_off: None,
        dir: lab.artefacts(scenario.name),
        tail: Vec::new(),
    };
    if let Err(error) = play(lab, scenario, &mut verdict) {
        verdict.faults.push(describe(&error));
    }
    verdict.seconds = began.elapsed().as_secs_f64();
    verdict
}

fn play(lab: &Lab, scenario: &Scenario, verdict: &mut Verdict) -> Result<()> {
    let mut session = Session::prepare(lab, scenario)?;
    let ended = (scenario.events)(&mut session).and_then(|()| session.finish());
    let (report, power_off) = match ended {
        Ok(parts) => parts,
        Err(error) => {
            verdict.faults.push(describe(&error));
            (None, None)
        }
    };
    let outcome = session.outcome(report, power_off);
    verdict.tail = tail(&outcome.console);
    verdict.marks = outcome.marks;
    verdict.power_off = power_off;
    let heart = outcome.report.as_ref().and_then(|r| r.heartbeat.as_ref());
    verdict.longest_stall = heart.map(|heart| heart.longest_stall);
    verdict.faults.extend(scenario.judge(&outcome));
    Ok(())
}

/// What the console showed last; powering off is of no interest.
fn tail(console: &[Line]) -> Vec<String> {
    let end = console.iter().position(|line| line.text.contains(REPORTS));
    let console = &console[..end.unwrap_or(console.len())];
    let tail = console.iter().skip(console.len().saturating_sub(TAIL));
    tail.map(ToString::to_string).collect()
}

/// An error with its causes, on one line each.
fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
