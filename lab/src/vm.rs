//! One virtual machine: QEMU, its console, its monitor.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::Program;
use crate::console::Console;
use crate::error::{Context, Error, Result};
use crate::network::{Cable, End};
use crate::qmp::Qmp;

/// A network card: where its cable ends, and the PCI slot that gives it its
/// name (slot 3 becomes `ens3` on this machine type).
#[derive(Debug, Clone)]
pub(crate) struct Card {
    pub(crate) cable: Arc<Cable>,
    pub(crate) end: End,
    pub(crate) mac: String,
    pub(crate) slot: u8,
    /// Whether it is there from the start, or comes by [`Vm::plug_card`].
    pub(crate) plugged: bool,
}

impl Card {
    fn device(&self, number: usize) -> Value {
        json!({
            "driver": "virtio-net-pci",
            "id": format!("card{number}"),
            "netdev": format!("n{number}"),
            "mac": self.mac,
            "addr": format!("{:#x}", self.slot),
            "romfile": "",
            // Without them a card has no speed, and no bond aggregates it.
            "speed": 10_000,
            "duplex": "full",
        })
    }
}

/// What a machine is made of.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) accel: String,
    pub(crate) memory_mib: u32,
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: PathBuf,
    pub(crate) cmdline: String,
    pub(crate) cards: Vec<Card>,
    /// Raw images; what the machine writes is dropped when it ends.
    pub(crate) drives: Vec<PathBuf>,
    pub(crate) second_port: SecondPort,
    /// See [`Wiring::capture`](crate::Wiring::capture).
    pub(crate) capture: bool,
    pub(crate) processors: Processors,
    /// It comes first where the machines share too few processors: a target is
    /// to answer however busy its host is, as another machine would.
    pub(crate) first: bool,
}

/// What the second serial port is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecondPort {
    /// The machine writes its report there.
    Report,
    /// The machine reads commands there.
    Commands,
}

/// What a host computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processors {
    /// So many, each as fast as this machine emulates it. One emulates best, and
    /// most that is tried here does not depend on it; a server has more.
    Emulated(u8),
    /// One, whose clock counts instructions, a thousand million a second, and goes
    /// on as ours does while the host waits (`-icount`, docs/devel/tcg-icount.rst in
    /// QEMU's source). How long anything takes then depends neither on how fast
    /// this machine emulates nor on what else it does.
    Counted,
}

impl Processors {
    fn options(self) -> [String; 2] {
        match self {
            Processors::Emulated(count) => ["-smp".to_owned(), count.to_string()],
            // Two to the power of so many nanoseconds for each instruction.
            Processors::Counted => ["-icount", "shift=0"].map(str::to_owned),
        }
    }
}

/// A running machine; killed when dropped.
#[derive(Debug)]
pub struct Vm {
    name: String,
    child: Child,
    console: Console,
    qmp: Qmp,
    report: PathBuf,
    commands: Option<UnixStream>,
    cards: Vec<Card>,
}

/// Held while descriptors are inheritable, so that machines started at the
/// same time don't get each other's cables.
static STARTING: Mutex<()> = Mutex::new(());

impl Machine {
    /// Starts the machine; its files go to `dir`, named after it.
    pub(crate) fn start(&self, dir: &Path) -> Result<Vm> {
        let file = |suffix: &str| dir.join(format!("{}.{suffix}", self.name));
        let qmp = file("qmp");
        let second = file(match self.second_port {
            SecondPort::Report => "report",
            SecondPort::Commands => "commands",
        });
        for socket in [&qmp, &second] {
            let _ = fs::remove_file(socket);
        }
        let qemu = "qemu-system-x86_64";
        let program = if self.first {
            Program::new("nice").args(["-n", "-10", qemu])
        } else {
            Program::new(qemu)
        };
        // An old processor has few instructions, and those emulate best.
        let mut program = program
            .args(["-nodefaults", "-no-reboot", "-nographic", "-machine", "pc"])
            .args(["-cpu", "Nehalem", "-accel", &self.accel])
            .args(self.processors.options())
            .args(["-m", &self.memory_mib.to_string()])
            .arg("-kernel")
            .arg(&self.kernel)
            .arg("-initrd")
            .arg(&self.initrd)
            .args(["-append", &self.cmdline])
            .args(["-serial", "stdio"])
            .args(["-device", "virtio-rng-pci,addr=0x1f"])
            .arg("-qmp")
            .arg(option("unix:", &qmp, ",server=on,wait=off"))
            .arg("-chardev")
            .arg(match self.second_port {
                SecondPort::Report => option("file,id=second,path=", &second, ""),
                SecondPort::Commands => {
                    option("socket,id=second,path=", &second, ",server=on,wait=off")
                }
            })
            .args(["-serial", "chardev:second"]);
        for (number, card) in self.cards.iter().enumerate() {
            program = program.arg("-netdev").arg(format!(
                "dgram,id=n{number},local.type=fd,local.str={}",
                card.cable.fd(card.end)
            ));
            if card.plugged {
                program = program.arg("-device").arg(card.device(number).to_string());
            }
        }
        if self.capture {
            // 600 bytes hold a DHCP message's head and first options.
            program = program.arg("-object").arg(option(
                "filter-dump,id=dump,netdev=n0,maxlen=600,file=",
                &file("card0.pcap"),
                "",
            ));
        }
        for (number, drive) in self.drives.iter().enumerate() {
            program = program
                .arg("-drive")
                .arg(option(
                    &format!("if=none,id=d{number},format=raw,snapshot=on,file="),
                    drive,
                    "",
                ))
                .arg("-device")
                .arg(format!(
                    "virtio-blk-pci,drive=d{number},addr={:#x}",
                    0x10 + number
                ));
        }
        let mut child = {
            let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
            for card in &self.cards {
                card.cable.inherit(card.end, true)?;
            }
            let child = program.spawn_piped(&file("errors"));
            for card in &self.cards {
                card.cable.inherit(card.end, false)?;
            }
            child?
        };
        let connected = child
            .stdout
            .take()
            .ok_or_else(|| Error::Ended {
                vm: self.name.clone(),
                what: "its console".to_owned(),
            })
            .and_then(|out| Console::read(&self.name, out, &file("console")))
            .and_then(|console| Ok((console, Qmp::connect(&self.name, &qmp)?)));
        let (console, qmp) = match connected {
            Ok(parts) => parts,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(self.explain(error, &file("errors")));
            }
        };
        let commands = match self.second_port {
            SecondPort::Report => None,
            SecondPort::Commands => {
                Some(UnixStream::connect(&second).context("connect to", &second)?)
            }
        };
        Ok(Vm {
            name: self.name.clone(),
            child,
            console,
            qmp,
            report: second,
            commands,
            cards: self.cards.clone(),
        })
    }

    /// QEMU's own words, when it refused to start.
    fn explain(&self, error: Error, errors: &Path) -> Error {
        match fs::read_to_string(errors) {
            Ok(text) if !text.trim().is_empty() => Error::Monitor {
                vm: self.name.clone(),
                what: text.trim().to_owned(),
            },
            _ => error,
        }
    }
}

/// A QEMU option with a file name in it; QEMU doubles commas.
fn option(before: &str, path: &Path, after: &str) -> String {
    let path = path.to_string_lossy().replace(',', ",,");
    format!("{before}{path}{after}")
}

impl Vm {
    /// Its console.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// The report that it has written so far.
    ///
    /// # Errors
    /// [`Error::File`] when the file can't be read.
    pub fn report(&self) -> Result<String> {
        let bytes = fs::read(&self.report).context("read", &self.report)?;
        Ok(String::from_utf8_lossy(&bytes).replace('\r', ""))
    }

    /// Plugs or unplugs the cable of card number `card` (0 is the first).
    ///
    /// # Errors
    /// [`Error::Monitor`] when there is no such card.
    pub fn set_carrier(&mut self, card: usize, up: bool) -> Result<()> {
        let arguments = json!({ "name": format!("card{card}"), "up": up });
        self.qmp.execute("set_link", &arguments).map(drop)
    }

    /// Puts card number `card` into its slot while the machine runs.
    ///
    /// # Errors
    /// [`Error::Monitor`] when there is no such card or it is there already.
    pub fn plug_card(&mut self, card: usize) -> Result<()> {
        let device = match self.cards.get(card) {
            Some(found) => found.device(card),
            None => {
                return Err(Error::Monitor {
                    vm: self.name.clone(),
                    what: format!("it has no card {card}"),
                });
            }
        };
        self.qmp.execute("device_add", &device).map(drop)
    }

    /// Runs a shell command in the target and waits for it to end well.
    ///
    /// # Errors
    /// [`Error::Monitor`] when the machine takes no commands or the command
    /// fails, else as [`Console::wait_any`].
    pub fn command(&mut self, line: &str) -> Result<()> {
        let fault = |what: String| Error::Monitor {
            vm: self.name.clone(),
            what: format!("`{line}`: {what}"),
        };
        let from = self.console.count();
        let stream = self.commands.as_mut();
        let stream = stream.ok_or_else(|| fault("takes no commands".to_owned()))?;
        writeln!(stream, "{line}").map_err(|e| fault(e.to_string()))?;
        let answers = ["lab: command succeeded", "lab: command failed"];
        let answer = self
            .console
            .wait_any(&answers, from, Duration::from_secs(30))?;
        if answer.text.contains(answers[0]) {
            Ok(())
        } else {
            Err(fault("failed".to_owned()))
        }
    }

    /// Waits until the machine has powered off by itself.
    ///
    /// # Errors
    /// [`Error::Timeout`] when it is still running after `bound`.
    pub fn wait_exit(&mut self, bound: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + bound;
        loop {
            let waited = self.child.try_wait();
            if let Some(status) = waited.context("wait for", Path::new("qemu-system-x86_64"))? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(Error::Timeout {
                    vm: self.name.clone(),
                    what: "power off".to_owned(),
                    seconds: bound.as_secs(),
                });
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Pulls the plug.
    pub fn kill(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Joins archives into one initial ramdisk; the kernel wants each to begin at
/// a multiple of four bytes (Documentation/driver-api/early-userspace).
pub(crate) fn join_archives(parts: &[&[u8]], to: &Path) -> Result<()> {
    let mut file = File::create(to).context("create", to)?;
    for part in parts {
        let padding = part.len().next_multiple_of(4) - part.len();
        file.write_all(part)
            .and_then(|()| file.write_all(&[0; 4][..padding]))
            .context("write", to)?;
    }
    Ok(())
}
