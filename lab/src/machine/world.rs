//! The world in which machines run: its clock, and what can be done to them.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use machinesim::wire;

use super::parts::{Line, Machine};
use super::who::Who;
use crate::error::{Error, Result};
use crate::report::Report;
use crate::trouble::Direction;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition<'a> {
    /// A line of its console, from number `from` on, contains one of the texts.
    Says {
        who: Who,
        texts: &'a [&'a str],
        from: usize,
    },
    /// Its report is complete.
    Reports(Who),
    /// It has ended by itself.
    Ends(Who),
    /// Its console has so many lines, the unfinished one included.
    News(Who, usize),
    /// Nothing: time goes by.
    Nothing,
    /// One of two; the machine of the first may not end.
    Either(&'a Condition<'a>, &'a Condition<'a>),
}

impl Condition<'_> {
    /// The machine without which it can't come true.
    pub(super) fn who(&self) -> Option<Who> {
        match self {
            Condition::Says { who, .. }
            | Condition::Reports(who)
            | Condition::Ends(who)
            | Condition::News(who, _) => Some(*who),
            Condition::Nothing => None,
            Condition::Either(first, _) => first.who(),
        }
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Says { texts, .. } => f.write_str(&texts.join("` or `")),
            Condition::Reports(_) => f.write_str("report"),
            Condition::Ends(_) => f.write_str("power off"),
            Condition::News(..) => f.write_str("any line"),
            Condition::Nothing => f.write_str("nothing"),
            Condition::Either(first, _) => first.fmt(f),
        }
    }
}

/// Machines, the cables between them, and their clock. A machine that is
/// dropped with its world is killed. Times count from the world's beginning.
pub(crate) trait World: fmt::Debug {
    /// Switches a machine on, with its drives as they were built; its files go to
    /// `dir`. One that runs or ran before is gone.
    fn start(&mut self, machine: &Machine, dir: &Path) -> Result<()>;

    /// Pulls the plug. What it said stays.
    fn kill(&mut self, who: Who);

    /// When it was switched on for the last time.
    fn began(&self, who: Who) -> Option<Duration>;

    /// It was switched on, and neither killed nor has ended.
    fn runs(&mut self, who: Who) -> bool;

    /// The lines of its console since it was switched on, from number `from` on, an
    /// unfinished one included (a prompt has no end).
    fn console(&self, who: Who, from: usize) -> Vec<Line>;

    /// What it has written to its second serial port.
    fn report(&self, who: Who) -> Result<String>;

    /// A line for the machine that takes commands; where simulated, for any that reads its
    /// `hvc0`.
    fn send(&mut self, who: Who, line: &str) -> Result<()>;

    /// What it has written there, where it is simulated: what it asks.
    fn asked(&self, _who: Who) -> String {
        String::new()
    }

    /// Plugs or unplugs the cable of a card (0 is the first).
    fn set_carrier(&mut self, who: Who, card: usize, up: bool) -> Result<()>;

    /// Puts a card into its slot while the machine runs.
    fn plug_card(&mut self, who: Who, card: usize) -> Result<()>;

    /// Copies what a drive holds now (0 is the first) into a file.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where the drive is as it was built.
    fn read_drive(&self, _who: Who, _drive: usize, _to: &Path) -> Result<()> {
        Err(Error::Unavailable {
            reason: "what an emulated machine writes is gone with it".to_owned(),
            hint: "use `--machine uml`".to_owned(),
        })
    }

    /// What is wrong on a cable (0 is that of the first card) from now on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where cables can't have faults.
    fn set_faults(
        &mut self,
        _cable: usize,
        _direction: Direction,
        _faults: wire::Faults,
    ) -> Result<()> {
        Err(Error::Unavailable {
            reason: "cables between emulated machines have no faults".to_owned(),
            hint: "use `--machine uml`".to_owned(),
        })
    }

    /// What has become of the frames that a machine sent over a cable, and what its own card
    /// there missed, where that is known.
    fn frames(&self, _cable: usize, _from: Who) -> Option<wire::Counts> {
        None
    }

    /// The time of the world's clock.
    fn now(&self) -> Duration;

    /// Lets time go by until `condition` holds, at most until `until`, or until
    /// the machine of which it speaks has ended.
    fn run(&mut self, until: Duration, condition: &Condition<'_>) -> Result<()>;
}

/// A line that makes `condition` true, if there is one; an empty one where it is
/// not about lines.
pub(crate) fn met(world: &mut dyn World, condition: &Condition<'_>) -> Option<Line> {
    let empty = || Line {
        at: Duration::ZERO,
        text: String::new(),
    };
    match *condition {
        Condition::Says { who, texts, from } => {
            let lines = world.console(who, from);
            let says = |text: &&str| lines.iter().find(|line| line.text.contains(*text)).cloned();
            texts.iter().find_map(says)
        }
        Condition::Reports(who) => {
            let text = world.report(who).ok()?;
            Report::is_complete(&text).then(empty)
        }
        Condition::Ends(who) => (!world.runs(who)).then(empty),
        Condition::News(who, count) => (world.console(who, 0).len() > count).then(empty),
        Condition::Nothing => None,
        Condition::Either(first, second) => met(world, first).or_else(|| met(world, second)),
    }
}

/// Lets time go by until `condition` holds.
///
/// # Errors
/// [`Error::Timeout`] after `bound`, [`Error::Ended`] when the machine ends before.
pub(crate) fn wait(
    world: &mut dyn World,
    condition: &Condition<'_>,
    bound: Duration,
) -> Result<Line> {
    let until = world.now() + bound;
    world.run(until, condition)?;
    // It may have ended with what is waited for as its last word.
    met(world, condition).ok_or_else(|| missed(world, condition, bound))
}

/// Says why `condition` did not come true within `bound`.
pub(crate) fn missed(world: &mut dyn World, condition: &Condition<'_>, bound: Duration) -> Error {
    let vm = condition
        .who()
        .map_or_else(String::new, |who| who.to_string());
    let what = condition.to_string();
    match condition.who() {
        Some(who) if !world.runs(who) => Error::Ended { vm, what },
        _ => Error::Timeout {
            vm,
            what,
            seconds: bound.as_secs(),
        },
    }
}
