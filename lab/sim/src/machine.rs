//! A machine: its description, its devices, its process, what it has said.
use std::fs::File;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::agenda::{Agenda, Due};
use crate::card::Card;
use crate::clock::link::Link;
use crate::console::{Console, Unheard};
use crate::device::{Device, Kind};
use crate::disk::Disk;
use crate::entropy::{self, Entropy, Random};
use crate::error::Error;
use crate::overlay::Overlay;
use crate::port::Port;
use crate::process::{Process, REPORT, Start};
use crate::spec::{ClockKind, MachineSpec, Settings, State};

/// Slots of a machine's own devices.
const FIRST_OWN_SLOT: u8 = 200;
const ENTROPY_SLOT: u8 = 200;
const PORT_SLOT: u8 = 201;
const LONGEST_NAME: usize = 32;

/// A machine of a simulation.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) spec: MachineSpec,
    number: usize,
    pub(crate) state: State,
    starts: u32,
    /// Cards, disks, then the entropy device and the port.
    pub(crate) devices: Vec<Device>,
    pub(crate) clock_listener: Option<UnixListener>,
    pub(crate) link: Option<Link>,
    /// Messages of the clock that it has taken.
    pub(crate) acks: u64,
    pub(crate) process: Option<Process>,
    pub(crate) agenda: Agenda<Due>,
    /// Frames that it has sent and that no wire has yet.
    pub(crate) sent: usize,
    pub(crate) console: Console,
    pub(crate) port_console: Console,
    /// Read, but not yet part of the console.
    pub(crate) unheard: Unheard,
    report: PathBuf,
}

impl Machine {
    pub(crate) fn new(
        spec: MachineSpec,
        number: usize,
        settings: &Settings,
    ) -> Result<Self, Error> {
        check(&spec)?;
        let mut devices = Vec::new();
        for card in &spec.cards {
            devices.push(Device::new(
                Kind::Card(Card::new(card.mac, card.speed_mbit, card.carrier)),
                card.slot,
            ));
        }
        for disk in &spec.disks {
            let overlay = Overlay::open(&disk.image).map_err(|source| Error::File {
                what: "open",
                path: disk.image.clone(),
                source,
            })?;
            devices.push(Device::new(
                Kind::Disk(Disk::new(overlay, disk.read_only, disk.slot)),
                disk.slot,
            ));
        }
        devices.push(Device::new(
            Kind::Entropy(Entropy {
                random: Random::new(0),
            }),
            ENTROPY_SLOT,
        ));
        devices.push(Device::new(Kind::Port(Port::default()), PORT_SLOT));
        Ok(Self {
            report: settings.dir.join(format!("{}.report", spec.name)),
            spec,
            number,
            state: State::Off,
            starts: 0,
            devices,
            clock_listener: None,
            link: None,
            acks: 0,
            process: None,
            agenda: Agenda::default(),
            sent: 0,
            console: Console::default(),
            port_console: Console::default(),
            unheard: Unheard::default(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    /// What its disks hold, in their order.
    pub(crate) fn disks(&self) -> impl Iterator<Item = &Overlay> {
        self.devices.iter().filter_map(|device| match &device.kind {
            Kind::Disk(disk) => Some(disk.overlay()),
            _ => None,
        })
    }

    /// The device that is the port.
    pub(crate) fn port(&self) -> usize {
        self.devices.len() - 1
    }

    pub(crate) fn card(&mut self, device: usize) -> Option<&mut Card> {
        match &mut self.devices.get_mut(device)?.kind {
            Kind::Card(card) => Some(card),
            _ => None,
        }
    }

    /// Everything that its kernel connects to, then the process.
    ///
    /// Its command line holds no name that differs from run to run: the kernel mixes it into its randomness
    /// (`random_init_early`). So it runs in `scratch`, and names are relative.
    pub(crate) fn start(&mut self, settings: &Settings, scratch: &Path) -> Result<(), Error> {
        let system = |what| move |source| Error::System { what, source };
        self.starts += 1;
        self.agenda.clear();
        self.acks = 0;
        let seed = entropy::seed_of(settings.seed, &self.spec.name, self.starts);
        let report = File::create(&self.report).map_err(|source| Error::File {
            what: "create",
            path: self.report.clone(),
            source,
        })?;
        let mut arguments = self.arguments(scratch)?;
        for number in 0..self.devices.len() {
            let name = format!("{}.{number}", self.number);
            let argument = self.devices[number]
                .listen(scratch, &name)
                .map_err(system("listen for a device's driver"))?;
            arguments.push(argument);
            if let Kind::Entropy(entropy) = &mut self.devices[number].kind {
                entropy.random = Random::new(!seed);
            }
        }
        if settings.clock == ClockKind::Virtual {
            let name = format!("{}.clock", self.number);
            let path = scratch.join(&name);
            let _ = std::fs::remove_file(&path);
            let listener =
                UnixListener::bind(&path).map_err(system("listen for a machine's clock"))?;
            listener
                .set_nonblocking(true)
                .map_err(system("listen for a machine's clock"))?;
            self.clock_listener = Some(listener);
            arguments.push(format!("time-travel=ext:0:{name}"));
        }
        arguments.extend(self.spec.cmdline.split_whitespace().map(str::to_owned));
        let absolute =
            |path: &Path| std::path::absolute(path).map_err(system("find the current directory"));
        let program = absolute(&settings.kernel.linux)?;
        let mut environment = vec![
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
            // It runs there, see above.
            ("TMPDIR", ".".to_owned()),
            (entropy::VARIABLE, format!("{seed:016x}")),
        ];
        if let Some(shim) = &settings.kernel.entropy_shim {
            environment.push(("LD_PRELOAD", text(&absolute(shim)?)?));
        }
        let start = Start {
            directory: scratch,
            program: &program,
            arguments,
            environment,
            report: &report,
            processor: self.spec.processor,
        };
        let process = Process::start(start).map_err(|source| Error::File {
            what: "start",
            path: settings.kernel.linux.clone(),
            source,
        })?;
        self.process = Some(process);
        self.state = State::Running;
        Ok(())
    }

    fn arguments(&self, scratch: &Path) -> Result<Vec<String>, Error> {
        let initrd = format!("{}.initrd", self.number);
        let link = scratch.join(&initrd);
        let _ = std::fs::remove_file(&link);
        let linked = std::path::absolute(&self.spec.initrd)
            .and_then(|initrd| std::os::unix::fs::symlink(initrd, &link));
        linked.map_err(|source| Error::File {
            what: "link",
            path: link,
            source,
        })?;
        Ok(vec![
            format!("mem={}M", self.spec.memory_mib),
            format!("initrd={initrd}"),
            format!("umid={}", self.umid()),
            "uml_dir=./".into(),
            "seccomp=auto".into(),
            "con=null".into(),
            "ssl0=fd:0,fd:1".into(),
            "ssl=null".into(),
            format!("ssl1=fd:{REPORT}"),
            "console=ttyS0".into(),
        ])
    }

    fn umid(&self) -> String {
        format!("m{}", self.number)
    }

    /// Ends the process, however it is, and leaves nothing behind. How it ended, where there was one.
    pub(crate) fn end(&mut self, scratch: &Path) -> io::Result<Option<std::process::ExitStatus>> {
        let status = match &mut self.process {
            Some(process) => {
                let status = process.end();
                process.read(&mut self.unheard);
                Some(status)
            }
            None => None,
        };
        self.process = None;
        self.link = None;
        self.clock_listener = None;
        self.agenda.clear();
        for device in &mut self.devices {
            device.unlisten();
        }
        let _ = std::fs::remove_dir_all(scratch.join(self.umid()));
        status.transpose()
    }

    /// Makes what was read a part of the consoles.
    pub(crate) fn hear(&mut self, at: Duration) {
        if let Some(process) = &mut self.process {
            process.read(&mut self.unheard);
        }
        self.console.hear(at, &mut self.unheard);
        let port = self.port();
        if let Kind::Port(port) = &mut self.devices[port].kind {
            self.port_console.hear(at, port.output());
        }
    }

    /// It is off and says no more: unfinished lines are lines.
    pub(crate) fn fall_silent(&mut self, at: Duration) {
        self.hear(at);
        self.console.end_line(at);
        self.port_console.end_line(at);
    }

    pub(crate) fn report(&self) -> Vec<u8> {
        // There is none before the first start.
        std::fs::read(&self.report).unwrap_or_default()
    }
}

fn text(path: &Path) -> Result<String, Error> {
    let plain = path
        .to_str()
        .filter(|text| !text.contains(char::is_whitespace));
    plain.map(str::to_owned).ok_or_else(|| Error::Spec {
        name: path.display().to_string(),
        why: "a kernel's command line can't hold a path with white space".into(),
    })
}

fn check(spec: &MachineSpec) -> Result<(), Error> {
    let wrong = |why: String| {
        Err(Error::Spec {
            name: spec.name.clone(),
            why,
        })
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if spec.name.is_empty() || spec.name.len() > LONGEST_NAME || !spec.name.chars().all(plain) {
        return wrong(format!(
            "a name has 1 to {LONGEST_NAME} of a-z, 0-9 and `-`"
        ));
    }
    let mut slots: Vec<u8> = spec
        .cards
        .iter()
        .map(|c| c.slot)
        .chain(spec.disks.iter().map(|d| d.slot))
        .collect();
    slots.sort_unstable();
    if slots.windows(2).any(|pair| pair[0] == pair[1]) {
        return wrong("two devices in one slot".into());
    }
    match slots.last() {
        Some(last) if *last >= FIRST_OWN_SLOT => wrong(format!(
            "slot {last}: from {FIRST_OWN_SLOT} on they are taken"
        )),
        _ => Ok(()),
    }
}
