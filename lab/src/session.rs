//! The machines of a scenario while it runs.

mod disturbed;
mod effects;
mod typing;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::disturbed::Disturbed;
use self::effects::Effects;
pub(crate) use self::typing::KEYBOARD;
use crate::error::{Context, Error, Result};
use crate::firmware::Firmware;
use crate::host::HostImage;
use crate::host_spec::HostSpec;
use crate::lab::{Lab, Wiring};
use crate::live;
use crate::machine::{Condition, Kind, Line, Machine, Way, Who, World, met, missed};
use crate::marks::Marks;
use crate::outcome::{Earlier, End, Outage, Outcome};
use crate::record::Record;
use crate::report::Report;
use crate::target::{COMMAND_FAILED, COMMAND_SUCCEEDED, TargetSpec};
use crate::trouble::{Agenda, Trouble, What};

/// From switching the target on to its serving.
const TARGET_READY: Duration = Duration::from_secs(120);
/// What the host says once it is up.
const MARKER: &str = "lab: marker";
/// How the shell is announced that an initramfs gives to whoever is there when root is
/// missing: by initramfs-tools, and by dracut.
pub(crate) const SHELLS: [&str; 2] = ["(initramfs)", "Entering emergency mode"];
/// What the target says once it serves.
const SERVES: &str = "lab: target ready";
/// Which of a host's drives holds `/boot`.
const BOOT_DRIVE: usize = 1;
/// For a command of the target.
const COMMAND: Duration = Duration::from_secs(30);
/// From the report to the end of the machine; longer than what passes.
const POWER_OFF: Duration = Duration::from_secs(120);

/// A host and its target in their world. Nothing happens in it but while one of
/// these methods lets time go by.
#[derive(Debug)]
pub struct Session {
    dir: PathBuf,
    way: Way,
    settle: Duration,
    image: HostImage,
    host: Machine,
    /// What its command line says of root.
    root_words: String,
    target: Option<Machine>,
    world: Box<dyn World>,
    /// When the target's plug was pulled, and when it served again.
    outages: Vec<(Duration, Option<Duration>)>,
    earlier: Vec<Earlier>,
    /// How the boot ended that ended last.
    finished: Option<(Report, Option<f64>)>,
    agenda: Agenda,
    disturbed: Disturbed,
    effects: Effects,
    /// Trouble that came to nothing.
    skipped: Vec<String>,
    /// When the host was switched on for the first time.
    host_on: Option<Duration>,
    cables: usize,
}

impl Session {
    /// Builds or finds the images and plugs the machines together; none is
    /// switched on yet. What they leave goes to `dir`.
    ///
    /// # Errors
    /// As [`Lab::host_image`].
    pub fn prepare(
        lab: &Lab,
        way: Way,
        dir: &Path,
        host: &HostSpec,
        wiring: &Wiring,
        target: Option<&TargetSpec>,
    ) -> Result<Self> {
        let image = lab.host_image(host, way.kind)?;
        // The artefacts are for people; a full disk shows elsewhere.
        let _ = fs::write(dir.join("configure.txt"), &image.talk);
        let target = target.map(|spec| lab.target(spec, &image, wiring, way.kind, dir));
        Ok(Session {
            dir: dir.to_owned(),
            way,
            settle: Duration::from_secs(wiring.settle.into()),
            host: lab.host(&image, wiring, way.kind)?,
            root_words: image.root_words.clone(),
            image,
            target: target.transpose()?,
            world: lab.world(&way, wiring.slots.len(), dir)?,
            outages: Vec::new(),
            earlier: Vec::new(),
            finished: None,
            agenda: Agenda::default(),
            disturbed: Disturbed::default(),
            effects: Effects::default(),
            skipped: Vec::new(),
            host_on: None,
            cables: wiring.slots.len(),
        })
    }

    /// What will go wrong from switching the host on, while time goes by.
    pub fn expect_trouble(&mut self, trouble: Vec<Trouble>) {
        self.agenda = Agenda::new(trouble);
    }

    /// What runs the machines.
    pub fn kind(&self) -> Kind {
        self.way.kind
    }

    /// The time of the machines' clock, since the session began.
    pub fn now(&self) -> Duration {
        self.world.now()
    }

    /// Lets so much time go by.
    ///
    /// # Errors
    /// [`Error::Simulation`] when the world comes to a standstill.
    pub fn run_for(&mut self, time: Duration) -> Result<()> {
        let until = self.world.now() + time;
        self.run(until, &Condition::Nothing)
    }

    fn wait(&mut self, condition: &Condition<'_>, bound: Duration) -> Result<Line> {
        self.run(self.world.now() + bound, condition)?;
        // It may have ended with what is waited for as its last word.
        let world = &mut *self.world;
        met(world, condition).ok_or_else(|| missed(world, condition, bound))
    }

    /// Lets time go by until `condition` holds, and does what the agenda says.
    fn run(&mut self, until: Duration, condition: &Condition<'_>) -> Result<()> {
        loop {
            self.act()?;
            let next = self.host_on.zip(self.agenda.next());
            let due = next.map_or(until, |(on, next)| on + next);
            let texts = self.agenda.texts();
            let cue = Condition::Says {
                who: Who::Host,
                texts: &texts,
                from: 0,
            };
            let either = Condition::Either(condition, &cue);
            let awaited = if texts.is_empty() { condition } else { &either };
            self.world.run(until.min(due), awaited)?;
            let heard = self.hear(&texts);
            let now = self.world.now();
            let over = now >= until || met(&mut *self.world, condition).is_some();
            // Else the machine has ended that is waited for.
            if over || !(heard || now >= due) {
                return Ok(());
            }
        }
    }

    /// Whether the host has said something that the agenda waited for.
    fn hear(&mut self, texts: &[&'static str]) -> bool {
        let mut heard = false;
        if texts.is_empty() {
            return heard;
        }
        let lines = self.world.console(Who::Host, 0);
        for text in texts {
            if let Some(line) = lines.iter().find(|line| line.text.contains(text)) {
                self.agenda.said(text, line.at);
                heard = true;
            }
        }
        heard
    }

    /// Does what is due.
    fn act(&mut self) -> Result<()> {
        let Some(on) = self.host_on else {
            return Ok(());
        };
        for trouble in self.agenda.take(self.world.now().saturating_sub(on)) {
            match trouble.what {
                What::KillTarget => {
                    self.disturbed.kill();
                    self.kill(trouble.felt);
                }
                What::StartTarget => {
                    if self.disturbed.is_powered_again() && !self.world.runs(Who::Target) {
                        self.switch_target_on()?;
                    }
                }
                What::Cut(card) => {
                    self.disturbed.cut(card);
                    self.pull(card, trouble.felt)?;
                }
                What::Mend(card) => {
                    if self.disturbed.is_whole_again(card) {
                        self.mend(card)?;
                    }
                }
                What::Wire(direction, faults) => {
                    let what = What::Wire(direction, faults.clone());
                    self.effects
                        .begin(what, trouble.felt, &*self.world, self.cables);
                    self.disturbed.begin(direction, faults);
                    self.set_wires()?;
                }
                What::Over(direction, faults) => {
                    self.disturbed.end(direction, &faults);
                    let what = What::Over(direction, faults);
                    self.effects.end(&what, &*self.world, self.cables);
                    self.set_wires()?;
                }
                What::Command(line) => {
                    if self.world.runs(Who::Target) {
                        self.world.send(Who::Target, line)?;
                    } else if trouble.felt {
                        self.skipped
                            .push(format!("`{line}`: the target has no power"));
                    }
                }
            }
            self.disturbed.note(self.world.now());
        }
        Ok(())
    }

    /// Has the wires do what is wrong with them now.
    fn set_wires(&mut self) -> Result<()> {
        for (direction, faults) in self.disturbed.changed() {
            for cable in 0..self.cables {
                self.world.set_faults(cable, direction, faults.clone())?;
            }
        }
        Ok(())
    }

    /// Switches the target on, if there is one and it is off, and waits until it
    /// serves.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::Ended`].
    pub fn start_target(&mut self) -> Result<()> {
        if self.world.runs(Who::Target) {
            return Ok(());
        }
        self.switch_target_on()?;
        self.await_target()
    }

    /// Switches the target on, if there is one.
    ///
    /// # Errors
    /// [`Error::Monitor`] when it can't be started.
    pub fn switch_target_on(&mut self) -> Result<()> {
        self.effects
            .end(&What::StartTarget, &*self.world, self.cables);
        match &self.target {
            Some(machine) => self.world.start(machine, &self.dir),
            None => Ok(()),
        }
    }

    /// Waits until the target serves, if there is one.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::Ended`].
    pub fn await_target(&mut self) -> Result<()> {
        if self.target.is_some() {
            self.says(Who::Target, &[SERVES], 0, TARGET_READY)?;
            self.note_ready();
        }
        Ok(())
    }

    /// The last outage ended when the target said that it serves.
    fn note_ready(&mut self) {
        let Some((off, None)) = self.outages.last() else {
            return;
        };
        let began = self.world.began(Who::Target).filter(|began| began >= off);
        let lines = self.world.console(Who::Target, 0);
        let ready = lines.iter().find(|line| line.text.contains(SERVES));
        if let (Some(began), Some(ready), Some((_, end))) = (began, ready, self.outages.last_mut())
        {
            *end = Some(began + ready.at);
        }
    }

    /// Pulls the target's plug.
    pub fn kill_target(&mut self) {
        self.kill(true);
    }

    fn kill(&mut self, felt: bool) {
        self.effects
            .begin(What::KillTarget, felt, &*self.world, self.cables);
        self.note_ready();
        self.outages.push((self.world.now(), None));
        self.world.kill(Who::Target);
    }

    /// Switches the host on. One that runs or ran before is switched off.
    ///
    /// # Errors
    /// [`Error::Monitor`] when it can't be started.
    pub fn start_host(&mut self) -> Result<()> {
        if self.world.began(Who::Host).is_some() {
            self.earlier.push(Earlier {
                console: self.world.console(Who::Host, 0),
                record: self.record(),
                finished: self.finished.take(),
            });
        }
        self.world.start(&self.host, &self.dir)?;
        self.host_on.get_or_insert(self.world.now());
        self.act()
    }

    /// The host's firmware leaves something else from its next start on.
    pub fn set_firmware(&mut self, firmware: Firmware) {
        self.host.firmware = Some(firmware);
    }

    /// The host starts next what its drive for `/boot` holds now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where that can't be read; [`Error::File`], [`Error::Command`].
    pub fn load_from_drive(&mut self) -> Result<()> {
        let image = self.dir.join("boot.image");
        self.world.read_drive(Who::Host, BOOT_DRIVE, &image)?;
        let (initrd, words) = live::loaded(&image, &self.dir)?;
        fs::remove_file(&image).context("remove", &image)?;
        self.host.initrd = initrd;
        self.host.cmdline = self.host.cmdline.replace(&self.root_words, &words);
        self.root_words = words;
        Ok(())
    }

    /// Waits until the host says `text`, if it has not said it yet.
    ///
    /// # Errors
    /// [`Error::Timeout`] after `bound`, [`Error::Ended`] when it ends before.
    pub fn host_says(&mut self, text: &str, bound: Duration) -> Result<Line> {
        self.says(Who::Host, &[text], 0, bound)
    }

    /// Waits until the host says one of `texts`, in line number `from` of its
    /// console or later.
    ///
    /// # Errors
    /// As [`Session::host_says`].
    pub fn host_says_any(&mut self, texts: &[&str], from: usize, bound: Duration) -> Result<Line> {
        self.says(Who::Host, texts, from, bound)
    }

    /// How many lines the host has said: what to pass to
    /// [`Session::host_says_any`] so that only news count.
    pub fn host_lines(&self) -> usize {
        self.world.console(Who::Host, 0).len()
    }

    /// The host's console so far.
    pub fn host_console(&self) -> Vec<Line> {
        self.world.console(Who::Host, 0)
    }

    /// Waits until the host says anything new.
    ///
    /// # Errors
    /// As [`Session::host_says`].
    pub fn host_says_more(&mut self, bound: Duration) -> Result<()> {
        let count = self.host_lines();
        self.wait(&Condition::News(Who::Host, count), bound)
            .map(drop)
    }

    /// Waits until the host has ended by itself.
    ///
    /// # Errors
    /// [`Error::Timeout`] when it is still running after `bound`.
    pub fn host_ends(&mut self, bound: Duration) -> Result<()> {
        self.wait(&Condition::Ends(Who::Host), bound).map(drop)
    }

    /// Runs a shell command in the target and waits for it to end well.
    ///
    /// # Errors
    /// [`Error::Monitor`] when the command fails, else as
    /// [`Session::host_says`].
    pub fn command(&mut self, line: &str) -> Result<()> {
        let from = self.world.console(Who::Target, 0).len();
        self.world.send(Who::Target, line)?;
        let answers = [COMMAND_SUCCEEDED, COMMAND_FAILED];
        let answer = self.says(Who::Target, &answers, from, COMMAND)?;
        if answer.text.contains(answers[0]) {
            return Ok(());
        }
        Err(Error::Monitor {
            vm: Who::Target.to_string(),
            what: format!("`{line}`: failed"),
        })
    }

    /// Stops the target's DHCP server.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn stop_dhcp(&mut self) -> Result<()> {
        self.command("dhcp_stop")
    }

    /// Starts the target's DHCP server (it starts by itself with the target).
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn start_dhcp(&mut self) -> Result<()> {
        self.command("dhcp_start")
    }

    /// Unplugs the cable of a card of the host (0 is the first).
    ///
    /// # Errors
    /// [`Error::Monitor`] when there is no such card.
    pub fn cut(&mut self, card: usize) -> Result<()> {
        self.pull(card, true)
    }

    fn pull(&mut self, card: usize, felt: bool) -> Result<()> {
        self.effects
            .begin(What::Cut(card), felt, &*self.world, self.cables);
        self.world.set_carrier(Who::Host, card, false)
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// As [`Session::cut`].
    pub fn mend(&mut self, card: usize) -> Result<()> {
        self.effects
            .end(&What::Mend(card), &*self.world, self.cables);
        self.world.set_carrier(Who::Host, card, true)
    }

    /// Puts a card into its slot while the host runs.
    ///
    /// # Errors
    /// [`Error::Monitor`] when there is no such card or it is there already.
    pub fn plug_card(&mut self, card: usize) -> Result<()> {
        self.world.plug_card(Who::Host, card)
    }

    fn says(&mut self, who: Who, texts: &[&str], from: usize, bound: Duration) -> Result<Line> {
        let condition = Condition::Says { who, texts, from };
        self.wait(&condition, bound)
    }

    /// What the agent recorded, as far as the machine told it.
    fn record(&self) -> Option<Record> {
        Record::find(&self.world.report(Who::Host).ok()?)
    }

    /// What the host has written of its report.
    ///
    /// # Errors
    /// [`Error::File`] when it can't be read.
    pub fn report(&self) -> Result<String> {
        self.world.report(Who::Host)
    }

    /// What the run leaves for the assertions.
    pub fn outcome(&mut self, report: Option<Report>, power_off: Option<f64>) -> Outcome {
        self.note_ready();
        let console = self.world.console(Who::Host, 0);
        let target_began = self.world.began(Who::Target);
        Outcome {
            way: self.way,
            marks: Marks::of(&console),
            console,
            target_console: self.world.console(Who::Target, 0),
            target_on: target_began.and_then(|at| self.since_host(at)),
            outages: self.outages(),
            effects: self
                .effects
                .all(&*self.world, self.cables, |at| self.since_host(at)),
            ahead: self
                .agenda
                .ahead()
                .iter()
                .map(Trouble::to_string)
                .chain(self.skipped.iter().cloned())
                .collect(),
            report,
            record: self.record(),
            earlier: self.earlier.clone(),
            power_off,
            image: self.image.clone(),
        }
    }

    fn outages(&self) -> Vec<Outage> {
        let power = self.outages.iter().map(|times| (times, false));
        let wires = self.disturbed.times().iter().map(|times| (times, true));
        let outages = power
            .chain(wires)
            .filter_map(|((off, ready), on_the_wire)| {
                Some(Outage {
                    off: self.since_host(*off)?,
                    ready: self.since_host((*ready)?)?,
                    on_the_wire,
                })
            });
        outages.collect()
    }

    /// Seconds since the host was switched on; below 0 for what was before.
    fn since_host(&self, moment: Duration) -> Option<f64> {
        let host = self.world.began(Who::Host)?;
        Some(moment.as_secs_f64() - host.as_secs_f64())
    }

    /// Waits for that end: returns the report, and the seconds that powering off
    /// took.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::Ended`], [`Error::Report`].
    pub fn finish(&mut self, end: &End) -> Result<(Option<Report>, Option<f64>)> {
        let within = end.within();
        match end {
            End::Boots { .. } => self.host_says(MARKER, within)?,
            // Before the shell's prompt, what the agent recorded is printed.
            _ => {
                let [one, other] = SHELLS;
                self.host_says_any(&[one, other, "Kernel panic", MARKER], 0, within)?
            }
        };
        let runs = self
            .host_console()
            .iter()
            .any(|line| line.text.contains(MARKER));
        match end {
            End::Boots { .. } | End::BootsOrGivesUp { .. } if runs => self.reported(within),
            _ => Ok((None, None)),
        }
    }

    /// Waits until the host has reported and powered off.
    fn reported(&mut self, within: Duration) -> Result<(Option<Report>, Option<f64>)> {
        let bound = self.settle + within;
        self.wait(&Condition::Reports(Who::Host), bound)?;
        let report = Report::parse(&self.report()?)?;
        let began = self.world.now();
        let ended = self.host_ends(POWER_OFF);
        let took = self.world.now().saturating_sub(began).as_secs_f64();
        let power_off = ended.is_ok().then_some(took);
        self.finished = Some((report.clone(), power_off));
        Ok((Some(report), power_off))
    }
}

/// The usual course of events: the target serves, then the host is switched on.
///
/// # Errors
/// As [`Session::start_target`].
pub fn switch_on(session: &mut Session) -> Result<()> {
    session.start_target()?;
    session.start_host()
}
