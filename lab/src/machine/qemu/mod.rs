//! Emulated machines: QEMU with Debian's kernels, in real time.

mod console;
mod network;
mod qmp;
mod vm;

use std::env;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use self::network::Cable;
use self::vm::Vm;
use super::world::{Condition, met};
use super::{Line, Machine, Who, World};
use crate::error::{Error, Result};

/// How often is looked where nothing tells.
const LOOK: Duration = Duration::from_millis(50);

/// The world of a host and its target.
#[derive(Debug)]
pub(super) struct Emulated {
    began: Instant,
    accel: String,
    cables: Vec<Cable>,
    host: Option<Vm>,
    target: Option<Vm>,
}

impl Emulated {
    /// `NVMEROOT_LAB_ACCEL` replaces QEMU's `-accel tcg`.
    pub(super) fn new(cables: usize) -> Result<Self> {
        Ok(Emulated {
            began: Instant::now(),
            accel: env::var("NVMEROOT_LAB_ACCEL").unwrap_or_else(|_| "tcg".to_owned()),
            cables: (0..cables).map(|_| Cable::new()).collect::<Result<_>>()?,
            host: None,
            target: None,
        })
    }

    fn vm(&self, who: Who) -> Option<&Vm> {
        match who {
            Who::Host => self.host.as_ref(),
            Who::Target => self.target.as_ref(),
        }
    }

    fn slot(&mut self, who: Who) -> &mut Option<Vm> {
        match who {
            Who::Host => &mut self.host,
            Who::Target => &mut self.target,
        }
    }

    fn running(&mut self, who: Who) -> Result<&mut Vm> {
        self.slot(who).as_mut().ok_or_else(|| Error::Ended {
            vm: who.to_string(),
            what: "switching on".to_owned(),
        })
    }
}

impl World for Emulated {
    fn start(&mut self, machine: &Machine, dir: &Path) -> Result<()> {
        // First the former one must be gone: both have the same files.
        *self.slot(machine.who) = None;
        let vm = Vm::start(machine, &self.accel, &self.cables, dir)?;
        *self.slot(machine.who) = Some(vm);
        Ok(())
    }

    fn kill(&mut self, who: Who) {
        if let Some(vm) = self.slot(who) {
            vm.kill();
        }
    }

    fn began(&self, who: Who) -> Option<Duration> {
        let began = self.vm(who)?.console().began();
        Some(began.saturating_duration_since(self.began))
    }

    fn runs(&mut self, who: Who) -> bool {
        self.slot(who).as_mut().is_some_and(Vm::runs)
    }

    fn console(&self, who: Who, from: usize) -> Vec<Line> {
        self.vm(who)
            .map(|vm| vm.console().lines(from))
            .unwrap_or_default()
    }

    fn report(&self, who: Who) -> Result<String> {
        self.vm(who).map_or(Ok(String::new()), Vm::report)
    }

    fn send(&mut self, who: Who, line: &str) -> Result<()> {
        self.running(who)?.send(line)
    }

    fn set_carrier(&mut self, who: Who, card: usize, up: bool) -> Result<()> {
        self.running(who)?.set_carrier(card, up)
    }

    fn plug_card(&mut self, who: Who, card: usize) -> Result<()> {
        self.running(who)?.plug_card(card)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn run(&mut self, until: Duration, condition: &Condition<'_>) -> Result<()> {
        let until = self.began + until;
        if let Condition::Says { who, texts, from } = *condition {
            if let Some(vm) = self.vm(who) {
                vm.console().wait(texts, from, until);
            }
            return Ok(());
        }
        while Instant::now() < until {
            let ended = condition.who().is_some_and(|who| !self.runs(who));
            if ended || met(self, condition).is_some() {
                break;
            }
            let left = until.saturating_duration_since(Instant::now());
            // Nothing but time is waited for exactly.
            thread::sleep(match condition {
                Condition::Nothing => left,
                _ => left.min(LOOK),
            });
        }
        Ok(())
    }
}
