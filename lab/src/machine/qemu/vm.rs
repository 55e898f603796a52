//! One virtual machine: QEMU, its console, its monitor.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::console::Console;
use super::network::{Cable, End};
use super::qmp::Qmp;
use crate::command::Program;
use crate::error::{Context, Error, Result};
use crate::firmware::Firmware;
use crate::machine::{Card, Machine, Processors, SecondPort, Who};

/// The end of its cable that a machine holds.
fn end(who: Who) -> End {
    match who {
        Who::Host => End::Host,
        Who::Target => End::Target,
    }
}

fn device(number: usize, card: &Card) -> Value {
    json!({
        "driver": "virtio-net-pci",
        "id": format!("card{number}"),
        "netdev": format!("n{number}"),
        "mac": card.mac,
        "addr": format!("{:#x}", card.slot),
        "romfile": "",
        // Without them a card has no speed, and no bond aggregates it.
        "speed": 10_000,
        "duplex": "full",
    })
}

/// QEMU's options for what a machine computes with.
fn options(processors: Processors) -> [String; 2] {
    match processors {
        Processors::Emulated(count) => ["-smp".to_owned(), count.to_string()],
        // An emulated one is no real one.
        Processors::Pinned => ["-smp", "1"].map(str::to_owned),
        // Two to the power of so many nanoseconds for each instruction.
        Processors::Counted => ["-icount", "shift=0"].map(str::to_owned),
    }
}

/// A running machine; killed when dropped.
#[derive(Debug)]
pub(super) struct Vm {
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

impl Vm {
    /// Starts the machine on its cables; its files go to `dir`, named after it.
    pub(super) fn start(
        machine: &Machine,
        accel: &str,
        cables: &[Cable],
        dir: &Path,
    ) -> Result<Vm> {
        let name = machine.who.to_string();
        let end = end(machine.who);
        let wired: Vec<(&Card, &Cable)> = machine.cards.iter().zip(cables).collect();
        let file = |suffix: &str| dir.join(format!("{name}.{suffix}"));
        let qmp = file("qmp");
        let second = file(match machine.second_port {
            SecondPort::Report => "report",
            SecondPort::Commands => "commands",
        });
        for socket in [&qmp, &second] {
            let _ = fs::remove_file(socket);
        }
        let qemu = "qemu-system-x86_64";
        // It comes first where the machines share too few processors: a target is
        // to answer however busy its host is, as another machine would.
        let program = if machine.who == Who::Target {
            Program::new("nice").args(["-n", "-10", qemu])
        } else {
            Program::new(qemu)
        };
        // An old processor has few instructions, and those emulate best.
        let mut program = program
            .args(["-nodefaults", "-no-reboot", "-nographic", "-machine", "pc"])
            .args(["-cpu", "Nehalem", "-accel", accel])
            .args(options(machine.processors))
            .args(["-m", &machine.memory_mib.to_string()])
            .arg("-kernel")
            .arg(&machine.kernel)
            .arg("-initrd")
            .arg(&machine.initrd)
            .args(["-append", &machine.cmdline])
            .args(["-serial", "stdio"])
            .args(["-device", "virtio-rng-pci,addr=0x1f"])
            .arg("-qmp")
            .arg(option("unix:", &qmp, ",server=on,wait=off"))
            .arg("-chardev")
            .arg(match machine.second_port {
                SecondPort::Report => option("file,id=second,path=", &second, ""),
                SecondPort::Commands => {
                    option("socket,id=second,path=", &second, ",server=on,wait=off")
                }
            })
            .args(["-serial", "chardev:second"]);
        for (number, (card, cable)) in wired.iter().enumerate() {
            program = program.arg("-netdev").arg(format!(
                "dgram,id=n{number},local.type=fd,local.str={}",
                cable.fd(end)
            ));
            if card.plugged {
                program = program.arg("-device").arg(device(number, card).to_string());
            }
        }
        if machine.capture {
            // 600 bytes hold a DHCP message's head and first options.
            program = program.arg("-object").arg(option(
                "filter-dump,id=dump,netdev=n0,maxlen=600,file=",
                &file("card0.pcap"),
                "",
            ));
        }
        if machine.who == Who::Host {
            // What crossed the cables in this boot; kept when the scenario fails.
            for number in 0..wired.len() {
                program = program.arg("-object").arg(option(
                    &format!("filter-dump,id=cable{number},netdev=n{number},maxlen=600,file="),
                    &dir.join(format!("cable{number}.pcap")),
                    "",
                ));
            }
        }
        for (name, table) in machine.firmware.iter().flat_map(Firmware::named) {
            let path = file(&name);
            fs::write(&path, table).context("write", &path)?;
            program = program.arg("-acpitable").arg(option("file=", &path, ""));
        }
        for (number, drive) in machine.drives.iter().enumerate() {
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
            for (_, cable) in &wired {
                cable.inherit(end, true)?;
            }
            let child = program.spawn_piped(&file("errors"));
            for (_, cable) in &wired {
                cable.inherit(end, false)?;
            }
            child?
        };
        let connected = child
            .stdout
            .take()
            .ok_or_else(|| Error::Ended {
                vm: name.clone(),
                what: "its console".to_owned(),
            })
            .and_then(|out| Console::read(out, &file("console")))
            .and_then(|console| Ok((console, Qmp::connect(&name, &qmp)?)));
        let (console, qmp) = match connected {
            Ok(parts) => parts,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(explain(error, &name, &file("errors")));
            }
        };
        let commands = match machine.second_port {
            SecondPort::Report => None,
            SecondPort::Commands => {
                Some(UnixStream::connect(&second).context("connect to", &second)?)
            }
        };
        Ok(Vm {
            name,
            child,
            console,
            qmp,
            report: second,
            commands,
            cards: machine.cards.clone(),
        })
    }

    /// Its console.
    pub(super) fn console(&self) -> &Console {
        &self.console
    }

    /// The report that it has written so far.
    pub(super) fn report(&self) -> Result<String> {
        let bytes = fs::read(&self.report).context("read", &self.report)?;
        Ok(String::from_utf8_lossy(&bytes).replace('\r', ""))
    }

    /// Plugs or unplugs the cable of card number `card` (0 is the first).
    pub(super) fn set_carrier(&mut self, card: usize, up: bool) -> Result<()> {
        let arguments = json!({ "name": format!("card{card}"), "up": up });
        self.qmp.execute("set_link", &arguments).map(drop)
    }

    /// Puts card number `card` into its slot while the machine runs.
    pub(super) fn plug_card(&mut self, card: usize) -> Result<()> {
        let device = match self.cards.get(card) {
            Some(found) => device(card, found),
            None => {
                return Err(Error::Monitor {
                    vm: self.name.clone(),
                    what: format!("it has no card {card}"),
                });
            }
        };
        self.qmp.execute("device_add", &device).map(drop)
    }

    /// A line for the shell of a machine that takes commands.
    pub(super) fn send(&mut self, line: &str) -> Result<()> {
        let fault = |what: String| Error::Monitor {
            vm: self.name.clone(),
            what: format!("`{line}`: {what}"),
        };
        let stream = self.commands.as_mut();
        let stream = stream.ok_or_else(|| fault("takes no commands".to_owned()))?;
        writeln!(stream, "{line}").map_err(|e| fault(e.to_string()))
    }

    /// Whether it has not ended.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Pulls the plug.
    pub(super) fn kill(&mut self) {
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

/// QEMU's own words, when it refused to start.
fn explain(error: Error, name: &str, errors: &Path) -> Error {
    match fs::read_to_string(errors) {
        Ok(text) if !text.trim().is_empty() => Error::Monitor {
            vm: name.to_owned(),
            what: text.trim().to_owned(),
        },
        _ => error,
    }
}

/// A QEMU option with a file name in it; QEMU doubles commas.
fn option(before: &str, path: &Path, after: &str) -> String {
    let path = path.to_string_lossy().replace(',', ",,");
    format!("{before}{path}{after}")
}
